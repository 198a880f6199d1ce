//! A v = λ v for a real symmetric matrix, by rotations of Jacobi (Golub and Van Loan, Matrix
//! Computations, 8.5); how many λ lie above a number, by a tridiagonal matrix (8.3, 8.4).

/// Rounds over all pairs; some ten are needed.
const SWEEPS: usize = 60;

/// Eigenvalues of `a` `[n, n]` row-major, falling, and their vectors, one a row `[n, n]`.
pub fn eigen(n: usize, mut a: Vec<f64>) -> (Vec<f64>, Vec<f64>) {
    assert_eq!(a.len(), n * n);
    let mut vectors: Vec<f64> =
        (0..n * n).map(|k| f64::from(u8::from(k.is_multiple_of(n + 1)))).collect();
    let size = a.iter().map(|x| x * x).sum::<f64>().sqrt();
    for _ in 0..SWEEPS {
        let mut rest = true;
        for q in 1..n {
            for p in 0..q {
                let off = a[p * n + q];
                if off.abs() <= f64::EPSILON * size / n as f64 {
                    continue;
                }
                rest = false;
                let zeta = (a[q * n + q] - a[p * n + p]) / (2.0 * off);
                let t = 1f64.copysign(zeta) / (zeta.abs() + zeta.hypot(1.0));
                let c = t.hypot(1.0).recip();
                let s = c * t;
                rotate(&mut a, n, [p, q], [c, s]);
                for k in 0..n {
                    let (x, y) = (a[k * n + p], a[k * n + q]);
                    (a[k * n + p], a[k * n + q]) = (c * x - s * y, s * x + c * y);
                }
                rotate(&mut vectors, n, [p, q], [c, s]);
            }
        }
        if rest {
            break;
        }
    }
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|&i, &j| a[j * n + j].total_cmp(&a[i * n + i]).then(i.cmp(&j)));
    let values = order.iter().map(|&i| a[i * n + i]).collect();
    (values, order.iter().flat_map(|&i| vectors[i * n..][..n].to_vec()).collect())
}

/// Turns the rows p < q.
fn rotate(a: &mut [f64], n: usize, [p, q]: [usize; 2], [c, s]: [f64; 2]) {
    let (above, below) = a.split_at_mut(q * n);
    for (x, y) in above[p * n..][..n].iter_mut().zip(&mut below[..n]) {
        (*x, *y) = (c * *x - s * *y, s * *x + c * *y);
    }
}

/// A tridiagonal matrix with the eigenvalues of a symmetric one.
#[derive(Debug, Clone, PartialEq)]
pub struct Tridiagonal {
    diagonal: Vec<f64>,
    beside: Vec<f64>,
}

impl Tridiagonal {
    /// Of `a` `[n, n]`, by reflections of Householder.
    pub fn of(n: usize, mut a: Vec<f64>) -> Self {
        assert_eq!(a.len(), n * n);
        let mut beside = Vec::with_capacity(n.saturating_sub(1));
        for k in 0..n.saturating_sub(1) {
            // Column k below the diagonal becomes a multiple of its first unit vector.
            let mut v: Vec<f64> = a[k * n + k + 1..][..n - k - 1].to_vec();
            let norm = v.iter().map(|x| x * x).sum::<f64>().sqrt();
            let end = -norm.copysign(v[0]);
            beside.push(end);
            v[0] -= end;
            let size: f64 = v.iter().map(|x| x * x).sum();
            if size == 0.0 {
                continue;
            }
            let row = |i: usize| (k + 1 + i) * n + k + 1..(k + 2 + i) * n;
            let dot = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(x, y)| x * y).sum::<f64>();
            let p: Vec<f64> = (0..v.len()).map(|i| 2.0 / size * dot(&a[row(i)], &v)).collect();
            let half = dot(&p, &v) / size;
            let w: Vec<f64> = p.iter().zip(&v).map(|(p, v)| p - half * v).collect();
            for i in 0..v.len() {
                for (x, (vj, wj)) in a[row(i)].iter_mut().zip(v.iter().zip(&w)) {
                    *x -= v[i] * wj + w[i] * vj;
                }
            }
        }
        Self { diagonal: (0..n).map(|i| a[i * n + i]).collect(), beside }
    }

    /// How many eigenvalues are above x: the pivots of T - x that are (Sylvester).
    pub fn above(&self, x: f64) -> usize {
        let mut pivot = 1.0;
        let next = |(i, d): (usize, &f64)| {
            let before = i.checked_sub(1).map_or(0.0, |i| self.beside[i]);
            pivot = d - x - before * before / pivot;
            if pivot == 0.0 {
                // On an eigenvalue of a part: to the side of those that are not above.
                pivot = -f64::MIN_POSITIVE.sqrt();
            }
            usize::from(pivot > 0.0)
        };
        self.diagonal.iter().enumerate().map(next).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::random::{Site, uniform};

    /// A v = λ v and orthonormal v, for random, degenerate and diagonal matrices; rounding of n
    /// products of size 1.
    #[test]
    fn vectors_are_turned_into_multiples() {
        let n = 20;
        let random = |k: usize| {
            let (i, j) = (k / n, k % n);
            uniform(1, 0, Site::Test, (i.min(j) * n + i.max(j)) as u32) - 0.5
        };
        let diagonal = |k: usize| if k.is_multiple_of(n + 1) { (k / n % 4) as f64 } else { 0.0 };
        let matrices: [Vec<f64>; 3] = [
            (0..n * n).map(random).collect(),
            (0..n * n).map(diagonal).collect(),
            vec![1.0; n * n],
        ];
        for a in matrices {
            let (values, vectors) = eigen(n, a.clone());
            assert!(values.is_sorted_by(|x, y| x >= y));
            for (i, v) in vectors.chunks_exact(n).enumerate() {
                for (row, x) in a.chunks_exact(n).zip(v) {
                    let image: f64 = row.iter().zip(v).map(|(a, v)| a * v).sum();
                    assert!((image - values[i] * x).abs() < 1e-13, "{i}");
                }
                for (j, w) in vectors.chunks_exact(n).enumerate() {
                    let overlap: f64 = v.iter().zip(w).map(|(a, b)| a * b).sum();
                    assert!((overlap - f64::from(u8::from(i == j))).abs() < 1e-13, "{i} {j}");
                }
            }
        }
    }

    /// Counts above a number are those of the eigenvalues of Jacobi, on either side of each.
    #[test]
    fn eigenvalues_are_counted() {
        for n in [1, 2, 3, 24] {
            let random = |k: usize| {
                let (i, j) = (k / n, k % n);
                uniform(2, n as u32, Site::Test, (i.min(j) * n + i.max(j)) as u32) - 0.5
            };
            let a: Vec<f64> = (0..n * n).map(random).collect();
            let (values, _) = eigen(n, a.clone());
            let t = Tridiagonal::of(n, a);
            for (i, v) in values.iter().enumerate() {
                assert_eq!((t.above(v + 1e-9), t.above(v - 1e-9)), (i, i + 1), "{n}: {values:?}");
            }
        }
        // Three equal ones and a zero matrix.
        let twos = Tridiagonal::of(3, vec![2.0, 0.0, 0.0, 0.0, 2.0, 0.0, 0.0, 0.0, 2.0]);
        assert_eq!((twos.above(1.9), twos.above(2.1)), (3, 0));
        assert_eq!(Tridiagonal::of(4, vec![0.0; 16]).above(0.0), 0);
    }
}
