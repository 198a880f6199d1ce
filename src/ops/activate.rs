//! y = h(|x|²) x: optical nonlinearities that act on each guide alone.
//!
//! | kind | h(P) | source |
//! |---|---|---|
//! | electro-optic | i √(1-α) exp(-iψ/2) cos(ψ/2), ψ = g P + φ_b | Williamson 2020, IEEE JSTQE 26, 7700412 |
//! | saturable absorber | exp(-α₀ / (2 (1 + P/P_s))) | two-level absorber, thin |
//! | Kerr | exp(iγP) | self-phase modulation |
//! | modulus softplus | s(m)/m, s(m) = ½ (softplus(2(m - u)) - ln(1 + exp(-2u))), m = √P | Fang 2019, Opt. Express 27, 14009 |
//!
//! Adjoint: g_x = conj(h) g + 2 Re(conj(x h') g) x, h' = dh/dP.

use num_complex::Complex;

use super::case::{Case, build};
use super::kernel::{Cost, CpuCompile, CpuKernel, GpuKernel, Io, Word};
use super::{Op, Primitive, expect, planar, same_len};
use crate::error::Result;
use crate::math::scalar::Scalar;
use crate::program::adjoint::Adjoint;
use crate::program::{Kind, Node, Shape, Slot};

/// What acts, with its parameters; P in the units of |x|².
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Activation {
    /// Share of the power tapped; gain in radians a unit of power; bias in radians.
    ElectroOptic { tap: f64, gain: f64, bias: f64 },
    /// Absorption α₀ of little power, and the power at which half of it is left.
    Saturable { absorption: f64, saturation: f64 },
    /// Radians a unit of power.
    Kerr { gamma: f64 },
    /// The modulus from which light passes.
    Softplus { threshold: f64 },
}

impl Activation {
    /// Number of the kind in the shader, and its parameters.
    fn words(self) -> (u32, [f64; 3]) {
        match self {
            Self::ElectroOptic { tap, gain, bias } => (0, [(1.0 - tap).sqrt(), gain, bias]),
            Self::Saturable { absorption, saturation } => (1, [absorption, saturation, 0.0]),
            Self::Kerr { gamma } => (2, [gamma, 0.0, 0.0]),
            Self::Softplus { threshold } => (3, [threshold, (-2.0 * threshold).exp().ln_1p(), 0.0]),
        }
    }

    /// h(P) and dh/dP.
    fn at<T: Scalar>(self, power: T) -> [Complex<T>; 2] {
        let (_, params) = self.words();
        let [a, b, c] = params.map(T::of);
        let (zero, one, two, half) = (T::zero(), T::one(), T::of(2.0), T::of(0.5));
        match self {
            Self::ElectroOptic { .. } => {
                // i e^{-iψ/2} cos(ψ/2) = (i/2) (1 + e^{-iψ}).
                let turned = (-(b * power + c)).cis();
                let h = Complex::new(-turned.im, one + turned.re).scale(a * half);
                [h, turned.scale(a * b * half)]
            }
            Self::Saturable { .. } => {
                let open = one / (one + power / b);
                let h = (-half * a * open).exponential();
                [Complex::new(h, zero), Complex::new(h * half * a * open * open / b, zero)]
            }
            Self::Kerr { .. } => {
                let h = (a * power).cis();
                [h, Complex::new(-h.im, h.re).scale(a)]
            }
            Self::Softplus { .. } => {
                // Beside the limit at m = 0, where s(m)/m is s'(0) and its derivative along x is 0.
                let m = power.sqrt().max(T::of(1e-6));
                let z = two * (m - a);
                let small = (-z.abs()).exponential();
                let soft = z.max(zero) + (one + small).logarithm();
                let slope = if z > zero { one } else { small } / (one + small);
                let h = half * (soft - b) / m;
                [Complex::new(h, zero), Complex::new((slope - h) / (two * m * m), zero)]
            }
        }
    }
}

#[derive(Debug, Clone)]
pub struct Activate {
    pub kind: Activation,
}

#[derive(Debug, Clone)]
pub struct ActivateAdjoint {
    pub kind: Activation,
}

fn kernel(kind: Activation, len: usize, entry: &'static str) -> GpuKernel {
    let (number, [a, b, c]) = kind.words();
    let real = |x: f64| Word::F32(x as f32);
    GpuKernel::pointwise(Activate::NAME, len)
        .entry(entry)
        .word("kind", Word::U32(number))
        .word("a", real(a))
        .word("b", real(b))
        .word("c", real(c))
}

impl Primitive for Activate {
    const NAME: &'static str = "activate";

    fn shape(&self, inputs: &[&Slot]) -> Result<Shape> {
        expect(Self::NAME, inputs, &[Kind::Complex])?;
        Ok(inputs[0].shape.clone())
    }

    fn adjoint(&self, walk: &mut Adjoint, node: &Node) -> Result<()> {
        let g = walk.incoming(node)?;
        let op = Op::ActivateAdjoint(ActivateAdjoint { kind: self.kind });
        let gx = walk.emit(op, &[node.inputs[0], g])?;
        walk.contribute(node.inputs[0], gx)
    }

    fn cpu<T: Scalar>(&self, inputs: &[&Slot], compile: &mut CpuCompile<T>) -> CpuKernel<T> {
        let (kind, width) = (self.kind, compile.width(inputs[0]));
        CpuKernel::new(move |io: &mut Io<'_, T>| {
            let x = io.inputs[0].complex();
            planar::map2(io.outputs[0].complex(), x, x, width, |x, _| kind.at(x.norm_sqr())[0] * x);
        })
    }

    fn gpu(&self, inputs: &[&Slot]) -> GpuKernel {
        kernel(self.kind, inputs[0].shape.len(), Self::NAME)
    }

    fn cost(&self, inputs: &[&Slot]) -> Cost {
        let n = inputs[0].shape.len();
        Cost::new(40 * n, 4 * n)
    }
}

impl Primitive for ActivateAdjoint {
    const NAME: &'static str = "activate_adjoint";

    fn shape(&self, inputs: &[&Slot]) -> Result<Shape> {
        expect(Self::NAME, inputs, &[Kind::Complex, Kind::Complex])?;
        same_len(Self::NAME, inputs[0], inputs[1])?;
        Ok(inputs[0].shape.clone())
    }

    fn cpu<T: Scalar>(&self, inputs: &[&Slot], compile: &mut CpuCompile<T>) -> CpuKernel<T> {
        let (kind, width) = (self.kind, compile.width(inputs[0]));
        CpuKernel::new(move |io: &mut Io<'_, T>| {
            let (x, g) = (io.inputs[0].complex(), io.inputs[1].complex());
            planar::map2(io.outputs[0].complex(), x, g, width, |x, g| {
                let [h, slope] = kind.at(x.norm_sqr());
                let along = (x * slope).conj() * g;
                h.conj() * g + x.scale(T::of(2.0) * along.re)
            });
        })
    }

    fn gpu(&self, inputs: &[&Slot]) -> GpuKernel {
        kernel(self.kind, inputs[0].shape.len(), Self::NAME)
    }

    fn cost(&self, inputs: &[&Slot]) -> Cost {
        let n = inputs[0].shape.len();
        Cost::new(80 * n, 6 * n)
    }
}

pub fn cases() -> Vec<Case> {
    [
        Activation::ElectroOptic { tap: 0.1, gain: 0.157, bias: std::f64::consts::PI },
        Activation::Saturable { absorption: 2.0, saturation: 0.5 },
        Activation::Kerr { gamma: 0.7 },
        Activation::Softplus { threshold: 0.5 },
    ]
    .into_iter()
    .map(|kind| {
        // A difference of two numbers of size 1 over a modulus that may be small.
        build(format!("activate {kind:?}"), 64.0, |c| {
            let shape = Shape::complex(&[9]);
            let (x, g) = (c.sample(shape.clone()), c.sample(shape));
            let y = c.b.emit(Op::Activate(Activate { kind }), &[x])?;
            let back = c.b.emit(Op::ActivateAdjoint(ActivateAdjoint { kind }), &[x, g])?;
            c.compare(y);
            c.compare(back);
            Ok(())
        })
    })
    .collect()
}
