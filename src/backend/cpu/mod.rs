//! The CPU: every sample goes through all nodes of a section while its fields are in cache.
//!
//! Leaves run in parallel, samples inside a leaf in order; where that would leave half of the
//! threads idle or more, the lines of a transform run in parallel instead. A workspace per thread is
//! made at compile time and kept.

mod layout;
mod room;
mod run;
mod storage;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use layout::Compiled;
use run::Watch;
use storage::Buffer;

use super::{Executor, NodeTime, Precision, fits, routine_index, temporary};
use crate::error::{Error, Result};
use crate::math::aligned::Room;
use crate::math::lanes::Isa;
use crate::math::scalar::Scalar;
use crate::ops::arrange::Arrangement;
use crate::ops::kernel::CpuCompile;
use crate::program::{Data, Domain, Layout, Program, Role, Scope, SlotId};

pub struct Cpu<T: Scalar> {
    program: Arc<Program>,
    pool: Arc<rayon::ThreadPool>,
    /// Contents of everything but temporaries, by slot.
    values: Vec<Buffer<T>>,
    /// Slabs with one copy, of whichever routine runs.
    once: Vec<Buffer<T>>,
    routines: Vec<Compiled<T>>,
    workspaces: Vec<Mutex<run::Workspace<T>>>,
    arrangement: Arrangement,
}

/// A pool of `threads` workers, all cores when `None`.
pub fn pool(threads: Option<usize>) -> Result<Arc<rayon::ThreadPool>> {
    let builder = rayon::ThreadPoolBuilder::new().num_threads(threads.unwrap_or(0));
    builder.build().map(Arc::new).map_err(|e| Error::device(format!("cannot start threads: {e}")))
}

/// A program on the CPU in the precision asked for.
pub fn compile(
    program: Arc<Program>,
    precision: Precision,
    threads: Option<usize>,
) -> Result<Box<dyn Executor>> {
    let pool = pool(threads)?;
    Ok(match precision {
        Precision::F32 => Box::new(Cpu::<f32>::new(program, pool)?),
        Precision::F64 => Box::new(Cpu::<f64>::new(program, pool)?),
    })
}

impl<T: Scalar> Cpu<T> {
    /// # Errors
    /// When it does not fit the memory.
    pub fn new(program: Arc<Program>, pool: Arc<rayon::ThreadPool>) -> Result<Self> {
        // f64 is the oracle: by rustfft, and nothing of the lanes in it.
        let arrangement = if T::LANES {
            Arrangement::lanes(&program, Isa::best())?
        } else {
            Arrangement::default()
        };
        let needed = room::check::<T>(&program, &arrangement, pool.current_num_threads())?;
        let mut room = Room::of(needed);
        let mut shared = CpuCompile::new(arrangement);
        let compile = |r| Compiled::new(&program, r, &mut shared, &mut room);
        let mut routines: Vec<_> = program.routines.iter().map(compile).collect();
        let slabs = layout::share(&mut routines, Domain::Sample);
        let once = layout::share(&mut routines, Domain::Once);
        let values =
            program.slots.iter().zip(program.copies()).map(|(slot, copies)| match &slot.role {
                Role::Const(data) | Role::Param(data) | Role::State(data) => {
                    let len = shared.arrangement.len(&slot.shape);
                    let mut buffer = Buffer::zeros(slot.shape.kind, len, &mut room);
                    buffer.write(&shared.arrangement, &slot.shape, data);
                    buffer
                }
                // A pass over columns makes its transfer function block by block.
                Role::Formula(_) if slot.shape.layout == Layout::Spectrum => Buffer::None,
                Role::Formula(formula) => {
                    Buffer::make(&shared.arrangement, &slot.shape, formula, &mut room)
                }
                Role::Input | Role::Output => {
                    let len = copies * shared.arrangement.len(&slot.shape);
                    Buffer::zeros(slot.shape.kind, len, &mut room)
                }
                Role::Temp => Buffer::None,
            });
        let values = values.collect();
        let workspaces = (0..pool.current_num_threads())
            .map(|_| Mutex::new(run::Workspace::new(&slabs, &routines, &mut room)))
            .collect();
        let arrangement = shared.arrangement;
        let once =
            once.into_iter().map(|(kind, len)| Buffer::zeros(kind, len, &mut room)).collect();
        Ok(Self { program, pool, values, once, routines, workspaces, arrangement })
    }

    /// Runs a routine node by node and returns the first op, with its output, that makes a number
    /// that is not finite.
    pub fn trace(&mut self, routine: &str, count: usize) -> Result<Option<(String, String)>> {
        let index = routine_index(&self.program, routine)?;
        let found = Mutex::new(None);
        self.execute(index, count, &Watch::Found(&found))?;
        Ok(found.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner))
    }
}

impl<T: Scalar> Executor for Cpu<T> {
    fn program(&self) -> &Program {
        &self.program
    }

    fn describe(&self) -> String {
        let threads = self.pool.current_num_threads();
        let isa = if T::LANES { format!(", {}", Isa::best().plans()) } else { String::new() };
        format!("CPU, {}{isa}, {threads} thread{}", T::NAME, if threads == 1 { "" } else { "s" })
    }

    fn write(&mut self, slot: SlotId, data: &Data) -> Result<()> {
        let known = self.program.slot(slot);
        let value = &mut self.values[slot.index()];
        if matches!(value, Buffer::None) {
            return Err(temporary("write", known));
        }
        fits(known, data, value.len() / self.arrangement.len(&known.shape).max(1))?;
        value.write(&self.arrangement, &known.shape, data);
        Ok(())
    }

    fn read(&mut self, slot: SlotId) -> Result<Data> {
        let known = self.program.slot(slot);
        let Some(data) = self.values[slot.index()].read(&self.arrangement, &known.shape) else {
            return Err(temporary("read", known));
        };
        Ok(data)
    }

    fn run(&mut self, routine: &str, count: usize) -> Result<()> {
        let index = routine_index(&self.program, routine)?;
        self.execute(index, count, &Watch::Nothing)
    }

    fn profile(&mut self, routine: &str, count: usize) -> Result<Vec<NodeTime>> {
        let index = routine_index(&self.program, routine)?;
        let known = self.program.routines[index].clone();
        let nodes = known.sections.iter().map(|s| s.nodes.len()).sum();
        let clock: Vec<AtomicU64> = (0..nodes).map(|_| AtomicU64::new(0)).collect();
        self.execute(index, count, &Watch::Clock(&clock))?;
        let mut times = Vec::with_capacity(nodes);
        for section in &known.sections {
            let at_once = match section.scope {
                Scope::Once => 1,
                Scope::PerSample => {
                    run::leaves_at_once(known.leaves, count, self.pool.current_num_threads())
                }
            };
            for node in &section.nodes {
                let nanoseconds = clock[times.len()].load(Ordering::Relaxed);
                let seconds = nanoseconds as f64 * 1e-9 / at_once as f64;
                times.push(NodeTime { op: node.op.name(), seconds, launches: 1 });
            }
        }
        Ok(times)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::add::Add;
    use crate::ops::case::BATCH;
    use crate::ops::{self, Op};
    use crate::program::{Builder, Leaves, Shape};

    /// Leaves at once, fewer of them than threads, lines at once: the same bits.
    #[test]
    fn idle_threads_change_no_bit() {
        let leaves = Leaves::of(BATCH).count;
        let pools = [1, leaves + 1, 2 * leaves].map(|threads| pool(Some(threads)).unwrap());
        for case in ops::cases() {
            let [one, some, all] = pools.each_ref().map(|pool| {
                let program = Arc::new(case.program.clone());
                let mut cpu = Cpu::<f32>::new(program, Arc::clone(pool)).unwrap();
                crate::backend::twin::run_case(&mut cpu, &case).unwrap()
            });
            assert!(one == some && one == all, "{}", case.name);
        }
    }

    /// What has no memory is not there to be read or written, as on a GPU.
    #[test]
    fn temporaries_are_refused() {
        let mut b = Builder::default();
        let x = b.input("x", Shape::real(&[4]));
        b.routine("twice", 3);
        let between = b.emit(Op::Add(Add), &[x, x]).unwrap();
        let y = b.emit(Op::Add(Add), &[between, x]).unwrap();
        b.output(y, "y");
        let mut cpu = Cpu::<f32>::new(Arc::new(b.finish()), pool(Some(1)).unwrap()).unwrap();
        assert_eq!(cpu.read(y).unwrap(), Data::Real(vec![0.0; 12]));
        let said = cpu.read(between).unwrap_err().to_string();
        assert!(said.starts_with("read: ") && said.ends_with(" is temporary"), "{said}");
        let said = cpu.write(between, &Data::Real(Vec::new())).unwrap_err().to_string();
        assert!(said.starts_with("write: ") && said.ends_with(" is temporary"), "{said}");
    }
}
