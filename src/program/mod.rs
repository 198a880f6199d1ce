//! The program as data: typed slots, routines of sections of nodes, each node one op.
//!
//! A [`Program`] holds every slot once; a [`Routine`] (`train`, `eval`, ...) is a list of
//! sections that run over those slots. A section runs `Once` or `PerSample`. A batch is cut into
//! *leaves* that depend on the batch alone: sums over samples are taken inside a leaf in sample
//! order and over leaves by a fixed tree, so that neither threads nor micro-batches change a bit.

pub mod adjoint;
pub mod builder;
pub mod dump;
pub mod plan;
pub mod types;

pub use builder::Builder;
pub use types::{
    Data, Domain, Formula, Kind, Layout, Leaves, Node, Program, Role, Routine, Scope, Section,
    Shape, Slot, SlotId,
};
