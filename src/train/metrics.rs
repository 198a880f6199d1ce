//! What an evaluation counts: accuracy with its interval, light, contrast, confusion.

use serde::{Deserialize, Serialize};

/// 97.5 % quantile of the normal distribution.
pub const Z: f64 = 1.959_963_984_540_054;

/// 95 % Wilson score interval of `hits` of `n` (Wilson 1927, JASA 22, 209).
pub fn wilson(hits: usize, n: usize) -> [f64; 2] {
    if n == 0 {
        return [0.0, 1.0];
    }
    let (n, p) = (n as f64, hits as f64 / n as f64);
    let centre = p + Z * Z / (2.0 * n);
    let half = Z * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt();
    let scale = (1.0 + Z * Z / n).recip();
    [((centre - half) * scale).max(0.0), ((centre + half) * scale).min(1.0)]
}

/// Index of the largest score, the first of equals; a NaN is never the largest.
pub fn answer(scores: &[f64]) -> usize {
    let better = |best: usize, k: usize| {
        if scores[k] > scores[best] || scores[best].is_nan() { k } else { best }
    };
    (1..scores.len()).fold(0, better)
}

/// Misread samples that an evaluation keeps.
const WORST: usize = 24;

/// A sample that was read wrong.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Mistake {
    /// Of the split.
    pub sample: usize,
    pub truth: usize,
    pub answer: usize,
    pub loss: f64,
    /// One per class.
    pub scores: Vec<f64>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Evaluation {
    pub n: usize,
    pub accuracy: f64,
    /// 95 % Wilson interval of the accuracy.
    pub interval: [f64; 2],
    pub loss: f64,
    /// Mean of (power in all regions) / (power on the first plane).
    pub power_efficiency: f64,
    /// Mean of (power in the region of the true class) / (power on the first plane); with
    /// differential detection the positive region, behind a digital head 0: no region is a class's.
    pub target_efficiency: f64,
    /// Least over the classes of the mean read-out of the true class less the best other.
    pub worst_class_contrast: f64,
    /// `[true][answered]`.
    pub confusion: Vec<Vec<u32>>,
    /// The misread samples of the largest losses, the worst first.
    #[serde(default)]
    pub worst: Vec<Mistake>,
}

/// Adds up samples.
#[derive(Debug, Clone)]
pub struct Tally {
    confusion: Vec<Vec<u32>>,
    worst: Vec<Mistake>,
    contrast: Vec<f64>,
    loss: f64,
    efficiency: f64,
    target: f64,
}

/// One sample's reading.
pub struct Sample<'a> {
    /// Its number in the split.
    pub sample: usize,
    pub label: usize,
    pub scores: &'a [f64],
    pub regions: &'a [f64],
    pub entering: f64,
    pub loss: f64,
}

impl Tally {
    pub fn new(classes: usize) -> Self {
        Self {
            confusion: vec![vec![0; classes]; classes],
            worst: Vec::new(),
            contrast: vec![0.0; classes],
            loss: 0.0,
            efficiency: 0.0,
            target: 0.0,
        }
    }

    pub fn add(&mut self, s: &Sample) {
        let answer = answer(s.scores);
        self.confusion[s.label][answer] += 1;
        if answer != s.label {
            self.keep(s, answer);
        }
        let others = s.scores.iter().enumerate().filter(|(k, _)| *k != s.label);
        let best = others.map(|(_, &z)| z).fold(f64::NEG_INFINITY, f64::max);
        if best.is_finite() {
            self.contrast[s.label] += s.scores[s.label] - best;
        }
        self.loss += s.loss;
        if s.entering > 0.0 {
            self.efficiency += s.regions.iter().sum::<f64>() / s.entering;
            let paired = [s.scores.len(), 2 * s.scores.len()].contains(&s.regions.len());
            self.target += if paired { s.regions[s.label] / s.entering } else { 0.0 };
        }
    }

    /// Among the worst, if it is one of them; of equals the first.
    fn keep(&mut self, s: &Sample, answer: usize) {
        let at = self.worst.partition_point(|m| m.loss >= s.loss);
        if at == WORST {
            return;
        }
        let (sample, truth, loss, scores) = (s.sample, s.label, s.loss, s.scores.to_vec());
        self.worst.insert(at, Mistake { sample, truth, answer, loss, scores });
        self.worst.truncate(WORST);
    }

    pub fn finish(self) -> Evaluation {
        let total = |row: &[u32]| row.iter().map(|&c| c as usize).sum::<usize>();
        let n: usize = self.confusion.iter().map(|row| total(row)).sum();
        let hits: usize = self.confusion.iter().enumerate().map(|(k, row)| row[k] as usize).sum();
        let per_class = self.contrast.iter().zip(&self.confusion);
        let seen = per_class.filter(|(_, row)| total(row) > 0);
        let worst = seen.map(|(sum, row)| sum / total(row) as f64).fold(f64::INFINITY, f64::min);
        let mean = |sum: f64| sum / n.max(1) as f64;
        Evaluation {
            n,
            accuracy: mean(hits as f64),
            interval: wilson(hits, n),
            loss: mean(self.loss),
            power_efficiency: mean(self.efficiency),
            target_efficiency: mean(self.target),
            worst_class_contrast: if worst.is_finite() { worst } else { 0.0 },
            confusion: self.confusion,
            worst: self.worst,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values from the closed form, computed by hand for 81 of 100 and for the ends.
    #[test]
    fn wilson_interval() {
        let [low, high] = wilson(81, 100);
        assert!((low - 0.722_2).abs() < 5e-4 && (high - 0.874_9).abs() < 5e-4, "{low} {high}");
        assert!(wilson(0, 50)[0] < 1e-12 && wilson(50, 50)[1] > 0.999_999);
    }

    #[test]
    fn tally_counts() {
        let mut tally = Tally::new(2);
        let one = |label, scores: [f64; 2]| (label, scores);
        let all = [one(0, [0.75, 0.25]), one(0, [0.25, 0.5]), one(1, [0.0, 0.5])];
        for (sample, (label, scores)) in all.into_iter().enumerate() {
            tally.add(&Sample {
                sample,
                label,
                scores: &scores,
                regions: &[1.0, 2.0],
                entering: 6.0,
                loss: 1.0,
            });
        }
        let e = tally.finish();
        assert_eq!(e.confusion, vec![vec![1, 1], vec![0, 1]]);
        assert!((e.accuracy - 2.0 / 3.0).abs() < 1e-15 && e.n == 3);
        assert!((e.power_efficiency - 0.5).abs() < 1e-15);
        assert!((e.target_efficiency - (1.0 + 1.0 + 2.0) / 18.0).abs() < 1e-15);
        assert!((e.worst_class_contrast - 0.125).abs() < 1e-15);
        assert_eq!(answer(&[f64::NAN, 0.5, 0.25]), 1);
        let scores = vec![0.25, 0.5];
        assert_eq!(e.worst, [Mistake { sample: 1, truth: 0, answer: 1, loss: 1.0, scores }]);
    }

    /// Of a hundred mistakes the largest losses stay, in order.
    #[test]
    fn the_worst_mistakes_are_kept() {
        let mut tally = Tally::new(2);
        for sample in 0..100 {
            let loss = f64::from(sample as u32 * 37 % 100);
            let (scores, regions) = (&[0.0, 1.0], &[1.0, 2.0]);
            tally.add(&Sample { sample, label: 0, scores, regions, entering: 3.0, loss });
        }
        let losses: Vec<f64> = tally.finish().worst.iter().map(|m| m.loss).collect();
        let largest: Vec<f64> = (0..WORST).map(|k| 99.0 - k as f64).collect();
        assert_eq!(losses, largest);
    }
}
