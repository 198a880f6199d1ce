//! A v = λ v for a real symmetric matrix, by rotations of Jacobi (Golub and Van Loan, Matrix
//! Computations, 8.5).

/// Rounds over all pairs; some ten are needed.
const SWEEPS: usize = 60;

/// Eigenvalues of `a` `[n, n]` row-major, falling, and their vectors, one a row `[n, n]`.
pub fn eigen(n: usize, mut a: Vec<f64>) -> (Vec<f64>, Vec<f64>) {
    assert_eq!(a.len(), n * n);
    let mut vectors: Vec<f64> = (0..n * n).map(|k| f64::from(u8::from(k % (n + 1) == 0))).collect();
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
        let diagonal = |k: usize| if k % (n + 1) == 0 { (k / n % 4) as f64 } else { 0.0 };
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
}
