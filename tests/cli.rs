//! The program as a user runs it: files, flags, streams and exit codes.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::{Output, Stdio};
use std::time::{Duration, Instant};

use lightloom::experiment::preset;
use lightloom::files::npy;
use lightloom::report::html::Run;
use num_complex::Complex;
use safetensors::tensor::{Dtype, TensorView};
use safetensors::{SafeTensors, serialize};
use serde_json::Value;
use tempfile::TempDir;

/// 16 x 16, two masks, 640 digits.
const TINY: &str = r#"seed = 3
[data]
name = "mnist"
train_limit = 640
[optic]
wavelength = "0.75 mm"
pitch = "0.4 mm"
samples = 16
input = { aperture = 0.9 }
element = [
  { kind = "free_space", z = "10 mm" },
  { kind = "phase_mask" },
  { kind = "free_space", z = "10 mm" },
  { kind = "phase_mask" },
  { kind = "free_space", z = "10 mm" },
]
detector = { size = "0.8 mm", grid = [4, 5], spread = 0.9, differential = true }
[train]
epochs = 2
batch = 32
optimizer = { kind = "adam", lr = 0.05 }
"#;

fn folder() -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::write(folder.path().join("tiny.toml"), TINY).unwrap();
    folder
}

fn command(at: &Path, args: &[&str]) -> std::process::Command {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_lightloom"));
    command.current_dir(at).args(args);
    command
}

fn output(at: &Path, args: &[&str]) -> Output {
    command(at, args).output().expect("the program starts")
}

/// Standard output of a run that must end well.
fn good(at: &Path, args: &[&str]) -> String {
    let out = output(at, args);
    let error = String::from_utf8_lossy(&out.stderr);
    assert_eq!(out.status.code(), Some(0), "{args:?}: {error}");
    String::from_utf8(out.stdout).expect("text")
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|e| panic!("{e}: {text}"))
}

fn json_file(path: &Path) -> Value {
    json(&fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display())))
}

fn train(at: &Path, file: &str, out: &str, more: &[&str]) -> String {
    let mut args = vec!["train", file, "--backend", "cpu", "--no-images", "--out", out];
    args.extend(more);
    good(at, &args)
}

type Tensors = BTreeMap<String, (Dtype, Vec<usize>, Vec<u8>)>;

fn tensors(path: &Path) -> Tensors {
    let bytes = fs::read(path).unwrap();
    let file = SafeTensors::deserialize(&bytes).expect("safetensors");
    let tensor = |(n, v): (&str, TensorView)| {
        (n.to_owned(), (v.dtype(), v.shape().to_vec(), v.data().to_vec()))
    };
    file.iter().map(tensor).collect()
}

#[test]
fn a_run_leaves_what_it_says() {
    let folder = folder();
    let at = folder.path();
    let said = train(at, "tiny.toml", "run", &[]);
    assert!(said.contains("test accuracy"), "{said}");
    let run = at.join("run");

    let metrics = fs::read_to_string(run.join("metrics.jsonl")).unwrap();
    assert_eq!(metrics.lines().count(), 2, "{metrics}");
    for (n, line) in metrics.lines().map(json).enumerate() {
        for key in ["train_loss", "val_accuracy", "seconds", "images_per_s"] {
            assert!(line[key].is_f64(), "{key}: {line}");
        }
        assert_eq!(
            (line["epoch"].as_u64(), line["step"].as_u64()),
            (Some(n as u64 + 1), Some(20 * (n as u64 + 1)))
        );
    }
    let summary = json_file(&run.join("summary.json"));
    let accuracy = summary["test_accuracy"].as_f64().unwrap();
    let [low, high] = [0, 1].map(|i| summary["test_interval"][i].as_f64().unwrap());
    assert!(0.0 <= low && low < accuracy && accuracy < high && high <= 1.0, "{summary}");
    assert!(accuracy > 0.15, "two epochs of 640 digits learn more than chance: {accuracy}");
    assert!(summary["seconds"].as_f64().unwrap() > 0.0);
    if cfg!(target_os = "linux") {
        let peak = summary["peak_rss_mb"].as_f64().unwrap();
        assert!((10.0..300.0).contains(&peak), "{peak} MB");
    }
    let kept = tensors(&run.join("checkpoint.safetensors"));
    for i in [1, 3] {
        let (dtype, shape, bytes) = &kept[&format!("optic.element.{i}.phase")];
        assert_eq!((*dtype, shape.as_slice(), bytes.len()), (Dtype::F32, &[16, 16][..], 1024));
    }
    // The resolved file stands alone and says the same: the same bits.
    train(at, "run/experiment.toml", "again", &[]);
    assert_eq!(tensors(&at.join("again/checkpoint.safetensors")), kept);
    assert_eq!(
        fs::read(run.join("experiment.toml")).unwrap(),
        fs::read(at.join("again/experiment.toml")).unwrap()
    );
    // Another seed is another run; --json is one object.
    let said = train(at, "tiny.toml", "other", &["--seed", "4", "--json"]);
    assert!(json(&said)["test_accuracy"].is_f64());
    assert_ne!(tensors(&at.join("other/checkpoint.safetensors")), kept);
}

/// Killed at any moments and resumed, a run ends in the same bits as one that was left alone.
#[test]
fn a_killed_run_resumes_to_the_same_bits() {
    let folder = folder();
    let at = folder.path();
    let sets: Vec<&str> =
        ["train.steps=600", "train.checkpoint_every=7", "train.epochs=40", "optic.samples=24"]
            .into_iter()
            .flat_map(|s| ["--set", s])
            .collect();
    train(at, "tiny.toml", "whole", &sets);
    let args: Vec<&str> = ["train", "tiny.toml", "--backend", "cpu", "--no-images", "--out", "cut"]
        .into_iter()
        .chain(sets.iter().copied())
        .collect();
    let checkpoint = at.join("cut/checkpoint.safetensors");
    let mut cut_short = 0;
    for n in 0..6u64 {
        let mut args = args.clone();
        if n > 0 {
            args.push("--resume");
        }
        let mut child = command(at, &args)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program starts");
        let started = Instant::now();
        while !checkpoint.exists() && started.elapsed() < Duration::from_secs(30) {
            std::thread::sleep(Duration::from_millis(1));
        }
        // A moment that no two runs share.
        let jitter = u64::from(std::time::UNIX_EPOCH.elapsed().unwrap().subsec_nanos()) % 40;
        std::thread::sleep(Duration::from_millis(30 + 20 * n + jitter));
        let _ = child.kill();
        let ended = child.wait().expect("a child").success();
        cut_short += u32::from(!ended);
        assert!(checkpoint.exists());
    }
    assert!(cut_short > 0, "no run was cut short: they are too fast for this test");
    train(at, "tiny.toml", "cut", &[&sets[..], &["--resume"]].concat());
    let whole = tensors(&at.join("whole/checkpoint.safetensors"));
    assert!(tensors(&checkpoint) == whole, "the bits differ");
    assert_eq!(losses(&at.join("cut")), losses(&at.join("whole")));
}

/// Step and training loss of every line of a run's metrics.
fn losses(run: &Path) -> Vec<(u64, f64)> {
    let text = fs::read_to_string(run.join("metrics.jsonl")).unwrap();
    let line =
        |l: &str| (json(l)["step"].as_u64().unwrap(), json(l)["train_loss"].as_f64().unwrap());
    text.lines().map(line).collect()
}

/// Two epochs of 20 steps, stopped inside each and resumed: whole epochs have the losses of a run that
/// was left alone, and the report knows how long they are.
#[test]
fn an_epoch_in_parts_has_the_loss_of_the_whole() {
    let folder = folder();
    let at = folder.path();
    train(at, "tiny.toml", "whole", &[]);
    train(at, "tiny.toml", "parts", &["--set", "train.steps=10"]);
    train(at, "tiny.toml", "parts", &["--set", "train.steps=30", "--resume"]);
    train(at, "tiny.toml", "parts", &["--resume"]);
    let parts = losses(&at.join("parts"));
    let steps: Vec<u64> = parts.iter().map(|&(step, _)| step).collect();
    assert_eq!(steps, [10, 20, 30, 40]);
    assert_eq!([parts[1], parts[3]], losses(&at.join("whole"))[..]);
    assert_eq!(Run::read(&at.join("parts")).unwrap().epochs(), [0.5, 1.0, 1.5, 2.0]);

    // A kill cuts the last line short, and nothing else any other.
    let path = at.join("parts/metrics.jsonl");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, &text[..text.len() - 9]).unwrap();
    assert_eq!(Run::read(&at.join("parts")).unwrap().metrics.len(), 3);
    fs::write(&path, text.replacen("\"step\":20", "\"step\":2x", 1)).unwrap();
    let args = ["train", "tiny.toml", "--out", "parts", "--resume", "--backend", "cpu"];
    let out = output(at, &args);
    let said = String::from_utf8_lossy(&out.stderr);
    assert_eq!(out.status.code(), Some(2), "{said}");
    assert!(said.contains("metrics.jsonl: line 2") && said.contains("help:"), "{said}");
}

/// What an earlier run left in the folder is not taken for that of the new one.
#[test]
fn a_second_run_takes_the_place_of_the_first() {
    let folder = folder();
    let at = folder.path();
    let run = at.join("run");
    let leave = || {
        fs::create_dir_all(run.join("images")).unwrap();
        for name in
            ["report.html", "energy.json", "compare.json", "images/mask_3.png", "images/my.png"]
        {
            fs::write(run.join(name), "{}").unwrap();
        }
    };
    let is_there = |name: &str| run.join(name).exists();
    train(at, "tiny.toml", "run", &["--set", "train.steps=2"]);
    leave();
    let first = fs::read(run.join("summary.json")).unwrap();
    let again = ["train", "tiny.toml", "--backend", "cpu", "--no-images", "--out", "run"];
    let out = output(at, &[&again[..], &["--set", "train.steps=3"]].concat());
    let said = String::from_utf8_lossy(&out.stderr);
    assert_eq!(out.status.code(), Some(0), "{said}");
    assert!(said.contains("--resume goes on") && said.contains("energy.earlier.json"), "{said}");
    for name in ["report.html", "energy.json", "compare.json", "images/mask_3.png"] {
        assert!(!is_there(name), "{name}");
    }
    for name in ["energy.earlier.json", "compare.earlier.json", "images/my.png"] {
        assert!(is_there(name), "{name}");
    }
    assert_ne!(fs::read(run.join("summary.json")).unwrap(), first);

    // A comparison is of the experiment, with which a resumed run goes on.
    leave();
    train(at, "tiny.toml", "run", &["--set", "train.steps=5", "--resume"]);
    assert!(!is_there("report.html") && !is_there("energy.json") && is_there("compare.json"));
    assert!(is_there("energy.earlier.2.json"));
    // One that has no steps left changes nothing that the others are of.
    leave();
    train(at, "tiny.toml", "run", &["--resume", "--set", "train.steps=5"]);
    assert!(is_there("energy.json") && is_there("report.html"));
}

/// A run goes on with the device and the recipe that it began with, and may end elsewhere.
#[test]
fn a_run_resumes_as_what_it_was() {
    let folder = folder();
    let at = folder.path();
    let cosine = ["--set", "train.schedule={ kind = \"cosine\" }"];
    let constant = ["--set", "train.schedule={ kind = \"constant\" }"];
    let start = ["--set", "train.steps=5"];
    train(at, "tiny.toml", "constant", &[&start[..], &constant].concat());
    train(at, "tiny.toml", "cosine", &[&start[..], &cosine].concat());
    for (run, set, says) in [
        ("constant", "hardware.mask.phase_std=0.1", "hardware.mask.phase_std was 0.0, and is 0.1"),
        ("constant", "optic.pad=3", "optic.pad was 2.0, and is 3.0"),
        ("constant", "optic.element[1].trainable=false", "optic.element[1].trainable was true"),
        ("constant", "train.method=pat", "train.method was \"backprop\", and is \"pat\""),
        ("constant", "train.loss.temperature=0.5", "train.loss.temperature was"),
        ("constant", cosine[1], "another `train.schedule`"),
        ("constant", "train.spsa.probes=2", "another `train.spsa`"),
        ("cosine", "train.epochs=3", "train.epochs was 2, and is 3"),
    ] {
        let own = if run == "cosine" { &cosine } else { &constant };
        let resume = ["train", "tiny.toml", "--out", run, "--resume"];
        let rest = ["--set", set, "--backend", "cpu", "--no-images"];
        let out = output(at, &[&resume[..], own, &rest].concat());
        let said = String::from_utf8_lossy(&out.stderr);
        assert_eq!(out.status.code(), Some(2), "{set}: {said}");
        assert!(said.contains(says), "{set}: {said}");
        assert!(said.contains("experiment.toml beside it"), "{set}: {said}");
    }
    // No device at all is the ideal one.
    let free = ["train.epochs=3", "train.steps=45", "train.checkpoint_every=7", "hardware.seed=0"];
    let free: Vec<&str> = free.into_iter().flat_map(|s| ["--set", s]).collect();
    train(at, "tiny.toml", "constant", &[&["--resume"], &constant[..], &free].concat());
    let lines = losses(&at.join("constant"));
    assert_eq!(lines.last().map(|&(step, _)| step), Some(45));
}

#[test]
fn a_checkpoint_is_evaluated_edited_and_dumped() {
    let folder = folder();
    let at = folder.path();
    train(at, "tiny.toml", "run", &[]);
    let file = "run/checkpoint.safetensors";
    let eval = |file: &str, more: &[&str]| {
        json(&good(at, &[&["eval", file, "--backend", "cpu", "--json"], more].concat()))
    };
    let all = eval(file, &[]);
    let summary = json_file(&at.join("run/summary.json"));
    assert_eq!(all["accuracy"], summary["test_accuracy"]);
    assert_eq!(all["interval"], summary["test_interval"]);
    assert_eq!(all["n"], 10_000);
    assert!(all["loss"].as_f64().unwrap() > 0.0);
    let some = eval(file, &["--split", "val", "--range", "0..100"]);
    assert_eq!((some["n"].as_u64(), some["split"].as_str()), (Some(100), Some("val")));
    // Wider padding is the same optics with less of a numerical error.
    let padded = eval(file, &["--set", "optic.pad=4"]);
    let drift = padded["accuracy"].as_f64().unwrap() - all["accuracy"].as_f64().unwrap();
    assert!(drift.abs() < 0.02, "{drift}");

    eval(file, &["--range", "5..7", "--dump-fields", "dump"]);
    for sample in ["00005", "00006"] {
        for plane in ["input", "before_1", "before_3", "output"] {
            let path = at.join(format!("dump/{sample}_{plane}.npy"));
            let (shape, field) = npy::read_field(&path).expect("a field");
            assert_eq!((shape, field.len()), ([16, 16], 256));
            assert!(field.iter().any(|z| z.norm() > 0.0), "{plane} is dark");
        }
    }
    assert_eq!(fs::read_dir(at.join("dump")).unwrap().count(), 8);

    // A mask may be edited elsewhere and is read back.
    let bytes = fs::read(at.join(file)).unwrap();
    let (_, header) = SafeTensors::read_metadata(&bytes).unwrap();
    let mut edited = tensors(&at.join(file));
    let mask = &mut edited.get_mut("optic.element.1.phase").unwrap().2;
    for (i, word) in mask.chunks_exact_mut(4).enumerate() {
        word.copy_from_slice(&((i * i % 7) as f32).to_le_bytes());
    }
    let views = edited.iter().map(|(n, (t, s, b))| (n, TensorView::new(*t, s.clone(), b).unwrap()));
    let written = serialize(views, header.metadata().clone()).unwrap();
    fs::write(at.join("edited.safetensors"), written).unwrap();
    let spoilt = eval("edited.safetensors", &[]);
    assert!(spoilt["accuracy"].as_f64().unwrap() < all["accuracy"].as_f64().unwrap() - 0.05);
}

/// `eval` reads the device as training left it, and says which; of another nothing is known but how it
/// was built.
#[test]
fn a_drifted_device_is_evaluated_where_it_stands() {
    let folder = folder();
    let at = folder.path();
    let drift = ["--set", "hardware.mask={ phase_std = 0.2, drift_std = 0.3 }"];
    train(at, "tiny.toml", "run", &drift);
    let summary = json_file(&at.join("run/summary.json"));
    let eval = |more: &[&str]| {
        let args = ["eval", "run/checkpoint.safetensors", "--backend", "cpu"];
        let out = output(at, &[&args[..], more].concat());
        let said = String::from_utf8_lossy(&out.stderr).into_owned();
        assert_eq!(out.status.code(), Some(0), "{said}");
        (String::from_utf8_lossy(&out.stdout).into_owned(), said)
    };
    assert_eq!(json(&eval(&["--json"]).0)["accuracy"], summary["test_accuracy"]);
    let said = eval(&["--range", "0..10"]).1;
    assert!(said.contains("the device of hardware.seed 0, as it had drifted by step 40"), "{said}");
    let other = ["--set", "hardware.seed=7", "--range", "0..10"];
    let said = eval(&other).1;
    assert!(said.contains("the device of hardware.seed 7, before any drift"), "{said}");
    let ideal = ["--set", "hardware.mask={}", "--range", "0..10"];
    assert!(!eval(&ideal).1.contains("hardware"));
}

/// Trained distances are those that were told: a step of nearly nothing leaves the file's, wherever the
/// planes of the device stand.
#[test]
fn geometry_is_that_of_the_twin() {
    let folder = folder();
    let at = folder.path();
    let sets = [
        "optic.element[0].trainable=[\"z\", \"offset\"]",
        "hardware.alignment={ axial = \"1 mm\", lateral = \"0.2 mm\" }",
        "train.optimizer.lr=1e-9",
        "train.steps=1",
    ];
    train(at, "tiny.toml", "run", &sets.into_iter().flat_map(|s| ["--set", s]).collect::<Vec<_>>());
    let geometry = &json_file(&at.join("run/summary.json"))["geometry"][0];
    let metres = |value: &Value| value.as_f64().unwrap();
    assert!((metres(&geometry["z_m"]) - 0.01).abs() < 1e-9, "{geometry}");
    assert!((0..2).all(|a| metres(&geometry["offset_m"][a]).abs() < 1e-9), "{geometry}");
}

#[test]
fn scenes_are_simulated_in_both_precisions() {
    let folder = folder();
    let at = folder.path();
    let scene = ["--set", "optic.samples=64", "--set", "optic.pitch=40 um"];
    for (precision, descr) in [("f32", "<c8"), ("f64", "<c16")] {
        let args = [
            "simulate",
            "gaussian-focus",
            "--backend",
            "cpu",
            "--precision",
            precision,
            "--out",
            precision,
            "--json",
        ];
        let said =
            json(&good(at, &[&args[..], &scene, &["--set", "optic.element[0].f=500 mm"]].concat()));
        assert_eq!(said["planes"], json_file(&at.join(precision).join("summary.json"))["planes"]);
        for plane in ["input", "lens", "half_way", "focus", "behind", "output"] {
            let path = at.join(precision).join(format!("{plane}.npy"));
            let head = String::from_utf8_lossy(&fs::read(&path).unwrap()[..128]).into_owned();
            assert!(head.contains(descr), "{plane}: {head}");
            assert_eq!(npy::read_field(&path).unwrap().0, [64, 64]);
        }
    }
    let field = |precision: &str| npy::read_field(&at.join(precision).join("focus.npy")).unwrap().1;
    let (single, double) = (field("f32"), field("f64"));
    let norm = |f: &mut dyn Iterator<Item = f64>| f.sum::<f64>().sqrt();
    let apart = norm(&mut single.iter().zip(&double).map(|(a, b)| (a - b).norm_sqr()));
    let whole = norm(&mut double.iter().map(Complex::norm_sqr));
    // 2^-24 for each of the few dozen roundings on the way.
    assert!(apart / whole < 3e-6, "{}", apart / whole);
}

/// `simulate` shows the device that `[hardware]` draws, and its design with `--twin`; either says so.
#[test]
fn the_device_is_simulated_or_its_twin() {
    let folder = folder();
    let at = folder.path();
    let run = |out: &str, more: &[&str]| {
        let args = ["simulate", "tiny.toml", "--backend", "cpu", "--out", out, "--json"];
        let said = json(&good(at, &[&args[..], more].concat()));
        (said["machine"].clone(), npy::read_field(&at.join(out).join("output.npy")).unwrap().1)
    };
    let faults = ["--set", "hardware.mask.phase_std=0.5", "--set", "hardware.alignment.axial=1 mm"];
    let with = |more: &[&'static str]| [&faults[..], more].concat();
    let (which, plain) = run("plain", &["--twin"]);
    assert_eq!(which, Value::Null, "there is one machine");
    let (which, twin) = run("twin", &with(&["--twin"]));
    assert!(which.as_str().unwrap().contains("twin") && twin == plain, "{which}");
    let (which, one) = run("one", &with(&["--set", "hardware.seed=1"]));
    assert!(which.as_str().unwrap().contains("hardware.seed = 1"), "{which}");
    let (_, other) = run("other", &with(&["--set", "hardware.seed=2"]));
    let apart = |a: &[Complex<f64>], b: &[Complex<f64>]| {
        let apart: f64 = a.iter().zip(b).map(|(a, b)| (a - b).norm_sqr()).sum();
        apart / b.iter().map(Complex::norm_sqr).sum::<f64>()
    };
    assert!(apart(&one, &plain) > 0.05 && apart(&one, &other) > 0.05);
    // Without --json the page says it too.
    let args = ["simulate", "tiny.toml", "--backend", "cpu", "--out", "text"];
    assert!(good(at, &[&args[..], &faults].concat()).contains("the device that hardware.seed = "));
}

#[test]
fn every_plane_has_a_picture() {
    let folder = folder();
    good(folder.path(), &["simulate", "gaussian-focus", "--backend", "cpu", "--out", "out"]);
    for plane in ["input", "lens", "half_way", "focus", "behind", "output"] {
        let picture =
            image::open(folder.path().join(format!("out/{plane}.png"))).expect("a picture");
        assert!(picture.width() >= 256 && picture.height() >= 256);
    }
}

#[test]
fn presets_are_right_and_found_by_name() {
    let folder = folder();
    let names: Vec<&str> = preset::all().into_iter().map(|(name, _)| name).collect();
    assert!(names.len() >= 8, "{names:?}");
    for name in ["mnist", "mnist-small", "li2019-mnist", "lin2018-mnist", "circular-aperture"] {
        assert!(names.contains(&name), "{name} is not among {names:?}");
    }
    for name in names {
        let out = output(folder.path(), &["validate", name]);
        let (said, warned) =
            (String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
        assert_eq!(out.status.code(), Some(0), "{name}: {warned}");
        assert!(said.starts_with(&format!("{name}: ok")), "{said}");
        assert_eq!(warned, "", "{name}");
    }
    good(folder.path(), &["validate", "assets/experiments/mnist.toml"]);
}

/// What `validate` says of a machine, by hand: cells n (n - 1) / 2 of a mesh of n, two phases a cell and
/// one a guide.
#[test]
fn validate_says_what_there_is() {
    let folder = folder();
    let at = folder.path();
    let says = |file: &str, sets: &[&str], what: &[&str]| {
        let sets = sets.iter().flat_map(|set| ["--set", set]);
        let args: Vec<&str> = ["validate", file].into_iter().chain(sets).collect();
        let said = good(at, &args);
        for what in what {
            assert!(said.contains(what), "{args:?} has no {what}: {said}");
        }
    };
    says("tiny.toml", &[], &["\n  512 trainable parameters", "Fresnel number 1.365, band"]);
    // 6.4 mm and 12.8 mm of window: Fresnel numbers 10.24 / 7.5 and 40.96 / 7.5.
    says(
        "tiny.toml",
        &["optic.samples=[16, 32]"],
        &["Fresnel number 1.365 along y and 5.461 along x, band limited to ", " along y and "],
    );
    says("tiny.toml", &["optic.boundary=periodic"], &["Fresnel number 1.365, whole band"]);
    // Two masks of 32 x 32, and W and b of 25 readings for ten digits.
    says("device-hybrid", &[], &["\n  2308 trainable parameters"]);
    let chip = |element: &str, more: &str| {
        let text = format!("[optic]\nwavelength = \"1.55 um\"\n{more}\nelement = [{element}]\n");
        fs::write(at.join("chip.toml"), text).unwrap();
    };
    // 120 + 45 cells; 2 x 120 + 16 and 2 x 45 + 10 phases, and ten attenuators between.
    chip("{ kind = \"svd\", outputs = 10 }", "modes = 16");
    says("chip.toml", &[], &["165 interferometers, 26 columns", "\n  366 trainable parameters"]);
    // A mesh of 9 guides behind a plane: 36 cells, 81 phases.
    chip("{ kind = \"couple\", modes = 9 }, { kind = \"mesh\" }", "samples = 32\npitch = \"4 um\"");
    says("chip.toml", &[], &["9 guides behind it: 36 interferometers", "\n  81 trainable"]);
}

#[test]
fn lists_schema_and_completions() {
    let folder = folder();
    let at = folder.path();
    let schema = json(&good(at, &["schema"]));
    assert!(schema["properties"]["optic"].is_object());
    assert!(schema["$defs"].is_object());
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        assert!(good(at, &["completions", shell]).contains("lightloom"), "{shell}");
    }
    let data = json(&good(at, &["data", "--json"]));
    assert!(data.as_array().unwrap().iter().any(|d| d["name"] == "mnist"), "{data}");
    assert!(good(at, &["data"]).contains("mnist"));
    let doctor = json(&good(at, &["doctor", "--json", "--backend", "cpu"]));
    assert_eq!(doctor["uses"], "CPU");
    let twins = doctor["twins"].as_array().unwrap();
    assert!(twins.len() > 40 && twins.iter().all(|t| t["holds"] == true));
    assert!(good(at, &["doctor", "--backend", "cpu"]).contains("checks against f64 hold"));
    assert!(good(at, &["--version"]).starts_with("lightloom "));
}

/// A command is in the help once it works, and what works is in the help.
#[test]
fn help_lists_the_commands_that_work() {
    let folder = folder();
    let help = good(folder.path(), &["--help"]);
    let listed: Vec<&str> = help
        .lines()
        .skip_while(|l| *l != "Commands:")
        .skip(1)
        .take_while(|l| !l.is_empty())
        .filter(|l| l.starts_with("  ") && !l.starts_with("   "))
        .filter_map(|l| l.split_whitespace().next())
        .collect();
    let expected = [
        "simulate",
        "train",
        "eval",
        "compare",
        "calibrate",
        "lab",
        "mesh",
        "render",
        "export",
        "report",
        "bench",
        "energy",
        "data",
        "doctor",
        "validate",
        "schema",
        "completions",
        "help",
    ];
    assert_eq!(listed, expected);
    for name in &expected[..expected.len() - 1] {
        let text = good(folder.path(), &[name, "--help"]);
        assert!(text.contains("Usage: lightloom"), "{text}");
        for flag in ["--backend", "--precision", "--threads", "--seed", "--set", "--json"] {
            assert!(text.contains(flag), "{name} has no {flag}");
        }
    }
}

/// A reader that goes away ends the output, not in a panic.
#[test]
fn a_closed_pipe_is_no_panic() {
    let folder = folder();
    for args in [
        &["schema"][..],
        &["data"],
        &["doctor", "--backend", "cpu"],
        &["completions", "bash"],
        &["--help"],
    ] {
        let mut child = command(folder.path(), args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        drop(child.stdout.take());
        let mut said = String::new();
        child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        let status = child.wait().unwrap();
        assert!(!said.contains("panicked"), "{args:?}: {said}");
        assert_eq!(status.code(), Some(0), "{args:?}: {said}");
    }
}

/// What the data must be for a machine holds for whoever shows them to it.
#[test]
fn data_that_do_not_fit_are_refused_by_all() {
    let folder = folder();
    for (command, more, says) in [
        (&["compare", "williamson2020-mnist"][..], "optic.input.front=complex", "real numbers"),
        (&["compare", "williamson2020-mnist"], "optic.input.front=vector", "784 numbers"),
        (&["compare", "vowel"], "optic.input.front=pca", "principal components"),
        (&["lab", "serve", "williamson2020-mnist"], "optic.input.front=complex", "real numbers"),
    ] {
        let amplitude = ["--set", more, "--set", "optic.input.encoding=amplitude"];
        let out = output(folder.path(), &[command, &amplitude].concat());
        let said = String::from_utf8_lossy(&out.stderr);
        assert_eq!(out.status.code(), Some(2), "{command:?} {more}: {said}");
        assert!(said.contains(says) && said.contains("help:"), "{command:?} {more}: {said}");
    }
}

fn diverges(more: &[&str]) {
    let folder = folder();
    let args = [
        "train",
        "tiny.toml",
        "--backend",
        "cpu",
        "--no-images",
        "--out",
        "run",
        "--set",
        "train.optimizer.lr=1e30",
    ];
    let out = output(folder.path(), &[&args[..], more].concat());
    let said = String::from_utf8_lossy(&out.stderr);
    assert_eq!(out.status.code(), Some(1), "{said}");
    assert!(said.contains("is not finite") && said.contains("first seen after"), "{said}");
    assert!(said.contains("step ") && said.contains("help:"), "{said}");
    assert!(said.contains("train.optimizer.lr") && !said.contains("panicked"), "{said}");
    assert!(!folder.path().join("run/summary.json").exists());
}

/// Ends with the op in which the first NaN was born.
#[test]
fn a_diverging_run_says_where() {
    diverges(&["--set", "train.loss.efficiency_weight=0.1"]);
}

#[test]
fn a_diverging_run_says_where_without_efficiency() {
    diverges(&[]);
}
