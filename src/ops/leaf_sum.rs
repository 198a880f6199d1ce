//! y = Σ over leaves, by the tree ((l0 + l1) + (l2 + l3)) + ... that depends on their number
//! alone, so that the sum has the same bits on any number of threads.

use super::case::{Case, build};
use super::kernel::{Cost, CpuCompile, CpuKernel, GpuKernel, Word, each};
use super::{Op, Primitive, reals};
use crate::error::{Error, Result};
use crate::math::lanes::Isa;
use crate::math::scalar::Scalar;
use crate::program::{Domain, Kind, Leaves, Shape, Slot};

#[derive(Debug, Clone)]
pub struct LeafSum;

/// Elements that are summed side by side: eight pairs of them stay in the first cache level.
const CHUNK: usize = 512;

/// Sums a `[leaves, y.len()]` array over its leaves.
fn tree<T: Scalar>(isa: Isa, all: &[T], y: &mut [T], parallel: bool) {
    let (n, leaves) = (y.len(), all.len() / y.len());
    each(parallel, y.chunks_mut(CHUNK).enumerate(), |(c, y)| {
        isa.run(
            #[inline(always)]
            || {
                let leaf = |l: usize| &all[l * n + c * CHUNK..][..y.len()];
                let mut sums = [[T::zero(); CHUNK]; Leaves::MOST / 2];
                let pairs = leaves.div_ceil(2);
                for (p, sums) in sums.iter_mut().take(pairs).enumerate() {
                    if 2 * p + 1 < leaves {
                        let terms = leaf(2 * p).iter().zip(leaf(2 * p + 1));
                        sums.iter_mut().zip(terms).for_each(|(s, (&a, &b))| *s = a + b);
                    } else {
                        sums[..y.len()].copy_from_slice(leaf(2 * p));
                    }
                }
                let mut stride = 1;
                while stride < pairs {
                    for p in (0..pairs - stride).step_by(2 * stride) {
                        let (low, high) = sums.split_at_mut(p + stride);
                        low[p].iter_mut().zip(&high[0]).for_each(|(a, b)| *a += *b);
                    }
                    stride *= 2;
                }
                y.copy_from_slice(&sums[0][..y.len()]);
            },
        );
    });
}

impl Primitive for LeafSum {
    const NAME: &'static str = "leaf_sum";

    fn shape(&self, inputs: &[&Slot]) -> Result<Shape> {
        if inputs.len() != 1 || inputs[0].domain != Domain::Leaf {
            return Err(Error::Shape { op: Self::NAME, what: "takes one per-leaf slot".into() });
        }
        Ok(inputs[0].shape.clone())
    }

    fn cpu<T: Scalar>(&self, inputs: &[&Slot], compile: &mut CpuCompile<T>) -> CpuKernel<T> {
        let (isa, real) = (compile.isa, inputs[0].shape.kind == Kind::Real);
        CpuKernel::new(move |io| {
            let (all, y) = (io.inputs[0], &mut io.outputs[0]);
            if real {
                tree(isa, all.real(), y.real(), io.parallel);
            } else {
                let all: &[T] = bytemuck::cast_slice(all.complex());
                tree(isa, all, bytemuck::cast_slice_mut(y.complex()), io.parallel);
            }
        })
    }

    fn gpu(&self, inputs: &[&Slot]) -> GpuKernel {
        GpuKernel::pointwise(Self::NAME, reals(inputs[0])).word("leaves", Word::Leaves)
    }

    fn cost(&self, inputs: &[&Slot]) -> Cost {
        let n = inputs[0].shape.len();
        Cost::new(Leaves::MOST * n, (Leaves::MOST + 1) * n)
    }
}

pub fn cases() -> Vec<Case> {
    vec![build("leaf_sum", 8.0, |c| {
        // Twelve leaves (35 samples by threes): not a power of two.
        debug_assert_eq!(Leaves::of(super::case::BATCH).count, 12);
        let shape = Shape::complex(&[11]);
        let (y, g) = (c.sample(shape.clone()), c.sample(shape));
        let sum = c.b.leaf("sum".into(), Shape::real(&[11]));
        c.b.emit_into(Op::GradSum(super::grad_sum::GradSum::Phase), &[y, g], &[sum])?;
        c.compare_leaf(sum)
    })]
}

#[cfg(test)]
mod tests {
    use super::Leaves;
    use crate::backend::gpu::shaders;

    #[test]
    fn the_shader_holds_all_leaves() {
        let wanted = format!("const MOST: u32 = {}u;", Leaves::MOST);
        assert!(shaders::file("leaf_sum.wgsl").is_some_and(|text| text.contains(&wanted)));
    }
}
