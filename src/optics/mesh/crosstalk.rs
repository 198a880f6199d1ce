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
use crate::math::sparse::Sparse;

/// A shifter: which of θ, φ and γ, and its number among these.
type Shifter = (usize, usize);

const THETA: usize = 0;
const PHI: usize = 1;
const GAMMA: usize = 2;

/// Shifters in a plane column x as (y, number), by y.
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

/// Pairs of neighbours, with the share of either's phase that reaches the other.
fn neighbours(mesh: &Mesh, faults: &Faults) -> Vec<(Shifter, Shifter, f64)> {
    let last = 2 * mesh.layout.depth;
    let kind = |x: usize| match x {
        x if x == last => GAMMA,
        x if x % 2 == 0 => PHI,
        _ => THETA,
    };
    let mut pairs = Vec::new();
    let mut before: Vec<(usize, usize)> = Vec::new();
    for x in 0..=last {
        let here = stand(mesh, x);
        if faults.crosstalk != 0.0 {
            let near = here.windows(2).filter(|pair| pair[1].0 - pair[0].0 <= 2);
            pairs.extend(
                near.map(|pair| ((kind(x), pair[0].1), (kind(x), pair[1].1), faults.crosstalk)),
            );
        }
        if faults.crosstalk_along != 0.0 && x > 0 {
            for &(y, i) in &here {
                let from = before.partition_point(|&(z, _)| z + 1 < y);
                let near = before[from..].iter().take_while(|&&(z, _)| z <= y + 1);
                pairs.extend(
                    near.map(|&(_, j)| ((kind(x), i), (kind(x - 1), j), faults.crosstalk_along)),
                );
            }
        }
        before = here;
    }
    pairs
}

/// What neighbours add to each phase.
fn added(mesh: &Mesh, pairs: &[(Shifter, Shifter, f64)], driven: &Settings) -> Settings {
    let mut out = mesh.zero_settings();
    let own = [&driven.theta, &driven.phi, &driven.gamma];
    let to = [&mut out.theta, &mut out.phi, &mut out.gamma];
    for &((a, i), (b, j), share) in pairs {
        to[a][i] += share * own[b][j];
        to[b][j] += share * own[a][i];
    }
    out
}

/// The phases when `driven` heats its neighbours.
pub fn spread(mesh: &Mesh, faults: &Faults, driven: &Settings) -> Settings {
    if faults.crosstalk == 0.0 && faults.crosstalk_along == 0.0 {
        return driven.clone();
    }
    sum(driven, &added(mesh, &neighbours(mesh, faults), driven))
}

/// What [`spread`] adds as matrices: to θ, φ and γ (first index) from θ, φ and γ (second), none where
/// nothing reaches. Each is the transpose of its mirror.
pub fn maps(mesh: &Mesh, faults: &Faults) -> [[Option<Sparse>; 3]; 3] {
    let cells = mesh.layout.cells.len();
    let counts = [cells, cells, mesh.n];
    let mut rows = counts.map(|count| [0, 1, 2].map(|_| vec![Vec::new(); count]));
    for ((a, i), (b, j), share) in neighbours(mesh, faults) {
        rows[a][b][i].push((j, share));
        rows[b][a][j].push((i, share));
    }
    let map = |b: usize, rows: &[Vec<(usize, f64)>]| {
        let any = rows.iter().any(|row| !row.is_empty());
        any.then(|| Sparse::from_rows(counts[b], rows))
    };
    rows.map(|of| [0, 1, 2].map(|b| map(b, &of[b])))
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
    let (pairs, mut wanted) = (neighbours(mesh, faults), wanted.clone());
    for round in 0..200 {
        let less = map(&added(mesh, &pairs, &driven), |x| -x);
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

    /// Row by row the same products, in another order: some roundings of phases of a few turns.
    #[test]
    fn the_matrices_are_the_map() {
        for topology in Topology::ALL {
            let mesh = Mesh::new(8, topology).expect("a size in range");
            let driven = random(&mesh, 4);
            let parts = [&driven.theta, &driven.phi, &driven.gamma];
            let mut found = Vec::new();
            for (a, row) in maps(&mesh, &faults(&mesh)).into_iter().enumerate() {
                let mut out = parts[a].clone();
                for (map, x) in row.into_iter().zip(parts) {
                    let Some(map) = map else { continue };
                    for (r, y) in out.iter_mut().enumerate() {
                        let entries = map.start[r] as usize..map.start[r + 1] as usize;
                        *y +=
                            entries.map(|k| map.weight[k] * x[map.index[k] as usize]).sum::<f64>();
                    }
                }
                found.extend(out);
            }
            let heated = flat(&spread(&mesh, &faults(&mesh), &driven));
            assert!(found.iter().zip(heated).all(|(x, y)| (x - y).abs() < 1e-14), "{topology:?}");
        }
        let mesh = Mesh::new(8, Topology::Clements).expect("a size in range");
        let across = Faults { crosstalk: 0.03, ..Faults::none(&mesh) };
        assert!(maps(&mesh, &across)[0][1].is_none(), "nothing along the chip");
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
