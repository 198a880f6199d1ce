//! A device behind another process: the reference server trains as the simulated device does, and
//! what goes wrong with a server is said.

use std::path::Path;
use std::process::Command;

use assert_cmd::cargo::CommandCargoExt;
use lightloom::lab::frame::Frame;
use lightloom::lab::{Hello, VERSION};
use lightloom::train::checkpoint;

const OPTIC: &str = r#"
seed = 1
[data]
name = "mnist"
train_limit = 640
[optic]
wavelength = "0.75 mm"
pitch = "0.4 mm"
samples = 20
input = { encoding = "amplitude", aperture = 0.7 }
element = [
  { kind = "free_space", z = "15 mm" },
  { kind = "phase_mask", init = "random" },
  { kind = "free_space", z = "15 mm" },
  { kind = "phase_mask" },
  { kind = "free_space", z = "15 mm" },
]
detector = { size = "1.2 mm", spread = 0.9 }
[train]
method = "pat"
epochs = 1
steps = 12
batch = 32
optimizer = { kind = "adam", lr = 0.05 }
# One level, which a lab does not tell.
spsa = { size = 0.4 }
flops = { size = 0.4 }
search = { size = 0.4 }
"#;

const FAULTS: &str = r#"
[hardware]
seed = 3
mask = { levels = 16, phase_std = 0.3 }
alignment = { lateral = "0.2 mm" }
"#;

fn lightloom() -> Command {
    let mut command = Command::cargo_bin("lightloom").expect("the binary");
    command.args(["--backend", "cpu", "--threads", "1"]);
    command
}

fn write(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    std::fs::write(&path, text).expect("a file");
    path.display().to_string()
}

fn lab(command: &[&str], timeout: f64) -> String {
    format!("[hardware]\nlab = {{ command = {command:?}, timeout_s = {timeout} }}\n")
}

fn train(folder: &Path, experiment: &str, out: &str) -> std::process::Output {
    let mut command = lightloom();
    command.args(["train", experiment, "--no-images", "--json", "--out"]).arg(folder.join(out));
    command.output().expect("a run")
}

/// Training through the protocol ends where it ends on the same device in the process: the readings are
/// f32 in both, in other units of rounding. Methods that tell the device parameters of their own are
/// told by another way there.
#[test]
fn the_reference_server_is_the_simulated_device() {
    for method in ["pat", "last_layer", "spsa", "flops", "pepg"] {
        through_the_protocol(&OPTIC.replace("\"pat\"", &format!("\"{method}\"")), method);
    }
    // With a digital layer, which learns from what comes back.
    let head = OPTIC.replace("spread = 0.9", "spread = 0.9, head = { readings = 10 }");
    for method in ["spsa", "flops"] {
        through_the_protocol(&head.replace("\"pat\"", &format!("\"{method}\"")), method);
    }
}

/// Trains on the simulated device, and on the reference server that simulates it.
fn through_the_protocol(optic: &str, method: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    let simulated = write(here, "device.toml", &format!("{optic}{FAULTS}"));
    let binary = assert_cmd::cargo::cargo_bin("lightloom").display().to_string();
    let serve = [&*binary, "lab", "serve", &*simulated, "--backend", "cpu", "--threads", "1"];
    let real = write(here, "real.toml", &format!("{optic}{}", lab(&serve, 60.0)));
    let accuracy = |experiment: &str, out: &str| {
        let output = train(here, experiment, out);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{error}");
        let summary: serde_json::Value = serde_json::from_slice(&output.stdout).expect("a summary");
        let accuracy = summary["test_accuracy"].as_f64().expect("an accuracy");
        let path = here.join(out).join("checkpoint.safetensors");
        (accuracy, checkpoint::read(&path).expect("a checkpoint").tensors)
    };
    let ((own, kept), (through, others)) =
        (accuracy(&simulated, "own"), accuracy(&real, "through"));
    assert!((own - through).abs() < 0.002, "{own} in the process, {through} through the protocol");
    // Every step's loss, and where 12 steps of 0.05 left the parameters.
    let mut apart = 0.0f64;
    for (name, (_, values)) in &kept {
        let trained = ["optic.", "detector.", "train.loss_ring"];
        if !trained.iter().any(|start| name.starts_with(start)) {
            continue;
        }
        let other = others[name].1.reals();
        apart = values.reals().iter().zip(other).map(|(a, b)| (a - b).abs()).fold(apart, f64::max);
    }
    println!("lab: {method}: {own} and {through}, apart by {apart:.1e}");
    assert!(apart < 0.01, "{method}: {apart}");
    let ring = kept["train.loss_ring"].1.reals();
    assert!(ring[..12].windows(2).all(|l| l[0] > 0.0 && l[0] != l[1]), "{method}: {ring:?}");
}

#[test]
fn what_goes_wrong_with_a_server_is_said() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    // It has the greeting before it answers: one that ends sooner is said to have ended.
    let says = |frame: &str| format!("head -c 9 >/dev/null; printf '{frame}'");
    let cases: [(&[&str], f64, i32, &str); 5] = [
        (&["/nowhere/slm"], 5.0, 2, "does not start"),
        (&["true"], 5.0, 1, "the server"),
        (&["sleep", "30"], 0.3, 1, "no answer within 0.3 s"),
        (&["sh", "-c", &says(r"\005\000\000\000Habc")], 5.0, 1, "malformed frame"),
        (&["sh", "-c", &says(r"\003\000\000\000H{}")], 5.0, 1, "not what the protocol says"),
    ];
    for (n, (command, timeout, code, text)) in cases.into_iter().enumerate() {
        let name = format!("{n}.toml");
        let experiment = write(here, &name, &format!("{OPTIC}{}", lab(command, timeout)));
        let output = train(here, &experiment, "out");
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{command:?}: {error}");
        assert!(error.contains(text), "{command:?}: {error}");
        assert!(!here.join("out").exists(), "{command:?} left a folder behind");
    }
}

/// A server that takes no more of what it is told, 100 kB of images that no pipe holds, fails the run
/// within the limit, as one that does not answer.
#[test]
fn a_server_that_stops_reading_is_given_up() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    let masks = [1, 3].map(|i| (format!("optic.element.{i}.phase"), vec![20, 20]));
    let hello = Hello {
        version: VERSION,
        name: "deaf".into(),
        image: [28, 28],
        readings: 10,
        parameters: masks.into(),
    };
    let hello = Frame::new(b'H', serde_json::to_vec(&hello).expect("JSON"));
    let path = here.join("hello");
    hello.write(&mut std::fs::File::create(&path).expect("a file")).expect("a greeting");
    // The greeting, then both masks: a frame's head, a name in quotes, a zero, 400 numbers.
    let mask = 5 + 23 + 1 + 4 * 400;
    let script = format!(
        r"head -c 9 >/dev/null; cat {path:?}; for n in 1 2; do head -c {mask} >/dev/null; printf '\001\000\000\000K'; done; exec sleep 30"
    );
    let text = format!("{OPTIC}{}", lab(&["sh", "-c", &script], 1.0));
    let experiment = write(here, "deaf.toml", &text);
    let started = std::time::Instant::now();
    let output = train(here, &experiment, "out");
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(error.contains("no answer within 1 s"), "{error}");
    assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
}

/// Methods that need more than readings are refused before anything starts.
#[test]
fn methods_that_a_lab_cannot_serve_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = format!("{OPTIC}{}", lab(&["true"], 1.0)).replace("\"pat\"", "\"echo\"");
    let experiment = write(folder.path(), "echo.toml", &text);
    let output = train(folder.path(), &experiment, "out");
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{error}");
    assert!(error.contains("train.method"), "{error}");
}
