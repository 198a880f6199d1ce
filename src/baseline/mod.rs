//! The digital baseline: what an ordinary machine does with the same work.
//!
//! - [`matmul`]: C = A B in f32 on the CPU, by the `gemm` crate (of faer and candle; AVX-512 where
//!   the CPU has it); `backend::gpu::matmul` is its fellow in WGSL;
//! - [`gpu`]: how fast that is on the GPU at hand, and its power;
//! - [`network`]: the smallest digital network that does a task as well as a machine of light;
//! - [`power`]: joules of its CPU and of its graphics card, where it tells them.

pub mod gpu;
pub mod matmul;
pub mod network;
pub mod power;
