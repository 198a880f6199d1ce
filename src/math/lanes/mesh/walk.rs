//! What light does in the cells of a plan, and what comes back of it.

#![allow(unsafe_code, reason = "raw loops over cells; the contract is stated at `Walk`")]

use super::{CELL, MeshPlan, Step};
use crate::math::lanes::complex::Complex;
use crate::math::lanes::isa::Pass;
use crate::math::lanes::vector::Vector;

/// Lanes of the widest register.
const MOST_LANES: usize = 16;

/// The contract: the plan is there, its guides lie in the states, which are aligned to a register; `cells`,
/// `inverse`, `arms` and `sums` are good for [`CELL`] reals a cell, `readings` for as many reals a
/// vector as there are cells.
pub struct Walk {
    pub plan: *const MeshPlan,
    pub x: *mut f32,
    pub cells: *const f32,
    /// Of the cells, or the cells where they are unitary.
    pub inverse: *const f32,
    pub g: *mut f32,
    pub sums: *mut f32,
    pub arms: *const f32,
    /// At φ and at θ `[vector][cell]`.
    pub readings: [*mut f32; 2],
    pub vectors: usize,
    pub both_arms: bool,
}

/// `t0 a + t1 b`.
#[inline(always)]
fn row<V: Vector>(t0: [f32; 2], t1: [f32; 2], a: Complex<V>, b: Complex<V>) -> Complex<V> {
    let one = a.re;
    let ([t0r, t0i], [t1r, t1i]) = (
        t0.map(
            #[inline(always)]
            |t| one.splat(t),
        ),
        t1.map(
            #[inline(always)]
            |t| one.splat(t),
        ),
    );
    let re = a.im.mul_sub_from(t0i, a.re.mul(t0r));
    let im = a.im.mul_add(t0r, a.re.mul(t0i));
    Complex {
        re: b.im.mul_sub_from(t1i, b.re.mul_add(t1r, re)),
        im: b.im.mul_add(t1r, b.re.mul_add(t1i, im)),
    }
}

/// A cell's matrix, or its conjugate transpose.
///
/// # Safety
/// `cell` is good for [`CELL`] f32.
#[inline(always)]
unsafe fn matrix<const ADJOINT: bool>(cell: *const f32) -> [[f32; 2]; 4] {
    // SAFETY: the caller's.
    let [a, b, c, d, e, f, g, h] = unsafe { cell.cast::<[f32; CELL]>().read_unaligned() };
    if ADJOINT { [[a, -b], [e, -f], [c, -d], [g, -h]] } else { [[a, b], [c, d], [e, f], [g, h]] }
}

/// The two elements of a cell in a state.
///
/// # Safety
/// [`Walk`], for a cell of the plan.
#[inline(always)]
unsafe fn turn<V: Vector>(state: *mut f32, [a, b]: [u32; 2], t: [[f32; 2]; 4]) {
    // SAFETY: the caller's.
    unsafe {
        let pa = state.add(a as usize * Complex::<V>::SIZE);
        let pb = state.add(b as usize * Complex::<V>::SIZE);
        let (x, y) = (Complex::<V>::load::<false>(pa), Complex::<V>::load::<false>(pb));
        row(t[0], t[1], x, y).store::<false>(pa);
        row(t[2], t[3], x, y).store::<false>(pb);
    }
}

/// # Safety
/// [`Walk`], for a guide of the plan.
#[inline(always)]
unsafe fn scale<V: Vector>(state: *mut f32, guide: u32, by: f32) {
    // SAFETY: the caller's.
    unsafe {
        let p = state.add(guide as usize * Complex::<V>::SIZE);
        let x = Complex::<V>::load::<false>(p);
        let by = x.re.splat(by);
        Complex { re: x.re.mul(by), im: x.im.mul(by) }.store::<false>(p);
    }
}

pub struct Through<const ADJOINT: bool>;

impl<const ADJOINT: bool> Pass for Through<ADJOINT> {
    type Args = Walk;

    #[inline(always)]
    unsafe fn go<V: Vector>(w: &Walk) {
        // SAFETY: `Walk`.
        let plan = unsafe { &*w.plan };
        for n in 0..plan.steps.len() {
            // SAFETY: `Walk`.
            unsafe {
                match plan.steps[if ADJOINT { plan.steps.len() - 1 - n } else { n }] {
                    Step::Cells { first, both } => {
                        for k in first as usize..=first as usize + usize::from(both) {
                            turn::<V>(w.x, plan.pairs[k], matrix::<ADJOINT>(w.cells.add(k * CELL)));
                        }
                    }
                    Step::Passing { guide, by } => scale::<V>(w.x, guide, by),
                }
            }
        }
    }
}

/// Sums of neighbouring lanes: those of `a`, then those of `b`.
#[inline(always)]
fn fold<V: Vector>(a: V, b: V) -> V {
    let (even, odd) = a.split(b);
    even.add(odd)
}

/// # Safety
/// `to` is good for a register of f32.
#[inline(always)]
unsafe fn add_to<V: Vector>(v: V, to: *mut f32) {
    // SAFETY: the caller's.
    unsafe { v.add(V::load_any(to)).store_any(to) }
}

/// Adds the sums over all lanes of a cell's products, folded twice, and of its neighbour's.
///
/// # Safety
/// `to` is good for [`CELL`] f32 a cell.
#[inline(always)]
unsafe fn settle<V: Vector>(one: [V; 2], two: Option<[V; 2]>, to: *mut f32) {
    // SAFETY: the caller's.
    unsafe {
        if V::LANES == 4 {
            add_to(one[0], to);
            add_to(one[1], to.add(4));
            if let Some([a, b]) = two {
                add_to(a, to.add(8));
                add_to(b, to.add(12));
            }
            return;
        }
        let one = fold(one[0], one[1]);
        if V::LANES == CELL {
            add_to(one, to);
            if let Some([a, b]) = two {
                add_to(fold(a, b), to.add(CELL));
            }
        } else if let Some([a, b]) = two {
            add_to(fold(one, fold(a, b)), to);
        } else {
            let mut sums = [0.0; MOST_LANES];
            fold(one, one).store_any(sums.as_mut_ptr());
            for (n, sum) in sums[..CELL].iter().enumerate() {
                *to.add(n) += sum;
            }
        }
    }
}

/// Back from the outputs: the light as it was before each cell, the sums of `g conj(x)`, and g
/// before it.
pub struct Back<const UNITARY: bool>;

impl<const UNITARY: bool> Pass for Back<UNITARY> {
    type Args = Walk;

    #[inline(always)]
    unsafe fn go<V: Vector>(w: &Walk) {
        // SAFETY: `Walk`.
        let plan = unsafe { &*w.plan };
        for step in plan.steps.iter().rev() {
            // SAFETY: `Walk`.
            unsafe {
                match *step {
                    Step::Cells { first, both } => {
                        let k = first as usize;
                        let one = back::<V, UNITARY>(w, k);
                        let two = if both { Some(back::<V, UNITARY>(w, k + 1)) } else { None };
                        settle(one, two, w.sums.add(k * CELL));
                    }
                    Step::Passing { guide, by } => {
                        scale::<V>(w.x, guide, by.recip());
                        scale::<V>(w.g, guide, by);
                    }
                }
            }
        }
    }
}

/// Takes x and g to before a cell; the products `conj(x) g`, folded twice.
///
/// # Safety
/// [`Walk`], for a cell of the plan.
#[inline(always)]
unsafe fn back<V: Vector, const UNITARY: bool>(w: &Walk, k: usize) -> [V; 2] {
    // SAFETY: the caller's.
    unsafe {
        let plan = &*w.plan;
        let [a, b] = plan.pairs[k];
        let (a, b) = (a as usize * Complex::<V>::SIZE, b as usize * Complex::<V>::SIZE);
        let adjoint = matrix::<true>(w.cells.add(k * CELL));
        let t = if UNITARY { adjoint } else { matrix::<false>(w.inverse.add(k * CELL)) };
        let (xa, xb) =
            (Complex::<V>::load::<false>(w.x.add(a)), Complex::<V>::load::<false>(w.x.add(b)));
        let (u, v) = (row(t[0], t[1], xa, xb), row(t[2], t[3], xa, xb));
        u.store::<false>(w.x.add(a));
        v.store::<false>(w.x.add(b));
        let (ga, gb) =
            (Complex::<V>::load::<false>(w.g.add(a)), Complex::<V>::load::<false>(w.g.add(b)));
        row(adjoint[0], adjoint[1], ga, gb).store::<false>(w.g.add(a));
        row(adjoint[2], adjoint[3], ga, gb).store::<false>(w.g.add(b));
        let (p, q) = (u.conj_times(ga), v.conj_times(ga));
        let above = fold(fold(p.re, p.im), fold(q.re, q.im));
        let (p, q) = (u.conj_times(gb), v.conj_times(gb));
        [above, fold(fold(p.re, p.im), fold(q.re, q.im))]
    }
}

/// Forward through the columns, or back by the conjugate transpose, with the powers at φ and at θ.
pub struct Powers<const REVERSED: bool>;

impl<const REVERSED: bool> Pass for Powers<REVERSED> {
    type Args = Walk;

    #[inline(always)]
    unsafe fn go<V: Vector>(w: &Walk) {
        // SAFETY: `Walk`.
        let plan = unsafe { &*w.plan };
        for n in 0..plan.steps.len() {
            // SAFETY: `Walk`.
            unsafe {
                match plan.steps[if REVERSED { plan.steps.len() - 1 - n } else { n }] {
                    Step::Cells { first, both } => {
                        for k in first as usize..=first as usize + usize::from(both) {
                            read_cell::<V, REVERSED>(w, k, plan.pairs[k]);
                        }
                    }
                    Step::Passing { guide, by } => scale::<V>(w.x, guide, by),
                }
            }
        }
    }
}

/// # Safety
/// [`Walk`], for a cell of the plan.
#[inline(always)]
unsafe fn read_cell<V: Vector, const REVERSED: bool>(w: &Walk, k: usize, [a, b]: [u32; 2]) {
    // SAFETY: the caller's.
    unsafe {
        let (a, b) = (a as usize * Complex::<V>::SIZE, b as usize * Complex::<V>::SIZE);
        let (x, y) =
            (Complex::<V>::load::<false>(w.x.add(a)), Complex::<V>::load::<false>(w.x.add(b)));
        let t = matrix::<REVERSED>(w.cells.add(k * CELL));
        let (u, v) = (row(t[0], t[1], x, y), row(t[2], t[3], x, y));
        u.store::<false>(w.x.add(a));
        v.store::<false>(w.x.add(b));
        let arms = matrix::<false>(w.arms.add(k * CELL));
        let mut inside = row(arms[0], arms[1], x, y).power();
        if w.both_arms {
            let lower = row(arms[2], arms[3], x, y).power();
            inside = inside.sub(lower).mul(inside.splat(0.5));
        }
        let outside = if REVERSED { u.power() } else { x.power() };
        let mut lanes = [0.0; MOST_LANES];
        outside.store_any(lanes.as_mut_ptr());
        for (l, &power) in lanes[..w.vectors].iter().enumerate() {
            *w.readings[0].add(l * plan_cells(w) + k) = power;
        }
        inside.store_any(lanes.as_mut_ptr());
        for (l, &power) in lanes[..w.vectors].iter().enumerate() {
            *w.readings[1].add(l * plan_cells(w) + k) = power;
        }
    }
}

/// # Safety
/// [`Walk`].
#[inline(always)]
unsafe fn plan_cells(w: &Walk) -> usize {
    // SAFETY: the caller's.
    let plan = unsafe { &*w.plan };
    plan.pairs.len()
}
