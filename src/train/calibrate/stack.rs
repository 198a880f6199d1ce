//! A stack of planes: its device is shown the first images of the data, with patterns of their own on
//! the masks, and the twin is fitted to what the camera saw.

use std::f64::consts::TAU;
use std::sync::Arc;

use super::bench::Bench;
use super::mask::levels;
use super::numbers::Numbers;
use super::{Fit, Group, fit, report};
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
use crate::optics::hardware::Hardware;
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
    let (seen, power) = look(&shown, hardware, choice)?;
    let electrons = photons / power;
    let read = (hardware.detector.read.powi(2) + hardware.detector.dark) / electrons.powi(2);
    // One electron at least, so that a dark pixel has a variance.
    let inverse = |i: f64| (i.max(1.0 / electrons) / electrons + read).recip();
    let start = vec![0.0; numbers.all.len()];
    let mut bench = Bench::new(shown, numbers, choice, &seen)?;
    let found = fit::fit(&mut bench, start, &seen, inverse)?;
    let mean = electrons * seen.iter().sum::<f64>() / seen.len() as f64;
    report(scaled, &found, (exposures, seen.len()), mean)
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

/// What the device's camera sees `[images, y, x]`, and the power of the source.
fn look(shown: &Shown, hardware: &Hardware, choice: Choice) -> Result<(Vec<f64>, f64)> {
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
