//! Units of figures: what kind of quantity, and its size in SI.

use serde::Serialize;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quantity {
    Number,
    Electrons,
    Energy,
    Power,
    Time,
    Length,
    Frequency,
    /// Operations a second.
    OperationRate,
    Loss,
    LossPerLength,
    Responsivity,
    /// A/√Hz.
    CurrentNoise,
    /// W/√Hz.
    PowerNoise,
    Temperature,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(into = "&'static str")]
pub struct Unit {
    pub name: &'static str,
    pub quantity: Quantity,
    /// What one of it is in SI; a loss stays in dB.
    pub si: f64,
}

impl From<Unit> for &'static str {
    fn from(unit: Unit) -> Self {
        unit.name
    }
}

/// Shorthand of the table.
const fn unit(name: &'static str, quantity: Quantity, si: f64) -> Unit {
    Unit { name, quantity, si }
}

pub const UNITS: &[Unit] = &[
    unit("1", Quantity::Number, 1.0),
    unit("e-", Quantity::Electrons, 1.0),
    unit("zJ", Quantity::Energy, 1e-21),
    unit("aJ", Quantity::Energy, 1e-18),
    unit("fJ", Quantity::Energy, 1e-15),
    unit("pJ", Quantity::Energy, 1e-12),
    unit("nJ", Quantity::Energy, 1e-9),
    unit("uJ", Quantity::Energy, 1e-6),
    unit("mJ", Quantity::Energy, 1e-3),
    unit("J", Quantity::Energy, 1.0),
    unit("nW", Quantity::Power, 1e-9),
    unit("uW", Quantity::Power, 1e-6),
    unit("mW", Quantity::Power, 1e-3),
    unit("W", Quantity::Power, 1.0),
    unit("kW", Quantity::Power, 1e3),
    unit("ps", Quantity::Time, 1e-12),
    unit("ns", Quantity::Time, 1e-9),
    unit("us", Quantity::Time, 1e-6),
    unit("ms", Quantity::Time, 1e-3),
    unit("s", Quantity::Time, 1.0),
    unit("nm", Quantity::Length, 1e-9),
    unit("um", Quantity::Length, 1e-6),
    unit("mm", Quantity::Length, 1e-3),
    unit("cm", Quantity::Length, 1e-2),
    unit("m", Quantity::Length, 1.0),
    unit("Hz", Quantity::Frequency, 1.0),
    unit("kHz", Quantity::Frequency, 1e3),
    unit("MHz", Quantity::Frequency, 1e6),
    unit("GHz", Quantity::Frequency, 1e9),
    unit("THz", Quantity::Frequency, 1e12),
    unit("GOPS", Quantity::OperationRate, 1e9),
    unit("TOPS", Quantity::OperationRate, 1e12),
    unit("POPS", Quantity::OperationRate, 1e15),
    unit("dB", Quantity::Loss, 1.0),
    unit("dB/m", Quantity::LossPerLength, 1.0),
    unit("dB/cm", Quantity::LossPerLength, 100.0),
    unit("A/W", Quantity::Responsivity, 1.0),
    unit("pA/√Hz", Quantity::CurrentNoise, 1e-12),
    unit("pW/√Hz", Quantity::PowerNoise, 1e-12),
    unit("K", Quantity::Temperature, 1.0),
];

impl Unit {
    pub fn named(name: &str) -> Option<Self> {
        UNITS.iter().copied().find(|u| u.name == name)
    }

    /// Units of the same quantity, for a message.
    pub fn fellows(self) -> String {
        let same = UNITS.iter().filter(|u| u.quantity == self.quantity);
        same.map(|u| u.name).collect::<Vec<_>>().join(", ")
    }
}

/// Three digits with the prefix that keeps them between 1 and 1000: `3.50 pJ`.
pub fn engineering(value: f64, unit: &str) -> String {
    const PREFIXES: [(&str, f64); 13] = [
        ("z", 1e-21),
        ("a", 1e-18),
        ("f", 1e-15),
        ("p", 1e-12),
        ("n", 1e-9),
        ("µ", 1e-6),
        ("m", 1e-3),
        ("", 1.0),
        ("k", 1e3),
        ("M", 1e6),
        ("G", 1e9),
        ("T", 1e12),
        ("P", 1e15),
    ];
    if value == 0.0 || !value.is_finite() {
        return format!("{value} {unit}");
    }
    // Half a digit up, so that 999.6 is 1.00 k.
    let fits = |(_, scale): &&(&str, f64)| value.abs() * 1.0005 >= *scale;
    let (prefix, scale) = PREFIXES.iter().rev().find(fits).unwrap_or(&PREFIXES[0]);
    format!("{} {prefix}{unit}", three_digits(value / scale))
}

pub fn three_digits(value: f64) -> String {
    let size = value.abs();
    let places = if size >= 99.95 {
        0
    } else if size >= 9.995 {
        1
    } else {
        2
    };
    format!("{value:.places$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_three_digits_and_a_prefix() {
        for (value, text) in [
            (3.5e-12, "3.50 pJ"),
            (0.123e-15, "123 aJ"),
            (49.5e-15, "49.5 fJ"),
            (999.9e-6, "1.00 mJ"),
            (0.0, "0 J"),
            (2.5e10, "25.0 GJ"),
        ] {
            assert_eq!(engineering(value, "J"), text);
        }
    }

    #[test]
    fn names_are_unique() {
        for (i, u) in UNITS.iter().enumerate() {
            assert!(UNITS[..i].iter().all(|v| v.name != u.name), "{}", u.name);
        }
    }
}
