//! `lightloom eval CHECKPOINT`: any split, any change to the experiment it was trained with.

use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, ValueEnum};
use serde::Serialize;

use super::{Common, make_folder, print, print_json};
use crate::data::{self, Split};
use crate::error::{Error, Result};
use crate::experiment::load;
use crate::files::npy;
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
    pub fn run(&self, common: &Common) -> Result<()> {
        let (mut session, data) = open(&self.checkpoint, common)?;
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
        print(&format!(
            "{split} accuracy {:.2} % (95 % interval {:.2} to {:.2} %), n = {}, loss {:.4}\nlight: {:.1} % on the detector, {:.1} % on the right region; worst-class contrast {:.3}",
            100.0 * e.accuracy,
            100.0 * e.interval[0],
            100.0 * e.interval[1],
            e.n,
            e.loss,
            100.0 * e.power_efficiency,
            100.0 * e.target_efficiency,
            e.worst_class_contrast
        ))
    }
}

/// A session with the parameters of a checkpoint.
pub fn open(path: &std::path::Path, common: &Common) -> Result<(Session, Arc<data::Dataset>)> {
    let found = checkpoint::read(path)?;
    let name = format!("{} (experiment)", path.display());
    let loaded =
        load::from_text(&name, &found.experiment, std::path::Path::new(""), &common.overrides())?;
    let experiment = loaded.experiment.clone();
    let source = experiment.data.as_ref().ok_or_else(|| {
        Error::format(path, "its experiment has no data")
            .help("give the checkpoint.safetensors of a `lightloom train` run")
    })?;
    let data = Arc::new(data::load(source, experiment.seed).map_err(|e| loaded.locate(e))?);
    let located = |e| loaded.locate(e);
    crate::experiment::check::check_regions(&experiment.optic, data.classes.len())
        .map_err(located)?;
    let mut session =
        Session::new(experiment, Arc::clone(&data), common.choice()).map_err(located)?;
    found.load(path, &mut *session.executor, false)?;
    Ok((session, data))
}

fn dump(
    session: &mut Session,
    split: &Split,
    range: std::ops::Range<usize>,
    folder: &std::path::Path,
) -> Result<()> {
    make_folder(folder)?;
    let shape = session.machine.optic.grid().samples;
    for sample in range {
        for (name, _, field) in session.show(split, sample)?.planes {
            let path = folder.join(format!("{sample:05}_{name}.npy"));
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
