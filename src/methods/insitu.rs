//! Gradients that the optics make (METHODS.md A7, A9): the error is sent back through the device
//! itself, from its outputs to its inputs, and met with the light at every mask.
//!
//! Reciprocity: light b = conj(g) sent in at the outputs arrives everywhere as the conjugate of the
//! adjoint field. Here the conjugate is followed, g itself, so that a mask acts as conj(t) and space
//! as conj(H). At the detectors both need the complex output and its injection, g = 2 (dL/dI) E: a
//! declared holographic port, charged four exposures a field.
//!
//! | method | what is measured at a mask | dL/dφ | exact where |
//! |---|---|---|---|
//! | field conjugation (Zhou 2020, Photon. Res. 8, 940) | E' and b, complex | Im(conj(E') g) | always: reciprocity alone |
//! | three measurements (Hughes 2018, Optica 5, 864) | \|E'\|², \|g\|², \|E' - i g\|² of g sent in with E at the input | half of the third less the others | nothing is lost |
//! | echo (López-Pastor 2023, PRX 13, 031020; METHODS.md A9) | \|·\|² of y ∓ iεg sent back | (I₊ - I₋) / 4ε | nothing is lost; Kerr: to ε² |
//!
//! The computer knows the detectors' readings, and no gain of theirs: from the readings back to the
//! light it goes as if a reading were the power in its region. The port itself is without noise; a
//! mask's of an exposure is another on the way back.
//!
//! A finite window loses light at its edges, and the last two are biased there: that is their result.
//! So are they where a chip's interferometers lose light: |g|² then is not what the third measurement
//! has of it, and an error stronger than the light swamps the gradient. Meshes are taken one by one
//! (`insitu/chip.rs`), and activations between them by the computer.

mod chip;

use std::collections::{BTreeMap, HashMap};

use super::recipe::Recipe;
use super::{Charge, Gradient, Method, Pair, head, step};
use crate::error::{Error, Result};
use crate::lower::in_situ::turned_sum;
use crate::lower::{At, Light, Machine, detect, loss};
use crate::ops::Op;
use crate::ops::grad_sum::GradSum;
use crate::ops::intensity::Intensity;
use crate::ops::leaf_sum::LeafSum;
use crate::ops::sample_sum::SampleSum;
use crate::optics::Optic;
use crate::optics::element::{ActivationElement, Element};
use crate::program::adjoint::{Start, Walked, params, walk_from};
use crate::program::{Builder, Shape, SlotId};

#[derive(Debug, Clone, Copy)]
enum How {
    Fields,
    ThreeShot,
    Echo(f64),
}

/// Opens the device to light that these methods send through it.
pub struct Key(());

pub struct InSitu {
    how: How,
}

/// Refuses what light does not come back from, or what these formulas do not know.
fn suits(optic: &Optic, conserves: bool) -> Result<()> {
    let has_mesh = |e: &Element| matches!(e, Element::Mesh(_) | Element::Svd(_));
    if optic.modes.is_some() && !optic.element.iter().any(has_mesh) {
        let rule = "no mesh, beside whose shifters light could be measured";
        return Err(Error::invalid("optic.element", rule).help("use backprop or pat"));
    }
    for (i, element) in optic.element.iter().enumerate() {
        let refuse = |rule: &str| {
            Err(Error::invalid(format!("optic.element[{i}]"), rule)
                .help("use backprop or pat for this machine"))
        };
        match element {
            Element::Couple(_) => {
                return refuse(
                    "in-situ gradients are those of free space or those of a chip, and a coupler joins the two",
                );
            }
            _ if optic.modes.is_some() => {}
            Element::Detect(_) => {
                return refuse(
                    "light does not go back through a camera; the layers between cameras are no single optic",
                );
            }
            Element::AmplitudeMask(m) if m.trainable => {
                return refuse("intensities at an amplitude mask do not give its gradient");
            }
            Element::FreeSpace(step) if !step.trainable.is_empty() => {
                return refuse("a distance is no place where light can be measured");
            }
            Element::Activation(ActivationElement::Kerr { .. }) if conserves => {}
            Element::Activation(_) => {
                return refuse(
                    "light sent back meets another response than the light that went forward: its own intensity, not the forward one's",
                );
            }
            _ => {}
        }
    }
    Ok(())
}

impl InSitu {
    pub fn fields(optic: &Optic) -> Result<Self> {
        suits(optic, false).map(|()| Self { how: How::Fields })
    }

    pub fn three_shot(optic: &Optic) -> Result<Self> {
        suits(optic, false).map(|()| Self { how: How::ThreeShot })
    }

    pub fn echo(optic: &Optic, epsilon: f64) -> Result<Self> {
        suits(optic, true).map(|()| Self { how: How::Echo(epsilon) })
    }
}

/// The fields behind every mask of light sent back: g of each, by element.
fn sent_back(
    b: &mut Builder,
    device: &Machine,
    g: SlotId,
) -> Result<(HashMap<usize, SlotId>, SlotId)> {
    let mut at = HashMap::new();
    let entering = device.back_of(b, g, &mut |_, place, slot| {
        if let At::Behind(i) = place {
            at.insert(i, slot);
        }
        Ok(slot)
    })?;
    Ok((at, entering))
}

/// What a device reads, and what the computer makes of it.
struct Read {
    loss: SlotId,
    /// From the loss to the readings.
    digital: Walked,
    /// The gradients of the powers in the regions.
    seeds: Vec<(SlotId, SlotId)>,
}

fn read(
    b: &mut Builder,
    pair: &Pair,
    device: &Machine,
    light: &Light,
    recipe: &Recipe,
) -> Result<Read> {
    let reading = detect::read(b, device, light)?;
    let loss = loss::emit(b, device, &reading, &recipe.loss)?;
    let (seed, _) = step::seed(b, recipe);
    let ends = [reading.regions].into();
    let digital = walk_from(b, Start { seeds: vec![(loss, seed)], ends, ..Start::default() })?;
    let Some(&error) = digital.grads.get(&reading.regions) else { return Err(dark()) };
    // Of a device whose detectors are ideal these are the readings themselves.
    let powers = match device.device {
        Some(_) => detect::regions_of(b, &pair.twin, reading.intensity)?,
        None => reading.regions,
    };
    Ok(Read { loss, digital, seeds: vec![(powers, error)] })
}

fn dark() -> Error {
    Error::invalid("train.loss", "does not depend on the light")
}

impl Method for InSitu {
    fn gradient(&self, b: &mut Builder, pair: &Pair, recipe: &Recipe) -> Result<Gradient> {
        let device = pair.device.lit(Key(()));
        if device.optic.modes.is_some() {
            return chip::gradient(b, pair, device, self.how, recipe);
        }
        let entering = device.enter(b)?;
        let forward = device.light_of(b, entering, &mut |_, _, slot| Ok(slot))?;
        let Read { loss, digital, seeds } = read(b, pair, device, &forward, recipe)?;
        let ends = [forward.leaving].into();
        let at_outputs = walk_from(b, Start { seeds, ends, ..Start::default() })?;
        let Some(&g) = at_outputs.grads.get(&forward.leaving) else {
            return Err(dark());
        };
        let exposures = [1, 2].map(|n| device.exposed(n));
        let mut sums: BTreeMap<usize, SlotId> = BTreeMap::new();
        let masks: Vec<(usize, SlotId)> = device.masks().collect();
        for &(i, slot) in &masks {
            let name = format!("insitu.{i}.leaf");
            let shape = Shape::real(&b.slot(slot).shape.dims);
            sums.insert(i, b.leaf(name, shape));
        }
        let add = |b: &mut Builder, i: usize, field: SlotId, weight: f64| -> Result<()> {
            let power = b.emit(Op::Intensity(Intensity), &[field])?;
            b.emit_into(Op::SampleSum(SampleSum { weight }), &[power], &[sums[&i]])
        };
        match self.how {
            How::Fields => {
                let (back, _) = sent_back(b, &exposures[0], g)?;
                for &(i, _) in &masks {
                    let op = Op::GradSum(GradSum::Phase);
                    b.emit_into(op, &[forward.behind[i], back[&i]], &[sums[&i]])?;
                }
            }
            How::ThreeShot => {
                let (back, returned) = sent_back(b, &exposures[0], g)?;
                // |E - i g|²: g is time-reversed and goes in with the light.
                let both = turned_sum(b, entering, returned, -1.0)?;
                let third = exposures[1].light_of(b, both, &mut |_, _, slot| Ok(slot))?;
                for &(i, _) in &masks {
                    add(b, i, third.behind[i], 0.5)?;
                    add(b, i, forward.behind[i], -0.5)?;
                    add(b, i, back[&i], -0.5)?;
                }
            }
            How::Echo(epsilon) => {
                // The error has the batch's weight in it; ε is of the whole.
                let epsilon = epsilon * recipe.batch as f64;
                for (sign, device) in [1.0, -1.0].into_iter().zip(&exposures) {
                    let driven = turned_sum(b, forward.leaving, g, -sign * epsilon)?;
                    let (back, _) = sent_back(b, device, driven)?;
                    for &(i, _) in &masks {
                        add(b, i, back[&i], sign / (4.0 * epsilon))?;
                    }
                }
            }
        }
        // Of what the computer has behind the detectors, its own.
        let digital = digital.reduce(b)?;
        let mut of = params(b, &digital);
        b.section("reduce");
        for (i, slot) in masks {
            of.insert(slot, b.emit(Op::LeafSum(LeafSum), &[sums[&i]])?);
        }
        Ok(Gradient { loss, of })
    }

    fn charge(&self, optic: &Optic, classes: usize, batch: u64) -> Charge {
        let meshes = optic.element.iter().map(|element| match element {
            Element::Mesh(_) => 1,
            Element::Svd(_) => 2,
            _ => 0,
        });
        let masks = optic.element.iter().filter(|e| matches!(e, Element::PhaseMask(_))).count();
        // Stretches of light that go back by themselves, planes of shifters, and ends of stretches
        // before which another one begins.
        let (stretches, planes, between) = match meshes.sum::<u64>() {
            0 => (1, masks as u64, 0),
            meshes => (meshes, meshes, meshes - 1),
        };
        // The read-out; of every stretch the field that leaves it, and
        let (intensities, fields) = match self.how {
            // g sent in and read where it ends before another stretch, both fields at every plane;
            How::Fields => (1, 2 * stretches + between + 2 * planes),
            // g sent in and read where it ends, both sent in; the powers of all three;
            How::ThreeShot => (1 + 3 * stretches, 4 * stretches),
            // y ∓ iεg sent in, and both read where they end before another stretch; their powers.
            How::Echo(_) => (1 + 2 * stretches, 3 * stretches + 2 * between),
        };
        Charge {
            shots: (intensities + 4 * fields) * batch,
            reconfigurations: 1,
            fields: fields * batch,
            macs: 3.0 * head::macs(optic, classes) * batch as f64,
        }
    }
}
