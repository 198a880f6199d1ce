//! `lightloom lab serve EXPERIMENT.toml`: the simulated device behind the protocol that a real one
//! speaks.

use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, Subcommand};

use super::Common;
use crate::data;
use crate::error::{Error, Result};
use crate::experiment::check;
use crate::train::{Session, serve};

#[derive(Debug, Args)]
pub struct Lab {
    #[command(subcommand)]
    command: LabCommand,
}

#[derive(Debug, Subcommand)]
enum LabCommand {
    /// Answer frames on standard input and output as this experiment's device would.
    Serve(Serve),
}

/// Frames: a u32 length (little endian), a kind (H who, P set a parameter, E expose, Q end), a payload.
/// `hardware.lab = { command = ["python3", "slm.py"], timeout_s = 10 }` in an experiment makes such a
/// server its device.
#[derive(Debug, Args)]
struct Serve {
    /// An experiment file, or the name of a built-in one.
    experiment: PathBuf,
}

impl Lab {
    pub fn run(&self, common: &Common) -> Result<()> {
        let LabCommand::Serve(given) = &self.command;
        let loaded = common.open(&given.experiment)?;
        let experiment = loaded.experiment.clone();
        if experiment.hardware.as_ref().is_some_and(|h| h.lab.is_some()) {
            return Err(loaded.locate(
                Error::invalid("hardware.lab", "this experiment's device is a lab itself")
                    .help("leave hardware.lab out for the server"),
            ));
        }
        let source = experiment.data.as_ref().ok_or_else(|| Error::invalid("data", "missing"))?;
        let data = Arc::new(data::load(source, experiment.seed).map_err(|e| loaded.locate(e))?);
        check::with_data(&experiment.optic, &data).map_err(|e| loaded.locate(e))?;
        let name =
            given.experiment.file_stem().map_or_else(String::new, |s| s.to_string_lossy().into());
        let mut session =
            Session::new(experiment, data, common.choice()).map_err(|e| loaded.locate(e))?;
        let (mut input, mut out) = (std::io::stdin().lock(), std::io::stdout().lock());
        serve::serve(&mut session, &format!("simulated {name}"), &mut input, &mut out)
    }
}
