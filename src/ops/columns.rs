//! Y = C_y F_y^H H F_y P_y X: along y pad, transform, multiply by the transfer function,
//! transform back, crop. Unnormalised; H holds the 1 / (My Mx). Adjoint: conj(H), and
//! [`ColumnsGrad`] where H is trained.
//!
//! X, Y: hybrid `[ny, mx]`; H: spectrum `[my, mx]`.

use num_complex::Complex;

use super::case::{self, Case, build};
use super::columns_grad::ColumnsGrad;
use super::kernel::{Cost, CpuCompile, CpuKernel, GpuKernel, LinePass};
use super::lane_kernels;
use super::lines::{self, BLOCK, Lines};
use super::rows_in::{RowsIn, fft_flops, line_pass};
use super::rows_out::RowsOut;
use super::{Op, Primitive, expect};
use crate::error::{Error, Result};
use crate::math::scalar::Scalar;
use crate::program::adjoint::Adjoint;
use crate::program::{Data, Kind, Layout, Node, Role, Shape, Slot};

#[derive(Debug, Clone)]
pub struct Columns {
    /// `[y, x]`.
    pub field: [usize; 2],
    pub padded: [usize; 2],
    /// Multiply by conj(H): the adjoint, and the propagation over -z.
    pub conj: bool,
}

impl Primitive for Columns {
    const NAME: &'static str = "columns";

    fn shape(&self, inputs: &[&Slot]) -> Result<Shape> {
        expect(Self::NAME, inputs, &[Kind::Complex, Kind::Complex])?;
        let layouts = [inputs[0].shape.layout, inputs[1].shape.layout];
        if layouts != [Layout::Hybrid, Layout::Spectrum] {
            let what = format!("takes a hybrid field and a spectrum, was given {layouts:?}");
            return Err(Error::Shape { op: Self::NAME, what });
        }
        if inputs[1].shape.dims != self.padded {
            let (given, wanted) = (&inputs[1].shape.dims, self.padded);
            let what = format!("H is {given:?}, the window {wanted:?}");
            return Err(Error::Shape { op: Self::NAME, what });
        }
        Ok(inputs[0].shape.clone())
    }

    fn adjoint(&self, walk: &mut Adjoint, node: &Node) -> Result<()> {
        let g = walk.incoming(node)?;
        let (x, h) = (node.inputs[0], node.inputs[1]);
        if walk.is_active(h) {
            let op = ColumnsGrad { field: self.field, padded: self.padded };
            walk.accumulate(h, Op::ColumnsGrad(op), &[x, g])?;
        }
        if walk.is_active(x) {
            let op = Self { conj: !self.conj, ..self.clone() };
            let back = walk.emit(Op::Columns(op), &[g, h])?;
            walk.contribute(x, back)?;
        }
        Ok(())
    }

    // H is kept as [mx, my] on the CPU, so that a column of it is contiguous.
    fn cpu<T: Scalar>(&self, inputs: &[&Slot], compile: &mut CpuCompile<T>) -> CpuKernel<T> {
        let (ny, [my, mx], conj) = (self.field[0], self.padded, self.conj);
        let formula = match &inputs[1].role {
            Role::Formula(formula) => Some(formula.clone()),
            _ => None,
        };
        if let Some(plan) = compile.arrangement.plan(self.field, self.padded) {
            if let Some(h) = formula {
                return lane_kernels::columns_by_formula(plan, mx, conj, h);
            }
            let even = compile.arrangement.even(self.field, self.padded);
            return lane_kernels::columns(plan, conj, even);
        }
        let columns = Lines::new(my, compile);
        let scratch = columns.scratch(1);
        let run = move |io: &mut super::kernel::Io<'_, T>| {
            let x = io.inputs[0].complex();
            let h = if formula.is_none() { io.inputs[1].complex() } else { &[] };
            let fresh = io.parallel.then_some(scratch);
            let output = io.outputs[0].complex();
            lines::blocks(
                output,
                BLOCK * ny,
                io.scratch,
                fresh,
                |b, out, scratch: &mut [Complex<T>]| {
                    let (kx, count) = (b * BLOCK, out.len() / ny);
                    let (block, rest) = scratch.split_at_mut(BLOCK * my);
                    let block = &mut block[..count * my];
                    for (c, column) in block.chunks_mut(my).enumerate() {
                        column[..ny].copy_from_slice(&x[(kx + c) * ny..][..ny]);
                        column[ny..].fill(Complex::new(T::zero(), T::zero()));
                    }
                    columns.forward(block, rest);
                    for (k, v) in block.iter_mut().enumerate() {
                        let h = match &formula {
                            None => h[kx * my + k],
                            Some(h) => T::complex_of(h.at((k % my) * mx + kx + k / my)),
                        };
                        *v = *v * if conj { h.conj() } else { h };
                    }
                    columns.inverse(block, rest);
                    for (out, column) in out.chunks_mut(ny).zip(block.chunks(my)) {
                        out.copy_from_slice(&column[..ny]);
                    }
                },
            );
        };
        CpuKernel::new(run).scratch(scratch)
    }

    fn gpu(&self, _: &[&Slot]) -> GpuKernel {
        line_pass(LinePass::Columns { conj: self.conj }, self.field, self.padded)
    }

    fn cost(&self, _: &[&Slot]) -> Cost {
        let (ny, [my, mx]) = (self.field[0], self.padded);
        Cost::new(2 * fft_flops(mx, my) + 6 * my * mx, 4 * ny * mx)
    }
}

pub fn cases() -> Vec<Case> {
    let mut all = Vec::new();
    let windows =
        [([5, 7], [12, 14]), ([33, 20], [70, 40]), ([1, 1], [1, 1]), ([16, 24], [32, 48])];
    for (field, padded) in windows {
        for conj in [false, true] {
            all.push(build(format!("propagate {field:?} in {padded:?} conj={conj}"), 32.0, |c| {
                let x = c.sample(Shape::complex(&field));
                let h = c.constant(Shape::complex(&padded).layout(Layout::Spectrum));
                let rows = c.b.emit(Op::RowsIn(RowsIn { field, padded }), &[x])?;
                let columns = c.b.emit(Op::Columns(Columns { field, padded, conj }), &[rows, h])?;
                let y = c.b.emit(Op::RowsOut(RowsOut { field, padded }), &[columns])?;
                c.compare(y);
                Ok(())
            }));
        }
    }
    // Transfer functions of which a backend may keep the half, along y or x, and one that is even but
    // for one number.
    for even in [[true, true], [true, false], [false, true], [false, false]] {
        all.push(build(format!("propagate, even along y, x: {even:?}"), 32.0, |c| {
            let (field, [my, mx]) = ([18, 33], [40, 70]);
            let x = c.sample(Shape::complex(&field));
            let shape = Shape::complex(&[my, mx]).layout(Layout::Spectrum);
            let all = case::complexes(1, my * mx);
            let fold = |k: usize, m: usize, even: bool| if even { k.min(m - k) } else { k };
            let spoilt = even == [false, false];
            let [along_y, along_x] = if spoilt { [true, true] } else { even };
            let at = |n: usize| all[fold(n / mx, my, along_y) * mx + fold(n % mx, mx, along_x)];
            let mut h: Vec<_> = (0..my * mx).map(at).collect();
            if spoilt {
                h[mx + 1] = -h[mx + 1];
            }
            let h = c.b.constant("h", shape, || Data::Complex(h));
            let padded = [my, mx];
            let rows = c.b.emit(Op::RowsIn(RowsIn { field, padded }), &[x])?;
            let columns = Columns { field, padded, conj: false };
            let columns = c.b.emit(Op::Columns(columns), &[rows, h])?;
            let y = c.b.emit(Op::RowsOut(RowsOut { field, padded }), &[columns])?;
            c.compare(y);
            Ok(())
        }));
    }
    all
}
