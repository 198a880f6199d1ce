//! What detectors make of light when they get the photons and the converters that the joules pay
//! for: noise of the same SNR, shot and amplifier's apart, then b bits.

use super::budget::Input;
use super::chip::Detection;
use super::draw::Draw;
use super::laws::{ELEMENTARY_CHARGE, camera_electrons, direct_energy, snr};
use super::machine::{Kind, Machine};
use super::stack::Band;
use crate::math::random::{Site, uniform};

/// Noise of one region whose light is of mean power 1: variance (shot·p + 1 - shot)/snr at power p.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Noise {
    pub snr: f64,
    /// Share of the variance at the mean that is the light's own.
    pub shot: f64,
}

impl Noise {
    /// Of a machine's detectors at the light that its budget pays for.
    pub fn of(machine: &Machine, d: &Draw, bits: f64) -> Self {
        let snr = snr(bits);
        let shot = match &machine.kind {
            Kind::Chip(chip) if chip.detection == Detection::Direct => {
                let (noise, r) = (d.get("receiver.noise"), d.get("silicon.responsivity"));
                let rate = chip.budget(d, bits, Input::Memory).rate;
                let current = direct_energy(snr, noise, r, rate) * r * rate;
                let shot = 2.0 * ELEMENTARY_CHARGE * current;
                shot / (shot + noise * noise)
            }
            Kind::Stack(stack) if stack.band == Band::Visible => {
                let (read, pixels) = (d.get("slm.read_noise"), d.get("slm.region_pixels"));
                let electrons = camera_electrons(snr, read, pixels);
                electrons / (electrons + pixels * read * read)
            }
            Kind::Chip(_) | Kind::Stack(_) => 0.0,
        };
        Self { snr, shot }
    }

    /// Powers as they are read: `regions` of all samples, their mean power being what the budget's
    /// light gives a region. The converter's full scale is the largest of them.
    pub fn read(self, regions: &[f64], bits: f64, seed: u64) -> Vec<f64> {
        let mean = regions.iter().sum::<f64>() / regions.len().max(1) as f64;
        let most = regions.iter().copied().fold(0.0, f64::max) / mean;
        let step = most / (2f64.powf(bits) - 1.0);
        let read = |(i, &power): (usize, &f64)| {
            let p = power / mean;
            let std = ((self.shot * p + 1.0 - self.shot) / self.snr).sqrt();
            let seen = (p + std * normal(seed, i as u32)).clamp(0.0, most);
            (seen / step).round() * step * mean
        };
        regions.iter().enumerate().map(read).collect()
    }
}

/// A normal deviate at an address (Box and Muller 1958).
fn normal(seed: u64, index: u32) -> f64 {
    let [a, b] = [0, 1].map(|step| uniform(seed, step, Site::Detector, index));
    // 1 - a is never 0.
    (-2.0 * (1.0 - a).ln()).sqrt() * (std::f64::consts::TAU * b).cos()
}

/// A digital layer behind the detectors: W `[classes, readings]` and b.
#[derive(Debug, Clone, PartialEq)]
pub struct Head {
    pub weight: Vec<f64>,
    pub bias: Vec<f64>,
}

impl Head {
    /// The class of the largest W r + b, r the shares of the light; the first of equals.
    pub fn answer(&self, regions: &[f64]) -> usize {
        let whole: f64 = regions.iter().sum();
        let share = |p: f64| if whole > 0.0 { p / whole } else { 0.0 };
        let score = |(row, b): (&[f64], &f64)| {
            row.iter().zip(regions).map(|(w, &p)| w * share(p)).sum::<f64>() + b
        };
        let rows = self.weight.chunks_exact(regions.len()).zip(&self.bias);
        let scores: Vec<f64> = rows.map(score).collect();
        (1..scores.len()).fold(0, |best, k| if scores[k] > scores[best] { k } else { best })
    }
}

/// The class that a sample's regions name: the brightest, or of pairs the largest
/// (I₊ - I₋)/(I₊ + I₋); the first of equals.
pub fn answer(regions: &[f64], differential: bool) -> usize {
    let classes = if differential { regions.len() / 2 } else { regions.len() };
    let score = |k: usize| {
        if !differential {
            return regions[k];
        }
        let (plus, minus) = (regions[k], regions[k + classes]);
        let sum = plus + minus;
        if sum > 0.0 { (plus - minus) / sum } else { 0.0 }
    };
    (1..classes).fold(0, |best, k| if score(k) > score(best) { k } else { best })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The rms of what is read is that of the noise and of a converter's steps: step²/12 more.
    #[test]
    fn noise_has_its_size() {
        for (bits, shot) in [(4.0, 0.0), (4.0, 1.0), (8.0, 0.5)] {
            let noise = Noise { snr: snr(bits), shot };
            // Half of the regions at 0.5, half at 1.5 of the mean, one far brighter for the scale.
            let mut regions: Vec<f64> =
                (0..40_000).map(|i| if i % 2 == 0 { 0.5 } else { 1.5 }).collect();
            regions.push(2.0);
            let read = noise.read(&regions, bits, 7);
            let step = 2.0 / (2f64.powf(bits) - 1.0);
            for (first, p) in [(0, 0.5), (1, 1.5)] {
                let errors = read[..40_000].iter().skip(first).step_by(2).map(|r| (r - p).powi(2));
                let variance = errors.sum::<f64>() / 20_000.0;
                let light = (shot * p + 1.0 - shot) / noise.snr;
                // A value between two steps errs by more or less than step²/12 on average where
                // noise is small beside the step; both are below step²/4.
                assert!(variance > 0.8 * light && variance < 1.2 * light + step * step / 4.0);
            }
        }
    }

    /// More bits read better, and without noise and steps nothing changes.
    #[test]
    fn many_bits_change_nothing() {
        let regions = [0.3, 0.1, 0.5, 0.2];
        let noise = Noise { snr: 1e20, shot: 0.3 };
        let read = noise.read(&regions, 30.0, 1);
        assert!(read.iter().zip(&regions).all(|(a, b)| (a - b).abs() < 1e-8), "{read:?}");
    }

    #[test]
    fn classes_are_named() {
        assert_eq!(answer(&[0.1, 0.4, 0.2], false), 1);
        // Contrast, not brightness: 0 of (0.5 - 0.5), 0.5 of (0.3 - 0.1).
        assert_eq!(answer(&[0.5, 0.3, 0.5, 0.1], true), 1);
        assert_eq!(answer(&[0.0, 0.0, 0.0, 0.0], true), 0);
        // Shares 1/4, 3/4: 0.25 - 0.5 and 0.75 x 2 - 2 by hand.
        let head = Head { weight: vec![1.0, 0.0, 0.0, 2.0], bias: vec![-0.5, -2.0] };
        assert_eq!((head.answer(&[1.0, 3.0]), head.answer(&[0.0, 3.0])), (0, 1));
    }
}
