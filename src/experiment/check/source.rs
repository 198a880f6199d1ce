//! Rules of the light that enters: its phase must be sampled, and its waves go forward.

use super::{positive, quadratic_step};
use crate::error::{Error, Result};
use crate::optics::{Optic, Source};
use crate::units::Metres;

/// A ramp that turns light of this wavelength by `angle` radians, on samples `pitch` metres apart.
pub fn tilt(key: &str, angle: f64, pitch: f64, wavelength: f64) -> Result<()> {
    let sine = angle.sin().abs();
    let step = 2.0 * std::f64::consts::PI * pitch * sine / wavelength;
    if step <= std::f64::consts::PI {
        return Ok(());
    }
    let most = (wavelength / (2.0 * pitch)).asin();
    let rule = format!(
        "a tilt of {angle} rad turns the phase by {step:.3} rad between neighbouring samples (limit π)"
    );
    let pitch = Metres(wavelength / (2.0 * sine));
    Err(Error::invalid(key, rule).help(format!(
        "use a tilt <= {:.6} rad, or a pitch <= {}",
        most - 5e-7,
        pitch.at_most()
    )))
}

pub fn source(optic: &Optic) -> Result<()> {
    let pi = std::f64::consts::PI;
    match &optic.source {
        Source::Plane(wave) => {
            for (a, angle) in wave.tilt.iter().enumerate() {
                if angle.abs() >= pi / 2.0 {
                    let rule = format!("a tilt of {angle} rad does not go forward");
                    return Err(Error::invalid("optic.source.tilt", rule)
                        .help("give angles between -π/2 and π/2, in radians"));
                }
                let (pitch, wavelength) = (optic.grid().pitch[a], optic.wavelength.0);
                tilt("optic.source.tilt", *angle, pitch, wavelength)?;
            }
            let [y, x] = wave.tilt.map(f64::abs);
            if y.sin().powi(2) + x.sin().powi(2) >= 1.0 {
                let rule = format!(
                    "tilts of {y} and {x} rad together do not go forward: sin² y + sin² x must be below 1"
                );
                return Err(Error::invalid("optic.source.tilt", rule)
                    .help("give angles whose sizes sum to less than π/2"));
            }
            Ok(())
        }
        Source::Gaussian(beam) => {
            positive("optic.source.waist", beam.waist.0, "\"1 mm\"")?;
            let pitch = optic.grid().pitch[0].max(optic.grid().pitch[1]);
            if beam.waist.0 < pitch {
                let rule = format!(
                    "a waist of {} is smaller than one sample of {}",
                    beam.waist,
                    Metres(pitch)
                );
                return Err(Error::invalid("optic.source.waist", rule)
                    .help("use a finer pitch or a wider waist"));
            }
            if beam.z.0 != 0.0 {
                let rayleigh = pi * beam.waist.0.powi(2) / optic.wavelength.0;
                let z = beam.z.0.abs();
                let radius = z + rayleigh * rayleigh / z;
                let w = beam.waist.0 * (z / rayleigh).hypot(1.0);
                // Beyond 2.63 w the amplitude is below a thousandth.
                let reach = 2.63 * w;
                let (step, _) = quadratic_step(optic, radius, reach);
                if step > pi {
                    let rule = format!(
                        "the beam's wavefront turns by {step:.3} rad between neighbouring samples at its edge (limit π)"
                    );
                    // p (2 r - p) <= λ R, out to where the beam or the window ends.
                    let [y, x] = optic.grid().extent();
                    let r = reach.min(y.max(x) / 2.0);
                    let finest = r - (r * r - optic.wavelength.0 * radius).max(0.0).sqrt();
                    return Err(Error::invalid("optic.source.z", rule).help(format!(
                        "use pitch <= {}, or start the beam closer to its waist",
                        Metres(finest).at_most()
                    )));
                }
            }
            Ok(())
        }
        Source::File(_) => Ok(()),
    }
}
