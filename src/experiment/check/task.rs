//! What training needs of an experiment.

use super::{positive, within};
use crate::error::{Error, Result};
use crate::experiment::Experiment;
use crate::methods::recipe::{MethodName, Optimizer, Recipe, Schedule, Search};
use crate::optics::Optic;
use crate::optics::element::Element;
use crate::units::Metres;

fn trains(element: &Element) -> bool {
    match element {
        Element::PhaseMask(m) => m.trainable,
        Element::AmplitudeMask(m) => m.trainable,
        Element::FreeSpace(s) => !s.trainable.is_empty(),
        Element::Mesh(m) => m.trainable,
        Element::Svd(_) => true,
        _ => false,
    }
}

pub fn task(experiment: &Experiment, recipe: &Recipe) -> Result<()> {
    let optic = &experiment.optic;
    if experiment.data.is_none() {
        return Err(Error::invalid("data", "missing: training needs data")
            .help("add [data] with name = \"mnist\""));
    }
    if optic.detector.is_none() {
        return Err(Error::invalid("optic.detector", "missing: training needs a detector")
            .help("add [optic.detector] with the size of its regions"));
    }
    if !optic.element.iter().any(trains) {
        return Err(Error::invalid("optic.element", "nothing in it is trainable")
            .help("add { kind = \"phase_mask\" }, or drop [train]"));
    }
    if experiment.hardware.as_ref().is_some_and(|h| h.lab.is_some()) {
        lab(optic, recipe)?;
    }
    positive("train.epochs", recipe.epochs as f64, "4")?;
    positive("train.batch", recipe.batch as f64, "32")?;
    positive("train.checkpoint_every", recipe.checkpoint_every as f64, "500")?;
    if recipe.steps == Some(0) {
        return Err(Error::invalid("train.steps", "0 steps train nothing")
            .help("use at least 1, or `lightloom eval`"));
    }
    match &recipe.optimizer {
        Optimizer::Adam(a) => {
            positive("train.optimizer.lr", a.lr, "0.02")?;
            positive("train.optimizer.eps", a.eps, "1e-8")?;
            for (key, beta) in [("beta1", a.beta1), ("beta2", a.beta2)] {
                if !(0.0..1.0).contains(&beta) {
                    return Err(Error::invalid(
                        format!("train.optimizer.{key}"),
                        format!("{beta} does not lie in 0..1 (1 left out)"),
                    )
                    .help("the usual values are beta1 = 0.9 and beta2 = 0.999"));
                }
            }
        }
        Optimizer::Sgd(s) => {
            positive("train.optimizer.lr", s.lr, "0.1")?;
            if !(0.0..1.0).contains(&s.momentum) {
                return Err(Error::invalid(
                    "train.optimizer.momentum",
                    format!("{} does not lie in 0..1 (1 left out)", s.momentum),
                )
                .help("use for example 0.9"));
            }
        }
    }
    if let Schedule::Cosine(c) = &recipe.schedule {
        within("train.schedule.floor", c.floor, 0.0, 1.0)?;
    }
    positive("train.loss.temperature", recipe.loss.temperature, "0.1")?;
    steps(experiment, recipe)?;
    let contrast = &recipe.contrast;
    positive("train.contrast.rows", contrast.rows as f64, "4")?;
    positive("train.contrast.steepness", contrast.steepness, "20.0")?;
    search(&recipe.search)?;
    positive("train.reduced.across", recipe.reduced.across as f64, "5")?;
    positive("train.reduced.count", recipe.reduced.count as f64, "20")?;
    for (key, value, example) in [
        ("train.echo.epsilon", recipe.echo.epsilon, "0.01"),
        ("train.feedback.scale", recipe.feedback.scale, "1.0"),
    ] {
        if value == 0.0 || !value.is_finite() {
            return Err(Error::invalid(key, format!("{value} carries no error back"))
                .help(format!("use for example {example}")));
        }
    }
    if recipe.loss.efficiency_weight < 0.0 {
        return Err(Error::invalid(
            "train.loss.efficiency_weight",
            "a negative weight pays for lost light",
        )
        .help("use 0 or more, as 0.1"));
    }
    Ok(())
}

/// Probes of a step: SPSA exposes twice for each, and devices tell 4096 exposures of a step apart.
const MOST_PROBES: f64 = 2048.0;

/// Candidates of a generation, each an exposure of the batch.
const MOST_CANDIDATES: f64 = 4096.0;

fn search(search: &Search) -> Result<()> {
    if search.population == 1 {
        let rule = "a generation of one has no better half";
        return Err(Error::invalid("train.search.population", rule)
            .help("use at least 2, or 0 for 4 + 3 ln n"));
    }
    if search.population > 0 {
        let population = f64::from(search.population);
        within("train.search.population", population, 2.0, MOST_CANDIDATES)?;
    }
    positive("train.search.rate", search.rate, "1.0")?;
    positive("train.search.active", search.active, "0.15")?;
    within("train.search.active", search.active, 0.0, 1.0)?;
    within("train.search.skip", search.skip, 0.0, 1.0)
}

/// What perturbs a device must move it: phases on levels stay there until they are told half a level
/// more, and all losses would be one.
fn steps(experiment: &Experiment, recipe: &Recipe) -> Result<()> {
    for (key, probes) in
        [("train.spsa.probes", recipe.spsa.probes), ("train.flops.probes", recipe.flops.probes)]
    {
        positive(key, f64::from(probes), "4")?;
        within(key, f64::from(probes), 1.0, MOST_PROBES)?;
    }
    let all = [
        ("train.spsa.size", recipe.spsa.size, &[MethodName::Spsa][..]),
        ("train.flops.size", recipe.flops.size, &[]),
        (
            "train.search.size",
            recipe.search.size,
            &[MethodName::FiniteDifferences, MethodName::Mixed],
        ),
    ];
    for (key, size, fixed) in all {
        let Some(size) = size else { continue };
        positive(key, size, "0.1")?;
        // Normal steps are longer now and then.
        if !fixed.contains(&recipe.method) {
            continue;
        }
        let Some(hardware) = &experiment.hardware else { continue };
        let elements = experiment.optic.element.iter().enumerate();
        for (i, element) in elements.filter(|(_, e)| trains(e)) {
            let spacing = hardware.spacing(element)?;
            if size < spacing / 2.0 {
                let rule = format!(
                    "a step of {size} rad moves no phase from its level: those of optic.element[{i}] are {spacing:.4} rad apart"
                );
                return Err(Error::invalid(key, rule)
                    .help(format!("leave it out, or use one level, {spacing:.4}")));
            }
        }
    }
    Ok(())
}

/// A network whose light does not reach from a sample to its neighbour is none: each sample would
/// keep its own light.
pub fn reach(optic: &Optic) -> Result<()> {
    let pitch = optic.grid().pitch[0].min(optic.grid().pitch[1]);
    let steps = optic.element.iter().enumerate().filter_map(|(i, e)| match e {
        Element::FreeSpace(step) => Some((i, step.z.0.abs())),
        _ => None,
    });
    let Some((_, z)) = steps.max_by(|a, b| a.1.total_cmp(&b.1)) else {
        return Err(Error::invalid(
            "optic.element",
            "no free space: light does not mix between samples",
        )
        .help("add { kind = \"free_space\", z = \"30 mm\" } between the masks"));
    };
    let sine = optic.wavelength.0 / (2.0 * pitch);
    if sine >= 1.0 || z * sine / (1.0 - sine * sine).sqrt() >= pitch / 2.0 {
        return Ok(());
    }
    let rule = format!(
        "a pitch of {} cannot sample the diffraction of {}: its steepest wave moves by {:.2} of a sample over the longest gap ({}), so light never mixes",
        Metres(pitch),
        optic.wavelength,
        z * sine / pitch,
        Metres(z)
    );
    Err(Error::invalid("optic.wavelength", rule).help(format!(
        "use pitch <= {}, or z >= {}",
        Metres((optic.wavelength.0 * z).sqrt()).at_most(),
        Metres(pitch * pitch / optic.wavelength.0).at_least()
    )))
}

/// What can be done with a device that shows its detectors alone.
fn lab(optic: &Optic, recipe: &Recipe) -> Result<()> {
    if !recipe.method.needs_readings_alone() {
        let rule = "asks for more than a lab's detectors read";
        let all = MethodName::ALL.into_iter().filter(|m| m.needs_readings_alone());
        let all: Vec<String> = all.map(MethodName::name).collect();
        return Err(
            Error::invalid("train.method", rule).help(format!("use one of {}", all.join(", ")))
        );
    }
    let camera = optic.element.iter().position(|e| matches!(e, Element::Detect(_)));
    match camera {
        Some(i) if recipe.method != MethodName::AsyT && recipe.method != MethodName::Backprop => {
            let rule = "a lab does not show the cameras between its layers";
            Err(Error::invalid(format!("optic.element[{i}].kind"), rule)
                .help("train with asyt, which takes the twin's own hidden states"))
        }
        _ => Ok(()),
    }
}
