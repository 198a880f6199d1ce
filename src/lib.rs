//! Lightloom simulates light that computes, and trains it.

pub mod backend;
pub mod cli;
pub mod data;
pub mod error;
pub mod experiment;
pub mod files;
pub mod lower;
pub mod math;
pub mod methods;
pub mod ops;
pub mod optics;
pub mod program;
pub mod render;
pub mod report;
pub mod train;
pub mod units;

pub use error::{Error, Result};
