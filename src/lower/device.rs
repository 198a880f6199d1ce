//! The real machine in a program: what its faults do to masks, distances, chips and readings.
//!
//! One device ([`Chance::Drawn`]) has its static faults as constants; a fault list
//! ([`Chance::Redrawn`]) is drawn anew every step, as for a twin that is to expect them
//! (vaccination: Mengu 2020, Nanophotonics 9, 4207): phases, figures, tilts and turns of masks, lateral
//! and axial shifts, the wavelength (uniform within ± its error), phases, splitters and losses of
//! meshes, gains of detectors, and all noise; nothing has drifted there. Without faults nothing is
//! emitted.

mod chip;
mod redrawn;

pub use chip::{SeenPhases, arms, builds, meshes_of};

use crate::error::Result;
use crate::math::random::{OF_PROGRAMS, Site};
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
use crate::optics::encoding::{Encoding, Front, Modulation};
use crate::optics::grid::Grid;
use crate::optics::hardware::mask::Corner;
use crate::optics::hardware::{DetectorFaults, FixedMask, Hardware, PlaneIndex, Pose};
use crate::optics::mesh::haar::normal;
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
    /// Counts steps and evaluations `[1]`; noise is addressed by it and by `exposure`.
    pub shot: SlotId,
    /// Which exposure of the step this is, from 0 on.
    pub exposure: u32,
}

/// A mask as the light meets it, or one of the four of a turned mask, whose light is the sum.
pub struct Seen {
    /// The phases for which the light takes the gradient.
    pub target: SlotId,
    pub phase: SlotId,
    pub amplitude: Option<SlotId>,
}

/// Of a mask whose pixels the samples do not simply lie over.
struct Part {
    /// Names its constants.
    name: String,
    /// The pixel at each sample, if it is another.
    pixel: Option<SparseSum>,
    /// The part of the light that meets this pixel, as amplitude `[y, x]`.
    share: SlotId,
}

/// What draws at an element.
#[derive(Debug, Clone, Copy)]
enum Draws {
    Fixed,
    Shot,
    Pose,
    Drift,
    Detector,
    Tilt,
    Figure,
    Turn,
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

    /// A site whose noise every exposure has anew.
    fn exposed(&self, site: u32) -> u32 {
        site.wrapping_add(self.exposure << 20)
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
        let place = (grid, wavelength);
        let pose = self.pose(element);
        let fixed = self.drawn().map_or_else(FixedMask::default, |seed| {
            faults.fixed(grid, wavelength, seed, element, &pose)
        });
        if let Some(map) = faults.fringing(grid) {
            at = SparseSum::new(self.name(element, "fringing"), map, &dims).emit(b, at)?;
        }
        let errors = self.errors(b, element, place, fixed.phase)?;
        let parts = if self.drawn().is_some() {
            self.turned(b, element, fixed.corners, &dims)
        } else {
            self.turns(b, element, grid)?
        };
        if parts.is_empty() {
            let phase = wrong(b, at, &errors)?;
            return Ok(vec![Seen { target: at, phase, amplitude }]);
        }
        let mut all = Vec::new();
        for Part { name, pixel, share } in parts {
            let moved = |b: &mut Builder, x| match &pixel {
                Some(pixel) => pixel.clone().emit(b, x),
                None => Ok(x),
            };
            let amplitude = match amplitude {
                Some(own) => {
                    let mut own = moved(b, own)?;
                    if let Some(pixel) = &pixel {
                        // Beyond the edge nothing stands, and all light passes.
                        let open = beyond(b, &name, pixel);
                        own = b.emit(Op::Add(Add), &[own, open])?;
                    }
                    b.emit(Op::Gain(Gain), &[own, share])?
                }
                None => share,
            };
            let target = moved(b, at)?;
            let phase = wrong(b, target, &errors)?;
            all.push(Seen { target, phase, amplitude: Some(amplitude) });
        }
        Ok(all)
    }

    /// The four parts of a mask that is turned for good; none of one that is not.
    fn turned(
        &self,
        b: &mut Builder,
        element: usize,
        corners: Vec<Corner>,
        dims: &[usize],
    ) -> Vec<Part> {
        let part = |(k, corner): (usize, Corner)| {
            let name = self.name(element, &format!("pixel.{k}"));
            let pixel = Some(SparseSum::new(name.clone(), corner.pixel, dims));
            let share = self.name(element, &format!("share.{k}"));
            let share = b.constant(&share, Shape::real(dims), || Data::Real(corner.share));
            Part { name, pixel, share }
        };
        corners.into_iter().enumerate().map(part).collect()
    }

    /// Emits what adds to the phases of a mask, each `[y, x]` and the same for all samples.
    fn errors(
        &self,
        b: &mut Builder,
        element: usize,
        (grid, wavelength): (&Grid, f64),
        fixed: Option<Vec<f64>>,
    ) -> Result<Vec<SlotId>> {
        let (faults, dims) = (&self.hardware.mask, grid.samples);
        let mut all = Vec::new();
        if self.drawn().is_none() {
            if faults.phase_std > 0.0 {
                let noise = Noise::Normal(faults.phase_std);
                let draw = self.draw(element, Draws::Fixed, noise, &dims);
                all.push(draw.emit(b, self.shot, false)?);
            }
            all.extend(self.figure(b, element, (grid, wavelength))?);
        } else if let Some(phase) = fixed {
            let name = self.name(element, "phase");
            all.push(b.constant(&name, Shape::real(&dims), || Data::Real(phase)));
        }
        self.wander(b, element, &dims);
        all.extend(b.find(&self.drifted(element)));
        Ok(all)
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
        let mut draw = self.draw(element, Draws::Shot, Noise::Normal(std), &dims);
        draw.site = self.exposed(draw.site);
        let own = draw.emit(b, self.shot, true)?;
        let t = b.emit(Op::Phasor(Phasor), &[own])?;
        b.emit(Op::Modulate(Modulate { conj, phase: None }), &[field, t])
    }

    /// Where the drift of a mask is kept.
    fn drifted(&self, element: usize) -> String {
        self.name(element, "drift")
    }

    /// Begins the walk of a mask's phases, where it has one.
    pub fn wander(&self, b: &mut Builder, element: usize, dims: &[usize]) {
        if self.drawn().is_some() && self.hardware.mask.drift_std > 0.0 {
            walk(b, &self.drifted(element), dims);
        }
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

    /// Emits what detectors read of mean intensities; `power` is that of the source. `full_scale` is a
    /// share of `power` for one reading, be it a region, a guide or a single pixel of a camera between
    /// layers: a share that suits a region leaves a pixel, which gets a thousandth of its light, below
    /// the first step of a converter.
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
            site: self.exposed(OF_PROGRAMS + SITES * element as u32 + Draws::Detector as u32),
            shot_noise: d.photons.is_some(),
            electrons: electrons / power,
            dark: d.dark,
            read: d.read,
            full: d.full_scale.map_or(0.0, |share| share * electrons),
            bits: d.bits.unwrap_or(0),
        };
        b.emit(Op::Expose(op), &[mean, gains, self.shot])
    }

    /// Emits what the input's modulator shows of values in 0..1, or of parts of complex numbers, in
    /// -1..1. A phase has no dark level, nor have these parts.
    pub fn show(&self, b: &mut Builder, values: SlotId, encoding: &Encoding) -> Result<SlotId> {
        let input = &self.hardware.input;
        let parts = encoding.front == Some(Front::Complex);
        let mut at = values;
        if let Some(bits) = input.bits {
            let low = if parts { -1.0 } else { 0.0 };
            at = b.emit(Op::Quantise(Quantise::range(1 << bits, low, 1.0)), &[at])?;
        }
        let dark = encoding.encoding == Modulation::Amplitude && !parts;
        if let Some(db) = input.extinction_db.filter(|_| dark) {
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

/// Where no pixel of a turned mask stands `[y, x]`: 1, else 0; `name`: the pixels'.
fn beyond(b: &mut Builder, name: &str, pixel: &SparseSum) -> SlotId {
    let ends = &pixel.table.start;
    let open = ends.windows(2).map(|w| f64::from(u8::from(w[0] == w[1]))).collect();
    let name = format!("{name}.beyond");
    b.constant(&name, Shape::real(&pixel.dims), || Data::Real(open))
}

/// Emits phases with the errors that a mask adds to them.
fn wrong(b: &mut Builder, phase: SlotId, errors: &[SlotId]) -> Result<SlotId> {
    errors.iter().try_fold(phase, |at, &error| b.emit(Op::Add(Add), &[at, error]))
}

/// The state in which a random walk is kept, from zeros on.
fn walk(b: &mut Builder, name: &str, dims: &[usize]) -> SlotId {
    b.find(name).unwrap_or_else(|| {
        let shape = Shape::real(dims);
        let zeros = Data::Real(vec![0.0; shape.len()]);
        b.state(name, shape, zeros)
    })
}
