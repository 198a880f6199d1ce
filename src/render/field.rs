//! One plane with axes, a colour bar and a title.

use std::path::Path;

use num_complex::Complex;

use super::canvas::{Anchor, Canvas, FAINT, INK, RULE};
use super::colormap::{NOT_A_NUMBER, Rgb, cyclic, sequential};
use super::{plain, round_below, unit_of};
use crate::error::Result;

pub struct Plane<'a> {
    /// `[y, x]`.
    pub samples: [usize; 2],
    /// `[y, x]` in metres.
    pub pitch: [f64; 2],
    pub title: &'a str,
}

/// Pixels that a plane is enlarged or averaged to, about.
const SIDE: usize = 640;
const MARGIN: usize = 110;
const TOP: usize = 80;
const BAR: usize = 26;
/// Width of one panel beyond its plane.
const PANEL: usize = MARGIN + 150;

/// A plane brought to the size at which it is drawn.
struct Shown {
    samples: [usize; 2],
    zoom: usize,
    /// Samples of the plane to one of these.
    step: usize,
}

impl Shown {
    fn of(samples: [usize; 2]) -> Self {
        let largest = samples[0].max(samples[1]).max(1);
        let step = largest.div_ceil(900);
        let samples = samples.map(|n| n.div_ceil(step));
        Self { samples, zoom: (SIDE / samples[0].max(samples[1]).max(1)).max(1), step }
    }

    fn pixels(&self) -> [usize; 2] {
        [self.samples[1] * self.zoom, self.samples[0] * self.zoom]
    }

    /// Means over `step` x `step` samples.
    fn mean<T>(&self, full: [usize; 2], values: &[T]) -> Vec<T>
    where
        T: Copy + std::ops::Add<Output = T> + std::ops::Mul<f64, Output = T>,
    {
        let [ny, nx] = self.samples;
        let block = |k: usize| {
            let (j, i) = (k / nx * self.step, k % nx * self.step);
            let rows = j..(j + self.step).min(full[0]);
            let columns = i..(i + self.step).min(full[1]);
            let weight = ((rows.len() * columns.len()) as f64).recip();
            let cells = rows.flat_map(|v| columns.clone().map(move |u| v * full[1] + u));
            cells.map(|at| values[at] * weight).reduce(|a, b| a + b)
        };
        (0..ny * nx).filter_map(block).collect()
    }
}

/// Largest finite value, or 1 where there is none.
pub(super) fn peak(values: impl Iterator<Item = f64>) -> f64 {
    let peak = values.filter(|v| v.is_finite()).fold(0.0, f64::max);
    if peak > 0.0 { peak } else { 1.0 }
}

/// Amplitude and phase side by side; phase is grey where there is next to no light.
pub fn complex(plane: &Plane, field: &[Complex<f64>], path: &Path) -> Result<()> {
    let shown = Shown::of(plane.samples);
    let field = shown.mean(plane.samples, field);
    let [w, h] = shown.pixels();
    let mut canvas = Canvas::new(2 * (w + PANEL), h + TOP + MARGIN);
    let most = peak(field.iter().map(|z| z.norm()));
    let amplitude = |k: usize| sequential(field[k].norm() / most);
    panel(&mut canvas, 0, plane, &shown, "amplitude", &amplitude)?;
    let ticks = [(0.0, "0".to_owned()), (1.0, format!("{most:.3}"))];
    colour_bar(&mut canvas, MARGIN + w, h, sequential, &ticks)?;
    let phase = |k: usize| {
        let z = field[k];
        if z.re.is_nan() || z.im.is_nan() {
            NOT_A_NUMBER
        } else if z.norm() < 0.01 * most {
            [235, 235, 238]
        } else {
            cyclic(z.arg())
        }
    };
    panel(&mut canvas, w + PANEL, plane, &shown, "phase", &phase)?;
    phase_bar(&mut canvas, 2 * w + PANEL + MARGIN, h)?;
    canvas.save(path)
}

/// Phases in radians, mod 2π.
pub fn phase(plane: &Plane, phases: &[f64], path: &Path) -> Result<()> {
    // Averaging phases means averaging their phasors.
    let phasors: Vec<_> = phases.iter().map(|&p| Complex::cis(p)).collect();
    let shown = Shown::of(plane.samples);
    let phasors = shown.mean(plane.samples, &phasors);
    let [w, h] = shown.pixels();
    let mut canvas = Canvas::new(w + PANEL, h + TOP + MARGIN);
    panel(&mut canvas, 0, plane, &shown, "phase", &|k| cyclic(phasors[k].arg()))?;
    phase_bar(&mut canvas, MARGIN + w, h)?;
    canvas.save(path)
}

/// Intensities, from zero to the largest.
pub fn intensity(plane: &Plane, values: &[f64], path: &Path) -> Result<()> {
    let shown = Shown::of(plane.samples);
    let values = shown.mean(plane.samples, values);
    let [w, h] = shown.pixels();
    let mut canvas = Canvas::new(w + PANEL, h + TOP + MARGIN);
    let most = peak(values.iter().copied());
    panel(&mut canvas, 0, plane, &shown, "intensity", &|k| sequential(values[k] / most))?;
    let ticks = [(0.0, "0".to_owned()), (1.0, format!("{most:.3}"))];
    colour_bar(&mut canvas, MARGIN + w, h, sequential, &ticks)?;
    canvas.save(path)
}

fn panel(
    canvas: &mut Canvas,
    left: usize,
    plane: &Plane,
    shown: &Shown,
    what: &str,
    colour: &dyn Fn(usize) -> Rgb,
) -> Result<()> {
    let [w, h] = shown.pixels();
    let x0 = left + MARGIN;
    canvas.samples(x0, TOP, shown.zoom, shown.samples, colour);
    canvas.frame(x0, TOP, [w, h], 2, RULE);
    let title =
        if plane.title.is_empty() { what.to_owned() } else { format!("{}: {what}", plane.title) };
    canvas.text(x0, TOP - 36, 28, Anchor::Left, INK, &title)?;
    let extent = [0, 1].map(|a| plane.samples[a] as f64 * plane.pitch[a]);
    let (scale, unit) = unit_of(extent[0].max(extent[1]));
    for (a, name) in [(1, "x"), (0, "y")] {
        let half = extent[a] * scale / 2.0;
        let tick = round_below(half);
        for value in [-tick, 0.0, tick] {
            let at = (value / (2.0 * half) + 0.5) * if a == 1 { w as f64 } else { h as f64 };
            let at = at as usize;
            if a == 1 {
                canvas.fill(x0 + at, TOP + h + 2, [2, 8], FAINT);
                canvas.text(x0 + at, TOP + h + 26, 22, Anchor::Centre, INK, &plain(value))?;
            } else {
                canvas.fill(x0 - 10, TOP + at, [8, 2], FAINT);
                canvas.text(x0 - 16, TOP + at, 22, Anchor::Right, INK, &plain(value))?;
            }
        }
        let label = format!("{name} ({unit})");
        if a == 1 {
            canvas.text(x0 + w / 2, TOP + h + 62, 24, Anchor::Centre, INK, &label)?;
        } else {
            canvas.text_up(left + 24, TOP + h / 2, 24, INK, &label)?;
        }
    }
    Ok(())
}

fn colour_bar(
    canvas: &mut Canvas,
    right: usize,
    h: usize,
    map: fn(f64) -> Rgb,
    ticks: &[(f64, String)],
) -> Result<()> {
    let x = right + 26;
    canvas.bar(x, TOP, [BAR, h], map);
    for (t, label) in ticks {
        let y = TOP + ((1.0 - t) * (h as f64 - 1.0)) as usize;
        canvas.text(
            x + BAR + 10,
            y.clamp(TOP + 10, TOP + h.max(11) - 10),
            22,
            Anchor::Left,
            INK,
            label,
        )?;
    }
    Ok(())
}

fn phase_bar(canvas: &mut Canvas, right: usize, h: usize) -> Result<()> {
    let map = |t: f64| cyclic((2.0 * t - 1.0) * std::f64::consts::PI);
    let ticks = [(0.0, "−π".to_owned()), (0.5, "0".to_owned()), (1.0, "π".to_owned())];
    colour_bar(canvas, right, h, map, &ticks)
}
