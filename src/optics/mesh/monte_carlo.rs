//! e_k = ‖U_k - V_k‖_F/√N over chips k = 0, 1, ..: what a process of some quality gives.

use rayon::prelude::*;
use serde::Serialize;

use super::correct::decompose_for;
use super::decompose::decompose;
use super::dense::rms_distance;
use super::effective::effective;
use super::haar::haar;
use super::{C, Imperfections, Mesh};
use crate::error::Result;

/// One chip: its seed, its rms error with the settings of the ideal mesh and with its own, and the
/// cells that were out of reach of those.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Chip {
    pub seed: u64,
    pub plain: f64,
    pub corrected: f64,
    pub missed: usize,
}

/// Chips of the seeds from `seed` on, each set to `unitary` `[n, n]` or, where none is given, to a
/// Haar-random one of its own seed.
pub fn chips(
    mesh: &Mesh,
    spec: &Imperfections,
    unitary: Option<&[C]>,
    seed: u64,
    count: usize,
) -> Result<Vec<Chip>> {
    let one = |k: u64| {
        let seed = seed.wrapping_add(k);
        let own = if unitary.is_none() { haar(mesh.n, seed)? } else { Vec::new() };
        let u = unitary.unwrap_or(&own);
        let faults = spec.draw(mesh, seed)?;
        let error = |settings| -> Result<f64> {
            Ok(rms_distance(mesh.n, u, &effective(mesh, settings, &faults)?.matrix()))
        };
        let corrected = decompose_for(mesh, u, &faults)?;
        Ok(Chip {
            seed,
            plain: error(&decompose(mesh, u)?)?,
            corrected: error(&corrected.settings)?,
            missed: corrected.missed,
        })
    };
    (0..count as u64).into_par_iter().map(one).collect()
}

/// Mean, standard deviation and percentiles of a few numbers.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Spread {
    pub mean: f64,
    /// Of the sample, with n - 1; 0 for one number.
    pub std: f64,
    pub p5: f64,
    pub p50: f64,
    pub p95: f64,
}

impl Spread {
    /// Percentiles lie on straight lines between the sorted values, the ends at 0 and 100.
    pub fn of(values: &[f64]) -> Self {
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let square = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>();
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let percentile = |p: f64| {
            let at = p / 100.0 * (n - 1.0);
            let below = at.floor() as usize;
            match (sorted.get(below), sorted.get(below + 1)) {
                (Some(a), Some(b)) => a + (b - a) * (at - below as f64),
                (Some(a), None) => *a,
                _ => f64::NAN,
            }
        };
        let std = if values.len() > 1 { (square / (n - 1.0)).sqrt() } else { 0.0 };
        Self { mean, std, p5: percentile(5.0), p50: percentile(50.0), p95: percentile(95.0) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::optics::mesh::{Topology, laws};

    #[test]
    fn spreads_are_those_of_small_samples() {
        let s = Spread::of(&[4.0, 1.0, 3.0, 2.0, 5.0]);
        assert_eq!((s.mean, s.p50, s.std), (3.0, 3.0, 2.5f64.sqrt()));
        assert!((s.p5 - 1.2).abs() < 1e-15 && (s.p95 - 4.8).abs() < 1e-15);
        let one = Spread::of(&[2.0]);
        assert_eq!((one.mean, one.std, one.p5, one.p95), (2.0, 0.0, 2.0, 2.0));
    }

    /// The mean square follows its law; 200 chips leave 3 std of its root = 3 %. Chips are their
    /// seeds, whatever is drawn beside them.
    #[test]
    fn chips_follow_the_law_and_their_seeds() {
        let mesh = Mesh::new(8, Topology::Clements).expect("a size");
        let spec = Imperfections { splitter_angle: 0.01, ..Default::default() };
        let all = chips(&mesh, &spec, None, 5, 200).expect("valid");
        let square = all.iter().map(|c| c.plain * c.plain).sum::<f64>() / 200.0;
        let ratio = square.sqrt() / laws::uncorrected_splitters(8, 0.01);
        assert!((ratio - 1.0).abs() < 0.03, "{ratio}");
        assert!(all.iter().all(|c| c.corrected < c.plain));
        let some = chips(&mesh, &spec, None, 105, 3).expect("valid");
        assert_eq!(some, all[100..103]);
        let u = haar(8, 1).expect("a size");
        let given = chips(&mesh, &spec, Some(&u), 5, 3).expect("valid");
        assert!(given.iter().zip(&all).all(|(a, b)| a.seed == b.seed && a.plain != b.plain));
    }
}
