//! y = W x + b: a digital linear layer. W `[rows, columns]`, x `[columns]`, b `[rows]`, real.
//!
//! Adjoint: g_x = Wᵀ g; W += g xᵀ and b += g, summed over the samples of a leaf. A fixed random W
//! in place of Wᵀ is what feedback alignment sends back ([`DenseBack`] on any matrix).

use super::case::{Case, build};
use super::kernel::{Cost, CpuCompile, CpuKernel, GpuKernel, Word};
use super::sample_sum::SampleSum;
use super::{Op, Primitive, expect};
use crate::error::{Error, Result};
use crate::math::scalar::Scalar;
use crate::program::adjoint::Adjoint;
use crate::program::{Kind, Node, Shape, Slot};

/// Operands: x, W, b.
#[derive(Debug, Clone)]
pub struct Dense;

/// g, W -> Wᵀ g of these dimensions.
#[derive(Debug, Clone)]
pub struct DenseBack {
    pub dims: Vec<usize>,
}

/// x, g -> g xᵀ.
#[derive(Debug, Clone)]
pub struct DenseGrad;

fn matrix(op: &'static str, w: &Slot) -> Result<[usize; 2]> {
    match w.shape.dims[..] {
        [rows, columns] => Ok([rows, columns]),
        _ => Err(Error::Shape { op, what: format!("{:?} is no matrix", w.shape.dims) }),
    }
}

fn fits(op: &'static str, what: &str, has: usize, wants: usize) -> Result<()> {
    if has == wants {
        return Ok(());
    }
    Err(Error::Shape { op, what: format!("{what} has {has} elements, not {wants}") })
}

fn kernel(entry: &'static str, len: usize, [rows, columns]: [usize; 2]) -> GpuKernel {
    GpuKernel::pointwise(Dense::NAME, len)
        .entry(entry)
        .word("rows", Word::U32(rows as u32))
        .word("columns", Word::U32(columns as u32))
}

fn size(w: &Slot) -> [usize; 2] {
    [w.shape.dims[0], w.shape.dims[1]]
}

impl Primitive for Dense {
    const NAME: &'static str = "dense";

    fn shape(&self, inputs: &[&Slot]) -> Result<Shape> {
        expect(Self::NAME, inputs, &[Kind::Real; 3])?;
        let [rows, columns] = matrix(Self::NAME, inputs[1])?;
        fits(Self::NAME, "x", inputs[0].shape.len(), columns)?;
        fits(Self::NAME, "b", inputs[2].shape.len(), rows)?;
        Ok(Shape::real(&[rows]))
    }

    fn adjoint(&self, walk: &mut Adjoint, node: &Node) -> Result<()> {
        let g = walk.incoming(node)?;
        let (x, w, b) = (node.inputs[0], node.inputs[1], node.inputs[2]);
        if walk.is_active(w) {
            walk.accumulate(w, Op::DenseGrad(DenseGrad), &[x, g])?;
        }
        if walk.is_active(b) {
            walk.accumulate(b, Op::SampleSum(SampleSum { weight: 1.0 }), &[g])?;
        }
        if walk.is_active(x) {
            let dims = walk.builder().slot(x).shape.dims.clone();
            let back = walk.emit(Op::DenseBack(DenseBack { dims }), &[g, w])?;
            walk.contribute(x, back)?;
        }
        Ok(())
    }

    fn cpu<T: Scalar>(&self, inputs: &[&Slot], compile: &mut CpuCompile<T>) -> CpuKernel<T> {
        let from = compile.arrangement.places(&inputs[0].shape);
        let [_, columns] = size(inputs[1]);
        CpuKernel::new(move |io| {
            let [x, w, b] = [0, 1, 2].map(|i| io.inputs[i].real());
            let rows = io.outputs[0].real().iter_mut().zip(w.chunks_exact(columns)).zip(b);
            for ((y, row), &b) in rows {
                *y = b + row.iter().zip(&from).map(|(&w, &at)| w * x[at as usize]).sum();
            }
        })
    }

    fn gpu(&self, inputs: &[&Slot]) -> GpuKernel {
        let [rows, columns] = size(inputs[1]);
        kernel(Self::NAME, rows, [rows, columns])
    }

    fn cost(&self, inputs: &[&Slot]) -> Cost {
        let n = inputs[1].shape.len();
        Cost::new(2 * n, n)
    }
}

impl Primitive for DenseBack {
    const NAME: &'static str = "dense_back";

    fn shape(&self, inputs: &[&Slot]) -> Result<Shape> {
        expect(Self::NAME, inputs, &[Kind::Real; 2])?;
        let [rows, columns] = matrix(Self::NAME, inputs[1])?;
        fits(Self::NAME, "g", inputs[0].shape.len(), rows)?;
        fits(Self::NAME, "x", self.dims.iter().product(), columns)?;
        Ok(Shape::real(&self.dims))
    }

    fn cpu<T: Scalar>(&self, inputs: &[&Slot], compile: &mut CpuCompile<T>) -> CpuKernel<T> {
        let from = compile.arrangement.places(&inputs[0].shape);
        let to = compile.arrangement.places(&compile.output);
        let [_, columns] = size(inputs[1]);
        CpuKernel::new(move |io| {
            let (g, w) = (io.inputs[0].real(), io.inputs[1].real());
            let back = io.outputs[0].real();
            back.fill(T::zero());
            for (&from, row) in from.iter().zip(w.chunks_exact(columns)) {
                let g = g[from as usize];
                to.iter().zip(row).for_each(|(&at, &w)| back[at as usize] += g * w);
            }
        })
    }

    fn gpu(&self, inputs: &[&Slot]) -> GpuKernel {
        let size = size(inputs[1]);
        kernel(Self::NAME, size[1], size)
    }

    fn cost(&self, inputs: &[&Slot]) -> Cost {
        let n = inputs[1].shape.len();
        Cost::new(2 * n, n)
    }
}

impl Primitive for DenseGrad {
    const NAME: &'static str = "dense_grad";

    fn shape(&self, inputs: &[&Slot]) -> Result<Shape> {
        expect(Self::NAME, inputs, &[Kind::Real; 2])?;
        Ok(Shape::real(&[inputs[1].shape.len(), inputs[0].shape.len()]))
    }

    fn cpu<T: Scalar>(&self, inputs: &[&Slot], compile: &mut CpuCompile<T>) -> CpuKernel<T> {
        let from = compile.arrangement.places(&inputs[0].shape);
        CpuKernel::new(move |io| {
            let (x, g) = (io.inputs[0].real(), io.inputs[1].real());
            let rows = io.outputs[0].real().chunks_exact_mut(from.len()).zip(g);
            for (row, &g) in rows.filter(|(_, g)| **g != T::zero()) {
                row.iter_mut().zip(&from).for_each(|(sum, &at)| *sum += g * x[at as usize]);
            }
        })
    }

    fn gpu(&self, inputs: &[&Slot]) -> GpuKernel {
        let [columns, rows] = [0, 1].map(|i| inputs[i].shape.len());
        kernel(Self::NAME, rows * columns, [rows, columns])
    }

    fn cost(&self, inputs: &[&Slot]) -> Cost {
        let n = inputs[0].shape.len() * inputs[1].shape.len();
        Cost::new(2 * n, 2 * n)
    }
}

pub fn cases() -> Vec<Case> {
    vec![build("dense", 48.0, |c| {
        let x = c.sample(Shape::real(&[12]));
        let (w, b) = (c.constant(Shape::real(&[5, 12])), c.constant(Shape::real(&[5])));
        let g = c.sample(Shape::real(&[5]));
        let y = c.b.emit(Op::Dense(Dense), &[x, w, b])?;
        c.compare(y);
        let back = c.b.emit(Op::DenseBack(DenseBack { dims: vec![3, 4] }), &[g, w])?;
        c.compare(back);
        let sum = c.b.leaf("sum".into(), Shape::real(&[5, 12]));
        c.b.emit_into(Op::DenseGrad(DenseGrad), &[x, g], &[sum])?;
        c.compare_leaf(sum)
    })]
}
