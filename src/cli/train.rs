//! `lightloom train EXPERIMENT.toml --out DIR`.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use clap::Args;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::show::Watcher;
use super::{Common, make_folder, peak_rss_mb, print, print_json, write_json};
use crate::backend::Choice;
use crate::bench::host::Host;
use crate::data;
use crate::error::{Error, Result};
use crate::experiment::{Experiment, load};
use crate::files::atomic;
use crate::methods::recipe::Schedule;
use crate::optics::sampling::StepReport;
use crate::render::ticks;
use crate::report::html::{self, REPORT, Run, SUMMARY};
use crate::report::pictures;
use crate::train::evaluate::Geometry;
use crate::train::{Evaluation, Session, checkpoint, run};

#[derive(Debug, Args)]
pub struct Train {
    /// An experiment file, or the name of a built-in one.
    experiment: PathBuf,
    /// Folder for the results, in place of those of an earlier run there; runs/NAME when absent.
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
            same_run(&found.experiment, &resolved, &checkpoint_path)?;
            // Before anything is taken out of the way.
            run::read_metrics(&out.join(run::METRICS), found.progress.step)?;
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
        let goes_on = resume.as_ref().map(|found| found.progress.step < session.steps);
        let cleared = clear(&out, goes_on)?;
        if !common.json {
            for note in &cleared {
                eprintln!("{note}");
            }
        }
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
        write_json(&out.join(SUMMARY), &summary)?;
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
        let dark = darkness(summary.power_efficiency, &session.experiment);
        print(&report(&summary, &outcome, started, &out, (dark, !self.no_images)))
    }
}

/// What other commands made of an earlier run's checkpoint, or beside it.
const OF_OTHERS: [&str; 2] = ["energy", "compare"];

/// Takes what an earlier run left out of the way of a new one, or of one that is resumed (`goes_on`:
/// whether steps are left to it): its summary, page and pictures are removed; what other commands took
/// time for is kept under another name, which no page reads. Returns what to say of it.
fn clear(out: &Path, goes_on: Option<bool>) -> Result<Vec<String>> {
    let mut notes = Vec::new();
    if !out.join(run::CHECKPOINT).exists() || goes_on == Some(false) {
        return Ok(notes);
    }
    if goes_on.is_none() {
        notes.push(format!(
            "{} holds an earlier run, which this one replaces; --resume goes on with one, and another --out keeps it",
            out.display()
        ));
    }
    for name in [SUMMARY, REPORT] {
        remove(&out.join(name))?;
    }
    if let Ok(images) = std::fs::read_dir(out.join("images")) {
        for image in images.flatten().map(|entry| entry.path()) {
            if image.file_name().and_then(|name| name.to_str()).is_some_and(pictures::is_of_run) {
                remove(&image)?;
            }
        }
    }
    // A comparison is of the experiment, with which a resumed run goes on.
    let stale = if goes_on.is_some() { &OF_OTHERS[..1] } else { &OF_OTHERS[..] };
    for name in stale {
        let from = out.join(format!("{name}.json"));
        if from.exists() {
            let mut kept = format!("{name}.earlier.json");
            let mut number = 1;
            while out.join(&kept).exists() {
                number += 1;
                kept = format!("{name}.earlier.{number}.json");
            }
            let to = out.join(&kept);
            std::fs::rename(&from, &to).map_err(|e| Error::file(&to, "write", e))?;
            notes.push(format!("{name}.json is of the earlier run: kept as {kept}"));
        }
    }
    Ok(notes)
}

/// Removes a file, if it is there.
fn remove(path: &Path) -> Result<()> {
    match std::fs::remove_file(path) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(Error::file(path, "write", e)),
        _ => Ok(()),
    }
}

fn report(
    s: &Summary,
    outcome: &run::Outcome,
    started: Instant,
    out: &Path,
    (dark, images): (&str, bool),
) -> String {
    let memory = s.peak_rss_mb.map_or(String::new(), |mb| format!(", {mb:.0} MB at most"));
    let mut text = format!(
        "test accuracy {:.2} % (95 % interval {:.2} to {:.2} %), {} test samples\n\
         light: {} % of it on the detector, {} % on the right region; worst-class contrast {:.3}\n\
         {:.0} s in all, {:.0} s of training{memory}\n",
        100.0 * s.test_accuracy,
        100.0 * s.test_interval[0],
        100.0 * s.test_interval[1],
        s.test.n,
        ticks::short(100.0 * s.power_efficiency),
        ticks::short(100.0 * s.target_efficiency),
        s.worst_class_contrast,
        started.elapsed().as_secs_f64(),
        outcome.seconds,
    );
    text += dark;
    if images {
        text += &format!("pictures: {}\n", out.join("images").display());
        text += &format!("report: {}\n", out.join(REPORT).display());
    }
    text + &format!("checkpoint: {}", out.join(run::CHECKPOINT).display())
}

/// What to look at where no light was read; a line of its own.
pub fn darkness(power_efficiency: f64, experiment: &Experiment) -> &'static str {
    let has_converter = experiment.hardware.as_ref().is_some_and(|h| h.detector.bits.is_some());
    match (power_efficiency == 0.0, has_converter) {
        (false, _) => "",
        (true, false) => "no light was read: none reaches the regions\n",
        (true, true) => {
            "no light was read: readings may lie below the first step of hardware.detector.bits, which a \
             single pixel of a camera between layers does long before a region; lower \
             detector.full_scale\n"
        }
    }
}

fn nothing_to_resume(error: Error) -> Error {
    match &error {
        Error::File { why, .. } if why.kind() == std::io::ErrorKind::NotFound => error.help(
            "there is nothing to resume: leave --resume out to start, or give the --out of the run",
        ),
        _ => error,
    }
}

/// A checkpoint goes on only with what it began with, but for where the run stops and how often it is
/// kept; the learning rates of a schedule that knows no end stay as they were.
fn same_run(then: &str, now: &str, path: &Path) -> Result<()> {
    let parse = |text: &str| load::from_text("checkpoint", text, Path::new(""), &[]);
    let (then, now) = (lasting(&parse(then)?.experiment)?, lasting(&parse(now)?.experiment)?);
    let Some((block, key, then, now)) = difference(&then, &now) else { return Ok(()) };
    let [then, now] = [then, now].map(|v| if v.is_null() { "unset".into() } else { v.to_string() });
    let mut what = format!("was trained with another `{block}`");
    if then.len().max(now.len()) <= MOST_SHOWN {
        what += &format!(": {key} was {then}, and is {now}");
    } else if key != block {
        what += &format!(", at {key}");
    }
    Err(Error::format(path, what)
        .help("resume with the experiment.toml beside it, or train into another --out"))
}

/// Characters of a value that a message has room for.
const MOST_SHOWN: usize = 60;

/// The blocks of an experiment, and the keys of its [train], that a resumed run must share.
fn lasting(experiment: &Experiment) -> Result<Map<String, Value>> {
    let mut hardware = experiment.hardware.clone().unwrap_or_default();
    if let Some(lab) = &mut hardware.lab {
        lab.timeout_s = 0.0;
    }
    let all = json!({
        "seed": experiment.seed,
        "data": value(&experiment.data)?,
        "optic": value(&experiment.optic)?,
        "hardware": value(&hardware)?,
    });
    let (Value::Object(mut all), Value::Object(recipe)) = (all, value(&experiment.train)?) else {
        return Err(Error::invalid("train", "missing").help("add a [train] block"));
    };
    let mut free = vec!["steps", "checkpoint_every"];
    if experiment.train.as_ref().is_some_and(|r| matches!(r.schedule, Schedule::Constant(_))) {
        free.push("epochs");
    }
    let kept = recipe.into_iter().filter(|(key, _)| !free.contains(&key.as_str()));
    all.extend(kept.map(|(key, value)| (format!("train.{key}"), value)));
    Ok(all)
}

/// What it would be in a file.
fn value(part: &impl Serialize) -> Result<Value> {
    serde_json::to_value(part).map_err(|e| Error::invalid("", format!("cannot be written: {e}")))
}

/// The first block that differs, and where in it, with both values.
fn difference<'a>(
    then: &'a Map<String, Value>,
    now: &'a Map<String, Value>,
) -> Option<(&'a str, String, &'a Value, &'a Value)> {
    let (block, a, b) = first(then, now)?;
    let (mut key, mut a, mut b) = (block.to_owned(), a, b);
    loop {
        (a, b) = match (a, b) {
            (Value::Object(one), Value::Object(other)) => {
                let Some((inner, a, b)) = first(one, other) else { break };
                key += &format!(".{inner}");
                (a, b)
            }
            (Value::Array(one), Value::Array(other)) if one.len() == other.len() => {
                let mut pairs = one.iter().zip(other).enumerate();
                let Some((i, pair)) = pairs.find(|(_, (a, b))| a != b) else { break };
                key += &format!("[{i}]");
                pair
            }
            _ => break,
        };
    }
    Some((block, key, a, b))
}

/// The first key with two values, of which one may be missing.
fn first<'a>(
    then: &'a Map<String, Value>,
    now: &'a Map<String, Value>,
) -> Option<(&'a str, &'a Value, &'a Value)> {
    let keys = then.keys().chain(now.keys());
    let pair = |key: &'a String| {
        let [a, b] = [then, now].map(|map| map.get(key).unwrap_or(&Value::Null));
        (key.as_str(), a, b)
    };
    keys.map(pair).find(|(_, a, b)| a != b)
}
