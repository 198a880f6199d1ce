//! The CPU: every sample goes through all nodes of a section while its fields are in cache.
//!
//! Leaves run in parallel, samples inside a leaf in order; where there are fewer leaves than
//! threads the lines of a transform run in parallel instead. A workspace per thread is made at
//! compile time and kept.

mod compile;
mod run;
mod storage;

use std::sync::{Arc, Mutex};

use compile::Compiled;
use storage::{Buffer, transposed};

use super::{Executor, fits, is_reordered, routine_index};
use crate::error::{Error, Result};
use crate::math::scalar::Scalar;
use crate::ops::kernel::CpuCompile;
use crate::program::{Data, Program, Role, SlotId};

pub struct Cpu<T: Scalar> {
    program: Arc<Program>,
    pool: Arc<rayon::ThreadPool>,
    /// Contents of everything but temporaries, by slot.
    values: Vec<Buffer<T>>,
    routines: Vec<Compiled<T>>,
    workspaces: Vec<Mutex<run::Workspace<T>>>,
}

/// A pool of `threads` workers, all cores when `None`.
pub fn pool(threads: Option<usize>) -> Result<Arc<rayon::ThreadPool>> {
    let builder = rayon::ThreadPoolBuilder::new().num_threads(threads.unwrap_or(0));
    builder.build().map(Arc::new).map_err(|e| Error::device(format!("cannot start threads: {e}")))
}

impl<T: Scalar> Cpu<T> {
    pub fn new(program: Arc<Program>, pool: Arc<rayon::ThreadPool>) -> Self {
        let mut shared = CpuCompile::default();
        let compile = |r| Compiled::new(&program, r, &mut shared);
        let routines: Vec<_> = program.routines.iter().map(compile).collect();
        let values =
            program.slots.iter().zip(program.copies()).map(|(slot, copies)| match &slot.role {
                Role::Const(data) | Role::Param(data) | Role::State(data) => {
                    Buffer::of(&transposed(slot, data))
                }
                Role::Input | Role::Output => {
                    Buffer::zeros(slot.shape.kind, copies * slot.shape.len())
                }
                Role::Temp => Buffer::None,
            });
        let values = values.collect();
        let workspaces = (0..pool.current_num_threads())
            .map(|_| Mutex::new(run::Workspace::new(&routines)))
            .collect();
        Self { program, pool, values, routines, workspaces }
    }

    /// Runs a routine node by node and returns the first op, with its output, that makes a number
    /// that is not finite.
    pub fn trace(&mut self, routine: &str, count: usize) -> Result<Option<(String, String)>> {
        let index = routine_index(&self.program, routine)?;
        let found = Mutex::new(None);
        self.execute(index, count, Some(&found))?;
        Ok(found.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner))
    }
}

impl<T: Scalar> Executor for Cpu<T> {
    fn program(&self) -> &Program {
        &self.program
    }

    fn describe(&self) -> String {
        let threads = self.pool.current_num_threads();
        format!("CPU, {}, {threads} thread{}", T::NAME, if threads == 1 { "" } else { "s" })
    }

    fn write(&mut self, slot: SlotId, data: &Data) -> Result<()> {
        let known = self.program.slot(slot);
        let value = &mut self.values[slot.index()];
        fits(known, data, value.len() / known.shape.len().max(1))?;
        if is_reordered(known) {
            *value = Buffer::of(&transposed(known, data));
        } else {
            value.write(data);
        }
        Ok(())
    }

    fn read(&mut self, slot: SlotId) -> Result<Data> {
        let known = self.program.slot(slot);
        let data = self.values[slot.index()].read();
        Ok(if is_reordered(known) { storage::natural(known, &data) } else { data })
    }

    fn run(&mut self, routine: &str, count: usize) -> Result<()> {
        let index = routine_index(&self.program, routine)?;
        self.execute(index, count, None)
    }
}
