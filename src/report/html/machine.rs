//! The machine as a drawing: a diffractive stack seen from the side, or its chips.

use serde::Serialize;

use super::embed;
use crate::error::Result;
use crate::lower::machine::tensor_name;
use crate::optics::element::{Element, Outline};
use crate::render::{colormap, field, panel, ticks};
use crate::report::pictures;
use crate::train::Session;
use crate::train::evaluate::Shown;

/// A plane of the stack, in order of travel.
#[derive(Serialize)]
pub struct Slice {
    /// Across the drawing.
    x: f64,
    name: String,
    z: String,
    /// `mask`, `amplitude`, `light`, `aperture`, `lens` or `monitor`.
    kind: &'static str,
    /// `data:` address of what it shows.
    picture: Option<String>,
    regions: Vec<Shape>,
    is_round: bool,
}

/// A region of the detector in parts of the window.
#[derive(Serialize)]
struct Shape {
    x: f64,
    y: f64,
    w: f64,
    h: f64,
    is_round: bool,
    is_positive: bool,
    class: String,
}

#[derive(Serialize)]
pub struct Stack {
    slices: Vec<Slice>,
    wide: f64,
    /// Sides of a plane before it is turned.
    size: [f64; 2],
    /// Whether distances are drawn as they are.
    to_scale: bool,
}

#[derive(Serialize)]
pub struct Chip {
    title: String,
    /// `data:` address, unless the page has no room for it.
    picture: Option<String>,
}

/// Bytes of all chips at most.
const MOST_CHIPS: usize = 2_000_000;

const SIDE: usize = 96;
/// Between the middles of neighbouring planes, on average.
const APART: f64 = 128.0;
const EDGE: f64 = 116.0;

/// A plane before it has its place.
struct Bare {
    z: f64,
    name: String,
    kind: &'static str,
    picture: Option<String>,
    is_round: bool,
}

pub fn stack(session: &mut Session, shown: &Shown) -> Result<Stack> {
    let optic = session.machine.optic.clone();
    let grid = optic.grid();
    let size = panel::fill(grid.samples, grid.pitch, SIDE);
    let light = |k: usize| {
        // Behind a coupler the light is in guides.
        if shown.planes[k].2.len() != grid.len() {
            return Ok(None);
        }
        let intensity: Vec<f64> =
            shown.planes[k].2.iter().map(num_complex::Complex::norm_sqr).collect();
        let values = panel::average(&intensity, grid.samples, size);
        let largest = panel::largest(&values);
        embed::picture(size, |i| panel::amount(values[i], largest)).map(Some)
    };
    let bare = |z, name: &str, kind, picture| {
        let name = name.to_owned();
        Bare { z, name, kind, picture, is_round: false }
    };
    let mut all = vec![bare(0.0, "input", "light", light(0)?)];
    let (mut z, mut masks) = (0.0, 0);
    for (i, element) in optic.element.iter().enumerate() {
        match element {
            Element::FreeSpace(step) => z += step.z.0,
            Element::PhaseMask(_) => {
                masks += 1;
                let phases = phases(session, i)?;
                let values = field::phases(&phases, grid.samples, size);
                let picture = embed::picture(size, |p| colormap::cyclic(values[p]))?;
                all.push(bare(z, &format!("mask {masks}"), "mask", Some(picture)));
            }
            Element::AmplitudeMask(_) => {
                let name = tensor_name(i, "amplitude");
                let values = session.read(&name)?.unwrap_or_default();
                let picture = if values.len() == grid.len() {
                    Some(embed::grey(size, &panel::average(&values, grid.samples, size))?)
                } else {
                    None
                };
                all.push(bare(z, "amplitude mask", "amplitude", picture));
            }
            Element::Aperture(aperture) => {
                let open = aperture.transmission(&grid);
                let picture = embed::grey(size, &panel::average(&open, grid.samples, size))?;
                all.push(bare(z, "aperture", "aperture", Some(picture)));
            }
            Element::Lens(lens) => {
                let name = format!("lens, f = {}", ticks::length(lens.f.0));
                all.push(Bare { is_round: true, ..bare(z, &name, "lens", None) });
            }
            Element::Monitor(monitor) => {
                all.push(bare(z, &monitor.name, "monitor", None));
            }
            Element::Detect(_) => all.push(bare(z, "camera", "monitor", None)),
            Element::Couple(couple) => {
                all.push(bare(z, &format!("{} guides", couple.modes), "monitor", None));
            }
            Element::Mesh(_) | Element::Svd(_) | Element::Activation(_) => {}
        }
    }
    all.push(bare(z, "detector", "light", light(shown.planes.len() - 1)?));
    Ok(place(all, session, size))
}

/// Phases of a mask as they are now, `[y, x]`.
fn phases(session: &mut Session, element: usize) -> Result<Vec<f64>> {
    if let Some(phases) = session.read(&tensor_name(element, "phase"))? {
        return Ok(phases);
    }
    let fixed = session.executor.program().find(&tensor_name(element, "phasor"));
    let Some(slot) = fixed else { return Ok(Vec::new()) };
    let data = session.executor.read(slot)?;
    Ok(data.complexes().iter().map(|t| t.arg()).collect())
}

/// Distances as they are where that leaves room for every plane, else even ones.
fn place(all: Vec<Bare>, session: &Session, size: [usize; 2]) -> Stack {
    let optic = &session.machine.optic;
    let grid = optic.grid();
    let long = size[0].max(size[1]) as f64;
    let size = size.map(|s| s as f64 * EDGE / long);
    let gaps: Vec<f64> = all.windows(2).map(|w| w[1].z - w[0].z).collect();
    let whole: f64 = gaps.iter().sum();
    let mean = whole / gaps.len().max(1) as f64;
    let to_scale = gaps.iter().all(|&g| g > 0.55 * mean && g < 2.5 * mean);
    let mut x = 78.0;
    let detector = optic.detector.as_ref();
    let classes = &session.data.classes;
    let regions = |is_last: bool| -> Vec<Shape> {
        // With a digital head no region is of one class, and guides have none.
        let class_of = |k: usize| match detector {
            Some(d) if d.head.is_none() => classes[k % classes.len()].as_str(),
            _ => "",
        };
        let in_plane = optic.guides(optic.element.len()).is_none();
        let regions =
            detector.filter(|_| is_last && in_plane).map(|d| d.regions(&grid, classes.len()));
        let extent = grid.extent();
        let shape = |(k, r): (usize, crate::optics::detector::Region)| {
            let [h, w] = [0, 1].map(|a| r.size[a] / extent[a] * size[a]);
            let [y, x] = [0, 1].map(|a| (0.5 + r.centre[a] / extent[a]) * size[a]);
            Shape {
                x: x - w / 2.0,
                y: y - h / 2.0,
                w,
                h,
                is_round: r.outline == Outline::Circle,
                is_positive: k < classes.len() || class_of(k).is_empty(),
                class: class_of(k).to_owned(),
            }
        };
        regions.into_iter().flatten().enumerate().map(shape).collect()
    };
    let (count, mut slices) = (all.len(), Vec::new());
    for (n, plane) in all.into_iter().enumerate() {
        if n > 0 {
            x += if to_scale { APART * gaps[n - 1] / mean } else { APART };
        }
        let z = format!("z = {}", ticks::length(plane.z));
        let z = if plane.z == 0.0 { "z = 0".into() } else { z };
        let Bare { name, kind, picture, is_round, .. } = plane;
        slices.push(Slice {
            x,
            name,
            z,
            kind,
            picture,
            regions: regions(n + 1 == count),
            is_round,
        });
    }
    Stack { slices, wide: x + 92.0, size, to_scale }
}

/// Every mesh with the light of the sample shown.
pub fn chips(session: &mut Session, sample: usize, shown: &Shown) -> Result<Vec<Chip>> {
    let (mut all, mut used) = (Vec::new(), 0);
    for drawn in pictures::chips(session, sample, shown)? {
        let picture = embed::data_address(&drawn.canvas.png()?);
        let fits = used + picture.len() <= MOST_CHIPS;
        used += if fits { picture.len() } else { 0 };
        all.push(Chip { title: drawn.title, picture: fits.then_some(picture) });
    }
    Ok(all)
}
