//! A comparison of methods as people read it: rows with intervals, a Markdown table, diagrams.

mod figures;

use serde::{Deserialize, Serialize};

use crate::methods::{Charge, recipe::MethodName};
use crate::train::cell::{Drifted, Epoch, Outcome};
use crate::train::compare::{Done, Key};

pub use figures::{Figure, figures, plots};

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

/// Where a device had drifted to after the training, over all devices.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DriftRow {
    pub steps: u64,
    /// Validation accuracy on the device of what went on training.
    pub trained: Mean,
    /// Of what the training had ended with.
    pub frozen: Mean,
    /// What going on asked for.
    pub charge: Charge,
}

impl DriftRow {
    fn all(outcomes: &[&Outcome]) -> Option<Self> {
        let all: Vec<_> = outcomes.iter().filter_map(|o| o.drift.as_ref()).collect();
        let ends: Vec<&Drifted> = all.iter().filter_map(|d| d.curve.last()).collect();
        let of = |f: fn(&Drifted) -> f64| Mean::of(&ends.iter().map(|d| f(d)).collect::<Vec<_>>());
        Some(Self {
            steps: ends.first()?.step,
            trained: of(|d| d.trained),
            frozen: of(|d| d.frozen),
            charge: all.first()?.charge,
        })
    }
}

/// A method on a machine over all devices.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Row {
    pub system: String,
    pub method: MethodName,
    /// Factor on the faults, where there are several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scale: Option<f64>,
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
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drift: Option<DriftRow>,
}

/// Device by device, against in-silico training on the same one.
fn recovery(cells: &[Done], of: &[&Done]) -> Option<Mean> {
    let mut all = Vec::new();
    for cell in of.iter().filter(|c| c.key.method != MethodName::Backprop) {
        let on_paper =
            |c: &&Done| c.key == Key { method: MethodName::Backprop, ..cell.key.clone() };
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
    let scaled = cells.windows(2).any(|pair| pair[0].key.scale != pair[1].key.scale);
    for (at, cell) in cells.iter().enumerate() {
        let same = |c: &&Done| Key { seed: cell.key.seed, ..c.key.clone() } == cell.key;
        if cells[..at].iter().any(|c| same(&c)) {
            continue;
        }
        let all: Vec<&Done> = cells.iter().filter(same).collect();
        let outcomes: Vec<_> = all.iter().filter_map(|c| c.outcome.as_ref()).collect();
        let of =
            |f: fn(&Outcome) -> f64| Mean::of(&outcomes.iter().map(|o| f(o)).collect::<Vec<_>>());
        let layers = LayerRow::all(&outcomes);
        let over =
            |f: fn(&LayerRow) -> f64| Mean::of(&layers.iter().map(f).collect::<Vec<_>>()).mean;
        rows.push(Row {
            system: cell.key.system.clone(),
            method: cell.key.method,
            scale: scaled.then_some(cell.key.scale),
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
            drift: DriftRow::all(&outcomes),
        });
    }
    rows
}

/// What the column of their sizes is called.
const FAULTS: &str = "faults ×";

/// Columns that only some comparisons have: sizes of the faults, what came of drift.
fn columns(rows: &[Row]) -> [bool; 2] {
    [rows.iter().any(|r| r.scale.is_some()), rows.iter().any(|r| r.drift.is_some())]
}

pub fn header(rows: &[Row]) -> Vec<&'static str> {
    let [scaled, drifts] = columns(rows);
    let mut all = vec!["machine", "method"];
    all.extend(scaled.then_some(FAULTS));
    all.extend(["on the device (%)", "on the twin (%)", "recovered (%)"]);
    if drifts {
        all.extend(["after drift (%)", "frozen (%)"]);
    }
    all.extend(["steps", "shots", "settings", "fields", "GMAC", "cosine, length"]);
    all
}

/// Cells of a row, one of these; a refusal is the reason in place of numbers.
pub fn cells(row: &Row, rows: &[Row]) -> Vec<String> {
    let [scaled, drifts] = columns(rows);
    let mut all = vec![row.system.clone(), row.method.name()];
    all.extend(scaled.then(|| row.scale.map_or_else(String::new, |s| s.to_string())));
    if let Some(why) = &row.refused {
        all.push(format!("does not suit: {why}"));
        all.resize(header(rows).len(), String::new());
        return all;
    }
    all.extend([
        row.accuracy.percent(),
        row.twin_accuracy.percent(),
        row.recovery.map_or_else(String::new, |r| r.percent()),
    ]);
    if drifts {
        let of = |f: fn(&DriftRow) -> Mean| {
            row.drift.as_ref().map_or_else(String::new, |d| f(d).percent())
        };
        all.extend([of(|d| d.trained), of(|d| d.frozen)]);
    }
    let c = &row.charge;
    all.extend([
        row.steps.to_string(),
        c.shots.to_string(),
        c.reconfigurations.to_string(),
        c.fields.to_string(),
        format!("{:.1}", c.macs / 1e9),
        format!("{:.2}, {:.2}", row.cosine, row.ratio),
    ]);
    all
}

pub fn layer_header(rows: &[Row]) -> Vec<&'static str> {
    let mut all = vec!["machine", "method"];
    all.extend(columns(rows)[0].then_some(FAULTS));
    all.extend(["layer", "cosine over the last epoch", "from step to step", "length"]);
    all
}

/// Cells of the layers of a row.
pub fn layer_cells(row: &Row) -> Vec<Vec<String>> {
    let of_layer = |layer: &LayerRow| {
        let cosine = match layer.cosine.interval {
            Some([low, high]) => format!("{:.3} ± {:.3}", layer.cosine.mean, (high - low) / 2.0),
            None => format!("{:.3}", layer.cosine.mean),
        };
        let mut all = vec![row.system.clone(), row.method.name()];
        all.extend(row.scale.map(|s| s.to_string()));
        all.extend([
            layer.name.clone(),
            cosine,
            format!("± {:.3}", layer.spread),
            format!("{:.2}", layer.ratio),
        ]);
        all
    };
    row.layers.iter().map(of_layer).collect()
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
            drift: None,
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
