//! What fusing saves, read off the programs: no device takes part.
//!
//! P propagations are 2P + 1 passes over lines, forward and adjoint, and a fused hop moves at most
//! 0.70 (inference) and 0.78 (training) of the bytes that the unfused program moves for it.

use std::collections::HashSet;

use lightloom::bench::stack::{INFER, stack, standard};
use lightloom::bench::work::{self, Passes, Work};
use lightloom::data::{Dataset, load};
use lightloom::lower::fuse::{fuse, halve};
use lightloom::methods::names::TRAIN;
use lightloom::ops::Op;
use lightloom::ops::hop::Rows;
use lightloom::program::{Kind, Layout, Program, Shape, SlotId};

const BATCH: usize = 32;
/// Masks, so one more propagation.
const DEPTH: usize = 5;

fn data() -> Dataset {
    load(&standard(32, 1, 1, &[]).unwrap().data.unwrap(), 1).expect("MNIST is built in")
}

/// Five masks of 200 x 200, unfused and fused.
fn programs(data: &Dataset, depth: usize) -> [Program; 2] {
    let experiment = standard(200, depth, BATCH, &[]).expect("the standard stack stands");
    let unfused = stack(&experiment, data, BATCH).expect("it lowers").program;
    let fused = fuse(&unfused);
    [unfused, fused]
}

fn all_work(program: &Program, routine: &str) -> Vec<Work> {
    work::of(program, program.routine(routine).expect(routine), BATCH, None, 4)
}

/// Passes over rows or columns.
fn is_line(op: &str) -> bool {
    ["hop", "rows_in", "rows_out", "columns"].contains(&op)
}

/// Passes over lines before and behind the loss: forward and adjoint.
fn line_passes(program: &Program, routine: &str) -> [usize; 2] {
    let work = all_work(program, routine);
    let loss = work.iter().position(|w| w.op.starts_with("cross_entropy")).unwrap_or(work.len());
    let count = |part: &[Work]| part.iter().filter(|w| is_line(w.op)).count();
    [count(&work[..loss]), count(&work[loss..])]
}

#[test]
fn propagations_take_two_passes_each_and_one() {
    let data = data();
    let [unfused, fused] = programs(&data, DEPTH);
    // Forward 6 propagations. The adjoint has 5: before the first nothing is trained, so the light
    // there needs no gradient.
    let (forward, adjoint) = (DEPTH + 1, DEPTH);
    assert_eq!(line_passes(&fused, INFER), [2 * forward + 1, 0]);
    assert_eq!(line_passes(&fused, TRAIN), [2 * forward + 1, 2 * adjoint + 1]);
    assert_eq!(line_passes(&unfused, INFER), [3 * forward, 0]);
    assert_eq!(line_passes(&unfused, TRAIN), [3 * forward, 3 * adjoint]);
    // The report's own count says the same.
    let passes = |program: &Program, routine| work::passes(program.routine(routine).unwrap());
    let train = Passes { propagations: 11, runs: 2, lines: 24 };
    assert_eq!(passes(&fused, TRAIN), train);
    assert_eq!(passes(&fused, INFER), Passes { propagations: 6, runs: 1, lines: 13 });
}

/// Digits lie on 0.7 of the first plane and the ten detectors in three bands of the last: only the hops
/// at the two ends of the stack know, there and back.
#[test]
fn dark_rows_and_rows_that_nobody_reads_are_left_out() {
    let [_, fused] = programs(&data(), DEPTH);
    let rows = |routine| {
        let sections = fused.routine(routine).expect(routine).sections.iter();
        let hops = sections.flat_map(|s| &s.nodes).filter_map(|n| match &n.op {
            Op::Hop(hop) => Some(hop.rows.clone()),
            _ => None,
        });
        hops.collect::<Vec<Rows>>()
    };
    let [train, infer] = [TRAIN, INFER].map(rows);
    let (first, last) = (infer[0].clone(), infer[DEPTH + 1].clone());
    assert_eq!(first.ranges(), std::slice::from_ref(&(30..170)));
    // Squares of 12 samples about 100 and 100 ± 0.8 200 / 3, on whole rows.
    assert_eq!(last.ranges(), [40..53, 94..106, 147..160]);
    let ends = [0, DEPTH + 1, DEPTH + 2].map(|n| train[n].clone());
    assert_eq!(ends, [first, last.clone(), last]);
    let between = infer[1..=DEPTH].iter().chain(&train[1..=DEPTH]).chain(&train[DEPTH + 3..]);
    assert!(
        between.clone().count() == 3 * DEPTH && between.clone().all(|rows| *rows == Rows::all(200))
    );
}

/// In this stack whatever has the window's size is a plane, and lies as the backend has planes.
#[test]
fn planes_are_blocked() {
    let [unfused, fused] = programs(&data(), DEPTH);
    let nodes = fused.routines.iter().flat_map(|r| &r.sections).flat_map(|s| &s.nodes);
    let used: HashSet<SlotId> =
        nodes.flat_map(|n| n.inputs.iter().chain(&n.outputs)).copied().collect();
    let with = |is: &dyn Fn(&Shape) -> bool| -> HashSet<SlotId> {
        used.iter().copied().filter(|&id| is(&fused.slot(id).shape)).collect()
    };
    let blocked = with(&|shape| shape.layout == Layout::Blocked);
    assert_eq!(blocked, with(&|shape| shape.kind != Kind::Index && shape.dims == [200, 200]));
    // The masks' phases, their moments, gradients and sums, phasors and stored fields, at least.
    assert!(blocked.len() > 8 * DEPTH, "{}", blocked.len());
    assert!(unfused.slots.iter().all(|s| s.shape.layout != Layout::Blocked));
}

/// Bytes of one hop, its column passes among them: what a stack has more than one of a mask less.
fn bytes_of_a_hop(data: &Dataset, routine: &str) -> [f64; 2] {
    let bytes = |program: &Program| {
        let samples = all_work(program, routine).into_iter().filter(|w| w.section == "samples");
        samples.map(|w| w.bytes).sum::<f64>()
    };
    let (more, less) = (programs(data, DEPTH), programs(data, DEPTH - 1));
    [0, 1].map(|i| bytes(&more[i]) - bytes(&less[i]))
}

#[test]
fn a_fused_hop_moves_less() {
    let data = data();
    for (routine, most) in [(INFER, 0.70), (TRAIN, 0.78)] {
        let [unfused, fused] = bytes_of_a_hop(&data, routine);
        let ratio = fused / unfused;
        println!("{routine}: a hop moves {fused:.3e} of {unfused:.3e} bytes, {ratio:.3}");
        assert!(ratio <= most, "{routine}: {ratio:.3} of the unfused program's bytes");
        assert!(ratio > 0.4, "{routine}: {ratio:.3} is less than the hybrid planes alone take");
    }
}

/// By hand, in reals of one sample, n = 200², h = 200 x 400: what the costs should add up to.
#[test]
fn bytes_of_a_hop_by_hand() {
    let (n, h) = (200.0 * 200.0, 200.0 * 400.0);
    let data = data();
    let check = |routine, unfused: f64, fused: f64| {
        let bytes = |reals: f64| reals * 4.0 * BATCH as f64;
        assert_eq!(bytes_of_a_hop(&data, routine), [bytes(unfused), bytes(fused)], "{routine}");
    };
    // Columns read and write a hybrid plane; rows in and out a plane and a hybrid one; a mask reads
    // and writes a plane. Fused: a hybrid plane in, one out.
    let (columns, rows, mask) = (4.0 * h, 2.0 * h + 2.0 * n, 4.0 * n);
    let (unfused, fused) = (columns + 2.0 * rows + mask, columns + 4.0 * h);
    check(INFER, unfused, fused);
    // Training stores what a mask makes, and on the way back reads it beside the gradient, whose
    // sum is read and written.
    let store = 2.0 * n;
    let (gradient, in_chain) = (2.0 * n + 2.0 * n + 2.0 * n, 2.0 * n + 2.0 * n);
    check(TRAIN, 2.0 * unfused + gradient, 2.0 * fused + store + in_chain);
}

/// Fields saved in f16 take half of what a training step stores and reads again, and nothing else
/// changes: of the masks' fields 2 n reals less each.
#[test]
fn fields_saved_in_f16_take_half() {
    let [unfused, fused] = programs(&data(), DEPTH);
    let halved = halve(&fused).expect("a training step saves fields");
    let bytes = |program: &Program, routine| -> f64 {
        all_work(program, routine).into_iter().map(|w| w.bytes).sum()
    };
    let less = DEPTH as f64 * (1.0 + 1.0) * 200.0 * 200.0 * 4.0 * BATCH as f64;
    assert_eq!(bytes(&fused, TRAIN) - bytes(&halved, TRAIN), less);
    assert_eq!(bytes(&fused, INFER), bytes(&halved, INFER));
    assert!(halve(&unfused).is_none(), "only hops save in f16");
}
