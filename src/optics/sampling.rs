//! What sampling costs, measured on the light itself: power clipped by the band limit, power that
//! leaves the window, and the error of the padding.

use num_complex::Complex;
use rustfft::FftPlanner;
use serde::Serialize;

use super::element::{Element, FreeSpace};
use super::transfer::{Transfer, frequency, padded_length};
use super::{Boundary, Optic};
use crate::units::Metres;

/// One step of free space.
#[derive(Debug, Clone, Serialize)]
pub struct StepReport {
    /// Index of the element.
    pub element: usize,
    pub z_m: f64,
    /// Share of the power that the band limit took.
    pub clipped_by_band: f64,
    /// Share of the power that decays as evanescent waves.
    pub evanescent: f64,
    /// Share of the power that leaves the window.
    pub leaves_window: f64,
    /// Relative L2 difference of the output from the same step padded twice as far; absent in a
    /// periodic window, and where that would be too large to compute.
    pub padding_error: Option<f64>,
}

impl std::fmt::Display for StepReport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let error = self.padding_error.map_or("not estimated".into(), |e| format!("{e:.1e}"));
        write!(
            f,
            "step {} over {}: {:.4} % clipped by the band limit, {:.4} % evanescent, {:.2} % leaves the window, padding error {error}",
            self.element,
            Metres(self.z_m),
            100.0 * self.clipped_by_band,
            100.0 * self.evanescent,
            100.0 * self.leaves_window,
        )
    }
}

/// Padded samples up to which the padding error is computed.
const MOST: usize = 2048 * 2048;

/// Reports every step of free space; `fields` holds the field before each, in order.
///
/// # Panics
/// When there are more or fewer fields than steps.
pub fn report(optic: &Optic, fields: &[Vec<Complex<f64>>]) -> Vec<StepReport> {
    let steps = optic.element.iter().enumerate().filter_map(|(i, e)| match e {
        Element::FreeSpace(step) => Some((i, step)),
        _ => None,
    });
    let steps: Vec<_> = steps.collect();
    assert_eq!(steps.len(), fields.len(), "one field before each step");
    steps.into_iter().zip(fields).map(|((i, step), field)| one(optic, i, step, field)).collect()
}

fn one(optic: &Optic, element: usize, step: &FreeSpace, field: &[Complex<f64>]) -> StepReport {
    let samples = optic.grid().samples;
    let transfer = optic.transfer(step);
    let spectrum = spectrum(field, samples, transfer.padded);
    let (mut total, mut clipped, mut passed) = (0.0, 0.0, 0.0);
    for (k, value) in spectrum.iter().enumerate() {
        let [my, mx] = transfer.padded;
        let fy = frequency(k / mx, my, transfer.pitch[0]);
        let fx = frequency(k % mx, mx, transfer.pitch[1]);
        let power = value.norm_sqr();
        total += power;
        if transfer.passes(fy, fx) {
            passed += power * transfer.at(fy, fx).norm_sqr();
        } else {
            clipped += power;
        }
    }
    let out = propagate(field, samples, &transfer);
    let power = |f: &[Complex<f64>]| f.iter().map(Complex::norm_sqr).sum::<f64>();
    let share = |part: f64| if total > 0.0 { part / total } else { 0.0 };
    let entering = power(field);
    let stays = if entering > 0.0 { power(&out) / entering } else { 0.0 };
    let farther = samples.map(|n| padded_length(n, 2.0 * optic.pad));
    let error = (optic.boundary == Boundary::Open && farther[0] * farther[1] <= MOST).then(|| {
        let more = propagate(field, samples, &Transfer { padded: farther, ..transfer });
        let difference: Vec<_> = out.iter().zip(&more).map(|(a, b)| a - b).collect();
        if power(&more) > 0.0 { (power(&difference) / power(&more)).sqrt() } else { 0.0 }
    });
    StepReport {
        element,
        z_m: step.z.0,
        clipped_by_band: share(clipped),
        evanescent: share(total - clipped - passed).max(0.0),
        leaves_window: (share(passed) - stays).max(0.0),
        padding_error: error,
    }
}

/// Unnormalised transform `[my, mx]` of a field `[ny, nx]` padded with zeros.
fn spectrum(field: &[Complex<f64>], samples: [usize; 2], padded: [usize; 2]) -> Vec<Complex<f64>> {
    let ([ny, nx], [my, mx]) = (samples, padded);
    let mut planner = FftPlanner::new();
    let mut out = vec![Complex::ZERO; my * mx];
    for y in 0..ny {
        out[y * mx..][..nx].copy_from_slice(&field[y * nx..][..nx]);
    }
    planner.plan_fft_forward(mx).process(&mut out);
    along_y(&mut out, padded, |column| planner.plan_fft_forward(my).process(column));
    out
}

fn along_y(
    plane: &mut [Complex<f64>],
    [my, mx]: [usize; 2],
    mut f: impl FnMut(&mut [Complex<f64>]),
) {
    let mut column = vec![Complex::ZERO; my];
    for x in 0..mx {
        for (y, value) in column.iter_mut().enumerate() {
            *value = plane[y * mx + x];
        }
        f(&mut column);
        for (y, value) in column.iter().enumerate() {
            plane[y * mx + x] = *value;
        }
    }
}

/// One step, plainly: pad, transform, multiply, transform back, crop, in f64 with rustfft, without
/// the passes, layouts and pruning of a program.
pub fn propagate(
    field: &[Complex<f64>],
    samples: [usize; 2],
    transfer: &Transfer,
) -> Vec<Complex<f64>> {
    let ([ny, nx], [my, mx]) = (samples, transfer.padded);
    let mut planner = FftPlanner::new();
    let mut plane = spectrum(field, samples, transfer.padded);
    let scale = ((my * mx) as f64).recip();
    let table = transfer.frequencies().map(|[fy, fx]| transfer.at(fy, fx));
    plane.iter_mut().zip(table).for_each(|(v, h)| *v *= h * scale);
    along_y(&mut plane, transfer.padded, |column| planner.plan_fft_inverse(my).process(column));
    planner.plan_fft_inverse(mx).process(&mut plane);
    (0..ny).flat_map(|y| plane[y * mx..][..nx].to_vec()).collect()
}
