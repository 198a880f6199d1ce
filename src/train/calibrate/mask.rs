//! t = mean live C_k(e^{i(Kφ)}) e^{i(ramp + Σ c_j Z_j)} + dead: a mask as the twin has it, made by the host in
//! f64 from what the mask is told and from the numbers that are fitted.
//!
//! mean = e^{-σ²/2} is what normal phase errors of standard deviation σ, pixel by pixel, leave of the
//! light on average, φ the phase of each pixel's level, K the fringing, C the shares of turned pixels
//! ([`crate::optics::hardware::mask`] has the same in the device).

use num_complex::Complex;

use crate::ops::quantise::Quantise;
use crate::optics::element::PhaseMask;
use crate::optics::grid::Grid;
use crate::optics::hardware::{ABERRATIONS, MaskFaults, corners, ramp};
use crate::optics::zernike::zernike;

/// Phases and amplitudes of the levels of a mask.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    pub phase: Vec<f64>,
    pub amplitude: Vec<f64>,
}

/// What is fitted of a mask.
#[derive(Debug, Clone, PartialEq)]
pub struct Believed {
    /// Radians about y and x.
    pub tilt: [f64; 2],
    pub rotation: f64,
    /// Radians of each of [`ABERRATIONS`].
    pub terms: Vec<f64>,
    /// Nothing where phases are continuous.
    pub table: Option<Table>,
    pub crosstalk: f64,
    /// Amplitudes of what is modulated and of what is not.
    pub live: f64,
    pub dead: f64,
}

impl Believed {
    /// A mask of levels as it is designed.
    pub fn ideal(levels: Option<&Quantise>) -> Self {
        let table = |op: &Quantise| Table {
            phase: (0..op.levels).map(|k| op.low + k as f64 * op.step).collect(),
            amplitude: vec![1.0; op.levels],
        };
        Self {
            tilt: [0.0; 2],
            rotation: 0.0,
            terms: vec![0.0; ABERRATIONS.len()],
            table: levels.map(table),
            crosstalk: 0.0,
            live: 1.0,
            dead: 0.0,
        }
    }
}

/// Levels of a mask, if it has any.
pub fn levels(mask: &PhaseMask, levels: Option<usize>) -> Option<Quantise> {
    let op = |n| match mask.bounds {
        Some([low, high]) => Quantise::range(n, low, high),
        None => Quantise::turn(n),
    };
    levels.map(op)
}

/// One mask and what it is told.
pub struct Mask {
    grid: Grid,
    wavelength: f64,
    /// Radians `[y, x]`.
    told: Vec<f64>,
    /// Of each pixel `[y, x]`, where there are levels.
    level: Vec<usize>,
    /// `[terms][y, x]`.
    terms: Vec<Vec<f64>>,
    mean: f64,
}

impl Mask {
    /// `errors`: standard deviation of a pixel's phase in radians.
    pub fn new(
        (grid, wavelength): (Grid, f64),
        told: Vec<f64>,
        levels: Option<&Quantise>,
        errors: f64,
    ) -> Self {
        let level = levels.map_or(Vec::new(), |op| told.iter().map(|&x| op.level(x)).collect());
        let terms = ABERRATIONS.map(|j| zernike(j, grid.samples)).collect();
        let mean = (-0.5 * errors * errors).exp();
        Self { grid, wavelength, told, level, terms, mean }
    }

    /// Transmission `[y, x]`.
    pub fn transmission(&self, with: &Believed) -> Vec<Complex<f64>> {
        let (mut phase, amplitude) = match &with.table {
            Some(table) => (
                self.level.iter().map(|&k| table.phase[k]).collect(),
                self.level.iter().map(|&k| table.amplitude[k]).collect(),
            ),
            None => (self.told.clone(), vec![1.0; self.told.len()]),
        };
        let faults = MaskFaults { crosstalk: with.crosstalk, ..Default::default() };
        if let Some(map) = faults.fringing(&self.grid) {
            phase = map.times(&phase);
        }
        let own: Vec<Complex<f64>> =
            phase.iter().zip(&amplitude).map(|(&p, &a)| Complex::from_polar(a, p)).collect();
        let mut t = own;
        let turned = corners(&self.grid, with.rotation);
        if !turned.is_empty() {
            let mut sum = vec![Complex::ZERO; t.len()];
            for corner in &turned {
                let starts = corner.pixel.start.windows(2);
                for ((sum, share), ends) in sum.iter_mut().zip(&corner.share).zip(starts) {
                    let clear = ends[0] == ends[1];
                    let pixel = || t[corner.pixel.index[ends[0] as usize] as usize];
                    *sum += share * if clear { Complex::ONE } else { pixel() };
                }
            }
            t = sum;
        }
        let mut error = if with.tilt == [0.0; 2] {
            vec![0.0; t.len()]
        } else {
            self.grid.map(ramp(with.tilt, self.wavelength))
        };
        for (c, term) in with.terms.iter().zip(&self.terms).filter(|(c, _)| **c != 0.0) {
            error.iter_mut().zip(term).for_each(|(e, z)| *e += c * z);
        }
        for (t, e) in t.iter_mut().zip(error) {
            *t = self.mean * with.live * *t * Complex::cis(e) + with.dead;
        }
        t
    }
}
