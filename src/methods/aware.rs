//! Physics-aware training (Wright 2022, Nature 601, 549): the device forwards, the twin backwards.
//!
//! What the device shows (cameras between layers, detectors) takes the place of what the twin
//! computes; the adjoint runs through the twin at these values. In a linear stack the detectors are
//! all that shows; `fields` measures the complex field before every mask too, four exposures each,
//! without noise; its piston, which no hologram has, is the twin's.
//! With `hidden` off (asymmetrical training, Wang 2025, Nat. Commun. s41467-025-57459-5) the device
//! is closed: the twin's own hidden states give the Jacobians, the detectors the error.
//!
//! Dual-adaptive training (Zheng 2023, Nat. Mach. Intell. 5, 1119) adds to the twin's reading what a
//! small net predicts of its error, learnt from ||twin + net - device||² on the same shots. Here the
//! net is linear, y = (1 + W) x, and sees the shares of a reading: light that a device loses alike
//! everywhere is the graft's ([`crate::ops::graft`]). Of shares, whose sum is given, W makes any
//! offset, and the net has none; λ ||W||² holds what the shots do not tell at the twin's own.

use super::device::Shown;
use super::recipe::Recipe;
use super::{Charge, Gradient, Method, Pair, oracle, step};
use crate::error::Result;
use crate::lower::detect::{self, Reading};
use crate::lower::{At, Light, loss};
use crate::ops::Op;
use crate::ops::add::Add;
use crate::ops::align::Align;
use crate::ops::dense::Dense;
use crate::ops::gain::Gain;
use crate::ops::graft::{Graft, Rescale};
use crate::optics::Optic;
use crate::optics::element::Element;
use crate::program::adjoint::{Start, adjoint, adjoint_from, params};
use crate::program::{Builder, Data, Shape, SlotId};

pub struct Aware {
    /// The field before every mask is measured.
    pub fields: bool,
    /// Cameras between layers are seen.
    pub hidden: bool,
}

fn is_mask(element: &Element) -> bool {
    matches!(element, Element::PhaseMask(_) | Element::AmplitudeMask(_))
}

/// Masks before which a field can be measured; the first may stand where the light comes in.
fn masks(optic: &Optic) -> u64 {
    optic.element.iter().skip(1).filter(|e| is_mask(e)).count() as u64
}

/// The twin at what the device's cameras and fields show: its light, and its own reading.
/// `hook` may put another slot where a camera's reading, measured, goes on.
pub(super) fn twin_at(
    b: &mut Builder,
    pair: &Pair,
    shown: &Shown,
    aware: &Aware,
    hook: &mut dyn FnMut(&mut Builder, usize, SlotId) -> Result<SlotId>,
) -> Result<(Light, Reading)> {
    let entering = pair.twin.enter(b)?;
    let light = pair.twin.light_of(b, entering, &mut |b, at, slot| match at {
        At::Read(i) => match shown.cameras.get(&i).filter(|_| aware.hidden) {
            Some(&measured) => {
                let read = b.emit(Op::Graft(Graft), &[slot, measured])?;
                hook(b, i, read)
            }
            None => Ok(slot),
        },
        At::Behind(i) => {
            let next = pair.twin.optic.element.get(i + 1);
            if !(aware.fields && next.is_some_and(is_mask)) {
                return Ok(slot);
            }
            let field = shown.field(b, i);
            let measured = b.emit(Op::Align(Align), &[field, slot])?;
            b.emit(Op::Graft(Graft), &[slot, measured])
        }
    })?;
    let reading = detect::read(b, &pair.twin, &light)?;
    Ok((light, reading))
}

/// The twin's reading with what the device's detectors read in its place.
pub(super) fn taken(b: &mut Builder, pair: &Pair, shown: &Shown, own: Reading) -> Result<Reading> {
    let regions = b.emit(Op::Graft(Graft), &[own.regions, shown.reading.regions])?;
    detect::score(b, &pair.twin, Reading { regions, ..own })
}

/// Cameras seen, fields not: what most methods may ask.
pub(super) const CAMERAS: Aware = Aware { fields: false, hidden: true };

impl Method for Aware {
    fn gradient(&self, b: &mut Builder, pair: &Pair, recipe: &Recipe) -> Result<Gradient> {
        let shown = pair.device.show(b)?;
        let (_, own) = twin_at(b, pair, &shown, self, &mut |_, _, read| Ok(read))?;
        let reading = taken(b, pair, &shown, own)?;
        let loss = loss::emit(b, &pair.twin, &reading, &recipe.loss)?;
        let (seed, _) = step::seed(b, recipe);
        let of = adjoint(b, loss, seed)?;
        Ok(Gradient { loss, of })
    }

    fn charge(&self, optic: &Optic, classes: usize, batch: u64) -> Charge {
        let fields = if self.fields { masks(optic) } else { 0 };
        Charge {
            shots: (1 + 4 * fields) * batch,
            reconfigurations: 1,
            fields: fields * batch,
            macs: 3.0 * oracle::macs(optic, classes) * batch as f64,
        }
    }
}

pub struct DualAdaptive;

/// λ of ||miss||² + λ ||W||², beside squares of shares, which are 1 on average.
const RIDGE: f64 = 0.1;

impl Method for DualAdaptive {
    fn gradient(&self, b: &mut Builder, pair: &Pair, recipe: &Recipe) -> Result<Gradient> {
        let shown = pair.device.show(b)?;
        let (_, model) = twin_at(b, pair, &shown, &CAMERAS, &mut |_, _, read| Ok(read))?;
        let n = b.slot(model.regions).shape.len();
        let numbers = |b: &mut Builder, name: &str, value: f64| {
            b.constant(&format!("dat.{name}"), Shape::real(&[n]), || Data::Real(vec![value; n]))
        };
        // The net sees shares of a mean of 1: what a device loses of all its light is no error of
        // its shares, and weights are of order 1.
        let one = numbers(b, "one", 1.0);
        let shares = |b: &mut Builder, of: SlotId| b.emit(Op::Rescale(Rescale), &[of, one, of]);
        let inner = shares(b, model.regions)?;
        let zeros = || Data::Real(vec![0.0; n * n]);
        let w = "dat.weight";
        let w = b.find(w).unwrap_or_else(|| b.param(w, Shape::real(&[n, n]), zeros()));
        let none = numbers(b, "none", 0.0);
        let error = b.emit(Op::Dense(Dense), &[inner, w, none])?;
        let predicted = b.emit(Op::Add(Add), &[inner, error])?;
        let measured = shares(b, shown.reading.regions)?;
        // (a) The net follows the device: the gradient of its squared miss, the twin's own reading
        // given.
        let (seed, weight) = step::seed(b, recipe);
        let [minus, slope] =
            [("minus", -1.0), ("slope", 2.0 * weight)].map(|(n, v)| numbers(b, n, v));
        let negative = b.emit(Op::Gain(Gain), &[measured, minus])?;
        let miss = b.emit(Op::Add(Add), &[predicted, negative])?;
        let miss = b.emit(Op::Gain(Gain), &[miss, slope])?;
        let start = Start { seeds: vec![(error, miss)], ends: [inner].into(), ..Start::default() };
        let learnt = adjoint_from(b, start)?;
        let mut learnt = params(b, &learnt);
        // What shots do not tell of W, as of a port that is dark, stays at the twin's own.
        let size = Shape::real(&[n, n]);
        let ridge = b.constant("dat.ridge", size, || Data::Real(vec![2.0 * RIDGE; n * n]));
        let back = b.emit(Op::Gain(Gain), &[w, ridge])?;
        if let Some(slope) = learnt.get_mut(&w) {
            *slope = b.emit(Op::Add(Add), &[*slope, back])?;
        }
        // (b) The task, at what was measured, through twin and net.
        let regions = b.emit(Op::Graft(Graft), &[predicted, shown.reading.regions])?;
        let reading = detect::score(b, &pair.twin, Reading { regions, ..model })?;
        let loss = loss::emit(b, &pair.twin, &reading, &recipe.loss)?;
        let mut of = adjoint(b, loss, seed)?;
        of.extend(learnt);
        Ok(Gradient { loss, of })
    }

    fn charge(&self, optic: &Optic, classes: usize, batch: u64) -> Charge {
        CAMERAS.charge(optic, classes, batch)
    }
}
