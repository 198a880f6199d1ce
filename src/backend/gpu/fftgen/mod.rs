//! fftgen (placeholder until merged)
use crate::ops::kernel::LinePass;
#[derive(Clone, Copy)]
pub struct Limits;
impl Limits {
    pub fn of(_: usize, _: usize) -> Self {
        Self
    }
}
pub struct LineKernel {
    pub text: String,
    pub length: usize,
    pub sums: bool,
}
impl LineKernel {
    pub fn grid(&self, _: usize, _: usize) -> [u32; 3] {
        [0; 3]
    }
    pub fn lines(&self, _: usize) -> usize {
        0
    }
}
pub fn kernel(_: LinePass, _: [usize; 2], _: [usize; 2], _: Limits) -> Option<LineKernel> {
    None
}
pub fn twiddles(_: usize) -> Vec<[f32; 2]> {
    Vec::new()
}
pub fn order(_: usize, _: Limits) -> Option<Vec<u32>> {
    None
}
