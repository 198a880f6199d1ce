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
pub(super) struct Elements {
    line: *mut f32,
    /// t, or a.
    factor: *const f32,
    /// y, or x.
    other: *const f32,
    to: *mut f32,
    conj: bool,
    count: usize,
    run: usize,
    gap: usize,
}

/// What happens to element `n`.
pub(super) trait Point {
    /// Whether the field is another one afterwards.
    const CHANGES: bool;

    /// # Safety
    /// As [`Elements`] states; `n < count`.
    unsafe fn at<V: Vector>(a: &Elements, field: Complex<V>, n: usize) -> Complex<V>;
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
                unsafe {
                    let e = line.add((n - start) * Complex::<V>::SIZE);
                    let new = P::at::<V>(a, element(e, 0), n);
                    if P::CHANGES {
                        new.store::<false>(e);
                    }
                }
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

pub(super) struct Modulate<const KEEP: bool>;

impl<const KEEP: bool> Point for Modulate<KEEP> {
    const CHANGES: bool = true;

    #[inline(always)]
    unsafe fn at<V: Vector>(a: &Elements, field: Complex<V>, n: usize) -> Complex<V> {
        // SAFETY: `Elements`.
        unsafe {
            let new = product(field, element(a.factor, n), a.conj);
            if KEEP {
                new.store::<false>(a.to.add(n * Complex::<V>::SIZE));
            }
            new
        }
    }
}

struct Attenuate;

impl Point for Attenuate {
    const CHANGES: bool = true;

    #[inline(always)]
    unsafe fn at<V: Vector>(a: &Elements, field: Complex<V>, n: usize) -> Complex<V> {
        // SAFETY: `Elements`.
        let factor = unsafe { V::load(a.factor.add(n * V::LANES)) };
        Complex { re: field.re.mul(factor), im: field.im.mul(factor) }
    }
}

pub(super) struct PhaseGrad<const MODULATE: bool>;

impl<const MODULATE: bool> Point for PhaseGrad<MODULATE> {
    const CHANGES: bool = MODULATE;

    #[inline(always)]
    unsafe fn at<V: Vector>(a: &Elements, field: Complex<V>, n: usize) -> Complex<V> {
        // SAFETY: `Elements`.
        unsafe {
            let y = element::<V>(a.other, n);
            let sum = a.to.add(n * V::LANES);
            let ahead = field.im.mul_add(y.re, V::load(sum));
            field.re.mul_sub_from(y.im, ahead).store(sum);
            if MODULATE { product(field, element(a.factor, n), a.conj) } else { field }
        }
    }
}

struct AmplitudeGrad;

impl Point for AmplitudeGrad {
    const CHANGES: bool = false;

    #[inline(always)]
    unsafe fn at<V: Vector>(a: &Elements, field: Complex<V>, n: usize) -> Complex<V> {
        // SAFETY: `Elements`.
        unsafe {
            let y = element::<V>(a.other, n);
            let sum = a.to.add(n * V::LANES);
            let part = field.re.mul_add(y.re, V::load(sum));
            field.im.mul_add(y.im, part).store(sum);
        }
        field
    }
}

struct Intensity;

impl Point for Intensity {
    const CHANGES: bool = false;

    #[inline(always)]
    unsafe fn at<V: Vector>(a: &Elements, field: Complex<V>, n: usize) -> Complex<V> {
        // SAFETY: `Elements`.
        unsafe { field.power().store(a.to.add(n * V::LANES)) }
        field
    }
}

/// to[n] += conj(other[n]) e[n], complex; `other` is a line with the same gaps.
struct Correlate;

impl Point for Correlate {
    const CHANGES: bool = false;

    #[inline(always)]
    unsafe fn at<V: Vector>(a: &Elements, field: Complex<V>, n: usize) -> Complex<V> {
        // SAFETY: `Elements`.
        unsafe {
            let other = element::<V>(a.other, n + n / a.run * a.gap);
            let sum = a.to.add(n * Complex::<V>::SIZE);
            let old = element::<V>(sum, 0);
            let re = other.re.mul_add(field.re, old.re);
            let im = other.re.mul_add(field.im, old.im);
            Complex { re: other.im.mul_add(field.im, re), im: other.im.mul_sub_from(field.re, im) }
                .store::<false>(sum);
        }
        field
    }
}

/// What is done to the first nx samples of a line.
///
/// t, y, keep: `[nx]` elements; a, sums, out: `[nx][L]` reals.
pub enum Trip<'a> {
    /// e = t e, or conj(t) e; keep = e.
    Modulate { t: &'a [f32], keep: Option<&'a mut [f32]>, conj: bool },
    /// e = a e.
    Attenuate { a: &'a [f32] },
    /// sums += Im(conj(y) e); then, with a t, e = t e, or conj(t) e.
    PhaseGrad { y: &'a [f32], sums: &'a mut [f32], t: Option<&'a [f32]>, conj: bool },
    /// sums += Re(conj(y) e).
    AmplitudeGrad { y: &'a [f32], sums: &'a mut [f32] },
    /// out = |e|².
    Intensity { out: &'a mut [f32] },
}

/// A trip that [`LinePlan::meet`] takes along; the kernels of a radix are in this order.
#[derive(Clone, Copy)]
pub(super) enum Carried {
    Modulate,
    ModulateKeep,
    PhaseGradModulate,
}

impl Trip<'_> {
    pub(super) fn carried(&self) -> Option<Carried> {
        match self {
            Self::Modulate { keep: None, .. } => Some(Carried::Modulate),
            Self::Modulate { keep: Some(_), .. } => Some(Carried::ModulateKeep),
            Self::PhaseGrad { t: Some(_), .. } => Some(Carried::PhaseGradModulate),
            _ => None,
        }
    }

    /// Whether [`super::PlanePlan::meet`] takes it.
    pub fn meets(&self) -> bool {
        self.carried().is_some()
    }

    /// Its operands, with their lengths checked, and the line.
    pub(super) fn elements(self, plan: &LinePlan, line: &mut [f32], nx: usize) -> Elements {
        let all = elements(plan, line, nx);
        let complex = |slice: &[f32]| complex(plan, slice, nx);
        let real = |slice: &[f32]| real(plan, slice, nx);
        let line = line.as_mut_ptr();
        match self {
            Self::Modulate { t, keep, conj } => {
                let to = keep.map_or(NONE.cast_mut(), |keep| {
                    complex(keep);
                    keep.as_mut_ptr()
                });
                Elements { line, factor: complex(t), to, conj, ..all }
            }
            Self::Attenuate { a } => Elements { line, factor: real(a), ..all },
            Self::PhaseGrad { y, sums, t, conj } => {
                real(sums);
                let (factor, to) = (t.map_or(NONE, complex), sums.as_mut_ptr());
                Elements { line, factor, other: complex(y), to, conj, ..all }
            }
            Self::AmplitudeGrad { y, sums } => {
                real(sums);
                Elements { line, other: complex(y), to: sums.as_mut_ptr(), ..all }
            }
            Self::Intensity { out } => {
                real(out);
                Elements { line, to: out.as_mut_ptr(), ..all }
            }
        }
    }

    /// Goes over a line, which has gaps.
    pub fn run(self, plan: &LinePlan, line: &mut [f32], nx: usize) {
        let isa = plan.isa();
        let pass = match &self {
            Self::Modulate { keep: None, .. } => isa.entry::<Each<Modulate<false>>>(),
            Self::Modulate { keep: Some(_), .. } => isa.entry::<Each<Modulate<true>>>(),
            Self::Attenuate { .. } => isa.entry::<Each<Attenuate>>(),
            Self::PhaseGrad { t: None, .. } => isa.entry::<Each<PhaseGrad<false>>>(),
            Self::PhaseGrad { t: Some(_), .. } => isa.entry::<Each<PhaseGrad<true>>>(),
            Self::AmplitudeGrad { .. } => isa.entry::<Each<AmplitudeGrad>>(),
            Self::Intensity { .. } => isa.entry::<Each<Intensity>>(),
        };
        // SAFETY: `elements` gave all pointers that the pass of this trip uses.
        unsafe { pass(&self.elements(plan, line, nx)) }
    }
}

const NONE: *const f32 = std::ptr::null();

fn elements(plan: &LinePlan, line: &[f32], nx: usize) -> Elements {
    assert!(line.len() >= plan.extent(nx) * plan.element(), "the line is too short");
    assert!(is_aligned(line, plan.isa().lanes()));
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
    assert!(is_aligned(slice, plan.isa().lanes()));
    slice.as_ptr()
}

fn real(plan: &LinePlan, slice: &[f32], nx: usize) -> *const f32 {
    assert!(slice.len() >= nx * plan.isa().lanes(), "{nx} real vectors");
    assert!(is_aligned(slice, plan.isa().lanes()));
    slice.as_ptr()
}

/// sums += conj(x) g over two whole lines of a plan. Where re and im are exchanged so are x and g.
///
/// x, g: lines; sums: `[length]` elements.
pub(super) fn correlate(plan: &LinePlan, x: &[f32], g: &[f32], sums: &mut [f32]) {
    complex(plan, sums, plan.length());
    let lows = plan.lows();
    let highs = plan.length() - lows;
    let parts = [(0, lows, x, g), (lows, highs, g, x)];
    for (start, count, other, field) in parts.into_iter().filter(|(_, count, ..)| *count > 0) {
        let at = plan.place(start) * plan.element();
        let (other, to) =
            (elements(plan, &other[at..], count).line.cast_const(), sums.as_mut_ptr());
        let field = elements(plan, &field[at..], count);
        // SAFETY: the checks gave all pointers.
        unsafe {
            let to = to.add(start * plan.element());
            plan.isa().entry::<Each<Correlate>>()(&Elements { other, to, ..field });
        }
    }
}
