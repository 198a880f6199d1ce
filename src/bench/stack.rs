//! The programs that are measured: an experiment's training step and inference at any batch, and
//! one propagation alone.
//!
//! The standard stack is the machine of Lin et al. 2018 (Science 361, 1004) at any size: masks
//! with 30 mm of free space before, between and behind them, ten detectors, MNIST.

use std::fmt::Write;
use std::path::Path;

use num_complex::Complex;

use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::experiment::{Experiment, load};
use crate::lower::machine::Machine;
use crate::lower::{detect, free_space};
use crate::math::random::{Site, uniform};
use crate::methods::{self, Pair};
use crate::optics::element::{Element, FreeSpace};
use crate::optics::{Hardware, Optic};
use crate::program::{Builder, Data, Program, Shape, SlotId};
use crate::train::session::learn_front;

pub const INFER: &str = "infer";
pub const PROPAGATE: &str = "propagate";
/// Rows of the schedule; a step counter is set back before it runs past them.
pub const STEPS: u64 = 1 << 12;

/// The standard stack, with a user's overrides.
pub fn standard(
    size: usize,
    depth: usize,
    batch: usize,
    overrides: &[String],
) -> Result<Experiment> {
    let gap = "{ kind = \"free_space\", z = \"30 mm\" },\n";
    let mut elements = gap.to_owned();
    for _ in 0..depth {
        let _ = writeln!(elements, "{{ kind = \"phase_mask\" }},\n{gap}");
    }
    // 6.4 wavelengths of 106, at least one sample.
    let detector_mm = 0.4 * (0.06 * size as f64).max(1.0);
    let text = format!(
        "seed = 1\n\
         data = {{ name = \"mnist\", train_limit = 2048 }}\n\
         [optic]\n\
         wavelength = \"0.75 mm\"\n\
         pitch = \"0.4 mm\"\n\
         samples = {size}\n\
         input = {{ encoding = \"amplitude\", aperture = 0.7, resample = \"nearest\" }}\n\
         element = [{elements}]\n\
         detector = {{ size = \"{detector_mm} mm\", spread = 0.8 }}\n\
         [train]\n\
         epochs = 1\n\
         batch = {batch}\n\
         optimizer = {{ kind = \"adam\", lr = 0.02 }}\n\
         loss = {{ kind = \"cross_entropy\", temperature = 0.1 }}\n"
    );
    Ok(load::from_text("the standard stack", &text, Path::new(""), overrides)?.experiment)
}

/// Of an experiment: its device is the machine as it was designed.
pub const LEFT_OUT: &str = "[hardware]: the device is the ideal machine, without faults and noise";

/// An experiment's routines `train` and `infer` for one batch, unfused.
#[derive(Debug)]
pub struct Stack {
    pub program: Program,
    pub machine: Machine,
    /// The method's step is many runs, driven from the host; its routine `train` is the last alone.
    pub is_search: bool,
}

pub fn stack(experiment: &Experiment, data: &Dataset, batch: usize) -> Result<Stack> {
    let Some(recipe) = &experiment.train else {
        return Err(Error::invalid("train", "missing, and a training step is to be measured")
            .help("give an experiment, not a scene; without one the standard stack is taken"));
    };
    let recipe = methods::recipe::Recipe { batch, ..recipe.clone() };
    let mut b = Builder::default();
    let (mut optic, seed) = (experiment.optic.clone(), experiment.seed);
    learn_front(&mut optic, data)?;
    let machine = Machine::new(&mut b, &optic, Some(data.image), data.classes.len(), seed)?;
    let (pair, _) = Pair::new(&mut b, machine.clone(), &Hardware::default());
    let factors = recipe.schedule.factors(STEPS);
    let method = methods::of(&recipe, &optic, seed)?;
    method.build(&mut b, &pair, &recipe, &factors)?;
    b.routine(INFER, batch);
    let light = machine.light(&mut b)?;
    let reading = detect::read(&mut b, &machine, &light)?;
    b.output(reading.scores, "infer.scores");
    Ok(Stack { program: b.finish(), machine, is_search: !method.has_gradient() })
}

/// One step of free space over a batch of fields.
#[derive(Debug)]
pub struct Propagation {
    pub program: Program,
    pub field: SlotId,
    pub result: SlotId,
    /// Read to wait for a run: one number that nothing writes.
    pub tick: SlotId,
    pub step: FreeSpace,
}

/// The first step of fixed free space of a machine.
///
/// # Errors
/// Of the device, which has nothing to measure, where there is none.
pub fn propagation(optic: &Optic, batch: usize) -> Result<Propagation> {
    let steps = optic.element.iter().filter_map(|e| match e {
        Element::FreeSpace(step) if step.trainable.is_empty() => Some(step.clone()),
        _ => None,
    });
    let Some(step) = steps.into_iter().next() else {
        return Err(Error::device("optic.element has no step of fixed free space"));
    };
    let mut b = Builder::default();
    let field = b.input("field", Shape::complex(&optic.grid().samples));
    let tick = b.state("tick", Shape::index(&[1]), Data::Index(vec![0]));
    b.routine(PROPAGATE, batch);
    let result = free_space::emit(&mut b, optic, &step, None, field, false)?;
    b.output(result, "result");
    Ok(Propagation { program: b.finish(), field, result, tick, step })
}

/// Complex numbers in the square of -1/2 to 1/2, none of them alike.
pub fn noise(len: usize, seed: u64) -> Vec<Complex<f64>> {
    let draw = |i: usize| uniform(seed, 0, Site::Test, i as u32) - 0.5;
    (0..len).map(|i| Complex::new(draw(2 * i), draw(2 * i + 1))).collect()
}
