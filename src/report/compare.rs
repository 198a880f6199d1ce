//! A comparison of methods as people read it: rows with intervals, a Markdown table, curves.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::methods::{Charge, recipe::MethodName};
use crate::render::lines::{self, Diagram, Line};
use crate::train::cell::{Epoch, Outcome};
use crate::train::compare::Done;

/// A mean over devices with its 95 % interval, by Student's t.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Mean {
    pub mean: f64,
    /// None of one device.
    pub interval: Option<[f64; 2]>,
}

/// 97.5 % quantiles of Student's t for 1, 2, .. degrees of freedom (Fisher and Yates).
const STUDENT: [f64; 20] = [
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160,
    2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086,
];

impl Mean {
    pub fn of(values: &[f64]) -> Self {
        let n = values.len();
        let mean = values.iter().sum::<f64>() / n.max(1) as f64;
        if n < 2 {
            return Self { mean, interval: None };
        }
        let square = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1) as f64;
        let half = STUDENT.get(n - 2).unwrap_or(&1.96) * (square / n as f64).sqrt();
        Self { mean, interval: Some([mean - half, mean + half]) }
    }

    fn percent(&self) -> String {
        match self.interval {
            Some([low, high]) => {
                format!("{:.1} ± {:.1}", 100.0 * self.mean, 50.0 * (high - low))
            }
            None => format!("{:.1}", 100.0 * self.mean),
        }
    }
}

/// A layer over all devices.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LayerRow {
    pub name: String,
    /// Of the method's gradient with the device's own, mean over the last epoch.
    pub cosine: Mean,
    /// Its standard deviation from step to step, mean over devices.
    pub spread: f64,
    /// Of lengths, likewise.
    pub ratio: f64,
}

impl LayerRow {
    fn all(outcomes: &[&Outcome]) -> Vec<Self> {
        let of_layer = |name: &str| {
            let of = |f: fn(&Epoch) -> f64| {
                let own = |o: &&Outcome| o.epoch.iter().find(|l| l.name == name).map(f);
                Mean::of(&outcomes.iter().filter_map(own).collect::<Vec<_>>())
            };
            Self {
                name: name.to_owned(),
                cosine: of(|l| l.cosine),
                spread: of(|l| l.spread).mean,
                ratio: of(|l| l.ratio).mean,
            }
        };
        // A device may have seen a layer's gradient where another saw rounding.
        let mut names: Vec<&str> = Vec::new();
        for layer in outcomes.iter().flat_map(|o| &o.epoch) {
            if !names.contains(&&*layer.name) {
                names.push(&layer.name);
            }
        }
        names.into_iter().map(of_layer).collect()
    }
}

/// A method on a machine over all devices.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Row {
    pub system: String,
    pub method: MethodName,
    pub devices: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
    /// Test accuracy on the device.
    pub accuracy: Mean,
    /// Of the same parameters on the twin.
    pub twin_accuracy: Mean,
    /// (accuracy - collapsed) / (ideal - collapsed): collapsed is what in-silico training keeps on
    /// the same device, ideal what it has on the twin; where that loses 5 points or more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recovery: Option<Mean>,
    pub steps: u64,
    pub charge: Charge,
    /// On one thread, mean over devices.
    pub seconds: f64,
    /// Over the last epoch, mean over devices and layers.
    pub cosine: f64,
    pub ratio: f64,
    pub layers: Vec<LayerRow>,
}

/// As files and tables have it.
pub fn name(method: MethodName) -> String {
    serde_json::to_value(method)
        .ok()
        .and_then(|v| v.as_str().map(str::to_owned))
        .unwrap_or_default()
}

/// Device by device, against in-silico training on the same one.
fn recovery(cells: &[Done], of: &[&Done]) -> Option<Mean> {
    let mut all = Vec::new();
    for cell in of.iter().filter(|c| c.key.method != MethodName::Backprop) {
        let on_paper = |c: &&Done| {
            let same = c.key.system == cell.key.system && c.key.seed == cell.key.seed;
            same && c.key.method == MethodName::Backprop
        };
        let paper = cells.iter().find(on_paper)?.outcome.as_ref()?;
        let lost = paper.twin_accuracy - paper.accuracy;
        if lost < 0.05 {
            return None;
        }
        all.push((cell.outcome.as_ref()?.accuracy - paper.accuracy) / lost);
    }
    (!all.is_empty()).then(|| Mean::of(&all))
}

/// Rows in the order of the cells.
pub fn rows(cells: &[Done]) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for cell in cells {
        let same = |r: &Row| r.system == cell.key.system && r.method == cell.key.method;
        if rows.iter().any(same) {
            continue;
        }
        let all: Vec<&Done> = cells
            .iter()
            .filter(|c| c.key.system == cell.key.system && c.key.method == cell.key.method)
            .collect();
        let outcomes: Vec<_> = all.iter().filter_map(|c| c.outcome.as_ref()).collect();
        let of =
            |f: fn(&Outcome) -> f64| Mean::of(&outcomes.iter().map(|o| f(o)).collect::<Vec<_>>());
        let layers = LayerRow::all(&outcomes);
        let over =
            |f: fn(&LayerRow) -> f64| Mean::of(&layers.iter().map(f).collect::<Vec<_>>()).mean;
        rows.push(Row {
            system: cell.key.system.clone(),
            method: cell.key.method,
            devices: outcomes.len(),
            refused: all.iter().find_map(|c| c.refused.clone()).filter(|_| outcomes.is_empty()),
            accuracy: of(|o| o.accuracy),
            twin_accuracy: of(|o| o.twin_accuracy),
            recovery: recovery(cells, &all),
            steps: outcomes.first().map_or(0, |o| o.steps),
            charge: outcomes.first().map_or_else(Charge::default, |o| o.charge),
            seconds: of(|o| o.seconds).mean,
            cosine: over(|l| l.cosine.mean),
            ratio: over(|l| l.ratio),
            layers,
        });
    }
    rows
}

pub const HEADER: [&str; 11] = [
    "machine",
    "method",
    "on the device (%)",
    "on the twin (%)",
    "recovered (%)",
    "steps",
    "shots",
    "settings",
    "fields",
    "GMAC",
    "cosine, length",
];

/// Cells of a row; a refusal is the reason in place of numbers.
pub fn cells(row: &Row) -> Vec<String> {
    let start = [row.system.clone(), name(row.method)];
    if let Some(why) = &row.refused {
        let rest = [format!("does not suit: {why}")].into_iter().chain(vec![String::new(); 8]);
        return start.into_iter().chain(rest).collect();
    }
    let c = &row.charge;
    let rest = [
        row.accuracy.percent(),
        row.twin_accuracy.percent(),
        row.recovery.map_or_else(String::new, |r| r.percent()),
        row.steps.to_string(),
        c.shots.to_string(),
        c.reconfigurations.to_string(),
        c.fields.to_string(),
        format!("{:.1}", c.macs / 1e9),
        format!("{:.2}, {:.2}", row.cosine, row.ratio),
    ];
    start.into_iter().chain(rest).collect()
}

pub const LAYER_HEADER: [&str; 6] =
    ["machine", "method", "layer", "cosine over the last epoch", "from step to step", "length"];

/// Cells of the layers of a row.
pub fn layer_cells(row: &Row) -> Vec<Vec<String>> {
    let of_layer = |layer: &LayerRow| {
        let cosine = match layer.cosine.interval {
            Some([low, high]) => format!("{:.3} ± {:.3}", layer.cosine.mean, (high - low) / 2.0),
            None => format!("{:.3}", layer.cosine.mean),
        };
        vec![
            row.system.clone(),
            name(row.method),
            layer.name.clone(),
            cosine,
            format!("± {:.3}", layer.spread),
            format!("{:.2}", layer.ratio),
        ]
    };
    row.layers.iter().map(of_layer).collect()
}

/// Accuracy against exposures and against steps, and cosine against steps, of every machine.
pub fn plots(done: &[Done], folder: &Path) -> Result<()> {
    let mut systems: Vec<&str> = done.iter().map(|d| d.key.system.as_str()).collect();
    systems.dedup();
    systems.sort_unstable();
    systems.dedup();
    for system in systems {
        let of = |f: &dyn Fn(&crate::train::cell::Point) -> Option<[f64; 2]>| -> Vec<Line> {
            let mut lines: Vec<Line> = Vec::new();
            for cell in done.iter().filter(|d| d.key.system == system) {
                let Some(outcome) = &cell.outcome else { continue };
                let name = name(cell.key.method);
                // The first device stands for all; the table has the intervals.
                if lines.iter().any(|l| l.name == name) {
                    continue;
                }
                let points: Vec<[f64; 2]> = outcome.curve.iter().filter_map(f).collect();
                if points.len() > 1 {
                    lines.push(Line { name, points });
                }
            }
            lines
        };
        let percent = |p: &crate::train::cell::Point| 100.0 * p.accuracy;
        let cosine = |p: &crate::train::cell::Point| {
            let n = p.layers.len();
            (n > 0).then(|| p.layers.iter().map(|l| l.cosine).sum::<f64>() / n as f64)
        };
        let accuracy = "validation accuracy on the device (%)";
        for (file, along, up, lines, within) in [
            ("steps", "steps", accuracy, of(&|p| Some([p.step as f64, percent(p)])), None),
            (
                "shots",
                "thousand exposures of the device",
                accuracy,
                of(&|p| (p.shots > 0 || p.step == 0).then(|| [p.shots as f64 / 1e3, percent(p)])),
                None,
            ),
            (
                "cosine",
                "steps",
                "cosine with the device's gradient",
                of(&|p| Some([p.step as f64, cosine(p)?])),
                Some([-0.2, 1.05]),
            ),
        ] {
            if lines.is_empty() {
                continue;
            }
            let diagram = Diagram { title: system, along, up, lines: &lines, within };
            lines::draw(&diagram, &folder.join(format!("{system}.{file}.png")))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{LayerRow, Mean};
    use crate::methods::Charge;
    use crate::train::cell::{Epoch, Outcome};

    /// Three values: mean 2, std 1, so 4.303 / √3 either way.
    #[test]
    fn intervals_are_students() {
        let [low, high] = Mean::of(&[1.0, 2.0, 3.0]).interval.unwrap();
        assert!(
            (high - low - 2.0 * 4.303 / 3f64.sqrt()).abs() < 1e-9
                && (low + high - 4.0).abs() < 1e-12
        );
        assert!(Mean::of(&[1.0]).interval.is_none());
    }

    /// A layer that one device alone saw has a row, with what that device saw.
    #[test]
    fn layers_are_those_of_any_device() {
        let device = |layers: &[(&str, f64)]| Outcome {
            accuracy: 0.5,
            twin_accuracy: 0.5,
            steps: 1,
            charge: Charge::default(),
            seconds: 1.0,
            curve: Vec::new(),
            epoch: layers
                .iter()
                .map(|&(name, cosine)| Epoch {
                    name: name.into(),
                    cosine,
                    spread: 0.0,
                    ratio: 1.0,
                    steps: 1,
                })
                .collect(),
        };
        let all = [device(&[("a", 0.2)]), device(&[("b", 0.7), ("a", 0.4)]), device(&[])];
        let rows = LayerRow::all(&all.iter().collect::<Vec<_>>());
        let found: Vec<(&str, f64)> = rows.iter().map(|r| (&*r.name, r.cosine.mean)).collect();
        let [("a", a), ("b", b)] = found[..] else { panic!("{found:?}") };
        assert!((a - 0.3).abs() < 1e-12 && (b - 0.7).abs() < 1e-12, "{found:?}");
        assert!(rows[1].cosine.interval.is_none());
    }
}
