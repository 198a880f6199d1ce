//! What each element does to the light.

use num_complex::Complex;

use super::device::meshes_of;
use super::machine::{Machine, Part, tensor_name, tensor_prefix};
use super::mesh::Passed;
use super::{free_space, mesh, params};
use crate::error::{Error, Result};
use crate::ops::Op;
use crate::ops::activate::{Activate, Activation};
use crate::ops::add::Add;
use crate::ops::apply::Apply;
use crate::ops::attenuate::Attenuate;
use crate::ops::gain::Gain;
use crate::ops::intensity::Intensity;
use crate::ops::modulate::Modulate;
use crate::ops::phasor::Phasor;
use crate::ops::remodulate::Remodulate;
use crate::ops::reshape::Reshape;
use crate::optics::element::{
    ActivationElement, AmplitudeMask, CoupleElement, DetectElement, Element, FreeSpace, Lens,
    PhaseMask,
};
use crate::optics::hardware::{self, PlaneIndex};
use crate::optics::mesh::Mesh;
use crate::program::{Builder, Data, Shape, SlotId};

/// A place in the machine where what stands there may be replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At {
    /// The field behind an element.
    Behind(usize),
    /// What the camera of an element reads.
    Read(usize),
}

type Hook<'a> = dyn FnMut(&mut Builder, At, SlotId) -> Result<SlotId> + 'a;

/// By t, or for what is sent back by conj(t), which takes no gradient.
fn modulate(
    b: &mut Builder,
    field: SlotId,
    t: SlotId,
    phase: Option<SlotId>,
    conj: bool,
) -> Result<SlotId> {
    let phase = phase.filter(|_| !conj);
    b.emit(Op::Modulate(Modulate { conj, phase }), &[field, t])
}

impl Machine {
    pub(super) fn pass(
        &self,
        b: &mut Builder,
        i: usize,
        element: &Element,
        field: SlotId,
        hook: &mut Hook<'_>,
        met: &mut Vec<Passed>,
    ) -> Result<SlotId> {
        let (optic, grid) = (&self.optic, self.optic.grid());
        let samples = optic.shape(i);
        match element {
            Element::FreeSpace(step) => self.free_space(b, i, step, field, false),
            Element::PhaseMask(mask) => self.phase_mask(b, i, mask, field, false),
            Element::AmplitudeMask(mask) => self.amplitude_mask(b, i, mask, field),
            Element::Aperture(aperture) => {
                let a = b.constant(&tensor_name(i, "aperture"), Shape::real(&samples), || {
                    Data::Real(aperture.transmission(&grid))
                });
                b.emit(Op::Attenuate(Attenuate), &[field, a])
            }
            Element::Lens(lens) => self.lens(b, i, lens, field, false),
            Element::Monitor(_) => Ok(field),
            Element::Mesh(_) | Element::Svd(_) => self.meshes_of(b, i, field, met),
            Element::Activation(activation) => {
                b.emit(Op::Activate(Activate { kind: activation_of(activation) }), &[field])
            }
            Element::Detect(detect) => self.detect(b, i, detect, field, hook),
            Element::Couple(couple) => self.couple(b, i, couple, field),
        }
    }

    /// What an element does to the conjugate of light that is sent back through it.
    pub(super) fn pass_back(
        &self,
        b: &mut Builder,
        i: usize,
        element: &Element,
        field: SlotId,
    ) -> Result<SlotId> {
        match element {
            Element::FreeSpace(step) => self.free_space(b, i, step, field, true),
            Element::PhaseMask(mask) => self.phase_mask(b, i, mask, field, true),
            Element::AmplitudeMask(_) | Element::Aperture(_) | Element::Monitor(_) => {
                self.pass(b, i, element, field, &mut |_, _, slot| Ok(slot), &mut Vec::new())
            }
            Element::Lens(lens) => self.lens(b, i, lens, field, true),
            Element::Activation(ActivationElement::Kerr { gamma }) => {
                let kind = Activation::Kerr { gamma: -gamma };
                b.emit(Op::Activate(Activate { kind }), &[field])
            }
            _ => Err(Error::invalid(
                format!("optic.element[{i}]"),
                "light is not sent back through this element",
            )),
        }
    }

    fn free_space(
        &self,
        b: &mut Builder,
        i: usize,
        step: &FreeSpace,
        field: SlotId,
        conj: bool,
    ) -> Result<SlotId> {
        let mut geometry = self.param(i);
        let planes = hardware::neighbours(&self.optic);
        let planes = planes.iter().find(|(n, _)| *n == i).map_or([None; 2], |(_, p)| *p);
        let drawn = match &self.device {
            Some(device) => {
                let light = self.optic.element.len();
                device.geometry(b, planes, &self.optic.transfer(step), light)?
            }
            None => None,
        };
        let posed = self.posed(b, planes)?;
        let fitted = posed.is_some();
        for more in [drawn, posed].into_iter().flatten() {
            geometry = Some(match geometry {
                Some(own) => b.emit(Op::Add(Add), &[own, more])?,
                None => more,
            });
        }
        free_space::emit(b, &self.optic, step, geometry.map(|g| (g, fitted)), field, conj)
    }

    /// The geometry of a step between two planes whose poses are parameters.
    fn posed(&self, b: &mut Builder, planes: [Option<PlaneIndex>; 2]) -> Result<Option<SlotId>> {
        let [before, after] = planes.map(|p| p.and_then(|p| self.poses.get(&p).copied()));
        let Some(before) = before else { return Ok(after) };
        let minus = b.constant("minus", Shape::real(&[4]), || Data::Real(vec![-1.0; 4]));
        let back = b.emit(Op::Gain(Gain), &[before, minus])?;
        match after {
            Some(after) => b.emit(Op::Add(Add), &[after, back]).map(Some),
            None => Ok(Some(back)),
        }
    }

    fn lens(
        &self,
        b: &mut Builder,
        i: usize,
        lens: &Lens,
        field: SlotId,
        conj: bool,
    ) -> Result<SlotId> {
        let (wavelength, grid) = (self.optic.wavelength.0, self.optic.grid());
        let name = format!("{}.{wavelength}", tensor_name(i, "lens"));
        let t = b.constant(&name, Shape::complex(&grid.samples), || {
            Data::Complex(lens.phasor(&grid, wavelength))
        });
        let y = modulate(b, field, t, None, conj)?;
        let Some(device) = &self.device else { return Ok(y) };
        let light = self.optic.element.len();
        let Some(more) = device.colour(b, (&name, lens), (&grid, wavelength), light)? else {
            return Ok(y);
        };
        let t = b.emit(Op::Phasor(Phasor), &[more])?;
        modulate(b, y, t, None, conj)
    }

    fn phase_mask(
        &self,
        b: &mut Builder,
        i: usize,
        mask: &PhaseMask,
        field: SlotId,
        conj: bool,
    ) -> Result<SlotId> {
        let (optic, samples) = (&self.optic, self.optic.shape(i));
        let on_plane = optic.guides(i).is_none();
        if let Some(device) = self.device.as_ref().filter(|_| on_plane) {
            let phase = if let Some(phase) = self.param(i) {
                phase
            } else {
                let phases = params::phases(optic, i, mask, self.seed)?;
                let name = tensor_name(i, "phase");
                b.constant(&name, Shape::real(&samples), || Data::Real(phases))
            };
            let place = (&optic.grid(), optic.wavelength.0);
            let lit = device.shaken(b, i, field, conj)?;
            let mut sum = None;
            for seen in device.mask(b, i, mask, place, phase)? {
                let t = b.emit(Op::Phasor(Phasor), &[seen.phase])?;
                let mut y = modulate(b, lit, t, self.param(i).map(|_| seen.target), conj)?;
                if let Some(amplitude) = seen.amplitude {
                    y = b.emit(Op::Attenuate(Attenuate), &[y, amplitude])?;
                }
                sum = Some(match sum {
                    Some(other) => b.emit(Op::Add(Add), &[other, y])?,
                    None => y,
                });
            }
            return device.fill(b, sum.unwrap_or(lit), field);
        }
        if let Some(phase) = self.param(i) {
            let t = b.emit(Op::Phasor(Phasor), &[phase])?;
            return modulate(b, field, t, Some(phase), conj);
        }
        let phases = params::phases(optic, i, mask, self.seed)?;
        let t = b.constant(&tensor_name(i, "phasor"), Shape::complex(&samples), || {
            Data::Complex(phases.into_iter().map(Complex::cis).collect())
        });
        modulate(b, field, t, None, conj)
    }

    fn amplitude_mask(
        &self,
        b: &mut Builder,
        i: usize,
        mask: &AmplitudeMask,
        field: SlotId,
    ) -> Result<SlotId> {
        let a = if let Some(a) = self.param(i) {
            a
        } else {
            let values = params::amplitudes(&self.optic, i, mask)?;
            let shape = Shape::real(&self.optic.shape(i));
            b.constant(&tensor_name(i, "amplitude"), shape, || Data::Real(values))
        };
        b.emit(Op::Attenuate(Attenuate), &[field, a])
    }

    /// A mesh, or the two of an SVD layer with its attenuators; they join those that the light has met.
    fn meshes_of(
        &self,
        b: &mut Builder,
        i: usize,
        field: SlotId,
        met: &mut Vec<Passed>,
    ) -> Result<SlotId> {
        let numbers = meshes_of(i);
        let mut pass = |b: &mut Builder, name: &str, n: usize, mesh: &Mesh, phases, x| {
            let real = self.device.as_ref().map(|device| (device, numbers[n]));
            met.push(mesh::emit(b, name, mesh, phases, x, real)?);
            Ok(met[met.len() - 1].leaving)
        };
        match &self.parts[i] {
            Part::Mesh(mesh, phases) => pass(b, &tensor_prefix(i), 0, mesh, *phases, field),
            Part::Svd([before, behind], [right, left], attenuation) => {
                let x = pass(b, &tensor_name(i, "right"), 0, before, *right, field)?;
                let x = attenuators(b, x, *attenuation, [before.n, behind.n])?;
                pass(b, &tensor_name(i, "left"), 1, behind, *left, x)
            }
            Part::Matrices(all, attenuation) => {
                let mut x = field;
                for (n, (mesh, _, matrix)) in all.iter().enumerate() {
                    if let Some(attenuation) = attenuation.filter(|_| n == 1) {
                        x = attenuators(b, x, attenuation, [all[0].0.n, mesh.n])?;
                    }
                    x = b.emit(Op::Apply(Apply), &[x, *matrix])?;
                }
                Ok(x)
            }
            Part::Nothing | Part::Param(_) => Ok(field),
        }
    }

    /// A camera and the wave that is modulated with what it reads.
    fn detect(
        &self,
        b: &mut Builder,
        i: usize,
        detect: &DetectElement,
        field: SlotId,
        hook: &mut Hook<'_>,
    ) -> Result<SlotId> {
        let source = self.source_power()?;
        let mut read = b.emit(Op::Intensity(Intensity), &[field])?;
        if let Some(device) = &self.device {
            read = device.expose(b, i, read, source)?;
        }
        let read = hook(b, At::Read(i), read)?;
        let power = detect.power.unwrap_or(source);
        b.emit(Op::Remodulate(Remodulate { power }), &[read])
    }

    fn couple(
        &self,
        b: &mut Builder,
        i: usize,
        couple: &CoupleElement,
        field: SlotId,
    ) -> Result<SlotId> {
        let grid = self.optic.grid();
        let row = b.emit(Op::Reshape(Reshape { dims: vec![1, grid.len()] }), &[field])?;
        let shape = Shape::complex(&[grid.len(), couple.modes]);
        let modes = b.constant(&tensor_name(i, "modes"), shape, || {
            Data::Complex(couple.profiles(&grid).into_iter().map(Complex::from).collect())
        });
        b.emit(Op::Apply(Apply), &[row, modes])
    }
}

/// Σ of an SVD layer: attenuators on the guides that both meshes have, those of one alone dark.
fn attenuators(
    b: &mut Builder,
    x: SlotId,
    attenuation: SlotId,
    [before, behind]: [usize; 2],
) -> Result<SlotId> {
    let between = before.min(behind);
    let x = mesh::resized(b, x, [before, between])?;
    let x = b.emit(Op::Attenuate(Attenuate), &[x, attenuation])?;
    mesh::resized(b, x, [between, behind])
}

fn activation_of(activation: &ActivationElement) -> Activation {
    match *activation {
        ActivationElement::ElectroOptic { tap, gain, bias } => {
            Activation::ElectroOptic { tap, gain, bias }
        }
        ActivationElement::Saturable { absorption, saturation } => {
            Activation::Saturable { absorption, saturation }
        }
        ActivationElement::Kerr { gamma } => Activation::Kerr { gamma },
        ActivationElement::Softplus { threshold } => Activation::Softplus { threshold },
    }
}
