use crate::math::aligned::{Aligned, Room};
use crate::math::lanes::butterflies::{Lines, Meeting, live};
use crate::math::lanes::{Isa, LinePlan, Trip, factor, isa, line};

/// Picoseconds a point of the quickest of some tries, each of some runs.
fn least(points: usize, [tries, repeat]: [usize; 2], run: impl Fn(usize)) -> f64 {
    let mut least = f64::MAX;
    for _ in 0..tries {
        let start = std::time::Instant::now();
        for n in 0..repeat {
            run(n);
        }
        least = least.min(start.elapsed().as_secs_f64() / repeat as f64);
    }
    least * 1e12 / points as f64
}

/// Of an even radix, for odd ones never meet: the mean of a mask's trip forward and of that back, on a
/// line of 400 whose planes the last cache holds, and on one of 1024 whose planes it does not.
#[allow(unsafe_code, reason = "calls single passes")]
fn meeting(isa: Isa, radix: usize) -> f64 {
    let (kernels, size) = (line::kernels(isa, radix), 2 * isa.lanes());
    let gapless = LinePlan::new(1, isa).unwrap();
    let mut sum = 0.0;
    for (length, bytes) in [(400, 2 << 20), (1024, 64 << 20)] {
        let inner = (length / radix) | 1;
        let samples = live(radix) * inner;
        let plane = samples * size;
        let planes = bytes / (4 * plane);
        let mut room = Room::of(3 * bytes as u64);
        let mut all = || -> Vec<_> { (0..planes).map(|_| room.zeros::<f32>(plane)).collect() };
        let (t, mut y, mut sums) = (all(), all(), all());
        let (mut line, table) =
            (Aligned::zeros(radix * inner * size), Aligned::<f32>::zeros(2 * radix * inner));
        let lines = Lines {
            from: line.as_ptr(),
            to: line.as_mut_ptr(),
            table: table.as_ptr(),
            table_pitch: 0,
            outer: 1,
            pitch: 0,
            inner,
            stride: inner,
            mirror: false,
        };
        let mut time = |back: bool| {
            let operands = t.iter().zip(&mut y).zip(&mut sums);
            let meetings: Vec<_> = operands
                .map(|((t, y), sums)| {
                    let trip = if back {
                        Trip::PhaseGrad { y, sums, t: Some(t), conj: true }
                    } else {
                        Trip::Modulate { t, keep: Some(y), conj: false }
                    };
                    let carried = trip.carried().unwrap();
                    let points = trip.elements(&gapless, &mut line, samples);
                    (carried, Meeting { lines, points })
                })
                .collect();
            least(radix * inner * isa.lanes(), [10, planes], |n| {
                let (carried, meeting) = &meetings[n];
                // SAFETY: the line and the table are as long as the stage says, the planes as the line.
                unsafe { kernels.meet[*carried as usize](meeting) }
            })
        };
        sum += time(false) + time(true);
    }
    sum / 4.0
}

/// Writes what `factor` has for costs to target/stage-costs.txt: `cargo test --release costs --
/// --ignored`.
#[test]
#[ignore = "measures; asserts nothing"]
#[allow(unsafe_code, reason = "calls single passes")]
fn costs_of_a_stage() {
    use std::fmt::Write;

    let mut text = String::new();
    for isa in Isa::available() {
        let head = "ps a point: radix, half up and down, up and down, leaf twice, turn, meeting";
        writeln!(text, "{} {head}", isa.name()).unwrap();
        for &radix in factor::compiled(isa) {
            let size = 2 * isa.lanes();
            let kernels = line::kernels(isa, radix);
            let inner = (128 / radix) | 1;
            let long = (400 / radix) | 1;
            let most = radix * inner.max(long) * size;
            let (mut line, table) = (Aligned::zeros(most), Aligned::zeros(most));
            let to = line.as_mut_ptr();
            let stage = Lines {
                from: to,
                to,
                table: table.as_ptr(),
                table_pitch: (radix * size) as isize,
                outer: 1,
                pitch: 0,
                inner,
                stride: inner,
                mirror: false,
            };
            let leaf = Lines { outer: inner, pitch: radix, inner: 1, stride: 1, ..stage };
            let half = Lines { inner: long, stride: long, ..stage };
            let time = |run: isa::Entry<Lines>, lines: Lines| {
                let points = radix * lines.inner.max(lines.outer) * isa.lanes();
                // SAFETY: the line and the table are as long as the stage says.
                least(points, [300, 40], |_| unsafe { run(&lines) })
            };
            let costs = [
                time(kernels.up_half, half) + time(kernels.down_half, half),
                time(kernels.up, stage) + time(kernels.down, stage),
                2.0 * time(kernels.leaf, leaf),
                time(kernels.turn, leaf),
                if radix.is_multiple_of(2) { meeting(isa, radix) } else { f64::NAN },
            ];
            writeln!(text, "({radix}, {costs:.0?}),").unwrap();
        }
    }
    std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/target/stage-costs.txt"), text).unwrap();
}
