//! `NumPy` sets: `x_train, y_train, x_test, y_test` in one `.npz`, or as four `.npy` in a folder.

use std::io::Read;
use std::path::{Path, PathBuf};

use npyz::npz::NpzArchive;

use super::split::{Part, Pixels};
use super::{Source, folder, labels, outside, outside_disc};
use crate::error::{Error, Result};
use crate::files::npy::parse::{Kind, Raw};
use crate::files::npy::unravel;

const NAMES: [&str; 4] = ["x_train", "y_train", "x_test", "y_test"];

/// An array and how an error names it.
struct Named {
    path: PathBuf,
    name: &'static str,
    raw: Raw,
}

impl Named {
    fn parse(path: PathBuf, name: &'static str, bytes: Vec<u8>) -> Result<Self> {
        match Raw::parse(bytes) {
            Ok(raw) => Ok(Self { path, name, raw }),
            Err(what) => Err(Error::format(&path, format!("{name}: {what}"))
                .help("write it anew with numpy.save or numpy.savez")),
        }
    }

    fn wrong(&self, what: &str) -> Error {
        Error::format(&self.path, format!("{}: {what}", self.name))
    }
}

pub(super) fn load_npz(path: &Path) -> Result<Source> {
    let damaged = |e: &dyn std::fmt::Display| {
        Error::format(path, format!("not a readable .npz archive: {e}"))
            .help("write it anew with numpy.savez(path, x_train=..., y_train=..., x_test=..., y_test=...)")
    };
    let file = std::fs::File::open(path).map_err(|e| Error::file(path, "read", e))?;
    let mut archive = NpzArchive::new(std::io::BufReader::new(file)).map_err(|e| damaged(&e))?;
    let mut read = |name: &'static str| {
        let here: Vec<String> = archive.array_names().map(str::to_owned).collect();
        if !here.iter().any(|n| n == name) {
            let what = format!("no array {name} is in it, only {}", here.join(", "));
            return Err(Error::format(path, what)
                .help("the arrays are x_train, y_train, x_test and y_test"));
        }
        let mut bytes = Vec::new();
        let mut entry =
            archive.zip_archive().by_name(&format!("{name}.npy")).map_err(|e| damaged(&e))?;
        entry.read_to_end(&mut bytes).map_err(|e| damaged(&e))?;
        Named::parse(path.to_owned(), name, bytes)
    };
    let [a, b, c, d] = NAMES;
    set(&folder::name_of(path), [read(a)?, read(b)?, read(c)?, read(d)?])
}

pub(super) fn load_folder(folder: &Path) -> Result<Source> {
    let read = |name: &'static str| {
        let path = folder.join(format!("{name}.npy"));
        let bytes = std::fs::read(&path).map_err(|e| Error::file(&path, "read", e))?;
        Named::parse(path, name, bytes)
    };
    let [a, b, c, d] = NAMES;
    set(&folder::name_of(folder), [read(a)?, read(b)?, read(c)?, read(d)?])
}

fn set(name: &str, arrays: [Named; 4]) -> Result<Source> {
    let [x_train, y_train, x_test, y_test] = arrays;
    let image = image_of(&x_train)?;
    if image_of(&x_test)? != image {
        let what = format!("shape {:?}, but x_train has {:?}", x_test.raw.shape, x_train.raw.shape);
        return Err(x_test.wrong(&what));
    }
    let [train_labels, test_labels] = [(&x_train, &y_train), (&x_test, &y_test)].map(|(x, y)| {
        let labels = labels_of(y)?;
        if labels.len() == x.raw.shape[0] {
            return Ok(labels);
        }
        Err(y.wrong(&format!("{} labels for {} samples", labels.len(), x.raw.shape[0])))
    });
    let test_labels = test_labels?;
    let numbered = labels::number(&train_labels?, &test_labels).map_err(|at| match at {
        Some(at) => {
            y_test.wrong(&format!("label {} at index {at} is not in y_train", test_labels[at]))
        }
        None => y_train.wrong("more than 65,535 classes"),
    })?;
    let is_complex = |x: &Named| matches!(x.raw.kind, Kind::Complex(_));
    let complex = is_complex(&x_train);
    if is_complex(&x_test) != complex {
        return Err(x_test
            .wrong("complex numbers in one of x_train and x_test alone")
            .help("save both as complex64"));
    }
    Ok(Source {
        name: name.to_owned(),
        classes: numbered.classes,
        image: [image[0], if complex { 2 * image[1] } else { image[1] }],
        complex,
        train: Part { pixels: pixels_of(x_train)?, labels: numbered.train },
        test: Part { pixels: pixels_of(x_test)?, labels: numbered.test },
    })
}

fn image_of(x: &Named) -> Result<[usize; 2]> {
    if x.raw.len() == 0 {
        return Err(x.wrong(&format!("empty, shape {:?}", x.raw.shape)));
    }
    match x.raw.shape[..] {
        [_, n] => Ok([1, n]),
        [_, height, width] | [_, height, width, 1] | [_, 1, height, width] => Ok([height, width]),
        _ => Err(x.wrong(&format!(
            "shape {:?} where images [n, y, x] or vectors [n, values] belong",
            x.raw.shape
        ))),
    }
}

fn labels_of(y: &Named) -> Result<Vec<String>> {
    if !matches!(y.raw.shape[..], [_] | [_, 1]) {
        return Err(y
            .wrong(&format!("shape {:?} where labels [n] belong", y.raw.shape))
            .help("of one-hot labels save np.argmax(y, axis=1)"));
    }
    let whole = |i: usize| {
        let value = y.raw.real(i);
        if value.fract() == 0.0 && !matches!(y.raw.kind, Kind::Complex(_)) {
            return Ok(value.to_string());
        }
        Err(y.wrong(&format!("the label at index {i} is {value}, not a whole number")))
    };
    (0..y.raw.len()).map(whole).collect()
}

fn pixels_of(x: Named) -> Result<Pixels> {
    let raw = &x.raw;
    let values = raw.shape.iter().skip(1).product();
    match raw.kind {
        Kind::Unsigned(1) => {
            if (0..raw.len()).all(|i| raw.real(i) <= 1.0) {
                return Err(x
                    .wrong("8-bit values are scaled by 1/255, but here all are 0 or 1")
                    .help("save them as bool or float32"));
            }
            Ok(Pixels::bytes(&x.raw.into_bytes(), values))
        }
        Kind::Bool => {
            let bytes: Vec<u8> = (0..raw.len()).map(|i| raw.real(i) as u8 * 255).collect();
            Ok(Pixels::bytes(&bytes, values))
        }
        Kind::Float(_) => {
            let value = |i: usize| match outside(raw.real(i)) {
                None => Ok(raw.real(i) as f32),
                Some((what, help)) => {
                    let index = unravel(i, &raw.shape);
                    Err(x
                        .wrong(&format!("sample {}, value at {index:?}: {what}", index[0]))
                        .help(help))
                }
            };
            Ok(Pixels::Floats((0..raw.len()).map(value).collect::<Result<_>>()?))
        }
        Kind::Complex(_) => {
            let mut pairs = Vec::with_capacity(2 * raw.len());
            for i in 0..raw.len() {
                let (re, im) = (raw.real(i), raw.imaginary(i));
                if let Some((what, help)) = outside_disc(re, im) {
                    let index = unravel(i, &raw.shape);
                    return Err(x
                        .wrong(&format!("sample {}, value at {index:?}: {what}", index[0]))
                        .help(help));
                }
                pairs.extend([re as f32, im as f32]);
            }
            Ok(Pixels::Floats(pairs))
        }
        _ => Err(x
            .wrong("items are neither 8-bit values 0..255, bool, floats 0..1 nor complex")
            .help("save x.astype(np.uint8), or floats scaled to 0..1")),
    }
}
