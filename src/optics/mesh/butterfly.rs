//! U = [[D₁₁ A, D₁₂ B], [D₂₁ A, D₂₂ B]]: the settings of a butterfly, where a unitary has any.
//!
//! The last column mixes guide i of one half with guide i of the other, by diagonal matrices D; A
//! and B are butterflies of half the size. Row i of A is therefore the direction that rows i of
//! both left blocks share, and what they hold of it is a column of the cell's 2 x 2. One of the two
//! is at least 1/√2, so that nothing is divided by a small number. N/2 log2 N cells, each exact.
//!
//! A unitary that is no butterfly has rows that share no direction; what is left over is seen when
//! the cells are multiplied, and is refused with its size.

use super::decompose::Targets;
use super::dense::{C, direction, dot, identity, max_distance};
use super::{Mesh, effective};
use crate::error::{Error, Result};

/// Largest |U - V| of a unitary that counts as a butterfly: ten times what counts as unitary.
const TOLERANCE: f64 = 1e-9;

/// The targets of a unitary `[n, n]` that a butterfly can realise.
pub(super) fn targets(mesh: &Mesh, unitary: &[C]) -> Result<Targets> {
    let n = mesh.n;
    let mut u = unitary.to_vec();
    let mut cells = vec![[C::ZERO; 4]; mesh.layout.cells.len()];
    for column in (0..mesh.layout.depth).rev() {
        let stride = 1 << column;
        for k in mesh.layout.column(column) {
            let (_, a, b) = mesh.layout.cells[k].at();
            let base = a - a % stride;
            let (above, below) = u.split_at_mut(b * n);
            let (above, below) = (&mut above[a * n..(a + 1) * n], &mut below[..n]);
            let mut half = |from: usize| split(&mut above[from..], &mut below[from..], stride);
            let (left, right) = (half(base), half(base + stride));
            cells[k] = [left[0], right[0], left[1], right[1]];
            // The upper guide goes on with A, the lower with B.
            below[base + stride..base + 2 * stride]
                .copy_from_slice(&above[base + stride..base + 2 * stride]);
        }
    }
    // Without a cell the only entry is the output's own phase.
    let output = if n == 1 { vec![direction(u[0])] } else { vec![C::ONE; n] };
    let targets = Targets { cells, output };
    let mut rebuilt = identity(n);
    rebuilt.iter_mut().step_by(n + 1).zip(&targets.output).for_each(|(d, o)| *d *= o);
    for (cell, t) in mesh.layout.cells.iter().zip(&targets.cells) {
        let (_, a, b) = cell.at();
        let (upper, lower) = rebuilt.split_at_mut(b * n);
        effective::turn(&mut upper[a * n..(a + 1) * n], &mut lower[..n], t);
    }
    let left_over = max_distance(&rebuilt, unitary);
    if left_over <= TOLERANCE {
        return Ok(targets);
    }
    Err(Error::invalid(
        "mesh.topology",
        format!(
            "a butterfly of {n} modes has {} phases and cannot realise every unitary, which has {}: this one is missed by max|U - V| = {left_over:.1e}",
            2 * mesh.layout.cells.len() + n,
            n * n
        ),
    )
    .help("use topology = \"clements\" or \"reck\", or train the phases of the butterfly"))
}

/// What two rows hold of their common direction `[length]`, which is left in the upper one. A row
/// of a single entry is its own amount.
fn split(upper: &mut [C], lower: &mut [C], length: usize) -> [C; 2] {
    if length == 1 {
        return [upper[0], lower[0]];
    }
    let size = |v: &[C]| v[..length].iter().map(C::norm_sqr).sum::<f64>();
    let (p, q) = (size(upper), size(lower));
    let (larger, scale) = if p >= q { (&*upper, p.sqrt()) } else { (&*lower, q.sqrt()) };
    let shared: Vec<C> =
        larger[..length].iter().map(|x| if scale > 0.0 { x / scale } else { C::ZERO }).collect();
    let amounts = [dot(&shared, &upper[..length]), dot(&shared, &lower[..length])];
    upper[..length].copy_from_slice(&shared);
    amounts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::optics::mesh::decompose::decompose;
    use crate::optics::mesh::dense::multiply;
    use crate::optics::mesh::fourier::{bit_reversal, fourier};
    use crate::optics::mesh::haar::haar;
    use crate::optics::mesh::{Imperfections, Settings, Topology};

    fn butterfly(n: usize) -> Mesh {
        Mesh::new(n, Topology::Butterfly).expect("a power of two")
    }

    fn random(mesh: &Mesh, seed: u64) -> Settings {
        let spec =
            Imperfections { theta_std: 3.0, phi_std: 3.0, gamma_std: 3.0, ..Default::default() };
        spec.draw(mesh, seed).expect("valid").phases
    }

    /// Any butterfly comes back, and so do the Fourier transform, Hadamard's matrix, swaps and the
    /// identity, whose cells are at the ends of their range. log2 N cells of a few roundings each.
    #[test]
    fn a_butterfly_is_taken_apart_exactly() {
        for n in [1, 2, 4, 8, 32, 256] {
            let mesh = butterfly(n);
            let fft = mesh.matrix(&fourier(&mesh, false).expect("a butterfly")).expect("fits");
            let hadamard: Vec<C> = (0..n * n)
                .map(|k| {
                    let odd = ((k / n) & (k % n)).count_ones() % 2;
                    C::from((1.0 - 2.0 * f64::from(odd)) / (n as f64).sqrt())
                })
                .collect();
            let reversal: Vec<C> =
                (0..n * n).map(|k| C::from(f64::from(u8::from(k / n == n - 1 - k % n)))).collect();
            let any = mesh.matrix(&random(&mesh, 3)).expect("fits");
            for (name, u) in [
                ("random", any),
                ("Fourier", fft),
                ("Hadamard", hadamard),
                ("reversal", reversal),
                ("identity", identity(n)),
            ] {
                for mesh in [mesh.clone(), mesh.clone().with_symmetric(true)] {
                    let settings = decompose(&mesh, &u).unwrap_or_else(|e| panic!("{name}: {e}"));
                    let rebuilt = mesh.matrix(&settings).expect("its settings");
                    let error = max_distance(&rebuilt, &u);
                    assert!(error < 1e-14, "{name} {n}: {error:.1e}");
                    let mut moved = settings;
                    moved.gamma[0] += 1e-12;
                    assert!(max_distance(&mesh.matrix(&moved).expect("fits"), &u) > 1e-14);
                }
            }
        }
    }

    /// The transform in natural order is no butterfly of this kind, and is missed by much.
    #[test]
    fn what_is_no_butterfly_is_refused() {
        let n = 8;
        let mesh = butterfly(n);
        let fft = mesh.matrix(&fourier(&mesh, false).expect("a butterfly")).expect("fits");
        let mut swap = vec![C::ZERO; n * n];
        bit_reversal(n).into_iter().enumerate().for_each(|(k, j)| swap[k * n + j] = C::ONE);
        let natural = multiply(n, n, n, &fft, &swap);
        for u in [natural, haar(n, 1).expect("a size")] {
            let error = decompose(&mesh, &u).expect_err("no butterfly").to_string();
            assert!(error.contains("32 phases") && error.contains("missed by"), "{error}");
        }
    }
}
