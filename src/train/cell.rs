//! One cell of a comparison: a method on a machine, trained and counted from its first step.

use std::collections::BTreeSet;
use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::batch::{Feeder, Moves, Order};
use super::session::Session;
use crate::error::{Error, Result};
use crate::methods::{self, Bench, Charge, names};
use crate::program::{Data, Role, SlotId};

/// How a method's gradient of one parameter lies to the device's own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Layer {
    pub name: String,
    pub cosine: f64,
    /// |method's| / |device's|.
    pub ratio: f64,
}

/// How a layer's gradient lay to the device's own over the last epoch, at steps spread evenly over it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Epoch {
    pub name: String,
    /// Mean over the steps.
    pub cosine: f64,
    /// Standard deviation of the cosine from step to step.
    pub spread: f64,
    /// Mean of |method's| / |device's|.
    pub ratio: f64,
    pub steps: usize,
}

impl Epoch {
    /// Layer by layer, of the layers of several steps; a step may not have seen them all.
    fn of(steps: &[Vec<Layer>]) -> Vec<Self> {
        let mut names: Vec<&str> = Vec::new();
        for layer in steps.iter().flatten() {
            if !names.contains(&layer.name.as_str()) {
                names.push(&layer.name);
            }
        }
        let of_layer = |name: &str| {
            let all: Vec<&Layer> = steps.iter().flatten().filter(|l| l.name == name).collect();
            let n = all.len() as f64;
            let mean = |f: fn(&Layer) -> f64| all.iter().map(|l| f(l)).sum::<f64>() / n;
            let cosine = mean(|l| l.cosine);
            let square: f64 = all.iter().map(|l| (l.cosine - cosine).powi(2)).sum();
            Self {
                name: name.to_owned(),
                cosine,
                spread: (square / (n - 1.0).max(1.0)).sqrt(),
                ratio: mean(|l| l.ratio),
                steps: all.len(),
            }
        };
        names.into_iter().map(of_layer).collect()
    }
}

/// Steps of the last epoch at which the gradient is held against the device's own.
const GLANCES: u64 = 24;

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

/// The device at a step after the training, at its drift so far: accuracies of the validation samples
/// that were looked at.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Drifted {
    /// Since the end of the training.
    pub step: u64,
    /// Of the parameters that go on training.
    pub trained: f64,
    /// Of those that the training ended with.
    pub frozen: f64,
}

/// A device that goes on drifting when its training has ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Drift {
    /// What going on asked for.
    pub charge: Charge,
    pub curve: Vec<Drifted>,
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
    /// By parameter; none of a method without a gradient.
    pub epoch: Vec<Epoch>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drift: Option<Drift>,
}

/// How long a cell runs, and how often it is looked at.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    pub steps: u64,
    /// Looks besides the one at step 0.
    pub looks: u64,
    /// Validation samples of a look, and test samples at the end.
    pub samples: usize,
    /// Steps that follow on the device as it drifts.
    pub drift: Option<u64>,
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
        let method = methods::of(recipe, &experiment.optic, experiment.seed)?;
        let batch = recipe.batch;
        let charge = method.charge(&experiment.optic, session.data.classes.len(), batch as u64);
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
        let accuracy = self.accuracy(samples)?;
        let shots = self.charge.times(self.step).shots;
        Ok(Point { step: self.step, shots, accuracy, layers })
    }

    /// Of the first validation samples, on the device.
    fn accuracy(&mut self, samples: usize) -> Result<f64> {
        let val = self.session.data.val.clone();
        Ok(self.session.evaluate(&val, 0..samples.min(val.len()))?.accuracy)
    }

    /// What machine and computer are told: every parameter.
    fn told(&mut self) -> Result<Vec<(SlotId, Data)>> {
        let executor = &mut *self.session.executor;
        let is_param = |role: &Role| matches!(role, Role::Param(_));
        let kept = executor.program().kept().filter(|(_, slot)| is_param(&slot.role));
        let slots: Vec<SlotId> = kept.map(|(id, _)| id).collect();
        slots.into_iter().map(|id| Ok((id, executor.read(id)?))).collect()
    }

    fn tell(&mut self, told: &[(SlotId, Data)]) -> Result<()> {
        told.iter().try_for_each(|(slot, data)| self.session.executor.write(*slot, data))
    }

    /// Goes on training while the device drifts, and shows the same device, at the same drift, what
    /// the training had ended with.
    fn drift(&mut self, steps: u64, plan: &Plan) -> Result<Drift> {
        let (from, frozen) = (self.step, self.told()?);
        let mut curve = Vec::new();
        for k in 0..=plan.looks {
            let step = steps * k / plan.looks;
            self.train_to(from + step)?;
            let trained = self.accuracy(plan.samples)?;
            let now = self.told()?;
            self.tell(&frozen)?;
            let frozen = self.accuracy(plan.samples)?;
            self.tell(&now)?;
            curve.push(Drifted { step, trained, frozen });
        }
        Ok(Drift { charge: self.charge.times(steps), curve })
    }

    /// Trains as planned: what the looks saw, and how the gradient lay over the last epoch.
    pub fn train(&mut self, plan: &Plan) -> Result<(Vec<Point>, Vec<Epoch>)> {
        let mut curve = vec![self.look(plan.samples)?];
        let from = plan.steps.saturating_sub(self.order.steps());
        let glances = (0..GLANCES).map(|k| from + (plan.steps - from) * k / GLANCES);
        let glances: BTreeSet<u64> = glances.collect();
        let (mut glances, mut seen) = (glances.into_iter().peekable(), Vec::new());
        for k in 1..=plan.looks {
            let end = plan.steps * k / plan.looks;
            while let Some(step) = glances.next_if(|&step| step < end) {
                self.train_to(step)?;
                seen.push(self.layers()?);
            }
            self.train_to(end)?;
            curve.push(self.look(plan.samples)?);
        }
        Ok((curve, Epoch::of(&seen)))
    }

    /// Trains as planned and reads the test set once.
    pub fn run(mut self, plan: &Plan) -> Result<Outcome> {
        let started = Instant::now();
        let (curve, epoch) = self.train(plan)?;
        let seconds = started.elapsed().as_secs_f64();
        let test = self.session.data.test.clone();
        let range = 0..plan.samples.min(test.len());
        let accuracy = self.session.evaluate(&test, range.clone())?.accuracy;
        let twin_accuracy = self.session.evaluate_twin(&test, range)?.accuracy;
        let (steps, charge) = (self.step, self.charge.times(self.step));
        let drift = plan.drift.map(|steps| self.drift(steps, plan)).transpose()?;
        Ok(Outcome { accuracy, twin_accuracy, steps, charge, seconds, curve, epoch, drift })
    }
}

#[cfg(test)]
mod tests {
    use super::{Epoch, Layer};

    /// Cosines 0.1, 0.2, 0.3 of one layer: mean 0.2, standard deviation 0.1; the other keeps its own.
    #[test]
    fn an_epoch_is_averaged_layer_by_layer() {
        let layer = |name: &str, cosine: f64| Layer { name: name.into(), cosine, ratio: 2.0 };
        let step = |c: f64| vec![layer("a", c), layer("b", 1.0)];
        let epoch = Epoch::of(&[step(0.1), step(0.2), step(0.3)]);
        let [a, b] = &epoch[..] else { panic!("{epoch:?}") };
        assert!((a.cosine - 0.2).abs() < 1e-12 && (a.spread - 0.1).abs() < 1e-12, "{a:?}");
        assert!((b.cosine, b.spread, b.ratio, b.steps) == (1.0, 0.0, 2.0, 3), "{b:?}");
        assert!(Epoch::of(&[]).is_empty() && Epoch::of(&[Vec::new()]).is_empty());
        // A layer whose gradient is rounding is left out of a step.
        let uneven = Epoch::of(&[vec![layer("b", 1.0)], step(0.2), vec![layer("a", 0.4)]]);
        let found: Vec<(&str, usize)> = uneven.iter().map(|e| (&*e.name, e.steps)).collect();
        assert_eq!(found, [("b", 2), ("a", 2)]);
        assert!((uneven[1].cosine - 0.3).abs() < 1e-12, "{uneven:?}");
    }
}
