//! The real machine in a program: what its faults do to masks, distances, chips and readings.
//!
//! One device ([`Chance::Drawn`]) has its static faults as constants; a fault list
//! ([`Chance::Redrawn`]) is drawn anew every step, as for a twin that is to expect them
//! (vaccination: Mengu 2020, Nanophotonics 9, 4207): phases of masks and meshes, lateral and axial
//! shifts, the wavelength of free space (uniform within ± its error), gains of detectors, and all
//! noise. Splitters, tilt, rotation, aberrations and the wavelength of lenses are as they should be
//! there. Without faults nothing is emitted.

mod chip;

pub use chip::{SeenPhases, arms, builds, meshes_of};

use crate::error::Result;
use crate::math::random::{OF_PROGRAMS, Site};
use crate::math::sparse::Sparse;
use crate::ops::Op;
use crate::ops::add::{Add, AddInto};
use crate::ops::attenuate::Attenuate;
use crate::ops::draw::{Draw, Noise};
use crate::ops::expose::Expose;
use crate::ops::gain::Gain;
use crate::ops::modulate::Modulate;
use crate::ops::phasor::Phasor;
use crate::ops::quantise::Quantise;
use crate::ops::sparse_sum::SparseSum;
use crate::optics::element::PhaseMask;
use crate::optics::grid::Grid;
use crate::optics::hardware::{DetectorFaults, FixedMask, Hardware, PlaneIndex, Pose};
use crate::optics::mesh::haar::normal;
use crate::optics::transfer::Transfer;
use crate::program::{Builder, Data, Shape, SlotId};

/// Which device stands there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chance {
    /// This one.
    Drawn(u64),
    /// Another every step.
    Redrawn(u64),
}

#[derive(Debug, Clone)]
pub struct Device {
    pub hardware: Hardware,
    pub chance: Chance,
    /// Counts exposures `[1]`: noise is addressed by it.
    pub shot: SlotId,
}

/// A mask as the light meets it, or one of the four of a turned mask, whose light is the sum.
pub struct Seen {
    /// The phases for which the light takes the gradient.
    pub target: SlotId,
    pub phase: SlotId,
    pub amplitude: Option<SlotId>,
}

/// What draws at an element.
#[derive(Debug, Clone, Copy)]
enum Draws {
    Fixed,
    Shot,
    Pose,
    Drift,
    Detector,
}

/// Numbers of sites that an element has.
const SITES: u32 = 8;

impl Device {
    pub fn seed(&self) -> u64 {
        match self.chance {
            Chance::Drawn(seed) | Chance::Redrawn(seed) => seed,
        }
    }

    /// The device that is drawn once, if it is.
    fn drawn(&self) -> Option<u64> {
        match self.chance {
            Chance::Drawn(seed) => Some(seed),
            Chance::Redrawn(_) => None,
        }
    }

    /// Before the names of constants, so that two devices in a program keep theirs apart.
    fn name(&self, element: usize, what: &str) -> String {
        format!("device.{:?}.{element}.{what}", self.chance)
    }

    fn draw(&self, element: usize, what: Draws, noise: Noise, dims: &[usize]) -> Draw {
        let site = OF_PROGRAMS + SITES * element as u32 + what as u32;
        Draw { noise, seed: self.seed(), site, dims: dims.to_vec() }
    }

    /// How a plane of this device stands; where every step draws another, as it should.
    pub fn pose(&self, plane: PlaneIndex) -> Pose {
        self.drawn().map_or(Pose::default(), |seed| self.hardware.alignment.pose(seed, plane))
    }

    /// Emits what a mask does when it is told `phase`: the light behind it is the sum over all that it
    /// shows.
    pub fn mask(
        &self,
        b: &mut Builder,
        element: usize,
        mask: &PhaseMask,
        (grid, wavelength): (&Grid, f64),
        phase: SlotId,
    ) -> Result<Vec<Seen>> {
        let (faults, dims) = (&self.hardware.mask, b.slot(phase).shape.dims.clone());
        let mut at = phase;
        let mut amplitude = None;
        let table = faults.table()?;
        let levels = table.as_ref().map_or(faults.levels, |t| Some(t[0].len()));
        if let Some(levels) = levels {
            let op = mask.bounds.map_or_else(
                || Quantise::turn(levels),
                |[low, high]| Quantise::range(levels, low, high),
            );
            if let Some(columns) = table {
                let shape = Shape::real(&[levels]);
                let [phases, amplitudes] = columns.map(Data::Real);
                let phases = b.constant("mask.lookup.phase", shape.clone(), || phases);
                let amplitudes = b.constant("mask.lookup.amplitude", shape, || amplitudes);
                let aside = Op::Quantise(Quantise { aside: true, ..op });
                amplitude = Some(b.emit(aside, &[at, amplitudes])?);
                at = b.emit(Op::Quantise(op), &[at, phases])?;
            } else {
                at = b.emit(Op::Quantise(op), &[at])?;
            }
        }
        let pose = self.pose(element);
        let fixed = self.drawn().map_or_else(FixedMask::default, |seed| {
            faults.fixed(grid, wavelength, seed, element, &pose)
        });
        if let Some(map) = faults.fringing(grid) {
            at = SparseSum::new(self.name(element, "fringing"), map, &dims).emit(b, at)?;
        }
        if fixed.corners.is_empty() {
            let phase = self.wrong(b, element, at, fixed.phase.as_deref())?;
            return Ok(vec![Seen { target: at, phase, amplitude }]);
        }
        let mut all = Vec::new();
        for (k, corner) in fixed.corners.into_iter().enumerate() {
            let pixel =
                SparseSum::new(self.name(element, &format!("pixel.{k}")), corner.pixel, &dims);
            let name = self.name(element, &format!("share.{k}"));
            let share = b.constant(&name, Shape::real(&dims), || Data::Real(corner.share));
            let amplitude = match amplitude {
                // Beyond the edge nothing stands, and all light passes.
                Some(own) => {
                    let own = pixel.clone().emit(b, own)?;
                    let open = self.beyond(b, element, k, &pixel);
                    let own = b.emit(Op::Add(Add), &[own, open])?;
                    b.emit(Op::Gain(Gain), &[own, share])?
                }
                None => share,
            };
            let target = pixel.emit(b, at)?;
            let phase = self.wrong(b, element, target, fixed.phase.as_deref())?;
            all.push(Seen { target, phase, amplitude: Some(amplitude) });
        }
        Ok(all)
    }

    /// Where no pixel of a turned mask stands `[y, x]`: 1, else 0.
    fn beyond(&self, b: &mut Builder, element: usize, corner: usize, pixel: &SparseSum) -> SlotId {
        let ends = &pixel.table.start;
        let open = ends.windows(2).map(|w| f64::from(u8::from(w[0] == w[1]))).collect();
        let name = self.name(element, &format!("beyond.{corner}"));
        b.constant(&name, Shape::real(&pixel.dims), || Data::Real(open))
    }

    /// Emits phases with the errors that a mask adds to them, the fixed ones as they are given.
    fn wrong(
        &self,
        b: &mut Builder,
        element: usize,
        mut at: SlotId,
        fixed: Option<&[f64]>,
    ) -> Result<SlotId> {
        let (faults, dims) = (&self.hardware.mask, b.slot(at).shape.dims.clone());
        let add = |b: &mut Builder, at, more| b.emit(Op::Add(Add), &[at, more]);
        if self.drawn().is_none() && faults.phase_std > 0.0 {
            let noise = Noise::Normal(faults.phase_std);
            let fresh = self.draw(element, Draws::Fixed, noise, &dims).emit(b, self.shot, false)?;
            at = add(b, at, fresh)?;
        } else if let Some(phase) = fixed {
            let name = self.name(element, "phase");
            let error = b.constant(&name, Shape::real(&dims), || Data::Real(phase.to_vec()));
            at = add(b, at, error)?;
        }
        if self.drawn().is_some() && faults.drift_std > 0.0 {
            let walk = walk(b, &self.drifted(element), &dims);
            at = add(b, at, walk)?;
        }
        Ok(at)
    }

    /// Emits the light that meets a mask with the phases that this exposure adds to it, or takes from
    /// what is sent back: they are one factor of all that the mask shows at a sample.
    pub fn shaken(
        &self,
        b: &mut Builder,
        element: usize,
        field: SlotId,
        conj: bool,
    ) -> Result<SlotId> {
        let std = self.hardware.mask.shot_phase_std;
        if std == 0.0 {
            return Ok(field);
        }
        let dims = b.slot(field).shape.dims.clone();
        let draw = self.draw(element, Draws::Shot, Noise::Normal(std), &dims);
        let own = draw.emit(b, self.shot, true)?;
        let t = b.emit(Op::Phasor(Phasor), &[own])?;
        b.emit(Op::Modulate(Modulate { conj, phase: None }), &[field, t])
    }

    /// Where the drift of a mask is kept.
    fn drifted(&self, element: usize) -> String {
        self.name(element, "drift")
    }

    /// Emits a step of the random walk of an element's phases.
    pub fn drift(&self, b: &mut Builder, element: usize) -> Result<()> {
        let noise = Noise::Normal(self.hardware.mask.drift_std);
        let draw = |dims: &[usize]| self.draw(element, Draws::Drift, noise, dims);
        self.step(b, &self.drifted(element), draw)?;
        self.drift_meshes(b, element)
    }

    /// Emits a step of a walk, if there is one.
    fn step(&self, b: &mut Builder, name: &str, draw: impl Fn(&[usize]) -> Draw) -> Result<()> {
        let Some(walk) = b.find(name) else { return Ok(()) };
        let dims = b.slot(walk).shape.dims.clone();
        let step = draw(&dims).emit(b, self.shot, false)?;
        b.emit_into(Op::AddInto(AddInto), &[step], &[walk])
    }

    /// Emits what a mask of a fill factor below 1 lets through: its own light, and what its dead
    /// area reflects of `field`.
    pub fn fill(&self, b: &mut Builder, modulated: SlotId, field: SlotId) -> Result<SlotId> {
        let (fill, dead) = (self.hardware.mask.fill_factor, self.hardware.mask.dead_amplitude);
        if fill == 1.0 {
            return Ok(modulated);
        }
        let shape = Shape::real(&b.slot(field).shape.dims);
        let mut share = |name: &str, value: f64, of: SlotId| {
            let all = vec![value; shape.len()];
            let a = b.constant(&format!("mask.{name}"), shape.clone(), || Data::Real(all));
            b.emit(Op::Attenuate(Attenuate), &[of, a])
        };
        let live = share("fill", fill, modulated)?;
        if dead == 0.0 {
            return Ok(live);
        }
        let rest = share("dead", (1.0 - fill) * dead, field)?;
        b.emit(Op::Add(Add), &[live, rest])
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
        let error = self.hardware.wavelength_error.abs();
        if error == 0.0 {
            return Ok(moved);
        }
        // Where the detector draws no drift, the light draws its wavelength.
        let one = self.draw(light, Draws::Drift, Noise::Uniform(error), &[1]);
        let one = one.emit(b, self.shot, false)?;
        let rows = transfer.by_wavelength().map(|w| vec![(0, w)]);
        let name = format!("wavelength.{} {:?}", transfer.z, transfer.offset);
        let coloured = SparseSum::new(name, Sparse::from_rows(1, &rows), &[4]).emit(b, one)?;
        match moved {
            Some(moved) => b.emit(Op::Add(Add), &[moved, coloured]).map(Some),
            None => Ok(Some(coloured)),
        }
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

    /// Emits what detectors read of mean intensities; `power` is that of the source.
    pub fn expose(
        &self,
        b: &mut Builder,
        element: usize,
        mean: SlotId,
        power: f64,
    ) -> Result<SlotId> {
        let d = &self.hardware.detector;
        if *d == DetectorFaults::default() {
            return Ok(mean);
        }
        let shape = b.slot(mean).shape.clone();
        let dims = shape.dims;
        let fixed_std = if self.drawn().is_some() { d.gain_std } else { 0.0 };
        let gain =
            |k: u32| 1.0 + fixed_std * normal(self.seed(), element as u32, Site::DetectorGain, k);
        let size: usize = dims.iter().product();
        let gains = (0..size as u32).map(gain).collect();
        let name = self.name(element, "gain");
        let mut gains = b.constant(&name, Shape::real(&dims), || Data::Real(gains));
        if self.drawn().is_none() && d.gain_std > 0.0 {
            // No mask stands where a detector does, whose errors this would be.
            let noise = Noise::Normal(d.gain_std);
            let fresh = self.draw(element, Draws::Fixed, noise, &dims).emit(b, self.shot, false)?;
            gains = b.emit(Op::Add(Add), &[gains, fresh])?;
        }
        let electrons = d.photons.unwrap_or(1.0);
        let op = Expose {
            seed: self.seed(),
            site: OF_PROGRAMS + SITES * element as u32 + Draws::Detector as u32,
            shot_noise: d.photons.is_some(),
            electrons: electrons / power,
            dark: d.dark,
            read: d.read,
            full: d.full_scale.map_or(0.0, |share| share * electrons),
            bits: d.bits.unwrap_or(0),
        };
        b.emit(Op::Expose(op), &[mean, gains, self.shot])
    }

    /// Emits what the input's modulator shows of values in 0..1.
    pub fn show(&self, b: &mut Builder, values: SlotId) -> Result<SlotId> {
        let input = &self.hardware.input;
        let mut at = values;
        if let Some(bits) = input.bits {
            at = b.emit(Op::Quantise(Quantise::range(1 << bits, 0.0, 1.0)), &[at])?;
        }
        if let Some(db) = input.extinction_db {
            let floor = 10f64.powf(-db / 20.0);
            let dims = b.slot(values).shape.dims.clone();
            let mut all = |name: &str, value: f64| {
                let shape = Shape::real(&dims);
                let data = vec![value; shape.len()];
                b.constant(&format!("input.{name}"), shape, || Data::Real(data))
            };
            let (swing, dark) = (all("swing", 1.0 - floor), all("dark", floor));
            let bright = b.emit(Op::Gain(Gain), &[at, swing])?;
            at = b.emit(Op::Add(Add), &[bright, dark])?;
        }
        Ok(at)
    }
}

/// The state in which a random walk is kept, from zeros on.
fn walk(b: &mut Builder, name: &str, dims: &[usize]) -> SlotId {
    b.find(name).unwrap_or_else(|| {
        let shape = Shape::real(dims);
        let zeros = Data::Real(vec![0.0; shape.len()]);
        b.state(name, shape, zeros)
    })
}
