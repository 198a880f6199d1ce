//! An experiment made ready to run: data, program, device.

use std::sync::Arc;
use std::time::Duration;

use crate::backend::{Choice, Executor, Precision};
use crate::data::Dataset;
use crate::data::principal::principal;
use crate::error::{Error, Result};
use crate::experiment::Experiment;
use crate::lab::{client::Client, executor::LabExecutor};
use crate::lower::fuse::{fuse, halve};
use crate::lower::machine::Machine;
use crate::lower::{Plane, detect, loss};
use crate::methods::oracle::{self, Entry};
use crate::methods::recipe::{Length, Recipe, SavedFields};
use crate::methods::{self, Pair, step};
use crate::optics::Optic;
use crate::optics::encoding::{Front, Learnt};
use crate::program::{Builder, Program, Role, SlotId};

/// Routines for looking, besides the method's own.
pub const EVAL: &str = "eval";
/// On the twin, where a device is not ideal.
pub const EVAL_TWIN: &str = "eval.twin";
pub const SHOW: &str = "show";
/// Samples of one evaluation run.
pub const EVAL_BATCH: usize = 64;

/// What an evaluation reads per sample.
#[derive(Debug, Clone, Copy)]
pub struct EvalSlots {
    pub routine: &'static str,
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
    /// The device.
    pub machine: Machine,
    pub executor: Box<dyn Executor>,
    pub choice: Choice,
    /// Fields are saved in f16.
    pub halved: bool,
    /// On the device.
    pub eval: EvalSlots,
    /// On the twin, where the device is another machine.
    pub twin: Option<EvalSlots>,
    /// How the method's gradient lies to the device's own, where that was asked for.
    pub ledger: Vec<Entry>,
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
    twin: Option<EvalSlots>,
    ledger: Vec<Entry>,
    planes: Vec<Plane>,
    before_steps: Vec<SlotId>,
}

/// What a session is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum For {
    Training,
    /// With the routine that holds the method against the oracle.
    Ledger,
    /// Its meshes are matrices that the host writes; nothing trains.
    Chips,
}

/// How the learning rate of a run goes where that is not the recipe's schedule over all epochs.
#[derive(Debug, Clone, Copy, Default)]
pub struct Course {
    /// Steps that the schedule spans in place of all epochs.
    pub span: Option<u64>,
    pub after: Option<After>,
}

/// Steps that follow those of a run.
#[derive(Debug, Clone, Copy)]
pub struct After {
    /// Where the run ends.
    pub from: u64,
    pub steps: u64,
    /// Of each, on the learning rate, in place of the schedule's.
    pub factor: f64,
}

/// Lets the front end of an optic learn from the training set, where it is one that does and has not yet.
pub fn learn_front(optic: &mut Optic, data: &Dataset) -> Result<()> {
    let (Some(modes), Some(encoding)) = (optic.modes, &mut optic.input) else { return Ok(()) };
    if encoding.front != Some(Front::Pca) || encoding.learnt.is_some() {
        return Ok(());
    }
    let values = data.image[0] * data.image[1];
    let found = principal(&data.train, values, modes)?;
    let component = |k: usize| &found.components[k * values..][..values];
    let offset = |k: usize| -component(k).iter().zip(&found.mean).map(|(c, m)| c * m).sum::<f64>();
    encoding.learnt = Some(Arc::new(Learnt {
        images: (0..values * modes).map(|at| component(at % modes)[at / modes]).collect(),
        offset: (0..modes).map(offset).collect(),
    }));
    Ok(())
}

fn build(experiment: &Experiment, data: &Dataset, factors: &[f64], purpose: For) -> Result<Built> {
    let matrices = purpose == For::Chips;
    let mut b = Builder::default();
    let Some(recipe) = &experiment.train else {
        return Err(Error::invalid("train", "missing").help("add a [train] block"));
    };
    let (optic, image, classes) = (&experiment.optic, Some(data.image), data.classes.len());
    let make = if matrices { Machine::of_matrices } else { Machine::new };
    let machine = make(&mut b, optic, image, classes, experiment.seed)?;
    let hardware = experiment.hardware.clone().unwrap_or_default();
    let (pair, device) = Pair::new(&mut b, machine, &hardware);
    let mut ledger = Vec::new();
    if !matrices {
        let method = methods::of(recipe, optic, experiment.seed)?;
        method.build(&mut b, &pair, recipe, factors)?;
        if purpose == For::Ledger && method.has_gradient() {
            ledger = oracle::ledger(&mut b, &*method, &pair, recipe)?;
        }
    }
    let eval = evaluation(&mut b, EVAL, &device, recipe)?;
    let differs = device.device.is_some() || device.lab.is_some();
    let twin =
        if differs { Some(evaluation(&mut b, EVAL_TWIN, &pair.twin, recipe)?) } else { None };

    b.routine(SHOW, 1);
    let light = device.light(&mut b)?;
    let looked_at = light.planes.iter().map(|p| p.field).chain(light.steps.iter().copied());
    for (n, field) in looked_at.enumerate() {
        if matches!(b.slot(field).role, Role::Temp) {
            b.output(field, &format!("show.{n}"));
        }
    }
    let (planes, before_steps) = (light.planes, light.steps);
    Ok(Built { program: b.finish(), machine: device, eval, twin, ledger, planes, before_steps })
}

/// Emits the routine that reads a batch on a machine.
fn evaluation(
    b: &mut Builder,
    routine: &'static str,
    machine: &Machine,
    recipe: &Recipe,
) -> Result<EvalSlots> {
    b.routine(routine, EVAL_BATCH);
    let light = machine.light(b)?;
    let reading = detect::read(b, machine, &light)?;
    let loss = loss::emit(b, machine, &reading, &recipe.loss)?;
    let eval = EvalSlots {
        routine,
        scores: reading.scores,
        regions: reading.regions,
        entering: reading.entering,
        loss,
    };
    b.output(eval.scores, &format!("{routine}.scores"));
    b.output(eval.regions, &format!("{routine}.regions"));
    b.output(eval.entering, &format!("{routine}.entering"));
    b.output(eval.loss, &format!("{routine}.loss"));
    b.section("count");
    step::next_shot(b)?;
    Ok(eval)
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
        Self::on_course(experiment, data, choice, Course::default())
    }

    pub fn on_course(
        experiment: Experiment,
        data: Arc<Dataset>,
        choice: Choice,
        course: Course,
    ) -> Result<Self> {
        Self::make(experiment, data, choice, For::Training, course)
    }

    /// One that can hold its method against the oracle ([`Self::ledger`]).
    pub fn with_ledger(
        experiment: Experiment,
        data: Arc<Dataset>,
        choice: Choice,
        course: Course,
    ) -> Result<Self> {
        Self::make(experiment, data, choice, For::Ledger, course)
    }

    /// One that only evaluates, its meshes matrices that the host writes
    /// ([`Self::over_chips`]).
    pub fn of_chips(experiment: Experiment, data: Arc<Dataset>, choice: Choice) -> Result<Self> {
        Self::make(experiment, data, choice, For::Chips, Course::default())
    }

    fn make(
        mut experiment: Experiment,
        data: Arc<Dataset>,
        choice: Choice,
        purpose: For,
        course: Course,
    ) -> Result<Self> {
        let Some(recipe) = &experiment.train else {
            return Err(Error::invalid("train", "missing").help("add a [train] block"));
        };
        let Length { per_epoch, full, steps } = recipe.length(data.train.len())?;
        let mut factors = recipe.schedule.factors(course.span.unwrap_or(full));
        if let Some(After { from, steps, factor }) = course.after {
            factors.truncate(from as usize);
            factors.resize((from + steps) as usize, factor);
        }
        learn_front(&mut experiment.optic, &data)?;
        let built = build(&experiment, &data, &factors, purpose)?;
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
        let mut executor = choice.compile(compiled)?;
        let lab = experiment.hardware.as_ref().and_then(|h| h.lab.as_ref());
        if let (Some(lab), Some(image), Some(readings)) =
            (lab, built.machine.image, built.machine.lab)
        {
            let timeout = Duration::from_secs_f64(lab.timeout_s);
            let client = Client::start(&lab.command, timeout)?;
            executor = Box::new(LabExecutor::new(executor, client, (image, readings))?);
        }
        Ok(Self {
            experiment,
            data,
            program,
            machine: built.machine,
            executor,
            choice,
            halved,
            eval: built.eval,
            twin: built.twin,
            ledger: built.ledger,
            planes: built.planes,
            before_steps: built.before_steps,
            steps,
            steps_per_epoch: per_epoch,
        })
    }
}
