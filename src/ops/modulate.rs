//! y = t x, or conj(t) x: a complex transmission `[y, x]`, shared or one a sample, on a field.
//! Adjoint: conj(t) g.
//!
//! Where t = exp(iφ) of a trainable φ, dL/dφ = Im(conj(y) g) is taken by
//! [`GradSum`]; it needs y, which stays alive for it.

use super::case::{Case, build};
use super::grad_sum::GradSum;
use super::kernel::{Cost, CpuCompile, CpuKernel, GpuKernel, Word};
use super::{Op, Primitive, expect, planar, same_len};
use crate::error::Result;
use crate::math::scalar::Scalar;
use crate::program::adjoint::Adjoint;
use crate::program::{Kind, Node, Shape, Slot, SlotId};

#[derive(Debug, Clone)]
pub struct Modulate {
    pub conj: bool,
    /// The trainable phases that t was made from.
    pub phase: Option<SlotId>,
}

impl Primitive for Modulate {
    const NAME: &'static str = "modulate";

    fn shape(&self, inputs: &[&Slot]) -> Result<Shape> {
        expect(Self::NAME, inputs, &[Kind::Complex, Kind::Complex])?;
        same_len(Self::NAME, inputs[0], inputs[1])?;
        Ok(inputs[0].shape.clone())
    }

    fn adjoint(&self, walk: &mut Adjoint, node: &Node) -> Result<()> {
        let g = walk.incoming(node)?;
        let (x, t, y) = (node.inputs[0], node.inputs[1], node.outputs[0]);
        if let Some(phase) = self.phase {
            walk.accumulate(phase, Op::GradSum(GradSum::Phase), &[y, g])?;
        }
        if walk.is_active(x) {
            let back = Self { conj: !self.conj, phase: None };
            let gx = walk.emit(Op::Modulate(back), &[g, t])?;
            walk.contribute(x, gx)?;
        }
        Ok(())
    }

    fn cpu<T: Scalar>(&self, inputs: &[&Slot], compile: &mut CpuCompile<T>) -> CpuKernel<T> {
        let (conj, width) = (self.conj, compile.width(inputs[0]));
        CpuKernel::new(move |io| {
            let (x, t) = (io.inputs[0].complex(), io.inputs[1].complex());
            let y = io.outputs[0].complex();
            if conj {
                planar::map2(y, x, t, width, |x, t| t.conj() * x);
            } else {
                planar::map2(y, x, t, width, |x, t| t * x);
            }
        })
    }

    fn gpu(&self, inputs: &[&Slot]) -> GpuKernel {
        GpuKernel::pointwise(Self::NAME, inputs[0].shape.len())
            .word("sign", Word::F32(if self.conj { -1.0 } else { 1.0 }))
            .word("t_copies", super::copies_of_last(inputs))
    }

    fn cost(&self, inputs: &[&Slot]) -> Cost {
        let n = inputs[0].shape.len();
        Cost::new(6 * n, 4 * n)
    }
}

pub fn cases() -> Vec<Case> {
    [false, true]
        .map(|conj| {
            build(format!("modulate conj={conj}"), 2.0, |c| {
                let x = c.sample(Shape::complex(&[5, 7]));
                let t = c.constant(Shape::complex(&[5, 7]));
                let y = c.b.emit(Op::Modulate(Modulate { conj, phase: None }), &[x, t])?;
                c.compare(y);
                let own = c.sample(Shape::complex(&[5, 7]));
                let y = c.b.emit(Op::Modulate(Modulate { conj, phase: None }), &[x, own])?;
                c.compare(y);
                Ok(())
            })
        })
        .into()
}
