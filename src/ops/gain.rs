//! y = a x: real numbers a that all samples share on real x, without a gradient of a; and
//! y = k (a - b) x with numbers a and b: a direction x times a difference of two losses.
//!
//! Adjoint of the first: a g.

use super::case::{Case, build};
use super::kernel::{Cost, CpuCompile, CpuKernel, GpuKernel, Word};
use super::{Op, Primitive, expect, same_len};
use crate::error::Result;
use crate::math::scalar::Scalar;
use crate::program::adjoint::Adjoint;
use crate::program::{Domain, Kind, Node, Shape, Slot};

/// Operands: x, a.
#[derive(Debug, Clone)]
pub struct Gain;

/// Operands: x, a `[1]`, b `[1]`.
#[derive(Debug, Clone)]
pub struct Directional {
    pub scale: f64,
}

fn kernel(entry: &'static str, x: &Slot, scale: f64) -> GpuKernel {
    GpuKernel::pointwise(Gain::NAME, x.shape.len())
        .entry(entry)
        .word("x_copies", Word::U32(u32::from(x.domain == Domain::Sample)))
        .word("scale", Word::F32(scale as f32))
}

impl Primitive for Gain {
    const NAME: &'static str = "gain";

    fn shape(&self, inputs: &[&Slot]) -> Result<Shape> {
        expect(Self::NAME, inputs, &[Kind::Real, Kind::Real])?;
        same_len(Self::NAME, inputs[0], inputs[1])?;
        Ok(inputs[0].shape.clone())
    }

    fn adjoint(&self, walk: &mut Adjoint, node: &Node) -> Result<()> {
        let g = walk.incoming(node)?;
        let back = walk.emit(Op::Gain(Self), &[g, node.inputs[1]])?;
        walk.contribute(node.inputs[0], back)
    }

    fn cpu<T: Scalar>(&self, _: &[&Slot], _: &mut CpuCompile<T>) -> CpuKernel<T> {
        CpuKernel::new(|io| {
            let (x, a) = (io.inputs[0].real(), io.inputs[1].real());
            for ((y, &x), &a) in io.outputs[0].real().iter_mut().zip(x).zip(a) {
                *y = a * x;
            }
        })
    }

    fn gpu(&self, inputs: &[&Slot]) -> GpuKernel {
        kernel(Self::NAME, inputs[0], 1.0)
    }

    fn cost(&self, inputs: &[&Slot]) -> Cost {
        let n = inputs[0].shape.len();
        Cost::new(n, 3 * n)
    }
}

impl Primitive for Directional {
    const NAME: &'static str = "directional";

    fn shape(&self, inputs: &[&Slot]) -> Result<Shape> {
        expect(Self::NAME, inputs, &[Kind::Real, Kind::Real, Kind::Real])?;
        Ok(inputs[0].shape.clone())
    }

    fn cpu<T: Scalar>(&self, _: &[&Slot], _: &mut CpuCompile<T>) -> CpuKernel<T> {
        let scale = T::of(self.scale);
        CpuKernel::new(move |io| {
            let [x, a, b] = [0, 1, 2].map(|i| io.inputs[i].real());
            let by = scale * (a[0] - b[0]);
            io.outputs[0].real().iter_mut().zip(x).for_each(|(y, &x)| *y = by * x);
        })
    }

    fn gpu(&self, inputs: &[&Slot]) -> GpuKernel {
        kernel(Self::NAME, inputs[0], self.scale)
    }

    fn cost(&self, inputs: &[&Slot]) -> Cost {
        let n = inputs[0].shape.len();
        Cost::new(n, 2 * n)
    }
}

pub fn cases() -> Vec<Case> {
    vec![build("gain, directional", 4.0, |c| {
        let (x, a) = (c.sample(Shape::real(&[13])), c.constant(Shape::real(&[13])));
        let y = c.b.emit(Op::Gain(Gain), &[x, a])?;
        c.compare(y);
        let (up, down) = (c.constant(Shape::real(&[1])), c.constant(Shape::real(&[1])));
        let along = c.b.emit(Op::Directional(Directional { scale: 2.5 }), &[a, up, down])?;
        c.compare(along);
        Ok(())
    })]
}
