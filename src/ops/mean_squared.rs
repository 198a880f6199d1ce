//! L = Σ_k (z_k - [k = label])², z `[classes]`, label `[1]`, L `[1]`. Adjoint: 2 g (z_k - [k = label]).

use super::case::{Case, build};
use super::cross_entropy::labels;
use super::kernel::{Cost, CpuCompile, CpuKernel, GpuKernel, Io};
use super::{Op, Primitive, copies_of_last, expect};
use crate::error::Result;
use crate::math::scalar::Scalar;
use crate::program::adjoint::Adjoint;
use crate::program::{Kind, Node, Shape, Slot};

#[derive(Debug, Clone)]
pub struct MeanSquared;

/// z, label, g -> g_z.
#[derive(Debug, Clone)]
pub struct MeanSquaredAdjoint;

fn miss<T: Scalar>(k: usize, label: usize, z: T) -> T {
    if k == label { z - T::one() } else { z }
}

impl Primitive for MeanSquared {
    const NAME: &'static str = "mean_squared";

    fn shape(&self, inputs: &[&Slot]) -> Result<Shape> {
        expect(Self::NAME, inputs, &[Kind::Real, Kind::Index])?;
        Ok(Shape::real(&[1]))
    }

    fn adjoint(&self, walk: &mut Adjoint, node: &Node) -> Result<()> {
        let g = walk.incoming(node)?;
        let (z, label) = (node.inputs[0], node.inputs[1]);
        let back = walk.emit(Op::MeanSquaredAdjoint(MeanSquaredAdjoint), &[z, label, g])?;
        walk.contribute(z, back)
    }

    fn cpu<T: Scalar>(&self, _: &[&Slot], _: &mut CpuCompile<T>) -> CpuKernel<T> {
        CpuKernel::new(|io: &mut Io<'_, T>| {
            let (z, label) = (io.inputs[0].real(), io.inputs[1].index()[0] as usize);
            let squares = z.iter().enumerate().map(|(k, &z)| miss(k, label, z).powi(2));
            io.outputs[0].real()[0] = squares.sum();
        })
    }

    fn gpu(&self, inputs: &[&Slot]) -> GpuKernel {
        kernel(inputs, Self::NAME)
    }

    fn cost(&self, inputs: &[&Slot]) -> Cost {
        let n = inputs[0].shape.len();
        Cost::new(3 * n, n + 1)
    }
}

fn kernel(inputs: &[&Slot], entry: &'static str) -> GpuKernel {
    GpuKernel::rowwise(MeanSquared::NAME, entry, "classes", inputs[0])
        .word("g_stride", copies_of_last(inputs))
}

impl Primitive for MeanSquaredAdjoint {
    const NAME: &'static str = "mean_squared_adjoint";

    fn shape(&self, inputs: &[&Slot]) -> Result<Shape> {
        expect(Self::NAME, inputs, &[Kind::Real, Kind::Index, Kind::Real])?;
        Ok(inputs[0].shape.clone())
    }

    fn cpu<T: Scalar>(&self, _: &[&Slot], _: &mut CpuCompile<T>) -> CpuKernel<T> {
        CpuKernel::new(|io| {
            let (z, label) = (io.inputs[0].real(), io.inputs[1].index()[0] as usize);
            let g = T::of(2.0) * io.inputs[2].real()[0];
            for (k, (back, &z)) in io.outputs[0].real().iter_mut().zip(z).enumerate() {
                *back = g * miss(k, label, z);
            }
        })
    }

    fn gpu(&self, inputs: &[&Slot]) -> GpuKernel {
        kernel(inputs, Self::NAME)
    }

    fn cost(&self, inputs: &[&Slot]) -> Cost {
        let n = inputs[0].shape.len();
        Cost::new(2 * n, 2 * n)
    }
}

pub fn cases() -> Vec<Case> {
    vec![
        build("mean_squared", 16.0, |c| {
            let z = c.sample(Shape::real(&[10]));
            let label = c.given(Shape::index(&[1]), labels(10));
            let loss = c.b.emit(Op::MeanSquared(MeanSquared), &[z, label])?;
            c.compare(loss);
            Ok(())
        }),
        build("mean_squared_adjoint", 4.0, |c| {
            let z = c.sample(Shape::real(&[10]));
            let label = c.given(Shape::index(&[1]), labels(10));
            let g = c.sample(Shape::real(&[1]));
            let back = c.b.emit(Op::MeanSquaredAdjoint(MeanSquaredAdjoint), &[z, label, g])?;
            c.compare(back);
            Ok(())
        }),
    ]
}
