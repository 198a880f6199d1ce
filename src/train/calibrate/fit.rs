//! p ← p - (JᵀWJ + λ diag)⁻¹ g: Levenberg and Marquardt's steps down χ² = Σ w (model - measured)²,
//! and what the curvature says of the estimates: intervals, and which numbers cannot be told apart.

use crate::error::{Error, Result};
use crate::math::symmetric::eigen;

/// A model of readings in some numbers of order one, its measurement and weights inside.
pub trait Model {
    /// What the model would read.
    fn readings(&mut self, at: &[f64]) -> Result<Vec<f64>>;
    /// The inverse variances of the readings from now on.
    fn weigh(&mut self, weights: &[f64]) -> Result<()>;
    /// χ², and half its gradient.
    fn misfit(&mut self, at: &[f64]) -> Result<(f64, Vec<f64>)>;
    /// Derivatives of all readings `[numbers][readings]`.
    fn slopes(&mut self, at: &[f64]) -> Result<Vec<Vec<f64>>>;
    /// A better place from which to go down, where slopes do not lead there.
    fn search(&mut self, at: Vec<f64>) -> Result<Vec<f64>> {
        Ok(at)
    }
}

/// Where a descent ended.
pub struct Found {
    pub at: Vec<f64>,
    pub chi2: f64,
    /// JᵀWJ `[n, n]`.
    pub curvature: Vec<f64>,
    pub steps: usize,
    /// Variance of each number by errors that noise has no part in ([`carried`]).
    pub carried: Vec<f64>,
}

/// Fits, each with the variances of the one before: so many at least, and until nothing moves.
const ROUNDS: std::ops::Range<usize> = 3..10;
const MOST_STEPS: usize = 60;
/// Steps, and moves between rounds, below which nothing moves.
const STILL: f64 = 1e-4;

/// Fits a model from `start`. `inverse` is the inverse variance of a mean reading, `seen` what was
/// measured.
pub fn fit(
    model: &mut dyn Model,
    start: Vec<f64>,
    seen: &[f64],
    inverse: impl Fn(f64) -> f64,
) -> Result<Found> {
    let carried = vec![0.0; start.len()];
    let mut found = Found { at: start, chi2: 0.0, curvature: Vec::new(), steps: 0, carried };
    for round in 0..ROUNDS.end {
        // At first by what was seen; then by the model, whose variances do not follow the noise.
        let by = if round == 0 { seen.to_vec() } else { model.readings(&found.at)? };
        let weights: Vec<f64> = by.iter().map(|&i| inverse(i)).collect();
        model.weigh(&weights)?;
        let before = found.at.clone();
        let at = model.search(found.at)?;
        let next = descend(model, at, &weights)?;
        let moved = before.iter().zip(&next.at).fold(0.0f64, |m, (a, b)| m.max((a - b).abs()));
        found = Found { steps: found.steps + next.steps, ..next };
        if round + 1 >= ROUNDS.start && moved < STILL {
            break;
        }
    }
    Ok(found)
}

/// Steps down from `at` until they are small.
fn descend(model: &mut dyn Model, mut at: Vec<f64>, weights: &[f64]) -> Result<Found> {
    let n = at.len();
    let (mut chi2, mut gradient) = model.misfit(&at)?;
    let mut curvature = curvature_at(model, &at, weights)?;
    let (mut damping, mut steps) = (1e-3, 0);
    while steps < MOST_STEPS && damping < 1e6 {
        steps += 1;
        let mut a = curvature.clone();
        for k in 0..n {
            a[k * n + k] *= 1.0 + damping;
        }
        let down: Vec<f64> = gradient.iter().map(|g| -g).collect();
        let Some(step) = factor(n, &a).map(|l| solve(&l, &down)) else {
            damping *= 10.0;
            continue;
        };
        let moved: Vec<f64> = at.iter().zip(&step).map(|(a, s)| a + s).collect();
        let (other, slope) = model.misfit(&moved)?;
        // Also false for a NaN.
        let better = other < chi2;
        if !better {
            damping *= 4.0;
            continue;
        }
        let largest = step.iter().fold(0.0f64, |m, s| m.max(s.abs()));
        let gained = (chi2 - other) / chi2;
        (at, chi2, gradient) = (moved, other, slope);
        damping = (damping / 5.0).max(1e-9);
        curvature = curvature_at(model, &at, weights)?;
        if largest < STILL || gained < 1e-7 {
            break;
        }
    }
    Ok(Found { at, chi2, curvature, steps, carried: vec![0.0; n] })
}

/// JᵀWJ `[n, n]`.
fn curvature_at(model: &mut dyn Model, at: &[f64], weights: &[f64]) -> Result<Vec<f64>> {
    let n = at.len();
    let slopes = model.slopes(at)?;
    let mut curvature = vec![0.0; n * n];
    for i in 0..n {
        let weighed: Vec<f64> = slopes[i].iter().zip(weights).map(|(s, w)| s * w).collect();
        for j in 0..=i {
            let sum: f64 = weighed.iter().zip(&slopes[j]).map(|(a, b)| a * b).sum();
            (curvature[i * n + j], curvature[j * n + i]) = (sum, sum);
        }
    }
    Ok(curvature)
}

/// Cholesky's factor L of a symmetric positive matrix; none where it is not positive.
fn factor(n: usize, a: &[f64]) -> Option<Vec<f64>> {
    let mut l = vec![0.0; n * n];
    for i in 0..n {
        for j in 0..=i {
            let sum: f64 = (0..j).map(|k| l[i * n + k] * l[j * n + k]).sum();
            let rest = a[i * n + j] - sum;
            l[i * n + j] = if i == j {
                if rest <= 0.0 || !rest.is_finite() {
                    return None;
                }
                rest.sqrt()
            } else {
                rest / l[j * n + j]
            };
        }
    }
    Some(l)
}

/// x of L Lᵀ x = b.
fn solve(l: &[f64], b: &[f64]) -> Vec<f64> {
    let n = b.len();
    let mut x = b.to_vec();
    for i in 0..n {
        let sum: f64 = (0..i).map(|k| l[i * n + k] * x[k]).sum();
        x[i] = (x[i] - sum) / l[i * n + i];
    }
    for i in (0..n).rev() {
        let sum: f64 = (i + 1..n).map(|k| l[k * n + i] * x[k]).sum();
        x[i] = (x[i] - sum) / l[i * n + i];
    }
    x
}

/// Variances of the numbers by errors that are not fitted, to first order: the diagonal of A⁻¹ B A⁻¹, A
/// the curvature JᵀWJ `[n, n]`. `rows` are JᵀW times what each error does to the readings by its
/// standard deviation `[n][errors]`, and B their products.
pub fn carried(curvature: &[f64], rows: &[Vec<f64>]) -> Vec<f64> {
    let n = rows.len();
    let Some(l) = factor(n, curvature) else { return vec![f64::INFINITY; n] };
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let products: Vec<f64> = (0..n * n).map(|p| dot(&rows[p / n], &rows[p % n])).collect();
    let of = |k: usize| {
        let mut unit = vec![0.0; n];
        unit[k] = 1.0;
        let by = solve(&l, &unit);
        let along: Vec<f64> = products.chunks_exact(n).map(|row| dot(row, &by)).collect();
        dot(&by, &along)
    };
    (0..n).map(of).collect()
}

/// Numbers that move the readings together, or not at all.
#[derive(Debug, Clone, PartialEq)]
pub struct Tie {
    /// The numbers by their part of the direction, the largest first.
    pub of: Vec<usize>,
    /// By how much wider their intervals are than those of numbers that are known apart.
    pub wider: f64,
}

/// A direction is tied from here on: what is known along it is this share of what each of its numbers
/// would be known by alone.
const TIED: f64 = 1e-4;
/// From here on nothing tells the numbers apart but the rounding of an f32 model, which leaves 1e-4 of
/// its slopes, squared.
const BLIND: f64 = 1e-7;

/// A number moves nothing that has less than this share of the largest curvature.
const UNSEEN: f64 = 1e-14;

/// What the readings say of the numbers.
pub struct Knowledge {
    /// Variance of each number.
    pub variance: Vec<f64>,
    pub ties: Vec<Tie>,
}

/// Variances of the numbers and the ties between them, or the numbers that the readings do not tell.
pub fn knowledge(n: usize, curvature: &[f64]) -> std::result::Result<Knowledge, Vec<usize>> {
    let own: Vec<f64> = (0..n).map(|k| curvature[k * n + k]).collect();
    let most = own.iter().fold(0.0f64, |m, &c| m.max(c));
    let unseen: Vec<usize> = (0..n).filter(|&k| own[k] <= UNSEEN * most).collect();
    if !unseen.is_empty() {
        return Err(unseen);
    }
    // In units in which each number alone is known to 1.
    let scaled = (0..n * n).map(|p| curvature[p] / (own[p / n] * own[p % n]).sqrt()).collect();
    let (values, vectors) = eigen(n, scaled);
    let mut ties = Vec::new();
    for (value, vector) in values.iter().zip(vectors.chunks_exact(n)).rev() {
        if *value >= TIED {
            break;
        }
        let mut of: Vec<usize> = (0..n).filter(|&k| vector[k].abs() > 0.2).collect();
        of.sort_by(|&a, &b| vector[b].abs().total_cmp(&vector[a].abs()));
        if *value < BLIND {
            return Err(of);
        }
        ties.push(Tie { of, wider: value.sqrt().recip() });
    }
    let variance = (0..n)
        .map(|k| {
            let along = values.iter().zip(vectors.chunks_exact(n));
            along.map(|(value, vector)| vector[k] * vector[k] / value).sum::<f64>() / own[k]
        })
        .collect();
    Ok(Knowledge { variance, ties })
}

/// Refuses numbers that the readings do not tell.
pub fn unseen(names: &[String]) -> Error {
    let rule = format!("the readings do not tell {}", names.join(" and "));
    Error::invalid("--fit", rule)
        .help("fit fewer groups (--fit), show more (--exposures), or use more photons")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// y = a exp(b x) + c x + d x, of which only c + d shows; c and d apart where x² stands by d.
    struct Curve {
        square: f64,
        seen: Vec<f64>,
        weights: Vec<f64>,
    }

    impl Curve {
        fn new(square: f64, truth: &[f64]) -> Self {
            let mut curve = Self { square, seen: Vec::new(), weights: vec![1.0; 30] };
            curve.seen = curve.readings(truth).expect("numbers");
            curve
        }
    }

    fn place(k: usize) -> f64 {
        0.1 * k as f64
    }

    impl Model for Curve {
        fn readings(&mut self, at: &[f64]) -> Result<Vec<f64>> {
            let y = |k: usize| {
                let x = place(k);
                at[0] * (at[1] * x).exp() + at[2] * x + at[3] * (x + self.square * x * x)
            };
            Ok((0..30).map(y).collect())
        }

        fn weigh(&mut self, weights: &[f64]) -> Result<()> {
            self.weights = weights.to_vec();
            Ok(())
        }

        fn misfit(&mut self, at: &[f64]) -> Result<(f64, Vec<f64>)> {
            let miss: Vec<f64> =
                self.readings(at)?.iter().zip(&self.seen).map(|(a, b)| a - b).collect();
            let weighed: Vec<f64> = miss.iter().zip(&self.weights).map(|(m, w)| m * w).collect();
            let dot = |v: &[f64]| weighed.iter().zip(v).map(|(a, b)| a * b).sum::<f64>();
            Ok((dot(&miss), self.slopes(at)?.iter().map(|s| dot(s)).collect()))
        }

        fn slopes(&mut self, at: &[f64]) -> Result<Vec<Vec<f64>>> {
            let over = |f: &dyn Fn(f64) -> f64| (0..30).map(|k| f(place(k))).collect();
            Ok(vec![
                over(&|x| (at[1] * x).exp()),
                over(&|x| at[0] * x * (at[1] * x).exp()),
                over(&|x| x),
                over(&|x| x + self.square * x * x),
            ])
        }
    }

    #[test]
    fn a_curve_is_fitted_and_its_ties_are_said() {
        let truth = [1.0, 0.5, 0.3, -0.2];
        let mut curve = Curve::new(0.3, &truth);
        let seen = curve.seen.clone();
        let found = fit(&mut curve, vec![0.8, 0.3, 0.0, 0.0], &seen, |_| 1e6).expect("a fit");
        for (a, b) in found.at.iter().zip(&truth) {
            assert!((a - b).abs() < 1e-5, "{:?}", found.at);
        }
        let known = knowledge(4, &found.curvature).expect("all are seen");
        // (JᵀWJ)⁻¹ J Jᵀ = 1: the variances are those of the solved columns.
        let l = factor(4, &found.curvature).expect("positive");
        for k in 0..4 {
            let mut unit = vec![0.0; 4];
            unit[k] = 1.0;
            assert!((known.variance[k] / solve(&l, &unit)[k] - 1.0).abs() < 1e-6);
        }
        assert!(!known.ties.is_empty(), "c and d are nearly one");
        // Errors of each reading by the deviation of its weight are the noise itself.
        let slopes = curve.slopes(&found.at).expect("numbers");
        let by_noise = |s: &Vec<f64>| s.iter().map(|s| s * f64::sqrt(1e6)).collect();
        let rows: Vec<Vec<f64>> = slopes.iter().map(by_noise).collect();
        for (a, b) in carried(&found.curvature, &rows).iter().zip(&known.variance) {
            assert!((a / b - 1.0).abs() < 1e-5, "{a} {b}");
        }
        // Without the square nothing tells c from d; a number that does nothing is unseen.
        let mut same = Curve::new(0.0, &truth);
        let curvature = curvature_at(&mut same, &truth, &[1.0; 30]).expect("numbers");
        assert_eq!(
            knowledge(4, &curvature).err().map(|mut of| {
                of.sort_unstable();
                of
            }),
            Some(vec![2, 3])
        );
        assert_eq!(knowledge(2, &[1.0, 0.0, 0.0, 0.0]).err(), Some(vec![1]));
    }
}
