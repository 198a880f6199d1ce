//! `lightloom validate FILE...`: the rules of an experiment file, and what it describes.

use std::path::PathBuf;

use clap::Args;

use super::Common;
use crate::error::Result;
use crate::experiment::{Loaded, device};
use crate::optics::Optic;
use crate::optics::element::{AmplitudeMask, Element, PhaseMask};
use crate::units::Metres;

#[derive(Debug, Args)]
pub struct Validate {
    /// Experiment files, or names of built-in ones.
    #[arg(required = true)]
    files: Vec<PathBuf>,
}

impl Validate {
    pub fn run(&self, common: &Common) -> Result<()> {
        for path in &self.files {
            let loaded = common.open(path)?;
            let hardware = hardware(&loaded)?;
            super::print(&format!("{}: ok\n{}{hardware}", path.display(), summary(&loaded)))?;
        }
        Ok(())
    }
}

/// The figures of the preset that the hardware block takes, a line each with its source.
fn hardware(loaded: &Loaded) -> Result<String> {
    let Some(hardware) = &loaded.experiment.hardware else { return Ok(String::new()) };
    let Some(name) = &hardware.preset else { return Ok(String::new()) };
    let preset = device::named(name)?;
    let mut text = format!("\n  hardware preset {name}: {}", preset.about);
    for figure in &preset.figures {
        let (key, value, confidence) = (&figure.key, &figure.value, figure.confidence.name());
        let taken = if figure.is_in(hardware) { "" } else { ", not taken" };
        text += &format!("\n    {key} = {value} ({confidence}{taken}): {}", figure.source);
    }
    Ok(text)
}

/// A chip in a few lines.
fn chip(optic: &Optic, modes: usize) -> String {
    let (mut cells, mut depth, mut parameters) = (0, 0, 0);
    for element in &optic.element {
        let (topology, meshes, trainable) = match element {
            Element::Mesh(m) => (m.topology, 1, m.trainable),
            Element::Svd(m) => (m.topology, 2, true),
            Element::PhaseMask(PhaseMask { trainable, .. })
            | Element::AmplitudeMask(AmplitudeMask { trainable, .. }) => {
                parameters += if *trainable { modes } else { 0 };
                continue;
            }
            _ => continue,
        };
        let Ok(layout) = topology.layout(modes) else { continue };
        cells += meshes * layout.cells.len();
        depth += meshes * layout.depth;
        if trainable {
            parameters += meshes * (2 * layout.cells.len() + modes) + (meshes - 1) * modes;
        }
    }
    format!(
        "  a chip of {modes} guides: {cells} interferometers, {depth} columns in a row; wavelength {}\n  {parameters} trainable parameters",
        optic.wavelength
    )
}

/// The machine in a few lines.
fn summary(loaded: &Loaded) -> String {
    let optic = &loaded.experiment.optic;
    if let Some(modes) = optic.modes {
        return chip(optic, modes);
    }
    let grid = optic.grid();
    let [ny, nx] = grid.samples;
    let [my, mx] = optic.padded();
    let [height, width] = grid.extent().map(Metres);
    let mut text = format!(
        "  window {ny} x {nx} samples, {height} x {width}, padded to {my} x {mx}; wavelength {}\n",
        optic.wavelength
    );
    let mut parameters = 0;
    for (i, element) in optic.element.iter().enumerate() {
        match element {
            Element::FreeSpace(step) => {
                let fresnel =
                    (grid.extent()[1] / 2.0).powi(2) / (optic.wavelength.0 * step.z.0.abs());
                let limit = crate::optics::transfer::Transfer::axis_limit(
                    optic.wavelength.0,
                    step.z.0,
                    mx as f64 * grid.pitch[1],
                );
                let nyquist = 0.5 / grid.pitch[1];
                let band = if limit >= nyquist {
                    "whole band".to_owned()
                } else {
                    format!("band limited to {:.0} % of Nyquist", 100.0 * limit / nyquist)
                };
                text +=
                    &format!("  {i}: free space {}, Fresnel number {fresnel:.3}, {band}\n", step.z);
                parameters += step.trainable.len();
            }
            Element::PhaseMask(m) if m.trainable => parameters += grid.len(),
            Element::AmplitudeMask(m) if m.trainable => parameters += grid.len(),
            _ => {}
        }
    }
    let pitch = grid.pitch[0].min(grid.pitch[1]);
    let steepest = (optic.wavelength.0 / (2.0 * pitch)).min(1.0).asin().to_degrees();
    text += &format!("  steepest sampled wave {steepest:.0}°");
    if steepest > 30.0 {
        text += " (beyond about 30° thin scalar masks are an approximation)";
    }
    text + &format!("\n  {parameters} trainable parameters")
}
