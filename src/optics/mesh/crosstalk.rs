//! φ_i = c_i + κ Σ_across c_j + κ' Σ_along c_j: heat that reaches neighbouring shifters.
//!
//! Shifters stand at (x, y): φ of column c at x = 2c, θ at x = 2c + 1, γ at x = 2·depth; y is the
//! place across the chip of the guide that they drive. Two are neighbours *across* when they have
//! the same x and nobody stands between them, at most two places apart (the next cell of the
//! column, the next output), and *along* when their x differ by one and their y by at most one (θ
//! and φ of one cell; θ and the φ of a next cell it feeds). Both relations are symmetric, so that
//! the map is its own transpose.

use super::faults::{map, sum};
use super::{Faults, Mesh, Settings};

/// Shifters in a plane column x as (y, index into theta, phi or gamma), by y.
fn stand(mesh: &Mesh, x: usize) -> Vec<(usize, usize)> {
    let layout = &mesh.layout;
    let mut out: Vec<(usize, usize)> = if x == 2 * layout.depth {
        (0..mesh.n).map(|k| (layout.first + k, k)).collect()
    } else {
        layout
            .column(x / 2)
            .map(|k| {
                let (column, a, _) = layout.cells[k].at();
                (layout.place[column * layout.guides + a] as usize, k)
            })
            .collect()
    };
    out.sort_unstable();
    out
}

fn phases(settings: &Settings, x: usize, depth: usize) -> &[f64] {
    match x {
        x if x == 2 * depth => &settings.gamma,
        x if x % 2 == 0 => &settings.phi,
        _ => &settings.theta,
    }
}

fn phases_mut(settings: &mut Settings, x: usize, depth: usize) -> &mut [f64] {
    match x {
        x if x == 2 * depth => &mut settings.gamma,
        x if x % 2 == 0 => &mut settings.phi,
        _ => &mut settings.theta,
    }
}

/// What neighbours add to each phase.
fn added(mesh: &Mesh, faults: &Faults, driven: &Settings) -> Settings {
    let depth = mesh.layout.depth;
    let mut out = mesh.zero_settings();
    let mut before: Vec<(usize, usize)> = Vec::new();
    for x in 0..=2 * depth {
        let here = stand(mesh, x);
        let own = phases(driven, x, depth);
        let added = phases_mut(&mut out, x, depth);
        for pair in here.windows(2) {
            let [(y, i), (z, j)] = [pair[0], pair[1]];
            if z - y <= 2 {
                added[i] += faults.crosstalk * own[j];
                added[j] += faults.crosstalk * own[i];
            }
        }
        if faults.crosstalk_along != 0.0 && x > 0 {
            for &(y, i) in &here {
                let from = before.partition_point(|&(z, _)| z + 1 < y);
                for &(_, j) in before[from..].iter().take_while(|&&(z, _)| z <= y + 1) {
                    let theirs = phases(driven, x - 1, depth)[j];
                    let mine = phases(driven, x, depth)[i];
                    phases_mut(&mut out, x, depth)[i] += faults.crosstalk_along * theirs;
                    phases_mut(&mut out, x - 1, depth)[j] += faults.crosstalk_along * mine;
                }
            }
        }
        before = here;
    }
    out
}

/// The phases when `driven` heats its neighbours.
pub fn spread(mesh: &Mesh, faults: &Faults, driven: &Settings) -> Settings {
    if faults.crosstalk == 0.0 && faults.crosstalk_along == 0.0 {
        return driven.clone();
    }
    sum(driven, &added(mesh, faults, driven))
}

/// What to drive so that [`spread`] gives `wanted` up to turns of 2π, each in [0, 2π) where that
/// is possible: c = wanted + 2πk - κ A c, by Jacobi's iteration, the turns k chosen on the way.
///
/// The sum of a row of κ A is below one, so that the iteration contracts once the turns rest;
/// they are held after a few rounds, which can leave a phase a little outside [0, 2π).
pub fn gather(mesh: &Mesh, faults: &Faults, wanted: &Settings) -> Settings {
    let mut driven = map(wanted, super::cell::wrap);
    if faults.crosstalk == 0.0 && faults.crosstalk_along == 0.0 {
        return driven;
    }
    let mut wanted = wanted.clone();
    for round in 0..200 {
        let less = map(&added(mesh, faults, &driven), |x| -x);
        let next = sum(&wanted, &less);
        if round < 8 {
            let turned = map(&next, super::cell::wrap);
            let turns = sum(&turned, &map(&next, |x| -x));
            wanted = sum(&wanted, &turns);
            driven = turned;
        } else {
            let step = sum(&next, &map(&driven, |x| -x));
            driven = next;
            if [&step.theta, &step.phi, &step.gamma]
                .iter()
                .all(|v| v.iter().all(|x| x.abs() < 1e-15))
            {
                break;
            }
        }
    }
    driven
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::random::{Site, uniform};
    use crate::optics::mesh::Topology;

    fn random(mesh: &Mesh, seed: u64) -> Settings {
        let draw = |n: usize, from: u32| {
            (0..n as u32)
                .map(|k| std::f64::consts::TAU * uniform(seed, from, Site::Test, k))
                .collect()
        };
        let cells = mesh.layout.cells.len();
        Settings { theta: draw(cells, 0), phi: draw(cells, 1), gamma: draw(mesh.n, 2) }
    }

    fn flat(s: &Settings) -> Vec<f64> {
        [&s.theta[..], &s.phi, &s.gamma].concat()
    }

    fn faults(mesh: &Mesh) -> Faults {
        Faults { crosstalk: 0.03, crosstalk_along: 0.02, ..Faults::none(mesh) }
    }

    /// Four guides: cells 0 and 1 in column 0 on guides 0 and 2, cell 2 in column 1 on guide 1.
    #[test]
    fn neighbours_are_those_of_the_plan() {
        let mesh = Mesh::new(4, Topology::Clements).expect("a size in range");
        let mut driven = mesh.zero_settings();
        driven.theta[0] = 1.0;
        let got = spread(&mesh, &faults(&mesh), &driven);
        let mut expected = driven.clone();
        expected.theta[1] = 0.03;
        expected.phi[0] = 0.02;
        expected.phi[2] = 0.02;
        assert_eq!(got, expected);
        let mut driven = mesh.zero_settings();
        driven.gamma[1] = 1.0;
        let got = spread(&mesh, &faults(&mesh), &driven);
        assert_eq!(got.gamma, [0.03, 1.0, 0.03, 0.0]);
        // The last column has one cell, on guide 1.
        assert_eq!(got.theta, [0.0, 0.0, 0.0, 0.0, 0.0, 0.02]);
    }

    /// ⟨a, S b⟩ = ⟨S a, b⟩ to rounding, on every topology.
    #[test]
    fn the_map_is_its_own_transpose() {
        for topology in Topology::ALL {
            let mesh = Mesh::new(8, topology).expect("a size in range");
            let [a, b] = [random(&mesh, 1), random(&mesh, 2)];
            let dot = |x: &Settings, y: &Settings| -> f64 {
                flat(x).iter().zip(flat(y)).map(|(x, y)| x * y).sum()
            };
            let f = faults(&mesh);
            let (left, right) = (dot(&a, &spread(&mesh, &f, &b)), dot(&spread(&mesh, &f, &a), &b));
            assert!((left / right - 1.0).abs() < 1e-13, "{topology:?}: {left} {right}");
            assert!((left / dot(&a, &b) - 1.0).abs() > 0.01, "and does something");
        }
    }

    #[test]
    fn gathering_undoes_spreading() {
        for topology in Topology::ALL {
            let mesh = Mesh::new(8, topology).expect("a size in range");
            let wanted = random(&mesh, 3);
            let driven = gather(&mesh, &faults(&mesh), &wanted);
            let got = spread(&mesh, &faults(&mesh), &driven);
            for (x, y) in flat(&got).iter().zip(flat(&wanted)) {
                let turns = (x - y) / std::f64::consts::TAU;
                assert!((turns - turns.round()).abs() < 1e-14, "{topology:?}: {x} for {y}");
            }
        }
    }
}
