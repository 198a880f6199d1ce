//! The passes of a propagation on the CPU in f32, many lines at once ([`crate::math::lanes`]).

#![allow(unsafe_code, reason = "row blocks of a hybrid interleave; each is written once")]

use std::cell::RefCell;

use num_complex::Complex;

use super::grad_sum::GradSum;
use super::hop::{Chain, Link, Rows};
use super::kernel::{CpuKernel, Io, View, ViewMut, each};
use crate::math::aligned::Aligned;
use crate::math::lanes::{PlanePlan, Shared, Source, Trip};
use crate::math::scalar::Scalar;
use crate::program::{Formula, Kind};

/// Most links of a chain; each has at most one operand and one output.
const MOST_LINKS: usize = 8;

/// The reals of a slice; T is f32 wherever there is a plan.
fn reals<T: Scalar>(z: &[Complex<T>]) -> &[f32] {
    bytemuck::cast_slice(z)
}

fn reals_mut<T: Scalar>(z: &mut [Complex<T>]) -> &mut [f32] {
    bytemuck::cast_slice_mut(z)
}

/// Complex numbers of scratch for so many f32.
fn complexes(reals: usize) -> usize {
    reals.div_ceil(2).next_multiple_of(8)
}

thread_local! {
    /// Of a thread that takes part in one sample; kept, so that only a first run allocates.
    static WORK: RefCell<Aligned<f32>> = RefCell::new(Aligned::zeros(0));
}

/// Runs `f` with so many f32 of the thread's own; what they hold is left from before.
fn with_work<R>(reals: usize, f: impl FnOnce(&mut [f32]) -> R) -> R {
    WORK.with_borrow_mut(|work| {
        if work.len() < reals {
            *work = Aligned::zeros(reals);
        }
        f(&mut work[..reals])
    })
}

/// What a link reads and writes of one row block.
#[derive(Default)]
struct Ends<'a> {
    read: Option<&'a [f32]>,
    write: Option<&'a mut [f32]>,
}

/// Those rows of a [`super::hop::Hop`] that it names, and what shares a row block with them;
/// `blocked` planes, else planes in natural order.
pub fn rows<T: Scalar>(
    plan: &PlanePlan,
    nx: usize,
    chain: &Chain,
    rows: &Rows,
    blocked: bool,
) -> CpuKernel<T> {
    let (plan, chain) = (plan.clone(), chain.clone());
    let lanes = plan.rows().isa().lanes();
    let is_done = |b: usize| rows.meet(&(b * lanes..(b + 1) * lanes));
    let done: Vec<bool> = (0..plan.row_blocks()).map(is_done).collect();
    let meets = plan.meets() && chain.from_hybrid && chain.to_hybrid && is_one_trip(&chain.links);
    let work = complexes(plan.line_len());
    let run = move |io: &mut Io<'_, T>| {
        let (first, operands) = io.inputs.split_at(1);
        let (hybrid, planes) = io.outputs.split_at_mut(usize::from(chain.to_hybrid));
        let (natural, planes) = planes.split_at_mut(if blocked { 0 } else { planes.len() });
        let natural = natural.first_mut().map(|plane| Shared::new(reals_mut(plane.complex())));
        let hybrid = hybrid.first_mut().map(|h| Shared::new(reals_mut(h.complex())));
        let start = match first[0] {
            View::Complex(z) => Some(reals(z)),
            _ => None,
        };
        // In place: what comes in lies in what goes out.
        let source = start.map(Source::Lent).or(hybrid.as_ref().map(Source::Shared));
        let source = source.filter(|_| chain.from_hybrid);
        let mut blocks = Blocks::new(&plan, nx, &chain, operands, planes);
        // The row block that waits in the line to be stored, and the one that comes in its place.
        let exchange = |line: &mut [f32], waits: Option<usize>, next: Option<usize>| {
            let done = waits.zip(hybrid.as_ref());
            let next = next.zip(source);
            if done.is_some() || next.is_some() {
                // SAFETY: only this call has these row blocks.
                unsafe { plan.exchange(line, done, next) };
            }
        };
        let block =
            |b: usize, ends: &mut [Ends<'_>], line: &mut [f32], waits: &mut Option<usize>| {
                if !done[b] {
                    if let Some(hybrid) = &hybrid {
                        // SAFETY: only this call has row block b.
                        unsafe { plan.no_rows(b, hybrid) };
                    }
                    return;
                }
                exchange(line, waits.take(), Some(b));
                *waits = hybrid.is_some().then_some(b);
                if meets {
                    if let (_, Some(trip)) = trip(&chain.links, ends) {
                        plan.meet(line, trip);
                    }
                    return;
                }
                match (source, start) {
                    (Some(_), _) => plan.blocks_to_samples(line),
                    (None, Some(from)) if blocked && chain.links.is_empty() => {
                        return plan.blocked_to_blocks(from, b, line);
                    }
                    (None, Some(from)) if blocked => plan.load_blocked(from, b, line),
                    (None, from) => plan.load_natural(from.unwrap_or(&[]), b, line),
                }
                links(&plan, nx, &chain.links, ends, line);
                if let Some(natural) = &natural {
                    // SAFETY: only this call has rows b.
                    unsafe { plan.store_natural(line, b, natural) };
                }
                if hybrid.is_some() {
                    plan.samples_to_blocks(line);
                }
            };
        if io.parallel {
            let all = (0..plan.row_blocks()).map(|b| (b, blocks.next()));
            each(true, all, |(b, mut ends)| {
                with_work(plan.line_len(), |line| {
                    let mut waits = None;
                    block(b, &mut ends, line, &mut waits);
                    exchange(line, waits, None);
                });
            });
        } else {
            let line = &mut reals_mut(io.scratch)[..plan.line_len()];
            let mut waits = None;
            for b in 0..plan.row_blocks() {
                block(b, &mut blocks.next(), line, &mut waits);
            }
            exchange(line, waits, None);
        }
    };
    CpuKernel::new(run).scratch(work)
}

/// Row blocks of the planes that the links read and write, one after the other.
struct Blocks<'a> {
    read: [Option<std::slice::Chunks<'a, f32>>; MOST_LINKS],
    write: [Option<std::slice::ChunksMut<'a, f32>>; MOST_LINKS],
}

impl<'a> Blocks<'a> {
    fn new<T: Scalar>(
        plan: &PlanePlan,
        nx: usize,
        chain: &Chain,
        operands: &[View<'a, T>],
        planes: &'a mut [ViewMut<'_, T>],
    ) -> Self {
        let real = nx * plan.rows().isa().lanes();
        let (mut operands, mut planes) = (operands.iter(), planes.iter_mut());
        let mut blocks = Self { read: Default::default(), write: Default::default() };
        for (n, link) in chain.links.iter().enumerate() {
            blocks.read[n] = link.reads().and_then(|kind| {
                let operand = operands.next()?;
                Some(match kind {
                    Kind::Real => bytemuck::cast_slice(operand.real()).chunks(real),
                    _ => reals(operand.complex()).chunks(2 * real),
                })
            });
            blocks.write[n] = link.writes().and_then(|(kind, _)| {
                let plane = planes.next()?;
                Some(match kind {
                    Kind::Real => bytemuck::cast_slice_mut(plane.real()).chunks_mut(real),
                    _ => reals_mut(plane.complex()).chunks_mut(2 * real),
                })
            });
        }
        blocks
    }

    fn next(&mut self) -> [Ends<'a>; MOST_LINKS] {
        std::array::from_fn(|n| Ends {
            read: self.read[n].as_mut().and_then(Iterator::next),
            write: self.write[n].as_mut().and_then(Iterator::next),
        })
    }
}

/// Whether [`trip`] takes all of the links at once, and [`PlanePlan::meet`] takes that.
fn is_one_trip(links: &[Link]) -> bool {
    use Link::{Grad, Modulate, Store};
    matches!(
        links,
        [Modulate { .. }]
            | [Modulate { .. }, Store(_)]
            | [Grad(GradSum::Phase, _), Modulate { .. }]
    )
}

/// The next trip over a line and how many links go along, two where they can; `None` where the
/// line is not touched: natural planes are stored by the caller.
fn trip<'a>(links: &[Link], ends: &mut [Ends<'a>]) -> (usize, Option<Trip<'a>>) {
    let (here, rest) = ends.split_at_mut(1);
    let (read, write) = (here[0].read, here[0].write.take());
    let next = links.get(1).copied();
    let trip = match (links[0], read, write) {
        (Link::Modulate { conj }, Some(t), _) => {
            let follows = matches!(next, Some(Link::Store(_)));
            let keep = if follows { rest[0].write.take() } else { None };
            let taken = 1 + usize::from(keep.is_some());
            return (taken, Some(Trip::Modulate { t, keep, conj }));
        }
        (Link::Attenuate, Some(a), _) => Trip::Attenuate { a },
        (Link::StoreIntensity, _, Some(out)) => Trip::Intensity { out },
        (Link::Grad(GradSum::Phase, _), Some(y), Some(sums)) => {
            let (t, conj) = match (next, rest.first().and_then(|e| e.read)) {
                (Some(Link::Modulate { conj }), t) => (t, conj),
                _ => (None, false),
            };
            return (1 + usize::from(t.is_some()), Some(Trip::PhaseGrad { y, sums, t, conj }));
        }
        (Link::Grad(GradSum::Amplitude, _), Some(y), Some(sums)) => Trip::AmplitudeGrad { y, sums },
        (Link::Store(_), _, write) => {
            here[0].write = write;
            return (1, None);
        }
        _ => return (1, None),
    };
    (1, Some(trip))
}

/// The links in turn on the line of one row block.
fn links(plan: &PlanePlan, nx: usize, links: &[Link], ends: &mut [Ends<'_>], line: &mut [f32]) {
    let mut n = 0;
    while n < links.len() {
        let (taken, trip) = trip(&links[n..], &mut ends[n..]);
        if let Some(trip) = trip {
            trip.run(plan.rows(), line, nx);
        } else if let Some(store) = ends[n].write.take() {
            // SAFETY: the row block is this call's own.
            unsafe { plan.store_blocked(line, 0, &Shared::new(store)) };
        }
        n += taken;
    }
}

/// Columns with the transfer function, of which one half is kept where it is even along `[y, x]`.
pub fn columns<T: Scalar>(plan: &PlanePlan, conj: bool, even: [bool; 2]) -> CpuKernel<T> {
    let plan = plan.clone();
    let work = complexes(plan.scratch_len());
    let run = move |io: &mut Io<'_, T>| {
        let h = reals(io.inputs[1].complex());
        let length = plan.spectrum_len(even);
        let h = |b| &h[plan.spectrum_block(b, even) * length..][..length];
        let how = [conj, even[0]];
        let to = reals_mut(io.outputs[0].complex());
        let to = &mut to[..plan.hybrid_len()];
        // In place: none.
        let from = match io.inputs[0] {
            View::Complex(from) => Some(reals(from)),
            _ => None,
        };
        if io.parallel {
            let size = plan.column_len();
            each(true, to.chunks_mut(size).enumerate(), |(b, to)| {
                with_work(plan.scratch_len(), |scratch| match from {
                    Some(from) => plan.columns_to(&from[b * size..], to, |_| h(b), how, scratch),
                    None => plan.columns_in_place(to, |_| h(b), how, scratch),
                });
            });
        } else {
            let scratch = &mut reals_mut(io.scratch)[..plan.scratch_len()];
            match from {
                Some(from) => plan.columns_to(from, to, h, how, scratch),
                None => plan.columns_in_place(to, h, how, scratch),
            }
        }
    };
    CpuKernel::new(run).scratch(work)
}

/// Columns whose transfer function is evaluated a block at a time.
pub fn columns_by_formula<T: Scalar>(
    plan: &PlanePlan,
    mx: usize,
    conj: bool,
    h: Formula,
) -> CpuKernel<T> {
    let plan = plan.clone();
    let lanes = plan.columns().isa().lanes();
    let (ky, kx) = (plan.columns().order(), plan.row_order().to_vec());
    let work = plan.scratch_len().next_multiple_of(2 * lanes);
    let memory = work + 2 * lanes * ky.len();
    let run = move |io: &mut Io<'_, T>| {
        let to = &mut reals_mut(io.outputs[0].complex())[..plan.hybrid_len()];
        if let View::Complex(from) = io.inputs[0] {
            to.copy_from_slice(&reals(from)[..plan.hybrid_len()]);
        }
        let block = |b: usize, column: &mut [f32], memory: &mut [f32]| {
            let (scratch, table) = memory.split_at_mut(work);
            for (element, &ky) in table.chunks_exact_mut(2 * lanes).zip(&ky) {
                for l in 0..lanes {
                    let h = kx
                        .get(b * lanes + l)
                        .map_or(Complex::ZERO, |&kx| h.at(ky as usize * mx + kx as usize));
                    (element[l], element[lanes + l]) = (h.re as f32, h.im as f32);
                }
            }
            let scratch = &mut scratch[..plan.scratch_len()];
            plan.columns_in_place(column, |_| &*table, [conj, false], scratch);
        };
        if io.parallel {
            let columns = to.chunks_mut(plan.column_len()).enumerate();
            each(true, columns, |(b, column)| with_work(memory, |m| block(b, column, m)));
        } else {
            let memory = &mut reals_mut(io.scratch)[..memory];
            for (b, column) in to.chunks_mut(plan.column_len()).enumerate() {
                block(b, column, memory);
            }
        }
    };
    CpuKernel::new(run).scratch(complexes(memory))
}

/// Gradient of the transfer function.
pub fn columns_grad<T: Scalar>(plan: &PlanePlan, my: usize) -> CpuKernel<T> {
    let plan = plan.clone();
    let work = complexes(plan.scratch_len());
    let run = move |io: &mut Io<'_, T>| {
        let block = 2 * my * plan.columns().isa().lanes();
        let scratch = &mut reals_mut(io.scratch)[..plan.scratch_len()];
        let x = reals(io.inputs[0].complex()).chunks(plan.column_len());
        let g = reals(io.inputs[1].complex()).chunks(plan.column_len());
        let sums = reals_mut(io.outputs[0].complex()).chunks_exact_mut(block);
        for ((x, g), sums) in x.zip(g).zip(sums) {
            plan.columns_grad(x, g, sums, scratch);
        }
    };
    CpuKernel::new(run).scratch(work)
}
