//! What a run left in its folder.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::chart::Chart;
use super::ranges::{self, Ranges};
use super::tables::{self, Block};
use super::{methods, roofline, sections};
use crate::error::{Error, Result};
use crate::experiment::{Experiment, load};
use crate::train::Evaluation;
use crate::train::run::{EpochMetrics, METRICS, read_metrics};

/// Of `summary.json`.
#[derive(Debug, Clone, Deserialize)]
pub struct Summary {
    pub steps: u64,
    /// Absent in runs of earlier versions.
    pub steps_per_epoch: Option<u64>,
    pub seconds: f64,
    pub peak_rss_mb: Option<f64>,
    pub device: String,
    pub test: Evaluation,
    #[serde(default)]
    pub host: Option<Host>,
    #[serde(default)]
    sampling: Value,
    #[serde(default)]
    geometry: Value,
}

/// The machine that trained, and how it was asked to.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Host {
    pub cpu: String,
    pub cores: usize,
    pub isa: String,
    pub os: String,
    pub driver: Option<String>,
    pub threads: usize,
    pub date: String,
    pub version: String,
    pub command: String,
}

/// A part of the report that is there when its data are.
#[derive(Debug, Serialize)]
pub struct Extra {
    pub id: &'static str,
    pub title: &'static str,
    /// What to know first.
    pub note: &'static str,
    pub charts: Vec<Chart>,
    pub ranges: Vec<Ranges>,
    pub parts: Vec<Part>,
    /// Whether parts are open at first.
    pub is_short: bool,
}

/// Blocks under one heading of the file.
#[derive(Debug, Serialize)]
pub struct Part {
    pub title: String,
    pub blocks: Vec<Block>,
}

/// Blocks of a section that are all open at first, and rows of one.
const MOST_OPEN: usize = 14;
const MOST_ROWS: usize = 30;

impl Extra {
    fn new([id, title, note]: [&'static str; 3], value: &Value) -> Self {
        let first = match id {
            "methods" => sections::of_compare(value),
            "energy" => sections::of_energy(value),
            _ => None,
        };
        // The rest of a comparison is its cells, step by step: an archive.
        let rest =
            if id == "methods" && first.is_some() { Vec::new() } else { tables::blocks(value) };
        let mut parts = first.unwrap_or_default();
        let titled = parts.iter().filter(|part| !part.title.is_empty()).flat_map(|p| &p.blocks);
        let is_short =
            rest.len() <= MOST_OPEN && titled.clone().all(|block| block.rows.len() <= MOST_ROWS);
        let read = parts.len();
        for mut block in rest {
            match parts[read..].last_mut() {
                Some(part) if block.level > 4 => part.blocks.push(block),
                _ => {
                    let title = std::mem::take(&mut block.title);
                    parts.push(Part { title, blocks: vec![block] });
                }
            }
        }
        Self {
            id,
            title,
            note,
            charts: roofline::charts(value).into_iter().chain(methods::charts(value)).collect(),
            ranges: ranges::charts(value),
            parts,
            is_short,
        }
    }
}

/// Files of a run's folder that other commands write, as [`tables`] reads them.
const EXTRAS: [(&str, [&str; 3]); 3] = [
    ("compare.json", ["methods", "Training methods", ""]),
    ("energy.json", ["energy", "Energy and latency", LIGHT]),
    ("bench.json", ["bench", "Benchmark", ""]),
];

/// Noiseless accuracy never stands for light that is paid for by the photon.
const LIGHT: &str = "Accuracies elsewhere on this page are not with the light that these joules pay \
                     for; one that is stands below, beside its bits, where the run's checkpoint was \
                     priced. Lines are 5 to 95 % of the draws, their marks the typical figures; what \
                     each rests on, with its sources, is behind it.";

pub struct Run {
    pub folder: PathBuf,
    pub name: String,
    pub summary: Summary,
    pub metrics: Vec<EpochMetrics>,
    /// The experiment file with every default written out, and what it says.
    pub resolved: String,
    pub experiment: Experiment,
    pub extras: Vec<Extra>,
}

/// What `train` leaves of its results.
pub const SUMMARY: &str = "summary.json";

fn text(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).map_err(|e| Error::file(path, "read", e))
}

impl Run {
    pub fn read(folder: &Path) -> Result<Self> {
        let path = folder.join(SUMMARY);
        let summary = text(&path)
            .map_err(|e| e.help("give the --out folder of a `lightloom train` that has ended"))?;
        let summary: Summary = serde_json::from_str(&summary).map_err(|e| {
            Error::format(&path, format!("not the summary of a run: {e}"))
                .help("give the --out folder of a `lightloom train` that has ended")
        })?;
        let file = folder.join("experiment.toml");
        let resolved = text(&file)?;
        let loaded = load::from_text(&file.display().to_string(), &resolved, Path::new(""), &[])?;
        let metrics = read_metrics(&folder.join(METRICS), u64::MAX)?;
        let mut extras = Vec::new();
        for (name, head) in EXTRAS {
            let path = folder.join(name);
            if !path.exists() {
                continue;
            }
            let value: Value = serde_json::from_str(&text(&path)?)
                .map_err(|e| Error::format(&path, format!("not JSON: {e}")))?;
            extras.push(Extra::new(head, &value));
        }
        let whole = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
        let name = whole.file_name().map_or_else(|| "run".into(), |n| n.to_string_lossy());
        Ok(Self {
            folder: folder.to_owned(),
            name: name.into_owned(),
            summary,
            metrics,
            resolved,
            experiment: loaded.experiment,
            extras,
        })
    }

    /// What sampling costs and where trained geometry ended, as the summary has them.
    pub fn details(&self) -> Vec<Block> {
        let mut all = Vec::new();
        for (name, value) in
            [("sampling", &self.summary.sampling), ("geometry", &self.summary.geometry)]
        {
            if value.as_array().is_some_and(|a| !a.is_empty()) {
                all.extend(tables::blocks(&serde_json::json!({ name: value })));
            }
        }
        all
    }

    /// Epochs at every line of the metrics.
    pub fn epochs(&self) -> Vec<f64> {
        let per = match (self.summary.steps_per_epoch, &self.metrics[..]) {
            (Some(steps), _) => steps as f64,
            // All but the last end on a whole epoch, unless the run was resumed.
            (None, [first, _, ..]) => first.step as f64 / first.epoch as f64,
            (None, [only]) => only.step as f64,
            (None, []) => 1.0,
        };
        self.metrics.iter().map(|m| m.step as f64 / per).collect()
    }
}
