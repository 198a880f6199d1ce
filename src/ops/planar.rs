//! Complex numbers in blocks of `width` real parts, then `width` imaginary parts; with width 1
//! they are pairs. Loops over them serve every layout.

use num_complex::Complex;

use crate::math::scalar::Scalar;

/// Real and imaginary parts, block by block.
#[inline(always)]
pub fn parts<T: Scalar>(z: &[Complex<T>], width: usize) -> impl Iterator<Item = (&[T], &[T])> {
    let reals: &[T] = bytemuck::cast_slice(z);
    reals.chunks_exact(2 * width).map(move |block| block.split_at(width))
}

#[inline(always)]
pub fn parts_mut<T: Scalar>(
    z: &mut [Complex<T>],
    width: usize,
) -> impl Iterator<Item = (&mut [T], &mut [T])> {
    let reals: &mut [T] = bytemuck::cast_slice_mut(z);
    reals.chunks_exact_mut(2 * width).map(move |block| block.split_at_mut(width))
}

/// y <- f(x, t), element by element.
#[inline(always)]
pub fn map2<T: Scalar>(
    y: &mut [Complex<T>],
    x: &[Complex<T>],
    t: &[Complex<T>],
    width: usize,
    f: impl Fn(Complex<T>, Complex<T>) -> Complex<T>,
) {
    let operands = parts(x, width).zip(parts(t, width));
    for ((yr, yi), ((xr, xi), (tr, ti))) in parts_mut(y, width).zip(operands) {
        for l in 0..width {
            let z = f(Complex::new(xr[l], xi[l]), Complex::new(tr[l], ti[l]));
            (yr[l], yi[l]) = (z.re, z.im);
        }
    }
}

/// y <- f(x, a) with real a.
#[inline(always)]
pub fn map_real<T: Scalar>(
    y: &mut [Complex<T>],
    x: &[Complex<T>],
    a: &[T],
    width: usize,
    f: impl Fn(Complex<T>, T) -> Complex<T>,
) {
    let operands = parts(x, width).zip(a.chunks_exact(width));
    for ((yr, yi), ((xr, xi), a)) in parts_mut(y, width).zip(operands) {
        for l in 0..width {
            let z = f(Complex::new(xr[l], xi[l]), a[l]);
            (yr[l], yi[l]) = (z.re, z.im);
        }
    }
}

/// y <- f(y, x, t), element by element, y real.
#[inline(always)]
pub fn fold2<T: Scalar>(
    y: &mut [T],
    x: &[Complex<T>],
    t: &[Complex<T>],
    width: usize,
    f: impl Fn(T, Complex<T>, Complex<T>) -> T,
) {
    let operands = parts(x, width).zip(parts(t, width));
    for (y, ((xr, xi), (tr, ti))) in y.chunks_exact_mut(width).zip(operands) {
        for l in 0..width {
            y[l] = f(y[l], Complex::new(xr[l], xi[l]), Complex::new(tr[l], ti[l]));
        }
    }
}

/// Element k.
pub fn get<T: Scalar>(reals: &[T], k: usize, width: usize) -> Complex<T> {
    let at = super::arrange::real_part(k, width);
    Complex::new(reals[at], reals[at + width])
}
