//! y = x + c z: a field on top of each sample's, of its own or one for all, c a complex number.
//!
//! No adjoint: it makes the light of data and of measurements ([`super::shot_sum`]).

use num_complex::Complex;

use super::case::{Case, build};
use super::kernel::{Cost, CpuCompile, CpuKernel, GpuKernel, Word};
use super::{Op, Primitive, expect, same_len};
use crate::error::{Error, Result};
use crate::math::scalar::Scalar;
use crate::program::{Domain, Kind, Shape, Slot};

#[derive(Debug, Clone)]
pub struct Superpose {
    pub by: Complex<f64>,
}

impl Primitive for Superpose {
    const NAME: &'static str = "superpose";

    fn shape(&self, inputs: &[&Slot]) -> Result<Shape> {
        expect(Self::NAME, inputs, &[Kind::Complex, Kind::Complex])?;
        same_len(Self::NAME, inputs[0], inputs[1])?;
        if inputs[0].domain != inputs[1].domain && inputs[1].domain != Domain::Once {
            let what = format!("{} is one for all samples of {}", inputs[0].name, inputs[1].name);
            return Err(Error::Shape { op: Self::NAME, what });
        }
        Ok(inputs[0].shape.clone())
    }

    fn cpu<T: Scalar>(&self, _: &[&Slot], _: &mut CpuCompile<T>) -> CpuKernel<T> {
        let by = Complex::new(T::of(self.by.re), T::of(self.by.im));
        CpuKernel::new(move |io| {
            let (x, z) = (io.inputs[0].complex(), io.inputs[1].complex());
            for ((y, x), z) in io.outputs[0].complex().iter_mut().zip(x).zip(z) {
                *y = x + by * z;
            }
        })
    }

    fn gpu(&self, inputs: &[&Slot]) -> GpuKernel {
        GpuKernel::pointwise(Self::NAME, inputs[0].shape.len())
            .word("own", super::copies_of_last(inputs))
            .word("re", Word::F32(self.by.re as f32))
            .word("im", Word::F32(self.by.im as f32))
    }

    fn cost(&self, inputs: &[&Slot]) -> Cost {
        let n = inputs[0].shape.len();
        Cost::new(8 * n, 6 * n)
    }
}

pub fn cases() -> Vec<Case> {
    vec![build("superpose", 4.0, |c| {
        let [x, z] = [0, 1].map(|_| c.sample(Shape::complex(&[37])));
        let by = Complex::new(0.25, -1.5);
        let y = c.b.emit(Op::Superpose(Superpose { by }), &[x, z])?;
        c.compare(y);
        let shared = c.constant(Shape::complex(&[37]));
        let y = c.b.emit(Op::Superpose(Superpose { by }), &[x, shared])?;
        c.compare(y);
        Ok(())
    })]
}
