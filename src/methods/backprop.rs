//! In-silico training (Lin 2018, Science 361, 1004): the exact adjoint of the twin, one program.
//!
//! prepare: exp(iφ) · per sample: light, loss, adjoint · reduce: sums over leaves · update.

use super::recipe::{Optimizer, Recipe};
use super::{Bench, Method, names};
use crate::error::Result;
use crate::lower::{Machine, detect, loss};
use crate::ops::Op;
use crate::ops::adam::Adam;
use crate::ops::clamp::Clamp;
use crate::ops::count::Count;
use crate::ops::leaf_sum::LeafSum;
use crate::ops::record::Record;
use crate::ops::sample_sum::SampleSum;
use crate::ops::sgd::Sgd;
use crate::program::adjoint::adjoint;
use crate::program::{Builder, Data, Shape, SlotId};

pub struct Backprop;

impl Method for Backprop {
    fn build(&self, b: &mut Builder, machine: &Machine, recipe: &Recipe, steps: u64) -> Result<()> {
        b.routine(names::TRAIN, recipe.batch);
        let light = machine.light(b)?;
        let reading = detect::read(b, machine, &light)?;
        let loss = loss::emit(b, machine, &reading, &recipe.loss)?;
        let weight = (recipe.batch as f64).recip();
        let mean = b.leaf("loss.leaf".into(), Shape::real(&[1]));
        b.emit_into(Op::SampleSum(SampleSum { weight }), &[loss], &[mean])?;
        let seed = b.constant("loss.seed", Shape::real(&[1]), || Data::Real(vec![weight]));
        let grads = adjoint(b, loss, seed)?;

        b.section("update");
        let step = b.state(names::STEP, Shape::index(&[1]), Data::Index(vec![0]));
        let schedule = schedule(b, recipe, steps);
        for trained in &machine.trainable {
            if let Some(&grad) = grads.get(&trained.slot) {
                update(b, recipe, trained.slot, grad, step, schedule)?;
                if let Some([low, high]) = trained.bounds {
                    let dims = b.slot(trained.slot).shape.dims.clone();
                    b.emit_into(Op::Clamp(Clamp { low, high, dims }), &[], &[trained.slot])?;
                }
            }
        }
        let loss = b.emit(Op::LeafSum(LeafSum), &[mean])?;
        let ring = Data::Real(vec![0.0; names::RING]);
        let ring = b.state(names::LOSS_RING, Shape::real(&[names::RING]), ring);
        b.emit_into(Op::Record(Record { length: names::RING }), &[loss, step], &[ring])?;
        b.emit_into(Op::Count(Count), &[], &[step])
    }

    fn step(&mut self, bench: &mut Bench) -> Result<()> {
        bench.run(names::TRAIN)
    }
}

/// What the optimiser needs to know of every step, made in f64.
fn schedule(b: &mut Builder, recipe: &Recipe, steps: u64) -> SlotId {
    let rate = |t| recipe.optimizer.lr() * recipe.schedule.factor(t, steps);
    let rates = (0..steps.max(1)).map(rate);
    let (table, columns) = match &recipe.optimizer {
        Optimizer::Adam(a) => (adam(a).schedule(rates), 3),
        Optimizer::Sgd(_) => (rates.collect(), 1),
    };
    let shape = Shape::real(&[table.len() / columns, columns]);
    b.constant("train.schedule", shape, || Data::Real(table))
}

fn adam(a: &super::recipe::Adam) -> Adam {
    Adam { beta1: a.beta1, beta2: a.beta2, eps: a.eps }
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
            b.emit_into(Op::Adam(adam(a)), &[grad, step, schedule], &[param, m, v])
        }
        Optimizer::Sgd(s) => {
            let velocity = state("velocity");
            let op = Op::Sgd(Sgd { momentum: s.momentum });
            b.emit_into(op, &[grad, step, schedule], &[param, velocity])
        }
    }
}
