//! Σ v_k = λ_k v_k: principal components of a training set, Σ the covariance of its values.
//!
//! Subspace iteration with Rayleigh and Ritz's projection (Golub and Van Loan, Matrix Computations,
//! 8.2), from a start that is drawn at an address: the same bits whatever the threads.

use rayon::prelude::*;

use super::Split;
use crate::error::{Error, Result};
use crate::math::random::{Site, uniform};
use crate::math::symmetric::eigen;

/// Values of a sample up to which the covariance is held: 134 MB.
pub const MOST_VALUES: usize = 4096;

/// ‖Σ v - λ v‖ / λ₁ at which a component is found.
const RESIDUAL: f64 = 1e-10;

/// Rounds of the iteration; with half as many vectors more than asked for, tens are the rule.
const ROUNDS: usize = 2000;

/// Parts that the rows of the covariance are dealt to.
const PARTS: usize = 16;

/// The components of a set.
#[derive(Debug, Clone, PartialEq)]
pub struct Principal {
    /// `[values]`.
    pub mean: Vec<f64>,
    /// One a row, the largest entry positive `[count, values]`.
    pub components: Vec<f64>,
    /// Of the scores, falling `[count]`.
    pub variances: Vec<f64>,
}

/// The first `count` components of samples of `values` numbers.
pub fn principal(split: &Split, values: usize, count: usize) -> Result<Principal> {
    let mean = mean(split, values);
    let covariance = covariance(split, &mean);
    let total: f64 = covariance.iter().step_by(values + 1).sum();
    if total <= 0.0 {
        return Err(Error::invalid("optic.input.front", "all training samples are the same")
            .help("principal components need samples that differ"));
    }
    let (variances, mut components) = leading(values, &covariance, count);
    for v in components.chunks_exact_mut(values) {
        let largest = v.iter().fold(0.0f64, |m, &x| if x.abs() > m.abs() { x } else { m });
        if largest < 0.0 {
            v.iter_mut().for_each(|x| *x = -*x);
        }
    }
    Ok(Principal { mean, components, variances })
}

fn mean(split: &Split, values: usize) -> Vec<f64> {
    let (mut sum, mut image) = (vec![0.0; values], vec![0.0; values]);
    for i in 0..split.len() {
        split.write_image(i, &mut image);
        sum.iter_mut().zip(&image).for_each(|(s, x)| *s += x);
    }
    sum.iter().map(|s| s / split.len() as f64).collect()
}

/// `[values, values]`; most values of a picture are 0 and cost nothing.
fn covariance(split: &Split, mean: &[f64]) -> Vec<f64> {
    let values = mean.len();
    let mut all = vec![0.0; values * values];
    let rows = values.div_ceil(PARTS);
    all.par_chunks_mut(rows * values).enumerate().for_each(|(part, sums)| {
        let (mut image, mut lit) = (vec![0.0; values], Vec::new());
        let own = part * rows..part * rows + sums.len() / values;
        for i in 0..split.len() {
            split.write_image(i, &mut image);
            lit.clear();
            lit.extend((0..values).filter(|&v| image[v] != 0.0));
            for &a in lit.iter().filter(|a| own.contains(a)) {
                let row = &mut sums[(a - own.start) * values..][..values];
                for &b in &lit {
                    row[b] += image[a] * image[b];
                }
            }
        }
        for (a, row) in own.zip(sums.chunks_exact_mut(values)) {
            for (b, sum) in row.iter_mut().enumerate() {
                *sum = *sum / split.len() as f64 - mean[a] * mean[b];
            }
        }
    });
    all
}

/// The `count` largest eigenvalues of a symmetric matrix `[n, n]` and their vectors, one a row.
fn leading(n: usize, matrix: &[f64], count: usize) -> (Vec<f64>, Vec<f64>) {
    // A large share is found at once, from the whole space.
    let size = if 4 * count >= n { n } else { (count + count / 2 + 8).min(n) };
    let mut basis: Vec<Vec<f64>> = (0..size)
        .map(|k| (0..n).map(|i| uniform(k as u64, 0, Site::Haar, i as u32) - 0.5).collect())
        .collect();
    if size == n {
        basis.iter_mut().enumerate().for_each(|(k, v)| {
            v.fill(0.0);
            v[k] = 1.0;
        });
    }
    orthonormalise(&mut basis);
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f64>();
    let combine = |of: &[Vec<f64>], by: &[f64]| -> Vec<f64> {
        let mut sum = vec![0.0; n];
        for (v, &share) in of.iter().zip(by) {
            sum.iter_mut().zip(v).for_each(|(s, x)| *s += share * x);
        }
        sum
    };
    let mut round = 0;
    loop {
        round += 1;
        let images: Vec<Vec<f64>> = basis
            .par_iter()
            .map(|v| matrix.chunks_exact(n).map(|row| dot(row, v)).collect())
            .collect();
        let small = (0..size * size).map(|k| {
            let (i, j) = (k / size, k % size);
            0.5 * (dot(&basis[i], &images[j]) + dot(&basis[j], &images[i]))
        });
        let (values, turns) = eigen(size, small.collect());
        let turned: Vec<[Vec<f64>; 2]> = turns
            .par_chunks_exact(size)
            .map(|turn| [combine(&basis, turn), combine(&images, turn)])
            .collect();
        let residual = |k: usize| {
            let [v, image] = &turned[k];
            let off = v.iter().zip(image).map(|(v, y)| (y - values[k] * v).powi(2));
            off.sum::<f64>().sqrt()
        };
        let worst = (0..count).map(residual).fold(0.0, f64::max);
        if worst <= RESIDUAL * values[0] || round == ROUNDS {
            let vectors = turned.into_iter().take(count).flat_map(|[v, _]| v).collect();
            return (values[..count].to_vec(), vectors);
        }
        basis = turned.into_iter().map(|[_, image]| image).collect();
        orthonormalise(&mut basis);
    }
}

/// Gram and Schmidt, twice; what vanishes is replaced by a direction of its own.
fn orthonormalise(vectors: &mut [Vec<f64>]) {
    let mut spare = 0;
    for k in 0..vectors.len() {
        let (done, rest) = vectors.split_at_mut(k);
        let v = &mut rest[0];
        loop {
            let size = |v: &[f64]| v.iter().map(|x| x * x).sum::<f64>().sqrt();
            let before = size(v);
            for _ in 0..2 {
                for other in done.iter() {
                    let share: f64 = other.iter().zip(v.iter()).map(|(a, b)| a * b).sum();
                    v.iter_mut().zip(other).for_each(|(x, o)| *x -= share * o);
                }
            }
            let left = size(v);
            if left > 1e-10 * before {
                v.iter_mut().for_each(|x| *x /= left);
                break;
            }
            v.fill(0.0);
            v[spare] = 1.0;
            spare += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::split::Pixels;
    use super::*;

    fn split(samples: &[Vec<f64>]) -> Split {
        let values: Vec<f32> = samples.iter().flatten().map(|&x| x as f32).collect();
        let labels = vec![0; samples.len()];
        Split::new(labels, Arc::new(Pixels::Floats(values)), 0, samples[0].len())
    }

    /// Samples along known directions of falling variance: the directions are found, orthonormal,
    /// and the scores have the variances that are said; by the iteration and from the whole space.
    #[test]
    fn directions_are_found() {
        for values in [12, 60] {
            let random = |k: usize, i: usize| uniform(9, k as u32, Site::Test, i as u32) - 0.5;
            let mut directions: Vec<Vec<f64>> =
                (0..3).map(|k| (0..values).map(|i| random(k, i)).collect()).collect();
            orthonormalise(&mut directions);
            let samples: Vec<Vec<f64>> = (0..400)
                .map(|s| {
                    let share = |k: usize| [0.4, 0.2, 0.1][k] * random(10 + k, s);
                    let at = |i: usize| (0..3).map(|k| share(k) * directions[k][i]).sum::<f64>();
                    (0..values).map(|i| 0.5 + at(i)).collect()
                })
                .collect();
            let split = split(&samples);
            let found = principal(&split, values, 3).expect("components");
            let rows: Vec<&[f64]> = found.components.chunks_exact(values).collect();
            let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f64>();
            for (k, row) in rows.iter().enumerate() {
                for (j, other) in rows.iter().enumerate() {
                    assert!((dot(row, other) - f64::from(u8::from(j == k))).abs() < 1e-12);
                }
                let scores: Vec<f64> = samples
                    .iter()
                    .map(|s| {
                        s.iter().zip(&found.mean).zip(*row).map(|((x, m), c)| (x - m) * c).sum()
                    })
                    .collect();
                let variance = dot(&scores, &scores) / 400.0;
                // Samples are rounded to f32.
                assert!((variance / found.variances[k] - 1.0).abs() < 1e-4, "{k}");
                let largest =
                    row.iter().fold(0.0f64, |m, &x| if x.abs() > m.abs() { x } else { m });
                assert!(largest > 0.0);
            }
            // All of the spread is in three directions; a sample of 400 mixes them a little.
            let total: f64 = covariance(&split, &found.mean).iter().step_by(values + 1).sum();
            assert!((found.variances.iter().sum::<f64>() / total - 1.0).abs() < 1e-6);
            assert!(dot(rows[0], &directions[0]).abs() > 0.98);
        }
        let same = split(&vec![vec![0.25; 5]; 4]);
        assert!(principal(&same, 5, 2).is_err());
    }
}
