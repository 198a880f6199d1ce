//! Chips as a user runs them: training, and one trained machine on many imperfect chips.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

const CHIP: &str = r#"seed = 1
data = { name = "mnist", train_limit = 2000 }
[optic]
wavelength = "1.55 um"
modes = 16
input = { front = "fourier", power = 10.0 }
element = [
  { kind = "svd" },
  { kind = "activation", function = "saturable", absorption = 1.0, saturation = 1.0 },
  { kind = "mesh", topology = "butterfly" },
  { kind = "mesh", topology = "reck", symmetric = true },
  { kind = "mesh", trainable = false },
]
detector = {}
[train]
epochs = 3
batch = 50
optimizer = { kind = "adam", lr = 0.03 }
"#;

/// What is wrong with the chips that the ideal machine is judged on.
const FAULTS: [&str; 4] =
    ["--set", "hardware.mesh.splitter_angle=0.02", "--set", "hardware.mesh.theta_std=0.05"];

/// Standard output of a command that must succeed, as JSON.
fn json(folder: &Path, args: &[&str]) -> Value {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lightloom"));
    let output = command.current_dir(folder).args(args).output().expect("the program starts");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{args:?}: {said}");
    serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{args:?}: {e}"))
}

fn accuracies(sizes: &Value) -> Vec<f64> {
    let all = sizes["accuracies"].as_array().expect("accuracies");
    all.iter().map(|a| a.as_f64().expect("a number")).collect()
}

#[test]
fn a_trained_chip_is_judged_over_many() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = folder.path();
    std::fs::write(at.join("chip.toml"), CHIP).expect("a file");
    let cpu = ["--backend", "cpu", "--json"];
    let train = ["train", "chip.toml", "--out", "run", "--no-images"];
    let trained = json(at, &[&train[..], &cpu].concat());
    let reached = trained["test_accuracy"].as_f64().expect("a number");
    // Chance is 0.1; two thousand digits through sixteen numbers reach far more.
    assert!(reached > 0.6, "{reached}");

    let eval = ["eval", "run/checkpoint.safetensors"];
    let over =
        |more: &[&str]| json(at, &[&eval[..], &["--chips", "6"], &FAULTS, more, &cpu].concat());
    let all = over(&["--scales", "0,1,3", "--plot", "noise.png", "--at-least", "0.5"]);
    let sizes = all[0]["sizes"].as_array().expect("sizes");
    assert_eq!(sizes.len(), 3);
    // Without errors every chip is the trained machine: its phases through matrices in f64 and f32
    // agree with its light through the columns but for digits on the edge between two answers.
    for accuracy in accuracies(&sizes[0]) {
        assert!((accuracy - reached).abs() <= 0.001, "{accuracy} and {reached}");
    }
    let mean = |k: usize| sizes[k]["mean"].as_f64().expect("a mean");
    let spread = |k: usize| sizes[k]["std"].as_f64().expect("a spread");
    assert!(mean(2) < mean(1) && mean(1) < mean(0), "{} {} {}", mean(0), mean(1), mean(2));
    assert!(spread(0) < 1e-12 && spread(1) > 0.0);
    assert!(sizes[0]["yield"] == 1.0, "{}", sizes[0]);
    assert!(at.join("noise.png").metadata().expect("a picture").len() > 1000);

    // The same seed draws the same chips, another seed others.
    let again = over(&[]);
    assert_eq!(accuracies(&again[0]["sizes"][0]), accuracies(&sizes[1]));
    let others = over(&["--seed", "99"]);
    assert_ne!(accuracies(&others[0]["sizes"][0]), accuracies(&sizes[1]));
}

/// A kill and a resume end at the same bits as a run without.
#[test]
fn a_chip_resumes() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = folder.path();
    // On a device with noise: what is drawn must go on where it stopped, however often it was looked at.
    let noisy = "[hardware]\ndetector = { photons = 1e8, read = 2.0 }\nmesh = { splitter_angle = 0.02, theta_std = 0.05, shot_std = 0.01, crosstalk = 0.01, drift_std = 0.002, step_s = 4.0 }\n";
    std::fs::write(at.join("chip.toml"), format!("{CHIP}{noisy}")).expect("a file");
    let whole = ["--backend", "cpu", "--no-images", "--json"];
    let run = |out: &str, more: &[&str]| {
        json(at, &[&["train", "chip.toml", "--out", out], &whole[..], more].concat())
    };
    run("whole", &[]);
    run("part", &["--set", "train.steps=50"]);
    run("part", &["--resume"]);
    let (whole, part) = (tensors(at, "whole"), tensors(at, "part"));
    assert!(whole.iter().any(|(name, _)| name == "optic.element.0.right.theta"));
    assert!(whole == part, "a resumed run ends elsewhere");
}

/// Bytes of every tensor of a run's checkpoint, by name.
fn tensors(at: &Path, run: &str) -> Vec<(String, Vec<u8>)> {
    let file = std::fs::read(at.join(run).join("checkpoint.safetensors")).expect("a checkpoint");
    let tensors = safetensors::SafeTensors::deserialize(&file).expect("tensors");
    let mut all: Vec<_> = tensors.iter().map(|(n, t)| (n.to_owned(), t.data().to_vec())).collect();
    all.sort();
    all
}

/// Complex states are kept in the precision of the run: in f64 as well a resumed one ends at the same
/// bits.
#[test]
fn components_resume_in_double_precision() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = folder.path();
    std::fs::write(at.join("chip.toml"), CHIP.replace("fourier", "pca")).expect("a file");
    let how = "--backend cpu --precision f64 --no-images --json";
    let how: Vec<&str> = how.split(' ').collect();
    let run = |out: &str, steps: &str, more: &[&str]| {
        let args = ["train", "chip.toml", "--out", out, "--set", steps];
        json(at, &[&args[..], &how, more].concat());
    };
    run("whole", "train.steps=6", &[]);
    run("part", "train.steps=3", &[]);
    run("part", "train.steps=6", &["--resume"]);
    let (whole, part) = (tensors(at, "whole"), tensors(at, "part"));
    let components = whole.iter().find(|(name, _)| name == "optic.input.components");
    // 784 values, 16 guides, two f64 each.
    assert_eq!(components.expect("the components").1.len(), 784 * 16 * 16);
    assert!(whole == part, "a resumed run ends elsewhere");
}

/// Guides that change in number, and those of a diamond that are no modes: trained, judged on chips,
/// drawn.
#[test]
fn guides_change_in_number() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = folder.path();
    let elements = r#"element = [
  { kind = "svd", outputs = 12 },
  { kind = "activation", function = "saturable", absorption = 1.0, saturation = 1.0 },
  { kind = "mesh", topology = "diamond" },
  { kind = "svd", outputs = 14 },
]
detector"#;
    let (start, end) = (CHIP.find("element").expect("it"), CHIP.find("detector").expect("it"));
    let text = format!("{}{elements}{}", &CHIP[..start], &CHIP[end + "detector".len()..]);
    std::fs::write(at.join("chip.toml"), text).expect("a file");
    let cpu = ["--backend", "cpu", "--json"];
    let trained = json(at, &[&["train", "chip.toml", "--out", "run"][..], &cpu].concat());
    let reached = trained["test_accuracy"].as_f64().expect("a number");
    assert!(reached > 0.6, "{reached}");
    for picture in ["mesh_0.png", "mesh_2.png", "mesh_3.png"] {
        let size = at.join("run/images").join(picture).metadata().expect("a picture").len();
        assert!(size > 1000, "{picture}");
    }
    let eval = ["eval", "run/checkpoint.safetensors"];
    let over = ["--chips", "2", "--scales", "0,1", "--range", "0..2000"];
    let all = json(at, &[&eval[..], &over, &FAULTS, &cpu].concat());
    let plain = json(at, &[&eval[..], &["--range", "0..2000"], &cpu].concat());
    let plain = plain["accuracy"].as_f64().expect("a number");
    for accuracy in accuracies(&all[0]["sizes"][0]) {
        assert!((accuracy - plain).abs() <= 0.002, "{accuracy} and {plain}");
    }
    let dump = ["--range", "0..1", "--dump-fields", "fields"];
    json(at, &[&eval[..], &dump, &cpu].concat());
    let (shape, _) = lightloom::files::npy::read_field(&at.join("fields/00000_output.npy"))
        .expect("the field behind the last layer");
    assert_eq!(shape, [1, 14]);
}

/// The principal components are those of the training set, kept with what was trained: another
/// training set at hand changes nothing.
#[test]
fn components_are_kept() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = folder.path();
    let text = CHIP.replace("fourier", "pca");
    std::fs::write(at.join("chip.toml"), text).expect("a file");
    let cpu = ["--backend", "cpu", "--json"];
    let train = ["train", "chip.toml", "--out", "run", "--no-images"];
    let trained = json(at, &[&train[..], &cpu].concat());
    let reached = trained["test_accuracy"].as_f64().expect("a number");
    assert!(reached > 0.6, "{reached}");
    for more in [&[][..], &["--set", "data.train_limit=100"]] {
        let said = json(at, &[&["eval", "run/checkpoint.safetensors"], more, &cpu].concat());
        let found = said["accuracy"].as_f64().expect("a number");
        assert!((found - reached).abs() < 1e-12, "{more:?}: {found} and {reached}");
    }
}

/// Two beams of the same power, in phase or not: nothing but the phase tells the classes.
#[test]
fn complex_numbers_enter_as_light() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = folder.path();
    // Class, amplitude and phase of each of two guides.
    let samples: Vec<(usize, [f64; 4])> = (0..72)
        .map(|k| {
            let (class, common, noise) = (k % 2, f64::from(k as u32) * 0.7, 0.2 * (k as f64).sin());
            let apart = std::f64::consts::PI * class as f64 + noise;
            (class, [0.7, common, 0.7, common + apart])
        })
        .collect();
    let rectangular = |[a, p, b, q]: [f64; 4]| {
        [a * p.cos(), a * p.sin(), b * q.cos(), b * q.sin()].map(|x| x as f32)
    };
    let table = |values: &dyn Fn([f64; 4]) -> [f64; 4]| {
        let rows = samples.iter().map(|(class, s)| {
            let [a, b, c, d] = values(*s);
            format!("{a},{b},{c},{d},{}", ["in", "out"][*class])
        });
        let rows: Vec<String> = rows.collect();
        format!("a,b,c,d,class\n{}\n", rows.join("\n"))
    };
    std::fs::write(at.join("polar.csv"), table(&|s| s)).expect("a file");
    let parts = table(&|s| rectangular(s).map(f64::from));
    std::fs::write(at.join("cartesian.csv"), parts).expect("a file");
    let arrays = at.join("arrays");
    std::fs::create_dir(&arrays).expect("a folder");
    for (name, range) in [("train", 0..60), ("test", 60..72)] {
        let part = &samples[range];
        let x = part.iter().flat_map(|(_, s)| {
            let [a, b, c, d] = rectangular(*s);
            [num_complex::Complex::new(a, b), num_complex::Complex::new(c, d)]
        });
        let x: Vec<_> = x.collect();
        let y: Vec<f32> = part.iter().map(|(class, _)| *class as f32).collect();
        let path = |kind: &str| arrays.join(format!("{kind}_{name}.npy"));
        lightloom::files::npy::write_complex64(&path("x"), &[part.len(), 2], &x).expect("x");
        lightloom::files::npy::write_f32(&path("y"), &[y.len()], &y).expect("y");
    }
    let mut losses = Vec::new();
    for data in [
        "path = \"polar.csv\", complex = \"polar\"",
        "path = \"cartesian.csv\", complex = \"cartesian\"",
        "path = \"arrays\"",
    ] {
        let text = format!(
            "seed = 1\ndata = {{ {data} }}\n[optic]\nwavelength = \"1.55 um\"\nmodes = 2\n\
             input = {{ front = \"complex\" }}\nelement = [{{ kind = \"mesh\" }}]\n\
             detector = {{}}\n[train]\nepochs = 60\nbatch = 5\n\
             optimizer = {{ kind = \"adam\", lr = 0.05 }}\n"
        );
        std::fs::write(at.join("phase.toml"), text).expect("a file");
        let train = ["train", "phase.toml", "--out", "run", "--no-images"];
        let said = json(at, &[&train[..], &["--backend", "cpu", "--json"]].concat());
        let reached = said["test_accuracy"].as_f64().expect("a number");
        assert!(reached > 0.99, "{data}: {reached}");
        let last = std::fs::read_to_string(at.join("run/metrics.jsonl")).expect("metrics");
        let last: Value = serde_json::from_str(last.lines().last().expect("a line")).expect("JSON");
        losses.push(last["train_loss"].as_f64().expect("a loss"));
        std::fs::remove_dir_all(at.join("run")).expect("the run");
    }
    // The tables hold the same samples in the same order, rounded once more in one.
    assert!((losses[0] - losses[1]).abs() < 1e-4 * losses[0], "{losses:?}");
}

/// Chips in a comparison: fields and powers at the shifters give the device's own gradient, whose
/// output phases before detectors are left out, for nothing sees them. In f32.
#[test]
fn chips_measure_their_gradients() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = folder.path();
    let lossless = "[hardware]\nmesh = { splitter_angle = 0.02, theta_std = 0.05 }\n";
    let text = format!("{CHIP}{lossless}").replace("epochs = 3", "epochs = 1\nsteps = 2");
    std::fs::write(at.join("chip.toml"), text).expect("a file");
    let methods = "field_conjugation,three_shot,echo";
    let how = ["--seeds", "1", "--looks", "1", "--samples", "100", "--backend", "cpu", "--json"];
    let args = [&["compare", "chip.toml", "--out", "out", "--methods", methods][..], &how].concat();
    json(at, &args);
    for method in ["fieldconjugation", "threeshot", "echo"] {
        let path = at.join(format!("out/cells/chip.{method}.0.json"));
        let text = std::fs::read_to_string(path).expect("a cell");
        let cell: Value = serde_json::from_str(&text).expect("JSON");
        let layers = cell["outcome"]["curve"][0]["layers"].as_array().expect("layers");
        // Seven of the SVD layer, three each of two meshes.
        assert_eq!(layers.len(), 13, "{method}");
        for layer in layers {
            let number = |key: &str| layer[key].as_f64().expect("a number");
            let (cosine, ratio) = (number("cosine"), number("ratio"));
            let fine = cosine > 0.999 && (ratio - 1.0).abs() < 0.03;
            assert!(fine, "{method}, {}: {cosine} {ratio}", layer["name"]);
        }
    }
}
