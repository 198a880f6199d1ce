//! A digital layer behind the detectors, beside a search of the optics: the computer knows what the
//! detectors read, and so the layer's exact gradient there. It takes no exposure of its own.

use std::collections::BTreeMap;

use crate::error::Result;
use crate::lower::Machine;
use crate::lower::detect::{self, Reading};
use crate::optics::Optic;
use crate::program::adjoint::{Start, adjoint_from, params};
use crate::program::{Builder, Data, Shape, SlotId};

/// What a device read, with scores that gradients of the head go through.
pub fn scored(b: &mut Builder, twin: &Machine, shown: Reading) -> Result<Reading> {
    if twin.head.is_none() {
        return Ok(shown);
    }
    detect::score(b, twin, shown)
}

/// Emits the gradients of the head, by parameter, of losses of [`scored`] readings that count
/// `weight` each; none where there is no head.
pub fn gradient(
    b: &mut Builder,
    twin: &Machine,
    losses: &[SlotId],
    weight: f64,
) -> Result<BTreeMap<SlotId, SlotId>> {
    if twin.head.is_none() {
        return Ok(BTreeMap::new());
    }
    let name = format!("head.seed.{weight}");
    let seed = b.constant(&name, Shape::real(&[1]), || Data::Real(vec![weight]));
    let seeds = losses.iter().map(|&loss| (loss, seed)).collect();
    let grads = adjoint_from(b, Start { seeds, ..Start::default() })?;
    Ok(params(b, &grads))
}

/// Multiply-accumulates of one sample through the head of an optic.
pub fn macs(optic: &Optic, classes: usize) -> f64 {
    let head = optic.detector.as_ref().and_then(|d| d.head.as_ref());
    head.map_or(0.0, |head| (head.readings * classes) as f64)
}
