//! The pictures of a run: masks, the light of one digit, curves, confusion.

use std::path::Path;

use crate::error::Result;
use crate::lower::machine::{MeshPart, tensor_name};
use crate::optics::detector::Region;
use crate::optics::element::Element;
use crate::optics::mesh::Faults;
use crate::optics::mesh::light::follow_all;
use crate::render::canvas::Canvas;
use crate::render::curves::{self, Curves};
use crate::render::field::{self, Plane};
use crate::render::story::{self, Panel, Story};
use crate::render::{chip, confusion, masks};
use crate::train::evaluate::Shown;
use crate::train::run::Outcome;
use crate::train::{Evaluation, Session};

/// Everything worth showing of a run that ended.
pub fn of_run(session: &mut Session, outcome: &Outcome, folder: &Path) -> Result<()> {
    let sample = well_read(session)?;
    of_light(session, sample, folder)?;
    let column =
        |f: fn(&crate::train::run::EpochMetrics) -> f64| outcome.metrics.iter().map(f).collect();
    let per_epoch = session.steps_per_epoch as f64;
    let picture = Curves {
        epochs: outcome.metrics.iter().map(|m| m.step as f64 / per_epoch).collect(),
        train_loss: column(|m| m.train_loss),
        val_loss: column(|m| m.val_loss),
        val_accuracy: column(|m| m.val_accuracy),
        test: Some((outcome.test.accuracy, outcome.test.interval)),
    };
    curves::draw(&picture, &folder.join("curves.png"))?;
    of_confusion(session, &outcome.test, folder)
}

/// Whether [`of_run`] writes a picture of this name.
pub fn is_of_run(name: &str) -> bool {
    let numbered = |kind: &str| {
        let number = name.strip_prefix(kind).and_then(|rest| rest.strip_suffix(".png"));
        number.is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
    };
    let single = ["confusion.png", "curves.png", "light.png", "masks.png"].contains(&name);
    single || numbered("mask_") || numbered("mesh_")
}

/// The machine and the light of one test sample in it: masks and planes, or the chips of its
/// meshes.
pub fn of_light(session: &mut Session, sample: usize, folder: &Path) -> Result<()> {
    if session.machine.optic.modes.is_some() {
        return of_chips(session, sample, folder);
    }
    of_masks(session, folder)?;
    of_sample(session, sample, folder)
}

/// Modes up to which a mesh is drawn.
const MOST_MODES: usize = 64;

/// A mesh that was drawn.
pub struct Drawn {
    pub element: usize,
    pub title: String,
    pub canvas: Canvas,
}

/// Every mesh as a chip, with the light that one test sample sends through it.
pub fn chips(session: &mut Session, sample: usize, shown: &Shown) -> Result<Vec<Drawn>> {
    let machine = session.machine.clone();
    let mut drawn = Vec::new();
    for MeshPart { element: i, meshes: parts, attenuation: between } in machine.meshes() {
        let before = shown.planes.iter().find(|(name, ..)| *name == format!("before_{i}"));
        let Some((_, _, entering)) =
            before.filter(|_| parts.iter().all(|(mesh, _)| mesh.n <= MOST_MODES))
        else {
            continue;
        };
        let attenuation = match between {
            Some(slot) => Some(session.executor.read(slot)?.reals().to_vec()),
            None => None,
        };
        let mut all = Vec::new();
        for &(mesh, phases) in &parts {
            all.push((mesh, session.settings(phases)?, Faults::none(mesh)));
        }
        let meshes = all.iter().map(|(mesh, settings, ideal)| (*mesh, settings, ideal));
        let lights = follow_all(meshes, attenuation.as_deref(), entering)?;
        let blocks: Vec<chip::Block> = all
            .iter()
            .zip(&lights)
            .map(|((mesh, settings, _), light)| chip::Block { mesh, settings, light: Some(light) })
            .collect();
        let kind = if between.is_some() { "SVD layer" } else { "mesh" };
        let (first, last) = (parts[0].0, parts[parts.len() - 1].0);
        let guides = if first.n == last.n {
            first.n.to_string()
        } else {
            format!("{} to {}", first.n, last.n)
        };
        let title = format!("element {i}: {kind} of {guides} guides, {:?}", first.topology);
        let [truth, answer] = [shown.label, shown.answer].map(|k| &session.data.classes[k]);
        let remark = format!("light of test sample {sample}, a {truth}, read as {answer}");
        let attenuation = attenuation.as_deref();
        let picture = chip::Chip { title: &title, remark: &remark, blocks: &blocks, attenuation };
        let canvas = chip::sheet(&picture);
        drawn.push(Drawn { element: i, title, canvas });
    }
    Ok(drawn)
}

fn of_chips(session: &mut Session, sample: usize, folder: &Path) -> Result<()> {
    let test = session.data.test.clone();
    let shown = session.show(&test, sample)?;
    for Drawn { element, canvas, .. } in chips(session, sample, &shown)? {
        canvas.save(&folder.join(format!("mesh_{element}.png")))?;
    }
    Ok(())
}

pub fn of_confusion(session: &Session, e: &Evaluation, folder: &Path) -> Result<()> {
    let path = folder.join("confusion.png");
    confusion::draw(&e.confusion, &session.data.classes, e.accuracy, e.interval, &path)
}

/// Every phase mask, in one sheet and alone.
pub fn of_masks(session: &mut Session, folder: &Path) -> Result<()> {
    let grid = session.machine.optic.grid();
    let mut phases = Vec::new();
    for (i, element) in session.machine.optic.element.iter().enumerate() {
        let Element::PhaseMask(mask) = element else { continue };
        let Some(slot) = session.executor.program().find(&tensor_name(i, "phase")) else {
            continue;
        };
        let bounds = mask.bounds.map_or(String::new(), |[a, b]| format!(", {a:.2} to {b:.2} rad"));
        phases.push((
            i,
            format!("mask {}{bounds}", phases.len() + 1),
            session.executor.read(slot)?,
        ));
    }
    for (i, title, values) in &phases {
        let plane = Plane { samples: grid.samples, pitch: grid.pitch, title };
        field::phase(&plane, values.reals(), &folder.join(format!("mask_{i}.png")))?;
    }
    if phases.is_empty() {
        return Ok(());
    }
    let sheet: Vec<_> = phases.into_iter().map(|(_, t, v)| (t, v.reals().to_vec())).collect();
    masks::sheet(&sheet, grid.samples, grid.pitch, &folder.join("masks.png"))
}

/// The first test sample that is read right, else the first.
pub fn well_read(session: &mut Session) -> Result<usize> {
    let test = session.data.test.clone();
    for sample in 0..test.len().min(20) {
        let shown = session.show(&test, sample)?;
        if shown.label == shown.answer {
            return Ok(sample);
        }
    }
    Ok(0)
}

/// The light of one test sample at every plane and on the detector.
pub fn of_sample(session: &mut Session, sample: usize, folder: &Path) -> Result<()> {
    let test = session.data.test.clone();
    let shown = session.show(&test, sample)?;
    let optic = &session.machine.optic;
    let (grid, classes) = (optic.grid(), session.data.classes.clone());
    let Some(detector) = &optic.detector else { return Ok(()) };
    let regions: Vec<(Region, usize, bool)> = detector
        .regions(&grid, classes.len())
        .into_iter()
        .enumerate()
        .map(|(k, r)| (r, k % classes.len(), k < classes.len()))
        .collect();
    let mut masks = 0;
    // Guides behind a coupler are no plane.
    let panels: Vec<Panel> = shown
        .planes
        .iter()
        .filter(|(.., field)| field.len() == grid.len())
        .map(|(name, z, field)| Panel {
            name: plane_title(name, &mut masks),
            z: *z,
            intensity: field.iter().map(num_complex::Complex::norm_sqr).collect(),
        })
        .collect();
    let (energy, energy_label) = energy(&shown, detector.differential);
    let picture = Story {
        samples: grid.samples,
        pitch: grid.pitch,
        panels: &panels,
        regions: &regions,
        classes: &classes,
        energy: &energy,
        energy_label,
        truth: shown.label,
        answer: shown.answer,
    };
    story::draw(&picture, &folder.join("light.png"))
}

/// A plane as people call it; masks are counted from 1.
pub fn plane_title(name: &str, masks: &mut usize) -> String {
    match name {
        "output" => "detector".into(),
        _ if name.starts_with("before_") => {
            *masks += 1;
            format!("at mask {masks}")
        }
        _ => name.to_owned(),
    }
}

/// What the bars show: the differential read-out, or each class's share of the detected light.
fn energy(shown: &Shown, differential: bool) -> (Vec<f64>, &'static str) {
    if differential {
        return (shown.scores.clone(), "(I₊ − I₋) / (I₊ + I₋)");
    }
    if shown.regions.len() != shown.scores.len() {
        return (shown.scores.clone(), "score of the digital layer");
    }
    let total: f64 = shown.regions.iter().sum();
    let share = |&p: &f64| if total > 0.0 { p / total } else { 0.0 };
    (shown.regions.iter().map(share).collect(), "share of the detected light")
}
