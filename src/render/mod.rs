//! Pictures of fields, masks and results: plain arrays in, PNG files out.

mod bars;
pub mod canvas;
pub mod chip;
pub mod colormap;
pub mod confusion;
pub mod curves;
pub mod field;
pub mod lines;
pub mod masks;
pub mod matrix;
pub mod panel;
#[cfg(test)]
mod samples;
pub mod story;
pub mod sweep;
pub mod ticks;

use std::path::Path;

use crate::error::{Error, Result};

/// Refuses the name of a picture, given with `flag`, that another format goes by: all are PNG.
pub fn check_png(flag: &str, path: &Path) -> Result<()> {
    if path.extension().is_some_and(|e| e.eq_ignore_ascii_case("png")) {
        return Ok(());
    }
    let rule = format!("{} does not end in .png, and pictures are PNG files", path.display());
    let name = path.with_extension("png");
    Err(Error::invalid(flag, rule).help(format!("call it {}", name.display())))
}
