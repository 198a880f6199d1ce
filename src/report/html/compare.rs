//! Several runs side by side: what they reached, their curves over each other, where their
//! experiments differ.

use serde::Serialize;

use super::chart::{Chart, Kind, Line, Plot};
use super::page::duration;
use super::run::{Extra, Run};
use super::score::percent;
use super::template::{asset, render};
use crate::error::Result;
use crate::render::ticks;
use crate::train::run::EpochMetrics;

#[derive(Serialize)]
struct Context<'a> {
    title: String,
    version: &'static str,
    style: &'static str,
    script: &'static str,
    rows: Vec<Row>,
    charts: Vec<Chart>,
    names: &'a [String],
    /// Whether they are of several data sets, whose accuracies are no match.
    has_data: bool,
    /// Keys that differ, with their values by run.
    differences: Vec<Difference>,
    extras: Vec<Of<'a>>,
    runs: Vec<Again<'a>>,
}

#[derive(Serialize)]
struct Row {
    name: String,
    colour: usize,
    accuracy: String,
    interval: String,
    /// Low end, accuracy and high end on the common scale, 0 to 100.
    at: [f64; 3],
    data: String,
    loss: String,
    detected: String,
    seconds: String,
    steps: u64,
    device: String,
}

#[derive(Serialize)]
struct Difference {
    key: String,
    values: Vec<String>,
}

/// The extra sections of one run.
#[derive(Serialize)]
struct Of<'a> {
    name: &'a str,
    extras: &'a [Extra],
}

#[derive(Serialize)]
struct Again<'a> {
    name: &'a str,
    command: Option<&'a str>,
    resolved: &'a str,
}

pub fn page(runs: &[Run]) -> Result<String> {
    let names = &names(runs);
    let rows = rows(runs, names);
    let context = Context {
        title: names.join(", "),
        version: env!("CARGO_PKG_VERSION"),
        style: asset("style.css"),
        script: asset("hint.js"),
        has_data: rows.windows(2).any(|w| w[0].data != w[1].data),
        rows,
        charts: charts(runs, names),
        differences: differences(runs)?,
        extras: runs
            .iter()
            .zip(names)
            .filter(|(r, _)| !r.extras.is_empty())
            .map(|(r, name)| Of { name, extras: &r.extras })
            .collect(),
        runs: runs
            .iter()
            .zip(names)
            .map(|(r, name)| Again {
                name,
                command: r.summary.host.as_ref().map(|h| h.command.as_str()),
                resolved: &r.resolved,
            })
            .collect(),
        names,
    };
    render("compare.html", &context)
}

/// Names of runs that tell them apart: of those that share one, the folders as they were given; of one
/// folder that was given again, with a number.
fn names(runs: &[Run]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for run in runs {
        let is_shared = runs.iter().filter(|other| other.name == run.name).count() > 1;
        let folder = run.folder.display().to_string();
        let name = if is_shared { folder } else { run.name.clone() };
        let numbered = (2..).map(|n| format!("{name} ({n})"));
        let free = std::iter::once(name.clone()).chain(numbered).find(|n| !names.contains(n));
        names.push(free.unwrap_or(name));
    }
    names
}

/// What the accuracies of a run are of.
fn data_of(run: &Run) -> String {
    let Some(source) = &run.experiment.data else { return "–".into() };
    let path = source.path.as_ref().map(|path| path.display().to_string());
    source.name.clone().or(path).unwrap_or_else(|| "–".into())
}

fn rows(runs: &[Run], names: &[String]) -> Vec<Row> {
    let ends = runs.iter().flat_map(|r| r.summary.test.interval);
    let [low, high] = ends.fold([1.0, 0.0], |[l, h]: [f64; 2], v| [l.min(v), h.max(v)]);
    let room = (0.1 * (high - low)).max(1e-6);
    let place = |v: f64| 100.0 * (v - low + room) / (high - low + 2.0 * room);
    let row = |(colour, run): (usize, &Run)| {
        let (s, e) = (&run.summary, &run.summary.test);
        Row {
            name: names[colour].clone(),
            colour,
            accuracy: percent(e.accuracy, 2),
            interval: format!("{} to {}", percent(e.interval[0], 2), percent(e.interval[1], 2)),
            at: [e.interval[0], e.accuracy, e.interval[1]].map(place),
            data: data_of(run),
            loss: format!("{:.4}", e.loss),
            detected: format!("{} %", ticks::short(100.0 * e.power_efficiency)),
            seconds: duration(s.seconds),
            steps: s.steps,
            device: s.device.clone(),
        }
    };
    runs.iter().enumerate().map(row).collect()
}

fn charts(runs: &[Run], names: &[String]) -> Vec<Chart> {
    let lines = |x: fn(&Run) -> Vec<f64>, y: fn(&EpochMetrics) -> f64| {
        let line = |(colour, run): (usize, &Run)| Line {
            name: names[colour].clone(),
            colour,
            points: x(run).into_iter().zip(&run.metrics).map(|(x, m)| [x, y(m)]).collect(),
            kind: Kind::Both,
        };
        runs.iter().enumerate().map(line).collect()
    };
    let seconds = |run: &Run| run.metrics.iter().map(|m| m.seconds).collect();
    let accuracy = |m: &EpochMetrics| 100.0 * m.val_accuracy;
    let plot = |title, along, counted, lines, within| {
        Plot { title, along, counted, lines, levels: vec![], within, is_log: false }.chart()
    };
    let (percent, free) = ([0.0, 100.0], [f64::NEG_INFINITY, f64::INFINITY]);
    vec![
        plot("validation accuracy (%)", "epoch", true, lines(Run::epochs, accuracy), percent),
        plot("validation accuracy (%)", "seconds", false, lines(seconds, accuracy), percent),
        plot("training loss", "epoch", true, lines(Run::epochs, |m| m.train_loss), free),
        plot("validation loss", "epoch", true, lines(Run::epochs, |m| m.val_loss), free),
    ]
}

/// Every key of an experiment with its value.
fn flat(prefix: &str, value: &serde_json::Value, out: &mut Vec<(String, String)>) {
    use serde_json::Value;
    let join = |key: &str| if prefix.is_empty() { key.into() } else { format!("{prefix}.{key}") };
    match value {
        Value::Object(map) => map.iter().for_each(|(k, v)| flat(&join(k), v, out)),
        Value::Array(items) if items.iter().any(Value::is_object) => {
            for (i, v) in items.iter().enumerate() {
                flat(&format!("{prefix}[{i}]"), v, out);
            }
        }
        Value::String(text) => out.push((prefix.into(), text.clone())),
        Value::Number(n) if n.is_f64() => {
            out.push((prefix.into(), ticks::short(n.as_f64().unwrap_or(f64::NAN))));
        }
        other => out.push((prefix.into(), other.to_string())),
    }
}

fn differences(runs: &[Run]) -> Result<Vec<Difference>> {
    let mut keys: Vec<String> = Vec::new();
    let mut all = Vec::new();
    for run in runs {
        let value = serde_json::to_value(&run.experiment).map_err(|e| {
            crate::Error::invalid("", format!("an experiment cannot be written: {e}"))
        })?;
        let mut here = Vec::new();
        flat("", &value, &mut here);
        keys.extend(
            here.iter().map(|(k, _)| k).filter(|&k| !keys.contains(k)).cloned().collect::<Vec<_>>(),
        );
        all.push(here);
    }
    let of = |key: &str| -> Vec<String> {
        let value = |here: &Vec<(String, String)>| {
            here.iter().find(|(k, _)| k == key).map_or_else(|| "–".into(), |(_, v)| v.clone())
        };
        all.iter().map(value).collect()
    };
    let differ = |values: &[String]| values.windows(2).any(|w| w[0] != w[1]);
    let entry = |key: String| Difference { values: of(&key), key };
    Ok(keys.into_iter().map(entry).filter(|d| differ(&d.values)).collect())
}
