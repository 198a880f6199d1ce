//! What the scripts of a page need, as JSON.

use num_complex::Complex;
use serde::Serialize;

use super::embed::{self, Field};
use super::live::Live;
use super::run::Run;
use super::template::script_json;
use crate::data::Split;
use crate::optics::element::Outline;
use crate::render::colormap;
use crate::report::pictures;
use crate::train::Session;
use crate::train::evaluate::Shown;

/// Bytes of a page at most, and of embedded fields.
const MOST: usize = 4_400_000;
const MOST_FIELDS: usize = 1_600_000;

/// What scripts need.
#[derive(Serialize)]
struct Data<'a> {
    classes: &'a [String],
    image: [usize; 2],
    samples: [usize; 2],
    /// Metres `[y, x]`.
    pitch: [f64; 2],
    modes: Option<usize>,
    planes: Vec<Plane>,
    regions: Vec<Region>,
    shown: Recorded,
    digits: Vec<Digit>,
    /// Of all digits, a byte each.
    pixels: String,
    live: Option<&'a Live>,
    maps: Maps,
}

/// 256 colours each, three bytes a colour.
#[derive(Serialize)]
struct Maps {
    amount: String,
    phase: String,
}

impl Maps {
    fn new() -> Self {
        let all = |map: fn(f64) -> colormap::Rgb| {
            let bytes: Vec<u8> = (0..256).flat_map(|i| map(f64::from(i))).collect();
            embed::base64(&bytes)
        };
        Self {
            amount: all(|i| colormap::sequential(i / 255.0)),
            phase: all(|i| colormap::cyclic(std::f64::consts::TAU * i / 256.0)),
        }
    }
}

#[derive(Serialize)]
struct Plane {
    title: String,
    z: f64,
}

/// Lengths in metres, (y, x) from the axis.
#[derive(Serialize)]
struct Region {
    is_round: bool,
    centre: [f64; 2],
    size: [f64; 2],
    /// None where a digital head reads all of them.
    class: Option<usize>,
    is_positive: bool,
}

/// A test sample as the session saw it.
#[derive(Serialize)]
struct Recorded {
    sample: usize,
    label: usize,
    answer: usize,
    scores: Vec<f64>,
    fields: Vec<Field>,
}

#[derive(Serialize)]
struct Digit {
    sample: usize,
    label: usize,
}

/// `shown` is test sample `sample`.
pub fn json(
    run: &Run,
    session: &Session,
    sample: usize,
    shown: &Shown,
    live: Option<&Live>,
) -> String {
    let (optic, classes) = (&session.machine.optic, &session.data.classes);
    let grid = optic.grid();
    let mut counted = 0;
    let planes = shown.planes.iter().map(|(name, z, _)| {
        let title = if optic.modes.is_some() {
            chip_plane(name, &mut counted)
        } else {
            pictures::plane_title(name, &mut counted)
        };
        Plane { title, z: *z }
    });
    let has_classes = optic.detector.as_ref().is_some_and(|d| d.head.is_none());
    let regions = optic.detector.iter().filter(|_| optic.guides(optic.element.len()).is_none());
    let regions = regions.flat_map(|d| d.regions(&grid, classes.len())).enumerate();
    let regions = regions.map(|(k, r)| Region {
        is_round: r.outline == Outline::Circle,
        centre: r.centre,
        size: r.size,
        class: has_classes.then_some(k % classes.len()),
        is_positive: k < classes.len() || !has_classes,
    });
    let (digits, pixels) = digits(run, session);
    let mut data = Data {
        classes,
        image: session.data.image,
        samples: grid.samples,
        pitch: grid.pitch,
        modes: optic.modes,
        planes: planes.collect(),
        regions: regions.collect(),
        shown: Recorded {
            sample,
            label: shown.label,
            answer: shown.answer,
            scores: shown.scores.clone(),
            fields: Vec::new(),
        },
        digits,
        pixels,
        live,
        maps: Maps::new(),
    };
    // Fields take what room is left, 4 bytes a sample before base64.
    let room = MOST.saturating_sub(script_json(&data).len()).min(MOST_FIELDS);
    let whole = shown.planes.len() * grid.len() * 4 * 4 / 3;
    let step = ((whole as f64 / room.max(1) as f64).sqrt().ceil() as usize).max(1);
    let kept = |(_, _, field): &(String, f64, Vec<Complex<f64>>)| {
        if field.len() == grid.len() {
            Field::new(field, grid.samples, step)
        } else {
            // Behind a coupler the light is in guides.
            Field::new(field, [1, field.len()], 1)
        }
    };
    data.shown.fields = shown.planes.iter().map(kept).collect();
    script_json(&data)
}

/// A plane of a chip; meshes are counted from 1.
fn chip_plane(name: &str, meshes: &mut usize) -> String {
    match name {
        "input" => "entering".into(),
        "output" => "leaving".into(),
        _ if name.starts_with("before_") => {
            *meshes += 1;
            format!("before mesh {meshes}")
        }
        _ => name.to_owned(),
    }
}

/// Two test samples of each class and the worst mistakes, with their pixels in bytes.
fn digits(run: &Run, session: &Session) -> (Vec<Digit>, String) {
    let test: &Split = &session.data.test;
    let mut samples = Vec::new();
    for turn in 0..2 {
        for class in 0..session.data.classes.len() {
            let mut of_class = (0..test.len().min(2000)).filter(|&i| test.label(i) == class);
            samples.extend(of_class.nth(turn));
        }
    }
    let worst = run.summary.test.worst.iter().map(|m| m.sample);
    samples.extend(worst.filter(|&i| i < test.len()));
    let mut image = vec![0.0; session.data.image[0] * session.data.image[1]];
    let mut bytes = Vec::new();
    for &i in &samples {
        test.write_image(i, &mut image);
        bytes.extend(image.iter().map(|v| (v * 255.0).round() as u8));
    }
    let digit = |sample| Digit { sample, label: test.label(sample) };
    (samples.into_iter().map(digit).collect(), embed::packed(&bytes))
}
