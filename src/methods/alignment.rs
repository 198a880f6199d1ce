//! Feedback alignment between layers that are measured and modulated again: what goes back from a
//! camera to the one before is a fixed random matrix; inside a layer, which is one linear optic, the
//! twin's adjoint is taken at what the cameras read (METHODS.md A4).
//!
//! Direct (Nøkland 2016, arXiv 1609.01596): δ_l = B_l e, e the error of the scores. Sequential
//! (Lillicrap 2016): δ_l = B_l δ_{l+1}. B uniform within ±1/√n. Both are errors of what a camera read:
//! what lies behind it is forgotten, and its own derivative, dI/d|E| = 2|E| along E, is the twin's.
//!
//! Augmented (Nakajima 2022, Nat. Commun. 13, 7847): δ_l = (B_l e) ⊙ g(I_l), g any function of what was
//! read, so that neither camera nor re-modulation need be known. A camera gives no phase: along
//! which phasor the field should grow is the optic's part, and the twin's. g = 2√I is direct again.
//!
//! A stack without cameras has nothing to send an error to, since its inner fields are not detected,
//! and is refused.

use std::collections::HashMap;

use super::aware::{CAMERAS, taken, twin_at};
use super::recipe::{Feedback, Recipe, Slope};
use super::{Charge, Gradient, Method, Pair, step};
use crate::error::{Error, Result};
use crate::lower::loss;
use crate::math::random::{Site, uniform};
use crate::ops::Op;
use crate::ops::augment::{Augment, Weight};
use crate::ops::dense::DenseBack;
use crate::optics::Optic;
use crate::optics::element::Element;
use crate::program::adjoint::{Start, adjoint_from, params};
use crate::program::{Builder, Data, Shape, SlotId};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    Direct,
    Augmented,
    Sequential,
}

pub struct Alignment {
    how: How,
    feedback: Feedback,
    seed: u64,
}

/// Elements of a feedback matrix at most.
const MOST: usize = 1 << 25;

/// Elements that are cameras.
fn cameras(optic: &Optic) -> Vec<usize> {
    let is_camera = |i: &usize| matches!(optic.element[*i], Element::Detect(_));
    (0..optic.element.len()).filter(is_camera).collect()
}

fn new(optic: &Optic, how: How, feedback: &Feedback, seed: u64) -> Result<Alignment> {
    let all = cameras(optic);
    if all.is_empty() {
        let rule = "no camera stands between the layers: inner fields of a linear stack are not detected, and there is nothing to align";
        return Err(Error::invalid("train.method", rule).help(
            "put { kind = \"detect\" } between layers, or use backprop, pat or an in-situ method",
        ));
    }
    if how == How::Sequential {
        for pair in all.windows(2) {
            let size = pair.iter().map(|&i| optic.shape(i).iter().product::<usize>());
            let size: usize = size.product();
            if size > MOST {
                let rule = format!("a feedback matrix of {size} numbers between two cameras");
                return Err(Error::invalid("train.method", rule)
                    .help("use dfa, whose matrices have a row a class, or fewer samples"));
            }
        }
    }
    Ok(Alignment { how, feedback: feedback.clone(), seed })
}

impl Alignment {
    pub fn direct(optic: &Optic, feedback: &Feedback, seed: u64) -> Result<Self> {
        new(optic, How::Direct, feedback, seed)
    }

    pub fn augmented(optic: &Optic, feedback: &Feedback, seed: u64) -> Result<Self> {
        new(optic, How::Augmented, feedback, seed)
    }

    pub fn sequential(optic: &Optic, feedback: &Feedback, seed: u64) -> Result<Self> {
        new(optic, How::Sequential, feedback, seed)
    }

    /// What weighs an error at a camera, in units of the source's light spread evenly.
    fn augment(&self, power: f64, samples: usize) -> Augment {
        let weight = match self.feedback.slope {
            Slope::Sine => Weight::Sine,
            Slope::One => Weight::One,
            Slope::Linear => Weight::Linear,
            Slope::Root => Weight::Root,
        };
        Augment { weight, unit: power / samples as f64 }
    }

    /// A random matrix `[rows, columns]`; its transpose takes an error of `rows` to a plane.
    fn matrix(&self, b: &mut Builder, layer: usize, rows: usize, columns: usize) -> SlotId {
        let bound = self.feedback.scale * (rows as f64).sqrt().recip();
        // The run's in the upper half, where small ones do not meet.
        let seed = self.feedback.seed ^ self.seed.rotate_left(32);
        let name = format!("feedback.{layer}");
        b.constant(&name, Shape::real(&[rows, columns]), || {
            let draw = |k: usize| uniform(seed, layer as u32, Site::Feedback, k as u32);
            Data::Real((0..rows * columns).map(|k| bound * (2.0 * draw(k) - 1.0)).collect())
        })
    }
}

impl Method for Alignment {
    fn gradient(&self, b: &mut Builder, pair: &Pair, recipe: &Recipe) -> Result<Gradient> {
        let shown = pair.device.show(b)?;
        let mut read: HashMap<usize, SlotId> = HashMap::new();
        let (light, own) = twin_at(b, pair, &shown, &CAMERAS, &mut |_, i, slot| {
            read.insert(i, slot);
            Ok(slot)
        })?;
        let reading = taken(b, pair, &shown, own)?;
        let loss = loss::emit(b, &pair.twin, &reading, &recipe.loss)?;
        let (seed, _) = step::seed(b, recipe);
        // The errors of the read-out, which the computer knows: part of the loss (its efficiency) does
        // not go through the scores.
        let read_out = [reading.scores, reading.regions];
        let start = Start { seeds: vec![(loss, seed)], ends: read_out.into(), ..Start::default() };
        let known = adjoint_from(b, start)?;
        let mut behind = known[&reading.scores];
        let mut seeds: Vec<_> =
            read_out.iter().filter_map(|slot| Some((*slot, *known.get(slot)?))).collect();
        let given = seeds.len();
        for &i in cameras(&pair.twin.optic).iter().rev() {
            let Some(&at) = read.get(&i) else { continue };
            let (rows, shape) = (b.slot(behind).shape.len(), b.slot(at).shape.clone());
            let matrix = self.matrix(b, i, rows, shape.len());
            let back = Op::DenseBack(DenseBack { dims: shape.dims });
            let sent = b.emit(back, &[behind, matrix])?;
            if self.how == How::Augmented {
                let op = self.augment(pair.twin.source_power()?, b.slot(at).shape.len());
                let field = i.checked_sub(1).map_or(light.entering, |before| light.behind[before]);
                let back = b.emit(Op::Augment(op), &[sent, at, field])?;
                seeds.push((field, back));
            } else {
                seeds.push((at, sent));
            }
            if self.how == How::Sequential {
                behind = sent;
            }
        }
        let fixed = seeds.iter().skip(given).map(|(slot, _)| *slot).collect();
        let grads = adjoint_from(b, Start { seeds, fixed, ..Start::default() })?;
        Ok(Gradient { loss, of: params(b, &grads) })
    }

    fn charge(&self, optic: &Optic, classes: usize, batch: u64) -> Charge {
        CAMERAS.charge(optic, classes, batch)
    }
}

/// The control: only what lies behind the last camera, or the last mask or mesh, is trained.
pub struct LastLayer;

impl Method for LastLayer {
    fn gradient(&self, b: &mut Builder, pair: &Pair, recipe: &Recipe) -> Result<Gradient> {
        let shown = pair.device.show(b)?;
        let (light, own) = twin_at(b, pair, &shown, &CAMERAS, &mut |_, _, read| Ok(read))?;
        let reading = taken(b, pair, &shown, own)?;
        let loss = loss::emit(b, &pair.twin, &reading, &recipe.loss)?;
        let (seed, _) = step::seed(b, recipe);
        let elements = &pair.twin.optic.element;
        let stops = |e: &Element| matches!(e, Element::Detect(_));
        let masks = |e: &Element| {
            use Element::{AmplitudeMask, Mesh, PhaseMask, Svd};
            matches!(e, PhaseMask(_) | AmplitudeMask(_) | Mesh(_) | Svd(_))
        };
        // Behind the last camera; without one, before the last mask or mesh.
        let camera = elements.iter().rposition(stops);
        let mask = elements.iter().rposition(masks).filter(|&i| i > 0).map(|i| i - 1);
        let ends = camera.or(mask).map(|i| light.behind[i]).into_iter().collect();
        let grads = adjoint_from(b, Start { seeds: vec![(loss, seed)], ends, ..Start::default() })?;
        Ok(Gradient { loss, of: params(b, &grads) })
    }

    fn charge(&self, optic: &Optic, classes: usize, batch: u64) -> Charge {
        CAMERAS.charge(optic, classes, batch)
    }
}
