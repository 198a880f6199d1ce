//! E = F v: a real sample v `[pixels]` on complex images of its pixels, F `[pixels, modes]`; and
//! E' = E √(P / Σ|E|²), a sample brought to power P. No adjoint: data are not trained.

use num_complex::Complex;

use super::case::{Case, build};
use super::kernel::{Cost, CpuCompile, CpuKernel, GpuKernel, Io, Word};
use super::{Op, Primitive, expect};
use crate::error::{Error, Result};
use crate::math::scalar::Scalar;
use crate::program::{Kind, Shape, Slot};

#[derive(Debug, Clone)]
pub struct Project;

#[derive(Debug, Clone)]
pub struct Normalise {
    pub power: f64,
}

impl Primitive for Project {
    const NAME: &'static str = "project";

    fn shape(&self, inputs: &[&Slot]) -> Result<Shape> {
        expect(Self::NAME, inputs, &[Kind::Real, Kind::Complex])?;
        match inputs[1].shape.dims[..] {
            [pixels, modes] if pixels == inputs[0].shape.len() => Ok(Shape::complex(&[1, modes])),
            _ => {
                let what = format!("{:?} of {:?}", inputs[1].shape.dims, inputs[0].shape.dims);
                Err(Error::Shape { op: Self::NAME, what })
            }
        }
    }

    fn cpu<T: Scalar>(&self, _: &[&Slot], _: &mut CpuCompile<T>) -> CpuKernel<T> {
        CpuKernel::new(move |io: &mut Io<'_, T>| {
            let (v, f) = (io.inputs[0].real(), io.inputs[1].complex());
            let e = io.outputs[0].complex();
            e.fill(Complex::new(T::zero(), T::zero()));
            // Most of a picture is dark.
            for (v, image) in
                v.iter().zip(f.chunks_exact(e.len())).filter(|(v, _)| **v != T::zero())
            {
                e.iter_mut().zip(image).for_each(|(e, f)| *e = *e + f.scale(*v));
            }
        })
    }

    fn gpu(&self, inputs: &[&Slot]) -> GpuKernel {
        let [pixels, modes] = [0, 1].map(|d| inputs[1].shape.dims[d]);
        kernel(Self::NAME, modes, pixels, 0.0)
    }

    fn cost(&self, inputs: &[&Slot]) -> Cost {
        let f = inputs[1].shape.len();
        Cost::new(4 * f, inputs[0].shape.len() + 2 * inputs[1].shape.dims[1])
    }
}

fn kernel(entry: &'static str, modes: usize, pixels: usize, power: f64) -> GpuKernel {
    GpuKernel::pointwise(Project::NAME, modes)
        .entry(entry)
        .word("pixels", Word::U32(pixels as u32))
        .word("power", Word::F32(power as f32))
}

impl Primitive for Normalise {
    const NAME: &'static str = "normalise";

    fn shape(&self, inputs: &[&Slot]) -> Result<Shape> {
        expect(Self::NAME, inputs, &[Kind::Complex])?;
        Ok(inputs[0].shape.clone())
    }

    fn cpu<T: Scalar>(&self, _: &[&Slot], _: &mut CpuCompile<T>) -> CpuKernel<T> {
        let power = T::of(self.power);
        CpuKernel::new(move |io: &mut Io<'_, T>| {
            let e = io.inputs[0].complex();
            let total: T = e.iter().map(Complex::norm_sqr).sum();
            // A dark sample stays dark.
            let by = if total == T::zero() { total } else { (power / total).sqrt() };
            io.outputs[0].complex().iter_mut().zip(e).for_each(|(to, e)| *to = e.scale(by));
        })
    }

    fn gpu(&self, inputs: &[&Slot]) -> GpuKernel {
        kernel(Self::NAME, inputs[0].shape.len(), 0, self.power).per_sample()
    }

    fn cost(&self, inputs: &[&Slot]) -> Cost {
        let n = inputs[0].shape.len();
        Cost::new(6 * n, 4 * n)
    }
}

pub fn cases() -> Vec<Case> {
    vec![build("project, normalise", 64.0, |c| {
        let v = c.sample(Shape::real(&[5, 4]));
        let f = c.constant(Shape::complex(&[20, 7]));
        let e = c.b.emit(Op::Project(Project), &[v, f])?;
        let bright = c.b.emit(Op::Normalise(Normalise { power: 3.0 }), &[e])?;
        c.compare(e);
        c.compare(bright);
        Ok(())
    })]
}
