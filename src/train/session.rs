//! An experiment made ready to run: data, program, device.

use std::sync::Arc;

use crate::backend::{Choice, Executor, Precision};
use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::experiment::Experiment;
use crate::lower::fuse::{fuse, halve};
use crate::lower::machine::Machine;
use crate::lower::{Plane, detect, loss};
use crate::methods::{self, recipe::SavedFields};
use crate::program::{Builder, Program, Role, SlotId};

/// Routines for looking, besides the method's own.
pub const EVAL: &str = "eval";
pub const SHOW: &str = "show";
/// Samples of one evaluation run.
pub const EVAL_BATCH: usize = 64;

/// What an evaluation reads per sample.
#[derive(Debug, Clone, Copy)]
pub struct EvalSlots {
    pub scores: SlotId,
    pub regions: SlotId,
    pub entering: SlotId,
    pub loss: SlotId,
}

pub struct Session {
    pub experiment: Experiment,
    pub data: Arc<Dataset>,
    /// Before it was fused: op by op, with the same slots.
    pub program: Arc<Program>,
    pub machine: Machine,
    pub executor: Box<dyn Executor>,
    pub choice: Choice,
    /// Fields are saved in f16.
    pub halved: bool,
    pub eval: EvalSlots,
    /// Planes that the `show` routine writes for one sample.
    pub planes: Vec<Plane>,
    /// Before each step of free space, likewise.
    pub before_steps: Vec<SlotId>,
    /// Steps of the whole run.
    pub steps: u64,
    pub steps_per_epoch: u64,
}

/// The program of a task and what the host finds in it.
struct Built {
    program: Program,
    machine: Machine,
    eval: EvalSlots,
    planes: Vec<Plane>,
    before_steps: Vec<SlotId>,
}

/// With the routine that trains it, or, where its meshes are matrices, without.
fn build(
    experiment: &Experiment,
    data: &Dataset,
    full_steps: u64,
    matrices: bool,
) -> Result<Built> {
    let mut b = Builder::default();
    let Some(recipe) = &experiment.train else {
        return Err(Error::invalid("train", "missing").help("add a [train] block"));
    };
    let (optic, image, classes) = (&experiment.optic, Some(data.image), data.classes.len());
    let make = if matrices { Machine::of_matrices } else { Machine::new };
    let machine = make(&mut b, optic, image, classes, experiment.seed)?;
    if !matrices {
        methods::of(recipe.method).build(&mut b, &machine, recipe, full_steps)?;
    }

    b.routine(EVAL, EVAL_BATCH);
    let light = machine.light(&mut b)?;
    let reading = detect::read(&mut b, &machine, &light)?;
    let loss = loss::emit(&mut b, &machine, &reading, &recipe.loss)?;
    let eval = EvalSlots {
        scores: reading.scores,
        regions: reading.regions,
        entering: reading.entering,
        loss,
    };
    b.output(eval.scores, "eval.scores");
    b.output(eval.regions, "eval.regions");
    b.output(eval.entering, "eval.entering");
    b.output(eval.loss, "eval.loss");

    b.routine(SHOW, 1);
    let light = machine.light(&mut b)?;
    let looked_at = light.planes.iter().map(|p| p.field).chain(light.steps.iter().copied());
    for (n, field) in looked_at.enumerate() {
        if matches!(b.slot(field).role, Role::Temp) {
            b.output(field, &format!("show.{n}"));
        }
    }
    let (planes, before_steps) = (light.planes, light.steps);
    Ok(Built { program: b.finish(), machine, eval, planes, before_steps })
}

impl Session {
    /// The device and the choices that decide the bits.
    pub fn plan(&self) -> String {
        let unfused = self.choice.precision == Precision::F32 && !self.choice.fuse;
        let mut plan = self.executor.describe();
        plan += if unfused { ", unfused" } else { "" };
        plan += if self.halved { ", saved fields in f16" } else { "" };
        plan
    }

    pub fn new(experiment: Experiment, data: Arc<Dataset>, choice: Choice) -> Result<Self> {
        Self::make(experiment, data, choice, false)
    }

    /// One that only evaluates, its meshes matrices that the host writes
    /// ([`Self::over_chips`]).
    pub fn of_chips(experiment: Experiment, data: Arc<Dataset>, choice: Choice) -> Result<Self> {
        Self::make(experiment, data, choice, true)
    }

    fn make(
        experiment: Experiment,
        data: Arc<Dataset>,
        choice: Choice,
        matrices: bool,
    ) -> Result<Self> {
        let Some(recipe) = &experiment.train else {
            return Err(Error::invalid("train", "missing").help("add a [train] block"));
        };
        let steps_per_epoch = (data.train.len() / recipe.batch) as u64;
        if steps_per_epoch == 0 {
            let rule =
                format!("{} is more than the {} training samples", recipe.batch, data.train.len());
            return Err(Error::invalid("train.batch", rule).help("use a smaller batch"));
        }
        // The schedule spans all epochs also where `train.steps` stops early.
        let full = steps_per_epoch * recipe.epochs as u64;
        let steps = recipe.steps.map_or(full, |s| s.min(full));
        let built = build(&experiment, &data, full, matrices)?;
        let program = Arc::new(built.program);
        let halves = choice.is_gpu() && recipe.saved_fields == SavedFields::F16;
        let mut compiled = Arc::clone(&program);
        let mut halved = false;
        if choice.fuses() {
            compiled = Arc::new(fuse(&program));
            if let Some(program) = halves.then(|| halve(&compiled)).flatten() {
                (compiled, halved) = (Arc::new(program), true);
            }
        }
        let executor = choice.compile(compiled)?;
        Ok(Self {
            experiment,
            data,
            program,
            machine: built.machine,
            executor,
            choice,
            halved,
            eval: built.eval,
            planes: built.planes,
            before_steps: built.before_steps,
            steps,
            steps_per_epoch,
        })
    }
}
