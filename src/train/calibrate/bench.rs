//! The twin of a stack in a program, its planes and masks where the fit believes them.
//!
//! The program takes gradients by how planes stand and by every pixel's phase and amplitude; those of a
//! mask's numbers follow from the mask's own derivatives.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::fit::Model;
use super::mask::{Believed, Mask};
use super::numbers::{Number, Numbers};
use super::stack::Shown;
use crate::backend::{Choice, Executor};
use crate::error::{Error, Result};
use crate::lower::{At, Chance, Machine};
use crate::ops::Op;
use crate::ops::attenuate::Attenuate;
use crate::ops::intensity::Intensity;
use crate::ops::misfit::Misfit;
use crate::optics::hardware::{Hardware, PlaneIndex};
use crate::program::adjoint::adjoint;
use crate::program::{Builder, Data, Shape, SlotId};

const MODEL: &str = "calibrate.model";
const FIT: &str = "calibrate.fit";
/// Of a number in its unit, for the differences of the model in f32 and of masks in f64.
const STEP: f64 = 1e-3;
const FINE_STEP: f64 = 1e-5;

/// A slot and its gradient.
#[derive(Clone, Copy)]
struct Param {
    slot: SlotId,
    grad: SlotId,
}

/// A mask of the twin.
struct Place {
    element: usize,
    phase: Param,
    amplitude: Param,
    /// As which it was last written.
    last: Option<Believed>,
}

/// The program of a twin.
struct Program {
    executor: Box<dyn Executor>,
    model: SlotId,
    measured: SlotId,
    weight: SlotId,
    chi2: SlotId,
    poses: Vec<(PlaneIndex, Param)>,
    /// In the order of the masks.
    places: Vec<Place>,
}

pub struct Bench {
    shown: Shown,
    numbers: Numbers,
    /// Every mask and what it would be without errors.
    masks: Vec<(Mask, Believed)>,
    /// The inverse variances as they were last told.
    weights: Vec<f64>,
    program: Program,
}

impl Bench {
    /// `seen`: the device's readings `[images, y, x]`. What is known of the hardware: the levels of its
    /// input's modulator, and how large the errors of pixels are.
    pub fn new(
        shown: Shown,
        numbers: Numbers,
        choice: Choice,
        seen: &[f64],
        hardware: &Hardware,
    ) -> Result<Self> {
        let program = Program::new(&shown, &numbers, choice, seen, hardware)?;
        let place = (shown.optic.grid(), shown.optic.wavelength.0);
        let errors = hardware.mask.phase_std.hypot(hardware.mask.shot_phase_std);
        let mask = |(_, told, levels): &(usize, Vec<f64>, Option<_>)| {
            let mask = Mask::new(place, told.clone(), levels.as_ref(), errors);
            (mask, Believed::ideal(levels.as_ref()))
        };
        let masks = shown.masks.iter().map(mask).collect();
        Ok(Self { shown, numbers, masks, weights: Vec::new(), program })
    }

    /// JᵀW times what errors that stay do to the readings by their standard deviations
    /// `[numbers][errors]`: the phase of every pixel of every mask, and the gain of every pixel of the
    /// camera. To be asked for when all is fitted: what was measured is overwritten.
    pub fn lasting(&mut self, at: &[f64], [phase, gain]: [f64; 2]) -> Result<Vec<Vec<f64>>> {
        let model = self.readings(at)?;
        let slopes = self.slopes(at)?;
        self.tell(at)?;
        let pixels = model.len() / self.shown.count.max(1);
        let mut rows = Vec::with_capacity(slopes.len());
        for slope in &slopes {
            // With a misfit of this slope the gradient of half of χ² is that of W times the slope.
            let aside = model.iter().zip(slope).map(|(m, s)| m - s).collect();
            self.program.executor.write(self.program.measured, &Data::Real(aside))?;
            self.program.executor.run(FIT, self.shown.count)?;
            let mut row = Vec::new();
            for place in &self.program.places {
                let of_phase = self.program.executor.read(place.phase.grad)?;
                row.extend(of_phase.reals().iter().map(|g| phase * g));
            }
            let mut by_pixel = vec![0.0; pixels];
            for (k, ((m, s), w)) in model.iter().zip(slope).zip(&self.weights).enumerate() {
                by_pixel[k % pixels] += gain * m * s * w;
            }
            row.extend(by_pixel);
            rows.push(row);
        }
        Ok(rows)
    }

    fn tell(&mut self, at: &[f64]) -> Result<()> {
        let program = &mut self.program;
        for &(plane, pose) in &program.poses {
            program
                .executor
                .write(pose.slot, &Data::Real(self.numbers.pose(plane, at).to_vec()))?;
        }
        for (place, (mask, ideal)) in program.places.iter_mut().zip(&self.masks) {
            let believed = self.numbers.believed(place.element, ideal, at);
            if place.last.as_ref() == Some(&believed) {
                continue;
            }
            let t = mask.transmission(&believed);
            let phase = t.iter().map(|t| t.arg()).collect();
            let amplitude = t.iter().map(|t| t.norm()).collect();
            program.executor.write(place.phase.slot, &Data::Real(phase))?;
            program.executor.write(place.amplitude.slot, &Data::Real(amplitude))?;
            place.last = Some(believed);
        }
        Ok(())
    }

    /// Σ Re<g, ∂t/∂p> over the masks, g the gradient of each transmission t = a e^{iφ}:
    /// Re(e^{-iφ} ∂t) of ∂χ²/∂a and Im(e^{-iφ} ∂t) / a of ∂χ²/∂φ.
    fn through_masks(&mut self, at: &[f64]) -> Result<Vec<f64>> {
        let mut gradient = vec![0.0; at.len()];
        for (place, (mask, ideal)) in self.program.places.iter().zip(&self.masks) {
            let [by_phase, by_amplitude] =
                [place.phase, place.amplitude].map(|p| self.program.executor.read(p.grad));
            let (by_phase, by_amplitude) = (by_phase?, by_amplitude?);
            let of =
                |at: &[f64]| mask.transmission(&self.numbers.believed(place.element, ideal, at));
            let t = of(at);
            for (k, sum) in gradient.iter_mut().enumerate() {
                if !self.numbers.all[k].moves_mask(place.element) {
                    continue;
                }
                let mut moved = at.to_vec();
                moved[k] += FINE_STEP;
                let up = of(&moved);
                moved[k] -= 2.0 * FINE_STEP;
                let down = of(&moved);
                for (p, t) in t.iter().enumerate() {
                    let size = t.norm().max(1e-9);
                    let turned = (up[p] - down[p]) / (2.0 * FINE_STEP) * t.conj() / size;
                    *sum += by_amplitude.reals()[p] * turned.re
                        + by_phase.reals()[p] * turned.im / size;
                }
            }
        }
        Ok(gradient)
    }
}

impl Model for Bench {
    fn readings(&mut self, at: &[f64]) -> Result<Vec<f64>> {
        self.tell(at)?;
        self.program.executor.run(MODEL, self.shown.count)?;
        Ok(self.program.executor.read(self.program.model)?.reals().to_vec())
    }

    fn weigh(&mut self, weights: &[f64]) -> Result<()> {
        self.weights = weights.to_vec();
        self.program.executor.write(self.program.weight, &Data::Real(weights.to_vec()))
    }

    fn misfit(&mut self, at: &[f64]) -> Result<(f64, Vec<f64>)> {
        self.tell(at)?;
        let count = self.shown.count;
        self.program.executor.run(FIT, count)?;
        // Of half of χ².
        let each = self.program.executor.read(self.program.chi2)?;
        let chi2: f64 = each.reals()[..count].iter().sum();
        let mut gradient = self.through_masks(at)?;
        for &(plane, pose) in &self.program.poses {
            let g = self.program.executor.read(pose.grad)?;
            for (k, number) in self.numbers.all.iter().enumerate() {
                if let Number::Pose(of, coordinate) = number
                    && *of == plane
                {
                    gradient[k] += g.reals()[*coordinate];
                }
            }
        }
        Ok((2.0 * chi2, gradient))
    }

    fn slopes(&mut self, at: &[f64]) -> Result<Vec<Vec<f64>>> {
        let mut columns = Vec::with_capacity(at.len());
        for k in 0..at.len() {
            let mut moved = at.to_vec();
            moved[k] += STEP;
            let up = self.readings(&moved)?;
            moved[k] -= 2.0 * STEP;
            let down = self.readings(&moved)?;
            columns.push(up.iter().zip(&down).map(|(u, d)| (u - d) / (2.0 * STEP)).collect());
        }
        Ok(columns)
    }

    /// Turned pixels pass from one to the next with a kink, so that rotations are looked for as well.
    fn search(&mut self, mut at: Vec<f64>) -> Result<Vec<f64>> {
        const REACH: i32 = 8;
        let mut best = self.misfit(&at)?.0;
        for k in 0..at.len() {
            if !matches!(self.numbers.all[k], Number::Rotation(_)) {
                continue;
            }
            let start = at.clone();
            for step in -REACH..=REACH {
                let mut other = start.clone();
                // Quarters of a pixel at the edge.
                other[k] += 0.25 * f64::from(step);
                let chi2 = self.misfit(&other)?.0;
                if chi2 < best {
                    (best, at) = (chi2, other);
                }
            }
        }
        Ok(at)
    }
}

impl Program {
    fn new(
        shown: &Shown,
        numbers: &Numbers,
        choice: Choice,
        seen: &[f64],
        hardware: &Hardware,
    ) -> Result<Self> {
        let optic = &shown.optic;
        let mut b = Builder::default();
        let mut twin = Machine::new(&mut b, optic, Some(shown.image), 0, 0)?;
        if numbers.has_poses() {
            twin.add_poses(&mut b);
        }
        let mut amplitudes = BTreeMap::new();
        for (i, slot) in twin.masks() {
            let shape = b.slot(slot).shape.clone();
            let start = Data::Real(vec![1.0; shape.len()]);
            amplitudes.insert(i, b.param(&format!("calibrate.amplitude.{i}"), shape, start));
        }
        let modulator = Hardware { input: hardware.input.clone(), ..Hardware::default() };
        let source = twin.real(&mut b, &modulator, Chance::Drawn(0));
        let image = |b: &mut Builder| -> Result<SlotId> {
            let entering = source.enter(b)?;
            let light = twin.light_of(b, entering, &mut |b, at, field| match at {
                At::Behind(i) if amplitudes.contains_key(&i) => {
                    b.emit(Op::Attenuate(Attenuate), &[field, amplitudes[&i]])
                }
                _ => Ok(field),
            })?;
            b.emit(Op::Intensity(Intensity), &[light.leaving])
        };
        b.routine(MODEL, shown.count);
        let model = image(&mut b)?;
        b.output(model, "calibrate.image");

        let plane = Shape::real(&optic.grid().samples);
        let measured = b.input("calibrate.measured", plane.clone());
        let weight = b.input("calibrate.weight", plane);
        b.routine(FIT, shown.count);
        let seen_now = image(&mut b)?;
        let chi2 = b.emit(Op::Misfit(Misfit), &[seen_now, measured, weight])?;
        let one = b.constant("one", Shape::real(&[1]), || Data::Real(vec![1.0]));
        let grads = adjoint(&mut b, chi2, one)?;
        b.output(chi2, "calibrate.chi2");
        let of = |b: &mut Builder, slot: SlotId| -> Result<Param> {
            let name = b.slot(slot).name.clone();
            let Some(&grad) = grads.get(&slot) else {
                let rule = format!("no light meets {name} on its way to the camera");
                return Err(Error::invalid("optic.element", rule)
                    .help("drop what does nothing, or fit other groups (--fit)"));
            };
            b.output(grad, &format!("grad.{name}"));
            Ok(Param { slot, grad })
        };
        let mut poses = Vec::new();
        let mut planes: Vec<_> = twin.poses.iter().map(|(&plane, &slot)| (plane, slot)).collect();
        planes.sort_unstable();
        for (plane, slot) in planes {
            poses.push((plane, of(&mut b, slot)?));
        }
        let mut places = Vec::new();
        for (element, slot) in twin.masks() {
            let (phase, amplitude) = (of(&mut b, slot)?, of(&mut b, amplitudes[&element])?);
            places.push(Place { element, phase, amplitude, last: None });
        }
        let mut executor = choice.compile(Arc::new(b.finish()))?;
        if let Some(slot) = twin.image {
            executor.write(slot, &Data::Real(shown.images.clone()))?;
        }
        executor.write(measured, &Data::Real(seen.to_vec()))?;
        Ok(Self { executor, model, measured, weight, chi2, poses, places })
    }
}
