//! t = exp(iφ), made once a step from the phases of a mask, `[y, x]`.
//!
//! No adjoint of its own: [`Modulate`](super::modulate::Modulate) takes dL/dφ where the light is.

use super::case::{BATCH, Case, build, reals};
use super::kernel::{Cost, CpuCompile, CpuKernel, GpuKernel, Io, each};
use super::{Op, Primitive, expect, planar};
use crate::error::Result;
use crate::math::scalar::Scalar;
use crate::program::{Data, Kind, Shape, Slot};

/// Elements that a thread takes at a time.
const CHUNK: usize = 4096;

#[derive(Debug, Clone)]
pub struct Phasor;

impl Primitive for Phasor {
    const NAME: &'static str = "phasor";

    fn shape(&self, inputs: &[&Slot]) -> Result<Shape> {
        expect(Self::NAME, inputs, &[Kind::Real])?;
        Ok(Shape::complex(&inputs[0].shape.dims))
    }

    fn cpu<T: Scalar>(&self, _: &[&Slot], compile: &mut CpuCompile<T>) -> CpuKernel<T> {
        let (width, isa) = (compile.arrangement.width(&compile.output), compile.isa);
        CpuKernel::new(move |io: &mut Io<'_, T>| {
            let phases = io.inputs[0].real();
            let t = io.outputs[0].complex();
            let chunks = t.chunks_mut(CHUNK).zip(phases.chunks(CHUNK));
            each(io.parallel, chunks, |(t, phases)| {
                isa.run(
                    #[inline(always)]
                    || {
                        let blocks = planar::parts_mut(t, width).zip(phases.chunks_exact(width));
                        for ((re, im), phases) in blocks {
                            for l in 0..width {
                                let z = phases[l].cis();
                                (re[l], im[l]) = (z.re, z.im);
                            }
                        }
                    },
                );
            });
        })
    }

    fn gpu(&self, inputs: &[&Slot]) -> GpuKernel {
        GpuKernel::pointwise(Self::NAME, inputs[0].shape.len())
    }

    fn cost(&self, inputs: &[&Slot]) -> Cost {
        let n = inputs[0].shape.len();
        Cost::new(20 * n, 3 * n)
    }
}

pub fn cases() -> Vec<Case> {
    vec![build("phasor", 4.0, |c| {
        let phase = c.param(Shape::real(&[6, 5]));
        let t = c.b.emit(Op::Phasor(Phasor), &[phase])?;
        c.compare(t);
        let own = c.sample(Shape::real(&[6, 5]));
        let t = c.b.emit(Op::Phasor(Phasor), &[own])?;
        c.compare(t);
        // As far as the reduction of an angle goes, and each an f32.
        let far = reals(1, 30 * BATCH).iter().map(|r| f64::from((1e4 * r) as f32)).collect();
        let far = c.given(Shape::real(&[6, 5]), Data::Real(far));
        let t = c.b.emit(Op::Phasor(Phasor), &[far])?;
        c.compare(t);
        Ok(())
    })]
}
