//! The rules that an experiment must keep: ranges, sampling, and what a task needs.
//!
//! Each broken rule is an error with the key, the rule with its numbers and the way out; what is
//! allowed but doubtful comes back as a warning.

use std::collections::HashSet;

mod chip;
mod hardware;
mod regions;
mod source;
mod task;

use super::Experiment;
use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::optics::element::{Element, FreeSpace};
use crate::optics::{Boundary, Hardware, Optic};
use crate::units::Metres;

use regions::check_regions;

/// What can only be known with the data.
pub fn with_data(optic: &Optic, data: &Dataset) -> Result<()> {
    chip::sample(optic, data)?;
    check_regions(optic, data.classes.len())
}

/// Of a device in place of the experiment's own: ranges, and what needs the optic.
pub fn hardware_of(optic: &Optic, hardware: &Hardware) -> Result<()> {
    hardware::hardware(optic, hardware)
}

/// Padded samples of one field beyond which a slab passes 16 GiB in f32.
const MOST_SAMPLES: f64 = 2.147_483_648e9;

/// z / λ up to which a phase of 2π z / λ is known to a thousandth of a turn in f64.
const MOST_TURNS: f64 = 1e12;

/// Samples of H across its band, (pad W)² / (λ z), below which a step is refused and below which it is
/// doubtful.
///
/// The farther the light goes, the fewer frequencies of a window lie in the band; a handful is no
/// chirp any more, and one alone makes the mean of the field of everything (Zhang et al. 2020, Opt.
/// Lett. 45, 1543 and 4416). Gaussian beams with waists of 0.03 to 0.2 W, padded by 2 to 8, differ in
/// the window from their closed form by at least 12 % (relative L2) below 8 samples, the narrow ones by
/// half, and by at most 17 % from 32 on.
const BAND_SAMPLES: [f64; 2] = [8.0, 32.0];

/// Checks everything that can be known without the data; returns warnings.
pub fn check(experiment: &Experiment) -> Result<Vec<String>> {
    let mut warnings = Vec::new();
    if let Some(modes) = experiment.optic.modes {
        chip::optic(experiment, modes)?;
    } else {
        grid(&experiment.optic)?;
        source::source(&experiment.optic)?;
    }
    input(experiment)?;
    elements(&experiment.optic, &mut warnings)?;
    regions::detector(&experiment.optic)?;
    regions::head(&experiment.optic)?;
    if let Some(data) = &experiment.data
        && data.name.is_some() == data.path.is_some()
    {
        return Err(Error::invalid("data", "exactly one of `name` and `path` says which data")
            .help("name = \"mnist\", or path = \"a folder, a .npz or a .csv\""));
    }
    if let Some(hardware) = &experiment.hardware {
        hardware::hardware(&experiment.optic, hardware)?;
    }
    if let Some(recipe) = &experiment.train {
        task::task(experiment, recipe)?;
        if experiment.optic.modes.is_none() {
            task::reach(&experiment.optic)?;
        }
    }
    Ok(warnings)
}

fn positive(key: &str, value: f64, example: &str) -> Result<()> {
    if value > 0.0 {
        return Ok(());
    }
    Err(Error::invalid(key, format!("{value} is not positive"))
        .help(format!("use for example {example}")))
}

fn within(key: &str, value: f64, low: f64, high: f64) -> Result<()> {
    if (low..=high).contains(&value) {
        return Ok(());
    }
    Err(Error::invalid(key, format!("{value} does not lie in {low}..{high}"))
        .help(format!("give a number from {low} to {high}")))
}

fn grid(optic: &Optic) -> Result<()> {
    positive("optic.wavelength", optic.wavelength.0, "\"532 nm\"")?;
    let missing = |key: &str, example: &str| {
        Err(Error::invalid(key, "missing: neither a plane of samples nor a chip of optic.modes")
            .help(format!("add for example {example}")))
    };
    if optic.samples.is_none() {
        return missing("optic.samples", "samples = 64");
    }
    if optic.pitch.is_none() {
        return missing("optic.pitch", "pitch = \"0.4 mm\"");
    }
    if let Some(input) = &optic.input {
        let of_chips = [(input.front.is_some(), "front"), (input.power.is_some(), "power")];
        if let Some((_, key)) = of_chips.into_iter().find(|(given, _)| *given) {
            let rule = "is for the guides of a chip, and this optic is a plane";
            return Err(Error::invalid(format!("optic.input.{key}"), rule).help(
                "leave it out, or give optic.modes in place of optic.samples and optic.pitch",
            ));
        }
    }
    for pitch in optic.grid().pitch {
        positive("optic.pitch", pitch, "\"8 um\"")?;
    }
    for n in optic.grid().samples {
        positive("optic.samples", n as f64, "64")?;
    }
    positive("optic.pad", optic.pad, "2")?;
    if optic.boundary == Boundary::Open && optic.pad < 2.0 {
        let rule = format!(
            "a pad of {} lets light that leaves one edge come back at the other; open space needs 2",
            optic.pad
        );
        return Err(Error::invalid("optic.pad", rule)
            .help("use pad = 2, or boundary = \"periodic\" for a window that repeats for ever"));
    }
    let [ny, nx] = optic
        .grid()
        .samples
        .map(|n| n as f64 * if optic.boundary == Boundary::Open { optic.pad } else { 1.0 });
    if ny * nx > MOST_SAMPLES {
        let gib = ny * nx * 8.0 / f64::from(1 << 30);
        let rule = format!(
            "{ny} x {nx} padded samples take {gib:.1} GiB a field in f32; at most 16 are held"
        );
        let unpadded = optic.grid().samples.map(|n| n as f64).iter().product::<f64>();
        let key = if 4.0 * unpadded > MOST_SAMPLES { "optic.samples" } else { "optic.pad" };
        return Err(Error::invalid(key, rule).help("use fewer samples, or a smaller pad"));
    }
    let extent = optic.grid().extent();
    for width in extent {
        if optic.wavelength.0 > width {
            let rule = format!(
                "a wave of {} is longer than the window of {}: nothing but a constant propagates in it",
                optic.wavelength,
                Metres(width)
            );
            return Err(Error::invalid("optic.wavelength", rule)
                .help(format!("use a wavelength below {}, or a larger pitch", Metres(width))));
        }
    }
    Ok(())
}

/// Steepest phase step in radians between neighbours of π r² / (λ f), out to `reach` from the
/// axis along the axis that is worse, and the axis's pitch.
fn quadratic_step(optic: &Optic, f: f64, reach: f64) -> (f64, f64) {
    let grid = optic.grid();
    let steps = [0, 1].map(|a| {
        let pitch = grid.pitch[a];
        let edge = grid.position(a, grid.samples[a] - 1).min(reach);
        let step = std::f64::consts::PI * pitch * (2.0 * edge - pitch).max(0.0)
            / (optic.wavelength.0 * f.abs());
        (step, pitch)
    });
    if steps[0].0 > steps[1].0 { steps[0] } else { steps[1] }
}

fn input(experiment: &Experiment) -> Result<()> {
    if experiment.data.is_some() && experiment.optic.input.is_none() {
        return Err(Error::invalid(
            "optic.input",
            "missing: nothing says how the data become light",
        )
        .help("add input = { encoding = \"amplitude\", aperture = 0.7 } to [optic]"));
    }
    let Some(encoding) = &experiment.optic.input else { return Ok(()) };
    if !(encoding.aperture > 0.0 && encoding.aperture <= 1.0) {
        return Err(Error::invalid(
            "optic.input.aperture",
            format!("{} does not lie in 0..1", encoding.aperture),
        )
        .help("it is the part of the window's width that the image fills, as 0.7"));
    }
    Ok(())
}

fn elements(optic: &Optic, warnings: &mut Vec<String>) -> Result<()> {
    if optic.element.is_empty() {
        return Err(Error::invalid("optic.element", "an optic without elements")
            .help("add at least { kind = \"free_space\", z = \"30 mm\" }"));
    }
    let grid = optic.grid();
    // Some disks do not tell A from a.
    let mut names: HashSet<String> = HashSet::new();
    let half_wave = grid.pitch.iter().any(|&p| p < optic.wavelength.0 / 2.0);
    let has_mask = optic.element.iter().enumerate().any(|(i, e)| {
        let mask = matches!(e, Element::PhaseMask(_) | Element::AmplitudeMask(_));
        mask && optic.guides(i).is_none()
    });
    if half_wave && has_mask {
        warnings.push(format!(
            "optic.pitch: masks with features below half a wavelength ({}) are not thin scalar screens any more", Metres(optic.wavelength.0 / 2.0)));
    }
    for (i, element) in optic.element.iter().enumerate() {
        let key = |k: &str| format!("optic.element[{i}].{k}");
        anywhere(element, &key, &mut names)?;
        if let Some(modes) = optic.guides(i) {
            chip::element(&format!("optic.element[{i}]"), element, modes)?;
            continue;
        }
        match element {
            Element::FreeSpace(step) => {
                free_space(optic, step, &key)?;
                far(optic, step, &key("z"), warnings)?;
                if step.z.0 != 0.0 && step.z.0.abs() < optic.wavelength.0 {
                    warnings.push(format!(
                        "{}: {} is less than a wavelength; near a mask light is no scalar",
                        key("z"),
                        step.z
                    ));
                }
            }
            Element::PhaseMask(_) | Element::AmplitudeMask(_) | Element::Monitor(_) => {}
            Element::Aperture(aperture) => {
                let centre = aperture.centre.map_or([0.0; 2], |c| c.map(|m| m.0));
                let size = [aperture.size.y().0, aperture.size.x().0];
                regions::region(optic, &key("size"), centre, size, false)?;
            }
            Element::Lens(lens) => {
                if lens.f.0 == 0.0 {
                    return Err(Error::invalid(key("f"), "a lens of no focal length")
                        .help("give f, as \"50 mm\""));
                }
                let (step, pitch) = quadratic_step(optic, lens.f.0, f64::INFINITY);
                if step > std::f64::consts::PI {
                    let least = lens.f.0.abs() * step / std::f64::consts::PI;
                    // With the number of samples kept, the step goes with the square of the pitch.
                    let finest = pitch * (std::f64::consts::PI / step).sqrt();
                    let rule = format!(
                        "a lens of f = {} turns the phase by {step:.3} rad between neighbouring samples at its edge (limit π)",
                        lens.f
                    );
                    return Err(Error::invalid(key("f"), rule).help(format!(
                        "use pitch <= {} or f >= {}",
                        Metres(finest).at_most(),
                        Metres(least).at_least()
                    )));
                }
            }
            Element::Activation(_) | Element::Detect(_) | Element::Couple(_) => {
                chip::element(&format!("optic.element[{i}]"), element, 0)?;
            }
            Element::Mesh(_) | Element::Svd(_) => {
                let rule = "acts on the guides of a chip, and this optic is a plane of samples";
                return Err(Error::invalid(format!("optic.element[{i}].kind"), rule)
                    .help("give optic.modes in place of optic.samples and optic.pitch, or a { kind = \"couple\" } before it"));
            }
        }
    }
    Ok(())
}

/// Rules of an element wherever it stands, on a plane or on the guides of a chip; `names` are those of
/// the monitors before it.
fn anywhere(
    element: &Element,
    key: &dyn Fn(&str) -> String,
    names: &mut HashSet<String>,
) -> Result<()> {
    match element {
        Element::PhaseMask(mask) => match mask.bounds {
            Some([low, high]) if low >= high => {
                Err(Error::invalid(key("bounds"), format!("[{low}, {high}] is empty"))
                    .help("give the lower bound first, as [0.0, 3.14]"))
            }
            _ => Ok(()),
        },
        Element::Monitor(m) => {
            let safe = !m.name.is_empty()
                && m.name.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c));
            if !safe {
                return Err(Error::invalid(
                    key("name"),
                    format!("\"{}\" cannot name a file", m.name),
                )
                .help("use letters, digits, - and _"));
            }
            let name = m.name.to_lowercase();
            let reserved = ["input", "output", "summary"].contains(&name.as_str())
                || name.starts_with("before_");
            if reserved || !names.insert(name) {
                return Err(Error::invalid(key("name"), format!("\"{}\" is taken", m.name))
                    .help("give every monitor a name of its own; input, output and before_N are made by themselves"));
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

fn free_space(optic: &Optic, step: &FreeSpace, key: &dyn Fn(&str) -> String) -> Result<()> {
    let transfer = optic.transfer(step);
    let grid = optic.grid();
    if step.z.0.abs() / optic.wavelength.0 > MOST_TURNS {
        let most = Metres(MOST_TURNS * optic.wavelength.0);
        let rule = format!("over {} the phase k z is lost in the rounding of f64", step.z);
        return Err(Error::invalid(key("z"), rule).help(format!("use z below {most}")));
    }
    for a in 0..2 {
        let offset = transfer.offset[a].abs();
        // The steepest wave that this pitch carries, short of grazing.
        let sine = (optic.wavelength.0 / (2.0 * grid.pitch[a])).min(0.999);
        if offset > 0.0 {
            let reach = step.z.0.abs() * sine / (1.0 - sine * sine).sqrt() + grid.extent()[a];
            if offset >= reach {
                let rule = format!(
                    "an output window at {} lies beyond the band: the steepest wave that this pitch carries lands within {}",
                    Metres(offset),
                    Metres(reach)
                );
                return Err(Error::invalid(key("offset"), rule).help(format!(
                    "use an offset below {}, a longer z or a finer pitch",
                    Metres(reach).at_most()
                )));
            }
        }
    }
    Ok(())
}

/// Whether the band of a step in open space holds enough samples along both axes.
fn far(optic: &Optic, step: &FreeSpace, key: &str, warnings: &mut Vec<String>) -> Result<()> {
    let transfer = optic.transfer(step);
    let samples = transfer.band_samples();
    let worse = usize::from(samples[1] < samples[0]);
    let [least, enough] = BAND_SAMPLES;
    if !transfer.band_limit || samples[worse] >= enough {
        return Ok(());
    }
    let wanted = if samples[worse] < least { least } else { enough };
    let along = if samples[0] == samples[1] { "each axis" } else { ["y", "x"][worse] };
    let rule = format!(
        "over {} the band of free space holds (pad W)² / (λ z) = {:.2} samples along {along}, fewer than {wanted}",
        step.z, samples[worse]
    );
    let width = (wanted * optic.wavelength.0 * step.z.0.abs()).sqrt();
    let pad = (10.0 * width / optic.grid().extent()[worse]).ceil() / 10.0;
    let window = Metres(width / optic.pad).at_least();
    let way_out = format!("use pad >= {pad}, or a window of at least {window}");
    if samples[worse] < least {
        return Err(Error::invalid(key, rule).help(way_out));
    }
    warnings.push(format!("{key}: {rule}: the light may be a tenth wrong; {way_out}"));
    Ok(())
}
