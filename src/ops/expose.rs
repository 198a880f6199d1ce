//! What a detector reads of a mean intensity I: electrons n ~ Poisson(κ g I + dark), read noise, a
//! full well, an analogue-to-digital converter, and back to the units of I with the dark level taken
//! off: y = (ADC(min(n + σ ξ, full)) - dark) / κ.
//!
//! Operands: I (real), gain g of each detector (real, of the same shape, shared), shot `[1]`.
//! Poisson: by inversion below a mean of 24, beyond that by the normal of the same mean, variance and
//! skewness (Cornish and Fisher 1938), rounded to whole electrons below 4096, where they show.
//! Adjoint: straight through, as if nothing were rounded or full: g_I = gain g.

use super::case::{Case, build};
use super::draw::{normal_of, uniform_of};
use super::gain::Gain;
use super::kernel::{Cost, CpuCompile, CpuKernel, GpuKernel, Word};
use super::{Op, Primitive, expect, same_len};
use crate::error::Result;
use crate::math::random::{key, threefry2x32};
use crate::math::scalar::Scalar;
use crate::program::adjoint::Adjoint;
use crate::program::{Data, Kind, Node, Shape, Slot};

#[derive(Debug, Clone)]
pub struct Expose {
    pub seed: u64,
    pub site: u32,
    /// Light comes in photons.
    pub shot_noise: bool,
    /// κ: electrons a unit of I.
    pub electrons: f64,
    /// Mean dark electrons of an exposure.
    pub dark: f64,
    /// Standard deviation of the read noise in electrons.
    pub read: f64,
    /// Electrons that saturate the detector and the converter; 0 for no limit.
    pub full: f64,
    /// Bits of the converter; 0 for none.
    pub bits: u32,
}

/// Half a step of the draw: beyond the mean, what is less likely is no count. A sum of f32 ends within
/// some roundings of 1, and a draw may lie above it.
const LEAST: f64 = 0.5 / (1 << 24) as f64;

fn poisson<T: Scalar>(mean: T, bits: [u32; 2]) -> T {
    if mean < T::of(24.0) {
        let u = uniform_of::<T>(bits[0]) + T::of(LEAST);
        let mut below = (-mean).exponential();
        // Of one more than n.
        let (mut share, mut n) = (mean * below, T::zero());
        while u > below && (n < mean || share > T::of(LEAST)) {
            n += T::one();
            below += share;
            share *= mean / (n + T::one());
        }
        return n;
    }
    let z: T = normal_of(bits);
    let near = mean + mean.sqrt() * z + (z * z - T::one()) / T::of(6.0);
    let near = near.max(T::zero());
    if mean < T::of(4096.0) { (near + T::of(0.5)).floor() } else { near }
}

impl Expose {
    fn codes(&self) -> f64 {
        if self.bits == 0 { 0.0 } else { (1u64 << self.bits) as f64 - 1.0 }
    }

    fn read_out<T: Scalar>(&self, x: T, gain: T, bits: impl Fn(u32) -> [u32; 2]) -> T {
        let (zero, half) = (T::zero(), T::of(0.5));
        let [electrons, dark, read, full, codes] =
            [self.electrons, self.dark, self.read, self.full, self.codes()].map(T::of);
        let mean = electrons * gain * x.max(zero) + dark;
        let mut seen = if self.shot_noise { poisson(mean, bits(0)) } else { mean };
        if read > zero {
            seen += read * normal_of::<T>(bits(1));
        }
        if full > zero {
            seen = seen.min(full);
            if codes > zero {
                seen = (seen.max(zero) / full * codes + half).floor() / codes * full;
            }
        }
        (seen - dark) / electrons
    }
}

impl Primitive for Expose {
    const NAME: &'static str = "expose";

    fn shape(&self, inputs: &[&Slot]) -> Result<Shape> {
        expect(Self::NAME, inputs, &[Kind::Real, Kind::Real, Kind::Index])?;
        same_len(Self::NAME, inputs[0], inputs[1])?;
        Ok(inputs[0].shape.clone())
    }

    fn adjoint(&self, walk: &mut Adjoint, node: &Node) -> Result<()> {
        let g = walk.incoming(node)?;
        let back = walk.emit(Op::Gain(Gain), &[g, node.inputs[1]])?;
        walk.contribute(node.inputs[0], back)
    }

    fn cpu<T: Scalar>(&self, inputs: &[&Slot], compile: &mut CpuCompile<T>) -> CpuKernel<T> {
        let places = compile.arrangement.places(&inputs[0].shape);
        let (op, key) = (self.clone(), key(self.seed, self.site));
        CpuKernel::new(move |io| {
            let (x, gain, shot) = (io.inputs[0].real(), io.inputs[1].real(), io.inputs[2].index());
            let first = io.first * places.len();
            let y = io.outputs[0].real();
            if y.len() > places.len() {
                y.fill(T::zero());
            }
            for (n, &at) in places.iter().enumerate() {
                let at = at as usize;
                let index = 2 * (first + n) as u32;
                let bits = |k: u32| threefry2x32(key, [shot[0], index.wrapping_add(k)]);
                y[at] = if x[at].is_nan() { x[at] } else { op.read_out(x[at], gain[at], bits) };
            }
        })
    }

    fn gpu(&self, inputs: &[&Slot]) -> GpuKernel {
        let [low, high] = key(self.seed, self.site);
        let real = |x: f64| Word::F32(x as f32);
        GpuKernel::pointwise(Self::NAME, inputs[0].shape.len())
            .word("key_low", Word::U32(low))
            .word("key_high", Word::U32(high))
            .word("shot_noise", Word::U32(u32::from(self.shot_noise)))
            .word("electrons", real(self.electrons))
            .word("dark", real(self.dark))
            .word("read", real(self.read))
            .word("full", real(self.full))
            .word("codes", real(self.codes()))
    }

    fn cost(&self, inputs: &[&Slot]) -> Cost {
        let n = inputs[0].shape.len();
        Cost::new(400 * n, 3 * n)
    }
}

pub fn cases() -> Vec<Case> {
    let all = Expose {
        seed: 9,
        site: 301,
        shot_noise: true,
        electrons: 12.0,
        dark: 2.0,
        read: 1.5,
        full: 14.0,
        bits: 5,
    };
    let bright = Expose { electrons: 1e4, full: 0.0, bits: 0, ..all.clone() };
    let quiet = Expose { shot_noise: false, read: 0.0, ..all.clone() };
    [("few photons", all, 16.0), ("many photons", bright, 16.0), ("converter alone", quiet, 4.0)]
        .map(|(name, op, depth)| {
            build(format!("expose {name}"), depth, |c| {
                let x = c.sample(Shape::real(&[23]));
                let gain = c.b.constant("gain", Shape::real(&[23]), || {
                    Data::Real((0..23).map(|i| 0.9 + 0.01 * f64::from(i)).collect())
                });
                let shot = c.b.constant("shot", Shape::index(&[1]), || Data::Index(vec![3]));
                let y = c.b.emit(Op::Expose(op), &[x, gain, shot])?;
                c.compare(y);
                Ok(())
            })
        })
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of the draws next to 1 in f32, over all means: no count less likely than half a step of the draw,
    /// and none below its quantile. A sum of 60 terms is off by 60 half steps at most.
    #[test]
    fn largest_draws_are_counts_that_happen() {
        for mean in (0..480).map(|k| 0.05 * k as f32) {
            let exact = f64::from(mean);
            let (mut share, mut below) = ((-exact).exp(), 0.0);
            let mut ends = Vec::new();
            for n in 1..200 {
                below += share;
                share *= exact / f64::from(n);
                ends.push(below);
            }
            for bin in (1 << 24) - 2048..1 << 24u32 {
                let n = poisson(mean, [bin << 8, 0]) as usize;
                let u = (f64::from(bin) + 0.5) / f64::from(1 << 24);
                assert!(n == 0 || 1.0 - ends[n - 1] > 0.9 * LEAST, "{mean}: {n} at {u}");
                assert!(u < ends[n] + 60.0 * LEAST, "{mean}: {n} at {u}");
            }
        }
    }

    /// Mean, variance and third moment of Poisson are all its mean; and P(0), P(1) at a mean of 0.7.
    #[test]
    fn counts_are_poisson() {
        let n = 40_000;
        for mean in [0.7, 5.0, 23.9, 24.1, 300.0, 5000.0] {
            let draw = |i: u32| poisson::<f64>(mean, threefry2x32(key(5, 301), [1, i]));
            let counts: Vec<f64> = (0..n).map(draw).collect();
            let moment =
                |k: i32| counts.iter().map(|c| (c - mean).powi(k)).sum::<f64>() / f64::from(n);
            // Standard errors from the moments of Poisson: m2 = m, m4 = m + 3 m², m6 ~ 15 m³ + ...
            let root = f64::from(n).sqrt();
            assert!(moment(1).abs() < 5.0 * mean.sqrt() / root, "{mean}: mean");
            let se2 = (mean + 2.0 * mean * mean).sqrt() / root;
            assert!((moment(2) - mean).abs() < 5.0 * se2, "{mean}: variance {}", moment(2));
            let m6 = mean + 25.0 * mean * mean + 15.0 * mean.powi(3);
            assert!((moment(3) - mean).abs() < 5.0 * m6.sqrt() / root, "{mean}: skew");
            if mean < 1.0 {
                for (k, p) in [(0.0, (-mean).exp()), (1.0, mean * (-mean).exp())] {
                    let share = counts.iter().filter(|&&c| c == k).count() as f64 / f64::from(n);
                    assert!((share - p).abs() < 5.0 * (p * (1.0 - p)).sqrt() / root);
                }
            }
        }
    }
}
