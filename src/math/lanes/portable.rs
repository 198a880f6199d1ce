//! [`Vector`] as an array of 4 f32, for machines without one of the instruction sets.

#![allow(unsafe_code, reason = "loads and stores of lanes; each contract is stated")]

use super::vector::Vector;

#[derive(Clone, Copy)]
pub struct Portable([f32; 4]);

impl Portable {
    #[inline(always)]
    fn zip(self, o: Self, f: impl Fn(f32, f32) -> f32) -> Self {
        let ([a, b, c, d], [p, q, r, s]) = (self.0, o.0);
        Self([f(a, p), f(b, q), f(c, r), f(d, s)])
    }
}

impl Vector for Portable {
    const LANES: usize = 4;
    const REGISTERS: usize = 16;

    #[inline(always)]
    unsafe fn load(p: *const f32) -> Self {
        // SAFETY: the caller's.
        Self(unsafe { p.cast::<[f32; 4]>().read() })
    }
    #[inline(always)]
    unsafe fn load_any(p: *const f32) -> Self {
        // SAFETY: the caller's; an array of f32 is aligned as f32 are.
        unsafe { Self::load(p) }
    }
    #[inline(always)]
    unsafe fn store(self, p: *mut f32) {
        // SAFETY: the caller's.
        unsafe { p.cast::<[f32; 4]>().write(self.0) }
    }
    #[inline(always)]
    unsafe fn store_any(self, p: *mut f32) {
        // SAFETY: the caller's.
        unsafe { self.store(p) }
    }
    #[inline(always)]
    fn splat(self, x: f32) -> Self {
        Self([x; 4])
    }
    #[inline(always)]
    fn add(self, o: Self) -> Self {
        self.zip(
            o,
            #[inline(always)]
            |a, b| a + b,
        )
    }
    #[inline(always)]
    fn sub(self, o: Self) -> Self {
        self.zip(
            o,
            #[inline(always)]
            |a, b| a - b,
        )
    }
    #[inline(always)]
    fn mul(self, o: Self) -> Self {
        self.zip(
            o,
            #[inline(always)]
            |a, b| a * b,
        )
    }
    #[inline(always)]
    fn neg(self) -> Self {
        Self(self.0.map(
            #[inline(always)]
            |a| -a,
        ))
    }
    // Two roundings: without the instruction, f32::mul_add is a slow call.
    #[inline(always)]
    fn mul_add(self, b: Self, c: Self) -> Self {
        self.mul(b).add(c)
    }
    #[inline(always)]
    fn mul_sub_from(self, b: Self, c: Self) -> Self {
        c.sub(self.mul(b))
    }
    #[inline(always)]
    fn split(self, o: Self) -> (Self, Self) {
        let ([a, b, c, d], [p, q, r, s]) = (self.0, o.0);
        (Self([a, c, p, r]), Self([b, d, q, s]))
    }
    #[inline(always)]
    fn join(self, o: Self) -> (Self, Self) {
        let ([a, b, c, d], [p, q, r, s]) = (self.0, o.0);
        (Self([a, p, b, q]), Self([c, r, d, s]))
    }

    #[inline(always)]
    unsafe fn transpose(from: impl Fn(usize) -> *const f32, to: impl Fn(usize) -> *mut f32) {
        // SAFETY: the caller's.
        unsafe {
            let row = {
                #[inline(always)]
                |i: usize| Self::load(from(i)).0
            };
            let (a, b, c, d) = (row(0), row(1), row(2), row(3));
            for j in 0..4 {
                Self([a[j], b[j], c[j], d[j]]).store(to(j));
            }
        }
    }
}
