//! y = a x: a real transmission `[y, x]` on a field. Adjoint: a g; da += Re(conj(x) g).

use super::case::{Case, build};
use super::grad_sum::GradSum;
use super::kernel::{Cost, CpuCompile, CpuKernel, GpuKernel};
use super::{Op, Primitive, expect, planar, same_len};
use crate::error::Result;
use crate::math::scalar::Scalar;
use crate::program::adjoint::Adjoint;
use crate::program::{Kind, Node, Shape, Slot};

#[derive(Debug, Clone)]
pub struct Attenuate;

impl Primitive for Attenuate {
    const NAME: &'static str = "attenuate";

    fn shape(&self, inputs: &[&Slot]) -> Result<Shape> {
        expect(Self::NAME, inputs, &[Kind::Complex, Kind::Real])?;
        same_len(Self::NAME, inputs[0], inputs[1])?;
        Ok(inputs[0].shape.clone())
    }

    fn adjoint(&self, walk: &mut Adjoint, node: &Node) -> Result<()> {
        let g = walk.incoming(node)?;
        let (x, a) = (node.inputs[0], node.inputs[1]);
        if walk.is_active(a) {
            walk.accumulate(a, Op::GradSum(GradSum::Amplitude), &[x, g])?;
        }
        if walk.is_active(x) {
            let gx = walk.emit(Op::Attenuate(Self), &[g, a])?;
            walk.contribute(x, gx)?;
        }
        Ok(())
    }

    fn cpu<T: Scalar>(&self, inputs: &[&Slot], compile: &mut CpuCompile<T>) -> CpuKernel<T> {
        let width = compile.width(inputs[0]);
        CpuKernel::new(move |io| {
            let (x, a) = (io.inputs[0].complex(), io.inputs[1].real());
            planar::map_real(io.outputs[0].complex(), x, a, width, |x, a| x * a);
        })
    }

    fn gpu(&self, inputs: &[&Slot]) -> GpuKernel {
        GpuKernel::pointwise(Self::NAME, inputs[0].shape.len())
    }

    fn cost(&self, inputs: &[&Slot]) -> Cost {
        let n = inputs[0].shape.len();
        Cost::new(2 * n, 4 * n)
    }
}

pub fn cases() -> Vec<Case> {
    vec![build("attenuate", 1.0, |c| {
        let (x, a) = (c.sample(Shape::complex(&[5, 7])), c.constant(Shape::real(&[5, 7])));
        let y = c.b.emit(Op::Attenuate(Attenuate), &[x, a])?;
        c.compare(y);
        Ok(())
    })]
}
