//! Runs a compiled routine.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, TryLockError};
use std::time::Instant;

use num_complex::Complex;
use rayon::prelude::*;

use super::Cpu;
use super::layout::{Compiled, MOST_INPUTS, MOST_OUTPUTS, Operand, Place, Step};
use super::storage::{Buffer, is_finite};
use crate::error::{Error, Result};
use crate::math::aligned::{Aligned, Room};
use crate::math::scalar::Scalar;
use crate::ops::kernel::{Io, View, ViewMut};
use crate::program::{Kind, Leaves, Scope};

/// What one thread needs of its own.
pub struct Workspace<T> {
    /// Of whichever routine runs.
    slabs: Vec<Buffer<T>>,
    scratch: Aligned<Complex<T>>,
}

impl<T: Scalar> Workspace<T> {
    pub fn new(slabs: &[(Kind, usize)], routines: &[Compiled<T>], room: &mut Room) -> Self {
        let slabs = slabs.iter().map(|&(kind, len)| Buffer::zeros(kind, len, room)).collect();
        let most = routines.iter().map(|r| r.scratch).max().unwrap_or(0);
        Self { slabs, scratch: room.zeros(most) }
    }
}

/// What is noted of each node that runs.
pub enum Watch<'a> {
    Nothing,
    /// The first op, with its output, that makes a number that is not finite.
    Found(&'a Mutex<Option<(String, String)>>),
    /// Nanoseconds of each node, all threads together.
    Clock(&'a [AtomicU64]),
}

impl Watch<'_> {
    fn run<T: Scalar>(&self, step: &Step<T>, io: &mut Io<'_, T>) {
        match self {
            Self::Nothing => (step.kernel.run)(io),
            Self::Found(found) => {
                (step.kernel.run)(io);
                if !io.outputs.iter().all(is_finite) {
                    let mut first = found.lock().unwrap_or_else(PoisonError::into_inner);
                    first.get_or_insert_with(|| (step.op.to_owned(), step.output.clone()));
                }
            }
            Self::Clock(clock) => {
                let started = Instant::now();
                (step.kernel.run)(io);
                let passed = started.elapsed().as_nanos() as u64;
                clock[step.number].fetch_add(passed, Ordering::Relaxed);
            }
        }
    }
}

/// How many leaves run side by side, a thread each, when the first `count` samples are there. Where
/// half of the threads or more would have none, leaves run one after the other and the kernels share
/// out their lines: slower than a leaf a thread wherever most threads have one.
pub fn leaves_at_once(leaves: Leaves, count: usize, threads: usize) -> usize {
    let busy = count.div_ceil(leaves.size).min(leaves.count);
    if 2 * busy <= threads { 1 } else { busy.min(threads) }
}

/// What all samples see: nothing in it is written while they run.
struct Common<'a, T> {
    values: &'a [Buffer<T>],
    shared: &'a [Buffer<T>],
}

/// One leaf's share of what is written per sample.
struct Leaf<'a, T> {
    samples: Range<usize>,
    sums: Vec<ViewMut<'a, T>>,
    outputs: Vec<ViewMut<'a, T>>,
}

fn part<'a, T>(view: &'a mut ViewMut<'_, T>, range: Range<usize>) -> ViewMut<'a, T> {
    match view {
        ViewMut::Real(v) => ViewMut::Real(&mut v[range]),
        ViewMut::Complex(v) => ViewMut::Complex(&mut v[range]),
        ViewMut::Index(v) => ViewMut::Index(&mut v[range]),
        ViewMut::None => ViewMut::None,
    }
}

fn part_ref<'a, T>(view: &'a ViewMut<'_, T>, range: Range<usize>) -> View<'a, T> {
    match view {
        ViewMut::Real(v) => View::Real(&v[range]),
        ViewMut::Complex(v) => View::Complex(&v[range]),
        ViewMut::Index(v) => View::Index(&v[range]),
        ViewMut::None => View::Index(&[]),
    }
}

impl<T: Scalar> Cpu<T> {
    /// Runs a routine on a thread of the pool, so that only its start wakes one.
    pub(super) fn execute(
        &mut self,
        routine: usize,
        count: usize,
        watch: &Watch<'_>,
    ) -> Result<()> {
        let pool = Arc::clone(&self.pool);
        pool.install(|| self.sections(routine, count, watch))
    }

    fn sections(&mut self, routine: usize, count: usize, watch: &Watch<'_>) -> Result<()> {
        if count == 0 || count > self.routines[routine].batch {
            let what = format!("{count} samples of a batch of {}", self.routines[routine].batch);
            return Err(Error::Shape { op: "run", what });
        }
        for section in 0..self.routines[routine].sections.len() {
            if self.routines[routine].sections[section].steps.is_empty() {
                continue;
            }
            match self.routines[routine].sections[section].scope {
                Scope::Once => self.once(routine, section, watch),
                Scope::PerSample => self.per_sample(routine, section, count, watch),
            }
        }
        Ok(())
    }

    fn once(&mut self, routine: usize, section: usize, watch: &Watch<'_>) {
        let Self { values, once: shared, routines, workspaces, .. } = self;
        let Compiled { sections, leaf_slabs, .. } = &mut routines[routine];
        let mut workspace = workspaces[0].lock().unwrap_or_else(PoisonError::into_inner);
        for step in &sections[section].steps {
            let mut taken: [Buffer<T>; MOST_OUTPUTS] = Default::default();
            for (taken, output) in taken.iter_mut().zip(&step.outputs) {
                *taken = match output.place {
                    Place::Value(i) | Place::SampleValue(i) => std::mem::take(&mut values[i]),
                    Place::Shared(i) => std::mem::take(&mut shared[i]),
                    Place::Leaf(i) => std::mem::take(&mut leaf_slabs[i].0),
                    Place::SampleOutput(_) | Place::Own(_) => Buffer::None,
                };
            }
            let mut inputs = [View::Index(&[]); MOST_INPUTS];
            for (view, input) in
                inputs.iter_mut().zip(&step.inputs).skip(usize::from(step.in_place))
            {
                *view = match input.place {
                    Place::Value(i) | Place::SampleValue(i) => values[i].view(0..input.len),
                    Place::Shared(i) => shared[i].view(0..input.len),
                    Place::Leaf(i) => leaf_slabs[i].0.view(0..leaf_slabs[i].0.len()),
                    Place::SampleOutput(_) | Place::Own(_) => continue,
                };
            }
            let mut outputs: [ViewMut<'_, T>; MOST_OUTPUTS] = Default::default();
            let views = outputs.iter_mut().zip(taken.iter_mut()).zip(&step.outputs);
            views.for_each(|((view, taken), output)| {
                // What is dealt to the leaves sees them all.
                let all = matches!(output.place, Place::Leaf(_));
                let len = if all { taken.len() } else { output.len };
                *view = taken.view_mut(0..len);
            });
            let mut io = Io {
                inputs: &inputs[..step.inputs.len()],
                outputs: &mut outputs[..step.outputs.len()],
                scratch: &mut workspace.scratch,
                first: 0,
                count: 1,
                parallel: true,
            };
            watch.run(step, &mut io);
            for (taken, output) in taken.into_iter().zip(&step.outputs) {
                match output.place {
                    Place::Value(i) | Place::SampleValue(i) => values[i] = taken,
                    Place::Shared(i) => shared[i] = taken,
                    Place::Leaf(i) => leaf_slabs[i].0 = taken,
                    Place::SampleOutput(_) | Place::Own(_) => {}
                }
            }
        }
    }

    fn per_sample(&mut self, routine: usize, section: usize, count: usize, watch: &Watch<'_>) {
        let Self { values, once, routines, workspaces, pool, .. } = self;
        let compiled = &mut routines[routine];
        let leaves = compiled.leaves;
        // What leaves write is taken out, so that the rest can be shared.
        let outputs = compiled.sample_outputs.iter();
        let mut written: Vec<(Buffer<T>, usize)> =
            outputs.map(|&(slot, len)| (std::mem::take(&mut values[slot.index()]), len)).collect();
        let mut sums = std::mem::take(&mut compiled.leaf_slabs);
        let mut parts: Vec<Leaf<'_, T>> = (0..leaves.count)
            .map(|l| Leaf {
                samples: leaves.range(l, count),
                sums: Vec::new(),
                outputs: Vec::new(),
            })
            .collect();
        for (buffer, len) in &mut sums {
            let chunks = buffer.chunks_mut(*len);
            parts.iter_mut().zip(chunks).for_each(|(leaf, chunk)| leaf.sums.push(chunk));
        }
        for (buffer, len) in &mut written {
            let chunks = buffer.chunks_mut(*len * leaves.size);
            parts.iter_mut().zip(chunks).for_each(|(leaf, chunk)| leaf.outputs.push(chunk));
        }
        let common = Common { values, shared: once };
        let steps = &compiled.sections[section].steps;
        let side_by_side = steps.iter().any(|s| s.wide);
        let threads = pool.current_num_threads();
        let one_at_a_time = leaves_at_once(leaves, count, threads) == 1;
        let parallel = one_at_a_time && threads > 1;
        let run_leaf = |leaf: &mut Leaf<'_, T>| {
            let thread = rayon::current_thread_index().unwrap_or(0);
            let mut workspace = match workspaces[thread].try_lock() {
                Ok(workspace) => workspace,
                Err(TryLockError::Poisoned(e)) => e.into_inner(),
                Err(TryLockError::WouldBlock) => {
                    unreachable!("a kernel shares out its work only where it has all threads")
                }
            };
            let Workspace { slabs, scratch } = &mut *workspace;
            leaf.sums.iter_mut().for_each(ViewMut::fill_zero);
            let all = leaf.samples.clone();
            let mut run = |step: &Step<T>, span: Range<usize>, own: usize| {
                run_step(step, &common, leaf, slabs, scratch, (span, own), parallel, watch);
            };
            if !side_by_side {
                for sample in all {
                    for step in steps {
                        run(step, sample..sample + 1, 0);
                    }
                }
                return;
            }
            for step in steps.iter().filter(|_| !all.is_empty()) {
                run(step, all.clone(), 0);
            }
        };
        if one_at_a_time {
            parts.iter_mut().for_each(run_leaf);
        } else {
            parts.par_iter_mut().for_each(run_leaf);
        }
        drop(parts);
        let compiled = &mut routines[routine];
        compiled.leaf_slabs = sums;
        for ((buffer, _), (slot, _)) in written.into_iter().zip(&compiled.sample_outputs) {
            values[slot.index()] = buffer;
        }
    }
}

/// Runs a step sample by sample on operands that hold these of the batch.
fn one_by_one<T: Scalar>(
    step: &Step<T>,
    inputs: &[View<'_, T>],
    outputs: &mut [ViewMut<'_, T>],
    samples: Range<usize>,
    (scratch, parallel, watch): (&mut [Complex<T>], bool, &Watch<'_>),
) {
    let many = |o: &Operand| {
        matches!(o.place, Place::Own(_) | Place::SampleValue(_) | Place::SampleOutput(_))
    };
    for s in 0..samples.len() {
        let mut own_inputs = [View::Index(&[]); MOST_INPUTS];
        for ((own, all), operand) in own_inputs.iter_mut().zip(inputs).zip(&step.inputs) {
            let range = s * operand.len..(s + 1) * operand.len;
            *own = match all {
                _ if !many(operand) => *all,
                View::Real(v) => View::Real(&v[range]),
                View::Complex(v) => View::Complex(&v[range]),
                // In place: nothing to read.
                View::Index([]) => *all,
                View::Index(v) => View::Index(&v[range]),
            };
        }
        let mut own_outputs: [ViewMut<'_, T>; MOST_OUTPUTS] = Default::default();
        let all = outputs.iter_mut().zip(&step.outputs);
        for (own, (all, operand)) in own_outputs.iter_mut().zip(all) {
            let at = if many(operand) { s * operand.len } else { 0 };
            *own = part(all, at..at + operand.len);
        }
        let mut io = Io {
            inputs: &own_inputs[..inputs.len()],
            outputs: &mut own_outputs[..step.outputs.len()],
            scratch: &mut *scratch,
            first: samples.start + s,
            count: 1,
            parallel,
        };
        watch.run(step, &mut io);
    }
}

/// Runs a step for the samples `span` of the batch, of which the workspace holds the first as copy
/// `own`.
#[allow(clippy::too_many_arguments, reason = "the parts of one sample's world, borrowed apart")]
fn run_step<T: Scalar>(
    step: &Step<T>,
    common: &Common<'_, T>,
    leaf: &mut Leaf<'_, T>,
    slabs: &mut [Buffer<T>],
    scratch: &mut [Complex<T>],
    (span, own): (Range<usize>, usize),
    parallel: bool,
    watch: &Watch<'_>,
) {
    let here = span.start - leaf.samples.start;
    let copy = |o: &Operand, at: usize| at * o.len..(at + span.len()) * o.len;
    let mut taken: [Buffer<T>; MOST_OUTPUTS] = Default::default();
    let mut taken_views: [ViewMut<'_, T>; MOST_OUTPUTS] = Default::default();
    for (n, output) in step.outputs.iter().enumerate() {
        match output.place {
            Place::Own(i) => taken[n] = std::mem::take(&mut slabs[i]),
            Place::Leaf(i) => taken_views[n] = std::mem::take(&mut leaf.sums[i]),
            Place::SampleOutput(i) => taken_views[n] = std::mem::take(&mut leaf.outputs[i]),
            Place::Value(_) | Place::SampleValue(_) | Place::Shared(_) => {
                unreachable!("a node per sample writes per sample or per leaf")
            }
        }
    }
    {
        let mut inputs = [View::Index(&[]); MOST_INPUTS];
        for (view, input) in inputs.iter_mut().zip(&step.inputs).skip(usize::from(step.in_place)) {
            *view = match input.place {
                Place::Value(i) => common.values[i].view(0..input.len),
                Place::SampleValue(i) => common.values[i].view(copy(input, span.start)),
                Place::SampleOutput(i) => part_ref(&leaf.outputs[i], copy(input, here)),
                Place::Shared(i) => common.shared[i].view(0..input.len),
                Place::Own(i) => slabs[i].view(copy(input, own)),
                Place::Leaf(i) => part_ref(&leaf.sums[i], 0..input.len),
            };
        }
        let mut outputs: [ViewMut<'_, T>; MOST_OUTPUTS] = Default::default();
        let buffers = taken.iter_mut().zip(taken_views.iter_mut());
        for ((view, (buffer, own_view)), output) in
            outputs.iter_mut().zip(buffers).zip(&step.outputs)
        {
            *view = match output.place {
                Place::Own(_) => buffer.view_mut(copy(output, own)),
                Place::SampleOutput(_) => part(own_view, copy(output, here)),
                _ => part(own_view, 0..output.len),
            };
        }
        let (inputs, outputs) = (&inputs[..step.inputs.len()], &mut outputs[..step.outputs.len()]);
        if step.wide || span.len() == 1 {
            let (first, count) = (span.start, span.len());
            watch.run(step, &mut Io { inputs, outputs, scratch, first, count, parallel });
        } else {
            one_by_one(step, inputs, outputs, span, (scratch, parallel, watch));
        }
    }
    for (n, output) in step.outputs.iter().enumerate() {
        match output.place {
            Place::Own(i) => slabs[i] = std::mem::take(&mut taken[n]),
            Place::Leaf(i) => leaf.sums[i] = std::mem::take(&mut taken_views[n]),
            Place::SampleOutput(i) => leaf.outputs[i] = std::mem::take(&mut taken_views[n]),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A batch of 32 is 16 leaves of two.
    #[test]
    fn leaves_run_at_once_where_most_threads_have_one() {
        let leaves = Leaves::of(32);
        let at_once = |count, threads| leaves_at_once(leaves, count, threads);
        assert_eq!([1, 2, 16].map(|threads| at_once(32, threads)), [1, 2, 16]);
        // A thread more than leaves, or nearly twice as many, still runs a leaf a thread.
        assert_eq!([17, 24, 31].map(|threads| at_once(32, threads)), [16; 3]);
        // Beyond, each leaf has all threads, and what its nodes take is what passes.
        assert_eq!([32, 64].map(|threads| at_once(32, threads)), [1, 1]);
        // Leaves without a sample do not run.
        assert_eq!([1, 2, 3].map(|count| at_once(count, 2)), [1, 1, 2]);
        assert_eq!(leaves_at_once(Leaves::of(1), 1, 1), 1);
    }
}
