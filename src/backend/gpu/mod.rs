//! gpu
pub mod fftgen;

use std::sync::Arc;

use super::Executor;
use crate::error::{Error, Result};
use crate::program::Program;

pub enum Wanted {
    Any,
    Hardware,
}

pub fn has_hardware() -> bool {
    false
}

pub fn compile(_: Arc<Program>, _: Wanted) -> Result<Box<dyn Executor>> {
    Err(Error::device("not yet"))
}
