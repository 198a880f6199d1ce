//! phase = static + drift + (1 + κ A) Q(command): one chip, by numbers.
//!
//! Q rounds what drives a shifter, A joins neighbouring shifters ([`super::crosstalk`]); what was
//! made wrong (static) or wanders (drift) is no heat, and does not spread. Losses are amplitudes
//! at the inputs of a cell, 10^(-dB/20).

use std::f64::consts::{PI, SQRT_2, TAU};

use super::cell::wrap;
use super::haar::normal;
use super::{Build, Mesh, Settings, crosstalk};
use crate::error::{Error, Result};
use crate::math::random::Site;

/// How a shifter is driven.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drive {
    Continuous,
    /// Steps of 2π / 2^bits.
    Phase {
        bits: u32,
    },
    /// 2^bits voltages from 0 to √2 Vπ, phase = π (V/Vπ)².
    Voltage {
        bits: u32,
    },
}

/// What is wrong with one chip.
#[derive(Debug, Clone, PartialEq)]
pub struct Faults {
    /// Angle errors in radians `[cells]`: before θ, after θ, the third splitter.
    pub splitters: Vec<[f64; 3]>,
    /// Static and drifted errors of the phases in radians.
    pub phases: Settings,
    /// `[cells]`.
    pub loss_db: Vec<f64>,
    /// Of a guide that passes a column without a cell.
    pub bypass_loss_db: f64,
    pub crossing_loss_db: f64,
    /// Part of a shifter's phase that reaches its neighbours across the chip.
    pub crosstalk: f64,
    /// And along the chip.
    pub crosstalk_along: f64,
    pub drive: Drive,
}

/// 10^(-dB/20).
pub fn amplitude(db: f64) -> f64 {
    if db == 0.0 { 1.0 } else { 10f64.powf(-db / 20.0) }
}

impl Drive {
    /// The phase that is driven when `phase` radians are asked for, in [0, 2π] unless continuous.
    pub fn quantise(self, phase: f64) -> f64 {
        match self {
            Self::Continuous => phase,
            Self::Phase { bits } => {
                let steps = f64::from(1u32 << bits);
                (wrap(phase) / TAU * steps).round() % steps / steps * TAU
            }
            Self::Voltage { bits } => {
                let last = f64::from((1u32 << bits) - 1);
                let volts = (wrap(phase) / PI).sqrt();
                let driven = (volts / SQRT_2 * last).round() / last * SQRT_2;
                PI * driven * driven
            }
        }
    }
}

impl Faults {
    /// A perfect chip.
    pub fn none(mesh: &Mesh) -> Self {
        let cells = mesh.layout.cells.len();
        Self {
            splitters: vec![[0.0; 3]; cells],
            phases: mesh.zero_settings(),
            loss_db: vec![0.0; cells],
            bypass_loss_db: 0.0,
            crossing_loss_db: 0.0,
            crosstalk: 0.0,
            crosstalk_along: 0.0,
            drive: Drive::Continuous,
        }
    }

    /// Refuses the faults of another mesh.
    pub fn check(&self, mesh: &Mesh) -> Result<()> {
        mesh.check(&self.phases)?;
        if self.splitters.len() == self.loss_db.len()
            && self.loss_db.len() == self.phases.theta.len()
        {
            return Ok(());
        }
        Err(Error::invalid("hardware", "these faults were drawn for another mesh")
            .help("draw them for this one"))
    }

    /// Everything about cell `k` but its phases.
    pub fn build(&self, mesh: &Mesh, k: usize) -> Build {
        let (column, a, b) = mesh.layout.cells[k].at();
        let input = [a, b].map(|guide| {
            let crossings = mesh.layout.crossings[column * mesh.layout.guides + guide];
            amplitude(self.loss_db[k] + self.crossing_loss_db * f64::from(crossings))
        });
        Build { splitters: self.splitters[k], input, ..mesh.ideal_cell() }
    }

    /// Amplitude of each guide that passes a column without a cell, 1 where it has one
    /// `[depth, guides]`.
    pub fn bypass(&self, mesh: &Mesh) -> Vec<f64> {
        let layout = &mesh.layout;
        let mut out: Vec<f64> = layout.crossings[..layout.depth * layout.guides]
            .iter()
            .map(|&c| amplitude(self.bypass_loss_db + self.crossing_loss_db * f64::from(c)))
            .collect();
        for cell in &layout.cells {
            let (column, a, b) = cell.at();
            out[column * layout.guides + a] = 1.0;
            out[column * layout.guides + b] = 1.0;
        }
        out
    }

    /// Amplitude that the crossings before the output leave to mode `k`.
    pub fn output_amplitude(&self, mesh: &Mesh, k: usize) -> f64 {
        let layout = &mesh.layout;
        let crossings = layout.crossings[layout.depth * layout.guides + layout.first + k];
        amplitude(self.crossing_loss_db * f64::from(crossings))
    }

    /// The phases that the light sees when the chip is driven to `settings`.
    ///
    /// Straight through for gradients: rounding has slope 1, crosstalk is symmetric.
    pub fn realise(&self, mesh: &Mesh, settings: &Settings) -> Settings {
        let driven = map(settings, |x| self.drive.quantise(x));
        let heated = crosstalk::spread(mesh, self, &driven);
        sum(&heated, &self.phases)
    }
}

/// `f` of every phase.
pub(super) fn map(settings: &Settings, f: impl Fn(f64) -> f64) -> Settings {
    let over = |phases: &[f64]| phases.iter().map(|&x| f(x)).collect();
    Settings {
        theta: over(&settings.theta),
        phi: over(&settings.phi),
        gamma: over(&settings.gamma),
    }
}

/// a + b, phase by phase.
pub(super) fn sum(a: &Settings, b: &Settings) -> Settings {
    let over = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(x, y)| x + y).collect();
    Settings {
        theta: over(&a.theta, &b.theta),
        phi: over(&a.phi, &b.phi),
        gamma: over(&a.gamma, &b.gamma),
    }
}

/// Levels of halving within an interval of the walk: 1/1024 of it is a straight line.
const LEVELS: u32 = 10;

/// A Brownian path W(t) of variance t at an address, t in seconds below 2^40.
///
/// W is drawn at 1, 2, 4, 8, .. s and filled in between by Lévy's bridge, so that it costs some
/// tens of draws at any t and all times lie on one path.
pub(super) fn walk(seed: u64, site: Site, index: u32, time_s: f64) -> f64 {
    if time_s <= 0.0 {
        return 0.0;
    }
    let draw = |interval: u32, node: u32| normal(seed, interval << 16 | node, site, index);
    let (mut start, mut end, mut interval) = (0.0, 1.0, 0);
    let mut at_start = 0.0;
    let mut at_end = draw(0, 0);
    while end < time_s {
        interval += 1;
        (start, at_start) = (end, at_end);
        end *= 2.0;
        at_end = at_start + (end - start).sqrt() * draw(interval, 0);
    }
    let mut node = 1u32;
    for _ in 0..LEVELS {
        let middle = 0.5 * (start + end);
        let at_middle =
            0.5 * (at_start + at_end) + 0.5 * (end - start).sqrt() * draw(interval, node);
        if time_s < middle {
            (end, at_end) = (middle, at_middle);
            node *= 2;
        } else {
            (start, at_start) = (middle, at_middle);
            node = 2 * node + 1;
        }
    }
    at_start + (at_end - at_start) * (time_s - start) / (end - start)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phases_round_to_their_levels() {
        let three = Drive::Phase { bits: 3 };
        assert!((three.quantise(0.8) - PI / 4.0).abs() < 1e-15);
        assert_eq!(three.quantise(TAU - 0.1), 0.0, "the top step is the bottom one");
        assert!((three.quantise(-PI / 2.0) - 1.5 * PI).abs() < 1e-15);
        // Voltages: phase = π (k/7 √2)² = 2π k²/49.
        let volts = Drive::Voltage { bits: 3 };
        for k in 0..8 {
            let phase = TAU * f64::from(k * k) / 49.0;
            let near = if k == 7 { phase - 0.01 } else { phase + 0.01 };
            assert!((volts.quantise(near) - phase).abs() < 1e-14, "{k}");
        }
        assert_eq!(Drive::Continuous.quantise(-40.0), -40.0);
    }

    /// Var W(t) = t and Cov(W(s), W(t)) = min(s, t), also off the grid of powers of two.
    /// 20 000 paths: 3 std of a variance are 3 %.
    #[test]
    fn the_walk_is_a_walk() {
        let (mut vs, mut vt, mut cov) = (0.0, 0.0, 0.0);
        let (s, t, n) = (2.6, 21.3, 20_000);
        for k in 0..n {
            let [a, b] = [s, t].map(|at| walk(9, Site::Test, k, at));
            vs += a * a;
            vt += b * b;
            cov += a * b;
        }
        let [vs, vt, cov] = [vs, vt, cov].map(|x: f64| x / f64::from(n));
        assert!((vs / s - 1.0).abs() < 0.03 && (vt / t - 1.0).abs() < 0.03, "{vs} {vt}");
        // Its std is √((s t + s²)/n) = 0.056.
        assert!((cov - s).abs() < 0.17, "{cov}");
        assert_eq!(walk(9, Site::Test, 0, 0.0), 0.0);
        let step = walk(9, Site::Test, 0, 5.0 + 1e-9) - walk(9, Site::Test, 0, 5.0);
        assert!(step.abs() < 1e-6, "continuous: {step}");
    }
}
