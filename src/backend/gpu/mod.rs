//! The GPU, through wgpu: Vulkan, Metal and DX12 alike. The only part of the program that names
//! wgpu.
//!
//! A routine is one submission; pipelines, bind groups and buffers are made before the first.

pub mod compile;
pub mod device;
pub mod executor;
pub mod fftgen;
pub mod shaders;

use std::sync::Arc;

use super::Executor;
use crate::error::Result;
use crate::program::Program;

pub use device::{AdapterReport, Wanted, adapters, has_hardware};

/// Compiles a program for a GPU.
pub fn compile(program: Arc<Program>, wanted: Wanted) -> Result<Box<dyn Executor>> {
    let device = device::Device::open(wanted)?;
    Ok(Box::new(executor::Gpu::new(program, Arc::new(device))?))
}
