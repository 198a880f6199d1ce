//! Arrays and pictures inside a page.

use std::io::{Cursor, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::ZlibEncoder;
use num_complex::Complex;
use serde::Serialize;

use crate::error::{Error, Result};
use crate::render::colormap::Rgb;

pub fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// zlib, then base64: what a page unpacks with `DecompressionStream("deflate")`.
pub fn packed(bytes: &[u8]) -> String {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    // A vector takes everything.
    let _ = encoder.write_all(bytes);
    base64(&encoder.finish().unwrap_or_default())
}

/// A picture of `[y, x]` pixels as a `data:` address.
pub fn picture(size: [usize; 2], pixel: impl Fn(usize) -> Rgb) -> Result<String> {
    let rgb: Vec<u8> = (0..size[0] * size[1]).flat_map(pixel).collect();
    data_png(&rgb, size, image::ExtendedColorType::Rgb8)
}

/// A grey picture of values 0..1.
pub fn grey(size: [usize; 2], values: &[f64]) -> Result<String> {
    let bytes: Vec<u8> = values.iter().map(|v| (v * 255.0).round() as u8).collect();
    data_png(&bytes, size, image::ExtendedColorType::L8)
}

fn data_png(pixels: &[u8], [h, w]: [usize; 2], colour: image::ExtendedColorType) -> Result<String> {
    let mut png = Cursor::new(Vec::new());
    let format = image::ImageFormat::Png;
    image::write_buffer_with_format(&mut png, pixels, w as u32, h as u32, colour, format)
        .map_err(|e| Error::device(format!("a picture for the report cannot be made: {e}")))?;
    Ok(data_address(png.get_ref()))
}

pub fn data_address(png: &[u8]) -> String {
    format!("data:image/png;base64,{}", base64(png))
}

/// A complex field in 16 bits a part.
#[derive(Serialize)]
pub struct Field {
    /// Of what is kept `[y, x]`.
    samples: [usize; 2],
    /// Every how many samples one is kept.
    step: usize,
    /// Of one unit.
    scale: f64,
    /// re im re im, i16.
    data: String,
}

impl Field {
    pub fn new(values: &[Complex<f64>], [ny, nx]: [usize; 2], step: usize) -> Self {
        let largest = values.iter().flat_map(|z| [z.re.abs(), z.im.abs()]).fold(0.0, f64::max);
        let scale = if largest > 0.0 { largest / f64::from(i16::MAX) } else { 1.0 };
        let kept = [ny, nx].map(|n| n.div_ceil(step));
        let mut codes: Vec<i16> = Vec::with_capacity(2 * kept[0] * kept[1]);
        for y in (0..ny).step_by(step) {
            for x in (0..nx).step_by(step) {
                let z = values[y * nx + x];
                codes.extend([z.re, z.im].map(|v| (v / scale).round() as i16));
            }
        }
        let bytes: Vec<u8> = codes.iter().flat_map(|c| c.to_le_bytes()).collect();
        Self { samples: kept, step, scale, data: packed(&bytes) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    /// Half a code of the largest part is the error of any.
    #[test]
    fn fields_survive_sixteen_bits() {
        let values: Vec<_> =
            (0..12).map(|i| Complex::new(f64::from(i) - 5.3, 0.01 * f64::from(i * i))).collect();
        let field = Field::new(&values, [3, 4], 1);
        let raw = STANDARD.decode(&field.data).expect("base64");
        let mut bytes = Vec::new();
        flate2::read::ZlibDecoder::new(&raw[..]).read_to_end(&mut bytes).expect("zlib");
        let codes: Vec<f64> =
            bytes.chunks(2).map(|c| f64::from(i16::from_le_bytes([c[0], c[1]]))).collect();
        for (z, c) in values.iter().zip(codes.chunks(2)) {
            let half = 0.5 * field.scale * (1.0 + 1e-12);
            assert!((z.re - c[0] * field.scale).abs() <= half);
            assert!((z.im - c[1] * field.scale).abs() <= half);
        }
        assert_eq!(Field::new(&values, [3, 4], 2).samples, [2, 2]);
    }
}
