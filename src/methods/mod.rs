//! Training methods, one a file: each says what it may ask of the device and how the answer becomes
//! a gradient, or drives the machine from the host.

pub mod alignment;
pub mod aware;
pub mod backprop;
pub mod contrast;
pub mod device;
pub mod head;
pub mod insitu;
pub mod local;
pub mod oracle;
pub mod recipe;
pub mod reduced;
pub mod search;
pub mod step;
pub mod zeroth;

use std::collections::BTreeMap;

use crate::backend::Executor;
use crate::error::Result;
use crate::lower::{Chance, Machine};
use crate::optics::Hardware;
use crate::optics::Optic;
use crate::program::{Builder, SlotId};
use device::Device;
use recipe::{MethodName, Recipe};

/// The twin, which is computed, and the device, which is only measured. They share the parameters
/// that both are told.
#[derive(Debug, Clone)]
pub struct Pair {
    pub twin: Machine,
    pub device: Device,
    pub hardware: Hardware,
}

impl Pair {
    /// The pair of an ideal machine and the device of its hardware's seed, and that device as it is.
    pub fn new(b: &mut Builder, twin: Machine, hardware: &Hardware) -> (Self, Machine) {
        let real = twin.real(b, hardware, Chance::Drawn(hardware.seed));
        let device = Device::new(real.clone());
        (Self { twin, device, hardware: hardware.clone() }, real)
    }

    /// Radians between the levels in which the device shows phases, by parameter; 0 of one that is
    /// shown as it is told.
    ///
    /// # Errors
    /// When a table of levels cannot be read.
    pub fn spacing(&self) -> Result<BTreeMap<SlotId, f64>> {
        let of = |i: usize| self.hardware.spacing(&self.twin.optic.element[i]);
        let mut all: BTreeMap<SlotId, f64> =
            self.twin.trainable.iter().map(|t| (t.slot, 0.0)).collect();
        for (i, mask) in self.twin.masks() {
            all.insert(mask, of(i)?);
        }
        for part in self.twin.meshes() {
            let phases = part.meshes.iter().flat_map(|(_, phases)| phases.slots());
            let spacing = of(part.element)?;
            all.extend(phases.map(|slot| (slot, spacing)));
        }
        Ok(all)
    }
}

/// What a method makes of a batch, in the open routine.
#[derive(Debug)]
pub struct Gradient {
    /// Of each sample `[1]`, as the method sees it.
    pub loss: SlotId,
    /// By parameter.
    pub of: BTreeMap<SlotId, SlotId>,
}

/// What a training step asks of the device and of the computer beside it.
#[derive(Debug, Clone, Copy, PartialEq, Default, serde::Serialize, serde::Deserialize)]
pub struct Charge {
    /// Exposures of the device, of one sample each.
    pub shots: u64,
    /// How often it is told other parameters.
    pub reconfigurations: u64,
    /// Complex fields measured or sent in through the port, which adds no noise, four exposures each and
    /// counted in `shots` too.
    pub fields: u64,
    /// Multiply-accumulates of the digital computer.
    pub macs: f64,
}

/// What a host driver may do with the machine: run a routine on the batch that lies in the inputs,
/// write what is declared as a parameter, read what is declared as an output.
pub struct Bench<'a> {
    pub executor: &'a mut dyn Executor,
    /// Samples in the batch.
    pub count: usize,
}

impl Bench<'_> {
    pub fn run(&mut self, routine: &str) -> Result<()> {
        self.executor.run(routine, self.count)
    }
}

/// A way to train.
pub trait Method {
    /// Emits the gradient of a batch into the open routine.
    fn gradient(&self, b: &mut Builder, pair: &Pair, recipe: &Recipe) -> Result<Gradient>;

    /// Whether the method makes a gradient that can be held against the device's own.
    fn has_gradient(&self) -> bool {
        true
    }

    /// What a step on `batch` samples of so many classes asks for.
    fn charge(&self, optic: &Optic, classes: usize, batch: u64) -> Charge;

    /// Emits the routines of a training step; `factors` on the learning rate are those of every step
    /// of the run, the last for all later ones.
    fn build(&self, b: &mut Builder, pair: &Pair, recipe: &Recipe, factors: &[f64]) -> Result<()> {
        b.routine(names::TRAIN, recipe.batch);
        let gradient = self.gradient(b, pair, recipe)?;
        step::finish(b, pair, recipe, factors, &gradient)
    }

    /// One step on the batch that lies in the inputs.
    fn step(&mut self, bench: &mut Bench) -> Result<()> {
        bench.run(names::TRAIN)
    }
}

/// The method of a recipe; `seed`: of the run, for what the method draws.
///
/// # Errors
/// When it does not suit the machine, with the physical reason.
pub fn of(recipe: &Recipe, optic: &Optic, seed: u64) -> Result<Box<dyn Method>> {
    let method: Box<dyn Method> = match recipe.method {
        MethodName::Backprop => Box::new(backprop::Backprop),
        MethodName::Vaccination => Box::new(backprop::Vaccination { seed }),
        MethodName::Pat => Box::new(aware::Aware { fields: false, hidden: true }),
        MethodName::PatFields => Box::new(aware::Aware { fields: true, hidden: true }),
        MethodName::AsyT => Box::new(aware::Aware { fields: false, hidden: false }),
        MethodName::Dat => Box::new(aware::DualAdaptive),
        MethodName::Dfa => Box::new(alignment::Alignment::direct(optic, &recipe.feedback, seed)?),
        MethodName::Adfa => {
            Box::new(alignment::Alignment::augmented(optic, &recipe.feedback, seed)?)
        }
        MethodName::Fa => {
            Box::new(alignment::Alignment::sequential(optic, &recipe.feedback, seed)?)
        }
        MethodName::LastLayer => Box::new(alignment::LastLayer),
        MethodName::Local => Box::new(local::Local::new(optic)?),
        MethodName::ForwardForward => {
            Box::new(contrast::Contrast::forward_forward(optic, &recipe.contrast, seed)?)
        }
        MethodName::PhyLl => Box::new(contrast::Contrast::phyll(optic, &recipe.contrast, seed)?),
        MethodName::Spsa => Box::new(zeroth::Zeroth::spsa(recipe, seed)),
        MethodName::Flops => Box::new(zeroth::Zeroth::flops(recipe, seed)),
        MethodName::FiniteDifferences
        | MethodName::Mixed
        | MethodName::CmaEs
        | MethodName::Pepg => Box::new(search::Search::new(recipe, seed)),
        MethodName::FieldConjugation => Box::new(insitu::InSitu::fields(optic)?),
        MethodName::ThreeShot => Box::new(insitu::InSitu::three_shot(optic)?),
        MethodName::Echo => Box::new(insitu::InSitu::echo(optic, recipe.echo.epsilon)?),
    };
    Ok(method)
}

/// Names that methods, trainer and checkpoints agree on.
pub mod names {
    pub const TRAIN: &str = "train";
    pub const STEP: &str = "train.step";
    /// Mean loss of the last [`RING`] steps, at step mod [`RING`].
    pub const LOSS_RING: &str = "train.loss_ring";
    pub const RING: usize = 64;
    /// The method's gradient beside the oracle's.
    pub const LEDGER: &str = "ledger";
}
