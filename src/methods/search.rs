//! Searches that see losses alone and move a few numbers ([`super::reduced`]), driven from the host.
//!
//! | method | a step | source |
//! |---|---|---|
//! | finite differences | (L(z + h e_k) - L(z)) / h for every k, then down it | Shen 2017, Nat. Photon. 11, 441 |
//! | mixed training | of a share of the numbers, drawn once, each skipped at random: a step up, kept if the loss falls, else a step down | Gu 2021, AAAI (arXiv 2012.11148) |
//! | CMA-ES | a population from N(m, σ² C), its better half recombined | Hansen 2016, arXiv 1604.00772 |
//! | PEPG | symmetric pairs from N(μ, σ²), μ and σ along their rewards | Sehnke 2010, Neural Netw. 23, 551 |
//!
//! A digital layer behind the detectors is not searched: the optimiser moves it by its exact gradient
//! at what the detectors read where a step ends ([`super::head`]).

use super::recipe::{MethodName, Recipe, Search as Options, step_size};
use super::reduced::{Moved, Space, moves, numbers};
use super::{Bench, Charge, Gradient, Method, Pair, head, names, step};
use crate::error::{Error, Result};
use crate::lower::loss;
use crate::math::random::{Site, permutation, uniform};
use crate::ops::Op;
use crate::ops::leaf_sum::LeafSum;
use crate::optics::Optic;
use crate::optics::element::{AmplitudeMask, Element, PhaseMask};
use crate::optics::mesh::Topology;
use crate::optics::mesh::haar::normal;
use crate::program::{Builder, Data, Role, Shape, SlotId};

/// Measures the mean loss of a batch at the parameters as they are.
const MEASURE: &str = "search.measure";
const LOSS: &str = "search.loss";
/// What the search remembers, in the checkpoint.
const MEMORY: &str = "search.memory";
/// Learning rates of finite differences, step by step.
const RATES: &str = "search.rates";
/// Before the name of a parameter: where it starts, and its bounds where it has some.
const START: &str = "search.start.";
const BOUNDS: &str = "search.bounds.";

pub struct Search {
    kind: MethodName,
    options: Options,
    numbers: usize,
    space: Option<Space>,
    recipe: Recipe,
    seed: u64,
}

impl Search {
    pub fn new(recipe: &Recipe, seed: u64) -> Self {
        Self {
            kind: recipe.method,
            options: recipe.search.clone(),
            numbers: 0,
            space: None,
            recipe: recipe.clone(),
            seed: SEED ^ seed,
        }
    }

    /// Numbers of a machine, without making it.
    fn count(&self, optic: &Optic) -> usize {
        let mesh =
            |topology: Topology, n: usize| topology.layout(n).map_or(0, |l| 2 * l.cells.len() + n);
        let of = |(i, e): (usize, &Element)| match (e, optic.guides(i)) {
            (
                Element::PhaseMask(PhaseMask { trainable: true, .. })
                | Element::AmplitudeMask(AmplitudeMask { trainable: true, .. }),
                _,
            ) => numbers(&self.recipe.reduced, &optic.shape(i)),
            (Element::Mesh(m), Some(n)) if m.trainable => mesh(m.topology, n),
            (Element::Svd(m), Some(n)) => {
                let out = m.outputs.unwrap_or(n);
                mesh(m.topology, n) + mesh(m.topology, out) + n.min(out)
            }
            (Element::FreeSpace(step), _) if !step.trainable.is_empty() => 4,
            _ => 0,
        };
        optic.element.iter().enumerate().map(of).sum()
    }

    /// Standard normal numbers of a step.
    fn normal(&self, step: u32, k: usize) -> f64 {
        normal(self.seed, step, Site::Search, k as u32)
    }

    /// How many of n numbers mixed training moves: one at least.
    fn active(&self, n: usize) -> usize {
        ((self.options.active * n as f64).round() as usize).max(1)
    }

    fn population(&self, n: usize) -> usize {
        match self.options.population {
            0 => 4 + (3.0 * (n as f64).ln()) as usize,
            given => given as usize,
        }
    }
}

const SEED: u64 = 0x7365_6172_6368;

/// What a search carries from step to step.
#[derive(Debug, Clone)]
struct Memory {
    z: Vec<f64>,
    /// Step size of each number, or of all.
    sigma: Vec<f64>,
    /// Of CMA-ES: paths and the diagonal of C.
    paths: [Vec<f64>; 2],
    diagonal: Vec<f64>,
    steps: u32,
}

impl Memory {
    fn new(n: usize, size: f64) -> Self {
        Self {
            z: vec![0.0; n],
            sigma: vec![size; n],
            paths: [vec![0.0; n], vec![0.0; n]],
            diagonal: vec![1.0; n],
            steps: 0,
        }
    }

    fn flat(&self) -> Vec<f64> {
        let parts = [&self.z, &self.sigma, &self.paths[0], &self.paths[1], &self.diagonal];
        parts.into_iter().flatten().copied().chain([f64::from(self.steps)]).collect()
    }

    fn from(flat: &[f64], n: usize) -> Self {
        let part = |k: usize| flat[k * n..(k + 1) * n].to_vec();
        let paths = [part(2), part(3)];
        Self { z: part(0), sigma: part(1), paths, diagonal: part(4), steps: flat[5 * n] as u32 }
    }
}

impl Method for Search {
    fn gradient(&self, _: &mut Builder, _: &Pair, _: &Recipe) -> Result<Gradient> {
        Err(Error::invalid("train.method", "a search has no gradient to show"))
    }

    fn has_gradient(&self) -> bool {
        false
    }

    fn charge(&self, optic: &Optic, classes: usize, batch: u64) -> Charge {
        let n = if self.numbers > 0 { self.numbers } else { self.count(optic) };
        let runs = match self.kind {
            MethodName::FiniteDifferences => n as u64 + 1,
            // At most: some numbers are skipped, and a step up that is kept takes one exposure.
            MethodName::Mixed => 1 + 2 * self.active(n) as u64,
            MethodName::Pepg => 2 * self.population(n).div_ceil(2) as u64,
            _ => self.population(n) as u64,
        };
        // And one where the step ended, which the trainer reads and the digital layer learns from.
        let runs = runs + 1;
        let macs = head::macs(optic, classes) * ((runs + 1) * batch) as f64;
        Charge { shots: runs * batch, reconfigurations: runs, fields: 0, macs }
    }

    fn build(&self, b: &mut Builder, pair: &Pair, recipe: &Recipe, factors: &[f64]) -> Result<()> {
        let moved: Vec<SlotId> = pair.twin.trainable.iter().map(|t| t.slot).collect();
        let moved: Vec<SlotId> = moved.into_iter().filter(|&s| moves(&b.slot(s).name)).collect();
        let of = |&s: &SlotId| numbers(&recipe.reduced, &b.slot(s).shape.dims);
        let n = moved.iter().map(of).sum::<usize>();
        if n == 0 || n > super::reduced::MOST {
            let rule = format!(
                "{n} numbers; searches without a gradient move 1 to {}",
                super::reduced::MOST
            );
            return Err(Error::invalid("train.reduced", rule)
                .help("use fewer superpixels across (train.reduced.across) or fewer Zernike polynomials (train.reduced.count)"));
        }
        let device = &pair.device;
        b.routine(MEASURE, recipe.batch);
        let reading = device.show(b)?.reading;
        let loss = loss::emit(b, &pair.twin, &reading, &recipe.loss)?;
        let (_, weight) = step::seed(b, recipe);
        let mean = step::mean(b, "loss", loss, weight)?;
        b.section("measure");
        let mean = b.emit(Op::LeafSum(LeafSum), &[mean])?;
        b.output(mean, LOSS);
        step::next_shot(b)?;

        // The rest of a step: what the trainer reads, and the digital layer's part.
        b.routine(names::TRAIN, recipe.batch);
        let reading = device.show(b)?.reading;
        let reading = head::scored(b, &pair.twin, reading)?;
        let loss = loss::emit(b, &pair.twin, &reading, &recipe.loss)?;
        let of = head::gradient(b, &pair.twin, &[loss], weight)?;
        step::finish(b, pair, recipe, factors, &Gradient { loss, of })?;
        let spacing = pair.spacing()?;
        let widest = moved.iter().map(|slot| spacing[slot]).fold(0.0, f64::max);
        let size = step_size(self.options.size, Options::SIZE, widest);
        let memory = Memory::new(n, size).flat();
        b.state(MEMORY, Shape::real(&[memory.len()]), Data::Real(memory));
        if self.kind == MethodName::FiniteDifferences {
            let rates = factors.iter().map(|factor| recipe.optimizer.lr() * factor).collect();
            b.state(RATES, Shape::real(&[factors.len()]), Data::Real(rates));
        }
        for id in moved {
            let slot = b.slot(id);
            let Role::Param(start) = &slot.role else { continue };
            let (name, shape) = (slot.name.clone(), slot.shape.clone());
            let start = Data::Real(start.reals().to_vec());
            b.state(&format!("{START}{name}"), shape, start);
            if let Some(bounds) = pair.twin.bounds(id) {
                let bounds = Data::Real(bounds.to_vec());
                b.state(&format!("{BOUNDS}{name}"), Shape::real(&[2]), bounds);
            }
        }
        Ok(())
    }

    fn step(&mut self, bench: &mut Bench) -> Result<()> {
        if self.space.is_none() {
            self.begin(bench)?;
        }
        let Some(space) = self.space.clone() else { return Ok(()) };
        let n = space.numbers();
        let missing =
            || Error::invalid("train.method", "the search's memory is not in the program");
        let program = bench.executor.program();
        let slot = program.find(MEMORY).ok_or_else(missing)?;
        let mut memory = Memory::from(bench.executor.read(slot)?.reals(), n);
        match self.kind {
            MethodName::FiniteDifferences => Self::differences(bench, &space, &mut memory)?,
            MethodName::Mixed => self.mixed(bench, &space, &mut memory)?,
            MethodName::Pepg => self.pepg(bench, &space, &mut memory)?,
            _ => self.cma(bench, &space, &mut memory)?,
        }
        memory.steps += 1;
        space.project(&mut memory.z);
        tell(bench, &space, &memory.z)?;
        bench.executor.write(slot, &Data::Real(memory.flat()))?;
        bench.run(names::TRAIN)
    }
}

/// Puts the parameters at z.
fn tell(bench: &mut Bench, space: &Space, z: &[f64]) -> Result<()> {
    for (slot, theta) in space.at(z) {
        bench.executor.write(slot, &Data::Real(theta))?;
    }
    Ok(())
}

/// The mean loss of the batch at z.
fn measure(bench: &mut Bench, space: &Space, z: &[f64]) -> Result<f64> {
    tell(bench, space, z)?;
    bench.run(MEASURE)?;
    let slot = bench.executor.program().find(LOSS);
    let slot = slot.ok_or_else(|| Error::invalid("train.method", "no loss is measured"))?;
    Ok(bench.executor.read(slot)?.reals()[0])
}

impl Search {
    fn begin(&mut self, bench: &mut Bench) -> Result<()> {
        let program = bench.executor.program();
        let mut params = Vec::new();
        for (id, slot) in program.kept() {
            let Some(name) = slot.name.strip_prefix(START) else { continue };
            let Some(own) = program.find(name) else { continue };
            let bounds = program.find(&format!("{BOUNDS}{name}"));
            params.push((own, slot.shape.dims.clone(), id, bounds));
        }
        let mut all = Vec::new();
        for (slot, dims, start, bounds) in params {
            let start = bench.executor.read(start)?.reals().to_vec();
            let bounds = match bounds {
                Some(bounds) => match *bench.executor.read(bounds)?.reals() {
                    [low, high] => Some([low, high]),
                    _ => None,
                },
                None => None,
            };
            all.push(Moved { slot, dims, start, bounds });
        }
        let space = Space::new(&self.recipe.reduced, all)?;
        self.numbers = space.numbers();
        self.space = Some(space);
        Ok(())
    }

    fn differences(bench: &mut Bench, space: &Space, m: &mut Memory) -> Result<()> {
        let (h, here) = (m.sigma[0], measure(bench, space, &m.z)?);
        let mut slope = vec![0.0; m.z.len()];
        for (k, slope) in slope.iter_mut().enumerate() {
            // At a bound the step that moves something is the one back.
            let step = if space.is_at_top(k, m.z[k]) { -h } else { h };
            let mut z = m.z.clone();
            z[k] += step;
            *slope = (measure(bench, space, &z)? - here) / step;
        }
        let rates = bench.executor.program().find(RATES);
        let rates = rates.ok_or_else(|| Error::invalid("train.method", "no rates are kept"))?;
        let rates = bench.executor.read(rates)?;
        let at = (m.steps as usize).min(rates.reals().len() - 1);
        let lr = rates.reals()[at];
        m.z.iter_mut().zip(&slope).for_each(|(z, g)| *z -= lr * g);
        Ok(())
    }

    fn mixed(&self, bench: &mut Bench, space: &Space, m: &mut Memory) -> Result<()> {
        let size = m.sigma[0];
        let mut here = measure(bench, space, &m.z)?;
        // Which numbers are active stays; which are skipped changes.
        let n = m.z.len();
        let mut active = permutation(n, self.seed, 0, Site::Search);
        active.truncate(self.active(n));
        active.sort_unstable();
        for k in active {
            if uniform(self.seed, m.steps + 1, Site::Search, k) < self.options.skip {
                continue;
            }
            let k = k as usize;
            let mut z = m.z.clone();
            z[k] += size;
            let up = measure(bench, space, &z)?;
            if up < here {
                here = up;
            } else {
                z[k] -= 2.0 * size;
                here = measure(bench, space, &z)?;
            }
            m.z = z;
        }
        Ok(())
    }

    fn pepg(&self, bench: &mut Bench, space: &Space, m: &mut Memory) -> Result<()> {
        let (n, pairs) = (m.z.len(), self.population(m.z.len()).div_ceil(2));
        let mut seen = Vec::with_capacity(pairs);
        for p in 0..pairs {
            let epsilon: Vec<f64> =
                (0..n).map(|k| m.sigma[k] * self.normal(m.steps, p * n + k)).collect();
            let side = |sign: f64| -> Vec<f64> {
                m.z.iter().zip(&epsilon).map(|(z, e)| z + sign * e).collect()
            };
            let (up, down) = (side(1.0), side(-1.0));
            // Rewards are losses turned round.
            let rewards = [-measure(bench, space, &up)?, -measure(bench, space, &down)?];
            seen.push((epsilon, rewards));
        }
        let all = seen.iter().flat_map(|(_, r)| r);
        let mean = all.clone().sum::<f64>() / (2 * pairs) as f64;
        let spread = (all.map(|r| (r - mean).powi(2)).sum::<f64>() / (2 * pairs) as f64).sqrt();
        let scale = 1.0 / (spread.max(1e-12) * pairs as f64);
        for k in 0..n {
            let (mut along, mut width) = (0.0, 0.0);
            for (epsilon, [up, down]) in &seen {
                let e = epsilon[k];
                along += e * (up - down) / 2.0;
                width += (e * e - m.sigma[k].powi(2)) / m.sigma[k] * ((up + down) / 2.0 - mean);
            }
            m.z[k] += self.options.rate * scale * along;
            let sigma = m.sigma[k] + 0.5 * self.options.rate * scale * width;
            m.sigma[k] = sigma.clamp(0.1 * m.sigma[k], 2.0 * m.sigma[k]);
        }
        Ok(())
    }

    /// With a diagonal C (Ros and Hansen 2008, PPSN X): linear in the numbers.
    fn cma(&self, bench: &mut Bench, space: &Space, m: &mut Memory) -> Result<()> {
        let n = m.z.len();
        let lambda = self.population(n);
        let mu = lambda / 2;
        let raw: Vec<f64> =
            (1..=mu).map(|i| f64::midpoint(lambda as f64, 1.0).ln() - (i as f64).ln()).collect();
        let total: f64 = raw.iter().sum();
        let weights: Vec<f64> = raw.iter().map(|w| w / total).collect();
        let mu_eff = weights.iter().map(|w| w * w).sum::<f64>().recip();
        let d = n as f64;
        let c_sigma = (mu_eff + 2.0) / (d + mu_eff + 5.0);
        let damping = 1.0 + 2.0 * (((mu_eff - 1.0) / (d + 1.0)).sqrt() - 1.0).max(0.0) + c_sigma;
        let c_c = (4.0 + mu_eff / d) / (d + 4.0 + 2.0 * mu_eff / d);
        let c_1 = 2.0 / ((d + 1.3).powi(2) + mu_eff) * (d + 2.0) / 3.0;
        let c_mu = (2.0 * (mu_eff - 2.0 + 1.0 / mu_eff) / ((d + 2.0).powi(2) + mu_eff) * (d + 2.0)
            / 3.0)
            .min(1.0 - c_1.min(1.0));
        let expected = d.sqrt() * (1.0 - 1.0 / (4.0 * d) + 1.0 / (21.0 * d * d));

        let mut population = Vec::with_capacity(lambda);
        for p in 0..lambda {
            let y: Vec<f64> =
                (0..n).map(|k| m.diagonal[k].sqrt() * self.normal(m.steps, p * n + k)).collect();
            let z: Vec<f64> = m.z.iter().zip(&y).map(|(z, y)| z + m.sigma[0] * y).collect();
            population.push((measure(bench, space, &z)?, y));
        }
        population.sort_by(|a, b| a.0.total_cmp(&b.0));
        let best = &population[..mu];
        let moved: Vec<f64> =
            (0..n).map(|k| weights.iter().zip(best).map(|(w, (_, y))| w * y[k]).sum()).collect();
        let sigma = m.sigma[0];
        m.z.iter_mut().zip(&moved).for_each(|(z, y)| *z += sigma * y);
        let [p_sigma, p_c] = &mut m.paths;
        let gain = (c_sigma * (2.0 - c_sigma) * mu_eff).sqrt();
        for k in 0..n {
            p_sigma[k] = (1.0 - c_sigma) * p_sigma[k] + gain * moved[k] / m.diagonal[k].sqrt();
        }
        let length = p_sigma.iter().map(|p| p * p).sum::<f64>().sqrt();
        let settled = (1.0 - (1.0 - c_sigma).powi(2 * (m.steps as i32 + 1))).sqrt();
        let still = length / settled < (1.4 + 2.0 / (d + 1.0)) * expected;
        let h = if still { (c_c * (2.0 - c_c) * mu_eff).sqrt() } else { 0.0 };
        for k in 0..n {
            p_c[k] = (1.0 - c_c) * p_c[k] + h * moved[k];
            let spread: f64 = weights.iter().zip(best).map(|(w, (_, y))| w * y[k] * y[k]).sum();
            m.diagonal[k] =
                (1.0 - c_1 - c_mu).max(0.0) * m.diagonal[k] + c_1 * p_c[k] * p_c[k] + c_mu * spread;
        }
        let next = sigma * ((c_sigma / damping) * (length / expected - 1.0)).exp();
        m.sigma.fill(next.clamp(1e-6, 10.0));
        Ok(())
    }
}
