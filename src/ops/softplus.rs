//! y = ln(1 + exp(β x)), pointwise, real: a loss of what should be negative. Adjoint: g_x = g β σ(β x).

use super::case::{Case, build};
use super::kernel::{Cost, CpuCompile, CpuKernel, GpuKernel, Word};
use super::{Op, Primitive, copies_of_last, expect, same_len};
use crate::error::Result;
use crate::math::scalar::Scalar;
use crate::program::adjoint::Adjoint;
use crate::program::{Kind, Node, Shape, Slot};

#[derive(Debug, Clone, Copy)]
pub struct Softplus {
    /// β.
    pub steepness: f64,
}

/// x, g -> g_x.
#[derive(Debug, Clone)]
pub struct SoftplusAdjoint(pub Softplus);

impl Softplus {
    /// β x and exp(-|β x|).
    fn argument<T: Scalar>(self, x: T) -> [T; 2] {
        let z = T::of(self.steepness) * x;
        [z, (-z.abs()).exponential()]
    }

    fn kernel(self, inputs: &[&Slot], entry: &'static str) -> GpuKernel {
        let len = inputs[0].shape.len();
        // One gradient for all samples, or one for each.
        let stride = match copies_of_last(inputs) {
            Word::U32(own) => Word::U32(own * len as u32),
            other => other,
        };
        GpuKernel::pointwise(Self::NAME, len)
            .entry(entry)
            .word("steepness", Word::F32(self.steepness as f32))
            .word("g_stride", stride)
    }
}

impl Primitive for Softplus {
    const NAME: &'static str = "softplus";

    fn shape(&self, inputs: &[&Slot]) -> Result<Shape> {
        expect(Self::NAME, inputs, &[Kind::Real])?;
        Ok(inputs[0].shape.clone())
    }

    fn adjoint(&self, walk: &mut Adjoint, node: &Node) -> Result<()> {
        let g = walk.incoming(node)?;
        let x = node.inputs[0];
        let back = walk.emit(Op::SoftplusAdjoint(SoftplusAdjoint(*self)), &[x, g])?;
        walk.contribute(x, back)
    }

    fn cpu<T: Scalar>(&self, _: &[&Slot], _: &mut CpuCompile<T>) -> CpuKernel<T> {
        let op = *self;
        CpuKernel::new(move |io| {
            for (y, &x) in io.outputs[0].real().iter_mut().zip(io.inputs[0].real()) {
                let [z, small]: [T; 2] = op.argument(x);
                *y = z.max(T::zero()) + (T::one() + small).logarithm();
            }
        })
    }

    fn gpu(&self, inputs: &[&Slot]) -> GpuKernel {
        self.kernel(inputs, Self::NAME)
    }

    fn cost(&self, inputs: &[&Slot]) -> Cost {
        let n = inputs[0].shape.len();
        Cost::new(30 * n, 2 * n)
    }
}

impl Primitive for SoftplusAdjoint {
    const NAME: &'static str = "softplus_adjoint";

    fn shape(&self, inputs: &[&Slot]) -> Result<Shape> {
        expect(Self::NAME, inputs, &[Kind::Real; 2])?;
        same_len(Self::NAME, inputs[0], inputs[1])?;
        Ok(inputs[0].shape.clone())
    }

    fn cpu<T: Scalar>(&self, _: &[&Slot], _: &mut CpuCompile<T>) -> CpuKernel<T> {
        let op = self.0;
        CpuKernel::new(move |io| {
            let (x, g) = (io.inputs[0].real(), io.inputs[1].real());
            for ((back, &x), &g) in io.outputs[0].real().iter_mut().zip(x).zip(g) {
                let [z, small]: [T; 2] = op.argument(x);
                let above = if z > T::zero() { T::one() } else { small };
                *back = g * T::of(op.steepness) * above / (T::one() + small);
            }
        })
    }

    fn gpu(&self, inputs: &[&Slot]) -> GpuKernel {
        self.0.kernel(inputs, Self::NAME)
    }

    fn cost(&self, inputs: &[&Slot]) -> Cost {
        let n = inputs[0].shape.len();
        Cost::new(30 * n, 3 * n)
    }
}

pub fn cases() -> Vec<Case> {
    [2.0, -20.0]
        .map(|steepness| {
            // The exponent is as far off as its argument is large.
            build(format!("softplus {steepness}"), 64.0, |c| {
                let x = c.sample(Shape::real(&[6]));
                let op = Softplus { steepness };
                let y = c.b.emit(Op::Softplus(op), &[x])?;
                c.compare(y);
                let (own, shared) = (c.sample(Shape::real(&[6])), c.constant(Shape::real(&[6])));
                for g in [own, shared] {
                    let op = Op::SoftplusAdjoint(SoftplusAdjoint(op));
                    let back = c.b.emit(op, &[x, g])?;
                    c.compare(back);
                }
                Ok(())
            })
        })
        .into()
}
