//! The light of a machine in a routine: in at its first plane, through its elements, and back.

use num_complex::Complex;

use super::machine::Machine;
use super::mesh::Passed;
use super::pass::At;
use super::{LARGE, front};
use crate::error::Result;
use crate::ops::Op;
use crate::ops::sparse_sum::SparseSum;
use crate::optics::element::Element;
use crate::optics::encoding::Modulation;
use crate::optics::grid::Grid;
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
    /// Behind each element.
    pub behind: Vec<SlotId>,
    /// Every mesh, in order of passage.
    pub meshes: Vec<Passed>,
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

impl Machine {
    /// Emits the machine from its source to behind its last element.
    pub fn light(&self, b: &mut Builder) -> Result<Light> {
        let entering = self.enter(b)?;
        self.light_of(b, entering, &mut |_, _, slot| Ok(slot))
    }

    /// Likewise from a field on the first plane; `hook` may put another slot in the place of what
    /// stands behind an element or of what a camera reads.
    pub fn light_of(
        &self,
        b: &mut Builder,
        entering: SlotId,
        hook: &mut dyn FnMut(&mut Builder, At, SlotId) -> Result<SlotId>,
    ) -> Result<Light> {
        let mut field = entering;
        let (mut z, mut steps, mut behind) = (0.0, Vec::new(), Vec::new());
        let mut meshes = Vec::new();
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
            field = self.pass(b, i, element, field, hook, &mut meshes)?;
            field = hook(b, At::Behind(i), field)?;
            behind.push(field);
            match element {
                Element::FreeSpace(step) => z += step.z.0,
                Element::Monitor(m) => planes.push(Plane { name: m.name.clone(), z, field }),
                _ => {}
            }
        }
        planes.push(Plane { name: "output".into(), z, field });
        Ok(Light { entering, leaving: field, planes, steps, behind, meshes })
    }

    /// Emits the machine from behind its last element to its first plane, for the conjugate of light
    /// that is sent back: a mask acts as conj(t), free space as conj(H). `hook` sees the field behind
    /// each element, where the light enters it from.
    pub fn back_of(
        &self,
        b: &mut Builder,
        leaving: SlotId,
        hook: &mut dyn FnMut(&mut Builder, At, SlotId) -> Result<SlotId>,
    ) -> Result<SlotId> {
        let mut field = leaving;
        for (i, element) in self.optic.element.iter().enumerate().rev() {
            field = hook(b, At::Behind(i), field)?;
            field = self.pass_back(b, i, element, field)?;
        }
        Ok(field)
    }

    /// The field on the first plane: the source, or the source carrying an image.
    pub fn enter(&self, b: &mut Builder) -> Result<SlotId> {
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
        let shown = match (&self.device, carried) {
            (Some(device), Some((image, encoding))) => {
                Some((device.show(b, image, encoding)?, encoding))
            }
            _ => carried,
        };
        if let (Some(modes), Some((image, encoding))) = (optic.modes, shown) {
            return front::guides(b, image, encoding, modes);
        }
        let mut source = optic.source.field(&grid, optic.wavelength.0)?;
        let Some((image, encoding)) = shown else {
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
}
