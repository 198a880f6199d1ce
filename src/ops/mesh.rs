//! y = M_D … M_1 x: vectors through the columns of a mesh, its cells on pairs of guides.
//!
//! x, y `[.., guides]`; cells `[cells, 4]`, row-major 2 x 2 each, in order of passage, shared by all
//! samples or, where noise asks for it, each sample's own; `table`
//! holds where each column starts and the guides of each cell; `passing` the amplitude of guides
//! without a cell, `[depth, guides]`, or one number where none loses light. Adjoint: M_1^H … M_D^H g.
//! Gradient of a cell: dL/dT = g conj(x) of its two guides. The light before each cell is found by
//! going back from y by the inverses of the cells, which are as well conditioned as their losses
//! are alike.

use std::sync::Arc;

use num_complex::Complex;

use super::kernel::{Cost, CpuCompile, CpuKernel, GpuKernel, Grid, Io, each};
use super::mesh_cells::MeshInverse;
use super::{Op, Primitive, expect};
use crate::error::{Error, Result};
use crate::math::scalar::Scalar;
use crate::program::adjoint::Adjoint;
use crate::program::{Domain, Kind, Node, Shape, Slot};

mod cases;
mod columns;
pub(super) mod plain;

pub use cases::cases;
pub(super) use cases::{brick, cells_of};
pub use columns::Columns;

/// Complex numbers of workgroup memory (16 KiB).
pub(super) const WORKGROUP: usize = 2048;
/// Threads of a workgroup.
const THREADS: usize = 256;
/// Vectors that a thread holds.
const VECTORS_HELD: usize = 8;
/// Vectors that share a workgroup at most.
pub(super) const MOST_VECTORS: usize = 64;
/// Tasks that the vectors of one copy are dealt to.
const TASKS: usize = 16;

#[derive(Debug, Clone)]
pub struct Mesh {
    pub columns: Arc<Columns>,
    /// M^H, from the last column to the first.
    pub adjoint: bool,
}

/// From y and its gradient: dL/dT of every cell, one sum a leaf, and the gradient of x.
#[derive(Debug, Clone)]
pub struct MeshAdjoint {
    pub columns: Arc<Columns>,
    /// Of a mesh that runs once: its vectors are dealt to the leaves.
    pub once: bool,
}

/// Whether each sample has cells of its own.
pub(super) fn has_own(cells: &Slot) -> bool {
    cells.domain == Domain::Sample
}

/// The cells of a sample, `len` of them, of which there is one copy or one a sample.
pub(super) fn copy<T>(cells: &[T], len: usize, sample: usize) -> &[T] {
    if cells.len() == len { cells } else { &cells[sample * len..][..len] }
}

/// Going back through cells of each sample's own, whose gradients are too.
fn back_of_own<T: Scalar>(columns: Arc<Columns>, vectors: usize) -> CpuKernel<T> {
    let table = 4 * columns.pairs.len();
    CpuKernel::new(move |io: &mut Io<'_, T>| {
        let of = |n: usize| io.inputs[n].complex();
        let (y, cells, inverse) = (of(0), of(2), of(3));
        let (count, g) = (io.count, of(1));
        let [sums, gx] = io.outputs else { unreachable!("a mesh's adjoint has two outputs") };
        let (sums, gx) = (sums.complex(), gx.complex());
        gx.copy_from_slice(g);
        sums.fill(Complex::new(T::zero(), T::zero()));
        for sample in 0..count {
            let tables = [cells, inverse].map(|all| copy(all, table, sample));
            let sums = &mut sums[sample * table..][..table];
            let here = sample * vectors..(sample + 1) * vectors;
            let pairs = y[here.clone()].chunks_exact(columns.guides);
            for (y, g) in pairs.zip(gx[here].chunks_exact_mut(columns.guides)) {
                plain::back(&columns, y.to_vec(), g, tables, sums);
            }
        }
    })
}

impl Primitive for Mesh {
    const NAME: &'static str = "mesh";
    const WIDE: bool = true;

    fn shape(&self, inputs: &[&Slot]) -> Result<Shape> {
        expect(Self::NAME, inputs, &[Kind::Complex, Kind::Complex, Kind::Index, Kind::Real])?;
        self.columns.check(Self::NAME, inputs[0], inputs[1])?;
        Ok(inputs[0].shape.clone())
    }

    fn adjoint(&self, walk: &mut Adjoint, node: &Node) -> Result<()> {
        let g = walk.incoming(node)?;
        let ([x, cells, table, passing], y) =
            ([node.inputs[0], node.inputs[1], node.inputs[2], node.inputs[3]], node.outputs[0]);
        if !walk.is_active(cells) {
            let op = Self { adjoint: !self.adjoint, ..self.clone() };
            let gx = walk.emit(Op::Mesh(op), &[g, cells, table, passing])?;
            return walk.contribute(x, gx);
        }
        if self.adjoint {
            return Err(Error::NoAdjoint { op: Self::NAME });
        }
        let once = walk.builder().slot(y).domain == Domain::Once;
        let table_of = walk.builder().slot(cells).clone();
        let own = table_of.domain == Domain::Sample;
        let inverse = if self.columns.unitary {
            cells
        } else {
            walk.emit(Op::MeshInverse(MeshInverse), &[cells])?
        };
        let sums = if own {
            walk.builder().temp("grad.cells".into(), table_of.shape, Domain::Sample)
        } else if once {
            walk.builder().leaf("grad.cells.leaf".into(), table_of.shape)
        } else {
            walk.leaf(cells)
        };
        let like = walk.builder().slot(x).clone();
        let gx = walk.builder().temp("grad.mesh".into(), like.shape, like.domain);
        let op = MeshAdjoint { columns: Arc::clone(&self.columns), once };
        let inputs = [y, g, cells, inverse, table, passing];
        walk.builder().emit_all(Op::MeshAdjoint(op), &inputs, &[sums, gx])?;
        if own {
            walk.contribute(cells, sums)?;
        } else if once {
            let total = walk.emit(Op::LeafSum(super::leaf_sum::LeafSum), &[sums])?;
            walk.contribute(cells, total)?;
        }
        if walk.is_active(x) {
            walk.contribute(x, gx)?;
        }
        Ok(())
    }

    fn cpu<T: Scalar>(&self, inputs: &[&Slot], compile: &mut CpuCompile<T>) -> CpuKernel<T> {
        let (columns, adjoint) = (Arc::clone(&self.columns), self.adjoint);
        if !T::LANES || has_own(inputs[1]) {
            let vectors = inputs[0].shape.len();
            let table = inputs[1].shape.len();
            return CpuKernel::new(move |io: &mut Io<'_, T>| {
                let y = io.outputs[0].complex();
                y.copy_from_slice(io.inputs[0].complex());
                let cells = io.inputs[1].complex();
                for (sample, vectors) in y.chunks_exact_mut(vectors).enumerate() {
                    let cells = copy(cells, table, sample);
                    for vector in vectors.chunks_exact_mut(columns.guides) {
                        plain::through(&columns, vector, cells, adjoint);
                    }
                }
            });
        }
        let plan = columns.plan(compile.isa);
        let (guides, state) = (columns.guides, plan.state_len());
        let run = move |io: &mut Io<'_, T>| {
            let x: &[Complex<f32>] = bytemuck::cast_slice(io.inputs[0].complex());
            let cells: &[f32] = bytemuck::cast_slice(io.inputs[1].complex());
            let y: &mut [Complex<f32>] = bytemuck::cast_slice_mut(io.outputs[0].complex());
            let block = plan.lanes() * guides;
            let one = |(x, y): (&[Complex<f32>], &mut [Complex<f32>]), state: &mut [f32]| {
                plan.load(x, state);
                plan.through(state, cells, adjoint);
                plan.store(state, y);
            };
            let scratch: &mut [f32] = bytemuck::cast_slice_mut(io.scratch);
            let tasks = if io.parallel { TASKS } else { 1 };
            let share = x.len().div_ceil(block).div_ceil(tasks).max(1) * block;
            let shares = x.chunks(share).zip(y.chunks_mut(share)).zip(scratch.chunks_mut(state));
            each(io.parallel, shares, |((x, y), state)| {
                x.chunks(block).zip(y.chunks_mut(block)).for_each(|pair| one(pair, state));
            });
        };
        CpuKernel::new(run).scratch(TASKS * state / 2)
    }

    fn gpu(&self, inputs: &[&Slot]) -> GpuKernel {
        let vectors = inputs[0].shape.len() / self.columns.guides;
        let own = has_own(inputs[1]);
        if let Some(kernel) = self.columns.in_registers(vectors, self.adjoint).filter(|_| !own) {
            return kernel;
        }
        let group = if own { 1 } else { (WORKGROUP / self.columns.guides).clamp(1, MOST_VECTORS) };
        let entry = if self.adjoint { "mesh_reversed" } else { Self::NAME };
        let mut kernel = self.columns.kernel(entry, vectors, group, [false, own]);
        kernel.grid = Grid::Shared { per_copy: vectors, group };
        kernel
    }

    fn cost(&self, inputs: &[&Slot]) -> Cost {
        let vectors = inputs[0].shape.len() / self.columns.guides;
        Cost::new(28 * self.columns.pairs.len() * vectors, 4 * inputs[0].shape.len())
    }
}

impl Primitive for MeshAdjoint {
    const NAME: &'static str = "mesh_adjoint";
    const WIDE: bool = true;

    fn shape(&self, inputs: &[&Slot]) -> Result<Shape> {
        let [c, i, r] = [Kind::Complex, Kind::Index, Kind::Real];
        expect(Self::NAME, inputs, &[c, c, c, c, i, r])?;
        self.columns.check(Self::NAME, inputs[0], inputs[2])?;
        if self.columns.guides > WORKGROUP / 2 {
            let what = format!(
                "{} guides; a mesh is trained with at most {}",
                self.columns.guides,
                WORKGROUP / 2
            );
            return Err(Error::Shape { op: Self::NAME, what });
        }
        Ok(inputs[2].shape.clone())
    }

    fn cpu<T: Scalar>(&self, inputs: &[&Slot], compile: &mut CpuCompile<T>) -> CpuKernel<T> {
        let columns = Arc::clone(&self.columns);
        if has_own(inputs[2]) {
            return back_of_own(columns, inputs[0].shape.len());
        }
        let guides = columns.guides;
        let reals = 8 * columns.pairs.len();
        let plan = columns.plan(compile.isa);
        let (state, lanes) = (plan.state_len(), plan.lanes());
        // Vectors of one leaf, in order.
        let one = move |[y, g]: [&[Complex<T>]; 2],
                        [cells, inverse]: [&[Complex<T>]; 2],
                        sums: &mut [Complex<T>],
                        gx: &mut [Complex<T>],
                        scratch: &mut [Complex<T>]| {
            if !T::LANES {
                gx.copy_from_slice(g);
                for (y, g) in y.chunks_exact(guides).zip(gx.chunks_exact_mut(guides)) {
                    plain::back(&columns, y.to_vec(), g, [cells, inverse], sums);
                }
                return;
            }
            let [y, g]: [&[Complex<f32>]; 2] = [bytemuck::cast_slice(y), bytemuck::cast_slice(g)];
            let [cells, inverse]: [&[f32]; 2] =
                [bytemuck::cast_slice(cells), bytemuck::cast_slice(inverse)];
            let inverse = (!columns.unitary).then_some(inverse);
            let sums: &mut [f32] = bytemuck::cast_slice_mut(sums);
            let gx: &mut [Complex<f32>] = bytemuck::cast_slice_mut(gx);
            let scratch: &mut [f32] = bytemuck::cast_slice_mut(scratch);
            let (x, back) = scratch[..2 * state].split_at_mut(state);
            let block = plan.lanes() * guides;
            for ((y, g), gx) in y.chunks(block).zip(g.chunks(block)).zip(gx.chunks_mut(block)) {
                plan.load(y, x);
                plan.load(g, back);
                plan.back([x, back], cells, inverse, sums);
                plan.store(back, gx);
            }
        };
        let once = self.once;
        let run = move |io: &mut Io<'_, T>| {
            let of = |n: usize| io.inputs[n].complex();
            let ([y, g], tables) = ([of(0), of(1)], [of(2), of(3)]);
            let [sums, gx] = io.outputs else { unreachable!("a mesh's adjoint has two outputs") };
            let (sums, gx) = (sums.complex(), gx.complex());
            if !once {
                one([y, g], tables, sums, gx, io.scratch);
                return;
            }
            let leaf = reals / 2;
            let leaves = sums.len() / leaf;
            // Full lanes first: where there are few vectors, some leaves get none.
            let share = (y.len() / guides).div_ceil(leaves).next_multiple_of(lanes) * guides;
            let zero = Complex::new(T::zero(), T::zero());
            each(io.parallel, sums.chunks_mut(leaf), |sums| sums.fill(zero));
            let vectors = y.chunks(share).zip(g.chunks(share)).zip(gx.chunks_mut(share));
            let room = sums.chunks_mut(leaf).zip(io.scratch.chunks_mut(state));
            each(io.parallel, vectors.zip(room), |(((y, g), gx), (sums, memory))| {
                one([y, g], tables, sums, gx, memory);
            });
        };
        CpuKernel::new(run).scratch(TASKS * state)
    }

    fn gpu(&self, inputs: &[&Slot]) -> GpuKernel {
        let vectors = inputs[0].shape.len() / self.columns.guides;
        let own = has_own(inputs[2]);
        if let Some(kernel) = self.columns.back_in_registers(vectors, self.once).filter(|_| !own) {
            return kernel;
        }
        let group = (WORKGROUP / 2 / self.columns.guides).clamp(1, MOST_VECTORS);
        self.columns.kernel(Self::NAME, vectors, group, [self.once, own]).groups(1)
    }

    fn cost(&self, inputs: &[&Slot]) -> Cost {
        let vectors = inputs[0].shape.len() / self.columns.guides;
        let cells = self.columns.pairs.len();
        Cost::new(88 * cells * vectors, 6 * inputs[0].shape.len() + 16 * cells)
    }
}
