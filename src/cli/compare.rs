//! `lightloom compare EXPERIMENT.toml.. --methods all`: training methods on the same machines, with
//! the same faults, and what each asks of them.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use comfy_table::{ContentArrangement, Table, TableStyle, presets};
use serde::Serialize;

use super::{Common, check_scales, make_folder, print, print_json, write_json};
use crate::backend::{Backend, Choice, Precision};
use crate::data;
use crate::error::{Error, Result};
use crate::experiment::check;
use crate::files::atomic;
use crate::methods::recipe::MethodName;
use crate::report::compare::{self, Row};
use crate::train::compare::{Done, Drifting, Grid, Key, System};

#[derive(Debug, Args)]
pub struct Compare {
    /// Experiments, each a machine with its faults and its task; files or names of built-in ones.
    #[arg(required = true)]
    experiments: Vec<PathBuf>,
    /// Methods, with commas between, or all.
    #[arg(long, default_value = "all")]
    methods: String,
    /// Devices of each machine; their seeds count up from the file's.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=1000))]
    seeds: u64,
    /// Exposures of the device that a method may take in all; the others stop with their epochs.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    shots: Option<u64>,
    /// Factors on the learning rate, of which each method chooses one in runs of a quarter.
    #[arg(long, value_name = "F,..", value_delimiter = ',', default_value = "1")]
    rates: Vec<f64>,
    /// Looks at accuracy and gradient, besides the one before the first step.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u64).range(1..=1000))]
    looks: u64,
    /// Validation samples of a look, and test samples at the end; all of them when absent.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    samples: Option<u32>,
    /// Makes the faults of every device so many times as large, one after the other: 0,0.5,1,2.
    /// Random errors, fringing, crosstalk and losses scale; levels, bits and photons stay.
    #[arg(long, value_name = "F,..", value_delimiter = ',', default_value = "1")]
    scales: Vec<f64>,
    /// Goes on for so many steps after the training, on a device that drifts (hardware.mask.drift_std,
    /// hardware.mesh.drift_std), and looks at it with what goes on training and with what was trained.
    #[arg(long, value_name = "STEPS", value_parser = clap::value_parser!(u64).range(1..))]
    drift: Option<u64>,
    /// Learning rate meanwhile, over the file's; its schedule has ended.
    #[arg(long, value_name = "F", requires = "drift", default_value_t = 0.2)]
    drift_rate: f64,
    /// Folder for the results, whose finished cells are kept; runs/compare when absent.
    #[arg(long)]
    out: Option<PathBuf>,
}

#[derive(Serialize)]
struct Answer<'a> {
    rows: &'a [Row],
    cells: &'a [Done],
}

impl Compare {
    pub fn run(&self, common: &Common) -> Result<()> {
        check_choice(&common.choice())?;
        let methods = self.methods()?;
        let is_rate = |r: &&f64| r.is_finite() && **r > 0.0;
        for (flag, rates, example) in [
            ("--rates", &self.rates[..], "0.3,1,3"),
            ("--drift-rate", std::slice::from_ref(&self.drift_rate), "0.2"),
        ] {
            if let Some(bad) = rates.iter().find(|r| !is_rate(r)) {
                let rule = format!("{bad} is no factor on a learning rate");
                return Err(Error::invalid(flag, rule).help(format!("give for example {example}")));
            }
        }
        check_scales(&self.scales)?;
        let mut grid = Grid {
            systems: Vec::new(),
            methods,
            seeds: self.seeds,
            shots: self.shots,
            rates: self.rates.clone(),
            looks: self.looks,
            samples: self.samples.map_or(usize::MAX, |n| n as usize),
            scales: self.scales.clone(),
            drift: self.drift.map(|steps| Drifting { steps, rate: self.drift_rate }),
        };
        for path in &self.experiments {
            let loaded = common.open(path)?;
            let experiment = loaded.experiment.clone();
            let Some(source) = experiment.data.as_ref().filter(|_| experiment.train.is_some())
            else {
                return Err(loaded.locate(
                    Error::invalid("train", "missing: this file is a scene")
                        .help("give an experiment with [data] and [train]"),
                ));
            };
            let data = data::load(source, experiment.seed).map_err(|e| loaded.locate(e))?;
            check::with_data(&experiment.optic, &data).map_err(|e| loaded.locate(e))?;
            grid.check(&experiment, &data).map_err(|e| loaded.locate(e))?;
            let name = path.file_stem().map_or_else(String::new, |s| s.to_string_lossy().into());
            if grid.systems.iter().any(|s| s.name == name) {
                let rule = format!("two experiments are called {name}");
                return Err(Error::invalid("", rule).help("rename one of the files"));
            }
            grid.systems.push(System { name, experiment, data: Arc::new(data) });
        }
        let out = self.out.clone().unwrap_or_else(|| PathBuf::from("runs").join("compare"));
        let cells = make_folder(&out.join("cells"))?;
        let threads = common.threads.map_or_else(
            || std::thread::available_parallelism().map_or(1, usize::from),
            usize::from,
        );
        let quiet = common.json;
        let done = grid.fill(&cells, threads, &|done, n, of| {
            if !quiet {
                eprintln!("{n:4} of {of}  {}", line(done));
            }
        })?;
        let rows = compare::rows(&done);
        write_json(&out.join("compare.json"), &Answer { rows: &rows, cells: &done })?;
        let markdown =
            blocks(&rows, presets::ASCII_MARKDOWN, &ContentArrangement::Disabled).join("\n\n");
        atomic::write(&out.join("compare.md"), |f| writeln!(f, "{markdown}"))?;
        compare::plots(&done, &out)?;
        if common.json {
            return print_json(&Answer { rows: &rows, cells: &done });
        }
        let wrapped = ContentArrangement::Dynamic;
        let shown = blocks(&rows, presets::UTF8_HORIZONTAL_ONLY, &wrapped).join("\n");
        print(&format!("{shown}\nresults: {}", out.display()))
    }

    fn methods(&self) -> Result<Vec<MethodName>> {
        if self.methods == "all" {
            return Ok(MethodName::ALL.to_vec());
        }
        let parse = |name: &str| {
            serde_json::from_value(serde_json::Value::from(name)).map_err(|_| {
                let known = MethodName::ALL.map(MethodName::name);
                Error::invalid("--methods", format!("\"{name}\" is no method"))
                    .help(format!("use all, or some of {}", known.join(", ")))
            })
        };
        self.methods.split(',').map(|name| parse(name.trim())).collect()
    }
}

/// Refuses what a cell does not do.
fn check_choice(choice: &Choice) -> Result<()> {
    let others = [
        ("--backend", "gpu", choice.backend == Backend::Gpu),
        ("--precision", "f64", choice.precision == Precision::F64),
        ("--no-fuse", "op by op", !choice.fuse),
    ];
    let Some((flag, what, _)) = others.into_iter().find(|(.., asked)| *asked) else {
        return Ok(());
    };
    let rule = format!("{what}, and cells of a comparison run on a CPU thread each, in f32, fused");
    Err(Error::invalid(flag, rule).help("leave it out; `lightloom train` takes it"))
}

fn line(done: &Done) -> String {
    let Key { system, method, seed, scale } = &done.key;
    let mut key = format!("{system}, {}, device {seed}", method.name());
    if *scale != 1.0 {
        key += &format!(", faults x {scale}");
    }
    match (&done.outcome, done.refused.as_ref().or(done.failed.as_ref())) {
        (Some(o), _) => {
            let [device, twin] = [o.accuracy, o.twin_accuracy].map(|a| 100.0 * a);
            let mut text = format!("{key}: {device:.1} % on the device, {twin:.1} % on the twin");
            if let Some(last) = o.drift.as_ref().and_then(|d| d.curve.last()) {
                let [trained, frozen] = [last.trained, last.frozen].map(|a| 100.0 * a);
                text += &format!(", {trained:.1} % after its drift, frozen {frozen:.1} %");
            }
            text + &format!(", {:.0} s", o.seconds)
        }
        (None, Some(why)) => format!("{key}: {why}"),
        (None, None) => key,
    }
}

/// The methods, why some have no figures, and the layers of those that have a gradient.
fn blocks(rows: &[Row], preset: TableStyle, arrangement: &ContentArrangement) -> Vec<String> {
    let table = |header: Vec<&str>, cells: Vec<Vec<String>>| {
        let mut table = Table::new();
        table.load_style(preset).set_content_arrangement(arrangement.clone());
        table.set_header(header).add_rows(cells);
        table.to_string()
    };
    let methods = rows.iter().map(|row| compare::short_cells(row, rows)).collect();
    let mut all = vec![table(compare::header(rows), methods)];
    all.extend(compare::reasons(rows));
    let layers: Vec<_> = rows.iter().flat_map(compare::layer_cells).collect();
    if !layers.is_empty() {
        all.push(table(compare::layer_header(rows), layers));
    }
    all
}
