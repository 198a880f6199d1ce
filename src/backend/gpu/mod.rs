//! The GPU, through wgpu: Vulkan, Metal and DX12 alike. The only part of the program that names
//! wgpu.
//!
//! A routine is one submission; pipelines, bind groups and buffers are made before the first.

pub mod compile;
pub mod device;
pub mod executor;
pub mod export;
pub mod fftgen;
mod kernels;
mod layout;
pub mod limits;
mod list;
pub mod matmul;
pub mod memory;
pub mod pipelines;
pub mod shaders;
mod submit;
mod tune;

use std::sync::Arc;

use super::Executor;
use crate::error::Result;
use crate::program::Program;

pub use device::{AdapterReport, Wanted, adapters, has_hardware};
pub use tune::Tuning;

/// Compiles a program for a GPU; `tune` lets plans be measured that the cache does not hold.
pub fn compile(program: Arc<Program>, wanted: Wanted, tune: bool) -> Result<Box<dyn Executor>> {
    let recalled = || tune::path().map_or(Tuning::Table, Tuning::Recalled);
    let tuning = (!tune).then(recalled);
    compile_within(program, wanted, &Within { tuning, ..Within::default() })
}

/// Less than an adapter would allow.
#[derive(Debug, Clone, Default)]
pub struct Within {
    /// Bytes of a binding: smaller micro-batches, the same bits.
    pub binding: Option<u64>,
    /// Bytes of all buffers of a program: likewise.
    pub memory: Option<u64>,
    /// Bytes of workgroup memory: lines are cut.
    pub workgroup: Option<u32>,
    /// What line plans are made by.
    pub table: Option<fftgen::Table>,
    /// Else a real GPU is tuned, and what was found is kept below the user's cache folder.
    pub tuning: Option<Tuning>,
}

/// Likewise, as on a smaller device.
pub fn compile_within(
    program: Arc<Program>,
    wanted: Wanted,
    within: &Within,
) -> Result<Box<dyn Executor>> {
    let mut device = device::Device::open(wanted)?;
    let limits = &mut device.limits;
    let binding = &mut limits.max_storage_buffer_binding_size;
    *binding = within.binding.unwrap_or(*binding).min(*binding);
    let workgroup = &mut limits.max_compute_workgroup_storage_size;
    *workgroup = within.workgroup.unwrap_or(*workgroup).min(*workgroup);
    device.memory = within.memory.unwrap_or(device.memory);
    device.table = within.table.unwrap_or(device.table);
    let own = || match tune::path() {
        Some(path) if !device.software => Tuning::Measured(path),
        _ => Tuning::Table,
    };
    let tuning = within.tuning.clone().unwrap_or_else(own);
    Ok(Box::new(executor::Gpu::new(program, Arc::new(device), &tuning)?))
}
