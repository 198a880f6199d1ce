//! A machine in a program: its parameters made once, its light emitted into each routine.

use std::f64::consts::TAU;

use num_complex::Complex;

use super::mesh::{self, Phases};
use super::{LARGE, free_space, front};
use crate::error::{Error, Result};
use crate::files::npy;
use crate::math::random::{Site, uniform};
use crate::ops::Op;
use crate::ops::activate::{Activate, Activation};
use crate::ops::apply::Apply;
use crate::ops::attenuate::Attenuate;
use crate::ops::modulate::Modulate;
use crate::ops::phasor::Phasor;
use crate::ops::sparse_sum::SparseSum;
use crate::optics::Optic;
use crate::optics::element::{ActivationElement, AmplitudeMask, Element, MaskInit, PhaseMask};
use crate::optics::encoding::Modulation;
use crate::optics::grid::Grid;
use crate::optics::mesh::Mesh;
use crate::optics::source::Source;
use crate::program::{Builder, Data, Formula, Shape, SlotId};

/// A plane of the machine by name, with its distance from the first.
#[derive(Debug, Clone)]
pub struct Plane {
    pub name: String,
    pub z: f64,
    pub field: SlotId,
}

/// The light in one routine.
#[derive(Debug, Clone)]
pub struct Light {
    /// The field on the first plane.
    pub entering: SlotId,
    /// Behind the last element.
    pub leaving: SlotId,
    /// `input`, `before_<i>` each mask or mesh i, every monitor, `output`.
    pub planes: Vec<Plane>,
    /// Before each step of free space.
    pub steps: Vec<SlotId>,
}

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
    pub label: Option<SlotId>,
    pub classes: usize,
    /// One per trainable quantity.
    pub trainable: Vec<Trainable>,
    /// By element.
    parts: Vec<Part>,
}

/// What an element has in the program.
#[derive(Debug, Clone, Default)]
enum Part {
    #[default]
    Nothing,
    Param(SlotId),
    Mesh(Mesh, Phases),
    /// V†, the attenuators' amplitudes, U.
    Svd(Mesh, [Phases; 2], SlotId),
    /// Phases and the matrices that the host makes of them, images of the basis; the attenuators
    /// of an SVD layer.
    Matrices(Mesh, Vec<(Phases, SlotId)>, Option<SlotId>),
}

/// A field of (y, x) in metres, sample by sample.
fn by_sample(
    grid: &Grid,
    at: impl Fn(f64, f64) -> Complex<f64> + Send + Sync + 'static,
) -> Formula {
    let grid = *grid;
    let nx = grid.samples[1];
    Formula::new(move |n| at(grid.position(0, n / nx), grid.position(1, n % nx)))
}

/// Name of an element's tensor in programs and checkpoints.
pub fn tensor_name(element: usize, quantity: &str) -> String {
    format!("optic.element.{element}.{quantity}")
}

/// What the names of an element's tensors begin with.
fn tensor_prefix(element: usize) -> String {
    format!("optic.element.{element}")
}

/// Phases of a mask before training, `[y, x]` in radians.
fn start_phases(optic: &Optic, element: usize, mask: &PhaseMask, seed: u64) -> Result<Vec<f64>> {
    let grid = optic.grid();
    let [low, high] = mask.bounds.unwrap_or([0.0, TAU]);
    if let Some(path) = &mask.file {
        let phases = read_mask(optic, element, path)?;
        return Ok(match mask.bounds {
            Some([low, high]) => phases.into_iter().map(|p| p.clamp(low, high)).collect(),
            None => phases,
        });
    }
    Ok(match mask.init {
        MaskInit::Zero => {
            vec![mask.bounds.map_or(0.0, |[low, high]| 0.0f64.clamp(low, high)); grid.len()]
        }
        MaskInit::Random => (0..grid.len() as u32)
            .map(|i| low + (high - low) * uniform(seed, element as u32, Site::MaskInit, i))
            .collect(),
    })
}

fn read_mask(optic: &Optic, element: usize, path: &std::path::Path) -> Result<Vec<f64>> {
    let (shape, values) = npy::read_real(path)?;
    let wanted = optic.grid().samples;
    if shape != wanted {
        let rule = format!(
            "{} is {} x {} (y, x), the grid is {} x {}",
            path.display(),
            shape[0],
            shape[1],
            wanted[0],
            wanted[1]
        );
        return Err(Error::invalid(format!("optic.element[{element}].file"), rule)
            .help("resample the mask, or set optic.samples to its shape"));
    }
    Ok(values)
}

fn start_amplitudes(optic: &Optic, element: usize, mask: &AmplitudeMask) -> Result<Vec<f64>> {
    let Some(path) = &mask.file else { return Ok(vec![1.0; optic.grid().len()]) };
    let values = read_mask(optic, element, path)?;
    if let Some(bad) = values.iter().find(|v| !(0.0..=1.0).contains(*v)) {
        let rule = format!("{} holds {bad}; an amplitude lies in 0..1", path.display());
        return Err(Error::invalid(format!("optic.element[{element}].file"), rule)
            .help("scale the mask; a passive element does not amplify"));
    }
    Ok(values)
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
            let mut matrix = |mesh: &Mesh, name: &str, phases: Phases| {
                let zeros = vec![Complex::ZERO; mesh.n * mesh.n];
                let name = tensor_name(i, name);
                let shape = Shape::complex(&[mesh.n, mesh.n]);
                (phases, b.state(&name, shape, Data::Complex(zeros)))
            };
            *part = match std::mem::take(part) {
                Part::Mesh(mesh, phases) => {
                    let only = matrix(&mesh, "matrix", phases);
                    Part::Matrices(mesh, vec![only], None)
                }
                Part::Svd(mesh, [right, left], attenuation) => {
                    let right = matrix(&mesh, "right.matrix", right);
                    let left = matrix(&mesh, "left.matrix", left);
                    Part::Matrices(mesh, vec![right, left], Some(attenuation))
                }
                other => other,
            };
        }
        Ok(machine)
    }

    /// The meshes of [`Self::of_matrices`], their phases, and where their matrices go.
    pub fn matrices(&self) -> Vec<(Mesh, Phases, SlotId)> {
        let of = |part: &Part| match part {
            Part::Matrices(mesh, all, _) => {
                all.iter().map(|&(phases, slot)| (mesh.clone(), phases, slot)).collect()
            }
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
        let samples = optic.grid().samples;
        let mut machine = Self {
            optic: optic.clone(),
            image: image.map(|[h, w]| b.input("image", Shape::real(&[h, w]))),
            label: image.map(|_| b.input("label", Shape::index(&[1]))),
            classes,
            trainable: Vec::new(),
            parts: vec![Part::Nothing; optic.element.len()],
        };
        for (i, element) in optic.element.iter().enumerate() {
            if let Some(modes) = optic.modes {
                machine.add_meshes(b, i, element, modes, seed)?;
            }
            let (quantity, shape, start, bounds) = match element {
                Element::PhaseMask(mask) if mask.trainable => (
                    "phase",
                    Shape::real(&samples),
                    start_phases(optic, i, mask, seed)?,
                    mask.bounds,
                ),
                Element::AmplitudeMask(mask) if mask.trainable => {
                    let start = start_amplitudes(optic, i, mask)?;
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
        Ok(machine)
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
                let mesh = Mesh::new(modes, m.topology)?.with_symmetric(m.symmetric);
                let mut phases = |part: &str, n: u64| -> Result<Phases> {
                    let start = mesh::start(&mesh, m.init, draw(n))?;
                    Ok(mesh::phases(b, &name(part), &start, true))
                };
                let both = [phases("right", 1)?, phases("left", 2)?];
                let start = Data::Real(vec![m.attenuation; modes]);
                let attenuation = b.param(&name("attenuation"), Shape::real(&[1, modes]), start);
                self.train(both[0].slots());
                self.trainable.push(Trainable { slot: attenuation, bounds: Some([0.0, 1.0]) });
                self.train(both[1].slots());
                self.parts[i] = Part::Svd(mesh, both, attenuation);
            }
            _ => {}
        }
        Ok(())
    }

    fn train(&mut self, slots: impl IntoIterator<Item = SlotId>) {
        self.trainable.extend(slots.into_iter().map(|slot| Trainable { slot, bounds: None }));
    }

    /// By element that is a mesh or an SVD layer: its number, its mesh, the phases of one or of V†
    /// and U, and the attenuators of an SVD layer.
    pub fn meshes(&self) -> Vec<(usize, &Mesh, &[Phases], Option<SlotId>)> {
        let mut all = Vec::new();
        for (i, part) in self.parts.iter().enumerate() {
            match part {
                Part::Mesh(mesh, phases) => all.push((i, mesh, std::slice::from_ref(phases), None)),
                Part::Svd(mesh, phases, between) => {
                    all.push((i, mesh, &phases[..], Some(*between)));
                }
                Part::Nothing | Part::Param(_) | Part::Matrices(..) => {}
            }
        }
        all
    }

    fn param(&self, i: usize) -> Option<SlotId> {
        match self.parts[i] {
            Part::Param(slot) => Some(slot),
            _ => None,
        }
    }

    /// Emits the machine from its source to behind its last element.
    pub fn light(&self, b: &mut Builder) -> Result<Light> {
        let entering = self.enter(b)?;
        let mut field = entering;
        let (mut z, mut steps) = (0.0, Vec::new());
        let mut planes = vec![Plane { name: "input".into(), z, field }];
        for (i, element) in self.optic.element.iter().enumerate() {
            let seen = matches!(
                element,
                Element::PhaseMask(_)
                    | Element::AmplitudeMask(_)
                    | Element::Mesh(_)
                    | Element::Svd(_)
            );
            if seen {
                planes.push(Plane { name: format!("before_{i}"), z, field });
            }
            if matches!(element, Element::FreeSpace(_)) {
                steps.push(field);
            }
            field = self.pass(b, i, element, field)?;
            match element {
                Element::FreeSpace(step) => z += step.z.0,
                Element::Monitor(m) => planes.push(Plane { name: m.name.clone(), z, field }),
                _ => {}
            }
        }
        planes.push(Plane { name: "output".into(), z, field });
        Ok(Light { entering, leaving: field, planes, steps })
    }

    /// The field on the first plane: the source, or the source carrying an image.
    fn enter(&self, b: &mut Builder) -> Result<SlotId> {
        let (optic, grid) = (&self.optic, self.optic.grid());
        let shape = Shape::complex(&grid.samples);
        let carried = self.image.zip(optic.input.as_ref());
        if carried.is_none() && grid.len() > LARGE {
            let wavelength = optic.wavelength.0;
            let formula = match &optic.source {
                Source::Plane(wave) => Some(by_sample(&grid, wave.at(wavelength))),
                Source::Gaussian(beam) => Some(by_sample(&grid, beam.at(wavelength))),
                Source::File(_) => None,
            };
            if let Some(formula) = formula {
                return Ok(b.formula("source", shape, formula));
            }
        }
        if let (Some(modes), Some((image, encoding))) = (optic.modes, carried) {
            return front::guides(b, image, encoding, modes);
        }
        let mut source = optic.source.field(&grid, optic.wavelength.0)?;
        let Some((image, encoding)) = carried else {
            return Ok(b.constant("source", shape, || Data::Complex(source)));
        };
        if encoding.encoding == Modulation::Phase {
            // An amplitude is dark outside the window by itself, a phase is not.
            let inside = encoding.inside(&grid);
            source.iter_mut().zip(inside).for_each(|(s, inside)| *s *= inside);
        }
        let source = b.constant("source", shape, || Data::Complex(source));
        let dims = b.slot(image).shape.dims.clone();
        let placement = encoding.placement(&grid, [dims[0], dims[1]]);
        let v = SparseSum::new("placement", placement, &grid.samples).emit(b, image)?;
        b.emit(Op::Encode(front::encode(encoding)), &[v, source])
    }

    fn pass(&self, b: &mut Builder, i: usize, element: &Element, field: SlotId) -> Result<SlotId> {
        let (optic, grid) = (&self.optic, self.optic.grid());
        let complex = Shape::complex(&grid.samples);
        let real = Shape::real(&grid.samples);
        let modulate = |b: &mut Builder, t: SlotId, phase: Option<SlotId>| {
            b.emit(Op::Modulate(Modulate { conj: false, phase }), &[field, t])
        };
        match element {
            Element::FreeSpace(step) => free_space::emit(b, optic, step, self.param(i), field),
            Element::PhaseMask(mask) => {
                if let Some(phase) = self.param(i) {
                    let t = b.emit(Op::Phasor(Phasor), &[phase])?;
                    return modulate(b, t, Some(phase));
                }
                let phases = start_phases(optic, i, mask, 0)?;
                let t = b.constant(&tensor_name(i, "phasor"), complex, || {
                    Data::Complex(phases.into_iter().map(Complex::cis).collect())
                });
                modulate(b, t, None)
            }
            Element::AmplitudeMask(mask) => {
                let a = if let Some(a) = self.param(i) {
                    a
                } else {
                    let values = start_amplitudes(optic, i, mask)?;
                    b.constant(&tensor_name(i, "amplitude"), real, || Data::Real(values))
                };
                b.emit(Op::Attenuate(Attenuate), &[field, a])
            }
            Element::Aperture(aperture) => {
                let a = b.constant(&tensor_name(i, "aperture"), real, || {
                    Data::Real(aperture.transmission(&grid))
                });
                b.emit(Op::Attenuate(Attenuate), &[field, a])
            }
            Element::Lens(lens) => {
                let t = b.constant(&tensor_name(i, "lens"), complex, || {
                    Data::Complex(lens.phasor(&grid, optic.wavelength.0))
                });
                modulate(b, t, None)
            }
            Element::Monitor(_) => Ok(field),
            Element::Mesh(_) | Element::Svd(_) => match &self.parts[i] {
                Part::Mesh(mesh, phases) => mesh::emit(b, &tensor_prefix(i), mesh, *phases, field),
                Part::Svd(mesh, [right, left], attenuation) => {
                    let name = |part| tensor_name(i, part);
                    let x = mesh::emit(b, &name("right"), mesh, *right, field)?;
                    let x = b.emit(Op::Attenuate(Attenuate), &[x, *attenuation])?;
                    mesh::emit(b, &name("left"), mesh, *left, x)
                }
                Part::Matrices(_, all, attenuation) => {
                    let mut x = field;
                    for (n, (_, matrix)) in all.iter().enumerate() {
                        if let Some(attenuation) = attenuation.filter(|_| n == 1) {
                            x = b.emit(Op::Attenuate(Attenuate), &[x, attenuation])?;
                        }
                        x = b.emit(Op::Apply(Apply), &[x, *matrix])?;
                    }
                    Ok(x)
                }
                Part::Nothing | Part::Param(_) => Ok(field),
            },
            Element::Activation(activation) => {
                let kind = match *activation {
                    ActivationElement::ElectroOptic { tap, gain, bias } => {
                        Activation::ElectroOptic { tap, gain, bias }
                    }
                    ActivationElement::Saturable { absorption, saturation } => {
                        Activation::Saturable { absorption, saturation }
                    }
                    ActivationElement::Kerr { gamma } => Activation::Kerr { gamma },
                    ActivationElement::Softplus { threshold } => Activation::Softplus { threshold },
                };
                b.emit(Op::Activate(Activate { kind }), &[field])
            }
        }
    }
}
