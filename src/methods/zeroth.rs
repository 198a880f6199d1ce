//! Gradients from losses alone: simultaneous perturbation (Spall 1992, IEEE TAC 37, 332) and FLOPS
//! (Gu 2020, DAC). The device is told θ ± its perturbation and shows a loss; nothing is computed of
//! it. A draw is addressed, so that the program makes it again where the gradient is.
//!
//! SPSA: ĝ = (L(θ + cΔ) - L(θ - cΔ)) / (2c) Δ, Δ = ±1, mean of Q draws; its expected cosine with g is
//! √(Q / (Q + P)) of P parameters. FLOPS: ĝ = (1/(Q σ²)) Σ (L(θ + δ) - L(θ)) δ, δ normal.
//!
//! A digital layer behind the detectors is not perturbed: it has its exact gradient at what they read
//! ([`super::head`]), the mean over SPSA's exposures, or that of FLOPS at θ.
//!
//! A simulated device is told perturbed parameters inside the step's program. A lab is another process
//! that is told them one after the other: there a step is draws, an exposure after each, and the same
//! gradient from the losses that came.

use std::collections::BTreeMap;

use super::device::Device;
use super::recipe::{Flops, Recipe, Spsa, step_size};
use super::{Bench, Charge, Gradient, Method, Pair, head, names, step};
use crate::error::{Error, Result};
use crate::lower::{Machine, loss};
use crate::math::random::OF_PROGRAMS;
use crate::ops::Op;
use crate::ops::add::{Add, AddInto};
use crate::ops::clamp::Clamp;
use crate::ops::count::Count;
use crate::ops::draw::{Draw, Noise};
use crate::ops::gain::Directional;
use crate::ops::leaf_sum::LeafSum;
use crate::optics::Optic;
use crate::program::{Builder, Data, Shape, SlotId};

pub struct Zeroth {
    probes: u32,
    /// As stated, and else.
    size: (Option<f64>, f64),
    /// θ + δ against θ, with normal δ.
    one_sided: bool,
    seed: u64,
}

/// Sites of perturbations, apart from those of devices.
const SITES: u32 = OF_PROGRAMS + (1 << 16);
/// Seed of perturbations, with that of the run.
const SEED: u64 = 0x7370_7361 << 32;

/// Counts perturbed steps.
const PROBES: &str = "train.probes";
/// Draws the perturbations that a lab is told.
const DRAW: &str = "probe.draw";
/// Measures the mean loss of a batch at the parameters as a lab was told them.
const MEASURE: &str = "probe.measure";
const LOSS: &str = "probe.loss";
/// Before the name of a parameter of the head: its gradient of a step so far.
const HEAD: &str = "probe.head.";

/// What parameter `name` is told on one side of probe `q`.
fn told(q: u32, side: f64, name: &str) -> String {
    format!("probe.{q}.{side}.{name}")
}

/// Where the losses of a step stand, in the order of their exposures.
fn seen(exposure: u32) -> String {
    format!("probe.seen.{exposure}")
}

/// Counts perturbed steps `[1]`.
fn counter(b: &mut Builder) -> SlotId {
    b.find(PROBES).unwrap_or_else(|| b.state(PROBES, Shape::index(&[1]), Data::Index(vec![0])))
}

impl Zeroth {
    pub fn spsa(recipe: &Recipe, seed: u64) -> Self {
        let size = (recipe.spsa.size, Spsa::SIZE);
        Self { probes: recipe.spsa.probes, size, one_sided: false, seed }
    }

    pub fn flops(recipe: &Recipe, seed: u64) -> Self {
        let size = (recipe.flops.size, Flops::SIZE);
        Self { probes: recipe.flops.probes, size, one_sided: true, seed }
    }

    fn noise(&self, size: f64) -> Noise {
        if self.one_sided { Noise::Normal(size) } else { Noise::Signs(size) }
    }

    /// How far each parameter is moved.
    fn sizes(&self, pair: &Pair) -> Result<impl Fn(SlotId) -> f64> {
        let (spacing, (stated, own)) = (pair.spacing()?, self.size);
        Ok(move |slot| step_size(stated, own, spacing[&slot]))
    }

    /// The sides of θ on which a probe looks.
    fn sides(&self) -> &'static [f64] {
        if self.one_sided { &[1.0] } else { &[1.0, -1.0] }
    }

    /// Exposures of a step.
    fn exposures(&self) -> u32 {
        if self.one_sided { 1 + self.probes } else { 2 * self.probes }
    }

    /// Which of these are up and down of a probe.
    fn pair(&self, probe: u32) -> [usize; 2] {
        let q = probe as usize;
        if self.one_sided { [1 + q, 0] } else { [2 * q, 2 * q + 1] }
    }

    /// The first of these, that the head learns from.
    fn heard(&self) -> u32 {
        if self.one_sided { 1 } else { 2 * self.probes }
    }

    /// The perturbation of every parameter of the optics, of its size.
    fn draws(
        &self,
        b: &mut Builder,
        machine: &Machine,
        probe: u32,
        size: impl Fn(SlotId) -> f64,
        count: SlotId,
    ) -> Result<BTreeMap<SlotId, SlotId>> {
        let mut all = BTreeMap::new();
        for (k, trained) in machine.trainable.iter().enumerate() {
            if machine.head.is_some_and(|head| head.contains(&trained.slot)) {
                continue;
            }
            let site = SITES + probe * machine.trainable.len() as u32 + k as u32;
            let dims = b.slot(trained.slot).shape.dims.clone();
            let noise = self.noise(size(trained.slot));
            let draw = Draw { noise, seed: SEED ^ self.seed, site, dims };
            all.insert(trained.slot, draw.emit(b, count, false)?);
        }
        Ok(all)
    }

    /// The parameters on one side of a probe, none beyond its bounds, by parameter.
    fn told(
        &self,
        b: &mut Builder,
        twin: &Machine,
        (probe, side): (u32, f64),
        size: impl Fn(SlotId) -> f64,
        count: SlotId,
    ) -> Result<BTreeMap<SlotId, SlotId>> {
        let mut told = self.draws(b, twin, probe, |slot| side * size(slot), count)?;
        for (&slot, at) in &mut told {
            *at = b.emit(Op::Add(Add), &[slot, *at])?;
            if let Some([low, high]) = twin.bounds(slot) {
                let dims = b.slot(slot).shape.dims.clone();
                b.emit_into(Op::Clamp(Clamp { low, high, dims }), &[], &[*at])?;
            }
        }
        Ok(told)
    }

    /// The gradient of the optics from the losses up and down of every probe, each `[1]`.
    fn directions(
        &self,
        b: &mut Builder,
        twin: &Machine,
        size: impl Fn(SlotId) -> f64,
        count: SlotId,
        losses: &mut dyn FnMut(&mut Builder, u32) -> Result<[SlotId; 2]>,
    ) -> Result<BTreeMap<SlotId, SlotId>> {
        let mut of: BTreeMap<SlotId, SlotId> = BTreeMap::new();
        for q in 0..self.probes {
            let [up, down] = losses(b, q)?;
            // Directions of size 1; a normal one is δ = σ of it.
            let share = if self.one_sided { 1.0 } else { 0.5 } / f64::from(self.probes);
            for (slot, direction) in self.draws(b, twin, q, |_| 1.0, count)? {
                let op = Op::Directional(Directional { scale: share / size(slot) });
                let along = b.emit(op, &[direction, up, down])?;
                let total = match of.get(&slot) {
                    Some(&sum) => b.emit(Op::Add(Add), &[sum, along])?,
                    None => along,
                };
                of.insert(slot, total);
            }
        }
        Ok(of)
    }

    /// The routines of a step on a lab.
    fn build_told(
        &self,
        b: &mut Builder,
        pair: &Pair,
        recipe: &Recipe,
        factors: &[f64],
    ) -> Result<()> {
        let (twin, count, size) = (&pair.twin, counter(b), self.sizes(pair)?);
        b.routine(DRAW, 1);
        for q in 0..self.probes {
            for &side in self.sides() {
                for (slot, at) in self.told(b, twin, (q, side), &size, count)? {
                    let name = told(q, side, &b.slot(slot).name);
                    b.output(at, &name);
                }
            }
        }
        b.routine(MEASURE, recipe.batch);
        let (loss, mean) = measure(b, (&pair.device, twin), &BTreeMap::new(), recipe, "loss")?;
        let (_, weight) = step::seed(b, recipe);
        let own = head::gradient(b, twin, &[loss], weight / f64::from(self.heard()))?;
        b.section("measure");
        let mean = b.emit(Op::LeafSum(LeafSum), &[mean])?;
        b.output(mean, LOSS);
        let mut of = BTreeMap::new();
        for (slot, own) in own {
            let (name, shape) =
                (format!("{HEAD}{}", b.slot(slot).name), b.slot(slot).shape.clone());
            let zeros = Data::Real(vec![0.0; shape.len()]);
            let sum = b.state(&name, shape, zeros);
            b.emit_into(Op::AddInto(AddInto), &[own], &[sum])?;
            of.insert(slot, sum);
        }
        b.routine(names::TRAIN, recipe.batch);
        let one = |b: &mut Builder, n| b.state(&seen(n), Shape::real(&[1]), Data::Real(vec![0.0]));
        let losses: Vec<SlotId> = (0..self.exposures()).map(|n| one(b, n)).collect();
        of.extend(
            self.directions(b, twin, &size, count, &mut |_, q| {
                Ok(self.pair(q).map(|n| losses[n]))
            })?,
        );
        b.emit_into(Op::Count(Count), &[], &[count])?;
        let shown = losses[usize::from(!self.one_sided)];
        step::end(b, pair, recipe, factors, &of, |_| Ok(shown))
    }
}

/// Mean loss of a device told other parameters, as sums of leaves.
fn measure(
    b: &mut Builder,
    (device, twin): (&Device, &Machine),
    told: &BTreeMap<SlotId, SlotId>,
    recipe: &Recipe,
    name: &str,
) -> Result<(SlotId, SlotId)> {
    let reading = device.told(told).show(b)?.reading;
    let reading = head::scored(b, twin, reading)?;
    let loss = loss::emit(b, twin, &reading, &recipe.loss)?;
    let (_, weight) = step::seed(b, recipe);
    Ok((loss, step::mean(b, name, loss, weight)?))
}

impl Method for Zeroth {
    fn gradient(&self, b: &mut Builder, pair: &Pair, recipe: &Recipe) -> Result<Gradient> {
        let twin = &pair.twin;
        let count = counter(b);
        let size = self.sizes(pair)?;
        let mut exposure = 0;
        let mut measured = |b: &mut Builder, told: &BTreeMap<SlotId, SlotId>, name: &str| {
            let device = pair.device.exposed(exposure);
            exposure += 1;
            measure(b, (&device, twin), told, recipe, name)
        };
        let mut losses = Vec::new();
        if self.one_sided {
            losses.push(measured(b, &BTreeMap::new(), "rest")?);
        }
        for q in 0..self.probes {
            for &side in self.sides() {
                let told = self.told(b, twin, (q, side), &size, count)?;
                losses.push(measured(b, &told, &format!("probe.{q}.{side}"))?);
            }
        }
        let heard: Vec<SlotId> =
            losses.iter().take(self.heard() as usize).map(|(loss, _)| *loss).collect();
        let shown = losses[usize::from(!self.one_sided)].0;
        let (_, weight) = step::seed(b, recipe);
        let mut of = head::gradient(b, twin, &heard, weight / f64::from(self.heard()))?;
        b.section("probe");
        of.extend(self.directions(b, twin, &size, count, &mut |b, q| {
            let [up, down] = self.pair(q).map(|n| b.emit(Op::LeafSum(LeafSum), &[losses[n].1]));
            Ok([up?, down?])
        })?);
        b.emit_into(Op::Count(Count), &[], &[count])?;
        Ok(Gradient { loss: shown, of })
    }

    fn charge(&self, optic: &Optic, classes: usize, batch: u64) -> Charge {
        let exposures = u64::from(self.exposures());
        let macs =
            head::macs(optic, classes) * ((exposures + u64::from(self.heard())) * batch) as f64;
        Charge { shots: exposures * batch, reconfigurations: exposures + 1, fields: 0, macs }
    }

    fn build(&self, b: &mut Builder, pair: &Pair, recipe: &Recipe, factors: &[f64]) -> Result<()> {
        if pair.hardware.lab.is_some() {
            return self.build_told(b, pair, recipe, factors);
        }
        b.routine(names::TRAIN, recipe.batch);
        let gradient = self.gradient(b, pair, recipe)?;
        step::finish(b, pair, recipe, factors, &gradient)
    }

    fn step(&mut self, bench: &mut Bench) -> Result<()> {
        if bench.executor.program().routine(MEASURE).is_some() {
            self.probe(bench)?;
        }
        bench.run(names::TRAIN)
    }
}

/// A slot of the program by its name.
fn find(bench: &Bench, name: &str) -> Result<SlotId> {
    let missing = || Error::invalid("train.method", format!("{name} is not in the program"));
    bench.executor.program().find(name).ok_or_else(missing)
}

impl Zeroth {
    /// Exposes a lab at every perturbation of a step, and writes what losses came of it.
    fn probe(&self, bench: &mut Bench) -> Result<()> {
        bench.executor.run(DRAW, 1)?;
        let program = bench.executor.program();
        let mut moved = Vec::new();
        let mut sums = Vec::new();
        for (slot, kept) in program.kept() {
            if program.find(&told(0, 1.0, &kept.name)).is_some() {
                moved.push((slot, kept.name.clone()));
            }
            if kept.name.starts_with(HEAD) {
                sums.push((slot, kept.shape.len()));
            }
        }
        let clear = |bench: &mut Bench| {
            let mut all = sums.iter();
            all.try_for_each(|&(sum, len)| bench.executor.write(sum, &Data::Real(vec![0.0; len])))
        };
        clear(bench)?;
        let mut start = Vec::new();
        for (slot, _) in &moved {
            start.push(bench.executor.read(*slot)?.reals().to_vec());
        }
        let expose = |bench: &mut Bench, exposure: u32| -> Result<()> {
            bench.run(MEASURE)?;
            let loss = bench.executor.read(find(bench, LOSS)?)?;
            let to = find(bench, &seen(exposure))?;
            bench.executor.write(to, &loss)
        };
        let mut exposure = u32::from(self.one_sided);
        for q in 0..self.probes {
            for &side in self.sides() {
                for (slot, name) in &moved {
                    let at = bench.executor.read(find(bench, &told(q, side, name))?)?;
                    bench.executor.write(*slot, &at)?;
                }
                expose(bench, exposure)?;
                exposure += 1;
            }
        }
        for ((slot, _), start) in moved.into_iter().zip(start) {
            bench.executor.write(slot, &Data::Real(start))?;
        }
        if self.one_sided {
            // The head learns where nothing is perturbed.
            clear(bench)?;
            expose(bench, 0)?;
        }
        Ok(())
    }
}
