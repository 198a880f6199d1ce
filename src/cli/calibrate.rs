//! `lightloom calibrate EXPERIMENT.toml`: the twin fitted to its device, from what its detectors show.

use std::path::PathBuf;

use clap::Args;
use comfy_table::{Table, presets};

use super::{Common, print, print_json, write_json};
use crate::data;
use crate::error::Result;
use crate::train::calibrate::{Fit, calibrate};

/// Fits the twin of a device to measured intensities, with 95 % intervals: where planes of a stack stand
/// and how masks answer, or splitters and phases of a chip.
#[derive(Debug, Args)]
pub struct Calibrate {
    /// An experiment with a [hardware] block; a file or the name of a built-in one.
    experiment: PathBuf,
    /// What is fitted, as shift,axial,rotation; of a stack shift, axial, tilt, rotation, lookup,
    /// aberrations, crosstalk, fill; of a chip splitters, phases, loss, crosstalk. By default what the
    /// [hardware] block has.
    #[arg(long, value_name = "GROUPS")]
    fit: Option<String>,
    /// Images that the device is shown; of a chip settings, each with two inputs a guide.
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
        // A chip is shown light of its own.
        let source = experiment.data.as_ref().filter(|_| experiment.optic.modes.is_none());
        let data = source.map(|source| data::load(source, experiment.seed)).transpose();
        let data = data.map_err(|e| loaded.locate(e))?;
        let exposures = usize::from(self.exposures);
        let fit =
            calibrate(experiment, data.as_ref(), common.choice(), exposures, self.fit.as_deref());
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
    table.set_header(["place", "", "found", "95 %", "true", ""]);
    for e in &fit.estimates {
        let (factor, unit) = match e.unit {
            "m" => (1e6, "µm"),
            "1" => (1.0, ""),
            other => (1.0, other),
        };
        let digits = digits(factor * e.half);
        // No negative nothing.
        let number = |value: f64| format!("{:.digits$}", factor * value + 0.0);
        table.add_row([
            e.place.clone(),
            e.quantity.clone(),
            number(e.value),
            format!("± {}", number(e.half)),
            number(e.truth),
            unit.to_owned(),
        ]);
    }
    let mut text = format!(
        "{table}\nχ²/dof {:.3} after {} steps; {} exposures of {:.0} photons a reading",
        fit.reduced_chi2, fit.steps, fit.exposures, fit.photons_per_reading
    );
    for note in &fit.notes {
        text += &format!("\n{note}");
    }
    text
}

/// Digits behind the point that show three figures of an interval; no more are known.
fn digits(half: f64) -> usize {
    if half > 0.0 { (2.0 - half.log10().floor()).clamp(0.0, 9.0) as usize } else { 5 }
}

#[cfg(test)]
mod tests {
    use super::digits;

    #[test]
    fn no_more_is_shown_than_is_known() {
        assert_eq!([426.5, 99.2, 1.0, 0.0123, 1e-20].map(digits), [0, 1, 2, 4, 9]);
        assert_eq!([0.0, f64::NAN].map(digits), [5; 2]);
    }
}
