//! Propagation on a GPU beside plain rustfft + rayon (rows, transpose, columns, x H, back; nothing
//! pruned), and a fused stack beside the unfused, interleaved in one run.
//!
//! `cargo bench --bench gpu_passes [-- LENGTH BATCH]...`: unpadded windows, times in ms.

use std::sync::Arc;
use std::time::{Duration, Instant};

use lightloom::backend::Executor;
use lightloom::backend::gpu::{Wanted, compile};
use lightloom::lower::fuse;
use lightloom::ops::Op;
use lightloom::ops::case::complexes;
use lightloom::ops::columns::Columns;
use lightloom::ops::modulate::Modulate;
use lightloom::ops::rows_in::RowsIn;
use lightloom::ops::rows_out::RowsOut;
use lightloom::program::{Builder, Data, Layout, Program, Shape, SlotId};
use num_complex::Complex;
use rayon::prelude::*;
use rustfft::{FftNum, FftPlanner};

/// The routine timed, and a slot of one word that is read to wait for it.
const ROUTINE: &str = "bench";
const WORD: &str = "word";

/// H of a random phase on every frequency, natural order, with the 1 / (My Mx) of the transforms.
fn transfer(padded: [usize; 2]) -> Vec<Complex<f64>> {
    let n = padded[0] * padded[1];
    complexes(7, n).iter().map(|z| z / (z.norm() * n as f64)).collect()
}

/// `steps` of free space with a mask between any two.
fn stack(field: [usize; 2], padded: [usize; 2], batch: usize, steps: usize) -> (Program, SlotId) {
    let mut b = Builder::default();
    b.routine(ROUTINE, batch);
    let x = b.input("x", Shape::complex(&field));
    let h = Shape::complex(&padded).layout(Layout::Spectrum);
    let h = b.constant("h", h, || Data::Complex(transfer(padded)));
    let mask = || Data::Complex(complexes(8, field[0] * field[1]));
    let mask = b.constant("mask", Shape::complex(&field), mask);
    b.param(WORD, Shape::real(&[1]), Data::Real(vec![0.0]));
    let mut at = x;
    let mut emit = |op, inputs: &[SlotId]| b.emit(op, inputs).expect("the op takes its operands");
    for step in 0..steps {
        if step > 0 {
            at = emit(Op::Modulate(Modulate { conj: false, phase: None }), &[at, mask]);
        }
        at = emit(Op::RowsIn(RowsIn { field, padded }), &[at]);
        at = emit(Op::Columns(Columns { field, padded, conj: false }), &[at, h]);
        at = emit(Op::RowsOut(RowsOut { field, padded }), &[at]);
    }
    b.output(at, "y");
    (b.finish(), at)
}

fn on_gpu(program: Program, input: &[Complex<f64>]) -> Box<dyn Executor> {
    let mut gpu = compile(Arc::new(program), Wanted::Any, true).expect("a GPU");
    let x = gpu.program().find("x").expect("an input");
    gpu.write(x, &Data::Complex(input.to_vec())).expect("write");
    gpu
}

/// Runs the routine and waits for it.
fn once(gpu: &mut dyn Executor, batch: usize) -> Duration {
    let word = gpu.program().find(WORD).expect("a word");
    let start = Instant::now();
    gpu.run(ROUTINE, batch).expect("run");
    gpu.read(word).expect("wait");
    start.elapsed()
}

fn transpose<T: Copy>(n: usize, from: &[T], to: &mut [T]) {
    const TILE: usize = 32;
    for y0 in (0..n).step_by(TILE) {
        for x0 in (0..n).step_by(TILE) {
            for y in y0..(y0 + TILE).min(n) {
                for x in x0..(x0 + TILE).min(n) {
                    to[x * n + y] = from[y * n + x];
                }
            }
        }
    }
}

/// Square fields in place, one a task; `h` transposed.
fn by_rustfft<T: FftNum>(n: usize, fields: &mut [Complex<T>], h: &[Complex<T>]) {
    let mut planner = FftPlanner::<T>::new();
    let (forward, inverse) = (planner.plan_fft_forward(n), planner.plan_fft_inverse(n));
    let scratch = forward.get_inplace_scratch_len().max(inverse.get_inplace_scratch_len());
    let zero = Complex::new(T::zero(), T::zero());
    fields.par_chunks_mut(n * n).for_each_init(
        || (vec![zero; n * n], vec![zero; scratch]),
        |(turned, scratch), field| {
            forward.process_with_scratch(field, scratch);
            transpose(n, field, turned);
            forward.process_with_scratch(turned, scratch);
            turned.iter_mut().zip(h).for_each(|(v, &h)| *v = *v * h);
            inverse.process_with_scratch(turned, scratch);
            transpose(n, turned, field);
            inverse.process_with_scratch(field, scratch);
        },
    );
}

fn median(times: &mut [Duration]) -> f64 {
    times.sort_unstable();
    times[times.len() / 2].as_secs_f64() * 1e3
}

/// Two contenders in turns for at least two seconds: medians and least times in ms.
fn interleaved(mut a: impl FnMut() -> Duration, mut b: impl FnMut() -> Duration) -> [[f64; 2]; 2] {
    a();
    b();
    let (mut ta, mut tb) = (Vec::new(), Vec::new());
    let start = Instant::now();
    while ta.len() < 7 || start.elapsed() < Duration::from_secs(2) {
        ta.push(a());
        tb.push(b());
    }
    let both = |times: &mut Vec<Duration>| [median(times), times[0].as_secs_f64() * 1e3];
    [both(&mut ta), both(&mut tb)]
}

fn propagation(n: usize, batch: usize) {
    let input = complexes(1, n * n * batch);
    let (program, output) = stack([n, n], [n, n], batch, 1);
    let mut gpu = on_gpu(program, &input);
    let (h, mut turned) = (transfer([n, n]), transfer([n, n]));
    transpose(n, &h, &mut turned);
    let single = |v: &[Complex<f64>]| -> Vec<Complex<f32>> {
        v.iter().map(|z| Complex::new(z.re as f32, z.im as f32)).collect()
    };
    let (mut fields, h) = (single(&input), single(&turned));
    let [gpu_ms, cpu_ms] = interleaved(
        || once(&mut *gpu, batch),
        || {
            let start = Instant::now();
            by_rustfft(n, &mut fields, &h);
            start.elapsed()
        },
    );
    let mut exact = input;
    by_rustfft(n, &mut exact, &turned);
    let found = gpu.read(output).expect("y");
    let squares =
        |it: &mut dyn Iterator<Item = Complex<f64>>| it.map(|z| z.norm_sqr()).sum::<f64>();
    let error = squares(&mut found.complexes().iter().zip(&exact).map(|(a, b)| a - b));
    let error = (error / squares(&mut exact.iter().copied())).sqrt();
    println!(
        "propagate {n:>5}² x {batch:<3} {:>9.2} ({:.2}) | rustfft {:>8.2} ({:.2}) | {:>5.2} (least {:.2}) | rel. L2 {error:.1e}",
        gpu_ms[0],
        gpu_ms[1],
        cpu_ms[0],
        cpu_ms[1],
        gpu_ms[0] / cpu_ms[0],
        gpu_ms[1] / cpu_ms[1],
    );
}

fn fused(n: usize, padded: usize, batch: usize) {
    let input = complexes(1, n * n * batch);
    let (program, _) = stack([n, n], [padded, padded], batch, 5);
    let mut fused = on_gpu(fuse::fuse(&program), &input);
    let mut unfused = on_gpu(program, &input);
    let [one, other] = interleaved(|| once(&mut *fused, batch), || once(&mut *unfused, batch));
    println!(
        "stack of 5 {n:>4}² in {padded:>4}² x {batch:<3} fused {:>9.2} | unfused {:>9.2} | {:.2}",
        one[0],
        other[0],
        one[0] / other[0],
    );
}

fn main() {
    let numbers: Vec<usize> = std::env::args().filter_map(|a| a.parse().ok()).collect();
    let (program, _) = stack([4, 4], [4, 4], 1, 1);
    println!("{}", on_gpu(program, &complexes(1, 16)).describe());
    if !numbers.is_empty() {
        numbers.chunks(2).for_each(|pair| propagation(pair[0], *pair.get(1).unwrap_or(&32)));
        return;
    }
    for (n, batch) in
        [(64, 32), (128, 32), (200, 32), (256, 32), (400, 32), (512, 32), (512, 1), (1024, 1)]
    {
        propagation(n, batch);
    }
    for (n, padded, batch) in [(64, 128, 32), (100, 200, 32), (200, 400, 8), (256, 512, 8)] {
        fused(n, padded, batch);
    }
}
