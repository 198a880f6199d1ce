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

pub use plan::{Limits, LinePlan, twiddles};
pub use tables::{Fill, HARDWARE, SOFTWARE, Table};

use crate::ops::hop::{self, Chain, Link, Saved};
use crate::ops::kernel::LinePass;
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

/// A generated kernel: bindings after the uniform block in order, each with whether it is written.
#[derive(Debug, Clone)]
pub struct LineKernel {
    pub text: String,
    /// Of the lines that it transforms.
    pub length: usize,
    pub bindings: Vec<(Operand, bool)>,
    /// Adds to its outputs, one copy a leaf.
    sums: bool,
    /// Workgroups along x and z.
    groups: [usize; 2],
}

impl LineKernel {
    pub fn grid(&self, samples: usize, leaves: usize) -> [u32; 3] {
        let copies = if self.sums { leaves } else { samples };
        [self.groups[0] as u32, copies as u32, self.groups[1] as u32]
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
