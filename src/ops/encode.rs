//! E = m(v) S: a resampled image v `[y, x]` on a source field S `[y, x]`.
//!
//! m(v) = v (amplitude), exp(i v r) (phase), v exp(i v r) (both). No adjoint: data are not
//! trained.

use super::case::{Case, build};
use super::kernel::{Cost, CpuCompile, CpuKernel, GpuKernel, Io, Word};
use super::{Op, Primitive, expect, same_len};
use crate::error::Result;
use crate::math::scalar::Scalar;
use crate::optics::encoding::Modulation;
use crate::program::{Kind, Shape, Slot};

#[derive(Debug, Clone)]
pub struct Encode {
    pub modulation: Modulation,
    /// r, in radians at v = 1.
    pub phase_range: f64,
}

impl Primitive for Encode {
    const NAME: &'static str = "encode";

    fn shape(&self, inputs: &[&Slot]) -> Result<Shape> {
        expect(Self::NAME, inputs, &[Kind::Real, Kind::Complex])?;
        same_len(Self::NAME, inputs[0], inputs[1])?;
        Ok(inputs[1].shape.clone())
    }

    fn cpu<T: Scalar>(&self, _: &[&Slot], _: &mut CpuCompile<T>) -> CpuKernel<T> {
        let (modulation, range) = (self.modulation, T::of(self.phase_range));
        CpuKernel::new(move |io: &mut Io<'_, T>| {
            let (v, source) = (io.inputs[0].real(), io.inputs[1].complex());
            let terms = io.outputs[0].complex().iter_mut().zip(v).zip(source);
            match modulation {
                Modulation::Amplitude => terms.for_each(|((e, &v), s)| *e = s * v),
                Modulation::Phase => terms.for_each(|((e, &v), s)| *e = s * (v * range).cis()),
                Modulation::Both => terms.for_each(|((e, &v), s)| *e = s * (v * range).cis() * v),
            }
        })
    }

    fn gpu(&self, inputs: &[&Slot]) -> GpuKernel {
        let has = |on: bool| Word::U32(u32::from(on));
        GpuKernel::pointwise(Self::NAME, inputs[0].shape.len())
            .word("amplitude", has(self.modulation != Modulation::Phase))
            .word("phase", has(self.modulation != Modulation::Amplitude))
            .word("range", Word::F32(self.phase_range as f32))
    }

    fn cost(&self, inputs: &[&Slot]) -> Cost {
        let n = inputs[0].shape.len();
        Cost::new(if self.modulation == Modulation::Amplitude { 2 * n } else { 28 * n }, 3 * n)
    }
}

pub fn cases() -> Vec<Case> {
    [Modulation::Amplitude, Modulation::Phase, Modulation::Both]
        .map(|modulation| {
            build(format!("encode {modulation:?}"), 8.0, |c| {
                let v = c.sample(Shape::real(&[5, 6]));
                let source = c.constant(Shape::complex(&[5, 6]));
                let op = Encode { modulation, phase_range: std::f64::consts::PI };
                let e = c.b.emit(Op::Encode(op), &[v, source])?;
                c.compare(e);
                Ok(())
            })
        })
        .into()
}
