//! g_E = δ γ(I / s) 2√s E / |E|: an error δ sent to a camera, weighted by any function γ of what it read
//! in place of its own derivative (Nakajima 2022, Nat. Commun. 13, 7847, between layers of light).
//!
//! A camera's own is dI/d|E| = 2√I along E / |E|, so γ(x) = √x gives what the adjoint of |E|² does.
//! Operands: δ (real), I (real), E (complex), all `[y, x]`. Dark stays dark. No adjoint: it is one.

use num_complex::Complex;

use super::case::{Case, build};
use super::kernel::{Cost, CpuCompile, CpuKernel, GpuKernel, Word};
use super::{Op, Primitive, expect, planar, same_len};
use crate::error::Result;
use crate::math::scalar::Scalar;
use crate::program::{Kind, Shape, Slot};

/// γ of x, a reading over the mean of all the light.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    /// √x, the camera's own.
    Root,
    /// 1.
    One,
    /// x.
    Linear,
    /// sin x.
    Sine,
}

impl Weight {
    fn at<T: Scalar>(self, x: T) -> T {
        match self {
            Self::Root if x < T::zero() => T::zero(),
            Self::Root => x.sqrt(),
            Self::One => T::one(),
            Self::Linear => x,
            Self::Sine => x.cis().im,
        }
    }
}

#[derive(Debug, Clone)]
pub struct Augment {
    pub weight: Weight,
    /// s: the reading that is 1 to γ.
    pub unit: f64,
}

impl Primitive for Augment {
    const NAME: &'static str = "augment";

    fn shape(&self, inputs: &[&Slot]) -> Result<Shape> {
        expect(Self::NAME, inputs, &[Kind::Real, Kind::Real, Kind::Complex])?;
        same_len(Self::NAME, inputs[0], inputs[2])?;
        same_len(Self::NAME, inputs[1], inputs[2])?;
        Ok(inputs[2].shape.clone())
    }

    fn cpu<T: Scalar>(&self, inputs: &[&Slot], compile: &mut CpuCompile<T>) -> CpuKernel<T> {
        let (weight, width) = (self.weight, compile.width(inputs[2]));
        let (per_unit, scale) = (T::of(self.unit.recip()), T::of(2.0 * self.unit.sqrt()));
        CpuKernel::new(move |io| {
            let (error, read) = (io.inputs[0].real(), io.inputs[1].real());
            let field: &[Complex<T>] = io.inputs[2].complex();
            let reals = error.chunks_exact(width).zip(read.chunks_exact(width));
            let given = planar::parts(field, width).zip(reals);
            let out = planar::parts_mut(io.outputs[0].complex(), width);
            for ((yr, yi), ((er, ei), (error, read))) in out.zip(given) {
                for l in 0..width {
                    let modulus = (er[l] * er[l] + ei[l] * ei[l]).sqrt();
                    let by = scale * error[l] * weight.at(read[l] * per_unit);
                    let by = if modulus == T::zero() { modulus } else { by / modulus };
                    (yr[l], yi[l]) = (by * er[l], by * ei[l]);
                }
            }
        })
    }

    fn gpu(&self, inputs: &[&Slot]) -> GpuKernel {
        let kind = match self.weight {
            Weight::Root => 0,
            Weight::One => 1,
            Weight::Linear => 2,
            Weight::Sine => 3,
        };
        GpuKernel::pointwise(Self::NAME, inputs[2].shape.len())
            .word("kind", Word::U32(kind))
            .word("per_unit", Word::F32(self.unit.recip() as f32))
            .word("scale", Word::F32((2.0 * self.unit.sqrt()) as f32))
    }

    fn cost(&self, inputs: &[&Slot]) -> Cost {
        let n = inputs[2].shape.len();
        Cost::new(24 * n, 6 * n)
    }
}

pub fn cases() -> Vec<Case> {
    [Weight::Root, Weight::One, Weight::Linear, Weight::Sine]
        .map(|weight| {
            build(format!("augment {weight:?}"), 32.0, |c| {
                let real = Shape::real(&[5, 6]);
                let (error, read) = (c.sample(real.clone()), c.sample(real));
                let field = c.sample(Shape::complex(&[5, 6]));
                let op = Op::Augment(Augment { weight, unit: 0.3 });
                let y = c.b.emit(op, &[error, read, field])?;
                c.compare(y);
                Ok(())
            })
        })
        .into()
}
