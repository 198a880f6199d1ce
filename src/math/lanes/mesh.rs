//! Columns of interferometers on many vectors at once, one vector a lane.
//!
//! A state is `[guide]` elements; a cell is four complex numbers, its 2 x 2 row-major, on two
//! guides; guides that pass a column without a cell may lose light there.

#![allow(
    unsafe_code,
    reason = "raw loops over cells whose guides are checked when the plan is made"
)]

use super::complex::Complex;
use super::isa::{Isa, Pass};
use super::line::is_aligned;
use super::vector::Vector;

/// Reals of a cell.
pub const CELL: usize = 8;

/// Lanes of the widest register.
const MOST_LANES: usize = 16;

/// Columns that light passes before it goes on to the next guides, where cells join neighbours: the
/// guides at work fit the first cache, however many there are.
const BLOCK: usize = 8;

/// What light meets.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// A cell, and its neighbour in the column where `both`.
    Cells {
        first: u32,
        both: bool,
    },
    Passing {
        guide: u32,
        by: f32,
    },
}

/// Where the cells of a mesh stand, for one instruction set.
#[derive(Debug, Clone)]
pub struct MeshPlan {
    isa: Isa,
    guides: usize,
    /// In an order in which nothing comes before what its light has passed.
    steps: Vec<Step>,
    pairs: Vec<[u32; 2]>,
}

/// The contract: the plan is there, its guides lie in the states, which are aligned to a register; `cells`,
/// `inverse`, `arms` and `sums` are good for [`CELL`] reals a cell, `readings` for as many reals a
/// vector as there are cells.
struct Walk {
    plan: *const MeshPlan,
    x: *mut f32,
    cells: *const f32,
    /// Of the cells, or the cells where they are unitary.
    inverse: *const f32,
    g: *mut f32,
    sums: *mut f32,
    arms: *const f32,
    /// At φ and at θ `[vector][cell]`.
    readings: [*mut f32; 2],
    vectors: usize,
    both_arms: bool,
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

struct Through<const ADJOINT: bool>;

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
struct Back<const UNITARY: bool>;

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
        let [a, b] = (&(*w.plan).pairs)[k];
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
struct Powers<const REVERSED: bool>;

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
    unsafe { (&(*w.plan).pairs).len() }
}

impl MeshPlan {
    /// `starts[c]..starts[c + 1]` are the cells of column c; `passing` gives the amplitude of every
    /// guide in every column, `[depth, guides]`, where any loses light.
    ///
    /// # Panics
    /// When a cell's guides are one, or not among the guides.
    pub fn new(
        isa: Isa,
        guides: usize,
        starts: &[usize],
        pairs: &[[u32; 2]],
        passing: Option<&[f64]>,
    ) -> Self {
        let inside = |&[a, b]: &[u32; 2]| a != b && (a.max(b) as usize) < guides;
        assert!(pairs.iter().all(inside), "a cell outside of {guides} guides");
        assert!(starts.last() == Some(&pairs.len()), "columns have {} cells", pairs.len());
        let mut steps = Vec::new();
        let joins_neighbours = pairs.iter().all(|[a, b]| a.abs_diff(*b) == 1);
        for (c, ends) in starts.windows(2).enumerate() {
            // Light of a cell has passed cells of the column before whose first guides are at most
            // three further down, so that it comes later by this.
            let key = |guide: u32| {
                if joins_neighbours {
                    (c / BLOCK, guide as usize + 4 * (c % BLOCK))
                } else {
                    (c, 0)
                }
            };
            let top = |k: usize| pairs[k][0].min(pairs[k][1]);
            let mut k = ends[0];
            while k < ends[1] {
                let adjoining = !joins_neighbours || (k + 1 < ends[1] && top(k + 1) == top(k) + 2);
                let both = k + 1 < ends[1] && adjoining;
                steps.push((key(top(k)), Step::Cells { first: k as u32, both }));
                k += 1 + usize::from(both);
            }
            let all = passing.map_or(&[][..], |p| &p[c * guides..][..guides]).iter().enumerate();
            let lossy = all.filter(|(_, a)| **a != 1.0);
            steps.extend(
                lossy.map(|(g, &a)| {
                    (key(g as u32), Step::Passing { guide: g as u32, by: a as f32 })
                }),
            );
        }
        steps.sort_by_key(|(key, _)| *key);
        let steps = steps.into_iter().map(|(_, step)| step).collect();
        Self { isa, guides, steps, pairs: pairs.to_vec() }
    }

    /// Vectors that go side by side.
    pub fn lanes(&self) -> usize {
        self.isa.lanes()
    }

    /// Reals of a state.
    pub fn state_len(&self) -> usize {
        2 * self.guides * self.lanes()
    }

    fn walk(&self, x: &mut [f32], cells: &[f32]) -> Walk {
        assert!(is_aligned(x, self.lanes()) && x.len() >= self.state_len(), "no state");
        assert!(cells.len() == CELL * self.pairs.len(), "{} reals of cells", cells.len());
        let (x, null) = (x.as_mut_ptr(), std::ptr::null_mut());
        let (cells, inverse) = (cells.as_ptr(), cells.as_ptr());
        let (arms, readings) = (cells, [null; 2]);
        let (vectors, both_arms) = (0, false);
        Walk {
            plan: self,
            x,
            cells,
            inverse,
            g: null,
            sums: null,
            arms,
            readings,
            vectors,
            both_arms,
        }
    }

    /// Vectors `[vector][guide]` into lanes; lanes without one are dark.
    pub fn load(&self, from: &[num_complex::Complex<f32>], state: &mut [f32]) {
        let (lanes, guides) = (self.lanes(), self.guides);
        let vectors = from.len() / guides;
        for (g, element) in state.chunks_exact_mut(2 * lanes).take(guides).enumerate() {
            let (re, im) = element.split_at_mut(lanes);
            for l in 0..lanes {
                (re[l], im[l]) = if l < vectors {
                    let z = from[l * guides + g];
                    (z.re, z.im)
                } else {
                    (0.0, 0.0)
                };
            }
        }
    }

    /// The inverse of [`Self::load`].
    pub fn store(&self, state: &[f32], to: &mut [num_complex::Complex<f32>]) {
        let (lanes, guides) = (self.lanes(), self.guides);
        let vectors = to.len() / guides;
        for (g, element) in state.chunks_exact(2 * lanes).take(guides).enumerate() {
            let (re, im) = element.split_at(lanes);
            for l in 0..vectors {
                to[l * guides + g] = num_complex::Complex::new(re[l], im[l]);
            }
        }
    }

    /// x <- M x, or M^H x.
    pub fn through(&self, x: &mut [f32], cells: &[f32], adjoint: bool) {
        let walk = self.walk(x, cells);
        let entry = if adjoint {
            self.isa.entry::<Through<true>>()
        } else {
            self.isa.entry::<Through<false>>()
        };
        self.run(entry, &walk);
    }

    /// From y and its gradient g: x with y = M x, M^H g, and sums += dL/dT of every cell.
    /// `inverse` holds those of the cells, none where they are unitary.
    pub fn back(
        &self,
        [x, g]: [&mut [f32]; 2],
        cells: &[f32],
        inverse: Option<&[f32]>,
        sums: &mut [f32],
    ) {
        assert!(is_aligned(g, self.lanes()) && g.len() >= self.state_len(), "no state");
        assert!(sums.len() == cells.len(), "{} reals of sums", sums.len());
        let own = self.walk(x, cells);
        let walk = Walk { g: g.as_mut_ptr(), sums: sums.as_mut_ptr(), ..own };
        match inverse {
            None => self.run(self.isa.entry::<Back<true>>(), &walk),
            Some(inverse) => {
                assert!(inverse.len() == cells.len(), "{} reals of inverses", inverse.len());
                let walk = Walk { inverse: inverse.as_ptr(), ..walk };
                self.run(self.isa.entry::<Back<false>>(), &walk);
            }
        }
    }

    /// x <- M x, or M^H x where `reversed`, with the powers at φ and at θ of each cell
    /// `[vector][cell]`; `arms` holds what takes the light before a cell, or behind it, to its arms
    /// beside θ. Where both arms are driven, half the difference of their powers.
    pub fn powers(
        &self,
        x: &mut [f32],
        [cells, arms]: [&[f32]; 2],
        readings: [&mut [f32]; 2],
        (reversed, both_arms): (bool, bool),
    ) {
        let own = self.walk(x, cells);
        let vectors = readings[0].len() / self.pairs.len();
        assert!(arms.len() == cells.len() && vectors <= self.lanes());
        assert!(readings.iter().all(|r| r.len() == vectors * self.pairs.len()));
        let readings = readings.map(<[f32]>::as_mut_ptr);
        let walk = Walk { arms: arms.as_ptr(), readings, vectors, both_arms, ..own };
        let entry = if reversed {
            self.isa.entry::<Powers<true>>()
        } else {
            self.isa.entry::<Powers<false>>()
        };
        self.run(entry, &walk);
    }

    fn run(&self, entry: unsafe fn(&Walk), walk: &Walk) {
        assert!(self.isa.is_available(), "{} does not run here", self.isa.name());
        // SAFETY: the instruction set is there and the callers have checked the contract.
        unsafe { entry(walk) }
    }
}

#[cfg(test)]
mod tests;
