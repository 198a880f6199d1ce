//! Phases rounded to f32 whose errors do not add up: those of a cell's outputs pass to the next cells
//! and to γ, as those of a faulty chip do ([`super::correct`]).
//!
//! Rounded one by one, π is off by 8.7e-8 in every bar cell, always to the same side: the identity on N
//! modes is then off by N · 4.4e-8, 1.1e-5 at N = 256. Splitting ratios stay rounded, as bar cells that
//! leak 4.4e-8 each: half of that is left of the identity, far less of a matrix at random.

use super::{C, Mesh, Settings};
use crate::error::Result;

/// The settings nearest to `settings` of which each phase is an f32.
pub fn single(mesh: &Mesh, settings: &Settings) -> Result<Settings> {
    mesh.check(settings)?;
    let ideal = mesh.ideal_cell();
    let round = |x: f64| f64::from(x as f32);
    let mut rounded = mesh.zero_settings();
    let mut pending = vec![C::ONE; mesh.layout.guides];
    for (k, cell) in mesh.layout.cells.iter().enumerate() {
        let (_, a, b) = cell.at();
        let own = ideal.matrix(settings.theta[k], settings.phi[k]);
        let target = super::cell::with_inputs(&own, [pending[a], pending[b]]);
        let wanted = ideal.program(&target);
        (rounded.theta[k], rounded.phi[k]) = (round(wanted.theta), round(wanted.phi));
        [pending[a], pending[b]] = ideal.outputs(&target, rounded.theta[k], rounded.phi[k]);
    }
    for (k, (to, gamma)) in rounded.gamma.iter_mut().zip(&settings.gamma).enumerate() {
        *to = round(super::cell::wrap(gamma + pending[mesh.layout.first + k].arg()));
    }
    Ok(rounded)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::optics::mesh::Topology;
    use crate::optics::mesh::decompose::decompose;
    use crate::optics::mesh::dense::{identity, max_distance};
    use crate::optics::mesh::haar::haar;

    /// 64 · 4.4e-8 where phases are rounded one by one, and half of it, what cells leak, otherwise.
    #[test]
    fn roundings_do_not_add_up() {
        let n = 64;
        let mesh = Mesh::new(n, Topology::Clements).expect("a size");
        let distance = |u: &[C], s: &Settings| max_distance(u, &mesh.matrix(s).expect("its own"));
        let u = identity(n);
        let settings = decompose(&mesh, &u).expect("a unitary");
        let one_by_one = super::super::faults::map(&settings, |x| f64::from(x as f32));
        let carried = single(&mesh, &settings).expect("its own");
        assert!(distance(&u, &one_by_one) > 2e-6, "{:e}", distance(&u, &one_by_one));
        assert!(distance(&u, &carried) < 1.5e-6, "{:e}", distance(&u, &carried));
        assert!(carried.theta.iter().chain(&carried.phi).all(|&x| f64::from(x as f32) == x));
        // Splitting ratios that are off by 1e-7 at random in 2N cells on the way.
        let u = haar(n, 1).expect("a size");
        let settings = decompose(&mesh, &u).expect("a unitary");
        assert!(distance(&u, &single(&mesh, &settings).expect("its own")) < 1e-6);
    }
}
