//! Adam (Kingma and Ba 2014, arXiv 1412.6980, algorithm 1):
//! m' = β1 m + (1 - β1) g; v' = β2 v + (1 - β2) g²; θ' = θ - lr c1 m' / (sqrt(c2 v') + ε).
//!
//! `schedule [steps, 3]` holds lr, c1 = 1 / (1 - β1^t) and c2 = 1 / (1 - β2^t) of each step, made
//! in f64; `step [1]` picks the row. θ, m, v are updated in place.

use super::case::{Case, build};
use super::kernel::{Cost, CpuCompile, CpuKernel, GpuKernel, Word, each};
use super::{Op, Primitive, expect};
use crate::error::Result;
use crate::math::scalar::Scalar;
use crate::program::{Data, Kind, Shape, Slot};

/// Elements that a thread takes at a time.
const CHUNK: usize = 4096;

#[derive(Debug, Clone)]
pub struct Adam {
    pub beta1: f64,
    pub beta2: f64,
    pub eps: f64,
}

/// Row of a schedule of `rows`, the last for every later step.
pub(super) fn row(step: u32, rows: usize) -> usize {
    (step as usize).min(rows - 1)
}

impl Adam {
    /// lr, c1, c2 of every step.
    pub fn schedule(&self, lr: impl Iterator<Item = f64>) -> Vec<f64> {
        lr.enumerate()
            .flat_map(|(i, lr)| {
                let t = (i + 1) as i32;
                [lr, (1.0 - self.beta1.powi(t)).recip(), (1.0 - self.beta2.powi(t)).recip()]
            })
            .collect()
    }
}

impl Primitive for Adam {
    const NAME: &'static str = "adam";

    fn shape(&self, inputs: &[&Slot]) -> Result<Shape> {
        expect(Self::NAME, inputs, &[Kind::Real, Kind::Index, Kind::Real])?;
        Ok(inputs[0].shape.clone())
    }

    fn cpu<T: Scalar>(&self, inputs: &[&Slot], compile: &mut CpuCompile<T>) -> CpuKernel<T> {
        let isa = compile.isa;
        let rows = inputs[2].shape.dims[0];
        let (b1, b2, eps) = (T::of(self.beta1), T::of(self.beta2), T::of(self.eps));
        let (a1, a2) = (T::of(1.0 - self.beta1), T::of(1.0 - self.beta2));
        CpuKernel::new(move |io| {
            let at = 3 * row(io.inputs[1].index()[0], rows);
            let [lr, c1, c2] = [0, 1, 2].map(|k| io.inputs[2].real()[at + k]);
            let g = io.inputs[0].real();
            let [theta, m, v, ..] = io.outputs else { unreachable!("Adam updates three slots") };
            let state = m.real().chunks_mut(CHUNK).zip(v.real().chunks_mut(CHUNK));
            let theta = theta.real().chunks_mut(CHUNK).zip(g.chunks(CHUNK));
            each(io.parallel, state.zip(theta), |((m, v), (theta, g))| {
                isa.run(
                    #[inline(always)]
                    || {
                        let state = m.iter_mut().zip(v.iter_mut());
                        for ((theta, (m, v)), &g) in theta.iter_mut().zip(state).zip(g) {
                            *m = b1 * *m + a1 * g;
                            *v = b2 * *v + a2 * g * g;
                            *theta =
                                *theta - lr * (c1 * *m) / (num_traits::Float::sqrt(c2 * *v) + eps);
                        }
                    },
                );
            });
        })
    }

    fn gpu(&self, inputs: &[&Slot]) -> GpuKernel {
        GpuKernel::pointwise(Self::NAME, inputs[0].shape.len())
            .word("rows", Word::U32(inputs[2].shape.dims[0] as u32))
            .word("b1", Word::F32(self.beta1 as f32))
            .word("b2", Word::F32(self.beta2 as f32))
            .word("a1", Word::F32((1.0 - self.beta1) as f32))
            .word("a2", Word::F32((1.0 - self.beta2) as f32))
            .word("eps", Word::F32(self.eps as f32))
    }

    fn cost(&self, inputs: &[&Slot]) -> Cost {
        let n = inputs[0].shape.len();
        Cost::new(14 * n, 7 * n)
    }
}

pub fn cases() -> Vec<Case> {
    vec![build("adam", 64.0, |c| {
        let op = Adam { beta1: 0.9, beta2: 0.999, eps: 1e-8 };
        let g = c.constant(Shape::real(&[30]));
        let step = c.state(Shape::index(&[1]), Data::Index(vec![1]));
        let schedule = op.schedule([0.1, 0.07, 0.03].into_iter());
        let schedule =
            c.b.constant("schedule", Shape::real(&[3, 3]), || Data::Real(schedule.clone()));
        let theta = c.param(Shape::real(&[30]));
        let m = c.state(Shape::real(&[30]), Data::Real(vec![0.25; 30]));
        let v = c.state(Shape::real(&[30]), Data::Real(vec![0.125; 30]));
        c.b.emit_into(Op::Adam(op), &[g, step, schedule], &[theta, m, v])
    })]
}
