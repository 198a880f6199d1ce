//! Gradients of masks, summed over the samples of a leaf.
//!
//! Phase: dφ += Im(conj(y) g), for y = exp(iφ) x. Amplitude: da += Re(conj(x) g), for y = a x.
//! y or x, and g: `[y, x]` complex; the sum: `[y, x]` real, one per leaf.

use num_complex::Complex;

use super::case::{Case, build};
use super::kernel::{Cost, CpuCompile, CpuKernel, GpuKernel};
use super::{Op, Primitive, expect, planar, same_len};
use crate::error::Result;
use crate::math::scalar::Scalar;
use crate::program::{Kind, Shape, Slot};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum GradSum {
    Phase,
    Amplitude,
}

impl GradSum {
    /// Adds one sample's share.
    pub(super) fn add<T: Scalar>(
        self,
        sums: &mut [T],
        a: &[Complex<T>],
        g: &[Complex<T>],
        width: usize,
    ) {
        match self {
            Self::Phase => {
                planar::fold2(sums, a, g, width, |sum, y, g| sum + (y.re * g.im - y.im * g.re));
            }
            Self::Amplitude => {
                planar::fold2(sums, a, g, width, |sum, x, g| sum + (x.re * g.re + x.im * g.im));
            }
        }
    }
}

impl Primitive for GradSum {
    const NAME: &'static str = "grad_sum";

    fn shape(&self, inputs: &[&Slot]) -> Result<Shape> {
        expect(Self::NAME, inputs, &[Kind::Complex, Kind::Complex])?;
        same_len(Self::NAME, inputs[0], inputs[1])?;
        Ok(Shape::real(&inputs[0].shape.dims))
    }

    fn cpu<T: Scalar>(&self, inputs: &[&Slot], compile: &mut CpuCompile<T>) -> CpuKernel<T> {
        let (op, width) = (*self, compile.width(inputs[0]));
        CpuKernel::new(move |io| {
            let (a, g) = (io.inputs[0].complex(), io.inputs[1].complex());
            op.add(io.outputs[0].real(), a, g, width);
        })
    }

    fn gpu(&self, inputs: &[&Slot]) -> GpuKernel {
        let entry = match self {
            Self::Phase => "phase_grad",
            Self::Amplitude => "amplitude_grad",
        };
        GpuKernel::pointwise(Self::NAME, inputs[0].shape.len()).entry(entry)
    }

    fn cost(&self, inputs: &[&Slot]) -> Cost {
        let n = inputs[0].shape.len();
        Cost::new(4 * n, 6 * n)
    }
}

pub fn cases() -> Vec<Case> {
    [GradSum::Phase, GradSum::Amplitude]
        .map(|op| {
            build(format!("grad_sum {op:?}"), 8.0, |c| {
                let shape = Shape::complex(&[5, 7]);
                let (a, g) = (c.sample(shape.clone()), c.sample(shape));
                let sum = c.b.leaf("sum".into(), Shape::real(&[5, 7]));
                c.b.emit_into(Op::GradSum(op), &[a, g], &[sum])?;
                c.compare_leaf(sum)
            })
        })
        .into()
}
