//! Generated line passes: straight-line WGSL that depends on the plan alone.
//!
//! A line of M = r1 r2 ... rs samples is transformed by decimation in frequency, in place: stage
//! j takes blocks of L_j = M / (r1 ... r_{j-1}) samples, a butterfly over stride L_j / r_j, then
//! the twiddle exp(-2πi n k / L_j). The outputs stay where they fall: position
//! k1 M / r1 + k2 M / (r1 r2) + ... holds frequency k1 + r1 k2 + r1 r2 k3 + ... . The way back is
//! the transposed network, twiddle before butterfly and the stages in reverse, which consumes that
//! order and yields the natural one; with real and imaginary parts swapped on load and on store
//! the same butterflies invert. So nothing is ever reordered. Unnormalised both ways.

mod emit;
mod plan;

pub use plan::{Limits, LinePlan, order, twiddles};

use crate::ops::kernel::LinePass;
use emit::Emit;

/// A generated kernel. Bindings: uniform block, source, destination, twiddles, transfer function
/// in that order where the pass has them; for a sum, x, g, twiddles, sum.
#[derive(Debug, Clone)]
pub struct LineKernel {
    pub text: String,
    /// Of the lines that it transforms.
    pub length: usize,
    /// Adds to its output, one copy a leaf.
    pub sums: bool,
    /// Workgroups along x for one sample.
    groups: usize,
}

impl LineKernel {
    pub fn grid(&self, samples: usize, leaves: usize) -> [u32; 3] {
        [self.groups as u32, if self.sums { leaves } else { samples } as u32, 1]
    }
}

/// The kernel of a pass over `field` padded to `padded`, `[y, x]`; none where a line does not fit
/// the workgroup's memory.
pub fn kernel(
    pass: LinePass,
    field: [usize; 2],
    padded: [usize; 2],
    limits: Limits,
) -> Option<LineKernel> {
    let along_x = matches!(pass, LinePass::RowsIn | LinePass::RowsOut | LinePass::Hop(_));
    let length = padded[usize::from(along_x)];
    let lines = if along_x { field[0] } else { padded[1] };
    let plan = LinePlan::choose(length, lines, along_x, limits)?;
    let groups = lines.div_ceil(plan.lines);
    let mut emit = Emit::new(&plan, field, padded, along_x);
    match pass {
        LinePass::RowsIn => emit.rows_in(),
        LinePass::RowsOut => emit.rows_out(),
        LinePass::Columns { conj } => emit.columns(conj),
        LinePass::ColumnsGrad => emit.columns_grad(),
        LinePass::Hop(_) => return None,
    }
    let sums = pass == LinePass::ColumnsGrad;
    Some(LineKernel { text: emit.finish(), length, sums, groups })
}
