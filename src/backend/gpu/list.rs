//! A node as dispatches, as data: which kernel, on which buffers, over which grid.

use super::fftgen::{Launch, Operand};
use super::kernels::{Kernels, Key};
use crate::error::{Error, Result};
use crate::ops::kernel::{Grid, Source};
use crate::program::{Domain, Node, Program, Routine, Slot, SlotId};

/// Workgroups of 256 elements along x; the others go on along z, as `element` in
/// `shaders/lib/element.wgsl` counts them.
const ACROSS: u32 = 1 << 15;

/// Which samples a dispatch sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Span {
    pub first: u32,
    pub count: u32,
}

/// A buffer that a kernel binds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    Slot(SlotId),
    /// Of lines of this length.
    Twiddles(usize),
    /// Of the routine, by number.
    Scratch(usize),
}

#[derive(Debug, Clone)]
pub struct Listed {
    pub key: Key,
    pub grid: [u32; 3],
    /// Of the uniform block, binding 0; whole vectors of four.
    pub words: Vec<u32>,
    /// Bindings from 1 on, each with whether it is written.
    pub bound: Vec<(Place, bool)>,
    /// Share of the node's traffic, in reals.
    pub reals: f64,
}

/// What a node reads and writes for so many copies.
fn node_reals(node: &Node, operands: &[&Slot], copies: u32) -> f64 {
    node.op.cost(operands).reals * f64::from(copies)
}

/// One dispatch, or those of each kernel of a generated pass.
pub fn node(
    program: &Program,
    kernels: &mut Kernels,
    routine: &Routine,
    node: &Node,
    span: Span,
) -> Result<Vec<Listed>> {
    let operands: Vec<&Slot> = node.inputs.iter().map(|&i| program.slot(i)).collect();
    let kernel = node.op.gpu(&operands);
    let output = node.outputs.first().map(|&o| program.slot(o).domain);
    let copies = match output {
        Some(Domain::Sample) => span.count,
        Some(Domain::Leaf) => routine.leaves.count as u32,
        _ => 1,
    };
    // A node that runs once sees one copy, whatever the batch.
    let count = if output == Some(Domain::Once) { 1 } else { span.count };
    let leaves = routine.leaves;
    let mut words = vec![span.first, count, leaves.size as u32, kernel.len as u32];
    words.extend(kernel.words.iter().map(|(_, w)| w.bits(leaves.count)));
    let reals = node_reals(node, &operands, count);
    let mut listed = Vec::new();
    if let Source::Lines { .. } = &kernel.source {
        let lines = &kernels.lines(&kernel.source)?.kernels;
        for (step, line) in lines.iter().enumerate() {
            let place = |operand| match operand {
                Operand::Twiddles => Place::Twiddles(line.length),
                Operand::Input(n) => Place::Slot(node.inputs[n]),
                Operand::Output(n) => Place::Slot(node.outputs[n]),
                Operand::Scratch(n) => Place::Scratch(n),
            };
            let launches = line.launches(span.first..span.first + count, leaves);
            let reals = reals / (lines.len() * launches.len()) as f64;
            for Launch { grid, turn } in launches {
                let mut words = words.clone();
                words.extend(turn);
                listed.push(Listed {
                    key: (kernel.source.clone(), kernel.entry, step),
                    grid,
                    words,
                    bound: line.bindings.iter().map(|&(o, write)| (place(o), write)).collect(),
                    reals,
                });
            }
        }
    } else {
        let grid = match kernel.grid {
            Grid::Elements(n) => {
                let groups = (n as u32).div_ceil(256);
                [groups.min(ACROSS), copies, groups.div_ceil(ACROSS)]
            }
            Grid::Sample => [count.div_ceil(64), 1, 1],
            Grid::Groups(n) => [n as u32, copies, 1],
            Grid::Shared { per_copy, group } => {
                [(count as usize * per_copy).div_ceil(group) as u32, 1, 1]
            }
        };
        let read = node.inputs.iter().map(|&id| (Place::Slot(id), false));
        let written = node.outputs.iter().map(|&id| (Place::Slot(id), true));
        let (key, bound) = ((kernel.source, kernel.entry, 0), read.chain(written).collect());
        listed.push(Listed { key, grid, words, bound, reals });
    }
    // Uniform blocks are a multiple of 16 bytes.
    for words in listed.iter_mut().map(|l| &mut l.words) {
        words.resize(words.len().next_multiple_of(4), 0);
    }
    let most = kernels.bounds.groups;
    if let Some(grid) = listed.iter().map(|l| l.grid).find(|g| g.iter().any(|&g| g > most)) {
        let what = format!(
            "{} needs {grid:?} workgroups, {} has {most} a dimension",
            node.op.name(),
            kernels.bounds.name
        );
        return Err(Error::device(what).help("use --backend cpu, or a smaller window"));
    }
    Ok(listed)
}

#[cfg(test)]
mod tests {
    use super::super::kernels::Bounds;
    use super::*;
    use crate::ops::Op;
    use crate::ops::phasor::Phasor;
    use crate::program::{Builder, Shape};

    /// A plane of 4096 x 4096 has one workgroup of elements more than a dimension.
    #[test]
    fn a_large_plane_goes_on_along_z() {
        let mut b = Builder::default();
        let mut program = |side: usize| {
            let phase = b.input("phase", Shape::real(&[side, side]));
            b.routine("run", 1);
            b.emit(Op::Phasor(Phasor), &[phase]).expect("a phasor");
        };
        [16, 4096, 5000].into_iter().for_each(&mut program);
        let program = b.finish();
        let grids = program.routines.iter().map(|routine| {
            let mut kernels = Kernels::new(Bounds::web());
            let (one, span) = (&routine.sections[1].nodes[0], Span { first: 0, count: 1 });
            node(&program, &mut kernels, routine, one, span).expect("it fits")[0].grid
        });
        let grids: Vec<[u32; 3]> = grids.collect();
        assert_eq!(grids, [[1, 1, 1], [32_768, 1, 2], [32_768, 1, 3]]);
    }

    #[test]
    fn shaders_count_as_many_elements_along_x() {
        let text = super::super::shaders::file("lib/element.wgsl").expect("a file");
        let shift = format!("invocation.z << {}u", (256 * ACROSS).ilog2());
        assert!(ACROSS.is_power_of_two() && text.contains(&shift), "no {shift} in {text}");
    }
}
