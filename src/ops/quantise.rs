//! y = low + k step, k = ⌊(x - low) / step + ½⌋ kept in 0..levels, by going round or by stopping at
//! the ends; or y = the k-th of a table, what a device was measured to do at level k.
//!
//! Adjoint: straight through (g_x = g), as if nothing were rounded (Bengio 2013, arXiv 1308.3432).

use super::case::{Case, build};
use super::kernel::{Cost, CpuCompile, CpuKernel, GpuKernel, Word};
use super::{Op, Primitive, expect};
use crate::error::{Error, Result};
use crate::math::scalar::Scalar;
use crate::program::adjoint::Adjoint;
use crate::program::{Kind, Node, Shape, Slot};

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quantise {
    pub levels: usize,
    pub low: f64,
    pub step: f64,
    /// Level `levels` is level 0 again.
    pub wraps: bool,
    /// A table of something else than x, that x takes no gradient from.
    pub aside: bool,
}

impl Quantise {
    /// Levels over a turn of phase.
    pub fn turn(levels: usize) -> Self {
        Self {
            levels,
            low: 0.0,
            step: std::f64::consts::TAU / levels as f64,
            wraps: true,
            aside: false,
        }
    }

    /// Levels from `low` to `high`, both among them.
    pub fn range(levels: usize, low: f64, high: f64) -> Self {
        Self {
            levels,
            low,
            step: (high - low) / (levels.max(2) - 1) as f64,
            wraps: false,
            aside: false,
        }
    }

    /// The level nearest to x.
    pub fn level<T: Scalar>(&self, x: T) -> usize {
        let nearest = ((x - T::of(self.low)) / T::of(self.step) + T::of(0.5)).floor();
        let levels = T::of(self.levels as f64);
        let k = if self.wraps { nearest - levels * (nearest / levels).floor() } else { nearest };
        // A NaN is level 0 here: the kernel hands it on.
        (k.f64() as usize).min(self.levels - 1)
    }
}

impl Primitive for Quantise {
    const NAME: &'static str = "quantise";

    fn shape(&self, inputs: &[&Slot]) -> Result<Shape> {
        let kinds = [Kind::Real; 2];
        expect(Self::NAME, inputs, &kinds[..inputs.len().clamp(1, 2)])?;
        if inputs.get(1).is_some_and(|table| table.shape.len() != self.levels) {
            let what = format!("{} levels, a table of {}", self.levels, inputs[1].shape.len());
            return Err(Error::Shape { op: Self::NAME, what });
        }
        Ok(inputs[0].shape.clone())
    }

    fn adjoint(&self, walk: &mut Adjoint, node: &Node) -> Result<()> {
        if self.aside {
            return Ok(());
        }
        let g = walk.incoming(node)?;
        walk.contribute(node.inputs[0], g)
    }

    fn cpu<T: Scalar>(&self, inputs: &[&Slot], _: &mut CpuCompile<T>) -> CpuKernel<T> {
        let (op, looks_up) = (*self, inputs.len() == 2);
        let (low, step) = (T::of(self.low), T::of(self.step));
        CpuKernel::new(move |io| {
            let x = io.inputs[0].real();
            let table = if looks_up { io.inputs[1].real() } else { &[] };
            for (y, &x) in io.outputs[0].real().iter_mut().zip(x) {
                let k = op.level(x);
                let level = table.get(k).map_or_else(|| low + T::of(k as f64) * step, |&t| t);
                *y = if x.is_nan() { x } else { level };
            }
        })
    }

    fn gpu(&self, inputs: &[&Slot]) -> GpuKernel {
        let entry = if inputs.len() == 2 { "look_up" } else { Self::NAME };
        GpuKernel::pointwise(Self::NAME, inputs[0].shape.len())
            .entry(entry)
            .word("levels", Word::U32(self.levels as u32))
            .word("low", Word::F32(self.low as f32))
            .word("step", Word::F32(self.step as f32))
            .word("wraps", Word::U32(u32::from(self.wraps)))
    }

    fn cost(&self, inputs: &[&Slot]) -> Cost {
        let n = inputs[0].shape.len();
        Cost::new(8 * n, 2 * n)
    }
}

pub fn cases() -> Vec<Case> {
    [Quantise::turn(16), Quantise::range(4, -0.5, 0.75)]
        .map(|op| {
            build(format!("quantise {op:?}"), 2.0, |c| {
                let x = c.sample(Shape::real(&[31]));
                let y = c.b.emit(Op::Quantise(op), &[x])?;
                c.compare(y);
                let table = c.constant(Shape::real(&[op.levels]));
                let y = c.b.emit(Op::Quantise(op), &[x, table])?;
                c.compare(y);
                Ok(())
            })
        })
        .into()
}

#[cfg(test)]
mod tests {
    use super::Quantise;

    #[test]
    fn levels_are_the_nearest() {
        let turn = Quantise::turn(4);
        let quarter = std::f64::consts::FRAC_PI_2;
        for (x, k) in [(0.0, 0), (0.49, 0), (0.51, 1), (-0.51, 3), (3.6, 0), (4.4, 0), (-9.0, 3)] {
            assert_eq!(turn.level(x * quarter), k, "{x}");
        }
        let range = Quantise::range(3, 0.0, 1.0);
        assert_eq!([-4.0, 0.2, 0.3, 0.8, 7.0].map(|x| range.level(x)), [0, 0, 1, 2, 2]);
    }
}
