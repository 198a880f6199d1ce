//! x = C_x F_x^H X: inverse transform of rows and crop from mx to nx. Unnormalised.
//!
//! X: hybrid `[ny, mx]`; x: `[ny, nx]`. Adjoint: [`RowsIn`]. Its cases are `rows_in`'s.

use num_complex::Complex;

use super::hop::{Chain, Link, Rows, Saved};
use super::kernel::{Cost, CpuCompile, CpuKernel, GpuKernel, Io, LinePass};
use super::lane_kernels;
use super::lines::{self, BLOCK, Lines};
use super::rows_in::{RowsIn, fft_flops, line_pass};
use super::{Op, Primitive, expect};
use crate::error::Result;
use crate::math::scalar::Scalar;
use crate::program::adjoint::Adjoint;
use crate::program::{Kind, Node, Shape, Slot};

#[derive(Debug, Clone)]
pub struct RowsOut {
    /// `[y, x]`.
    pub field: [usize; 2],
    pub padded: [usize; 2],
}

/// Rows out by rustfft, of a hybrid field kept as [mx, ny].
pub(super) struct Kernel<T: Scalar> {
    rows: Lines<T>,
    field: [usize; 2],
}

impl<T: Scalar> Kernel<T> {
    pub fn new(field: [usize; 2], padded: [usize; 2], compile: &mut CpuCompile<T>) -> Self {
        Self { rows: Lines::new(padded[1], compile), field }
    }

    pub fn scratch(&self) -> usize {
        self.rows.scratch(1)
    }

    pub fn run(
        &self,
        hybrid: &[Complex<T>],
        output: &mut [Complex<T>],
        scratch: &mut [Complex<T>],
        parallel: bool,
    ) {
        let ([ny, nx], mx) = (self.field, self.rows.length);
        let fresh = parallel.then(|| self.scratch());
        lines::blocks(output, BLOCK * nx, scratch, fresh, |b, out, scratch: &mut [Complex<T>]| {
            let (y, count) = (b * BLOCK, out.len() / nx);
            let (block, rest) = scratch.split_at_mut(BLOCK * mx);
            for kx in 0..mx {
                let column = &hybrid[kx * ny + y..][..count];
                for (row, &value) in column.iter().enumerate() {
                    block[row * mx + kx] = value;
                }
            }
            self.rows.inverse(&mut block[..count * mx], rest);
            for (out, row) in out.chunks_mut(nx).zip(block.chunks(mx)) {
                out.copy_from_slice(&row[..nx]);
            }
        });
    }
}

impl Primitive for RowsOut {
    const NAME: &'static str = "rows_out";

    fn shape(&self, inputs: &[&Slot]) -> Result<Shape> {
        expect(Self::NAME, inputs, &[Kind::Complex])?;
        Ok(Shape::complex(&self.field))
    }

    fn adjoint(&self, walk: &mut Adjoint, node: &Node) -> Result<()> {
        let g = walk.incoming(node)?;
        let op = RowsIn { field: self.field, padded: self.padded };
        let back = walk.emit(Op::RowsIn(op), &[g])?;
        walk.contribute(node.inputs[0], back)
    }

    fn cpu<T: Scalar>(&self, _: &[&Slot], compile: &mut CpuCompile<T>) -> CpuKernel<T> {
        if let Some(plan) = compile.arrangement.plan(self.field, self.padded) {
            let chain = Chain {
                from_hybrid: true,
                links: vec![Link::Store(Saved::Whole)],
                to_hybrid: false,
            };
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
        line_pass(LinePass::RowsOut, self.field, self.padded)
    }

    fn cost(&self, _: &[&Slot]) -> Cost {
        let ([ny, nx], mx) = (self.field, self.padded[1]);
        Cost::new(fft_flops(ny, mx), 2 * ny * (nx + mx))
    }
}
