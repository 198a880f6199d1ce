//! Every pass against the same in f64.

use rustfft::FftPlanner;
use rustfft::num_complex::Complex;

use super::super::aligned::Aligned;
use super::{Isa, LinePlan};

mod costs;
mod planes;

type C64 = Complex<f64>;

/// Numbers in -1 .. 1 that depend on their index only.
fn number(seed: usize, i: usize) -> f32 {
    let mut z = (i as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ ((seed as u64) << 32);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((z >> 40) as f32) / (1_u64 << 23) as f32 - 1.0
}

fn numbers(seed: usize, length: usize) -> Aligned<f32> {
    let mut all = Aligned::zeros(length);
    all.iter_mut().enumerate().for_each(|(i, x)| *x = number(seed, i));
    all
}

fn dirty(length: usize) -> Aligned<f32> {
    let mut all = Aligned::zeros(length);
    all.fill(f32::NAN);
    all
}

/// Relative L2 error.
fn error(given: &[C64], wanted: &[C64]) -> f64 {
    assert_eq!(given.len(), wanted.len());
    let off: f64 = given.iter().zip(wanted).map(|(a, b)| (a - b).norm_sqr()).sum();
    let all: f64 = wanted.iter().map(C64::norm_sqr).sum();
    (off / all).sqrt()
}

fn smooth(n: usize) -> bool {
    [2, 3, 5, 7].iter().fold(n, |mut n, p| {
        while n.is_multiple_of(*p) {
            n /= p;
        }
        n
    }) == 1
}

fn lengths() -> impl Iterator<Item = usize> {
    let long =
        [600, 640, 729, 768, 800, 1000, 1024, 1280, 1536, 2000, 2048, 2401, 3125, 4096, 8192];
    (1..=512).filter(|n| smooth(*n)).chain(long)
}

/// Sample `n` of lane `lane` in elements placed by `place`.
fn get(line: &[f32], lanes: usize, place: usize, lane: usize) -> C64 {
    let at = place * 2 * lanes + lane;
    C64::new(line[at] as f64, line[at + lanes] as f64)
}

fn put(line: &mut [f32], lanes: usize, place: usize, lane: usize, c: C64) {
    let at = place * 2 * lanes + lane;
    (line[at], line[at + lanes]) = (c.re as f32, c.im as f32);
}

/// Forward and back error of one plan, of which the first `field` samples are live.
fn line_errors(plan: &LinePlan, field: usize, planner: &mut FftPlanner<f64>) -> (f64, f64) {
    let (length, lanes) = (plan.length(), plan.isa().lanes());
    let mut line = dirty(plan.extent(length) * 2 * lanes);
    let x = |lane, n: usize| {
        let i = 2 * (n * lanes + lane);
        C64::new(number(1, i) as f64, number(1, i + 1) as f64)
    };
    for lane in 0..lanes {
        // Zeros past the field: a pruned plan need not read them, an odd one does.
        for n in 0..length {
            let v = if n < field { x(lane, n) } else { C64::default() };
            put(&mut line, lanes, plan.place(n), lane, v);
        }
    }
    plan.forward(&mut line);
    let order = plan.order();
    let fft = planner.plan_fft_forward(length);
    let (mut given, mut wanted) = (vec![], vec![]);
    for lane in 0..lanes {
        let mut want: Vec<C64> =
            (0..length).map(|n| if n < field { x(lane, n) } else { C64::default() }).collect();
        fft.process(&mut want);
        wanted.extend(order.iter().map(|&k| want[k as usize]));
        given.extend((0..length).map(|p| get(&line, lanes, plan.place(p), lane)));
    }
    let forward = error(&given, &wanted);
    plan.inverse(&mut line);
    let (mut given, mut wanted) = (vec![], vec![]);
    for lane in 0..lanes {
        wanted.extend((0..field).map(|n| x(lane, n) * length as f64));
        given.extend((0..field).map(|n| get(&line, lanes, plan.place(n), lane)));
    }
    (forward, error(&given, &wanted))
}

#[test]
fn every_smooth_length_agrees_with_rustfft() {
    let mut planner = FftPlanner::new();
    for isa in Isa::available() {
        for length in lengths() {
            for field in [length, length.div_ceil(2), (length / 3).max(1)] {
                let plan = LinePlan::padded(field, length, isa).unwrap();
                assert_eq!(plan.radices().iter().product::<usize>(), length);
                let (forward, back) = line_errors(&plan, field, &mut planner);
                let radices = plan.radices();
                assert!(forward < 1e-6, "{isa:?} {length} {radices:?}: {forward:e}");
                assert!(back < 1e-6, "{isa:?} {length} {radices:?} back: {back:e}");
            }
        }
    }
}

#[test]
fn a_wrong_order_is_seen() {
    // The sabotage: read frequencies in natural order.
    let plan = LinePlan::new(12, Isa::Portable).unwrap();
    let mut order = plan.order();
    assert_ne!(order, (0..12).collect::<Vec<u32>>());
    order.sort_unstable();
    assert_eq!(order, (0..12).collect::<Vec<u32>>());
    let right: Vec<C64> = (0..12).map(|i| C64::new(number(3, i) as f64, 0.0)).collect();
    let wrong: Vec<C64> = right.iter().map(|c| c * (1.0 + 1e-5)).collect();
    assert!(error(&right, &right) < 1e-6 && error(&wrong, &right) > 1e-6);
}

#[test]
fn lengths_with_a_large_prime_have_no_plan() {
    for length in [0, 11, 13, 22, 121, 65537] {
        assert!(LinePlan::new(length, Isa::best()).is_none(), "{length}");
    }
    assert!(LinePlan::new(65536, Isa::best()).is_some());
}

#[test]
fn a_closure_runs_on_every_instruction_set() {
    for isa in Isa::available() {
        let x = numbers(1, 1000);
        let sum: f32 = isa.run(|| x.iter().map(|x| x * x).sum());
        assert!(sum > 0.0);
    }
}
