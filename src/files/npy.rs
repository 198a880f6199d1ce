//! `NumPy` arrays: complex and real `.npy`, any byte order, C or Fortran order.

use std::io::{self, Write};
use std::path::Path;

use num_complex::Complex;

use super::{atomic, png};
use crate::error::{Error, Result};

pub(crate) mod parse;
#[cfg(test)]
mod tests;

use parse::{Kind, Raw};

pub const MAGIC: &[u8; 6] = b"\x93NUMPY";

const WAY_OUT: &str = "write it anew with numpy.save, as float32, float64, complex64 or complex128";

/// An array of any shape, last index fastest; every value is finite.
#[derive(Debug, Clone, PartialEq)]
pub struct Array {
    pub shape: Vec<usize>,
    pub data: Values,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Values {
    Real(Vec<f64>),
    Complex(Vec<Complex<f64>>),
}

/// A complex field and its shape `[y, x]`: `.npy` (complex or real) or a grey image as amplitude.
pub fn read_field(path: &Path) -> Result<([usize; 2], Vec<Complex<f64>>)> {
    let bytes = read_bytes(path)?;
    if bytes.starts_with(png::MAGIC) {
        let (shape, grey) = png::grey(path, &bytes)?;
        return Ok((shape, grey.into_iter().map(Complex::from).collect()));
    }
    if !bytes.starts_with(MAGIC) {
        return Err(Error::format(path, "neither a NumPy array nor a PNG image")
            .help("a field is a .npy array [y, x], complex or real, or a grey .png as amplitude"));
    }
    let array = from_bytes(path, bytes)?;
    let shape = plane(path, &array.shape)?;
    Ok(match array.data {
        Values::Complex(field) => (shape, field),
        Values::Real(amplitude) => (shape, amplitude.into_iter().map(Complex::from).collect()),
    })
}

/// A real array `[y, x]` from `.npy`.
pub fn read_real(path: &Path) -> Result<([usize; 2], Vec<f64>)> {
    let array = read_array(path)?;
    let shape = plane(path, &array.shape)?;
    match array.data {
        Values::Real(values) => Ok((shape, values)),
        Values::Complex(_) => Err(Error::format(path, "complex values where real ones are needed")
            .help("save its real part, np.abs or np.angle of it, whichever is meant")),
    }
}

/// Any `.npy` array of numbers.
pub fn read_array(path: &Path) -> Result<Array> {
    from_bytes(path, read_bytes(path)?)
}

fn read_bytes(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|e| Error::file(path, "read", e))
}

fn from_bytes(path: &Path, bytes: Vec<u8>) -> Result<Array> {
    let raw = Raw::parse(bytes).map_err(|what| Error::format(path, what).help(WAY_OUT))?;
    let items = 0..raw.len();
    let data = if matches!(raw.kind, Kind::Complex(_)) {
        Values::Complex(items.map(|i| Complex::new(raw.real(i), raw.imaginary(i))).collect())
    } else {
        Values::Real(items.map(|i| raw.real(i)).collect())
    };
    let bad = match &data {
        Values::Real(v) => v.iter().position(|x| !x.is_finite()),
        Values::Complex(v) => v.iter().position(|x| !x.is_finite()),
    };
    if let Some(i) = bad {
        let value = match &data {
            Values::Real(v) => v[i].to_string(),
            Values::Complex(v) => v[i].to_string(),
        };
        let index = unravel(i, &raw.shape);
        return Err(Error::format(path, format!("the value at {index:?} is {value}"))
            .help("every value must be finite; np.argwhere(~np.isfinite(a)) lists the others"));
    }
    Ok(Array { shape: raw.shape, data })
}

/// Index of item `i` of an array in C order.
pub(crate) fn unravel(mut i: usize, shape: &[usize]) -> Vec<usize> {
    let mut index = vec![0; shape.len()];
    for (d, &size) in shape.iter().enumerate().rev() {
        index[d] = i % size;
        i /= size;
    }
    index
}

fn plane(path: &Path, shape: &[usize]) -> Result<[usize; 2]> {
    match *shape {
        [y, x] if y > 0 && x > 0 => Ok([y, x]),
        _ => Err(Error::format(path, format!("shape {shape:?} where [y, x] is needed"))
            .help("save one plane, a[0] of a stack for example")),
    }
}

/// `data` of shape `shape`, last index fastest.
pub fn write_complex64(path: &Path, shape: &[usize], data: &[Complex<f32>]) -> Result<()> {
    write(path, "<c8", shape, data, |v, w| {
        w.write_all(&v.re.to_le_bytes())?;
        w.write_all(&v.im.to_le_bytes())
    })
}

/// `data` of shape `shape`, last index fastest.
pub fn write_complex128(path: &Path, shape: &[usize], data: &[Complex<f64>]) -> Result<()> {
    write(path, "<c16", shape, data, |v, w| {
        w.write_all(&v.re.to_le_bytes())?;
        w.write_all(&v.im.to_le_bytes())
    })
}

/// `data` of shape `shape`, last index fastest.
pub fn write_f32(path: &Path, shape: &[usize], data: &[f32]) -> Result<()> {
    write(path, "<f4", shape, data, |v, w| w.write_all(&v.to_le_bytes()))
}

/// `data` of shape `shape`, last index fastest.
pub fn write_f64(path: &Path, shape: &[usize], data: &[f64]) -> Result<()> {
    write(path, "<f8", shape, data, |v, w| w.write_all(&v.to_le_bytes()))
}

fn write<T>(
    path: &Path,
    descr: &str,
    shape: &[usize],
    data: &[T],
    item: impl Fn(&T, &mut dyn Write) -> io::Result<()>,
) -> Result<()> {
    if shape.iter().product::<usize>() != data.len() {
        let what = format!("{} values for an array of shape {shape:?}", data.len());
        return Err(Error::Shape { op: "npy", what });
    }
    let mut header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': (");
    for size in shape {
        header.push_str(&format!("{size}, "));
    }
    header.push_str("), }");
    // NumPy wants the items at a multiple of 64 and the text to end in a newline.
    let padded = (10 + header.len() + 1).next_multiple_of(64) - 10;
    header.push_str(&" ".repeat(padded - 1 - header.len()));
    header.push('\n');
    atomic::write(path, |w| {
        w.write_all(MAGIC)?;
        w.write_all(&[1, 0])?;
        w.write_all(&(padded as u16).to_le_bytes())?;
        w.write_all(header.as_bytes())?;
        data.iter().try_for_each(|v| item(v, w))
    })
}
