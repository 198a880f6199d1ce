//! The GPU, through wgpu: Vulkan, Metal and DX12 alike. The only part of the program that names
//! wgpu.
//!
//! A routine is one submission; pipelines, bind groups and buffers are made before the first.

pub mod compile;
pub mod device;
pub mod executor;
pub mod fftgen;
pub mod limits;
pub mod shaders;

use std::sync::Arc;

use super::Executor;
use crate::error::Result;
use crate::program::Program;

pub use device::{AdapterReport, Wanted, adapters, has_hardware};

/// Compiles a program for a GPU.
pub fn compile(program: Arc<Program>, wanted: Wanted) -> Result<Box<dyn Executor>> {
    compile_within(program, wanted, u64::MAX)
}

/// Likewise with bindings of at most `bytes`, where the adapter would allow more: smaller
/// micro-batches, the same bits.
pub fn compile_within(
    program: Arc<Program>,
    wanted: Wanted,
    bytes: u64,
) -> Result<Box<dyn Executor>> {
    let mut device = device::Device::open(wanted)?;
    let most = &mut device.limits.max_storage_buffer_binding_size;
    *most = bytes.min(*most);
    Ok(Box::new(executor::Gpu::new(program, Arc::new(device))?))
}
