//! y = Σ_c x_c t_c: a matrix on vectors, given by its images t_c of the basis, `t [columns, rows]`.
//!
//! x `[columns]`, y `[rows]`, complex. Adjoint: g_x = conj(t) g, the same with t^H; of the matrix:
//! dL/dt_c = conj(x_c) g, summed over a leaf.

use num_complex::Complex;

use super::case::{Case, build};
use super::kernel::{Cost, CpuCompile, CpuKernel, GpuKernel, Io, Word};
use super::{Op, Primitive, expect};
use crate::error::{Error, Result};
use crate::math::lanes::Isa;
use crate::math::scalar::Scalar;
use crate::program::adjoint::Adjoint;
use crate::program::{Kind, Node, Shape, Slot};

#[derive(Debug, Clone)]
pub struct Apply;

/// sums += conj(x_c) g.
#[derive(Debug, Clone)]
pub struct Outer;

/// t^H `[rows, columns]`.
#[derive(Debug, Clone)]
pub struct MatrixAdjoint;

/// Columns and rows of `t`.
fn dims(t: &Slot) -> [usize; 2] {
    match t.shape.dims[..] {
        [columns, rows] => [columns, rows],
        _ => [0, 0],
    }
}

/// `out[i] = [out[i] +] Σ_k a(i, k) b[k]`, rows of `n`, or with conj(a).
struct Product<'a, T> {
    a: &'a [Complex<T>],
    /// From one i, and from one k, to the next in `a`.
    strides: [usize; 2],
    b: &'a [Complex<T>],
    terms: usize,
    n: usize,
    conj: bool,
    add: bool,
}

impl<T: Scalar> Product<'_, T> {
    fn write(&self, isa: Isa, out: &mut [Complex<T>]) {
        if T::LANES {
            let Self { a, strides, b, terms, n, conj, add } = *self;
            let (a, b) = (bytemuck::cast_slice(a), bytemuck::cast_slice(b));
            let p = Product::<f32> { a, strides, b, terms, n, conj, add };
            let out = bytemuck::cast_slice_mut(out);
            match isa {
                Isa::Portable => isa.run(
                    #[inline(always)]
                    || p.tiled::<false>(out),
                ),
                _ => isa.run(
                    #[inline(always)]
                    || p.tiled::<true>(out),
                ),
            }
            return;
        }
        for (i, row) in out.chunks_exact_mut(self.n).enumerate() {
            for (r, out) in row.iter_mut().enumerate() {
                let mut sum = Complex::new(T::zero(), T::zero());
                for k in 0..self.terms {
                    let a = self.a[i * self.strides[0] + k * self.strides[1]];
                    sum = sum + if self.conj { a.conj() } else { a } * self.b[k * self.n + r];
                }
                *out = if self.add { *out + sum } else { sum };
            }
        }
    }
}

/// Rows of `out` that share what is read of `b`.
const SHARE: usize = 4;

impl Product<'_, f32> {
    #[inline(always)]
    fn tiled<const FMA: bool>(&self, out: &mut [f32]) {
        let width = 2 * self.n;
        let rows = out.len() / width;
        let mut i = 0;
        while i < rows {
            if rows - i >= SHARE {
                self.rows::<SHARE, FMA>(i, out);
                i += SHARE;
            } else {
                self.rows::<1, FMA>(i, out);
                i += 1;
            }
        }
    }

    #[inline(always)]
    fn rows<const I: usize, const FMA: bool>(&self, i: usize, out: &mut [f32]) {
        let width = 2 * self.n;
        let mut at = 0;
        while at < width {
            at += match width - at {
                32.. => self.tile::<I, 32, FMA>(i, at, out),
                8.. => self.tile::<I, 8, FMA>(i, at, out),
                _ => self.tile::<I, 2, FMA>(i, at, out),
            };
        }
    }

    /// `W` reals from `at` on of `I` rows: products with the real parts of a, and those with the
    /// imaginary parts of neighbours exchanged, which is all that a product with i does but signs.
    #[inline(always)]
    fn tile<const I: usize, const W: usize, const FMA: bool>(
        &self,
        first: usize,
        at: usize,
        out: &mut [f32],
    ) -> usize {
        let (mut by_re, mut by_im) = ([[0f32; W]; I], [[0f32; W]; I]);
        let b: &[f32] = bytemuck::cast_slice(self.b);
        let width = 2 * self.n;
        let term = {
            #[inline(always)]
            |a: f32, b: f32, sum: f32| if FMA { a.mul_add(b, sum) } else { a * b + sum }
        };
        for k in 0..self.terms {
            let row: &[f32; W] = b[k * width + at..].first_chunk().unwrap_or(&[0.0; W]);
            let turned: [f32; W] = std::array::from_fn(
                #[inline(always)]
                |l| row[l ^ 1],
            );
            for i in 0..I {
                let a = self.a[(first + i) * self.strides[0] + k * self.strides[1]];
                for l in 0..W {
                    by_re[i][l] = term(a.re, row[l], by_re[i][l]);
                    by_im[i][l] = term(a.im, turned[l], by_im[i][l]);
                }
            }
        }
        for i in 0..I {
            let out = &mut out[(first + i) * width + at..][..W];
            for (l, out) in out.iter_mut().enumerate() {
                let plus = (l % 2 == 1) != self.conj;
                let sum = if plus { by_re[i][l] + by_im[i][l] } else { by_re[i][l] - by_im[i][l] };
                *out = if self.add { *out + sum } else { sum };
            }
        }
        W
    }
}

impl Primitive for Apply {
    const NAME: &'static str = "apply";
    const WIDE: bool = true;

    fn shape(&self, inputs: &[&Slot]) -> Result<Shape> {
        expect(Self::NAME, inputs, &[Kind::Complex, Kind::Complex])?;
        let [columns, rows] = dims(inputs[1]);
        if inputs[0].shape.len() != columns || columns == 0 {
            let what = format!("{:?} on {:?}", inputs[1].shape.dims, inputs[0].shape.dims);
            return Err(Error::Shape { op: Self::NAME, what });
        }
        Ok(Shape::complex(&[1, rows]))
    }

    fn adjoint(&self, walk: &mut Adjoint, node: &Node) -> Result<()> {
        let g = walk.incoming(node)?;
        let (x, t) = (node.inputs[0], node.inputs[1]);
        if walk.is_active(t) {
            walk.accumulate(t, Op::Outer(Outer), &[x, g])?;
        }
        if walk.is_active(x) {
            let back = walk.emit(Op::MatrixAdjoint(MatrixAdjoint), &[t])?;
            let gx = walk.emit(Op::Apply(Self), &[g, back])?;
            walk.contribute(x, gx)?;
        }
        Ok(())
    }

    fn cpu<T: Scalar>(&self, inputs: &[&Slot], compile: &mut CpuCompile<T>) -> CpuKernel<T> {
        let ([columns, rows], isa) = (dims(inputs[1]), compile.isa);
        CpuKernel::new(move |io: &mut Io<'_, T>| {
            let (a, b) = (io.inputs[0].complex(), io.inputs[1].complex());
            let strides = [columns, 1];
            let product =
                Product { a, strides, b, terms: columns, n: rows, conj: false, add: false };
            product.write(isa, io.outputs[0].complex());
        })
    }

    fn gpu(&self, inputs: &[&Slot]) -> GpuKernel {
        let [columns, rows] = dims(inputs[1]);
        kernel(Self::NAME, rows, columns, rows)
    }

    fn cost(&self, inputs: &[&Slot]) -> Cost {
        let [columns, rows] = dims(inputs[1]);
        Cost::new(8 * columns * rows, 2 * (columns + rows))
    }
}

fn kernel(entry: &'static str, len: usize, columns: usize, rows: usize) -> GpuKernel {
    GpuKernel::pointwise(Apply::NAME, len)
        .entry(entry)
        .word("columns", Word::U32(columns as u32))
        .word("rows", Word::U32(rows as u32))
}

impl Primitive for Outer {
    const NAME: &'static str = "outer";
    const WIDE: bool = true;

    fn shape(&self, inputs: &[&Slot]) -> Result<Shape> {
        expect(Self::NAME, inputs, &[Kind::Complex, Kind::Complex])?;
        Ok(Shape::complex(&[inputs[0].shape.len(), inputs[1].shape.len()]))
    }

    fn cpu<T: Scalar>(&self, inputs: &[&Slot], compile: &mut CpuCompile<T>) -> CpuKernel<T> {
        let [columns, rows] = [inputs[0].shape.len(), inputs[1].shape.len()];
        let isa = compile.isa;
        CpuKernel::new(move |io: &mut Io<'_, T>| {
            let (a, b) = (io.inputs[0].complex(), io.inputs[1].complex());
            let (strides, terms) = ([1, columns], io.count);
            let product = Product { a, strides, b, terms, n: rows, conj: true, add: true };
            product.write(isa, io.outputs[0].complex());
        })
    }

    fn gpu(&self, inputs: &[&Slot]) -> GpuKernel {
        let [columns, rows] = [inputs[0].shape.len(), inputs[1].shape.len()];
        kernel(Self::NAME, columns * rows, columns, rows)
    }

    fn cost(&self, inputs: &[&Slot]) -> Cost {
        let [columns, rows] = [inputs[0].shape.len(), inputs[1].shape.len()];
        Cost::new(8 * columns * rows, 2 * (columns + rows) + 4 * columns * rows)
    }
}

impl Primitive for MatrixAdjoint {
    const NAME: &'static str = "matrix_adjoint";

    fn shape(&self, inputs: &[&Slot]) -> Result<Shape> {
        expect(Self::NAME, inputs, &[Kind::Complex])?;
        let [columns, rows] = dims(inputs[0]);
        Ok(Shape::complex(&[rows, columns]))
    }

    fn adjoint(&self, walk: &mut Adjoint, node: &Node) -> Result<()> {
        let g = walk.incoming(node)?;
        let back = walk.emit(Op::MatrixAdjoint(Self), &[g])?;
        walk.contribute(node.inputs[0], back)
    }

    fn cpu<T: Scalar>(&self, inputs: &[&Slot], _: &mut CpuCompile<T>) -> CpuKernel<T> {
        let [columns, rows] = dims(inputs[0]);
        CpuKernel::new(move |io: &mut Io<'_, T>| {
            let (t, out) = (io.inputs[0].complex(), io.outputs[0].complex());
            for c in 0..columns {
                for r in 0..rows {
                    out[r * columns + c] = t[c * rows + r].conj();
                }
            }
        })
    }

    fn gpu(&self, inputs: &[&Slot]) -> GpuKernel {
        let [columns, rows] = dims(inputs[0]);
        kernel(Self::NAME, columns * rows, columns, rows)
    }

    fn cost(&self, inputs: &[&Slot]) -> Cost {
        Cost::new(0, 4 * inputs[0].shape.len())
    }
}

pub fn cases() -> Vec<Case> {
    let mut all = Vec::new();
    for [columns, rows] in [[1, 1], [3, 5], [7, 16], [40, 37]] {
        all.push(build(format!("apply {columns} to {rows}"), 4.0 * columns as f64, |c| {
            let x = c.sample(Shape::complex(&[columns]));
            let t = c.constant(Shape::complex(&[columns, rows]));
            let y = c.b.emit(Op::Apply(Apply), &[x, t])?;
            let back = c.b.emit(Op::MatrixAdjoint(MatrixAdjoint), &[t])?;
            let again = c.b.emit(Op::Apply(Apply), &[y, back])?;
            c.compare(y);
            c.compare(again);
            Ok(())
        }));
        all.push(build(format!("outer {columns} by {rows}"), 32.0, |c| {
            let x = c.sample(Shape::complex(&[columns]));
            let g = c.sample(Shape::complex(&[rows]));
            let sum = c.b.leaf("sum".into(), Shape::complex(&[columns, rows]));
            c.b.emit_into(Op::Outer(Outer), &[x, g], &[sum])?;
            c.compare_leaf(sum)
        }));
    }
    all
}
