//! A comparison of methods as people read it: rows with intervals, a Markdown table, diagrams.

mod figures;

use serde::{Deserialize, Serialize};

use crate::methods::{Charge, recipe::MethodName};
use crate::train::cell::{Drifted, Epoch, Outcome};
use crate::train::compare::{Done, Key};
use crate::train::metrics::Z;

pub use figures::{Figure, figures, plots};

/// A mean over devices with its 95 % interval, by Student's t.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Mean {
    /// Not a number of no device, which files leave out.
    pub mean: f64,
    /// None of one device.
    pub interval: Option<[f64; 2]>,
}

/// 97.5 % quantiles of Student's t for 1, 2, .. degrees of freedom (Fisher and Yates).
const STUDENT: [f64; 20] = [
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160,
    2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086,
];

/// Likewise of any number of degrees of freedom; beyond the table Fisher's expansion about the normal
/// quantile (Abramowitz and Stegun 26.7.5), which is off by less than 1e-5 there.
fn student(freedom: usize) -> f64 {
    if let Some(&quantile) = STUDENT.get(freedom - 1) {
        return quantile;
    }
    let (n, z2) = (freedom as f64, Z * Z);
    let second = (5.0 * z2 + 16.0) * z2 + 3.0;
    let third = ((3.0 * z2 + 19.0) * z2 + 17.0) * z2 - 15.0;
    Z * (1.0 + (z2 + 1.0) / (4.0 * n) + second / (96.0 * n.powi(2)) + third / (384.0 * n.powi(3)))
}

impl Mean {
    pub fn of(values: &[f64]) -> Self {
        let n = values.len();
        let mean = values.iter().sum::<f64>() / n as f64;
        if n < 2 {
            return Self { mean, interval: None };
        }
        let square = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1) as f64;
        let half = student(n - 1) * (square / n as f64).sqrt();
        Self { mean, interval: Some([mean - half, mean + half]) }
    }

    fn is_of_none(&self) -> bool {
        self.mean.is_nan()
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

/// Devices on which a method's training failed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Failed {
    pub devices: usize,
    /// On the first of them.
    pub why: String,
}

impl Failed {
    /// A refusal tells of the method, and of its devices only where others ended or failed.
    fn of(cells: &[&Done]) -> Option<Self> {
        if cells.iter().all(|c| c.refused.is_some()) {
            return None;
        }
        let why = |c: &&Done| c.failed.clone().or_else(|| c.refused.clone());
        let all: Vec<String> = cells.iter().filter_map(why).collect();
        Some(Self { devices: all.len(), why: all.first()?.clone() })
    }

    fn on_all(&self) -> String {
        match self.devices {
            1 => "failed on its device".into(),
            n => format!("failed on all {n} devices"),
        }
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
    /// Whose training ended, and of which the figures are.
    pub devices: usize,
    /// The others, where there are some.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failed: Option<Failed>,
    /// Why there are no figures: the method does not suit the machine, or failed on every device.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
    /// Test accuracy on the device.
    #[serde(default, skip_serializing_if = "Mean::is_of_none")]
    pub accuracy: Mean,
    /// Of the same parameters on the twin.
    #[serde(default, skip_serializing_if = "Mean::is_of_none")]
    pub twin_accuracy: Mean,
    /// (accuracy - collapsed) / (ideal - collapsed): collapsed is what in-silico training keeps on
    /// the same device, ideal what it has on the twin; where that loses 5 points or more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recovery: Option<Mean>,
    pub steps: u64,
    pub charge: Charge,
    /// On one thread, mean over devices.
    pub seconds: f64,
    /// Over the last epoch, mean over devices and layers; none of a method without a gradient.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cosine: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ratio: Option<f64>,
    pub layers: Vec<LayerRow>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drift: Option<DriftRow>,
}

/// Device by device, against in-silico training on the same one, of those on which both ended.
fn recovery(cells: &[Done], of: &[&Done]) -> Option<Mean> {
    let mut all = Vec::new();
    for cell in of.iter().filter(|c| c.key.method != MethodName::Backprop) {
        let on_paper =
            |c: &&Done| c.key == Key { method: MethodName::Backprop, ..cell.key.clone() };
        let paper = cells.iter().find(on_paper)?.outcome.as_ref();
        let Some((own, paper)) = cell.outcome.as_ref().zip(paper) else { continue };
        let lost = paper.twin_accuracy - paper.accuracy;
        if lost < 0.05 {
            return None;
        }
        all.push((own.accuracy - paper.accuracy) / lost);
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
        let over = |f: fn(&LayerRow) -> f64| {
            (!layers.is_empty()).then(|| Mean::of(&layers.iter().map(f).collect::<Vec<_>>()).mean)
        };
        let failed = Failed::of(&all);
        let refused = match &failed {
            _ if !outcomes.is_empty() => None,
            Some(failed) => Some(format!("{}: {}", failed.on_all(), failed.why)),
            None => all.iter().find_map(|c| c.refused.clone()),
        };
        let seconds = of(|o| o.seconds);
        rows.push(Row {
            system: cell.key.system.clone(),
            method: cell.key.method,
            scale: scaled.then_some(cell.key.scale),
            devices: outcomes.len(),
            failed,
            refused,
            accuracy: of(|o| o.accuracy),
            twin_accuracy: of(|o| o.twin_accuracy),
            recovery: recovery(cells, &all),
            steps: outcomes.first().map_or(0, |o| o.steps),
            charge: outcomes.first().map_or_else(Charge::default, |o| o.charge),
            seconds: if seconds.is_of_none() { 0.0 } else { seconds.mean },
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
    all.extend(["devices", "on the device (%)", "on the twin (%)", "recovered (%)"]);
    if drifts {
        all.extend(["after drift (%)", "frozen (%)"]);
    }
    all.extend(["steps", "shots", "settings", "fields", "GMAC", "cosine, length"]);
    all
}

/// How many devices the figures of a row are of, or in place of figures that there are none; and why
/// they are not of all.
fn devices(row: &Row) -> (String, Option<&str>) {
    match (&row.failed, &row.refused) {
        (Some(f), _) if row.devices == 0 => (f.on_all(), Some(&f.why)),
        (_, Some(why)) => ("does not suit".into(), Some(why)),
        (Some(f), None) => {
            (format!("{} of {}", row.devices, row.devices + f.devices), Some(&f.why))
        }
        (None, None) => (row.devices.to_string(), None),
    }
}

/// Why rows have no figures, or not those of all devices: a line each, below a table of
/// [`short_cells`].
pub fn reasons(rows: &[Row]) -> Vec<String> {
    let line = |row: &Row| {
        let (devices, why) = devices(row);
        let faults = row.scale.map_or_else(String::new, |s| format!(", {FAULTS} {s}"));
        let what = match &row.failed {
            Some(f) if row.devices > 0 => format!("{} failed", f.devices),
            _ => devices,
        };
        Some(format!("{}, {}{faults}: {what}: {}", row.system, row.method.name(), why?))
    };
    rows.iter().filter_map(line).collect()
}

/// Cells of a row, one of these, with the reason where there are no figures, or not those of all
/// devices.
pub fn cells(row: &Row, rows: &[Row]) -> Vec<String> {
    let (devices, why) = devices(row);
    cells_with(row, rows, why.map_or_else(|| devices.clone(), |why| format!("{devices}: {why}")))
}

/// Likewise without the reason, which [`reasons`] has.
pub fn short_cells(row: &Row, rows: &[Row]) -> Vec<String> {
    cells_with(row, rows, devices(row).0)
}

fn cells_with(row: &Row, rows: &[Row], devices: String) -> Vec<String> {
    let [scaled, drifts] = columns(rows);
    let mut all = vec![row.system.clone(), row.method.name()];
    all.extend(scaled.then(|| row.scale.map_or_else(String::new, |s| s.to_string())));
    all.push(devices);
    if row.refused.is_some() {
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
        row.cosine
            .zip(row.ratio)
            .map_or_else(|| "–".into(), |(cosine, ratio)| format!("{cosine:.2}, {ratio:.2}")),
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
    use super::{LayerRow, Mean, Row, STUDENT, cells, header, reasons, rows, short_cells, student};
    use crate::methods::{Charge, recipe::MethodName};
    use crate::train::cell::{Epoch, Outcome};
    use crate::train::compare::{Done, Key};

    /// What came out of a device that saw these layers.
    fn ended(layers: &[(&str, f64)]) -> Outcome {
        Outcome {
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
        }
    }

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

    /// Values of printed tables; the expansion meets the table where it takes over.
    #[test]
    fn quantiles_are_students_for_any_number_of_devices() {
        for (freedom, printed) in [(20, 2.086), (21, 2.080), (30, 2.042), (60, 2.000), (999, 1.962)]
        {
            let found = student(freedom);
            assert!((found - printed).abs() < 6e-4, "{freedom}: {found}");
        }
        assert!(STUDENT[STUDENT.len() - 1] - student(STUDENT.len() + 1) < 0.007);
    }

    fn device(seed: u64, accuracy: Result<f64, &str>) -> Done {
        let outcome = |accuracy| Outcome { accuracy, ..ended(&[]) };
        let key = Key { system: "m".into(), method: MethodName::CmaEs, seed, scale: 1.0 };
        let failed = accuracy.err().map(str::to_owned);
        let (request, outcome) = (String::new(), accuracy.ok().map(outcome));
        Done { key, request, rate: 1.0, outcome, refused: None, failed }
    }

    /// As programs wrote it that did not tell failures from refusals.
    fn refused(done: &Done) -> Done {
        Done { refused: done.failed.clone(), failed: None, ..done.clone() }
    }

    /// What the figures are of is said, with why it is not all; where there is no gradient it has no
    /// cosine.
    #[test]
    fn devices_that_failed_are_counted() {
        let text = |all: &[Done]| {
            let rows = rows(all);
            let found = cells(&rows[0], &rows);
            let at =
                |name: &str| found[header(&rows).iter().position(|h| *h == name).unwrap()].clone();
            [at("devices"), at("on the device (%)"), at("cosine, length")]
        };
        let all = [device(0, Ok(0.5)), device(1, Err("step 7: not finite")), device(2, Ok(0.5))];
        let mixed = ["2 of 3: step 7: not finite", "50.0 ± 0.0", "–"];
        assert_eq!(text(&all), mixed);
        assert_eq!(text(&all[..2]), ["1 of 2: step 7: not finite", "50.0", "–"]);
        assert_eq!(text(&all[..1]), ["1", "50.0", "–"]);
        let old = [all[0].clone(), refused(&all[1]), all[2].clone()];
        assert_eq!(text(&old), mixed);
        let none = rows(&[refused(&all[1])]);
        assert!(none[0].refused.is_some() && none[0].failed.is_none());
        let layers = Outcome { epoch: ended(&[("a", 0.25)]).epoch, ..ended(&[]) };
        let seen = Done { outcome: Some(layers), ..device(0, Ok(0.5)) };
        assert_eq!(text(&[seen])[2], "0.25, 1.00");
    }

    /// Training that broke is told from a method that does not suit, and neither has an accuracy; the
    /// reasons stand below the table, so that none makes a column wide.
    #[test]
    fn failures_are_no_refusals() {
        let broke = |seed| device(seed, Err("step 7: not finite"));
        let of = |all: &[Done]| {
            let rows = rows(all);
            let [long, short] = [cells, short_cells].map(|of| of(&rows[0], &rows));
            assert_eq!([long.len(), short.len()], [header(&rows).len(); 2]);
            let json = serde_json::to_value(&rows[0]).expect("JSON");
            let again: Row = serde_json::from_value(json.clone()).expect("a row");
            assert_eq!(cells(&again, &rows), long);
            let below = reasons(&rows).into_iter().next();
            (long[2].clone(), short[2].clone(), below, json)
        };
        let (long, short, below, json) = of(&[broke(0), broke(1)]);
        assert_eq!(long, "failed on all 2 devices: step 7: not finite");
        assert_eq!(short, "failed on all 2 devices");
        assert_eq!(
            below.as_deref(),
            Some("m, cma_es: failed on all 2 devices: step 7: not finite")
        );
        assert!(json.get("accuracy").is_none() && json.get("twin_accuracy").is_none(), "{json}");
        assert_eq!(json["failed"]["devices"], 2);
        assert_eq!(json["seconds"], 0.0);
        let (long, short, below, json) = of(&[refused(&broke(0)), refused(&broke(1))]);
        assert_eq!((&*long, &*short), ("does not suit: step 7: not finite", "does not suit"));
        assert_eq!(below.as_deref(), Some("m, cma_es: does not suit: step 7: not finite"));
        assert!(json.get("accuracy").is_none() && json.get("failed").is_none(), "{json}");
        let (_, short, below, json) = of(&[device(0, Ok(0.0)), broke(1)]);
        assert_eq!(short, "1 of 2");
        assert_eq!(below.as_deref(), Some("m, cma_es: 1 failed: step 7: not finite"));
        assert_eq!(json["accuracy"]["mean"], 0.0);
        assert_eq!(of(&[device(0, Ok(0.5))]).2, None);
    }

    /// (0.7 - 0.5) / (0.9 - 0.5) of one device, (0.8 - 0.5) / 0.4 of the other; where either method
    /// failed nothing is known.
    #[test]
    fn what_is_recovered_is_that_of_devices_that_ended() {
        let on_paper = |seed, accuracy| {
            let mut done = device(seed, accuracy);
            done.key.method = MethodName::Backprop;
            if let Some(outcome) = &mut done.outcome {
                outcome.twin_accuracy = 0.9;
            }
            done
        };
        let why = Err("step 7: not finite");
        let all = [
            [on_paper(0, Ok(0.5)), device(0, Ok(0.7))],
            [on_paper(1, Ok(0.5)), device(1, why)],
            [on_paper(2, why), device(2, Ok(0.6))],
            [on_paper(3, Ok(0.5)), device(3, Ok(0.8))],
        ];
        let rows = rows(&all.concat());
        let mean = rows[1].recovery.expect("of two devices").mean;
        assert!((mean - 0.625).abs() < 1e-12, "{mean}");
        assert!(rows[0].recovery.is_none());
    }

    /// A layer that one device alone saw has a row, with what that device saw.
    #[test]
    fn layers_are_those_of_any_device() {
        let all = [ended(&[("a", 0.2)]), ended(&[("b", 0.7), ("a", 0.4)]), ended(&[])];
        let rows = LayerRow::all(&all.iter().collect::<Vec<_>>());
        let found: Vec<(&str, f64)> = rows.iter().map(|r| (&*r.name, r.cosine.mean)).collect();
        let [("a", a), ("b", b)] = found[..] else { panic!("{found:?}") };
        assert!((a - 0.3).abs() < 1e-12 && (b - 0.7).abs() < 1e-12, "{found:?}");
        assert!(rows[1].cosine.interval.is_none());
    }
}
