//! W = U Σ V†: any M x N matrix as a mesh for V†, a row of attenuators and a mesh for U
//! (Miller 2013, Photon. Res. 1, 1; Shen 2017, Nat. Photon. 11, 441).
//!
//! Singular values by one-sided Jacobi rotations (Hestenes 1958, J. SIAM 6, 51): columns of W are
//! turned in pairs until all are orthogonal; their lengths are then the singular values and the
//! turns make up V. Slower than by bidiagonal form and accurate for any rank: an orthogonal pair is
//! never touched, a zero column is only skipped. Guides pass no more than they get, so that the
//! attenuators hold σ/σ_max and the factor σ_max is for the electronics.

use super::decompose::decompose;
use super::dense::{C, direction, dot, multiply};
use super::{Mesh, Settings, Topology};
use crate::error::{Error, Result};

/// Rounds over all pairs; some ten are needed at N = 256.
const SWEEPS: usize = 60;

/// W = left · Σ · right, Σ `[rows, columns]` with `sigma` on its diagonal.
#[derive(Debug, Clone, PartialEq)]
pub struct Svd {
    /// U `[rows, rows]`.
    pub left: Vec<C>,
    /// Falling, not negative `[min(rows, columns)]`.
    pub sigma: Vec<f64>,
    /// V† `[columns, columns]`.
    pub right: Vec<C>,
}

/// The singular value decomposition of w `[rows, columns]`; both factors are square and unitary
/// whatever the rank.
pub fn svd(rows: usize, columns: usize, w: &[C]) -> Result<Svd> {
    if rows == 0 || columns == 0 || w.len() != rows * columns {
        return Err(Error::invalid(
            "",
            format!("a {rows} x {columns} matrix cannot have {} entries", w.len()),
        )
        .help("give at least one row and one column, row by row"));
    }
    if !w.iter().all(|x| x.is_finite()) {
        return Err(Error::invalid("", "the matrix holds a NaN or an infinity")
            .help("look for where it was made"));
    }
    // Columns of W if it is tall, of W† if it is wide, each followed by its row of V.
    let tall = rows >= columns;
    let (long, short) = (rows.max(columns), rows.min(columns));
    let scale = w.iter().map(|x| x.re.abs().max(x.im.abs())).fold(0.0, f64::max);
    let unit = if scale == 0.0 { 1.0 } else { scale };
    let mut vectors: Vec<Vec<C>> = (0..short)
        .map(|j| {
            let entry = |i: usize| {
                let x = if tall { w[i * columns + j] } else { w[j * columns + i].conj() };
                x / unit
            };
            let tail = (0..short).map(|k| C::from(f64::from(u8::from(k == j))));
            (0..long).map(entry).chain(tail).collect()
        })
        .collect();
    orthogonalise(&mut vectors, long);
    let length = |v: &[C]| v[..long].iter().map(C::norm_sqr).sum::<f64>().sqrt();
    vectors.sort_by(|a, b| length(b).total_cmp(&length(a)));

    let sizes: Vec<f64> = vectors.iter().map(|v| length(v)).collect();
    let noise = sizes[0] * long as f64 * f64::EPSILON;
    let rank = sizes.iter().take_while(|&&s| s > noise).count();
    let mut outer: Vec<Vec<C>> = vectors[..rank]
        .iter()
        .zip(&sizes)
        .map(|(v, s)| v[..long].iter().map(|x| x / s).collect())
        .collect();
    complete(&mut outer, long);
    let sigma =
        sizes.iter().enumerate().map(|(k, s)| if k < rank { s * unit } else { 0.0 }).collect();
    // Vectors as columns of a unitary, and as conjugate rows.
    let inner: Vec<Vec<C>> = vectors.into_iter().map(|v| v[long..].to_vec()).collect();
    let (left, right) = if tall { (outer, inner) } else { (inner, outer) };
    let as_columns =
        |v: &[Vec<C>]| (0..v.len() * v.len()).map(|k| v[k % v.len()][k / v.len()]).collect();
    let as_rows = |v: &[Vec<C>]| v.iter().flatten().map(C::conj).collect();
    Ok(Svd { left: as_columns(&left), sigma, right: as_rows(&right) })
}

/// Turns the vectors in pairs until their first `long` entries are orthogonal to rounding.
fn orthogonalise(vectors: &mut [Vec<C>], long: usize) {
    let tolerance = f64::EPSILON * (long as f64).sqrt();
    for _ in 0..SWEEPS {
        let mut rest = true;
        for q in 1..vectors.len() {
            let (before, after) = vectors.split_at_mut(q);
            let b = &mut after[0];
            for a in before {
                let square = |v: &[C]| v[..long].iter().map(C::norm_sqr).sum::<f64>();
                let (aa, bb) = (square(a), square(b));
                let ab = dot(&a[..long], &b[..long]);
                let overlap = ab.norm();
                if overlap <= tolerance * (aa * bb).sqrt() || overlap < f64::MIN_POSITIVE {
                    continue;
                }
                rest = false;
                let zeta = (bb - aa) / (2.0 * overlap);
                let t = zeta.signum() / (zeta.abs() + zeta.hypot(1.0));
                let cos = t.hypot(1.0).recip();
                let (turn, sin) = (direction(ab).conj(), cos * t);
                for (x, y) in a.iter_mut().zip(b.iter_mut()) {
                    let z = *y * turn;
                    (*x, *y) = (*x * cos - z * sin, *x * sin + z * cos);
                }
            }
        }
        if rest {
            break;
        }
    }
}

/// Adds orthonormal vectors until there are `n`, from the guides that are least covered.
fn complete(basis: &mut Vec<Vec<C>>, n: usize) {
    for k in (0..n).cycle().take(2 * n * n) {
        if basis.len() == n {
            break;
        }
        let mut new = vec![C::ZERO; n];
        new[k] = C::ONE;
        for _ in 0..2 {
            for other in basis.iter() {
                let share = dot(other, &new);
                new.iter_mut().zip(other).for_each(|(y, x)| *y -= share * x);
            }
        }
        let size = new.iter().map(C::norm_sqr).sum::<f64>().sqrt();
        // Of n guides, some guide always keeps 1/√n.
        if size > 0.5 / (n as f64).sqrt() {
            // Short vectors keep less of their digits: once more at full length.
            for x in &mut new {
                *x /= size;
            }
            for other in basis.iter() {
                let share = dot(other, &new);
                new.iter_mut().zip(other).for_each(|(y, x)| *y -= share * x);
            }
            let size = new.iter().map(C::norm_sqr).sum::<f64>().sqrt();
            basis.push(new.into_iter().map(|x| x / size).collect());
        }
    }
}

/// U V†: the unitary nearest to w `[n, n]` in every unitarily invariant norm (its polar factor;
/// one of many where w is singular).
pub fn nearest_unitary(n: usize, w: &[C]) -> Result<Vec<C>> {
    let parts = svd(n, n, w)?;
    Ok(multiply(n, n, n, &parts.left, &parts.right))
}

/// W `[rows, columns]` in light.
#[derive(Debug, Clone, PartialEq)]
pub struct SvdLayer {
    pub rows: usize,
    pub columns: usize,
    /// V†, at the inputs.
    pub right: (Mesh, Settings),
    /// Amplitudes σ/σ_max in 0..1 `[min(rows, columns)]`; further guides end or begin dark.
    pub attenuation: Vec<f64>,
    /// U, at the outputs.
    pub left: (Mesh, Settings),
    /// σ_max: what the detected fields are multiplied by.
    pub gain: f64,
}

impl SvdLayer {
    /// Settings of two meshes of this topology for w `[rows, columns]`.
    pub fn new(rows: usize, columns: usize, w: &[C], topology: Topology) -> Result<Self> {
        Self::of(rows, columns, w, |n| Mesh::new(n, topology))
    }

    /// The same with meshes built as `design` says for a number of modes.
    pub fn of(
        rows: usize,
        columns: usize,
        w: &[C],
        design: impl Fn(usize) -> Result<Mesh>,
    ) -> Result<Self> {
        let parts = svd(rows, columns, w)?;
        let mesh = |n: usize, u: &[C]| -> Result<(Mesh, Settings)> {
            let mesh = design(n)?;
            let settings = decompose(&mesh, u)?;
            Ok((mesh, settings))
        };
        let gain = parts.sigma[0];
        let attenuation =
            parts.sigma.iter().map(|s| if gain == 0.0 { 0.0 } else { s / gain }).collect();
        let (right, left) = (mesh(columns, &parts.right)?, mesh(rows, &parts.left)?);
        Ok(Self { rows, columns, right, attenuation, left, gain })
    }

    /// W `[rows, columns]`, gain included.
    pub fn matrix(&self) -> Result<Vec<C>> {
        let left = self.left.0.matrix(&self.left.1)?;
        let right = self.right.0.matrix(&self.right.1)?;
        Ok(self.joined(&left, &right))
    }

    /// The same for given matrices of the meshes: left `[rows, rows]`, right `[columns, columns]`.
    pub fn joined(&self, left: &[C], right: &[C]) -> Vec<C> {
        let (m, n, k) = (self.rows, self.columns, self.attenuation.len());
        let mut middle = vec![C::ZERO; m * k];
        for i in 0..m {
            for (j, a) in self.attenuation.iter().enumerate() {
                middle[i * k + j] = left[i * m + j] * (a * self.gain);
            }
        }
        multiply(m, k, n, &middle, &right[..k * n])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::random::Site;
    use crate::optics::mesh::dense::{identity, max_distance, unitary_defect};
    use crate::optics::mesh::haar::{haar, normal_pair};

    fn random(rows: usize, columns: usize, seed: u64) -> Vec<C> {
        (0..rows * columns)
            .map(|k| {
                let [re, im] = normal_pair(seed, 0, Site::Test, k as u32);
                C::new(re, im)
            })
            .collect()
    }

    fn check(rows: usize, columns: usize, w: &[C], name: &str) -> Svd {
        let parts = svd(rows, columns, w).unwrap_or_else(|e| panic!("{name}: {e}"));
        for (n, u) in [(rows, &parts.left), (columns, &parts.right)] {
            let defect = unitary_defect(n, u);
            assert!(defect < 1e-14 * (n as f64).sqrt(), "{name}: {defect:.1e}");
        }
        assert!(parts.sigma.windows(2).all(|s| s[0] >= s[1] && s[1] >= 0.0), "{name}");
        let layer = SvdLayer::new(rows, columns, w, Topology::Clements).expect(name);
        let rebuilt = layer.matrix().expect("its settings");
        // Relative to σ_max: rounding times the number of rotations that an entry sees.
        let error = max_distance(&rebuilt, w) / layer.gain.max(f64::MIN_POSITIVE);
        assert!(error < 1e-13, "{name}: {error:.1e}");
        assert!(layer.attenuation.iter().all(|a| (0.0..=1.0).contains(a)), "{name}");
        parts
    }

    #[test]
    fn every_shape_and_rank_is_rebuilt() {
        for (m, n) in [(1, 1), (1, 5), (5, 1), (2, 3), (3, 2), (8, 8), (17, 9), (9, 17), (32, 32)] {
            check(m, n, &random(m, n, 3), &format!("{m} x {n}"));
            let zero = check(m, n, &vec![C::ZERO; m * n], "zero");
            assert!(zero.sigma.iter().all(|&s| s == 0.0));
            let (column, row) = (random(m, 1, 4), random(1, n, 5));
            let one = check(m, n, &multiply(m, 1, n, &column, &row), "rank one");
            assert!(one.sigma[1..].iter().all(|&s| s == 0.0));
        }
        for n in [4, 12] {
            let same = check(n, n, &identity(n), "identity");
            assert!(same.sigma.iter().all(|s| (s - 1.0).abs() < 1e-15));
            check(n, n, &haar(n, 1).expect("a size"), "unitary: all singular values alike");
            let shift: Vec<C> =
                (0..n * n).map(|k| C::from(f64::from(u8::from(k % n == k / n + 1)))).collect();
            let nilpotent = check(n, n, &shift, "nilpotent");
            assert_eq!(nilpotent.sigma[n - 1], 0.0);
            for size in [1e-200, 1e200] {
                let scaled: Vec<C> = random(n, n, 6).iter().map(|x| x * size).collect();
                check(n, n, &scaled, "scaled");
            }
        }
    }

    /// Chosen singular values over 12 decades come back to rounding of the largest; Σσ² = ‖W‖².
    #[test]
    fn known_singular_values_are_found() {
        let n = 8;
        let chosen: Vec<f64> = (0..n).map(|k| 10f64.powf(-12.0 * k as f64 / 7.0)).collect();
        let (u, v) = (haar(n, 1).expect("a size"), haar(n, 2).expect("a size"));
        let mut scaled = u.clone();
        for (k, x) in scaled.iter_mut().enumerate() {
            *x *= chosen[k % n];
        }
        let w = multiply(n, n, n, &scaled, &v);
        let parts = check(n, n, &w, "graded");
        for (got, expected) in parts.sigma.iter().zip(&chosen) {
            assert!((got - expected).abs() < 1e-15, "{got} {expected}");
        }
        let w = random(9, 6, 7);
        let parts = check(9, 6, &w, "random");
        let (sum, norm): (f64, f64) =
            (parts.sigma.iter().map(|s| s * s).sum(), w.iter().map(C::norm_sqr).sum());
        assert!((sum / norm - 1.0).abs() < 1e-14);
    }

    /// The polar factor of H U with H positive is U.
    #[test]
    fn the_nearest_unitary_is_the_polar_factor() {
        let u = haar(6, 3).expect("a size");
        let g = random(6, 6, 8);
        let positive = multiply(6, 6, 6, &g, &crate::optics::mesh::dense::adjoint(6, 6, &g));
        let mut h = identity(6);
        h.iter_mut().zip(&positive).for_each(|(x, p)| *x += 0.1 * p);
        let got = nearest_unitary(6, &multiply(6, 6, 6, &h, &u)).expect("finite");
        assert!(max_distance(&got, &u) < 1e-14);
    }

    #[test]
    fn what_is_no_matrix_is_refused() {
        let mut w = random(3, 3, 1);
        assert!(svd(2, 3, &w).is_err() && svd(0, 3, &[]).is_err());
        w[4] = C::new(f64::NAN, 0.0);
        assert!(svd(3, 3, &w).is_err());
    }
}
