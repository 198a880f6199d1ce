//! dL/dφ += ½ (p_s - p_f - p_b), summed over the samples of a leaf: the gradient of a phase from the
//! powers at its shifter.
//!
//! p_f of the light E' of a forward pass, p_b of the gradient's light g' sent back, p_s of E' - i g',
//! both launched from the inputs, so that p_s - p_f - p_b = 2 Im(conj(E') g'); exact where no light is
//! lost (Hughes 2018, Optica 5, 864; Pai 2023, Science 380, 398). p `[shifters]` real.

use super::case::{Case, build};
use super::kernel::{Cost, CpuCompile, CpuKernel, GpuKernel};
use super::{Op, Primitive, expect, same_len};
use crate::error::Result;
use crate::math::scalar::Scalar;
use crate::program::{Kind, Shape, Slot};

#[derive(Debug, Clone)]
pub struct ShotSum;

impl Primitive for ShotSum {
    const NAME: &'static str = "shot_sum";

    fn shape(&self, inputs: &[&Slot]) -> Result<Shape> {
        expect(Self::NAME, inputs, &[Kind::Real, Kind::Real, Kind::Real])?;
        same_len(Self::NAME, inputs[0], inputs[1])?;
        same_len(Self::NAME, inputs[0], inputs[2])?;
        Ok(inputs[0].shape.clone())
    }

    fn cpu<T: Scalar>(&self, _: &[&Slot], _: &mut CpuCompile<T>) -> CpuKernel<T> {
        let half = T::of(0.5);
        CpuKernel::new(move |io| {
            let [both, forward, back] = [0, 1, 2].map(|n| io.inputs[n].real());
            let powers = both.iter().zip(forward).zip(back);
            for (sum, ((&s, &f), &b)) in io.outputs[0].real().iter_mut().zip(powers) {
                *sum += half * (s - f - b);
            }
        })
    }

    fn gpu(&self, inputs: &[&Slot]) -> GpuKernel {
        GpuKernel::pointwise(Self::NAME, inputs[0].shape.len())
    }

    fn cost(&self, inputs: &[&Slot]) -> Cost {
        let n = inputs[0].shape.len();
        Cost::new(4 * n, 5 * n)
    }
}

pub fn cases() -> Vec<Case> {
    vec![build("shot_sum", 16.0, |c| {
        let powers = [0, 1, 2].map(|_| c.sample(Shape::real(&[9])));
        let sum = c.b.leaf("sum".into(), Shape::real(&[9]));
        c.b.emit_into(Op::ShotSum(ShotSum), &powers, &[sum])?;
        c.compare_leaf(sum)
    })]
}
