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
[hardware.mesh]
splitter_angle = 0.02
theta_std = 0.05
[train]
epochs = 3
batch = 50
optimizer = { kind = "adam", lr = 0.03 }
"#;

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
    let over = |more: &[&str]| json(at, &[&eval[..], &["--chips", "6"], more, &cpu].concat());
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
    std::fs::write(at.join("chip.toml"), CHIP).expect("a file");
    let whole = ["--backend", "cpu", "--no-images", "--json"];
    let run = |out: &str, more: &[&str]| {
        json(at, &[&["train", "chip.toml", "--out", out], &whole[..], more].concat())
    };
    run("whole", &[]);
    run("part", &["--set", "train.steps=50"]);
    run("part", &["--resume"]);
    let bytes = |out: &str| {
        let path = at.join(out).join("checkpoint.safetensors");
        let file = std::fs::read(path).expect("a checkpoint");
        let tensors = safetensors::SafeTensors::deserialize(&file).expect("tensors");
        let mut all: Vec<_> =
            tensors.iter().map(|(n, t)| (n.to_owned(), t.data().to_vec())).collect();
        all.sort();
        all
    };
    let (whole, part) = (bytes("whole"), bytes("part"));
    assert!(whole.iter().any(|(name, _)| name == "optic.element.0.right.theta"));
    assert!(whole == part, "a resumed run ends elsewhere");
}
