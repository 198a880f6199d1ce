//! y = (label + 1 + k) mod classes, k drawn evenly from 0..classes - 1: one of the wrong labels, `[1]` of
//! each sample.
//!
//! k depends on (seed, site, step, sample) alone: its 16 bits by multiply and shift, whose bias is
//! below classes / 2^16. Operands: label `[1]`, step `[1]`, indices.

use super::case::{Case, build};
use super::cross_entropy::labels;
use super::kernel::{Cost, CpuCompile, CpuKernel, GpuKernel, Word};
use super::{Op, Primitive, expect};
use crate::error::{Error, Result};
use crate::math::random::{key, threefry2x32};
use crate::math::scalar::Scalar;
use crate::program::{Data, Kind, Shape, Slot};

#[derive(Debug, Clone)]
pub struct WrongLabel {
    pub classes: usize,
    pub seed: u64,
    /// Who draws ([`crate::math::random::OF_PROGRAMS`] on).
    pub site: u32,
}

impl Primitive for WrongLabel {
    const NAME: &'static str = "wrong_label";

    fn shape(&self, inputs: &[&Slot]) -> Result<Shape> {
        expect(Self::NAME, inputs, &[Kind::Index, Kind::Index])?;
        if !(2..1 << 16).contains(&self.classes) {
            let what = format!("{} classes, of which none or too many are wrong", self.classes);
            return Err(Error::Shape { op: Self::NAME, what });
        }
        Ok(Shape::index(&[1]))
    }

    fn cpu<T: Scalar>(&self, _: &[&Slot], _: &mut CpuCompile<T>) -> CpuKernel<T> {
        let (key, classes) = (key(self.seed, self.site), self.classes as u32);
        CpuKernel::new(move |io| {
            let (label, step) = (io.inputs[0].index()[0], io.inputs[1].index()[0]);
            let [bits, _] = threefry2x32(key, [step, io.first as u32]);
            let other = ((bits >> 16) * (classes - 1)) >> 16;
            io.outputs[0].index()[0] = (label + 1 + other) % classes;
        })
    }

    fn gpu(&self, _: &[&Slot]) -> GpuKernel {
        let [low, high] = key(self.seed, self.site);
        GpuKernel::pointwise(Self::NAME, 1)
            .per_sample()
            .word("key_low", Word::U32(low))
            .word("key_high", Word::U32(high))
            .word("classes", Word::U32(self.classes as u32))
    }

    fn cost(&self, _: &[&Slot]) -> Cost {
        Cost::new(100, 3)
    }
}

pub fn cases() -> Vec<Case> {
    [2, 10]
        .map(|classes| {
            build(format!("wrong_label of {classes}"), 0.0, |c| {
                let label = c.given(Shape::index(&[1]), labels(classes));
                let step = c.b.constant("step", Shape::index(&[1]), || Data::Index(vec![7]));
                let op = WrongLabel { classes, seed: 5 << 40 | 3, site: 300 };
                let other = c.b.emit(Op::WrongLabel(op), &[label, step])?;
                c.compare(other);
                Ok(())
            })
        })
        .into()
}
