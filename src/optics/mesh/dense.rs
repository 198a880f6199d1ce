//! C[i, j] = Σ_k A[i, k] B[k, j]: the few products of small dense matrices that meshes need.
//! All are complex, row-major.

use num_complex::Complex;

use crate::error::{Error, Result};

pub type C = Complex<f64>;

/// Largest |U U† - 1| of a matrix that counts as unitary: what rounding to f64 leaves at N = 1024,
/// a thousandth of what rounding to f32 leaves.
pub const UNITARY_TOLERANCE: f64 = 1e-10;

/// `[n, n]`.
pub fn identity(n: usize) -> Vec<C> {
    let mut out = vec![C::ZERO; n * n];
    out.iter_mut().step_by(n + 1).for_each(|d| *d = C::ONE);
    out
}

/// a `[rows, inner]` times b `[inner, columns]`.
pub fn multiply(rows: usize, inner: usize, columns: usize, a: &[C], b: &[C]) -> Vec<C> {
    let mut out = vec![C::ZERO; rows * columns];
    for i in 0..rows {
        let row = &mut out[i * columns..(i + 1) * columns];
        for k in 0..inner {
            let factor = a[i * inner + k];
            for (y, x) in row.iter_mut().zip(&b[k * columns..(k + 1) * columns]) {
                *y += factor * x;
            }
        }
    }
    out
}

/// The conjugate transpose of a `[rows, columns]`.
pub fn adjoint(rows: usize, columns: usize, a: &[C]) -> Vec<C> {
    (0..rows * columns).map(|k| a[k % rows * columns + k / rows].conj()).collect()
}

/// Σ conj(a) b.
pub fn dot(a: &[C], b: &[C]) -> C {
    a.iter().zip(b).map(|(x, y)| x.conj() * y).sum()
}

/// z / |z|, and 1 for a number too small to have a direction.
pub fn direction(z: C) -> C {
    let size = z.norm();
    if size < f64::MIN_POSITIVE { C::ONE } else { z / size }
}

/// max |U U† - 1| of u `[n, n]`; NaN where u holds one.
pub fn unitary_defect(n: usize, u: &[C]) -> f64 {
    let mut worst = 0.0f64;
    for i in 0..n {
        for j in 0..=i {
            let overlap = dot(&u[j * n..(j + 1) * n], &u[i * n..(i + 1) * n]);
            let defect = (overlap - f64::from(u8::from(i == j))).norm();
            if defect.is_nan() {
                return f64::NAN;
            }
            worst = worst.max(defect);
        }
    }
    worst
}

/// Refuses what is not a unitary `[n, n]`.
pub fn require_unitary(n: usize, u: &[C]) -> Result<()> {
    if u.len() != n * n {
        return Err(Error::invalid(
            "",
            format!(
                "a mesh of {n} modes needs a {n} x {n} matrix, and this one has {} entries",
                u.len()
            ),
        )
        .help("give a square matrix, or use an SVD layer for a rectangular one"));
    }
    let defect = unitary_defect(n, u);
    if defect <= UNITARY_TOLERANCE {
        return Ok(());
    }
    Err(Error::invalid(
        "",
        format!(
            "the matrix is not unitary: max|U U† - 1| is {defect:.1e}, and at most {UNITARY_TOLERANCE:.0e} is allowed"
        ),
    )
    .help("take its nearest unitary (the polar factor), or use an SVD layer, which realises any matrix"))
}

/// max |a - b|.
pub fn max_distance(a: &[C], b: &[C]) -> f64 {
    a.iter().zip(b).map(|(x, y)| (x - y).norm()).fold(0.0, f64::max)
}

/// ‖a - b‖_F / √n of two `[n, n]`: the rms error of an output for a random unit input.
pub fn rms_distance(n: usize, a: &[C], b: &[C]) -> f64 {
    (a.iter().zip(b).map(|(x, y)| (x - y).norm_sqr()).sum::<f64>() / n as f64).sqrt()
}

/// b with the power of a, ‖a‖_F: what a chip does when its mean loss is made up for.
pub fn equal_power(a: &[C], b: &[C]) -> Vec<C> {
    let power = |m: &[C]| m.iter().map(C::norm_sqr).sum::<f64>();
    let (wanted, got) = (power(a), power(b));
    let factor = if got > 0.0 { (wanted / got).sqrt() } else { 1.0 };
    b.iter().map(|x| x * factor).collect()
}

/// Loss of a random input through u `[n, n]`, in dB: -10 log10(‖u‖²_F / n).
pub fn mean_loss_db(n: usize, u: &[C]) -> f64 {
    -10.0 * (u.iter().map(C::norm_sqr).sum::<f64>() / n as f64).log10()
}

/// [`rms_distance`] after the output phases of b `[n, n]` are turned to fit a best.
pub fn rms_distance_of_rows(n: usize, a: &[C], b: &[C]) -> f64 {
    let total: f64 = (0..n)
        .map(|i| {
            let (x, y) = (&a[i * n..(i + 1) * n], &b[i * n..(i + 1) * n]);
            let turn = direction(dot(y, x));
            x.iter().zip(y).map(|(x, y)| (x - turn * y).norm_sqr()).sum::<f64>()
        })
        .sum();
    (total / n as f64).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_and_defects() {
        let a: Vec<C> = (0..6).map(|k| C::new(k as f64, 1.0 - k as f64)).collect();
        let product = multiply(2, 3, 2, &a, &adjoint(2, 3, &a));
        // Row 0: |(0,1)|² + |(1,0)|² + |(2,-1)|² = 1 + 1 + 5; row 1: 13 + 25 + 41.
        assert_eq!((product[0], product[3]), (C::from(7.0), C::from(79.0)));
        assert_eq!(product[1], product[2].conj());
        let mut u = identity(3);
        assert_eq!(unitary_defect(3, &u), 0.0);
        u[4] = C::new(1.0, 1e-5);
        assert!((unitary_defect(3, &u) - 1e-10).abs() < 1e-15, "|1 + ib|² = 1 + b²");
        u[4] = C::new(f64::NAN, 0.0);
        assert!(require_unitary(3, &u).is_err() && require_unitary(2, &u).is_err());
    }

    /// Half the amplitude is a quarter of the power, 6.02 dB, and nothing else.
    #[test]
    fn an_even_loss_is_made_up_for() {
        let u = identity(3);
        let half: Vec<C> = u.iter().map(|x| x * 0.5).collect();
        assert!((mean_loss_db(3, &half) - 20.0 * 2f64.log10()).abs() < 1e-14);
        assert_eq!(equal_power(&u, &half), u);
        assert!((rms_distance(3, &u, &half) - 0.5).abs() < 1e-15);
    }

    /// A turned output is no error of the rows, a moved entry is.
    #[test]
    fn distances_of_rows_ignore_output_phases_alone() {
        let a = identity(2);
        let turned = [C::cis(0.7), C::ZERO, C::ZERO, C::cis(-2.0)];
        assert!(rms_distance_of_rows(2, &a, &turned) < 1e-15);
        assert!(rms_distance(2, &a, &turned) > 1.0);
        let moved = [C::cis(0.7), C::new(0.1, 0.0), C::ZERO, C::ONE];
        assert!((rms_distance_of_rows(2, &a, &moved) - 0.1 / 2f64.sqrt()).abs() < 1e-15);
    }
}
