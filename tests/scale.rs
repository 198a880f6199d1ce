//! Large fields on the CPU: the transfer function is evaluated block by block, never stored.

use std::sync::Arc;

use lightloom::backend::{Precision, cpu};
use lightloom::experiment::load;
use lightloom::lower::Machine;
use lightloom::lower::fuse::fuse;
use lightloom::program::{Builder, Data, Role};
use num_complex::Complex;

/// Radius of the beam over the window's width.
const WAIST: f64 = 0.1;

/// A Gaussian beam of 532 nm in a window of `n` samples of 4 µm, `z` metres on.
fn beam(precision: Precision, n: usize, z: f64) -> Data {
    let waist = WAIST * n as f64 * 4e-3;
    let text = format!(
        "[optic]\nwavelength = \"532 nm\"\npitch = \"4 um\"\nsamples = {n}\n\
         source = {{ kind = \"gaussian\", waist = \"{waist} mm\" }}\n\
         element = [{{ kind = \"free_space\", z = \"{z} m\" }}]\n"
    );
    let loaded = load::from_text("beam.toml", &text, std::path::Path::new("."), &[]);
    let optic = loaded.expect("a scene").experiment.optic;
    let mut b = Builder::default();
    let machine = Machine::new(&mut b, &optic, None, 0, 1).expect("a machine");
    b.routine("run", 1);
    let light = machine.light(&mut b).expect("light");
    b.output(light.leaving, "leaving");
    let mut program = b.finish();
    if precision == Precision::F32 {
        program = fuse(&program);
    }
    let is_formula = |name: &str| {
        let named = program.slots.iter().find(|s| s.name.starts_with(name));
        matches!(named.map(|s| &s.role), Some(Role::Formula(_)))
    };
    let large = 4 * n * n > 1 << 24;
    assert_eq!(is_formula("transfer"), large, "the transfer function of a large window is made");
    let mut cpu = cpu::compile(Arc::new(program), precision, Some(2)).expect("threads");
    cpu.run("run", 1).expect("run");
    cpu.read(light.leaving).expect("the field")
}

/// The closed form (Saleh and Teich, eq. 3.1-7) on a row near the axis and on the diagonal.
fn error(found: &Data, n: usize, z: f64) -> f64 {
    let found = found.complexes();
    let w0 = WAIST * n as f64 * 4e-6;
    let k = std::f64::consts::TAU / 532e-9;
    let rayleigh = 0.5 * k * w0 * w0;
    let q = Complex::new(1.0, z / rayleigh);
    let position = |i: usize| (i as f64 - (n as f64 - 1.0) / 2.0) * 4e-6;
    let (mut difference, mut total) = (0.0, 0.0);
    for i in (0..n).step_by(1 + n / 1024) {
        for (y, x) in [(n / 2, i), (i, i)] {
            let r2 = position(y).powi(2) + position(x).powi(2);
            let expected =
                Complex::cis(k * z % std::f64::consts::TAU) / q * (-r2 / (w0 * w0) / q).exp();
            difference += (found[y * n + x] - expected).norm_sqr();
            total += expected.norm_sqr();
        }
    }
    (difference / total).sqrt()
}

/// A window whose padded one is just past what is kept as a table, in f32 and f64. The closed form
/// is paraxial: the next term of the phase is k z (λ / (π w0))^4 / 8, 1e-9 rad here, and k z of
/// 5e6 rad rounds to as much; in f32 the transforms round to 1e-6.
#[test]
fn a_window_past_the_tables_follows_the_closed_form() {
    let (n, z) = (2100, 0.4);
    let single = error(&beam(Precision::F32, n, z), n, z);
    assert!(single < 1e-6, "f32: {single:e}");
    let double = error(&beam(Precision::F64, n, z), n, z);
    assert!(double < 5e-9, "f64: {double:e}");
}

/// 16384 x 16384 padded by two: input 2 GiB, hybrid 4 GiB, output 2 GiB, and the field read back
/// as f64 another 4; a table of H would be 8 GiB more.
#[test]
#[ignore = "takes 13 GiB and minutes: cargo test --release --test scale -- --ignored"]
fn the_largest_field_fits_14_gib() {
    let (n, z) = (16384, 2.0);
    let started = std::time::Instant::now();
    let found = error(&beam(Precision::F32, n, z), n, z);
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find(|l| l.starts_with("VmHWM:")).unwrap_or("VmHWM: unknown");
    println!("16384 x 16384: error {found:.2e}, {:.0} s, {peak}", started.elapsed().as_secs_f64());
    assert!(found < 1e-6, "{found:e}");
    if let Some(kib) = peak.split_whitespace().nth(1).and_then(|k| k.parse::<f64>().ok()) {
        assert!(kib < 14.0 * 1024.0 * 1024.0, "{kib} KiB");
    }
}
