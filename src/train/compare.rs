//! The grid of a comparison: machines x sizes of their faults x methods x device seeds, one thread a
//! cell, each cell kept as it ends so that a run that was cut goes on.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use super::cell::{Cell, Outcome, Plan};
use super::digest::digest;
use super::session::{After, Course, Session};
use crate::backend::{Backend, Choice};
use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::experiment::{Experiment, check};
use crate::files::atomic;
use crate::methods;
use crate::methods::recipe::{Length, MOST_STEPS, MethodName, Recipe};
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
    /// Why the method does not suit the machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
    /// Where its numbers stopped being finite.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<String>,
}

/// What is compared.
pub struct Grid {
    pub systems: Vec<System>,
    pub methods: Vec<MethodName>,
    pub seeds: u64,
    /// Exposures of the device that a method may take, over which its schedule ends; those that need
    /// none, and those that stay below, stop with their epochs, and those of which a step takes more
    /// are refused.
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

fn recipe_of(experiment: &Experiment) -> Result<&Recipe> {
    let missing = || Error::invalid("train", "missing").help("add a [train] block");
    experiment.train.as_ref().ok_or_else(missing)
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

/// A cell's run, or a part of it.
struct Timed {
    experiment: Experiment,
    steps: u64,
    /// Steps of the schedule.
    span: Option<u64>,
}

fn on_a_thread() -> Choice {
    Choice { threads: Some(1), backend: Backend::Cpu, ..Choice::default() }
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

    /// Refuses what no method could do anything about: a run that is none on its data, sizes of faults
    /// that a machine cannot have, and drift of what does not drift.
    pub fn check(&self, experiment: &Experiment, data: &Dataset) -> Result<()> {
        let Length { steps, .. } = recipe_of(experiment)?.length(data.train.len())?;
        if let Some(more) = self.drift.map(|d| d.steps)
            && steps.saturating_add(more) > MOST_STEPS
        {
            let rule = format!(
                "{more} steps after {steps} of training are more than the {MOST_STEPS} that a run may have"
            );
            return Err(
                Error::invalid("--drift", rule).help(format!("use at most {}", MOST_STEPS - steps))
            );
        }
        let hardware = experiment.hardware.clone().unwrap_or_default();
        for &scale in self.scales.iter().filter(|scale| !is_as_given(*scale)) {
            if hardware.times(0.0) == hardware {
                let rule = "nothing whose size could be scaled";
                return Err(Error::invalid("hardware", rule).help(
                    "add a fault with a size, as hardware.mask.phase_std, or leave out --scales",
                ));
            }
            check::hardware_of(&experiment.optic, &hardware.times(scale)).map_err(|e| {
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
        let recipe = recipe_of(experiment)?;
        let Length { full, steps, .. } = recipe.length(data.train.len())?;
        let method = methods::of(recipe, &experiment.optic, experiment.seed)?;
        let classes = data.classes.len();
        let each = method.charge(&experiment.optic, classes, recipe.batch as u64).shots;
        let most = match self.shots {
            Some(shots) if each > shots => {
                let name = recipe.method.name();
                let rule = format!("a step of {name} takes {each} exposures, more than {shots}");
                return Err(Error::invalid("--shots", rule)
                    .help("allow more, or use a smaller train.batch"));
            }
            Some(shots) if each > 0 => shots / each,
            _ => u64::MAX,
        };
        let span = full.min(most);
        Ok([steps.min(span), span])
    }

    /// The experiment of a cell that ends with its steps, and the steps of its schedule; of a part of
    /// the run where `share` is more than 1.
    fn timed(&self, system: &System, key: &Key, rate: f64, share: u64) -> Result<Timed> {
        let mut experiment = experiment_of(system, key, rate);
        let [steps, span] = self.steps(&experiment, &system.data)?;
        let steps = steps.div_ceil(share);
        if let Some(recipe) = &mut experiment.train {
            recipe.steps = Some(steps);
        }
        Ok(Timed { experiment, steps, span: Some(span) })
    }

    fn run(&self, system: &System, key: &Key, rate: f64) -> Result<Outcome> {
        let Timed { experiment, steps, span } = self.timed(system, key, rate, 1)?;
        let (data, looks, samples) = (Arc::clone(&system.data), self.looks, self.samples);
        let drift = self.drift.map(|d| d.steps);
        let after = self.drift.map(|d| After { from: steps, steps: d.steps, factor: d.rate });
        let course = Course { span, after };
        let mut session = Session::with_ledger(experiment, data, on_a_thread(), course)?;
        Cell::new(&mut session)?.run(&Plan { steps, looks, samples, drift })
    }

    /// Validation accuracy at the end of a quarter of the run.
    fn tried(&self, system: &System, key: &Key, rate: f64) -> Result<f64> {
        let Timed { experiment, steps, span } = self.timed(system, key, rate, 4)?;
        let (data, course) = (Arc::clone(&system.data), Course { span, after: None });
        let mut session = Session::on_course(experiment, data, on_a_thread(), course)?;
        let plan = Plan { steps, looks: 1, samples: self.samples, drift: None };
        let (curve, _) = Cell::new(&mut session)?.train(&plan)?;
        Ok(curve.last().map_or(0.0, |p| p.accuracy))
    }

    /// The rate whose quarter run reads the validation samples best.
    fn tuned(&self, system: &System, key: &Key) -> Result<f64> {
        if let [only] = self.rates[..] {
            return Ok(only);
        }
        let mut best: Option<(f64, f64)> = None;
        let mut broke = None;
        for &rate in &self.rates {
            match self.tried(system, key, rate) {
                Ok(seen) if best.is_none_or(|(most, _)| seen > most) => best = Some((seen, rate)),
                Ok(_) => {}
                // A rate at which training breaks loses.
                Err(why @ Error::NotFinite { .. }) => broke = Some(why),
                Err(other) => return Err(other),
            }
        }
        match (best, broke) {
            (Some((_, rate)), _) => Ok(rate),
            (None, Some(why)) => Err(why),
            (None, None) => Ok(1.0),
        }
    }

    /// What decides a cell's outcome, as text; `read` is the digest of what is read.
    fn request(&self, system: &System, key: &Key, read: &str) -> Result<String> {
        let experiment = toml::to_string(&experiment_of(system, key, 1.0)).map_err(|e| {
            Error::format(Path::new(&system.name), format!("cannot be written: {e}"))
        })?;
        let drift =
            self.drift.map_or_else(String::new, |d| format!(" drift {} rate {}", d.steps, d.rate));
        let spans = if self.shots.is_some() { " with the schedule" } else { "" };
        Ok(format!(
            "{experiment}\nshots {:?}{spans} rates {:?} looks {} samples {} version {}{drift} read {read}",
            self.shots,
            self.rates,
            self.looks,
            self.samples,
            env!("CARGO_PKG_VERSION")
        ))
    }

    fn cell(&self, system: &System, key: &Key, read: &str, file: &Path) -> Result<Done> {
        let (request, suits) = (self.request(system, key, read)?, Self::suits(system, key));
        if suits.is_ok()
            && let Ok(text) = std::fs::read_to_string(file)
            && let Ok(done) = serde_json::from_str::<Done>(&text)
            && done.request == request
        {
            return Ok(done);
        }
        let (mut rate, mut outcome, mut refused, mut failed) = (1.0, None, None, None);
        match suits.and_then(|()| self.tuned(system, key)).and_then(|r| {
            rate = r;
            self.run(system, key, r)
        }) {
            Ok(result) => outcome = Some(result),
            // A lab that does not start, or is of another machine, says nothing of the method.
            Err(Error::Invalid(why)) if !why.key.starts_with("hardware.lab") => {
                refused = Some(Error::Invalid(why).to_string());
            }
            Err(why @ Error::NotFinite { .. }) => failed = Some(why.to_string()),
            Err(other) => return Err(other),
        }
        let done = Done { key: key.clone(), request, rate, outcome, refused, failed };
        atomic::write(file, |out| {
            serde_json::to_writer_pretty(&mut *out, &done)?;
            std::io::Write::write_all(out, b"\n")
        })?;
        Ok(done)
    }

    /// Runs every cell that `folder` does not hold yet, on so many threads; on one where a machine is
    /// a lab, of which there is one. A cell that is there is kept where its experiment, and all that
    /// this reads, are the same.
    pub fn fill(&self, folder: &Path, threads: usize, told: &Told<'_>) -> Result<Vec<Done>> {
        let keys = self.keys();
        let read = |s: &System| digest(&s.experiment, &s.data, self.samples);
        let read = self.systems.iter().map(read).collect::<Result<Vec<_>>>()?;
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
                        let Some((s, key)) = keys.get(at) else { return };
                        let file = key.file(folder);
                        let result = self.cell(&self.systems[*s], key, &read[*s], &file);
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
