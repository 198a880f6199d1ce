//! `y[r] = Σ_k w[k] x[i[k]]`, k over row r: image placement, power in detector regions.
//!
//! Operands: x `[columns]`, start `[rows + 1]`, index and weight `[entries]`. Adjoint: the same
//! with the transposed table.

use std::sync::Arc;

use super::case::{Case, build};
use super::kernel::{Cost, CpuCompile, CpuKernel, GpuKernel, Word};
use super::{Op, Primitive, expect};
use crate::error::{Error, Result};
use crate::math::scalar::Scalar;
use crate::math::sparse::Sparse;
use crate::program::adjoint::Adjoint;
use crate::program::{Builder, Data, Kind, Node, Shape, Slot, SlotId};

#[derive(Debug, Clone)]
pub struct SparseSum {
    /// Names the table's constants.
    pub name: String,
    pub table: Arc<Sparse>,
    /// Dimensions of y.
    pub dims: Vec<usize>,
}

/// Entries a row from which a GPU gives each row a workgroup.
const WIDE_ROW: usize = 16;

impl SparseSum {
    pub fn new(name: impl Into<String>, table: Sparse, dims: &[usize]) -> Self {
        Self { name: name.into(), table: Arc::new(table), dims: dims.to_vec() }
    }

    /// Emits `table x`.
    pub fn emit(self, b: &mut Builder, x: SlotId) -> Result<SlotId> {
        let t = self.table.clone();
        let n = t.index.len();
        let name = |part: &str| format!("{}.{part}", self.name);
        let start = Shape::index(&[t.start.len()]);
        let start = b.constant(&name("start"), start, || Data::Index(t.start.clone()));
        let index = b.constant(&name("index"), Shape::index(&[n]), || Data::Index(t.index.clone()));
        let weight = Shape::real(&[n]);
        let weight = b.constant(&name("weight"), weight, || Data::Real(t.weight.clone()));
        b.emit(Op::SparseSum(self), &[x, start, index, weight])
    }
}

impl Primitive for SparseSum {
    const NAME: &'static str = "sparse_sum";

    fn shape(&self, inputs: &[&Slot]) -> Result<Shape> {
        expect(Self::NAME, inputs, &[Kind::Real, Kind::Index, Kind::Index, Kind::Real])?;
        if inputs[0].shape.len() != self.table.columns {
            let what = format!("{} columns, x has {}", self.table.columns, inputs[0].shape.len());
            return Err(Error::Shape { op: Self::NAME, what });
        }
        if self.table.index.is_empty() {
            return Err(Error::Shape { op: Self::NAME, what: format!("{} is empty", self.name) });
        }
        if self.dims.iter().product::<usize>() != self.table.rows() {
            let what = format!("{} rows do not fill {:?}", self.table.rows(), self.dims);
            return Err(Error::Shape { op: Self::NAME, what });
        }
        Ok(Shape::real(&self.dims))
    }

    fn adjoint(&self, walk: &mut Adjoint, node: &Node) -> Result<()> {
        let g = walk.incoming(node)?;
        let name = format!("{}.transposed", self.name);
        let dims = walk.builder().slot(node.inputs[0]).shape.dims.clone();
        let back = Self::new(name, self.table.transposed(), &dims).emit(walk.builder(), g)?;
        walk.contribute(node.inputs[0], back)
    }

    // The table is made anew for where x and y lie, without its empty rows.
    fn cpu<T: Scalar>(&self, inputs: &[&Slot], compile: &mut CpuCompile<T>) -> CpuKernel<T> {
        let from = compile.arrangement.places(&inputs[0].shape);
        let to = compile.arrangement.places(&compile.output);
        let place =
            |places: &Option<Vec<u32>>, k: usize| places.as_ref().map_or(k as u32, |p| p[k]);
        let mut rows: Vec<(u32, std::ops::Range<usize>)> = (0..self.table.rows())
            .map(|r| {
                (place(&to, r), self.table.start[r] as usize..self.table.start[r + 1] as usize)
            })
            .filter(|(_, entries)| !entries.is_empty())
            .collect();
        rows.sort_unstable_by_key(|(place, _)| *place);
        let (mut starts, mut terms) = (vec![0], Vec::new());
        for (_, entries) in &rows {
            for k in entries.clone() {
                let weight = T::of(self.table.weight[k]);
                terms.push((place(&from, self.table.index[k] as usize), weight));
            }
            starts.push(terms.len());
        }
        let rows: Vec<u32> = rows.into_iter().map(|(place, _)| place).collect();
        CpuKernel::new(move |io| {
            let (x, y) = (io.inputs[0].real(), io.outputs[0].real());
            y.fill(T::zero());
            for (&row, ends) in rows.iter().zip(starts.windows(2)) {
                let terms = terms[ends[0]..ends[1]].iter();
                y[row as usize] = terms.map(|&(i, weight)| weight * x[i as usize]).sum();
            }
        })
    }

    fn gpu(&self, _: &[&Slot]) -> GpuKernel {
        let rows = self.table.rows();
        let columns = Word::U32(self.table.columns as u32);
        let kernel = GpuKernel::pointwise(Self::NAME, rows).word("columns", columns);
        if self.table.index.len() >= WIDE_ROW * rows {
            kernel.entry("sparse_sum_wide").groups(rows)
        } else {
            kernel
        }
    }

    fn cost(&self, _: &[&Slot]) -> Cost {
        let n = self.table.index.len();
        Cost::new(2 * n, n + self.table.rows())
    }
}

pub fn cases() -> Vec<Case> {
    // Narrow rows, one of them empty, and rows wide enough for a workgroup each.
    [("narrow", 40, 3, 4), ("wide", 7, 150, 12)]
        .map(|(name, rows, entries, columns)| {
            build(format!("sparse_sum {name}"), 160.0, |c| {
                let table: Vec<Vec<(usize, f64)>> = (0..rows)
                    .map(|r| {
                        let n = if r == 2 { 0 } else { entries };
                        (0..n).map(|k| ((3 * r + k) % columns, 0.25 + 0.125 * k as f64)).collect()
                    })
                    .collect();
                let x = c.sample(Shape::real(&[columns]));
                let op = SparseSum::new("table", Sparse::from_rows(columns, &table), &[rows]);
                let y = op.emit(&mut c.b, x)?;
                c.compare(y);
                Ok(())
            })
        })
        .into()
}
