//! `.npy` bytes -> typed items in C order. Every length is checked before it is used.

/// What one item is, and how many bytes it takes (for complex, one part).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Bool,
    Unsigned(usize),
    Signed(usize),
    Float(usize),
    Complex(usize),
}

impl Kind {
    fn from_descr(descr: &str) -> Option<(Self, bool)> {
        let mut chars = descr.chars();
        let big_endian = match chars.next()? {
            '<' | '|' => false,
            '=' => cfg!(target_endian = "big"),
            '>' => true,
            _ => return None,
        };
        let kind = match chars.as_str() {
            "b1" => Self::Bool,
            "u1" => Self::Unsigned(1),
            "u2" => Self::Unsigned(2),
            "u4" => Self::Unsigned(4),
            "u8" => Self::Unsigned(8),
            "i1" => Self::Signed(1),
            "i2" => Self::Signed(2),
            "i4" => Self::Signed(4),
            "i8" => Self::Signed(8),
            "f4" => Self::Float(4),
            "f8" => Self::Float(8),
            "c8" => Self::Complex(4),
            "c16" => Self::Complex(8),
            _ => return None,
        };
        Some((kind, big_endian))
    }

    fn bytes(self) -> usize {
        match self {
            Self::Bool => 1,
            Self::Unsigned(n) | Self::Signed(n) | Self::Float(n) => n,
            Self::Complex(n) => 2 * n,
        }
    }
}

/// An array as the file stores it, but in C order.
#[derive(Debug)]
pub struct Raw {
    pub shape: Vec<usize>,
    pub kind: Kind,
    big_endian: bool,
    /// The items alone.
    bytes: Vec<u8>,
}

impl Raw {
    /// Parses a whole file; the error says what is wrong with it.
    pub fn parse(mut bytes: Vec<u8>) -> Result<Self, String> {
        let (text, start) = header_text(&bytes)?;
        let descr = entry(text, "descr")?;
        let (kind, big_endian) = quoted(descr).and_then(Kind::from_descr).ok_or_else(|| {
            let name: String = descr.chars().take(40).collect();
            format!(
                "items of type {name} are not read, only bool, 8 to 64 bit integers, float32, \
                 float64, complex64 and complex128"
            )
        })?;
        let order = entry(text, "fortran_order")?;
        let fortran = match (order.starts_with("True"), order.starts_with("False")) {
            (true, _) => true,
            (_, true) => false,
            _ => return Err("the header's `fortran_order` is neither True nor False".into()),
        };
        let shape = parse_shape(entry(text, "shape")?)?;
        let promised = shape
            .iter()
            .try_fold(kind.bytes(), |n, &d| n.checked_mul(d))
            .ok_or_else(|| format!("the header's shape {shape:?} is larger than any memory"))?;
        let held = bytes.len() - start;
        if held < promised {
            return Err(format!(
                "truncated: the header's shape {shape:?} needs {promised} bytes, {} are missing",
                promised - held
            ));
        }
        if held > promised {
            return Err(format!(
                "{} bytes follow after the array of shape {shape:?}",
                held - promised
            ));
        }
        bytes.drain(..start);
        if fortran && shape.len() > 1 {
            bytes = c_order(&bytes, &shape, kind.bytes());
        }
        Ok(Self { shape, kind, big_endian, bytes })
    }

    pub fn len(&self) -> usize {
        self.bytes.len() / self.kind.bytes()
    }

    /// Item `i`; of a complex item the real part.
    pub fn real(&self, i: usize) -> f64 {
        self.number(i * self.kind.bytes())
    }

    /// Imaginary part of item `i`, zero for a real one.
    pub fn imaginary(&self, i: usize) -> f64 {
        match self.kind {
            Kind::Complex(n) => self.number(i * 2 * n + n),
            _ => 0.0,
        }
    }

    /// The items of an array of 8 bits, not copied.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    fn number(&self, at: usize) -> f64 {
        let word = |n: usize| {
            let item = self.bytes[at..at + n].iter();
            let push = |word: u64, &byte: &u8| word << 8 | u64::from(byte);
            if self.big_endian { item.fold(0, push) } else { item.rev().fold(0, push) }
        };
        match self.kind {
            Kind::Bool => f64::from(u8::from(word(1) != 0)),
            Kind::Unsigned(n) => word(n) as f64,
            Kind::Signed(n) => ((word(n) << (64 - 8 * n)) as i64 >> (64 - 8 * n)) as f64,
            Kind::Float(4) | Kind::Complex(4) => f64::from(f32::from_bits(word(4) as u32)),
            Kind::Float(_) | Kind::Complex(_) => f64::from_bits(word(8)),
        }
    }
}

/// The header's text and the offset of the first item.
fn header_text(bytes: &[u8]) -> Result<(&str, usize), String> {
    if !bytes.starts_with(super::MAGIC) {
        return Err("not a NumPy array: it does not start with \\x93NUMPY".into());
    }
    let short = || format!("truncated inside the header, after {} bytes", bytes.len());
    let (length, start) = match bytes.get(6).ok_or_else(short)? {
        1 => {
            let n = bytes.get(8..10).ok_or_else(short)?;
            (u64::from(n[0]) | u64::from(n[1]) << 8, 10)
        }
        2 | 3 => {
            let n = bytes.get(8..12).ok_or_else(short)?;
            (n.iter().rev().fold(0, |n, &byte| n << 8 | u64::from(byte)), 12)
        }
        version => return Err(format!("NPY format version {version} is not known, only 1 to 3")),
    };
    let rest = &bytes[start..];
    if length > rest.len() as u64 {
        return Err(format!(
            "truncated: the header claims {length} bytes, the file holds {} more",
            rest.len()
        ));
    }
    let text = std::str::from_utf8(&rest[..length as usize])
        .map_err(|e| format!("the header is not text at byte {}", start + e.valid_up_to()))?;
    Ok((text, start + length as usize))
}

/// What follows `'key':` in the header's Python dictionary.
fn entry<'a>(text: &'a str, key: &str) -> Result<&'a str, String> {
    ['\'', '"']
        .iter()
        .find_map(|q| text.split_once(&format!("{q}{key}{q}")))
        .and_then(|(_, rest)| rest.trim_start().strip_prefix(':'))
        .map(str::trim_start)
        .ok_or_else(|| format!("the header has no entry `{key}`"))
}

fn quoted(text: &str) -> Option<&str> {
    let quote = text.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
    text[1..].split_once(quote).map(|(inside, _)| inside)
}

fn parse_shape(text: &str) -> Result<Vec<usize>, String> {
    let wrong = || "the header's `shape` is not a tuple of sizes".to_owned();
    let inside = text.strip_prefix('(').and_then(|t| t.split_once(')')).ok_or_else(wrong)?.0;
    let sizes = inside.trim().trim_end_matches(',');
    if sizes.is_empty() {
        return Ok(Vec::new());
    }
    let size = |s: &str| s.trim().trim_end_matches('L').parse().map_err(|_| wrong());
    let shape: Vec<usize> = sizes.split(',').map(size).collect::<Result<_, String>>()?;
    if shape.len() > 32 {
        return Err(format!("an array of {} dimensions; 32 is the most", shape.len()));
    }
    Ok(shape)
}

/// Fortran order (first index fastest) -> C order (last index fastest).
fn c_order(bytes: &[u8], shape: &[usize], item: usize) -> Vec<u8> {
    let mut strides = vec![item; shape.len()];
    for d in 1..shape.len() {
        strides[d] = strides[d - 1].saturating_mul(shape[d - 1]);
    }
    let mut index = vec![0; shape.len()];
    let mut at = 0;
    let mut out = Vec::with_capacity(bytes.len());
    for _ in 0..bytes.len() / item {
        out.extend_from_slice(&bytes[at..at + item]);
        for d in (0..shape.len()).rev() {
            index[d] += 1;
            at += strides[d];
            if index[d] < shape[d] {
                break;
            }
            at -= strides[d] * shape[d];
            index[d] = 0;
        }
    }
    out
}
