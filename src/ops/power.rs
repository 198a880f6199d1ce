//! P = Σ |E|² over a plane: power in units of intensity x samples. Shape `[1]`.
//!
//! No adjoint: it measures the light that enters, which nothing trains.

use super::case::{Case, build};
use super::kernel::{Cost, CpuCompile, CpuKernel, GpuKernel};
use super::{Op, Primitive, expect};
use crate::error::Result;
use crate::math::scalar::Scalar;
use crate::program::{Kind, Shape, Slot};

#[derive(Debug, Clone)]
pub struct Power;

impl Primitive for Power {
    const NAME: &'static str = "power";

    fn shape(&self, inputs: &[&Slot]) -> Result<Shape> {
        expect(Self::NAME, inputs, &[Kind::Complex])?;
        Ok(Shape::real(&[1]))
    }

    fn cpu<T: Scalar>(&self, _: &[&Slot], _: &mut CpuCompile<T>) -> CpuKernel<T> {
        CpuKernel::new(|io| {
            // Rows of 64 first: the error grows with n / 64 + 64, not with n.
            let rows = io.inputs[0].complex().chunks(64);
            let total = rows.map(|row| row.iter().map(num_complex::Complex::norm_sqr).sum()).sum();
            io.outputs[0].real()[0] = total;
        })
    }

    fn gpu(&self, inputs: &[&Slot]) -> GpuKernel {
        GpuKernel::pointwise(Self::NAME, inputs[0].shape.len()).groups(1)
    }

    fn cost(&self, inputs: &[&Slot]) -> Cost {
        let n = inputs[0].shape.len();
        Cost::new(4 * n, 2 * n + 1)
    }
}

pub fn cases() -> Vec<Case> {
    [[3, 5], [40, 31]]
        .map(|dims| {
            build(format!("power {dims:?}"), 64.0, |c| {
                let e = c.sample(Shape::complex(&dims));
                let p = c.b.emit(Op::Power(Power), &[e])?;
                c.compare(p);
                Ok(())
            })
        })
        .into()
}
