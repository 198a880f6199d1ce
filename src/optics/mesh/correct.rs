//! diag(p') T_faulty(θ', φ') ≈ T_ideal(θ, φ) diag(p): settings for a chip whose faults are known
//! (Bandyopadhyay 2021, Optica 8, 1247).
//!
//! Cell by cell in order of passage, each is set to what the ideal cell does, up to phases of its
//! outputs that the next cells take over and that end in γ; a splitting ratio that is out of
//! reach becomes the nearest. Static phase errors are subtracted and crosstalk is solved for.
//! For every topology, two or three splitters. Not corrected: losses that differ between paths,
//! and the resolution of the drive.
//!
//! For angle errors of standard deviation σ, Haar-random U and large N the error
//! E₀ = σ√(2(N-1)) becomes √(2(N²-1)/3) σ² ≈ E₀²/√6: a cell of rank k wants |T₁₁| < δ with
//! probability k δ², and misses by less than δ = ε₁+ε₂.

use super::decompose::{Targets, program, targets};
use super::dense::C;
use super::faults::{map, sum};
use super::{Faults, Mesh, Settings, crosstalk};
use crate::error::Result;

/// Settings for one chip.
#[derive(Debug, Clone, PartialEq)]
pub struct Corrected {
    pub settings: Settings,
    /// Cells whose splitting ratio was out of reach.
    pub missed: usize,
}

/// Settings with which a chip with `faults` does what the ideal mesh does with `settings`.
pub fn correct(mesh: &Mesh, settings: &Settings, faults: &Faults) -> Result<Corrected> {
    mesh.check(settings)?;
    let ideal = mesh.ideal_cell();
    let cells = settings.theta.iter().zip(&settings.phi).map(|(&t, &p)| ideal.matrix(t, p));
    let output = settings.gamma.iter().map(|&g| C::cis(g)).collect();
    realise(mesh, &Targets { cells: cells.collect(), output }, faults)
}

/// Settings with which a chip with `faults` comes near `unitary` `[n, n]`.
pub fn decompose_for(mesh: &Mesh, unitary: &[C], faults: &Faults) -> Result<Corrected> {
    realise(mesh, &targets(mesh, unitary)?, faults)
}

fn realise(mesh: &Mesh, targets: &Targets, faults: &Faults) -> Result<Corrected> {
    faults.check(mesh)?;
    let (wanted, missed) = program(mesh, targets, |k| faults.build(mesh, k));
    let heated = sum(&wanted, &map(&faults.phases, |x| -x));
    Ok(Corrected { settings: crosstalk::gather(mesh, faults, &heated), missed })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::optics::mesh::decompose::decompose;
    use crate::optics::mesh::dense::{max_distance, rms_distance};
    use crate::optics::mesh::effective::effective;
    use crate::optics::mesh::fourier::fourier;
    use crate::optics::mesh::haar::haar;
    use crate::optics::mesh::{Imperfections, Topology};

    /// Faults that settings can undo exactly are undone to rounding, whatever the topology.
    #[test]
    fn phase_errors_and_crosstalk_are_undone_exactly() {
        let spec = Imperfections {
            theta_std: 0.5,
            phi_std: 0.5,
            gamma_std: 0.5,
            crosstalk: 0.02,
            crosstalk_along: 0.01,
            ..Default::default()
        };
        let u = haar(8, 1).expect("a size in range");
        for topology in Topology::ALL {
            for three in [false, true] {
                let mesh = Mesh::new(8, topology).expect("a size").with_three_splitters(three);
                let settings = match topology {
                    Topology::Butterfly => fourier(&mesh, false),
                    _ => decompose(&mesh, &u),
                }
                .expect("a unitary");
                let ideal = mesh.matrix(&settings).expect("its settings");
                let faults = spec.draw(&mesh, 4).expect("valid");
                let chip = |s: &Settings| effective(&mesh, s, &faults).expect("fits").matrix();
                assert!(max_distance(&ideal, &chip(&settings)) > 0.1);
                let corrected = correct(&mesh, &settings, &faults).expect("fits");
                let error = max_distance(&ideal, &chip(&corrected.settings));
                assert!(
                    error < 1e-13 && corrected.missed == 0,
                    "{topology:?} {three}: {error:.1e}"
                );
                let mut moved = corrected.settings;
                moved.phi[0] += 1e-9;
                assert!(max_distance(&ideal, &chip(&moved)) > 1e-11, "a moved phase is seen");
            }
        }
    }

    /// Splitter errors: exact where every ratio is within reach, far better than none elsewhere.
    #[test]
    fn splitter_errors_are_corrected_as_far_as_they_can_be() {
        let u = haar(8, 2).expect("a size in range");
        let (mut exact, mut all) = (0, 0);
        for topology in [Topology::Clements, Topology::Reck] {
            let mesh = Mesh::new(8, topology).expect("a size in range");
            let settings = decompose(&mesh, &u).expect("a unitary");
            for seed in 0..20 {
                let spec = Imperfections { splitter_angle: 0.03, ..Default::default() };
                let faults = spec.draw(&mesh, seed).expect("valid");
                let chip = |s: &Settings| effective(&mesh, s, &faults).expect("fits").matrix();
                let corrected = correct(&mesh, &settings, &faults).expect("fits");
                let before = rms_distance(8, &u, &chip(&settings));
                let after = rms_distance(8, &u, &chip(&corrected.settings));
                let direct = decompose_for(&mesh, &u, &faults).expect("fits");
                assert!(max_distance(&chip(&direct.settings), &chip(&corrected.settings)) < 1e-12);
                all += 1;
                if corrected.missed == 0 {
                    exact += 1;
                    assert!(after < 1e-13, "{topology:?} {seed}: {after:.1e}");
                } else {
                    assert!(after < 0.5 * before, "{topology:?} {seed}: {after} of {before}");
                }
            }
        }
        assert!(exact > all / 4 && exact < all, "{exact} of {all} chips are exact");
    }
}
