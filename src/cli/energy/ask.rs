//! From the command line to machines and what does their task digitally.

use std::path::Path;
use std::sync::Arc;

use super::super::{Common, eval};
use super::plans::plans;
use super::{Energy, ledger};
use crate::backend::cpu;
use crate::baseline::network::{EPOCHS, Task};
use crate::data::{self, Dataset};
use crate::energy::answer::{Accuracy, Asked, Rival};
use crate::energy::detected::{Head, Noise, answer};
use crate::energy::draw::Draw;
use crate::energy::library::Library;
use crate::energy::machine::{Kind, Machine};
use crate::energy::of_optic;
use crate::energy::rank::{Forms, Useful};
use crate::energy::stack::Band;
use crate::error::{Error, Result};
use crate::experiment::{Experiment, Loaded, check, preset};
use crate::render::ticks;
use crate::train::metrics::wilson;
use crate::train::readings::Readings;
use crate::train::{Session, checkpoint, fields};

const TRAINED: &str = "accuracy at each number of bits is with the photons, the receivers and the \
                       converters that the joules beside it pay for, on the machine as it was \
                       designed, without the faults of [hardware]";
const UNTRAINED: &str = "not trained: no accuracy belongs to these joules; the checkpoint.safetensors \
                         of a run has one";

const CAMERAS: &str = "no accuracy: what the cameras between its layers read at these joules is noisy, \
                       and only the noise behind the last layer is computed";

const DEFAULT: [&str; 3] = ["thz", "slm", "svd"];
/// Test images whose light says what a region gets.
const IMAGES: usize = 1000;

pub fn machines(
    energy: &Energy,
    common: &Common,
    overrides: &[String],
    library: &mut Library,
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
        let rank_note = if digits {
            "its masks are not known: no rank, only the modes that fit".into()
        } else {
            String::new()
        };
        all.push(Asked { rivals, note: UNTRAINED, rank_note, ..Asked::of(machine) });
    }
    if let Some(path) = &energy.ledger {
        ledger::hand_out(&ledger::read(path)?, &mut all);
    }
    Ok(all)
}

/// Networks for MNIST whose sizes are figures.
fn known(library: &Library) -> Vec<Rival> {
    let of = |(network, key): (&str, &str)| {
        let figure = library.figure_of(key)?;
        let source = format!("{} ({})", figure.source, figure.confidence.name());
        let (network, macs) = (network.into(), figure.typical());
        let figures = vec![key.to_owned()];
        Some(Rival {
            network,
            macs,
            accuracy: None,
            as_good_as: None,
            is_as_good: None,
            source,
            figures,
        })
    };
    [("784-10", "mnist.linear"), ("784-128-10", "mnist.hidden")]
        .into_iter()
        .filter_map(of)
        .collect()
}

/// An experiment and its data, trained where a checkpoint was given.
struct Subject {
    name: String,
    experiment: Experiment,
    data: Arc<Dataset>,
    session: Option<Session>,
    /// Where the experiment's keys stand.
    loaded: Option<Loaded>,
}

fn subject(common: &Common, overrides: &[String], path: &Path) -> Result<Subject> {
    if path.extension().is_some_and(|e| e == "safetensors") {
        let (session, data) = eval::open_with(path, common, overrides)?;
        let session = designed(path, session, common)?;
        // Runs are told apart by their folders.
        let folder = path.parent().and_then(Path::file_name);
        let name = folder.map_or_else(|| "run".into(), |n| n.to_string_lossy().into_owned());
        let experiment = session.experiment.clone();
        return Ok(Subject { name, experiment, data, session: Some(session), loaded: None });
    }
    let loaded = preset::open(path, overrides)?;
    if !common.json {
        loaded.warnings.iter().for_each(|w| eprintln!("warning: {w}"));
    }
    let experiment = loaded.experiment.clone();
    let source = experiment.data.as_ref().ok_or_else(|| {
        loaded.locate(
            Error::invalid("data", "missing: this file is a scene, and an inference needs data")
                .help("give an experiment, or --machine"),
        )
    })?;
    let data = Arc::new(data::load(source, experiment.seed).map_err(|e| loaded.locate(e))?);
    check::with_data(&experiment.optic, &data).map_err(|e| loaded.locate(e))?;
    let name = path.file_stem().map_or_else(String::new, |n| n.to_string_lossy().into_owned());
    Ok(Subject { name, experiment, data, session: None, loaded: Some(loaded) })
}

/// The machine of a run without its `[hardware]`: joules pay for photons, receivers and converters of
/// their own, which are put on light that has no others.
fn designed(path: &Path, session: Session, common: &Common) -> Result<Session> {
    if session.experiment.hardware.is_none() {
        return Ok(session);
    }
    let experiment = Experiment { hardware: None, ..session.experiment };
    let mut designed = Session::new(experiment, session.data, common.choice())?;
    checkpoint::read(path)?.load(path, &mut *designed.executor, false)?;
    Ok(designed)
}

fn of_experiment(
    energy: &Energy,
    common: &Common,
    overrides: &[String],
    library: &mut Library,
    path: &Path,
) -> Result<Asked> {
    let seed = common.seed.map(|s| format!("seed={s}"));
    let overrides: Vec<_> = overrides.iter().cloned().chain(seed).collect();
    let Subject { name, experiment, data, mut session, loaded } =
        subject(common, &overrides, path)?;
    let values = data.image[0] * data.image[1];
    let mut machine = of_optic::machine(&name, &experiment.optic, values, data.classes.len())
        .map_err(|e| match &loaded {
            Some(loaded) => loaded.locate(e),
            None => e,
        })?;
    let training = plans(&experiment, &data)?;
    if let Some(session) = &mut session {
        if energy.accuracy.is_some() {
            return Err(Error::invalid("--accuracy", format!("{name} is a run, and has its own"))
                .help("leave it out, or give the experiment"));
        }
        if matches!(&machine.kind, Kind::Stack(stack) if stack.cameras > 0) {
            let rivals = if data.name == "mnist" { known(library) } else { Vec::new() };
            let (useful, rank_note) =
                useful(energy, common, library, &machine, (&experiment, &data), Some(session))?;
            let note = CAMERAS;
            return Ok(Asked { rivals, training, note, useful, rank_note, ..Asked::of(machine) });
        }
        let (accuracy, noiseless) = accuracies(energy, library, &mut machine, session, &data)?;
        let wanted: Vec<Wanted> = accuracy
            .iter()
            .map(|a| Wanted { validation: a.validation, stated: a.accuracy })
            .collect();
        let equals = trained(common, &data, &wanted, experiment.seed)?;
        let noiseless = Some(noiseless);
        let note = TRAINED;
        let (useful, rank_note) =
            useful(energy, common, library, &machine, (&experiment, &data), Some(session))?;
        return Ok(Asked {
            equals,
            training,
            accuracy,
            noiseless,
            note,
            useful,
            rank_note,
            ..Asked::of(machine)
        });
    }
    let rivals = match energy.accuracy {
        Some(accuracy) => {
            let wanted = Wanted { validation: accuracy, stated: accuracy };
            trained(common, &data, &[wanted], experiment.seed)?
        }
        None if data.name == "mnist" => known(library),
        None => Vec::new(),
    };
    let (useful, rank_note) =
        useful(energy, common, library, &machine, (&experiment, &data), None)?;
    Ok(Asked { rivals, training, note: UNTRAINED, useful, rank_note, ..Asked::of(machine) })
}

/// What a linear stack computes above its detectors' noise at every number of bits, and of what that
/// is, or why there is none.
fn useful(
    energy: &Energy,
    common: &Common,
    library: &Library,
    machine: &Machine,
    (experiment, data): (&Experiment, &Dataset),
    session: Option<&mut Session>,
) -> Result<(Vec<Useful>, String)> {
    if matches!(machine.kind, Kind::Chip(_)) {
        return Ok((Vec::new(), String::new()));
    }
    let none = |why: &str| Ok((Vec::new(), format!("{why}: no rank, only the modes that fit")));
    if let Some(why) = fields::nonlinear(experiment) {
        return none(why);
    }
    let note = if session.is_some() { "rank as trained" } else { "rank before training" };
    let responses = fields::responses(experiment, data, common.choice(), session)?;
    let inputs = data.image[0] * data.image[1];
    let image = |i: usize| {
        let mut image = vec![0.0; inputs];
        data.test.write_image(i, &mut image);
        image
    };
    let images: Vec<Vec<f64>> = (0..data.test.len().min(IMAGES)).map(image).collect();
    let Some(forms) = Forms::new(inputs, &responses, &images) else {
        return none("no light reaches its detectors");
    };
    let d = Draw::typical(library);
    let of = |&bits: &u8| forms.useful(Noise::of(machine, &d, f64::from(bits)));
    Ok((energy.bits.iter().map(of).collect(), note.into()))
}

/// Accuracies at every number of bits, with the noise of the light that is paid for. How much of the
/// light reaches the detectors is taken from the test samples. Beside it the test accuracy without
/// noise and rounding.
fn accuracies(
    energy: &Energy,
    library: &mut Library,
    machine: &mut Machine,
    session: &mut Session,
    data: &Dataset,
) -> Result<(Vec<Accuracy>, f64)> {
    let split = &data.test;
    let range = 0..split.len();
    let differential = session.experiment.optic.detector.as_ref().is_some_and(|d| d.differential);
    let seed = session.experiment.seed;
    let head = match ["weight", "bias"].map(|part| session.read(&format!("detector.head.{part}"))) {
        [Ok(Some(weight)), Ok(Some(bias))] => Some(Head { weight, bias }),
        [Ok(_), Ok(_)] => None,
        [Err(e), _] | [_, Err(e)] => return Err(e),
    };
    let named = |regions: &[f64]| match &head {
        Some(head) => head.answer(regions),
        None => answer(regions, differential),
    };
    let hits = |regions: &[f64], per_sample: usize, labels: &[usize]| {
        let samples = regions.chunks(per_sample).zip(labels);
        samples.filter(|(regions, label)| named(regions) == **label).count()
    };
    // Beyond the digits that f32 has nothing is rounded.
    let exact = session.readings(split, range.clone(), 24.0)?;
    let n = exact.labels.len();
    let noiseless = hits(&exact.regions, exact.per_sample, &exact.labels) as f64 / n as f64;
    let share = exact.regions.iter().sum::<f64>() / exact.entering.iter().sum::<f64>();
    take_share(library, machine, format!("{:.2e}", share.min(1.0)).parse().unwrap_or(share));
    let mut all = Vec::new();
    for &bits in &energy.bits {
        let bits = f64::from(bits);
        let seen = session.readings(split, range.clone(), bits)?;
        let noise = Noise::of(machine, &Draw::typical(library), bits);
        let to_choose = session.readings(&data.val, 0..data.val.len(), bits)?;
        let read = by_one_converter(noise, [&seen, &to_choose], bits, seed);
        let right = hits(&read[0], seen.per_sample, &seen.labels);
        let validation = hits(&read[1], to_choose.per_sample, &to_choose.labels);
        let validation = validation as f64 / to_choose.labels.len() as f64;
        all.push(Accuracy {
            accuracy: right as f64 / n as f64,
            interval: wilson(right, n),
            n,
            validation,
            shot_share: noise.shot,
        });
    }
    Ok((all, noiseless))
}

/// What is read of two sets: the converter's range and the mean light are those of both.
fn by_one_converter(noise: Noise, sets: [&Readings; 2], bits: f64, seed: u64) -> [Vec<f64>; 2] {
    let both: Vec<f64> = sets.iter().flat_map(|set| &set.regions).copied().collect();
    let mut first = noise.read(&both, bits, seed);
    let second = first.split_off(sets[0].regions.len());
    [first, second]
}

/// The share of its light that a trained machine reads, in place of what is assumed of any; figures that
/// were given stay.
fn take_share(library: &mut Library, machine: &mut Machine, share: f64) {
    match &mut machine.kind {
        Kind::Stack(stack) => {
            let key = match stack.band {
                Band::Terahertz => "thz.on_detector",
                Band::Visible => "slm.on_detector",
            };
            library.measured(key, share, "computed in this run: this stack on its test set");
        }
        Kind::Chip(chip) => {
            let assumed = ["silicon.svd_transmission", "silicon.activation_loss"];
            if share > 0.0 && !assumed.iter().any(|key| library.is_given(key)) {
                chip.read = Some(share);
                let percent = ticks::short(100.0 * share);
                machine.what += &format!(
                    ", {percent} % of the light in its guides read (computed in this run)"
                );
            }
        }
    }
}

/// What a network is to be as good as.
struct Wanted {
    validation: f64,
    /// Beside which its test accuracy is put.
    stated: f64,
}

/// The smallest digital network that is as good on validation, for each accuracy; where none is, the
/// largest, which says so.
fn trained(common: &Common, data: &Dataset, wanted: &[Wanted], seed: u64) -> Result<Vec<Rival>> {
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
    let most = wanted.iter().map(|w| w.validation).fold(0.0, f64::max);
    let all = Task::new(data).smallest(most, EPOCHS, seed, &pool, told);
    let rival = |wanted: &Wanted| {
        let enough = all.iter().find(|t| t.validation >= wanted.validation);
        let percent = 100.0 * wanted.validation;
        let reached = if enough.is_some() {
            format!("the smallest of those tried with {percent:.2} % on validation")
        } else {
            format!("the largest tried; it misses {percent:.2} % on validation")
        };
        let t = enough.or(all.last())?;
        Some(Rival {
            network: t.name.clone(),
            macs: t.macs as f64,
            accuracy: Some(t.test),
            as_good_as: Some(wanted.stated),
            is_as_good: Some(enough.is_some()),
            source: format!("trained in this run: {reached}"),
            figures: Vec::new(),
        })
    };
    Ok(wanted.iter().filter_map(rival).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One bright reading of one set coarsens the steps of both.
    #[test]
    fn sets_are_read_by_one_converter() {
        let set = |regions: [f64; 4]| Readings {
            labels: vec![0; 2],
            regions: regions.into(),
            per_sample: 2,
            entering: vec![1.0; 2],
        };
        let (bright, even) = (set([1.0, 1.0, 1.0, 30.0]), set([1.0, 1.0, 2.0, 4.0]));
        let noise = Noise { snr: 1e30, shot: 0.0 };
        let [a, b] = by_one_converter(noise, [&bright, &even], 2.0, 1);
        assert!((a[3] / 30.0 - 1.0).abs() < 1e-12 && b == [0.0; 4], "{a:?} {b:?}");
        let [b, a] = by_one_converter(noise, [&even, &bright], 2.0, 1);
        assert!((a[3] / 30.0 - 1.0).abs() < 1e-12 && b == [0.0; 4], "{a:?} {b:?}");
    }

    /// A chip's light goes by the share that was computed of it, unless a figure of it was given.
    #[test]
    fn a_trained_chip_has_its_own_share() {
        let mut library = Library::built_in().expect("they are right");
        let read = |machine: &Machine| match &machine.kind {
            Kind::Chip(chip) => chip.read,
            Kind::Stack(_) => None,
        };
        let mut svd = Machine::named("svd:16").expect("it is there");
        take_share(&mut library, &mut svd, 0.125);
        assert_eq!(read(&svd), Some(0.125));
        assert!(svd.what.contains("12.5 % of the light in its guides read"), "{}", svd.what);
        library.set("silicon.svd_transmission=0.5").expect("a share");
        let mut other = Machine::named("svd:16").expect("it is there");
        take_share(&mut library, &mut other, 0.125);
        assert_eq!(read(&other), None);
    }
}
