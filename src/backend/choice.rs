//! Which device runs a program.

use std::sync::Arc;

use super::Executor;
use super::cpu;
use crate::error::{Error, Result};
use crate::program::Program;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Backend {
    /// A real GPU, else the CPU; a software Vulkan adapter only when `Gpu` asks for it.
    #[default]
    Auto,
    Cpu,
    Gpu,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Precision {
    #[default]
    F32,
    /// On the CPU alone: WGSL has no f64.
    F64,
}

#[derive(Debug, Clone, Copy)]
pub struct Choice {
    pub backend: Backend,
    pub precision: Precision,
    /// All cores when `None`.
    pub threads: Option<usize>,
    /// Run the program that `lower::fuse` makes; f64, the oracle, never does.
    pub fuse: bool,
    /// Measure which plans are fastest on a real GPU where the cache does not know; a run that is
    /// resumed does not.
    pub tune: bool,
}

impl Default for Choice {
    fn default() -> Self {
        let (backend, precision) = (Backend::default(), Precision::default());
        Self { backend, precision, threads: None, fuse: true, tune: true }
    }
}

impl Choice {
    /// Whether the program should be fused before it is compiled.
    pub fn fuses(&self) -> bool {
        self.fuse && self.precision == Precision::F32
    }

    /// Whether a program runs on a GPU.
    pub fn is_gpu(&self) -> bool {
        match self.backend {
            Backend::Gpu => true,
            Backend::Auto => self.precision == Precision::F32 && super::gpu::has_hardware(),
            Backend::Cpu => false,
        }
    }

    /// Compiles a program for the device chosen.
    pub fn compile(&self, program: Arc<Program>) -> Result<Box<dyn Executor>> {
        match (self.backend, self.precision) {
            (Backend::Gpu, Precision::F64) => Err(Error::invalid(
                "--precision",
                "f64 was asked for on a GPU; WGSL computes in f32",
            )
            .help("use --backend cpu for f64")),
            (Backend::Gpu, Precision::F32) => {
                super::gpu::compile(program, super::gpu::Wanted::Any, self.tune)
            }
            (Backend::Auto, Precision::F32) if super::gpu::has_hardware() => {
                super::gpu::compile(program, super::gpu::Wanted::Hardware, self.tune)
            }
            (_, precision) => cpu::compile(program, precision, self.threads),
        }
    }
}
