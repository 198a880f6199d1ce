//! `lightloom train EXPERIMENT.toml --out DIR`.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use clap::Args;
use serde::Serialize;

use super::show::Watcher;
use super::{Common, make_folder, peak_rss_mb, print, print_json, write_json};
use crate::backend::Choice;
use crate::bench::host::Host;
use crate::data;
use crate::error::{Error, Result};
use crate::experiment::load;
use crate::files::atomic;
use crate::optics::sampling::StepReport;
use crate::report::html::{self, REPORT, Run};
use crate::report::pictures;
use crate::train::evaluate::Geometry;
use crate::train::{Evaluation, Session, checkpoint, run};

#[derive(Debug, Args)]
pub struct Train {
    /// An experiment file, or the name of a built-in one.
    experiment: PathBuf,
    /// Folder for the results; runs/NAME when absent.
    #[arg(long)]
    out: Option<PathBuf>,
    /// Go on from the checkpoint in --out.
    #[arg(long)]
    resume: bool,
    /// Skip the pictures and the report.
    #[arg(long)]
    no_images: bool,
}

#[derive(Serialize)]
struct Summary<'a> {
    test_accuracy: f64,
    test_interval: [f64; 2],
    power_efficiency: f64,
    target_efficiency: f64,
    worst_class_contrast: f64,
    steps: u64,
    steps_per_epoch: u64,
    seconds: f64,
    peak_rss_mb: Option<f64>,
    device: &'a str,
    host: Host,
    test: &'a Evaluation,
    /// What sampling costs, on the first test sample.
    sampling: Vec<StepReport>,
    /// Where trained distances, pitches and offsets ended.
    geometry: Vec<Geometry>,
}

impl Train {
    pub fn run(&self, common: &Common) -> Result<()> {
        let started = Instant::now();
        let loaded = common.open(&self.experiment)?;
        let resolved = loaded.resolved()?;
        let experiment = loaded.experiment.clone();
        if experiment.train.is_none() {
            return Err(loaded.locate(
                Error::invalid("train", "missing: this file is a scene")
                    .help("add a [train] block, or use `lightloom simulate`"),
            ));
        }
        let source = experiment.data.as_ref().ok_or_else(|| Error::invalid("data", "missing"))?;
        let data = Arc::new(data::load(source, experiment.seed).map_err(|e| loaded.locate(e))?);
        crate::experiment::check::with_data(&experiment.optic, &data)
            .map_err(|e| loaded.locate(e))?;

        let name =
            self.experiment.file_stem().map_or_else(|| "run".into(), |s| s.to_string_lossy());
        let out = self.out.clone().unwrap_or_else(|| PathBuf::from("runs").join(&*name));
        let checkpoint_path = out.join(run::CHECKPOINT);
        let resume = if self.resume {
            let found = checkpoint::read(&checkpoint_path).map_err(nothing_to_resume)?;
            same_optic(&found.experiment, &resolved, &checkpoint_path)?;
            Some(found)
        } else {
            None
        };
        let choice = Choice { tune: !self.resume, ..common.choice() };
        let mut session = Session::new(experiment, data, choice).map_err(|e| loaded.locate(e))?;
        if let Some(found) = &resume {
            let (then, now) = (&found.progress.plan, session.plan());
            if *then != now && !common.json {
                eprintln!(
                    "warning: the run began on \"{then}\" and goes on on \"{now}\": its bits will differ"
                );
            }
        }
        // A wrong request leaves no folder behind.
        make_folder(&out)?;
        atomic::write(&out.join("experiment.toml"), |f| f.write_all(resolved.as_bytes()))?;
        let mut watcher = Watcher::new(common.json, session.steps_per_epoch);
        let outcome =
            run::train(&mut session, &resolved, &out, resume.as_ref(), &mut |e| watcher.on(&e))?;
        let device = session.plan();
        let test = &outcome.test;
        let test_split = session.data.test.clone();
        let sampling = session.sampling(&test_split, 0)?;
        let geometry = session.geometry()?;
        let summary = Summary {
            test_accuracy: test.accuracy,
            test_interval: test.interval,
            power_efficiency: test.power_efficiency,
            target_efficiency: test.target_efficiency,
            worst_class_contrast: test.worst_class_contrast,
            steps: session.steps,
            steps_per_epoch: session.steps_per_epoch,
            seconds: outcome.seconds,
            peak_rss_mb: peak_rss_mb(),
            device: &device,
            host: Host::of(device.clone(), common.threads()),
            test,
            sampling,
            geometry,
        };
        write_json(&out.join("summary.json"), &summary)?;
        let images = out.join("images");
        if !self.no_images {
            make_folder(&images)?;
            pictures::of_run(&mut session, &outcome, &images)?;
            let page = html::of_run(&Run::read(&out)?, &mut session)?;
            html::write(&page, &out.join(REPORT))?;
        }
        if common.json {
            return print_json(&summary);
        }
        print(&report(&summary, &outcome, started, &out, !self.no_images))
    }
}

fn report(
    s: &Summary,
    outcome: &run::Outcome,
    started: Instant,
    out: &std::path::Path,
    images: bool,
) -> String {
    let memory = s.peak_rss_mb.map_or(String::new(), |mb| format!(", {mb:.0} MB at most"));
    let mut text = format!(
        "test accuracy {:.2} % (95 % interval {:.2} to {:.2} %), {} test samples\n\
         light: {:.1} % of it on the detector, {:.1} % on the right region; worst-class contrast {:.3}\n\
         {:.0} s in all, {:.0} s of training{memory}\n",
        100.0 * s.test_accuracy,
        100.0 * s.test_interval[0],
        100.0 * s.test_interval[1],
        s.test.n,
        100.0 * s.power_efficiency,
        100.0 * s.target_efficiency,
        s.worst_class_contrast,
        started.elapsed().as_secs_f64(),
        outcome.seconds,
    );
    if images {
        text += &format!("pictures: {}\n", out.join("images").display());
        text += &format!("report: {}\n", out.join(REPORT).display());
    }
    text + &format!("checkpoint: {}", out.join(run::CHECKPOINT).display())
}

fn nothing_to_resume(error: Error) -> Error {
    match &error {
        Error::File { why, .. } if why.kind() == std::io::ErrorKind::NotFound => error.help(
            "there is nothing to resume: leave --resume out to start, or give the --out of the run",
        ),
        _ => error,
    }
}

/// A checkpoint goes on only with the optic, data and seed that it began with.
fn same_optic(then: &str, now: &str, path: &std::path::Path) -> Result<()> {
    let parse = |text: &str| load::from_text("checkpoint", text, std::path::Path::new(""), &[]);
    let (then, now) = (parse(then)?.experiment, parse(now)?.experiment);
    let differs = |key: &str| {
        Err(Error::format(path, format!("was trained with another `{key}`"))
            .help("resume with the experiment.toml beside it, or train into another --out"))
    };
    if json(&then.optic) != json(&now.optic) {
        return differs("optic");
    }
    if json(&then.data) != json(&now.data) {
        return differs("data");
    }
    if then.seed != now.seed {
        return differs("seed");
    }
    let (Some(then), Some(now)) = (then.train, now.train) else { return differs("train") };
    if then.batch != now.batch {
        return differs("train.batch");
    }
    if json(&then.optimizer) != json(&now.optimizer) {
        return differs("train.optimizer");
    }
    Ok(())
}

/// A value by what it would be in a file.
fn json(v: &impl Serialize) -> Option<serde_json::Value> {
    serde_json::to_value(v).ok()
}
