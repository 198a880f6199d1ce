//! da += Re(conj(x) g), summed over the samples of a leaf, for y = a x.
//!
//! x, g: `[y, x]` complex; da: `[y, x]` real, one per leaf.

use super::kernel::{Cost, CpuCompile, CpuKernel, GpuKernel};
use super::{Primitive, expect, same_len};
use crate::error::Result;
use crate::math::scalar::Scalar;
use crate::program::{Kind, Shape, Slot};

#[derive(Debug, Clone)]
pub struct AmplitudeGrad;

impl Primitive for AmplitudeGrad {
    const NAME: &'static str = "amplitude_grad";

    fn shape(&self, inputs: &[&Slot]) -> Result<Shape> {
        expect(Self::NAME, inputs, &[Kind::Complex, Kind::Complex])?;
        same_len(Self::NAME, inputs[0], inputs[1])?;
        Ok(Shape::real(&inputs[0].shape.dims))
    }

    fn cpu<T: Scalar>(&self, _: &[&Slot], _: &mut CpuCompile<T>) -> CpuKernel<T> {
        CpuKernel::new(|io| {
            let (x, g) = (io.inputs[0].complex(), io.inputs[1].complex());
            for ((sum, x), g) in io.outputs[0].real().iter_mut().zip(x).zip(g) {
                *sum += x.re * g.re + x.im * g.im;
            }
        })
    }

    fn gpu(&self, inputs: &[&Slot]) -> GpuKernel {
        GpuKernel::pointwise("grad_sum", inputs[0].shape.len()).entry(Self::NAME)
    }

    fn cost(&self, inputs: &[&Slot]) -> Cost {
        let n = inputs[0].shape.len();
        Cost::new(4 * n, 6 * n)
    }
}
