//! c = a·b / (|a| |b|): the cosine of two vectors of reals, c `[1]`.
//! Adjoint: g_a = g (b / |b| - c a / |a|) / |a|, and likewise of b. Dark has c = 0.

use super::case::{Case, build};
use super::kernel::{Cost, CpuCompile, CpuKernel, GpuKernel, Word};
use super::{Op, Primitive, copies_of_last, expect, same_len};
use crate::error::Result;
use crate::math::scalar::Scalar;
use crate::program::adjoint::Adjoint;
use crate::program::{Kind, Node, Shape, Slot};

/// Operands: a, b.
#[derive(Debug, Clone)]
pub struct Similarity;

/// a, b, g -> g_a.
#[derive(Debug, Clone)]
pub struct SimilarityAdjoint;

/// c and 1 / |a|, 1 / |b|, 0 of what is dark; a NaN stays one.
fn cosine<T: Scalar>(a: &[T], b: &[T], places: &[u32]) -> [T; 3] {
    let dot =
        |x: &[T], y: &[T]| -> T { places.iter().map(|&at| x[at as usize] * y[at as usize]).sum() };
    let per = |x: &[T]| -> T {
        let square = dot(x, x);
        if square == T::zero() { T::zero() } else { square.sqrt().recip() }
    };
    let [per_a, per_b] = [per(a), per(b)];
    [dot(a, b) * per_a * per_b, per_a, per_b]
}

/// Strides are 1 of what each sample has, 0 of what all share.
fn kernel(inputs: &[&Slot], entry: &'static str, g_stride: Word) -> GpuKernel {
    let b_stride = copies_of_last(&inputs[..2]);
    let a_stride = copies_of_last(&inputs[..1]);
    GpuKernel::pointwise(Similarity::NAME, inputs[0].shape.len())
        .entry(entry)
        .groups(1)
        .word("a_stride", a_stride)
        .word("b_stride", b_stride)
        .word("g_stride", g_stride)
}

impl Primitive for Similarity {
    const NAME: &'static str = "similarity";

    fn shape(&self, inputs: &[&Slot]) -> Result<Shape> {
        expect(Self::NAME, inputs, &[Kind::Real; 2])?;
        same_len(Self::NAME, inputs[0], inputs[1])?;
        Ok(Shape::real(&[1]))
    }

    fn adjoint(&self, walk: &mut Adjoint, node: &Node) -> Result<()> {
        let g = walk.incoming(node)?;
        let [a, b] = [node.inputs[0], node.inputs[1]];
        for (own, other) in [(a, b), (b, a)] {
            if walk.is_active(own) {
                let op = Op::SimilarityAdjoint(SimilarityAdjoint);
                let back = walk.emit(op, &[own, other, g])?;
                walk.contribute(own, back)?;
            }
        }
        Ok(())
    }

    fn cpu<T: Scalar>(&self, inputs: &[&Slot], compile: &mut CpuCompile<T>) -> CpuKernel<T> {
        let places = compile.arrangement.places(&inputs[0].shape);
        CpuKernel::new(move |io| {
            let [c, ..] = cosine(io.inputs[0].real(), io.inputs[1].real(), &places);
            io.outputs[0].real()[0] = c;
        })
    }

    fn gpu(&self, inputs: &[&Slot]) -> GpuKernel {
        kernel(inputs, Self::NAME, Word::U32(0))
    }

    fn cost(&self, inputs: &[&Slot]) -> Cost {
        let n = inputs[0].shape.len();
        Cost::new(6 * n, 2 * n)
    }
}

impl Primitive for SimilarityAdjoint {
    const NAME: &'static str = "similarity_adjoint";

    fn shape(&self, inputs: &[&Slot]) -> Result<Shape> {
        expect(Self::NAME, inputs, &[Kind::Real; 3])?;
        same_len(Self::NAME, inputs[0], inputs[1])?;
        Ok(inputs[0].shape.clone())
    }

    fn cpu<T: Scalar>(&self, inputs: &[&Slot], compile: &mut CpuCompile<T>) -> CpuKernel<T> {
        let places = compile.arrangement.places(&inputs[0].shape);
        CpuKernel::new(move |io| {
            let [a, b, g] = [0, 1, 2].map(|i| io.inputs[i].real());
            let [c, per_a, per_b] = cosine(a, b, &places);
            let by = g[0] * per_a;
            for ((back, &a), &b) in io.outputs[0].real().iter_mut().zip(a).zip(b) {
                *back = by * (per_b * b - c * per_a * a);
            }
        })
    }

    fn gpu(&self, inputs: &[&Slot]) -> GpuKernel {
        kernel(inputs, Self::NAME, copies_of_last(inputs))
    }

    fn cost(&self, inputs: &[&Slot]) -> Cost {
        let n = inputs[0].shape.len();
        Cost::new(10 * n, 3 * n)
    }
}

pub fn cases() -> Vec<Case> {
    vec![build("similarity", 32.0, |c| {
        let shape = Shape::real(&[6, 50]);
        let [a, other] = [0; 2].map(|_| c.sample(shape.clone()));
        let (shared, g) = (c.constant(shape), c.sample(Shape::real(&[1])));
        for b in [other, shared] {
            let cosine = c.b.emit(Op::Similarity(Similarity), &[a, b])?;
            c.compare(cosine);
            let back = c.b.emit(Op::SimilarityAdjoint(SimilarityAdjoint), &[a, b, g])?;
            c.compare(back);
        }
        Ok(())
    })]
}
