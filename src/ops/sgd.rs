//! Gradient descent with momentum: v' = μ v + g; θ' = θ - lr v'.
//!
//! `schedule [steps, 1]` holds lr; `step [1]` picks the row. θ and v are updated in place.

use super::adam::row;
use super::case::{Case, build};
use super::kernel::{Cost, CpuCompile, CpuKernel, GpuKernel, Word};
use super::{Op, Primitive, expect};
use crate::error::Result;
use crate::math::scalar::Scalar;
use crate::program::{Data, Kind, Shape, Slot};

#[derive(Debug, Clone)]
pub struct Sgd {
    pub momentum: f64,
}

impl Primitive for Sgd {
    const NAME: &'static str = "sgd";

    fn shape(&self, inputs: &[&Slot]) -> Result<Shape> {
        expect(Self::NAME, inputs, &[Kind::Real, Kind::Index, Kind::Real])?;
        Ok(inputs[0].shape.clone())
    }

    fn cpu<T: Scalar>(&self, inputs: &[&Slot], _: &mut CpuCompile<T>) -> CpuKernel<T> {
        let (rows, momentum) = (inputs[2].shape.dims[0], T::of(self.momentum));
        CpuKernel::new(move |io| {
            let lr = io.inputs[2].real()[row(io.inputs[1].index()[0], rows)];
            let g = io.inputs[0].real();
            let [theta, v, ..] = io.outputs else { unreachable!("Sgd updates two slots") };
            for ((theta, v), &g) in theta.real().iter_mut().zip(v.real()).zip(g) {
                *v = momentum * *v + g;
                *theta = *theta - lr * *v;
            }
        })
    }

    fn gpu(&self, inputs: &[&Slot]) -> GpuKernel {
        GpuKernel::pointwise(Self::NAME, inputs[0].shape.len())
            .word("rows", Word::U32(inputs[2].shape.dims[0] as u32))
            .word("momentum", Word::F32(self.momentum as f32))
    }

    fn cost(&self, inputs: &[&Slot]) -> Cost {
        let n = inputs[0].shape.len();
        Cost::new(4 * n, 5 * n)
    }
}

pub fn cases() -> Vec<Case> {
    vec![build("sgd", 8.0, |c| {
        let g = c.constant(Shape::real(&[30]));
        // Past the end of the schedule: its last row holds.
        let step = c.state(Shape::index(&[1]), Data::Index(vec![9]));
        let schedule =
            c.b.constant("schedule", Shape::real(&[2, 1]), || Data::Real(vec![0.5, 0.25]));
        let theta = c.param(Shape::real(&[30]));
        let v = c.state(Shape::real(&[30]), Data::Real(vec![0.25; 30]));
        c.b.emit_into(Op::Sgd(Sgd { momentum: 0.9 }), &[g, step, schedule], &[theta, v])
    })]
}
