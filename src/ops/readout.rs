//! Powers in detector regions to one number per class.
//!
//! Share: z_k = S_k / Σ_j S_j, S `[classes]`. Differential: z_k = (P_k - N_k) / (P_k + N_k) with
//! S = [P, N], `[2 classes]` (Li 2019, Adv. Photon. 1, 046001). No light reads as 0.
//! Adjoint, share: g_S_k = (g_k - Σ_j g_j z_j) / Σ S. Differential: g_P = 2 g N / (P + N)²,
//! g_N = -2 g P / (P + N)².

use super::case::{Case, build, reals};
use super::kernel::{Cost, CpuCompile, CpuKernel, GpuKernel, Word};
use super::{Op, Primitive, expect};
use crate::error::{Error, Result};
use crate::math::scalar::Scalar;
use crate::program::adjoint::Adjoint;
use crate::program::{Data, Kind, Node, Shape, Slot};

#[derive(Debug, Clone)]
pub struct Readout {
    pub differential: bool,
}

/// S, g -> g_S.
#[derive(Debug, Clone)]
pub struct ReadoutAdjoint {
    pub differential: bool,
}

/// 0 without light; a NaN stays one, so that it is reported.
fn ratio<T: Scalar>(part: T, whole: T) -> T {
    if whole == T::zero() { T::zero() } else { part / whole }
}

impl Primitive for Readout {
    const NAME: &'static str = "readout";

    fn shape(&self, inputs: &[&Slot]) -> Result<Shape> {
        expect(Self::NAME, inputs, &[Kind::Real])?;
        let regions = inputs[0].shape.len();
        if self.differential && !regions.is_multiple_of(2) {
            let what = format!("{regions} regions do not pair");
            return Err(Error::Shape { op: Self::NAME, what });
        }
        Ok(Shape::real(&[if self.differential { regions / 2 } else { regions }]))
    }

    fn adjoint(&self, walk: &mut Adjoint, node: &Node) -> Result<()> {
        let g = walk.incoming(node)?;
        let sums = node.inputs[0];
        let op = ReadoutAdjoint { differential: self.differential };
        let back = walk.emit(Op::ReadoutAdjoint(op), &[sums, g])?;
        walk.contribute(sums, back)
    }

    fn cpu<T: Scalar>(&self, _: &[&Slot], _: &mut CpuCompile<T>) -> CpuKernel<T> {
        let differential = self.differential;
        CpuKernel::new(move |io| {
            let s = io.inputs[0].real();
            let z = io.outputs[0].real();
            if differential {
                let (plus, minus) = s.split_at(z.len());
                for ((z, &p), &n) in z.iter_mut().zip(plus).zip(minus) {
                    *z = ratio(p - n, p + n);
                }
            } else {
                let total: T = s.iter().copied().sum();
                for (z, &s) in z.iter_mut().zip(s) {
                    *z = ratio(s, total);
                }
            }
        })
    }

    fn gpu(&self, inputs: &[&Slot]) -> GpuKernel {
        kernel(inputs, self.differential, Self::NAME)
    }

    fn cost(&self, inputs: &[&Slot]) -> Cost {
        let n = inputs[0].shape.len();
        Cost::new(3 * n, 2 * n)
    }
}

fn kernel(inputs: &[&Slot], differential: bool, entry: &'static str) -> GpuKernel {
    GpuKernel::rowwise(Readout::NAME, entry, "regions", inputs[0])
        .word("differential", Word::U32(u32::from(differential)))
}

impl Primitive for ReadoutAdjoint {
    const NAME: &'static str = "readout_adjoint";

    fn shape(&self, inputs: &[&Slot]) -> Result<Shape> {
        expect(Self::NAME, inputs, &[Kind::Real, Kind::Real])?;
        Ok(inputs[0].shape.clone())
    }

    fn cpu<T: Scalar>(&self, _: &[&Slot], _: &mut CpuCompile<T>) -> CpuKernel<T> {
        let (differential, two) = (self.differential, T::of(2.0));
        CpuKernel::new(move |io| {
            let (s, g) = (io.inputs[0].real(), io.inputs[1].real());
            let back = io.outputs[0].real();
            if differential {
                let classes = g.len();
                for k in 0..classes {
                    let (p, n) = (s[k], s[classes + k]);
                    let total = p + n;
                    let scale = ratio(two * g[k], total * total);
                    back[k] = scale * n;
                    back[classes + k] = -scale * p;
                }
            } else {
                let total: T = s.iter().copied().sum();
                let mean: T = ratio(s.iter().zip(g).map(|(&s, &g)| s * g).sum(), total);
                for (back, &g) in back.iter_mut().zip(g) {
                    *back = ratio(g - mean, total);
                }
            }
        })
    }

    fn gpu(&self, inputs: &[&Slot]) -> GpuKernel {
        kernel(inputs, self.differential, Self::NAME)
    }

    fn cost(&self, inputs: &[&Slot]) -> Cost {
        let n = inputs[0].shape.len();
        Cost::new(6 * n, 3 * n)
    }
}

/// Powers are positive.
fn powers(salt: u32, n: usize) -> Data {
    Data::Real(reals(salt, n).iter().map(|r| 1.5 + r).collect())
}

pub fn cases() -> Vec<Case> {
    let mut all = Vec::new();
    for differential in [false, true] {
        all.push(build(format!("readout differential={differential}"), 16.0, |c| {
            let s = c.given(Shape::real(&[6]), powers(1, 6 * super::case::BATCH));
            let z = c.b.emit(Op::Readout(Readout { differential }), &[s])?;
            c.compare(z);
            Ok(())
        }));
        all.push(build(format!("readout_adjoint differential={differential}"), 32.0, |c| {
            let s = c.given(Shape::real(&[6]), powers(1, 6 * super::case::BATCH));
            let g = c.sample(Shape::real(&[if differential { 3 } else { 6 }]));
            let back = c.b.emit(Op::ReadoutAdjoint(ReadoutAdjoint { differential }), &[s, g])?;
            c.compare(back);
            Ok(())
        }));
    }
    all
}
