//! step' = step + 1, in place. The counter picks the row of a schedule.

use super::case::{Case, build};
use super::kernel::{Cost, CpuCompile, CpuKernel, GpuKernel};
use super::{Op, Primitive, expect};
use crate::error::Result;
use crate::math::scalar::Scalar;
use crate::program::{Data, Shape, Slot};

#[derive(Debug, Clone)]
pub struct Count;

impl Primitive for Count {
    const NAME: &'static str = "count";

    fn shape(&self, inputs: &[&Slot]) -> Result<Shape> {
        expect(Self::NAME, inputs, &[])?;
        Ok(Shape::index(&[1]))
    }

    fn cpu<T: Scalar>(&self, _: &[&Slot], _: &mut CpuCompile<T>) -> CpuKernel<T> {
        CpuKernel::new(|io| io.outputs[0].index()[0] += 1)
    }

    fn gpu(&self, _: &[&Slot]) -> GpuKernel {
        GpuKernel::pointwise(Self::NAME, 1)
    }

    fn cost(&self, _: &[&Slot]) -> Cost {
        Cost::new(1, 2)
    }
}

pub fn cases() -> Vec<Case> {
    vec![build("count", 0.0, |c| {
        let step = c.state(Shape::index(&[1]), Data::Index(vec![41]));
        c.b.emit_into(Op::Count(Count), &[], &[step])
    })]
}
