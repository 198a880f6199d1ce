//! y = x but for its first rows, which show a label: bright (1) in the columns of the label's class, dark
//! in those of the others (Hinton 2022, arXiv 2212.13345, section 3.3). x `[h, w]` real, label `[1]`.
//!
//! Class k has the columns ⌊k w / classes⌋ up to those of the next. No adjoint: data take no gradient.

use super::case::{Case, build};
use super::cross_entropy::labels;
use super::kernel::{Cost, CpuCompile, CpuKernel, GpuKernel, Word};
use super::{Op, Primitive, expect};
use crate::error::{Error, Result};
use crate::math::scalar::Scalar;
use crate::program::{Kind, Shape, Slot};

#[derive(Debug, Clone)]
pub struct Overlay {
    pub rows: usize,
    pub classes: usize,
}

impl Primitive for Overlay {
    const NAME: &'static str = "overlay";

    fn shape(&self, inputs: &[&Slot]) -> Result<Shape> {
        expect(Self::NAME, inputs, &[Kind::Real, Kind::Index])?;
        match inputs[0].shape.dims[..] {
            [height, width] if self.rows <= height && self.classes <= width => {}
            _ => {
                let what = format!("{self:?} on an image of {:?}", inputs[0].shape.dims);
                return Err(Error::Shape { op: Self::NAME, what });
            }
        }
        Ok(inputs[0].shape.clone())
    }

    fn cpu<T: Scalar>(&self, inputs: &[&Slot], compile: &mut CpuCompile<T>) -> CpuKernel<T> {
        let places = compile.arrangement.places(&inputs[0].shape);
        let (width, classes) = (inputs[0].shape.dims[1], self.classes);
        let shown = self.rows * width;
        CpuKernel::new(move |io| {
            let (x, label) = (io.inputs[0].real(), io.inputs[1].index()[0] as usize);
            let y = io.outputs[0].real();
            y.copy_from_slice(x);
            let own = label * width / classes..(label + 1) * width / classes;
            for (n, &at) in places[..shown].iter().enumerate() {
                let bright = own.contains(&(n % width));
                y[at as usize] = if bright { T::one() } else { T::zero() };
            }
        })
    }

    fn gpu(&self, inputs: &[&Slot]) -> GpuKernel {
        let width = inputs[0].shape.dims[1];
        let number = |n: usize| Word::U32(n as u32);
        GpuKernel::pointwise(Self::NAME, inputs[0].shape.len())
            .word("width", number(width))
            .word("shown", number(self.rows * width))
            .word("classes", number(self.classes))
    }

    fn cost(&self, inputs: &[&Slot]) -> Cost {
        let n = inputs[0].shape.len();
        Cost::new(n, 2 * n)
    }
}

pub fn cases() -> Vec<Case> {
    vec![build("overlay", 1.0, |c| {
        let image = c.sample(Shape::real(&[6, 28]));
        let label = c.given(Shape::index(&[1]), labels(10));
        let y = c.b.emit(Op::Overlay(Overlay { rows: 2, classes: 10 }), &[image, label])?;
        c.compare(y);
        Ok(())
    })]
}
