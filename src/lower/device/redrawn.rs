//! What every step draws anew in a twin that is to expect a list of faults, where one device has
//! constants: figures and turns of masks, geometries, and the cells of chips.

use super::chip::builds;
use super::{Device, Draws, Part};
use crate::error::{Error, Result};
use crate::math::random::OF_PROGRAMS;
use crate::math::sparse::Sparse;
use crate::ops::Op;
use crate::ops::add::Add;
use crate::ops::attenuate::Attenuate;
use crate::ops::draw::{Draw, Noise};
use crate::ops::gain::Gain;
use crate::ops::quantise::Quantise;
use crate::ops::sparse_sum::SparseSum;
use crate::optics::element::Lens;
use crate::optics::grid::Grid;
use crate::optics::hardware::{ABERRATIONS, PlaneIndex, corners};
use crate::optics::mesh::faults::amplitude;
use crate::optics::mesh::{Faults, Mesh};
use crate::optics::transfer::Transfer;
use crate::optics::zernike::zernike;
use crate::program::{Builder, Data, Shape, SlotId};

/// Entries of a table of a function of one drawn number.
const BINS: usize = (1 << 14) + 1;
/// Normal numbers of [`Draw`] lie within ± this: √(2 ln 2^25) = 5.9.
const WIDEST: f64 = 6.0;
/// Pixels by which a mask's edge moves from one turn to the next at most.
const MOVES: f64 = 0.5;
/// Turns to either side at most.
const MOST_TURNS: usize = 12;
/// Sites of what is drawn of the cells of meshes, by their numbers.
const CELLS: u32 = OF_PROGRAMS + (3 << 14);

/// Emits f of drawn numbers that lie within ± `widest`, by a table.
fn function(
    b: &mut Builder,
    (name, widest): (&str, f64),
    drawn: SlotId,
    f: impl Fn(f64) -> f64,
) -> Result<SlotId> {
    let op = Quantise { aside: true, ..Quantise::range(BINS, -widest, widest) };
    let table = b.constant(name, Shape::real(&[BINS]), || {
        Data::Real((0..BINS).map(|k| f(op.low + k as f64 * op.step)).collect())
    });
    b.emit(Op::Quantise(op), &[drawn, table])
}

/// Emits one number `[1]` times a plane.
fn spread(
    b: &mut Builder,
    name: String,
    one: SlotId,
    plane: &[f64],
    dims: &[usize],
) -> Result<SlotId> {
    let rows: Vec<_> = plane.iter().map(|&x| vec![(0, x)]).collect();
    SparseSum::new(name, Sparse::from_rows(1, &rows), dims).emit(b, one)
}

impl Device {
    /// Emits what the tilt and the figure of a mask add to its phases, each `[y, x]`: sines of tilts
    /// are uniform, coefficients of Zernike terms normal.
    pub(super) fn figure(
        &self,
        b: &mut Builder,
        element: usize,
        (grid, wavelength): (&Grid, f64),
    ) -> Result<Vec<SlotId>> {
        let mut all = Vec::new();
        let mut add = |b: &mut Builder, draw: Draw, name: String, images: Vec<Vec<f64>>| {
            let drawn = draw.emit(b, self.shot, false)?;
            let row = |p: usize| images.iter().map(|image| image[p]).enumerate().collect();
            let rows: Vec<Vec<(usize, f64)>> = (0..grid.len()).map(row).collect();
            let map = Sparse::from_rows(images.len(), &rows);
            all.push(SparseSum::new(name, map, &grid.samples).emit(b, drawn)?);
            Ok::<_, Error>(())
        };
        let tilt = self.hardware.alignment.tilt;
        if tilt > 0.0 {
            let draw = self.draw(element, Draws::Tilt, Noise::Uniform(tilt.sin()), &[2]);
            let turns = std::f64::consts::TAU / wavelength;
            let images = vec![grid.map(|y, _| turns * y), grid.map(|_, x| turns * x)];
            add(b, draw, format!("mask.tilt.{grid:?}.{wavelength}"), images)?;
        }
        let std = self.hardware.mask.aberration_std;
        if std > 0.0 {
            let terms = ABERRATIONS.len();
            let draw = self.draw(element, Draws::Figure, Noise::Normal(std), &[terms]);
            let images = ABERRATIONS.map(|j| zernike(j, grid.samples)).collect();
            add(b, draw, format!("mask.figure.{:?}", grid.samples), images)?;
        }
        Ok(all)
    }

    /// Emits the parts of a mask that every step turns by another angle, uniform within ± the list's:
    /// what is seen is linear between turns that are made once, [`MOVES`] apart at the edge. The shares of
    /// [`corners`] are linear in the angle while no sample leaves its pixel for the next, but for the
    /// product of two moves: off by at most [`MOVES`]² / 4 of a sample's area, and by [`MOVES`] / 4
    /// where one does. All samples do so where the mask is not turned, which is one of the turns made.
    ///
    /// # Errors
    /// When there would be more than [`MOST_TURNS`] to either side.
    pub(super) fn turns(&self, b: &mut Builder, element: usize, grid: &Grid) -> Result<Vec<Part>> {
        let most = self.hardware.alignment.rotation;
        if most == 0.0 {
            return Ok(Vec::new());
        }
        let half = [0, 1].map(|a| grid.extent()[a] / 2.0);
        let edge = (half[1] / grid.pitch[0]).max(half[0] / grid.pitch[1]);
        let sides = (most * edge / MOVES).ceil() as usize;
        if sides > MOST_TURNS {
            let rule = format!(
                "{most} rad moves the edge of a mask by {:.1} pixels, and vaccination turns masks by {:.1} at most",
                most * edge,
                MOVES * MOST_TURNS as f64
            );
            let least = MOVES * MOST_TURNS as f64 / edge;
            return Err(Error::invalid("hardware.alignment.rotation", rule)
                .help(format!("use {least:.1e} or less, or another method than vaccination")));
        }
        let draw = self.draw(element, Draws::Turn, Noise::Uniform(most), &[1]);
        let drawn = draw.emit(b, self.shot, false)?;
        let step = most / sides as f64;
        let mut parts = Vec::new();
        for n in 0..=2 * sides {
            let angle = (n as f64 - sides as f64) * step;
            let hat = format!("mask.turn.{most}.{sides}.{n}");
            let weight = |x: f64| (1.0 - (x - angle).abs() / step).max(0.0);
            let weight = function(b, (&hat, most), drawn, weight)?;
            let name = |k: usize| format!("mask.turned.{grid:?}.{angle}.{k}");
            if n == sides {
                let whole = vec![1.0; grid.len()];
                let share = spread(b, name(0), weight, &whole, &grid.samples)?;
                parts.push(Part { name: name(0), pixel: None, share });
                continue;
            }
            for (k, corner) in corners(grid, angle).into_iter().enumerate() {
                let share = format!("{}.share", name(k));
                let share = spread(b, share, weight, &corner.share, &grid.samples)?;
                let pixel = Some(SparseSum::new(name(k), corner.pixel, &grid.samples));
                parts.push(Part { name: name(k), pixel, share });
            }
        }
        Ok(parts)
    }

    /// Emits the constants `[1 or cells, 16]` of the cells of a mesh ([`crate::ops::mesh_cells`]) whose
    /// faults are `faults`; where every step draws another, with its own splitters and losses.
    ///
    /// A cell is linear in cos ε and in sin ε of each of its splitters, and so a sum of its constants
    /// at ε = 0 and at ε = π/2.
    pub fn cells(
        &self,
        b: &mut Builder,
        (mesh, number): (&Mesh, u64),
        faults: &Faults,
    ) -> Result<SlotId> {
        let name = format!("mesh.build.{:?}.{number}", self.chance);
        let shape = Shape::complex(&[mesh.layout.cells.len(), 16]);
        let spec = &self.hardware.mesh;
        let splits = spec.splitter_angle > 0.0 || spec.splitter_amplitude > 0.0;
        let loses = spec.loss_std_db > 0.0;
        if self.drawn().is_some() || !(splits || loses) {
            return Ok(b.constant(&name, shape, || Data::Complex(builds(mesh, faults))));
        }
        let count = mesh.layout.cells.len();
        let draw = |b: &mut Builder, k: u32| {
            let site = CELLS + 4 * number as u32 + k;
            let noise = Noise::Normal(1.0);
            Draw { noise, seed: self.seed(), site, dims: vec![count] }.emit(b, self.shot, false)
        };
        let mut faults = faults.clone();
        let mut loss = None;
        if loses {
            faults.loss_db.fill(0.0);
            let drawn = draw(b, 3)?;
            let passes = |x: f64| amplitude(spec.loss(x));
            loss = Some(function(b, ("mesh.loss", WIDEST), drawn, passes)?);
        }
        // Products of the factors so far, and the splitters that go with them.
        let mut terms: Vec<(Option<SlotId>, [f64; 3])> = vec![(loss, [0.0; 3])];
        let splitters = if mesh.three_splitters { 3 } else { 2 };
        for s in (0..splitters).filter(|_| splits) {
            let drawn = draw(b, s as u32)?;
            let cos =
                function(b, ("mesh.splitter.cos", WIDEST), drawn, |x| spec.splitter(x).cos())?;
            let sin =
                function(b, ("mesh.splitter.sin", WIDEST), drawn, |x| spec.splitter(x).sin())?;
            let mut both = Vec::new();
            for (product, at) in terms {
                for (factor, angle) in [(cos, 0.0), (sin, std::f64::consts::FRAC_PI_2)] {
                    let mut at = at;
                    at[s] = angle;
                    let product = match product {
                        Some(product) => b.emit(Op::Gain(Gain), &[product, factor])?,
                        None => factor,
                    };
                    both.push((Some(product), at));
                }
            }
            terms = both;
        }
        let each: Vec<_> = (0..16 * count).map(|at| vec![(at / 16, 1.0)]).collect();
        let each = Sparse::from_rows(count, &each);
        let mut sum = None;
        for (n, (product, at)) in terms.into_iter().enumerate() {
            let Some(product) = product else { continue };
            if splits {
                faults.splitters.fill(at);
            }
            let name = format!("{name}.{n}");
            let part = b.constant(&name, shape.clone(), || Data::Complex(builds(mesh, &faults)));
            let each = SparseSum::new(format!("mesh.each.{count}"), each.clone(), &[count, 16]);
            let by = each.emit(b, product)?;
            let part = b.emit(Op::Attenuate(Attenuate), &[part, by])?;
            sum = Some(match sum {
                Some(sum) => b.emit(Op::Add(Add), &[sum, part])?,
                None => part,
            });
        }
        sum.ok_or_else(|| Error::invalid("hardware.mesh", "nothing is drawn"))
    }

    /// Emits the drawn geometry `[4]` of a step between two planes, as [`crate::ops::transfer`] has
    /// it; nothing where the device is one, whose distances are in its optic. `light` is all the
    /// machine's: one wavelength goes through every step.
    pub fn geometry(
        &self,
        b: &mut Builder,
        planes: [Option<PlaneIndex>; 2],
        transfer: &Transfer,
        light: PlaneIndex,
    ) -> Result<Option<SlotId>> {
        if self.drawn().is_some() {
            return Ok(None);
        }
        let moved = self.shifts(b, planes, transfer)?;
        let Some(one) = self.wavelength(b, light)? else { return Ok(moved) };
        let rows = transfer.by_wavelength().map(|w| vec![(0, w)]);
        let name = format!("wavelength.{} {:?}", transfer.z, transfer.offset);
        let coloured = SparseSum::new(name, Sparse::from_rows(1, &rows), &[4]).emit(b, one)?;
        match moved {
            Some(moved) => b.emit(Op::Add(Add), &[moved, coloured]).map(Some),
            None => Ok(Some(coloured)),
        }
    }

    /// Emits the error `[1]` of the wavelength over what it should be, if every step draws another.
    fn wavelength(&self, b: &mut Builder, light: PlaneIndex) -> Result<Option<SlotId>> {
        let error = self.hardware.wavelength_error.abs();
        if self.drawn().is_some() || error == 0.0 {
            return Ok(None);
        }
        // Where the detector draws no drift, the light draws its wavelength.
        let one = self.draw(light, Draws::Drift, Noise::Uniform(error), &[1]);
        one.emit(b, self.shot, false).map(Some)
    }

    /// Emits what the drawn wavelength adds to the phase of a lens `[y, x]`, φ / (1 + ε) - φ: for one
    /// device it is in its optic. `name` is the lens's.
    pub fn colour(
        &self,
        b: &mut Builder,
        (name, lens): (&str, &Lens),
        (grid, wavelength): (&Grid, f64),
        light: PlaneIndex,
    ) -> Result<Option<SlotId>> {
        let Some(one) = self.wavelength(b, light)? else { return Ok(None) };
        let error = self.hardware.wavelength_error.abs();
        let factor = function(b, ("lens.factor", error), one, |x| (1.0 + x).recip() - 1.0)?;
        let phases: Vec<f64> =
            grid.map(|y, x| std::f64::consts::TAU * lens.turns([y, x], wavelength));
        spread(b, format!("{name}.colour"), factor, &phases, &grid.samples).map(Some)
    }

    fn shifts(
        &self,
        b: &mut Builder,
        planes: [Option<PlaneIndex>; 2],
        transfer: &Transfer,
    ) -> Result<Option<SlotId>> {
        let at = &self.hardware.alignment;
        if at.lateral.0 == 0.0 && at.axial.0 == 0.0 {
            return Ok(None);
        }
        let mut moved = None;
        for (plane, sign) in planes.into_iter().zip([-1.0, 1.0]) {
            let Some(plane) = plane else { continue };
            let draw = self.draw(plane, Draws::Pose, Noise::Uniform(sign), &[4]);
            let draw = draw.emit(b, self.shot, false)?;
            moved = Some(match moved {
                Some(other) => b.emit(Op::Add(Add), &[other, draw])?,
                None => draw,
            });
        }
        let Some(moved) = moved else { return Ok(None) };
        let [y, x] = transfer.pitch.map(|pitch| at.lateral.0 / pitch);
        let scale = vec![at.axial.0 / transfer.wavelength, 0.0, y, x];
        let scale = b.constant("alignment.scale", Shape::real(&[4]), || Data::Real(scale));
        b.emit(Op::Gain(Gain), &[moved, scale]).map(Some)
    }
}
