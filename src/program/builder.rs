//! Builds a program: checks shapes, names slots, puts each node into the section it belongs to.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::types::{
    Data, Domain, Formula, Leaves, Node, Program, Role, Routine, Scope, Section, Shape, Slot,
    SlotId,
};
use crate::error::{Error, Result};
use crate::ops::Op;

#[derive(Debug, Default)]
pub struct Builder {
    program: Program,
    constants: HashMap<String, SlotId>,
    measured: HashSet<SlotId>,
}

impl Builder {
    pub fn slot(&self, id: SlotId) -> &Slot {
        self.program.slot(id)
    }

    /// Says that `slot` is measured: no adjoint goes behind it.
    pub fn measured(&mut self, slot: SlotId) {
        self.measured.insert(slot);
    }

    pub(super) fn is_measured(&self, slot: SlotId) -> bool {
        self.measured.contains(&slot)
    }

    pub fn finish(self) -> Program {
        self.program
    }

    pub fn find(&self, name: &str) -> Option<SlotId> {
        self.program.find(name)
    }

    fn add(&mut self, name: String, shape: Shape, domain: Domain, role: Role) -> SlotId {
        self.program.slots.push(Slot { name, shape, domain, role });
        SlotId((self.program.slots.len() - 1) as u32)
    }

    /// A constant; the same name gives the same slot, and `make` runs once.
    pub fn constant(&mut self, name: &str, shape: Shape, make: impl FnOnce() -> Data) -> SlotId {
        if let Some(&id) = self.constants.get(name) {
            return id;
        }
        let role = Role::Const(Arc::new(make()));
        let id = self.add(name.to_owned(), shape, Domain::Once, role);
        self.constants.insert(name.to_owned(), id);
        id
    }

    /// A constant by formula, complex; the same name gives the same slot.
    pub fn formula(&mut self, name: &str, shape: Shape, formula: Formula) -> SlotId {
        if let Some(&id) = self.constants.get(name) {
            return id;
        }
        let id = self.add(name.to_owned(), shape, Domain::Once, Role::Formula(formula));
        self.constants.insert(name.to_owned(), id);
        id
    }

    pub fn param(&mut self, name: &str, shape: Shape, start: Data) -> SlotId {
        self.add(name.to_owned(), shape, Domain::Once, Role::Param(Arc::new(start)))
    }

    pub fn state(&mut self, name: &str, shape: Shape, start: Data) -> SlotId {
        self.add(name.to_owned(), shape, Domain::Once, Role::State(Arc::new(start)))
    }

    /// An input with one copy per sample.
    pub fn input(&mut self, name: &str, shape: Shape) -> SlotId {
        self.add(name.to_owned(), shape, Domain::Sample, Role::Input)
    }

    /// A slot that ops add to, one copy per leaf.
    pub fn leaf(&mut self, name: String, shape: Shape) -> SlotId {
        self.temp(name, shape, Domain::Leaf)
    }

    /// A temporary that [`Self::emit_all`] writes.
    pub fn temp(&mut self, name: String, shape: Shape, domain: Domain) -> SlotId {
        self.add(name, shape, domain, Role::Temp)
    }

    /// Starts a routine; what follows is emitted into it.
    pub fn routine(&mut self, name: &'static str, batch: usize) {
        let sections = first_sections().into();
        let leaves = Leaves::of(batch);
        self.program.routines.push(Routine { name, batch, leaves, sections });
    }

    /// Starts another pass over the samples of the routine, after all that came before it.
    pub fn pass(&mut self) {
        if let Some(routine) = self.program.routines.last_mut() {
            routine.sections.extend(first_sections());
        }
    }

    /// Opens a section that runs once, after all that came before it.
    pub fn section(&mut self, name: &'static str) {
        if let Some(routine) = self.program.routines.last_mut() {
            routine.sections.push(Section { name, scope: Scope::Once, nodes: Vec::new() });
        }
    }

    /// Samples of the routine being built.
    pub fn batch(&self) -> usize {
        self.program.routines.last().map_or(1, |r| r.batch)
    }

    /// The sections of the routine being built.
    pub fn sections(&self) -> &[Section] {
        self.program.routines.last().map_or(&[], |r| &r.sections)
    }

    /// Marks a slot as one that the host reads, under a name.
    pub fn output(&mut self, id: SlotId, name: &str) {
        let slot = &mut self.program.slots[id.index()];
        slot.role = Role::Output;
        name.clone_into(&mut slot.name);
    }

    /// Names a temporary, for dumps and for messages.
    pub fn name(&mut self, id: SlotId, name: &str) {
        name.clone_into(&mut self.program.slots[id.index()].name);
    }

    /// Emits an op that makes one new slot.
    pub fn emit(&mut self, op: Op, inputs: &[SlotId]) -> Result<SlotId> {
        let operands: Vec<&Slot> = inputs.iter().map(|&i| self.slot(i)).collect();
        let shape = op.shape(&operands)?;
        let per_sample = operands.iter().any(|s| s.domain == Domain::Sample);
        let domain = if per_sample { Domain::Sample } else { Domain::Once };
        let name = format!("{}.{}", op.name(), self.program.slots.len());
        let output = self.add(name, shape, domain, Role::Temp);
        self.push(Node { op, inputs: inputs.to_vec(), outputs: vec![output] })?;
        Ok(output)
    }

    /// Emits an op that adds to or updates slots that are there already.
    pub fn emit_into(&mut self, op: Op, inputs: &[SlotId], outputs: &[SlotId]) -> Result<()> {
        let operands: Vec<&Slot> = inputs.iter().map(|&i| self.slot(i)).collect();
        let shape = op.shape(&operands)?;
        for &o in outputs {
            let slot = self.slot(o);
            if slot.shape.len() != shape.len() || slot.shape.kind != shape.kind {
                let what = format!("makes {shape:?}, but {} is {:?}", slot.name, slot.shape);
                return Err(Error::Shape { op: op.name(), what });
            }
        }
        self.push(Node { op, inputs: inputs.to_vec(), outputs: outputs.to_vec() })
    }

    /// Emits an op that writes several slots of its own shapes.
    pub fn emit_all(&mut self, op: Op, inputs: &[SlotId], outputs: &[SlotId]) -> Result<()> {
        let operands: Vec<&Slot> = inputs.iter().map(|&i| self.slot(i)).collect();
        op.shape(&operands)?;
        self.push(Node { op, inputs: inputs.to_vec(), outputs: outputs.to_vec() })
    }

    /// A node goes to the last section of its scope: the per-sample one if a sample or leaf slot
    /// is touched per sample, else the last one that runs once.
    fn push(&mut self, node: Node) -> Result<()> {
        let samples =
            node.inputs.iter().chain(&node.outputs).any(|&i| self.slot(i).domain == Domain::Sample);
        let scope = if samples { Scope::PerSample } else { Scope::Once };
        let op = node.op.name();
        let wrong = |what: String| Err(Error::Shape { op, what });
        let Some(sections) = self.program.routines.last_mut().map(|r| &mut r.sections) else {
            return wrong("no routine is open".into());
        };
        let Some(at) = sections.iter().rposition(|s| s.scope == scope) else {
            return wrong("the routine has no section for it".into());
        };
        // What runs per sample reads what ran before it.
        let later = &sections[at + 1..];
        let made_later = |i: &SlotId| {
            later.iter().flat_map(|s| &s.nodes).any(|n| {
                n.outputs.contains(i)
                    && matches!(self.program.slots[i.index()].role, Role::Temp | Role::Output)
            })
        };
        if let Some(i) = node.inputs.iter().find(|i| made_later(i)) {
            let name = &self.program.slots[i.index()].name;
            return wrong(format!("{name} is made after the samples that would read it"));
        }
        sections[at].nodes.push(node);
        Ok(())
    }
}

/// What runs once before the samples, and what runs for each.
fn first_sections() -> [Section; 2] {
    [
        Section { name: "prepare", scope: Scope::Once, nodes: Vec::new() },
        Section { name: "samples", scope: Scope::PerSample, nodes: Vec::new() },
    ]
}
