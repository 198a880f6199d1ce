//! The faults of a machine so many times as large.
//!
//! | as the factor | as it is |
//! |---|---|
//! | standard deviations of phases, drift, gains, read noise; dark electrons | photons, full scale, levels, bits |
//! | misalignment, the error of the wavelength | a measured table of levels |
//! | fringing, crosstalk, losses in dB, errors of splitters | what the dead area reflects; seconds of a step |
//! | the dead area; the amplitude that leaks through an extinction ratio | seeds, presets, a real device |
//!
//! Every key is named below, without `..`: one that is added has to be decided. Sizes that are the
//! same for all chips scale here too, unlike in `eval --chips` ([`Imperfections::times`]).
//!
//! [`Imperfections::times`]: crate::optics::mesh::Imperfections::times

use super::{Alignment, DetectorFaults, Hardware, InputFaults, MaskFaults};
use crate::optics::mesh::cell::extinction_times;
use crate::units::Metres;

impl Hardware {
    /// The same device with all its faults `factor` times as large: 1 is the device itself, bit by
    /// bit. May be out of range ([`Self::check`]).
    #[must_use]
    pub fn times(&self, factor: f64) -> Self {
        let Self { preset, seed, wavelength_error, mask, alignment, detector, input, mesh, lab } =
            self;
        Self {
            preset: preset.clone(),
            seed: *seed,
            wavelength_error: factor * wavelength_error,
            mask: mask.times(factor),
            alignment: alignment.times(factor),
            detector: detector.times(factor),
            input: input.times(factor),
            mesh: mesh.all_times(factor),
            lab: lab.clone(),
        }
    }
}

impl MaskFaults {
    fn times(&self, factor: f64) -> Self {
        let Self {
            levels,
            lookup,
            phase_std,
            aberration_std,
            shot_phase_std,
            crosstalk,
            fill_factor,
            dead_amplitude,
            drift_std,
        } = self;
        Self {
            levels: *levels,
            lookup: lookup.clone(),
            phase_std: factor * phase_std,
            aberration_std: factor * aberration_std,
            shot_phase_std: factor * shot_phase_std,
            crosstalk: factor * crosstalk,
            // 1 - factor (1 - fill), and the file's own at 1.
            fill_factor: fill_factor + (1.0 - factor) * (1.0 - fill_factor),
            dead_amplitude: *dead_amplitude,
            drift_std: factor * drift_std,
        }
    }
}

impl Alignment {
    fn times(&self, factor: f64) -> Self {
        let Self { lateral, axial, tilt, rotation } = self;
        Self {
            lateral: Metres(factor * lateral.0),
            axial: Metres(factor * axial.0),
            tilt: factor * tilt,
            rotation: factor * rotation,
        }
    }
}

impl DetectorFaults {
    fn times(&self, factor: f64) -> Self {
        let Self { photons, dark, read, gain_std, full_scale, bits } = self;
        Self {
            photons: *photons,
            dark: factor * dark,
            read: factor * read,
            gain_std: factor * gain_std,
            full_scale: *full_scale,
            bits: *bits,
        }
    }
}

impl InputFaults {
    fn times(&self, factor: f64) -> Self {
        let Self { bits, extinction_db } = self;
        Self {
            bits: *bits,
            extinction_db: extinction_db.and_then(|db| extinction_times(db, factor)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::optics::mesh::Imperfections;
    use crate::optics::mesh::cell::angle_from_extinction;

    fn device() -> Hardware {
        Hardware {
            seed: 3,
            wavelength_error: 0.01,
            mask: MaskFaults {
                levels: Some(16),
                phase_std: 0.2,
                aberration_std: 0.3,
                shot_phase_std: 0.05,
                crosstalk: 0.02,
                fill_factor: 0.3,
                dead_amplitude: 0.5,
                drift_std: 0.01,
                ..MaskFaults::default()
            },
            alignment: Alignment {
                lateral: Metres(1e-4),
                axial: Metres(3e-4),
                tilt: 1e-3,
                rotation: 2e-3,
            },
            detector: DetectorFaults {
                photons: Some(1e7),
                dark: 2.0,
                read: 5.0,
                gain_std: 0.02,
                full_scale: Some(0.1),
                bits: Some(10),
            },
            input: InputFaults { bits: Some(8), extinction_db: Some(30.0) },
            mesh: Imperfections {
                splitter_angle: 0.02,
                theta_std: 0.05,
                loss_db: 0.1,
                crosstalk: 0.01,
                extinction_db: Some(40.0),
                phase_bits: Some(6),
                drift_std: 0.01,
                step_s: 4.0,
                ..Imperfections::default()
            },
            ..Hardware::default()
        }
    }

    #[test]
    fn once_is_the_device_itself() {
        let device = device();
        assert_eq!(device.times(1.0), device);
        assert_ne!(device.times(1.0 + 1e-12), device);
    }

    /// Sizes are gone, and what is no size stays; a device of such alone has nothing to scale.
    #[test]
    fn without_faults_the_counts_stay() {
        let none = device().times(0.0);
        let counts = Hardware {
            seed: 3,
            mask: MaskFaults { levels: Some(16), dead_amplitude: 0.5, ..MaskFaults::default() },
            detector: DetectorFaults {
                photons: Some(1e7),
                full_scale: Some(0.1),
                bits: Some(10),
                ..DetectorFaults::default()
            },
            input: InputFaults { bits: Some(8), extinction_db: None },
            mesh: Imperfections { phase_bits: Some(6), step_s: 4.0, ..Imperfections::default() },
            ..Hardware::default()
        };
        assert_eq!(none, counts);
        assert_eq!(counts.times(7.0), counts);
        none.check().expect("in range");
    }

    /// Of twice the faults: twice a size, twice the dead area, 20 lg 2 = 6.02 dB less extinction; the
    /// angle of a mesh's splitters, atan(10^(-dB / 20)) / 2, is twice as large to its third power.
    #[test]
    fn twice_is_twice() {
        let (one, two) = (device(), device().times(2.0));
        assert_eq!(two.wavelength_error, 0.02);
        assert_eq!((two.mask.phase_std, two.mask.crosstalk), (0.4, 0.04));
        assert_eq!((two.alignment.axial.0, two.alignment.tilt), (6e-4, 2e-3));
        assert_eq!((two.detector.read, two.detector.photons), (10.0, Some(1e7)));
        assert_eq!((two.mesh.splitter_angle, two.mesh.loss_db), (0.04, 0.2));
        assert_eq!((two.mesh.crosstalk, two.mesh.step_s), (0.02, 4.0));
        let half = one.mask.fill_factor - one.times(1.5).mask.fill_factor;
        assert!((half - 0.5 * 0.7).abs() < 1e-15, "{half}");
        assert!(two.check().is_err(), "a fill factor of -0.4");
        let leak = |db: Option<f64>| 10f64.powf(-db.expect("a ratio") / 20.0);
        for (one, two) in [
            (one.input.extinction_db, two.input.extinction_db),
            (one.mesh.extinction_db, two.mesh.extinction_db),
        ] {
            assert!((leak(two) / leak(one) - 2.0).abs() < 1e-12);
        }
        let angle = |h: &Hardware| angle_from_extinction(h.mesh.extinction_db.expect("a ratio"));
        assert!((angle(&two) / angle(&one) - 2.0).abs() < 1e-3);
    }
}
