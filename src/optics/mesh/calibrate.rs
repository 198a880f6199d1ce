//! (U, chip) → settings: the ways to set a chip, side by side.

use super::configure::{configure, set_output_phases, tune};
use super::correct::decompose_for;
use super::decompose::decompose;
use super::dense::{equal_power, mean_loss_db, rms_distance};
use super::effective::effective;
use super::{C, Faults, Mesh, Settings, Topology};
use crate::error::Result;

/// Probes this far apart, in radians, tune a mesh whose shifters heat each other.
const PROBE: f64 = 0.3;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// The settings of the ideal mesh.
    Plain,
    /// Cell by cell for faults that are known.
    Correct,
    /// By output powers alone, then γ against a reference. A triangle is configured, any other
    /// mesh is tuned from plain settings in at most this many sweeps.
    SelfConfigure { sweeps: usize },
}

/// Settings and what is known of how they were found.
#[derive(Debug, Clone, PartialEq)]
pub struct Calibrated {
    pub settings: Settings,
    /// Cells whose splitting ratio was out of reach; a chip that only shows powers does not tell.
    pub missed: Option<usize>,
    /// Inputs that were shown, each with all output powers read once.
    pub measurements: usize,
    /// Exposures against a reference, for γ.
    pub exposures: usize,
}

/// Sets a chip with `faults` for `unitary` `[n, n]`.
pub fn calibrate(mesh: &Mesh, unitary: &[C], faults: &Faults, how: Method) -> Result<Calibrated> {
    let none =
        Calibrated { settings: mesh.zero_settings(), missed: None, measurements: 0, exposures: 0 };
    let sweeps = match how {
        Method::Plain => return Ok(Calibrated { settings: decompose(mesh, unitary)?, ..none }),
        Method::Correct => {
            let found = decompose_for(mesh, unitary, faults)?;
            return Ok(Calibrated { settings: found.settings, missed: Some(found.missed), ..none });
        }
        Method::SelfConfigure { sweeps } => sweeps,
    };
    // A first look refuses what does not fit, so that the chip can answer ever after.
    effective(mesh, &none.settings, faults)?;
    let first = mesh.layout.first;
    let mut powers = |input: &[C], settings: &Settings| match effective(mesh, settings, faults) {
        Ok(chip) => chip.powers(input)[first..first + mesh.n].to_vec(),
        Err(_) => vec![f64::NAN; mesh.n],
    };
    let found = if mesh.topology == Topology::Reck {
        configure(mesh, unitary, &mut powers)?
    } else {
        tune(mesh, unitary, &decompose(mesh, unitary)?, sweeps, PROBE, &mut powers)?
    };
    let mut field = |input: &[C], settings: &Settings| {
        let mut fields = vec![C::ZERO; mesh.layout.guides];
        fields[first..first + mesh.n].copy_from_slice(input);
        if let Ok(chip) = effective(mesh, settings, faults) {
            chip.apply(&mut fields);
        }
        fields[first..first + mesh.n].to_vec()
    };
    let turned = set_output_phases(mesh, unitary, &found.settings, &mut field)?;
    Ok(Calibrated {
        settings: turned.settings,
        measurements: found.measurements,
        exposures: turned.measurements,
        ..none
    })
}

/// How far a chip is from a unitary.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Distance {
    /// ‖U - V‖_F/√N.
    pub rms: f64,
    /// The same after V is given the power of U: what is left when loss is made up for.
    pub rms_at_equal_power: f64,
    /// Of a random input, in dB.
    pub loss_db: f64,
}

/// How far a chip with `faults` and `settings` is from `unitary` `[n, n]`.
pub fn distance(
    mesh: &Mesh,
    unitary: &[C],
    settings: &Settings,
    faults: &Faults,
) -> Result<Distance> {
    let chip = effective(mesh, settings, faults)?.matrix();
    let even = equal_power(unitary, &chip);
    Ok(Distance {
        rms: rms_distance(mesh.n, unitary, &chip),
        rms_at_equal_power: rms_distance(mesh.n, unitary, &even),
        loss_db: mean_loss_db(mesh.n, &chip),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::optics::mesh::Imperfections;
    use crate::optics::mesh::haar::haar;

    /// On one chip with splitter and phase errors every way beats plain settings, for every
    /// topology that has settings at all; an even loss is all that equal power takes away.
    #[test]
    fn each_way_is_better_than_none() {
        let n = 6;
        let u = haar(n, 3).expect("a size");
        let spec = Imperfections { splitter_angle: 0.03, theta_std: 0.05, ..Default::default() };
        for topology in [Topology::Clements, Topology::Reck, Topology::Diamond] {
            let mesh = Mesh::new(n, topology).expect("a size");
            let lossy = Imperfections { loss_db: 0.2, ..spec.clone() };
            let faults = lossy.draw(&mesh, 1).expect("valid");
            let error = |how| {
                let found = calibrate(&mesh, &u, &faults, how).expect("fits");
                let d = distance(&mesh, &u, &found.settings, &faults).expect("fits");
                assert!((d.loss_db - 0.2 * mesh.layout.depth as f64).abs() < 0.1);
                assert!(d.rms > 0.05 && d.rms_at_equal_power < d.rms, "{d:?}");
                (d.rms_at_equal_power, found.measurements)
            };
            let (plain, none) = error(Method::Plain);
            let (known, _) = error(Method::Correct);
            let (seen, many) = error(Method::SelfConfigure { sweeps: 6 });
            assert!(none == 0 && many >= 18 * mesh.layout.cells.len());
            assert!(
                known < 0.3 * plain && seen < 0.3 * plain,
                "{topology:?} {plain} {known} {seen}"
            );
        }
    }
}
