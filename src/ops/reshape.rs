//! y = x in other dimensions, complex: a plane `[y, x]` as a row `[1, y x]` for what takes rows.
//! Adjoint: back again.

use num_complex::Complex;

use super::case::{Case, build};
use super::kernel::{Cost, CpuCompile, CpuKernel, GpuKernel};
use super::{Op, Primitive, expect, planar};
use crate::error::{Error, Result};
use crate::math::scalar::Scalar;
use crate::program::adjoint::Adjoint;
use crate::program::{Kind, Node, Shape, Slot};

#[derive(Debug, Clone)]
pub struct Reshape {
    pub dims: Vec<usize>,
}

impl Primitive for Reshape {
    const NAME: &'static str = "reshape";

    fn shape(&self, inputs: &[&Slot]) -> Result<Shape> {
        expect(Self::NAME, inputs, &[Kind::Complex])?;
        if self.dims.iter().product::<usize>() != inputs[0].shape.len() {
            let what = format!("{:?} to {:?}", inputs[0].shape.dims, self.dims);
            return Err(Error::Shape { op: Self::NAME, what });
        }
        Ok(Shape::complex(&self.dims))
    }

    fn adjoint(&self, walk: &mut Adjoint, node: &Node) -> Result<()> {
        let g = walk.incoming(node)?;
        let dims = walk.builder().slot(node.inputs[0]).shape.dims.clone();
        let back = walk.emit(Op::Reshape(Self { dims }), &[g])?;
        walk.contribute(node.inputs[0], back)
    }

    fn cpu<T: Scalar>(&self, inputs: &[&Slot], compile: &mut CpuCompile<T>) -> CpuKernel<T> {
        let from = compile.arrangement.places(&inputs[0].shape);
        let to = compile.arrangement.places(&compile.output);
        let wide = compile.arrangement.width(&compile.output);
        let width = compile.width(inputs[0]);
        CpuKernel::new(move |io| {
            let x: &[T] = bytemuck::cast_slice::<Complex<T>, T>(io.inputs[0].complex());
            let y = io.outputs[0].complex();
            if to.len() < y.len() {
                y.fill(Complex::new(T::zero(), T::zero()));
            }
            let y: &mut [T] = bytemuck::cast_slice_mut(y);
            for (&from, &to) in from.iter().zip(&to) {
                let z = planar::get(x, from as usize, width);
                let at = super::arrange::real_part(to as usize, wide);
                (y[at], y[at + wide]) = (z.re, z.im);
            }
        })
    }

    fn gpu(&self, inputs: &[&Slot]) -> GpuKernel {
        GpuKernel::pointwise(Self::NAME, inputs[0].shape.len())
    }

    fn cost(&self, inputs: &[&Slot]) -> Cost {
        Cost::new(0, 4 * inputs[0].shape.len())
    }
}

pub fn cases() -> Vec<Case> {
    vec![build("reshape", 1.0, |c| {
        let x = c.sample(Shape::complex(&[4, 6]));
        let y = c.b.emit(Op::Reshape(Reshape { dims: vec![1, 24] }), &[x])?;
        c.compare(y);
        Ok(())
    })]
}
