//! L = ln Σ_k exp(z_k / T) - z_label / T, z `[classes]`, label `[1]`, L `[1]`.
//! Adjoint: g_z_k = g (softmax(z / T)_k - [k = label]) / T.

use super::case::{Case, build};
use super::kernel::{Cost, CpuCompile, CpuKernel, GpuKernel, Word};
use super::{Op, Primitive, copies_of_last, expect};
use crate::error::Result;
use crate::math::scalar::Scalar;
use crate::program::adjoint::Adjoint;
use crate::program::{Data, Kind, Node, Shape, Slot};

#[derive(Debug, Clone)]
pub struct CrossEntropy {
    pub temperature: f64,
}

/// z, label, g -> g_z.
#[derive(Debug, Clone)]
pub struct CrossEntropyAdjoint {
    pub temperature: f64,
}

/// max z / T and ln Σ exp(z / T - max).
fn log_sum_exp<T: Scalar>(z: &[T], per_t: T) -> (T, T) {
    let top = z.iter().fold(T::neg_infinity(), |m, &z| m.max(z * per_t));
    let sum: T = z.iter().map(|&z| (z * per_t - top).exponential()).sum();
    (top, sum.logarithm())
}

impl Primitive for CrossEntropy {
    const NAME: &'static str = "cross_entropy";

    fn shape(&self, inputs: &[&Slot]) -> Result<Shape> {
        expect(Self::NAME, inputs, &[Kind::Real, Kind::Index])?;
        Ok(Shape::real(&[1]))
    }

    fn adjoint(&self, walk: &mut Adjoint, node: &Node) -> Result<()> {
        let g = walk.incoming(node)?;
        let (z, label) = (node.inputs[0], node.inputs[1]);
        let op = CrossEntropyAdjoint { temperature: self.temperature };
        let back = walk.emit(Op::CrossEntropyAdjoint(op), &[z, label, g])?;
        walk.contribute(z, back)
    }

    fn cpu<T: Scalar>(&self, _: &[&Slot], _: &mut CpuCompile<T>) -> CpuKernel<T> {
        let per_t = T::of(self.temperature.recip());
        CpuKernel::new(move |io| {
            let (z, label) = (io.inputs[0].real(), io.inputs[1].index()[0] as usize);
            let (top, ln_sum) = log_sum_exp(z, per_t);
            io.outputs[0].real()[0] = (top - z[label] * per_t) + ln_sum;
        })
    }

    fn gpu(&self, inputs: &[&Slot]) -> GpuKernel {
        kernel(inputs, self.temperature, Self::NAME)
    }

    fn cost(&self, inputs: &[&Slot]) -> Cost {
        let n = inputs[0].shape.len();
        Cost::new(20 * n, n + 1)
    }
}

fn kernel(inputs: &[&Slot], temperature: f64, entry: &'static str) -> GpuKernel {
    GpuKernel::rowwise(CrossEntropy::NAME, entry, "classes", inputs[0])
        .word("per_t", Word::F32(temperature.recip() as f32))
        .word("g_stride", copies_of_last(inputs))
}

impl Primitive for CrossEntropyAdjoint {
    const NAME: &'static str = "cross_entropy_adjoint";

    fn shape(&self, inputs: &[&Slot]) -> Result<Shape> {
        expect(Self::NAME, inputs, &[Kind::Real, Kind::Index, Kind::Real])?;
        Ok(inputs[0].shape.clone())
    }

    fn cpu<T: Scalar>(&self, _: &[&Slot], _: &mut CpuCompile<T>) -> CpuKernel<T> {
        let per_t = T::of(self.temperature.recip());
        CpuKernel::new(move |io| {
            let (z, label) = (io.inputs[0].real(), io.inputs[1].index()[0] as usize);
            let g = io.inputs[2].real()[0] * per_t;
            let (top, ln_sum) = log_sum_exp(z, per_t);
            for (k, (back, &z)) in io.outputs[0].real().iter_mut().zip(z).enumerate() {
                let hit = if k == label { T::one() } else { T::zero() };
                *back = g * ((z * per_t - top - ln_sum).exponential() - hit);
            }
        })
    }

    fn gpu(&self, inputs: &[&Slot]) -> GpuKernel {
        kernel(inputs, self.temperature, Self::NAME)
    }

    fn cost(&self, inputs: &[&Slot]) -> Cost {
        let n = inputs[0].shape.len();
        Cost::new(40 * n, 2 * n)
    }
}

/// One label a sample, all classes among them.
pub(super) fn labels(classes: usize) -> Data {
    Data::Index((0..super::case::BATCH).map(|s| (s * 7 % classes) as u32).collect())
}

pub fn cases() -> Vec<Case> {
    let mut all = Vec::new();
    for temperature in [1.0, 0.05] {
        let depth = 16.0 / temperature;
        all.push(build(format!("cross_entropy T={temperature}"), depth, |c| {
            let z = c.sample(Shape::real(&[10]));
            let label = c.given(Shape::index(&[1]), labels(10));
            let loss = c.b.emit(Op::CrossEntropy(CrossEntropy { temperature }), &[z, label])?;
            c.compare(loss);
            Ok(())
        }));
        all.push(build(format!("cross_entropy_adjoint T={temperature}"), depth, |c| {
            let z = c.sample(Shape::real(&[10]));
            let label = c.given(Shape::index(&[1]), labels(10));
            let g = c.sample(Shape::real(&[1]));
            let op = Op::CrossEntropyAdjoint(CrossEntropyAdjoint { temperature });
            let back = c.b.emit(op, &[z, label, g])?;
            c.compare(back);
            Ok(())
        }));
    }
    all
}
