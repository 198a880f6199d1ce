//! `lightloom validate FILE...`: the rules of an experiment file, and what it describes.

use std::path::PathBuf;

use clap::Args;

use super::Common;
use crate::data::{self, Dataset};
use crate::error::{Error, Result};
use crate::experiment::{Experiment, Loaded, check, device};
use crate::lower::Machine;
use crate::optics::Optic;
use crate::optics::element::Element;
use crate::optics::transfer::Transfer;
use crate::program::Builder;
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
            super::print(&format!("{}: ok\n{}{hardware}", path.display(), summary(&loaded)?))?;
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

/// The interferometers that the light passes.
fn meshes(machine: &Machine) -> String {
    let parts = machine.meshes();
    let layouts = || parts.iter().flat_map(|part| &part.meshes).map(|(mesh, _)| &mesh.layout);
    let cells: usize = layouts().map(|layout| layout.cells.len()).sum();
    let depth: usize = layouts().map(|layout| layout.depth).sum();
    format!("{cells} interferometers, {depth} columns in a row")
}

/// What both axes say: once where it is the same.
fn of_axes([y, x]: [String; 2]) -> String {
    if y == x { x } else { format!("{y} along y and {x} along x") }
}

/// A plane of samples in a few lines.
fn plane(optic: &Optic) -> String {
    let grid = optic.grid();
    let [ny, nx] = grid.samples;
    let [my, mx] = optic.padded();
    let [height, width] = grid.extent().map(Metres);
    let mut text = format!(
        "  window {ny} x {nx} samples, {height} x {width}, padded to {my} x {mx}; wavelength {}\n",
        optic.wavelength
    );
    for (i, element) in optic.element.iter().enumerate() {
        let Element::FreeSpace(step) = element else { continue };
        let transfer = optic.transfer(step);
        let fresnel = [0, 1].map(|a| {
            let number = (grid.extent()[a] / 2.0).powi(2) / (optic.wavelength.0 * step.z.0.abs());
            format!("{number:.3}")
        });
        let band = [0, 1].map(|a| {
            let padded = transfer.padded[a] as f64 * grid.pitch[a];
            let limit = Transfer::axis_limit(optic.wavelength.0, step.z.0, padded);
            let nyquist = 0.5 / grid.pitch[a];
            if !transfer.band_limit || limit >= nyquist {
                "whole band".to_owned()
            } else {
                format!("band limited to {:.0} % of Nyquist", 100.0 * limit / nyquist)
            }
        });
        let (fresnel, band) = (of_axes(fresnel), of_axes(band));
        text += &format!("  {i}: free space {}, Fresnel number {fresnel}, {band}\n", step.z);
    }
    let pitch = grid.pitch[0].min(grid.pitch[1]);
    let steepest = (optic.wavelength.0 / (2.0 * pitch)).min(1.0).asin().to_degrees();
    text += &format!("  steepest sampled wave {steepest:.0}°");
    if steepest > 30.0 {
        text += " (beyond about 30° thin scalar masks are an approximation)";
    }
    text
}

/// The data, where they are at hand: a file is valid without.
fn at_hand(experiment: &Experiment) -> Result<Option<Dataset>> {
    let Some(source) = &experiment.data else { return Ok(None) };
    match data::load(source, experiment.seed) {
        Err(Error::File { .. }) => Ok(None),
        Err(Error::Invalid(why)) if why.key == "data.name" => Ok(None),
        found => found.map(Some),
    }
}

/// The machine in a few lines.
fn summary(loaded: &Loaded) -> Result<String> {
    let experiment = &loaded.experiment;
    let optic = &experiment.optic;
    let has_head = optic.detector.as_ref().is_some_and(|d| d.head.is_some());
    let data = at_hand(experiment).map_err(|e| loaded.locate(e))?;
    if let Some(data) = &data {
        check::with_data(optic, data).map_err(|e| loaded.locate(e))?;
        let length = experiment.train.as_ref().map(|recipe| recipe.length(data.train.len()));
        length.transpose().map_err(|e| loaded.locate(e))?;
    }
    let classes = data.as_ref().filter(|_| has_head).map_or(0, |data| data.classes.len());
    let mut b = Builder::default();
    let machine = Machine::new(&mut b, optic, None, classes, experiment.seed)
        .map_err(|e| loaded.locate(e))?;
    let parameters: usize = machine.trainable.iter().map(|t| b.slot(t.slot).shape.len()).sum();
    let coupled = optic.element.iter().find_map(|element| match element {
        Element::Couple(couple) => Some(couple.modes),
        _ => None,
    });
    let meshes = meshes(&machine);
    let mut text = match (optic.modes, coupled) {
        (Some(n), _) => {
            format!("  a chip of {n} guides: {meshes}; wavelength {}", optic.wavelength)
        }
        (None, Some(n)) => format!("{}\n  a chip of {n} guides behind it: {meshes}", plane(optic)),
        (None, None) => plane(optic),
    };
    text += &format!("\n  {parameters} trainable parameters");
    if has_head && data.is_none() {
        text += ", without the digital layer's: its classes are those of the data";
    }
    Ok(text)
}
