//! Complex lanes, and the numbers that small transforms are written in: plain ones, and ones of
//! which the compiler knows that they are zero.

#![allow(unsafe_code, reason = "loads and stores of lanes; each contract is stated")]

use super::vector::Vector;

#[derive(Clone, Copy)]
pub struct Complex<V> {
    pub re: V,
    pub im: V,
}

impl<V: Vector> Complex<V> {
    /// Floats that an element takes.
    pub const SIZE: usize = 2 * V::LANES;

    /// The element at `p`, re and im exchanged if `SWAP`.
    ///
    /// # Safety
    /// `p` is good for an element and aligned as [`Vector::load`] wants it.
    #[inline(always)]
    pub unsafe fn load<const SWAP: bool>(p: *const f32) -> Self {
        // SAFETY: the caller's.
        let (a, b) = unsafe { (V::load(p), V::load(p.add(V::LANES))) };
        if SWAP { Self { re: b, im: a } } else { Self { re: a, im: b } }
    }

    /// # Safety
    /// As [`Self::load`].
    #[inline(always)]
    pub unsafe fn store<const SWAP: bool>(self, p: *mut f32) {
        let (a, b) = if SWAP { (self.im, self.re) } else { (self.re, self.im) };
        // SAFETY: the caller's.
        unsafe {
            a.store(p);
            b.store(p.add(V::LANES));
        }
    }

    #[inline(always)]
    pub fn swap(self) -> Self {
        Self { re: self.im, im: self.re }
    }

    #[inline(always)]
    pub fn neg(self) -> Self {
        Self { re: self.re.neg(), im: self.im.neg() }
    }

    /// `self * w`.
    #[inline(always)]
    pub fn times(self, w: Self) -> Self {
        Self {
            re: self.im.mul_sub_from(w.im, self.re.mul(w.re)),
            im: self.im.mul_add(w.re, self.re.mul(w.im)),
        }
    }

    /// `conj(self) * w`.
    #[inline(always)]
    pub fn conj_times(self, w: Self) -> Self {
        Self {
            re: self.im.mul_add(w.im, self.re.mul(w.re)),
            im: self.im.mul_sub_from(w.re, self.re.mul(w.im)),
        }
    }

    /// |self|².
    #[inline(always)]
    pub fn power(self) -> V {
        self.im.mul_add(self.im, self.re.mul(self.re))
    }

    /// `self * w` for one number `w` in all lanes.
    #[inline(always)]
    pub fn turned(self, (re, im): (f32, f32)) -> Self {
        self.times(Self { re: self.re.splat(re), im: self.re.splat(im) })
    }

    /// `self * exp(-2 pi i n / r)`, the angle known when compiled.
    #[inline(always)]
    pub fn turned_by(self, n: usize, r: usize) -> Self {
        const HALF_ROOT: f32 = std::f32::consts::FRAC_1_SQRT_2;
        let (a, b) = (self.re, self.im);
        match 8 * n {
            0 => self,
            e if e == r => {
                let s = a.splat(HALF_ROOT);
                Self { re: a.add(b).mul(s), im: b.sub(a).mul(s) }
            }
            e if e == 2 * r => Self { re: b, im: a.neg() },
            e if e == 3 * r => {
                let s = a.splat(HALF_ROOT);
                Self { re: b.sub(a).mul(s), im: a.add(b).mul(s.neg()) }
            }
            _ => self.turned(super::roots::root(n, r)),
        }
    }
}

/// What the small transforms of [`super::small`] compute with.
pub trait Value<V: Vector>: Copy {
    fn add(self, o: Self) -> Self;
    fn sub(self, o: Self) -> Self;
    /// `s self`.
    fn scaled(self, s: f32) -> Self;
    /// `self + s o`.
    fn add_scaled(self, s: f32, o: Self) -> Self;
    /// `self - i s o`; s = 1 costs no multiplication.
    fn sub_i(self, s: f32, o: Self) -> Self;
    fn value(self) -> Complex<V>;
}

impl<V: Vector> Value<V> for Complex<V> {
    #[inline(always)]
    fn add(self, o: Self) -> Self {
        Self { re: self.re.add(o.re), im: self.im.add(o.im) }
    }
    #[inline(always)]
    fn sub(self, o: Self) -> Self {
        Self { re: self.re.sub(o.re), im: self.im.sub(o.im) }
    }
    #[inline(always)]
    fn scaled(self, s: f32) -> Self {
        let s = self.re.splat(s);
        Self { re: self.re.mul(s), im: self.im.mul(s) }
    }
    #[inline(always)]
    fn add_scaled(self, s: f32, o: Self) -> Self {
        let s = o.re.splat(s);
        Self { re: o.re.mul_add(s, self.re), im: o.im.mul_add(s, self.im) }
    }
    #[inline(always)]
    fn sub_i(self, s: f32, o: Self) -> Self {
        if s == 1.0 {
            return Self { re: self.re.add(o.im), im: self.im.sub(o.re) };
        }
        if s == -1.0 {
            return Self { re: self.re.sub(o.im), im: self.im.add(o.re) };
        }
        let s = o.re.splat(s);
        Self { re: o.im.mul_add(s, self.re), im: o.re.mul_sub_from(s, self.im) }
    }
    #[inline(always)]
    fn value(self) -> Complex<V> {
        self
    }
}

/// A term of a sum in a transform whose last inputs are zero. After inlining only the arithmetic
/// of the variants that occur is left: zeros cost nothing, and a sign waits for an operation that
/// takes it in.
#[derive(Clone, Copy)]
pub enum Term<V> {
    Zero,
    Plus(Complex<V>),
    Minus(Complex<V>),
}

impl<V: Vector> Value<V> for Term<V> {
    #[inline(always)]
    fn add(self, o: Self) -> Self {
        use Term::{Minus, Plus, Zero};
        match (self, o) {
            (a, Zero) => a,
            (Zero, b) => b,
            (Plus(a), Plus(b)) => Plus(a.add(b)),
            (Plus(a), Minus(b)) => Plus(a.sub(b)),
            (Minus(a), Plus(b)) => Plus(b.sub(a)),
            (Minus(a), Minus(b)) => Minus(a.add(b)),
        }
    }
    #[inline(always)]
    fn sub(self, o: Self) -> Self {
        self.add(o.negated())
    }
    #[inline(always)]
    fn scaled(self, s: f32) -> Self {
        match self {
            Self::Zero => Self::Zero,
            Self::Plus(a) => Self::Plus(a.scaled(s)),
            Self::Minus(a) => Self::Minus(a.scaled(s)),
        }
    }
    #[inline(always)]
    fn add_scaled(self, s: f32, o: Self) -> Self {
        use Term::{Minus, Plus, Zero};
        match (self, o) {
            (a, Zero) => a,
            (Zero, Plus(b)) => Plus(b.scaled(s)),
            (Zero, Minus(b)) => Plus(b.scaled(-s)),
            (Plus(a), Plus(b)) => Plus(a.add_scaled(s, b)),
            (Plus(a), Minus(b)) => Plus(a.add_scaled(-s, b)),
            (Minus(a), Plus(b)) => Minus(a.add_scaled(-s, b)),
            (Minus(a), Minus(b)) => Minus(a.add_scaled(s, b)),
        }
    }
    #[inline(always)]
    fn sub_i(self, s: f32, o: Self) -> Self {
        use Term::{Minus, Plus, Zero};
        match (self, o) {
            (a, Zero) => a,
            (Zero, Plus(b)) => Plus(b.over_i(s)),
            (Zero, Minus(b)) => Plus(b.over_i(-s)),
            (Plus(a), Plus(b)) => Plus(a.sub_i(s, b)),
            (Plus(a), Minus(b)) => Plus(a.sub_i(-s, b)),
            (Minus(a), Plus(b)) => Minus(a.sub_i(-s, b)),
            (Minus(a), Minus(b)) => Minus(a.sub_i(s, b)),
        }
    }
    #[inline(always)]
    fn value(self) -> Complex<V> {
        match self {
            Self::Plus(a) => a,
            Self::Minus(a) => a.neg(),
            Self::Zero => unreachable!("a sum without a live term"),
        }
    }
}

impl<V: Vector> Term<V> {
    #[inline(always)]
    fn negated(self) -> Self {
        match self {
            Self::Zero => Self::Zero,
            Self::Plus(a) => Self::Minus(a),
            Self::Minus(a) => Self::Plus(a),
        }
    }
}

impl<V: Vector> Complex<V> {
    /// `-i s self`.
    #[inline(always)]
    fn over_i(self, s: f32) -> Self {
        if s == 1.0 {
            return Self { re: self.im, im: self.re.neg() };
        }
        if s == -1.0 {
            return Self { re: self.im.neg(), im: self.re };
        }
        Self { re: self.im.mul(self.re.splat(s)), im: self.re.mul(self.re.splat(-s)) }
    }
}
