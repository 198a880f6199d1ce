//! Z_j(r, θ): Zernike polynomials by Noll's order (Noll 1976, JOSA 66, 207).

/// Term `j` (1 is piston) `[y, x]` on the disc through the corners of a window, of rms 1 over it.
pub fn zernike(j: usize, [ny, nx]: [usize; 2]) -> Vec<f64> {
    let mut n = 0;
    while (n + 1) * (n + 2) / 2 < j {
        n += 1;
    }
    let place = j - n * (n + 1) / 2 - 1;
    let m = if n.is_multiple_of(2) { 2 * place.div_ceil(2) } else { 2 * (place / 2) + 1 };
    let factorial = |k: usize| (1..=k).map(|i| i as f64).product::<f64>();
    let radial = |r: f64| {
        (0..=(n - m) / 2)
            .map(|s| {
                let sign = if s.is_multiple_of(2) { 1.0 } else { -1.0 };
                let below = factorial(s)
                    * factorial(usize::midpoint(n, m) - s)
                    * factorial((n - m) / 2 - s);
                sign * factorial(n - s) / below * r.powi((n - 2 * s) as i32)
            })
            .sum::<f64>()
    };
    // The disc goes through the corners, so that no sample lies outside.
    let at = |p: usize| {
        let of = |k: usize, n: usize| (2.0 * k as f64 + 1.0) / n as f64 - 1.0;
        [of(p / nx, ny), of(p % nx, nx)].map(|u| u / 2f64.sqrt())
    };
    let value = |p: usize| {
        let [y, x] = at(p);
        let (r, angle) = (y.hypot(x), y.atan2(x));
        let around = if m == 0 {
            1.0
        } else if j.is_multiple_of(2) {
            (m as f64 * angle).cos()
        } else {
            (m as f64 * angle).sin()
        };
        radial(r) * around
    };
    let all: Vec<f64> = (0..ny * nx).map(value).collect();
    let rms = (all.iter().map(|v| v * v).sum::<f64>() / all.len() as f64).sqrt();
    all.iter().map(|v| v / rms.max(1e-12)).collect()
}

#[cfg(test)]
mod tests {
    use super::zernike;

    /// Tilts, defocus and astigmatism by their formulas, up to their length.
    #[test]
    fn zernikes_are_nolls() {
        let n = [8, 8];
        let along = |j: usize, f: &dyn Fn(f64, f64) -> f64| {
            let own = zernike(j, n);
            let at = |k: usize| ((2.0 * k as f64 + 1.0) / 8.0 - 1.0) / 2f64.sqrt();
            let other: Vec<f64> = (0..64).map(|p| f(at(p / 8), at(p % 8))).collect();
            let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
            dot(&own, &other) / (dot(&own, &own) * dot(&other, &other)).sqrt()
        };
        assert!((along(2, &|_, x| x) - 1.0).abs() < 1e-12);
        assert!((along(3, &|y, _| y) - 1.0).abs() < 1e-12);
        assert!((along(4, &|y, x| 2.0 * (y * y + x * x) - 1.0) - 1.0).abs() < 1e-12);
        assert!((along(5, &|y, x| 2.0 * x * y) - 1.0).abs() < 1e-12);
        assert!((along(6, &|y, x| x * x - y * y) - 1.0).abs() < 1e-12);
    }
}
