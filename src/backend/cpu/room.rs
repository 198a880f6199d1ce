//! Whether a program fits the memory of this machine, asked before any of it is taken.

use super::layout::is_wide;
use crate::error::{Error, Result};
use crate::math::scalar::Scalar;
use crate::ops::arrange::Arrangement;
use crate::program::plan::Plan;
use crate::program::{Domain, Kind, Layout, Program, Role};

/// Bytes that a program takes on `threads` threads.
fn needed<T: Scalar>(program: &Program, arrangement: &Arrangement, threads: usize) -> u64 {
    let bytes = |kind: Kind, len: usize| {
        let one = match kind {
            Kind::Real => size_of::<T>(),
            Kind::Complex | Kind::Half => 2 * size_of::<T>(),
            Kind::Index => size_of::<u32>(),
        };
        (len * one) as u64
    };
    let held = program.slots.iter().zip(program.copies()).map(|(slot, copies)| match slot.role {
        Role::Temp => 0,
        Role::Formula(_) if slot.shape.layout == Layout::Spectrum => 0,
        _ => copies as u64 * bytes(slot.shape.kind, arrangement.len(&slot.shape)),
    });
    let mut total: u64 = held.sum();
    let (mut once, mut work) = (0, 0);
    for routine in &program.routines {
        let plan = Plan::of(program, routine, arrangement);
        let of = |domain: Domain| -> u64 {
            let slabs = plan.slabs.iter().filter(|s| s.domain == domain);
            slabs.map(|s| bytes(s.kind, s.len)).sum()
        };
        total += routine.leaves.count as u64 * of(Domain::Leaf);
        once = once.max(of(Domain::Once));
        let copies = if is_wide(routine) { routine.leaves.size } else { 1 };
        work = work.max(copies as u64 * of(Domain::Sample));
    }
    total + once + threads as u64 * work
}

/// Bytes that programs may still take, where the system tells it.
fn available() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find(|l| l.starts_with("MemAvailable:"))?;
    line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kib| kib << 10)
}

/// The bytes that it takes.
///
/// # Errors
/// With both numbers, when it does not fit.
pub fn check<T: Scalar>(
    program: &Program,
    arrangement: &Arrangement,
    threads: usize,
) -> Result<u64> {
    let needed = needed::<T>(program, arrangement, threads);
    match available() {
        Some(available) if needed > available => {
            let gib = |bytes: u64| bytes as f64 / f64::from(1 << 30);
            Err(Error::device(format!(
                "the program takes {:.1} GiB on {threads} threads, and {:.1} GiB of memory are free",
                gib(needed),
                gib(available)
            ))
            .help("use fewer optic.samples, a smaller train.batch, or fewer --threads"))
        }
        _ => Ok(needed),
    }
}
