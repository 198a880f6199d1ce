//! The page of one run.

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::chart::{Chart, Kind, Level, Line, Plot};
use super::live::Live;
use super::machine::{self, Chip, Stack};
use super::run::{Extra, Host, Run};
use super::score::{self, Confusion, Wrong, percent};
use super::tables::Block;
use super::template::{asset, render, script_json};
use super::{data, embed};
use crate::error::{Error, Result};
use crate::lower::machine::tensor_name;
use crate::optics::element::Element;
use crate::optics::encoding::Front;
use crate::render::{colormap, field, panel, ticks};
use crate::report::pictures;
use crate::train::Session;
use crate::train::run::CHECKPOINT;

/// Scripts of a run's page, in order; each may use those before it.
const SCRIPTS: [&str; 10] = [
    "hint.js",
    "bytes.js",
    "colour.js",
    "fft.js",
    "optic.js",
    "gpu.js",
    "plane.js",
    "fields.js",
    "draw.js",
    "main.js",
];

/// Bytes of what a page computes with at most.
const MOST_LIVE: usize = 3_600_000;
/// Pixels across a mask that is a picture.
const MASK_SIDE: usize = 240;
/// Samples from which a machine is not exported for a page to begin with.
const MOST_SAMPLES: usize = 1 << 20;

/// One thing worth knowing.
#[derive(Serialize)]
pub struct Fact {
    name: &'static str,
    value: String,
    note: String,
}

#[derive(Serialize)]
struct Context<'a> {
    title: &'a str,
    name: &'a str,
    version: &'static str,
    style: &'static str,
    script: String,
    data: String,
    lead: String,
    accuracy: String,
    interval: String,
    n: usize,
    facts: Vec<Fact>,
    can_draw: bool,
    /// The page computes the machine without the faults of the device.
    is_twin: bool,
    /// Why the page cannot compute the machine.
    left_out: Option<String>,
    classes: &'a [String],
    stack: Option<Stack>,
    is_differential: bool,
    chips: Vec<Chip>,
    modes: Option<usize>,
    masks: Vec<Mask>,
    shown: String,
    charts: Vec<Chart>,
    confusion: Confusion,
    mistakes: Vec<Wrong>,
    details: Vec<Block>,
    extras: &'a [Extra],
    host: Option<&'a Host>,
    device: &'a str,
    seed: u64,
    resolved: &'a str,
    checkpoint: Option<String>,
}

/// A mask as the page draws it from the program's buffers.
#[derive(Serialize)]
struct Mask {
    title: String,
    /// Its slot.
    name: String,
    is_phase: bool,
    /// `data:` address, where the page has no program.
    picture: Option<String>,
}

pub fn page(run: &Run, session: &mut Session) -> Result<String> {
    let sample = pictures::well_read(session)?;
    let test = session.data.test.clone();
    let shown = session.show(&test, sample)?;
    let is_chip = session.machine.optic.modes.is_some();
    let stack = if is_chip { None } else { Some(machine::stack(session, &shown)?) };
    let chips = machine::chips(session, sample, &shown)?;
    let (live, left_out) = match live(session)? {
        Ok(live) => (Some(live), None),
        Err(why) => (None, Some(why)),
    };
    let data = data::json(run, session, sample, &shown, live.as_ref());
    let summary = &run.summary;
    let classes = session.data.classes.clone();
    let [truth, answer] = [shown.label, shown.answer].map(|k| &classes[k]);
    let e = &summary.test;
    let context = Context {
        title: &run.name,
        name: &run.name,
        version: env!("CARGO_PKG_VERSION"),
        style: asset("style.css"),
        script: SCRIPTS.map(asset).join("\n"),
        data,
        lead: lead(session),
        accuracy: percent(e.accuracy, 2),
        interval: format!("{} to {}", percent(e.interval[0], 2), percent(e.interval[1], 2)),
        n: e.n,
        facts: facts(run),
        can_draw: session.data.image[0] > 1 && live.is_some(),
        left_out,
        is_twin: session.twin.is_some(),
        classes: &classes,
        stack,
        is_differential: session.machine.optic.detector.as_ref().is_some_and(|d| d.differential),
        chips,
        modes: session.machine.optic.modes,
        masks: masks(session, live.is_none())?,
        shown: format!("test sample {sample}, a {truth}, read as {answer}"),
        charts: charts(run),
        confusion: score::confusion(e, &classes),
        mistakes: score::mistakes(e, &session.data)?,
        details: run.details(),
        extras: &run.extras,
        host: summary.host.as_ref(),
        device: &summary.device,
        seed: run.experiment.seed,
        resolved: &run.resolved,
        checkpoint: sum(&run.folder.join(CHECKPOINT)),
    };
    render("run.html", &context)
}

/// SHA-256 of a file that is there.
fn sum(path: &std::path::Path) -> Option<String> {
    let bytes = std::fs::read(path).ok()?;
    let mut text = String::new();
    for byte in Sha256::digest(&bytes) {
        text += &format!("{byte:02x}");
    }
    Some(text)
}

/// What the machine is, in one sentence.
fn lead(session: &Session) -> String {
    let optic = &session.machine.optic;
    let count = |f: fn(&Element) -> bool| optic.element.iter().filter(|e| f(e)).count();
    let many = |n: usize, one: &str, more: &str| {
        if n == 1 { format!("one {one}") } else { format!("{n} {more}") }
    };
    let mut parts = Vec::new();
    for (n, one, more) in [
        (count(|e| matches!(e, Element::PhaseMask(_))), "phase mask", "phase masks"),
        (count(|e| matches!(e, Element::AmplitudeMask(_))), "amplitude mask", "amplitude masks"),
        (count(|e| matches!(e, Element::Lens(_))), "lens", "lenses"),
        (count(|e| matches!(e, Element::Mesh(_))), "mesh", "meshes"),
        (count(|e| matches!(e, Element::Svd(_))), "SVD layer", "SVD layers"),
        (count(|e| matches!(e, Element::Activation(_))), "nonlinearity", "nonlinearities"),
    ] {
        if n > 0 {
            parts.push(many(n, one, more));
        }
    }
    let [ny, nx] = optic.grid().samples;
    let size =
        optic.modes.map_or_else(|| format!("{ny} × {nx} samples"), |n| format!("{n} guides"));
    let what = if parts.is_empty() { "free space".to_owned() } else { parts.join(", ") };
    let wavelength = ticks::length(optic.wavelength.0);
    format!("Light of {wavelength} on {size} through {what} reads {}.", session.data.name)
}

/// A share of which little may be left.
fn share(part: f64) -> String {
    format!("{} %", ticks::short(100.0 * part))
}

fn facts(run: &Run) -> Vec<Fact> {
    let s = &run.summary;
    let fact = |name, value, note: &str| Fact { name, value, note: note.to_owned() };
    let rate = run.metrics.last().map_or(String::new(), |m| {
        format!("{} images a second", ticks::short(m.images_per_s.round()))
    });
    let memory = s.peak_rss_mb.map_or(String::new(), |mb| format!("{mb:.0} MB at most"));
    let epochs = run.epochs().last().copied().unwrap_or(0.0);
    vec![
        fact(
            "trained for",
            duration(s.seconds),
            &format!("{} steps, epochs: {}", s.steps, ticks::short(epochs)),
        ),
        fact(
            "device",
            s.device.clone(),
            &[rate, memory]
                .iter()
                .filter(|t| !t.is_empty())
                .cloned()
                .collect::<Vec<_>>()
                .join("; "),
        ),
        fact(
            "light on the detector",
            share(s.test.power_efficiency),
            "of what enters, in all regions",
        ),
        fact("light on the right region", share(s.test.target_efficiency), "of what enters"),
        fact(
            "worst-class contrast",
            format!("{:.3}", s.test.worst_class_contrast).replace('-', "−"),
            "read-out of the true class less the best other, on average",
        ),
        fact("test loss", format!("{:.4}", s.test.loss), ""),
    ]
}

pub fn duration(seconds: f64) -> String {
    match seconds {
        s if s < 120.0 => format!("{s:.1} s"),
        s if s < 7200.0 => format!("{:.1} min", s / 60.0),
        s => format!("{:.1} h", s / 3600.0),
    }
}

fn charts(run: &Run) -> Vec<Chart> {
    let epochs = run.epochs();
    let line = |name: &str, colour, f: fn(&crate::train::run::EpochMetrics) -> f64| Line {
        name: name.to_owned(),
        colour,
        points: epochs.iter().zip(&run.metrics).map(|(&e, m)| [e, f(m)]).collect(),
        kind: Kind::Both,
    };
    let test = &run.summary.test;
    let level = Level {
        name: format!("test {}", percent(test.accuracy, 2)),
        colour: 2,
        value: 100.0 * test.accuracy,
        band: test.interval.map(|v| 100.0 * v),
    };
    let (along, counted) = ("epoch", true);
    let loss = vec![line("training", 0, |m| m.train_loss), line("validation", 1, |m| m.val_loss)];
    let accuracy = vec![line("validation", 1, |m| 100.0 * m.val_accuracy)];
    let without_end = [f64::NEG_INFINITY, f64::INFINITY];
    [
        Plot {
            title: "loss",
            along,
            counted,
            lines: loss,
            levels: vec![],
            within: without_end,
            is_log: false,
        },
        Plot {
            title: "accuracy (%)",
            along,
            counted,
            lines: accuracy,
            levels: vec![level],
            within: [0.0, 100.0],
            is_log: false,
        },
    ]
    .map(|p| p.chart())
    .into()
}

/// What the page computes with, or why it does not.
fn live(session: &mut Session) -> Result<Result<Live, String>> {
    let too_large = || Err("it is too large for a page".to_owned());
    if let Some(why) = beyond(session) {
        return Ok(Err(why.to_owned()));
    }
    if session.machine.optic.grid().len() > MOST_SAMPLES {
        return Ok(too_large());
    }
    match Live::of(session) {
        Ok(live) if script_json(&live).len() > MOST_LIVE => Ok(too_large()),
        Ok(live) => Ok(Ok(live)),
        // The web profile does not hold every machine that trains here.
        Err(Error::Device { what, .. }) => Ok(Err(what)),
        Err(other) => Err(other),
    }
}

/// What no page computes.
fn beyond(session: &Session) -> Option<&'static str> {
    let optic = &session.machine.optic;
    let widens = |e: &Element| matches!(e, Element::Svd(layer) if layer.outputs.is_some());
    if optic.element.iter().any(widens) {
        return Some("a page computes as many guides behind an element as before it");
    }
    let front = optic.input.as_ref().and_then(|input| input.front);
    if matches!(front, Some(Front::Complex | Front::Pca)) {
        return Some("complex samples and principal components are not among what a page computes");
    }
    None
}

/// Masks that were trained; as pictures where scripts do not have them.
fn masks(session: &mut Session, as_pictures: bool) -> Result<Vec<Mask>> {
    let grid = session.machine.optic.grid();
    let mut all = Vec::new();
    for (i, element) in session.machine.optic.clone().element.iter().enumerate() {
        let (quantity, what, is_phase) = match element {
            Element::PhaseMask(mask) if mask.trainable => ("phase", "phase mask", true),
            Element::AmplitudeMask(mask) if mask.trainable => {
                ("amplitude", "amplitude mask", false)
            }
            _ => continue,
        };
        let (title, name) = (format!("{what} {}", all.len() + 1), tensor_name(i, quantity));
        let mut picture = None;
        if let Some(values) = session.read(&name)?.filter(|_| as_pictures) {
            let size = panel::fill(grid.samples, grid.pitch, MASK_SIDE);
            picture = Some(if is_phase {
                let phases = field::phases(&values, grid.samples, size);
                embed::picture(size, |p| colormap::cyclic(phases[p]))?
            } else {
                let values = panel::average(&values, grid.samples, size);
                embed::picture(size, |p| colormap::sequential(values[p]))?
            });
        }
        all.push(Mask { title, name, is_phase, picture });
    }
    Ok(all)
}
