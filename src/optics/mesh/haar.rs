//! U = Q of G = L Q, G complex Gaussian, L lower triangular with a positive diagonal: a Haar-random
//! unitary (Mezzadri 2007, Not. Am. Math. Soc. 54, 592).

use std::f64::consts::TAU;

use super::dense::{C, dot};
use crate::error::{Error, Result};
use crate::math::random::{Site, uniform};

/// Two independent normal numbers of variance 1 at an address (Box and Muller 1958).
pub fn normal_pair(seed: u64, step: u32, site: Site, index: u32) -> [f64; 2] {
    let [u, v] = [0, 1].map(|k| uniform(seed, step, site, 2 * index + k));
    let radius = (-2.0 * (-u).ln_1p()).sqrt();
    let (s, c) = (TAU * v).sin_cos();
    [radius * c, radius * s]
}

pub fn normal(seed: u64, step: u32, site: Site, index: u32) -> f64 {
    normal_pair(seed, step, site, index)[0]
}

/// A Haar-random unitary `[n, n]`, the same for the same seed.
///
/// Gram-Schmidt over the rows, twice, which leaves |U U† - 1| at rounding's size.
pub fn haar(n: usize, seed: u64) -> Result<Vec<C>> {
    if n == 0 || n > super::MAX_MODES {
        return Err(Error::invalid(
            "n",
            format!("a mesh has 1 to {} modes, not {n}", super::MAX_MODES),
        )
        .help("ask for another size"));
    }
    let mut u: Vec<C> = (0..n * n)
        .map(|k| {
            let [re, im] = normal_pair(seed, 0, Site::Haar, k as u32);
            C::new(re, im)
        })
        .collect();
    for i in 0..n {
        let (done, rest) = u.split_at_mut(i * n);
        let row = &mut rest[..n];
        for _ in 0..2 {
            for other in done.chunks_exact(n) {
                let share = dot(other, row);
                row.iter_mut().zip(other).for_each(|(y, x)| *y -= share * x);
            }
            let scale = row.iter().map(C::norm_sqr).sum::<f64>().sqrt().recip();
            for y in row.iter_mut() {
                *y *= scale;
            }
        }
    }
    Ok(u)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::optics::mesh::dense::unitary_defect;

    #[test]
    fn unitary_and_addressed() {
        for n in [1, 2, 3, 17, 64] {
            let u = haar(n, 5).expect("a size in range");
            // n products of size 1/n each, rounded once.
            assert!(unitary_defect(n, &u) < 1e-15 * (n as f64).sqrt().max(2.0));
            assert_eq!(u, haar(n, 5).expect("a size in range"));
            assert_ne!(u, haar(n, 6).expect("a size in range"));
        }
        assert!(haar(0, 1).is_err());
    }

    /// Haar measure on U(n): E|tr U|² = 1, E|u|² = 1/n, E|u|⁴ = 2/(n(n+1)); without the positive
    /// diagonal of L the trace would fail. 2000 draws of |tr|² (exponential, std 1): 3 std = 7 %;
    /// the n² entries of a draw narrow the fourth moment to 3 std = 3 %.
    #[test]
    fn moments_are_those_of_the_haar_measure() {
        let (n, draws) = (4, 2000u64);
        let (mut trace, mut fourth) = (0.0, 0.0);
        for seed in 0..draws {
            let u = haar(n, seed).expect("a size in range");
            trace += u.iter().step_by(n + 1).sum::<C>().norm_sqr();
            fourth += u.iter().map(|x| x.norm_sqr().powi(2)).sum::<f64>() / 16.0;
        }
        let (trace, fourth) = (trace / draws as f64, fourth / draws as f64);
        assert!((trace - 1.0).abs() < 0.07, "{trace}");
        assert!((fourth / (2.0 / 20.0) - 1.0).abs() < 0.03, "{fourth}");
    }

    /// 20 000 numbers: 3 std of the mean are 0.02, of the variance 0.03.
    #[test]
    fn normal_numbers_have_mean_0_and_variance_1() {
        let all: Vec<f64> = (0..10_000).flat_map(|k| normal_pair(1, 0, Site::Test, k)).collect();
        let mean = all.iter().sum::<f64>() / 2e4;
        let variance = all.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 2e4;
        assert!(mean.abs() < 0.02 && (variance - 1.0).abs() < 0.03, "{mean} {variance}");
    }
}
