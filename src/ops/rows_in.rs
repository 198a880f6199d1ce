//! X = F_x P_x x: pad rows from nx to mx and transform them; rows that are zero are not there.
//!
//! x: `[ny, nx]`; X: hybrid `[ny, mx]`, rows in an order of the backend's own. Unnormalised; the
//! 1/M of a propagation is in its transfer function. Adjoint: [`RowsOut`].

use num_complex::Complex;

use super::case::{Case, build};
use super::hop::{Chain, Rows};
use super::kernel::{Cost, CpuCompile, CpuKernel, GpuKernel, Grid, Io, LinePass, Source, each};
use super::lane_kernels;
use super::lines::{BLOCK, Lines};
use super::rows_out::RowsOut;
use super::{Op, Primitive, expect};
use crate::error::{Error, Result};
use crate::math::scalar::Scalar;
use crate::program::adjoint::Adjoint;
use crate::program::{Kind, Layout, Node, Shape, Slot};

#[derive(Debug, Clone)]
pub struct RowsIn {
    /// `[y, x]`.
    pub field: [usize; 2],
    pub padded: [usize; 2],
}

/// 5 M log2 M, the usual count of a complex transform.
pub(super) fn fft_flops(lines: usize, length: usize) -> usize {
    (5.0 * (lines * length) as f64 * (length as f64).log2()) as usize
}

/// A generated pass over lines.
pub(super) fn line_pass(pass: LinePass, field: [usize; 2], padded: [usize; 2]) -> GpuKernel {
    GpuKernel {
        source: Source::Lines { pass, field, padded },
        entry: "main",
        len: field[0],
        words: Vec::new(),
        grid: Grid::Groups(0),
    }
}

/// Rows in by rustfft. A hybrid field is kept as [mx, ny]: a column is contiguous for the pass
/// that follows.
pub(super) struct Kernel<T: Scalar> {
    lines: Lines<T>,
    field: [usize; 2],
}

impl<T: Scalar> Kernel<T> {
    pub fn new(field: [usize; 2], padded: [usize; 2], compile: &mut CpuCompile<T>) -> Self {
        Self { lines: Lines::new(padded[1], compile), field }
    }

    pub fn scratch(&self) -> usize {
        self.lines.scratch(1)
    }

    /// Rows y.. of x into the block at the head of the scratch; how many there were.
    fn transform(&self, x: &[Complex<T>], y: usize, scratch: &mut [Complex<T>]) -> usize {
        let ([ny, nx], mx) = (self.field, self.lines.length);
        let count = BLOCK.min(ny - y);
        let (block, rest) = scratch.split_at_mut(BLOCK * mx);
        for (row, padded) in block.chunks_mut(mx).take(count).enumerate() {
            padded[..nx].copy_from_slice(&x[(y + row) * nx..][..nx]);
            padded[nx..].fill(Complex::new(T::zero(), T::zero()));
        }
        self.lines.forward(&mut block[..count * mx], rest);
        count
    }

    pub fn run(
        &self,
        x: &[Complex<T>],
        output: &mut [Complex<T>],
        scratch: &mut [Complex<T>],
        parallel: bool,
    ) {
        let (ny, mx) = (self.field[0], self.lines.length);
        if parallel {
            let mut rows = vec![Vec::new(); ny.div_ceil(BLOCK)];
            each(true, rows.iter_mut().enumerate(), |(b, own)| {
                own.resize(self.scratch(), Complex::new(T::zero(), T::zero()));
                self.transform(x, b * BLOCK, own);
            });
            each(true, output.chunks_mut(ny).enumerate(), |(kx, column)| {
                for (y, out) in column.iter_mut().enumerate() {
                    *out = rows[y / BLOCK][(y % BLOCK) * mx + kx];
                }
            });
            return;
        }
        for y in (0..ny).step_by(BLOCK) {
            let count = self.transform(x, y, scratch);
            for kx in 0..mx {
                let out = &mut output[kx * ny + y..][..count];
                for (row, out) in out.iter_mut().enumerate() {
                    *out = scratch[row * mx + kx];
                }
            }
        }
    }
}

impl Primitive for RowsIn {
    const NAME: &'static str = "rows_in";

    fn shape(&self, inputs: &[&Slot]) -> Result<Shape> {
        expect(Self::NAME, inputs, &[Kind::Complex])?;
        let [ny, nx] = self.field;
        if inputs[0].shape.len() != ny * nx {
            let what = format!("{} is {:?}, not {ny} x {nx}", inputs[0].name, inputs[0].shape.dims);
            return Err(Error::Shape { op: Self::NAME, what });
        }
        Ok(Shape::complex(&[ny, self.padded[1]]).layout(Layout::Hybrid))
    }

    fn adjoint(&self, walk: &mut Adjoint, node: &Node) -> Result<()> {
        let g = walk.incoming(node)?;
        let op = RowsOut { field: self.field, padded: self.padded };
        let back = walk.emit(Op::RowsOut(op), &[g])?;
        walk.contribute(node.inputs[0], back)
    }

    fn cpu<T: Scalar>(&self, _: &[&Slot], compile: &mut CpuCompile<T>) -> CpuKernel<T> {
        if let Some(plan) = compile.arrangement.plan(self.field, self.padded) {
            let chain = Chain { from_hybrid: false, links: Vec::new(), to_hybrid: true };
            let all = Rows::all(self.field[0]);
            return lane_kernels::rows(plan, self.field[1], &chain, &all, false);
        }
        let kernel = Kernel::new(self.field, self.padded, compile);
        let scratch = kernel.scratch();
        let run = move |io: &mut Io<'_, T>| {
            kernel.run(io.inputs[0].complex(), io.outputs[0].complex(), io.scratch, io.parallel);
        };
        CpuKernel::new(run).scratch(scratch)
    }

    fn gpu(&self, _: &[&Slot]) -> GpuKernel {
        line_pass(LinePass::RowsIn, self.field, self.padded)
    }

    fn cost(&self, _: &[&Slot]) -> Cost {
        let ([ny, nx], mx) = (self.field, self.padded[1]);
        Cost::new(fft_flops(ny, mx), 2 * ny * (nx + mx))
    }
}

pub fn cases() -> Vec<Case> {
    // A hybrid field is in an order of the backend's own, so it is compared behind its way back.
    [([5, 7], [12, 14]), ([33, 20], [70, 40]), ([1, 1], [1, 1]), ([16, 16], [16, 16])]
        .map(|(field, padded)| {
            build(format!("rows_in rows_out {field:?} in {padded:?}"), 16.0, |c| {
                let x = c.sample(Shape::complex(&field));
                let hybrid = c.b.emit(Op::RowsIn(RowsIn { field, padded }), &[x])?;
                let y = c.b.emit(Op::RowsOut(RowsOut { field, padded }), &[hybrid])?;
                c.compare(y);
                Ok(())
            })
        })
        .into()
}
