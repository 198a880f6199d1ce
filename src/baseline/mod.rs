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

/// What a product takes on a device.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measured {
    /// Operations a second, two a MAC: the best of some tries, a limit.
    pub rate: f64,
    /// W while it works, where a meter tells it.
    pub watts: Option<f64>,
}

impl Measured {
    /// Of n x n by n x n: seconds of the best try, and joules and seconds of a metered one.
    fn of(n: usize, best: f64, spent: Option<[f64; 2]>) -> Self {
        let watts = spent.map(|[joules, seconds]| joules / seconds).filter(|w| *w > 0.0);
        Self { rate: 2.0 * (n as f64).powi(3) / best, watts }
    }
}
