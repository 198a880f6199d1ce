//! Loss and accuracy over the epochs of a run.

use std::path::Path;

use super::canvas::{self, Align, BLUE, BODY, Canvas, FAINT, GREEN, INK, ORANGE, SMALL, WHITE};
use super::colormap::Rgb;
use super::ticks;
use crate::error::Result;

/// One value per epoch each; accuracies are fractions.
pub struct Curves {
    pub epochs: Vec<f64>,
    pub train_loss: Vec<f64>,
    pub val_loss: Vec<f64>,
    pub val_accuracy: Vec<f64>,
    /// Test accuracy and its 95 % interval.
    pub test: Option<(f64, [f64; 2])>,
}

pub(super) const LEFT: i64 = 150;
pub(super) const ABOVE: i64 = 80;
pub(super) const WIDE: i64 = 760;
pub(super) const HIGH: i64 = 560;
pub(super) const BELOW: i64 = 190;
pub(super) const PANEL: i64 = LEFT + WIDE + 40;
/// Points of a curve that are still marked.
const FEW: usize = 40;

/// One diagram: where it lies and what it spans.
pub(super) struct Plot {
    pub at: [i64; 2],
    pub x: [f64; 2],
    pub y: [f64; 2],
    /// What runs along x; whether it is counted, without ticks between whole numbers.
    pub along: &'static str,
    pub counted: bool,
}

pub fn draw(curves: &Curves, path: &Path) -> Result<()> {
    let mut c = Canvas::new((2 * PANEL) as usize, (ABOVE + HIGH + BELOW) as usize);
    let x = span(&curves.epochs, 0.025);
    let (along, counted) = ("epoch", true);
    let losses = [curves.train_loss.as_slice(), &curves.val_loss].concat();
    let loss = Plot { at: [LEFT, ABOVE], x, y: span(&losses, 0.06), along, counted };
    loss.axes(&mut c, "loss");
    loss.curve(&mut c, &curves.epochs, &curves.train_loss, BLUE);
    loss.curve(&mut c, &curves.epochs, &curves.val_loss, ORANGE);
    legend(&mut c, LEFT, &[("training", BLUE), ("validation", ORANGE)]);

    let percent: Vec<f64> = curves.val_accuracy.iter().map(|v| v * 100.0).collect();
    let test = curves.test.map(|(v, i)| (v * 100.0, i.map(|v| v * 100.0)));
    let mut shown = percent.clone();
    shown.extend(test.iter().flat_map(|(v, i)| [*v, i[0], i[1]]));
    let mut y = span(&shown, 0.06);
    if shown.iter().any(|v| v.is_finite()) {
        y = [y[0].clamp(0.0, 99.0), y[1].min(100.0)];
    }
    let right = Plot { at: [PANEL + LEFT, ABOVE], x, y, along, counted };
    if let Some((_, [low, high])) = test
        && low.is_finite()
        && high.is_finite()
    {
        let (top, bottom) = (right.down(high.max(low)), right.down(low.min(high)));
        let high = ((bottom - top).round() as i64).max(2);
        c.rect([right.at[0], top.round() as i64], [WIDE, high], GREEN, 0.18);
    }
    right.axes(&mut c, "accuracy (%)");
    if let Some((value, _)) = test.filter(|(v, _)| v.is_finite()) {
        let y = right.down(value);
        let x = right.at[0] as f64;
        c.line([x, y], [x + WIDE as f64, y], 4.0, GREEN);
    }
    right.curve(&mut c, &curves.epochs, &percent, ORANGE);
    let test = test.map(|(v, [low, high])| format!("test {v:.2} % ({low:.2} to {high:.2})"));
    let mut entries = vec![("validation", ORANGE)];
    entries.extend(test.iter().map(|text| (text.as_str(), GREEN)));
    legend(&mut c, PANEL + LEFT, &entries);
    c.save(path)
}

/// The finite values' span, widened by a part of itself, never empty.
pub(super) fn span(values: &[f64], widen: f64) -> [f64; 2] {
    let finite = || values.iter().copied().filter(|v| v.is_finite());
    let (low, high) =
        finite().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
    if low > high {
        return [0.0, 1.0];
    }
    let room = (high - low) * widen;
    if high - low > 1e-9 * high.abs().max(1e-9) {
        return [low - room, high + room];
    }
    let room = if low == 0.0 { 1.0 } else { low.abs() * 0.1 };
    [low - room, high + room]
}

impl Plot {
    pub fn across(&self, x: f64) -> f64 {
        self.at[0] as f64 + (x - self.x[0]) / (self.x[1] - self.x[0]) * WIDE as f64
    }

    pub fn down(&self, y: f64) -> f64 {
        self.at[1] as f64 + (self.y[1] - y) / (self.y[1] - self.y[0]) * HIGH as f64
    }

    pub fn axes(&self, c: &mut Canvas, name: &str) {
        let (x, y) = (self.at[0], self.at[1]);
        c.text(name, [x, y - 34], BODY, INK, Align::Left);
        let (values, step) = ticks::round(self.y[0], self.y[1], 7);
        let largest = self.y[0].abs().max(self.y[1].abs());
        let plain = (1e-2..1e5).contains(&largest) && step > 1e-5;
        for v in values {
            let at = self.down(v).round() as i64;
            c.rect([x, at - 1], [WIDE, 2], FAINT, 0.8);
            let text = if plain { ticks::label(v, step) } else { ticks::short(v) };
            c.text(&text, [x - 18, at], SMALL, INK, Align::Right);
        }
        let (values, step) = ticks::round(self.x[0], self.x[1], 8);
        let step = if self.counted { step.max(1.0) } else { step };
        for v in values.iter().filter(|v| !self.counted || (**v - v.round()).abs() < 1e-9) {
            let at = self.across(*v).round() as i64;
            c.rect([at - 1, y + HIGH + 2], [2, 10], INK, 1.0);
            let text = ticks::label(*v, step);
            c.text(&text, [at, y + HIGH + 32], SMALL, INK, Align::Middle);
        }
        c.rect([x - 2, y], [2, HIGH + 2], INK, 1.0);
        c.rect([x - 2, y + HIGH], [WIDE + 2, 2], INK, 1.0);
        c.text(self.along, [x + WIDE / 2, y + HIGH + 76], BODY, INK, Align::Middle);
    }

    /// What lies between two values at every x, within the diagram.
    pub fn band(&self, c: &mut Canvas, x: &[f64], band: &[[f64; 2]], colour: Rgb) {
        let [top, bottom] = [self.y[1], self.y[0]].map(|y| self.down(y).round() as i64);
        for k in 1..x.len() {
            let [from, to] = [k - 1, k].map(|k| self.across(x[k]).round() as i64);
            for x in from..to {
                let share = (x - from) as f64 / (to - from) as f64;
                let at = |end: usize| {
                    let [a, b] = [band[k - 1][end], band[k][end]];
                    (self.down(a + share * (b - a)).round() as i64).clamp(top, bottom)
                };
                let (high, low) = (at(1), at(0));
                c.rect([x, high], [1, (low - high).max(2)], colour, 0.18);
            }
        }
    }

    pub fn curve(&self, c: &mut Canvas, x: &[f64], y: &[f64], colour: Rgb) {
        let points = self.points(x, y);
        for pair in points.windows(2) {
            c.line(pair[0], pair[1], 4.5, colour);
        }
        Self::dots(c, &points, colour);
    }

    /// A dashed curve, its points rings.
    pub fn dashed(&self, c: &mut Canvas, x: &[f64], y: &[f64], colour: Rgb) {
        let points = self.points(x, y);
        dashes(c, &points, 4.5, colour);
        Self::dots(c, &points, colour);
        for p in points.iter().filter(|_| points.len() <= FEW) {
            c.disc(*p, 3.5, WHITE);
        }
    }

    fn points(&self, x: &[f64], y: &[f64]) -> Vec<[f64; 2]> {
        x.iter().zip(y).map(|(x, y)| [self.across(*x), self.down(*y)]).collect()
    }

    fn dots(c: &mut Canvas, points: &[[f64; 2]], colour: Rgb) {
        let few = points.len() <= FEW;
        for (k, p) in points.iter().enumerate() {
            // A point between two gaps is not part of any line.
            let alone = [k.wrapping_sub(1), k + 1]
                .iter()
                .all(|n| points.get(*n).is_none_or(|p: &[f64; 2]| !p[1].is_finite()));
            if few || alone {
                c.disc(*p, 7.0, colour);
            }
        }
    }
}

/// A line of strokes and gaps, which go on from one pair of points to the next.
pub(super) fn dashes(c: &mut Canvas, points: &[[f64; 2]], wide: f64, colour: Rgb) {
    const STROKE: f64 = 14.0;
    const PERIOD: f64 = 26.0;
    let mut done = 0.0;
    for pair in points.windows(2) {
        let along = [pair[1][0] - pair[0][0], pair[1][1] - pair[0][1]];
        let length = along[0].hypot(along[1]);
        if !length.is_finite() {
            continue;
        }
        let at = |s: f64| [0, 1].map(|a| pair[0][a] + along[a] * (s / length).clamp(0.0, 1.0));
        let mut start = -(done % PERIOD);
        while start < length {
            if start + STROKE > 0.0 {
                c.line(at(start), at(start + STROKE), wide, colour);
            }
            start += PERIOD;
        }
        done += length;
    }
}

pub(super) fn legend(c: &mut Canvas, left: i64, entries: &[(&str, Rgb)]) {
    let mut x = left;
    let y = ABOVE + HIGH + 140;
    for (text, colour) in entries {
        c.line([x as f64 + 4.0, y as f64], [x as f64 + 44.0, y as f64], 6.0, *colour);
        c.text(text, [x + 60, y], BODY, INK, Align::Left);
        x += 60 + canvas::width(text, BODY) + 44;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::samples::{folder, read};

    fn run(n: usize) -> Curves {
        let over = |f: fn(f64) -> f64| (1..=n).map(|e| f(e as f64)).collect::<Vec<f64>>();
        Curves {
            epochs: over(|e| e),
            train_loss: over(|e| 0.2 + 1.4 * (-e / 4.0).exp()),
            val_loss: over(|e| 0.28 + 1.3 * (-e / 4.0).exp() + 0.02 * (e * 3.0).sin()),
            val_accuracy: over(|e| 0.972 - 0.12 * (-e / 5.0).exp() + 0.003 * (e * 2.0).cos()),
            test: Some((0.9634, [0.9595, 0.967])),
        }
    }

    #[test]
    fn a_run_shows_curves_and_the_band() {
        let path = folder().join("curves.png");
        draw(&run(20), &path).unwrap();
        let (width, height, pixel) = read(&path);
        assert_eq!((width as i64, height as i64), (2 * PANEL, ABOVE + HIGH + BELOW));
        let has = |from: i64, colour: Rgb| {
            (from..from + WIDE)
                .any(|x| (ABOVE..ABOVE + HIGH).any(|y| pixel(x as usize, y as usize) == colour))
        };
        assert!(has(LEFT, BLUE) && has(LEFT, ORANGE) && !has(LEFT, GREEN));
        assert!(has(PANEL + LEFT, GREEN) && !has(PANEL + LEFT, BLUE));
    }

    #[test]
    fn one_point_many_points_and_gaps() {
        draw(&run(1), &folder().join("curves-one.png")).unwrap();
        draw(&run(300), &folder().join("curves-300.png")).unwrap();
        let odd = folder().join("curves-odd.png");
        let mut gaps = run(9);
        gaps.train_loss[3] = f64::NAN;
        gaps.val_loss[5] = f64::INFINITY;
        gaps.test = Some((f64::NAN, [f64::NAN; 2]));
        draw(&gaps, &odd).unwrap();
        let empty = Curves {
            epochs: vec![],
            train_loss: vec![],
            val_loss: vec![],
            val_accuracy: vec![],
            test: None,
        };
        draw(&empty, &odd).unwrap();
        let flat = Curves {
            epochs: vec![1.0, 2.0],
            train_loss: vec![0.0; 2],
            val_loss: vec![1e-9; 1],
            val_accuracy: vec![1.0; 2],
            test: Some((1.0, [1.0; 2])),
        };
        draw(&flat, &odd).unwrap();
    }
}
