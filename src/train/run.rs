//! The training loop: steps, epochs, metrics, checkpoints, and what happens when a number stops
//! being one.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::batch::{Feeder, Moves, Order};
use super::checkpoint::{self, Checkpoint, Progress};
use super::metrics::Evaluation;
use super::session::Session;
use crate::backend::cpu::{self, Cpu};
use crate::backend::{Executor, Precision};
use crate::error::{Error, Result};
use crate::math::scalar::Scalar;
use crate::methods::{self, Bench, Method, names};
use crate::program::{Data, SlotId};

/// A line of `metrics.jsonl`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EpochMetrics {
    pub epoch: u64,
    pub step: u64,
    pub train_loss: f64,
    pub val_loss: f64,
    pub val_accuracy: f64,
    pub power_efficiency: f64,
    /// Seconds of training so far, evaluation and checkpoints included.
    pub seconds: f64,
    pub images_per_s: f64,
}

/// What a run tells whoever watches it.
#[derive(Debug)]
pub enum Event<'a> {
    Started {
        steps: u64,
        from: u64,
        device: &'a str,
    },
    /// `loss` is the mean of the latest steps.
    Step {
        step: u64,
        loss: f64,
        images_per_s: f64,
    },
    Epoch(&'a EpochMetrics),
    /// The test set, read once, at the end.
    Tested(&'a Evaluation),
}

pub struct Outcome {
    pub metrics: Vec<EpochMetrics>,
    pub test: Evaluation,
    pub seconds: f64,
}

pub const METRICS: &str = "metrics.jsonl";
pub const CHECKPOINT: &str = "checkpoint.safetensors";

/// What the parameters were at the last look, to find where a NaN was born.
struct Snapshot {
    step: u64,
    kept: Vec<(SlotId, Data)>,
}

struct Loop<'a> {
    session: &'a mut Session,
    method: Box<dyn Method>,
    resolved: &'a str,
    out: PathBuf,
    order: Order,
    feeder: Feeder,
    moves: Moves,
    progress: Progress,
    /// Steps whose losses were read.
    seen: u64,
    started: Instant,
    earlier_seconds: f64,
    snapshot: Snapshot,
}

/// Trains from where `resume` stands, or from the start, and writes into `out`.
pub fn train(
    session: &mut Session,
    resolved: &str,
    out: &Path,
    resume: Option<&Checkpoint>,
    watch: &mut dyn FnMut(Event<'_>),
) -> Result<Outcome> {
    let Some(recipe) = session.experiment.train.clone() else {
        return Err(Error::invalid("train", "missing").help("add a [train] block"));
    };
    let plan = session.plan();
    let mut progress = Progress { step: 0, epoch_loss: 0.0, seconds: 0.0, plan: plan.clone() };
    let metrics_path = out.join(METRICS);
    let mut metrics = Vec::new();
    if let Some(checkpoint) = resume {
        checkpoint.load(&out.join(CHECKPOINT), &mut *session.executor, true)?;
        progress = Progress { plan: plan.clone(), ..checkpoint.progress.clone() };
        metrics = read_metrics(&metrics_path, progress.step)?;
    }
    write_metrics(&metrics_path, &metrics)?;

    let size = session.data.image[0] * session.data.image[1];
    let mut looping = Loop {
        method: methods::of(&recipe, &session.experiment.optic, session.experiment.seed)?,
        resolved,
        out: out.to_owned(),
        order: Order::new(session.experiment.seed, session.data.train.len(), recipe.batch),
        feeder: Feeder::new(size, recipe.batch),
        moves: Moves {
            most: session.data.shift,
            seed: session.experiment.seed,
            image: session.data.image,
        },
        seen: progress.step,
        started: Instant::now(),
        earlier_seconds: progress.seconds,
        snapshot: Snapshot { step: 0, kept: Vec::new() },
        progress,
        session,
    };
    looping.look()?;
    let (steps, from) = (looping.session.steps, looping.progress.step);
    watch(Event::Started { steps, from, device: &plan });
    if resume.is_none() {
        // A run that cannot write its checkpoints says so before it trains.
        looping.checkpoint()?;
    }
    let per_epoch = looping.session.steps_per_epoch;
    let mut epoch_started = (Instant::now(), from);
    let mut reported = Instant::now();
    while looping.progress.step < steps {
        looping.step(recipe.batch)?;
        let step = looping.progress.step;
        let ends_epoch = step.is_multiple_of(per_epoch) || step == steps;
        let (since, first) = epoch_started;
        let rate = ((step - first) as usize * recipe.batch) as f64 / since.elapsed().as_secs_f64();
        if ends_epoch
            || step - looping.seen == names::RING as u64
            || reported.elapsed().as_millis() > 250
        {
            let loss = looping.read_losses(recipe.batch)?;
            watch(Event::Step { step, loss, images_per_s: rate });
            reported = Instant::now();
        }
        if ends_epoch {
            let line = looping.end_epoch(rate)?;
            append(&metrics_path, &line)?;
            watch(Event::Epoch(&line));
            metrics.push(line);
            looping.checkpoint()?;
            epoch_started = (Instant::now(), step);
        } else if step.is_multiple_of(recipe.checkpoint_every) {
            looping.read_losses(recipe.batch)?;
            looping.checkpoint()?;
        }
    }
    let seconds = looping.seconds();
    let data = Arc::clone(&looping.session.data);
    let test = looping.session.evaluate(&data.test, 0..data.test.len())?;
    watch(Event::Tested(&test));
    Ok(Outcome { metrics, test, seconds })
}

impl Loop<'_> {
    fn seconds(&self) -> f64 {
        self.earlier_seconds + self.started.elapsed().as_secs_f64()
    }

    fn step(&mut self, batch: usize) -> Result<()> {
        let samples = self.order.at(self.progress.step).iter().map(|&i| i as usize);
        let executor = &mut *self.session.executor;
        let train = &self.session.data.train;
        let moves = (&self.moves, self.progress.step);
        self.feeder.feed_moved(executor, &self.session.machine, train, samples, moves)?;
        self.method.step(&mut Bench { executor, count: batch })?;
        self.progress.step += 1;
        Ok(())
    }

    /// Reads the losses since the last look; their mean.
    fn read_losses(&mut self, batch: usize) -> Result<f64> {
        let executor = &mut *self.session.executor;
        let Some(slot) = executor.program().find(names::LOSS_RING) else { return Ok(f64::NAN) };
        let ring = executor.read(slot)?;
        let new = self.seen..self.progress.step;
        let count = (new.end - new.start).max(1) as f64;
        let mut sum = 0.0;
        for step in new {
            let loss = ring.reals()[step as usize % names::RING];
            if !loss.is_finite() {
                return Err(self.find_birth(step, batch));
            }
            sum += loss;
            // Step by step: when the ring happens to be read must not change a bit.
            self.progress.epoch_loss += loss;
        }
        self.seen = self.progress.step;
        self.look()?;
        Ok(sum / count)
    }

    fn look(&mut self) -> Result<()> {
        let executor = &mut *self.session.executor;
        let ids: Vec<SlotId> = executor.program().kept().map(|(id, _)| id).collect();
        let mut kept = Vec::with_capacity(ids.len());
        for id in ids {
            kept.push((id, executor.read(id)?));
        }
        self.snapshot = Snapshot { step: self.progress.step, kept };
        Ok(())
    }

    /// Goes again over the steps since the last look, on the CPU, up to the op that made the
    /// first number that is not finite.
    fn find_birth(&mut self, step: u64, batch: usize) -> Error {
        let unknown = Error::NotFinite {
            step,
            op: "training".into(),
            slot: "the loss".into(),
            help: Some("lower train.optimizer.lr".into()),
        };
        let born = match self.session.choice.precision {
            Precision::F32 => self.trace::<f32>(step, batch),
            Precision::F64 => self.trace::<f64>(step, batch),
        };
        born.unwrap_or(unknown)
    }

    fn trace<T: Scalar>(&mut self, step: u64, batch: usize) -> Option<Error> {
        let program = Arc::clone(&self.session.program);
        let pool = cpu::pool(self.session.choice.threads).ok()?;
        let mut executor = Cpu::<T>::new(program, pool).ok()?;
        for (id, data) in &self.snapshot.kept {
            executor.write(*id, data).ok()?;
        }
        for step in self.snapshot.step..=step {
            let samples: Vec<usize> = self.order.at(step).iter().map(|&i| i as usize).collect();
            let train = &self.session.data.train;
            let machine = &self.session.machine;
            let (samples, moves) = (samples.into_iter(), (&self.moves, step));
            self.feeder.feed_moved(&mut executor, machine, train, samples, moves).ok()?;
            if let Some((op, slot)) = executor.trace(names::TRAIN, batch).ok()? {
                let help = "lower train.optimizer.lr, or raise train.loss.temperature";
                return Some(Error::NotFinite { step, op, slot, help: Some(help.into()) });
            }
        }
        None
    }

    fn end_epoch(&mut self, images_per_s: f64) -> Result<EpochMetrics> {
        let data = Arc::clone(&self.session.data);
        let val = self.session.evaluate(&data.val, 0..data.val.len())?;
        let (step, per_epoch) = (self.progress.step, self.session.steps_per_epoch);
        let in_epoch = (step - 1) % per_epoch + 1;
        let line = EpochMetrics {
            epoch: step.div_ceil(per_epoch),
            step,
            train_loss: self.progress.epoch_loss / in_epoch as f64,
            val_loss: val.loss,
            val_accuracy: val.accuracy,
            power_efficiency: val.power_efficiency,
            seconds: self.seconds(),
            images_per_s,
        };
        // A run that `train.steps` ends inside an epoch may go on in it.
        if in_epoch == per_epoch {
            self.progress.epoch_loss = 0.0;
        }
        Ok(line)
    }

    fn checkpoint(&mut self) -> Result<()> {
        self.progress.seconds = self.seconds();
        let path = self.out.join(CHECKPOINT);
        let precision = self.session.choice.precision;
        checkpoint::write(
            &path,
            &mut *self.session.executor,
            self.resolved,
            &self.progress,
            precision,
        )
    }
}

/// The lines that a run had written by `step`; later ones belong to steps that run again.
pub fn read_metrics(path: &Path, step: u64) -> Result<Vec<EpochMetrics>> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(Error::file(path, "read", e)),
    };
    let last = text.lines().count();
    let mut all = Vec::new();
    for (n, line) in (1..).zip(text.lines()) {
        match serde_json::from_str::<EpochMetrics>(line) {
            Ok(metrics) if metrics.step <= step => all.push(metrics),
            Ok(_) => break,
            // What a kill cut short belongs to a step that runs again.
            Err(_) if n == last => break,
            Err(e) => {
                return Err(Error::format(path, format!("line {n} is none of its metrics: {e}"))
                    .help("repair the line, or take it out"));
            }
        }
    }
    Ok(all)
}

fn write_metrics(path: &Path, metrics: &[EpochMetrics]) -> Result<()> {
    crate::files::atomic::write(path, |out| {
        for line in metrics {
            writeln!(out, "{}", serde_json::to_string(line)?)?;
        }
        Ok(())
    })
}

fn append(path: &Path, line: &EpochMetrics) -> Result<()> {
    let write = || -> std::io::Result<()> {
        let mut file = OpenOptions::new().append(true).open(path)?;
        writeln!(file, "{}", serde_json::to_string(line)?)
    };
    write().map_err(|e| Error::file(path, "write", e))
}
