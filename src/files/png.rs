//! Grey images from PNG: stored values as they are (no gamma), colour by Rec. 709 luma, no alpha.

use std::io::Cursor;
use std::path::Path;

use image::{DynamicImage, ImageFormat, ImageReader};

use crate::error::{Error, Result};

pub const MAGIC: &[u8; 8] = b"\x89PNG\r\n\x1a\n";

/// `[y, x]` and grey values of 8 bits.
pub fn grey8(path: &Path, bytes: &[u8]) -> Result<([usize; 2], Vec<u8>)> {
    let grey = decode(path, bytes)?.into_luma8();
    Ok(([grey.height() as usize, grey.width() as usize], grey.into_raw()))
}

/// `[y, x]` and grey values 0..1, from 16 bits where the file has them.
pub fn grey(path: &Path, bytes: &[u8]) -> Result<([usize; 2], Vec<f64>)> {
    let grey = decode(path, bytes)?.into_luma16();
    let shape = [grey.height() as usize, grey.width() as usize];
    Ok((shape, grey.into_raw().into_iter().map(|v| f64::from(v) / 65535.0).collect()))
}

fn decode(path: &Path, bytes: &[u8]) -> Result<DynamicImage> {
    ImageReader::with_format(Cursor::new(bytes), ImageFormat::Png).decode().map_err(|e| {
        Error::format(path, format!("not a readable PNG image: {e}"))
            .help("save the image again as PNG, grey, 8 or 16 bits")
    })
}
