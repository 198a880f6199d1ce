//! t = exp(iφ), made once a step from the phases of a mask, `[y, x]`.
//!
//! No adjoint of its own: [`Modulate`](super::modulate::Modulate) takes dL/dφ where the light is.

use super::case::{Case, build};
use super::kernel::{Cost, CpuCompile, CpuKernel, GpuKernel, Io};
use super::{Op, Primitive, expect};
use crate::error::Result;
use crate::math::scalar::Scalar;
use crate::program::{Kind, Shape, Slot};

#[derive(Debug, Clone)]
pub struct Phasor;

impl Primitive for Phasor {
    const NAME: &'static str = "phasor";

    fn shape(&self, inputs: &[&Slot]) -> Result<Shape> {
        expect(Self::NAME, inputs, &[Kind::Real])?;
        Ok(Shape::complex(&inputs[0].shape.dims))
    }

    fn cpu<T: Scalar>(&self, _: &[&Slot], _: &mut CpuCompile<T>) -> CpuKernel<T> {
        CpuKernel::new(|io: &mut Io<'_, T>| {
            let phase = io.inputs[0].real();
            for (t, &phase) in io.outputs[0].complex().iter_mut().zip(phase) {
                *t = phase.cis();
            }
        })
    }

    fn gpu(&self, inputs: &[&Slot]) -> GpuKernel {
        GpuKernel::pointwise(Self::NAME, inputs[0].shape.len())
    }

    fn cost(&self, inputs: &[&Slot]) -> Cost {
        let n = inputs[0].shape.len();
        Cost::new(20 * n, 3 * n)
    }
}

pub fn cases() -> Vec<Case> {
    vec![build("phasor", 4.0, |c| {
        let phase = c.param(Shape::real(&[6, 5]));
        let t = c.b.emit(Op::Phasor(Phasor), &[phase])?;
        c.compare(t);
        Ok(())
    })]
}
