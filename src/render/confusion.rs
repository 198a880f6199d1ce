//! The confusion matrix: what was there against what was answered.

use std::path::Path;

use super::canvas::{self, Align, BODY, Canvas, FAINT, INK, SMALL, SOFT, TITLE, WHITE};
use super::colormap;
use super::panel;
use crate::error::Result;

const ABOVE: i64 = 196;
const BELOW: i64 = 110;
const RECALL: i64 = 170;
/// The longest class name that is drawn in full, in pixels.
const NAME: i64 = 240;

/// `matrix[true][answered]` counts; `accuracy` and its 95 % `interval` are fractions.
pub fn draw(
    matrix: &[Vec<u32>],
    classes: &[String],
    accuracy: f64,
    interval: [f64; 2],
    path: &Path,
) -> Result<()> {
    let n = matrix.len().max(1);
    let cell = (1000 / n as i64).clamp(18, 110);
    let side = cell * n as i64;
    let size = (cell as f64 * 0.42).clamp(12.0, BODY);
    let count = |t: usize, a: usize| matrix.get(t).and_then(|r| r.get(a)).copied().unwrap_or(0);
    let total = |t: usize| (0..n).map(|a| u64::from(count(t, a))).sum::<u64>();
    let name = |k: usize| classes.get(k).cloned().unwrap_or_else(|| k.to_string());
    let widest = (0..n).map(|k| canvas::width(&name(k), size)).max().unwrap_or(0).min(NAME);

    let left = 96 + widest;
    let turned = widest > cell - 8;
    let below = if turned { BELOW - 20 + widest } else { BELOW };
    let wide = (left + side + RECALL + 24).max(760);
    let mut c = Canvas::new(wide as usize, (ABOVE + side + below) as usize);
    let percent = |v: f64| format!("{:.2} %", v * 100.0);
    panel::heading(&mut c, &format!("Accuracy {}", percent(accuracy)), [left, 44], TITLE);
    let text = format!("95 % interval: {} to {}", percent(interval[0]), percent(interval[1]));
    panel::remark(&mut c, &text, [left, 90]);
    panel::remark(&mut c, "colour: square root of the share of the row", [left, 122]);

    // Labels and counts that would touch are left out.
    let every = (size * 1.25 / cell as f64).ceil().max(1.0) as usize;
    let most = (0..n).flat_map(|t| (0..n).map(move |a| (t, a)));
    let digits = most.map(|(t, a)| canvas::width(&count(t, a).to_string(), size)).max();
    let counts_fit = digits.unwrap_or(0) <= cell - 4;
    for t in 0..n {
        let row = total(t);
        let y = ABOVE + t as i64 * cell;
        for a in 0..n {
            let x = left + a as i64 * cell;
            let share = if row == 0 { 0.0 } else { f64::from(count(t, a)) / row as f64 };
            let (fill, ink) = shade(share);
            c.rect([x, y], [cell, cell], fill, 1.0);
            if counts_fit && count(t, a) > 0 {
                let text = count(t, a).to_string();
                c.text(&text, [x + cell / 2, y + cell / 2], size, ink, Align::Middle);
            }
        }
        if t % every == 0 {
            let text = canvas::fit(&name(t), size, NAME);
            c.text(&text, [left - 14, y + cell / 2], size, INK, Align::Right);
            let recall = match row {
                0 => "–".into(),
                row => format!("{:.1}", 100.0 * f64::from(count(t, t)) / row as f64),
            };
            let x = left + side + 110;
            c.text(&recall, [x, y + cell / 2], size, INK, Align::Right);
            let x = left + t as i64 * cell + cell / 2;
            if turned {
                let y = ABOVE + side + 14 + canvas::width(&text, size) / 2;
                c.text_up(&text, [x, y], size, INK);
            } else {
                c.text(&text, [x, ABOVE + side + 28], size, INK, Align::Middle);
            }
        }
    }
    for k in 1..n as i64 {
        c.rect([left + k * cell, ABOVE], [1, side], FAINT, 1.0);
        c.rect([left, ABOVE + k * cell], [side, 1], FAINT, 1.0);
    }
    c.frame([left, ABOVE], [side, side], 2, INK);
    c.text("recall (%)", [left + side + 16, ABOVE - 26], SMALL, SOFT, Align::Left);
    let foot = ABOVE + side + below - 36;
    c.text("answered", [left + side / 2, foot], BODY, INK, Align::Middle);
    c.text_up("true", [36, ABOVE + side / 2], BODY, INK);
    c.save(path)
}

/// White for none; a square root so that a few errors in a hundred are seen.
fn shade(share: f64) -> (colormap::Rgb, colormap::Rgb) {
    if share <= 0.0 {
        return (WHITE, INK);
    }
    let t = share.sqrt().min(1.0);
    (colormap::sequential(0.97 - 0.72 * t), if t > 0.5 { WHITE } else { INK })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::samples::{folder, read};

    fn matrix(n: usize) -> Vec<Vec<u32>> {
        let cell = |t: usize, a: usize| if t == a { 960 } else { ((t * 7 + a * 5) % 11) as u32 };
        (0..n).map(|t| (0..n).map(|a| cell(t, a)).collect()).collect()
    }

    #[test]
    fn ten_classes() {
        let path = folder().join("confusion.png");
        let names: Vec<String> = (0..10).map(|k| k.to_string()).collect();
        draw(&matrix(10), &names, 0.9571, [0.953, 0.961], &path).unwrap();
        let (_, height, pixel) = read(&path);
        assert_eq!(height as i64, ABOVE + 1000 + BELOW);
        let left = (96 + (0..10).map(|k| canvas::width(&names[k], BODY)).max().unwrap()) as usize;
        let at = |t: usize, a: usize| pixel(left + a * 100 + 5, ABOVE as usize + t * 100 + 5);
        let light = |c: [u8; 3]| c.iter().map(|v| u32::from(*v)).sum::<u32>();
        // No error is white, a few in a thousand are not, the diagonal is darkest.
        assert!(light(at(0, 0)) < light(at(0, 2)) && light(at(0, 2)) < light(at(8, 2)));
        assert_eq!((8 * 7 + 2 * 5) % 11, 0);
        assert_eq!(at(8, 2), WHITE);
    }

    #[test]
    fn named_one_and_a_hundred_classes() {
        let names = [
            "T-shirt",
            "trouser",
            "pullover",
            "dress",
            "ankle boot",
            "a much too long name for a class",
        ];
        let names = names.map(String::from);
        draw(&matrix(6), &names, 0.88, [0.87, 0.89], &folder().join("confusion-named.png"))
            .unwrap();
        let many: Vec<String> = (0..100).map(|k| format!("class {k}")).collect();
        draw(&matrix(100), &many, 0.5, [0.4, 0.6], &folder().join("confusion-100.png")).unwrap();
        let odd = folder().join("confusion-odd.png");
        draw(&matrix(1), &names[..1], f64::NAN, [f64::NAN; 2], &odd).unwrap();
        draw(&[], &[], 0.0, [0.0; 2], &odd).unwrap();
        draw(&[vec![], vec![0, 0]], &[], 0.0, [0.0; 2], &odd).unwrap();
    }
}
