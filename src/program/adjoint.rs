//! Walks a routine from its loss to its parameters and emits the adjoint of every node.
//!
//! The gradient of a real loss with respect to a complex slot is g = dL/dRe + i dL/dIm, so that
//! dL = Re<g, dE>, and for y = A x, g_x = A^H g_y.

use std::collections::{BTreeMap, HashSet};

use super::builder::Builder;
use super::types::{Domain, Node, Role, Scope, SlotId};
use crate::error::{Error, Result};
use crate::ops::{Op, add::Add, leaf_sum::LeafSum};

/// What an op's `adjoint` may do: ask for gradients, emit nodes, hand gradients on.
#[derive(Debug)]
pub struct Adjoint<'a> {
    builder: &'a mut Builder,
    /// Slots through which a parameter acts.
    active: HashSet<SlotId>,
    grads: BTreeMap<SlotId, SlotId>,
    fixed: HashSet<SlotId>,
    /// Gradients of slots that all samples share, summed per leaf.
    leaves: BTreeMap<SlotId, SlotId>,
}

impl Adjoint<'_> {
    pub fn builder(&mut self) -> &mut Builder {
        self.builder
    }

    pub fn is_active(&self, slot: SlotId) -> bool {
        self.active.contains(&slot)
    }

    /// Gradient of the node's only output.
    ///
    /// # Errors
    /// When nothing after the node asked for one, which the walk does not let happen.
    pub fn incoming(&self, node: &Node) -> Result<SlotId> {
        node.outputs
            .first()
            .and_then(|o| self.grads.get(o).copied())
            .ok_or(Error::NoAdjoint { op: node.op.name() })
    }

    pub fn emit(&mut self, op: Op, inputs: &[SlotId]) -> Result<SlotId> {
        self.builder.emit(op, inputs)
    }

    /// Adds `g` to the gradient of `slot`.
    pub fn contribute(&mut self, slot: SlotId, g: SlotId) -> Result<()> {
        if self.fixed.contains(&slot) {
            return Ok(());
        }
        let total = match self.grads.get(&slot) {
            Some(&other) => self.builder.emit(Op::Add(Add), &[other, g])?,
            None => g,
        };
        self.grads.insert(slot, total);
        Ok(())
    }

    /// The slot to which ops add each sample's share of the gradient of a shared slot.
    pub fn leaf(&mut self, slot: SlotId) -> SlotId {
        if let Some(&sum) = self.leaves.get(&slot) {
            return sum;
        }
        let target = self.builder.slot(slot);
        let (name, shape) = (format!("grad.{}.leaf", target.name), target.shape.clone());
        let sum = self.builder.leaf(name, shape);
        self.leaves.insert(slot, sum);
        sum
    }

    /// Emits an op that adds each sample's share to the gradient of a shared slot.
    pub fn accumulate(&mut self, slot: SlotId, op: Op, inputs: &[SlotId]) -> Result<()> {
        let sum = self.leaf(slot);
        self.builder.emit_into(op, inputs, &[sum])
    }
}

/// Where a walk begins, and where it is led.
#[derive(Debug, Default)]
pub struct Start {
    /// Slots with the gradients that are given to them.
    pub seeds: Vec<(SlotId, SlotId)>,
    /// Slots whose given gradient stays, whatever later nodes would add to it.
    pub fixed: HashSet<SlotId>,
    /// Slots behind which the walk does not go.
    pub ends: HashSet<SlotId>,
}

/// Emits the adjoint of the open routine and returns the gradient slot of every parameter that
/// `loss` depends on.
///
/// `seed` is dL/d(loss of one sample), a real slot of length 1.
///
/// # Errors
/// When a parameter lies before an op that has no adjoint.
pub fn adjoint(
    builder: &mut Builder,
    loss: SlotId,
    seed: SlotId,
) -> Result<BTreeMap<SlotId, SlotId>> {
    let start = Start { seeds: vec![(loss, seed)], ..Start::default() };
    let grads = adjoint_from(builder, start)?;
    Ok(params(builder, &grads))
}

/// The gradients of parameters among all.
pub fn params(builder: &Builder, grads: &BTreeMap<SlotId, SlotId>) -> BTreeMap<SlotId, SlotId> {
    let is_param = |s: SlotId| {
        matches!(builder.slot(s).role, Role::Param(_)) && builder.slot(s).domain == Domain::Once
    };
    grads.iter().filter(|(s, _)| is_param(**s)).map(|(&s, &g)| (s, g)).collect()
}

/// Emits the adjoint from given gradients and returns those of all slots that it met.
///
/// # Errors
/// When a parameter lies before an op that has no adjoint.
pub fn adjoint_from(builder: &mut Builder, start: Start) -> Result<BTreeMap<SlotId, SlotId>> {
    walk_from(builder, start)?.reduce(builder)
}

/// A walk over the samples, whose sums of leaves are not yet put together.
#[derive(Debug)]
pub struct Walked {
    /// Of every slot that the walk met.
    pub grads: BTreeMap<SlotId, SlotId>,
    active: HashSet<SlotId>,
    fixed: HashSet<SlotId>,
    ends: HashSet<SlotId>,
    leaves: BTreeMap<SlotId, SlotId>,
    once: Vec<Node>,
}

/// Emits the adjoint of what runs per sample: more may be emitted there before it is reduced.
///
/// # Errors
/// When a parameter lies before an op that has no adjoint.
pub fn walk_from(builder: &mut Builder, start: Start) -> Result<Walked> {
    let in_scope = |scope: Scope| -> Vec<Node> {
        let sections = builder.sections().iter().filter(|s| s.scope == scope);
        sections.flat_map(|s| s.nodes.iter().cloned()).collect()
    };
    let (once, samples) = (in_scope(Scope::Once), in_scope(Scope::PerSample));

    let mut active: HashSet<SlotId> = HashSet::new();
    for node in once.iter().chain(&samples) {
        let acts =
            |&i: &SlotId| active.contains(&i) || matches!(builder.slot(i).role, Role::Param(_));
        if node.inputs.iter().any(acts) {
            active.extend(
                node.inputs.iter().filter(|i| matches!(builder.slot(**i).role, Role::Param(_))),
            );
            active.extend(node.outputs.iter().filter(|o| !builder.is_measured(**o)));
        }
    }

    let (grads, ends) = (start.seeds.into_iter().collect(), start.ends);
    let mut walk = Adjoint { builder, active, grads, fixed: start.fixed, leaves: BTreeMap::new() };
    for node in samples.iter().rev() {
        visit(&mut walk, &ends, node)?;
    }
    let Adjoint { active, grads, fixed, leaves, .. } = walk;
    Ok(Walked { grads, active, fixed, ends, leaves, once })
}

fn visit(walk: &mut Adjoint, ends: &HashSet<SlotId>, node: &Node) -> Result<()> {
    let goes_on = |o: &SlotId| !ends.contains(o) && !walk.builder.is_measured(*o);
    let reached = node.outputs.iter().any(|o| walk.grads.contains_key(o) && goes_on(o));
    let matters = node.inputs.iter().any(|i| walk.is_active(*i));
    if reached && matters { node.op.adjoint(walk, node) } else { Ok(()) }
}

impl Walked {
    /// Emits the sums over leaves, and the adjoint of what runs once.
    ///
    /// # Errors
    /// When a parameter lies before an op that has no adjoint, or none but a sum over leaves where it
    /// runs once.
    pub fn reduce(self, builder: &mut Builder) -> Result<BTreeMap<SlotId, SlotId>> {
        let Self { grads, active, fixed, ends, leaves, once } = self;
        if leaves.is_empty() {
            return Ok(grads);
        }
        builder.section("reduce");
        let mut walk = Adjoint { builder, active, grads, fixed, leaves: BTreeMap::new() };
        for (slot, sum) in leaves {
            let total = walk.builder.emit(Op::LeafSum(LeafSum), &[sum])?;
            let name = format!("grad.{}", walk.builder.slot(slot).name);
            walk.builder.name(total, &name);
            walk.contribute(slot, total)?;
        }
        for node in once.iter().rev() {
            visit(&mut walk, &ends, node)?;
            // Nothing sums over leaves behind what runs once.
            if !walk.leaves.is_empty() {
                return Err(Error::NoAdjoint { op: node.op.name() });
            }
        }
        Ok(walk.grads)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::dense::Dense;
    use crate::ops::goodness::Goodness;
    use crate::program::{Data, Shape};

    /// A layer that runs once would sum its gradient over the leaves of samples that it does not see.
    #[test]
    fn a_gradient_that_nothing_sums_is_refused() {
        let walked = |trained: bool| {
            let mut b = Builder::default();
            let x = b.input("x", Shape::real(&[3]));
            let zeros = |n| Data::Real(vec![0.0; n]);
            let [start, bias] = ["start", "bias"].map(|name| {
                let n = if name == "start" { 2 } else { 3 };
                b.constant(name, Shape::real(&[n]), || zeros(n))
            });
            let w = b.param("w", Shape::real(&[3, 2]), zeros(6));
            let other = b.param("other", Shape::real(&[3]), zeros(3));
            let seed = b.constant("seed", Shape::real(&[1]), || Data::Real(vec![1.0]));
            b.routine("train", 4);
            let shared = if trained { b.emit(Op::Dense(Dense), &[start, w, bias])? } else { other };
            let y = b.emit(Op::Add(Add), &[x, shared])?;
            let loss = b.emit(Op::Goodness(Goodness), &[y])?;
            adjoint(&mut b, loss, seed)
        };
        assert_eq!(walked(false).expect("a sum over the samples").len(), 1);
        let refused = walked(true).expect_err("nothing sums over leaves there");
        assert!(matches!(refused, Error::NoAdjoint { op: "dense" }), "{refused}");
    }
}
