//! y = Σ over leaves, by the tree ((l0 + l1) + (l2 + l3)) + ... that depends on their number
//! alone, so that the sum has the same bits on any number of threads.

use num_complex::Complex;

use super::case::{Case, build};
use super::kernel::{Cost, CpuCompile, CpuKernel, GpuKernel, Word};
use super::{Op, Primitive};
use crate::error::{Error, Result};
use crate::math::scalar::Scalar;
use crate::program::{Domain, Kind, Leaves, Shape, Slot};

#[derive(Debug, Clone)]
pub struct LeafSum;

/// Most leaves of a batch ([`Leaves::of`]).
const MOST: usize = 16;

/// Sums a `[leaves, y.len()]` array over its leaves.
fn tree<T: Copy + std::ops::Add<Output = T>>(all: &[T], y: &mut [T]) {
    let (n, leaves) = (y.len(), all.len() / y.len());
    for (e, y) in y.iter_mut().enumerate() {
        let mut values = [all[e]; MOST];
        for l in 1..leaves {
            values[l] = all[l * n + e];
        }
        let mut stride = 1;
        while stride < leaves {
            for l in (0..leaves - stride).step_by(2 * stride) {
                values[l] = values[l] + values[l + stride];
            }
            stride *= 2;
        }
        *y = values[0];
    }
}

impl Primitive for LeafSum {
    const NAME: &'static str = "leaf_sum";

    fn shape(&self, inputs: &[&Slot]) -> Result<Shape> {
        if inputs.len() != 1 || inputs[0].domain != Domain::Leaf {
            return Err(Error::Shape { op: Self::NAME, what: "takes one per-leaf slot".into() });
        }
        Ok(inputs[0].shape.clone())
    }

    fn cpu<T: Scalar>(&self, inputs: &[&Slot], _: &mut CpuCompile<T>) -> CpuKernel<T> {
        if inputs[0].shape.kind == Kind::Real {
            CpuKernel::new(|io| tree(io.inputs[0].real(), io.outputs[0].real()))
        } else {
            CpuKernel::new(|io| tree::<Complex<T>>(io.inputs[0].complex(), io.outputs[0].complex()))
        }
    }

    fn gpu(&self, inputs: &[&Slot]) -> GpuKernel {
        // A complex number is two reals here.
        let reals = inputs[0].shape.len() * if inputs[0].shape.kind == Kind::Real { 1 } else { 2 };
        GpuKernel::pointwise(Self::NAME, reals).word("leaves", Word::Leaves)
    }

    fn cost(&self, inputs: &[&Slot]) -> Cost {
        let n = inputs[0].shape.len();
        Cost::new(MOST * n, (MOST + 1) * n)
    }
}

pub fn cases() -> Vec<Case> {
    vec![build("leaf_sum", 8.0, |c| {
        // Ten leaves (19 samples by twos): not a power of two.
        debug_assert_eq!(Leaves::of(super::case::BATCH).count, 10);
        let shape = Shape::complex(&[11]);
        let (y, g) = (c.sample(shape.clone()), c.sample(shape));
        let sum = c.b.leaf("sum".into(), Shape::real(&[11]));
        c.b.emit_into(Op::GradSum(super::grad_sum::GradSum::Phase), &[y, g], &[sum])?;
        c.compare_leaf(sum)
    })]
}
