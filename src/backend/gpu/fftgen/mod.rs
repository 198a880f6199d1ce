//! Generated line passes: straight-line WGSL that depends on the plan alone.
//!
//! A line of M = r1 r2 ... rs samples is transformed by decimation in frequency, in place: stage
//! j takes blocks of L_j = M / (r1 ... r_{j-1}) samples, a butterfly over stride L_j / r_j, then
//! the twiddle exp(-2πi n k / L_j). The outputs stay where they fall: position
//! k1 M / r1 + k2 M / (r1 r2) + ... holds frequency k1 + r1 k2 + r1 r2 k3 + ... . The way back is
//! the transposed network, twiddle before butterfly and the stages in reverse, which consumes that
//! order and yields the natural one; with real and imaginary parts swapped on load and on store
//! the same butterflies invert. So nothing is ever reordered. Unnormalised both ways.
//!
//! A line that fits no workgroup is cut between two stages: the stages above the cut work on values
//! that lie M2 apart, those below on M2 neighbours, and scratch lies between. The twiddles of the
//! stages are those of the whole line, so that nothing else happens at the cut.

mod butterfly;
mod columns;
mod emit;
mod plan;
mod rows;
mod tables;

use std::ops::Range;

pub use plan::{Limits, LinePlan, twiddles};
pub use tables::{Fill, HARDWARE, SOFTWARE, Table};

use crate::ops::hop::{self, Chain, Link, Saved};
use crate::ops::kernel::LinePass;
use crate::program::Leaves;
use columns::Columns;
use rows::{Array, Rows};

/// What a storage binding of a generated kernel is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operand {
    /// Of the lines transformed.
    Twiddles,
    /// Of the node, by its place.
    Input(usize),
    Output(usize),
    /// One copy a sample.
    Scratch(usize),
}

/// How a kernel adds to its outputs, one copy a leaf.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sums {
    Nothing,
    /// Over all samples of a leaf that are there.
    Whole,
    /// Over one sample of each leaf, of which its uniform block tells the first.
    ByTurns,
}

impl Sums {
    fn of(table: &Table) -> Self {
        if table.loops { Self::Whole } else { Self::ByTurns }
    }
}

/// One of the launches that a kernel is run by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Launch {
    pub grid: [u32; 3],
    /// By turns: the first sample, of the batch.
    pub turn: Option<u32>,
}

/// A generated kernel: bindings after the uniform block in order, each with whether it is written.
#[derive(Debug, Clone)]
pub struct LineKernel {
    pub text: String,
    /// Of the lines that it transforms.
    pub length: usize,
    pub bindings: Vec<(Operand, bool)>,
    pub sums: Sums,
    /// Workgroups along x and z.
    groups: [usize; 2],
}

impl LineKernel {
    /// For these samples of a batch that is cut into `leaves`.
    pub fn launches(&self, samples: Range<u32>, leaves: Leaves) -> Vec<Launch> {
        let launch = |copies, turn| {
            let grid = [self.groups[0] as u32, copies, self.groups[1] as u32];
            Launch { grid, turn }
        };
        match self.sums {
            Sums::Nothing => vec![launch(samples.len() as u32, None)],
            Sums::Whole => vec![launch(leaves.count as u32, None)],
            Sums::ByTurns => {
                let size = leaves.size as u32;
                let mut firsts: Vec<u32> = samples.clone().take(leaves.size).collect();
                // By their places in a leaf, inside which a micro-batch may begin.
                firsts.sort_unstable_by_key(|first| first % size);
                let launch = |first| {
                    let each = (first..samples.end).step_by(leaves.size);
                    launch(each.len() as u32, Some(first))
                };
                firsts.into_iter().map(launch).collect()
            }
        }
    }
}

/// A pass as the kernels that it is run by, one after the other.
#[derive(Debug, Clone)]
pub struct LineKernels {
    pub kernels: Vec<LineKernel>,
    /// Complex numbers of each scratch, a sample.
    pub scratch: Vec<usize>,
}

/// The kernels of a pass over `field` padded to `padded`, `[y, x]`; none where not even half a line
/// fits the workgroup's memory.
pub fn kernels(
    pass: &LinePass,
    field: [usize; 2],
    padded: [usize; 2],
    limits: &Limits,
) -> Option<LineKernels> {
    let chain = |from_hybrid, links: &[Link], to_hybrid| {
        let chain = Chain { from_hybrid, links: links.to_vec(), to_hybrid };
        rows(&chain, &hop::Rows::all(field[0]), field, padded, limits)
    };
    match pass {
        LinePass::RowsIn => chain(false, &[], true),
        LinePass::RowsOut => chain(true, &[Link::Store(Saved::Whole)], false),
        LinePass::Hop(chain, done) => rows(chain, done, field, padded, limits),
        LinePass::Columns { conj } => columns(Some(*conj), field, padded, limits),
        LinePass::ColumnsGrad => columns(None, field, padded, limits),
    }
}

fn rows(
    chain: &Chain,
    done: &hop::Rows,
    field: [usize; 2],
    padded: [usize; 2],
    limits: &Limits,
) -> Option<LineKernels> {
    let plan = LinePlan::choose(padded[1], limits)?;
    let before = usize::from(chain.to_hybrid);
    let make = |part: usize, from, down, links: &[Link], up, to| {
        let part = plan.parts[part].clone();
        Rows { field, padded, done, part, from, down, links, up, to, before }.kernel(limits)
    };
    let whole = plan.parts.len() == 1;
    let (ends, links) = ([chain.from_hybrid, chain.to_hybrid], chain.links.as_slice());
    let end = if whole { Array::Hybrid } else { Array::Scratch };
    let from = if ends[0] { end } else { Array::Field };
    let middle = make(0, from, ends[0], links, ends[1], ends[1].then_some(end));
    if whole {
        return Some(LineKernels { kernels: vec![middle], scratch: Vec::new() });
    }
    let below = ends[0].then(|| make(1, Array::Hybrid, true, &[], false, Some(Array::Scratch)));
    let above = ends[1].then(|| make(1, Array::Scratch, false, &[], true, Some(Array::Hybrid)));
    let kernels = below.into_iter().chain([middle]).chain(above).collect();
    Some(LineKernels { kernels, scratch: vec![field[0] * padded[1]] })
}

/// `conj`: x H or x conj(H); none: the gradient of H.
fn columns(
    conj: Option<bool>,
    field: [usize; 2],
    padded: [usize; 2],
    limits: &Limits,
) -> Option<LineKernels> {
    let plan = LinePlan::choose(padded[0], limits)?;
    let of_field = |operand| columns::Array { operand, rows: field[0] };
    let scratch = |n| columns::Array { operand: Operand::Scratch(n), rows: padded[0] };
    let part = |part: usize| Columns { padded, part: plan.parts[part].clone() };
    let (first, second) = (of_field(Operand::Input(0)), of_field(Operand::Input(1)));
    let output = of_field(Operand::Output(0));
    if plan.parts.len() == 1 {
        let kernel = match conj {
            Some(conj) => part(0).product(first, output, conj, limits),
            None => part(0).grad(first, second, limits),
        };
        return Some(LineKernels { kernels: vec![kernel], scratch: Vec::new() });
    }
    let up = |from, n| part(0).half(from, scratch(n), false, limits);
    let size = padded[0] * padded[1];
    Some(match conj {
        Some(conj) => LineKernels {
            kernels: vec![
                up(first, 0),
                part(1).product(scratch(0), scratch(0), conj, limits),
                part(0).half(scratch(0), output, true, limits),
            ],
            scratch: vec![size],
        },
        None => LineKernels {
            kernels: vec![
                up(first, 0),
                up(second, 1),
                part(1).grad(scratch(0), scratch(1), limits),
            ],
            scratch: vec![size, size],
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn launches(sums: Sums, samples: Range<u32>, batch: usize) -> Vec<Launch> {
        let (text, bindings) = (String::new(), Vec::new());
        let kernel = LineKernel { text, length: 1, bindings, sums, groups: [3, 2] };
        kernel.launches(samples, Leaves::of(batch))
    }

    /// 40 samples are 14 leaves of 3. By turns a launch has a workgroup for every third sample, and
    /// all launches together each sample once, those of a leaf in order, wherever a micro-batch begins
    /// and ends.
    #[test]
    fn by_turns_each_sample_is_added_once() {
        for samples in [0..40, 0..39, 4..9, 7..8, 5..7] {
            let mut added = Vec::new();
            for Launch { grid, turn } in launches(Sums::ByTurns, samples.clone(), 40) {
                assert_eq!([grid[0], grid[2]], [3, 2]);
                let first = turn.expect("a first sample");
                let own: Vec<u32> = (0..grid[1]).map(|y| first + 3 * y).collect();
                // The leaf that the kernel adds to, turn / leaf + y, has no other in this launch.
                assert!((0..).zip(&own).all(|(y, s)| s / 3 == first / 3 + y), "{samples:?}");
                added.extend(own);
            }
            // Stable, so that a leaf's own order stays.
            added.sort_by_key(|s| s / 3);
            assert_eq!(added, samples.clone().collect::<Vec<_>>());
        }
        let grid = |sums| launches(sums, 4..9, 40)[0].grid;
        assert_eq!([grid(Sums::Nothing), grid(Sums::Whole)], [[3, 5, 2], [3, 14, 2]]);
    }

    #[test]
    fn rows_are_numbered_across_gaps() {
        let number = |ranges: &[Range<usize>]| rows::nth(ranges, "n");
        let one = |range| number(std::slice::from_ref(&range));
        assert_eq!([one(0..7), one(2..7)], ["n", "n + 2u"]);
        let gaps = "n + 2u + select(0u, 3u, n >= 5u) + select(0u, 1u, n >= 7u)";
        assert_eq!(number(&[2..7, 10..12, 13..20]), gaps);
        assert_eq!(number(&[0..1, 3..4]), "n + select(0u, 2u, n >= 1u)");
    }
}
