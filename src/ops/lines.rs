//! What the line passes of a padded propagation share on the CPU: blocks of lines, transformed
//! together by rustfft.

use std::sync::Arc;

use num_complex::Complex;
use rayon::prelude::*;
use rustfft::{Fft, FftDirection};

use super::kernel::CpuCompile;
use crate::math::scalar::Scalar;

/// Lines a block: a run of 16 complex f32 is two cache lines, and a block of 512 samples a line
/// still fits the first cache level.
pub const BLOCK: usize = 16;

/// Transforms of one length, both ways, unnormalised.
pub struct Lines<T: Scalar> {
    pub length: usize,
    forward: Arc<dyn Fft<T>>,
    inverse: Arc<dyn Fft<T>>,
}

impl<T: Scalar> Lines<T> {
    pub fn new(length: usize, compile: &mut CpuCompile<T>) -> Self {
        let forward = compile.planner.plan_fft(length, FftDirection::Forward);
        let inverse = compile.planner.plan_fft(length, FftDirection::Inverse);
        Self { length, forward, inverse }
    }

    /// Complex numbers that [`Self::run`] wants behind a block.
    fn fft_scratch(&self) -> usize {
        self.forward.get_inplace_scratch_len().max(self.inverse.get_inplace_scratch_len())
    }

    /// Scratch for `blocks` blocks and the transforms.
    pub fn scratch(&self, blocks: usize) -> usize {
        blocks * BLOCK * self.length + self.fft_scratch()
    }

    /// Transforms the whole lines in `lines`; `scratch` is what is left behind the blocks.
    pub fn forward(&self, lines: &mut [Complex<T>], scratch: &mut [Complex<T>]) {
        self.forward
            .process_with_scratch(lines, &mut scratch[..self.forward.get_inplace_scratch_len()]);
    }

    pub fn inverse(&self, lines: &mut [Complex<T>], scratch: &mut [Complex<T>]) {
        self.inverse
            .process_with_scratch(lines, &mut scratch[..self.inverse.get_inplace_scratch_len()]);
    }
}

/// Runs `block(index, chunk, scratch)` over chunks of the output, on all threads if there is
/// nothing else to run there; `fresh` is what a thread then needs for scratch.
pub fn blocks<T: Scalar>(
    output: &mut [Complex<T>],
    chunk: usize,
    scratch: &mut [Complex<T>],
    fresh: Option<usize>,
    block: impl Fn(usize, &mut [Complex<T>], &mut [Complex<T>]) + Send + Sync,
) {
    if let Some(n) = fresh {
        let fresh = || vec![Complex::new(T::zero(), T::zero()); n];
        let chunks = output.par_chunks_mut(chunk).enumerate();
        chunks.for_each_init(fresh, |scratch, (i, chunk)| block(i, chunk, scratch));
    } else {
        for (i, chunk) in output.chunks_mut(chunk).enumerate() {
            block(i, chunk, scratch);
        }
    }
}
