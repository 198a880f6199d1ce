//! H' = H0 exp(2πi Δ): the transfer function of free space whose distance, pitch or offset moved.
//!
//! `geometry [4]` = (d, e, uy, ux): z = z0 + λ d, pitch = (1 + e) pitch0, offset = offset0 +
//! pitch0 u. With ω = λ w, q = λ² f², s = 1 / (1 + e), v = λ f0 and everything dimensionless,
//! Δ = d ω + (z0 / λ) q0 (1 - s²) / (ω + ω0) + s v·(o0/λ + (pitch0/λ) u) - v·(o0/λ),
//! which has no difference of large phases: H0 was made in f64 and carries z0 w0. Waves that are
//! evanescent at the start, and those outside the band limit, keep H0 and take no gradient.
//! Adjoint: dL/dp = -2π Σ (dΔ/dp) Im(conj(g_H) H').
//!
//! H0, H': spectrum `[my, mx]`; vy, vx: spectrum `[my, mx]`, λ times the frequency at the start.

use super::case::{Case, build};
use super::kernel::{Cost, CpuCompile, CpuKernel, GpuKernel, Io, Word};
use super::{Op, Primitive, expect, planar};
use crate::error::Result;
use crate::math::scalar::Scalar;
use crate::program::adjoint::Adjoint;
use crate::program::{Builder, Data, Kind, Layout, Node, Shape, Slot, SlotId};

/// One step of free space with trainable geometry; lengths in wavelengths, `[y, x]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Transfer {
    /// z0 / λ.
    pub z: f64,
    pub pitch: [f64; 2],
    pub offset: [f64; 2],
    /// Which of z, pitch and offset take a gradient.
    pub trainable: [bool; 3],
}

/// g_H, H', vy, vx, geometry -> gradient of geometry `[4]`.
#[derive(Debug, Clone, PartialEq)]
pub struct TransferAdjoint(pub Transfer);

/// 1 - v² up to which a wave counts as evanescent: its derivatives grow like 1 / ω.
const GRAZING_2: f64 = 1e-6;

/// What one frequency needs: Δ in turns and its derivatives with respect to the geometry.
struct Turn<T> {
    delta: T,
    slope: [T; 4],
}

impl Transfer {
    /// Emits H' from constants named after `name`.
    pub fn emit(
        self,
        b: &mut Builder,
        name: &str,
        h0: SlotId,
        v: [Vec<f64>; 2],
        geometry: SlotId,
    ) -> Result<SlotId> {
        let shape = Shape::real(&b.slot(h0).shape.dims).layout(Layout::Spectrum);
        let [vy, vx] = v;
        let vy = b.constant(&format!("{name}.vy"), shape.clone(), || Data::Real(vy));
        let vx = b.constant(&format!("{name}.vx"), shape, || Data::Real(vx));
        b.emit(Op::Transfer(self), &[h0, vy, vx, geometry])
    }

    fn turn<T: Scalar>(&self, v: [T; 2], geometry: &[T]) -> Option<Turn<T>> {
        let one = T::one();
        let q0 = v[0] * v[0] + v[1] * v[1];
        let grazing_2 = T::of(GRAZING_2);
        let omega0_2 = one - q0;
        let s = one / (one + geometry[1]);
        let omega_2 = one - q0 * s * s;
        if omega0_2 <= grazing_2 || omega_2 <= grazing_2 {
            return None;
        }
        let (omega0, omega) = (omega0_2.sqrt(), omega_2.sqrt());
        let (z0, pitch) = (T::of(self.z), self.pitch.map(T::of));
        let z = z0 + geometry[0];
        let offset0 = self.offset.map(T::of);
        let [py, px] = [0, 1].map(|a| offset0[a] + pitch[a] * geometry[2 + a]);
        // s - 1 without cancellation for small e.
        let s_minus_1 = -geometry[1] * s;
        let sideways0 = v[0] * offset0[0] + v[1] * offset0[1];
        let shift = v[0] * pitch[0] * geometry[2] + v[1] * pitch[1] * geometry[3];
        let delta = geometry[0] * omega - z0 * q0 * s_minus_1 * (s + one) / (omega + omega0)
            + s_minus_1 * sideways0
            + s * shift;
        let slope = [
            omega,
            z * q0 * s * s * s / omega - s * s * (v[0] * py + v[1] * px),
            s * v[0] * pitch[0],
            s * v[1] * pitch[1],
        ];
        Some(Turn { delta, slope })
    }

    /// The gradient's mask over the four numbers.
    fn mask(&self) -> [bool; 4] {
        let [z, pitch, offset] = self.trainable;
        [z, pitch, offset, offset]
    }

    fn words(&self, kernel: GpuKernel) -> GpuKernel {
        let mut kernel = kernel.word("z", Word::F32(self.z as f32));
        let [py, px] = self.pitch.map(|p| Word::F32(p as f32));
        let [oy, ox] = self.offset.map(|o| Word::F32(o as f32));
        kernel = kernel.word("pitch_y", py).word("pitch_x", px);
        kernel = kernel.word("offset_y", oy).word("offset_x", ox);
        let bits = self.mask().iter().enumerate().map(|(i, &on)| u32::from(on) << i).sum();
        kernel.word("mask", Word::U32(bits)).word("grazing_2", Word::F32(GRAZING_2 as f32))
    }
}

impl Primitive for Transfer {
    const NAME: &'static str = "transfer";

    fn shape(&self, inputs: &[&Slot]) -> Result<Shape> {
        expect(Self::NAME, inputs, &[Kind::Complex, Kind::Real, Kind::Real, Kind::Real])?;
        Ok(inputs[0].shape.clone())
    }

    fn adjoint(&self, walk: &mut Adjoint, node: &Node) -> Result<()> {
        let g = walk.incoming(node)?;
        let (vy, vx, geometry) = (node.inputs[1], node.inputs[2], node.inputs[3]);
        let op = Op::TransferAdjoint(TransferAdjoint(self.clone()));
        let back = walk.emit(op, &[g, node.outputs[0], vy, vx, geometry])?;
        walk.contribute(geometry, back)
    }

    fn cpu<T: Scalar>(&self, inputs: &[&Slot], compile: &mut CpuCompile<T>) -> CpuKernel<T> {
        let (op, tau) = (self.clone(), T::of(std::f64::consts::TAU));
        let width = compile.width(inputs[0]);
        CpuKernel::new(move |io: &mut Io<'_, T>| {
            let (h0, vy, vx) = (io.inputs[0].complex(), io.inputs[1].real(), io.inputs[2].real());
            let geometry = io.inputs[3].real();
            let h0: &[T] = bytemuck::cast_slice(h0);
            let h = planar::parts_mut(io.outputs[0].complex(), width);
            for (k, (re, im)) in h.flat_map(|(re, im)| re.iter_mut().zip(im)).enumerate() {
                let h0 = planar::get(h0, k, width);
                let h = match op.turn([vy[k], vx[k]], geometry) {
                    Some(turn) => h0 * (tau * (turn.delta - turn.delta.round())).cis(),
                    None => h0,
                };
                (*re, *im) = (h.re, h.im);
            }
        })
    }

    fn gpu(&self, inputs: &[&Slot]) -> GpuKernel {
        self.words(GpuKernel::pointwise(Self::NAME, inputs[0].shape.len()))
    }

    fn cost(&self, inputs: &[&Slot]) -> Cost {
        let n = inputs[0].shape.len();
        Cost::new(60 * n, 2 * n)
    }
}

impl Primitive for TransferAdjoint {
    const NAME: &'static str = "transfer_adjoint";

    fn shape(&self, inputs: &[&Slot]) -> Result<Shape> {
        let kinds = [Kind::Complex, Kind::Complex, Kind::Real, Kind::Real, Kind::Real];
        expect(Self::NAME, inputs, &kinds)?;
        Ok(Shape::real(&[4]))
    }

    fn cpu<T: Scalar>(&self, inputs: &[&Slot], compile: &mut CpuCompile<T>) -> CpuKernel<T> {
        let (op, mask) = (self.0.clone(), self.0.mask());
        let width = compile.width(inputs[0]);
        CpuKernel::new(move |io: &mut Io<'_, T>| {
            let (g, h) = (io.inputs[0].complex(), io.inputs[1].complex());
            let (vy, vx, geometry) =
                (io.inputs[2].real(), io.inputs[3].real(), io.inputs[4].real());
            // In f64 and in rows: a sum over every frequency of terms of both signs.
            let mut total = [0.0f64; 4];
            let (g, h): (&[T], &[T]) = (bytemuck::cast_slice(g), bytemuck::cast_slice(h));
            for k in 0..vy.len() {
                let (g, h) = (planar::get(g, k, width), planar::get(h, k, width));
                if let Some(turn) = op.turn([vy[k], vx[k]], geometry) {
                    let share = (g.re * h.im - g.im * h.re).f64();
                    for (total, slope) in total.iter_mut().zip(turn.slope) {
                        *total -= std::f64::consts::TAU * slope.f64() * share;
                    }
                }
            }
            for (p, out) in io.outputs[0].real().iter_mut().enumerate() {
                *out = if mask[p] { T::of(total[p]) } else { T::zero() };
            }
        })
    }

    fn gpu(&self, inputs: &[&Slot]) -> GpuKernel {
        let kernel = GpuKernel::pointwise(Transfer::NAME, inputs[0].shape.len());
        self.0.words(kernel.entry(Self::NAME).groups(4))
    }

    fn cost(&self, inputs: &[&Slot]) -> Cost {
        let n = inputs[0].shape.len();
        Cost::new(60 * n, 4 * n)
    }
}

pub fn cases() -> Vec<Case> {
    let op = Transfer {
        z: 40.0,
        pitch: [0.9, 0.8],
        offset: [0.5, -0.25],
        trainable: [true, true, true],
    };
    let frequencies = |n: usize| {
        let axis = |k: usize| (k as f64 - 6.0) / 12.0;
        [(0..n).map(|k| axis(k / 12)).collect(), (0..n).map(|k| axis(k % 12)).collect()]
    };
    let spectrum = Shape::complex(&[12, 12]).layout(Layout::Spectrum);
    let geometry = || Data::Real(vec![0.125, 0.001, 0.25, -0.5]);
    let (forward, adjoint) = (op.clone(), op);
    vec![
        // z / λ turns of phase are exact to eps each.
        build("transfer", 256.0, |c| {
            let h0 = c.constant(spectrum.clone());
            let geometry = c.b.param("geometry", Shape::real(&[4]), geometry());
            let h = forward.emit(&mut c.b, "frequency", h0, frequencies(144), geometry)?;
            c.compare(h);
            Ok(())
        }),
        build("transfer_adjoint", 1024.0, |c| {
            let (g, h) = (c.constant(spectrum.clone()), c.constant(spectrum.clone()));
            let [vy, vx] = frequencies(144);
            let shape = Shape::real(&[12, 12]).layout(Layout::Spectrum);
            let vy = c.b.constant("vy", shape.clone(), || Data::Real(vy));
            let vx = c.b.constant("vx", shape, || Data::Real(vx));
            let geometry = c.b.param("geometry", Shape::real(&[4]), geometry());
            let op = Op::TransferAdjoint(TransferAdjoint(adjoint));
            let back = c.b.emit(op, &[g, h, vy, vx, geometry])?;
            c.compare(back);
            Ok(())
        }),
    ]
}
