//! ξ: addressed noise, real, of one shape for all samples or for each its own.
//!
//! An element depends on (seed, site, shot, index) alone (Threefry-2x32-20, DESIGN.md 2); index
//! counts elements in natural order over the samples of the batch. The same address gives the same
//! number again: a perturbation need not be kept.
//!
//! Operand: shot `[1]`, an index.

use super::case::{Case, build};
use super::kernel::{Cost, CpuCompile, CpuKernel, GpuKernel, Word};
use super::{Op, Primitive, expect};
use crate::error::Result;
use crate::math::random::{SIDE, key, threefry_lanes};
use crate::math::scalar::Scalar;
use crate::program::{Builder, Data, Domain, Kind, Shape, Slot, SlotId};

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Noise {
    /// Gaussian of this standard deviation.
    Normal(f64),
    /// Uniform between ± this.
    Uniform(f64),
    /// ± this, evenly.
    Signs(f64),
}

#[derive(Debug, Clone)]
pub struct Draw {
    pub noise: Noise,
    pub seed: u64,
    /// Who draws ([`crate::math::random::OF_PROGRAMS`] on).
    pub site: u32,
    pub dims: Vec<usize>,
}

/// In [0, 1) from the upper 24 bits, which f32 holds exactly.
#[inline(always)]
pub fn uniform_of<T: Scalar>(bits: u32) -> T {
    T::of_u24(bits >> 8) * T::of(1.0 / f64::from(1 << 24))
}

/// Box and Muller 1958, from 64 bits.
#[inline(always)]
pub fn normal_of<T: Scalar>([a, b]: [u32; 2]) -> T {
    let u = uniform_of::<T>(a) + T::of(0.5 / f64::from(1 << 24));
    let angle = T::of(std::f64::consts::TAU) * uniform_of::<T>(b);
    (T::of(-2.0) * u.logarithm_of_normal()).sqrt() * angle.cis().re
}

impl Draw {
    /// Emits the noise; each sample has its own, or all have the same.
    pub fn emit(self, b: &mut Builder, shot: SlotId, per_sample: bool) -> Result<SlotId> {
        if !per_sample {
            return b.emit(Op::Draw(self), &[shot]);
        }
        let name = format!("draw.{}", self.site);
        let noise = b.temp(name, Shape::real(&self.dims), Domain::Sample);
        b.emit_all(Op::Draw(self), &[shot], &[noise])?;
        Ok(noise)
    }

    fn words(&self) -> (u32, f64) {
        match self.noise {
            Noise::Normal(size) => (0, size),
            Noise::Uniform(size) => (1, size),
            Noise::Signs(size) => (2, size),
        }
    }
}

impl Primitive for Draw {
    const NAME: &'static str = "draw";

    fn shape(&self, inputs: &[&Slot]) -> Result<Shape> {
        expect(Self::NAME, inputs, &[Kind::Index])?;
        Ok(Shape::real(&self.dims))
    }

    fn cpu<T: Scalar>(&self, _: &[&Slot], compile: &mut CpuCompile<T>) -> CpuKernel<T> {
        let places = compile.arrangement.places(&compile.output);
        let (kind, size) = self.words();
        let (key, size) = (key(self.seed, self.site), T::of(size));
        let (one, isa) = (T::one(), compile.isa);
        CpuKernel::new(move |io| {
            let shot = io.inputs[0].index()[0];
            let first = io.first * places.len();
            let noise = io.outputs[0].real();
            if noise.len() > places.len() {
                noise.fill(T::zero());
            }
            isa.run(
                #[inline(always)]
                || {
                    for (c, places) in places.chunks(SIDE).enumerate() {
                        let [a, b] = threefry_lanes(key, shot, (first + c * SIDE) as u32);
                        let mut values = [T::zero(); SIDE];
                        for (l, value) in values.iter_mut().enumerate() {
                            *value = match kind {
                                0 => normal_of([a[l], b[l]]),
                                1 => T::of(2.0) * uniform_of::<T>(a[l]) - one,
                                _ => T::of(2.0) * T::of_u24(a[l] >> 31) - one,
                            };
                        }
                        for (&at, value) in places.iter().zip(values) {
                            noise[at as usize] = size * value;
                        }
                    }
                },
            );
        })
    }

    fn gpu(&self, _: &[&Slot]) -> GpuKernel {
        let (kind, size) = self.words();
        let [low, high] = key(self.seed, self.site);
        GpuKernel::pointwise(Self::NAME, self.dims.iter().product())
            .word("key_low", Word::U32(low))
            .word("key_high", Word::U32(high))
            .word("kind", Word::U32(kind))
            .word("size", Word::F32(size as f32))
    }

    fn cost(&self, _: &[&Slot]) -> Cost {
        let n: usize = self.dims.iter().product();
        Cost::new(160 * n, n)
    }
}

pub fn cases() -> Vec<Case> {
    [Noise::Normal(0.3), Noise::Uniform(2.0), Noise::Signs(0.5)]
        .map(|noise| {
            build(format!("draw {noise:?}"), 16.0, |c| {
                let shot = c.b.constant("shot", Shape::index(&[1]), || Data::Index(vec![7]));
                for per_sample in [false, true] {
                    let draw = Draw { noise, seed: 5 << 40 | 3, site: 300, dims: vec![5, 9] };
                    let x = draw.emit(&mut c.b, shot, per_sample)?;
                    c.compare(x);
                }
                Ok(())
            })
        })
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::random::threefry2x32;

    /// Moments of 2^16 draws, each within five of its standard errors.
    #[test]
    fn noise_has_its_moments() {
        let n = 1 << 16;
        let bits = |i: u32| threefry2x32(key(11, 300), [4, i]);
        let normal: Vec<f64> = (0..n).map(|i| normal_of(bits(i))).collect();
        let mean =
            |f: &dyn Fn(f64) -> f64| normal.iter().map(|&x| f(x)).sum::<f64>() / f64::from(n);
        let se = f64::from(n).sqrt().recip();
        assert!(mean(&|x| x).abs() < 5.0 * se);
        assert!((mean(&|x| x * x) - 1.0).abs() < 5.0 * 2f64.sqrt() * se);
        assert!((mean(&|x| x.powi(4)) - 3.0).abs() < 5.0 * 96f64.sqrt() * se);
        let uniform = |i| uniform_of::<f64>(bits(i)[0]) - 0.5;
        let mean = (0..n).map(uniform).sum::<f64>() / f64::from(n);
        assert!(mean.abs() < 5.0 * se / 12f64.sqrt());
    }
}
