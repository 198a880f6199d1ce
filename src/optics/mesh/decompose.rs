//! U → θ, φ, γ with U = diag(e^{iγ}) Π T(θ, φ), exactly: Givens rotations that null U entry by
//! entry, each of them then written as a cell whose output phases are passed on.
//!
//! A rotation R = [[c, -s*], [s, c]] on two neighbours, c real, makes one entry vanish. The
//! triangle (Reck 1994) needs rotations from the right alone, U = D · R_K ⋯ R_1; the rectangle
//! (Clements 2016) takes them from both sides in turn, U = L_1 ⋯ L_J · D · R_K ⋯ R_1. Either
//! product is a list of 2 x 2 unitaries in order of passage. A cell realises any of them up to
//! two output phases; these join the next cells' targets and end in γ. Nothing is divided by a
//! small number, so that zero blocks, permutations and the identity need no special care.
//!
//! Cost O(N³), in place. max|U - V| is about 1e-15 at any N that was tried, 1 to 256.

use super::cell::Pair;
use super::dense::{C, direction, require_unitary};
use super::{Build, Mesh, Settings, Topology, butterfly};
use crate::error::Result;

/// Below this a pair of entries counts as zero: hypot keeps its digits above it.
const NOTHING: f64 = 1e-290;

/// R = [[c, -s*], [s, c]].
#[derive(Debug, Clone, Copy)]
struct Rotation {
    c: f64,
    s: C,
}

impl Rotation {
    /// c = |keep|/r, s = null · keep*/(|keep| r); no rotation when both are zero.
    fn new(keep: C, null: C) -> Self {
        let (k, n) = (keep.norm(), null.norm());
        let r = k.hypot(n);
        if r < NOTHING {
            return Self { c: 1.0, s: C::ZERO };
        }
        let phase = if k < NOTHING { C::ONE } else { (keep / k).conj() };
        Self { c: k / r, s: null / r * phase }
    }

    fn pair(self) -> Pair {
        [C::from(self.c), -self.s.conj(), self.s, C::from(self.c)]
    }

    /// (x, y) R†.
    fn on_columns(self, x: C, y: C) -> (C, C) {
        (x * self.c - y * self.s, y * self.c + x * self.s.conj())
    }
}

/// Applies a chain of rotations to one row of U from the right; rotation j acts on the columns
/// `column(j)` and the next.
fn turn_row(row: &mut [C], chain: &[Rotation], column: impl Fn(usize) -> usize) {
    for (j, rotation) in chain.iter().enumerate() {
        let c = column(j);
        (row[c], row[c + 1]) = rotation.on_columns(row[c], row[c + 1]);
    }
}

/// Nulls `u[last - j, column(j)]` for j in 0..length by rotations of columns, each found in its
/// row after the earlier ones have passed it, then turns the rows above.
fn null_from_right(
    n: usize,
    u: &mut [C],
    length: usize,
    row_of: impl Fn(usize) -> usize,
    column: impl Fn(usize) -> usize + Copy,
) -> Vec<Rotation> {
    let mut chain: Vec<Rotation> = Vec::with_capacity(length);
    for j in 0..length {
        let row = &mut u[row_of(j) * n..(row_of(j) + 1) * n];
        // A row holds one entry of this chain (rectangle) or all of them (triangle).
        if j == 0 || row_of(j) != row_of(j - 1) {
            turn_row(row, &chain, column);
        }
        let c = column(j);
        let rotation = Rotation::new(row[c + 1], row[c]);
        (row[c], row[c + 1]) = rotation.on_columns(row[c], row[c + 1]);
        chain.push(rotation);
    }
    let above = length.checked_sub(1).map_or(0, row_of);
    for row in u[..above * n].chunks_exact_mut(n) {
        turn_row(row, &chain, column);
    }
    chain
}

/// One 2 x 2 unitary per cell and the phases at the output: what a mesh must do, before it is
/// known how its cells are built.
#[derive(Debug, Clone, PartialEq)]
pub struct Targets {
    /// `[cells]`.
    pub cells: Vec<Pair>,
    /// `[n]`, of size one.
    pub output: Vec<C>,
}

/// The targets of a unitary `[n, n]`.
pub fn targets(mesh: &Mesh, unitary: &[C]) -> Result<Targets> {
    let n = mesh.n;
    require_unitary(n, unitary)?;
    let mut u = unitary.to_vec();
    Ok(match mesh.topology {
        Topology::Clements => rectangle(mesh, &mut u),
        Topology::Reck | Topology::Diamond => triangle(mesh, &mut u),
        Topology::Butterfly => butterfly::targets(mesh, unitary)?,
    })
}

/// The k-th chain nulls row n-1-k from left to right with cells (column, row) = (j + 2k, j).
fn triangle(mesh: &Mesh, u: &mut [C]) -> Targets {
    let (n, first) = (mesh.n, mesh.layout.first);
    // Cells outside the triangle pass the light straight on.
    let mut cells = vec![[C::ONE, C::ZERO, C::ZERO, C::ONE]; mesh.layout.cells.len()];
    for k in 0..n.saturating_sub(1) {
        let chain = null_from_right(n, u, n - 1 - k, |_| n - 1 - k, |j| j);
        for (j, rotation) in chain.into_iter().enumerate() {
            let at = mesh.layout.find(j + 2 * k, first + j).expect("the triangle has this cell");
            cells[at] = rotation.pair();
        }
    }
    let output = u.iter().step_by(n + 1).map(|&d| direction(d)).collect();
    Targets { cells, output }
}

/// Diagonals of the lower triangle, from its corner on, in turn from the right and from the left.
fn rectangle(mesh: &Mesh, u: &mut [C]) -> Targets {
    let n = mesh.n;
    let mut cells = vec![[C::ZERO; 4]; mesh.layout.cells.len()];
    // Columns of the mesh that each row has used up, from the input and from the output.
    let mut from_input: Vec<usize> = (0..n).map(|row| row % 2).collect();
    let mut left = Vec::with_capacity(n * n / 4);
    for i in 1..n {
        if i % 2 == 1 {
            let chain = null_from_right(n, u, i, |j| n - 1 - j, |j| i - 1 - j);
            for (j, rotation) in chain.into_iter().enumerate() {
                let row = i - 1 - j;
                let at = mesh.layout.find(from_input[row], row).expect("the rectangle has it");
                cells[at] = rotation.pair();
                from_input[row] += 2;
            }
        } else {
            for j in 1..=i {
                let (row, c) = (n + j - i - 2, j - 1);
                let (upper, lower) = u[row * n..(row + 2) * n].split_at_mut(n);
                // R† from the left nulls the lower entry.
                let rotation = Rotation::new(upper[c], lower[c]);
                for (x, y) in upper[c..].iter_mut().zip(&mut lower[c..]) {
                    (*x, *y) = (
                        *x * rotation.c + rotation.s.conj() * *y,
                        *y * rotation.c - rotation.s * *x,
                    );
                }
                left.push((row, rotation));
            }
        }
    }
    // D stands before the cells from the left: it joins the first of them on each guide.
    let mut diagonal: Vec<C> = u.iter().step_by(n + 1).map(|&d| direction(d)).collect();
    for (row, rotation) in left.into_iter().rev() {
        let at = mesh.layout.find(from_input[row], row).expect("the rectangle has it");
        let d = [diagonal[row], diagonal[row + 1]];
        cells[at] = super::cell::with_inputs(&rotation.pair(), d);
        from_input[row] += 2;
        (diagonal[row], diagonal[row + 1]) = (C::ONE, C::ONE);
    }
    Targets { cells, output: diagonal }
}

/// Phases of cells built as `build` says that realise `targets`; the phases of a cell's outputs
/// pass to the next cells and to γ. Also how many cells could not reach their splitting ratio.
pub fn program(
    mesh: &Mesh,
    targets: &Targets,
    build: impl Fn(usize) -> Build,
) -> (Settings, usize) {
    let mut settings = mesh.zero_settings();
    let mut pending = vec![C::ONE; mesh.layout.guides];
    let mut missed = 0;
    for (k, (cell, target)) in mesh.layout.cells.iter().zip(&targets.cells).enumerate() {
        let (_, a, b) = cell.at();
        let wanted = super::cell::with_inputs(target, [pending[a], pending[b]]);
        let programmed = build(k).program(&wanted);
        settings.theta[k] = programmed.theta;
        settings.phi[k] = programmed.phi;
        [pending[a], pending[b]] = programmed.output;
        missed += usize::from(!programmed.reached);
    }
    for (k, gamma) in settings.gamma.iter_mut().enumerate() {
        *gamma = super::cell::wrap((targets.output[k] * pending[mesh.layout.first + k]).arg());
    }
    (settings, missed)
}

/// Settings of the ideal mesh whose matrix is `unitary` `[n, n]`.
///
/// # Errors
/// The matrix is not unitary, or no butterfly where one is asked for; by how much is said.
pub fn decompose(mesh: &Mesh, unitary: &[C]) -> Result<Settings> {
    let ideal = mesh.ideal_cell();
    Ok(program(mesh, &targets(mesh, unitary)?, |_| ideal).0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::optics::mesh::dense::{identity, max_distance, multiply};
    use crate::optics::mesh::haar::haar;

    /// Matrices that break decompositions, by name.
    fn hard_cases(n: usize) -> Vec<(&'static str, Vec<C>)> {
        let permutation = |to: &dyn Fn(usize) -> usize| {
            let mut u = vec![C::ZERO; n * n];
            (0..n).for_each(|k| u[to(k) * n + k] = C::ONE);
            u
        };
        let fourier: Vec<C> = (0..n * n)
            .map(|k| {
                let turn = ((k / n) * (k % n) % n) as f64 / n as f64;
                C::from_polar((n as f64).sqrt().recip(), std::f64::consts::TAU * turn)
            })
            .collect();
        let mut blocks = identity(n);
        let half = n / 2;
        for (start, size) in [(0, half), (half, n - half)] {
            let block = if size == 0 { Vec::new() } else { haar(size, 9).expect("a size") };
            for (k, &x) in block.iter().enumerate() {
                blocks[(start + k / size) * n + start + k % size] = x;
            }
        }
        let mut faint = haar(n, 10).expect("a size");
        if n >= 2 {
            // Rows that are all but parallel to the guides.
            faint = identity(n);
            (faint[1], faint[n]) = (C::new(1e-300, 1e-305), C::new(-1e-300, 1e-305));
            faint[n * n - 2] = C::new(0.0, 3e-310);
        }
        let phases = {
            let mut u = identity(n);
            u.iter_mut().step_by(n + 1).enumerate().for_each(|(k, d)| *d = C::cis(k as f64));
            u
        };
        vec![
            ("identity", identity(n)),
            ("reversal", permutation(&|k| n - 1 - k)),
            ("cycle", permutation(&|k| (k + 1) % n)),
            ("cycle back", permutation(&|k| (k + n - 1) % n)),
            ("swaps", permutation(&|k| if (k ^ 1) < n { k ^ 1 } else { k })),
            ("Fourier", fourier),
            ("blocks", blocks),
            ("faint", faint),
            ("phases", phases),
            ("Haar", haar(n, 11).expect("a size")),
        ]
    }

    fn check(mesh: &Mesh, name: &str, u: &[C]) {
        let n = mesh.n;
        let settings = decompose(mesh, u).unwrap_or_else(|e| panic!("{name} {n}: {e}"));
        let error = max_distance(&mesh.matrix(&settings).expect("its settings"), u);
        let tolerance = n as f64 * 1e-14;
        assert!(error < tolerance, "{:?} {name} {n}: {error:.1e}", mesh.topology);
        let turn = std::f64::consts::TAU;
        assert!(settings.theta.iter().all(|t| (0.0..=turn / 2.0).contains(t)), "{name} {n}");
        assert!(settings.phi.iter().chain(&settings.gamma).all(|p| (0.0..turn).contains(p)));
        // A phase moved by ten tolerances is seen: in γ always, whatever the splitting.
        let mut moved = settings;
        moved.gamma[0] += 10.0 * tolerance * (n as f64).sqrt();
        let error = max_distance(&mesh.matrix(&moved).expect("its settings"), u);
        assert!(error > tolerance, "the comparison can fail: {name} {n} {error:.1e}");
    }

    /// PEERS.md M3: max|U - V| below N · 1e-14, every cell, every hard case, even and odd sizes.
    #[test]
    fn round_trips() {
        for n in (1..=16).chain([31, 32]) {
            for topology in [Topology::Clements, Topology::Reck, Topology::Diamond] {
                for (symmetric, three) in [(false, false), (true, false), (false, true)] {
                    if n > 8 && (symmetric || three) {
                        continue;
                    }
                    let mesh = Mesh::new(n, topology)
                        .expect("a size")
                        .with_symmetric(symmetric)
                        .with_three_splitters(three);
                    for (name, u) in hard_cases(n) {
                        check(&mesh, name, &u);
                    }
                }
            }
        }
        for n in [64, 100] {
            let mesh = Mesh::new(n, Topology::Clements).expect("a size");
            check(&mesh, "Haar", &haar(n, 1).expect("a size"));
        }
        for n in [1, 2] {
            let mesh = Mesh::new(n, Topology::Butterfly).expect("a power of two");
            check(&mesh, "Haar", &haar(n, 1).expect("a size"));
        }
    }

    /// `cargo test --release -- --ignored round_trips_of_large`
    #[test]
    #[ignore = "seconds in debug"]
    fn round_trips_of_large_meshes() {
        for n in [128, 255, 256] {
            for topology in [Topology::Clements, Topology::Reck] {
                let mesh = Mesh::new(n, topology).expect("a size");
                for (name, u) in hard_cases(n) {
                    check(&mesh, name, &u);
                }
            }
        }
    }

    /// Bar cells are exactly straight, so that what is zero stays nearly so.
    #[test]
    fn permutations_leave_no_light_astray() {
        let mesh = Mesh::new(9, Topology::Clements).expect("a size");
        for (name, u) in hard_cases(9).into_iter().take(5) {
            let v = mesh.matrix(&decompose(&mesh, &u).expect("a unitary")).expect("its settings");
            for (x, y) in u.iter().zip(&v) {
                assert!(*x != C::ZERO || y.norm() < 1e-15, "{name}: {y}");
            }
        }
    }

    #[test]
    fn what_has_no_settings_is_refused_with_the_way_out() {
        let mesh = Mesh::new(4, Topology::Clements).expect("a size");
        let mut u = haar(4, 1).expect("a size");
        u[5] *= 1.001;
        let error = decompose(&mesh, &u).expect_err("not unitary").to_string();
        // |u|² of one entry of four, changed by 2e-3: between 1e-5 and 2e-3.
        assert!(error.contains("not unitary") && error.contains("e-"), "{error}");
        let half = multiply(4, 4, 4, &u, &[C::from(0.5); 16]);
        assert!(decompose(&mesh, &half).is_err() && decompose(&mesh, &u[..12]).is_err());
        let butterfly = Mesh::new(8, Topology::Butterfly).expect("a power of two");
        let u = haar(8, 1).expect("a size");
        let error = decompose(&butterfly, &u).expect_err("not universal").to_string();
        assert!(error.contains("32 phases") && error.contains("64"), "{error}");
    }
}
