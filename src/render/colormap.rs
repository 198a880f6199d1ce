//! Two colour maps, built in Oklch: one for amounts, one for angles.

use std::f64::consts::TAU;
use std::sync::OnceLock;

use palette::convert::FromColorUnclamped;
use palette::{LinSrgb, Oklch, Srgb};

pub type Rgb = [u8; 3];

/// What is not a number.
pub const NAN: Rgb = [128, 128, 128];
/// A phase that means nothing because there is no light.
pub const DARK: Rgb = [226, 226, 226];

const STEPS: usize = 1024;
const CYCLIC_LIGHTNESS: f64 = 0.74;

/// 0..1 to dark violet, magenta, orange, pale yellow; lightness grows all the way. Values outside
/// are clamped, NaN is grey.
pub fn sequential(t: f64) -> Rgb {
    static TABLE: OnceLock<Vec<Rgb>> = OnceLock::new();
    if t.is_nan() {
        return NAN;
    }
    let table = TABLE.get_or_init(|| {
        (0..STEPS).map(|i| bytes(sequential_exact(i as f64 / (STEPS - 1) as f64))).collect()
    });
    table[(t.clamp(0.0, 1.0) * (STEPS - 1) as f64).round() as usize]
}

/// An angle in radians to a hue at constant lightness and chroma; what is not finite is grey.
pub fn cyclic(angle: f64) -> Rgb {
    static TABLE: OnceLock<Vec<Rgb>> = OnceLock::new();
    if !angle.is_finite() {
        return NAN;
    }
    let table = TABLE.get_or_init(|| {
        (0..STEPS).map(|i| bytes(cyclic_exact(TAU * i as f64 / STEPS as f64))).collect()
    });
    let turn = (angle / TAU).rem_euclid(1.0);
    table[(turn * STEPS as f64).round() as usize % STEPS]
}

fn sequential_exact(t: f64) -> Srgb<f64> {
    let lightness = 0.12 + 0.855 * t;
    // Violet 290°, magenta 360°, orange 420°, yellow 465°.
    let hue = 290.0 + 175.0 * t;
    let fade = if t > 0.8 { 1.0 - 0.5 * ((t - 0.8) / 0.2).powi(2) } else { 1.0 };
    let wanted = (0.20 * fade).min(0.08 + 0.6 * t);
    srgb(lightness, wanted.min(0.97 * most_chroma(lightness, hue)), hue)
}

fn cyclic_exact(angle: f64) -> Srgb<f64> {
    static CHROMA: OnceLock<f64> = OnceLock::new();
    let chroma = *CHROMA.get_or_init(|| {
        (0..360).map(|h| most_chroma(CYCLIC_LIGHTNESS, f64::from(h))).fold(1.0, f64::min) * 0.998
    });
    // Zero is blue, π is amber.
    srgb(CYCLIC_LIGHTNESS, chroma, 255.0 + angle.to_degrees())
}

fn srgb(lightness: f64, chroma: f64, hue: f64) -> Srgb<f64> {
    Srgb::from_linear(LinSrgb::from_color_unclamped(Oklch::new(lightness, chroma, hue)))
}

/// The largest chroma that sRGB holds at a lightness and hue, by bisection.
fn most_chroma(lightness: f64, hue: f64) -> f64 {
    let (mut low, mut high) = (0.0, 0.4);
    for _ in 0..30 {
        let mid = f64::midpoint(low, high);
        let c = LinSrgb::from_color_unclamped(Oklch::new(lightness, mid, hue));
        let inside = [c.red, c.green, c.blue].iter().all(|v| (0.0..=1.0).contains(v));
        if inside { low = mid } else { high = mid }
    }
    low
}

fn bytes(c: Srgb<f64>) -> Rgb {
    [c.red, c.green, c.blue].map(|v| (v * 255.0).round().clamp(0.0, 255.0) as u8)
}

#[cfg(test)]
mod tests {
    use super::*;
    use palette::Oklab;
    use std::f64::consts::PI;

    fn lab(c: Rgb) -> Oklab<f64> {
        let c = Srgb::from(c).into_format::<f64>();
        Oklab::from_color_unclamped(c.into_linear())
    }

    fn in_gamut(c: Srgb<f64>) {
        assert!([c.red, c.green, c.blue].iter().all(|v| (-1e-9..=1.0 + 1e-9).contains(v)), "{c:?}");
    }

    #[test]
    fn sequential_lightness_grows() {
        let light: Vec<f64> = (0..=128).map(|i| lab(sequential(f64::from(i) / 128.0)).l).collect();
        for pair in light.windows(2) {
            assert!(pair[1] > pair[0], "{pair:?}");
        }
        assert!(light[0] < 0.15 && light[128] > 0.95);
        (0..=1000).for_each(|i| in_gamut(sequential_exact(f64::from(i) / 1000.0)));
    }

    #[test]
    fn cyclic_ends_meet_and_lightness_stays() {
        assert_eq!(cyclic(PI), cyclic(-PI));
        assert_eq!(cyclic(0.0), cyclic(TAU));
        assert_ne!(cyclic(0.0), cyclic(PI));
        for i in 0..720 {
            let angle = TAU * f64::from(i) / 720.0;
            in_gamut(cyclic_exact(angle));
            let c = lab(cyclic(angle));
            assert!((c.l - CYCLIC_LIGHTNESS).abs() < 0.005, "{c:?}");
            assert!((c.a.hypot(c.b) - lab(cyclic(0.0)).a.hypot(lab(cyclic(0.0)).b)).abs() < 0.01);
        }
    }

    #[test]
    fn odd_values_are_grey_or_clamped() {
        assert_eq!(sequential(f64::NAN), NAN);
        assert_eq!(cyclic(f64::INFINITY), NAN);
        assert_eq!(sequential(-3.0), sequential(0.0));
        assert_eq!(sequential(7.0), sequential(1.0));
    }
}
