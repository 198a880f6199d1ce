//! The GPU at hand as a digital machine: how fast our matmul in WGSL is there, and what it takes.

use super::Measured;
use super::matmul::noise;
use super::power::Meter;
use crate::backend::gpu::matmul::{Operands, Product};
use crate::backend::gpu::{AdapterReport, Wanted, adapters};
use crate::error::Result;

/// Seconds of one try.
const LEAST: f64 = 0.05;
const TRIES: usize = 5;

/// The best GPU of this machine, or why there is none to measure.
///
/// # Errors
/// Where no adapter answers, or the best one is software.
pub fn at_hand() -> std::result::Result<AdapterReport, String> {
    match adapters().into_iter().next() {
        None => Err("no GPU answers".into()),
        Some(a) if a.software => Err(format!("{} is software that runs on this CPU", a.name)),
        Some(a) => Ok(a),
    }
}

/// n x n by n x n on the best adapter that will do; n is a multiple of 4.
///
/// # Errors
/// Where the device fails, or has no f16 and that is asked for.
pub fn measure(
    wanted: Wanted,
    operands: Operands,
    n: usize,
    meter: Option<&Meter>,
) -> Result<Measured> {
    let (a, b) = (noise(n * n, 1), noise(n * n, 2));
    let product = Product::new(wanted, operands, [n, n, n], &a, &b)?;
    // Clocks and caches are warm behind the first.
    product.run(1)?;
    let once = product.run(1)?.max(1e-6);
    let many = (LEAST / once).ceil().max(1.0) as usize;
    let mut best = f64::INFINITY;
    for _ in 0..TRIES {
        best = best.min(product.run(many)? / many as f64);
    }
    let spent = match meter {
        None => None,
        Some(meter) => {
            let (ran, spent) = meter.measure_each(once, |repeats| product.run(repeats));
            ran?;
            spent
        }
    };
    Ok(Measured::of(n, best, spent))
}
