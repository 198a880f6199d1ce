//! Where temporaries live: slots of one routine whose lives do not overlap share a slab.

use std::collections::HashMap;

use super::types::{Domain, Kind, Node, Program, Role, Routine, Scope, Shape, SlotId};

/// Storage shared by temporaries of one kind and domain, sized for the largest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slab {
    pub kind: Kind,
    pub domain: Domain,
    /// Elements of one copy.
    pub len: usize,
}

#[derive(Debug, Clone, Default)]
pub struct Plan {
    pub slabs: Vec<Slab>,
    pub slab_of: HashMap<SlotId, usize>,
}

/// What a backend knows of its memory.
pub trait Memory {
    /// Elements of one copy of a slot.
    fn len(&self, shape: &Shape) -> usize {
        shape.len()
    }

    /// Whether a node may write its first output where its first input lies.
    fn in_place(&self, _node: &Node) -> bool {
        false
    }
}

/// Slots as long as their shapes, nothing in place.
pub struct Plain;

impl Memory for Plain {}

impl Plan {
    /// Best fit, over the order in which nodes run.
    ///
    /// Where a node may not work in place, its outputs never share a slab with its inputs: a GPU
    /// may not read and write one buffer in one dispatch. Per-leaf sums live through the whole
    /// routine.
    pub fn of(program: &Program, routine: &Routine, memory: &dyn Memory) -> Self {
        let mut nodes = Vec::new();
        for section in &routine.sections {
            nodes.extend(section.nodes.iter().map(|n| (section.scope, n)));
        }
        let is_temp = |id: SlotId| matches!(program.slot(id).role, Role::Temp);
        let mut last_use: HashMap<SlotId, usize> = HashMap::new();
        for (at, (_, node)) in nodes.iter().enumerate() {
            for &id in node.inputs.iter().chain(&node.outputs).filter(|id| is_temp(**id)) {
                last_use.insert(id, at);
            }
        }
        // What is made once and used per sample must outlive the last sample, which runs all
        // nodes of its section again.
        let end_of_samples =
            nodes.iter().rposition(|(scope, _)| *scope == Scope::PerSample).unwrap_or(0);
        for (id, at) in &mut last_use {
            match program.slot(*id).domain {
                Domain::Leaf => *at = nodes.len(),
                Domain::Once => *at = (*at).max(end_of_samples),
                Domain::Sample => {}
            }
        }

        let mut plan = Self::default();
        let mut free: Vec<usize> = Vec::new();
        let mut held: Vec<(usize, usize)> = Vec::new(); // (last use, slab)
        for (at, (_, node)) in nodes.iter().enumerate() {
            if let Some(slab) =
                plan.reused(program, node, memory, |id| last_use.get(&id) == Some(&at))
            {
                plan.slab_of.insert(node.outputs[0], slab);
                held.retain(|&(_, held)| held != slab);
                held.push((last_use[&node.outputs[0]], slab));
            }
            held.retain(|&(until, slab)| {
                if until < at {
                    free.push(slab);
                }
                until >= at
            });
            for &id in node.outputs.iter().filter(|id| is_temp(**id)) {
                if plan.slab_of.contains_key(&id) {
                    continue;
                }
                let slot = program.slot(id);
                let (kind, domain, len) = (slot.shape.kind, slot.domain, memory.len(&slot.shape));
                let fits =
                    |&s: &usize| plan.slabs[s].kind == kind && plan.slabs[s].domain == domain;
                // The smallest that holds it, else the largest, which grows.
                let best = free.iter().copied().filter(fits).min_by_key(|&s| {
                    let have = plan.slabs[s].len;
                    if have >= len { (0, have) } else { (1, usize::MAX - have) }
                });
                let slab = if let Some(s) = best {
                    free.retain(|&f| f != s);
                    plan.slabs[s].len = plan.slabs[s].len.max(len);
                    s
                } else {
                    plan.slabs.push(Slab { kind, domain, len });
                    plan.slabs.len() - 1
                };
                plan.slab_of.insert(id, slab);
                held.push((last_use[&id], slab));
            }
        }
        plan
    }

    /// The slab of a node's first input, if its first output may take it over.
    fn reused(
        &self,
        program: &Program,
        node: &Node,
        memory: &dyn Memory,
        ends_here: impl Fn(SlotId) -> bool,
    ) -> Option<usize> {
        let (&input, &output) = (node.inputs.first()?, node.outputs.first()?);
        let slab = *self.slab_of.get(&input)?;
        let [from, to] = [input, output].map(|id| program.slot(id));
        let alike = from.domain == to.domain
            && from.shape.kind == to.shape.kind
            && from.shape.layout == to.shape.layout
            && memory.len(&from.shape) == memory.len(&to.shape);
        let fresh = matches!(to.role, Role::Temp) && !self.slab_of.contains_key(&output);
        let once = node.inputs.iter().filter(|&&i| i == input).count() == 1;
        (alike && fresh && once && ends_here(input) && memory.in_place(node)).then_some(slab)
    }
}
