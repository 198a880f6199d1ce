//! A mesh vector by vector, in whatever precision: the oracle.

use num_complex::Complex;

use super::Columns;
use crate::math::scalar::Scalar;
use crate::ops::mesh_powers::MeshPowers;

type Pair<T> = [Complex<T>; 2];

fn cell<T: Scalar>(cells: &[Complex<T>], k: usize, adjoint: bool) -> [Pair<T>; 2] {
    let t = &cells[4 * k..][..4];
    if adjoint {
        [[t[0].conj(), t[2].conj()], [t[1].conj(), t[3].conj()]]
    } else {
        [[t[0], t[1]], [t[2], t[3]]]
    }
}

fn turn<T: Scalar>(x: &mut [Complex<T>], [a, b]: [u32; 2], t: [Pair<T>; 2]) {
    let (a, b) = (a as usize, b as usize);
    let pair = [x[a], x[b]];
    x[a] = t[0][0] * pair[0] + t[0][1] * pair[1];
    x[b] = t[1][0] * pair[0] + t[1][1] * pair[1];
}

fn pass<T: Scalar>(columns: &Columns, c: usize, x: &mut [Complex<T>], by: impl Fn(T) -> T) {
    if let Some(passing) = &columns.passing {
        for (x, &a) in x.iter_mut().zip(&passing[c * columns.guides..]) {
            *x = *x * by(T::of(a));
        }
    }
}

pub fn through<T: Scalar>(
    columns: &Columns,
    x: &mut [Complex<T>],
    cells: &[Complex<T>],
    adjoint: bool,
) {
    let depth = columns.depth();
    for step in 0..depth {
        let c = if adjoint { depth - 1 - step } else { step };
        for k in columns.starts[c]..columns.starts[c + 1] {
            turn(x, columns.pairs[k], cell(cells, k, adjoint));
        }
        pass(columns, c, x, |a| a);
    }
}

/// The light of `x` on its way, and its powers at φ and at θ.
pub fn powers<T: Scalar>(
    op: &MeshPowers,
    x: &mut [Complex<T>],
    [cells, arms]: [&[Complex<T>]; 2],
    [phi, theta]: [&mut [T]; 2],
) {
    let (columns, depth) = (&op.columns, op.columns.depth());
    for step in 0..depth {
        let c = if op.reversed { depth - 1 - step } else { step };
        for k in columns.starts[c]..columns.starts[c + 1] {
            let [a, b] = columns.pairs[k];
            let mut inside = [x[a as usize], x[b as usize]];
            turn(&mut inside, [0, 1], cell(arms, k, false));
            let [upper, lower] = inside.map(|z| z.norm_sqr());
            theta[k] = if op.both_arms { (upper - lower) * T::of(0.5) } else { upper };
            let before = x[a as usize];
            turn(x, [a, b], cell(cells, k, op.reversed));
            phi[k] = if op.reversed { x[a as usize] } else { before }.norm_sqr();
        }
        pass(columns, c, x, |a| a);
    }
}

pub fn back<T: Scalar>(
    columns: &Columns,
    mut x: Vec<Complex<T>>,
    g: &mut [Complex<T>],
    [cells, inverse]: [&[Complex<T>]; 2],
    sums: &mut [Complex<T>],
) {
    for c in (0..columns.depth()).rev() {
        pass(columns, c, &mut x, T::recip);
        pass(columns, c, g, |a| a);
        for k in columns.starts[c]..columns.starts[c + 1] {
            let t = if columns.unitary { cell(cells, k, true) } else { cell(inverse, k, false) };
            let [a, b] = columns.pairs[k];
            turn(&mut x, [a, b], t);
            for (r, to) in [a, b].into_iter().enumerate() {
                for (s, from) in [a, b].into_iter().enumerate() {
                    let share = x[from as usize].conj() * g[to as usize];
                    sums[4 * k + 2 * r + s] = sums[4 * k + 2 * r + s] + share;
                }
            }
            turn(g, [a, b], cell(cells, k, true));
        }
    }
}
