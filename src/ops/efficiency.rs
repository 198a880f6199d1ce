//! L = -w ln(Σ_r S_r / P): the price of light that misses the detector, S `[regions]`, P `[1]`,
//! L `[1]` (after Mengu 2020, IEEE J. Sel. Top. Quantum Electron. 26, 3700114, with the
//! logarithm of all detected light). Adjoint: g_S = -g w / Σ S.

use super::case::{BATCH, Case, build, reals};
use super::kernel::{Cost, CpuCompile, CpuKernel, GpuKernel, Word};
use super::{Op, Primitive, copies_of_last, expect};
use crate::error::Result;
use crate::math::scalar::Scalar;
use crate::program::adjoint::Adjoint;
use crate::program::{Data, Kind, Node, Shape, Slot};

#[derive(Debug, Clone)]
pub struct Efficiency {
    pub weight: f64,
}

/// S, g -> g_S.
#[derive(Debug, Clone)]
pub struct EfficiencyAdjoint {
    pub weight: f64,
}

impl Primitive for Efficiency {
    const NAME: &'static str = "efficiency";

    fn shape(&self, inputs: &[&Slot]) -> Result<Shape> {
        expect(Self::NAME, inputs, &[Kind::Real, Kind::Real])?;
        Ok(Shape::real(&[1]))
    }

    fn adjoint(&self, walk: &mut Adjoint, node: &Node) -> Result<()> {
        let g = walk.incoming(node)?;
        let sums = node.inputs[0];
        let op = EfficiencyAdjoint { weight: self.weight };
        let back = walk.emit(Op::EfficiencyAdjoint(op), &[sums, g])?;
        walk.contribute(sums, back)
    }

    fn cpu<T: Scalar>(&self, _: &[&Slot], _: &mut CpuCompile<T>) -> CpuKernel<T> {
        let weight = T::of(self.weight);
        CpuKernel::new(move |io| {
            let total: T = io.inputs[0].real().iter().copied().sum();
            io.outputs[0].real()[0] = -weight * (total / io.inputs[1].real()[0]).logarithm();
        })
    }

    fn gpu(&self, inputs: &[&Slot]) -> GpuKernel {
        kernel(inputs, self.weight, Self::NAME)
    }

    fn cost(&self, inputs: &[&Slot]) -> Cost {
        let n = inputs[0].shape.len();
        Cost::new(n + 20, n + 2)
    }
}

fn kernel(inputs: &[&Slot], weight: f64, entry: &'static str) -> GpuKernel {
    GpuKernel::rowwise(Efficiency::NAME, entry, "regions", inputs[0])
        .word("weight", Word::F32(weight as f32))
        .word("g_stride", copies_of_last(inputs))
}

impl Primitive for EfficiencyAdjoint {
    const NAME: &'static str = "efficiency_adjoint";

    fn shape(&self, inputs: &[&Slot]) -> Result<Shape> {
        expect(Self::NAME, inputs, &[Kind::Real, Kind::Real])?;
        Ok(inputs[0].shape.clone())
    }

    fn cpu<T: Scalar>(&self, _: &[&Slot], _: &mut CpuCompile<T>) -> CpuKernel<T> {
        let weight = T::of(self.weight);
        CpuKernel::new(move |io| {
            let total: T = io.inputs[0].real().iter().copied().sum();
            let g = -weight * io.inputs[1].real()[0] / total;
            io.outputs[0].real().fill(g);
        })
    }

    fn gpu(&self, inputs: &[&Slot]) -> GpuKernel {
        kernel(inputs, self.weight, Self::NAME)
    }

    fn cost(&self, inputs: &[&Slot]) -> Cost {
        let n = inputs[0].shape.len();
        Cost::new(n + 3, 2 * n)
    }
}

pub fn cases() -> Vec<Case> {
    let powers =
        |salt, n: usize| Data::Real(reals(salt, n * BATCH).iter().map(|r| 1.5 + r).collect());
    vec![
        build("efficiency", 16.0, |c| {
            let s = c.given(Shape::real(&[6]), powers(1, 6));
            let p = c.given(Shape::real(&[1]), powers(2, 1));
            let loss = c.b.emit(Op::Efficiency(Efficiency { weight: 0.3 }), &[s, p])?;
            c.compare(loss);
            Ok(())
        }),
        build("efficiency_adjoint", 16.0, |c| {
            let s = c.given(Shape::real(&[6]), powers(1, 6));
            let g = c.sample(Shape::real(&[1]));
            let op = Op::EfficiencyAdjoint(EfficiencyAdjoint { weight: 0.3 });
            let back = c.b.emit(op, &[s, g])?;
            c.compare(back);
            Ok(())
        }),
    ]
}
