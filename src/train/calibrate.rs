//! Where the planes of a device stand, from its camera: the twin's poses are fitted to measured
//! intensities by their adjoint, Levenberg and Marquardt's step between, with intervals from the
//! curvature of the fit.
//!
//! χ² = Σ (I_twin - I)² / var, var of photons and read noise as the camera has them. The gradient is
//! exact (adjoint); the curvature JᵀWJ is taken from differences of the model, whose few columns are
//! cheap, and gives the intervals: ±1.96 √((JᵀWJ)⁻¹ max(1, χ²/dof)).

use serde::Serialize;

use crate::backend::{Choice, Executor};
use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::experiment::Experiment;
use crate::lower::{Chance, Machine};
use crate::math::random::{Site, uniform};
use crate::ops::Op;
use crate::ops::intensity::Intensity;
use crate::ops::misfit::Misfit;
use crate::optics::element::Element;
use crate::optics::hardware::{Hardware, PlaneIndex, Pose};
use crate::program::adjoint::adjoint;
use crate::program::{Builder, Data, Shape, SlotId};

/// One quantity of one plane.
#[derive(Debug, Clone, Serialize)]
pub struct Estimate {
    /// Of the element, or `detector`.
    pub plane: String,
    /// `z`, `y` or `x`.
    pub quantity: &'static str,
    pub metres: f64,
    /// Half of the 95 % interval.
    pub half: f64,
    /// Where it stands, which a simulated device tells its examiner alone.
    pub truth: f64,
}

#[derive(Debug, Clone, Serialize)]
pub struct Fit {
    pub estimates: Vec<Estimate>,
    /// χ² over its degrees of freedom: 1 where nothing but noise is left.
    pub reduced_chi2: f64,
    pub steps: usize,
    /// Images that the device was shown.
    pub exposures: usize,
    pub photons_per_pixel: f64,
}

const SHOW: &str = "calibrate.show";
const MODEL: &str = "calibrate.model";
const FIT: &str = "calibrate.fit";
/// Fits, each with the variances of the one before.
const ROUNDS: usize = 3;
/// Numbers of a pose that are fitted, of the four of a geometry: z, y, x.
const FITTED: [usize; 3] = [0, 2, 3];

struct Bench {
    executor: Box<dyn Executor>,
    count: usize,
    camera: SlotId,
    model: SlotId,
    measured: SlotId,
    weight: SlotId,
    chi2: SlotId,
    poses: Vec<(PlaneIndex, SlotId, SlotId)>,
}

impl Bench {
    fn tell(&mut self, at: &[f64]) -> Result<()> {
        for (n, &(_, pose, _)) in self.poses.iter().enumerate() {
            let mut all = [0.0; 4];
            FITTED.iter().zip(&at[3 * n..]).for_each(|(&k, &v)| all[k] = v);
            self.executor.write(pose, &Data::Real(all.to_vec()))?;
        }
        Ok(())
    }

    fn images(&mut self, at: &[f64]) -> Result<Vec<f64>> {
        self.tell(at)?;
        self.executor.run(MODEL, self.count)?;
        Ok(self.executor.read(self.model)?.reals().to_vec())
    }

    /// χ² and its gradient.
    fn fit(&mut self, at: &[f64]) -> Result<(f64, Vec<f64>)> {
        self.tell(at)?;
        self.executor.run(FIT, self.count)?;
        let chi2: f64 = self.executor.read(self.chi2)?.reals()[..self.count].iter().sum();
        let mut gradient = Vec::with_capacity(at.len());
        let slots: Vec<SlotId> = self.poses.iter().map(|p| p.2).collect();
        for slot in slots {
            let g = self.executor.read(slot)?;
            gradient.extend(FITTED.map(|k| g.reals()[k]));
        }
        Ok((2.0 * chi2, gradient))
    }
}

/// Solves a symmetric positive system by Cholesky's factors; none where it is not positive.
fn solve(a: &[f64], b: &[f64]) -> Option<Vec<f64>> {
    let n = b.len();
    let mut l = vec![0.0; n * n];
    for i in 0..n {
        for j in 0..=i {
            let sum: f64 = (0..j).map(|k| l[i * n + k] * l[j * n + k]).sum();
            let rest = a[i * n + j] - sum;
            l[i * n + j] = if i == j {
                if rest <= 0.0 {
                    return None;
                }
                rest.sqrt()
            } else {
                rest / l[j * n + j]
            };
        }
    }
    let mut x = b.to_vec();
    for i in 0..n {
        let sum: f64 = (0..i).map(|k| l[i * n + k] * x[k]).sum();
        x[i] = (x[i] - sum) / l[i * n + i];
    }
    for i in (0..n).rev() {
        let sum: f64 = (i + 1..n).map(|k| l[k * n + i] * x[k]).sum();
        x[i] = (x[i] - sum) / l[i * n + i];
    }
    Some(x)
}

/// Fits where the planes of the experiment's device stand, from `exposures` images.
pub fn calibrate(
    experiment: &Experiment,
    data: &Dataset,
    choice: Choice,
    exposures: usize,
) -> Result<Fit> {
    let optic = &experiment.optic;
    let refuse = |key: &str, rule: &str, help: &str| Err(Error::invalid(key, rule).help(help));
    if optic.guides(optic.element.len()).is_some() {
        return refuse(
            "optic.modes",
            "a chip has no planes that could stand wrong",
            "its phases and splitters are found by `lightloom mesh program`",
        );
    }
    let Some(hardware) = experiment.hardware.clone().filter(|h| h.lab.is_none()) else {
        return refuse(
            "hardware",
            "missing: nothing says what the device is",
            "add a [hardware] block with an alignment; a lab shows its detectors alone, and no camera",
        );
    };
    let Some(photons) = hardware.detector.photons else {
        return refuse(
            "hardware.detector.photons",
            "missing: without noise there are no intervals",
            "add detector.photons, as 1e8 of one exposure",
        );
    };
    if optic.element.iter().any(|e| matches!(e, Element::Detect(_))) {
        return refuse(
            "optic.element",
            "cameras between the layers cut the machine into parts",
            "calibrate each part as an experiment of its own",
        );
    }
    let (mut bench, power) = build(experiment, data, &hardware, choice, exposures)?;
    let n = 3 * bench.poses.len();
    let electrons = photons / power;

    bench.executor.run(SHOW, exposures)?;
    let seen = bench.executor.read(bench.camera)?.reals().to_vec();
    let read = (hardware.detector.read.powi(2) + hardware.detector.dark) / electrons.powi(2);
    // One electron at least, so that a dark pixel has a variance.
    let inverse = |i: &f64| (i.max(1.0 / electrons) / electrons + read).recip();
    bench.executor.write(bench.measured, &Data::Real(seen.clone()))?;

    let mut at = vec![0.0; n];
    let (mut steps, mut chi2) = (0, 0.0);
    let (mut weights, mut curvature) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        // At first by what was seen; then by the model, whose variances do not follow the noise.
        let by = if round == 0 { seen.clone() } else { bench.images(&at)? };
        weights = by.iter().map(inverse).collect();
        bench.executor.write(bench.weight, &Data::Real(weights.clone()))?;
        let found = descend(&mut bench, at, &weights)?;
        (at, chi2, curvature) = (found.at, found.chi2, found.curvature);
        steps += found.steps;
    }
    let freedom = (weights.len() - n) as f64;
    let reduced_chi2 = chi2 / freedom;
    let scale = [optic.wavelength.0, optic.grid().pitch[0], optic.grid().pitch[1]];
    let mut estimates = Vec::new();
    for (p, &(plane, ..)) in bench.poses.iter().enumerate() {
        let Pose { z, shift, .. } = hardware.alignment.pose(hardware.seed, plane);
        let name = if plane == optic.element.len() {
            "detector".to_owned()
        } else {
            format!("optic.element.{plane}")
        };
        for (q, quantity) in ["z", "y", "x"].into_iter().enumerate() {
            let k = 3 * p + q;
            let mut unit = vec![0.0; n];
            unit[k] = 1.0;
            let own = solve(&curvature, &unit).map_or(f64::INFINITY, |column| column[k]);
            estimates.push(Estimate {
                plane: name.clone(),
                quantity,
                metres: scale[q] * at[k],
                half: 1.96 * scale[q] * (own * reduced_chi2.max(1.0)).sqrt(),
                truth: [z, shift[0], shift[1]][q],
            });
        }
    }
    let pixels = weights.len() as f64;
    let photons_per_pixel = electrons * seen.iter().sum::<f64>() / pixels;
    Ok(Fit { estimates, reduced_chi2, steps, exposures, photons_per_pixel })
}

/// Where a descent ended.
struct Found {
    at: Vec<f64>,
    chi2: f64,
    curvature: Vec<f64>,
    steps: usize,
}

/// Levenberg and Marquardt's steps down from `at` until they are small.
fn descend(bench: &mut Bench, mut at: Vec<f64>, weights: &[f64]) -> Result<Found> {
    let n = at.len();
    let (mut chi2, mut gradient) = bench.fit(&at)?;
    let mut curvature = curvature_at(bench, &at, weights)?;
    let (mut damping, mut steps) = (1e-3, 0);
    while steps < 60 && damping < 1e6 {
        steps += 1;
        let mut a = curvature.clone();
        for k in 0..n {
            a[k * n + k] *= 1.0 + damping;
        }
        let down: Vec<f64> = gradient.iter().map(|g| -g).collect();
        let Some(step) = solve(&a, &down) else {
            damping *= 10.0;
            continue;
        };
        let moved: Vec<f64> = at.iter().zip(&step).map(|(a, s)| a + s).collect();
        let (other, slope) = bench.fit(&moved)?;
        if other >= chi2 {
            damping *= 4.0;
            continue;
        }
        // In pixels and wavelengths.
        let largest = step.iter().fold(0.0f64, |m, s| m.max(s.abs()));
        let gained = (chi2 - other) / chi2;
        (at, chi2, gradient) = (moved, other, slope);
        damping = (damping / 5.0).max(1e-9);
        curvature = curvature_at(bench, &at, weights)?;
        if largest < 1e-4 || gained < 1e-7 {
            break;
        }
    }
    if solve(&curvature, &gradient).is_none() {
        return Err(Error::invalid(
            "hardware.alignment",
            "the camera does not see where every plane stands",
        )
        .help("show more images (--exposures), or more photons"));
    }
    Ok(Found { at, chi2, curvature, steps })
}

/// JᵀWJ from central differences of the model.
fn curvature_at(bench: &mut Bench, at: &[f64], weights: &[f64]) -> Result<Vec<f64>> {
    const STEP: f64 = 1e-3;
    let n = at.len();
    let mut columns = Vec::with_capacity(n);
    for k in 0..n {
        let mut moved = at.to_vec();
        moved[k] += STEP;
        let up = bench.images(&moved)?;
        moved[k] -= 2.0 * STEP;
        let down = bench.images(&moved)?;
        let slope = up.iter().zip(&down).map(|(u, d)| (u - d) / (2.0 * STEP));
        columns.push(slope.collect::<Vec<f64>>());
    }
    let mut curvature = vec![0.0; n * n];
    for i in 0..n {
        for j in 0..=i {
            let pairs = columns[i].iter().zip(&columns[j]).zip(weights);
            let sum: f64 = pairs.map(|((a, b), w)| w * a * b).sum();
            (curvature[i * n + j], curvature[j * n + i]) = (sum, sum);
        }
    }
    Ok(curvature)
}

/// Device and twin on one bench, the first images of the data in their inputs, patterns of their own
/// on the masks.
fn build(
    experiment: &Experiment,
    data: &Dataset,
    hardware: &Hardware,
    choice: Choice,
    count: usize,
) -> Result<(Bench, f64)> {
    let optic = &experiment.optic;
    let mut b = Builder::default();
    let (image, classes) = (Some(data.image), data.classes.len());
    let mut twin = Machine::new(&mut b, optic, image, classes, experiment.seed)?;
    let power = twin.source_power()?;
    let device = twin.real(&mut b, hardware, Chance::Drawn(hardware.seed));

    b.routine(SHOW, count);
    let light = device.light(&mut b)?;
    let camera = b.emit(Op::Intensity(Intensity), &[light.leaving])?;
    let camera = match &device.device {
        Some(real) => real.expose(&mut b, optic.element.len(), camera, power)?,
        None => camera,
    };
    b.output(camera, "calibrate.camera");

    twin.add_poses(&mut b);
    b.routine(MODEL, count);
    let light = twin.light(&mut b)?;
    let model = b.emit(Op::Intensity(Intensity), &[light.leaving])?;
    b.output(model, "calibrate.image");

    let plane = Shape::real(&optic.grid().samples);
    let (measured, weight) =
        (b.input("calibrate.measured", plane.clone()), b.input("calibrate.weight", plane));
    b.routine(FIT, count);
    let light = twin.light(&mut b)?;
    let seen = b.emit(Op::Intensity(Intensity), &[light.leaving])?;
    let chi2 = b.emit(Op::Misfit(Misfit), &[seen, measured, weight])?;
    let one = b.constant("one", Shape::real(&[1]), || Data::Real(vec![1.0]));
    let grads = adjoint(&mut b, chi2, one)?;
    b.output(chi2, "calibrate.chi2");
    let mut poses = Vec::new();
    let mut planes: Vec<_> = twin.poses.iter().map(|(&plane, &slot)| (plane, slot)).collect();
    planes.sort_unstable();
    for (plane, slot) in planes {
        let Some(&grad) = grads.get(&slot) else {
            return Err(Error::invalid("optic.element", format!("no light meets plane {plane}")));
        };
        b.output(grad, &format!("calibrate.grad.{plane}"));
        poses.push((plane, slot, grad));
    }
    let program = std::sync::Arc::new(b.finish());
    let mut executor = choice.compile(std::sync::Arc::clone(&program))?;
    // Patterns of 2 x 2 pixels: fine enough to tell a shift, coarse enough to be found from afar.
    for (i, slot) in device.masks().chain(twin.masks()) {
        let [ny, nx] = optic.shape(i);
        let phase = |p: usize| {
            let block = (p / nx / 2) * nx.div_ceil(2) + p % nx / 2;
            std::f64::consts::PI * uniform(experiment.seed, i as u32, Site::Pattern, block as u32)
        };
        executor.write(slot, &Data::Real((0..ny * nx).map(phase).collect()))?;
    }
    let size = data.image[0] * data.image[1];
    let mut images = vec![0.0; count * size];
    for (k, image) in images.chunks_exact_mut(size).enumerate() {
        data.train.write_image(k % data.train.len(), image);
    }
    if let Some(slot) = twin.image {
        executor.write(slot, &Data::Real(images))?;
    }
    let bench = Bench { executor, count, camera, model, measured, weight, chi2, poses };
    Ok((bench, power))
}
