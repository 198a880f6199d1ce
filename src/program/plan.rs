//! Where temporaries live: slots of one routine whose lives do not overlap share a slab.

use std::collections::HashMap;

use super::types::{Domain, Kind, Program, Role, Routine, Scope, SlotId};

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

impl Plan {
    /// Best fit, over the order in which nodes run.
    ///
    /// A node's outputs never share a slab with its inputs: a GPU may not read and write one
    /// buffer in one dispatch. Per-leaf sums live through the whole routine.
    pub fn of(program: &Program, routine: &Routine) -> Self {
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
                let (kind, domain, len) = (slot.shape.kind, slot.domain, slot.shape.len());
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
}
