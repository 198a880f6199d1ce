//! y = measured, whose adjoint goes to the model: what a device shows in place of what its twin
//! computes, the heart of physics-aware training (Wright 2022, Nature 601, 549).
//!
//! Adjoint: g_model = s g, s = |measured| / |model|, |·| the sum of powers, or the length of a field
//! (√Σ|E|²). To first order a device that loses light shows s times its twin, and so do its slopes:
//! with s = 1 a gradient on shares, which goes as 1 / |measured|, is too long by 1 / s. In Wright's
//! own examples s is 1 but for the model's error. Of a model that is the device, s = 1 exactly.

use num_complex::Complex;

use super::case::{BATCH, Case, build, reals as reals_of};
use super::kernel::{Cost, CpuCompile, CpuKernel, GpuKernel, Word};
use super::{Op, Primitive, expect, planar, reals, same_len};
use crate::error::Result;
use crate::math::scalar::Scalar;
use crate::program::adjoint::Adjoint;
use crate::program::{Data, Domain, Kind, Node, Shape, Slot};

/// Operands: model, measured.
#[derive(Debug, Clone)]
pub struct Graft;

/// Operands: x, a, b -> x |a| / |b|; x where b is dark. Adjoint: g |a| / |b|, the factor given.
#[derive(Debug, Clone)]
pub struct Rescale;

impl Primitive for Graft {
    const NAME: &'static str = "graft";

    fn shape(&self, inputs: &[&Slot]) -> Result<Shape> {
        let kind = inputs.first().map_or(Kind::Real, |s| s.shape.kind);
        expect(Self::NAME, inputs, &[kind; 2])?;
        same_len(Self::NAME, inputs[0], inputs[1])?;
        Ok(inputs[0].shape.clone())
    }

    fn adjoint(&self, walk: &mut Adjoint, node: &Node) -> Result<()> {
        let (model, measured) = (node.inputs[0], node.inputs[1]);
        if !walk.is_active(model) {
            return Ok(());
        }
        let g = walk.incoming(node)?;
        let back = walk.emit(Op::Rescale(Rescale), &[g, measured, model])?;
        walk.contribute(model, back)
    }

    fn cpu<T: Scalar>(&self, inputs: &[&Slot], _: &mut CpuCompile<T>) -> CpuKernel<T> {
        let real = inputs[1].shape.kind == Kind::Real;
        CpuKernel::new(move |io| {
            if real {
                let from: &[T] = io.inputs[1].real();
                io.outputs[0].real().copy_from_slice(from);
            } else {
                let from: &[Complex<T>] = io.inputs[1].complex();
                io.outputs[0].complex().copy_from_slice(from);
            }
        })
    }

    fn gpu(&self, inputs: &[&Slot]) -> GpuKernel {
        let field = inputs[0].shape.kind == Kind::Complex;
        let entry = if field { "graft_field" } else { Self::NAME };
        GpuKernel::pointwise(Self::NAME, inputs[0].shape.len()).entry(entry)
    }

    fn cost(&self, inputs: &[&Slot]) -> Cost {
        Cost::new(0, 2 * reals(inputs[0]))
    }
}

impl Primitive for Rescale {
    const NAME: &'static str = "rescale";

    fn shape(&self, inputs: &[&Slot]) -> Result<Shape> {
        let kind = inputs.first().map_or(Kind::Real, |s| s.shape.kind);
        expect(Self::NAME, inputs, &[kind; 3])?;
        same_len(Self::NAME, inputs[0], inputs[1])?;
        same_len(Self::NAME, inputs[0], inputs[2])?;
        Ok(inputs[0].shape.clone())
    }

    fn adjoint(&self, walk: &mut Adjoint, node: &Node) -> Result<()> {
        let g = walk.incoming(node)?;
        let back = walk.emit(Op::Rescale(Self), &[g, node.inputs[1], node.inputs[2]])?;
        walk.contribute(node.inputs[0], back)
    }

    fn cpu<T: Scalar>(&self, inputs: &[&Slot], compile: &mut CpuCompile<T>) -> CpuKernel<T> {
        let real = inputs[0].shape.kind == Kind::Real;
        let width = compile.width(inputs[0]);
        let places = [1, 2].map(|i| compile.arrangement.places(&inputs[i].shape));
        CpuKernel::new(move |io| {
            let size = |i: usize| -> T {
                let places = places[i - 1].iter().map(|&at| at as usize);
                if real {
                    let powers: &[T] = io.inputs[i].real();
                    return places.map(|at| powers[at]).sum();
                }
                let field: &[T] = bytemuck::cast_slice(io.inputs[i].complex());
                places.map(|at| planar::get(field, at, width).norm_sqr()).sum::<T>().sqrt()
            };
            let (a, b) = (size(1), size(2));
            let by = if b == T::zero() { T::one() } else { a / b };
            if real {
                let x = io.inputs[0].real();
                io.outputs[0].real().iter_mut().zip(x).for_each(|(y, &x)| *y = by * x);
            } else {
                let x = io.inputs[0].complex();
                planar::map2(io.outputs[0].complex(), x, x, width, |x, _| x.scale(by));
            }
        })
    }

    fn gpu(&self, inputs: &[&Slot]) -> GpuKernel {
        let field = inputs[0].shape.kind == Kind::Complex;
        let entry = if field { "rescale_field" } else { Self::NAME };
        let copies = |slot: &Slot| Word::U32(u32::from(slot.domain == Domain::Sample));
        GpuKernel::pointwise(Self::NAME, inputs[0].shape.len())
            .entry(entry)
            .groups(1)
            .word("x_copies", copies(inputs[0]))
            .word("a_copies", copies(inputs[1]))
            .word("b_copies", copies(inputs[2]))
    }

    fn cost(&self, inputs: &[&Slot]) -> Cost {
        let n = reals(inputs[0]);
        Cost::new(5 * n, 4 * n)
    }
}

pub fn cases() -> Vec<Case> {
    [Shape::real(&[11]), Shape::complex(&[4, 3])]
        .map(|shape| {
            build(format!("graft {:?}", shape.kind), 1.0, |c| {
                let (model, measured) = (c.sample(shape.clone()), c.sample(shape));
                let y = c.b.emit(Op::Graft(Graft), &[model, measured])?;
                c.compare(y);
                Ok(())
            })
        })
        .into_iter()
        .chain([Shape::real(&[300]), Shape::complex(&[20, 15])].map(rescaled))
        .collect()
}

/// Of a field, or of powers, which are positive; and these brought to a sum that all samples share.
fn rescaled(shape: Shape) -> Case {
    // Two sums of 300 terms and their ratio.
    build(format!("rescale {:?}", shape.kind), 64.0, |c| {
        if shape.kind == Kind::Complex {
            let (x, a, b) = (c.sample(shape.clone()), c.sample(shape.clone()), c.sample(shape));
            let y = c.b.emit(Op::Rescale(Rescale), &[x, a, b])?;
            c.compare(y);
            return Ok(());
        }
        let n = shape.len();
        let powers = |salt| Data::Real(reals_of(salt, n * BATCH).iter().map(|r| 1.5 + r).collect());
        let (x, b) = (c.sample(shape.clone()), c.given(shape.clone(), powers(2)));
        let a = c.given(shape.clone(), powers(1));
        let one = c.b.constant("rescale.one", shape, || Data::Real(vec![1.0; n]));
        for (x, a, b) in [(x, a, b), (b, one, b)] {
            let y = c.b.emit(Op::Rescale(Rescale), &[x, a, b])?;
            c.compare(y);
        }
        Ok(())
    })
}
