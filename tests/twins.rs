//! Op twins: CPU f32 against CPU f64 over every case of every op, and the check that the
//! comparer can fail.

use std::sync::Arc;

use lightloom::backend::cpu::{self, Cpu};
use lightloom::backend::gpu::{Wanted, compile_within};
use lightloom::backend::twin::{difference, reference, twin};
use lightloom::ops;
use lightloom::program::Data;

#[test]
fn cpu_f32_follows_f64() {
    let mut failed = Vec::new();
    let cases = ops::cases();
    assert!(cases.len() > 40, "{} cases", cases.len());
    for case in &cases {
        for threads in [1, 2] {
            let report =
                twin(case, |p| Ok(Box::new(Cpu::<f32>::new(p, cpu::pool(Some(threads))?))));
            let report = report.expect(&case.name);
            if !report.holds() {
                failed.push(format!("{report:?}"));
            }
        }
    }
    assert!(failed.is_empty(), "{failed:#?}");
}

/// The same bits on one thread and on two: leaves and trees do not depend on threads.
#[test]
fn threads_change_no_bit() {
    for case in ops::cases() {
        let run = |threads| {
            let pool = cpu::pool(Some(threads)).expect("threads start");
            let mut cpu = Cpu::<f32>::new(Arc::new(case.program.clone()), pool);
            lightloom::backend::twin::run_case(&mut cpu, &case).expect(&case.name)
        };
        assert_eq!(run(1), run(2), "{}", case.name);
    }
}

fn scaled(data: &Data, by: f64) -> Data {
    match data {
        Data::Real(v) => Data::Real(v.iter().map(|x| x * by).collect()),
        Data::Complex(v) => Data::Complex(v.iter().map(|z| z * by).collect()),
        Data::Index(v) => Data::Index(v.iter().map(|i| i + 1).collect()),
    }
}

/// Sabotage: a result scaled by 1 + 10 tol, one of another length and one with a NaN are refused.
#[test]
fn the_comparer_can_fail() {
    for case in ops::cases() {
        let tolerance = 2.5 * case.depth.max(1.0) * f64::from(f32::EPSILON);
        for data in reference(&case).expect(&case.name) {
            assert!(difference(&data, &data) == 0.0, "{}", case.name);
            let wrong = scaled(&data, 1.0 + 10.0 * tolerance);
            assert!(difference(&wrong, &data) > tolerance, "{} took a wrong result", case.name);
            if let Data::Real(v) = &data {
                let mut with_nan = v.clone();
                with_nan[0] = f64::NAN;
                assert!(difference(&Data::Real(with_nan), &data).is_infinite(), "{}", case.name);
                let short = Data::Real(v[1..].to_vec());
                assert!(difference(&short, &data).is_infinite(), "{}", case.name);
            }
        }
    }
}

mod common;

/// Every case on the GPU against f64.
#[test]
fn gpu_follows_f64() {
    let Some(name) = common::gpu("op twins", ops::cases().len()) else { return };
    let mut failed = Vec::new();
    for case in &ops::cases() {
        let report =
            twin(case, |p| lightloom::backend::gpu::compile(p, Wanted::Any)).expect(&case.name);
        if !report.holds() {
            failed.push(format!("{report:?}"));
        }
    }
    assert!(failed.is_empty(), "{name}: {failed:#?}");
}

/// Bindings that hold only a few samples cut the batch into micro-batches, and no bit changes;
/// bindings that hold not even one are refused with both numbers and the way out.
#[test]
fn micro_batches_change_no_bit() {
    let wanted =
        ["propagate [33, 20]", "grad_sum", "cross_entropy T", "columns_grad", "sample_sum"];
    let cases: Vec<_> =
        ops::cases().into_iter().filter(|c| wanted.iter().any(|w| c.name.starts_with(w))).collect();
    let Some(_) = common::gpu("micro-batches", cases.len()) else { return };
    for case in &cases {
        let program = Arc::new(case.program.clone());
        let largest = program.slots.iter().map(|s| s.shape.bytes(4)).max().unwrap_or(1) as u64;
        let run = |bytes| -> lightloom::Result<_> {
            let mut gpu = compile_within(Arc::clone(&program), Wanted::Any, bytes)?;
            let text = gpu.describe();
            Ok((text, lightloom::backend::twin::run_case(&mut *gpu, case)?))
        };
        let (whole_text, whole) = run(u64::MAX).expect(&case.name);
        let (cut_text, cut) = run(3 * largest).expect(&case.name);
        assert_ne!(whole_text, cut_text, "{} was not cut", case.name);
        assert_eq!(whole, cut, "{}", case.name);
        let refused = run(largest / 2).expect_err("half a slot fits no binding").to_string();
        assert!(refused.contains("MiB") && refused.contains("binding"), "{refused}");
    }
}
