//! `lightloom energy`: does light win? Joules and seconds of an optical inference and of a digital
//! one, every figure with its source.

mod ask;
mod costs;
mod figures;
mod ledger;
mod measure;
mod plans;
mod text;

use std::path::PathBuf;

use clap::Args;

use super::{Common, make_folder, print, print_json, write_json};
use crate::energy::answer::Question;
use crate::energy::evaluate::answer;
use crate::energy::library::Library;
use crate::error::{Error, Result};

#[derive(Debug, Args)]
pub struct Energy {
    /// Experiments, files or built-in ones: the machine is that of their optic. Of the
    /// checkpoint.safetensors of a run also the accuracy that it has with the photons and the bits
    /// that the joules pay for. Without any, the machines of --machine.
    experiment: Vec<PathBuf>,
    /// Bits of inputs and outputs, which decide light, receivers and converters alike.
    #[arg(long, value_delimiter = ',', default_value = "4,8", value_parser = clap::value_parser!(u8).range(1..=16))]
    bits: Vec<u8>,
    /// Machines that need no experiment: thz, slm, svd, printed, pcm, butterfly; of a chip with its
    /// modes, as svd:16 [default: thz,slm,svd where no experiment is given].
    #[arg(long, value_delimiter = ',')]
    machine: Vec<String>,
    /// A file of figures in place of the built-in ones; --set table.key=value changes one. What is
    /// given so is not measured.
    #[arg(long, value_name = "FILE.toml")]
    devices: Option<PathBuf>,
    /// Draws of all figures from their ranges.
    #[arg(long, default_value_t = 300, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    draws: u32,
    /// Accuracy (0..1) of each experiment: trains digital networks on its data up to the smallest
    /// that is as good. A checkpoint has its own.
    #[arg(long, requires = "experiment")]
    accuracy: Option<f64>,
    /// The compare.json of `lightloom compare`: what its methods asked of the device as time and
    /// energy, beside the accuracy on the device. A machine takes the rows of its own name, and
    /// all of them where there are none.
    #[arg(long, value_name = "compare.json")]
    ledger: Option<PathBuf>,
    /// Takes this CPU from its figures in place of measuring it, and leaves this GPU out unless its
    /// figures are set.
    #[arg(long)]
    no_measure: bool,
    /// Folder for energy.json: that of a run, so that `lightloom report` shows it.
    #[arg(long)]
    out: Option<PathBuf>,
    /// Lists every figure with its source, and stops.
    #[arg(long)]
    figures: bool,
}

impl Energy {
    pub fn run(&self, common: &Common) -> Result<()> {
        if let Some(accuracy) = self.accuracy.filter(|a| !(0.0..=1.0).contains(a)) {
            return Err(Error::invalid("--accuracy", format!("{accuracy} does not lie in 0..1"))
                .help("give an accuracy as a fraction, as 0.97"));
        }
        let mut library = Library::built_in()?;
        if let Some(path) = &self.devices {
            library.overlay(path)?;
        }
        let overrides = figures::set(&mut library, &common.set, !self.experiment.is_empty())?;
        if self.figures {
            return if common.json {
                print_json(&library.figures())
            } else {
                print(&text::figures(library.figures()))
            };
        }
        let question = Question {
            machines: ask::machines(self, common, &overrides, &mut library)?,
            bits: self.bits.iter().map(|&b| f64::from(b)).collect(),
            seed: common.seed.unwrap_or(1),
            draws: self.draws,
        };
        let measured = measure::measure(self, common, &mut library)?;
        let answer = answer(&library, &question, measured);
        if let Some(out) = &self.out {
            write_json(&make_folder(out)?.join("energy.json"), &answer)?;
        }
        if common.json {
            return print_json(&answer);
        }
        print(&text::of(&answer))
    }
}
