//! The angular spectrum of plane waves: H(z) = exp(2πi z w), w = sqrt(1/λ² - fx² - fy²)
//! (Goodman, Fourier Optics, eq. 3-74), band-limited (Matsushima and Shimobaba 2009, Opt.
//! Express 17, 19662).
//!
//! H is evaluated in f64 with its phase reduced mod 2π. `H(-z) = conj H(z)`; evanescent parts
//! decay for both signs of z, and end below 1e-20; `H(0) = 1` on every frequency.

use num_complex::Complex;

/// What is left of an evanescent wave below which none is left: far under the rounding of a sum,
/// and it keeps f32 from numbers below its normal range, on which CPUs are slow.
const FAINTEST: f64 = 1e-20;

/// The smallest 2-3-5-7-smooth length that is at least `pad * n`.
pub fn padded_length(n: usize, pad: f64) -> usize {
    // A millionth of a sample absorbs the rounding of a factor such as 1.1.
    let least = ((n as f64 * pad - 1e-6).ceil() as usize).max(n).max(1);
    (least..).find(|&m| is_smooth(m)).unwrap_or(least)
}

pub fn is_smooth(n: usize) -> bool {
    let mut rest = n;
    for p in [2, 3, 5, 7] {
        while rest.is_multiple_of(p) {
            rest /= p;
        }
    }
    rest == 1
}

/// Signed frequency of bin `k` of a transform of `m` samples at `pitch`, in 1/metre.
pub fn frequency(k: usize, m: usize, pitch: f64) -> f64 {
    let signed = if 2 * k < m { k as f64 } else { k as f64 - m as f64 };
    signed / (m as f64 * pitch)
}

/// One step of free space.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Transfer {
    pub wavelength: f64,
    /// `[y, x]` in metres.
    pub pitch: [f64; 2],
    /// Padded samples `[y, x]`.
    pub padded: [usize; 2],
    pub z: f64,
    /// Shift of the output plane `[y, x]` in metres: a point at x lands at x - offset.
    pub offset: [f64; 2],
    pub band_limit: bool,
    /// z and offset whose band limit it has, where not its own: a device that stands a little off has
    /// that of its design, so that nothing jumps when it moves.
    pub designed: Option<(f64, [f64; 2])>,
}

impl Transfer {
    /// Largest |f| along one axis at which the sampled H of a window of `width` metres does not
    /// alias, `1 / (λ sqrt((2z / width)² + 1))` (Matsushima 2009, eq. 13).
    pub fn axis_limit(wavelength: f64, z: f64, width: f64) -> f64 {
        1.0 / (wavelength * (2.0 * z / width).hypot(1.0))
    }

    /// Samples of H between the two ends of that band along `[y, x]`, far behind the window:
    /// (pad W)² / (λ |z|).
    pub fn band_samples(&self) -> [f64; 2] {
        [0, 1].map(|a| {
            let width = self.padded[a] as f64 * self.pitch[a];
            width * width / (self.wavelength * self.z.abs())
        })
    }

    /// Whether (fy, fx) lies where the sampled H does not alias.
    ///
    /// The phase of H may turn by at most π from one frequency to the next, that is
    /// `|offset - z f / w| <= width / 2` along each axis: the intersection of two ellipses
    /// (Matsushima 2009, eq. 17), not of two strips. Evanescent waves do not turn.
    pub fn passes(&self, fy: f64, fx: f64) -> bool {
        let (z, offset) = self.designed.unwrap_or((self.z, self.offset));
        if !self.band_limit || z == 0.0 {
            return true;
        }
        let w2 = self.wavelength.powi(-2) - fy * fy - fx * fx;
        let w = w2.max(0.0).sqrt();
        [fy, fx].into_iter().enumerate().all(|(a, f)| {
            let half_width = 0.5 * self.padded[a] as f64 * self.pitch[a];
            if w2 <= 0.0 {
                return offset[a].abs() <= half_width;
            }
            (offset[a] * w - z * f).abs() <= half_width * w
        })
    }

    /// H at (fy, fx), zero outside the band.
    pub fn at(&self, fy: f64, fx: f64) -> Complex<f64> {
        if !self.passes(fy, fx) {
            return Complex::ZERO;
        }
        let ramp = (fy * self.offset[0] + fx * self.offset[1]).fract();
        if self.z == 0.0 {
            return Complex::cis(std::f64::consts::TAU * ramp);
        }
        let w2 = self.wavelength.powi(-2) - fy * fy - fx * fx;
        let turns = if w2 >= 0.0 { (self.z * w2.sqrt()).fract() } else { 0.0 };
        let decay = (-std::f64::consts::TAU * self.z.abs() * (-w2).max(0.0).sqrt()).exp();
        if decay < FAINTEST {
            return Complex::ZERO;
        }
        Complex::from_polar(decay, std::f64::consts::TAU * (turns + ramp))
    }

    /// What to add w times to a geometry ([`crate::ops::transfer`]) for light of λ / (1 - w): shorter
    /// by λ / λ', and every frequency that much higher.
    pub fn by_wavelength(&self) -> [f64; 4] {
        let [y, x] = [0, 1].map(|a| -self.offset[a] / self.pitch[a]);
        [-self.z / self.wavelength, -1.0, y, x]
    }

    /// H over all frequencies `[fy, fx]` in transform order.
    pub fn table(&self) -> Vec<Complex<f64>> {
        self.map(|fy, fx| self.at(fy, fx))
    }

    /// `f(fy, fx)` over all frequencies in transform order.
    pub fn map<T>(&self, mut f: impl FnMut(f64, f64) -> T) -> Vec<T> {
        self.frequencies().map(|[fy, fx]| f(fy, fx)).collect()
    }

    /// `[fy, fx]` of every element in transform order.
    pub fn frequencies(&self) -> impl Iterator<Item = [f64; 2]> + use<> {
        let ([my, mx], [dy, dx]) = (self.padded, self.pitch);
        (0..my).flat_map(move |ky| {
            (0..mx).map(move |kx| [frequency(ky, my, dy), frequency(kx, mx, dx)])
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Against the definition, by trial.
    #[test]
    fn padded_lengths_are_the_next_smooth_ones() {
        for (n, pad, m) in
            [(64, 2.0, 128), (200, 2.0, 400), (100, 1.1, 112), (11, 2.0, 24), (1, 2.0, 2)]
        {
            // 110 = 2 5 11 and 111 = 3 37 are not smooth, 112 = 2^4 7 is; 22 = 2 11, 23, then 24.
            assert_eq!(padded_length(n, pad), m, "{n} x {pad}");
        }
        assert!((1..=10).all(is_smooth) && !is_smooth(11) && is_smooth(2401) && !is_smooth(121));
    }

    #[test]
    fn frequencies_are_in_transform_order() {
        let all: Vec<f64> = (0..5).map(|k| frequency(k, 5, 0.5)).collect();
        assert_eq!(all, [0.0, 0.4, 0.8, -0.8, -0.4]);
        assert_eq!(frequency(2, 4, 1.0), -0.5);
    }

    /// The band is where the two ellipses meet, smaller than the rectangle of the two strips.
    #[test]
    fn the_band_is_an_ellipse_at_high_aperture() {
        let t = Transfer {
            wavelength: 0.5e-6,
            pitch: [0.3e-6; 2],
            padded: [512; 2],
            z: 200e-6,
            offset: [0.0; 2],
            band_limit: true,
            designed: None,
        };
        let limit = Transfer::axis_limit(t.wavelength, t.z, 512.0 * 0.3e-6);
        assert!(t.passes(0.0, 0.999 * limit) && !t.passes(0.0, 1.001 * limit));
        assert!(t.passes(0.999 * limit, 0.0) && !t.passes(1.001 * limit, 0.0));
        let corner = 0.999 * limit;
        assert!(!t.passes(corner, corner), "the corner of the rectangle is outside both ellipses");
        // Evanescent waves decay whatever the sign of z: exp(-2π |z| sqrt(f² - 1/λ²)).
        let near = Transfer { z: -0.1e-6, ..t };
        let f: f64 = 2.5e6;
        let decay = (-std::f64::consts::TAU * 0.1e-6 * (f * f - 4e12).sqrt()).exp();
        assert!((near.at(0.0, f).re - decay).abs() < 1e-15);
        // exp(-2π z 1.5e6 / m) is 1e-20 at z = 4.886 µm.
        let far = |z| Transfer { z, ..t }.at(0.0, f);
        assert!(far(4.88e-6).re > FAINTEST && far(4.89e-6) == Complex::ZERO);
    }
}
