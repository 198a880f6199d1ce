//! What one mask of one device does with the phases that it is told.

use std::f64::consts::TAU;
use std::ops::Range;
use std::path::Path;

use super::{MaskFaults, Pose};
use crate::error::{Error, Result};
use crate::files::numbers;
use crate::math::random::Site;
use crate::math::sparse::Sparse;
use crate::optics::grid::Grid;
use crate::optics::mesh::haar::normal;
use crate::optics::zernike::zernike;

/// Zernike terms by which a mask is not flat (Noll): piston is no error, and tilts are the pose's.
pub const ABERRATIONS: Range<usize> = 4..16;

/// What is fixed of one mask of one device.
#[derive(Debug, Clone, Default)]
pub struct FixedMask {
    /// Radians added to the phases `[y, x]`; nothing where there is nothing to add.
    pub phase: Option<Vec<f64>>,
    /// How it is turned; empty where it is not.
    pub corners: Vec<Corner>,
}

/// One of the four pixels of a turned mask that a sample lies over.
#[derive(Debug, Clone)]
pub struct Corner {
    /// The pixel at each sample; beyond the edge none, where the mask is clear.
    pub pixel: Sparse,
    /// Its share of the sample's area `[y, x]`.
    pub share: Vec<f64>,
}

/// Phase in radians over (y, x) in metres of a mask that turns the beam by `tilt` `[y, x]`.
pub fn ramp(tilt: [f64; 2], wavelength: f64) -> impl Fn(f64, f64) -> f64 {
    let [slope_y, slope_x] = tilt.map(|t| t.sin() / wavelength);
    move |y, x| TAU * (y * slope_y + x * slope_x).fract()
}

impl MaskFaults {
    /// Coefficient in radians of each of [`ABERRATIONS`] of the mask that is element `element`.
    pub fn aberrations(&self, seed: u64, element: usize) -> Vec<f64> {
        let draw = |j: usize| normal(seed, element as u32, Site::Aberration, j as u32);
        ABERRATIONS.map(|j| self.aberration_std * draw(j)).collect()
    }

    /// Errors of the mask that is element `element`.
    pub fn fixed(
        &self,
        grid: &Grid,
        wavelength: f64,
        seed: u64,
        element: usize,
        pose: &Pose,
    ) -> FixedMask {
        let mut phase = None;
        if self.phase_std > 0.0 || self.aberration_std > 0.0 || pose.tilt != [0.0; 2] {
            let mut all = grid.map(ramp(pose.tilt, wavelength));
            for (i, phase) in all.iter_mut().enumerate() {
                *phase += self.phase_std * normal(seed, element as u32, Site::MaskPhase, i as u32);
            }
            if self.aberration_std > 0.0 {
                for (j, c) in ABERRATIONS.zip(self.aberrations(seed, element)) {
                    let term = zernike(j, grid.samples);
                    all.iter_mut().zip(term).for_each(|(phase, z)| *phase += c * z);
                }
            }
            phase = Some(all);
        }
        FixedMask { phase, corners: corners(grid, pose.rotation) }
    }

    /// φ' = φ + κ Σ (neighbours - φ): what leaks is taken from the pixel itself.
    pub fn fringing(&self, grid: &Grid) -> Option<Sparse> {
        if self.crosstalk == 0.0 {
            return None;
        }
        let [ny, nx] = grid.samples;
        let row = |p: usize| {
            let (y, x) = (p / nx, p % nx);
            let mut near = Vec::new();
            if y > 0 {
                near.push(p - nx);
            }
            if x > 0 {
                near.push(p - 1);
            }
            if x + 1 < nx {
                near.push(p + 1);
            }
            if y + 1 < ny {
                near.push(p + nx);
            }
            let own = (p, 1.0 - self.crosstalk * near.len() as f64);
            let mut row: Vec<(usize, f64)> =
                near.into_iter().map(|q| (q, self.crosstalk)).chain([own]).collect();
            row.sort_by_key(|&(q, _)| q);
            row
        };
        Some(Sparse::from_rows(ny * nx, &(0..ny * nx).map(row).collect::<Vec<_>>()))
    }

    /// Phase and amplitude of every level, of a measured table.
    pub fn table(&self) -> Result<Option<[Vec<f64>; 2]>> {
        self.lookup.as_deref().map(read_lookup).transpose()
    }
}

/// The pixels that the samples lie over when a mask is turned by `angle`; none where it is not.
///
/// A sample sees the mean transmission of the pixels under it, by their shares of its area: of
/// squares that are hardly turned against one another, those of the point between four pixels.
pub fn corners(grid: &Grid, angle: f64) -> Vec<Corner> {
    if angle == 0.0 {
        return Vec::new();
    }
    let (sin, cos) = angle.sin_cos();
    let places = grid.map(|y, x| {
        let at = [y * cos - x * sin, y * sin + x * cos];
        [0, 1].map(|a| at[a] / grid.pitch[a] + (grid.samples[a] as f64 - 1.0) / 2.0)
    });
    let inside = |i: f64, a: usize| (i >= 0.0 && i < grid.samples[a] as f64).then_some(i as usize);
    let corner = |[down, right]: [f64; 2]| {
        let mut share = Vec::with_capacity(places.len());
        let mut rows = Vec::with_capacity(places.len());
        for [y, x] in &places {
            let (fy, fx) = (y - y.floor(), x - x.floor());
            let part = |f: f64, next: f64| if next == 1.0 { f } else { 1.0 - f };
            share.push(part(fy, down) * part(fx, right));
            rows.push(match [inside(y.floor() + down, 0), inside(x.floor() + right, 1)] {
                [Some(j), Some(i)] => vec![(j * grid.samples[1] + i, 1.0)],
                _ => Vec::new(),
            });
        }
        Corner { pixel: Sparse::from_rows(grid.len(), &rows), share }
    };
    [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]].map(corner).into()
}

fn read_lookup(path: &Path) -> Result<[Vec<f64>; 2]> {
    let rows = numbers::read(path)?;
    let mut out = [Vec::new(), Vec::new()];
    for (line, row) in rows {
        let wrong = |rule: String| {
            Err(Error::format(path, format!("line {line}: {rule}"))
                .help("give phase,amplitude on each line: radians, and 0 to 1"))
        };
        let [phase, amplitude] = row[..] else {
            return wrong(format!("{} numbers, not 2", row.len()));
        };
        if !phase.is_finite() || !(0.0..=1.0).contains(&amplitude) {
            return wrong(format!("{phase}, {amplitude}"));
        }
        out[0].push(phase);
        out[1].push(amplitude);
    }
    if out[0].len() < 2 {
        return Err(Error::format(path, "fewer than two levels")
            .help("give one line a level, level 0 first"));
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRID: Grid = Grid { samples: [16, 12], pitch: [2e-6, 3e-6] };

    /// The four shares fill a sample, and a plane wave's phase is met at the turned place: bilinear
    /// shares are exact for what is linear.
    #[test]
    fn a_turned_mask_is_met_at_the_turned_place() {
        let angle = 0.03f64;
        let all = corners(&GRID, angle);
        for p in 0..GRID.len() {
            let sum: f64 = all.iter().map(|c| c.share[p]).sum();
            assert!((sum - 1.0).abs() < 1e-12);
        }
        let told = GRID.map(|y, x| y + 2.0 * x);
        let (sin, cos) = angle.sin_cos();
        let wanted = GRID.map(|y, x| (y * cos - x * sin) + 2.0 * (y * sin + x * cos));
        let mut inner = 0;
        for (p, want) in wanted.iter().enumerate() {
            let rows = |c: &Corner| (c.pixel.start[p], c.pixel.start[p + 1]);
            if all.iter().any(|c| rows(c).0 == rows(c).1) {
                continue;
            }
            inner += 1;
            let seen: f64 = all
                .iter()
                .map(|c| c.share[p] * told[c.pixel.index[rows(c).0 as usize] as usize])
                .sum();
            assert!((seen - want).abs() < 1e-18, "{p}: {seen} {want}");
        }
        assert!(inner > 100 && corners(&GRID, 0.0).is_empty());
    }

    /// A mask's figure is the sum of its Zernike terms, whose coefficients the terms give back: they are
    /// of rms 1, and orthogonal on the disc, nearly so on its inner square.
    #[test]
    fn figures_are_zernike_terms() {
        let faults = MaskFaults { aberration_std: 0.2, ..Default::default() };
        let pose = Pose::default();
        let phase = faults.fixed(&GRID, 1e-6, 7, 1, &pose).phase.expect("a figure");
        let mut sum = vec![0.0; GRID.len()];
        for (j, c) in ABERRATIONS.zip(faults.aberrations(7, 1)) {
            sum.iter_mut().zip(zernike(j, GRID.samples)).for_each(|(s, z)| *s += c * z);
        }
        assert!(phase.iter().zip(&sum).all(|(a, b)| (a - b).abs() < 1e-12));
        let rms = (sum.iter().map(|x| x * x).sum::<f64>() / sum.len() as f64).sqrt();
        // Twelve terms of 0.2: 0.7, within the scatter of so few draws.
        assert!(rms > 0.3 && rms < 1.3, "{rms}");
        assert_ne!(faults.aberrations(7, 1), faults.aberrations(7, 3));
    }
}
