//! Rows of a plane that are dark, and rows that nobody reads: a fused program leaves them out where
//! light comes into a stack and where it leaves.
//!
//! Forwards a plane is dark where an image is not placed, or a detector, going back, sends nothing;
//! backwards a detector reads its regions alone.

use std::collections::HashMap;

use crate::ops::Op;
use crate::ops::hop::Rows;
use crate::program::{Node, Program, Role, Routine, SlotId};

/// Says of every hop which rows it has to do.
pub fn mark(program: &mut Program) {
    let routines: Vec<Vec<Rows>> = program.routines.iter().map(|r| of(program, r)).collect();
    for (routine, rows) in program.routines.iter_mut().zip(routines) {
        let nodes = routine.sections.iter_mut().flat_map(|s| &mut s.nodes);
        let hops =
            nodes.filter_map(|n| if let Op::Hop(hop) = &mut n.op { Some(hop) } else { None });
        hops.zip(rows).for_each(|(hop, rows)| hop.rows = rows);
    }
}

/// Rows of each hop in turn.
fn of(program: &Program, routine: &Routine) -> Vec<Rows> {
    let nodes = || routine.sections.iter().flat_map(|s| &s.nodes);
    let mut lit = HashMap::new();
    for node in nodes() {
        if let Some(rows) = lights(node, &lit) {
            lit.insert(node.outputs[0], rows);
        }
    }
    let mut read: HashMap<SlotId, Vec<bool>> = HashMap::new();
    for node in nodes() {
        for (n, &slot) in node.inputs.iter().enumerate() {
            let height = program.slot(slot).shape.dims.first().copied().unwrap_or(1);
            let rows = reads(program, node, n, &lit).unwrap_or_else(|| vec![true; height]);
            let all = read.entry(slot).or_insert_with(|| vec![false; height]);
            all.iter_mut().zip(rows).for_each(|(all, here)| *all |= here);
        }
    }
    let hops = nodes().filter_map(|node| match &node.op {
        Op::Hop(hop) => Some((node, hop)),
        _ => None,
    });
    hops.map(|(node, hop)| {
        let height = hop.field[0];
        let mut rows = vec![hop.chain.from_hybrid && hop.chain.to_hybrid; height];
        let mut need = |more: Option<&Vec<bool>>| match more {
            Some(more) => rows.iter_mut().zip(more).for_each(|(row, more)| *row |= more),
            None => rows.fill(true),
        };
        if hop.chain.to_hybrid && !hop.chain.from_hybrid {
            need(lit.get(&node.inputs[0]));
        }
        for slot in &node.outputs[usize::from(hop.chain.to_hybrid)..] {
            let seen = !matches!(program.slot(*slot).role, Role::Temp);
            need(if seen { None } else { read.get(slot) });
        }
        Rows::marked(&rows)
    })
    .collect()
}

/// Rows of a node's output that may not be zero; `None` where all may.
fn lights(node: &Node, lit: &HashMap<SlotId, Vec<bool>>) -> Option<Vec<bool>> {
    match &node.op {
        Op::SparseSum(op) => {
            let [height, width] = op.dims[..] else { return None };
            let mut rows = vec![false; height];
            for (at, ends) in op.table.start.windows(2).enumerate() {
                rows[at / width] |= ends[0] < ends[1];
            }
            Some(rows)
        }
        Op::Encode(op) if op.amplitude => lit.get(&node.inputs[0]).cloned(),
        Op::IntensityAdjoint(_) => lit.get(&node.inputs[1]).cloned(),
        _ => None,
    }
}

/// Rows of its input `n` that a node reads, or that matter to it; `None` where all do.
fn reads(
    program: &Program,
    node: &Node,
    n: usize,
    lit: &HashMap<SlotId, Vec<bool>>,
) -> Option<Vec<bool>> {
    match (&node.op, n) {
        (Op::SparseSum(op), 0) => {
            let [height, width] = program.slot(node.inputs[0]).shape.dims[..] else { return None };
            let mut rows = vec![false; height];
            op.table.index.iter().for_each(|&at| rows[at as usize / width] = true);
            Some(rows)
        }
        (Op::IntensityAdjoint(_), 0) => lit.get(&node.inputs[1]).cloned(),
        _ => None,
    }
}
