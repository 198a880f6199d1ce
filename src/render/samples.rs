//! Pictures to test with, and reading them back.

use std::path::{Path, PathBuf};

use num_complex::Complex;

/// Where the tests leave their pictures, to be looked at.
pub fn folder() -> PathBuf {
    let folder = std::env::temp_dir().join("lightloom-pictures");
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// Width, height and the colour of a pixel.
pub fn read(path: &Path) -> (usize, usize, impl Fn(usize, usize) -> [u8; 3] + use<>) {
    let picture = image::open(path).unwrap().into_rgb8();
    let (w, h) = picture.dimensions();
    (w as usize, h as usize, move |x: usize, y: usize| picture.get_pixel(x as u32, y as u32).0)
}

/// A curved Gaussian beam of `waist` samples with a ripple.
pub fn beam(samples: [usize; 2], waist: f64) -> Vec<Complex<f64>> {
    let mut out = Vec::new();
    for j in 0..samples[0] {
        for i in 0..samples[1] {
            let y = j as f64 - (samples[0] as f64 - 1.0) / 2.0;
            let x = i as f64 - (samples[1] as f64 - 1.0) / 2.0;
            let r = (x * x + y * y) / (waist * waist);
            let ripple = 1.0 + 0.5 * (x / waist * 6.0).cos() * (y / waist * 4.0).sin();
            out.push(Complex::from_polar((-r).exp() * ripple, 3.0 * r + x / waist));
        }
    }
    out
}
