//! `lightloom calibrate EXPERIMENT.toml`: where the planes of its device stand, from its camera.

use std::path::PathBuf;

use clap::Args;
use comfy_table::{Table, presets};

use super::{Common, print, print_json, write_json};
use crate::data;
use crate::error::{Error, Result};
use crate::train::calibrate::{Fit, calibrate};

/// Fits the twin's shifts and distances to measured intensities by the adjoint, with 95 % intervals.
#[derive(Debug, Args)]
pub struct Calibrate {
    /// An experiment with a [hardware] block; a file or the name of a built-in one.
    experiment: PathBuf,
    /// Images that the device is shown.
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=1024))]
    exposures: u16,
    /// Writes the fit as JSON.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

impl Calibrate {
    pub fn run(&self, common: &Common) -> Result<()> {
        let loaded = common.open(&self.experiment)?;
        let experiment = &loaded.experiment;
        let source = experiment.data.as_ref();
        let source = source.ok_or_else(|| {
            loaded.locate(
                Error::invalid("data", "missing: the device must be shown something")
                    .help("add [data] with name = \"mnist\""),
            )
        })?;
        let data = data::load(source, experiment.seed).map_err(|e| loaded.locate(e))?;
        let exposures = usize::from(self.exposures);
        let fit = calibrate(experiment, &data, common.choice(), exposures);
        let fit = fit.map_err(|e| loaded.locate(e))?;
        if let Some(path) = &self.out {
            write_json(path, &fit)?;
        }
        if common.json { print_json(&fit) } else { print(&table(&fit)) }
    }
}

fn table(fit: &Fit) -> String {
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED);
    table.set_header(["plane", "", "found (µm)", "95 %", "true (µm)"]);
    for e in &fit.estimates {
        table.add_row([
            e.plane.clone(),
            e.quantity.to_owned(),
            micrometres(e.metres),
            format!("± {:.4}", 1e6 * e.half),
            micrometres(e.truth),
        ]);
    }
    format!(
        "{table}\nχ²/dof {:.3} after {} steps; {} exposures of {:.0} photons a pixel",
        fit.reduced_chi2, fit.steps, fit.exposures, fit.photons_per_pixel
    )
}

fn micrometres(metres: f64) -> String {
    // No negative nothing.
    format!("{:.4}", 1e6 * metres + 0.0)
}
