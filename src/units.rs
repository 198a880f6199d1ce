//! Quantities with their unit in the type: SI inside, `"532 nm"` at the edges; how well they are known.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A length in metres; in files a string with its unit: `"532 nm"`, `"0.4 mm"`.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Default, JsonSchema)]
#[schemars(with = "String", extend("pattern" = r"^\s*[-+]?[0-9.]+([eE][-+]?[0-9]+)?\s*(pm|nm|um|µm|μm|mm|cm|m|km)\s*$"))]
pub struct Metres(pub f64);

const LENGTH_UNITS: [(&str, f64); 9] = [
    ("pm", 1e-12),
    ("nm", 1e-9),
    ("um", 1e-6),
    ("µm", 1e-6),
    ("μm", 1e-6),
    ("mm", 1e-3),
    ("cm", 1e-2),
    ("km", 1e3),
    ("m", 1.0),
];

impl Metres {
    /// # Errors
    /// Says what a length looks like when `text` is none.
    pub fn parse(text: &str) -> Result<Self, String> {
        let trimmed = text.trim();
        let split =
            trimmed.find(|c: char| c.is_alphabetic() && c != 'e' && c != 'E').ok_or_else(|| {
                format!("\"{text}\" has no unit: write a length as \"532 nm\" or \"0.4 mm\"")
            })?;
        let (number, unit) = (trimmed[..split].trim(), trimmed[split..].trim());
        let scale = LENGTH_UNITS
            .iter()
            .find(|(name, _)| *name == unit)
            .map(|(_, scale)| *scale)
            .ok_or_else(|| {
                format!("\"{unit}\" is not a unit of length: use pm, nm, um, mm, cm, m or km")
            })?;
        let value: f64 = number
            .parse()
            .map_err(|_| format!("\"{number}\" is not a number: write a length as \"532 nm\""))?;
        if !value.is_finite() {
            return Err(format!("\"{text}\" is not a finite length"));
        }
        Ok(Self(value * scale))
    }
}

impl Metres {
    /// Three digits, rounded down: for what may at most be.
    pub fn at_most(self) -> Self {
        self.three_digits(f64::floor)
    }

    /// Three digits, rounded up: for what must at least be.
    pub fn at_least(self) -> Self {
        self.three_digits(f64::ceil)
    }

    fn three_digits(self, round: fn(f64) -> f64) -> Self {
        if self.0 == 0.0 || !self.0.is_finite() {
            return self;
        }
        let digits = 10f64.powi(2 - self.0.abs().log10().floor() as i32);
        Self(round(self.0 * digits) / digits)
    }
}

/// Prints with the unit that keeps the number between 1 and 1000.
impl std::fmt::Display for Metres {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let size = self.0.abs();
        let (unit, scale) = match size {
            0.0 => ("m", 1.0),
            s if s < 1e-9 => ("pm", 1e-12),
            s if s < 1e-6 => ("nm", 1e-9),
            s if s < 1e-3 => ("um", 1e-6),
            s if s < 1.0 => ("mm", 1e-3),
            _ => ("m", 1.0),
        };
        // Twelve digits hide the rounding of the division and keep every digit that a file gives.
        let rounded: f64 = format!("{:.11e}", self.0 / scale).parse().unwrap_or(self.0 / scale);
        write!(f, "{rounded} {unit}")
    }
}

impl Serialize for Metres {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Metres {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl serde::de::Visitor<'_> for Visitor {
            type Value = Metres;
            fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
                f.write_str("a length with its unit, as \"532 nm\"")
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Metres, E> {
                Metres::parse(text).map_err(E::custom)
            }
        }
        d.deserialize_any(Visitor)
    }
}

/// How well a figure is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Confidence {
    /// Read in the source that is named.
    Verified,
    /// Follows from other figures or from mathematics.
    Derived,
    /// Read in a source that cites another, or that was not refereed.
    Secondary,
    /// A guess, or a choice.
    Assumed,
}

impl Confidence {
    pub const ALL: [Self; 4] = [Self::Verified, Self::Derived, Self::Secondary, Self::Assumed];

    pub fn name(self) -> &'static str {
        match self {
            Self::Verified => "verified",
            Self::Derived => "derived",
            Self::Secondary => "secondary",
            Self::Assumed => "assumed",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Metres;

    #[test]
    fn lengths_read_and_print() {
        for (text, metres) in
            [("532 nm", 532e-9), ("0.4mm", 0.4e-3), (" -3e-2 m", -0.03), ("5 µm", 5e-6)]
        {
            let read = Metres::parse(text).expect(text).0;
            assert!((read - metres).abs() <= 1e-15 * metres.abs(), "{text} gave {read}");
            let again = Metres::parse(&Metres(read).to_string()).expect("printed form reads back");
            assert!(
                (again.0 - read).abs() <= 1e-11 * read.abs(),
                "{text} printed as {}",
                Metres(read)
            );
        }
        for bad in ["532", "532 parsec", "nm", "NaN m", "1e999 m"] {
            assert!(Metres::parse(bad).is_err(), "{bad} was accepted");
        }
    }
}
