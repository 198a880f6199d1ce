//! Meshes of every kind that the kernels tell apart.

use std::sync::Arc;

use super::{Columns, Mesh, MeshAdjoint};
use crate::error::Result;
use crate::ops::Op;
use crate::ops::case::{Case, CaseBuilder, build};
use crate::ops::mesh_cells::{MeshCells, MeshInverse, even_build};
use crate::program::{Data, Domain, Shape, SlotId};

/// Cells on neighbours, every other column shifted by one.
pub(in crate::ops) fn brick(
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

/// Phases, each sample's own or not, and the cells that they make, even splitters; lossy ones turn less
/// light.
pub(in crate::ops) fn cells_of(
    c: &mut CaseBuilder,
    count: usize,
    loss: f64,
    own: bool,
) -> Result<[SlotId; 3]> {
    let shape = Shape::real(&[count]);
    let mut phases = || if own { c.sample(shape.clone()) } else { c.constant(shape.clone()) };
    let [theta, phi] = [phases(), phases()];
    let built = even_build().into_iter().map(|z| z * loss).collect();
    let shape = Shape::complex(&[1, 16]);
    let built = c.b.constant("build", shape, || Data::Complex(built));
    let op = MeshCells { symmetric: false };
    Ok([theta, phi, c.b.emit(Op::MeshCells(op), &[theta, phi, built])?])
}

pub fn cases() -> Vec<Case> {
    let mut all = Vec::new();
    // More guides than lanes, an odd number, a single cell; losses; several vectors a sample; once.
    // Cells of each sample's own.
    let (shared, once, own) = ([false, false], [true, false], [false, true]);
    for (guides, depth, vectors, [once, own], loss) in [
        (2, 1, 1, shared, 1.0),
        (7, 7, 1, shared, 0.9),
        (37, 12, 1, shared, 1.0),
        (6, 6, 3, shared, 0.8),
        (21, 9, 40, once, 0.9),
        (8, 8, 8, once, 1.0),
        // Those of a butterfly.
        (8, 3, 1, shared, 1.0),
        (16, 4, 5, once, 0.9),
        (7, 7, 1, own, 0.9),
        (6, 6, 3, own, 1.0),
        (8, 3, 2, own, 0.8),
    ] {
        let name =
            format!("{guides} x {depth}, {vectors} vectors, once={once} own={own} loss={loss}");
        let lossy = loss < 1.0;
        let make = if 1 << depth == guides && depth > 1 { butterfly } else { brick };
        let columns = Arc::new(make("columns", guides, depth, lossy.then_some(0.95), !lossy));
        let shape = Shape::complex(&[vectors, guides]);
        let light = |c: &mut CaseBuilder| {
            if once { c.constant(shape.clone()) } else { c.sample(shape.clone()) }
        };
        for adjoint in [false, true] {
            all.push(build(format!("mesh {name} adjoint={adjoint}"), 8.0 * depth as f64, |c| {
                let [_, _, cells] = cells_of(c, columns.pairs.len(), loss, own)?;
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
            let [_, _, cells] = cells_of(c, columns.pairs.len(), loss, own)?;
            let (y, g) = (light(c), light(c));
            let inverse = if columns.unitary {
                cells
            } else {
                c.b.emit(Op::MeshInverse(MeshInverse), &[cells])?
            };
            let [table, passing] = columns.operands(&mut c.b);
            let domain = if once { Domain::Once } else { Domain::Sample };
            let sums = Shape::complex(&[columns.pairs.len(), 4]);
            let sums = c.b.temp("sums".into(), sums, if own { domain } else { Domain::Leaf });
            let gx = c.b.temp("gx".into(), shape.clone(), domain);
            let op = Op::MeshAdjoint(MeshAdjoint { columns: Arc::clone(&columns), once });
            c.b.emit_all(op, &[y, g, cells, inverse, table, passing], &[sums, gx])?;
            c.compare(gx);
            if own {
                c.compare(sums);
                return Ok(());
            }
            c.compare_leaf(sums)
        }));
    }
    all
}
