//! G = w Σ x²: the goodness of a layer's activations (Hinton 2022, arXiv 2212.13345, section 2). x real,
//! G `[1]`. Adjoint: g_x = 2 w g x.

use super::case::{Case, build};
use super::kernel::{Cost, CpuCompile, CpuKernel, GpuKernel, Word};
use super::{Op, Primitive, copies_of_last, expect};
use crate::error::Result;
use crate::math::scalar::Scalar;
use crate::program::adjoint::Adjoint;
use crate::program::{Kind, Node, Shape, Slot};

#[derive(Debug, Clone, Copy)]
pub struct Goodness {
    /// w.
    pub weight: f64,
}

/// x, g -> g_x.
#[derive(Debug, Clone)]
pub struct GoodnessAdjoint(pub Goodness);

impl Goodness {
    fn kernel(self, inputs: &[&Slot], entry: &'static str) -> GpuKernel {
        GpuKernel::pointwise(Self::NAME, inputs[0].shape.len())
            .entry(entry)
            .word("weight", Word::F32(self.weight as f32))
            .word("g_stride", copies_of_last(inputs))
    }
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
        let back = walk.emit(Op::GoodnessAdjoint(GoodnessAdjoint(*self)), &[x, g])?;
        walk.contribute(x, back)
    }

    fn cpu<T: Scalar>(&self, inputs: &[&Slot], compile: &mut CpuCompile<T>) -> CpuKernel<T> {
        let (weight, places) = (T::of(self.weight), compile.arrangement.places(&inputs[0].shape));
        CpuKernel::new(move |io| {
            let x = io.inputs[0].real();
            let total: T = places.iter().map(|&at| x[at as usize] * x[at as usize]).sum();
            io.outputs[0].real()[0] = weight * total;
        })
    }

    fn gpu(&self, inputs: &[&Slot]) -> GpuKernel {
        self.kernel(inputs, Self::NAME).groups(1)
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

    fn cpu<T: Scalar>(&self, _: &[&Slot], _: &mut CpuCompile<T>) -> CpuKernel<T> {
        let twice = T::of(2.0 * self.0.weight);
        CpuKernel::new(move |io| {
            let (x, g): (&[T], T) = (io.inputs[0].real(), io.inputs[1].real()[0]);
            io.outputs[0].real().iter_mut().zip(x).for_each(|(back, &x)| *back = twice * g * x);
        })
    }

    fn gpu(&self, inputs: &[&Slot]) -> GpuKernel {
        self.0.kernel(inputs, Self::NAME)
    }

    fn cost(&self, inputs: &[&Slot]) -> Cost {
        let n = inputs[0].shape.len();
        Cost::new(2 * n, 2 * n)
    }
}

pub fn cases() -> Vec<Case> {
    vec![build("goodness", 32.0, |c| {
        let x = c.sample(Shape::real(&[6, 50]));
        let op = Goodness { weight: 0.01 };
        let good = c.b.emit(Op::Goodness(op), &[x])?;
        c.compare(good);
        let g = c.sample(Shape::real(&[1]));
        let back = c.b.emit(Op::GoodnessAdjoint(GoodnessAdjoint(op)), &[x, g])?;
        c.compare(back);
        Ok(())
    })]
}
