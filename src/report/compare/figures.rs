//! A comparison as diagrams, a set a machine: accuracy against steps, exposures, the size of the
//! faults and drift, and the cosine of gradients against steps.

use std::path::Path;

use super::Mean;
use crate::error::Result;
use crate::methods::recipe::MethodName;
use crate::render::lines::{self, Diagram, Line};
use crate::train::cell::{Drifted, Outcome, Point};
use crate::train::compare::Done;

/// One diagram of one machine.
pub struct Figure {
    pub title: String,
    pub system: String,
    /// What its file is called after the machine.
    pub file: &'static str,
    pub along: &'static str,
    pub up: &'static str,
    pub lines: Vec<Line>,
    pub within: Option<[f64; 2]>,
    /// What solid and dashed lines are, where there are both.
    pub styles: Option<[&'static str; 2]>,
}

/// Lines of which each may have a band.
const MOST_BANDS: usize = 6;

/// Cells of one machine.
struct Cells<'a> {
    all: Vec<&'a Done>,
    methods: Vec<MethodName>,
    /// Smallest first.
    scales: Vec<f64>,
}

impl<'a> Cells<'a> {
    fn of(done: &'a [Done], system: &str) -> Self {
        let all: Vec<&Done> = done.iter().filter(|d| d.key.system == system).collect();
        let (mut methods, mut scales) = (Vec::new(), Vec::new());
        for cell in &all {
            if !methods.contains(&cell.key.method) {
                methods.push(cell.key.method);
            }
            if !scales.contains(&cell.key.scale) {
                scales.push(cell.key.scale);
            }
        }
        scales.sort_by(f64::total_cmp);
        Self { all, methods, scales }
    }

    /// The size of the faults at which single curves are shown: that of the file, or next to it.
    fn shown(&self) -> f64 {
        let away = |scale: &&f64| (**scale - 1.0).abs();
        self.scales.iter().min_by(|a, b| away(a).total_cmp(&away(b))).copied().unwrap_or(1.0)
    }

    /// Of every device.
    fn outcomes(&self, method: MethodName, scale: f64) -> Vec<&'a Outcome> {
        let own = |d: &&&Done| d.key.method == method && d.key.scale == scale;
        self.all.iter().filter(own).filter_map(|d| d.outcome.as_ref()).collect()
    }

    /// A line a method, of those that have points; a method keeps its colour.
    fn lines(&self, of: impl Fn(MethodName, Line) -> Line) -> Vec<Line> {
        let line = |(colour, &method): (usize, &MethodName)| {
            of(method, Line { name: method.name(), colour, ..Line::default() })
        };
        let lines = self.methods.iter().enumerate().map(line);
        lines.filter(|line| line.points.len() > 1).collect()
    }

    /// Over training; the first device stands for all, and the table has the intervals.
    fn training(&self, point: impl Fn(&Point) -> Option<[f64; 2]>) -> Vec<Line> {
        self.lines(|method, line| {
            let outcomes = self.outcomes(method, self.shown());
            let curve = outcomes.first().map_or(&[][..], |o| &o.curve);
            Line { points: curve.iter().filter_map(&point).collect(), ..line }
        })
    }

    /// Mean over devices in its interval, which the table has where there are too many to tell apart.
    fn scaling(&self) -> Vec<Line> {
        let mut lines = self.lines(|method, line| {
            let (mut points, mut band) = (Vec::new(), Vec::new());
            for &scale in &self.scales {
                let outcomes = self.outcomes(method, scale);
                if outcomes.is_empty() {
                    continue;
                }
                let all: Vec<f64> = outcomes.iter().map(|o| 100.0 * o.accuracy).collect();
                let Mean { mean, interval } = Mean::of(&all);
                points.push([scale, mean]);
                band.push(interval.unwrap_or([mean; 2]).map(|end| end.clamp(0.0, 100.0)));
            }
            Line { points, band, ..line }
        });
        if lines.len() > MOST_BANDS {
            for line in &mut lines {
                line.band.clear();
            }
        }
        lines
    }

    /// Mean over devices of what went on training, or of what was frozen.
    fn drifting(&self, frozen: bool) -> Vec<Line> {
        self.lines(|method, line| {
            let outcomes = self.outcomes(method, self.shown());
            let curves: Vec<_> =
                outcomes.iter().filter_map(|o| o.drift.as_ref()).map(|d| &d.curve).collect();
            let looks = curves.iter().map(|c| c.len()).min().unwrap_or(0);
            let at = |k: usize| {
                let of = |seen: &Drifted| if frozen { seen.frozen } else { seen.trained };
                let all: Vec<f64> = curves.iter().map(|c| 100.0 * of(&c[k])).collect();
                [curves[0][k].step as f64, Mean::of(&all).mean]
            };
            Line { points: (0..looks).map(at).collect(), dashed: frozen, ..line }
        })
    }
}

/// Where percentages lie, with a third more on either side: the interval of two devices, 12.7
/// standard errors either way, would leave nothing to see.
fn room(lines: &[Line]) -> Option<[f64; 2]> {
    let all = || lines.iter().flat_map(|l| l.points.iter().map(|p| p[1]));
    let [low, high] = [all().fold(100.0, f64::min), all().fold(0.0, f64::max)];
    let more = ((high - low) / 3.0).max(1.0);
    (low <= high).then(|| [(low - more).max(0.0), (high + more).min(100.0)])
}

/// Mean over layers.
fn cosine(point: &Point) -> Option<f64> {
    let n = point.layers.len();
    (n > 0).then(|| point.layers.iter().map(|l| l.cosine).sum::<f64>() / n as f64)
}

/// All that have lines, machine by machine.
pub fn figures(done: &[Done]) -> Vec<Figure> {
    let mut systems: Vec<&str> = done.iter().map(|d| d.key.system.as_str()).collect();
    systems.sort_unstable();
    systems.dedup();
    let mut all = Vec::new();
    for system in systems {
        let cells = Cells::of(done, system);
        let shown = match cells.shown() {
            1.0 => system.to_owned(),
            scale => format!("{system}, faults × {scale}"),
        };
        let figure = |title: &str, file, along, up, lines| Figure {
            title: title.to_owned(),
            system: system.to_owned(),
            file,
            along,
            up,
            lines,
            within: None,
            styles: None,
        };
        let accuracy = "validation accuracy on the device (%)";
        let percent = |p: &Point| 100.0 * p.accuracy;
        let by_step = cells.training(|p| Some([p.step as f64, percent(p)]));
        let by_shot = cells
            .training(|p| (p.shots > 0 || p.step == 0).then(|| [p.shots as f64 / 1e3, percent(p)]));
        let cosines = cells.training(|p| Some([p.step as f64, cosine(p)?]));
        let scaling = cells.scaling();
        let up = if scaling.iter().any(|line| !line.band.is_empty()) {
            "test accuracy on the device (%), 95 % intervals"
        } else {
            "test accuracy on the device (%)"
        };
        let drifting = [false, true].map(|frozen| cells.drifting(frozen)).into_iter().flatten();
        all.extend([
            figure(&shown, "steps", "steps", accuracy, by_step),
            figure(&shown, "shots", "thousand exposures of the device", accuracy, by_shot),
            Figure {
                within: Some([-0.2, 1.05]),
                ..figure(&shown, "cosine", "steps", "cosine with the device's gradient", cosines)
            },
            Figure {
                within: room(&scaling),
                ..figure(system, "scale", "faults, times those of [hardware]", up, scaling)
            },
            Figure {
                styles: Some(["goes on training", "frozen"]),
                ..figure(
                    &shown,
                    "drift",
                    "steps of drift since the training",
                    accuracy,
                    drifting.collect(),
                )
            },
        ]);
    }
    all.retain(|figure| !figure.lines.is_empty());
    all
}

/// Draws all of them into a folder.
pub fn plots(done: &[Done], folder: &Path) -> Result<()> {
    for figure in figures(done) {
        let diagram = Diagram {
            title: &figure.title,
            along: figure.along,
            up: figure.up,
            lines: &figure.lines,
            within: figure.within,
            styles: figure.styles,
        };
        lines::draw(&diagram, &folder.join(format!("{}.{}.png", figure.system, figure.file)))?;
    }
    Ok(())
}
