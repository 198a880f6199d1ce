//! Local learning by contrast: the device sees every sample with its label and with a wrong one, and
//! each layer behind which a camera stands learns to tell the two apart; nothing goes back from a
//! camera to the one before.
//!
//! The loss of a camera is ln(1 + exp(β (a₋ - a₊))), a₊ and a₋ what its readings x come to with the
//! right label and with the wrong one:
//!
//! | method | a | source |
//! |---|---|---|
//! | forward-forward | the goodness, ln Σ x² | Hinton 2022, arXiv 2212.13345; of the difference, Lee and Song 2023, arXiv 2303.08418 |
//! | PhyLL | √n cos(x, ζ), ζ fixed and random, n samples | Momeni 2023, Science 382, 1297; in this form Padmani and Joshi 2025, arXiv 2510.06762 |
//!
//! The label shows as a bright patch in the first rows of the image ([`crate::ops::overlay`]).
//! Re-modulation divides by √Σ I²: it is forward-forward's normalisation, and takes from a layer the
//! goodness of the one before.
//!
//! Departures. Hinton parts the goodness of each pass from a threshold; the light that reaches a camera
//! differs between layers by orders, and the two passes are parted from each other. A cosine of the
//! passes with each other, as PhyLL is also told, has a layer drop the image, which both carry. In both
//! papers what is trained is a digital weight, whose gradient asks for no model of the physics; here a
//! layer's weights are its masks, and the twin's adjoint of that one layer, at what the camera before
//! it read, stands for the weight's transpose. The last layer has no camera but the detector, and is
//! the read-out: trained by `[train.loss]` on a third pass, of the image without a label (Hinton's
//! second way to classify; PhyLL's read-out), so that an answer takes one exposure, and not one a
//! class. A step takes three a sample.

use super::aware::{CAMERAS, taken, twin_at};
use super::local::{given, has_cameras};
use super::recipe::{Contrast as Options, Recipe};
use super::{Charge, Gradient, Method, Pair, step};
use crate::error::{Error, Result};
use crate::lower::loss;
use crate::math::random::{OF_PROGRAMS, Site, uniform};
use crate::ops::Op;
use crate::ops::add::Add;
use crate::ops::count::Count;
use crate::ops::gain::Gain;
use crate::ops::goodness::Goodness;
use crate::ops::overlay::Overlay;
use crate::ops::similarity::Similarity;
use crate::ops::softplus::Softplus;
use crate::ops::wrong_label::WrongLabel;
use crate::optics::Optic;
use crate::program::adjoint::{Start, adjoint_from, params};
use crate::program::{Builder, Data, Shape, SlotId};

#[derive(Debug, Clone, Copy)]
enum Goal {
    ForwardForward,
    PhyLl,
}

pub struct Contrast {
    goal: Goal,
    options: Options,
    seed: u64,
}

/// The losses of one sample, each `[1]`.
#[derive(Debug)]
pub struct Losses {
    /// Of every camera, in order.
    pub cameras: Vec<SlotId>,
    /// Of the read-out.
    pub last: SlotId,
    /// Counts pairs of passes `[1]`, and is counted on when they are over.
    pairs: SlotId,
}

/// Who draws wrong labels.
const SITE: u32 = OF_PROGRAMS + (1 << 17);
const SEED: u64 = 0x7772_6F6E << 32;
/// Counts pairs of passes.
const PAIRS: &str = "train.pairs";

/// Readings of every camera of a machine.
fn cameras(b: &mut Builder, pair: &Pair) -> Result<Vec<SlotId>> {
    let shown = pair.device.show(b)?;
    let mut read = Vec::new();
    twin_at(b, pair, &shown, &CAMERAS, &mut |b, _, slot| {
        read.push(slot);
        given(b, slot)
    })?;
    Ok(read)
}

impl Contrast {
    pub fn forward_forward(optic: &Optic, options: &Options, seed: u64) -> Result<Self> {
        has_cameras(optic)?;
        Ok(Self { goal: Goal::ForwardForward, options: options.clone(), seed })
    }

    pub fn phyll(optic: &Optic, options: &Options, seed: u64) -> Result<Self> {
        has_cameras(optic)?;
        Ok(Self { goal: Goal::PhyLl, options: options.clone(), seed })
    }

    /// How a label is shown.
    ///
    /// # Errors
    /// When the images have no room for it.
    fn overlay(&self, [height, width]: [usize; 2], classes: usize) -> Result<Overlay> {
        let rows = self.options.rows;
        if classes < 2 {
            return Err(Error::invalid("data", "of one class no label is wrong")
                .help("use data of two classes or more"));
        }
        if rows >= height || classes > width {
            let rule = format!(
                "a label takes {rows} rows and {classes} columns of an image of {height} x {width}"
            );
            return Err(Error::invalid("train.contrast.rows", rule)
                .help("use fewer rows, or local, which shows no label to the light"));
        }
        Ok(Overlay { rows, classes })
    }

    /// Emits the passes of a step.
    ///
    /// # Errors
    /// When there are no data, or no room in them for a label.
    pub fn losses(&self, b: &mut Builder, pair: &Pair, recipe: &Recipe) -> Result<Losses> {
        let (Some(image), Some(label)) = (pair.twin.image, pair.twin.label) else {
            return Err(Error::invalid("data", "missing, and a contrast needs labels"));
        };
        let classes = pair.twin.classes;
        let size = b.slot(image).shape.dims.clone();
        let overlay = self.overlay([size[0], size[1]], classes)?;
        let pairs = b.find(PAIRS);
        let pairs =
            pairs.unwrap_or_else(|| b.state(PAIRS, Shape::index(&[1]), Data::Index(vec![0])));
        let wrong = WrongLabel { classes, seed: SEED ^ self.seed, site: SITE };
        let wrong = b.emit(Op::WrongLabel(wrong), &[label, pairs])?;
        let mut read = Vec::new();
        // The plain pass is exposure 0.
        for (label, exposure) in [(label, 1), (wrong, 2)] {
            let image = b.emit(Op::Overlay(overlay.clone()), &[image, label])?;
            let mut pair = pair.clone();
            pair.twin.image = Some(image);
            pair.device = pair.device.shown(image).exposed(exposure);
            read.push(cameras(b, &pair)?);
        }
        let mut local = Vec::new();
        for (layer, (&right, &wrong)) in read[0].iter().zip(&read[1]).enumerate() {
            local.push(self.local(b, layer, [right, wrong])?);
        }
        let shown = pair.device.show(b)?;
        let (_, own) = twin_at(b, pair, &shown, &CAMERAS, &mut |b, _, slot| given(b, slot))?;
        let reading = taken(b, pair, &shown, own)?;
        let last = loss::emit(b, &pair.twin, &reading, &recipe.loss)?;
        Ok(Losses { cameras: local, last, pairs })
    }

    /// What the readings of camera `layer` come to `[1]`, but for a scale.
    fn activity(&self, b: &mut Builder, layer: usize, read: SlotId) -> Result<SlotId> {
        let shape = Shape::real(&b.slot(read).shape.dims);
        match self.goal {
            Goal::ForwardForward => b.emit(Op::Goodness(Goodness), &[read]),
            Goal::PhyLl => {
                let name = format!("contrast.goal.{layer}");
                let n = shape.len();
                let goal = b.constant(&name, shape, || {
                    let seed = SEED ^ self.seed;
                    let draw = |k: usize| uniform(seed, layer as u32, Site::Goal, k as u32);
                    Data::Real((0..n).map(|k| 2.0 * draw(k) - 1.0).collect())
                });
                b.emit(Op::Similarity(Similarity), &[read, goal])
            }
        }
    }

    /// The loss of camera `layer`.
    fn local(&self, b: &mut Builder, layer: usize, read: [SlotId; 2]) -> Result<SlotId> {
        let samples = b.slot(read[0]).shape.len() as f64;
        // A cosine with a random pattern is of size 1/√n.
        let scale = match self.goal {
            Goal::ForwardForward => 1.0,
            Goal::PhyLl => samples.sqrt(),
        };
        let [right, wrong] = read.map(|read| self.activity(b, layer, read));
        let minus = b.constant("minus.one", Shape::real(&[1]), || Data::Real(vec![-1.0]));
        let right = b.emit(Op::Gain(Gain), &[right?, minus])?;
        let apart = b.emit(Op::Add(Add), &[wrong?, right])?;
        let op = Softplus { steepness: scale * self.options.steepness };
        b.emit(Op::Softplus(op), &[apart])
    }
}

impl Method for Contrast {
    fn gradient(&self, b: &mut Builder, pair: &Pair, recipe: &Recipe) -> Result<Gradient> {
        let losses = self.losses(b, pair, recipe)?;
        let mut total = losses.last;
        for &own in &losses.cameras {
            total = b.emit(Op::Add(Add), &[total, own])?;
        }
        let (seed, _) = step::seed(b, recipe);
        let grads = adjoint_from(b, Start { seeds: vec![(total, seed)], ..Start::default() })?;
        b.section("count");
        b.emit_into(Op::Count(Count), &[], &[losses.pairs])?;
        Ok(Gradient { loss: losses.last, of: params(b, &grads) })
    }

    fn charge(&self, optic: &Optic, classes: usize, batch: u64) -> Charge {
        let one = CAMERAS.charge(optic, classes, batch);
        Charge { shots: 3 * one.shots, macs: 3.0 * one.macs, ..one }
    }
}
