//! The twin fitted to its device, from what the device's detectors show: where planes stand and how
//! they are turned, what masks do with what they are told, splitters and phases of a chip.
//!
//! χ² = Σ (twin - reading)² / var, var of photons, read noise and the converter's steps as the detector
//! has them, goes down by Levenberg and Marquardt's steps ([`fit`]); intervals are
//! ±1.96 √((JᵀWJ)⁻¹ max(1, χ²/dof) + carried), where a stack carries what follows.
//! A stack ([`stack`]) has its gradient by the adjoint of the twin's program, down to every pixel of
//! every mask, and from there by the mask's own derivatives; the curvature is taken from differences of
//! the model, whose columns are cheap. A chip ([`chip`]) has all derivatives in closed form.
//!
//! What no reading tells is not fitted: pistons of masks (phases of levels are those over level 0,
//! aberrations begin with Zernike term 4) and output phases of a chip. Numbers that readings do not tell
//! apart are refused by name, as amplitudes of levels beside what all masks let through; those that
//! they hardly tell apart are said ([`fit::Tie`]). A mask's tilt shifts the light on all planes behind
//! it and does little else near the axis: its interval and those of the shifts grow together.
//! Errors that are drawn pixel by pixel (`phase_std`) or detector by detector (`gain_std`) have no
//! numbers here, and move those that have. More light does not help: the twin of a stack has the mean
//! of its masks' errors, and the intervals grow by what errors of the hardware's size do to the numbers,
//! to first order (more than 0.1 rad do more). Those of a chip's detectors, the scatter of
//! `shot_phase_std` and a wrong wavelength stay in χ² alone.

mod bench;
pub mod chip;
pub mod fit;
mod mask;
mod mesh;
mod numbers;
pub mod stack;

use serde::Serialize;

use crate::backend::Choice;
use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::experiment::Experiment;
use crate::optics::hardware::{DetectorFaults, Hardware};

/// Numbers that are fitted together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Group {
    /// y and x of every plane.
    Shift,
    /// z of every plane.
    Axial,
    /// By which each mask turns the beam.
    Tilt,
    /// Of each mask about the beam.
    Rotation,
    /// Phase and amplitude of every level of the masks.
    Lookup,
    /// Zernike terms of each mask.
    Aberrations,
    /// Fringing of the masks, or heat of the shifters of a chip.
    Crosstalk,
    /// What the masks let through unmodulated.
    Fill,
    /// Both splitters of every cell.
    Splitters,
    /// Static phase errors of every cell.
    Phases,
    /// Mean loss of a cell.
    Loss,
}

/// Groups of a stack and of a chip.
const STACK: [Group; 8] = [
    Group::Shift,
    Group::Axial,
    Group::Tilt,
    Group::Rotation,
    Group::Lookup,
    Group::Aberrations,
    Group::Crosstalk,
    Group::Fill,
];
const CHIP: [Group; 4] = [Group::Splitters, Group::Phases, Group::Loss, Group::Crosstalk];

impl Group {
    pub fn name(self) -> &'static str {
        match self {
            Self::Shift => "shift",
            Self::Axial => "axial",
            Self::Tilt => "tilt",
            Self::Rotation => "rotation",
            Self::Lookup => "lookup",
            Self::Aberrations => "aberrations",
            Self::Crosstalk => "crosstalk",
            Self::Fill => "fill",
            Self::Splitters => "splitters",
            Self::Phases => "phases",
            Self::Loss => "loss",
        }
    }

    /// Whether the hardware block has errors of this group.
    fn is_in(self, hardware: &Hardware) -> bool {
        let (mask, at, mesh) = (&hardware.mask, &hardware.alignment, &hardware.mesh);
        match self {
            Self::Shift => at.lateral.0 > 0.0,
            Self::Axial => at.axial.0 > 0.0,
            Self::Tilt => at.tilt > 0.0,
            Self::Rotation => at.rotation > 0.0,
            Self::Lookup => mask.lookup.is_some(),
            Self::Aberrations => mask.aberration_std > 0.0,
            Self::Crosstalk => {
                mask.crosstalk > 0.0 || mesh.crosstalk > 0.0 || mesh.crosstalk_along > 0.0
            }
            Self::Fill => mask.fill_factor < 1.0,
            Self::Splitters => {
                mesh.splitter_angle > 0.0
                    || mesh.splitter_amplitude > 0.0
                    || mesh.extinction_db.is_some()
            }
            Self::Phases => mesh.theta_std > 0.0 || mesh.phi_std > 0.0,
            Self::Loss => mesh.loss_db > 0.0,
        }
    }
}

/// The groups of `--fit a,b,..` for this experiment; without names those of its hardware.
fn groups(experiment: &Experiment, hardware: &Hardware, names: Option<&str>) -> Result<Vec<Group>> {
    let chip = experiment.optic.modes.is_some();
    let all: &[Group] = if chip { &CHIP } else { &STACK };
    let known = || all.iter().map(|g| g.name()).collect::<Vec<_>>().join(", ");
    let Some(names) = names else {
        let own: Vec<Group> = all.iter().copied().filter(|g| g.is_in(hardware)).collect();
        let first = if chip { &CHIP[..2] } else { &STACK[..2] };
        return Ok(if own.is_empty() { first.to_vec() } else { own });
    };
    let parse = |name: &str| {
        all.iter().copied().find(|g| g.name() == name).ok_or_else(|| {
            let what = if chip { "a chip" } else { "a stack" };
            Error::invalid("--fit", format!("\"{name}\" is no group of {what}"))
                .help(format!("name some of {}", known()))
        })
    };
    names.split(',').map(|name| parse(name.trim())).collect()
}

/// One number of the device.
#[derive(Debug, Clone, Serialize)]
pub struct Estimate {
    pub group: Group,
    /// The element, `detector`, `masks` where it is one of all masks, or a cell.
    pub place: String,
    pub quantity: String,
    /// Of the three numbers, in SI.
    pub unit: &'static str,
    pub value: f64,
    /// Half of the 95 % interval.
    pub half: f64,
    /// What it is, which a simulated device tells its examiner alone.
    pub truth: f64,
}

impl Estimate {
    fn label(&self) -> String {
        format!("{} of {}", self.quantity, self.place)
    }
}

#[derive(Debug, Clone, Serialize)]
pub struct Fit {
    pub estimates: Vec<Estimate>,
    /// χ² over its degrees of freedom: 1 where nothing but noise is left.
    pub reduced_chi2: f64,
    pub steps: usize,
    /// Inputs that the device was shown.
    pub exposures: usize,
    /// Mean photons of a reading.
    pub photons_per_reading: f64,
    /// What readings do not tell, or hardly, and what is unusual about them.
    pub notes: Vec<String>,
}

/// The numbers of a fit at their values in units of the model, and what one unit is.
struct Scaled {
    estimates: Vec<Estimate>,
    scale: Vec<f64>,
}

impl Scaled {
    /// The numbers that show, and the labels of the others.
    fn only(self, shows: &[bool]) -> (Self, Vec<String>) {
        let (mut kept, mut hidden) =
            (Self { estimates: Vec::new(), scale: Vec::new() }, Vec::new());
        for ((estimate, scale), &shows) in self.estimates.into_iter().zip(self.scale).zip(shows) {
            if shows {
                kept.estimates.push(estimate);
                kept.scale.push(scale);
            } else {
                hidden.push(estimate.label());
            }
        }
        (kept, hidden)
    }
}

/// What the hardware block must say for a fit, and the photons of an exposure.
fn required(experiment: &Experiment) -> Result<(&Hardware, f64)> {
    let Some(hardware) = experiment.hardware.as_ref().filter(|h| h.lab.is_none()) else {
        let rule = "missing: nothing says what the device is";
        return Err(Error::invalid("hardware", rule).help(
            "add a [hardware] block with its faults; a lab shows its detectors alone, and no camera",
        ));
    };
    let photons = hardware.detector.photons.ok_or_else(|| {
        let rule = "missing: without noise there are no intervals";
        Error::invalid("hardware.detector.photons", rule)
            .help("add detector.photons, as 1e8 of one exposure")
    })?;
    Ok((hardware, photons))
}

/// Fits the twin of the experiment to its device, from `exposures` images of a stack, or settings of a
/// chip; `names` of groups as in `--fit`.
pub fn calibrate(
    experiment: &Experiment,
    data: Option<&Dataset>,
    choice: Choice,
    exposures: usize,
    names: Option<&str>,
) -> Result<Fit> {
    let (hardware, photons) = required(experiment)?;
    let groups = groups(experiment, hardware, names)?;
    if experiment.optic.modes.is_some() {
        return chip::calibrate(experiment, choice, exposures, &groups);
    }
    let data = data.ok_or_else(|| {
        Error::invalid("data", "missing: the device must be shown something")
            .help("add [data] with name = \"mnist\"")
    })?;
    stack::calibrate(experiment, hardware, data, choice, (exposures, photons), &groups)
}

/// The inverse variance of a mean reading, by photons, the detector's own noise and the step of its
/// converter. `electrons`: of a unit of the readings, in which `step` is too.
fn inverse(detector: &DetectorFaults, electrons: f64, step: f64) -> impl Fn(f64) -> f64 {
    let own = (detector.read.powi(2) + detector.dark) / electrons.powi(2) + step.powi(2) / 12.0;
    // One electron at least, so that a dark pixel has a variance.
    move |i| (i.max(1.0 / electrons) / electrons + own).recip()
}

/// Steps of a converter over its range.
fn codes(bits: u32) -> f64 {
    2f64.powf(f64::from(bits)) - 1.0
}

/// Refuses readings of which none shows light.
fn check_lit(seen: &[f64]) -> Result<()> {
    if seen.iter().any(|&i| i > 0.0) {
        return Ok(());
    }
    let rule = "too few: every reading of the device is dark";
    Err(Error::invalid("hardware.detector.photons", rule).help(
        "use more photons, or a converter of finer steps (detector.bits, detector.full_scale)",
    ))
}

/// χ²/dof beyond which it is no chance, or noise alone.
const USUAL: std::ops::Range<f64> = 0.5..2.0;

/// What a χ²/dof says that is far from 1.
fn unusual(reduced_chi2: f64) -> Option<String> {
    if USUAL.contains(&reduced_chi2) {
        return None;
    }
    let says = if reduced_chi2 < USUAL.start {
        "the readings scatter less than their noise, as where most lie below one step of the \
         converter: these intervals are not to be trusted"
    } else {
        "more than noise and these numbers is in the readings, and may have moved the numbers by more \
         than their intervals, which grew by its root"
    };
    Some(format!("χ²/dof {reduced_chi2:.3}: {says}"))
}

/// The report of what was found.
fn report(
    Scaled { mut estimates, scale }: Scaled,
    found: &fit::Found,
    (exposures, readings): (usize, usize),
    photons_per_reading: f64,
) -> Result<Fit> {
    let n = estimates.len();
    let labels: Vec<String> = estimates.iter().map(Estimate::label).collect();
    let named = |of: &[usize]| of.iter().take(4).map(|&k| labels[k].clone()).collect::<Vec<_>>();
    let reduced_chi2 = found.chi2 / (readings.saturating_sub(n).max(1)) as f64;
    let known =
        fit::knowledge(n, &found.curvature).map_err(|unseen| fit::unseen(&named(&unseen)))?;
    for (k, e) in estimates.iter_mut().enumerate() {
        e.value += scale[k] * found.at[k];
        let variance = known.variance[k] * reduced_chi2.max(1.0) + found.carried[k];
        e.half = 1.96 * scale[k] * variance.sqrt();
    }
    let tied = |tie: &fit::Tie| {
        let wider = tie.wider;
        format!(
            "hardly told apart (intervals {wider:.0} times wider): {}",
            named(&tie.of).join(", ")
        )
    };
    let notes = known.ties.iter().map(tied).chain(unusual(reduced_chi2)).collect();
    let steps = found.steps;
    Ok(Fit { estimates, reduced_chi2, steps, exposures, photons_per_reading, notes })
}
