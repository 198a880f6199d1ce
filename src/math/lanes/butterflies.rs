//! One stage of a transform over whole lines: butterflies of one radix, with their twiddles.
//!
//! Up (decimation in frequency): x'[k, j] = W^(k j) sum_n exp(-2 pi i n k / R) x[n, j].
//! Down (decimation in time, re and im exchanged, so that it transforms back):
//! x'[n, j] = sum_k exp(-2 pi i n k / R) W^(k j) x[k, j].
//! The leaf has no twiddles; the turn is leaf, times H, leaf back. Where a transform back meets the
//! next one there, the last stage, what is done to the samples, and the first stage are one.

#![allow(unsafe_code, reason = "raw loops over lines; the contract is stated at `Lines`")]

use super::codelet::{back_and_there, dif, dit, there_and_back};
use super::complex::{Complex, Term};
use super::isa::{Arch, Entry, Pass};
use super::pointwise::{Elements, Modulate, PhaseGrad, Point};
use super::vector::Vector;

/// Where the butterflies of a stage lie, in elements: `outer` groups, `pitch` apart, of `inner`
/// butterflies side by side, whose samples are `stride` apart.
///
/// The contract of all passes here: `from` and `to` are aligned to a register and good for every
/// element so described; the table for what the pass reads of it. They may be the same place.
#[derive(Clone, Copy)]
pub struct Lines {
    pub from: *const f32,
    pub to: *mut f32,
    /// Twiddles `[inner, R]` (re, im); or H, R elements for each of `outer`.
    pub table: *const f32,
    /// Floats from the H of one group to that of the next.
    pub table_pitch: isize,
    pub outer: usize,
    pub pitch: usize,
    pub inner: usize,
    pub stride: usize,
    /// Leaf: exchange re and im. Turn: multiply by conj(H). Up and down: the samples k > R / 2 lie
    /// with re and im exchanged.
    pub mirror: bool,
}

/// Inputs, or outputs, of a pruned stage that are not known to be zero.
pub const fn live(radix: usize) -> usize {
    radix.div_ceil(2)
}

/// Whether sample `k` of a transformed line of `radix` mirrors one before it.
pub const fn is_high(k: usize, radix: usize) -> bool {
    2 * k > radix
}

/// The twiddle of output `k`, times `c`.
///
/// # Safety
/// `table` is good for 2 k + 2 f32.
#[inline(always)]
unsafe fn turned<V: Vector>(c: Complex<V>, table: *const f32, k: usize) -> Complex<V> {
    if k == 0 {
        return c;
    }
    // SAFETY: the caller's.
    unsafe { c.turned((*table.add(2 * k), *table.add(2 * k + 1))) }
}

pub struct Up<const A: usize, const B: usize, const HALF: bool>;

impl<const A: usize, const B: usize, const HALF: bool> Pass for Up<A, B, HALF> {
    type Args = Lines;

    #[inline(always)]
    unsafe fn go<V: Vector>(a: &Lines) {
        let size = Complex::<V>::SIZE;
        let step = a.stride * size;
        let (re, im) = if a.mirror { (V::LANES, 0) } else { (0, V::LANES) };
        for o in 0..a.outer {
            for j in 0..a.inner {
                // SAFETY: `Lines`.
                unsafe {
                    let at = (o * a.pitch + j) * size;
                    let (from, to) = (a.from.add(at), a.to.add(at));
                    let (high_re, high_im) = (to.add(re), to.add(im));
                    let table = a.table.add(2 * j * A * B);
                    let load = {
                        #[inline(always)]
                        |n: usize| Complex::<V>::load::<false>(from.add(n * step))
                    };
                    let store = {
                        #[inline(always)]
                        |k: usize, c: Complex<V>| {
                            let c = turned(c, table, k);
                            if is_high(k, A * B) {
                                c.re.store(high_re.add(k * step));
                                c.im.store(high_im.add(k * step));
                            } else {
                                c.store::<false>(to.add(k * step));
                            }
                        }
                    };
                    if HALF {
                        dif::<V, Term<V>, A, B>(
                            #[inline(always)]
                            |n| if n < live(A * B) { Term::Plus(load(n)) } else { Term::Zero },
                            store,
                        );
                    } else {
                        dif::<V, Complex<V>, A, B>(load, store);
                    }
                }
            }
        }
    }
}

pub struct Down<const A: usize, const B: usize, const HALF: bool>;

impl<const A: usize, const B: usize, const HALF: bool> Pass for Down<A, B, HALF> {
    type Args = Lines;

    #[inline(always)]
    unsafe fn go<V: Vector>(a: &Lines) {
        let size = Complex::<V>::SIZE;
        let step = a.stride * size;
        let (re, im) = if a.mirror { (0, V::LANES) } else { (V::LANES, 0) };
        for o in 0..a.outer {
            for j in 0..a.inner {
                // SAFETY: `Lines`.
                unsafe {
                    let at = (o * a.pitch + j) * size;
                    let (from, to) = (a.from.add(at), a.to.add(at));
                    let (high_re, high_im) = (from.add(re), from.add(im));
                    let table = a.table.add(2 * j * A * B);
                    dit::<V, A, B>(
                        #[inline(always)]
                        |k| {
                            let c = if is_high(k, A * B) {
                                Complex {
                                    re: V::load(high_re.add(k * step)),
                                    im: V::load(high_im.add(k * step)),
                                }
                            } else {
                                Complex::<V>::load::<true>(from.add(k * step))
                            };
                            turned(c, table, k)
                        },
                        #[inline(always)]
                        |n, c| {
                            if !HALF || n < live(A * B) {
                                c.store::<true>(to.add(n * step));
                            }
                        },
                    );
                }
            }
        }
    }
}

pub struct Leaf<const A: usize, const B: usize>;

impl<const A: usize, const B: usize> Pass for Leaf<A, B> {
    type Args = Lines;

    #[inline(always)]
    unsafe fn go<V: Vector>(a: &Lines) {
        let size = Complex::<V>::SIZE;
        let (re, im) = if a.mirror { (V::LANES, 0) } else { (0, V::LANES) };
        for o in 0..a.outer {
            // SAFETY: `Lines`.
            unsafe {
                let (from, to) = (a.from.add(o * a.pitch * size), a.to.add(o * a.pitch * size));
                let (from_re, from_im) = (from.add(re), from.add(im));
                let (to_re, to_im) = (to.add(re), to.add(im));
                dif::<V, Complex<V>, A, B>(
                    #[inline(always)]
                    |n| Complex {
                        re: V::load(from_re.add(n * size)),
                        im: V::load(from_im.add(n * size)),
                    },
                    #[inline(always)]
                    |k, c| {
                        c.re.store(to_re.add(k * size));
                        c.im.store(to_im.add(k * size));
                    },
                );
            }
        }
    }
}

pub struct Turn<const A: usize, const B: usize>;

impl<const A: usize, const B: usize> Turn<A, B> {
    #[inline(always)]
    unsafe fn each<V: Vector, const MIRROR: bool>(a: &Lines) {
        let size = Complex::<V>::SIZE;
        for o in 0..a.outer {
            // SAFETY: `Lines`.
            unsafe {
                let (from, to) = (a.from.add(o * a.pitch * size), a.to.add(o * a.pitch * size));
                let h = a.table.offset(o as isize * a.table_pitch);
                there_and_back::<V, A, B>(
                    #[inline(always)]
                    |n| Complex::load::<false>(from.add(n * size)),
                    // Back is there with re and im exchanged, and conj(h) c is h times c exchanged.
                    #[inline(always)]
                    |k, c| {
                        let h = Complex::<V>::load::<false>(h.add(k * size));
                        if MIRROR { c.swap().times(h) } else { c.times(h).swap() }
                    },
                    #[inline(always)]
                    |n, c| c.store::<true>(to.add(n * size)),
                );
            }
        }
    }
}

impl<const A: usize, const B: usize> Pass for Turn<A, B> {
    type Args = Lines;

    #[inline(always)]
    unsafe fn go<V: Vector>(a: &Lines) {
        // SAFETY: `Lines`.
        unsafe { if a.mirror { Self::each::<V, true>(a) } else { Self::each::<V, false>(a) } }
    }
}

/// The last stage of a transform back, what is done to its samples, and the first stage of the
/// transform that follows, both pruned: without a trip to memory in between.
pub struct Meet<const A: usize, const B: usize, P>(P);

/// What a [`Meet`] works on: a line in place, and what belongs to its samples; all that the first
/// stage reads have an element.
pub struct Meeting {
    pub lines: Lines,
    pub points: Elements,
}

impl<const A: usize, const B: usize, P: Point> Pass for Meet<A, B, P> {
    type Args = Meeting;

    #[inline(always)]
    unsafe fn go<V: Vector>(a: &Meeting) {
        let Meeting { lines, points } = a;
        let size = Complex::<V>::SIZE;
        let step = lines.stride * size;
        for j in 0..lines.inner {
            // SAFETY: `Lines`, and `Elements` for the samples below `live`.
            unsafe {
                let line = lines.to.add(j * size);
                let table = lines.table.add(2 * j * A * B);
                back_and_there::<V, A, B>(
                    live(A * B),
                    #[inline(always)]
                    |k| turned(Complex::<V>::load::<true>(line.add(k * step)), table, k),
                    #[inline(always)]
                    |n, c| P::at(points, c.swap(), n * lines.inner + j),
                    #[inline(always)]
                    |k, c| turned(c, table, k).store::<false>(line.add(k * step)),
                );
            }
        }
    }
}

/// The passes of one radix, compiled for one instruction set.
#[derive(Clone, Copy)]
pub struct Kernels {
    pub up: Entry<Lines>,
    pub up_half: Entry<Lines>,
    pub down: Entry<Lines>,
    pub down_half: Entry<Lines>,
    pub leaf: Entry<Lines>,
    pub turn: Entry<Lines>,
    /// One each of [`super::pointwise::Carried`].
    pub meet: [Entry<Meeting>; 3],
}

fn kernels<I: Arch, const A: usize, const B: usize>() -> Kernels {
    Kernels {
        up: I::entry::<Up<A, B, false>>(),
        up_half: I::entry::<Up<A, B, true>>(),
        down: I::entry::<Down<A, B, false>>(),
        down_half: I::entry::<Down<A, B, true>>(),
        leaf: I::entry::<Leaf<A, B>>(),
        // The middle layers, which meet H too, take the fewer registers.
        turn: I::entry::<Turn<B, A>>(),
        meet: [
            I::entry::<Meet<A, B, Modulate<false>>>(),
            I::entry::<Meet<A, B, Modulate<true>>>(),
            I::entry::<Meet<A, B, PhaseGrad<true>>>(),
        ],
    }
}

/// Radices that [`few`] compiles: enough for every length, not fast.
pub const FEW: &[usize] = &[2, 3, 4, 5, 7, 8];

/// `radix` is 1 or one of [`FEW`].
pub fn few<I: Arch>(radix: usize) -> Kernels {
    match radix {
        1 => kernels::<I, 1, 1>(),
        2 => kernels::<I, 2, 1>(),
        3 => kernels::<I, 3, 1>(),
        4 => kernels::<I, 4, 1>(),
        5 => kernels::<I, 5, 1>(),
        7 => kernels::<I, 7, 1>(),
        8 => kernels::<I, 8, 1>(),
        _ => unreachable!("radix {radix} is not compiled"),
    }
}

/// Radices that [`some`] compiles: what 16 registers hold, or nearly.
pub const SOME: &[usize] = &[2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 14, 15, 16, 20];

/// `radix` is 1 or one of [`SOME`].
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
pub fn some<I: Arch>(radix: usize) -> Kernels {
    match radix {
        6 => kernels::<I, 2, 3>(),
        9 => kernels::<I, 3, 3>(),
        10 => kernels::<I, 2, 5>(),
        12 => kernels::<I, 4, 3>(),
        14 => kernels::<I, 2, 7>(),
        15 => kernels::<I, 3, 5>(),
        16 => kernels::<I, 4, 4>(),
        20 => kernels::<I, 4, 5>(),
        _ => few::<I>(radix),
    }
}

pub const MANY: &[usize] = &[2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 14, 15, 16, 20, 21, 24, 25, 28, 32];

/// `radix` is 1 or one of [`MANY`]: for 32 registers.
#[cfg(target_arch = "x86_64")]
pub fn many<I: Arch>(radix: usize) -> Kernels {
    match radix {
        21 => kernels::<I, 3, 7>(),
        24 => kernels::<I, 8, 3>(),
        25 => kernels::<I, 5, 5>(),
        28 => kernels::<I, 4, 7>(),
        32 => kernels::<I, 4, 8>(),
        _ => some::<I>(radix),
    }
}
