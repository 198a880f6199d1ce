//! `lightloom eval CHECKPOINT`: any split, any change to the experiment it was trained with.

use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, ValueEnum};
use serde::Serialize;

use super::train::darkness;
use super::{Common, check_scales, make_folder, print, print_json};
use crate::data::{self, Split};
use crate::error::{Error, Result};
use crate::experiment::{Loaded, load};
use crate::files::npy;
use crate::render::{check_png, sweep, ticks};
use crate::train::checkpoint::Checkpoint;
use crate::train::chips::OverChips;
use crate::train::{Evaluation, Session, checkpoint};

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum SplitArg {
    Train,
    Val,
    Test,
}

#[derive(Debug, Args)]
pub struct Eval {
    /// The checkpoint.safetensors of a run.
    checkpoint: PathBuf,
    #[arg(long, value_enum, default_value = "test")]
    split: SplitArg,
    /// Samples a..b of the split.
    #[arg(long, value_name = "A..B", value_parser = parse_range)]
    range: Option<std::ops::Range<usize>>,
    /// Write the input and the field at every plane of each sample here, as .npy.
    #[arg(long, value_name = "DIR")]
    dump_fields: Option<PathBuf>,
    /// Evaluate on so many chips, each with faults of its own from [hardware.mesh]; seeds count up
    /// from the experiment's.
    #[arg(long, value_name = "N", conflicts_with = "dump_fields", value_parser = clap::value_parser!(u32).range(1..))]
    chips: Option<u32>,
    /// Accuracy (0..1) from which a chip counts towards the yield.
    #[arg(long, requires = "chips")]
    at_least: Option<f64>,
    /// Makes the random errors so many times as large, one after the other: 0,0.5,1,2.
    #[arg(long, requires = "chips", value_delimiter = ',')]
    scales: Vec<f64>,
    /// Another checkpoint whose chips are evaluated too.
    #[arg(long, requires = "chips", value_name = "CHECKPOINT")]
    beside: Vec<PathBuf>,
    /// Draws accuracy against the size of the errors into this .png.
    #[arg(long, requires = "scales", value_name = "PNG")]
    plot: Option<PathBuf>,
}

/// A machine over its chips, at every size of their errors.
#[derive(Serialize)]
struct ChipsAnswer {
    checkpoint: PathBuf,
    split: String,
    sizes: Vec<OfSize>,
}

#[derive(Serialize)]
struct OfSize {
    /// The errors, times those of the experiment.
    scale: f64,
    #[serde(flatten)]
    over: OverChips,
}

fn line(answer: &ChipsAnswer) -> sweep::Line {
    // Runs are told apart by their folders.
    let folder = answer.checkpoint.parent().and_then(|p| p.file_name());
    let over = |f: fn(&OverChips) -> f64| answer.sizes.iter().map(|s| f(&s.over)).collect();
    sweep::Line {
        name: folder.map_or_else(|| "run".into(), |name| name.to_string_lossy().into_owned()),
        sizes: answer.sizes.iter().map(|s| s.scale).collect(),
        mean: over(|o| o.spread.mean),
        band: answer.sizes.iter().map(|s| [s.over.spread.p5, s.over.spread.p95]).collect(),
    }
}

#[derive(Serialize)]
struct Answer<'a> {
    checkpoint: &'a std::path::Path,
    split: String,
    #[serde(flatten)]
    evaluation: &'a Evaluation,
}

fn parse_range(text: &str) -> std::result::Result<std::ops::Range<usize>, String> {
    let wrong = || format!("\"{text}\" is no range: write 0..100");
    let (a, b) = text.split_once("..").ok_or_else(wrong)?;
    let (a, b) = (a.parse().map_err(|_| wrong())?, b.parse().map_err(|_| wrong())?);
    if a < b {
        Ok(a..b)
    } else {
        Err(format!("\"{text}\" holds nothing: write the smaller end first"))
    }
}

impl Eval {
    /// The split and its samples that were asked for.
    fn samples<'a>(&self, data: &'a data::Dataset) -> Result<(&'a Split, std::ops::Range<usize>)> {
        let split: &Split = match self.split {
            SplitArg::Train => &data.train,
            SplitArg::Val => &data.val,
            SplitArg::Test => &data.test,
        };
        let range = self.range.clone().unwrap_or(0..split.len());
        if range.end > split.len() {
            let rule = format!("ends at {}, the split has {} samples", range.end, split.len());
            return Err(Error::invalid("--range", rule)
                .help(format!("use a range within 0..{}", split.len())));
        }
        Ok((split, range))
    }

    /// What is wrong with the request shows before minutes are spent.
    fn check(&self) -> Result<()> {
        if let Some(least) = self.at_least.filter(|least| !(0.0..=1.0).contains(least)) {
            return Err(Error::invalid("--at-least", format!("{least} does not lie in 0..1"))
                .help("give an accuracy as a fraction, as 0.9"));
        }
        check_scales(&self.scales)?;
        if let Some(path) = &self.plot {
            check_png("--plot", path)?;
        }
        match self.plot.as_ref().and_then(|path| path.parent()) {
            Some(folder) if !folder.as_os_str().is_empty() => make_folder(folder).map(|_| ()),
            _ => Ok(()),
        }
    }

    /// Every machine asked for on its chips, at every size of the errors.
    fn on_chips(&self, common: &Common) -> Result<()> {
        self.check()?;
        let mut answers = Vec::new();
        for path in std::iter::once(&self.checkpoint).chain(&self.beside) {
            let (trained, loaded, data) = read(path, &common.overrides())?;
            let experiment = loaded.experiment.clone();
            let mut session = Session::of_chips(experiment, Arc::clone(&data), common.choice())
                .map_err(|e| loaded.locate(e))?;
            if session.machine.matrices().is_empty() {
                return Err(Error::invalid("--chips", "this optic has no mesh")
                    .help("chips are drawn for { kind = \"mesh\" } and { kind = \"svd\" }"));
            }
            trained.load(path, &mut *session.executor, false)?;
            let (split, range) = self.samples(&data)?;
            let faults = session.experiment.hardware.clone().unwrap_or_default().mesh;
            let chips = (session.experiment.seed, self.chips.unwrap_or(1) as usize);
            let scales = if self.scales.is_empty() { &[1.0][..] } else { &self.scales };
            let mut sizes = Vec::new();
            for &scale in scales {
                let faults = faults.times(scale);
                let told = &mut |chip: usize, e: &Evaluation| {
                    if !common.json && self.scales.is_empty() {
                        eprintln!("chip {}: {:.2} %", chip + 1, 100.0 * e.accuracy);
                    }
                };
                let samples = (split, range.clone());
                let found = session.over_chips(&faults, chips, samples, told)?;
                sizes.push(OfSize { scale, over: OverChips::of(found, self.at_least) });
            }
            let split = format!("{:?}", self.split).to_lowercase();
            answers.push(ChipsAnswer { checkpoint: path.clone(), split, sizes });
        }
        if let Some(path) = &self.plot {
            let lines: Vec<sweep::Line> = answers.iter().map(line).collect();
            sweep::draw(&lines, path)?;
        }
        if common.json {
            return print_json(&answers);
        }
        let text: Vec<String> = answers.iter().map(|a| self.text(a)).collect();
        print(&text.join("\n"))
    }

    fn text(&self, answer: &ChipsAnswer) -> String {
        let chips = answer.sizes.first().map_or(0, |s| s.over.chips);
        let mut text = format!(
            "{}: {} accuracy over {chips} chips",
            answer.checkpoint.display(),
            answer.split
        );
        for OfSize { scale, over } in &answer.sizes {
            let s = over.spread;
            let [mean, std, low, middle, high] =
                [s.mean, s.std, s.p5, s.p50, s.p95].map(|share| 100.0 * share);
            text += &format!(
                "\n  errors x {scale}: {mean:.2} % on average, {std:.2} from chip to chip; 5, 50 and 95 % of them below {low:.2}, {middle:.2} and {high:.2} %",
            );
            if let (Some(share), Some([a, b]), Some(least)) =
                (over.good, over.interval, self.at_least)
            {
                text += &format!(
                    "; yield {:.0} % ({:.0} to {:.0}) reach {:.1} %",
                    100.0 * share,
                    100.0 * a,
                    100.0 * b,
                    100.0 * least
                );
            }
        }
        text
    }

    pub fn run(&self, common: &Common) -> Result<()> {
        if self.chips.is_some() {
            return self.on_chips(common);
        }
        let (found, mut session, data) = restored(&self.checkpoint, common, &common.overrides())?;
        if let Some(device) = device(&session, &found).filter(|_| !common.json) {
            eprintln!("on {device}");
        }
        let (split, range) = self.samples(&data)?;
        if let Some(folder) = &self.dump_fields {
            dump(&mut session, split, range.clone(), folder)?;
        }
        let evaluation = session.evaluate(split, range)?;
        let split = format!("{:?}", self.split).to_lowercase();
        if common.json {
            return print_json(&Answer {
                checkpoint: &self.checkpoint,
                split,
                evaluation: &evaluation,
            });
        }
        let e = &evaluation;
        let text = format!(
            "{split} accuracy {:.2} % (95 % interval {:.2} to {:.2} %), n = {}, loss {:.4}\nlight: {} % on the detector, {} % on the right region; worst-class contrast {:.3}\n{}",
            100.0 * e.accuracy,
            100.0 * e.interval[0],
            100.0 * e.interval[1],
            e.n,
            e.loss,
            ticks::short(100.0 * e.power_efficiency),
            ticks::short(100.0 * e.target_efficiency),
            e.worst_class_contrast,
            darkness(e.power_efficiency, &session.experiment)
        );
        print(text.trim_end())
    }
}

/// A session with the parameters of a checkpoint.
pub fn open(path: &std::path::Path, common: &Common) -> Result<(Session, Arc<data::Dataset>)> {
    open_with(path, common, &common.overrides())
}

/// Likewise, with these overrides in place of all that the command line gives.
pub fn open_with(
    path: &std::path::Path,
    common: &Common,
    overrides: &[String],
) -> Result<(Session, Arc<data::Dataset>)> {
    let (_, session, data) = restored(path, common, overrides)?;
    Ok((session, data))
}

fn restored(
    path: &std::path::Path,
    common: &Common,
    overrides: &[String],
) -> Result<(Checkpoint, Session, Arc<data::Dataset>)> {
    let (found, loaded, data) = read(path, overrides)?;
    let mut session = Session::new(loaded.experiment.clone(), Arc::clone(&data), common.choice())
        .map_err(|e| loaded.locate(e))?;
    found.load(path, &mut *session.executor, false)?;
    Ok((found, session, data))
}

/// What is evaluated, where that is not the ideal machine.
fn device(session: &Session, found: &Checkpoint) -> Option<String> {
    session.twin?;
    let hardware = session.experiment.hardware.as_ref()?;
    if hardware.lab.is_some() {
        return Some("the lab of hardware.lab".into());
    }
    let mut text = format!("the device of hardware.seed {}", hardware.seed);
    if hardware.drifts(&session.experiment.optic) {
        text += &if found.holds_device(&*session.executor) {
            format!(", as it had drifted by step {}", found.progress.step)
        } else {
            ", before any drift".into()
        };
    }
    Some(text)
}

/// A checkpoint, its experiment with what was changed, and its data.
fn read(
    path: &std::path::Path,
    overrides: &[String],
) -> Result<(Checkpoint, Loaded, Arc<data::Dataset>)> {
    let found = checkpoint::read(path)?;
    let name = format!("{} (experiment)", path.display());
    let loaded = load::from_text(&name, &found.experiment, std::path::Path::new(""), overrides)?;
    let experiment = loaded.experiment.clone();
    let source = experiment.data.as_ref().ok_or_else(|| {
        Error::format(path, "its experiment has no data")
            .help("give the checkpoint.safetensors of a `lightloom train` run")
    })?;
    let data = Arc::new(data::load(source, experiment.seed).map_err(|e| loaded.locate(e))?);
    let located = |e| loaded.locate(e);
    crate::experiment::check::with_data(&experiment.optic, &data).map_err(located)?;
    Ok((found, loaded, data))
}

fn dump(
    session: &mut Session,
    split: &Split,
    range: std::ops::Range<usize>,
    folder: &std::path::Path,
) -> Result<()> {
    make_folder(folder)?;
    let optic = session.machine.optic.clone();
    for sample in range {
        for (name, _, field) in session.show(split, sample)?.planes {
            let path = folder.join(format!("{sample:05}_{name}.npy"));
            let shape = optic.shape_of(field.len());
            if session.choice.precision == crate::backend::Precision::F64 {
                npy::write_complex128(&path, &shape, &field)?;
            } else {
                let single: Vec<_> = field
                    .iter()
                    .map(|z| num_complex::Complex::new(z.re as f32, z.im as f32))
                    .collect();
                npy::write_complex64(&path, &shape, &single)?;
            }
        }
    }
    Ok(())
}
