//! C = A B in f32, each in any order of rows and columns, on a pool of threads.

use std::time::Instant;

use gemm::Parallelism;

use super::Measured;
use super::power::Meter;

/// A matrix over a slice: entry (i, j) at `i * row + j * column`.
#[derive(Debug, Clone, Copy)]
pub struct Matrix<'a> {
    pub rows: usize,
    pub columns: usize,
    data: &'a [f32],
    /// Distances between neighbours down and across.
    step: [usize; 2],
}

impl<'a> Matrix<'a> {
    /// `data` `[rows, columns]`, column fastest.
    pub fn new(rows: usize, columns: usize, data: &'a [f32]) -> Self {
        assert_eq!(data.len(), rows * columns, "{rows} x {columns} entries");
        Self { rows, columns, data, step: [columns, 1] }
    }

    #[must_use]
    pub fn transposed(self) -> Self {
        let [down, across] = self.step;
        Self { rows: self.columns, columns: self.rows, data: self.data, step: [across, down] }
    }
}

/// c `[a.rows, b.columns]` = A B, or += where `add`.
///
/// # Panics
/// Where the sizes do not fit.
#[allow(
    unsafe_code,
    reason = "the crate takes pointers; every entry lies in its slice, which the \
                               assertions see to"
)]
pub fn matmul(a: Matrix, b: Matrix, c: &mut [f32], add: bool, pool: &rayon::ThreadPool) {
    assert_eq!(a.columns, b.rows, "inner sizes");
    assert_eq!(c.len(), a.rows * b.columns, "the result's size");
    let (m, n, k) = (a.rows, b.columns, a.columns);
    let stride = |step: usize| step as isize;
    let parallel = match pool.current_num_threads() {
        1 => Parallelism::None,
        threads => Parallelism::Rayon(threads),
    };
    let to = c.as_mut_ptr() as usize;
    pool.install(|| {
        // SAFETY: shapes were checked above, and c is borrowed for as long as this runs.
        unsafe {
            gemm::gemm(
                m,
                n,
                k,
                to as *mut f32,
                1,
                stride(n),
                add,
                a.data.as_ptr(),
                stride(a.step[1]),
                stride(a.step[0]),
                b.data.as_ptr(),
                stride(b.step[1]),
                stride(b.step[0]),
                1.0,
                1.0,
                false,
                false,
                false,
                parallel,
            );
        }
    });
}

/// Numbers in -1/2 to 1/2 but not near 0, none of them alike: all-zero operands take less power.
pub fn noise(len: usize, seed: u64) -> Vec<f32> {
    use crate::math::random::{Site, uniform};
    let draw = |i: usize| uniform(seed, 0, Site::Test, i as u32) as f32 - 0.5;
    (0..len).map(|i| draw(i) + if draw(i) < 0.0 { -0.01 } else { 0.01 }).collect()
}

/// n x n by n x n on a pool.
pub fn measure(n: usize, pool: &rayon::ThreadPool, meter: Option<&Meter>) -> Measured {
    let (a, b, mut c) = (noise(n * n, 1), noise(n * n, 2), vec![0.0; n * n]);
    let mut run = || {
        let started = Instant::now();
        matmul(Matrix::new(n, n, &a), Matrix::new(n, n, &b), &mut c, false, pool);
        started.elapsed().as_secs_f64()
    };
    run();
    let best = (0..7).map(|_| run()).fold(f64::INFINITY, f64::min);
    let spent = meter.and_then(|m| m.measure_each(best, |n| (0..n).map(|_| run()).sum::<f64>()).1);
    Measured::of(n, best, spent)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::cpu;

    /// Against the sum written out in f64; k terms of size 1/4 err by k eps / 4 at most, and far
    /// less as a rule. A product that is off by one entry is seen.
    #[test]
    fn products_are_right() {
        for threads in [1, 2] {
            let pool = cpu::pool(Some(threads)).expect("threads");
            for [m, n, k] in [[1, 1, 1], [3, 5, 7], [64, 1, 64], [33, 70, 129], [128, 32, 784]] {
                let (a, b) = (noise(m * k, 3), noise(k * n, 4));
                let (at, bt) = (turned(&a, m, k), turned(&b, k, n));
                let sum = |i: usize, j: usize| -> f64 {
                    (0..k).map(|p| f64::from(a[i * k + p]) * f64::from(b[p * n + j])).sum()
                };
                let tolerance = k as f64 * f64::from(f32::EPSILON) * 0.27;
                for turn in 0..4 {
                    let left = if turn & 1 == 0 {
                        Matrix::new(m, k, &a)
                    } else {
                        Matrix::new(k, m, &at).transposed()
                    };
                    let right = if turn & 2 == 0 {
                        Matrix::new(k, n, &b)
                    } else {
                        Matrix::new(n, k, &bt).transposed()
                    };
                    let mut c = vec![f32::NAN; m * n];
                    matmul(left, right, &mut c, false, &pool);
                    for (at, got) in c.iter().enumerate() {
                        let error = (f64::from(*got) - sum(at / n, at % n)).abs();
                        assert!(error <= tolerance, "{m} {n} {k}: {error:e}");
                    }
                    matmul(left, right, &mut c, true, &pool);
                    assert!((f64::from(c[0]) - 2.0 * sum(0, 0)).abs() <= 2.0 * tolerance);
                }
            }
        }
    }

    fn turned(a: &[f32], rows: usize, columns: usize) -> Vec<f32> {
        (0..rows * columns).map(|i| a[i % rows * columns + i / rows]).collect()
    }

    #[test]
    fn noise_holds_no_zero() {
        let all = noise(10_000, 5);
        assert!(all.iter().all(|v| v.abs() >= 0.01 && v.abs() <= 0.51));
    }
}
