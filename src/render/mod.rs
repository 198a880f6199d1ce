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
