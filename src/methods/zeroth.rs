//! Gradients from losses alone: simultaneous perturbation (Spall 1992, IEEE TAC 37, 332) and FLOPS
//! (Gu 2020, DAC). The device is told θ ± its perturbation and shows a loss; nothing is computed of
//! it. A draw is addressed, so that the program makes it again where the gradient is.
//!
//! SPSA: ĝ = (L(θ + cΔ) - L(θ - cΔ)) / (2c) Δ, Δ = ±1, mean of Q draws; its expected cosine with g is
//! √(Q / (Q + P)) of P parameters. FLOPS: ĝ = (1/(Q σ²)) Σ (L(θ + δ) - L(θ)) δ, δ normal.

use std::collections::BTreeMap;

use super::device::Device;
use super::recipe::{Flops, Recipe, Spsa, step_size};
use super::{Charge, Gradient, Method, Pair, step};
use crate::error::Result;
use crate::lower::{Machine, loss};
use crate::math::random::OF_PROGRAMS;
use crate::ops::Op;
use crate::ops::add::Add;
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
}

/// Sites of perturbations, apart from those of devices.
const SITES: u32 = OF_PROGRAMS + (1 << 16);
/// Seed of perturbations.
const SEED: u64 = 0x7370_7361 << 32;

impl Zeroth {
    pub fn spsa(recipe: &Recipe) -> Self {
        Self { probes: recipe.spsa.probes, size: (recipe.spsa.size, Spsa::SIZE), one_sided: false }
    }

    pub fn flops(recipe: &Recipe) -> Self {
        Self {
            probes: recipe.flops.probes,
            size: (recipe.flops.size, Flops::SIZE),
            one_sided: true,
        }
    }

    fn noise(&self, size: f64) -> Noise {
        if self.one_sided { Noise::Normal(size) } else { Noise::Signs(size) }
    }

    /// The perturbation of every parameter, of its size.
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
            let site = SITES + probe * machine.trainable.len() as u32 + k as u32;
            let dims = b.slot(trained.slot).shape.dims.clone();
            let noise = self.noise(size(trained.slot));
            let draw = Draw { noise, seed: SEED, site, dims };
            all.insert(trained.slot, draw.emit(b, count, false)?);
        }
        Ok(all)
    }
}

/// Mean loss of a device told other parameters, as sums of leaves.
fn measure(
    b: &mut Builder,
    (device, twin): (&Device, &Machine),
    moved: &BTreeMap<SlotId, SlotId>,
    recipe: &Recipe,
    name: &str,
) -> Result<(SlotId, SlotId)> {
    let mut told = BTreeMap::new();
    for (&slot, &by) in moved {
        told.insert(slot, b.emit(Op::Add(Add), &[slot, by])?);
    }
    let reading = device.told(&told).show(b)?.reading;
    let loss = loss::emit(b, twin, &reading, &recipe.loss)?;
    let (_, weight) = step::seed(b, recipe);
    Ok((loss, step::mean(b, name, loss, weight)?))
}

impl Method for Zeroth {
    fn gradient(&self, b: &mut Builder, pair: &Pair, recipe: &Recipe) -> Result<Gradient> {
        let (device, twin) = ((&pair.device, &pair.twin), &pair.twin);
        let count = b
            .find(PROBES)
            .unwrap_or_else(|| b.state(PROBES, Shape::index(&[1]), Data::Index(vec![0])));
        let (spacing, (stated, own)) = (pair.spacing()?, self.size);
        let size = |slot| step_size(stated, own, spacing[&slot]);
        let mut losses = Vec::new();
        let rest = if self.one_sided {
            Some(measure(b, device, &BTreeMap::new(), recipe, "rest")?)
        } else {
            None
        };
        for q in 0..self.probes {
            let up = self.draws(b, twin, q, size, count)?;
            let up = measure(b, device, &up, recipe, &format!("up.{q}"))?;
            let down = if let Some(rest) = rest {
                rest
            } else {
                let down = self.draws(b, twin, q, |slot| -size(slot), count)?;
                measure(b, device, &down, recipe, &format!("down.{q}"))?
            };
            losses.push((up, down));
        }
        let Some(&((_, _), (shown, _))) = losses.first() else {
            unreachable!("a recipe has one probe at least")
        };
        b.section("probe");
        let mut of: BTreeMap<SlotId, SlotId> = BTreeMap::new();
        let q = f64::from(self.probes);
        for (k, ((_, up), (_, down))) in losses.into_iter().enumerate() {
            let [up, down] = [up, down].map(|sums| b.emit(Op::LeafSum(LeafSum), &[sums]));
            let (up, down) = (up?, down?);
            // Directions of size 1; a normal one is δ = σ of it.
            let share = if self.one_sided { 1.0 } else { 0.5 } / q;
            for (slot, direction) in self.draws(b, twin, k as u32, |_| 1.0, count)? {
                let scale = share / size(slot);
                let op = Op::Directional(Directional { scale });
                let along = b.emit(op, &[direction, up, down])?;
                let total = match of.get(&slot) {
                    Some(&sum) => b.emit(Op::Add(Add), &[sum, along])?,
                    None => along,
                };
                of.insert(slot, total);
            }
        }
        let next = Op::Count(crate::ops::count::Count);
        b.emit_into(next, &[], &[count])?;
        Ok(Gradient { loss: shown, of })
    }

    fn charge(&self, _: &Optic, batch: u64) -> Charge {
        let exposures =
            u64::from(self.probes) * if self.one_sided { 1 } else { 2 } + u64::from(self.one_sided);
        Charge { shots: exposures * batch, reconfigurations: exposures + 1, fields: 0, macs: 0.0 }
    }
}

/// Counts perturbed steps.
const PROBES: &str = "train.probes";
