//! Method identities: each method's gradient beside the exact one, in direction and magnitude, on
//! machines where they must agree, and how far apart they are where physics says that they may not.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use std::sync::Arc;

use lightloom::backend::gpu::{self, Wanted};
use lightloom::backend::{Executor, Precision, cpu};
use lightloom::experiment::{Experiment, load};
use lightloom::lower::machine::SHOT;
use lightloom::lower::{Machine, fuse, loss};
use lightloom::methods::contrast::Contrast;
use lightloom::methods::recipe::MethodName;
use lightloom::methods::{self, Method, Pair, backprop, step};
use lightloom::ops::Op;
use lightloom::ops::case::reals;
use lightloom::ops::draw::Noise;
use lightloom::ops::leaf_sum::LeafSum;
use lightloom::ops::quantise::Quantise;
use lightloom::ops::wrong_label::WrongLabel;
use lightloom::optics::Hardware;
use lightloom::optics::mesh::faults::Drive;
use lightloom::program::adjoint::adjoint;
use lightloom::program::{Builder, Data, Program, Role, Scope, Shape, SlotId};

mod common;

const IMAGE: [usize; 2] = [5, 4];
const CLASSES: usize = 3;
const SAMPLES: usize = 8;

/// A stack of masks in open space, or in a window that repeats.
fn stack(boundary: &str, between: &str, extra: &str) -> String {
    format!(
        r#"
seed = 3
data = {{ name = "mnist" }}
[optic]
wavelength = "532 nm"
pitch = "2 um"
samples = [16, 12]
boundary = "{boundary}"
input = {{ encoding = "amplitude", aperture = 0.7 }}
element = [
  {{ kind = "free_space", z = "30 um" }},
  {{ kind = "phase_mask", init = "random" }},
  {{ kind = "free_space", z = "41 um" }},
  {between}
  {{ kind = "phase_mask", init = "random" }},
  {{ kind = "free_space", z = "35 um" }},
]
detector = {{ size = "6 um", grid = [1, 3], spread = 0.8 }}
{extra}
[train]
epochs = 1
batch = {SAMPLES}
loss = {{ kind = "cross_entropy", temperature = 0.1 }}
"#
    )
}

fn experiment(text: &str, set: &[&str]) -> Experiment {
    let set: Vec<String> = set.iter().map(|&s| s.to_owned()).collect();
    let loaded = load::from_text("test.toml", text, Path::new("."), &set);
    loaded.unwrap_or_else(|e| panic!("{e:?}\n{text}")).experiment
}

/// What a device shows is measured: no adjoint goes behind it, so that no method can have the
/// device's own gradient; the machine itself has one.
#[test]
fn what_a_device_shows_has_no_gradient() {
    let experiment = experiment(&stack("open", CAMERA, MILD), &[]);
    let recipe = experiment.train.as_ref().expect("a recipe");
    let mut b = Builder::default();
    let twin = Machine::new(&mut b, &experiment.optic, Some(IMAGE), CLASSES, 3).expect("one");
    let hardware = experiment.hardware.clone().unwrap_or_default();
    let (pair, device) = Pair::new(&mut b, twin, &hardware);
    b.routine("shown", SAMPLES);
    let shown = pair.device.show(&mut b).expect("readings");
    let loss = loss::emit(&mut b, &pair.twin, &shown.reading, &recipe.loss).expect("a loss");
    let (seed, _) = step::seed(&mut b, recipe);
    let found = adjoint(&mut b, loss, seed).expect("a walk");
    assert!(found.is_empty(), "{found:?}");
    b.routine("examined", SAMPLES);
    let exact = backprop::exact(&mut b, &device, recipe).expect("the exact one").of;
    assert_eq!(exact.len(), pair.twin.trainable.len());
}

/// Writes a batch of made-up images and their classes in turn.
fn feed(executor: &mut dyn Executor, image: SlotId, label: SlotId) {
    let pixels = SAMPLES * IMAGE[0] * IMAGE[1];
    let images = reals(50, pixels).iter().map(|v| 0.5 + 0.5 * v).collect();
    executor.write(image, &Data::Real(images)).expect("write");
    let labels = (0..SAMPLES).map(|i| (i % CLASSES) as u32).collect();
    executor.write(label, &Data::Index(labels)).expect("write");
}

/// A method's gradient and the device's exact one, of every parameter.
struct Both {
    cpu: Box<dyn Executor>,
    slots: Vec<(String, SlotId, SlotId)>,
    /// Largest length of a gradient that should be none.
    unseen: f64,
}

impl Both {
    fn new(text: &str, method: &str, set: &[&str]) -> Self {
        let method = format!("train.method={method}");
        let experiment = experiment(text, &[&[&*method], set].concat());
        let recipe = experiment.train.as_ref().expect("a recipe");
        let mut b = Builder::default();
        let twin = Machine::new(&mut b, &experiment.optic, Some(IMAGE), CLASSES, 3);
        let twin = twin.expect("a machine");
        let (image, label) = (twin.image.expect("image"), twin.label.expect("label"));
        let hardware = experiment.hardware.clone().unwrap_or_default();
        let (pair, device) = Pair::new(&mut b, twin, &hardware);
        let method = methods::of(recipe, &experiment.optic, experiment.seed).expect("a method");
        b.routine("both", SAMPLES);
        let own = method.gradient(&mut b, &pair, recipe).expect("a gradient").of;
        b.pass();
        let exact = backprop::exact(&mut b, &device, recipe).expect("the exact one").of;
        let mut slots = Vec::new();
        for (n, trained) in pair.twin.trainable.iter().enumerate() {
            let name = b.slot(trained.slot).name.clone();
            let (Some(&own), Some(&exact)) = (own.get(&trained.slot), exact.get(&trained.slot))
            else {
                assert!(experiment.optic.modes.is_none(), "{name} has no gradient");
                continue;
            };
            b.output(own, &format!("own.{n}"));
            b.output(exact, &format!("exact.{n}"));
            slots.push((name, own, exact));
        }
        assert!(!slots.is_empty(), "no gradient at all");
        let mut cpu =
            cpu::compile(Arc::new(b.finish()), Precision::F64, Some(1)).expect("a thread");
        feed(&mut *cpu, image, label);
        Self { cpu, slots, unseen: 0.0 }
    }

    /// By parameter: cosine, and |own| over |exact|.
    fn compare(&mut self) -> Vec<(String, f64, f64)> {
        self.cpu.run("both", SAMPLES).expect("a run");
        let mut out = Vec::new();
        for (name, own, exact) in &self.slots {
            let [own, exact] =
                [*own, *exact].map(|s| self.cpu.read(s).expect("a gradient").reals().to_vec());
            let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
            let (n, m) = (dot(&own, &own).sqrt(), dot(&exact, &exact).sqrt());
            if name.ends_with("gamma") && m < 1e-14 {
                // The phases before detectors are seen by nobody.
                self.unseen = self.unseen.max(n);
                continue;
            }
            assert!(m > 0.0, "{name}: the exact gradient is zero");
            out.push((name.clone(), dot(&own, &exact) / (n * m), n / m));
        }
        out
    }
}

/// Same direction and same length.
fn same(text: &str, method: &str, set: &[&str], tolerance: f64) {
    let mut both = Both::new(text, method, set);
    for (name, cosine, ratio) in both.compare() {
        assert!(
            1.0 - cosine < tolerance && (ratio - 1.0).abs() < tolerance,
            "{method}, {name}: cosine {cosine}, ratio {ratio}"
        );
    }
    assert!(both.unseen < tolerance, "{method}: {}", both.unseen);
}

const CAMERA: &str = r#"{ kind = "detect" },
  { kind = "free_space", z = "20 um" },"#;

/// Methods that ask for a camera between layers.
const AT_CAMERAS: [&str; 6] = ["dfa", "adfa", "fa", "local", "forward_forward", "phyll"];

/// Where the device is the twin, what is measured is what is computed.
#[test]
fn aware_training_of_a_perfect_twin_is_backpropagation() {
    for between in ["", CAMERA] {
        let text = stack("open", between, "");
        for method in ["backprop", "vaccination", "pat", "pat_fields", "asyt", "dat"] {
            same(&text, method, &[], 1e-12);
        }
    }
}

/// Where the device is the twin with a loss of 10 dB, spread evenly over masks or cells, everything
/// that it shows is a part of what the twin computes: the gradient is the device's own, direction and
/// length, of every loss.
#[test]
fn lost_light_leaves_direction_and_length() {
    // Of the amplitude, at each of two masks; of a mesh of four columns.
    let lossy = format!("[hardware]\nmask = {{ fill_factor = {} }}", 10f64.powf(-0.25));
    let chip = format!(
        r#"
seed = 3
data = {{ name = "mnist" }}
[optic]
wavelength = "1.55 um"
modes = 4
input = {{ front = "fourier" }}
element = [ {{ kind = "mesh" }} ]
detector = {{}}
[hardware]
mesh = {{ loss_db = 2.5 }}
[train]
epochs = 1
batch = {SAMPLES}
"#
    );
    let losses = ["kind=cross_entropy", "kind=mean_squared", "efficiency_weight=0.3"];
    for text in [stack("open", "", &lossy), stack("open", CAMERA, &lossy), chip] {
        let backprop = Both::new(&text, "backprop", &[]).compare();
        // Shares alone are told, which a loss leaves as they are.
        assert!(backprop.iter().all(|(_, cosine, _)| 1.0 - cosine < 1e-12), "{backprop:?}");
        for loss in losses.map(|l| format!("train.loss.{l}")) {
            for method in ["pat", "pat_fields", "asyt", "dat"] {
                same(&text, method, &[&loss], 1e-12);
            }
        }
    }
}

const FAULTS: &str = r#"
[hardware]
seed = 4
wavelength_error = 0.002
mask = { levels = 32, phase_std = 0.1, shot_phase_std = 0.05, crosstalk = 0.02, fill_factor = 0.95, dead_amplitude = 0.3 }
alignment = { lateral = "1 um", axial = "2 um", tilt = 0.002, rotation = 0.01 }
detector = { photons = 1e7, dark = 3.0, read = 2.0, gain_std = 0.02, full_scale = 0.2, bits = 10 }
input = { bits = 6, extinction_db = 20.0 }
"#;

const MILD: &str = r#"
[hardware]
seed = 4
mask = { levels = 64, phase_std = 0.05 }
alignment = { lateral = "0.3 um", axial = "1 um" }
detector = { photons = 1e8, read = 2.0, gain_std = 0.01 }
"#;

/// On a device with faults the twin's backward pass is off, and less so the more is measured:
/// fields at the masks come nearer to the device's own gradient than detectors alone, and those
/// nearer than the twin that measures nothing.
#[test]
fn what_is_measured_brings_the_gradient_nearer() {
    let text = stack("open", "", MILD);
    let worst = |method: &str| {
        let all = Both::new(&text, method, &[]).compare();
        all.into_iter().map(|(_, cosine, _)| cosine).fold(1.0, f64::min)
    };
    let [none, detectors, fields] = ["backprop", "pat", "pat_fields"].map(worst);
    println!("cosine: backprop {none:.3}, pat {detectors:.3}, pat with fields {fields:.3}");
    assert!(
        none < detectors && detectors < fields && fields < 0.9999,
        "{none} {detectors} {fields}"
    );
}

/// Fields measured forwards and backwards give the device's own gradient whatever stands wrong in it:
/// reciprocity is all that they need. With quantised phases straight through. What they do not know, and
/// pay for, are the gains of detectors, and the phases that an exposure adds to a mask on the way back.
#[test]
fn field_conjugation_is_exact_on_any_device() {
    for boundary in ["open", "periodic"] {
        same(&stack(boundary, "", ""), "field_conjugation", &[], 1e-12);
    }
    // Fringing spreads a mask's gradient over its neighbours, which no field shows.
    let faults = [
        "hardware.mask.crosstalk=0.0",
        "hardware.mask.fill_factor=1.0",
        "hardware.alignment.rotation=0.0",
    ];
    let still = ["hardware.detector.gain_std=0.0", "hardware.mask.shot_phase_std=0.0"];
    let text = stack("open", "", FAULTS);
    same(&text, "field_conjugation", &[&faults[..], &still[..]].concat(), 1e-12);
    for one in still {
        let all = Both::new(&text, "field_conjugation", &[&faults[..], &[one]].concat()).compare();
        let off = all.iter().map(|(_, cosine, _)| 1.0 - cosine).fold(0.0, f64::max);
        println!("field_conjugation with {one} alone: 1 - cosine {off:.1e}");
        assert!(off > 1e-6 && off < 0.1, "{one}: {off}");
    }
}

/// Intensities alone give the gradient where nothing is lost: a window that repeats, all of whose
/// waves propagate (pitch > 0.71 λ). In open space light is lost at the edges, and they are biased.
#[test]
fn intensities_are_exact_without_loss_and_biased_with() {
    for method in ["three_shot", "echo"] {
        same(&stack("periodic", "", ""), method, &[], 1e-9);
        let far =
            ["optic.element.0.z=0.3 mm", "optic.element.2.z=0.4 mm", "optic.element.4.z=0.4 mm"];
        let biased = Both::new(&stack("open", "", ""), method, &far).compare();
        for (name, cosine, ratio) in biased {
            println!("{method} in a finite window, {name}: cosine {cosine:.3}, ratio {ratio:.3}");
            assert!(cosine < 0.99 || (ratio - 1.0).abs() > 0.01, "{name}: {cosine} {ratio}");
        }
    }
}

/// The echo is exact at any ε in linear optics; between Kerr planes its error goes with ε².
#[test]
fn echo_errors_go_with_the_square_of_epsilon() {
    let linear = stack("periodic", "", "");
    for epsilon in ["1.0", "0.1", "0.001"] {
        same(&linear, "echo", &[&format!("train.echo.epsilon={epsilon}")], 1e-9);
    }
    let kerr = r#"{ kind = "activation", function = "kerr", gamma = 0.7 },"#;
    let text = stack("periodic", kerr, "");
    let error = |epsilon: f64| {
        let set = format!("train.echo.epsilon={epsilon}");
        let all = Both::new(&text, "echo", &[&set]).compare();
        // |own - exact| / |exact| from cosine and ratio, by the law of cosines.
        let of = |(_, c, r): &(String, f64, f64)| (1.0 + r * r - 2.0 * r * c).max(0.0).sqrt();
        all.iter().map(of).fold(0.0, f64::max)
    };
    let [large, small] = [0.3, 0.03].map(error);
    let slope = (large / small).log10();
    println!("echo through Kerr planes: error {large:.2e} at 0.3, {small:.2e} at 0.03");
    assert!((slope - 2.0).abs() < 0.1, "slope {slope}: {large:e} {small:e}");
}

/// Meshes, an SVD layer between guides of other numbers, an activation, a camera.
fn chip(activation: &str, hardware: &str) -> String {
    format!(
        r#"
seed = 3
data = {{ name = "mnist" }}
[optic]
wavelength = "1.55 um"
modes = 4
input = {{ front = "fourier", power = 3.0 }}
element = [
  {{ kind = "svd", outputs = 6 }},
  {{ kind = "activation", {activation} }},
  {{ kind = "mesh", topology = "reck", symmetric = true }},
  {{ kind = "mesh", topology = "diamond" }},
  {{ kind = "detect" }},
  {{ kind = "mesh", trainable = false }},
  {{ kind = "mesh" }},
]
detector = {{}}
[hardware]
seed = 2
{hardware}
[train]
epochs = 1
batch = {SAMPLES}
"#
    )
}

const SATURABLE: &str = r#"function = "saturable", absorption = 2.0, saturation = 0.3"#;
const ACTIVATIONS: [&str; 4] = [
    SATURABLE,
    r#"function = "electro_optic", gain = 0.6, bias = 2.0"#,
    r#"function = "kerr", gamma = 0.7"#,
    r#"function = "softplus", threshold = 0.3"#,
];

/// Everything that can be wrong with a chip without taking light or spreading heat.
const LOSSLESS: &str = "mesh = { splitter_angle = 0.05, theta_std = 0.1, phi_std = 0.1, gamma_std = 0.1, phase_bits = 8, drift_std = 0.01 }";

/// And noise of every exposure.
const NOISY: &str = "mesh = { splitter_angle = 0.05, theta_std = 0.1, phi_std = 0.1, gamma_std = 0.1, shot_std = 0.02 }";

/// Light sent through the meshes of a chip in both directions gives the chip's own gradient, magnitude
/// included, through every activation and a camera: fields to rounding, powers to that of differences
/// of powers of size 1 beside gradients of 1e-3; the echo at any ε, by the same over ε.
#[test]
fn meshes_measure_their_gradients() {
    for activation in ACTIVATIONS {
        for hardware in ["", LOSSLESS, NOISY] {
            let text = chip(activation, hardware);
            same(&text, "field_conjugation", &[], 1e-12);
            same(&text, "three_shot", &[], 1e-9);
            for epsilon in ["30.0", "1.0", "0.01"] {
                same(&text, "echo", &[&format!("train.echo.epsilon={epsilon}")], 1e-9);
            }
        }
    }
}

/// Fields need reciprocity alone. Where interferometers lose light powers are biased, and no method
/// that measures at the shifters sees the heat that spreads from them.
#[test]
fn meshes_that_lose_light_bias_powers() {
    let lossy =
        chip(SATURABLE, "mesh = { splitter_angle = 0.05, loss_db = 0.5, loss_std_db = 0.1 }");
    same(&lossy, "field_conjugation", &[], 1e-12);
    let off = |text: &str, method: &str| {
        let all = Both::new(text, method, &[]).compare();
        let of = |(_, c, r): &(String, f64, f64)| (1.0 + r * r - 2.0 * r * c).max(0.0).sqrt();
        // An output phase before a camera acts by its heat alone.
        all.iter().filter(|(name, ..)| !name.ends_with("gamma")).map(of).fold(0.0, f64::max)
    };
    for method in ["three_shot", "echo"] {
        let bias = off(&lossy, method);
        println!("{method} on meshes of 0.5 dB a cell: off by {bias:.2}");
        assert!(bias > 0.05, "{method}: {bias}");
    }
    let warm = chip(SATURABLE, "mesh = { crosstalk = 0.05, crosstalk_along = 0.02 }");
    let heat = off(&warm, "field_conjugation");
    println!("field_conjugation with 5 % of crosstalk: off by {heat:.2}");
    assert!(heat > 0.02 && heat < 0.5, "{heat}");
}

/// With V† and U the chip above has six meshes; the stack has two masks and a head of nine weights.
#[test]
fn in_situ_methods_are_charged_for_what_they_measure() {
    let charge = |text: &str, method: &str| {
        let experiment = experiment(text, &[&format!("train.method={method}")]);
        let recipe = experiment.train.as_ref().expect("a recipe");
        let method = methods::of(recipe, &experiment.optic, experiment.seed).expect("a method");
        let charge = method.charge(&experiment.optic, CLASSES, 10);
        (charge.shots, charge.fields, charge.macs)
    };
    let text = chip(SATURABLE, "");
    let of = |intensities: u64, fields: u64| (10 * (intensities + 4 * fields), 10 * fields, 0.0);
    // Of every mesh what leaves it and the error sent in, and what returns to the one before; both at
    // its shifters; powers of three exposures and what returns of two; of two echoes.
    assert_eq!(charge(&text, "field_conjugation"), of(1, 6 * 2 + 5 + 6 * 2));
    assert_eq!(charge(&text, "three_shot"), of(1 + 6 * 3, 6 * 4));
    assert_eq!(charge(&text, "echo"), of(1 + 6 * 2, 6 * 3 + 5 * 2));
    let text =
        stack("open", "", "").replace("spread = 0.8 }", "spread = 0.8, head = { readings = 3 } }");
    // Forwards, to the weights, and to the readings.
    let of = |intensities: u64, fields: u64| {
        (10 * (intensities + 4 * fields), 10 * fields, 10.0 * 3.0 * 9.0)
    };
    assert_eq!(charge(&text, "field_conjugation"), of(1, 2 + 2 * 2));
    assert_eq!(charge(&text, "three_shot"), of(1 + 3, 4));
    assert_eq!(charge(&text, "echo"), of(1 + 2, 3));
}

/// Mean cosine of SPSA with the true gradient: √(Q / (Q + P)), METHODS.md A6. Over 60 steps its
/// standard error is some 4 % of it.
#[test]
fn spsa_has_its_expected_cosine() {
    let text = stack("open", "", "");
    for probes in [8, 32] {
        let set = format!("train.spsa.probes={probes}");
        let mut both = Both::new(&text, "spsa", &[&set, "train.spsa.size=1e-3"]);
        let (mut sum, steps) = (0.0, 60);
        for _ in 0..steps {
            both.cpu.run("both", SAMPLES).expect("a run");
            let (mut dot, mut own2, mut exact2) = (0.0, 0.0, 0.0);
            for (_, own, exact) in &both.slots {
                let [own, exact] =
                    [*own, *exact].map(|s| both.cpu.read(s).expect("a gradient").reals().to_vec());
                for (a, b) in own.iter().zip(&exact) {
                    (dot, own2, exact2) = (dot + a * b, own2 + a * a, exact2 + b * b);
                }
            }
            sum += dot / (own2 * exact2).sqrt();
        }
        let (mean, p, q) = (sum / f64::from(steps), 2.0 * 16.0 * 12.0, f64::from(probes));
        let expected = (q / (q + p)).sqrt();
        println!("spsa, Q = {probes}: cosine {mean:.3}, expected {expected:.3}");
        assert!((mean / expected - 1.0).abs() < 0.15, "{mean} {expected}");
    }
}

/// The control trains one layer: the last mask of a stack, what lies behind its last camera, the last
/// mesh of a chip.
#[test]
fn the_control_trains_its_last_layer_alone() {
    let chip = chip(SATURABLE, "");
    for text in [stack("open", "", MILD), stack("open", CAMERA, MILD), chip] {
        let experiment = experiment(&text, &["train.method=last_layer"]);
        let recipe = experiment.train.as_ref().expect("a recipe");
        let mut b = Builder::default();
        let twin = Machine::new(&mut b, &experiment.optic, Some(IMAGE), CLASSES, 3).expect("one");
        let hardware = experiment.hardware.clone().unwrap_or_default();
        let (pair, _) = Pair::new(&mut b, twin, &hardware);
        let method = methods::of(recipe, &experiment.optic, experiment.seed).expect("a method");
        b.routine("step", SAMPLES);
        let of = method.gradient(&mut b, &pair, recipe).expect("a gradient").of;
        // optic.element.3.phase -> 3
        let layer = |slot: SlotId| b.slot(slot).name.split('.').nth(2).map(str::to_owned);
        let layers: Vec<_> = pair.twin.trainable.iter().map(|t| layer(t.slot)).collect();
        let trained: Vec<_> = of.keys().map(|&slot| layer(slot)).collect();
        assert!(!trained.is_empty() && trained.iter().all(|l| Some(l) == layers.last()), "{text}");
        assert_ne!(layers.first(), layers.last(), "{text}");
    }
}

/// A digital layer beside a search: its gradient is that of backpropagation at what the detectors read,
/// to rounding for FLOPS, whose exposure it is, and nearly so for SPSA, over whose steps of 1e-4 it is
/// the mean. It is not perturbed: a perturbation has another direction.
#[test]
fn digital_layers_have_their_gradient_beside_a_search() {
    let text = stack("open", "", MILD)
        .replace("spread = 0.8 }", "spread = 0.8, head = { readings = 3 } }");
    for (method, tolerance) in [("flops", 1e-12), ("spsa", 1e-3)] {
        let set = ["train.spsa.size=1e-4", "hardware.mask.levels=65536"];
        let mut both = Both::new(&text, method, &set);
        let all = both.compare();
        let heads: Vec<_> = all.iter().filter(|(n, ..)| n.starts_with("detector.head")).collect();
        assert_eq!(heads.len(), 2, "{method}");
        for (name, cosine, ratio) in heads {
            println!("{method}, {name}: 1 - cosine {:.1e}, ratio {ratio:.8}", 1.0 - cosine);
            assert!(1.0 - cosine < tolerance && (ratio - 1.0).abs() < tolerance, "{name}");
        }
        let others = all.iter().filter(|(n, ..)| n.starts_with("optic."));
        assert!(others.clone().count() == 2 && others.clone().all(|o| o.1 < 0.9), "{all:?}");
    }
}

/// A search's step moves the digital layer down its exact gradient where the step ended: by the learning
/// rate times the gradient of the device's loss at the parameters that the step left.
#[test]
fn searches_train_digital_layers() {
    let text = stack("open", "", MILD)
        .replace("spread = 0.8 }", "spread = 0.8, head = { readings = 3 } }");
    for method in ["finite_differences", "mixed", "cma_es", "pepg"] {
        let set = [
            &*format!("train.method={method}"),
            "train.reduced.across=2",
            "train.schedule={ kind = \"constant\" }",
            "train.optimizer={ kind = \"sgd\", lr = 0.5 }",
        ];
        let experiment = experiment(&text, &set);
        let recipe = experiment.train.as_ref().expect("a recipe");
        let mut b = Builder::default();
        let twin = Machine::new(&mut b, &experiment.optic, Some(IMAGE), CLASSES, 3).expect("one");
        let (image, label) = (twin.image.expect("image"), twin.label.expect("label"));
        let hardware = experiment.hardware.clone().unwrap_or_default();
        let (pair, device) = Pair::new(&mut b, twin, &hardware);
        let mut method_of =
            methods::of(recipe, &experiment.optic, experiment.seed).expect("a method");
        method_of.build(&mut b, &pair, recipe, &recipe.schedule.factors(10)).expect("a step");
        b.routine("exact", SAMPLES);
        let exact = backprop::exact(&mut b, &device, recipe).expect("a gradient").of;
        let head = pair.twin.head.expect("a head");
        head.iter().enumerate().for_each(|(n, s)| b.output(exact[s], &format!("exact.{n}")));
        let mut cpu =
            cpu::compile(Arc::new(b.finish()), Precision::F64, Some(1)).expect("a thread");
        feed(&mut *cpu, image, label);
        let read = |cpu: &mut dyn Executor, s: SlotId| -> Vec<f64> {
            cpu.read(s).expect("numbers").reals().to_vec()
        };
        let before = head.map(|s| read(&mut *cpu, s));
        method_of.step(&mut methods::Bench { executor: &mut *cpu, count: SAMPLES }).expect("one");
        let behind = head.map(|s| read(&mut *cpu, s));
        // The exposure that the step ended with, at the head that it began with.
        let shot = cpu.program().find(SHOT).expect("a counter");
        let Data::Index(shots) = cpu.read(shot).expect("a count") else { panic!("no count") };
        cpu.write(shot, &Data::Index(vec![shots[0] - 1])).expect("write");
        for (slot, before) in head.into_iter().zip(&before) {
            cpu.write(slot, &Data::Real(before.clone())).expect("write");
        }
        cpu.run("exact", SAMPLES).expect("a run");
        for (n, slot) in head.into_iter().enumerate() {
            let exact = read(&mut *cpu, exact[&slot]);
            assert!(exact.iter().any(|g| g.abs() > 1e-4), "{method}: {exact:?}");
            for ((a, b), g) in behind[n].iter().zip(&before[n]).zip(&exact) {
                assert!((a - (b - 0.5 * g)).abs() < 1e-12, "{method}: {a} {b} {g}");
            }
        }
        let charge = method_of.charge(&experiment.optic, CLASSES, 8);
        let exposures = charge.shots as f64;
        assert!((charge.macs - 9.0 * (exposures + 8.0)).abs() < 1e-9, "{charge:?}");
    }
}

/// Levels are told in radians: a step of their spacing moves a phase by one level or more wherever it
/// stands, half of it moves none that stands on the widest.
#[test]
fn a_level_is_the_step_that_moves_all() {
    let of = |hardware: &str, mask: &str| {
        let text = stack("open", "", &format!("[hardware]\n{hardware}")).replacen(
            "{ kind = \"phase_mask\", init = \"random\" }",
            mask,
            1,
        );
        let experiment = experiment(&text, &[]);
        let hardware = experiment.hardware.expect("a device");
        hardware.spacing(&experiment.optic.element[1]).expect("a spacing")
    };
    let mask = "{ kind = \"phase_mask\" }";
    let tau = std::f64::consts::TAU;
    assert_eq!(of("mask = { levels = 16 }", mask), Quantise::turn(16).step);
    let bounded = "{ kind = \"phase_mask\", bounds = [-1.0, 2.0] }";
    assert_eq!(of("mask = { levels = 16 }", bounded), Quantise::range(16, -1.0, 2.0).step);
    assert_eq!(of("mask = { phase_std = 0.1 }", mask), 0.0);
    for (bits, drive, widest) in [
        ("phase_bits = 4", Drive::Phase { bits: 4 }, 0.0),
        // From level 14 of 15 to 15.
        ("voltage_bits = 4", Drive::Voltage { bits: 4 }, tau * (14.0f64 / 15.0).powi(2)),
    ] {
        let experiment = experiment(&chip(SATURABLE, &format!("mesh = {{ {bits} }}")), &[]);
        let hardware = experiment.hardware.expect("a device");
        let spacing = hardware.spacing(&experiment.optic.element[0]).expect("a spacing");
        let stays = |phase: f64, step: f64| drive.quantise(phase + step) == drive.quantise(phase);
        for phase in (0..500).map(|k| tau * f64::from(k) / 500.0) {
            assert!(!stays(phase, spacing) && !stays(phase, -spacing), "{bits}: {phase}");
        }
        assert!(stays(widest, 0.49 * spacing) && stays(widest, 0.0), "{bits}");
    }
}

/// On a device of 16 levels whose masks stand on one, the steps of old, 0.05 rad, moved nothing, and a
/// gradient of nothing left it there.
#[test]
fn perturbations_reach_the_next_level() {
    let levels = "[hardware]\nmask = { levels = 16 }";
    let text = stack("open", "", levels).replace("init = \"random\"", "init = \"zero\"");
    for method in ["spsa", "flops"] {
        for (name, cosine, ratio) in Both::new(&text, method, &[]).compare() {
            assert!(ratio > 0.0 && cosine.is_finite(), "{method}, {name}: {cosine} {ratio}");
        }
    }
    let spread = |set: &[&str]| {
        let experiment = experiment(&text, &[&["train.method=mixed"], set].concat());
        let recipe = experiment.train.as_ref().expect("a recipe");
        let mut b = Builder::default();
        let twin = Machine::new(&mut b, &experiment.optic, Some(IMAGE), CLASSES, 3).expect("one");
        let hardware = experiment.hardware.clone().unwrap_or_default();
        let (pair, _) = Pair::new(&mut b, twin, &hardware);
        let method = methods::of(recipe, &experiment.optic, experiment.seed).expect("a method");
        method.build(&mut b, &pair, recipe, &recipe.schedule.factors(10)).expect("a program");
        let memory = b.find("search.memory").expect("a memory");
        let Role::State(start) = b.slot(memory).role.clone() else { panic!("no state") };
        // Numbers, then the step of each: five by five superpixels of two masks.
        start.reals()[50]
    };
    assert_eq!(spread(&[]), std::f64::consts::TAU / 16.0);
    assert_eq!(spread(&["train.search.size=0.3"]), 0.3);
    assert_eq!(spread(&["hardware.mask.levels=64"]), 0.2);
}

/// Before an experiment whose device's exact gradient is meant, not its method's.
const OF_THE_DEVICE: &str = "# of the device\n";

/// A machine that ends at its loss and its method's gradient.
struct Exact {
    executor: Box<dyn Executor>,
    loss: SlotId,
    params: Vec<(String, SlotId, SlotId)>,
}

impl Exact {
    fn new(text: &str, compile: impl FnOnce(Arc<Program>) -> Box<dyn Executor>) -> Self {
        let experiment = experiment(text, &[]);
        let recipe = experiment.train.as_ref().expect("a recipe");
        let mut b = Builder::default();
        let twin = Machine::new(&mut b, &experiment.optic, Some(IMAGE), CLASSES, 3);
        let twin = twin.expect("a machine");
        let (image, label) = (twin.image.expect("image"), twin.label.expect("label"));
        let (pair, device) =
            Pair::new(&mut b, twin, &experiment.hardware.clone().unwrap_or_default());
        let method = methods::of(recipe, &experiment.optic, experiment.seed).expect("a method");
        b.routine("exact", SAMPLES);
        let gradient = if text.starts_with(OF_THE_DEVICE) {
            backprop::exact(&mut b, &device, recipe)
        } else {
            method.gradient(&mut b, &pair, recipe)
        };
        let gradient = gradient.expect("a gradient");
        let mean = step::mean(&mut b, "mean", gradient.loss, (SAMPLES as f64).recip());
        let mean = mean.expect("a mean");
        b.section("read");
        let loss = b.emit(Op::LeafSum(LeafSum), &[mean]).expect("a sum");
        b.output(loss, "loss");
        let mut params = Vec::new();
        for trained in &pair.twin.trainable {
            let name = b.slot(trained.slot).name.clone();
            let Some(&grad) = gradient.of.get(&trained.slot) else { continue };
            b.output(grad, &format!("grad.{name}"));
            params.push((name, trained.slot, grad));
        }
        let mut executor = compile(Arc::new(b.finish()));
        feed(&mut *executor, image, label);
        Self { executor, loss, params }
    }

    fn in_f64(text: &str) -> Self {
        Self::new(text, |p| cpu::compile(p, Precision::F64, Some(1)).expect("a thread"))
    }

    fn loss(&mut self) -> f64 {
        self.executor.run("exact", SAMPLES).expect("a run");
        self.executor.read(self.loss).expect("a loss").reals()[0]
    }

    fn gradients(&mut self) -> Vec<Vec<f64>> {
        self.loss();
        let slots: Vec<SlotId> = self.params.iter().map(|p| p.2).collect();
        slots.iter().map(|&s| self.executor.read(s).expect("one").reals().to_vec()).collect()
    }
}

/// The gradient of every parameter against five-point differences along it, magnitude included:
/// cameras, nonlinear planes, couplers into meshes, digital layers, and devices with every fault that
/// is smooth, their noise frozen, one of their kind or redrawn.
#[test]
fn new_machines_have_their_gradients() {
    let kerr = r#"{ kind = "activation", function = "kerr", gamma = 0.7 },"#;
    let absorber =
        r#"{ kind = "activation", function = "saturable", absorption = 2.0, saturation = 0.3 },"#;
    let smooth = r#"
[hardware]
seed = 4
wavelength_error = 0.002
mask = { phase_std = 0.1, shot_phase_std = 0.05, crosstalk = 0.02, fill_factor = 0.95, dead_amplitude = 0.3 }
alignment = { lateral = "1 um", axial = "2 um", tilt = 0.002, rotation = 0.01 }
detector = { gain_std = 0.02 }
input = { extinction_db = 20.0 }
"#;
    let coupled = stack("open", "", "").replace(
        "]\ndetector = { size = \"6 um\", grid = [1, 3], spread = 0.8 }",
        r#"  { kind = "couple", modes = 9 },
  { kind = "mesh" },
  { kind = "activation", function = "softplus", threshold = 0.3 },
]
detector = { head = { readings = 6 } }"#,
    );
    assert!(coupled.contains("couple"));
    let head =
        stack("open", "", "").replace("spread = 0.8 }", "spread = 0.8, head = { readings = 3 } }");
    let chip = r#"
seed = 3
data = { name = "mnist" }
[optic]
wavelength = "1.55 um"
modes = 4
input = { front = "fourier", power = 3.0 }
element = [ { kind = "svd" }, { kind = "detect" }, { kind = "mesh", topology = "reck" } ]
detector = {}
[hardware]
seed = 2
mesh = { splitter_angle = 0.05, theta_std = 0.1, phi_std = 0.1, gamma_std = 0.1, shot_std = 0.02, loss_db = 0.2, loss_std_db = 0.05, crosstalk = 0.04, crosstalk_along = 0.03, drift_std = 0.01 }
[train]
epochs = 1
batch = 8
"#;
    let vaccinated =
        |text: &str| text.replace("epochs = 1", "epochs = 1\nmethod = \"vaccination\"");
    let machines = [
        ("camera", stack("open", CAMERA, "")),
        ("kerr", stack("open", kerr, "")),
        ("absorber", stack("periodic", absorber, "")),
        ("coupled", coupled),
        ("head", head),
        ("device", format!("{OF_THE_DEVICE}{}", stack("open", "", smooth))),
        ("device with a camera", format!("{OF_THE_DEVICE}{}", stack("open", CAMERA, smooth))),
        ("chip", format!("{OF_THE_DEVICE}{chip}")),
        ("vaccinated", vaccinated(&stack("open", "", smooth))),
        ("vaccinated chip", vaccinated(chip)),
        // Cells that lose light by what they draw alone.
        ("vaccinated chip without mean loss", vaccinated(&chip.replace("loss_db = 0.2, ", ""))),
    ];
    for (name, text) in machines {
        let mut exact = Exact::in_f64(&text);
        let grads = exact.gradients();
        assert!(!grads.is_empty(), "{name}");
        for (k, g) in grads.iter().enumerate() {
            let (param, slot) = (exact.params[k].0.clone(), exact.params[k].1);
            let square: f64 = g.iter().map(|g| g * g).sum();
            if square.sqrt() < 1e-12 {
                // The phases before detectors are seen by nobody.
                assert!(param.ends_with("gamma"), "{name}: {param} has no gradient");
                continue;
            }
            let start = exact.executor.read(slot).expect("a parameter").reals().to_vec();
            let h = 1e-3 / square.sqrt();
            let mut at = |t: f64| {
                let moved = start.iter().zip(g).map(|(x, g)| x + t * g).collect();
                exact.executor.write(slot, &Data::Real(moved)).expect("write");
                exact.loss()
            };
            let slope = (8.0 * (at(h) - at(-h)) - (at(2.0 * h) - at(-2.0 * h))) / (12.0 * h);
            at(0.0);
            let error = (slope / square - 1.0).abs();
            assert!(error < 1e-6, "{name}: {param} off by {error:e}");
        }
    }
}

/// Every method's gradient in f32 on the CPU and on a GPU, fused, beside f64: the draws are the same
/// integers, so that noise is too. A sum of some thousand roundings: 1e-4 of its length; where the
/// method divides a difference of losses by a small step, 1e-2.
#[test]
fn methods_are_alike_on_all_backends() {
    let names = |m: MethodName| serde_json::to_value(m).expect("a name");
    let all = MethodName::ALL.into_iter().filter(|m| {
        let text = stack("open", CAMERA, "");
        let recipe =
            experiment(&text, &[&format!("train.method={}", names(*m).as_str().expect("text"))]);
        methods::of(recipe.train.as_ref().expect("one"), &recipe.optic, recipe.seed)
            .map_or(true, |m| m.has_gradient())
    });
    let all: Vec<MethodName> = all.collect();
    let gpu = common::gpu("methods", all.len());
    for method in all {
        let method = names(method);
        let method = method.as_str().expect("text");
        let faults = "[hardware]\nseed = 4\nmask = { levels = 64, phase_std = 0.05, shot_phase_std = 0.02 }\nalignment = { lateral = \"0.3 um\" }\ndetector = { gain_std = 0.01 }\n";
        let cameras = AT_CAMERAS.contains(&method);
        let text = stack("open", if cameras { CAMERA } else { "" }, faults)
            .replace("epochs = 1", &format!("epochs = 1\nmethod = \"{method}\""));
        let most = if ["spsa", "flops", "echo"].contains(&method) { 1e-2 } else { 1e-3 };
        alike(&text, method, most, gpu.is_some());
    }
    // And what vaccination draws of masks and of meshes.
    let masks = "[hardware]\nwavelength_error = 0.002\nmask = { aberration_std = 0.3 }\nalignment = { tilt = 0.01, rotation = 0.1 }\n";
    let lens = r#"{ kind = "lens", f = "1 mm" },"#;
    let meshes =
        "mesh = { splitter_angle = 0.05, theta_std = 0.1, loss_db = 0.2, loss_std_db = 0.05 }\n";
    for text in [stack("open", lens, masks), chip(SATURABLE, meshes)] {
        let text = text.replace("epochs = 1", "epochs = 1\nmethod = \"vaccination\"");
        alike(&text, "vaccination", 1e-3, gpu.is_some());
    }
}

/// Likewise between two cameras, where the error that one is sent goes on to the one before.
#[test]
fn errors_between_cameras_are_alike_on_all_backends() {
    let faults = "[hardware]\nmask = { phase_std = 0.05 }\ndetector = { gain_std = 0.01 }\n";
    let gpu = common::gpu("errors between cameras", AT_CAMERAS.len());
    for method in AT_CAMERAS {
        let text = two_cameras(faults)
            .replace("epochs = 1", &format!("epochs = 1\nmethod = \"{method}\""));
        alike(&text, method, 1e-3, gpu.is_some());
    }
}

/// Whatever a method asks of device and twin, its step is one submission to the queue.
#[test]
fn a_step_is_one_submission() {
    let methods = MethodName::ALL.map(|m| serde_json::to_value(m).expect("a name"));
    let gpu = common::gpu("steps in one submission", methods.len());
    for name in methods.iter().filter(|_| gpu.is_some()).map(|m| m.as_str().expect("text")) {
        let text = stack("open", if AT_CAMERAS.contains(&name) { CAMERA } else { "" }, MILD);
        let experiment = experiment(&text, &[&format!("train.method={name}")]);
        let recipe = experiment.train.as_ref().expect("a recipe");
        let method = methods::of(recipe, &experiment.optic, experiment.seed).expect("a method");
        if !method.has_gradient() {
            continue;
        }
        let mut b = Builder::default();
        let twin = Machine::new(&mut b, &experiment.optic, Some(IMAGE), CLASSES, 3).expect("one");
        let (pair, _) = Pair::new(&mut b, twin, &experiment.hardware.clone().unwrap_or_default());
        method.build(&mut b, &pair, recipe, &recipe.schedule.factors(10)).expect("a step");
        let mut gpu = gpu::compile(Arc::new(b.finish()), Wanted::Any, true).expect("a GPU");
        for step in 1..=3 {
            gpu.run(methods::names::TRAIN, recipe.batch).expect("a step");
            assert_eq!(gpu.submissions(), step, "{name}");
        }
    }
}

/// Likewise the methods that measure meshes. The echo divides differences of powers by 4ε.
#[test]
fn measured_meshes_are_alike_on_all_backends() {
    let methods = ["field_conjugation", "three_shot", "echo"];
    let gpu = common::gpu("methods on chips", methods.len());
    for method in methods {
        let faults = format!("{NOISY}\ndetector = {{ gain_std = 0.01 }}\n");
        let text = chip(SATURABLE, &faults)
            .replace("epochs = 1", &format!("epochs = 1\nmethod = \"{method}\""));
        let most = if method == "echo" { 1e-2 } else { 1e-3 };
        alike(&text, method, most, gpu.is_some());
    }
}

fn alike(text: &str, method: &str, most: f64, gpu: bool) {
    let exact = Exact::in_f64(text).gradients();
    let compare = |mut other: Exact, on: &str| {
        for ((name, ..), (a, b)) in
            other.params.clone().iter().zip(other.gradients().iter().zip(&exact))
        {
            let size = b.iter().map(|x| x * x).sum::<f64>().sqrt();
            if size < 1e-12 {
                // The phases before detectors are seen by nobody.
                assert!(name.ends_with("gamma"), "{method}: {name} has no gradient");
                continue;
            }
            let apart = a.iter().zip(b).map(|(x, y)| (x - y).powi(2)).sum::<f64>().sqrt();
            assert!(apart <= most * size, "{method} on {on}, {name}: {:e}", apart / size);
        }
    };
    let fused = |p: Arc<Program>| Arc::new(fuse::fuse(&p));
    let on_cpu = |p| cpu::compile(fused(p), Precision::F32, Some(2)).expect("threads");
    compare(Exact::new(text, on_cpu), "the CPU");
    if gpu {
        let on_gpu = |p| gpu::compile(fused(p), Wanted::Any, true).expect("a GPU");
        compare(Exact::new(text, on_gpu), "the GPU");
    }
}

/// A step as text: every op, with a star for each conjugate in it, and what it reads and writes. Slots
/// that ops make are counted by what made them, so that one more of a kind leaves the others' names.
fn wiring(program: &Program) -> String {
    let mut names: HashMap<SlotId, String> = HashMap::new();
    let mut counts: HashMap<String, usize> = HashMap::new();
    let mut name = |id: &SlotId| -> String {
        let known = || {
            let slot = program.slot(*id);
            let own = slot.name.split(" {").next().unwrap_or_default();
            let number = |n: &str| matches!(slot.role, Role::Temp) && n.parse::<usize>().is_ok();
            let made = own.rsplit_once('.').filter(|(_, n)| number(n));
            let stem = made.map_or(own, |(stem, _)| stem);
            let count = counts.entry(stem.to_owned()).or_default();
            *count += 1;
            let first = made.is_none() && *count == 1;
            if first { own.to_owned() } else { format!("{stem}.{count}") }
        };
        names.entry(*id).or_insert_with(known).clone()
    };
    let mut text = String::new();
    for routine in &program.routines {
        text += &format!("{}, batch {}\n", routine.name, routine.batch);
        for section in &routine.sections {
            text += &format!("  {}\n", section.name);
            for node in &section.nodes {
                let [inputs, outputs] = [&node.inputs, &node.outputs]
                    .map(|slots| slots.iter().map(&mut name).collect::<Vec<_>>().join(", "));
                let conjugates = "*".repeat(format!("{:?}", node.op).matches("conj: true").count());
                let op = format!("{}{conjugates}", node.op.name());
                text += &format!("    {outputs} = {op}({inputs})\n");
            }
        }
    }
    text
}

/// The steps of every gradient method, op by op with their operands, as they were when they were read;
/// each on a machine of a few elements.
#[test]
fn steps_are_golden() {
    let stacks = MethodName::ALL.into_iter().map(|method| {
        let name = serde_json::to_value(method).expect("a name");
        let name = name.as_str().expect("text").to_owned();
        let cameras = AT_CAMERAS.contains(&&*name);
        (name, "", stack("open", if cameras { CAMERA } else { "" }, MILD))
    });
    let chips = ["field_conjugation", "three_shot", "echo"]
        .map(|name| (name.to_owned(), "_on_a_chip", chip(SATURABLE, LOSSLESS)));
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/methods");
    let mut changed = Vec::new();
    for (name, on, text) in stacks.chain(chips) {
        let experiment = experiment(&text, &[&format!("train.method={name}")]);
        let recipe = experiment.train.as_ref().expect("a recipe");
        let mut b = Builder::default();
        let twin = Machine::new(&mut b, &experiment.optic, Some(IMAGE), CLASSES, 3).expect("one");
        let (pair, _) = Pair::new(&mut b, twin, &experiment.hardware.clone().unwrap_or_default());
        let method = methods::of(recipe, &experiment.optic, experiment.seed).expect("a method");
        if !method.has_gradient() {
            continue;
        }
        method.build(&mut b, &pair, recipe, &recipe.schedule.factors(10)).expect("a program");
        let found = wiring(&fuse::fuse(&b.finish()));
        let path = folder.join(format!("{name}{on}.txt"));
        if std::env::var_os("LIGHTLOOM_BLESS").is_some() {
            std::fs::create_dir_all(&folder).expect("a folder");
            std::fs::write(&path, &found).expect("write");
        }
        let golden = std::fs::read_to_string(&path).expect("the golden file");
        let other = golden.lines().zip(found.lines()).find(|(old, new)| old != new);
        if golden != found {
            changed.push(format!("{name}{on}: {other:?}"));
        }
    }
    assert!(changed.is_empty(), "steps changed; LIGHTLOOM_BLESS=1 writes them anew: {changed:#?}");
}

/// METHODS.md A3: f(x) = 2 x^1.1 and its model 2.01 x^1.1, n in a row. Wright's own example: the
/// model's output drifts to 0.5, 3 and 33 % at n = 1, 5 and 20; the gradient of physics-aware
/// training, the model's slopes at measured points, is off by its factors 1.005^n alone, and so keeps
/// its direction, while the model's own also sits at the wrong points.
#[test]
fn wrights_toy_keeps_its_gradient() {
    let chain = |a: f64, x: f64, n: usize| {
        let mut all = vec![x];
        for _ in 0..n {
            let last = all[all.len() - 1];
            all.push(a * last.powf(1.1));
        }
        all
    };
    let slope = |a: f64, at: &[f64]| at.iter().map(|x| a * 1.1 * x.powf(0.1)).product::<f64>();
    for (n, gap, aware, alone) in
        [(1, 0.005, 0.005, 0.005), (5, 0.031, 0.0253, 0.031), (20, 0.33, 0.105, 0.33)]
    {
        let (real, model) = (chain(2.0, 1.0, n), chain(2.01, 1.0, n));
        let exact = slope(2.0, &real[..n]);
        let found = model[n] / real[n] - 1.0;
        assert!((found / gap - 1.0).abs() < 0.06, "n = {n}: gap {found}");
        let pat = slope(2.01, &real[..n]) / exact - 1.0;
        let twin = slope(2.01, &model[..n]) / exact - 1.0;
        assert!(
            (pat - (1.005f64.powi(n as i32) - 1.0)).abs() < 1e-9
                && (pat / aware - 1.0).abs() < 0.02
        );
        assert!((twin / alone - 1.0).abs() < 0.06, "n = {n}: twin {twin}");
    }
}

/// Augmented feedback with the camera's own derivative for g is direct feedback, in direction and
/// length, where the twin is the device; with another g it is not.
#[test]
fn augmented_alignment_with_the_cameras_slope_is_direct() {
    let gradients = |method: &str| {
        let text =
            stack("open", CAMERA, "").replace("epochs = 1", &format!("epochs = 1\n{method}"));
        Exact::in_f64(&text).gradients()
    };
    let apart = |slope: &str| -> Vec<f64> {
        let own = gradients(&format!("method = \"adfa\"\nfeedback = {{ slope = \"{slope}\" }}"));
        let direct = gradients("method = \"dfa\"");
        assert_eq!(own.len(), direct.len());
        let size = |g: &[f64]| g.iter().map(|x| x * x).sum::<f64>().sqrt();
        let miss = |(a, b): (&Vec<f64>, &Vec<f64>)| {
            size(&a.iter().zip(b).map(|(x, y)| x - y).collect::<Vec<_>>()) / size(b)
        };
        own.iter().zip(&direct).map(miss).collect()
    };
    assert!(apart("root").iter().all(|&e| e < 1e-12), "{:?}", apart("root"));
    for slope in ["one", "linear", "sine"] {
        let [hidden, last] = apart(slope)[..] else { panic!("two masks") };
        // Behind the camera nothing is replaced.
        assert!(hidden > 0.1 && last < 1e-12, "{slope}: {hidden:e} {last:e}");
    }
}

/// Two cameras, three masks.
fn two_cameras(extra: &str) -> String {
    let between = format!(
        r#"{CAMERA}
  {{ kind = "phase_mask", init = "random" }},
  {{ kind = "free_space", z = "25 um" }},
  {CAMERA}"#
    );
    stack("open", &between, extra)
}

/// The local loss of every camera, and that of the read-out, against five-point differences along the
/// gradient of the mask before it, magnitude included: two cameras, so that a gradient that went back
/// from one to the other would show.
#[test]
fn contrasts_have_the_gradients_of_their_own_layers() {
    for phyll in [false, true] {
        let experiment = experiment(&two_cameras(""), &[]);
        let recipe = experiment.train.as_ref().expect("a recipe");
        let new = if phyll { Contrast::phyll } else { Contrast::forward_forward };
        let method = new(&experiment.optic, &recipe.contrast, 3).expect("cameras");
        let mut b = Builder::default();
        let twin = Machine::new(&mut b, &experiment.optic, Some(IMAGE), CLASSES, 3).expect("one");
        let (image, label) = (twin.image.expect("image"), twin.label.expect("label"));
        let (pair, _) = Pair::new(&mut b, twin, &Hardware::default());
        b.routine("exact", SAMPLES);
        let gradient = method.gradient(&mut b, &pair, recipe).expect("a gradient");
        b.routine("losses", SAMPLES);
        let losses = method.losses(&mut b, &pair, recipe).expect("losses");
        let each: Vec<SlotId> = losses.cameras.iter().copied().chain([losses.last]).collect();
        let means: Vec<SlotId> = (each.iter().enumerate())
            .map(|(k, &loss)| {
                step::mean(&mut b, &format!("loss.{k}"), loss, 0.125).expect("a mean")
            })
            .collect();
        b.section("read");
        let means: Vec<SlotId> =
            means.iter().map(|&m| b.emit(Op::LeafSum(LeafSum), &[m]).expect("a sum")).collect();
        means.iter().enumerate().for_each(|(k, &m)| b.output(m, &format!("loss.{k}")));
        let masks: Vec<(SlotId, SlotId)> =
            pair.twin.trainable.iter().map(|t| (t.slot, gradient.of[&t.slot])).collect();
        assert_eq!((masks.len(), means.len()), (3, 3));
        masks.iter().enumerate().for_each(|(k, m)| b.output(m.1, &format!("grad.{k}")));
        let pairs = b.find("train.pairs").expect("a counter");
        let mut cpu =
            cpu::compile(Arc::new(b.finish()), Precision::F64, Some(1)).expect("a thread");
        feed(&mut *cpu, image, label);
        cpu.run("exact", SAMPLES).expect("a run");
        assert_eq!(cpu.read(pairs).expect("a count"), Data::Index(vec![1]));
        // The same wrong labels again.
        cpu.write(pairs, &Data::Index(vec![0])).expect("write");
        for (k, (mask, grad)) in masks.into_iter().enumerate() {
            let g = cpu.read(grad).expect("a gradient").reals().to_vec();
            let square: f64 = g.iter().map(|g| g * g).sum();
            assert!(square > 0.0, "layer {k} has no gradient");
            let start = cpu.read(mask).expect("a mask").reals().to_vec();
            let h = 1e-3 / square.sqrt();
            let mut at = |t: f64| {
                let moved = start.iter().zip(&g).map(|(x, g)| x + t * g).collect();
                cpu.write(mask, &Data::Real(moved)).expect("write");
                cpu.run("losses", SAMPLES).expect("a run");
                cpu.read(means[k]).expect("a loss").reals()[0]
            };
            let slope = (8.0 * (at(h) - at(-h)) - (at(2.0 * h) - at(-2.0 * h))) / (12.0 * h);
            at(0.0);
            let error = (slope / square - 1.0).abs();
            assert!(error < 1e-6, "phyll {phyll}, layer {k}: off by {error:e}");
        }
    }
}

/// A wrong label is never the right one, and each of the others comes as often: 3,000 draws, 1,500
/// each, whose standard deviation is 27. Another step draws others.
#[test]
fn wrong_labels_are_wrong_and_even() {
    let draws = 3000;
    let mut b = Builder::default();
    let label = b.input("label", Shape::index(&[1]));
    let count = b.state("step", Shape::index(&[1]), Data::Index(vec![0]));
    b.routine("draw", draws);
    let op = Op::WrongLabel(WrongLabel { classes: CLASSES, seed: 5, site: 300 });
    let wrong = b.emit(op, &[label, count]).expect("it takes its operands");
    b.output(wrong, "wrong");
    let mut cpu = cpu::compile(Arc::new(b.finish()), Precision::F64, Some(1)).expect("a thread");
    let labels: Vec<u32> = (0..draws).map(|i| (i % CLASSES) as u32).collect();
    cpu.write(label, &Data::Index(labels.clone())).expect("write");
    let mut at = |step: u32| {
        cpu.write(count, &Data::Index(vec![step])).expect("write");
        cpu.run("draw", draws).expect("a run");
        let Data::Index(drawn) = cpu.read(wrong).expect("labels") else { panic!("no labels") };
        drawn
    };
    let drawn = at(0);
    let next: usize = drawn.iter().zip(&labels).filter(|(w, l)| **w == (**l + 1) % 3).count();
    assert!(drawn.iter().zip(&labels).all(|(w, l)| w != l && *w < 3));
    assert!((1400..1600).contains(&next), "{next} of {draws}");
    assert_ne!(at(1), drawn);
}

/// Every exposure of a step has noise of its own: a draw that adds to a mask, or that a detector makes,
/// is addressed apart in each.
#[test]
fn exposures_of_a_step_have_their_own_noise() {
    let faults = FAULTS.replace("levels = 32", "levels = 4096");
    // Light passes two masks, and one up to the camera; on its way back one before the last that is read.
    for (method, passed, read) in [
        ("phyll", 1 + 1 + 2, 1 + 1 + 2),
        ("spsa", 8 * 2, 8),
        ("flops", 5 * 2, 5),
        ("field_conjugation", 2 + 1, 1),
        ("three_shot", 3 * 2, 1),
        ("echo", 2 + 1 + 1, 1),
    ] {
        let camera = if method == "phyll" { CAMERA } else { "" };
        let experiment =
            experiment(&stack("open", camera, &faults), &[&format!("train.method={method}")]);
        let recipe = experiment.train.as_ref().expect("a recipe");
        let mut b = Builder::default();
        let twin = Machine::new(&mut b, &experiment.optic, Some(IMAGE), CLASSES, 3).expect("one");
        let (pair, _) = Pair::new(&mut b, twin, &experiment.hardware.clone().unwrap_or_default());
        let method_of = methods::of(recipe, &experiment.optic, experiment.seed).expect("a method");
        method_of.build(&mut b, &pair, recipe, &recipe.schedule.factors(10)).expect("a program");
        let program = fuse::fuse(&b.finish());
        let nodes = program.routines.iter().flat_map(|r| &r.sections).flat_map(|s| &s.nodes);
        let (mut masks, mut detectors) = (BTreeSet::new(), BTreeSet::new());
        for node in nodes {
            match &node.op {
                Op::Draw(draw) if draw.dims == [16, 12] && draw.noise == Noise::Normal(0.05) => {
                    assert!(masks.insert(draw.site), "{method}: {} twice", draw.site);
                }
                Op::Expose(expose) => {
                    assert!(detectors.insert(expose.site), "{method}: {} twice", expose.site);
                }
                _ => {}
            }
        }
        assert_eq!((masks.len(), detectors.len()), (passed, read), "{method}");
    }
}

/// The parameters that a method has after a step, of a run of this seed on one machine.
fn stepped(text: &str, method: &str, seed: u64) -> Vec<f64> {
    let experiment = experiment(text, &[&format!("train.method={method}")]);
    let recipe = experiment.train.as_ref().expect("a recipe");
    let mut b = Builder::default();
    let twin = Machine::new(&mut b, &experiment.optic, Some(IMAGE), CLASSES, 3).expect("one");
    let (image, label) = (twin.image.expect("image"), twin.label.expect("label"));
    let (pair, _) = Pair::new(&mut b, twin, &experiment.hardware.clone().unwrap_or_default());
    let mut method = methods::of(recipe, &experiment.optic, seed).expect("a method");
    method.build(&mut b, &pair, recipe, &recipe.schedule.factors(10)).expect("a step");
    let params: Vec<SlotId> = pair.twin.trainable.iter().map(|t| t.slot).collect();
    let mut cpu = cpu::compile(Arc::new(b.finish()), Precision::F64, Some(1)).expect("a thread");
    feed(&mut *cpu, image, label);
    for _ in 0..2 {
        let mut bench = methods::Bench { executor: &mut *cpu, count: SAMPLES };
        method.step(&mut bench).expect("a step");
    }
    params.iter().flat_map(|&s| cpu.read(s).expect("numbers").reals().to_vec()).collect()
}

/// What a method draws is the run's own: another seed takes other steps, the same seed the same.
#[test]
fn what_methods_draw_follows_the_seed() {
    let cases = [
        ("vaccination", ""),
        ("spsa", ""),
        ("flops", ""),
        ("mixed", ""),
        ("cma_es", ""),
        ("pepg", ""),
        ("dfa", CAMERA),
        ("adfa", CAMERA),
        ("fa", CAMERA),
        ("forward_forward", CAMERA),
        ("phyll", CAMERA),
    ];
    for (method, camera) in cases {
        let text = stack("open", camera, MILD);
        let [one, again, other] = [5, 5, 6].map(|seed| stepped(&text, method, seed));
        assert_eq!(one, again, "{method}");
        assert_ne!(one, other, "{method}");
    }
}

/// A share that rounds to none is one number: a step of it moves its superpixel alone, and may be taken
/// back by the next.
#[test]
fn mixed_training_moves_a_number_at_least() {
    let of = |options: &str, seed: u64| {
        let text = stack("open", "", "")
            .replace("epochs = 1", &format!("epochs = 1\nsearch = {{ {options} }}"));
        stepped(&text, "mixed", seed)
    };
    let start = of("skip = 1.0", 0);
    let moved = |seed: u64| {
        let all = of("active = 1e-6, skip = 0.0", seed);
        all.iter().zip(&start).filter(|(a, b)| a != b).count()
    };
    let moved: Vec<usize> = (0..6).map(moved).collect();
    // Five by five superpixels of 16 x 12.
    assert!(moved.iter().any(|&n| n > 0) && moved.iter().all(|&n| n <= 4 * 3), "{moved:?}");
}

/// Amplitudes are told between 0 and 1 by every method that moves them without a gradient, of masks that
/// begin at 1.
#[test]
fn no_search_leaves_the_bounds() {
    let text = stack("open", "", "").replacen(
        "phase_mask\", init = \"random\"",
        "amplitude_mask\", trainable = true",
        1,
    );
    for method in ["spsa", "flops", "finite_differences", "mixed", "cma_es", "pepg"] {
        let all = stepped(&text, method, 3);
        let amplitudes = &all[..16 * 12];
        assert!(amplitudes.iter().all(|a| (0.0..=1.0).contains(a)), "{method}: {amplitudes:?}");
        assert!(amplitudes.iter().any(|&a| a < 1.0), "{method}: nothing moved");
    }
}

/// Nor is a lab told more: both sides of a probe lie within.
#[test]
fn a_lab_is_told_what_it_can_show() {
    let text = stack("open", "", "[hardware]\nlab = { command = [\"none\"] }").replacen(
        "phase_mask\", init = \"random\"",
        "amplitude_mask\", trainable = true",
        1,
    );
    let experiment = experiment(&text, &["train.method=spsa", "train.spsa.size=0.1"]);
    let recipe = experiment.train.as_ref().expect("a recipe");
    let mut b = Builder::default();
    let twin = Machine::new(&mut b, &experiment.optic, Some(IMAGE), CLASSES, 3).expect("one");
    let (pair, _) = Pair::new(&mut b, twin, &experiment.hardware.clone().unwrap_or_default());
    let method = methods::of(recipe, &experiment.optic, 3).expect("a method");
    method.build(&mut b, &pair, recipe, &recipe.schedule.factors(10)).expect("a step");
    let mut cpu = cpu::compile(Arc::new(b.finish()), Precision::F64, Some(1)).expect("a thread");
    cpu.run("probe.draw", 1).expect("a draw");
    let mut told = |side: &str| {
        let name = format!("probe.0.{side}.optic.element.1.amplitude");
        let slot = cpu.program().find(&name).expect("an output");
        cpu.read(slot).expect("numbers").reals().to_vec()
    };
    let (up, down) = (told("1"), told("-1"));
    for (up, down) in up.into_iter().zip(down) {
        assert!([up, down].contains(&1.0), "{up} {down}");
        assert!((up.min(down) - 0.9).abs() < 1e-12, "{up} {down}");
    }
}

/// A weight on the efficiency is part of the last layer's loss, which no feedback matrix stands in for:
/// behind the last camera of a perfect twin the gradient is the exact one.
#[test]
fn the_last_layer_of_an_alignment_is_exact() {
    let text = stack("open", CAMERA, "");
    for method in ["dfa", "adfa", "fa"] {
        let set = ["train.loss.efficiency_weight=0.5"];
        let all = Both::new(&text, method, &set).compare();
        let (name, cosine, ratio) = all.last().expect("a mask");
        assert!(
            1.0 - cosine < 1e-12 && (ratio - 1.0).abs() < 1e-12,
            "{method}, {name}: cosine {cosine}, ratio {ratio}"
        );
    }
}

/// A label that does not fit into the image is refused with the numbers.
#[test]
fn labels_need_room_in_the_image() {
    let text = stack("open", CAMERA, "");
    let experiment = experiment(&text, &["train.method=phyll", "train.contrast.rows=5"]);
    let recipe = experiment.train.as_ref().expect("a recipe");
    let mut b = Builder::default();
    let twin = Machine::new(&mut b, &experiment.optic, Some(IMAGE), CLASSES, 3).expect("one");
    let (pair, _) = Pair::new(&mut b, twin, &Hardware::default());
    let method = methods::of(recipe, &experiment.optic, experiment.seed).expect("a method");
    b.routine("both", SAMPLES);
    let refused = method.gradient(&mut b, &pair, recipe).expect_err("no room").to_string();
    assert!(refused.contains("5 rows and 3 columns of an image of 5 x 4"), "{refused}");
}

/// A method that does not suit a machine is refused with the reason.
#[test]
fn unsuitable_methods_are_refused() {
    let refused = |text: &str, method: &str| {
        let experiment = experiment(text, &[&format!("train.method={method}")]);
        let recipe = experiment.train.as_ref().expect("a recipe");
        methods::of(recipe, &experiment.optic, experiment.seed)
            .err()
            .expect("a refusal")
            .to_string()
    };
    for method in AT_CAMERAS {
        assert!(refused(&stack("open", "", ""), method).contains("no camera"));
    }
    assert!(refused(&stack("open", CAMERA, ""), "echo").contains("camera"));
    let absorber =
        r#"{ kind = "activation", function = "saturable", absorption = 2.0, saturation = 0.3 },"#;
    assert!(refused(&stack("open", absorber, ""), "field_conjugation").contains("sent back"));
    let coupled = stack("open", r#"{ kind = "couple", modes = 9 },"#, "")
        .replace("detector = { size = \"6 um\", grid = [1, 3], spread = 0.8 }", "detector = {}")
        .replace("{ kind = \"phase_mask\", init = \"random\" },\n  { kind = \"free_space\", z = \"35 um\" },", "{ kind = \"mesh\" },");
    assert!(refused(&coupled, "three_shot").contains("coupler"));
    let mesh_less = chip(SATURABLE, "")
        .lines()
        .filter(|l| !l.contains("mesh\"") && !l.contains("svd"))
        .fold(String::new(), |text, line| text + line + "\n");
    let masks = mesh_less.replace("{ kind = \"detect\" }", "{ kind = \"phase_mask\" }");
    assert!(refused(&masks, "echo").contains("no mesh"));
}

/// The noise of an exposure is one phase of all that a sample of a mask shows, also of the four pixels
/// under it where the mask is turned: drawn once a mask, and the mask itself is made once a step.
#[test]
fn a_turned_mask_draws_its_noise_once() {
    for rotation in ["0.0", "0.01"] {
        let set = format!("hardware.alignment.rotation={rotation}");
        let experiment = experiment(&stack("open", "", FAULTS), &[&set]);
        let mut b = Builder::default();
        let twin = Machine::new(&mut b, &experiment.optic, Some(IMAGE), CLASSES, 3).expect("one");
        let hardware = experiment.hardware.clone().unwrap_or_default();
        let (pair, _) = Pair::new(&mut b, twin, &hardware);
        b.routine("shown", SAMPLES);
        pair.device.show(&mut b).expect("a reading");
        let program = b.finish();
        let samples = |name: &str| {
            let sections = program.routines[0].sections.iter();
            let own = sections.filter(|s| s.scope == Scope::PerSample).flat_map(|s| &s.nodes);
            own.filter(|n| n.op.name() == name).count()
        };
        assert_eq!((samples("draw"), samples("phasor")), (2, 2), "{rotation}");
    }
}

/// No faults at all lower to the program of no hardware.
#[test]
fn ideal_hardware_is_none() {
    let dump = |extra: &str| {
        let experiment = experiment(&stack("open", "", extra), &[]);
        let mut b = Builder::default();
        let twin = Machine::new(&mut b, &experiment.optic, Some(IMAGE), CLASSES, 3).expect("one");
        let (_, device) = Pair::new(&mut b, twin, &experiment.hardware.unwrap_or_default());
        b.routine("both", SAMPLES);
        let recipe = experiment.train.expect("a recipe");
        backprop::exact(&mut b, &device, &recipe).expect("a gradient");
        b.finish().to_string()
    };
    assert_eq!(dump("[hardware]\n"), dump(""));
    assert_ne!(dump(FAULTS), dump(""));
    assert!(Hardware::default().is_ideal());
}
