//! The light of one sample at every plane, and what the detector makes of it.

use std::path::Path;

use super::canvas::{Anchor, BAD, Canvas, FAINT, GOOD, INK, MINUS, PLUS, RULE};
use super::colormap::sequential;
use super::field::peak;
use super::plain;
use crate::error::Result;
use crate::optics::detector::Region;
use crate::optics::element::Outline;
use crate::units::Metres;

pub struct Panel {
    pub name: String,
    /// Metres from the first plane.
    pub z: f64,
    /// `[y, x]`.
    pub intensity: Vec<f64>,
}

pub struct Story<'a> {
    /// `[y, x]`.
    pub samples: [usize; 2],
    pub pitch: [f64; 2],
    /// In the order of the light; the last is the detector's.
    pub panels: &'a [Panel],
    /// Region, class, and whether it counts for the class or against it.
    pub regions: &'a [(Region, usize, bool)],
    pub classes: &'a [String],
    /// What the bars show, one per class.
    pub energy: &'a [f64],
    pub energy_label: &'a str,
    pub truth: usize,
    pub answer: usize,
}

const GAP: usize = 30;
const HEAD: usize = 110;
const LABEL: usize = 52;
const SMALL: usize = 250;
const LARGE: usize = 620;
const BARS: usize = 620;

/// How a plane of `samples` fits into `side` pixels: samples drawn, step, zoom.
fn fit(samples: [usize; 2], side: usize) -> ([usize; 2], usize, usize) {
    let step = samples[0].max(samples[1]).div_ceil(side).max(1);
    let small = samples.map(|n| n.div_ceil(step));
    (small, step, (side / small[0].max(small[1]).max(1)).max(1))
}

pub fn draw(story: &Story, path: &Path) -> Result<()> {
    let (small, _, zoom) = fit(story.samples, SMALL);
    let [w, h] = [small[1] * zoom, small[0] * zoom];
    let (large, _, large_zoom) = fit(story.samples, LARGE);
    let [lw, lh] = [large[1] * large_zoom, large[0] * large_zoom];
    let planes = &story.panels[..story.panels.len().saturating_sub(1)];
    let columns = planes.len().clamp(1, 6);
    let inner = (lw + 3 * GAP + BARS).max(columns * (w + GAP));
    let rows = planes.len().div_ceil(columns);
    let width = inner.max(columns * (w + GAP)) + 2 * GAP;
    let below = HEAD + rows * (h + LABEL) + GAP;
    let mut canvas = Canvas::new(width, below + LABEL + lh + 80);

    let name = |k: usize| story.classes.get(k).map_or("?", String::as_str);
    let (verdict, colour) = if story.truth == story.answer {
        (format!("a \"{}\", read as \"{}\"", name(story.truth), name(story.answer)), GOOD)
    } else {
        (format!("a \"{}\", misread as \"{}\"", name(story.truth), name(story.answer)), BAD)
    };
    canvas.text(GAP, 40, 36, Anchor::Left, colour, &verdict)?;
    let caption = "square root of the intensity at each plane, each scaled to its own maximum";
    canvas.text(GAP, 80, 22, Anchor::Left, FAINT, caption)?;

    for (k, panel) in planes.iter().enumerate() {
        let (x, y) = (GAP + k % columns * (w + GAP), HEAD + LABEL + k / columns * (h + LABEL));
        light(&mut canvas, [x, y], story.samples, SMALL, &panel.intensity);
        canvas.text(x, y - 20, 20, Anchor::Left, INK, &panel_title(panel))?;
    }
    let Some(last) = story.panels.last() else { return canvas.save(path) };
    let (x, y) = (GAP, below + LABEL);
    light(&mut canvas, [x, y], story.samples, LARGE, &last.intensity);
    canvas.text(x, y - 24, 24, Anchor::Left, INK, &panel_title(last))?;
    let to_pixels = [0, 1].map(|a| {
        let extent = story.samples[a] as f64 * story.pitch[a];
        if a == 0 { lh as f64 / extent } else { lw as f64 / extent }
    });
    for (region, class, positive) in story.regions {
        let colour = if *positive { PLUS } else { MINUS };
        let thick = if *class == story.truth { 4 } else { 2 };
        let centre = [
            x as f64 + lw as f64 / 2.0 + region.centre[1] * to_pixels[1],
            y as f64 + lh as f64 / 2.0 + region.centre[0] * to_pixels[0],
        ];
        let half = [region.size[1] * to_pixels[1] / 2.0, region.size[0] * to_pixels[0] / 2.0];
        match region.outline {
            Outline::Circle => canvas.ellipse(centre, half, thick, colour),
            Outline::Square => canvas.frame(
                (centre[0] - half[0]).max(0.0) as usize,
                (centre[1] - half[1]).max(0.0) as usize,
                half.map(|v| (2.0 * v) as usize),
                thick,
                colour,
            ),
        }
        let sign = if story.regions.iter().any(|r| !r.2) {
            if *positive { "+" } else { "−" }
        } else {
            ""
        };
        let (lx, ly) = (centre[0] as usize, (centre[1] - half[1] - 13.0).max(0.0) as usize);
        canvas.text(lx, ly, 20, Anchor::Centre, colour, &format!("{}{sign}", name(*class)))?;
    }
    bars(&mut canvas, story, [x + lw + 3 * GAP, y], lh)?;
    canvas.save(path)
}

fn panel_title(panel: &Panel) -> String {
    if panel.z == 0.0 { panel.name.clone() } else { format!("{}, {}", panel.name, Metres(panel.z)) }
}

fn light(canvas: &mut Canvas, at: [usize; 2], samples: [usize; 2], side: usize, intensity: &[f64]) {
    let (small, step, zoom) = fit(samples, side);
    let most = peak(intensity.iter().copied());
    canvas.samples(at[0], at[1], zoom, small, |k| {
        let from = k / small[1] * step * samples[1] + k % small[1] * step;
        // The eye sees dim rings that a linear scale would hide.
        sequential((intensity[from] / most).max(0.0).sqrt())
    });
    canvas.frame(at[0], at[1], [small[1] * zoom, small[0] * zoom], 2, RULE);
}

fn bars(canvas: &mut Canvas, story: &Story, at: [usize; 2], height: usize) -> Result<()> {
    let n = story.energy.len().max(1);
    let (row, label) = (height / n, 110);
    let room = BARS - label - 100;
    let finite = || story.energy.iter().copied().filter(|v| v.is_finite());
    let (low, high) = (finite().fold(0.0, f64::min), finite().fold(0.0, f64::max));
    let span = if high > low { high - low } else { 1.0 };
    let zero = at[0] + label + (-low / span * room as f64) as usize;
    canvas.text(at[0] + label, at[1] - 24, 24, Anchor::Left, INK, story.energy_label)?;
    // A row too thin for text shows its bar alone.
    let size = row.saturating_sub(6).min(24);
    for (k, &value) in story.energy.iter().enumerate() {
        let y = at[1] + k * row;
        let colour = match (k == story.answer, k == story.truth) {
            (true, true) => GOOD,
            (true, false) => BAD,
            (false, true) => [110, 180, 140],
            (false, false) => [170, 178, 190],
        };
        let length =
            if value.is_finite() { (value.abs() / span * room as f64) as usize } else { 0 };
        let start = if value < 0.0 { zero.saturating_sub(length) } else { zero };
        let thick = (row * 6 / 10).max(1);
        canvas.fill(start, y + (row - thick) / 2, [length.max(1), thick], colour);
        if size >= 9 {
            let name = story.classes.get(k).map_or("?", String::as_str);
            let short: String = name.chars().take(10).collect();
            canvas.text(at[0] + label - 14, y + row / 2, size, Anchor::Right, INK, &short)?;
            canvas.text(
                zero.max(start + length) + 10,
                y + row / 2,
                size.min(20),
                Anchor::Left,
                FAINT,
                &plain(value),
            )?;
        }
    }
    canvas.fill(zero, at[1], [2, n * row], FAINT);
    Ok(())
}
