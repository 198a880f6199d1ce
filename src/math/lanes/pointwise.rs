//! `e[x] = f(e[x], t[x], ..)` for the first nx samples of a line, L rows at once.
//!
//! The line has the gaps of its plan; what goes with it, a row block of a blocked plane, has none:
//! complex `[nx][re L, im L]`, real `[nx][L]`.

#![allow(unsafe_code, reason = "raw loops over elements whose lengths are checked here")]

use super::complex::Complex;
use super::isa::Pass;
use super::line::{LinePlan, is_aligned};
use super::vector::Vector;

/// The contract of the passes: each pointer that a pass uses is aligned to a register and good for
/// `count` elements, or vectors where it is real; the line with a gap of `gap` elements behind
/// every `run`.
struct Elements {
    line: *mut f32,
    /// t, or y.
    factor: *const f32,
    other: *const f32,
    to: *mut f32,
    conj: bool,
    count: usize,
    run: usize,
    gap: usize,
}

/// What happens to element `n`, which lies at `e`.
trait Point {
    /// # Safety
    /// As [`Elements`] states; `n < count`.
    unsafe fn at<V: Vector>(a: &Elements, e: *mut f32, n: usize);
}

struct Each<P>(P);

impl<P: Point> Pass for Each<P> {
    type Args = Elements;

    #[inline(always)]
    unsafe fn go<V: Vector>(a: &Elements) {
        let mut line = a.line;
        let mut start = 0;
        while start < a.count {
            let end = a.count.min(start + a.run);
            for n in start..end {
                // SAFETY: `Elements`.
                unsafe { P::at::<V>(a, line.add((n - start) * Complex::<V>::SIZE), n) }
            }
            line = line.wrapping_add((a.run + a.gap) * Complex::<V>::SIZE);
            start = end;
        }
    }
}

#[inline(always)]
unsafe fn element<V: Vector>(p: *const f32, n: usize) -> Complex<V> {
    // SAFETY: the caller's.
    unsafe { Complex::load::<false>(p.add(n * Complex::<V>::SIZE)) }
}

#[inline(always)]
fn product<V: Vector>(e: Complex<V>, t: Complex<V>, conj: bool) -> Complex<V> {
    if conj { t.conj_times(e) } else { e.times(t) }
}

struct Modulate<const KEEP: bool>;

impl<const KEEP: bool> Point for Modulate<KEEP> {
    #[inline(always)]
    unsafe fn at<V: Vector>(a: &Elements, e: *mut f32, n: usize) {
        // SAFETY: `Elements`.
        unsafe {
            let new = product(element::<V>(e, 0), element(a.factor, n), a.conj);
            new.store::<false>(e);
            if KEEP {
                new.store::<false>(a.to.add(n * Complex::<V>::SIZE));
            }
        }
    }
}

struct Attenuate;

impl Point for Attenuate {
    #[inline(always)]
    unsafe fn at<V: Vector>(a: &Elements, e: *mut f32, n: usize) {
        // SAFETY: `Elements`.
        unsafe {
            let (field, factor) = (element::<V>(e, 0), V::load(a.factor.add(n * V::LANES)));
            Complex { re: field.re.mul(factor), im: field.im.mul(factor) }.store::<false>(e);
        }
    }
}

struct PhaseGrad<const MODULATE: bool>;

impl<const MODULATE: bool> Point for PhaseGrad<MODULATE> {
    #[inline(always)]
    unsafe fn at<V: Vector>(a: &Elements, e: *mut f32, n: usize) {
        // SAFETY: `Elements`.
        unsafe {
            let (field, y) = (element::<V>(e, 0), element::<V>(a.other, n));
            let sum = a.to.add(n * V::LANES);
            let ahead = field.im.mul_add(y.re, V::load(sum));
            field.re.mul_sub_from(y.im, ahead).store(sum);
            if MODULATE {
                product(field, element(a.factor, n), a.conj).store::<false>(e);
            }
        }
    }
}

struct AmplitudeGrad;

impl Point for AmplitudeGrad {
    #[inline(always)]
    unsafe fn at<V: Vector>(a: &Elements, e: *mut f32, n: usize) {
        // SAFETY: `Elements`.
        unsafe {
            let (field, y) = (element::<V>(e, 0), element::<V>(a.other, n));
            let sum = a.to.add(n * V::LANES);
            let part = field.re.mul_add(y.re, V::load(sum));
            field.im.mul_add(y.im, part).store(sum);
        }
    }
}

struct Intensity;

impl Point for Intensity {
    #[inline(always)]
    unsafe fn at<V: Vector>(a: &Elements, e: *mut f32, n: usize) {
        // SAFETY: `Elements`.
        unsafe {
            let field = element::<V>(e, 0);
            let power = field.re.mul_add(field.re, field.im.mul(field.im));
            power.store(a.to.add(n * V::LANES));
        }
    }
}

/// to[n] += conj(other[n]) e[n], complex.
struct Correlate;

impl Point for Correlate {
    #[inline(always)]
    unsafe fn at<V: Vector>(a: &Elements, e: *mut f32, n: usize) {
        // SAFETY: `Elements`; `other` is a line like the first, and as far from it everywhere.
        unsafe {
            let other = element::<V>(a.other.offset(e.cast_const().offset_from(a.line)), 0);
            let sum = a.to.add(n * Complex::<V>::SIZE);
            let (field, old) = (element::<V>(e, 0), element::<V>(sum, 0));
            let re = other.re.mul_add(field.re, old.re);
            let im = other.re.mul_add(field.im, old.im);
            Complex { re: other.im.mul_add(field.im, re), im: other.im.mul_sub_from(field.re, im) }
                .store::<false>(sum);
        }
    }
}

const NONE: *const f32 = std::ptr::null();

fn elements(plan: &LinePlan, line: &[f32], nx: usize) -> Elements {
    assert!(line.len() >= plan.extent(nx) * plan.element(), "the line is too short");
    debug_assert!(is_aligned(line, plan.isa().lanes()));
    Elements {
        line: line.as_ptr().cast_mut(),
        factor: NONE,
        other: NONE,
        to: NONE.cast_mut(),
        conj: false,
        count: nx,
        run: plan.block(),
        gap: plan.gap(),
    }
}

fn complex(plan: &LinePlan, slice: &[f32], nx: usize) -> *const f32 {
    assert!(slice.len() >= nx * plan.element(), "{nx} complex elements");
    debug_assert!(is_aligned(slice, plan.isa().lanes()));
    slice.as_ptr()
}

fn real(plan: &LinePlan, slice: &[f32], nx: usize) -> *const f32 {
    assert!(slice.len() >= nx * plan.isa().lanes(), "{nx} real vectors");
    debug_assert!(is_aligned(slice, plan.isa().lanes()));
    slice.as_ptr()
}

/// SAFETY of its uses: the checks above gave all pointers.
macro_rules! run {
    ($plan:ident, $pass:ty, $elements:expr) => {
        unsafe { $plan.isa().entry::<Each<$pass>>()(&$elements) }
    };
}

/// e = t e, or conj(t) e.
///
/// line: `[nx]` elements with gaps; t: `[nx]` elements.
pub fn modulate(plan: &LinePlan, line: &mut [f32], t: &[f32], nx: usize, conj: bool) {
    let factor = complex(plan, t, nx);
    let all = elements(plan, line, nx);
    run!(plan, Modulate<false>, Elements { line: line.as_mut_ptr(), factor, conj, ..all });
}

/// e = t e, or conj(t) e; store = e.
pub fn modulate_store(
    plan: &LinePlan,
    line: &mut [f32],
    t: &[f32],
    store: &mut [f32],
    nx: usize,
    conj: bool,
) {
    complex(plan, store, nx);
    let (factor, to) = (complex(plan, t, nx), store.as_mut_ptr());
    let all = elements(plan, line, nx);
    run!(plan, Modulate<true>, Elements { line: line.as_mut_ptr(), factor, to, conj, ..all });
}

/// e = a e.
///
/// a: `[nx][L]` reals.
pub fn attenuate(plan: &LinePlan, line: &mut [f32], a: &[f32], nx: usize) {
    let factor = real(plan, a, nx);
    let all = elements(plan, line, nx);
    run!(plan, Attenuate, Elements { line: line.as_mut_ptr(), factor, ..all });
}

/// sums += Im(conj(y) e).
///
/// y: `[nx]` elements; sums: `[nx][L]` reals.
pub fn phase_grad(plan: &LinePlan, line: &[f32], y: &[f32], sums: &mut [f32], nx: usize) {
    real(plan, sums, nx);
    let (other, to) = (complex(plan, y, nx), sums.as_mut_ptr());
    run!(plan, PhaseGrad<false>, Elements { other, to, ..elements(plan, line, nx) });
}

/// sums += Im(conj(y) e); e = t e, or conj(t) e.
pub fn phase_grad_modulate(
    plan: &LinePlan,
    line: &mut [f32],
    t: &[f32],
    y: &[f32],
    sums: &mut [f32],
    nx: usize,
    conj: bool,
) {
    real(plan, sums, nx);
    let (factor, other, to) = (complex(plan, t, nx), complex(plan, y, nx), sums.as_mut_ptr());
    let all = elements(plan, line, nx);
    let line = line.as_mut_ptr();
    run!(plan, PhaseGrad<true>, Elements { line, factor, other, to, conj, ..all });
}

/// sums += Re(conj(y) e).
pub fn amplitude_grad(plan: &LinePlan, line: &[f32], y: &[f32], sums: &mut [f32], nx: usize) {
    real(plan, sums, nx);
    let (other, to) = (complex(plan, y, nx), sums.as_mut_ptr());
    run!(plan, AmplitudeGrad, Elements { other, to, ..elements(plan, line, nx) });
}

/// out = |e|^2.
///
/// out: `[nx][L]` reals.
pub fn intensity(plan: &LinePlan, line: &[f32], out: &mut [f32], nx: usize) {
    real(plan, out, nx);
    let to = out.as_mut_ptr();
    run!(plan, Intensity, Elements { to, ..elements(plan, line, nx) });
}

/// sums += conj(x) g over two whole lines.
///
/// x, g: lines; sums: `[length]` elements.
pub(super) fn correlate(plan: &LinePlan, x: &[f32], g: &[f32], sums: &mut [f32]) {
    let nx = plan.length();
    complex(plan, sums, nx);
    let (other, to) = (elements(plan, x, nx).line.cast_const(), sums.as_mut_ptr());
    run!(plan, Correlate, Elements { other, to, ..elements(plan, g, nx) });
}
