//! Backends compile a program once and run its routines many times.
//!
//! They know programs and ops, never optics. Host data are f64 and in natural order on both
//! sides of [`Executor::write`] and [`Executor::read`]; layouts inside are the backend's own.

pub mod choice;
pub mod cpu;
pub mod gpu;
pub mod twin;

pub use choice::{Backend, Choice, Precision};

use crate::error::{Error, Result};
use crate::program::{Data, Layout, Program, Slot, SlotId};

/// A compiled program on one device.
pub trait Executor: Send {
    fn program(&self) -> &Program;

    /// The device and how the program lies on it, in one line.
    fn describe(&self) -> String;

    /// Writes a slot: an input (the first samples of the batch), a parameter or a state.
    fn write(&mut self, slot: SlotId, data: &Data) -> Result<()>;

    /// Reads all of a slot, after everything that was run.
    fn read(&mut self, slot: SlotId) -> Result<Data>;

    /// Starts a routine on the first `count` samples of its inputs.
    fn run(&mut self, routine: &str, count: usize) -> Result<()>;

    /// Submissions to the device's queue that runs have made; none on the CPU.
    fn submissions(&self) -> u64 {
        0
    }

    /// Samples that all pass through one kernel before the next begins; none on the CPU, where each
    /// thread takes a sample from kernel to kernel.
    fn micro_batch(&self, _routine: &str) -> Option<usize> {
        None
    }

    /// Runs a routine and times each of its nodes, in order.
    fn profile(&mut self, routine: &str, count: usize) -> Result<Vec<NodeTime>>;
}

/// What a node of a routine took, all samples together.
#[derive(Debug, Clone)]
pub struct NodeTime {
    pub op: &'static str,
    /// On the CPU the seconds of all leaves over how many run at once.
    pub seconds: f64,
    pub launches: usize,
}

/// Checks that host data fit a slot; `copies` is how many it may hold at most.
fn fits(slot: &Slot, data: &Data, copies: usize) -> Result<()> {
    let len = slot.shape.len();
    let whole = len > 0 && data.len().is_multiple_of(len) && data.len() <= copies * len;
    if data.kind() == slot.shape.kind && whole {
        return Ok(());
    }
    let what = format!(
        "{} takes up to {copies} x {len} {:?}, was given {} {:?}",
        slot.name,
        slot.shape.kind,
        data.len(),
        data.kind()
    );
    Err(Error::Shape { op: "write", what })
}

/// A slot without memory that the host could read or write.
fn temporary(op: &'static str, slot: &Slot) -> Error {
    Error::Shape { op, what: format!("{} is temporary", slot.name) }
}

/// The routine of that name, or what there is instead.
fn routine_index(program: &Program, name: &str) -> Result<usize> {
    program.routines.iter().position(|r| r.name == name).ok_or_else(|| {
        let known: Vec<_> = program.routines.iter().map(|r| r.name).collect();
        Error::Shape { op: "run", what: format!("no routine {name}; there are {known:?}") }
    })
}

/// Whether the host sees this slot in another order than the device.
fn is_reordered(slot: &Slot) -> bool {
    !matches!(slot.shape.layout, Layout::Natural | Layout::Blocked)
}
