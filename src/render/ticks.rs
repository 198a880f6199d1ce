//! Round numbers for axes, units for lengths, powers of ten for labels.

/// Round values inside `low..=high` (1, 2 or 5 times a power of ten apart), about `wanted` of
/// them, and the step.
pub fn round(low: f64, high: f64, wanted: usize) -> (Vec<f64>, f64) {
    let span = high - low;
    if !span.is_finite() || span <= 0.0 {
        return (vec![low], 1.0);
    }
    let raw = span / wanted.max(1) as f64;
    let power = 10f64.powf(raw.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0]
        .iter()
        .map(|m| m * power)
        .find(|s| *s >= raw * 0.999)
        .unwrap_or(10.0 * power);
    let slack = step * 1e-6;
    let first = ((low - slack) / step).ceil() as i64;
    let last = ((high + slack) / step).floor() as i64;
    ((first..=last).map(|k| k as f64 * step).collect(), step)
}

/// `value` with the decimals that `step` needs and a true minus sign.
pub fn label(value: f64, step: f64) -> String {
    let decimals = (-(step.abs().max(1e-12).log10() + 1e-9).floor()).clamp(0.0, 6.0) as usize;
    let value = if value.abs() < step.abs() * 1e-6 { 0.0 } else { value };
    format!("{value:.decimals$}").replace('-', "−")
}

/// The unit in which `metres` reads well: factor from metres and symbol.
pub fn unit(metres: f64) -> (f64, &'static str) {
    match metres.abs() {
        m if m >= 1.0 || m == 0.0 => (1.0, "m"),
        m if m >= 0.9e-3 => (1e3, "mm"),
        m if m >= 0.9e-6 => (1e6, "µm"),
        _ => (1e9, "nm"),
    }
}

/// A length with three digits at most: `2 mm`, `0.5 µm`.
pub fn length(metres: f64) -> String {
    let (factor, symbol) = unit(metres);
    format!("{} {symbol}", short(metres * factor))
}

/// A number with three digits, without trailing zeros.
pub fn short(v: f64) -> String {
    if !v.is_finite() {
        return "not finite".into();
    }
    if v == 0.0 {
        return "0".into();
    }
    let power = v.abs().log10().floor() as i32;
    if !(-3..5).contains(&power) {
        let head = short(v / 10f64.powi(power));
        return format!("{head}×10{}", superscript(power));
    }
    let text = format!("{v:.*}", (2 - power).max(0) as usize);
    let text =
        if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    text.replace('-', "−")
}

pub fn superscript(n: i32) -> String {
    n.to_string()
        .chars()
        .map(|c| match c {
            '-' => '⁻',
            c => ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹']
                [c.to_digit(10).unwrap_or(0) as usize],
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_inside() {
        assert_eq!(round(0.0, 1.0, 5).0.len(), 6);
        assert_eq!(round(-1.0, 1.0, 4).0, [-1.0, -0.5, 0.0, 0.5, 1.0]);
        assert_eq!(round(2.0, 2.0, 4).0, [2.0]);
        assert_eq!(round(f64::NAN, 2.0, 4).0.len(), 1);
        assert_eq!(label(-0.5, 0.5), "−0.5");
        assert_eq!(label(20.0, 10.0), "20");
        assert_eq!(label(-1e-18, 0.2), "0.0");
    }

    #[test]
    fn lengths_choose_their_unit() {
        assert_eq!(length(2e-3), "2 mm");
        assert_eq!(length(0.0), "0 m");
        assert_eq!(length(0.5e-3), "500 µm");
        assert_eq!(length(250e-9), "250 nm");
        assert_eq!(short(0.000_012_3), "1.23×10⁻⁵");
        assert_eq!(short(0.25), "0.25");
        assert_eq!(short(100.0), "100");
    }
}
