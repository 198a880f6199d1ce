//! P(θ, φ) = Σ c_ij u_i(θ) u_j(φ), u = {1, cos, sin}: the power behind a cell by nine values.

use std::f64::consts::TAU;

/// A power as a function of two phases, counted from where they were: coefficients of
/// {1, cos θ, sin θ} x {1, cos φ, sin φ}.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Fit([[f64; 3]; 3]);

/// {1, cos, sin} from values at -step, 0, step.
fn harmonics(v: [f64; 3], step: f64) -> [f64; 3] {
    let cos = (2.0 * v[1] - v[0] - v[2]) / (4.0 * (0.5 * step).sin().powi(2));
    [v[1] - cos, cos, (v[2] - v[0]) / (2.0 * step.sin())]
}

impl Fit {
    /// From `powers[i][j]` at θ = (i-1) step, φ = (j-1) step.
    pub fn new(powers: [[f64; 3]; 3], step: f64) -> Self {
        let rows = powers.map(|row| harmonics(row, step));
        let columns = [0, 1, 2].map(|j| harmonics([rows[0][j], rows[1][j], rows[2][j]], step));
        Self(std::array::from_fn(|i| std::array::from_fn(|j| columns[j][i])))
    }

    pub fn add(&mut self, other: &Self) {
        let pairs = self.0.iter_mut().flatten().zip(other.0.iter().flatten());
        pairs.for_each(|(mine, theirs)| *mine += theirs);
    }

    /// Its derivative of order `i` in θ and `j` in φ.
    fn derivative(&self, i: usize, j: usize, theta: f64, phi: f64) -> f64 {
        let basis = |order: usize, x: f64| {
            let (s, c) = x.sin_cos();
            [[1.0, c, s], [0.0, -s, c], [0.0, -c, -s]][order]
        };
        let (u, v) = (basis(i, theta), basis(j, phi));
        (0..9).map(|k| self.0[k / 3][k % 3] * u[k / 3] * v[k % 3]).sum()
    }

    /// The largest power over all θ at this φ, and its θ.
    fn ridge(&self, phi: f64) -> (f64, f64) {
        let v = [1.0, phi.cos(), phi.sin()];
        let [mean, c, s] = [0, 1, 2].map(|i| (0..3).map(|j| self.0[i][j] * v[j]).sum::<f64>());
        (mean + c.hypot(s), s.atan2(c))
    }

    /// The phases of its maximum; None where it is flat.
    ///
    /// The ridge is searched over φ, by samples and then by the golden section, since climbing θ
    /// and φ in turn rests on saddles; Newton's steps then bring the digits that values hide.
    pub fn best(&self) -> Option<(f64, f64)> {
        const SAMPLES: u32 = 64;
        const GOLDEN: f64 = 0.618_033_988_749_894_9;
        let swing: f64 = self.0.iter().flatten().skip(1).map(|x| x.abs()).sum();
        if swing <= 1e-14 * self.0[0][0].abs() {
            return None;
        }
        let step = TAU / f64::from(SAMPLES);
        let start = (0..SAMPLES)
            .map(|k| step * f64::from(k))
            .max_by(|a, b| self.ridge(*a).0.total_cmp(&self.ridge(*b).0))?;
        let (mut low, mut high) = (start - step, start + step);
        for _ in 0..40 {
            let [left, right] = [high - GOLDEN * (high - low), low + GOLDEN * (high - low)];
            if self.ridge(left).0 < self.ridge(right).0 { low = left } else { high = right }
        }
        let mut phi = 0.5 * (low + high);
        let mut theta = self.ridge(phi).1;
        let slope = |t: f64, p: f64| self.derivative(1, 0, t, p).hypot(self.derivative(0, 1, t, p));
        for _ in 0..10 {
            let d = |i, j| self.derivative(i, j, theta, phi);
            let determinant = d(2, 0) * d(0, 2) - d(1, 1) * d(1, 1);
            let [t, p] = [
                theta - (d(0, 2) * d(1, 0) - d(1, 1) * d(0, 1)) / determinant,
                phi - (d(2, 0) * d(0, 1) - d(1, 1) * d(1, 0)) / determinant,
            ];
            // Also false for a NaN, where the maximum has no curvature.
            let better = slope(t, p) < slope(theta, phi);
            if !better || (t - theta).abs() + (p - phi).abs() > 0.01 {
                break;
            }
            (theta, phi) = (t, p);
        }
        Some((theta, phi))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::optics::mesh::C;

    #[test]
    fn nine_powers_give_the_power_everywhere() {
        let power = |t: f64, p: f64| {
            let field = C::new(0.3, 0.1)
                + C::new(-0.2, 0.5) * C::cis(t)
                + C::new(0.7, 0.2) * C::cis(p)
                + C::new(0.1, -0.4) * C::cis(t + p);
            field.norm_sqr()
        };
        let step = 0.5;
        let at = |i: usize| step * (i as f64 - 1.0);
        let powers = std::array::from_fn(|i| std::array::from_fn(|j| power(at(i), at(j))));
        let fit = Fit::new(powers, step);
        let (theta, phi) = fit.best().expect("not flat");
        for k in 0..400 {
            let (t, p) = (TAU * f64::from(k / 20) / 20.0, TAU * f64::from(k % 20) / 20.0);
            // Rounding grows by up to 1/step² in either phase: 16 here.
            assert!((fit.derivative(0, 0, t, p) - power(t, p)).abs() < 1e-13);
            assert!(power(t, p) <= power(theta, phi) + 1e-13);
        }
        assert!(Fit::new([[0.5; 3]; 3], step).best().is_none());
    }
}
