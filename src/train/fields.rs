//! What a linear machine makes of each input alone.

use std::sync::Arc;

use num_complex::Complex;

use super::session::{EVAL_BATCH, Session};
use crate::backend::Choice;
use crate::data::Dataset;
use crate::error::Result;
use crate::experiment::Experiment;
use crate::lower::fuse::fuse;
use crate::lower::machine::Machine;
use crate::math::sparse::Sparse;
use crate::optics::element::Element;
use crate::optics::encoding::Modulation;
use crate::program::{Builder, Data, Role};

const BASIS: &str = "basis";

/// Fields in the regions of a detector `[region][sample, input]`, times the root of each sample's
/// share in its region, so that a region reads the sum of their squares.
pub type Responses = Vec<Vec<Complex<f64>>>;

/// Why a machine on a plane is not linear in its data, if so.
pub fn nonlinear(experiment: &Experiment) -> Option<&'static str> {
    let optic = &experiment.optic;
    if optic.input.as_ref().is_none_or(|i| i.encoding != Modulation::Amplitude) {
        return Some("its data are not amplitudes, so that it is not linear in them");
    }
    optic.element.iter().find_map(|e| match e {
        Element::Activation(_) => Some("a nonlinear plane"),
        Element::Detect(_) => Some("a camera and a fresh wave between layers"),
        Element::Couple(_) => Some("guides behind its planes"),
        _ => None,
    })
}

/// The responses of the machine that was designed, its hardware without faults; parameters are
/// those of `trained`, or the first ones.
pub fn responses(
    experiment: &Experiment,
    data: &Dataset,
    choice: Choice,
    trained: Option<&mut Session>,
) -> Result<Responses> {
    let (optic, classes) = (&experiment.optic, data.classes.len());
    let Some(detector) = &optic.detector else { return Ok(Vec::new()) };
    let mut b = Builder::default();
    let machine = Machine::new(&mut b, optic, Some(data.image), classes, experiment.seed)?;
    b.routine(BASIS, EVAL_BATCH);
    let light = machine.light(&mut b)?;
    b.output(light.leaving, "basis.field");
    let mut program = b.finish();
    if choice.fuses() {
        program = fuse(&program);
    }
    let mut executor = choice.compile(Arc::new(program))?;
    if let Some(session) = trained {
        let kept = executor.program().kept();
        let params: Vec<_> = kept
            .filter(|(_, slot)| matches!(slot.role, Role::Param(_)))
            .map(|(id, slot)| (id, slot.name.clone()))
            .collect();
        for (id, name) in params {
            if let Some(there) = session.executor.program().find(&name) {
                let values = session.executor.read(there)?;
                executor.write(id, &values)?;
            }
        }
    }
    let Some(image) = machine.image else { return Ok(Vec::new()) };
    let (inputs, len) = (data.image[0] * data.image[1], optic.grid().len());
    let weights = detector.weights(&optic.grid(), classes);
    let samples = |r: usize| weights.start[r] as usize..weights.start[r + 1] as usize;
    let mut all: Responses =
        (0..weights.rows()).map(|r| vec![Complex::ZERO; samples(r).len() * inputs]).collect();
    for start in (0..inputs).step_by(EVAL_BATCH) {
        let count = EVAL_BATCH.min(inputs - start);
        let mut basis = vec![0.0; count * inputs];
        (0..count).for_each(|k| basis[k * inputs + start + k] = 1.0);
        executor.write(image, &Data::Real(basis))?;
        executor.run(BASIS, count)?;
        if let Data::Complex(fields) = executor.read(light.leaving)? {
            let fields = fields.chunks_exact(len).take(count);
            fields.enumerate().for_each(|(k, field)| {
                scatter(&weights, field, &mut all, (start + k, inputs));
            });
        }
    }
    Ok(all)
}

/// Writes one input's column of every region.
fn scatter(
    weights: &Sparse,
    field: &[Complex<f64>],
    all: &mut Responses,
    (input, inputs): (usize, usize),
) {
    for (r, response) in all.iter_mut().enumerate() {
        let of = weights.start[r] as usize..weights.start[r + 1] as usize;
        for (row, k) in response.chunks_exact_mut(inputs).zip(of) {
            row[input] = field[weights.index[k] as usize] * weights.weight[k].sqrt();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::{data, experiment::preset};

    /// A region reads |Σ x_i r_i|² of an image x: what the evaluation of the same machine reads, to
    /// the rounding of single precision.
    #[test]
    fn responses_make_the_readings() {
        let small = ["data.train_limit=64".to_owned(), "optic.samples=24".to_owned()];
        let experiment = preset::open(Path::new("mnist-small"), &small).expect("it is right");
        let experiment = experiment.experiment;
        let source = experiment.data.as_ref().expect("it has data");
        let data = Arc::new(data::load(source, 1).expect("MNIST"));
        let choice = Choice { backend: crate::backend::Backend::Cpu, ..Choice::default() };
        let mut session =
            Session::new(experiment.clone(), Arc::clone(&data), choice).expect("it compiles");
        // Other masks than a new machine has.
        let masks: Vec<_> = session.machine.masks().collect();
        for (_, slot) in masks {
            let phases = (0..24 * 24).map(|k| f64::from(k * k % 17) / 3.0).collect();
            session.executor.write(slot, &Data::Real(phases)).expect("its size");
        }
        let seen = session.readings(&data.test, 0..3, 24.0).expect("it runs");
        assert!(nonlinear(&experiment).is_none());
        let responses = responses(&experiment, &data, choice, Some(&mut session)).expect("it runs");
        for sample in 0..3 {
            let mut x = vec![0.0; 784];
            data.test.write_image(sample, &mut x);
            for (r, response) in responses.iter().enumerate() {
                let field = |row: &[Complex<f64>]| -> f64 {
                    row.iter().zip(&x).map(|(z, v)| z * v).sum::<Complex<f64>>().norm_sqr()
                };
                let read: f64 = response.chunks_exact(784).map(field).sum();
                let expected = seen.regions[sample * seen.per_sample + r];
                assert!((read / expected - 1.0).abs() < 1e-4, "{sample} {r}: {read} {expected}");
            }
        }
    }
}
