//! Pictures from plain arrays: fields, masks, the light of a sample, curves, confusion.
//!
//! Numbers that are not numbers are drawn grey ([`colormap::NOT_A_NUMBER`]). Phases use a cyclic map of
//! constant lightness, intensities a sequential one of growing lightness.

pub mod canvas;
pub mod colormap;
pub mod confusion;
pub mod curves;
pub mod field;
pub mod masks;
pub mod story;
#[cfg(test)]
mod tests;

/// A length in the unit that suits `span`: factor from metres and the unit's name.
fn unit_of(span: f64) -> (f64, &'static str) {
    match span {
        s if s >= 1.0 => (1.0, "m"),
        s if s >= 1e-3 => (1e3, "mm"),
        s if s >= 1e-6 => (1e6, "µm"),
        _ => (1e9, "nm"),
    }
}

/// The largest of 1, 2, 5 times a power of ten that is at most `most`.
fn round_below(most: f64) -> f64 {
    let power = 10f64.powf(most.log10().floor());
    [5.0, 2.0, 1.0].into_iter().map(|m| m * power).find(|&v| v <= most * 1.000_001).unwrap_or(power)
}

/// A number without trailing zeros.
fn plain(value: f64) -> String {
    let text = format!("{value:.3}");
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}
