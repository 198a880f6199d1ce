//! y += w x, summed over the samples of a leaf: a mean over the batch with w = 1 / batch.

use super::case::{Case, build};
use super::kernel::{Cost, CpuCompile, CpuKernel, GpuKernel, Word};
use super::{Op, Primitive, expect};
use crate::error::Result;
use crate::math::scalar::Scalar;
use crate::program::{Kind, Shape, Slot};

#[derive(Debug, Clone)]
pub struct SampleSum {
    pub weight: f64,
}

impl Primitive for SampleSum {
    const NAME: &'static str = "sample_sum";

    fn shape(&self, inputs: &[&Slot]) -> Result<Shape> {
        expect(Self::NAME, inputs, &[Kind::Real])?;
        Ok(inputs[0].shape.clone())
    }

    fn cpu<T: Scalar>(&self, _: &[&Slot], _: &mut CpuCompile<T>) -> CpuKernel<T> {
        let weight = T::of(self.weight);
        CpuKernel::new(move |io| {
            for (sum, &x) in io.outputs[0].real().iter_mut().zip(io.inputs[0].real()) {
                *sum += weight * x;
            }
        })
    }

    fn gpu(&self, inputs: &[&Slot]) -> GpuKernel {
        GpuKernel::pointwise(Self::NAME, inputs[0].shape.len())
            .word("weight", Word::F32(self.weight as f32))
    }

    fn cost(&self, inputs: &[&Slot]) -> Cost {
        let n = inputs[0].shape.len();
        Cost::new(2 * n, 3 * n)
    }
}

pub fn cases() -> Vec<Case> {
    vec![build("sample_sum", 8.0, |c| {
        let x = c.sample(Shape::real(&[9]));
        let sum = c.b.leaf("sum".into(), Shape::real(&[9]));
        c.b.emit_into(Op::SampleSum(SampleSum { weight: 0.125 }), &[x], &[sum])?;
        c.compare_leaf(sum)
    })]
}
