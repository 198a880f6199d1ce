//! The bar chart of a [`Story`]: one lying bar per class.

use super::canvas::{self, Align, BODY, Canvas, GREEN, INK, RED};
use super::colormap::Rgb;
use super::story::{Story, name};
use super::ticks;

const BAR: Rgb = [168, 174, 192];

/// All bars share one unit: decimals and a power of ten that fit the largest.
struct Unit {
    power: i32,
    decimals: usize,
}

impl Unit {
    fn of(values: &[f64]) -> Self {
        let largest = values.iter().filter(|v| v.is_finite()).fold(0.0f64, |l, v| l.max(v.abs()));
        if largest <= 0.0 {
            return Self { power: 0, decimals: 0 };
        }
        let power = largest.log10().floor() as i32;
        if (-2..4).contains(&power) {
            return Self { power: 0, decimals: (2 - power).clamp(0, 3) as usize };
        }
        Self { power, decimals: 2 }
    }

    fn text(&self, v: f64) -> String {
        if !v.is_finite() {
            return "not finite".into();
        }
        let v = v / 10f64.powi(self.power);
        ticks::label(v, 10f64.powi(-(self.decimals as i32)))
    }
}

/// The answer's bar is green or red, the truth's green, the others grey; the label stands above.
pub fn draw(c: &mut Canvas, [left, top]: [i64; 2], [wide, high]: [i64; 2], story: &Story) {
    let unit = Unit::of(story.energy);
    let mut label = story.energy_label.to_owned();
    if unit.power != 0 {
        label += &format!(", ×10{}", ticks::superscript(unit.power));
    }
    let label = canvas::fit(&label, BODY, wide);
    c.text(&label, [left, top - 34], BODY, INK, Align::Left);

    let n = story.energy.len();
    let row = high as f64 / n.max(1) as f64;
    let size = (row * 0.62).clamp(15.0, BODY);
    // Where rows are too thin for their text, every few have a name, and only the truth and the
    // answer have numbers, in a column of their own.
    let every = (size * 1.25 / row).ceil().max(1.0) as usize;
    let marked = |k: usize| k == story.answer || k == story.truth;
    let near = |k: usize| (0..n).any(|m| marked(m) && m.abs_diff(k) < every);
    let named = |k: usize| marked(k) || k.is_multiple_of(every) && !near(k);

    let widest = (0..n).map(|k| canvas::width(&name(story, k), size)).max().unwrap_or(0);
    let names = widest.min(wide / 3) + 16;
    let numbers = story.energy.iter().map(|v| canvas::width(&unit.text(*v), size)).max();
    let numbers = numbers.unwrap_or(0) + 16;
    let (low, most) = story
        .energy
        .iter()
        .filter(|v| v.is_finite())
        .fold((0.0f64, 0.0f64), |(l, h), v| (l.min(*v), h.max(*v)));
    // Bars that point left have their numbers on the left.
    let before = if low < 0.0 && every == 1 { numbers } else { 0 };
    let room = (wide - names - numbers - before).max(1) as f64;
    let span = if most > low { most - low } else { 1.0 };
    let zero = (left + names + before) as f64 - low / span * room;

    let right = story.truth == story.answer;
    for (k, value) in story.energy.iter().enumerate() {
        let edge = |k: f64| top + (k * row).round() as i64;
        let (from, middle, to) = (edge(k as f64), edge(k as f64 + 0.5), edge(k as f64 + 1.0));
        let inset = (((to - from) as f64 * 0.16) as i64).min(12);
        let colour = match k {
            k if k == story.answer && right => GREEN,
            k if k == story.answer => RED,
            k if k == story.truth => GREEN,
            _ => BAR,
        };
        let ink = if marked(k) { colour } else { INK };
        let end = zero + value / span * room;
        if end.is_finite() {
            let (a, b) = (zero.min(end).round() as i64, zero.max(end).round() as i64);
            c.rect([a, from + inset], [b - a, (to - from - 2 * inset).max(1)], colour, 1.0);
        }
        if named(k) {
            let text = canvas::fit(&name(story, k), size, names - 16);
            c.text(&text, [left + names - 16, middle], size, ink, Align::Right);
        }
        let text = unit.text(*value);
        let ends = if end.is_finite() { end.round() as i64 } else { zero.round() as i64 };
        match every {
            1 if *value < 0.0 => c.text(&text, [ends - 12, middle], size, ink, Align::Right),
            1 => c.text(&text, [ends + 12, middle], size, ink, Align::Left),
            _ if marked(k) => c.text(&text, [left + wide, middle], size, ink, Align::Right),
            _ => {}
        }
    }
    c.rect([zero.round() as i64 - 1, top], [2, high], INK, 1.0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_share_a_unit() {
        let unit = Unit::of(&[0.31, 0.1, f64::NAN]);
        assert_eq!([0.31, 0.1, -0.02].map(|v| unit.text(v)), ["0.310", "0.100", "−0.020"]);
        let unit = Unit::of(&[1.2e-6, -4e-8]);
        assert_eq!([1.2e-6, -4e-8].map(|v| unit.text(v)), ["1.20", "−0.04"]);
        assert_eq!(unit.power, -6);
        assert_eq!(Unit::of(&[0.0]).text(0.0), "0");
        assert_eq!(unit.text(f64::NAN), "not finite");
    }
}
