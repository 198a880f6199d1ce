//! Training methods: each builds named routines and drives them through a [`Bench`].

pub mod backprop;
pub mod recipe;

use crate::backend::Executor;
use crate::error::Result;
use crate::lower::Machine;
use crate::program::Builder;
use recipe::{MethodName, Recipe};

/// What a method may do with the machine while it trains: run a routine on the batch that lies
/// in the inputs, nothing else.
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
    /// Emits the routines of a training step; `steps` is the length of the whole run.
    fn build(&self, b: &mut Builder, machine: &Machine, recipe: &Recipe, steps: u64) -> Result<()>;

    /// One step on the batch that lies in the inputs.
    fn step(&mut self, bench: &mut Bench) -> Result<()>;
}

pub fn of(name: MethodName) -> Box<dyn Method> {
    match name {
        MethodName::Backprop => Box::new(backprop::Backprop),
    }
}

/// Names that methods, trainer and checkpoints agree on.
pub mod names {
    pub const TRAIN: &str = "train";
    pub const STEP: &str = "train.step";
    /// Mean loss of the last [`RING`] steps, at step mod [`RING`].
    pub const LOSS_RING: &str = "train.loss_ring";
    pub const RING: usize = 64;
}
