//! [`Vector`] in NEON: 4 lanes.

#![allow(unsafe_code, reason = "intrinsics; every aarch64 target of Rust's std has NEON")]
#![allow(clippy::wildcard_imports, reason = "intrinsics carry their module in their names")]

use std::arch::aarch64::*;

use super::vector::Vector;

#[derive(Clone, Copy)]
pub struct Neon(float32x4_t);

// SAFETY of the arithmetic: NEON is part of aarch64.
impl Vector for Neon {
    const LANES: usize = 4;
    const REGISTERS: usize = 32;

    #[inline(always)]
    unsafe fn load(p: *const f32) -> Self {
        // SAFETY: the caller's.
        Self(unsafe { vld1q_f32(p) })
    }
    #[inline(always)]
    unsafe fn load_any(p: *const f32) -> Self {
        // SAFETY: the caller's.
        Self(unsafe { vld1q_f32(p) })
    }
    #[inline(always)]
    unsafe fn store(self, p: *mut f32) {
        // SAFETY: the caller's.
        unsafe { vst1q_f32(p, self.0) }
    }
    #[inline(always)]
    unsafe fn store_any(self, p: *mut f32) {
        // SAFETY: the caller's.
        unsafe { vst1q_f32(p, self.0) }
    }
    #[inline(always)]
    fn splat(self, x: f32) -> Self {
        Self(unsafe { vdupq_n_f32(x) })
    }
    #[inline(always)]
    fn add(self, o: Self) -> Self {
        Self(unsafe { vaddq_f32(self.0, o.0) })
    }
    #[inline(always)]
    fn sub(self, o: Self) -> Self {
        Self(unsafe { vsubq_f32(self.0, o.0) })
    }
    #[inline(always)]
    fn mul(self, o: Self) -> Self {
        Self(unsafe { vmulq_f32(self.0, o.0) })
    }
    #[inline(always)]
    fn neg(self) -> Self {
        Self(unsafe { vnegq_f32(self.0) })
    }
    #[inline(always)]
    fn mul_add(self, b: Self, c: Self) -> Self {
        Self(unsafe { vfmaq_f32(c.0, self.0, b.0) })
    }
    #[inline(always)]
    fn mul_sub_from(self, b: Self, c: Self) -> Self {
        Self(unsafe { vfmsq_f32(c.0, self.0, b.0) })
    }
    #[inline(always)]
    fn split(self, o: Self) -> (Self, Self) {
        unsafe { (Self(vuzp1q_f32(self.0, o.0)), Self(vuzp2q_f32(self.0, o.0))) }
    }
    #[inline(always)]
    fn join(self, o: Self) -> (Self, Self) {
        unsafe { (Self(vzip1q_f32(self.0, o.0)), Self(vzip2q_f32(self.0, o.0))) }
    }

    #[inline(always)]
    unsafe fn transpose(from: impl Fn(usize) -> *const f32, to: impl Fn(usize) -> *mut f32) {
        // SAFETY: the caller's.
        unsafe {
            let row = {
                #[inline(always)]
                |i: usize| Self::load(from(i))
            };
            let (r0, r1, r2, r3) = (row(0), row(1), row(2), row(3));
            // Zip rows 0, 2 and 1, 3; zipping those once more gives the columns.
            let (a0, a1) = r0.join(r2);
            let (b0, b1) = r1.join(r3);
            let (c0, c1) = a0.join(b0);
            let (c2, c3) = a1.join(b1);
            c0.store(to(0));
            c1.store(to(1));
            c2.store(to(2));
            c3.store(to(3));
        }
    }
}
