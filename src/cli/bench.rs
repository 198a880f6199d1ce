//! `lightloom bench`: what this device does, and what limits each line of it.

use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Args;
use comfy_table::{Table, presets};

use super::{Common, make_folder, print, print_json, write_json};
use crate::bench::clock::Effort;
use crate::bench::digital;
use crate::bench::host::Host;
use crate::bench::point::{Device, check_batch, measure};
use crate::bench::report::Report;
use crate::bench::scaling::{self, Along, Axis};
use crate::bench::sheets::{Sheet, head, sheets};
use crate::bench::stack;
use crate::data;
use crate::error::{Error, Result};
use crate::experiment::{Experiment, check, preset};
use crate::files::atomic;

#[derive(Debug, Args)]
pub struct Bench {
    /// An experiment to measure; a standard stack of five masks when absent.
    experiment: Option<PathBuf>,
    /// Samples across [default: 64,128,200,256,512, or the experiment's own].
    #[arg(long, value_delimiter = ',', value_parser = clap::value_parser!(u32).range(16..=16384))]
    sizes: Vec<u32>,
    /// Samples a step [default: 1,32].
    #[arg(long, value_delimiter = ',', value_parser = clap::value_parser!(u32).range(1..=4096))]
    batch: Vec<u32>,
    /// Half a minute on two cores: fewer sizes, fewer rounds.
    #[arg(long)]
    quick: bool,
    /// How time grows with N, batch and depth of the standard stack, in place of all else.
    #[arg(long, conflicts_with_all = ["experiment", "sizes", "batch"])]
    cost_table: bool,
    /// The second half alone: products of matrices on CPU and GPU beside light that does the same;
    /// --sizes are N. Without any of these flags both halves run.
    #[arg(long, conflicts_with_all = ["experiment", "cost_table"])]
    digital: bool,
    /// Folder for bench.json and bench.md; runs/bench when absent.
    #[arg(long)]
    out: Option<PathBuf>,
}

/// Masks of the standard stack.
const DEPTH: usize = 5;

impl Bench {
    pub fn run(&self, common: &Common) -> Result<()> {
        let started = Instant::now();
        let say = |what: &str| {
            if !common.json {
                eprintln!("{what}");
            }
        };
        // What is wrong with the request shows before minutes are spent.
        let overrides = common.overrides();
        if self.digital && !overrides.is_empty() {
            let key = if common.set.is_empty() { "--seed" } else { "--set" };
            return Err(Error::invalid(key, "products of matrices are of no experiment")
                .help(format!("leave out {key}, or --digital")));
        }
        let experiments = self.experiments(common)?;
        let (_, first) = &experiments[0];
        let source = first.data.as_ref().ok_or_else(|| {
            Error::invalid("data", "missing: this file is a scene")
                .help("give an experiment, or none for the standard stack")
        })?;
        let data = data::load(source, first.seed)?;
        if self.experiment.is_some() {
            experiments.iter().try_for_each(|(_, e)| check::with_data(&e.optic, &data))?;
        }
        if self.cost_table {
            scaling::check(&data, self.quick, &overrides)?;
        } else if !self.digital {
            experiments.iter().try_for_each(|&(batch, _)| check_batch(&data, batch))?;
        }
        let mut device = Device::new(common.choice())?;
        let tiny = stack::propagation(&stack::standard(24, 1, 1, &[])?.optic, 1)?;
        let executor = device.choice.compile(std::sync::Arc::new(tiny.program))?;
        let threads = device.pool.current_num_threads();
        let mut report = Report {
            host: Host::of(executor.describe(), threads),
            subject: self.subject(),
            left_out: first.hardware.is_some().then_some(stack::LEFT_OUT),
            peaks: None,
            without_peaks: device.without_peaks.clone(),
            points: Vec::new(),
            scaling: Vec::new(),
            digital: None,
            seconds: 0.0,
        };
        drop(executor);
        let out =
            make_folder(&self.out.clone().unwrap_or_else(|| PathBuf::from("runs").join("bench")))?;
        let effort = if self.quick {
            Effort { seconds: 0.6, rounds: [3, 30] }
        } else {
            Effort { seconds: 4.0, rounds: [7, 100] }
        };
        if self.cost_table {
            report.peaks.clone_from(&device.peaks);
            for along in Along::ALL {
                let measured = report.scaling.len();
                // A run that is ended early keeps what it has.
                let told = &mut |said: &str, so_far: Option<Axis>| {
                    say(said);
                    let Some(axis) = so_far else { return Ok(()) };
                    report.scaling.truncate(measured);
                    report.scaling.push(axis);
                    report.seconds = started.elapsed().as_secs_f64();
                    write(&out, &report)
                };
                scaling::axis(&device, &data, along, (self.quick, &overrides), told)?;
            }
        } else if !self.digital {
            for (batch, experiment) in &experiments {
                let grid = experiment.optic.grid();
                say(&format!("{} x {}, batch {batch}", grid.samples[0], grid.samples[1]));
                report.points.push(measure(&device, experiment, &data, *batch, effort)?);
                device.measure_again()?;
                // Here too a run that is ended early keeps what it has.
                keep(&mut report, &device, started, &out)?;
            }
        }
        if self.digital || self.is_whole() {
            let (sizes, batches) = self.products();
            let half = digital::measure(&device, &data, &sizes, &batches, effort, &mut |w| say(w))?;
            report.digital = Some(half);
        }
        keep(&mut report, &device, started, &out)?;
        if common.json {
            return print_json(&report);
        }
        let rest = "with the kernels of every point and all samples";
        print(&(text(&report, false) + &format!("\nwritten, {rest}: {}", out.display())))
    }

    /// Nothing is asked for in particular.
    fn is_whole(&self) -> bool {
        self.experiment.is_none()
            && self.sizes.is_empty()
            && self.batch.is_empty()
            && !self.cost_table
    }

    /// N and batches of the second half.
    fn products(&self) -> (Vec<usize>, Vec<usize>) {
        let or = |given: &[u32], usual: &[usize]| {
            if given.is_empty() {
                usual.to_vec()
            } else {
                given.iter().map(|&n| n as usize).collect()
            }
        };
        let (sizes, batches): (&[usize], &[usize]) = if self.quick {
            (&[64, 256], &[1, 64])
        } else {
            (&[64, 128, 256, 512, 1024, 2048], &[1, 16, 64, 256, 1024])
        };
        (or(&self.sizes, sizes), or(&self.batch, batches))
    }

    fn subject(&self) -> String {
        if self.digital {
            return "products of matrices".into();
        }
        match &self.experiment {
            Some(path) => path.display().to_string(),
            None => format!("the standard stack: {DEPTH} masks, MNIST, cross-entropy, Adam"),
        }
    }

    /// Batch and experiment of every point, at least one.
    fn experiments(&self, common: &Common) -> Result<Vec<(usize, Experiment)>> {
        let sizes: Vec<usize> = match (&self.experiment, self.sizes.is_empty()) {
            (_, false) if !self.digital => self.sizes.iter().map(|&n| n as usize).collect(),
            (Some(_), _) => Vec::new(),
            // For its data alone.
            (None, _) if self.digital => vec![64],
            (None, true) if self.quick => vec![64, 200],
            (None, _) => vec![64, 128, 200, 256, 512],
        };
        let batches = |own: usize| match (&self.experiment, self.batch.is_empty()) {
            (_, false) => self.batch.iter().map(|&b| b as usize).collect(),
            (Some(_), true) => vec![own],
            (None, true) => vec![1, 32],
        };
        let mut all = Vec::new();
        if let Some(path) = &self.experiment {
            // One without a size is the file's own.
            let sizes = sizes.into_iter().map(Some).chain(self.sizes.is_empty().then_some(None));
            for size in sizes {
                let size = size.map(|n| format!("optic.samples={n}"));
                let overrides: Vec<_> = common.overrides().into_iter().chain(size).collect();
                let loaded = preset::open(path, &overrides)?;
                for warning in &loaded.warnings {
                    eprintln!("warning: {warning}");
                }
                let recipe = loaded.experiment.train.as_ref();
                for batch in batches(recipe.map_or(1, |r| r.batch)) {
                    all.push((batch, loaded.experiment.clone()));
                }
            }
            return Ok(all);
        }
        for size in sizes {
            for batch in batches(1) {
                all.push((batch, stack::standard(size, DEPTH, batch, &common.overrides())?));
            }
        }
        Ok(all)
    }
}

/// Writes what there is so far, held against the peaks as they are known by now.
fn keep(report: &mut Report, device: &Device, started: Instant, out: &Path) -> Result<()> {
    report.peaks.clone_from(&device.peaks);
    report.judge(device.real());
    report.seconds = started.elapsed().as_secs_f64();
    write(out, report)
}

fn write(folder: &Path, report: &Report) -> Result<()> {
    write_json(&folder.join("bench.json"), report)?;
    let markdown = text(report, true);
    atomic::write(&folder.join("bench.md"), |f| f.write_all(markdown.as_bytes()))
}

/// The report on a terminal, or as Markdown.
fn text(report: &Report, markdown: bool) -> String {
    let mut text = if markdown { "# lightloom bench\n\n".to_owned() } else { String::new() };
    for [what, value] in head(report) {
        text += &if markdown {
            format!("- {what}: {value}\n")
        } else {
            format!("{what:>11}  {value}\n")
        };
    }
    for sheet in sheets(report, markdown) {
        let heading = if markdown { "## " } else { "" };
        text += &format!("\n{heading}{}\n", sheet.title);
        if markdown {
            text += "\n";
        }
        text += &format!("{}\n", table(&sheet, markdown));
        if !sheet.note.is_empty() {
            text +=
                &if markdown { format!("\n{}\n", sheet.note) } else { format!("{}\n", sheet.note) };
        }
    }
    text
}

fn table(sheet: &Sheet, markdown: bool) -> Table {
    let mut table = Table::new();
    table.load_style(if markdown { presets::ASCII_MARKDOWN } else { presets::UTF8_FULL_CONDENSED });
    table.set_header(sheet.header.iter().copied());
    table.add_rows(sheet.rows.iter().cloned());
    table
}
