//! What is wrong with the real machine: the `[hardware]` block, and one device drawn from it.

use std::f64::consts::TAU;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Optic;
use super::element::Element;
use super::mesh::Imperfections;
use crate::error::{Error, Result};
use crate::math::random::{Site, uniform};
use crate::units::Metres;

pub mod mask;
pub mod scale;

pub use mask::{ABERRATIONS, FixedMask, corners, ramp};

/// The imperfections of the real machine: one device is drawn by `seed`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Hardware {
    /// A real device whose figures stand for the keys that are left out: `lcos`, `dmd`, `thz` or
    /// `silicon`; `lightloom validate` lists them with their sources.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preset: Option<String>,
    /// Which device of its kind.
    pub seed: u64,
    /// The wavelength over the one that the twin believes in, less 1.
    pub wavelength_error: f64,
    pub mask: MaskFaults,
    pub alignment: Alignment,
    pub detector: DetectorFaults,
    pub input: InputFaults,
    /// Of meshes; `eval --chips N` draws N other chips with them.
    pub mesh: Imperfections,
    /// A real device behind another process, in place of a simulated one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lab: Option<Lab>,
}

/// A process that speaks the lab protocol ([`crate::lab`]).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Lab {
    /// A program and its arguments.
    pub command: Vec<String>,
    /// Seconds within which every answer must come.
    #[serde(default = "default_timeout")]
    pub timeout_s: f64,
}

fn default_timeout() -> f64 {
    10.0
}

/// Of every phase mask on a plane; those on guides have no faults.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MaskFaults {
    /// Phases over a turn that the mask can show; of a mask with `bounds`, between them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub levels: Option<usize>,
    /// CSV of what the levels do: a line `phase,amplitude` a level, radians and 0..1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lookup: Option<PathBuf>,
    /// Standard deviation of a pixel's fixed error in radians.
    pub phase_std: f64,
    /// Standard deviation in radians (rms over the mask) of each of the Zernike terms 4 to 15 (Noll)
    /// by which a mask is not flat.
    pub aberration_std: f64,
    /// Standard deviation of a pixel's error that every exposure draws anew, in radians.
    pub shot_phase_std: f64,
    /// Part of a pixel's phase that leaks to each of its four neighbours (fringing field).
    pub crosstalk: f64,
    /// Part of a pixel's area that is modulated.
    pub fill_factor: f64,
    /// Amplitude with which the rest reflects, unmodulated.
    pub dead_amplitude: f64,
    /// Random walk of a pixel's phase in radians a step of training.
    pub drift_std: f64,
}

impl Default for MaskFaults {
    fn default() -> Self {
        Self {
            levels: None,
            lookup: None,
            phase_std: 0.0,
            aberration_std: 0.0,
            shot_phase_std: 0.0,
            crosstalk: 0.0,
            fill_factor: 1.0,
            dead_amplitude: 0.0,
            drift_std: 0.0,
        }
    }
}

/// Where masks and detector stand against where they should: each uniform within ± these.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Alignment {
    /// Sideways, along y and x.
    pub lateral: Metres,
    /// Along the beam.
    pub axial: Metres,
    /// Radians by which a phase mask on a plane turns the beam, about x and y; other planes stand upright.
    pub tilt: f64,
    /// Radians of a phase mask on a plane about the beam; other planes are not turned.
    pub rotation: f64,
}

/// Of the detectors, and of the cameras between layers.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DetectorFaults {
    /// Photons of one exposure in the source's light on the first plane; shot noise where given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub photons: Option<f64>,
    /// Mean dark electrons of an exposure.
    pub dark: f64,
    /// Standard deviation of the read noise in electrons.
    pub read: f64,
    /// Standard deviation of a detector's gain over its mean.
    pub gain_std: f64,
    /// Share of the source's light at which one reading saturates: a region, a guide, or a single pixel
    /// of a camera between layers, which needs a far smaller share; the camera of `calibrate` sets its
    /// own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub full_scale: Option<f64>,
    /// Of the analogue-to-digital converter, over the full scale.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bits: Option<u32>,
}

/// Of the modulator that shows the data; before a `fourier` or `pca` front end it shows the sample
/// itself.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct InputFaults {
    /// Levels of values in 0..1, or of the parts of `complex` ones in -1..1, are 2^bits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bits: Option<u32>,
    /// Power of bright over dark in dB, where values are amplitudes (`encoding = "amplitude"`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extinction_db: Option<f64>,
}

fn ranged(key: &str, value: f64, low: f64, high: f64) -> Result<()> {
    // A NaN is in no range.
    if (low..=high).contains(&value) && value.is_finite() {
        return Ok(());
    }
    let range = if high.is_finite() { format!("{low}..{high}") } else { format!("{low} or more") };
    Err(Error::invalid(format!("hardware.{key}"), format!("{value} is not {range}"))
        .help("give a value in this range, or leave the key out"))
}

impl Hardware {
    /// Refuses values out of range, and keys that need one another.
    pub fn check(&self) -> Result<()> {
        self.mesh.check().map_err(|e| e.renamed(|key| format!("hardware.mesh.{key}")))?;
        let most = f64::INFINITY;
        ranged("wavelength_error", self.wavelength_error, -0.5, 0.5)?;
        let mask = &self.mask;
        ranged("mask.phase_std", mask.phase_std, 0.0, most)?;
        ranged("mask.aberration_std", mask.aberration_std, 0.0, most)?;
        ranged("mask.shot_phase_std", mask.shot_phase_std, 0.0, most)?;
        ranged("mask.drift_std", mask.drift_std, 0.0, most)?;
        ranged("mask.crosstalk", mask.crosstalk, 0.0, 0.2)?;
        ranged("mask.fill_factor", mask.fill_factor, 1e-3, 1.0)?;
        ranged("mask.dead_amplitude", mask.dead_amplitude, 0.0, 1.0)?;
        if let Some(levels) = mask.levels {
            ranged("mask.levels", levels as f64, 2.0, 65536.0)?;
        }
        if mask.lookup.is_some() && mask.levels.is_some() {
            return Err(Error::invalid("hardware.mask.levels", "the table has levels of its own")
                .help("leave out levels or lookup"));
        }
        let at = &self.alignment;
        ranged("alignment.lateral", at.lateral.0, 0.0, most)?;
        ranged("alignment.axial", at.axial.0, 0.0, most)?;
        ranged("alignment.tilt", at.tilt, 0.0, 1.0)?;
        ranged("alignment.rotation", at.rotation, 0.0, 1.0)?;
        let d = &self.detector;
        ranged("detector.dark", d.dark, 0.0, most)?;
        ranged("detector.read", d.read, 0.0, most)?;
        ranged("detector.gain_std", d.gain_std, 0.0, 0.3)?;
        if let Some(photons) = d.photons {
            ranged("detector.photons", photons, 1.0, 1e15)?;
        } else if d.dark > 0.0 || d.read > 0.0 {
            let rule = "electrons of noise mean nothing without the photons of an exposure";
            return Err(Error::invalid("hardware.detector.photons", rule)
                .help("add detector.photons, as 1e6"));
        }
        if let Some(full) = d.full_scale {
            ranged("detector.full_scale", full, 1e-12, 1.0)?;
        }
        if let Some(bits) = d.bits {
            ranged("detector.bits", f64::from(bits), 1.0, 24.0)?;
            if d.full_scale.is_none() {
                let rule = "a converter needs the light at which it is full";
                return Err(Error::invalid("hardware.detector.full_scale", rule)
                    .help("add detector.full_scale, as 0.05 of the source's light"));
            }
        }
        if let Some(lab) = &self.lab {
            ranged("lab.timeout_s", lab.timeout_s, 1e-3, 1e6)?;
            if lab.command.is_empty() {
                return Err(Error::invalid("hardware.lab.command", "an empty command")
                    .help("give a program and its arguments, as [\"python3\", \"slm.py\"]"));
            }
            let simulated = Self { lab: None, ..self.clone() };
            if !simulated.is_ideal() {
                let rule = "a real device has its own faults, and needs none simulated";
                return Err(Error::invalid("hardware.lab", rule)
                    .help("leave the other keys of [hardware] out"));
            }
        }
        if let Some(bits) = self.input.bits {
            ranged("input.bits", f64::from(bits), 1.0, 16.0)?;
        }
        if let Some(ratio) = self.input.extinction_db {
            ranged("input.extinction_db", ratio, 1.0, 200.0)?;
        }
        Ok(())
    }

    /// Whether an optic drifts on such a device. A real one may, whatever the keys say.
    pub fn drifts(&self, optic: &Optic) -> bool {
        let wanders = |e: &Element| match e {
            Element::PhaseMask(_) => self.mask.drift_std > 0.0,
            Element::Mesh(_) | Element::Svd(_) => self.mesh.drift_std * self.mesh.step_s > 0.0,
            _ => false,
        };
        self.lab.is_some() || optic.element.iter().any(wanders)
    }

    /// Radians from one level to the next, where they lie farthest apart, of what drives an element;
    /// 0 of one that shows any phase.
    ///
    /// # Errors
    /// When a table of levels cannot be read.
    pub fn spacing(&self, element: &Element) -> Result<f64> {
        let (mask, mesh) = (&self.mask, &self.mesh);
        Ok(match element {
            Element::PhaseMask(own) => {
                let table = mask.table()?.map(|[phases, _]| phases.len());
                match (table.or(mask.levels), own.bounds) {
                    (Some(levels), None) => TAU / levels as f64,
                    (Some(levels), Some([low, high])) => (high - low) / (levels.max(2) - 1) as f64,
                    (None, _) => 0.0,
                }
            }
            Element::Mesh(_) | Element::Svd(_) => match (mesh.phase_bits, mesh.voltage_bits) {
                (Some(bits), _) => TAU / f64::from(1u32 << bits),
                (None, Some(bits)) => {
                    // Of 2π (k / last)², at the upper end.
                    let last = f64::from((1u32 << bits) - 1);
                    TAU * (2.0 * last - 1.0) / (last * last)
                }
                (None, None) => 0.0,
            },
            _ => 0.0,
        })
    }

    /// Nothing that a plane shows is wrong.
    pub fn is_ideal(&self) -> bool {
        let rest = Self { seed: 0, ..self.clone() };
        rest.wavelength_error == 0.0
            && rest.mask == MaskFaults::default()
            && rest.alignment == Alignment::default()
            && rest.detector == DetectorFaults::default()
            && rest.input == InputFaults::default()
            && rest.mesh == Imperfections::default()
            && rest.lab.is_none()
    }
}

/// How a plane stands: where it should be, and more.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Pose {
    /// Metres along the beam.
    pub z: f64,
    /// Metres sideways `[y, x]`.
    pub shift: [f64; 2],
    /// Radians by which it turns the beam along `[y, x]`.
    pub tilt: [f64; 2],
    /// Radians about the beam.
    pub rotation: f64,
}

/// A plane of the machine: element `n`, or the detector as the number of elements.
pub type PlaneIndex = usize;

impl Alignment {
    /// How a plane of the device `seed` stands.
    pub fn pose(&self, seed: u64, plane: PlaneIndex) -> Pose {
        let draw = |k: u32| 2.0 * uniform(seed, plane as u32, Site::Pose, k) - 1.0;
        Pose {
            z: self.axial.0 * draw(0),
            shift: [self.lateral.0 * draw(1), self.lateral.0 * draw(2)],
            tilt: [self.tilt * draw(3), self.tilt * draw(4)],
            rotation: self.rotation * draw(5),
        }
    }
}

/// The planes on both sides of each step of free space that can stand wrong: masks and the detector.
pub fn neighbours(optic: &Optic) -> Vec<(usize, [Option<PlaneIndex>; 2])> {
    let is_step = |e: &Element| matches!(e, Element::FreeSpace(_));
    let stands = |e: &Element| matches!(e, Element::PhaseMask(_) | Element::AmplitudeMask(_));
    let all = &optic.element;
    let plane_in = |range: std::ops::Range<usize>| range.into_iter().find(|&n| stands(&all[n]));
    let steps: Vec<usize> = (0..all.len()).filter(|&n| is_step(&all[n])).collect();
    let mut out = Vec::new();
    for (k, &step) in steps.iter().enumerate() {
        let start = if k == 0 { 0 } else { steps[k - 1] + 1 };
        let end = steps.get(k + 1).copied().unwrap_or(all.len());
        let after = plane_in(step + 1..end);
        let detector = (end == all.len() && after.is_none()).then_some(all.len());
        out.push((step, [plane_in(start..step), after.or(detector)]));
    }
    out
}

/// The optic of one device: its distances, offsets and wavelength as they are.
pub fn misaligned(optic: &Optic, hardware: &Hardware, seed: u64) -> Optic {
    let at = &hardware.alignment;
    let still = at.lateral.0 == 0.0 && at.axial.0 == 0.0;
    let mut real = if still { optic.clone() } else { moved(optic, |plane| at.pose(seed, plane)) };
    real.wavelength = Metres(optic.wavelength.0 * (1.0 + hardware.wavelength_error));
    real
}

/// An optic whose planes stand along the beam and sideways as `pose` says.
pub fn moved(optic: &Optic, pose: impl Fn(PlaneIndex) -> Pose) -> Optic {
    let mut real = optic.clone();
    for (step, planes) in neighbours(optic) {
        let [before, after] = planes.map(|p| p.map_or(Pose::default(), &pose));
        let Element::FreeSpace(space) = &mut real.element[step] else { continue };
        let [y, x] = space.offset.unwrap_or([Metres(0.0); 2]);
        space.designed = Some(space.designed.unwrap_or([space.z, y, x]));
        space.z = Metres(space.z.0 + after.z - before.z);
        let offset = space.offset.map_or([0.0; 2], |o| o.map(|m| m.0));
        let moved = [0, 1].map(|a| offset[a] + after.shift[a] - before.shift[a]);
        space.offset = (moved != [0.0; 2]).then(|| moved.map(Metres));
    }
    real
}
