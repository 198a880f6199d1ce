//! From the command line to machines and what does their task digitally.

use std::path::Path;

use super::super::Common;
use super::Energy;
use crate::backend::cpu;
use crate::baseline::network::Task;
use crate::bench::stack::{INFER, stack};
use crate::bench::work;
use crate::data::{self, Dataset};
use crate::energy::answer::{Asked, Rival};
use crate::energy::library::Library;
use crate::energy::machine::{Kind, Machine};
use crate::energy::of_optic;
use crate::energy::training::Setup;
use crate::error::{Error, Result};
use crate::experiment::{Experiment, preset};

const DEFAULT: [&str; 3] = ["thz", "slm", "svd"];
/// Passes over the training set of a digital network.
const EPOCHS: usize = 8;

pub fn machines(
    energy: &Energy,
    common: &Common,
    overrides: &[String],
    library: &Library,
) -> Result<Vec<Asked>> {
    let mut all = Vec::new();
    for path in &energy.experiment {
        all.push(of_experiment(energy, common, overrides, library, path)?);
    }
    let named: Vec<&str> = if energy.machine.is_empty() && energy.experiment.is_empty() {
        DEFAULT.to_vec()
    } else {
        energy.machine.iter().map(String::as_str).collect()
    };
    for name in named {
        let machine = Machine::named(name)?;
        let digits = matches!(machine.kind, Kind::Stack(_));
        let rivals = if digits { known(library) } else { Vec::new() };
        all.push(Asked { machine, rivals, training: None });
    }
    Ok(all)
}

/// Networks for MNIST whose sizes are figures.
fn known(library: &Library) -> Vec<Rival> {
    let of = |(network, key): (&str, &str)| {
        let figure = library.figure_of(key)?;
        let source = format!("{} ({})", figure.source, figure.confidence.name());
        Some(Rival { network: network.into(), macs: figure.typical(), accuracy: None, source })
    };
    [("784-10", "mnist.linear"), ("784-128-10", "mnist.hidden")]
        .into_iter()
        .filter_map(of)
        .collect()
}

fn of_experiment(
    energy: &Energy,
    common: &Common,
    overrides: &[String],
    library: &Library,
    path: &Path,
) -> Result<Asked> {
    let seed = common.seed.map(|s| format!("seed={s}"));
    let overrides: Vec<_> = overrides.iter().cloned().chain(seed).collect();
    let loaded = preset::open(path, &overrides)?;
    if !common.json {
        loaded.warnings.iter().for_each(|w| eprintln!("warning: {w}"));
    }
    let experiment = &loaded.experiment;
    let source = experiment.data.as_ref().ok_or_else(|| {
        loaded.locate(
            Error::invalid("data", "missing: this file is a scene, and an inference needs data")
                .help("give an experiment, or --machine"),
        )
    })?;
    let data = data::load(source, experiment.seed).map_err(|e| loaded.locate(e))?;
    let name = path.file_stem().map_or_else(|| "experiment".into(), |n| n.to_string_lossy());
    let values = data.image[0] * data.image[1];
    let machine = of_optic::machine(&name, &experiment.optic, values, data.classes.len());
    let machine = machine.map_err(|e| loaded.locate(e))?;
    let rivals = match energy.accuracy {
        Some(accuracy) => trained(common, &data, accuracy, experiment.seed)?,
        None if data.name == "mnist" => known(library),
        None => Vec::new(),
    };
    let training = setup(experiment, &data, &machine)?;
    Ok(Asked { machine, rivals, training })
}

/// The smallest digital network that is as good.
fn trained(common: &Common, data: &Dataset, accuracy: f64, seed: u64) -> Result<Vec<Rival>> {
    let pool = cpu::pool(common.threads.map(usize::from))?;
    let told = &mut |t: &crate::baseline::network::Trained| {
        if !common.json {
            let [validation, test] = [t.validation, t.test].map(|a| 100.0 * a);
            eprintln!(
                "digital {}: {} MACs, validation {validation:.2} %, test {test:.2} %",
                t.name, t.macs
            );
        }
    };
    let all = Task::new(data).smallest(accuracy, EPOCHS, seed, &pool, told);
    let last = all.into_iter().next_back().into_iter();
    let rival = |t: crate::baseline::network::Trained| {
        let reached = if t.validation >= accuracy {
            format!("the smallest of those tried with {:.2} % on validation", 100.0 * accuracy)
        } else {
            format!("the largest tried; it misses {:.2} % on validation", 100.0 * accuracy)
        };
        Rival {
            network: t.name,
            macs: t.macs as f64,
            accuracy: Some(t.test),
            source: format!("trained in this run: {reached}"),
        }
    };
    Ok(last.map(rival).collect())
}

/// What a training run does, where the experiment has one.
fn setup(experiment: &Experiment, data: &Dataset, machine: &Machine) -> Result<Option<Setup>> {
    let Some(recipe) = &experiment.train else { return Ok(None) };
    let per_epoch = data.train.len() / recipe.batch;
    let full = (per_epoch * recipe.epochs) as u64;
    let steps = recipe.steps.map_or(full, |s| s.min(full));
    let program = stack(experiment, data, 1)?.program;
    let flops: f64 = program
        .routine(INFER)
        .map_or(0.0, |routine| work::of(&program, routine, 1, 4).iter().map(|w| w.flops).sum());
    Ok(Some(Setup {
        steps: steps as f64,
        batch: recipe.batch as f64,
        parameters: machine.parameters(),
        simulation: flops / 2.0,
    }))
}
