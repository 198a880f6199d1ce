//! [`Vector`] in AVX-512 (16 lanes) and in AVX2 with FMA (8 lanes).

#![allow(unsafe_code, reason = "intrinsics; a value of the type proves the instruction set")]
#![allow(clippy::wildcard_imports, reason = "intrinsics carry their module in their names")]

use std::arch::x86_64::*;

use super::vector::Vector;

#[derive(Clone, Copy)]
pub struct Avx512(__m512);

#[derive(Clone, Copy)]
pub struct Avx2(__m256);

// SAFETY of the arithmetic below: `self` exists, so the instruction set does (see `Vector`).
macro_rules! arithmetic {
    ($set1:ident, $add:ident, $sub:ident, $mul:ident, $fma:ident, $fnma:ident) => {
        #[inline(always)]
        fn splat(self, x: f32) -> Self {
            Self(unsafe { $set1(x) })
        }
        #[inline(always)]
        fn add(self, o: Self) -> Self {
            Self(unsafe { $add(self.0, o.0) })
        }
        #[inline(always)]
        fn sub(self, o: Self) -> Self {
            Self(unsafe { $sub(self.0, o.0) })
        }
        #[inline(always)]
        fn mul(self, o: Self) -> Self {
            Self(unsafe { $mul(self.0, o.0) })
        }
        #[inline(always)]
        fn neg(self) -> Self {
            Self(unsafe { $sub($set1(-0.0), self.0) })
        }
        #[inline(always)]
        fn mul_add(self, b: Self, c: Self) -> Self {
            Self(unsafe { $fma(self.0, b.0, c.0) })
        }
        #[inline(always)]
        fn mul_sub_from(self, b: Self, c: Self) -> Self {
            Self(unsafe { $fnma(self.0, b.0, c.0) })
        }
    };
}

macro_rules! memory {
    ($load:ident, $loadu:ident, $store:ident, $storeu:ident) => {
        #[inline(always)]
        unsafe fn load(p: *const f32) -> Self {
            // SAFETY: the caller's.
            Self(unsafe { $load(p) })
        }
        #[inline(always)]
        unsafe fn load_any(p: *const f32) -> Self {
            // SAFETY: the caller's.
            Self(unsafe { $loadu(p) })
        }
        #[inline(always)]
        unsafe fn store(self, p: *mut f32) {
            // SAFETY: the caller's.
            unsafe { $store(p, self.0) }
        }
        #[inline(always)]
        unsafe fn store_any(self, p: *mut f32) {
            // SAFETY: the caller's.
            unsafe { $storeu(p, self.0) }
        }
    };
}

impl Vector for Avx512 {
    const LANES: usize = 16;
    const REGISTERS: usize = 32;

    memory!(_mm512_load_ps, _mm512_loadu_ps, _mm512_store_ps, _mm512_storeu_ps);
    arithmetic!(
        _mm512_set1_ps,
        _mm512_add_ps,
        _mm512_sub_ps,
        _mm512_mul_ps,
        _mm512_fmadd_ps,
        _mm512_fnmadd_ps
    );

    #[inline(always)]
    fn split(self, o: Self) -> (Self, Self) {
        // SAFETY: as for the arithmetic.
        unsafe {
            let even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
            let odd = _mm512_setr_epi32(1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
            let pick = {
                #[inline(always)]
                |places| Self(_mm512_permutex2var_ps(self.0, places, o.0))
            };
            (pick(even), pick(odd))
        }
    }

    #[inline(always)]
    fn join(self, o: Self) -> (Self, Self) {
        // SAFETY: as for the arithmetic.
        unsafe {
            let low = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
            let high =
                _mm512_setr_epi32(8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
            let pick = {
                #[inline(always)]
                |places| Self(_mm512_permutex2var_ps(self.0, places, o.0))
            };
            (pick(low), pick(high))
        }
    }

    #[inline(always)]
    unsafe fn transpose(from: impl Fn(usize) -> *const f32, to: impl Fn(usize) -> *mut f32) {
        // SAFETY: the caller's.
        unsafe {
            let mut quads = [_mm512_setzero_ps(); 16];
            // 4 x 4 tiles inside the 128-bit quarters.
            macro_rules! quarter {
                ($($b:literal),*) => {$({
                    let row = { #[inline(always)] |i: usize| _mm512_load_ps(from($b + i)) };
                    let (r0, r1, r2, r3) = (row(0), row(1), row(2), row(3));
                    let low = _mm512_castps_pd(_mm512_unpacklo_ps(r0, r1));
                    let high = _mm512_castps_pd(_mm512_unpackhi_ps(r0, r1));
                    let low2 = _mm512_castps_pd(_mm512_unpacklo_ps(r2, r3));
                    let high2 = _mm512_castps_pd(_mm512_unpackhi_ps(r2, r3));
                    quads[$b] = _mm512_castpd_ps(_mm512_unpacklo_pd(low, low2));
                    quads[$b + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(low, low2));
                    quads[$b + 2] = _mm512_castpd_ps(_mm512_unpacklo_pd(high, high2));
                    quads[$b + 3] = _mm512_castpd_ps(_mm512_unpackhi_pd(high, high2));
                })*};
            }
            quarter!(0, 4, 8, 12);
            // Then the quarters themselves.
            macro_rules! column {
                ($($c:literal),*) => {$({
                    let (q0, q1, q2, q3) =
                        (quads[$c], quads[4 + $c], quads[8 + $c], quads[12 + $c]);
                    let even = _mm512_shuffle_f32x4::<0x88>(q0, q1);
                    let odd = _mm512_shuffle_f32x4::<0xdd>(q0, q1);
                    let even2 = _mm512_shuffle_f32x4::<0x88>(q2, q3);
                    let odd2 = _mm512_shuffle_f32x4::<0xdd>(q2, q3);
                    _mm512_store_ps(to($c), _mm512_shuffle_f32x4::<0x88>(even, even2));
                    _mm512_store_ps(to($c + 4), _mm512_shuffle_f32x4::<0x88>(odd, odd2));
                    _mm512_store_ps(to($c + 8), _mm512_shuffle_f32x4::<0xdd>(even, even2));
                    _mm512_store_ps(to($c + 12), _mm512_shuffle_f32x4::<0xdd>(odd, odd2));
                })*};
            }
            column!(0, 1, 2, 3);
        }
    }
}

impl Vector for Avx2 {
    const LANES: usize = 8;
    const REGISTERS: usize = 16;

    memory!(_mm256_load_ps, _mm256_loadu_ps, _mm256_store_ps, _mm256_storeu_ps);
    arithmetic!(
        _mm256_set1_ps,
        _mm256_add_ps,
        _mm256_sub_ps,
        _mm256_mul_ps,
        _mm256_fmadd_ps,
        _mm256_fnmadd_ps
    );

    #[inline(always)]
    fn split(self, o: Self) -> (Self, Self) {
        // SAFETY: as for the arithmetic.
        unsafe {
            let low = _mm256_permute2f128_ps::<0x20>(self.0, o.0);
            let high = _mm256_permute2f128_ps::<0x31>(self.0, o.0);
            let even = _mm256_shuffle_ps::<0x88>(low, high);
            let odd = _mm256_shuffle_ps::<0xdd>(low, high);
            (Self(even), Self(odd))
        }
    }

    #[inline(always)]
    fn join(self, o: Self) -> (Self, Self) {
        // SAFETY: as for the arithmetic.
        unsafe {
            let low = _mm256_unpacklo_ps(self.0, o.0);
            let high = _mm256_unpackhi_ps(self.0, o.0);
            let first = _mm256_permute2f128_ps::<0x20>(low, high);
            let second = _mm256_permute2f128_ps::<0x31>(low, high);
            (Self(first), Self(second))
        }
    }

    #[inline(always)]
    unsafe fn transpose(from: impl Fn(usize) -> *const f32, to: impl Fn(usize) -> *mut f32) {
        // SAFETY: the caller's.
        unsafe {
            // Half the tile's columns from rows b.. of which both halves hold 4 x 4 tiles.
            macro_rules! quads {
                ($b:literal) => {{
                    let row = {
                        #[inline(always)]
                        |i: usize| _mm256_load_ps(from($b + i))
                    };
                    let (r0, r1, r2, r3) = (row(0), row(1), row(2), row(3));
                    let (low, high) = (_mm256_unpacklo_ps(r0, r1), _mm256_unpackhi_ps(r0, r1));
                    let (low2, high2) = (_mm256_unpacklo_ps(r2, r3), _mm256_unpackhi_ps(r2, r3));
                    (
                        _mm256_shuffle_ps::<0x44>(low, low2),
                        _mm256_shuffle_ps::<0xee>(low, low2),
                        _mm256_shuffle_ps::<0x44>(high, high2),
                        _mm256_shuffle_ps::<0xee>(high, high2),
                    )
                }};
            }
            let (a0, a1, a2, a3) = quads!(0);
            let (b0, b1, b2, b3) = quads!(4);
            _mm256_store_ps(to(0), _mm256_permute2f128_ps::<0x20>(a0, b0));
            _mm256_store_ps(to(1), _mm256_permute2f128_ps::<0x20>(a1, b1));
            _mm256_store_ps(to(2), _mm256_permute2f128_ps::<0x20>(a2, b2));
            _mm256_store_ps(to(3), _mm256_permute2f128_ps::<0x20>(a3, b3));
            _mm256_store_ps(to(4), _mm256_permute2f128_ps::<0x31>(a0, b0));
            _mm256_store_ps(to(5), _mm256_permute2f128_ps::<0x31>(a1, b1));
            _mm256_store_ps(to(6), _mm256_permute2f128_ps::<0x31>(a2, b2));
            _mm256_store_ps(to(7), _mm256_permute2f128_ps::<0x31>(a3, b3));
        }
    }
}
