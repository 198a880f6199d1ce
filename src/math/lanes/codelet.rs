//! A transform of A B points in two layers of small ones, in registers.
//!
//! n = B n1 + A n2, k = k1 mod A = k2 mod B where A and B are coprime (no twiddles between the
//! layers: the prime-factor map); n = B n1 + n2, k = k1 + A k2 and a twiddle W^(n2 k1) elsewhere.

#![allow(unsafe_code, reason = "values kept between the layers are written before they are read")]

use std::hint::black_box;
use std::mem::MaybeUninit;

use super::complex::{Complex, Term, Value};
use super::small::small;
use super::vector::Vector;

/// The body once for each i < n <= 8, `i` a literal: LLVM does not unroll bodies of this size by
/// itself, and the values between the layers stay in registers only if no index is a variable.
macro_rules! unroll {
    ($i:ident < $n:expr, $body:block) => {
        unroll!(@ $i $n, $body, 0 1 2 3 4 5 6 7)
    };
    (@ $i:ident $n:expr, $body:block, $($literal:literal)*) => {$(
        if const { $literal < $n } {
            let $i = $literal;
            $body
        }
    )*};
}

const fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// The index maps of A x B.
struct Map<const A: usize, const B: usize>;

impl<const A: usize, const B: usize> Map<A, B> {
    const COPRIME: bool = gcd(A, B) == 1;
    /// 1 mod A and 0 mod B, and the other way round.
    const UNITS: (usize, usize) = {
        let (mut a, mut b) = (B % (A * B), A % (A * B));
        while Self::COPRIME && a % A != 1 % A {
            a += B;
        }
        while Self::COPRIME && b % B != 1 % B {
            b += A;
        }
        (a, b)
    };

    #[inline(always)]
    const fn sample(n1: usize, n2: usize) -> usize {
        if Self::COPRIME { (B * n1 + A * n2) % (A * B) } else { B * n1 + n2 }
    }

    #[inline(always)]
    const fn frequency(k1: usize, k2: usize) -> usize {
        if Self::COPRIME {
            (Self::UNITS.0 * k1 + Self::UNITS.1 * k2) % (A * B)
        } else {
            k1 + A * k2
        }
    }

    #[inline(always)]
    fn between<V: Vector>(c: Complex<V>, n2: usize, k1: usize) -> Complex<V> {
        if Self::COPRIME { c } else { c.turned_by(n2 * k1, A * B) }
    }
}

/// Values between the layers. Which register holds which is settled when compiled.
struct Held<V, const A: usize, const B: usize>([[MaybeUninit<Complex<V>>; A]; B]);

impl<V: Vector, const A: usize, const B: usize> Held<V, A, B> {
    #[inline(always)]
    fn new() -> Self {
        Self([const { [const { MaybeUninit::uninit() }; A] }; B])
    }

    #[inline(always)]
    fn put(&mut self, b: usize, a: usize, c: Complex<V>) {
        self.0[b][a] = MaybeUninit::new(c);
    }

    /// Where the registers cannot hold them all: settles them in memory. Left to itself LLVM keeps
    /// what they come from as well, and then spills both.
    #[inline(always)]
    fn settle(&mut self) {
        if const { 2 * A * B > V::REGISTERS } {
            black_box(&mut self.0);
        }
    }

    /// # Safety
    /// This place was [`Self::put`].
    #[inline(always)]
    unsafe fn get(&self, b: usize, a: usize) -> Complex<V> {
        // SAFETY: the caller's.
        unsafe { self.0[b][a].assume_init() }
    }
}

impl<V: Vector, const A: usize, const B: usize> Held<V, A, B> {
    /// The first layer of [`dif`].
    #[inline(always)]
    fn from_samples<X: Value<V>>(load: impl Fn(usize) -> X) -> Self {
        let mut held = Self::new();
        unroll!(n2 < B, {
            small::<V, X, A>(
                #[inline(always)]
                |n1| load(Map::<A, B>::sample(n1, n2)),
                #[inline(always)]
                |k1, c| held.put(n2, k1, Map::<A, B>::between(c, n2, k1)),
            );
        });
        held
    }

    /// The first layer of [`dit`].
    #[inline(always)]
    fn from_frequencies(load: impl Fn(usize) -> Complex<V>) -> Self {
        let mut held = Self::new();
        unroll!(k1 < A, {
            small::<V, Complex<V>, B>(
                #[inline(always)]
                |k2| load(Map::<A, B>::frequency(k1, k2)),
                #[inline(always)]
                |n2, c| held.put(n2, k1, Map::<A, B>::between(c, n2, k1)),
            );
        });
        held
    }

    /// The last layer of [`dif`].
    ///
    /// # Safety
    /// All of B x A was [`Self::put`].
    #[inline(always)]
    unsafe fn to_frequencies(&self, mut store: impl FnMut(usize, Complex<V>)) {
        unroll!(k1 < A, {
            small::<V, Complex<V>, B>(
                // SAFETY: the caller's.
                #[inline(always)]
                |n2| unsafe { self.get(n2, k1) },
                #[inline(always)]
                |k2, c| store(Map::<A, B>::frequency(k1, k2), c),
            );
        });
    }

    /// The last layer of [`dit`].
    ///
    /// # Safety
    /// All of B x A was [`Self::put`].
    #[inline(always)]
    unsafe fn to_samples(&self, mut store: impl FnMut(usize, Complex<V>)) {
        unroll!(n2 < B, {
            small::<V, Complex<V>, A>(
                // SAFETY: the caller's.
                #[inline(always)]
                |k1| unsafe { self.get(n2, k1) },
                #[inline(always)]
                |n1, c| store(Map::<A, B>::sample(n1, n2), c),
            );
        });
    }
}

/// Decimation in frequency, A before B: zeros among the inputs prune the first layer.
#[inline(always)]
pub fn dif<V: Vector, X: Value<V>, const A: usize, const B: usize>(
    load: impl Fn(usize) -> X,
    store: impl FnMut(usize, Complex<V>),
) {
    let held = Held::<V, A, B>::from_samples(load);
    // SAFETY: the first layer put all of B x A.
    unsafe { held.to_frequencies(store) }
}

/// Decimation in time, B before A: outputs that are not stored prune the last layer.
#[inline(always)]
pub fn dit<V: Vector, const A: usize, const B: usize>(
    load: impl Fn(usize) -> Complex<V>,
    store: impl FnMut(usize, Complex<V>),
) {
    let held = Held::<V, A, B>::from_frequencies(load);
    // SAFETY: the first layer put all of B x A.
    unsafe { held.to_samples(store) }
}

/// [`dif`], then `point(k, X[k])`, then [`dit`]; the two middle layers work group by group, so
/// that a group of B never leaves the registers.
#[inline(always)]
pub fn there_and_back<V: Vector, const A: usize, const B: usize>(
    load: impl Fn(usize) -> Complex<V>,
    point: impl Fn(usize, Complex<V>) -> Complex<V>,
    store: impl FnMut(usize, Complex<V>),
) {
    let mut held = Held::<V, A, B>::from_samples(load);
    held.settle();
    unroll!(k1 < A, {
        let mut group = Held::<V, B, 1>::new();
        small::<V, Complex<V>, B>(
            // SAFETY: the first layer put all of B x A.
            #[inline(always)]
            |n2| unsafe { held.get(n2, k1) },
            #[inline(always)]
            |k2, c| group.put(0, k2, point(Map::<A, B>::frequency(k1, k2), c)),
        );
        small::<V, Complex<V>, B>(
            // SAFETY: the transform above put all of the group.
            #[inline(always)]
            |k2| unsafe { group.get(0, k2) },
            #[inline(always)]
            |n2, c| held.put(n2, k1, Map::<A, B>::between(c, n2, k1)),
        );
    });
    held.settle();
    // SAFETY: all of B x A is put still.
    unsafe { held.to_samples(store) }
}

/// [`dit`], then `point(n, x[n])` of the first `live` samples, then [`dif`] of those alone: the two
/// middle layers work group by group, as in [`there_and_back`].
#[inline(always)]
pub fn back_and_there<V: Vector, const A: usize, const B: usize>(
    live: usize,
    load: impl Fn(usize) -> Complex<V>,
    mut point: impl FnMut(usize, Complex<V>) -> Complex<V>,
    store: impl FnMut(usize, Complex<V>),
) {
    let mut held = Held::<V, A, B>::from_frequencies(load);
    unroll!(n2 < B, {
        let mut group = Held::<V, A, 1>::new();
        small::<V, Complex<V>, A>(
            // SAFETY: the first layer put all of B x A.
            #[inline(always)]
            |k1| unsafe { held.get(n2, k1) },
            #[inline(always)]
            |n1, c| {
                let n = Map::<A, B>::sample(n1, n2);
                if n < live {
                    group.put(0, n1, point(n, c));
                }
            },
        );
        small::<V, Term<V>, A>(
            #[inline(always)]
            |n1| {
                if Map::<A, B>::sample(n1, n2) < live {
                    // SAFETY: the transform above put those below `live`.
                    Term::Plus(unsafe { group.get(0, n1) })
                } else {
                    Term::Zero
                }
            },
            #[inline(always)]
            |k1, c| held.put(n2, k1, Map::<A, B>::between(c, n2, k1)),
        );
    });
    // SAFETY: all of B x A is put still.
    unsafe { held.to_frequencies(store) }
}
