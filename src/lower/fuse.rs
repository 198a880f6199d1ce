//! Rewrites a program so that what lies between two steps of free space is one pass:
//! rows out -> chain -> rows in becomes one [`Hop`], P propagations 2P + 1 passes, and planes lie
//! in the backend's own order between them. What nobody reads is left out, rows of a plane among
//! it ([`super::rows`]).
//!
//! Slots keep their numbers. The unfused program is the oracle; `--no-fuse` runs it.

use std::collections::{HashMap, HashSet};

use crate::ops::Op;
use crate::ops::arrange::{self, Order};
use crate::ops::hop::{Chain, Hop, Link, Rows, Saved};
use crate::program::{Domain, Kind, Layout, Node, Program, Role, Scope, SlotId};

/// Operands of a hop at most: a GPU pass has eight storage buffers, and twiddles take one.
const MOST_OPERANDS: usize = 7;

#[must_use]
pub fn fuse(program: &Program) -> Program {
    let mut fused = program.clone();
    for routine in &mut fused.routines {
        let mut wanted = HashSet::new();
        for section in routine.sections.iter_mut().rev() {
            section.nodes = live(program, &section.nodes, &mut wanted);
        }
        let mut uses = HashMap::new();
        for input in routine.sections.iter().flat_map(|s| &s.nodes).flat_map(|n| &n.inputs) {
            *uses.entry(*input).or_insert(0) += 1;
        }
        for section in routine.sections.iter_mut().filter(|s| s.scope == Scope::PerSample) {
            let mut rewrite = Rewrite { program, uses: &uses, open: Vec::new(), done: Vec::new() };
            for node in &section.nodes {
                rewrite.take(node);
            }
            section.nodes = rewrite.finish();
        }
    }
    for plane in planes(&fused) {
        fused.slots[plane.index()].shape.layout = Layout::Blocked;
    }
    super::rows::mark(&mut fused);
    fused
}

/// What hops read and write as planes, and what lies beside a plane elsewhere.
fn planes(program: &Program) -> HashSet<SlotId> {
    let nodes = || program.routines.iter().flat_map(|r| &r.sections).flat_map(|s| &s.nodes);
    let taken = |node, order| arrange::operands(node).filter(move |o| o.1 == order).map(|o| o.0);
    let mut planes: HashSet<SlotId> = nodes().flat_map(|n| taken(n, Order::Blocked)).collect();
    let mut before = 0;
    while planes.len() > before {
        before = planes.len();
        for node in nodes() {
            if taken(node, Order::Alike).any(|slot| planes.contains(&slot)) {
                planes.extend(taken(node, Order::Alike));
            }
        }
    }
    planes
}

/// The fused program with the fields in f16 that hops store for mask gradients alone; none where
/// there are none.
#[must_use]
pub fn halve(fused: &Program) -> Option<Program> {
    let nodes = || fused.routines.iter().flat_map(|r| &r.sections).flat_map(|s| &s.nodes);
    let (mut stored, mut others): (HashSet<SlotId>, HashSet<SlotId>) = Default::default();
    for node in nodes() {
        let saved = operands(node).filter(|(link, _)| link.is_some()).map(|(_, slot)| slot);
        let saved: HashSet<SlotId> = saved.collect();
        others.extend(node.inputs.iter().filter(|&i| !saved.contains(i)));
        stored.extend(stores(node).map(|(_, slot)| slot));
    }
    let is_temp = |slot: &SlotId| matches!(fused.slot(*slot).role, Role::Temp);
    stored.retain(|slot| !others.contains(slot) && is_temp(slot));
    if stored.is_empty() {
        return None;
    }
    let mut halved = fused.clone();
    for slot in &stored {
        halved.slots[slot.index()].shape.kind = Kind::Half;
    }
    for node in halved.routines.iter_mut().flat_map(|r| &mut r.sections).flat_map(|s| &mut s.nodes)
    {
        let read = operands(node).filter_map(|(link, slot)| Some((link?, slot)));
        let all: Vec<(usize, SlotId)> = read.chain(stores(node)).collect();
        let Op::Hop(hop) = &mut node.op else { continue };
        for (link, slot) in all {
            if let (true, Link::Store(saved) | Link::Grad(_, saved)) =
                (stored.contains(&slot), &mut hop.chain.links[link])
            {
                *saved = Saved::Half;
            }
        }
    }
    Some(halved)
}

/// What a node reads, each with the link that takes a mask's gradient with it.
fn operands(node: &Node) -> impl Iterator<Item = (Option<usize>, SlotId)> + '_ {
    let links: &[Link] = match &node.op {
        Op::Hop(hop) => &hop.chain.links,
        _ => &[],
    };
    let reading = links.iter().enumerate().filter(|(_, link)| link.reads().is_some());
    let of_links = reading.map(|(n, link)| matches!(link, Link::Grad(..)).then_some(n));
    let first = std::iter::once(None).chain(of_links).chain(std::iter::repeat(None));
    first.zip(node.inputs.iter().copied())
}

/// The links of a node that store fields, and where.
fn stores(node: &Node) -> impl Iterator<Item = (usize, SlotId)> + '_ {
    let (links, first) = match &node.op {
        Op::Hop(hop) => (hop.chain.links.as_slice(), usize::from(hop.chain.to_hybrid)),
        _ => (&[][..], 0),
    };
    let writing = links.iter().enumerate().filter(|(_, link)| link.writes().is_some());
    let outputs = node.outputs[first.min(node.outputs.len())..].iter().copied();
    writing
        .zip(outputs)
        .filter_map(|((n, link), slot)| matches!(link, Link::Store(_)).then_some((n, slot)))
}

/// The nodes whose results somebody wants, and what they want in turn.
fn live(program: &Program, nodes: &[Node], wanted: &mut HashSet<SlotId>) -> Vec<Node> {
    let mut kept = Vec::new();
    for node in nodes.iter().rev() {
        let seen = |o: &SlotId| wanted.contains(o) || !matches!(program.slot(*o).role, Role::Temp);
        if node.outputs.iter().any(seen) {
            wanted.extend(&node.inputs);
            kept.push(node.clone());
        }
    }
    kept.reverse();
    kept
}

/// A chain that may still grow.
struct Growing {
    hop: Hop,
    inputs: Vec<SlotId>,
    /// Of the links, in order.
    outputs: Vec<SlotId>,
    /// The field where the chain stands, and how often its own links read it there.
    current: SlotId,
    reads: usize,
    /// What it replaces.
    nodes: Vec<Node>,
}

impl Growing {
    /// Room for a link that reads so many operands, the field stored behind it and the end.
    fn has_room(&self, operands: usize) -> bool {
        self.inputs.len() + self.outputs.len() + operands + 2 <= MOST_OPERANDS
    }

    fn makes(&self, slot: SlotId) -> bool {
        self.nodes.iter().any(|n| n.outputs.contains(&slot))
    }
}

struct Rewrite<'a> {
    program: &'a Program,
    uses: &'a HashMap<SlotId, usize>,
    open: Vec<Growing>,
    done: Vec<Node>,
}

impl Rewrite<'_> {
    fn take(&mut self, node: &Node) {
        match &node.op {
            Op::RowsOut(op) => {
                self.close_makers(&node.inputs);
                self.open(node, op.field, op.padded, true);
            }
            Op::RowsIn(op) => {
                let field = node.inputs[0];
                let at = self.open.iter().position(|g| {
                    g.current == field && (g.hop.field, g.hop.padded) == (op.field, op.padded)
                });
                let mut grown = if let Some(at) = at {
                    self.open.remove(at)
                } else {
                    self.close_makers(&node.inputs);
                    start(field, op.field, op.padded, false)
                };
                grown.reads += 1;
                grown.nodes.push(node.clone());
                self.close(grown, Some(node.outputs[0]));
            }
            _ => {
                if let Some((link, field, operand)) = link(self.program, node) {
                    // An operand that a chain makes must be there before the chain reads it.
                    self.close_makers(operand.as_slice());
                    if self.extend(node, link, field, operand) {
                        return;
                    }
                }
                self.close_makers(&node.inputs);
                self.done.push(node.clone());
            }
        }
    }

    fn open(&mut self, node: &Node, field: [usize; 2], padded: [usize; 2], from_hybrid: bool) {
        let mut grown = start(node.inputs[0], field, padded, from_hybrid);
        grown.current = node.outputs[0];
        grown.nodes.push(node.clone());
        self.open.push(grown);
    }

    /// Adds a link to the chain that stands at its field; false if there is none.
    fn extend(&mut self, node: &Node, link: Link, field: SlotId, operand: Option<SlotId>) -> bool {
        let operands = usize::from(operand.is_some()) + usize::from(link.writes().is_some());
        let Some(at) = self.open.iter().position(|g| g.current == field) else { return false };
        if !self.open[at].has_room(operands) {
            return false;
        }
        self.open[at].reads += 1;
        if link.writes().is_none() {
            self.leave(at);
            self.open[at].current = node.outputs[0];
            self.open[at].reads = 0;
        } else {
            self.open[at].outputs.push(node.outputs[0]);
        }
        let grown = &mut self.open[at];
        grown.inputs.extend(operand);
        grown.hop.chain.links.push(link);
        grown.nodes.push(node.clone());
        true
    }

    /// Stores the field where a chain stands if others read it.
    fn leave(&mut self, at: usize) {
        let grown = &mut self.open[at];
        let field = grown.current;
        let others = self.uses.get(&field).copied().unwrap_or(0) > grown.reads;
        let seen = !matches!(self.program.slot(field).role, Role::Temp);
        // A field that the chain began with lies in memory already.
        if (others || seen) && grown.makes(field) {
            grown.hop.chain.links.push(Link::Store(Saved::Whole));
            grown.outputs.push(field);
        }
    }

    /// Ends the chains that make any of these slots.
    fn close_makers(&mut self, slots: &[SlotId]) {
        while let Some(at) = self.open.iter().position(|g| slots.iter().any(|&s| g.makes(s))) {
            let grown = self.open.remove(at);
            self.close(grown, None);
        }
    }

    fn close(&mut self, grown: Growing, hybrid: Option<SlotId>) {
        self.open.push(grown);
        self.leave(self.open.len() - 1);
        let Some(mut grown) = self.open.pop() else { return };
        grown.hop.chain.to_hybrid = hybrid.is_some();
        let outputs: Vec<SlotId> = hybrid.into_iter().chain(grown.outputs).collect();
        self.done.push(Node { op: Op::Hop(grown.hop), inputs: grown.inputs, outputs });
    }

    fn finish(mut self) -> Vec<Node> {
        while let Some(grown) = self.open.pop() {
            self.close(grown, None);
        }
        self.done
    }
}

fn start(input: SlotId, field: [usize; 2], padded: [usize; 2], from_hybrid: bool) -> Growing {
    let chain = Chain { from_hybrid, links: Vec::new(), to_hybrid: false };
    Growing {
        hop: Hop { field, padded, chain, rows: Rows::all(field[0]) },
        inputs: vec![input],
        outputs: Vec::new(),
        current: input,
        reads: 0,
        nodes: Vec::new(),
    }
}

/// What a node is as a link, the field that it acts on, and its other operand.
fn link(program: &Program, node: &Node) -> Option<(Link, SlotId, Option<SlotId>)> {
    let (first, second) = (node.inputs.first().copied()?, node.inputs.get(1).copied());
    // A mask of each sample's own is no operand of a link.
    let own = |slot: SlotId| program.slot(slot).domain == Domain::Sample;
    Some(match &node.op {
        Op::Modulate(_) | Op::Attenuate(_) if second.is_none_or(own) => return None,
        Op::Modulate(m) => (Link::Modulate { conj: m.conj }, first, second),
        Op::Attenuate(_) => (Link::Attenuate, first, second),
        Op::Intensity(_) => (Link::StoreIntensity, first, None),
        Op::GradSum(kind) if second != Some(first) => {
            (Link::Grad(*kind, Saved::Whole), second?, Some(first))
        }
        _ => return None,
    })
}
