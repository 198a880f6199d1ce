//! One cell of a comparison: a method on a machine, trained and counted from its first step.

use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::batch::{Feeder, Moves, Order};
use super::session::Session;
use crate::error::{Error, Result};
use crate::methods::{self, Bench, Charge, names};

/// How a method's gradient of one parameter lies to the device's own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Layer {
    pub name: String,
    pub cosine: f64,
    /// |method's| / |device's|.
    pub ratio: f64,
}

/// Where training stood.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Point {
    pub step: u64,
    /// Exposures of the device so far.
    pub shots: u64,
    /// Of the validation samples that were looked at, on the device.
    pub accuracy: f64,
    pub layers: Vec<Layer>,
}

/// What came out of a cell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// Test accuracy on the device.
    pub accuracy: f64,
    /// Of the same parameters on the twin.
    pub twin_accuracy: f64,
    pub steps: u64,
    pub charge: Charge,
    /// Of training and looking, on one thread.
    pub seconds: f64,
    pub curve: Vec<Point>,
}

/// How long a cell runs, and how often it is looked at.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    pub steps: u64,
    /// Looks besides the one at step 0.
    pub looks: u64,
    /// Validation samples of a look, and test samples at the end.
    pub samples: usize,
}

impl Charge {
    fn times(self, steps: u64) -> Self {
        Self {
            shots: self.shots * steps,
            reconfigurations: self.reconfigurations * steps,
            fields: self.fields * steps,
            macs: self.macs * steps as f64,
        }
    }
}

/// Length of a gradient, over the longest of the machine, below which it is rounding in f32.
const UNSEEN: f64 = 1e-6;

/// A session under training by its method.
pub struct Cell<'a> {
    session: &'a mut Session,
    method: Box<dyn methods::Method>,
    order: Order,
    feeder: Feeder,
    moves: Moves,
    charge: Charge,
    step: u64,
    batch: usize,
}

impl<'a> Cell<'a> {
    pub fn new(session: &'a mut Session) -> Result<Self> {
        let experiment = &session.experiment;
        let Some(recipe) = &experiment.train else {
            return Err(Error::invalid("train", "missing").help("add a [train] block"));
        };
        let method = methods::of(recipe, &experiment.optic)?;
        let batch = recipe.batch;
        let charge = method.charge(&experiment.optic, batch as u64);
        let (seed, data) = (experiment.seed, &session.data);
        let order = Order::new(seed, data.train.len(), batch);
        let feeder = Feeder::new(data.image[0] * data.image[1], batch);
        let moves = Moves { most: data.shift, seed, image: data.image };
        Ok(Self { session, method, order, feeder, moves, charge, step: 0, batch })
    }

    fn feed(&mut self) -> Result<()> {
        let samples = self.order.at(self.step).iter().map(|&i| i as usize);
        let (executor, machine) = (&mut *self.session.executor, &self.session.machine);
        let moves = (&self.moves, self.step);
        self.feeder.feed_moved(executor, machine, &self.session.data.train, samples, moves)
    }

    /// Trains up to a step.
    pub fn train_to(&mut self, step: u64) -> Result<()> {
        while self.step < step {
            self.feed()?;
            let executor = &mut *self.session.executor;
            self.method.step(&mut Bench { executor, count: self.batch })?;
            self.step += 1;
        }
        let executor = &mut *self.session.executor;
        let Some(ring) = executor.program().find(names::LOSS_RING) else { return Ok(()) };
        let losses = executor.read(ring)?;
        if losses.reals().iter().all(|x| x.is_finite()) {
            return Ok(());
        }
        Err(Error::NotFinite {
            step,
            op: "training".into(),
            slot: "the loss".into(),
            help: Some("lower train.optimizer.lr".into()),
        })
    }

    /// The method's gradient of the next batch against the device's own.
    pub fn layers(&mut self) -> Result<Vec<Layer>> {
        if self.session.ledger.is_empty() {
            return Ok(Vec::new());
        }
        self.feed()?;
        let batch = self.batch;
        self.session.aside(|session| session.executor.run(names::LEDGER, batch))?;
        let entries = self.session.ledger.clone();
        let mut found = Vec::with_capacity(entries.len());
        for entry in entries {
            let products = self.session.executor.read(entry.products)?;
            let [both, own, exact] = products.reals()[..3] else { continue };
            found.push((entry.name, both, own, exact));
        }
        let largest = found.iter().map(|&(.., exact)| exact).fold(0.0, f64::max);
        let mut layers = Vec::with_capacity(found.len());
        for (name, both, own, exact) in found {
            // The output phases of a mesh before detectors act on nothing: roundings of others' size.
            if exact < UNSEEN * UNSEEN * largest {
                continue;
            }
            let over = |a: f64, b: f64| if b > 0.0 { a / b } else { 0.0 };
            let cosine = over(both, (own * exact).sqrt());
            layers.push(Layer { name, cosine, ratio: over(own, exact).sqrt() });
        }
        Ok(layers)
    }

    /// Looks at the first validation samples on the device.
    pub fn look(&mut self, samples: usize) -> Result<Point> {
        let layers = self.layers()?;
        let val = self.session.data.val.clone();
        let seen = self.session.evaluate(&val, 0..samples.min(val.len()))?;
        let shots = self.charge.times(self.step).shots;
        Ok(Point { step: self.step, shots, accuracy: seen.accuracy, layers })
    }

    /// Trains as planned and reads the test set once.
    pub fn run(mut self, plan: &Plan) -> Result<Outcome> {
        let started = Instant::now();
        let mut curve = vec![self.look(plan.samples)?];
        for k in 1..=plan.looks {
            self.train_to(plan.steps * k / plan.looks)?;
            curve.push(self.look(plan.samples)?);
        }
        let seconds = started.elapsed().as_secs_f64();
        let test = self.session.data.test.clone();
        let range = 0..plan.samples.min(test.len());
        let accuracy = self.session.evaluate(&test, range.clone())?.accuracy;
        let twin_accuracy = self.session.evaluate_twin(&test, range)?.accuracy;
        let charge = self.charge.times(self.step);
        Ok(Outcome { accuracy, twin_accuracy, steps: self.step, charge, seconds, curve })
    }
}
