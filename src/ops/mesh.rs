//! y = M_D … M_1 x: vectors through the columns of a mesh, its cells on pairs of guides.
//!
//! x, y `[.., guides]`; cells `[cells, 4]`, row-major 2 x 2 each, in order of passage; `table`
//! holds where each column starts and the guides of each cell; `passing` the amplitude of guides
//! without a cell, `[depth, guides]`, or one number where none loses light. Adjoint: M_1^H … M_D^H g.
//! Gradient of a cell: dL/dT = g conj(x) of its two guides. The light before each cell is found by
//! going back from y by the inverses of the cells, which are as well conditioned as their losses
//! are alike.

use std::sync::Arc;

use num_complex::Complex;
use rayon::prelude::*;

use super::case::{Case, CaseBuilder, build};
use super::kernel::{Cost, CpuCompile, CpuKernel, GpuKernel, Grid, Io, Word};
use super::mesh_cells::MeshInverse;
use super::{Op, Primitive, expect};
use crate::error::{Error, Result};
use crate::math::lanes::MeshPlan;
use crate::math::scalar::Scalar;
use crate::program::adjoint::Adjoint;
use crate::program::{Builder, Data, Domain, Kind, Node, Shape, Slot, SlotId};

pub(super) mod plain;

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

/// Where the cells stand.
#[derive(Debug, Clone, PartialEq)]
pub struct Columns {
    /// Names the table's constants.
    pub name: String,
    pub guides: usize,
    /// First cell of each column, and their number `[depth + 1]`.
    pub starts: Vec<usize>,
    /// The two guides of each cell.
    pub pairs: Vec<[u32; 2]>,
    /// Amplitude of each guide in each column, 1 where it has a cell `[depth, guides]`; none where
    /// no guide loses light.
    pub passing: Option<Vec<f64>>,
    /// No cell loses light, so that conjugate transposes are inverses.
    pub unitary: bool,
}

impl Columns {
    fn depth(&self) -> usize {
        self.starts.len() - 1
    }

    /// `starts`, then `pairs`, and `passing`.
    pub(super) fn operands(&self, b: &mut Builder) -> [SlotId; 2] {
        let starts = self.starts.iter().map(|&s| s as u32);
        let table: Vec<u32> = starts.chain(self.pairs.iter().flatten().copied()).collect();
        let shape = Shape::index(&[table.len()]);
        let table = b.constant(&format!("{}.table", self.name), shape, || Data::Index(table));
        let passing = self.passing.clone().unwrap_or_else(|| vec![1.0]);
        let shape = Shape::real(&[passing.len()]);
        [table, b.constant(&format!("{}.passing", self.name), shape, || Data::Real(passing))]
    }

    /// Emits the passage of `x`.
    pub fn emit(self: &Arc<Self>, b: &mut Builder, x: SlotId, cells: SlotId) -> Result<SlotId> {
        self.pass(b, x, cells, false)
    }

    /// Emits the passage of `g` from behind, by conjugate transposes.
    pub fn emit_adjoint(
        self: &Arc<Self>,
        b: &mut Builder,
        g: SlotId,
        cells: SlotId,
    ) -> Result<SlotId> {
        self.pass(b, g, cells, true)
    }

    fn pass(
        self: &Arc<Self>,
        b: &mut Builder,
        x: SlotId,
        cells: SlotId,
        adjoint: bool,
    ) -> Result<SlotId> {
        let [table, passing] = self.operands(b);
        let op = Mesh { columns: Arc::clone(self), adjoint };
        b.emit(Op::Mesh(op), &[x, cells, table, passing])
    }

    /// The kernel `entry` for so many vectors a copy, `group` of them in a workgroup.
    pub(super) fn kernel(
        &self,
        entry: &'static str,
        vectors: usize,
        group: usize,
        once: bool,
    ) -> GpuKernel {
        let flag = |on: bool| Word::U32(u32::from(on));
        let number = |n: usize| Word::U32(n as u32);
        GpuKernel::pointwise(Mesh::NAME, vectors * self.guides)
            .entry(entry)
            .word("guides", number(self.guides))
            .word("depth", number(self.depth()))
            .word("cells", number(self.pairs.len()))
            .word("vectors", number(vectors))
            .word("lossy_guides", flag(self.passing.is_some()))
            .word("group", number(group))
            .word("unitary", flag(self.unitary))
            .word("once", flag(once))
            .word("leaves", Word::Leaves)
    }

    /// Whether the upper guide of a column's cells is odd, of the first column, where cells join
    /// neighbours and columns with even ones and with odd ones alternate.
    fn alternating(&self) -> Option<usize> {
        let parity = self.pairs.first()?[0] as usize % 2;
        let regular = self.starts.windows(2).enumerate().all(|(c, ends)| {
            let column = &self.pairs[ends[0]..ends[1]];
            let top = column.first().map_or(0, |pair| pair[0] as usize);
            let mut rows = column.iter().zip((top as u32..).step_by(2));
            !column.is_empty()
                && top % 2 == (c + parity) % 2
                && rows.all(|(pair, row)| *pair == [row, row + 1])
        });
        regular.then_some(parity)
    }

    /// The kernel that holds two guides of some vectors a thread.
    fn in_registers(&self, vectors: usize, reversed: bool) -> Option<GpuKernel> {
        let threads = self.guides.div_ceil(2);
        let parity = self.alternating().filter(|_| threads <= THREADS)?;
        let number = |n: usize| Word::U32(n as u32);
        let stem = "mesh_neighbours";
        let mut kernel = GpuKernel::pointwise(stem, vectors * self.guides)
            .entry(if reversed { "mesh_neighbours_reversed" } else { stem })
            .word("guides", number(self.guides))
            .word("depth", number(self.depth()))
            .word("vectors", number(vectors))
            .word("lossy_guides", Word::U32(u32::from(self.passing.is_some())))
            .word("threads", number(threads))
            .word("parity", number(parity));
        let group = THREADS / threads * VECTORS_HELD;
        kernel.grid = Grid::Shared { per_copy: vectors, group };
        Some(kernel)
    }

    /// The same for going back.
    fn back_in_registers(&self, vectors: usize, once: bool) -> Option<GpuKernel> {
        let parity = self.alternating().filter(|_| self.guides <= THREADS)?;
        let flag = |on: bool| Word::U32(u32::from(on));
        let number = |n: usize| Word::U32(n as u32);
        let kernel = GpuKernel::pointwise("mesh_neighbours_adjoint", vectors * self.guides)
            .word("guides", number(self.guides))
            .word("depth", number(self.depth()))
            .word("cells", number(self.pairs.len()))
            .word("vectors", number(vectors))
            .word("lossy_guides", flag(self.passing.is_some()))
            .word("unitary", flag(self.unitary))
            .word("once", flag(once))
            .word("leaves", Word::Leaves)
            .word("parity", number(parity));
        Some(kernel.groups(1))
    }

    pub(super) fn plan(&self, isa: crate::math::lanes::Isa) -> MeshPlan {
        MeshPlan::new(isa, self.guides, &self.starts, &self.pairs, self.passing.as_deref())
    }

    pub(super) fn check(&self, op: &'static str, x: &Slot, cells: &Slot) -> Result<()> {
        let whole = x.shape.len().is_multiple_of(self.guides);
        if whole && cells.shape.len() == 4 * self.pairs.len() {
            return Ok(());
        }
        let what = format!(
            "{} is {:?} and {} {:?}, for {} guides and {} cells",
            x.name,
            x.shape.dims,
            cells.name,
            cells.shape.dims,
            self.guides,
            self.pairs.len()
        );
        Err(Error::Shape { op, what })
    }
}

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
        let inverse = if self.columns.unitary {
            cells
        } else {
            walk.emit(Op::MeshInverse(MeshInverse), &[cells])?
        };
        let sums = if once {
            let shape = walk.builder().slot(cells).shape.clone();
            walk.builder().leaf("grad.cells.leaf".into(), shape)
        } else {
            walk.leaf(cells)
        };
        let like = walk.builder().slot(x).clone();
        let gx = walk.builder().temp("grad.mesh".into(), like.shape, like.domain);
        let op = MeshAdjoint { columns: Arc::clone(&self.columns), once };
        let inputs = [y, g, cells, inverse, table, passing];
        walk.builder().emit_all(Op::MeshAdjoint(op), &inputs, &[sums, gx])?;
        if once {
            let total = walk.emit(Op::LeafSum(super::leaf_sum::LeafSum), &[sums])?;
            walk.contribute(cells, total)?;
        }
        if walk.is_active(x) {
            walk.contribute(x, gx)?;
        }
        Ok(())
    }

    fn cpu<T: Scalar>(&self, _: &[&Slot], compile: &mut CpuCompile<T>) -> CpuKernel<T> {
        let (columns, adjoint) = (Arc::clone(&self.columns), self.adjoint);
        if !T::LANES {
            return CpuKernel::new(move |io: &mut Io<'_, T>| {
                let y = io.outputs[0].complex();
                y.copy_from_slice(io.inputs[0].complex());
                for vector in y.chunks_exact_mut(columns.guides) {
                    plain::through(&columns, vector, io.inputs[1].complex(), adjoint);
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
            if io.parallel {
                let share = x.len().div_ceil(block).div_ceil(TASKS).max(1) * block;
                let tasks = x.par_chunks(share).zip(y.par_chunks_mut(share));
                tasks.zip(scratch.par_chunks_mut(state)).for_each(|((x, y), state)| {
                    x.chunks(block).zip(y.chunks_mut(block)).for_each(|pair| one(pair, state));
                });
            } else {
                let pairs = x.chunks(block).zip(y.chunks_mut(block));
                pairs.for_each(|pair| one(pair, &mut scratch[..state]));
            }
        };
        CpuKernel::new(run).scratch(TASKS * state / 2)
    }

    fn gpu(&self, inputs: &[&Slot]) -> GpuKernel {
        let vectors = inputs[0].shape.len() / self.columns.guides;
        if let Some(kernel) = self.columns.in_registers(vectors, self.adjoint) {
            return kernel;
        }
        let group = (WORKGROUP / self.columns.guides).clamp(1, MOST_VECTORS);
        let entry = if self.adjoint { "mesh_reversed" } else { Self::NAME };
        let mut kernel = self.columns.kernel(entry, vectors, group, false);
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

    fn cpu<T: Scalar>(&self, _: &[&Slot], compile: &mut CpuCompile<T>) -> CpuKernel<T> {
        let columns = Arc::clone(&self.columns);
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
            sums.par_chunks_mut(leaf).for_each(|s| s.fill(Complex::new(T::zero(), T::zero())));
            let vectors =
                y.par_chunks(share).zip(g.par_chunks(share)).zip(gx.par_chunks_mut(share));
            let memory = io.scratch.par_chunks_mut(state);
            vectors
                .zip(sums.par_chunks_mut(leaf))
                .zip(memory)
                .for_each(|((((y, g), gx), sums), memory)| one([y, g], tables, sums, gx, memory));
        };
        CpuKernel::new(run).scratch(TASKS * state)
    }

    fn gpu(&self, inputs: &[&Slot]) -> GpuKernel {
        let vectors = inputs[0].shape.len() / self.columns.guides;
        if let Some(kernel) = self.columns.back_in_registers(vectors, self.once) {
            return kernel;
        }
        let group = (WORKGROUP / 2 / self.columns.guides).clamp(1, MOST_VECTORS);
        self.columns.kernel(Self::NAME, vectors, group, self.once).groups(1)
    }

    fn cost(&self, inputs: &[&Slot]) -> Cost {
        let vectors = inputs[0].shape.len() / self.columns.guides;
        let cells = self.columns.pairs.len();
        Cost::new(88 * cells * vectors, 6 * inputs[0].shape.len() + 16 * cells)
    }
}

/// Cells on neighbours, every other column shifted by one.
pub(super) fn brick(
    name: &str,
    guides: usize,
    depth: usize,
    passing: Option<f64>,
    unitary: bool,
) -> Columns {
    let (mut starts, mut pairs, mut factors) = (vec![0], Vec::new(), Vec::new());
    for c in 0..depth {
        let cells = (c % 2..guides - 1).step_by(2).map(|a| [a as u32, a as u32 + 1]);
        pairs.extend(cells);
        let held = &pairs[starts[c]..];
        let is_held = |g: usize| held.iter().flatten().any(|&h| h as usize == g);
        factors.extend((0..guides).map(|g| if is_held(g) { 1.0 } else { passing.unwrap_or(1.0) }));
        starts.push(pairs.len());
    }
    let passing = passing.map(|_| factors);
    Columns { name: name.into(), guides, starts, pairs, passing, unitary }
}

/// Cells on guides that differ in one bit, the lowest first.
fn butterfly(
    name: &str,
    guides: usize,
    depth: usize,
    passing: Option<f64>,
    unitary: bool,
) -> Columns {
    let (mut starts, mut pairs) = (vec![0], Vec::new());
    for c in 0..depth {
        let upper = (0..guides as u32).filter(|g| g & (1 << c) == 0);
        pairs.extend(upper.map(|g| [g, g | 1 << c]));
        starts.push(pairs.len());
    }
    // Every guide has a cell in every column.
    let passing = passing.map(|_| vec![1.0; depth * guides]);
    Columns { name: name.into(), guides, starts, pairs, passing, unitary }
}

/// Phases and the cells that they make, even splitters; lossy ones turn less light.
pub(super) fn cells_of(c: &mut CaseBuilder, count: usize, loss: f64) -> Result<[SlotId; 3]> {
    let [theta, phi] = [0, 1].map(|_| c.constant(Shape::real(&[count])));
    let built = super::mesh_cells::even_build().into_iter().map(|z| z * loss).collect();
    let shape = Shape::complex(&[1, 16]);
    let built = c.b.constant("build", shape, || Data::Complex(built));
    let op = super::mesh_cells::MeshCells { symmetric: false };
    Ok([theta, phi, c.b.emit(Op::MeshCells(op), &[theta, phi, built])?])
}

pub fn cases() -> Vec<Case> {
    let mut all = Vec::new();
    // More guides than lanes, an odd number, a single cell; losses; several vectors a sample; once.
    for (guides, depth, vectors, once, loss) in [
        (2, 1, 1, false, 1.0),
        (7, 7, 1, false, 0.9),
        (37, 12, 1, false, 1.0),
        (6, 6, 3, false, 0.8),
        (21, 9, 40, true, 0.9),
        (8, 8, 8, true, 1.0),
        // Those of a butterfly.
        (8, 3, 1, false, 1.0),
        (16, 4, 5, true, 0.9),
    ] {
        let name = format!("{guides} x {depth}, {vectors} vectors, once={once} loss={loss}");
        let lossy = loss < 1.0;
        let make = if 1 << depth == guides && depth > 1 { butterfly } else { brick };
        let columns = Arc::new(make("columns", guides, depth, lossy.then_some(0.95), !lossy));
        let shape = Shape::complex(&[vectors, guides]);
        let light = |c: &mut CaseBuilder| {
            if once { c.constant(shape.clone()) } else { c.sample(shape.clone()) }
        };
        for adjoint in [false, true] {
            all.push(build(format!("mesh {name} adjoint={adjoint}"), 8.0 * depth as f64, |c| {
                let [_, _, cells] = cells_of(c, columns.pairs.len(), loss)?;
                let x = light(c);
                let [table, passing] = columns.operands(&mut c.b);
                let op = Op::Mesh(Mesh { columns: Arc::clone(&columns), adjoint });
                let y = c.b.emit(op, &[x, cells, table, passing])?;
                c.compare(y);
                Ok(())
            }));
        }
        // Going back divides by the losses, and sums run over all samples.
        all.push(build(format!("mesh_adjoint {name}"), 64.0 * depth as f64, |c| {
            let [_, _, cells] = cells_of(c, columns.pairs.len(), loss)?;
            let (y, g) = (light(c), light(c));
            let inverse = if columns.unitary {
                cells
            } else {
                c.b.emit(Op::MeshInverse(MeshInverse), &[cells])?
            };
            let [table, passing] = columns.operands(&mut c.b);
            let sums = c.b.leaf("sums".into(), Shape::complex(&[columns.pairs.len(), 4]));
            let domain = if once { Domain::Once } else { Domain::Sample };
            let gx = c.b.temp("gx".into(), shape.clone(), domain);
            let op = Op::MeshAdjoint(MeshAdjoint { columns: Arc::clone(&columns), once });
            c.b.emit_all(op, &[y, g, cells, inverse, table, passing], &[sums, gx])?;
            c.compare(gx);
            c.compare_leaf(sums)
        }));
    }
    all
}
