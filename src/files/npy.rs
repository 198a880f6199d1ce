//! NumPy arrays.

use std::path::Path;

use num_complex::Complex;

use crate::error::Result;

/// A complex field and its shape `[y, x]`: `.npy` (complex or real) or a grey image as amplitude.
pub fn read_field(path: &Path) -> Result<([usize; 2], Vec<Complex<f64>>)> {
    todo!("{}", path.display())
}

/// A real array `[y, x]` from `.npy`.
pub fn read_real(path: &Path) -> Result<([usize; 2], Vec<f64>)> {
    todo!("{}", path.display())
}
