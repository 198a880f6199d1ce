//! g_H += conj(F_y P_y X) (F_y P_y G), summed over the samples of a leaf, for
//! Y = C F^H H F P X and G the gradient of Y.
//!
//! X, G: hybrid `[ny, mx]`; g_H: spectrum `[my, mx]`, one per leaf.

use num_complex::Complex;

use super::case::{Case, build};
use super::kernel::{Cost, CpuCompile, CpuKernel, GpuKernel, LinePass};
use super::lane_kernels;
use super::lines::{BLOCK, Lines};
use super::rows_in::{RowsIn, fft_flops, line_pass};
use super::{Op, Primitive, expect};
use crate::error::Result;
use crate::math::scalar::Scalar;
use crate::program::{Kind, Layout, Shape, Slot};

#[derive(Debug, Clone)]
pub struct ColumnsGrad {
    /// `[y, x]`.
    pub field: [usize; 2],
    pub padded: [usize; 2],
}

impl Primitive for ColumnsGrad {
    const NAME: &'static str = "columns_grad";

    fn shape(&self, inputs: &[&Slot]) -> Result<Shape> {
        expect(Self::NAME, inputs, &[Kind::Complex, Kind::Complex])?;
        Ok(Shape::complex(&self.padded).layout(Layout::Spectrum))
    }

    fn cpu<T: Scalar>(&self, _: &[&Slot], compile: &mut CpuCompile<T>) -> CpuKernel<T> {
        let (ny, [my, mx]) = (self.field[0], self.padded);
        if let Some(plan) = compile.arrangement.plan(self.field, self.padded) {
            return lane_kernels::columns_grad(plan, my);
        }
        let columns = Lines::new(my, compile);
        let scratch = columns.scratch(2);
        let run = move |io: &mut super::kernel::Io<'_, T>| {
            let (x, g) = (io.inputs[0].complex(), io.inputs[1].complex());
            let sum = io.outputs[0].complex();
            let (blocks, rest) = io.scratch.split_at_mut(2 * BLOCK * my);
            for kx in (0..mx).step_by(BLOCK) {
                let count = BLOCK.min(mx - kx);
                let (fx, fg) = blocks.split_at_mut(BLOCK * my);
                for (source, block) in [(x, &mut *fx), (g, &mut *fg)] {
                    for (c, column) in block.chunks_mut(my).take(count).enumerate() {
                        column[..ny].copy_from_slice(&source[(kx + c) * ny..][..ny]);
                        column[ny..].fill(Complex::new(T::zero(), T::zero()));
                    }
                    columns.forward(&mut block[..count * my], rest);
                }
                let terms = fx.iter().zip(fg.iter()).take(count * my);
                for (sum, (x, g)) in sum[kx * my..].iter_mut().zip(terms) {
                    *sum = *sum + x.conj() * g;
                }
            }
        };
        CpuKernel::new(run).scratch(scratch)
    }

    fn gpu(&self, _: &[&Slot]) -> GpuKernel {
        line_pass(LinePass::ColumnsGrad, self.field, self.padded)
    }

    fn cost(&self, _: &[&Slot]) -> Cost {
        let (ny, [my, mx]) = (self.field[0], self.padded);
        Cost::new(2 * fft_flops(mx, my) + 8 * my * mx, 4 * ny * mx + 4 * my * mx)
    }
}

pub fn cases() -> Vec<Case> {
    vec![build("columns_grad", 64.0, |c| {
        let (field, padded) = ([5, 7], [12, 14]);
        let (x, g) = (c.sample(Shape::complex(&field)), c.sample(Shape::complex(&field)));
        let rows_x = c.b.emit(Op::RowsIn(RowsIn { field, padded }), &[x])?;
        let rows_g = c.b.emit(Op::RowsIn(RowsIn { field, padded }), &[g])?;
        let spectrum = Shape::complex(&padded).layout(Layout::Spectrum);
        let sum = c.b.leaf("sum".into(), spectrum);
        let op = Op::ColumnsGrad(ColumnsGrad { field, padded });
        c.b.emit_into(op, &[rows_x, rows_g], &[sum])?;
        c.compare_leaf(sum)
    })]
}
