//! y = x exp(iα), α = arg Σ conj(x) m: a measured field x brought to the piston of its model m. A
//! hologram has no absolute phase, and a plane a micrometre away turns it by many radians.
//! No adjoint: what is measured takes no gradient.

use num_complex::Complex;

use super::case::{Case, build};
use super::kernel::{Cost, CpuCompile, CpuKernel, GpuKernel};
use super::{Op, Primitive, expect, planar, same_len};
use crate::error::Result;
use crate::math::scalar::Scalar;
use crate::program::{Kind, Shape, Slot};

/// Operands: x, m.
#[derive(Debug, Clone)]
pub struct Align;

impl Primitive for Align {
    const NAME: &'static str = "align_piston";

    fn shape(&self, inputs: &[&Slot]) -> Result<Shape> {
        expect(Self::NAME, inputs, &[Kind::Complex; 2])?;
        same_len(Self::NAME, inputs[0], inputs[1])?;
        Ok(inputs[0].shape.clone())
    }

    fn cpu<T: Scalar>(&self, inputs: &[&Slot], compile: &mut CpuCompile<T>) -> CpuKernel<T> {
        let width = compile.width(inputs[0]);
        let places = compile.arrangement.places(&inputs[0].shape);
        CpuKernel::new(move |io| {
            let (x, model) = (io.inputs[0].complex(), io.inputs[1].complex());
            let [a, m]: [&[T]; 2] = [x, model].map(|z: &[Complex<T>]| bytemuck::cast_slice(z));
            let mut sum = Complex::new(T::zero(), T::zero());
            for &at in &places {
                let at = at as usize;
                sum = sum + planar::get(a, at, width).conj() * planar::get(m, at, width);
            }
            let size = sum.norm_sqr().sqrt();
            let one = Complex::new(T::one(), T::zero());
            let turn = if size == T::zero() { one } else { sum.unscale(size) };
            planar::map2(io.outputs[0].complex(), x, x, width, |x, _| turn * x);
        })
    }

    fn gpu(&self, inputs: &[&Slot]) -> GpuKernel {
        GpuKernel::pointwise("align", inputs[0].shape.len()).entry(Self::NAME).groups(1)
    }

    fn cost(&self, inputs: &[&Slot]) -> Cost {
        let n = inputs[0].shape.len();
        Cost::new(14 * n, 8 * n)
    }
}

pub fn cases() -> Vec<Case> {
    // The phase of a sum of 300 terms that partly cancel.
    vec![build("align", 256.0, |c| {
        let (x, m) = (c.sample(Shape::complex(&[20, 15])), c.sample(Shape::complex(&[20, 15])));
        let y = c.b.emit(Op::Align(Align), &[x, m])?;
        c.compare(y);
        Ok(())
    })]
}
