//! gpu
pub mod fftgen;
