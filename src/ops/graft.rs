//! y = measured, whose adjoint goes to the model (g_model = g): what a device shows in place of what
//! its twin computes, the heart of physics-aware training (Wright 2022, Nature 601, 549).

use num_complex::Complex;

use super::case::{Case, build};
use super::kernel::{Cost, CpuCompile, CpuKernel, GpuKernel};
use super::{Op, Primitive, expect, same_len};
use crate::error::Result;
use crate::math::scalar::Scalar;
use crate::program::adjoint::Adjoint;
use crate::program::{Kind, Node, Shape, Slot};

/// Operands: model, measured.
#[derive(Debug, Clone)]
pub struct Graft;

fn reals(slot: &Slot) -> usize {
    slot.shape.len() * if slot.shape.kind == Kind::Complex { 2 } else { 1 }
}

impl Primitive for Graft {
    const NAME: &'static str = "graft";

    fn shape(&self, inputs: &[&Slot]) -> Result<Shape> {
        let kind = inputs.first().map_or(Kind::Real, |s| s.shape.kind);
        expect(Self::NAME, inputs, &[kind; 2])?;
        same_len(Self::NAME, inputs[0], inputs[1])?;
        Ok(inputs[0].shape.clone())
    }

    fn adjoint(&self, walk: &mut Adjoint, node: &Node) -> Result<()> {
        let g = walk.incoming(node)?;
        walk.contribute(node.inputs[0], g)
    }

    fn cpu<T: Scalar>(&self, inputs: &[&Slot], _: &mut CpuCompile<T>) -> CpuKernel<T> {
        let real = inputs[1].shape.kind == Kind::Real;
        CpuKernel::new(move |io| {
            if real {
                let from: &[T] = io.inputs[1].real();
                io.outputs[0].real().copy_from_slice(from);
            } else {
                let from: &[Complex<T>] = io.inputs[1].complex();
                io.outputs[0].complex().copy_from_slice(from);
            }
        })
    }

    fn gpu(&self, inputs: &[&Slot]) -> GpuKernel {
        let field = inputs[0].shape.kind == Kind::Complex;
        let entry = if field { "graft_field" } else { Self::NAME };
        GpuKernel::pointwise(Self::NAME, inputs[0].shape.len()).entry(entry)
    }

    fn cost(&self, inputs: &[&Slot]) -> Cost {
        Cost::new(0, 2 * reals(inputs[0]))
    }
}

pub fn cases() -> Vec<Case> {
    [Shape::real(&[11]), Shape::complex(&[4, 3])]
        .map(|shape| {
            build(format!("graft {:?}", shape.kind), 1.0, |c| {
                let (model, measured) = (c.sample(shape.clone()), c.sample(shape));
                let y = c.b.emit(Op::Graft(Graft), &[model, measured])?;
                c.compare(y);
                Ok(())
            })
        })
        .into()
}
