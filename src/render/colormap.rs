//! Colour maps made in Oklch (Ottosson 2020), where equal steps look equal.

use palette::{IntoColor, Oklch, Srgb};

pub type Rgb = [u8; 3];

/// What a NaN is drawn as.
pub const NOT_A_NUMBER: Rgb = [150, 150, 150];

/// Largest chroma not above `chroma` that sRGB can show at this lightness and hue.
fn fit(lightness: f64, chroma: f64, hue: f64) -> Rgb {
    let colour = |c: f64| -> Srgb<f64> { Oklch::new(lightness, c, hue).into_color() };
    let shows = |c: f64| {
        let s = colour(c);
        [s.red, s.green, s.blue].iter().all(|v| (-1e-4..=1.0001).contains(v))
    };
    let mut c = chroma;
    while c > 0.0 && !shows(c) {
        c -= 0.002;
    }
    let s = colour(c.max(0.0));
    [s.red, s.green, s.blue].map(|v| (v.clamp(0.0, 1.0) * 255.0).round() as u8)
}

/// Near-black violet over magenta and orange to pale yellow, t in 0..1; lightness grows with t.
pub fn sequential(t: f64) -> Rgb {
    if t.is_nan() {
        return NOT_A_NUMBER;
    }
    let t = t.clamp(0.0, 1.0);
    let chroma = 0.03 + 0.18 * (std::f64::consts::PI * t.powf(0.8)).sin().max(0.0);
    fit(0.13 + 0.84 * t, chroma, 285.0 + 175.0 * t)
}

/// A circle of hues at one lightness, phase in radians.
pub fn cyclic(phase: f64) -> Rgb {
    if phase.is_nan() {
        return NOT_A_NUMBER;
    }
    fit(0.72, 0.115, 25.0 + phase.rem_euclid(std::f64::consts::TAU).to_degrees())
}

/// White to deep blue, t in 0..1.
pub fn paper(t: f64) -> Rgb {
    let t = t.clamp(0.0, 1.0);
    fit(1.0 - 0.62 * t, 0.16 * t.powf(0.7), 255.0)
}

#[cfg(test)]
mod tests {
    use palette::Oklab;

    use super::*;

    fn lightness([r, g, b]: Rgb) -> f64 {
        let lab: Oklab<f64> = Srgb::new(r, g, b).into_format::<f64>().into_color();
        lab.l
    }

    #[test]
    fn sequential_grows_lighter() {
        let steps: Vec<f64> =
            (0..=64).map(|i| lightness(sequential(f64::from(i) / 64.0))).collect();
        assert!(steps.windows(2).all(|w| w[1] > w[0]), "{steps:?}");
        assert!(steps[0] < 0.2 && steps[64] > 0.93);
    }

    #[test]
    fn cyclic_closes_at_one_lightness() {
        assert_eq!(cyclic(std::f64::consts::PI), cyclic(-std::f64::consts::PI));
        assert_ne!(cyclic(0.0), cyclic(std::f64::consts::PI));
        for i in 0..64 {
            let l = lightness(cyclic(f64::from(i) * 0.1));
            assert!((l - 0.72).abs() < 0.01, "{l}");
        }
        assert_eq!(cyclic(f64::NAN), NOT_A_NUMBER);
    }
}
