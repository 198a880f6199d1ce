//! The rest of a step, the same for every method: mean loss, optimiser, bounds, counters.

use std::collections::BTreeMap;

use super::recipe::{Adam, Optimizer, Recipe};
use super::{Gradient, Pair, names};
use crate::error::Result;
use crate::lower::machine::SHOT;
use crate::ops::Op;
use crate::ops::adam;
use crate::ops::clamp::Clamp;
use crate::ops::count::Count;
use crate::ops::leaf_sum::LeafSum;
use crate::ops::record::Record;
use crate::ops::sample_sum::SampleSum;
use crate::ops::sgd::Sgd;
use crate::program::{Builder, Data, Shape, SlotId};

/// dL/d(loss of a sample) of the mean over the batch, and that weight.
pub fn seed(b: &mut Builder, recipe: &Recipe) -> (SlotId, f64) {
    let weight = (recipe.batch as f64).recip();
    let seed = b.constant("loss.seed", Shape::real(&[1]), || Data::Real(vec![weight]));
    (seed, weight)
}

/// Emits the mean over the batch of a loss of each sample, as sums of leaves.
pub fn mean(b: &mut Builder, name: &str, loss: SlotId, weight: f64) -> Result<SlotId> {
    let mean = b.leaf(format!("{name}.leaf"), Shape::real(&[1]));
    b.emit_into(Op::SampleSum(SampleSum { weight }), &[loss], &[mean])?;
    Ok(mean)
}

/// Emits what follows on a gradient; `factors` on the learning rate, step by step.
pub fn finish(
    b: &mut Builder,
    pair: &Pair,
    recipe: &Recipe,
    factors: &[f64],
    gradient: &Gradient,
) -> Result<()> {
    let weight = (recipe.batch as f64).recip();
    let mean = mean(b, "loss", gradient.loss, weight)?;
    end(b, pair, recipe, factors, &gradient.of, |b| b.emit(Op::LeafSum(LeafSum), &[mean]))
}

/// Likewise of a loss that is given as its mean `[1]`.
pub fn end(
    b: &mut Builder,
    pair: &Pair,
    recipe: &Recipe,
    factors: &[f64],
    of: &BTreeMap<SlotId, SlotId>,
    loss: impl FnOnce(&mut Builder) -> Result<SlotId>,
) -> Result<()> {
    b.section("update");
    let step = b.state(names::STEP, Shape::index(&[1]), Data::Index(vec![0]));
    let schedule = schedule(b, recipe, factors);
    let trained: Vec<SlotId> = pair.twin.trainable.iter().map(|t| t.slot).collect();
    // Parameters of a method's own follow those of the machine.
    let own = of.keys().filter(|slot| !trained.contains(slot));
    for &slot in trained.iter().filter(|slot| of.contains_key(slot)).chain(own) {
        update(b, recipe, slot, of[&slot], step, schedule)?;
        if let Some([low, high]) = pair.twin.bounds(slot) {
            let dims = b.slot(slot).shape.dims.clone();
            b.emit_into(Op::Clamp(Clamp { low, high, dims }), &[], &[slot])?;
        }
    }
    let loss = loss(b)?;
    let ring = Data::Real(vec![0.0; names::RING]);
    let ring = b.state(names::LOSS_RING, Shape::real(&[names::RING]), ring);
    b.emit_into(Op::Record(Record { length: names::RING }), &[loss, step], &[ring])?;
    b.emit_into(Op::Count(Count), &[], &[step])?;
    pair.device.drift(b)?;
    next_shot(b)
}

/// Counts an exposure of the device, if the program has one.
pub fn next_shot(b: &mut Builder) -> Result<()> {
    match b.find(SHOT) {
        Some(shot) => b.emit_into(Op::Count(Count), &[], &[shot]),
        None => Ok(()),
    }
}

/// What the optimiser needs to know of every step, made in f64.
fn schedule(b: &mut Builder, recipe: &Recipe, factors: &[f64]) -> SlotId {
    let rates = factors.iter().map(|factor| recipe.optimizer.lr() * factor);
    let (table, columns) = match &recipe.optimizer {
        Optimizer::Adam(a) => (adam_of(a).schedule(rates), 3),
        Optimizer::Sgd(_) => (rates.collect(), 1),
    };
    let shape = Shape::real(&[table.len() / columns, columns]);
    b.constant("train.schedule", shape, || Data::Real(table))
}

fn adam_of(a: &Adam) -> adam::Adam {
    adam::Adam { beta1: a.beta1, beta2: a.beta2, eps: a.eps }
}

fn update(
    b: &mut Builder,
    recipe: &Recipe,
    param: SlotId,
    grad: SlotId,
    step: SlotId,
    schedule: SlotId,
) -> Result<()> {
    let (name, shape) = (b.slot(param).name.clone(), b.slot(param).shape.clone());
    let zeros = Data::Real(vec![0.0; shape.len()]);
    let mut state =
        |what: &str| b.state(&format!("optimizer.{what}.{name}"), shape.clone(), zeros.clone());
    match &recipe.optimizer {
        Optimizer::Adam(a) => {
            let (m, v) = (state("m"), state("v"));
            b.emit_into(Op::Adam(adam_of(a)), &[grad, step, schedule], &[param, m, v])
        }
        Optimizer::Sgd(s) => {
            let velocity = state("velocity");
            let op = Op::Sgd(Sgd { momentum: s.momentum });
            b.emit_into(op, &[grad, step, schedule], &[param, velocity])
        }
    }
}
