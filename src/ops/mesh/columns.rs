//! Where the cells of a mesh stand, and which of the GPU's kernels suits that.

use std::sync::Arc;

use super::{Mesh, THREADS, VECTORS_HELD};
use crate::error::{Error, Result};
use crate::math::lanes::{Isa, MeshPlan};
use crate::ops::kernel::{GpuKernel, Grid, Word};
use crate::ops::{Op, Primitive};
use crate::program::{Builder, Data, Shape, Slot, SlotId};

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
    pub(super) fn depth(&self) -> usize {
        self.starts.len() - 1
    }

    /// `starts`, then `pairs`, and `passing`.
    pub(in crate::ops) fn operands(&self, b: &mut Builder) -> [SlotId; 2] {
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

    /// The kernel `entry` for so many vectors a copy, `group` of them in a workgroup; whether it runs
    /// once, and whether each sample has cells of its own.
    pub(in crate::ops) fn kernel(
        &self,
        entry: &'static str,
        vectors: usize,
        group: usize,
        [once, own]: [bool; 2],
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
            .word("own", flag(own))
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
    pub(super) fn in_registers(&self, vectors: usize, reversed: bool) -> Option<GpuKernel> {
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
    pub(super) fn back_in_registers(&self, vectors: usize, once: bool) -> Option<GpuKernel> {
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

    pub(in crate::ops) fn plan(&self, isa: Isa) -> MeshPlan {
        MeshPlan::new(isa, self.guides, &self.starts, &self.pairs, self.passing.as_deref())
    }

    pub(in crate::ops) fn check(&self, op: &'static str, x: &Slot, cells: &Slot) -> Result<()> {
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
