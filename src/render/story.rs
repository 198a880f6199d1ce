//! One input on its way through the optic: the light at every plane, then what the detector says.

use std::path::Path;

use super::canvas::{self, Align, BODY, Canvas, GREEN, INK, RED, SMALL, SOFT, TITLE};
use super::colormap::Rgb;
use super::{bars, panel, ticks};
use crate::error::Result;
use crate::optics::detector::Region;
use crate::optics::element::Outline;

/// The light at one plane.
pub struct Panel {
    pub name: String,
    /// Metres from the source.
    pub z: f64,
    pub intensity: Vec<f64>,
}

pub struct Story<'a> {
    /// `[y, x]`.
    pub samples: [usize; 2],
    /// `[y, x]` in metres.
    pub pitch: [f64; 2],
    /// In the order of travel; the last is the detector.
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

const WIDE: i64 = 1800;
const MARGIN: i64 = 56;
const GAP: i64 = 36;
const TOP: i64 = 150;
/// Name and z above each panel.
const ABOVE: i64 = 78;
const DETECTOR: usize = 720;

const FOR: Rgb = [80, 220, 255];
const AGAINST: Rgb = [176, 245, 70];
const NIGHT: Rgb = [20, 8, 32];

pub fn draw(story: &Story, path: &Path) -> Result<()> {
    let columns = match story.panels.len() {
        0..=6 => story.panels.len().max(3) as i64,
        7 | 8 => 4,
        9 | 10 => 5,
        _ => 6,
    };
    let room = ((WIDE - 2 * MARGIN + GAP) / columns - GAP).min(480);
    let size = panel::fill(story.samples, story.pitch, room as usize);
    let rows = (story.panels.len() as i64 + columns - 1) / columns;
    let step = size[0] as i64 + ABOVE + 28;
    let below = TOP + rows * step + 20;
    let detector = panel::size(story.samples, story.pitch, DETECTOR);
    // A flat detector still leaves room for the bars.
    let low = (detector[0] as i64).max(480);
    let differential = story.regions.iter().any(|r| !r.2);
    let foot = panel::BELOW + if differential { 60 } else { 8 };
    let mut c = Canvas::new(WIDE as usize, (below + ABOVE + low + foot) as usize);

    heading(&mut c, story);
    for (k, part) in story.panels.iter().enumerate() {
        let x = MARGIN + k as i64 % columns * (room + GAP);
        let y = TOP + k as i64 / columns * step;
        let name = canvas::fit(&part.name, BODY, room);
        c.text(&name, [x, y + 16], BODY, INK, Align::Left);
        c.text(&place(part.z), [x, y + 52], SMALL, SOFT, Align::Left);
        light(&mut c, [x, y + ABOVE], &part.intensity, story.samples, size);
        c.frame([x, y + ABOVE], [size[1] as i64, size[0] as i64], 2, INK);
    }

    let at = [MARGIN + panel::LEFT - 20, below + ABOVE];
    c.text("at the detector", [at[0], below + 44], BODY, INK, Align::Left);
    let seen = story.panels.last().map_or(&[][..], |p| &p.intensity);
    light(&mut c, at, seen, story.samples, detector);
    regions(&mut c, at, detector, story);
    panel::axes(&mut c, at, detector, story.samples, story.pitch);
    if differential {
        let y = at[1] + detector[0] as i64 + panel::BELOW + 10;
        key(&mut c, [at[0], y], "for the class", FOR);
        key(&mut c, [at[0] + 270, y], "against it", AGAINST);
    }
    let left = at[0] + detector[1] as i64 + 72;
    bars::draw(&mut c, [left, at[1]], [WIDE - MARGIN - left, low], story);
    c.save(path)
}

/// The name of a class, or its number where it has none.
pub(super) fn name(story: &Story, class: usize) -> String {
    story.classes.get(class).cloned().unwrap_or_else(|| class.to_string())
}

fn place(z: f64) -> String {
    format!("z = {} mm", ticks::short(z * 1e3))
}

fn heading(c: &mut Canvas, story: &Story) {
    let right = story.truth == story.answer;
    let [truth, answer] = [story.truth, story.answer].map(|k| name(story, k));
    let first = format!("truth {truth},  ");
    let first = canvas::fit(&first, TITLE, WIDE / 2 - MARGIN);
    c.text(&first, [MARGIN, 46], TITLE, if right { INK } else { GREEN }, Align::Left);
    let word = if right { "right" } else { "wrong" };
    let colour = if right { GREEN } else { RED };
    let x = MARGIN + canvas::width(&first, TITLE);
    let second = canvas::fit(&format!("answer {answer} – {word}"), TITLE, WIDE - x - 20);
    c.text(&second, [x, 46], TITLE, colour, Align::Left);
    let remark = "intensity at every plane, each picture normalised to its own maximum";
    panel::remark(c, remark, [MARGIN, 98]);
}

fn light(c: &mut Canvas, at: [i64; 2], values: &[f64], samples: [usize; 2], size: [usize; 2]) {
    let values = panel::average(values, samples, size);
    let largest = panel::largest(&values);
    panel::pixels(c, at, size, |i| panel::amount(values[i], largest));
}

fn regions(c: &mut Canvas, at: [i64; 2], size: [usize; 2], story: &Story) {
    let scale = [0, 1].map(|a| size[a] as f64 / (story.samples[a] as f64 * story.pitch[a]));
    let centre = |r: &Region| {
        [1, 0].map(|a| at[1 - a] as f64 + size[a] as f64 / 2.0 + r.centre[a] * scale[a])
    };
    // The room for a label: the way to the next region.
    let mut apart = size[1].min(size[0]) as f64 / 2.0;
    for (k, a) in story.regions.iter().enumerate() {
        for b in &story.regions[k + 1..] {
            let (a, b) = (centre(&a.0), centre(&b.0));
            apart = apart.min((a[0] - b[0]).hypot(a[1] - b[1]));
        }
    }
    let shown = story.regions.iter().map(|r| name(story, r.1));
    let widest = shown.map(|n| canvas::width(&n, SMALL)).max().unwrap_or(1).max(1) as f64;
    let letters = SMALL * ((apart - 8.0) / widest).min(1.0);
    let letters = letters.max(14.0).min(apart * 0.3);
    let wide = (apart * 0.05).clamp(1.5, 3.5);
    for (region, class, positive) in story.regions {
        let colour = if *positive { FOR } else { AGAINST };
        let [x, y] = centre(region);
        let half = [1, 0].map(|a| region.size[a] * scale[a] / 2.0);
        if !half.iter().chain(&[x, y]).all(|v| v.is_finite() && v.abs() < 1e5) {
            continue;
        }
        match region.outline {
            Outline::Circle => c.ellipse([x, y], half, wide, colour),
            Outline::Square => {
                let corner = [(-1., -1.), (1., -1.), (1., 1.), (-1., 1.)];
                let corner = corner.map(|(i, j)| [x + i * half[0], y + j * half[1]]);
                for k in 0..4 {
                    c.line(corner[k], corner[(k + 1) % 4], wide, colour);
                }
            }
        }
        if letters < 11.0 {
            continue;
        }
        let text = canvas::fit(&name(story, *class), letters, apart as i64 - 6);
        let mut line = y - half[1] - letters * 0.75;
        if line < at[1] as f64 + letters * 0.6 {
            line = y + half[1] + letters * 0.75;
        }
        outlined(c, &text, [x.round() as i64, line.round() as i64], letters, colour);
    }
}

/// Text with a dark rim, to be read on any picture.
fn outlined(c: &mut Canvas, text: &str, [x, y]: [i64; 2], size: f64, colour: Rgb) {
    for [i, j] in [[-2, 0], [2, 0], [0, -2], [0, 2], [-1, -1], [1, -1], [-1, 1], [1, 1]] {
        c.text(text, [x + i, y + j], size, NIGHT, Align::Middle);
    }
    c.text(text, [x, y], size, colour, Align::Middle);
}

fn key(c: &mut Canvas, [x, y]: [i64; 2], text: &str, colour: Rgb) {
    c.rect([x, y - 16], [44, 32], NIGHT, 1.0);
    c.frame([x + 12, y - 8], [20, 16], 3, colour);
    c.text(text, [x + 60, y], SMALL, INK, Align::Left);
}

#[cfg(test)]
#[path = "story_tests.rs"]
mod tests;
