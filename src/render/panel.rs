//! One picture of a plane: pixels, axes, colour bars.

use std::f64::consts::{PI, TAU};

use super::canvas::{self, Align, BODY, Canvas, INK, SMALL, SOFT};
use super::colormap::{self, Rgb};
use super::matrix::ticks_of;
use super::ticks;

/// Room around a picture for its axes, and beside it for its colour bar, in pixels.
pub const LEFT: i64 = 140;
pub const BELOW: i64 = 108;
pub const BAR: i64 = 176;

const BAR_GAP: i64 = 26;
const BAR_WIDE: i64 = 30;
/// A picture is never thinner than this part of its longer side.
const THINNEST: f64 = 0.16;

/// Pixels `[y, x]` for a plane whose longer side may take `room` pixels: whole pixels per sample
/// where there is room for it, fewer pixels than samples where there is not.
pub fn size(samples: [usize; 2], pitch: [f64; 2], room: usize) -> [usize; 2] {
    let filled = fill(samples, pitch, room);
    [0, 1].map(|a| {
        let n = samples[a].max(1);
        if filled[a] >= n { filled[a] / n * n } else { filled[a] }
    })
}

/// Pixels `[y, x]` for a plane whose longer side takes `room` pixels.
pub fn fill(samples: [usize; 2], pitch: [f64; 2], room: usize) -> [usize; 2] {
    let extent = [0, 1].map(|a| {
        let e = samples[a] as f64 * pitch[a];
        if e.is_finite() && e > 0.0 { e } else { samples[a].max(1) as f64 }
    });
    let long = extent[0].max(extent[1]);
    extent.map(|e| ((room as f64 * (e / long).max(THINNEST)).round() as usize).max(1))
}

/// `values` on `samples` averaged by area onto `size` pixels; NaN spreads to the pixels it touches.
pub fn average(values: &[f64], samples: [usize; 2], size: [usize; 2]) -> Vec<f64> {
    if values.len() != samples[0] * samples[1] || values.is_empty() {
        return vec![f64::NAN; size[0] * size[1]];
    }
    let across = shares(samples[1], size[1]);
    let mut rows = Vec::with_capacity(samples[0] * size[1]);
    for row in values.chunks(samples[1]) {
        rows.extend(
            across.iter().map(|part| part.iter().map(|(i, share)| row[*i] * share).sum::<f64>()),
        );
    }
    let mut out = Vec::with_capacity(size[0] * size[1]);
    for part in shares(samples[0], size[0]) {
        for x in 0..size[1] {
            out.push(part.iter().map(|(j, share)| rows[j * size[1] + x] * share).sum());
        }
    }
    out
}

/// For each of `pixels`, the samples it covers and their shares of it, in whole-number arithmetic.
fn shares(samples: usize, pixels: usize) -> Vec<Vec<(usize, f64)>> {
    (0..pixels)
        .map(|p| {
            let (from, to) = (p * samples, (p + 1) * samples);
            (from / pixels..to.div_ceil(pixels))
                .map(|s| {
                    let overlap = to.min((s + 1) * pixels) - from.max(s * pixels);
                    (s, overlap as f64 / samples as f64)
                })
                .collect()
        })
        .collect()
}

/// The largest finite value, at least 0.
pub fn largest(values: &[f64]) -> f64 {
    values.iter().copied().filter(|v| v.is_finite()).fold(0.0, f64::max)
}

/// `value / largest` as a colour; grey where there is no number.
pub fn amount(value: f64, largest: f64) -> Rgb {
    match value {
        v if !v.is_finite() => colormap::NAN,
        _ if largest <= 0.0 => colormap::sequential(0.0),
        v => colormap::sequential(v / largest),
    }
}

pub fn pixels(c: &mut Canvas, [x, y]: [i64; 2], size: [usize; 2], colour: impl Fn(usize) -> Rgb) {
    for j in 0..size[0] {
        for i in 0..size[1] {
            c.set(x + i as i64, y + j as i64, colour(j * size[1] + i));
        }
    }
}

/// Frame, ticks and labelled axes in a fitting unit; y grows downwards, as the rows do.
pub fn axes(
    c: &mut Canvas,
    [x, y]: [i64; 2],
    size: [usize; 2],
    samples: [usize; 2],
    pitch: [f64; 2],
) {
    let [high, wide] = size.map(|s| s as i64);
    c.frame([x, y], [wide, high], 2, INK);
    let extent = [0, 1].map(|a| samples[a] as f64 * pitch[a]);
    let long = extent[0].max(extent[1]);
    let known = long.is_finite() && extent.iter().all(|e| *e > 0.0);
    let (factor, symbol) = if known { ticks::unit(long / 2.0) } else { (1.0, "samples") };
    let half = [0, 1].map(|a| if known { extent[a] * factor } else { samples[a] as f64 } / 2.0);

    let wanted = |pixels: i64, each: i64| (pixels / each).clamp(1, 8) as usize;
    let (values, step) = ticks::round(-half[1], half[1], wanted(wide, 95));
    for v in &values {
        let at = x + ((0.5 + v / half[1] / 2.0) * wide as f64).round() as i64;
        c.rect([at - 1, y + high + 2], [2, 10], INK, 1.0);
        c.text(&ticks::label(*v, step), [at, y + high + 30], SMALL, INK, Align::Middle);
    }
    let label = format!("x ({symbol})");
    c.text(&label, [x + wide / 2, y + high + 70], BODY, INK, Align::Middle);

    let (values, step) = ticks::round(-half[0], half[0], wanted(high, 95));
    for v in &values {
        let at = y + ((0.5 + v / half[0] / 2.0) * high as f64).round() as i64;
        c.rect([x - 12, at - 1], [10, 2], INK, 1.0);
        c.text(&ticks::label(*v, step), [x - 20, at], SMALL, INK, Align::Right);
    }
    c.text_up(&format!("y ({symbol})"), [x - 116, y + high / 2], BODY, INK);
}

/// Frame and numbers of the guides that lie side by side in a picture.
pub fn guides(c: &mut Canvas, [x, y]: [i64; 2], size: [usize; 2], n: usize) {
    let [high, wide] = size.map(|s| s as i64);
    c.frame([x, y], [wide, high], 2, INK);
    for k in ticks_of(n, wide) {
        let at = x + ((k as f64 + 0.5) / n as f64 * wide as f64).round() as i64;
        c.rect([at - 1, y + high + 2], [2, 10], INK, 1.0);
        c.text(&k.to_string(), [at, y + high + 30], SMALL, INK, Align::Middle);
    }
    c.text("guide", [x + wide / 2, y + high + 70], BODY, INK, Align::Middle);
}

/// Pixels between two numbers beside a bar.
const APART: f64 = 34.0;

/// The bar for amounts from 0 to `largest`, right of a picture that ends at `x`; `largest` is written.
pub fn amount_bar(c: &mut Canvas, [x, y]: [i64; 2], high: i64, largest: f64) {
    let x = x + BAR_GAP;
    for j in 0..high {
        let t = 1.0 - (j as f64 + 0.5) / high as f64;
        c.rect([x, y + j], [BAR_WIDE, 1], colormap::sequential(t), 1.0);
    }
    c.frame([x, y], [BAR_WIDE, high], 2, INK);
    let tick = |c: &mut Canvas, part: f64, text: &str| {
        let at = y + ((1.0 - part) * high as f64).round() as i64;
        c.rect([x + BAR_WIDE + 2, at - 1], [8, 2], INK, 1.0);
        c.text(text, [x + BAR_WIDE + 18, at], SMALL, INK, Align::Left);
    };
    if !(largest > 0.0 && largest.is_finite()) {
        return tick(c, 0.0, "0");
    }
    let power = largest.log10().floor() as i32;
    let factor = if (-2..4).contains(&power) { 0 } else { power };
    let top = largest / 10f64.powi(factor);
    let (values, step) = ticks::round(0.0, top, (high / 90).clamp(1, 8) as usize);
    for v in values.into_iter().filter(|v| (1.0 - v / top) * high as f64 >= APART) {
        tick(c, v / top, &ticks::label(v, step));
    }
    tick(c, 1.0, &ticks::short(top));
    if factor != 0 {
        let text = format!("×10{}", ticks::superscript(factor));
        c.text(&text, [x, y - 24], SMALL, INK, Align::Left);
    }
}

/// The bar for phases, -π at the bottom.
pub fn phase_bar(c: &mut Canvas, [x, y]: [i64; 2], high: i64) {
    let x = x + BAR_GAP;
    for j in 0..high {
        let t = 1.0 - (j as f64 + 0.5) / high as f64;
        c.rect([x, y + j], [BAR_WIDE, 1], colormap::cyclic(t * TAU - PI), 1.0);
    }
    c.frame([x, y], [BAR_WIDE, high], 2, INK);
    for (part, text) in [(0.0, "π"), (0.5, "0"), (1.0, "−π")] {
        let at = y + (part * high as f64) as i64;
        c.rect([x + BAR_WIDE + 2, at - 1], [8, 2], INK, 1.0);
        c.text(text, [x + BAR_WIDE + 18, at], SMALL, INK, Align::Left);
    }
}

/// A bar of round length at the bottom left corner `[x, y]`, about a quarter of `wide`.
/// Returns its length in pixels and in metres.
pub fn scale_bar(c: &mut Canvas, [x, y]: [i64; 2], wide: usize, extent: f64) -> Option<(i64, f64)> {
    if !(extent.is_finite() && extent > 0.0) {
        return None;
    }
    let aim = extent / 4.0;
    let power = 10f64.powf(aim.log10().floor());
    let length =
        [5.0, 2.0, 1.0].iter().map(|m| m * power).find(|l| *l <= aim * 1.001).unwrap_or(power);
    let pixels = (length / extent * wide as f64).round().max(1.0) as i64;
    c.rect([x, y - 3], [pixels, 6], INK, 1.0);
    for end in [x, x + pixels - 3] {
        c.rect([end, y - 10], [3, 20], INK, 1.0);
    }
    c.text(&ticks::length(length), [x + pixels + 16, y], SMALL, INK, Align::Left);
    Some((pixels, length))
}

/// A heading that is cut where it would leave the sheet.
pub fn heading(c: &mut Canvas, text: &str, [x, y]: [i64; 2], size: f64) {
    let text = canvas::fit(text, size, c.width as i64 - x - 20);
    c.text(&text, [x, y], size, INK, Align::Left);
}

/// A small remark in grey.
pub fn remark(c: &mut Canvas, text: &str, [x, y]: [i64; 2]) {
    let text = canvas::fit(text, SMALL, c.width as i64 - x - 20);
    c.text(&text, [x, y], SMALL, SOFT, Align::Left);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn averaging_keeps_the_mean_and_zooming_repeats() {
        let values: Vec<f64> = (0..35).map(|i| f64::from(i * i)).collect();
        let small = average(&values, [5, 7], [3, 4]);
        let mean = |v: &[f64]| v.iter().sum::<f64>() / v.len() as f64;
        assert!((mean(&small) - mean(&values)).abs() < 1e-9);
        assert_eq!(average(&[1.0, 2.0], [1, 2], [2, 4]), [1., 1., 2., 2., 1., 1., 2., 2.]);
        assert!(average(&[1.0, f64::NAN], [1, 2], [1, 1])[0].is_nan());
        assert!(average(&[1.0], [2, 2], [1, 1])[0].is_nan());
    }

    /// Also where no round number but 0 lies below it.
    #[test]
    fn the_top_of_a_bar_is_written() {
        for (high, largest) in [(144, 0.3), (144, 5e-7), (900, 0.37), (20, 1.0)] {
            let mut c = Canvas::new(300, 1000);
            amount_bar(&mut c, [0, 40], high, largest);
            let beside = (BAR_GAP + BAR_WIDE + 5) as usize;
            assert_eq!(c.get(beside, 40), INK, "{largest}");
            assert_eq!(c.get(beside, 39 + high as usize) == INK, high > 34, "{largest}");
        }
    }

    #[test]
    fn sizes_zoom_by_whole_numbers() {
        assert_eq!(size([28, 28], [1e-6; 2], 900), [896, 896]);
        assert_eq!(size([1800, 900], [1e-6; 2], 900), [900, 450]);
        assert_eq!(size([1, 1], [0.0, f64::NAN], 900), [900, 900]);
        assert_eq!(size([1, 1000], [1e-6; 2], 900), [144, 900]);
    }

    #[test]
    fn the_scale_bar_is_as_long_as_it_says() {
        let mut c = Canvas::new(900, 60);
        let (pixels, length) = scale_bar(&mut c, [10, 30], 800, 1.6e-3).unwrap();
        assert!((length - 200e-6).abs() < 1e-12);
        assert_eq!(pixels, 100);
        let inked = (0..112).filter(|x| c.get(*x, 22) == INK).count();
        assert_eq!(inked, 6);
        assert_eq!((10..110).filter(|x| c.get(*x, 30) == INK).count(), 100);
        assert_ne!(c.get(110, 30), INK);
    }
}
