//! A figure: low, typical and high of one quantity, where they come from, how well they are known.

use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

use super::unit::Unit;
pub use crate::units::Confidence;

#[derive(Debug, Clone)]
pub struct Figure {
    /// `table.key`.
    pub key: String,
    /// Low, typical, high in SI.
    pub range: [f64; 3],
    pub unit: Unit,
    pub source: String,
    pub confidence: Confidence,
}

impl Figure {
    pub fn typical(&self) -> f64 {
        self.range[1]
    }

    /// The quantile `u` in 0..1 of the triangle over low, typical and high, on a scale of
    /// logarithms where all three are positive: most of these ranges span a decade.
    pub fn quantile(&self, u: f64) -> f64 {
        let [low, typical, high] = self.range;
        if low >= high {
            return typical;
        }
        if low > 0.0 {
            return triangular(u, low.ln(), typical.ln(), high.ln()).exp();
        }
        triangular(u, low, typical, high)
    }

    /// Low, typical, high in the figure's own unit.
    pub fn in_unit(&self) -> [f64; 3] {
        // Twelve digits hide the rounding of the division.
        self.range.map(|v| format!("{:.11e}", v / self.unit.si).parse().unwrap_or(v))
    }
}

/// The quantile of the triangular distribution.
fn triangular(u: f64, low: f64, mode: f64, high: f64) -> f64 {
    let width = high - low;
    let rise = (mode - low) / width;
    if u < rise {
        low + (u * width * (mode - low)).sqrt()
    } else {
        high - ((1.0 - u) * width * (high - mode)).sqrt()
    }
}

impl Serialize for Figure {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let [low, typical, high] = self.in_unit();
        let mut out = serializer.serialize_struct("Figure", 7)?;
        out.serialize_field("key", &self.key)?;
        out.serialize_field("low", &low)?;
        out.serialize_field("typical", &typical)?;
        out.serialize_field("high", &high)?;
        out.serialize_field("unit", self.unit.name)?;
        out.serialize_field("source", &self.source)?;
        out.serialize_field("confidence", &self.confidence)?;
        out.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figure(range: [f64; 3]) -> Figure {
        let unit = Unit::named("1").expect("the unit of numbers");
        let (key, source) = ("a.b".into(), "a test".into());
        Figure { key, range, unit, source, confidence: Confidence::Assumed }
    }

    /// Quantiles rise from low to high, and the mean of a plain triangle is that of its corners.
    #[test]
    fn quantiles_fill_the_range() {
        for range in [[1.0, 3.0, 10.0], [0.0, 0.0, 2.0], [1.0, 1.0, 4.0], [1.0, 4.0, 4.0]] {
            let f = figure(range);
            let all: Vec<f64> = (0..=1000).map(|i| f.quantile(f64::from(i) / 1000.0)).collect();
            assert!((all[0] - range[0]).abs() < 1e-12 && (all[1000] - range[2]).abs() < 1e-12);
            assert!(all.windows(2).all(|w| w[0] <= w[1]), "{range:?}");
        }
        let f = figure([0.0, 1.0, 5.0]);
        let mean = (0..10_000).map(|i| f.quantile((f64::from(i) + 0.5) / 1e4)).sum::<f64>() / 1e4;
        // The midpoint rule over a square root: an error of order 1/n.
        assert!((mean - 2.0).abs() < 1e-3, "{mean}");
        assert_eq!(figure([7.0; 3]).quantile(0.3), 7.0);
    }
}
