//! What sampling costs, measured on the light itself: power clipped by the band limit, power that
//! leaves the window, and the error of the padding.

use num_complex::Complex;
use rustfft::{Fft, FftPlanner};
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
    /// Absent where the padded window has more than [`MOST_PADDED`] samples.
    #[serde(flatten)]
    pub shares: Option<Shares>,
    /// Relative L2 difference of the output from the same step padded twice as far; absent in a
    /// periodic window, and where that would be too large to compute.
    pub padding_error: Option<f64>,
}

/// Where the power of a step goes.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Shares {
    /// Share of the power that the band limit took.
    pub clipped_by_band: f64,
    /// Share of the power that decays as evanescent waves.
    pub evanescent: f64,
    /// Share of the power that leaves the window.
    pub leaves_window: f64,
}

impl std::fmt::Display for StepReport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "step {} over {}: ", self.element, Metres(self.z_m))?;
        let Some(shares) = self.shares else {
            return write!(f, "not measured, more than 2^26 samples with the padding");
        };
        let error = self.padding_error.map_or("not estimated".into(), |e| format!("{e:.1e}"));
        write!(
            f,
            "{:.4} % clipped by the band limit, {:.4} % evanescent, {:.2} % leaves the window, padding error {error}",
            100.0 * shares.clipped_by_band,
            100.0 * shares.evanescent,
            100.0 * shares.leaves_window,
        )
    }
}

/// Padded samples up to which a step is transformed once more for its report: a GiB of them.
pub const MOST_PADDED: usize = 1 << 26;
/// Those up to which the padding error is computed.
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
    let one = |((element, step), field): ((usize, &FreeSpace), &Vec<_>)| {
        let [my, mx] = optic.transfer(step).padded;
        let measured = (my * mx <= MOST_PADDED).then(|| measure(optic, step, field));
        let (shares, padding_error) = measured.map_or((None, None), |(s, error)| (Some(s), error));
        StepReport { element, z_m: step.z.0, shares, padding_error }
    };
    steps.into_iter().zip(fields).map(one).collect()
}

/// Shares of the power, and the padding error where it is computed.
fn measure(optic: &Optic, step: &FreeSpace, field: &[Complex<f64>]) -> (Shares, Option<f64>) {
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
    let out = leave(spectrum, samples, &transfer);
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
    let shares = Shares {
        clipped_by_band: share(clipped),
        evanescent: share(total - clipped - passed).max(0.0),
        leaves_window: (share(passed) - stays).max(0.0),
    };
    (shares, error)
}

/// Unnormalised transform `[my, mx]` of a field `[ny, nx]` padded with zeros.
fn spectrum(field: &[Complex<f64>], samples: [usize; 2], padded: [usize; 2]) -> Vec<Complex<f64>> {
    let ([ny, nx], [my, mx]) = (samples, padded);
    let mut planner = FftPlanner::new();
    let mut out = vec![Complex::ZERO; my * mx];
    for y in 0..ny {
        out[y * mx..][..nx].copy_from_slice(&field[y * nx..][..nx]);
    }
    // Rows of zeros stay zeros.
    planner.plan_fft_forward(mx).process(&mut out[..ny * mx]);
    along_y(&mut out, padded, &*planner.plan_fft_forward(my));
    out
}

/// Columns that are gathered at a time: whole cache lines of a row.
const BESIDE: usize = 16;

/// Transforms every column of a plane.
fn along_y(plane: &mut [Complex<f64>], [my, mx]: [usize; 2], fft: &dyn Fft<f64>) {
    let mut columns = vec![Complex::ZERO; BESIDE * my];
    let mut scratch = vec![Complex::ZERO; fft.get_inplace_scratch_len()];
    for first in (0..mx).step_by(BESIDE) {
        let count = BESIDE.min(mx - first);
        let columns = &mut columns[..count * my];
        for (y, row) in plane.chunks(mx).enumerate() {
            for (x, value) in row[first..][..count].iter().enumerate() {
                columns[x * my + y] = *value;
            }
        }
        fft.process_with_scratch(columns, &mut scratch);
        for (y, row) in plane.chunks_mut(mx).enumerate() {
            for (x, value) in row[first..][..count].iter_mut().enumerate() {
                *value = columns[x * my + y];
            }
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
    leave(spectrum(field, samples, transfer.padded), samples, transfer)
}

/// The end of a step, from the spectrum of the padded field: multiply, transform back, crop.
fn leave(
    mut plane: Vec<Complex<f64>>,
    samples: [usize; 2],
    transfer: &Transfer,
) -> Vec<Complex<f64>> {
    let ([ny, nx], [my, mx]) = (samples, transfer.padded);
    let mut planner = FftPlanner::new();
    let scale = ((my * mx) as f64).recip();
    let table = transfer.frequencies().map(|[fy, fx]| transfer.at(fy, fx));
    plane.iter_mut().zip(table).for_each(|(v, h)| *v *= h * scale);
    along_y(&mut plane, transfer.padded, &*planner.plan_fft_inverse(my));
    // Rows behind the field are cropped.
    planner.plan_fft_inverse(mx).process(&mut plane[..ny * mx]);
    (0..ny).flat_map(|y| plane[y * mx..][..nx].to_vec()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is too large to be measured says so, on a page and in JSON.
    #[test]
    fn what_is_not_measured_says_so() {
        let shares = Shares { clipped_by_band: 0.25, evanescent: 0.0, leaves_window: 0.5 };
        let of =
            |shares, padding_error| StepReport { element: 2, z_m: 0.01, shares, padding_error };
        let said = of(None, None).to_string();
        assert!(
            said.contains("step 2")
                && said.ends_with("not measured, more than 2^26 samples with the padding"),
            "{said}"
        );
        assert_eq!(MOST_PADDED, 1 << 26);
        let json = |report: StepReport| serde_json::to_value(report).expect("JSON");
        assert_eq!(json(of(None, None)).get("clipped_by_band"), None);
        let whole = of(Some(shares), Some(0.1));
        assert!(whole.to_string().contains("25.0000 % clipped by the band limit"), "{whole}");
        assert_eq!(json(whole)["leaves_window"], 0.5);
    }
}
