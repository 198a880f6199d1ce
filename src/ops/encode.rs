//! E = m(v) S: a resampled image v `[y, x]` on a source field S `[y, x]`.
//!
//! m(v) = v (amplitude), exp(i v r) (phase r), v exp(i v r) (both). No adjoint: data are not
//! trained.

use super::case::{Case, build};
use super::kernel::{Cost, CpuCompile, CpuKernel, GpuKernel, Io, Word};
use super::{Op, Primitive, expect, planar, same_len};
use crate::error::Result;
use crate::math::scalar::Scalar;
use crate::program::{Kind, Shape, Slot};

#[derive(Debug, Clone)]
pub struct Encode {
    /// v is an amplitude.
    pub amplitude: bool,
    /// v is a phase, r radians at v = 1.
    pub phase: Option<f64>,
}

impl Primitive for Encode {
    const NAME: &'static str = "encode";

    fn shape(&self, inputs: &[&Slot]) -> Result<Shape> {
        expect(Self::NAME, inputs, &[Kind::Real, Kind::Complex])?;
        same_len(Self::NAME, inputs[0], inputs[1])?;
        Ok(inputs[1].shape.clone())
    }

    fn cpu<T: Scalar>(&self, inputs: &[&Slot], compile: &mut CpuCompile<T>) -> CpuKernel<T> {
        let (amplitude, phase) = (self.amplitude, self.phase.map(T::of));
        let (width, isa) = (compile.width(inputs[1]), compile.isa);
        CpuKernel::new(move |io: &mut Io<'_, T>| {
            let (v, s) = (io.inputs[0].real(), io.inputs[1].complex());
            let e = io.outputs[0].complex();
            isa.run(
                #[inline(always)]
                || match (amplitude, phase) {
                    (true, None) => planar::map_real(e, s, v, width, |s, v| s * v),
                    (false, None) => e.copy_from_slice(s),
                    (false, Some(r)) => planar::map_real(e, s, v, width, |s, v| s * (v * r).cis()),
                    (true, Some(r)) => {
                        planar::map_real(e, s, v, width, |s, v| s * (v * r).cis() * v);
                    }
                },
            );
        })
    }

    fn gpu(&self, inputs: &[&Slot]) -> GpuKernel {
        let has = |on: bool| Word::U32(u32::from(on));
        GpuKernel::pointwise(Self::NAME, inputs[0].shape.len())
            .word("amplitude", has(self.amplitude))
            .word("phase", has(self.phase.is_some()))
            .word("range", Word::F32(self.phase.unwrap_or(0.0) as f32))
    }

    fn cost(&self, inputs: &[&Slot]) -> Cost {
        let n = inputs[0].shape.len();
        Cost::new(if self.phase.is_none() { 2 * n } else { 28 * n }, 3 * n)
    }
}

pub fn cases() -> Vec<Case> {
    let pi = std::f64::consts::PI;
    [(true, None), (false, Some(pi)), (true, Some(pi))]
        .map(|(amplitude, phase)| {
            build(format!("encode amplitude={amplitude} phase={}", phase.is_some()), 8.0, |c| {
                let v = c.sample(Shape::real(&[5, 6]));
                let source = c.constant(Shape::complex(&[5, 6]));
                let e = c.b.emit(Op::Encode(Encode { amplitude, phase }), &[v, source])?;
                c.compare(e);
                Ok(())
            })
        })
        .into()
}
