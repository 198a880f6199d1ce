//! y = a + b, real or complex; one of them may be shared by all samples. Adjoint: the gradient goes to
//! both, summed over the samples for a real one that is shared. And y += x, in place.

use num_complex::Complex;

use super::case::{Case, build};
use super::kernel::{Cost, CpuCompile, CpuKernel, GpuKernel, View, ViewMut, Word};
use super::sample_sum::SampleSum;
use super::{Op, Primitive, expect, reals, same_len};
use crate::error::Result;
use crate::math::scalar::Scalar;
use crate::program::adjoint::Adjoint;
use crate::program::{Domain, Kind, Node, Shape, Slot};

#[derive(Debug, Clone)]
pub struct Add;

/// x, into y.
#[derive(Debug, Clone)]
pub struct AddInto;

fn kernel(entry: &'static str, a: &Slot, b: &Slot) -> GpuKernel {
    let own = |s: &Slot| Word::U32(u32::from(s.domain == Domain::Sample));
    GpuKernel::pointwise(Add::NAME, a.shape.len())
        .entry(entry)
        .word("a_copies", own(a))
        .word("b_copies", own(b))
}

/// The numbers of a real or complex operand.
fn view<'a, T: Scalar>(view: &View<'a, T>) -> &'a [T] {
    match view {
        View::Complex(v) => bytemuck::cast_slice::<Complex<T>, T>(v),
        other => other.real(),
    }
}

fn view_mut<'a, T: Scalar>(view: &'a mut ViewMut<'_, T>) -> &'a mut [T] {
    match view {
        ViewMut::Complex(v) => bytemuck::cast_slice_mut::<Complex<T>, T>(v),
        other => other.real(),
    }
}

impl Primitive for Add {
    const NAME: &'static str = "add";

    fn shape(&self, inputs: &[&Slot]) -> Result<Shape> {
        let kind = inputs.first().map_or(Kind::Real, |s| s.shape.kind);
        expect(Self::NAME, inputs, &[kind; 2])?;
        same_len(Self::NAME, inputs[0], inputs[1])?;
        Ok(inputs[0].shape.clone())
    }

    fn adjoint(&self, walk: &mut Adjoint, node: &Node) -> Result<()> {
        let g = walk.incoming(node)?;
        for &input in &node.inputs {
            if !walk.is_active(input) {
                continue;
            }
            let own = |walk: &mut Adjoint, slot| walk.builder().slot(slot).domain == Domain::Sample;
            if own(walk, g) && !own(walk, input) {
                walk.accumulate(input, Op::SampleSum(SampleSum { weight: 1.0 }), &[g])?;
            } else {
                walk.contribute(input, g)?;
            }
        }
        Ok(())
    }

    fn cpu<T: Scalar>(&self, _: &[&Slot], _: &mut CpuCompile<T>) -> CpuKernel<T> {
        CpuKernel::new(|io| {
            let (a, b) = (view(&io.inputs[0]), view(&io.inputs[1]));
            for ((y, &a), &b) in view_mut(&mut io.outputs[0]).iter_mut().zip(a).zip(b) {
                *y = a + b;
            }
        })
    }

    fn gpu(&self, inputs: &[&Slot]) -> GpuKernel {
        let field = inputs[0].shape.kind == Kind::Complex;
        kernel(if field { "add_field" } else { Self::NAME }, inputs[0], inputs[1])
    }

    fn cost(&self, inputs: &[&Slot]) -> Cost {
        let n = reals(inputs[0]);
        Cost::new(n, 3 * n)
    }
}

impl Primitive for AddInto {
    const NAME: &'static str = "add_into";

    fn shape(&self, inputs: &[&Slot]) -> Result<Shape> {
        expect(Self::NAME, inputs, &[Kind::Real])?;
        Ok(inputs[0].shape.clone())
    }

    fn cpu<T: Scalar>(&self, _: &[&Slot], _: &mut CpuCompile<T>) -> CpuKernel<T> {
        CpuKernel::new(|io| {
            let x = io.inputs[0].real();
            io.outputs[0].real().iter_mut().zip(x).for_each(|(y, &x)| *y += x);
        })
    }

    fn gpu(&self, inputs: &[&Slot]) -> GpuKernel {
        kernel(Self::NAME, inputs[0], inputs[0])
    }

    fn cost(&self, inputs: &[&Slot]) -> Cost {
        let n = reals(inputs[0]);
        Cost::new(n, 3 * n)
    }
}

pub fn cases() -> Vec<Case> {
    vec![
        build("add", 2.0, |c| {
            let (a, b) = (c.sample(Shape::real(&[37])), c.sample(Shape::real(&[37])));
            let y = c.b.emit(Op::Add(Add), &[a, b])?;
            c.compare(y);
            let shared = c.constant(Shape::real(&[37]));
            let y = c.b.emit(Op::Add(Add), &[shared, y])?;
            c.compare(y);
            let (a, b) = (c.sample(Shape::complex(&[9])), c.sample(Shape::complex(&[9])));
            let y = c.b.emit(Op::Add(Add), &[a, b])?;
            c.compare(y);
            Ok(())
        }),
        build("add_into", 1.0, |c| {
            let x = c.constant(Shape::real(&[37]));
            let y = c.param(Shape::real(&[37]));
            c.b.emit_into(Op::AddInto(AddInto), &[x], &[y])
        }),
    ]
}
