//! A stack of planes: its device is shown the first images of the data, with patterns of their own on
//! the masks, and the twin is fitted to what the camera saw.
//!
//! The camera stands where the detector does, one reading a sample. Its `full_scale` is not the
//! detector's, a share of the source's light that all samples of a region get together: it is set by
//! what is seen (`convert`).

use std::f64::consts::TAU;
use std::sync::Arc;

use super::bench::Bench;
use super::mask::levels;
use super::numbers::Numbers;
use super::{Fit, Group, check_lit, codes, fit, inverse, report};
use crate::backend::Choice;
use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::experiment::Experiment;
use crate::lower::{Chance, Machine};
use crate::math::random::{Site, uniform};
use crate::ops::Op;
use crate::ops::intensity::Intensity;
use crate::ops::quantise::Quantise;
use crate::optics::Optic;
use crate::optics::element::{Element, PhaseMask};
use crate::optics::hardware::{DetectorFaults, Hardware};
use crate::program::{Builder, Data, Role};

const SHOW: &str = "calibrate.show";

/// Fits the numbers of `groups` from `exposures` images of so many photons.
pub(super) fn calibrate(
    experiment: &Experiment,
    hardware: &Hardware,
    data: &Dataset,
    choice: Choice,
    (exposures, photons): (usize, f64),
    groups: &[Group],
) -> Result<Fit> {
    let optic = &experiment.optic;
    if optic.element.iter().any(|e| matches!(e, Element::Detect(_) | Element::Couple(_))) {
        let rule = "cameras and chips between the layers cut the machine into parts";
        return Err(Error::invalid("optic.element", rule)
            .help("calibrate each part as an experiment of its own"));
    }
    let (numbers, scaled) = Numbers::new(optic, hardware, groups)?;
    let shown = Shown::new(optic, data, exposures, &numbers, experiment.seed)?;
    let (mut seen, power) = look(&shown, hardware, choice)?;
    check_lit(&seen)?;
    let electrons = photons / power;
    let step = convert(&mut seen, &hardware.detector, electrons);
    let inverse = inverse(&hardware.detector, electrons, step);
    let start = vec![0.0; numbers.all.len()];
    let mut bench = Bench::new(shown, numbers, choice, &seen, hardware)?;
    let mut found = fit::fit(&mut bench, start, &seen, inverse)?;
    let stds = [hardware.mask.phase_std, hardware.detector.gain_std];
    if stds != [0.0; 2] {
        found.carried = fit::carried(&found.curvature, &bench.lasting(&found.at, stds)?);
    }
    let mean = electrons * seen.iter().sum::<f64>() / seen.len() as f64;
    let fit = report(scaled, &found, (exposures, seen.len()), mean)?;
    check_inside(&fit, optic.grid().extent())?;
    Ok(fit)
}

/// Room above the brightest reading, and standard deviations of a dark one below the black level.
const HEADROOM: f64 = 1.1;
const BELOW_BLACK: f64 = 4.0;

/// Rounds readings as the camera's converter does, set as it is at a bench: the brightest just fits,
/// and the noise of the dark stands above its lowest step. Returns a step in the unit of the readings,
/// of which there are `electrons`; 0 without a converter.
fn convert(seen: &mut [f64], detector: &DetectorFaults, electrons: f64) -> f64 {
    let Some(bits) = detector.bits else { return 0.0 };
    let brightest = seen.iter().copied().fold(0.0, f64::max);
    let low = -BELOW_BLACK * (detector.read.powi(2) + detector.dark).sqrt() / electrons;
    let step = (HEADROOM * brightest - low) / codes(bits);
    for reading in seen {
        *reading = low + step * ((*reading - low) / step).round().clamp(0.0, codes(bits));
    }
    step
}

/// Refuses shifts that left the window `[y, x]`: out there no reading tells one from another.
fn check_inside(fit: &Fit, extent: [f64; 2]) -> Result<()> {
    for e in fit.estimates.iter().filter(|e| e.group == Group::Shift) {
        let half = 0.5 * extent[usize::from(e.quantity == "x")];
        if e.value.is_nan() || e.value.abs() > half {
            let rule = format!(
                "{} came out at {:.1e} m, outside of the window: the readings do not tell where it is",
                e.label(),
                e.value
            );
            return Err(Error::invalid("--fit", rule)
                .help("fit fewer groups (--fit), show more (--exposures), or use more photons"));
        }
    }
    Ok(())
}

/// What device and twin are shown.
pub struct Shown {
    /// Every phase mask a parameter.
    pub optic: Optic,
    /// Height and width of an image.
    pub image: [usize; 2],
    pub count: usize,
    /// `[count, height, width]`.
    pub images: Vec<f64>,
    /// What each phase mask is told, by element, and its levels.
    pub masks: Vec<(usize, Vec<f64>, Option<Quantise>)>,
}

impl Shown {
    fn new(
        optic: &Optic,
        data: &Dataset,
        count: usize,
        numbers: &Numbers,
        seed: u64,
    ) -> Result<Self> {
        let all = told_by_us(optic);
        let fixed = fixed_phases(optic, &all)?;
        let mut masks = Vec::new();
        for (i, element) in all.element.iter().enumerate() {
            let Element::PhaseMask(mask) = element else { continue };
            let levels = levels(mask, numbers.levels());
            let told = match &fixed[i] {
                Some(phases) => phases.clone(),
                None => pattern(&all, (i, mask), levels.as_ref(), numbers.has_levels(), seed),
            };
            masks.push((i, told, levels));
        }
        let size = data.image[0] * data.image[1];
        let mut images = vec![0.0; count * size];
        for (k, image) in images.chunks_exact_mut(size).enumerate() {
            data.train.write_image(k % data.train.len(), image);
        }
        Ok(Self { optic: all, image: data.image, count, images, masks })
    }
}

/// What the device's camera sees `[images, y, x]` before its converter, and the power of the source.
fn look(shown: &Shown, hardware: &Hardware, choice: Choice) -> Result<(Vec<f64>, f64)> {
    let detector = DetectorFaults { full_scale: None, bits: None, ..hardware.detector.clone() };
    let hardware = &Hardware { detector, ..hardware.clone() };
    let mut b = Builder::default();
    let told = Machine::new(&mut b, &shown.optic, Some(shown.image), 0, 0)?;
    let power = told.source_power()?;
    let device = told.real(&mut b, hardware, Chance::Drawn(hardware.seed));
    b.routine(SHOW, shown.count);
    let light = device.light(&mut b)?;
    let mut camera = b.emit(Op::Intensity(Intensity), &[light.leaving])?;
    if let Some(real) = &device.device {
        camera = real.expose(&mut b, shown.optic.element.len(), camera, power)?;
    }
    b.output(camera, "calibrate.camera");
    let mut executor = choice.compile(Arc::new(b.finish()))?;
    for (i, phases, _) in &shown.masks {
        if let Some((_, slot)) = told.masks().find(|(n, _)| n == i) {
            executor.write(slot, &Data::Real(phases.clone()))?;
        }
    }
    if let Some(slot) = told.image {
        executor.write(slot, &Data::Real(shown.images.clone()))?;
    }
    executor.run(SHOW, shown.count)?;
    Ok((executor.read(camera)?.reals().to_vec(), power))
}

/// The same machine with every phase mask a parameter, and no step of free space.
fn told_by_us(optic: &Optic) -> Optic {
    let mut all = optic.clone();
    for element in &mut all.element {
        match element {
            Element::PhaseMask(mask) => mask.trainable = true,
            Element::FreeSpace(step) => step.trainable.clear(),
            _ => {}
        }
    }
    all
}

/// Phases of the masks that show what they were made to, by element.
fn fixed_phases(optic: &Optic, all: &Optic) -> Result<Vec<Option<Vec<f64>>>> {
    let is_fixed = |e: &Element| matches!(e, Element::PhaseMask(mask) if !mask.trainable);
    let mut fixed = vec![None; optic.element.len()];
    if !optic.element.iter().any(is_fixed) {
        return Ok(fixed);
    }
    let mut b = Builder::default();
    // What is random of a mask that is not trained is drawn by seed 0.
    let made = Machine::new(&mut b, all, None, 0, 0)?;
    for (i, slot) in made.masks() {
        if let (true, Role::Param(start)) = (is_fixed(&optic.element[i]), &b.slot(slot).role) {
            fixed[i] = Some(start.reals().to_vec());
        }
    }
    Ok(fixed)
}

/// What a mask is told: blocks of 2 x 2 pixels, fine enough to tell a shift, coarse enough to be found
/// from afar; over half a turn, or over all levels where those are asked for.
fn pattern(
    optic: &Optic,
    (element, mask): (usize, &PhaseMask),
    levels: Option<&Quantise>,
    all_levels: bool,
    seed: u64,
) -> Vec<f64> {
    let [ny, nx] = optic.shape(element);
    let share = if all_levels || mask.bounds.is_some() { 1.0 } else { 0.5 };
    let [low, high] = mask.bounds.unwrap_or([0.0, TAU]);
    let phase = |p: usize| {
        let block = (p / nx / 2) * nx.div_ceil(2) + p % nx / 2;
        let part = share * uniform(seed, element as u32, Site::Pattern, block as u32);
        match levels {
            Some(op) => op.low + (part * op.levels as f64).floor() * op.step,
            None => low + part * (high - low),
        }
    };
    (0..ny * nx).map(phase).collect()
}

#[cfg(test)]
mod tests {
    use super::super::Estimate;
    use super::*;

    fn camera(bits: Option<u32>) -> DetectorFaults {
        DetectorFaults { read: 5.0, full_scale: Some(0.1), bits, ..Default::default() }
    }

    /// Whatever the light, nothing is cut and all is off by half a step at most, noise below 0 too.
    #[test]
    fn a_camera_is_set_by_what_it_sees() {
        for electrons in [1.0, 1e6] {
            let light: Vec<f64> = [-12.0, 0.0, 3.0, 70.0, 900.0].map(|n| n / electrons).into();
            let mut seen = light.clone();
            let step = convert(&mut seen, &camera(Some(10)), electrons);
            let expected = (1.1 * 900.0 + 4.0 * 5.0) / 1023.0 / electrons;
            assert!((step / expected - 1.0).abs() < 1e-12, "{step}");
            for (a, b) in seen.iter().zip(&light) {
                assert!((a - b).abs() < 0.5001 * step, "{a} {b}");
            }
            assert_eq!(convert(&mut seen, &camera(None), electrons), 0.0);
        }
    }

    #[test]
    fn what_left_the_window_is_refused() {
        let mut fit = Fit {
            estimates: vec![Estimate {
                group: Group::Shift,
                place: "detector".into(),
                quantity: "x".into(),
                unit: "m",
                value: 1.9e-3,
                half: 1e-4,
                truth: 0.0,
            }],
            reduced_chi2: 1.0,
            steps: 1,
            exposures: 1,
            photons_per_reading: 1.0,
            notes: Vec::new(),
        };
        check_inside(&fit, [2e-3, 4e-3]).expect("inside");
        fit.estimates[0].value = -23.3e-3;
        let error = check_inside(&fit, [2e-3, 4e-3]).expect_err("far out");
        assert!(error.to_string().contains("x of detector came out at -2.3e-2 m"), "{error}");
        assert_eq!(error.exit_code(), 2);
    }
}
