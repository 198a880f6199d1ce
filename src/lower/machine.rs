//! A machine in a program: its parameters made once, its light emitted into each routine.

use std::collections::{BTreeMap, HashMap};

use num_complex::Complex;

use super::device::{Chance, Device};
use super::mesh::{self, Phases};
use super::params;
use crate::error::Result;
use crate::math::random::{Site, uniform};
use crate::optics::element::Element;
use crate::optics::hardware::{Hardware, PlaneIndex, misaligned, neighbours};
use crate::optics::mesh::Mesh;
use crate::optics::{Optic, detector::Detector};
use crate::program::{Builder, Data, Shape, SlotId};

/// A parameter of the machine.
#[derive(Debug, Clone)]
pub struct Trainable {
    pub slot: SlotId,
    pub bounds: Option<[f64; 2]>,
}

#[derive(Debug, Clone)]
pub struct Machine {
    pub optic: Optic,
    /// The sample of the data set, `[height x width]` reals, where there are data.
    pub image: Option<SlotId>,
    /// Numbers of a sample, where there are data.
    pub values: Option<usize>,
    pub label: Option<SlotId>,
    pub classes: usize,
    /// Of what is drawn before training.
    pub seed: u64,
    /// One per trainable quantity.
    pub trainable: Vec<Trainable>,
    /// W and b of the detector's head.
    pub head: Option<[SlotId; 2]>,
    /// What is wrong with it; the ideal machine and the twin have none.
    pub device: Option<Device>,
    /// How planes stand as parameters `[4]`, in the units of [`crate::ops::transfer`]; of a twin that is
    /// calibrated.
    pub poses: HashMap<PlaneIndex, SlotId>,
    /// Where a real device's readings come in `[regions]`, in place of those of its light.
    pub lab: Option<SlotId>,
    /// By element.
    pub(super) parts: Vec<Part>,
}

/// An element that is a mesh, or an SVD layer.
#[derive(Debug, Clone)]
pub struct MeshPart<'a> {
    pub element: usize,
    /// The mesh and its phases; of an SVD layer those of V† and of U.
    pub meshes: Vec<(&'a Mesh, Phases)>,
    /// Amplitudes between the two of an SVD layer.
    pub attenuation: Option<SlotId>,
}

/// What an element has in the program.
#[derive(Debug, Clone, Default)]
pub(super) enum Part {
    #[default]
    Nothing,
    Param(SlotId),
    Mesh(Mesh, Phases),
    /// V†, the attenuators' amplitudes, U.
    Svd([Mesh; 2], [Phases; 2], SlotId),
    /// Phases and the matrices that the host makes of them, images of the basis; the attenuators
    /// of an SVD layer.
    Matrices(Vec<(Mesh, Phases, SlotId)>, Option<SlotId>),
}

/// The state that counts exposures of devices.
pub const SHOT: &str = "device.shot";

/// Emits a step of the drift of every mask and mesh of a device, whether or not the step looks at it.
pub fn drift(b: &mut Builder, machine: &Machine) -> Result<()> {
    let Some(device) = &machine.device else { return Ok(()) };
    for (i, element) in machine.optic.element.iter().enumerate() {
        match (element, &machine.parts[i]) {
            (Element::PhaseMask(_), _) => device.wander(b, i, &machine.optic.shape(i)),
            (_, Part::Mesh(_, phases)) => device.wander_meshes(b, i, &[*phases]),
            (_, Part::Svd(_, phases, _)) => device.wander_meshes(b, i, phases),
            _ => {}
        }
        device.drift(b, i)?;
    }
    Ok(())
}

/// Name of an element's tensor in programs and checkpoints.
pub fn tensor_name(element: usize, quantity: &str) -> String {
    format!("optic.element.{element}.{quantity}")
}

/// What the names of an element's tensors begin with.
pub(super) fn tensor_prefix(element: usize) -> String {
    format!("optic.element.{element}")
}

impl Machine {
    /// A machine whose meshes are matrices that the host writes ([`Self::matrices`]).
    pub fn of_matrices(
        b: &mut Builder,
        optic: &Optic,
        image: Option<[usize; 2]>,
        classes: usize,
        seed: u64,
    ) -> Result<Self> {
        let mut machine = Self::new(b, optic, image, classes, seed)?;
        for (i, part) in machine.parts.iter_mut().enumerate() {
            let mut matrix = |mesh: Mesh, name: &str, phases: Phases| {
                let zeros = vec![Complex::ZERO; mesh.n * mesh.n];
                let name = tensor_name(i, name);
                let shape = Shape::complex(&[mesh.n, mesh.n]);
                (mesh, phases, b.state(&name, shape, Data::Complex(zeros)))
            };
            *part = match std::mem::take(part) {
                Part::Mesh(mesh, phases) => {
                    Part::Matrices(vec![matrix(mesh, "matrix", phases)], None)
                }
                Part::Svd([before, behind], [right, left], attenuation) => {
                    let right = matrix(before, "right.matrix", right);
                    let left = matrix(behind, "left.matrix", left);
                    Part::Matrices(vec![right, left], Some(attenuation))
                }
                other => other,
            };
        }
        Ok(machine)
    }

    /// The meshes of [`Self::of_matrices`], their phases, and where their matrices go.
    pub fn matrices(&self) -> Vec<(Mesh, Phases, SlotId)> {
        let of = |part: &Part| match part {
            Part::Matrices(all, _) => all.clone(),
            _ => Vec::new(),
        };
        self.parts.iter().flat_map(of).collect()
    }

    /// Makes the inputs and the parameters. `image` is the height and width of a data sample.
    pub fn new(
        b: &mut Builder,
        optic: &Optic,
        image: Option<[usize; 2]>,
        classes: usize,
        seed: u64,
    ) -> Result<Self> {
        let mut machine = Self {
            optic: optic.clone(),
            image: image.map(|[h, w]| b.input("image", Shape::real(&[h, w]))),
            values: image.map(|[h, w]| h * w),
            label: image.map(|_| b.input("label", Shape::index(&[1]))),
            classes,
            seed,
            trainable: Vec::new(),
            head: None,
            device: None,
            poses: HashMap::new(),
            lab: None,
            parts: vec![Part::Nothing; optic.element.len()],
        };
        for (i, element) in optic.element.iter().enumerate() {
            let samples = optic.shape(i);
            if let Some(modes) = optic.guides(i) {
                machine.add_meshes(b, i, element, modes, seed)?;
            }
            let (quantity, shape, start, bounds) = match element {
                Element::PhaseMask(mask) if mask.trainable => (
                    "phase",
                    Shape::real(&samples),
                    params::phases(optic, i, mask, seed)?,
                    mask.bounds,
                ),
                Element::AmplitudeMask(mask) if mask.trainable => {
                    let start = params::amplitudes(optic, i, mask)?;
                    ("amplitude", Shape::real(&samples), start, Some([0.0, 1.0]))
                }
                Element::FreeSpace(step) if !step.trainable.is_empty() => {
                    ("geometry", Shape::real(&[4]), vec![0.0; 4], None)
                }
                _ => continue,
            };
            let slot = b.param(&tensor_name(i, quantity), shape, Data::Real(start));
            machine.parts[i] = Part::Param(slot);
            machine.trainable.push(Trainable { slot, bounds });
        }
        if let Some(detector) = &optic.detector {
            machine.add_head(b, detector, classes, seed);
        }
        Ok(machine)
    }

    /// The parameters of a digital layer behind the detectors.
    fn add_head(&mut self, b: &mut Builder, detector: &Detector, classes: usize, seed: u64) {
        let Some(head) = &detector.head else { return };
        let size = classes * head.readings;
        let bound = (head.readings as f64).sqrt().recip();
        let weight = |i: u32| bound * (2.0 * uniform(seed, u32::MAX, Site::MaskInit, i) - 1.0);
        let weights = Data::Real((0..size as u32).map(weight).collect());
        let shape = Shape::real(&[classes, head.readings]);
        let w = b.param("detector.head.weight", shape, weights);
        let bias = Data::Real(vec![0.0; classes]);
        let bias = b.param("detector.head.bias", Shape::real(&[classes]), bias);
        self.train([w, bias]);
        self.head = Some([w, bias]);
    }

    /// The same machine with the same parameters, as it really is: `hardware` with the static faults
    /// of one device, or with others every step.
    pub fn real(&self, b: &mut Builder, hardware: &Hardware, chance: Chance) -> Self {
        if hardware.is_ideal() {
            return self.clone();
        }
        if let (Some(_), Some(detector)) = (&hardware.lab, &self.optic.detector) {
            let readings = Shape::real(&[detector.count(self.classes)]);
            return Self { lab: Some(b.input("lab.readings", readings)), ..self.clone() };
        }
        let shot =
            b.find(SHOT).unwrap_or_else(|| b.state(SHOT, Shape::index(&[1]), Data::Index(vec![0])));
        let device = Device { hardware: hardware.clone(), chance, shot, exposure: 0 };
        let optic = match chance {
            Chance::Drawn(seed) => misaligned(&self.optic, hardware, seed),
            Chance::Redrawn(_) => self.optic.clone(),
        };
        Self { optic, device: Some(device), ..self.clone() }
    }

    /// Makes how every plane stands a parameter.
    pub fn add_poses(&mut self, b: &mut Builder) {
        for plane in neighbours(&self.optic).into_iter().flat_map(|(_, planes)| planes).flatten() {
            self.poses.entry(plane).or_insert_with(|| {
                let zeros = Data::Real(vec![0.0; 4]);
                b.param(&format!("pose.{plane}"), Shape::real(&[4]), zeros)
            });
        }
    }

    /// Power of the source on the first plane, where the data are at their brightest.
    pub fn source_power(&self) -> Result<f64> {
        let (optic, grid) = (&self.optic, self.optic.grid());
        if let Some(modes) = optic.modes {
            let Some(input) = &optic.input else { return Ok(modes as f64) };
            let lit = self.values.map_or(modes, |values| input.lit(modes, values));
            return Ok(input.power.unwrap_or(lit as f64));
        }
        let source = optic.source.field(&grid, optic.wavelength.0)?;
        let inside = optic.input.as_ref().map(|input| input.inside(&grid));
        let open = |p: usize| inside.as_ref().is_none_or(|inside| inside[p] > 0.0);
        Ok(source.iter().enumerate().filter(|(p, _)| open(*p)).map(|(_, e)| e.norm_sqr()).sum())
    }

    /// The parameters of a mesh or of an SVD layer.
    fn add_meshes(
        &mut self,
        b: &mut Builder,
        i: usize,
        element: &Element,
        modes: usize,
        seed: u64,
    ) -> Result<()> {
        let name = |part: &str| tensor_name(i, part);
        // The phases of one mesh are drawn apart from those of another.
        let draw = |part: u64| seed.wrapping_mul(1 << 20) + 4 * i as u64 + part;
        match element {
            Element::Mesh(m) => {
                let mesh = Mesh::new(modes, m.topology)?.with_symmetric(m.symmetric);
                let start = mesh::start(&mesh, m.init, draw(0))?;
                let phases = mesh::phases(b, &tensor_prefix(i), &start, m.trainable);
                if m.trainable {
                    self.train(phases.slots());
                }
                self.parts[i] = Part::Mesh(mesh, phases);
            }
            Element::Svd(m) => {
                let outputs = m.outputs.unwrap_or(modes);
                let mesh = |n: usize| -> Result<Mesh> {
                    Ok(Mesh::new(n, m.topology)?.with_symmetric(m.symmetric))
                };
                let meshes = [mesh(modes)?, mesh(outputs)?];
                let mut phases = |part: &str, n: u64, mesh: &Mesh| -> Result<Phases> {
                    let start = mesh::start(mesh, m.init, draw(n))?;
                    Ok(mesh::phases(b, &name(part), &start, true))
                };
                let both = [phases("right", 1, &meshes[0])?, phases("left", 2, &meshes[1])?];
                let between = modes.min(outputs);
                let start = Data::Real(vec![m.attenuation; between]);
                let shape = Shape::real(&[1, between]);
                let attenuation = b.param(&name("attenuation"), shape, start);
                self.train(both[0].slots());
                self.trainable.push(Trainable { slot: attenuation, bounds: Some([0.0, 1.0]) });
                self.train(both[1].slots());
                self.parts[i] = Part::Svd(meshes, both, attenuation);
            }
            _ => {}
        }
        Ok(())
    }

    /// The same machine told other parameters, by slot.
    #[must_use]
    pub fn told(&self, other: &BTreeMap<SlotId, SlotId>) -> Self {
        let mut machine = self.clone();
        let change = |slot: &mut SlotId| *slot = *other.get(slot).unwrap_or(slot);
        machine.trainable.iter_mut().for_each(|t| change(&mut t.slot));
        machine.head.iter_mut().flatten().for_each(change);
        for part in &mut machine.parts {
            match part {
                Part::Nothing | Part::Matrices(..) => {}
                Part::Param(slot) => change(slot),
                Part::Mesh(_, phases) => phases.slots_mut().for_each(change),
                Part::Svd(_, phases, between) => {
                    phases.iter_mut().flat_map(Phases::slots_mut).for_each(change);
                    change(between);
                }
            }
        }
        machine
    }

    /// The same machine in another exposure of the step, whose noise is its own.
    #[must_use]
    pub fn exposed(&self, exposure: u32) -> Self {
        let mut machine = self.clone();
        machine.device.iter_mut().for_each(|device| device.exposure = exposure);
        machine
    }

    /// Bounds of a parameter, where it has some.
    pub fn bounds(&self, slot: SlotId) -> Option<[f64; 2]> {
        self.trainable.iter().find(|t| t.slot == slot)?.bounds
    }

    /// Trained phase masks, by element.
    pub fn masks(&self) -> impl Iterator<Item = (usize, SlotId)> + '_ {
        let is_mask = |i: usize| matches!(self.optic.element[i], Element::PhaseMask(_));
        (0..self.parts.len()).filter_map(move |i| Some((i, self.param(i).filter(|_| is_mask(i))?)))
    }

    fn train(&mut self, slots: impl IntoIterator<Item = SlotId>) {
        self.trainable.extend(slots.into_iter().map(|slot| Trainable { slot, bounds: None }));
    }

    /// The elements that are meshes or SVD layers.
    pub fn meshes(&self) -> Vec<MeshPart<'_>> {
        let mut all = Vec::new();
        for (i, part) in self.parts.iter().enumerate() {
            match part {
                Part::Mesh(mesh, phases) => all.push(MeshPart {
                    element: i,
                    meshes: vec![(mesh, *phases)],
                    attenuation: None,
                }),
                Part::Svd(meshes, phases, between) => {
                    let both = meshes.iter().zip(phases.iter().copied());
                    let (meshes, attenuation) = (both.collect(), Some(*between));
                    all.push(MeshPart { element: i, meshes, attenuation });
                }
                Part::Nothing | Part::Param(_) | Part::Matrices(..) => {}
            }
        }
        all
    }

    pub(super) fn param(&self, i: usize) -> Option<SlotId> {
        match self.parts[i] {
            Part::Param(slot) => Some(slot),
            _ => None,
        }
    }
}
