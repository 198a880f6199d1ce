//! The light that enters: a complex field on the first plane. A plane wave has unit amplitude, a
//! Gaussian beam has it at its waist, and a file says its own.

use std::path::PathBuf;

use num_complex::Complex;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::grid::Grid;
use crate::error::{Error, Result};
use crate::files::npy;
use crate::units::Metres;

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Source {
    Plane(PlaneWave),
    Gaussian(Gaussian),
    File(FieldFile),
}

impl Default for Source {
    fn default() -> Self {
        Self::Plane(PlaneWave { tilt: [0.0; 2] })
    }
}

/// exp(i 2π/λ (x sin θx + y sin θy)).
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlaneWave {
    /// Angles (y, x) in radians; positive tilts towards +y and +x.
    #[serde(default)]
    pub tilt: [f64; 2],
}

/// A Gaussian beam of amplitude w0 / w on its axis (Saleh and Teich, eq. 3.1-7, conjugated to
/// exp(+ikz)).
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Gaussian {
    /// 1/e² intensity radius at the waist.
    pub waist: Metres,
    /// Distance already travelled since the waist; negative before it.
    #[serde(default = "zero_metres")]
    pub z: Metres,
}

/// A complex `.npy` field `[y, x]`, or the amplitude of a grey PNG.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FieldFile {
    pub path: PathBuf,
}

fn zero_metres() -> Metres {
    Metres(0.0)
}

impl Source {
    /// The field `[y, x]` on the first plane.
    ///
    /// # Errors
    /// A file that cannot be read or whose shape is not the grid's.
    pub fn field(&self, grid: &Grid, wavelength: f64) -> Result<Vec<Complex<f64>>> {
        match self {
            Self::Plane(wave) => Ok(grid.map(wave.at(wavelength))),
            Self::Gaussian(beam) => Ok(grid.map(beam.at(wavelength))),
            Self::File(file) => {
                let (shape, field) = npy::read_field(&file.path)?;
                if shape != grid.samples {
                    let rule = format!(
                        "{} is {} x {} (y, x), the grid is {} x {}",
                        file.path.display(),
                        shape[0],
                        shape[1],
                        grid.samples[0],
                        grid.samples[1]
                    );
                    return Err(Error::invalid("optic.source.path", rule)
                        .help("resample the file, or set optic.samples to its shape"));
                }
                Ok(field)
            }
        }
    }
}

impl PlaneWave {
    /// The field at (y, x) in metres.
    pub fn at(&self, wavelength: f64) -> impl Fn(f64, f64) -> Complex<f64> + use<> {
        let slope = self.tilt.map(|angle| angle.sin() / wavelength);
        move |y, x| Complex::cis(std::f64::consts::TAU * (y * slope[0] + x * slope[1]).fract())
    }
}

impl Gaussian {
    /// The field at (y, x) in metres.
    pub fn at(&self, wavelength: f64) -> impl Fn(f64, f64) -> Complex<f64> + use<> {
        let (w0, z) = (self.waist.0, self.z.0);
        let rayleigh = std::f64::consts::PI * w0 * w0 / wavelength;
        let w = w0 * (1.0 + (z / rayleigh).powi(2)).sqrt();
        // 1/R, finite at the waist.
        let curvature = z / (z * z + rayleigh * rayleigh);
        let gouy = (z / rayleigh).atan();
        move |y, x| {
            let r2 = x * x + y * y;
            let turns = z / wavelength + r2 * curvature / (2.0 * wavelength);
            let phase = std::f64::consts::TAU * turns.fract() - gouy;
            Complex::from_polar(w0 / w * (-r2 / (w * w)).exp(), phase)
        }
    }
}
