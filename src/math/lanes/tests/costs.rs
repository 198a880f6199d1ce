use crate::math::aligned::Aligned;
use crate::math::lanes::butterflies::Lines;
use crate::math::lanes::{Isa, factor, isa, line};

/// Writes what `factor` has for costs to target/stage-costs.txt: `cargo test --release costs --
/// --ignored`.
#[test]
#[ignore = "measures; asserts nothing"]
#[allow(unsafe_code, reason = "calls single passes")]
fn costs_of_a_stage() {
    use std::fmt::Write;

    let mut text = String::new();
    for isa in Isa::available() {
        let head = "ps a point: radix, half up and down, up and down, leaf twice, turn";
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
                let mut least = f64::MAX;
                for _ in 0..300 {
                    let start = std::time::Instant::now();
                    for _ in 0..40 {
                        // SAFETY: the line and the table are as long as the stage says.
                        unsafe { run(&lines) }
                    }
                    least = least.min(start.elapsed().as_secs_f64() / 40.0);
                }
                let points = radix * lines.inner.max(lines.outer) * isa.lanes();
                least * 1e12 / points as f64
            };
            let costs = [
                time(kernels.up_half, half) + time(kernels.down_half, half),
                time(kernels.up, stage) + time(kernels.down, stage),
                2.0 * time(kernels.leaf, leaf),
                time(kernels.turn, leaf),
            ];
            writeln!(text, "({radix}, {costs:.0?}),").unwrap();
        }
    }
    std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/target/stage-costs.txt"), text).unwrap();
}
