//! I = |E|². Adjoint: g_E = 2 g_I E, from the saved E.

use super::case::{Case, build};
use super::kernel::{Cost, CpuCompile, CpuKernel, GpuKernel};
use super::{Op, Primitive, expect, planar, same_len};
use crate::error::Result;
use crate::math::scalar::Scalar;
use crate::program::adjoint::Adjoint;
use crate::program::{Kind, Node, Shape, Slot};

#[derive(Debug, Clone)]
pub struct Intensity;

/// E, g_I -> 2 g_I E.
#[derive(Debug, Clone)]
pub struct IntensityAdjoint;

impl Primitive for Intensity {
    const NAME: &'static str = "intensity";

    fn shape(&self, inputs: &[&Slot]) -> Result<Shape> {
        expect(Self::NAME, inputs, &[Kind::Complex])?;
        Ok(Shape::real(&inputs[0].shape.dims))
    }

    fn adjoint(&self, walk: &mut Adjoint, node: &Node) -> Result<()> {
        let g = walk.incoming(node)?;
        let field = node.inputs[0];
        let back = walk.emit(Op::IntensityAdjoint(IntensityAdjoint), &[field, g])?;
        walk.contribute(field, back)
    }

    fn cpu<T: Scalar>(&self, inputs: &[&Slot], compile: &mut CpuCompile<T>) -> CpuKernel<T> {
        let width = compile.width(inputs[0]);
        CpuKernel::new(move |io| {
            let field = io.inputs[0].complex();
            planar::fold2(io.outputs[0].real(), field, field, width, |_, e, _| e.norm_sqr());
        })
    }

    fn gpu(&self, inputs: &[&Slot]) -> GpuKernel {
        GpuKernel::pointwise(Self::NAME, inputs[0].shape.len())
    }

    fn cost(&self, inputs: &[&Slot]) -> Cost {
        let n = inputs[0].shape.len();
        Cost::new(3 * n, 3 * n)
    }
}

impl Primitive for IntensityAdjoint {
    const NAME: &'static str = "intensity_adjoint";

    fn shape(&self, inputs: &[&Slot]) -> Result<Shape> {
        expect(Self::NAME, inputs, &[Kind::Complex, Kind::Real])?;
        same_len(Self::NAME, inputs[0], inputs[1])?;
        Ok(inputs[0].shape.clone())
    }

    fn cpu<T: Scalar>(&self, inputs: &[&Slot], compile: &mut CpuCompile<T>) -> CpuKernel<T> {
        let (two, width, isa) = (T::of(2.0), compile.width(inputs[0]), compile.isa);
        CpuKernel::new(move |io| {
            let (field, g) = (io.inputs[0].complex(), io.inputs[1].real());
            let back = io.outputs[0].complex();
            isa.run(|| planar::map_real(back, field, g, width, |e, g| e * (two * g)));
        })
    }

    fn gpu(&self, inputs: &[&Slot]) -> GpuKernel {
        GpuKernel::pointwise(Intensity::NAME, inputs[0].shape.len()).entry(Self::NAME)
    }

    fn cost(&self, inputs: &[&Slot]) -> Cost {
        let n = inputs[0].shape.len();
        Cost::new(3 * n, 5 * n)
    }
}

pub fn cases() -> Vec<Case> {
    vec![
        build("intensity", 2.0, |c| {
            let e = c.sample(Shape::complex(&[6, 5]));
            let i = c.b.emit(Op::Intensity(Intensity), &[e])?;
            c.compare(i);
            Ok(())
        }),
        build("intensity_adjoint", 2.0, |c| {
            let (e, g) = (c.sample(Shape::complex(&[6, 5])), c.sample(Shape::real(&[6, 5])));
            let back = c.b.emit(Op::IntensityAdjoint(IntensityAdjoint), &[e, g])?;
            c.compare(back);
            Ok(())
        }),
    ]
}
