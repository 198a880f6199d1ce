//! θ' = min(max(θ, low), high), in place: projects a bounded parameter back after an update.

use super::case::{Case, build};
use super::kernel::{Cost, CpuCompile, CpuKernel, GpuKernel, Word};
use super::{Op, Primitive, expect};
use crate::error::Result;
use crate::math::scalar::Scalar;
use crate::program::{Shape, Slot};

#[derive(Debug, Clone)]
pub struct Clamp {
    pub low: f64,
    pub high: f64,
    /// Of the parameter.
    pub dims: Vec<usize>,
}

impl Primitive for Clamp {
    const NAME: &'static str = "clamp";

    fn shape(&self, inputs: &[&Slot]) -> Result<Shape> {
        expect(Self::NAME, inputs, &[])?;
        Ok(Shape::real(&self.dims))
    }

    fn cpu<T: Scalar>(&self, _: &[&Slot], _: &mut CpuCompile<T>) -> CpuKernel<T> {
        let (low, high) = (T::of(self.low), T::of(self.high));
        // A NaN stays one: it is reported where it was born.
        CpuKernel::new(move |io| {
            for theta in io.outputs[0].real() {
                if *theta < low {
                    *theta = low;
                } else if *theta > high {
                    *theta = high;
                }
            }
        })
    }

    fn gpu(&self, _: &[&Slot]) -> GpuKernel {
        GpuKernel::pointwise(Self::NAME, self.dims.iter().product())
            .entry("clamp_in_place")
            .word("low", Word::F32(self.low as f32))
            .word("high", Word::F32(self.high as f32))
    }

    fn cost(&self, _: &[&Slot]) -> Cost {
        let n: usize = self.dims.iter().product();
        Cost::new(2 * n, 2 * n)
    }
}

pub fn cases() -> Vec<Case> {
    vec![build("clamp", 1.0, |c| {
        let theta = c.param(Shape::real(&[30]));
        let op = Clamp { low: -0.25, high: 0.5, dims: vec![30] };
        c.b.emit_into(Op::Clamp(op), &[], &[theta])
    })]
}
