//! [a·b, a·a, b·b] of two real vectors that all samples share: how one gradient lies to another.

use super::case::{Case, build};
use super::kernel::{Cost, CpuCompile, CpuKernel, GpuKernel};
use super::{Op, Primitive, expect, same_len};
use crate::error::Result;
use crate::math::scalar::Scalar;
use crate::program::{Kind, Shape, Slot};

#[derive(Debug, Clone)]
pub struct Dot;

impl Primitive for Dot {
    const NAME: &'static str = "dot_products";

    fn shape(&self, inputs: &[&Slot]) -> Result<Shape> {
        expect(Self::NAME, inputs, &[Kind::Real, Kind::Real])?;
        same_len(Self::NAME, inputs[0], inputs[1])?;
        Ok(Shape::real(&[3]))
    }

    fn cpu<T: Scalar>(&self, inputs: &[&Slot], compile: &mut CpuCompile<T>) -> CpuKernel<T> {
        let places = [0, 1].map(|i| compile.arrangement.places(&inputs[i].shape));
        CpuKernel::new(move |io| {
            let (a, b): (&[T], &[T]) = (io.inputs[0].real(), io.inputs[1].real());
            let mut sums = [0.0; 3];
            for (&at, &bt) in places[0].iter().zip(&places[1]) {
                let (a, b) = (a[at as usize].f64(), b[bt as usize].f64());
                [a * b, a * a, b * b].iter().zip(&mut sums).for_each(|(x, sum)| *sum += x);
            }
            io.outputs[0].real().copy_from_slice(&sums.map(T::of));
        })
    }

    fn gpu(&self, inputs: &[&Slot]) -> GpuKernel {
        GpuKernel::pointwise("dot", inputs[0].shape.len()).entry(Self::NAME).groups(1)
    }

    fn cost(&self, inputs: &[&Slot]) -> Cost {
        let n = inputs[0].shape.len();
        Cost::new(6 * n, 2 * n)
    }
}

pub fn cases() -> Vec<Case> {
    vec![build("dot", 16.0, |c| {
        let (a, b) = (c.constant(Shape::real(&[700])), c.constant(Shape::real(&[700])));
        let y = c.b.emit(Op::Dot(Dot), &[a, b])?;
        c.compare(y);
        Ok(())
    })]
}
