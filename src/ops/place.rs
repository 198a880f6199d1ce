//! y[to + k] = x[from + k] for k < count, dark elsewhere: the light of some guides goes on in guides of
//! another row. x `[.., entering]`, y `[.., leaving]` complex. Adjoint: the same from y to x.

use num_complex::Complex;

use super::case::{Case, build};
use super::kernel::{Cost, CpuCompile, CpuKernel, GpuKernel, Word};
use super::{Op, Primitive, expect};
use crate::error::{Error, Result};
use crate::math::scalar::Scalar;
use crate::program::adjoint::Adjoint;
use crate::program::{Kind, Node, Shape, Slot};

#[derive(Debug, Clone)]
pub struct Place {
    pub entering: usize,
    pub leaving: usize,
    pub from: usize,
    pub to: usize,
    pub count: usize,
}

impl Primitive for Place {
    const NAME: &'static str = "place";

    fn shape(&self, inputs: &[&Slot]) -> Result<Shape> {
        expect(Self::NAME, inputs, &[Kind::Complex])?;
        let x = inputs[0];
        let inside =
            self.from + self.count <= self.entering && self.to + self.count <= self.leaving;
        if !inside || !x.shape.len().is_multiple_of(self.entering) {
            let what = format!("{self:?} of {} {:?}", x.name, x.shape.dims);
            return Err(Error::Shape { op: Self::NAME, what });
        }
        Ok(Shape::complex(&[x.shape.len() / self.entering, self.leaving]))
    }

    fn adjoint(&self, walk: &mut Adjoint, node: &Node) -> Result<()> {
        let g = walk.incoming(node)?;
        let op = Self {
            entering: self.leaving,
            leaving: self.entering,
            from: self.to,
            to: self.from,
            count: self.count,
        };
        let gx = walk.emit(Op::Place(op), &[g])?;
        walk.contribute(node.inputs[0], gx)
    }

    fn cpu<T: Scalar>(&self, _: &[&Slot], _: &mut CpuCompile<T>) -> CpuKernel<T> {
        let op = self.clone();
        CpuKernel::new(move |io| {
            let x = io.inputs[0].complex().chunks_exact(op.entering);
            for (y, x) in io.outputs[0].complex().chunks_exact_mut(op.leaving).zip(x) {
                y.fill(Complex::new(T::zero(), T::zero()));
                y[op.to..][..op.count].copy_from_slice(&x[op.from..][..op.count]);
            }
        })
    }

    fn gpu(&self, inputs: &[&Slot]) -> GpuKernel {
        let rows = inputs[0].shape.len() / self.entering;
        let number = |n: usize| Word::U32(n as u32);
        GpuKernel::pointwise(Self::NAME, rows * self.leaving)
            .word("entering", number(self.entering))
            .word("leaving", number(self.leaving))
            .word("start", number(self.from))
            .word("to", number(self.to))
            .word("number", number(self.count))
    }

    fn cost(&self, inputs: &[&Slot]) -> Cost {
        let rows = inputs[0].shape.len() / self.entering;
        Cost::new(0, 2 * rows * (self.count + self.leaving))
    }
}

pub fn cases() -> Vec<Case> {
    [(7, 12, 0, 5, 7), (12, 7, 5, 0, 7), (5, 3, 0, 0, 3), (4, 6, 1, 2, 2)]
        .into_iter()
        .map(|(entering, leaving, from, to, count)| {
            build(format!("place {entering} {leaving} {from} {to}"), 1.0, |c| {
                let x = c.sample(Shape::complex(&[3, entering]));
                let op = Place { entering, leaving, from, to, count };
                let y = c.b.emit(Op::Place(op), &[x])?;
                c.compare(y);
                Ok(())
            })
        })
        .collect()
}
