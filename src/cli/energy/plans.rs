//! What training methods would ask of a machine: the charge of each, step by step, as `lightloom
//! compare` counts it.

use crate::bench::stack::stack;
use crate::data::Dataset;
use crate::energy::training::{Counts, Plan};
use crate::error::{Error, Result};
use crate::experiment::Experiment;
use crate::methods::recipe::{MethodName, Recipe};
use crate::methods::{self, Charge};
use crate::train::session::learn_front;

/// On a computer alone, with the device, through it, and by its answers alone.
const METHODS: [MethodName; 5] = [
    MethodName::Backprop,
    MethodName::Pat,
    MethodName::ThreeShot,
    MethodName::Spsa,
    MethodName::FiniteDifferences,
];

/// The experiment's training run by each method, where it has one.
///
/// # Errors
/// Where it is no run on these data ([`Recipe::length`]).
pub fn plans(experiment: &Experiment, data: &Dataset) -> Result<Vec<Plan>> {
    let Some(recipe) = &experiment.train else { return Ok(Vec::new()) };
    let mut experiment = experiment.clone();
    learn_front(&mut experiment.optic, data)?;
    let steps = recipe.length(data.train.len())?.steps;
    METHODS
        .map(|method| plan(&experiment, data, &Recipe { method, ..recipe.clone() }, steps))
        .into_iter()
        .collect()
}

fn plan(experiment: &Experiment, data: &Dataset, recipe: &Recipe, steps: u64) -> Result<Plan> {
    let (counts, refused) = match charge(experiment, data, recipe) {
        Ok(step) => (counts(step, steps as f64), None),
        Err(Error::Invalid(why)) => (Counts::default(), Some(why.rule.clone())),
        Err(other) => return Err(other),
    };
    Ok(Plan { method: recipe.method.name(), counts, refused })
}

/// Of a step, by a method that suits the machine.
fn charge(experiment: &Experiment, data: &Dataset, recipe: &Recipe) -> Result<Charge> {
    let experiment = Experiment { train: Some(recipe.clone()), ..experiment.clone() };
    // Some methods refuse a machine only where their routines are made.
    stack(&experiment, data, recipe.batch)?;
    let optic = &experiment.optic;
    let method = methods::of(recipe, optic, experiment.seed)?;
    Ok(method.charge(optic, data.classes.len(), recipe.batch as u64))
}

/// Of so many times a charge; what a computer trained alone is loaded once.
pub fn counts(each: Charge, times: f64) -> Counts {
    Counts {
        shots: each.shots as f64 * times,
        reconfigurations: (each.reconfigurations as f64 * times).max(1.0),
        fields: each.fields as f64 * times,
        digital_macs: each.macs * times,
    }
}
