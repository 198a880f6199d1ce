//! One trained machine on many imperfect chips: each draws its own faults, and its meshes act as
//! the matrices that these leave ([`crate::optics::mesh`]).

use num_complex::Complex;
use serde::Serialize;

use super::metrics::{Evaluation, wilson};
use super::session::Session;
use crate::data::Split;
use crate::error::Result;
use crate::lower::mesh::Phases;
use crate::optics::mesh::effective::effective;
use crate::optics::mesh::monte_carlo::Spread;
use crate::optics::mesh::{Imperfections, Settings};
use crate::program::Data;

/// Accuracy over chips.
#[derive(Debug, Clone, Serialize)]
pub struct OverChips {
    pub chips: usize,
    #[serde(flatten)]
    pub spread: Spread,
    /// Share of the chips that reach the accuracy asked for, and its 95 % Wilson interval.
    #[serde(rename = "yield", skip_serializing_if = "Option::is_none")]
    pub good: Option<f64>,
    #[serde(rename = "yield_interval", skip_serializing_if = "Option::is_none")]
    pub interval: Option<[f64; 2]>,
    /// Of every chip, in the order of their seeds.
    pub accuracies: Vec<f64>,
}

impl OverChips {
    /// `at_least`: the accuracy from which a chip counts as good.
    pub fn of(accuracies: Vec<f64>, at_least: Option<f64>) -> Self {
        let chips = accuracies.len();
        let hits = at_least.map(|least| accuracies.iter().filter(|&&a| a >= least).count());
        Self {
            chips,
            spread: Spread::of(&accuracies),
            good: hits.map(|hits| hits as f64 / chips as f64),
            interval: hits.map(|hits| wilson(hits, chips)),
            accuracies,
        }
    }
}

impl Session {
    /// The phases of a mesh as they are now.
    pub fn settings(&mut self, phases: Phases) -> Result<Settings> {
        let mut read = |slot| Ok(self.executor.read(slot)?.reals().to_vec());
        let [theta, phi] = match phases.cells {
            Some([theta, phi]) => [read(theta)?, read(phi)?],
            None => [Vec::new(), Vec::new()],
        };
        Ok(Settings { theta, phi, gamma: read(phases.gamma)? })
    }

    /// Gives every mesh the matrix that its phases make on the chip that `seed` draws.
    fn take_chip(&mut self, faults: &Imperfections, seed: u64) -> Result<()> {
        for (k, (mesh, phases, slot)) in self.machine.matrices().into_iter().enumerate() {
            let settings = self.settings(phases)?;
            // Meshes of one chip are drawn apart.
            let drawn = faults.draw(&mesh, seed.wrapping_mul(1 << 16).wrapping_add(k as u64))?;
            let matrix = effective(&mesh, &settings, &drawn)?.matrix();
            let n = mesh.n;
            let images: Vec<Complex<f64>> =
                (0..n * n).map(|at| matrix[at % n * n + at / n]).collect();
            self.executor.write(slot, &Data::Complex(images))?;
        }
        Ok(())
    }

    /// Evaluates samples `range` of a split on `chips` chips; seeds count up from `first`.
    pub fn over_chips(
        &mut self,
        faults: &Imperfections,
        (first, chips): (u64, usize),
        (split, range): (&Split, std::ops::Range<usize>),
        told: &mut dyn FnMut(usize, &Evaluation),
    ) -> Result<Vec<f64>> {
        let mut accuracies = Vec::with_capacity(chips);
        for chip in 0..chips {
            self.take_chip(faults, first.wrapping_add(chip as u64))?;
            let evaluation = self.evaluate(split, range.clone())?;
            told(chip, &evaluation);
            accuracies.push(evaluation.accuracy);
        }
        Ok(accuracies)
    }
}

#[cfg(test)]
mod tests {
    use super::OverChips;

    #[test]
    fn chips_are_counted() {
        let over = OverChips::of(vec![0.9, 0.7, 0.8, 0.6, 0.5], Some(0.7));
        assert!((over.spread.mean - 0.7).abs() < 1e-12);
        assert_eq!(over.good, Some(0.6));
        // Wilson's interval for 3 of 5, to four digits.
        let [low, high] = over.interval.expect("a yield has one");
        assert!((low - 0.2307).abs() < 1e-4 && (high - 0.8824).abs() < 1e-4, "{low} {high}");
        assert!(OverChips::of(vec![0.4], None).good.is_none());
    }
}
