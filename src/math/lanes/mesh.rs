//! Columns of interferometers on many vectors at once, one vector a lane.
//!
//! A state is `[guide]` elements; a cell is four complex numbers, its 2 x 2 row-major, on two
//! guides; guides that pass a column without a cell may lose light there.

#![allow(
    unsafe_code,
    reason = "raw loops over cells whose guides are checked when the plan is made"
)]

use std::ops::Range;

use super::complex::Complex;
use super::isa::{Isa, Pass};
use super::line::is_aligned;
use super::vector::Vector;

/// Reals of a cell.
pub const CELL: usize = 8;

/// Lanes of the products of two cells that wait to be summed.
const WAITING: usize = 2 * CELL;

#[derive(Debug, Clone)]
struct Column {
    cells: Range<usize>,
    passing: Range<usize>,
}

/// Where the cells of a mesh stand, for one instruction set.
#[derive(Debug, Clone)]
pub struct MeshPlan {
    isa: Isa,
    guides: usize,
    columns: Vec<Column>,
    pairs: Vec<[u32; 2]>,
    /// Guide and amplitude.
    passing: Vec<(u32, f32)>,
}

/// The contract: the plan is there, its guides lie in the states, which are aligned to a register; `cells`,
/// `inverse` and `sums` are good for [`CELL`] reals a cell, `waiting` for 2 [`WAITING`] registers.
struct Walk {
    plan: *const MeshPlan,
    x: *mut f32,
    cells: *const f32,
    /// Of the cells, or the cells where they are unitary.
    inverse: *const f32,
    g: *mut f32,
    sums: *mut f32,
    waiting: *mut f32,
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
        let depth = plan.columns.len();
        for c in 0..depth {
            let column = &plan.columns[if ADJOINT { depth - 1 - c } else { c }];
            for k in column.cells.clone() {
                // SAFETY: `Walk`.
                unsafe {
                    let t = matrix::<ADJOINT>(w.cells.add(k * CELL));
                    turn::<V>(w.x, plan.pairs[k], t);
                }
            }
            for &(guide, by) in &plan.passing[column.passing.clone()] {
                // SAFETY: `Walk`.
                unsafe { scale::<V>(w.x, guide, by) }
            }
        }
    }
}

/// Sums over the lanes of the registers that wait, added to as many reals.
///
/// # Safety
/// `waiting` as [`Walk`] has it; `to` is good for [`WAITING`] f32.
#[inline(always)]
unsafe fn settle<V: Vector>(waiting: *mut f32, to: *mut f32) {
    // SAFETY: the caller's.
    unsafe {
        let turned = waiting.add(WAITING * V::LANES);
        for tile in 0..WAITING / V::LANES {
            let from = waiting.add(tile * V::LANES * V::LANES);
            V::transpose(
                #[inline(always)]
                |i| from.add(i * V::LANES).cast_const(),
                #[inline(always)]
                |j| turned.add(j * V::LANES),
            );
            let to = to.add(tile * V::LANES);
            // Four sums, so that none waits for the one before.
            let at = {
                #[inline(always)]
                |i: usize| V::load(turned.add(i * V::LANES))
            };
            let (mut a, mut b, mut c, mut d) = (at(0), at(1), at(2), at(3));
            for i in (4..V::LANES).step_by(4) {
                a = a.add(at(i));
                b = b.add(at(i + 1));
                c = c.add(at(i + 2));
                d = d.add(at(i + 3));
            }
            a.add(b).add(c.add(d)).add(V::load_any(to)).store_any(to);
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
        for column in plan.columns.iter().rev() {
            for &(guide, by) in &plan.passing[column.passing.clone()] {
                // SAFETY: `Walk`.
                unsafe {
                    scale::<V>(w.x, guide, by.recip());
                    scale::<V>(w.g, guide, by);
                }
            }
            let mut k = column.cells.start;
            while k < column.cells.end {
                // Two cells at a time; the registers of a missing second one are left out below.
                let both = k + 1 < column.cells.end;
                for n in 0..=usize::from(both) {
                    // SAFETY: `Walk`.
                    unsafe { back::<V, UNITARY>(w, k + n, w.waiting.add(n * CELL * V::LANES)) }
                }
                // SAFETY: `Walk`; a single cell's sums are taken apart from its neighbours'.
                unsafe {
                    if both {
                        settle::<V>(w.waiting, w.sums.add(k * CELL));
                    } else {
                        let mut pair = [0.0; WAITING];
                        let sums = w.sums.add(k * CELL);
                        for n in CELL..WAITING {
                            let zero = V::load(w.x);
                            zero.splat(0.0).store(w.waiting.add(n * V::LANES));
                        }
                        settle::<V>(w.waiting, pair.as_mut_ptr());
                        for (n, sum) in pair[..CELL].iter().enumerate() {
                            *sums.add(n) += sum;
                        }
                    }
                }
                k += 2;
            }
        }
    }
}

/// # Safety
/// [`Walk`], for a cell of the plan; `to` is good for [`CELL`] registers.
#[inline(always)]
unsafe fn back<V: Vector, const UNITARY: bool>(w: &Walk, k: usize, to: *mut f32) {
    // SAFETY: the caller's.
    unsafe {
        let pair = (&(*w.plan).pairs)[k];
        let t = if UNITARY {
            matrix::<true>(w.cells.add(k * CELL))
        } else {
            matrix::<false>(w.inverse.add(k * CELL))
        };
        turn::<V>(w.x, pair, t);
        let at = |state: *mut f32, n: usize| {
            Complex::<V>::load::<false>(state.add(pair[n] as usize * Complex::<V>::SIZE))
        };
        let (x, g) = ([at(w.x, 0), at(w.x, 1)], [at(w.g, 0), at(w.g, 1)]);
        for (r, g) in g.iter().enumerate() {
            for (c, x) in x.iter().enumerate() {
                x.conj_times(*g).store::<false>(to.add((2 * r + c) * Complex::<V>::SIZE));
            }
        }
        turn::<V>(w.g, pair, matrix::<true>(w.cells.add(k * CELL)));
    }
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
        let mut plan =
            Self { isa, guides, columns: Vec::new(), pairs: pairs.to_vec(), passing: Vec::new() };
        for (c, ends) in starts.windows(2).enumerate() {
            let first = plan.passing.len();
            let all = passing.map_or(&[][..], |p| &p[c * guides..][..guides]).iter().enumerate();
            let lossy = all.filter(|(_, a)| **a != 1.0).map(|(g, &a)| (g as u32, a as f32));
            plan.passing.extend(lossy);
            plan.columns
                .push(Column { cells: ends[0]..ends[1], passing: first..plan.passing.len() });
        }
        plan
    }

    /// Vectors that go side by side.
    pub fn lanes(&self) -> usize {
        self.isa.lanes()
    }

    /// Reals of a state.
    pub fn state_len(&self) -> usize {
        2 * self.guides * self.lanes()
    }

    /// Reals of scratch for [`Self::back`].
    pub fn waiting_len(&self) -> usize {
        2 * WAITING * self.lanes()
    }

    fn walk(&self, x: &mut [f32], cells: &[f32]) -> Walk {
        assert!(is_aligned(x, self.lanes()) && x.len() >= self.state_len(), "no state");
        assert!(cells.len() == CELL * self.pairs.len(), "{} reals of cells", cells.len());
        let (x, null) = (x.as_mut_ptr(), std::ptr::null_mut());
        let (cells, inverse) = (cells.as_ptr(), cells.as_ptr());
        Walk { plan: self, x, cells, inverse, g: null, sums: null, waiting: null }
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
        waiting: &mut [f32],
    ) {
        assert!(is_aligned(g, self.lanes()) && g.len() >= self.state_len(), "no state");
        assert!(is_aligned(waiting, self.lanes()) && waiting.len() >= self.waiting_len());
        assert!(sums.len() == cells.len(), "{} reals of sums", sums.len());
        let own = self.walk(x, cells);
        let (g, sums, waiting) = (g.as_mut_ptr(), sums.as_mut_ptr(), waiting.as_mut_ptr());
        let walk = Walk { g, sums, waiting, ..own };
        match inverse {
            None => self.run(self.isa.entry::<Back<true>>(), &walk),
            Some(inverse) => {
                assert!(inverse.len() == cells.len(), "{} reals of inverses", inverse.len());
                let walk = Walk { inverse: inverse.as_ptr(), ..walk };
                self.run(self.isa.entry::<Back<false>>(), &walk);
            }
        }
    }

    fn run(&self, entry: unsafe fn(&Walk), walk: &Walk) {
        assert!(self.isa.is_available(), "{} does not run here", self.isa.name());
        // SAFETY: the instruction set is there and the callers have checked the contract.
        unsafe { entry(walk) }
    }
}
