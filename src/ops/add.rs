//! y = a + b, real. Adjoint: the gradient goes to both.

use super::case::{Case, build};
use super::kernel::{Cost, CpuCompile, CpuKernel, GpuKernel};
use super::{Op, Primitive, expect, same_len};
use crate::error::Result;
use crate::math::scalar::Scalar;
use crate::program::adjoint::Adjoint;
use crate::program::{Kind, Node, Shape, Slot};

#[derive(Debug, Clone)]
pub struct Add;

impl Primitive for Add {
    const NAME: &'static str = "add";

    fn shape(&self, inputs: &[&Slot]) -> Result<Shape> {
        expect(Self::NAME, inputs, &[Kind::Real, Kind::Real])?;
        same_len(Self::NAME, inputs[0], inputs[1])?;
        Ok(inputs[0].shape.clone())
    }

    fn adjoint(&self, walk: &mut Adjoint, node: &Node) -> Result<()> {
        let g = walk.incoming(node)?;
        for &input in &node.inputs {
            if walk.is_active(input) {
                walk.contribute(input, g)?;
            }
        }
        Ok(())
    }

    fn cpu<T: Scalar>(&self, _: &[&Slot], _: &mut CpuCompile<T>) -> CpuKernel<T> {
        CpuKernel::new(|io| {
            let (a, b) = (io.inputs[0].real(), io.inputs[1].real());
            for ((y, &a), &b) in io.outputs[0].real().iter_mut().zip(a).zip(b) {
                *y = a + b;
            }
        })
    }

    fn gpu(&self, inputs: &[&Slot]) -> GpuKernel {
        GpuKernel::pointwise(Self::NAME, inputs[0].shape.len())
    }

    fn cost(&self, inputs: &[&Slot]) -> Cost {
        let n = inputs[0].shape.len();
        Cost::new(n, 3 * n)
    }
}

pub fn cases() -> Vec<Case> {
    vec![build("add", 1.0, |c| {
        let (a, b) = (c.sample(Shape::real(&[37])), c.sample(Shape::real(&[37])));
        let y = c.b.emit(Op::Add(Add), &[a, b])?;
        c.compare(y);
        Ok(())
    })]
}
