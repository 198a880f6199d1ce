//! Twins: every case of every op on a device, against the CPU in f64.

use std::sync::Arc;

use num_complex::Complex;
use serde::Serialize;

use super::Executor;
use super::cpu::{self, Cpu};
use crate::error::{Error, Result};
use crate::ops::case::{BATCH, Case, ROUTINE};
use crate::program::{Data, Program, Role};

/// How far one case on one device lies from f64.
#[derive(Debug, Clone, Serialize)]
pub struct Twin {
    pub case: String,
    /// Largest difference over the largest value.
    pub error: f64,
    pub tolerance: f64,
}

impl Twin {
    pub fn holds(&self) -> bool {
        self.error <= self.tolerance
    }
}

/// Largest |a - b| over the largest |b|; infinite where a is not a number or the shapes differ.
pub fn difference(a: &Data, b: &Data) -> f64 {
    fn worst(pairs: impl Iterator<Item = (f64, f64)>) -> f64 {
        let (mut error, mut scale) = (0.0f64, 0.0f64);
        for (difference, size) in pairs {
            if !difference.is_finite() {
                return f64::INFINITY;
            }
            error = error.max(difference);
            scale = scale.max(size);
        }
        if error == 0.0 { 0.0 } else { error / scale }
    }
    if a.kind() != b.kind() || a.len() != b.len() {
        return f64::INFINITY;
    }
    match (a, b) {
        (Data::Real(a), Data::Real(b)) => {
            worst(a.iter().zip(b).map(|(a, b)| ((a - b).abs(), b.abs())))
        }
        (Data::Complex(a), Data::Complex(b)) => {
            worst(a.iter().zip(b).map(|(a, b)| ((a - b).norm(), b.norm())))
        }
        _ => {
            if a == b {
                0.0
            } else {
                f64::INFINITY
            }
        }
    }
}

/// Runs a case and reads what it compares. Outputs hold NaN before, so that what is not written
/// shows.
pub fn run_case(executor: &mut dyn Executor, case: &Case) -> Result<Vec<Data>> {
    for &id in &case.compare {
        if matches!(executor.program().slot(id).role, Role::Output) {
            let nan = match executor.read(id)? {
                Data::Real(v) => Data::Real(vec![f64::NAN; v.len()]),
                Data::Complex(v) => Data::Complex(vec![Complex::new(f64::NAN, f64::NAN); v.len()]),
                index @ Data::Index(_) => index,
            };
            executor.write(id, &nan)?;
        }
    }
    for (id, data) in &case.inputs {
        executor.write(*id, data)?;
    }
    executor.run(ROUTINE, BATCH)?;
    case.compare.iter().map(|&id| executor.read(id)).collect()
}

/// What a case should give.
pub fn reference(case: &Case) -> Result<Vec<Data>> {
    let mut exact = Cpu::<f64>::new(Arc::new(case.program.clone()), cpu::pool(Some(1))?)?;
    run_case(&mut exact, case)
}

/// Unit roundoff of f32.
const EPS: f64 = f32::EPSILON as f64 / 2.0;

/// One case on a device that `compile` makes.
pub fn twin(
    case: &Case,
    compile: impl FnOnce(Arc<Program>) -> Result<Box<dyn Executor>>,
) -> Result<Twin> {
    let expected = reference(case)?;
    let mut executor = compile(Arc::new(case.program.clone()))?;
    let found = run_case(&mut *executor, case)?;
    if found.is_empty() {
        return Err(Error::Shape { op: "twin", what: format!("{} compares nothing", case.name) });
    }
    let errors = found.iter().zip(&expected).map(|(f, e)| difference(f, e));
    let error = errors.fold(0.0, f64::max);
    // Each rounding step adds at most eps; a GPU's division and square root have 2.5 ulp.
    Ok(Twin { case: case.name.clone(), error, tolerance: 2.5 * case.depth * EPS })
}
