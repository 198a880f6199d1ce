//! L = ½ Σ w (x - m)²: how far a model x lies from what was measured m, real, one of each a sample;
//! w the inverse variances. L `[1]`. Adjoint: g_x = g w (x - m).

use super::case::{Case, build};
use super::kernel::{Cost, CpuCompile, CpuKernel, GpuKernel, Word};
use super::{Op, Primitive, copies_of_last, expect, same_len};
use crate::error::Result;
use crate::math::scalar::Scalar;
use crate::program::adjoint::Adjoint;
use crate::program::{Kind, Node, Shape, Slot};

/// Operands: x, m, w.
#[derive(Debug, Clone)]
pub struct Misfit;

/// x, m, w, g -> g_x.
#[derive(Debug, Clone)]
pub struct MisfitAdjoint;

impl Primitive for Misfit {
    const NAME: &'static str = "misfit";

    fn shape(&self, inputs: &[&Slot]) -> Result<Shape> {
        expect(Self::NAME, inputs, &[Kind::Real; 3])?;
        same_len(Self::NAME, inputs[0], inputs[1])?;
        same_len(Self::NAME, inputs[0], inputs[2])?;
        Ok(Shape::real(&[1]))
    }

    fn adjoint(&self, walk: &mut Adjoint, node: &Node) -> Result<()> {
        let g = walk.incoming(node)?;
        let [x, m, w] = [node.inputs[0], node.inputs[1], node.inputs[2]];
        let back = walk.emit(Op::MisfitAdjoint(MisfitAdjoint), &[x, m, w, g])?;
        walk.contribute(x, back)
    }

    fn cpu<T: Scalar>(&self, inputs: &[&Slot], compile: &mut CpuCompile<T>) -> CpuKernel<T> {
        let places = compile.arrangement.places(&inputs[0].shape);
        CpuKernel::new(move |io| {
            let [x, m, w] = [0, 1, 2].map(|i| io.inputs[i].real());
            let term = |&at: &u32| {
                let miss = x[at as usize] - m[at as usize];
                w[at as usize] * miss * miss
            };
            io.outputs[0].real()[0] = T::of(0.5) * places.iter().map(term).sum();
        })
    }

    fn gpu(&self, inputs: &[&Slot]) -> GpuKernel {
        GpuKernel::pointwise(Self::NAME, inputs[0].shape.len())
            .groups(1)
            .word("g_stride", Word::U32(0))
    }

    fn cost(&self, inputs: &[&Slot]) -> Cost {
        let n = inputs[0].shape.len();
        Cost::new(4 * n, 3 * n)
    }
}

impl Primitive for MisfitAdjoint {
    const NAME: &'static str = "misfit_adjoint";

    fn shape(&self, inputs: &[&Slot]) -> Result<Shape> {
        expect(Self::NAME, inputs, &[Kind::Real; 4])?;
        Ok(inputs[0].shape.clone())
    }

    fn cpu<T: Scalar>(&self, _: &[&Slot], _: &mut CpuCompile<T>) -> CpuKernel<T> {
        CpuKernel::new(|io| {
            let [x, m, w, g] = [0, 1, 2, 3].map(|i| io.inputs[i].real());
            let g = g[0];
            for (((back, &x), &m), &w) in io.outputs[0].real().iter_mut().zip(x).zip(m).zip(w) {
                *back = g * w * (x - m);
            }
        })
    }

    fn gpu(&self, inputs: &[&Slot]) -> GpuKernel {
        GpuKernel::pointwise(Misfit::NAME, inputs[0].shape.len())
            .entry(Self::NAME)
            .word("g_stride", copies_of_last(inputs))
    }

    fn cost(&self, inputs: &[&Slot]) -> Cost {
        let n = inputs[0].shape.len();
        Cost::new(3 * n, 4 * n)
    }
}

pub fn cases() -> Vec<Case> {
    vec![build("misfit", 32.0, |c| {
        let shape = Shape::real(&[6, 50]);
        let [x, m, w] = [0; 3].map(|_| c.sample(shape.clone()));
        let loss = c.b.emit(Op::Misfit(Misfit), &[x, m, w])?;
        c.compare(loss);
        let g = c.sample(Shape::real(&[1]));
        let back = c.b.emit(Op::MisfitAdjoint(MisfitAdjoint), &[x, m, w, g])?;
        c.compare(back);
        Ok(())
    })]
}
