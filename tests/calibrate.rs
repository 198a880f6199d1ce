//! Twins fitted to simulated devices, through the program: what is found lies where the device has it.

use std::path::Path;

use lightloom::backend::{Backend, Choice};
use lightloom::experiment::{Experiment, load};
use lightloom::train::calibrate::{Fit, calibrate};
use lightloom::{Result, data};

const STACK: &str = r#"
seed = 1
[data]
name = "mnist"
train_limit = 64
[optic]
wavelength = "0.75 mm"
pitch = "0.4 mm"
samples = 32
input = { encoding = "amplitude", aperture = 0.7 }
element = [
  { kind = "free_space", z = "20 mm" },
  { kind = "phase_mask" },
  { kind = "free_space", z = "20 mm" },
  { kind = "phase_mask" },
  { kind = "free_space", z = "20 mm" },
]
detector = { size = "1.6 mm", grid = [4, 5], spread = 0.9, differential = true }
[hardware]
seed = 1
alignment = { lateral = "0.12 mm", axial = "0.3 mm" }
detector = { photons = 1e9, read = 2.0 }
"#;

/// Of the camera of [`STACK`].
const PIXELS: usize = 32 * 32;

const CHIP: &str = r#"
seed = 1
[optic]
wavelength = "1.55 um"
modes = 5
element = [ { kind = "mesh" } ]
[hardware]
seed = 1
detector = { photons = 1e6, read = 5.0 }
mesh = { splitter_angle = 0.02, theta_std = 0.05, phi_std = 0.05, loss_db = 0.02, phase_bits = 6 }
"#;

fn experiment(text: &str, set: &[&str]) -> Experiment {
    let set: Vec<String> = set.iter().map(|&s| s.to_owned()).collect();
    let loaded = load::from_text("test.toml", text, Path::new("."), &set);
    loaded.unwrap_or_else(|e| panic!("{e:?}\n{text}")).experiment
}

fn fitted(text: &str, set: &[&str], exposures: usize, names: Option<&str>) -> Result<Fit> {
    let experiment = experiment(text, set);
    let source = experiment.data.as_ref();
    let data = source.map(|s| data::load(s, experiment.seed).expect("the data"));
    let choice = Choice { backend: Backend::Cpu, threads: Some(2), ..Choice::default() };
    calibrate(&experiment, data.as_ref(), choice, exposures, names)
}

/// χ² of noise alone, to four of its standard deviations √(2 / readings), and the truth in so many
/// intervals as 95 % are, four standard deviations of the binomial spared, none of them farther than
/// twice (3.9 standard deviations).
fn holds(fit: &Fit, readings: usize) {
    let count = fit.estimates.len() as f64;
    let miss = |e: &&lightloom::train::calibrate::Estimate| (e.value - e.truth).abs() / e.half;
    let inside = fit.estimates.iter().filter(|e| miss(e) < 1.0).count() as f64;
    println!(
        "{inside} of {count} inside, chi2/dof {:.3}, {:.0} photons a reading, {} steps",
        fit.reduced_chi2, fit.photons_per_reading, fit.steps
    );
    assert!(inside >= 0.95 * count - 4.0 * (count * 0.95 * 0.05).sqrt(), "{:#?}", fit.estimates);
    for e in &fit.estimates {
        assert!(miss(&e) < 2.0 && e.half.is_finite(), "{e:?}");
    }
    let readings = (fit.exposures * readings) as f64;
    assert!((fit.reduced_chi2 - 1.0).abs() < 4.0 * (2.0 / readings).sqrt(), "{}", fit.reduced_chi2);
}

/// Shifts of up to 0.3 pixels are found to 0.02 at some 1e4 photons a pixel.
#[test]
fn shifts_are_found() {
    let fit = fitted(STACK, &[], 16, None).expect("a fit");
    holds(&fit, PIXELS);
    assert!(fit.photons_per_reading > 5e3 && fit.photons_per_reading < 2e4);
    let shifts: Vec<_> = fit.estimates.iter().filter(|e| e.quantity != "z").collect();
    assert_eq!(shifts.len(), 6);
    for e in shifts {
        assert!((e.value - e.truth).abs() < 0.02 * 0.4e-3, "{e:?}");
    }
    assert!(fit.estimates.iter().any(|e| e.truth.abs() > 0.25 * 0.4e-3));
}

/// A full scale for a detector's region is none for a pixel, which would lie below its first step: the
/// camera sets its own, and χ² knows its steps.
#[test]
fn shifts_are_found_behind_a_converter() {
    let set = ["hardware.detector.full_scale=0.1", "hardware.detector.bits=10"];
    let fit = fitted(STACK, &set, 4, None).expect("a fit");
    holds(&fit, PIXELS);
    assert!(fit.photons_per_reading > 5e3 && fit.photons_per_reading < 2e4);
    assert!(fit.notes.is_empty(), "{:?}", fit.notes);
}

const README: &str = include_str!("../assets/experiments/device-stack.toml");

/// The README's device: its modulator's dark level is known, the errors of its pixels and gains are not,
/// and widen the intervals. Errors of 0.2 rad do more than first order has it: 1.5 intervals are spared.
#[test]
fn the_stack_of_the_readme_is_found() {
    let fit = fitted(README, &["data.train_limit=64"], 4, None).expect("a fit");
    assert_eq!(fit.estimates.len(), 18);
    assert!(fit.photons_per_reading > 3.0, "{}", fit.photons_per_reading);
    assert!(fit.reduced_chi2 > 0.5 && fit.reduced_chi2 < 2.0, "{}", fit.reduced_chi2);
    for e in &fit.estimates {
        println!("{} of {}: {} of its interval", e.quantity, e.place, (e.value - e.truth) / e.half);
    }
    for e in &fit.estimates {
        assert!((e.value - e.truth).abs() < 2.5 * e.half && e.half < 4e-3, "{e:?}");
    }
}

/// Errors of 0.05 rad in light that would tell far more without them: they are all that the intervals of
/// shifts are of, which hold.
#[test]
fn errors_of_pixels_widen_the_intervals() {
    let light = ["data.train_limit=64", "hardware.detector.photons=1e9"];
    let of = |std: &str| fitted(README, &[&light[..], &[std]].concat(), 4, None).expect("a fit");
    let [with, none] = ["hardware.mask.phase_std=0.05", "hardware.mask.phase_std=0"].map(of);
    for e in &with.estimates {
        assert!((e.value - e.truth).abs() < 2.0 * e.half, "{e:?}");
    }
    let shifts = |fit: &Fit| -> f64 {
        fit.estimates.iter().filter(|e| e.quantity != "z").map(|e| e.half).sum()
    };
    assert!(shifts(&with) > 1.2 * shifts(&none), "{} {}", shifts(&with), shifts(&none));
    assert!(shifts(&with) < 12.0 * 0.4e-3, "a pixel each: {}", shifts(&with));
}

/// Darkness is refused, not fitted.
#[test]
fn what_sees_no_light_is_refused() {
    let set = ["hardware.detector={ photons = 1.0 }", "hardware.alignment.axial=0.0 mm"];
    let error = fitted(STACK, &set, 1, None).expect_err("darkness");
    let said = error.to_string();
    assert!(
        error.exit_code() == 2 && said.contains("every reading of the device is dark"),
        "{said}"
    );
}

/// Everything that a mask can have, at once.
#[test]
fn masks_are_found() {
    let set = [
        "hardware.alignment.rotation=0.02",
        "hardware.alignment.tilt=0.01",
        "hardware.mask.crosstalk=0.03",
        "hardware.mask.fill_factor=0.9",
        "hardware.mask.dead_amplitude=0.5",
        "hardware.mask.aberration_std=0.2",
        "hardware.mask.levels=64",
    ];
    let fit = fitted(STACK, &set, 8, None).expect("a fit");
    // 3 planes in z, y, x; 2 masks with tilt, rotation, 12 terms; fringing and filling.
    assert_eq!(fit.estimates.len(), 9 + 2 * (2 + 1 + 12) + 3);
    holds(&fit, PIXELS);
}

/// A table of phases and amplitudes, level by level; knots of a longer one.
#[test]
fn tables_are_found() {
    let folder = tempfile::tempdir().expect("a folder");
    for (levels, numbers) in [(16, 31), (128, 65)] {
        let line = |k: usize| {
            let part = k as f64 / levels as f64;
            let phase = std::f64::consts::TAU * 0.9 * part.powf(1.2);
            format!("{phase},{}\n", 1.0 - 0.1 * (std::f64::consts::PI * part).sin())
        };
        let path = folder.path().join(format!("{levels}.csv"));
        std::fs::write(&path, (0..levels).map(line).collect::<String>()).expect("a file");
        let lookup = format!("hardware.mask.lookup={:?}", path.display().to_string());
        let fit = fitted(STACK, &[&lookup], 16, Some("lookup,shift,axial")).expect("a fit");
        assert_eq!(fit.estimates.len(), 9 + numbers);
        if levels == 16 {
            holds(&fit, PIXELS);
        } else {
            // Straight lines between the knots of a curve leave a little.
            assert!(fit.reduced_chi2 < 1.2, "{}", fit.reduced_chi2);
            for e in fit.estimates.iter().filter(|e| e.unit == "rad") {
                assert!((e.value - e.truth).abs() < 0.02, "{e:?}");
            }
        }
    }
}

/// The program's own chip, with noise and a coarse drive.
#[test]
fn chips_are_found() {
    let fit = fitted(CHIP, &[], 16, None).expect("a fit");
    assert_eq!(fit.estimates.len(), 10 * 4 + 1);
    holds(&fit, 5);
    assert!(fit.notes.iter().any(|n| n.contains("output phases")), "{:?}", fit.notes);
}

/// Heat that spreads between the shifters of a chip, in both directions, beside everything else that is
/// wrong with it.
#[test]
fn heat_is_found() {
    let set = ["hardware.mesh.crosstalk=0.02", "hardware.mesh.crosstalk_along=0.01"];
    let fit = fitted(CHIP, &set, 16, None).expect("a fit");
    assert_eq!(fit.estimates.len(), 10 * 4 + 1 + 2);
    holds(&fit, 5);
    let heat = |of: &str| fit.estimates.iter().find(|e| e.quantity == of).expect("a number");
    for (of, truth) in [("heat across", 0.02), ("heat along", 0.01)] {
        let e = heat(of);
        // Told apart from none by far.
        assert!(e.truth == truth && e.half < 0.1 * truth, "{e:?}");
    }
}

/// The same by the command line, which is asked for the heat alone of a chip with nothing else.
#[test]
fn heat_is_found_from_the_command_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let chip = CHIP.replace(
        "splitter_angle = 0.02, theta_std = 0.05, phi_std = 0.05, loss_db = 0.02, phase_bits = 6",
        "crosstalk = 0.03, crosstalk_along = 0.015",
    );
    std::fs::write(folder.path().join("chip.toml"), chip).expect("a file");
    let mut command = assert_cmd::Command::new(env!("CARGO_BIN_EXE_lightloom"));
    let args = "calibrate chip.toml --fit crosstalk --exposures 8 --backend cpu --out fit.json";
    command.current_dir(folder.path()).args(args.split(' ')).assert().success();
    let fit = std::fs::read_to_string(folder.path().join("fit.json")).expect("a fit");
    let fit: serde_json::Value = serde_json::from_str(&fit).expect("JSON");
    let estimates = fit["estimates"].as_array().expect("numbers");
    assert_eq!(estimates.len(), 2);
    for (e, truth) in estimates.iter().zip([0.03, 0.015]) {
        let of = |key: &str| e[key].as_f64().expect("a number");
        assert_eq!(of("truth"), truth);
        assert!((of("value") - truth).abs() < 2.0 * of("half") && of("half") < 0.1 * truth, "{e}");
    }
    // Noise alone is left: 8 settings of 10 inputs, 5 powers each, to four standard deviations.
    let chi2 = fit["reduced_chi2"].as_f64().expect("a number");
    assert!((chi2 - 1.0).abs() < 4.0 * f64::sqrt(2.0 / 400.0), "{chi2}");
}

/// Amplitudes of all levels, and what the masks let through of them, are one number too many.
#[test]
fn what_is_one_is_not_two() {
    let set = ["hardware.mask.levels=4"];
    let error = fitted(STACK, &set, 4, Some("lookup,fill")).expect_err("a tie");
    let text = format!("{error:?}");
    assert!(text.contains("do not tell") && text.contains("modulated amplitude"), "{text}");
    assert!(text.contains("amplitude of level") && error.exit_code() == 2, "{text}");
    holds(&fitted(STACK, &set, 4, Some("lookup,shift,axial")).expect("a fit"), PIXELS);
}

/// A mask's tilt is found by where the light goes behind it, as the shifts there are: near the axis
/// each widens the other's interval.
#[test]
fn tilt_widens_the_shifts_behind_it() {
    let set = [
        "optic.wavelength=0.02 mm",
        "optic.element.0.z=400 mm",
        "optic.element.2.z=400 mm",
        "optic.element.4.z=400 mm",
        "hardware.alignment.tilt=0.0001",
        "hardware.alignment.lateral=0.05 mm",
        "hardware.alignment.axial=0.0 mm",
    ];
    let both = fitted(STACK, &set, 4, Some("shift,tilt")).expect("a fit");
    holds(&both, PIXELS);
    let alone = fitted(STACK, &set[..4], 4, Some("shift")).expect("a fit");
    let half = |fit: &Fit| {
        let of =
            |e: &&lightloom::train::calibrate::Estimate| e.place == "detector" && e.quantity == "x";
        fit.estimates.iter().find(of).expect("a shift").half
    };
    assert!(half(&both) > 2.0 * half(&alone), "{} {}", half(&both), half(&alone));
}

/// Experiment, overrides, groups, and what the error says: its key, its rule.
type Case<'a> = (&'a str, &'a [&'a str], Option<&'a str>, &'a str, &'a str);

#[test]
fn what_cannot_be_fitted_is_refused() {
    let two = [r#"optic.element=[{ kind = "mesh" }, { kind = "mesh" }]"#];
    let cases: [Case; 7] = [
        (STACK, &[], Some("splitters"), "--fit", "no group of a stack"),
        (CHIP, &[], Some("shift"), "--fit", "no group of a chip"),
        (STACK, &[], Some("lookup"), "hardware.mask.levels", "no levels"),
        (CHIP, &two, None, "optic.element", "one mesh"),
        (CHIP, &["optic.modes=20"], None, "optic.modes", "20 guides"),
        (CHIP, &["hardware.detector={}"], None, "hardware.detector.photons", "missing"),
        (STACK, &["optic.element.1.kind=detect"], None, "optic.element", "cut the machine"),
    ];
    for (text, set, names, key, says) in cases {
        let error = fitted(text, set, 2, names).expect_err(says);
        let all = format!("{error:?}");
        assert!(all.contains(key) && all.contains(says), "{all}");
        assert_eq!(error.exit_code(), 2);
    }
}
