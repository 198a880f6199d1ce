//! The grid of a comparison: machines x sizes of their faults x methods x device seeds, one thread a
//! cell, each cell kept as it ends so that a run that was cut goes on.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use super::cell::{Cell, Outcome, Plan};
use super::session::{After, Course, Session};
use crate::backend::{Backend, Choice};
use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::experiment::{Experiment, check};
use crate::files::atomic;
use crate::methods::{self, recipe::MethodName};
use crate::optics::element::Element;

/// A machine with its task.
pub struct System {
    pub name: String,
    pub experiment: Experiment,
    pub data: Arc<Dataset>,
}

/// One cell: which machine, method and device, and how large its faults are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Key {
    pub system: String,
    pub method: MethodName,
    /// Of the device, and of the order of the data.
    pub seed: u64,
    /// Factor on the faults of the file ([`crate::optics::hardware::scale`]).
    #[serde(default = "as_given", skip_serializing_if = "is_as_given")]
    pub scale: f64,
}

fn as_given() -> f64 {
    1.0
}

fn is_as_given(scale: &impl PartialEq<f64>) -> bool {
    *scale == as_given()
}

/// A cell with what came out, or why nothing could.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Done {
    #[serde(flatten)]
    pub key: Key,
    /// Of everything that decides the outcome.
    pub request: String,
    /// Factor on the learning rate that the tuning chose.
    pub rate: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
}

/// What is compared.
pub struct Grid {
    pub systems: Vec<System>,
    pub methods: Vec<MethodName>,
    pub seeds: u64,
    /// Exposures of the device that a method may take, over which its schedule ends; those that need
    /// none, and those that stay below, stop with their epochs.
    pub shots: Option<u64>,
    /// Factors on the learning rate, of which a quarter of the run chooses one; as many for all.
    pub rates: Vec<f64>,
    pub looks: u64,
    pub samples: usize,
    /// Factors on the faults of every machine.
    pub scales: Vec<f64>,
    pub drift: Option<Drifting>,
}

/// What follows the training on a device that drifts.
#[derive(Debug, Clone, Copy)]
pub struct Drifting {
    pub steps: u64,
    /// Of the optimiser, over the file's learning rate: what is constant meanwhile.
    pub rate: f64,
}

/// What is told of a cell when it ends.
pub type Told<'a> = dyn Fn(&Done, usize, usize) + Sync + 'a;

impl Key {
    fn file(&self, folder: &Path) -> PathBuf {
        let method = format!("{:?}", self.method).to_lowercase();
        let scale =
            if is_as_given(&self.scale) { String::new() } else { format!(".x{}", self.scale) };
        folder.join(format!("{}.{method}.{}{scale}.json", self.system, self.seed))
    }
}

/// The experiment of a cell.
fn experiment_of(system: &System, key: &Key, rate: f64) -> Experiment {
    let mut experiment = system.experiment.clone();
    experiment.seed = experiment.seed.wrapping_add(key.seed);
    if let Some(hardware) = &mut experiment.hardware {
        *hardware = hardware.times(key.scale);
        hardware.seed = hardware.seed.wrapping_add(key.seed);
    }
    if let Some(recipe) = &mut experiment.train {
        recipe.method = key.method;
        recipe.optimizer.scale(rate);
    }
    experiment
}

impl Grid {
    fn keys(&self) -> Vec<(usize, Key)> {
        let mut all = Vec::new();
        for seed in 0..self.seeds {
            for (s, system) in self.systems.iter().enumerate() {
                for &scale in &self.scales {
                    for &method in &self.methods {
                        let key = Key { system: system.name.clone(), method, seed, scale };
                        // What is asked for twice is one cell.
                        if !all.iter().any(|(_, other)| *other == key) {
                            all.push((s, key));
                        }
                    }
                }
            }
        }
        all
    }

    /// Refuses sizes of faults that a machine cannot have, and drift of what does not drift.
    pub fn check(&self, experiment: &Experiment) -> Result<()> {
        let hardware = experiment.hardware.clone().unwrap_or_default();
        for &scale in self.scales.iter().filter(|scale| !is_as_given(*scale)) {
            if hardware.times(0.0) == hardware {
                let rule = "nothing whose size could be scaled";
                return Err(Error::invalid("hardware", rule).help(
                    "add a fault with a size, as hardware.mask.phase_std, or leave out --scales",
                ));
            }
            hardware.times(scale).check().map_err(|e| {
                Error::invalid("--scales", format!("at {scale} times the faults, {e}"))
                    .help("give smaller factors")
            })?;
        }
        if self.drift.is_some() && !hardware.drifts(&experiment.optic) {
            let has_mask =
                experiment.optic.element.iter().any(|e| matches!(e, Element::PhaseMask(_)));
            let [key, unit] = if has_mask {
                ["hardware.mask.drift_std", "radians a step of training"]
            } else {
                ["hardware.mesh.drift_std", "radians per √s"]
            };
            return Err(Error::invalid(key, "0, and --drift needs a device that drifts")
                .help(format!("add --set {key}=0.01 ({unit}), or leave out --drift")));
        }
        Ok(())
    }

    /// Refuses a method that does not suit the machine or its data: what held for the method of the
    /// file says nothing of the others.
    fn suits(system: &System, key: &Key) -> Result<()> {
        let experiment = experiment_of(system, key, 1.0);
        check::check(&experiment)?;
        check::with_data(&experiment.optic, &system.data)
    }

    /// Steps of a cell and of its schedule: as the recipe has them, or both as many as the device's
    /// exposures allow.
    fn steps(&self, experiment: &Experiment, data: &Dataset) -> Result<[u64; 2]> {
        let Some(recipe) = &experiment.train else {
            return Err(Error::invalid("train", "missing").help("add a [train] block"));
        };
        let method = methods::of(recipe, &experiment.optic, experiment.seed)?;
        let per_epoch = (data.train.len() / recipe.batch) as u64;
        let full = per_epoch * recipe.epochs as u64;
        let classes = data.classes.len();
        let each = method.charge(&experiment.optic, classes, recipe.batch as u64).shots;
        let most = self.shots.filter(|_| each > 0).map_or(u64::MAX, |shots| shots / each);
        let span = full.min(most).max(1);
        Ok([span.min(recipe.steps.unwrap_or(span)), span])
    }

    fn run(&self, system: &System, key: &Key, rate: f64, share: u64) -> Result<Outcome> {
        let experiment = experiment_of(system, key, rate);
        let [steps, span] = self.steps(&experiment, &system.data)?;
        let (steps, span) = (steps.div_ceil(share), Some(span));
        let mut timed = experiment.clone();
        if let Some(recipe) = &mut timed.train {
            recipe.steps = Some(steps);
        }
        let choice = Choice { threads: Some(1), backend: Backend::Cpu, ..Choice::default() };
        let (data, samples) = (Arc::clone(&system.data), self.samples);
        if share > 1 {
            let course = Course { span, after: None };
            let mut session = Session::on_course(timed, data, choice, course)?;
            return Cell::new(&mut session)?.run(&Plan { steps, looks: 1, samples, drift: None });
        }
        let drift = self.drift.map(|d| d.steps);
        let after = self.drift.map(|d| After { from: steps, steps: d.steps, factor: d.rate });
        let mut session = Session::with_ledger(timed, data, choice, Course { span, after })?;
        Cell::new(&mut session)?.run(&Plan { steps, looks: self.looks, samples, drift })
    }

    /// The rate whose quarter run reads the validation samples best.
    fn tuned(&self, system: &System, key: &Key) -> Result<f64> {
        let [only] = self.rates[..] else {
            let mut best = (f64::NEG_INFINITY, 1.0);
            for &rate in &self.rates {
                // A rate at which training breaks loses.
                let outcome = match self.run(system, key, rate, 4) {
                    Err(Error::NotFinite { .. }) => continue,
                    other => other?,
                };
                let seen = outcome.curve.last().map_or(0.0, |p| p.accuracy);
                if seen > best.0 {
                    best = (seen, rate);
                }
            }
            return Ok(best.1);
        };
        Ok(only)
    }

    /// What decides a cell's outcome, as text.
    fn request(&self, system: &System, key: &Key) -> Result<String> {
        let experiment = toml::to_string(&experiment_of(system, key, 1.0)).map_err(|e| {
            Error::format(Path::new(&system.name), format!("cannot be written: {e}"))
        })?;
        let drift =
            self.drift.map_or_else(String::new, |d| format!(" drift {} rate {}", d.steps, d.rate));
        let spans = if self.shots.is_some() { " with the schedule" } else { "" };
        Ok(format!(
            "{experiment}\nshots {:?}{spans} rates {:?} looks {} samples {} version {}{drift}",
            self.shots,
            self.rates,
            self.looks,
            self.samples,
            env!("CARGO_PKG_VERSION")
        ))
    }

    fn cell(&self, system: &System, key: &Key, file: &Path) -> Result<Done> {
        let (request, suits) = (self.request(system, key)?, Self::suits(system, key));
        if suits.is_ok()
            && let Ok(text) = std::fs::read_to_string(file)
            && let Ok(done) = serde_json::from_str::<Done>(&text)
            && done.request == request
        {
            return Ok(done);
        }
        let (mut rate, mut outcome, mut refused) = (1.0, None, None);
        match suits.and_then(|()| self.tuned(system, key)).and_then(|r| {
            rate = r;
            self.run(system, key, r, 1)
        }) {
            Ok(result) => outcome = Some(result),
            // A lab that does not start, or is of another machine, says nothing of the method.
            Err(Error::Invalid(why)) if !why.key.starts_with("hardware.lab") => {
                refused = Some(why.rule.clone());
            }
            Err(other @ Error::NotFinite { .. }) => refused = Some(other.to_string()),
            Err(other) => return Err(other),
        }
        let done = Done { key: key.clone(), request, rate, outcome, refused };
        atomic::write(file, |out| {
            serde_json::to_writer_pretty(&mut *out, &done)?;
            std::io::Write::write_all(out, b"\n")
        })?;
        Ok(done)
    }

    /// Runs every cell that `folder` does not hold yet, on so many threads; on one where a machine is
    /// a lab, of which there is one.
    pub fn fill(&self, folder: &Path, threads: usize, told: &Told<'_>) -> Result<Vec<Done>> {
        let keys = self.keys();
        let is_lab = |s: &System| s.experiment.hardware.as_ref().is_some_and(|h| h.lab.is_some());
        let threads = if self.systems.iter().any(is_lab) { 1 } else { threads };
        let next = AtomicUsize::new(0);
        let ended = AtomicUsize::new(0);
        let results: Mutex<Vec<(usize, Result<Done>)>> = Mutex::new(Vec::new());
        std::thread::scope(|scope| {
            for _ in 0..threads.min(keys.len()).max(1) {
                scope.spawn(|| {
                    loop {
                        let at = next.fetch_add(1, Ordering::Relaxed);
                        let Some((system, key)) = keys.get(at) else { return };
                        let result = self.cell(&self.systems[*system], key, &key.file(folder));
                        let failed = result.is_err();
                        if let Ok(done) = &result {
                            told(done, ended.fetch_add(1, Ordering::Relaxed) + 1, keys.len());
                        }
                        let mut all = results.lock().unwrap_or_else(PoisonError::into_inner);
                        all.push((at, result));
                        if failed {
                            // No cell begins after one that failed.
                            next.store(keys.len(), Ordering::Relaxed);
                        }
                    }
                });
            }
        });
        let mut all = results.into_inner().unwrap_or_else(PoisonError::into_inner);
        all.sort_by_key(|(at, _)| *at);
        all.into_iter().map(|(_, result)| result).collect()
    }
}
