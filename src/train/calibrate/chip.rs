//! A chip: one mesh, shown random light at random settings, its output powers read.
//!
//! Output phases never show in powers and are not fitted. The twin is the mesh of
//! [`crate::optics::mesh`] in f64, whose derivatives by every splitter and phase are
//! exact: the program has none by the constants of a cell, and a few hundred numbers do not need it.

use std::sync::Arc;

use num_complex::Complex;

use super::fit::Model;
use super::mesh::{Twin, numbers};
use super::{Fit, Group, check_lit, codes, fit, inverse, report, required};
use crate::backend::Choice;
use crate::error::{Error, Result};
use crate::experiment::Experiment;
use crate::lower::{Chance, Machine};
use crate::math::random::{Site, uniform};
use crate::methods::step::next_shot;
use crate::ops::Op;
use crate::ops::intensity::Intensity;
use crate::optics::element::Element;
use crate::optics::mesh::haar::normal;
use crate::optics::mesh::{C, Faults, Imperfections, Mesh, Settings};
use crate::program::{Builder, Data, Shape};

const SHOW: &str = "calibrate.show";
/// Inputs of each setting over the number of modes.
const INPUTS: usize = 2;
/// Modes up to which every splitter and phase is fitted: N (N-1) numbers of each.
const MOST_MODES: usize = 16;

/// Fits the numbers of `groups` from so many settings.
pub(super) fn calibrate(
    experiment: &Experiment,
    choice: Choice,
    settings: usize,
    groups: &[Group],
) -> Result<Fit> {
    let (hardware, photons) = required(experiment)?;
    let mut optic = experiment.optic.clone();
    let modes = optic.modes.unwrap_or(0);
    let [Element::Mesh(element)] = &mut optic.element[..] else {
        let rule = "what is read is the light of one mesh";
        return Err(Error::invalid("optic.element", rule).help(
            "calibrate each mesh as an experiment of its own: element = [{ kind = \"mesh\" }]",
        ));
    };
    element.trainable = true;
    if modes > MOST_MODES {
        let numbers = 2 * modes * (modes - 1);
        let rule = format!("{modes} guides have {numbers} splitters and phases");
        return Err(Error::invalid("optic.modes", rule)
            .help(format!("calibrate blocks of at most {MOST_MODES} guides")));
    }
    let mut b = Builder::default();
    let told = Machine::new(&mut b, &optic, None, 0, experiment.seed)?;
    let power = told.source_power()?;
    let real = told.real(&mut b, hardware, Chance::Drawn(hardware.seed));
    let inputs = INPUTS * modes;
    b.routine(SHOW, inputs);
    let entering = b.input("calibrate.input", Shape::complex(&[1, modes]));
    let light = real.light_of(&mut b, entering, &mut |_, _, slot| Ok(slot))?;
    let powers = b.emit(Op::Intensity(Intensity), &[light.leaving])?;
    let parts = told.meshes();
    let (Some(device), Some(&(mesh, phases))) =
        (&real.device, parts.first().and_then(|part| part.meshes.first()))
    else {
        return Err(Error::invalid("hardware", "the device has no faults")
            .help("add mesh = { splitter_angle = 0.02 }"));
    };
    let read = device.expose(&mut b, optic.element.len(), powers, power)?;
    b.output(read, "calibrate.powers");
    next_shot(&mut b)?;
    let mut executor = choice.compile(Arc::new(b.finish()))?;

    let truth = device.faults(mesh, 0)?;
    let shown = Shown::random(mesh, &truth, (settings, inputs), power, experiment.seed);
    executor.write(entering, &Data::Complex(shown.inputs.clone()))?;
    let mut seen = Vec::new();
    for one in &shown.settings {
        if let Some([theta, phi]) = phases.cells {
            executor.write(theta, &Data::Real(one.theta.clone()))?;
            executor.write(phi, &Data::Real(one.phi.clone()))?;
        }
        executor.write(phases.gamma, &Data::Real(one.gamma.clone()))?;
        executor.run(SHOW, inputs)?;
        seen.extend_from_slice(executor.read(read)?.reals());
    }
    check_lit(&seen)?;
    let (electrons, detector) = (photons / power, &hardware.detector);
    let full = detector.full_scale.map(|share| share * power);
    let step = full.zip(detector.bits).map_or(0.0, |(full, bits)| full / codes(bits));
    let inverse = inverse(detector, electrons, step);
    let mut fit = fit_powers(mesh, &hardware.mesh, &truth, shown, &seen, groups, inverse)?;
    fit.photons_per_reading *= electrons;
    // In f32, with the dark level taken off.
    let most = full.map_or(f64::INFINITY, |full| (1.0 - 1e-5) * full - detector.dark / electrons);
    let saturated = seen.iter().filter(|&&i| i >= most).count();
    if saturated > 0 {
        let of = seen.len();
        let note = format!("{saturated} of {of} readings are full: raise detector.full_scale");
        fit.notes.push(note);
    }
    Ok(fit)
}

/// What a chip is shown.
pub struct Shown {
    pub settings: Vec<Settings>,
    /// `[inputs, modes]`.
    pub inputs: Vec<C>,
}

impl Shown {
    /// Random settings that the chip's drive can make, and random light.
    pub fn random(
        mesh: &Mesh,
        faults: &Faults,
        (settings, inputs): (usize, usize),
        power: f64,
        seed: u64,
    ) -> Self {
        let cells = mesh.layout.cells.len();
        let one = |s: usize| {
            let phases = |from: usize, count: usize| -> Vec<f64> {
                let draw = |k: usize| uniform(seed, s as u32, Site::Pattern, (from + k) as u32);
                let phase = |k| faults.drive.quantise(std::f64::consts::TAU * draw(k));
                (0..count).map(phase).collect()
            };
            let gamma = vec![faults.drive.quantise(0.0); mesh.n];
            Settings { theta: phases(0, cells), phi: phases(cells, cells), gamma }
        };
        let mut light = Vec::with_capacity(inputs * mesh.n);
        for i in 0..inputs {
            let draw = |k: usize| normal(seed, u32::MAX - i as u32, Site::Pattern, k as u32);
            let own: Vec<C> =
                (0..mesh.n).map(|k| Complex::new(draw(2 * k), draw(2 * k + 1))).collect();
            let size = own.iter().map(C::norm_sqr).sum::<f64>();
            light.extend(own.iter().map(|x| x * (power / size).sqrt()));
        }
        Self { settings: (0..settings).map(one).collect(), inputs: light }
    }
}

/// Fits a mesh to powers `[settings, inputs, modes]`.
fn fit_powers(
    mesh: &Mesh,
    spec: &Imperfections,
    truth: &Faults,
    shown: Shown,
    seen: &[f64],
    groups: &[Group],
    inverse: impl Fn(f64) -> f64,
) -> Result<Fit> {
    let (all, scaled) = numbers(mesh, spec, truth, groups);
    // What the maker says of the drive, and nothing else.
    let ideal = Faults { drive: truth.drive, ..Faults::none(mesh) };
    let exposures = shown.settings.len() * shown.inputs.len() / mesh.n;
    let mean = seen.iter().sum::<f64>() / seen.len() as f64;
    let start = vec![0.0; all.len()];
    let mut twin = Twin::new(mesh.clone(), ideal, spec.bypass_loss, all, shown, seen.to_vec());
    // Cells of a diamond that no light passes, or all of whose light is dumped.
    let shows = |slopes: &Vec<f64>| slopes.iter().any(|s| s.abs() > 1e-9);
    let shows: Vec<bool> = twin.slopes(&start)?.iter().map(shows).collect();
    let (scaled, hidden) = scaled.only(&shows);
    let mut kept = shows.iter();
    twin.numbers.retain(|_| kept.next() == Some(&true));
    if twin.numbers.is_empty() {
        return Err(fit::unseen(&hidden));
    }
    let start = vec![0.0; twin.numbers.len()];
    let found = fit::fit(&mut twin, start, seen, inverse)?;
    let mut fit = report(scaled, &found, (exposures, seen.len()), mean)?;
    if !hidden.is_empty() {
        let first = hidden.iter().take(4).cloned().collect::<Vec<_>>().join(", ");
        fit.notes.push(format!("{} numbers never show in the powers: {first}", hidden.len()));
    }
    fit.notes.push("output phases are not fitted: powers do not show them".into());
    Ok(fit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::optics::mesh::Topology;
    use crate::optics::mesh::effective::effective;

    /// Powers of a chip with `spec`, each with noise of a share of a mean power of 1.
    fn measured(
        mesh: &Mesh,
        spec: &Imperfections,
        noise: f64,
        settings: usize,
    ) -> (Faults, Shown, Vec<f64>) {
        let truth = spec.draw(mesh, 5).expect("valid");
        let shown = Shown::random(mesh, &truth, (settings, 2 * mesh.n), mesh.n as f64, 3);
        let mut seen = Vec::new();
        for one in &shown.settings {
            let chip = effective(mesh, one, &truth).expect("fits");
            for input in shown.inputs.chunks_exact(mesh.n) {
                seen.extend(chip.powers(input)[mesh.layout.first..][..mesh.n].iter().copied());
            }
        }
        for (k, power) in seen.iter_mut().enumerate() {
            *power += noise * normal(7, 0, Site::Test, k as u32);
        }
        (truth, shown, seen)
    }

    /// Every topology, with loss and heat that spreads: all numbers within their intervals as often as
    /// 95 % are (four standard deviations of the binomial spared), χ² of noise alone.
    #[test]
    fn chips_are_found_within_their_intervals() {
        let spec = Imperfections {
            splitter_angle: 0.03,
            theta_std: 0.1,
            phi_std: 0.1,
            loss_db: 0.1,
            crosstalk: 0.02,
            crosstalk_along: 0.01,
            ..Default::default()
        };
        for (topology, n) in
            [(Topology::Clements, 5), (Topology::Reck, 4), (Topology::Butterfly, 4)]
        {
            let mesh = Mesh::new(n, topology).expect("a size");
            let (truth, shown, seen) = measured(&mesh, &spec, 1e-3, 24);
            let fit = fit_powers(&mesh, &spec, &truth, shown, &seen, &super::super::CHIP, |_| 1e6);
            let fit = fit.expect("a fit");
            let count = fit.estimates.len();
            assert_eq!(count, 4 * mesh.layout.cells.len() + 3);
            let inside =
                fit.estimates.iter().filter(|e| (e.value - e.truth).abs() < e.half).count();
            let least = 0.95 * count as f64 - 4.0 * (count as f64 * 0.95 * 0.05).sqrt();
            assert!(inside as f64 >= least, "{topology:?}: {inside} of {count}");
            for e in &fit.estimates {
                assert!((e.value - e.truth).abs() < 3.0 * e.half, "{topology:?}: {e:?}");
            }
            assert!((fit.reduced_chi2 - 1.0).abs() < 0.15, "{topology:?}: {}", fit.reduced_chi2);
        }
    }

    /// Guides of a diamond that are dark hide phases of their cells, which is said; both splitters of a
    /// cell with a dark input do the same, which is refused.
    #[test]
    fn dark_guides_hide_numbers() {
        let spec = Imperfections { theta_std: 0.1, phi_std: 0.1, ..Default::default() };
        let mesh = Mesh::new(4, Topology::Diamond).expect("a size");
        let fit = |groups: &[Group]| {
            let (truth, shown, seen) = measured(&mesh, &spec, 1e-3, 24);
            fit_powers(&mesh, &spec, &truth, shown, &seen, groups, |_| 1e6)
        };
        let found = fit(&[Group::Phases]).expect("a fit");
        let hidden = found.notes.iter().find_map(|n| n.split_once(" numbers never show"));
        let hidden: usize = hidden.expect("said").0.parse().expect("a number");
        assert_eq!(found.estimates.len() + hidden, 2 * mesh.layout.cells.len());
        for e in &found.estimates {
            assert!((e.value - e.truth).abs() < 3.0 * e.half, "{e:?}");
        }
        let error = format!("{:?}", fit(&super::super::CHIP).expect_err("a tie"));
        assert!(error.contains("do not tell") && error.contains("splitter after"), "{error}");
    }

    /// Without a fit of the splitters what they do stays in χ².
    #[test]
    fn what_is_not_fitted_stays() {
        let spec = Imperfections { splitter_angle: 0.03, ..Default::default() };
        let mesh = Mesh::new(4, Topology::Clements).expect("a size");
        let (truth, shown, seen) = measured(&mesh, &spec, 1e-3, 12);
        let fit = fit_powers(&mesh, &spec, &truth, shown, &seen, &[Group::Phases], |_| 1e6);
        assert!(fit.expect("a fit").reduced_chi2 > 10.0);
    }
}
