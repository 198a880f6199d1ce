//! E = √(P / S) A, A = max(I, 0), S = Σ A²: a fresh wave of power P whose amplitude follows a measured
//! intensity I. With the detector before it, a squared modulus: the smallest honest nonlinearity
//! (opto-electronic, as between the layers of Filipovich 2022, Optica 9, 1323).
//!
//! A camera reads below 0 where noise takes it under its dark level; no modulator shows that. Adjoint:
//! g_I = √(P / S) (h - A (A·h) / S), h = Re g, and 0 where I < 0. Dark stays dark.

use num_complex::Complex;

use super::case::{Case, build};
use super::kernel::{Cost, CpuCompile, CpuKernel, GpuKernel, Word};
use super::{Op, Primitive, expect, planar, same_len};
use crate::error::Result;
use crate::math::scalar::Scalar;
use crate::program::adjoint::Adjoint;
use crate::program::{Kind, Node, Shape, Slot};

#[derive(Debug, Clone)]
pub struct Remodulate {
    pub power: f64,
}

/// I, g -> g_I.
#[derive(Debug, Clone)]
pub struct RemodulateAdjoint {
    pub power: f64,
}

fn kernel(entry: &'static str, len: usize, power: f64) -> GpuKernel {
    GpuKernel::pointwise(Remodulate::NAME, len)
        .entry(entry)
        .groups(1)
        .word("power", Word::F32(power as f32))
}

/// max(I, 0); a NaN stays one.
fn shown<T: Scalar>(x: T) -> T {
    if x < T::zero() { T::zero() } else { x }
}

/// S and √(P / S); lanes beside the window hold anything.
fn scale<T: Scalar>(x: &[T], places: &[u32], power: T) -> [T; 2] {
    let total: T = places.iter().map(|&at| shown(x[at as usize]).powi(2)).sum();
    [total, if total > T::zero() { (power / total).sqrt() } else { T::zero() }]
}

impl Primitive for Remodulate {
    const NAME: &'static str = "remodulate";

    fn shape(&self, inputs: &[&Slot]) -> Result<Shape> {
        expect(Self::NAME, inputs, &[Kind::Real])?;
        Ok(Shape::complex(&inputs[0].shape.dims))
    }

    fn adjoint(&self, walk: &mut Adjoint, node: &Node) -> Result<()> {
        let g = walk.incoming(node)?;
        let op = Op::RemodulateAdjoint(RemodulateAdjoint { power: self.power });
        let back = walk.emit(op, &[node.inputs[0], g])?;
        walk.contribute(node.inputs[0], back)
    }

    fn cpu<T: Scalar>(&self, inputs: &[&Slot], compile: &mut CpuCompile<T>) -> CpuKernel<T> {
        let places = compile.arrangement.places(&inputs[0].shape);
        let (power, width) = (T::of(self.power), compile.arrangement.width(&compile.output));
        CpuKernel::new(move |io| {
            let x = io.inputs[0].real();
            let [_, by] = scale(x, &places, power);
            for ((re, im), x) in
                planar::parts_mut(io.outputs[0].complex(), width).zip(x.chunks_exact(width))
            {
                re.iter_mut().zip(x).for_each(|(re, &x)| *re = by * shown(x));
                im.fill(T::zero());
            }
        })
    }

    fn gpu(&self, inputs: &[&Slot]) -> GpuKernel {
        kernel(Self::NAME, inputs[0].shape.len(), self.power)
    }

    fn cost(&self, inputs: &[&Slot]) -> Cost {
        let n = inputs[0].shape.len();
        Cost::new(3 * n, 4 * n)
    }
}

impl Primitive for RemodulateAdjoint {
    const NAME: &'static str = "remodulate_adjoint";

    fn shape(&self, inputs: &[&Slot]) -> Result<Shape> {
        expect(Self::NAME, inputs, &[Kind::Real, Kind::Complex])?;
        same_len(Self::NAME, inputs[0], inputs[1])?;
        Ok(inputs[0].shape.clone())
    }

    fn cpu<T: Scalar>(&self, inputs: &[&Slot], compile: &mut CpuCompile<T>) -> CpuKernel<T> {
        let places = compile.arrangement.places(&inputs[0].shape);
        let (power, width) = (T::of(self.power), compile.width(inputs[1]));
        CpuKernel::new(move |io| {
            let (x, g): (&[T], &[Complex<T>]) = (io.inputs[0].real(), io.inputs[1].complex());
            let [total, by] = scale(x, &places, power);
            let back = io.outputs[0].real();
            planar::fold2(back, g, g, width, |_, g, _| g.re);
            let along: T = places.iter().map(|&at| shown(x[at as usize]) * back[at as usize]).sum();
            let along = if total > T::zero() { along / total } else { T::zero() };
            back.iter_mut().zip(x).for_each(|(h, &x)| {
                *h = if x < T::zero() { T::zero() } else { by * (*h - along * x) };
            });
        })
    }

    fn gpu(&self, inputs: &[&Slot]) -> GpuKernel {
        kernel(Self::NAME, inputs[0].shape.len(), self.power)
    }

    fn cost(&self, inputs: &[&Slot]) -> Cost {
        let n = inputs[0].shape.len();
        Cost::new(7 * n, 4 * n)
    }
}

pub fn cases() -> Vec<Case> {
    vec![build("remodulate", 32.0, |c| {
        let (x, g) = (c.sample(Shape::real(&[20, 15])), c.sample(Shape::complex(&[20, 15])));
        let field = c.b.emit(Op::Remodulate(Remodulate { power: 3.0 }), &[x])?;
        c.compare(field);
        let back = Op::RemodulateAdjoint(RemodulateAdjoint { power: 3.0 });
        let back = c.b.emit(back, &[x, g])?;
        c.compare(back);
        Ok(())
    })]
}
