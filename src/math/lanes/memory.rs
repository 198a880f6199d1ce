//! Floats aligned to 64 bytes: a cache line, and a register of AVX-512.

use bytemuck::{Pod, Zeroable};

#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C, align(64))]
struct CacheLine([f32; 16]);

/// Zeros to begin with.
#[derive(Clone)]
pub struct Floats {
    lines: Vec<CacheLine>,
    length: usize,
}

impl Floats {
    pub fn new(length: usize) -> Self {
        Self { lines: vec![CacheLine::zeroed(); length.div_ceil(16)], length }
    }
}

impl std::ops::Deref for Floats {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        &bytemuck::cast_slice(&self.lines)[..self.length]
    }
}

impl std::ops::DerefMut for Floats {
    fn deref_mut(&mut self) -> &mut [f32] {
        &mut bytemuck::cast_slice_mut(&mut self.lines)[..self.length]
    }
}

pub(super) fn is_aligned(slice: &[f32]) -> bool {
    slice.as_ptr().addr().is_multiple_of(64)
}
