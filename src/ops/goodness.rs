//! G = ln Σ x²: the goodness of a layer's activations (Hinton 2022, arXiv 2212.13345, section 2), as a
//! logarithm, since how much light reaches a camera differs between layers by orders. x real, G `[1]`.
//! Adjoint: g_x = 2 g x / Σ x². Dark has G = 0 and no gradient.

use super::case::{Case, build};
use super::kernel::{Cost, CpuCompile, CpuKernel, GpuKernel, Word};
use super::{Op, Primitive, copies_of_last, expect};
use crate::error::Result;
use crate::math::scalar::Scalar;
use crate::program::adjoint::Adjoint;
use crate::program::{Kind, Node, Shape, Slot};

/// Operand: x.
#[derive(Debug, Clone)]
pub struct Goodness;

/// x, g -> g_x.
#[derive(Debug, Clone)]
pub struct GoodnessAdjoint;

fn kernel(inputs: &[&Slot], entry: &'static str, g_stride: Word) -> GpuKernel {
    GpuKernel::pointwise(Goodness::NAME, inputs[0].shape.len())
        .entry(entry)
        .groups(1)
        .word("g_stride", g_stride)
}

fn square<T: Scalar>(x: &[T], places: &[u32]) -> T {
    places.iter().map(|&at| x[at as usize] * x[at as usize]).sum()
}

impl Primitive for Goodness {
    const NAME: &'static str = "goodness";

    fn shape(&self, inputs: &[&Slot]) -> Result<Shape> {
        expect(Self::NAME, inputs, &[Kind::Real])?;
        Ok(Shape::real(&[1]))
    }

    fn adjoint(&self, walk: &mut Adjoint, node: &Node) -> Result<()> {
        let g = walk.incoming(node)?;
        let x = node.inputs[0];
        let back = walk.emit(Op::GoodnessAdjoint(GoodnessAdjoint), &[x, g])?;
        walk.contribute(x, back)
    }

    fn cpu<T: Scalar>(&self, inputs: &[&Slot], compile: &mut CpuCompile<T>) -> CpuKernel<T> {
        let places = compile.arrangement.places(&inputs[0].shape);
        CpuKernel::new(move |io| {
            let total: T = square(io.inputs[0].real(), &places);
            let dark = total == T::zero();
            io.outputs[0].real()[0] = if dark { T::zero() } else { total.logarithm() };
        })
    }

    fn gpu(&self, inputs: &[&Slot]) -> GpuKernel {
        kernel(inputs, Self::NAME, Word::U32(0))
    }

    fn cost(&self, inputs: &[&Slot]) -> Cost {
        let n = inputs[0].shape.len();
        Cost::new(2 * n, n)
    }
}

impl Primitive for GoodnessAdjoint {
    const NAME: &'static str = "goodness_adjoint";

    fn shape(&self, inputs: &[&Slot]) -> Result<Shape> {
        expect(Self::NAME, inputs, &[Kind::Real; 2])?;
        Ok(inputs[0].shape.clone())
    }

    fn cpu<T: Scalar>(&self, inputs: &[&Slot], compile: &mut CpuCompile<T>) -> CpuKernel<T> {
        let places = compile.arrangement.places(&inputs[0].shape);
        CpuKernel::new(move |io| {
            let (x, g): (&[T], T) = (io.inputs[0].real(), io.inputs[1].real()[0]);
            let total = square(x, &places);
            let by = if total == T::zero() { T::zero() } else { T::of(2.0) * g / total };
            io.outputs[0].real().iter_mut().zip(x).for_each(|(back, &x)| *back = by * x);
        })
    }

    fn gpu(&self, inputs: &[&Slot]) -> GpuKernel {
        kernel(inputs, Self::NAME, copies_of_last(inputs))
    }

    fn cost(&self, inputs: &[&Slot]) -> Cost {
        let n = inputs[0].shape.len();
        Cost::new(3 * n, 2 * n)
    }
}

pub fn cases() -> Vec<Case> {
    vec![build("goodness", 32.0, |c| {
        let x = c.sample(Shape::real(&[6, 50]));
        let good = c.b.emit(Op::Goodness(Goodness), &[x])?;
        c.compare(good);
        let g = c.sample(Shape::real(&[1]));
        let back = c.b.emit(Op::GoodnessAdjoint(GoodnessAdjoint), &[x, g])?;
        c.compare(back);
        Ok(())
    })]
}
