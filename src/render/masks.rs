//! All phase masks of a machine on one sheet.

use std::path::Path;

use super::canvas::{Anchor, Canvas, INK, RULE};
use super::colormap::cyclic;
use super::{plain, round_below, unit_of};
use crate::error::Result;

const GAP: usize = 28;
const TOP: usize = 56;
const BOTTOM: usize = 70;
const SIDE: usize = 320;

/// Titles and phases `[y, x]` in radians, drawn mod 2π.
pub fn sheet(
    masks: &[(String, Vec<f64>)],
    samples: [usize; 2],
    pitch: [f64; 2],
    path: &Path,
) -> Result<()> {
    let step = samples[0].max(samples[1]).div_ceil(SIDE * 2).max(1);
    let small = samples.map(|n| n.div_ceil(step));
    let zoom = (SIDE / small[0].max(small[1]).max(1)).max(1);
    let [w, h] = [small[1] * zoom, small[0] * zoom];
    let columns = masks.len().clamp(1, 5);
    let rows = masks.len().div_ceil(columns).max(1);
    let width = GAP + columns * (w + GAP) + 100;
    let mut canvas = Canvas::new(width, rows * (h + TOP) + BOTTOM);
    for (k, (title, phases)) in masks.iter().enumerate() {
        let (x, y) = (GAP + k % columns * (w + GAP), TOP + k / columns * (h + TOP));
        canvas.samples(x, y, zoom, small, |at| {
            cyclic(phases[at / small[1] * step * samples[1] + at % small[1] * step])
        });
        canvas.frame(x, y, [w, h], 2, RULE);
        canvas.text(x + w / 2, y - 26, 24, Anchor::Centre, INK, title)?;
    }
    let x = width - 88;
    canvas.bar(x, TOP, [24, h], |t| cyclic((2.0 * t - 1.0) * std::f64::consts::PI));
    for (t, label) in [(0.0, "−π"), (0.5, "0"), (1.0, "π")] {
        let y = TOP + ((1.0 - t) * (h as f64 - 1.0)) as usize;
        canvas.text(
            x + 34,
            y.clamp(TOP + 10, TOP + h.max(11) - 10),
            22,
            Anchor::Left,
            INK,
            label,
        )?;
    }
    let (pixels, label) = scale_bar(w, samples[1] as f64 * pitch[1]);
    let y = canvas.height - 44;
    canvas.fill(GAP, y, [pixels, 6], INK);
    canvas.text(GAP + pixels + 14, y + 3, 22, Anchor::Left, INK, &label)?;
    canvas.save(path)
}

/// Pixels and label of a bar of a round length, at most 40 % of a panel of `width` pixels that is
/// `extent` metres wide.
pub(super) fn scale_bar(width: usize, extent: f64) -> (usize, String) {
    let (scale, unit) = unit_of(extent);
    let length = round_below(0.4 * extent * scale);
    let pixels = (length / (extent * scale) * width as f64).round() as usize;
    (pixels, format!("{} {unit}", plain(length)))
}
