//! Line FFT, 2-D FFT, propagation, training step and inference on both backends, rivals beside
//! them: `cargo bench`, or `cargo bench -- propagation` for one group.
//!
//! These are times of the code as it changes. Ratios to be quoted come from `lightloom bench`,
//! whose contenders take turns in every round.

use std::fmt;
use std::sync::Arc;

use divan::Bencher;
use divan::counter::ItemsCount;
use lightloom::backend::{Backend, Choice, Executor, cpu, gpu};
use lightloom::bench::rival::Propagator;
use lightloom::bench::stack::{INFER, PROPAGATE, noise, propagation, stack, standard};
use lightloom::data;
use lightloom::lower::fuse::fuse;
use lightloom::methods::names::{STEP, TRAIN};
use lightloom::ops::Op;
use lightloom::ops::rows_in::RowsIn;
use lightloom::program::{Builder, Data, Program, Shape, SlotId};
use lightloom::train::batch::Feeder;
use num_complex::Complex;
use rayon::prelude::{ParallelIterator, ParallelSliceMut};
use rustfft::FftPlanner;

fn main() {
    divan::main();
}

const SIZES: [usize; 6] = [64, 128, 200, 256, 512, 1024];
/// Lines of the line transform.
const LINES: usize = 256;
const MASKS: usize = 5;

/// One size, batch and device.
#[derive(Clone, Copy)]
struct Case {
    size: usize,
    batch: usize,
    gpu: bool,
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let device = if self.gpu { "GPU" } else { "CPU" };
        write!(f, "{device} {} x{}", self.size, self.batch)
    }
}

/// The CPU's cases, and a GPU's where one answers.
fn cases() -> impl Iterator<Item = Case> {
    let devices = if gpu::adapters().is_empty() { &[false][..] } else { &[false, true][..] };
    devices.iter().flat_map(|&gpu| cases_on(gpu))
}

fn cpu_cases() -> impl Iterator<Item = Case> {
    cases_on(false)
}

fn cases_on(gpu: bool) -> impl Iterator<Item = Case> {
    let batches = move |size| [1, 32].into_iter().map(move |batch| Case { size, batch, gpu });
    SIZES.into_iter().flat_map(batches)
}

impl Case {
    /// Compiles a program; one that a device refuses says so and is left out.
    fn compile(self, program: Program) -> Option<Box<dyn Executor>> {
        let backend = if self.gpu { Backend::Gpu } else { Backend::Cpu };
        let compiled = Choice { backend, ..Choice::default() }.compile(Arc::new(program));
        compiled.map_err(|e| eprintln!("{self}: {e}")).ok()
    }
}

/// Times finished runs of a routine; `tick` is a small slot that is read to wait.
fn time(
    bencher: Bencher<'_, '_>,
    case: Case,
    routine: &str,
    tick: SlotId,
    executor: &mut dyn Executor,
) {
    // The first run compiles on a GPU.
    executor.run(routine, case.batch).expect("the routine runs");
    bencher.counter(ItemsCount::new(case.batch)).bench_local(|| {
        executor.run(routine, case.batch).expect("the routine runs");
        executor.read(tick).expect("a slot is read")
    });
}

fn propagate(bencher: Bencher<'_, '_>, case: Case, pad: &str, rewrite: fn(&Program) -> Program) {
    let experiment = standard(case.size, 1, 1, &[pad.into()]).expect("a stack");
    let p = propagation(&experiment.optic, case.batch).expect("a step of free space");
    let Some(mut executor) = case.compile(rewrite(&p.program)) else { return };
    let field = noise(case.batch * case.size * case.size, 1);
    executor.write(p.field, &Data::Complex(field)).expect("a field is written");
    time(bencher, case, PROPAGATE, p.tick, &mut *executor);
}

fn rival(bencher: Bencher<'_, '_>, case: Case, pad: &str) {
    let experiment = standard(case.size, 1, 1, &[pad.into()]).expect("a stack");
    let p = propagation(&experiment.optic, 1).expect("a step of free space");
    let pool = cpu::pool(None).expect("threads start");
    let h = experiment.optic.transfer(&p.step).table();
    let (field, padded) = ([case.size; 2], experiment.optic.padded());
    let rival = Propagator::new(field, padded, &h, pool.current_num_threads());
    let from = single(&noise(case.batch * case.size * case.size, 1));
    let mut to = from.clone();
    bencher.counter(ItemsCount::new(case.batch)).bench_local(|| rival.run(&pool, &from, &mut to));
}

fn single(field: &[Complex<f64>]) -> Vec<Complex<f32>> {
    field.iter().map(|z| Complex::new(z.re as f32, z.im as f32)).collect()
}

/// Lines of a field, transformed and none left out: rows in without padding.
#[divan::bench_group(max_time = 0.5)]
mod line_fft {
    use super::{
        Bencher, Builder, Case, Data, FftPlanner, ItemsCount, LINES, Op, ParallelIterator,
        ParallelSliceMut, RowsIn, Shape, cases, cpu, cpu_cases, noise, single, time,
    };

    #[divan::bench(args = cases())]
    fn lightloom(bencher: Bencher<'_, '_>, case: Case) {
        let shape = [LINES, case.size];
        let mut b = Builder::default();
        let field = b.input("field", Shape::complex(&shape));
        let tick = b.state("tick", Shape::index(&[1]), Data::Index(vec![0]));
        b.routine("lines", case.batch);
        let op = Op::RowsIn(RowsIn { field: shape, padded: shape });
        let rows = b.emit(op, &[field]).expect("shapes fit");
        b.output(rows, "rows");
        let Some(mut executor) = case.compile(b.finish()) else { return };
        let noise = noise(case.batch * LINES * case.size, 1);
        executor.write(field, &Data::Complex(noise)).expect("a field is written");
        time(bencher, case, "lines", tick, &mut *executor);
    }

    #[divan::bench(args = cpu_cases())]
    fn rustfft(bencher: Bencher<'_, '_>, case: Case) {
        let pool = cpu::pool(None).expect("threads start");
        let fft = FftPlanner::<f32>::new().plan_fft_forward(case.size);
        let mut lines = single(&noise(case.batch * LINES * case.size, 1));
        let each = LINES / pool.current_num_threads().min(LINES) * case.size;
        bencher.counter(ItemsCount::new(case.batch)).bench_local(|| {
            pool.install(|| lines.par_chunks_mut(each).for_each(|part| fft.process(part)));
        });
    }
}

/// Forward, times a transfer function, and back: no padding.
#[divan::bench_group(max_time = 0.5)]
mod fft_2d_pair {
    use super::{Bencher, Case, cases, cpu_cases, fuse, propagate, rival};

    const PERIODIC: &str = "optic.boundary=periodic";

    #[divan::bench(args = cases())]
    fn lightloom(bencher: Bencher<'_, '_>, case: Case) {
        propagate(bencher, case, PERIODIC, fuse);
    }

    #[divan::bench(args = cpu_cases())]
    fn rustfft(bencher: Bencher<'_, '_>, case: Case) {
        rival(bencher, case, PERIODIC);
    }
}

/// Padded by two.
#[divan::bench_group(max_time = 0.5)]
mod one_propagation {
    use super::{Bencher, Case, Program, cases, cpu_cases, fuse, propagate, rival};

    const PADDED: &str = "optic.pad=2";

    #[divan::bench(args = cases())]
    fn lightloom(bencher: Bencher<'_, '_>, case: Case) {
        propagate(bencher, case, PADDED, fuse);
    }

    #[divan::bench(args = cases())]
    fn unfused(bencher: Bencher<'_, '_>, case: Case) {
        propagate(bencher, case, PADDED, Program::clone);
    }

    #[divan::bench(args = cpu_cases())]
    fn rustfft(bencher: Bencher<'_, '_>, case: Case) {
        rival(bencher, case, PADDED);
    }
}

fn step(bencher: Bencher<'_, '_>, case: Case, routine: &str, rewrite: fn(&Program) -> Program) {
    let experiment = standard(case.size, MASKS, case.batch, &[]).expect("a stack");
    let source = experiment.data.clone().expect("the standard stack has data");
    let data = data::load(&source, experiment.seed).expect("MNIST is built in");
    let stack = stack(&experiment, &data, case.batch).expect("the stack lowers");
    let Some(mut executor) = case.compile(rewrite(&stack.program)) else { return };
    let tick = executor.program().find(STEP).expect("training counts its steps");
    let mut feeder = Feeder::new(data.image[0] * data.image[1], case.batch);
    feeder.feed(&mut *executor, &stack.machine, &data.train, 0..case.batch).expect("images fit");
    executor.run(routine, case.batch).expect("the routine runs");
    bencher.counter(ItemsCount::new(case.batch)).bench_local(|| {
        executor.write(tick, &Data::Index(vec![0])).expect("a slot is written");
        executor.run(routine, case.batch).expect("the routine runs");
        executor.read(tick).expect("a slot is read")
    });
}

#[divan::bench_group(max_time = 0.5)]
mod training_step {
    use super::{Bencher, Case, Program, TRAIN, cases, fuse, step};

    #[divan::bench(args = cases())]
    fn lightloom(bencher: Bencher<'_, '_>, case: Case) {
        step(bencher, case, TRAIN, fuse);
    }

    #[divan::bench(args = cases())]
    fn unfused(bencher: Bencher<'_, '_>, case: Case) {
        step(bencher, case, TRAIN, Program::clone);
    }
}

#[divan::bench_group(max_time = 0.5)]
mod inference {
    use super::{Bencher, Case, INFER, Program, cases, fuse, step};

    #[divan::bench(args = cases())]
    fn lightloom(bencher: Bencher<'_, '_>, case: Case) {
        step(bencher, case, INFER, fuse);
    }

    #[divan::bench(args = cases())]
    fn unfused(bencher: Bencher<'_, '_>, case: Case) {
        step(bencher, case, INFER, Program::clone);
    }
}
