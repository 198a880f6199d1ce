//! In-situ gradients of meshes (Hughes 2018, Optica 5, 864; Pai 2023, Science 380, 398): each mesh
//! stands between ports of its own, where complex fields are read and sent in.
//!
//! What the light meets between two meshes (activations, attenuators, cameras) the computer takes
//! back, from the fields that it has read there; the meshes themselves are taken back by light. A
//! gradient is that of the phases at the shifters: heat that spreads to neighbours is not seen. Phases
//! hold while a sample is measured: `shot_std` is from one sample to the next.

use std::collections::{BTreeMap, HashSet};

use super::{How, Read, read};
use crate::error::{Error, Result};
use crate::lower::Machine;
use crate::lower::in_situ::{Shots, measure, send_back};
use crate::methods::recipe::Recipe;
use crate::methods::{Gradient, Pair};
use crate::ops::Op;
use crate::ops::leaf_sum::LeafSum;
use crate::program::adjoint::{Start, params, walk_from};
use crate::program::{Builder, Role, SlotId};

/// The gradient of a machine whose light is in meshes.
pub(super) fn gradient(
    b: &mut Builder,
    pair: &Pair,
    device: &Machine,
    how: How,
    recipe: &Recipe,
) -> Result<Gradient> {
    let light = device.light(b)?;
    let Read { loss, digital, mut seeds } = read(b, pair, device, &light, recipe)?;
    let shots = match how {
        // Im(conj(E') g) of both fields at every shifter is what the adjoint of the cells computes.
        How::Fields => {
            let told = light.meshes.iter().flat_map(|passed| passed.told.slots());
            let seen = light.meshes.iter().flat_map(|passed| passed.seen.target.slots());
            let pairs: Vec<(SlotId, SlotId)> = told.zip(seen).collect();
            let ends: HashSet<SlotId> = pairs.iter().map(|&(_, seen)| seen).collect();
            let walk = walk_from(b, Start { seeds, ends, ..Start::default() })?;
            let grads = walk.reduce(b)?;
            let digital = digital.reduce(b)?;
            let mut of = params(b, &digital);
            of.extend(params(b, &grads));
            of.extend(pairs.iter().filter_map(|&(told, seen)| Some((told, *grads.get(&seen)?))));
            return Ok(Gradient { loss, of });
        }
        How::ThreeShot => Shots::Three,
        // The error has the batch's weight in it; ε is of the whole.
        How::Echo(epsilon) => Shots::Echo(epsilon * recipe.batch as f64),
    };
    let mut sums: BTreeMap<SlotId, SlotId> = BTreeMap::new();
    let mut walks = vec![digital];
    for passed in light.meshes.iter().rev() {
        let ends = [passed.leaving].into();
        let walk = walk_from(b, Start { seeds, ends, ..Start::default() })?;
        let g = walk.grads.get(&passed.leaving).copied();
        walks.push(walk);
        // Nothing before here is trained.
        let Some(g) = g else { return put_together(b, loss, walks, sums) };
        let trained = matches!(b.slot(passed.told.gamma).role, Role::Param(_));
        let back = if trained {
            let measured = measure(b, passed, shots, g)?;
            sums.extend(passed.told.slots().zip(measured.leaves));
            measured.back
        } else {
            send_back(b, passed, g)?
        };
        seeds = vec![(passed.entering, back)];
    }
    walks.push(walk_from(b, Start { seeds, ..Start::default() })?);
    put_together(b, loss, walks, sums)
}

/// What was measured of phases, and what the computer has of the rest.
fn put_together(
    b: &mut Builder,
    loss: SlotId,
    walks: Vec<crate::program::adjoint::Walked>,
    sums: BTreeMap<SlotId, SlotId>,
) -> Result<Gradient> {
    let mut of = BTreeMap::new();
    for walk in walks {
        let grads = walk.reduce(b)?;
        of.extend(params(b, &grads));
    }
    b.section("reduce");
    for (slot, sum) in sums {
        of.insert(slot, b.emit(Op::LeafSum(LeafSum), &[sum])?);
    }
    if of.is_empty() {
        return Err(Error::invalid("train.loss", "does not depend on the light"));
    }
    Ok(Gradient { loss, of })
}
