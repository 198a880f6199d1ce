//! A routine compiled: kernels with the places of their operands.

use crate::math::aligned::Room;
use crate::math::scalar::Scalar;
use crate::ops::kernel::{CpuCompile, CpuKernel};
use crate::program::plan::{Plan, Slab};
use crate::program::{Domain, Kind, Leaves, Program, Role, Routine, Scope, SlotId};

use super::storage::Buffer;

/// Most operands of a node.
pub const MOST_INPUTS: usize = 7;
pub const MOST_OUTPUTS: usize = 7;

/// Where the copy of a slot lies that a kernel sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Held by slot, one copy.
    Value(usize),
    /// Held by slot, one copy per sample, written by the host.
    SampleValue(usize),
    /// Held by slot, one copy per sample, written by nodes: the n-th of the routine's outputs.
    SampleOutput(usize),
    /// A slab with one copy.
    Shared(usize),
    /// The n-th slab with a copy per leaf.
    Leaf(usize),
    /// A slab of the thread's workspace.
    Own(usize),
}

#[derive(Debug, Clone, Copy)]
pub struct Operand {
    pub place: Place,
    /// Elements of one copy.
    pub len: usize,
}

pub struct Step<T> {
    pub kernel: CpuKernel<T>,
    /// The first input lies where the first output does.
    pub in_place: bool,
    pub inputs: Vec<Operand>,
    pub outputs: Vec<Operand>,
    /// It takes all samples of a leaf at once.
    pub wide: bool,
    /// Among the nodes of the routine.
    pub number: usize,
    /// For messages.
    pub op: &'static str,
    pub output: String,
}

pub struct CompiledSection<T> {
    pub scope: Scope,
    pub steps: Vec<Step<T>>,
}

pub struct Compiled<T> {
    pub batch: usize,
    pub leaves: Leaves,
    pub sections: Vec<CompiledSection<T>>,
    /// Slabs with one copy per leaf, `[leaves, len]`, and their len.
    pub leaf_slabs: Vec<(Buffer<T>, usize)>,
    /// Slots with a copy per sample that nodes write, and their len.
    pub sample_outputs: Vec<(SlotId, usize)>,
    /// Slabs with one copy and those that each thread needs of its own, by plan index until
    /// [`share`].
    slabs: Vec<Slab>,
    pub scratch: usize,
}

impl<T: Scalar> Compiled<T> {
    pub fn new(
        program: &Program,
        routine: &Routine,
        shared: &mut CpuCompile<T>,
        room: &mut Room,
    ) -> Self {
        let plan = Plan::of(program, routine, &shared.arrangement);
        let mut leaf_slabs = Vec::new();
        let mut leaf_index = vec![usize::MAX; plan.slabs.len()];
        for (i, slab) in plan.slabs.iter().enumerate().filter(|(_, s)| s.domain == Domain::Leaf) {
            leaf_index[i] = leaf_slabs.len();
            let len = routine.leaves.count * slab.len;
            leaf_slabs.push((Buffer::zeros(slab.kind, len, room), slab.len));
        }

        let mut sample_outputs: Vec<(SlotId, usize)> = Vec::new();
        for node in routine.sections.iter().flat_map(|s| &s.nodes) {
            for &id in &node.outputs {
                let slot = program.slot(id);
                if matches!(slot.role, Role::Output) && slot.domain == Domain::Sample {
                    sample_outputs.push((id, shared.arrangement.len(&slot.shape)));
                }
            }
        }
        let lengths: Vec<usize> =
            program.slots.iter().map(|s| shared.arrangement.len(&s.shape)).collect();
        let place = |id: SlotId| -> Operand {
            let slot = program.slot(id);
            let place = if let Some(&slab) = plan.slab_of.get(&id) {
                match slot.domain {
                    Domain::Once => Place::Shared(slab),
                    Domain::Leaf => Place::Leaf(leaf_index[slab]),
                    Domain::Sample => Place::Own(slab),
                }
            } else if let Some(n) = sample_outputs.iter().position(|(o, _)| *o == id) {
                Place::SampleOutput(n)
            } else if slot.domain == Domain::Sample {
                Place::SampleValue(id.index())
            } else {
                Place::Value(id.index())
            };
            Operand { place, len: lengths[id.index()] }
        };
        let mut slabs = plan.slabs.clone();
        let copies = if is_wide(routine) { routine.leaves.size } else { 1 };
        let own = slabs.iter_mut().filter(|s| s.domain == Domain::Sample);
        own.for_each(|slab| slab.len *= copies);
        let (mut scratch, mut number) = (0, 0);
        let mut sections = Vec::new();
        for section in &routine.sections {
            let mut steps = Vec::new();
            for node in &section.nodes {
                let operands: Vec<_> = node.inputs.iter().map(|&i| program.slot(i)).collect();
                if let Some(&first) = node.outputs.first() {
                    shared.output = program.slot(first).shape.clone();
                }
                let kernel = node.op.cpu(&operands, shared);
                scratch = scratch.max(kernel.scratch);
                debug_assert!(
                    node.inputs.len() <= MOST_INPUTS && node.outputs.len() <= MOST_OUTPUTS
                );
                let slab = |id: Option<&SlotId>| id.and_then(|id| plan.slab_of.get(id));
                let into = slab(node.outputs.first());
                number += 1;
                steps.push(Step {
                    number: number - 1,
                    in_place: into.is_some() && slab(node.inputs.first()) == into,
                    kernel,
                    wide: node.op.wide(),
                    inputs: node.inputs.iter().map(|&i| place(i)).collect(),
                    outputs: node.outputs.iter().map(|&i| place(i)).collect(),
                    op: node.op.name(),
                    output: node
                        .outputs
                        .first()
                        .map_or_else(String::new, |&o| program.slot(o).name.clone()),
                });
            }
            sections.push(CompiledSection { scope: section.scope, steps });
        }
        Self {
            batch: routine.batch,
            leaves: routine.leaves,
            sections,
            leaf_slabs,
            sample_outputs,
            slabs,
            scratch,
        }
    }
}

/// Whether a leaf's samples go through the nodes side by side rather than one after the other.
pub fn is_wide(routine: &Routine) -> bool {
    let per_sample = routine.sections.iter().filter(|s| s.scope == Scope::PerSample);
    per_sample.flat_map(|s| &s.nodes).any(|n| n.op.wide())
}

/// Lets the routines, of which one runs at a time, have the same slabs of a domain: the n-th
/// largest of a kind are one. Kind and length of each.
pub fn share<T>(routines: &mut [Compiled<T>], domain: Domain) -> Vec<(Kind, usize)> {
    let mut shared: Vec<(Kind, usize)> = Vec::new();
    for routine in routines {
        let slabs = routine.slabs.iter().enumerate().filter(|(_, slab)| slab.domain == domain);
        let mut own: Vec<_> = slabs.map(|(i, slab)| (i, slab.kind, slab.len)).collect();
        own.sort_by_key(|&(_, _, len)| std::cmp::Reverse(len));
        let mut place = vec![0; routine.slabs.len()];
        let mut taken = vec![false; shared.len()];
        for (i, kind, len) in own {
            let free = |n: &usize| !taken[*n] && shared[*n].0 == kind;
            let n = (0..shared.len()).find(free).unwrap_or_else(|| {
                shared.push((kind, len));
                taken.push(false);
                shared.len() - 1
            });
            taken[n] = true;
            shared[n].1 = shared[n].1.max(len);
            place[i] = n;
        }
        let steps = routine.sections.iter_mut().flat_map(|s| &mut s.steps);
        for operand in steps.flat_map(|s| s.inputs.iter_mut().chain(&mut s.outputs)) {
            match &mut operand.place {
                Place::Shared(i) if domain == Domain::Once => *i = place[*i],
                Place::Own(i) if domain == Domain::Sample => *i = place[*i],
                _ => {}
            }
        }
    }
    shared
}
