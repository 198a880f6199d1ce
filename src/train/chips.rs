//! One trained machine on many imperfect chips: each draws its own faults, and its meshes act as
//! the matrices that these leave ([`crate::optics::mesh`]).

use num_complex::Complex;
use serde::Serialize;

use super::checkpoint::Checkpoint;
use super::metrics::Evaluation;
use super::session::Session;
use crate::data::Split;
use crate::error::{Error, Result};
use crate::optics::mesh::effective::effective;
use crate::optics::mesh::{Imperfections, Settings};
use crate::program::Data;

/// Accuracy over chips.
#[derive(Debug, Clone, Serialize)]
pub struct OverChips {
    pub chips: usize,
    pub mean: f64,
    /// Standard deviation from chip to chip.
    pub spread: f64,
    /// Of 5, 50 and 95 % of the chips.
    pub percentiles: [f64; 3],
    /// Share of the chips that reach the accuracy asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub yield_share: Option<f64>,
    /// Of every chip, in the order of their seeds.
    pub accuracies: Vec<f64>,
}

impl OverChips {
    /// `at_least`: the accuracy from which a chip counts as good.
    pub fn of(accuracies: Vec<f64>, at_least: Option<f64>) -> Self {
        let n = accuracies.len() as f64;
        let mean = accuracies.iter().sum::<f64>() / n;
        let square: f64 = accuracies.iter().map(|a| (a - mean).powi(2)).sum();
        let mut sorted = accuracies.clone();
        sorted.sort_by(f64::total_cmp);
        let at = |share: f64| sorted[(share * (n - 1.0)).round() as usize];
        Self {
            chips: accuracies.len(),
            mean,
            spread: if n > 1.0 { (square / (n - 1.0)).sqrt() } else { 0.0 },
            percentiles: [0.05, 0.5, 0.95].map(at),
            yield_share: at_least
                .map(|least| accuracies.iter().filter(|&&a| a >= least).count() as f64 / n),
            accuracies,
        }
    }
}

impl Session {
    /// Gives every mesh the matrix that its trained phases make on the chip that `seed` draws.
    pub fn take_chip(
        &mut self,
        trained: &Checkpoint,
        faults: &Imperfections,
        seed: u64,
    ) -> Result<()> {
        for (k, (name, mesh, slot)) in self.machine.matrices().into_iter().enumerate() {
            let read = |quantity: &str| -> Result<Vec<f64>> {
                let tensor = format!("{name}.{quantity}");
                let found = trained.tensors.get(&tensor).map(|(_, data)| data.reals().to_vec());
                found.ok_or_else(|| {
                    Error::invalid(
                        "optic.element",
                        format!("the checkpoint has no tensor {tensor}"),
                    )
                    .help("its meshes must have been trained with this optic")
                })
            };
            let settings =
                Settings { theta: read("theta")?, phi: read("phi")?, gamma: read("gamma")? };
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
        trained: &Checkpoint,
        faults: &Imperfections,
        (first, chips): (u64, usize),
        (split, range): (&Split, std::ops::Range<usize>),
        told: &mut dyn FnMut(usize, &Evaluation),
    ) -> Result<Vec<f64>> {
        let mut accuracies = Vec::with_capacity(chips);
        for chip in 0..chips {
            self.take_chip(trained, faults, first.wrapping_add(chip as u64))?;
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
        assert!((over.mean - 0.7).abs() < 1e-12);
        assert!((over.spread - 0.025f64.sqrt()).abs() < 1e-12);
        assert_eq!(over.percentiles, [0.5, 0.7, 0.9]);
        assert_eq!(over.yield_share, Some(0.6));
        assert_eq!(OverChips::of(vec![0.4], None).spread, 0.0);
    }
}
