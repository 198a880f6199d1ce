//! What a routine must do and move: operations and bytes of every node, passes over lines.

use serde::Serialize;

use crate::ops::Op;
use crate::program::{Domain, Program, Routine, Scope, Slot};

/// One node's work for all samples of a batch.
#[derive(Debug, Clone, Serialize)]
pub struct Work {
    pub section: &'static str,
    pub op: &'static str,
    /// The op, and of a hop where it begins and ends.
    pub kind: &'static str,
    pub output: String,
    pub flops: f64,
    /// Read and written; what all samples share, tables and masks, is not counted.
    pub bytes: f64,
    /// Bytes of all operands that are in use at once, static tables too: of one sample, which a
    /// thread wants near, or of all that a GPU's launch touches.
    pub working_set: f64,
}

/// Passes over lines in one routine.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Passes {
    /// Steps of free space, forward and adjoint: passes over columns.
    pub propagations: usize,
    /// Rows in from a field: where a run of propagations begins. Each run of P takes 2P + 1.
    pub runs: usize,
    /// Over rows and columns alike.
    pub lines: usize,
}

/// The work of every node of a routine in order; `real` is the size of a real number in bytes,
/// `micro` the samples of a launch where there are launches.
pub fn of(
    program: &Program,
    routine: &Routine,
    count: usize,
    micro: Option<usize>,
    real: usize,
) -> Vec<Work> {
    let [samples, leaves] = micro.map_or([1; 2], |m| [m.min(count), routine.leaves.count]);
    let in_use = |slot: &Slot| {
        let copies = match slot.domain {
            Domain::Once => 1,
            Domain::Sample => samples,
            Domain::Leaf => leaves,
        };
        copies * slot.shape.bytes(real)
    };
    let mut all = Vec::new();
    for section in &routine.sections {
        let copies = if section.scope == Scope::PerSample { count as f64 } else { 1.0 };
        for node in &section.nodes {
            let slots: Vec<_> = node.inputs.iter().map(|&i| program.slot(i)).collect();
            let cost = node.op.cost(&slots);
            let operands = node.inputs.iter().chain(&node.outputs).map(|&i| program.slot(i));
            all.push(Work {
                section: section.name,
                op: node.op.name(),
                kind: kind(&node.op),
                output: node
                    .outputs
                    .first()
                    .map_or_else(String::new, |&o| program.slot(o).name.clone()),
                flops: cost.flops * copies,
                bytes: cost.reals * copies * real as f64,
                working_set: operands.map(in_use).sum::<usize>() as f64,
            });
        }
    }
    all
}

fn kind(op: &Op) -> &'static str {
    match op {
        Op::Hop(hop) => match (hop.chain.from_hybrid, hop.chain.to_hybrid) {
            (true, true) => "hop between",
            (false, true) => "hop into the first",
            (true, false) => "hop out of the last",
            (false, false) => "hop alone",
        },
        other => other.name(),
    }
}

pub fn passes(routine: &Routine) -> Passes {
    let mut passes = Passes::default();
    for node in routine.sections.iter().flat_map(|s| &s.nodes) {
        match &node.op {
            Op::Columns(_) => {
                passes.propagations += 1;
                passes.lines += 1;
            }
            Op::Hop(hop) => {
                passes.runs += usize::from(!hop.chain.from_hybrid && hop.chain.to_hybrid);
                passes.lines += usize::from(hop.chain.from_hybrid || hop.chain.to_hybrid);
            }
            Op::RowsIn(_) => {
                passes.runs += 1;
                passes.lines += 1;
            }
            Op::RowsOut(_) | Op::ColumnsGrad(_) => passes.lines += 1,
            _ => {}
        }
    }
    passes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::sample_sum::SampleSum;
    use crate::program::{Builder, Shape};

    /// Samples of 4 KiB, summed in leaves: a thread wants one of each near, a launch touches a
    /// micro-batch, or what there is of one, and the sums of all leaves.
    #[test]
    fn a_launch_touches_its_samples() {
        let mut b = Builder::default();
        let x = b.input("x", Shape::real(&[1024]));
        b.routine("sum", 32);
        let sum = b.leaf("sum".into(), Shape::real(&[1024]));
        b.emit_into(Op::SampleSum(SampleSum { weight: 1.0 }), &[x], &[sum]).expect("a sum");
        let program = b.finish();
        let routine = program.routine("sum").expect("a routine");
        let leaves = routine.leaves.count;
        let kib = |micro| of(&program, routine, 20, micro, 4)[0].working_set / 1024.0;
        assert_eq!(kib(None), 8.0);
        assert_eq!(kib(Some(8)), 4.0 * (8 + leaves) as f64);
        assert_eq!(kib(Some(32)), 4.0 * (20 + leaves) as f64);
    }
}
