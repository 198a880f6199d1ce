//! p_φ = |x_a|², p_θ = |(A x)_0|²: powers at the shifters of a mesh while light passes it.
//!
//! x `[.., guides]`; cells and A `[cells, 4]`, row-major 2 x 2 each; p_φ and p_θ `[.., cells]`, read on
//! the upper guide a before each cell, its losses not yet taken, and on the upper arm beside θ; where
//! θ drives both arms, half the difference of their powers. `reversed` light comes in behind the mesh
//! and passes it by conjugate transposes: A then takes the light behind a cell to its arms. Light that
//! is sent back into a reciprocal chip is the conjugate of that, and has the same powers.
//!
//! Not differentiable: they are what gradients are measured with.

use std::sync::Arc;

use num_complex::Complex;

use super::case::{Case, CaseBuilder, build};
use super::kernel::{Cost, CpuCompile, CpuKernel, GpuKernel, Grid, Io, Word};
use super::mesh::{Columns, MOST_VECTORS, WORKGROUP, brick, cells_of, copy, has_own, plain};
use super::{Op, Primitive, expect};
use crate::error::{Error, Result};
use crate::math::scalar::Scalar;
use crate::program::{Builder, Kind, Shape, Slot, SlotId};

#[derive(Debug, Clone)]
pub struct MeshPowers {
    pub columns: Arc<Columns>,
    pub reversed: bool,
    /// θ drives both arms.
    pub both_arms: bool,
}

impl MeshPowers {
    /// Emits the powers at φ and at θ of `x`.
    pub fn emit(
        self,
        b: &mut Builder,
        x: SlotId,
        cells: SlotId,
        arms: SlotId,
    ) -> Result<[SlotId; 2]> {
        let vectors = b.slot(x).shape.len() / self.columns.guides;
        let domain = b.slot(x).domain;
        let powers = ["phi", "theta"].map(|at| {
            let shape = Shape::real(&[vectors, self.columns.pairs.len()]);
            b.temp(format!("{}.power.{at}", self.columns.name), shape, domain)
        });
        let [table, passing] = self.columns.operands(b);
        b.emit_all(Op::MeshPowers(self), &[x, cells, arms, table, passing], &powers)?;
        Ok(powers)
    }
}

impl Primitive for MeshPowers {
    const NAME: &'static str = "mesh_powers";
    const WIDE: bool = true;

    fn shape(&self, inputs: &[&Slot]) -> Result<Shape> {
        let c = Kind::Complex;
        expect(Self::NAME, inputs, &[c, c, c, Kind::Index, Kind::Real])?;
        self.columns.check(Self::NAME, inputs[0], inputs[1])?;
        self.columns.check(Self::NAME, inputs[0], inputs[2])?;
        if inputs[1].domain != inputs[2].domain {
            let what = "cells and arms are both each sample's own, or neither".into();
            return Err(Error::Shape { op: Self::NAME, what });
        }
        let vectors = inputs[0].shape.len() / self.columns.guides;
        Ok(Shape::real(&[vectors, self.columns.pairs.len()]))
    }

    fn cpu<T: Scalar>(&self, inputs: &[&Slot], compile: &mut CpuCompile<T>) -> CpuKernel<T> {
        let op = self.clone();
        let (guides, count) = (op.columns.guides, op.columns.pairs.len());
        if !T::LANES || has_own(inputs[1]) {
            let vectors = inputs[0].shape.len() / guides;
            return CpuKernel::new(move |io: &mut Io<'_, T>| {
                let tables = [1, 2].map(|n| io.inputs[n].complex());
                let [phi, theta] = io.outputs else { unreachable!("two shifters a cell") };
                let powers =
                    phi.real().chunks_exact_mut(count).zip(theta.real().chunks_exact_mut(count));
                let all = io.inputs[0].complex().chunks_exact(guides).zip(powers);
                for (n, (x, powers)) in all.enumerate() {
                    let tables = tables.map(|all| copy(all, 4 * count, n / vectors));
                    plain::powers(&op, &mut x.to_vec(), tables, [powers.0, powers.1]);
                }
            });
        }
        let plan = op.columns.plan(compile.isa);
        let state = plan.state_len();
        let run = move |io: &mut Io<'_, T>| {
            let x: &[Complex<f32>] = bytemuck::cast_slice(io.inputs[0].complex());
            let tables: [&[f32]; 2] = [1, 2].map(|n| bytemuck::cast_slice(io.inputs[n].complex()));
            let [phi, theta] = io.outputs else { unreachable!("two shifters a cell") };
            let phi: &mut [f32] = bytemuck::cast_slice_mut(phi.real());
            let theta: &mut [f32] = bytemuck::cast_slice_mut(theta.real());
            let scratch: &mut [f32] = bytemuck::cast_slice_mut(io.scratch);
            let block = plan.lanes() * count;
            let powers = phi.chunks_mut(block).zip(theta.chunks_mut(block));
            for (x, (phi, theta)) in x.chunks(plan.lanes() * guides).zip(powers) {
                let state = &mut scratch[..state];
                plan.load(x, state);
                plan.powers(state, tables, [phi, theta], (op.reversed, op.both_arms));
            }
        };
        CpuKernel::new(run).scratch(state / 2)
    }

    fn gpu(&self, inputs: &[&Slot]) -> GpuKernel {
        let vectors = inputs[0].shape.len() / self.columns.guides;
        let own = has_own(inputs[1]);
        let group = if own { 1 } else { (WORKGROUP / self.columns.guides).clamp(1, MOST_VECTORS) };
        let flag = |on: bool| Word::U32(u32::from(on));
        let number = |n: usize| Word::U32(n as u32);
        let mut kernel = GpuKernel::pointwise(Self::NAME, vectors * self.columns.guides)
            .word("guides", number(self.columns.guides))
            .word("depth", number(self.columns.starts.len() - 1))
            .word("cells", number(self.columns.pairs.len()))
            .word("vectors", number(vectors))
            .word("lossy_guides", flag(self.columns.passing.is_some()))
            .word("group", number(group))
            .word("reversed", flag(self.reversed))
            .word("both_arms", flag(self.both_arms))
            .word("own", flag(own));
        kernel.grid = Grid::Shared { per_copy: vectors, group };
        kernel
    }

    fn cost(&self, inputs: &[&Slot]) -> Cost {
        let vectors = inputs[0].shape.len() / self.columns.guides;
        let cells = self.columns.pairs.len();
        Cost::new(48 * cells * vectors, 2 * inputs[0].shape.len() + 2 * cells * vectors)
    }
}

pub fn cases() -> Vec<Case> {
    let mut all = Vec::new();
    for (guides, depth, vectors, loss, own) in [
        (2, 1, 1, 1.0, false),
        (7, 7, 3, 0.9, false),
        (37, 12, 1, 1.0, false),
        (7, 7, 3, 0.9, true),
    ] {
        for (reversed, both_arms) in [(false, false), (true, false), (false, true), (true, true)] {
            let name = format!(
                "mesh_powers {guides} x {depth}, {vectors} vectors, own={own} reversed={reversed} both={both_arms}"
            );
            let lossy = loss < 1.0;
            let columns = Arc::new(brick("brick", guides, depth, lossy.then_some(0.95), !lossy));
            let op = MeshPowers { columns: Arc::clone(&columns), reversed, both_arms };
            all.push(build(name, 16.0 * depth as f64, |c: &mut CaseBuilder| {
                let cells = cells_of(c, columns.pairs.len(), loss, own)?[2];
                let shape = Shape::complex(&[columns.pairs.len(), 4]);
                let arms = if own { c.sample(shape) } else { c.constant(shape) };
                let x = c.sample(Shape::complex(&[vectors, guides]));
                for powers in op.emit(&mut c.b, x, cells, arms)? {
                    c.compare(powers);
                }
                Ok(())
            }));
        }
    }
    all
}
