//! The grid of a comparison: sizes of faults, drift after the training, and cells that are kept.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use lightloom::data;
use lightloom::experiment::load;
use lightloom::methods::recipe::MethodName;
use lightloom::report::compare::{cells, figures, header, layer_cells, layer_header, plots, rows};
use lightloom::train::compare::{Done, Drifting, Grid, System};

/// Two masks that are wrong and wander, before 256 digits.
const TINY: &str = r#"seed = 3
data = { name = "mnist", train_limit = 256 }
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
[hardware]
mask = { phase_std = 0.5, drift_std = 0.05 }
[train]
epochs = 4
batch = 32
optimizer = { kind = "adam", lr = 0.05 }
"#;

fn grid(scales: &[f64], drift: Option<Drifting>) -> Grid {
    let loaded = load::from_text("tiny.toml", TINY, Path::new("."), &[]).expect("an experiment");
    let experiment = loaded.experiment;
    let source = experiment.data.as_ref().expect("data");
    let data = Arc::new(data::load(source, experiment.seed).expect("digits"));
    Grid {
        systems: vec![System { name: "tiny".into(), experiment, data }],
        methods: vec![MethodName::Backprop, MethodName::Pat],
        seeds: 2,
        shots: None,
        rates: vec![1.0],
        looks: 2,
        samples: 200,
        scales: scales.to_vec(),
        drift,
    }
}

fn fill(grid: &Grid, folder: &Path) -> Vec<Done> {
    grid.fill(folder, 2, &|_, _, _| {}).expect("cells")
}

/// 400 steps of 0.05 rad leave every pixel 1 rad off. The frozen masks lose on a device that wandered
/// so far, whether or not their method ever looked at it; who goes on measuring loses less. Until the
/// training ends nothing is other than without drift after it.
#[test]
fn a_device_drifts_away_from_what_is_frozen() {
    let folder = tempfile::tempdir().expect("a folder");
    let drift = Some(Drifting { steps: 400, rate: 0.3 });
    let done = fill(&grid(&[1.0], drift), folder.path());
    let plain = fill(&grid(&[1.0], None), folder.path());
    for (cell, plain) in done.iter().zip(&plain) {
        let [with, without] = [cell, plain].map(|c| c.outcome.as_ref().expect("an outcome"));
        assert_eq!((&with.curve, with.accuracy), (&without.curve, without.accuracy));
        assert_eq!((with.steps, with.charge), (without.steps, without.charge));
        assert!(without.drift.is_none() && plain.request != cell.request);
        let drift = with.drift.as_ref().expect("drift");
        let steps: Vec<u64> = drift.curve.iter().map(|d| d.step).collect();
        assert_eq!(steps, [0, 200, 400]);
        // 32 steps of training, 400 after it.
        assert_eq!(drift.charge.shots * 32, with.charge.shots * 400);
        let [first, _, last] = drift.curve[..] else { panic!("three looks") };
        assert_eq!(first.trained, first.frozen);
        assert_eq!(first.trained, with.curve[2].accuracy);
        let lost = first.frozen - last.frozen;
        assert!(lost > 0.05, "{:?}: {:?}", cell.key, drift.curve);
        assert_ne!(last.trained, last.frozen);
        if cell.key.method == MethodName::Pat {
            assert!(first.trained - last.trained < lost / 2.0, "{:?}", drift.curve);
        }
    }
    let rows = rows(&done);
    assert_eq!(rows.len(), 2);
    let drift = rows[1].drift.as_ref().expect("drift");
    assert!(drift.steps == 400 && drift.trained.mean > drift.frozen.mean);
    assert!(header(&rows).contains(&"frozen (%)"));
    assert_eq!(cells(&rows[1], &rows).len(), header(&rows).len());
    let drawn = figures(&done).pop().expect("diagrams");
    assert_eq!((drawn.file, drawn.lines.len()), ("drift", 4));
    plots(&done, folder.path()).expect("pictures");
    assert!(folder.path().join("tiny.drift.png").exists());
    assert!(!folder.path().join("tiny.scale.png").exists());
}

/// Without faults the device is the twin; cells of the file's own size are called and written as they
/// were before there were others; a cell that is there is read, not run.
#[test]
fn sizes_of_faults_are_cells_of_their_own() {
    let folder = tempfile::tempdir().expect("a folder");
    let first = fill(&grid(&[1.0], None), folder.path());
    let file = folder.path().join("tiny.pat.1.json");
    let text = std::fs::read_to_string(&file).expect("a cell");
    assert!(!text.contains("\"scale\"") && !text.contains("\"drift\""), "{text}");
    let old: Done = serde_json::from_str(&text).expect("a cell from before");
    assert_eq!((old.key.scale, &old), (1.0, &first[3]));

    // What nobody could have trained shows that it was read.
    let mut marked = old.clone();
    marked.outcome.as_mut().expect("an outcome").accuracy = 0.125;
    std::fs::write(&file, serde_json::to_string(&marked).expect("JSON")).expect("written");
    let scaled = grid(&[0.0, 1.0], None);
    let done = fill(&scaled, folder.path());
    assert_eq!(done.len(), 8);
    assert!(done.contains(&marked) && done.contains(&first[0]));
    for cell in done.iter().filter(|c| c.key.scale == 0.0) {
        let o = cell.outcome.as_ref().expect("an outcome");
        assert_eq!(o.accuracy, o.twin_accuracy, "{:?}", cell.key);
    }
    assert!(folder.path().join("tiny.pat.1.x0.json").exists());
    let ran = AtomicUsize::new(0);
    let again = scaled.fill(folder.path(), 1, &|_, _, _| {
        ran.fetch_add(1, Ordering::Relaxed);
    });
    assert_eq!((again.expect("cells"), ran.into_inner()), (done.clone(), 8));

    let rows = rows(&done);
    let keys: Vec<_> = rows.iter().map(|r| (r.method, r.scale, r.devices)).collect();
    let (backprop, pat) = (MethodName::Backprop, MethodName::Pat);
    let wanted = [(backprop, 0.0), (pat, 0.0), (backprop, 1.0), (pat, 1.0)];
    assert_eq!(keys, wanted.map(|(method, scale)| (method, Some(scale), 2)));
    let head = header(&rows);
    assert_eq!(head[2], "faults ×");
    assert_eq!((cells(&rows[0], &rows).len(), &*cells(&rows[0], &rows)[2]), (head.len(), "0"));
    for layer in layer_cells(&rows[1]) {
        assert_eq!((layer.len(), &*layer[2]), (layer_header(&rows).len(), "0"));
    }
    let one = lightloom::report::compare::rows(&first);
    assert!(one[0].scale.is_none() && !header(&one).contains(&head[2]));

    let drawn = figures(&done);
    let scale = drawn.iter().find(|f| f.file == "scale").expect("a diagram");
    let points: Vec<f64> = scale.lines[1].points.iter().map(|p| p[0]).collect();
    assert_eq!((points, scale.lines[1].band.len()), (vec![0.0, 1.0], 2));
    // Curves of the others are those of the file's own faults.
    let steps = drawn.iter().find(|f| f.file == "steps").expect("a diagram");
    let own = |d: &&Done| d.key.scale == 1.0 && d.key.method == pat && d.key.seed == 0;
    let own = done.iter().find(own).and_then(|d| d.outcome.as_ref()).expect("an outcome");
    let last = own.curve.last().expect("a look");
    assert_eq!(steps.lines[1].points.last(), Some(&[32.0, 100.0 * last.accuracy]));
}

/// A system of the tiny machine with these lines in place of its hardware.
fn of_hardware(hardware: &str, more: &str) -> Grid {
    let masks = "mask = { phase_std = 0.5, drift_std = 0.05 }";
    let text = TINY.replace(masks, hardware).replace("epochs = 4", "epochs = 4\nsteps = 2");
    let text = format!("{text}{more}\n");
    let loaded = load::from_text("tiny.toml", &text, Path::new("."), &[]).expect("an experiment");
    let mut grid = grid(&[1.0], None);
    grid.systems[0].experiment = loaded.experiment;
    Grid { seeds: 1, looks: 1, samples: 20, ..grid }
}

/// The file's method may be right where a compared one is not: a stated step below half a level moves
/// nothing, and a lab has no fields to measure.
#[test]
fn methods_are_checked_one_by_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let levels = of_hardware("mask = { levels = 16 }", "spsa = { size = 0.01 }");
    let levels = Grid { methods: vec![MethodName::Backprop, MethodName::Spsa], ..levels };
    let done = fill(&levels, folder.path());
    assert!(done[0].outcome.is_some());
    let why = done[1].refused.as_deref().expect("a refusal");
    assert!(why.contains("moves no phase from its level"), "{why}");
    // What an earlier program left there does not stand.
    let file = folder.path().join("tiny.spsa.0.json");
    let kept = Done { outcome: done[0].outcome.clone(), refused: None, ..done[1].clone() };
    std::fs::write(&file, serde_json::to_string(&kept).expect("JSON")).expect("written");
    assert_eq!(fill(&levels, folder.path()), done);

    let lab = of_hardware("lab = { command = [\"/nowhere/slm\"] }", "");
    let fields = Grid { methods: vec![MethodName::PatFields], ..lab };
    let done = fill(&fields, folder.path());
    let why = done[0].refused.as_deref().expect("a refusal");
    assert!(why.contains("more than a lab's detectors read"), "{why}");
    // A lab that does not start is no fault of a method's.
    let pat = Grid { methods: vec![MethodName::Pat], ..fields };
    let error = pat.fill(folder.path(), 2, &|_, _, _| {}).expect_err("no lab");
    assert!(error.to_string().contains("does not start"), "{error}");
    assert!(!folder.path().join("tiny.pat.0.json").exists());
}

/// Two cells never hold one lab at a time: a server that finds another there ends.
#[test]
#[cfg(target_os = "linux")]
fn a_lab_serves_one_cell_at_a_time() {
    let folder = tempfile::tempdir().expect("a folder");
    let [twin, lock] = ["twin.toml", "lock"].map(|n| folder.path().join(n).display().to_string());
    std::fs::write(&twin, TINY).expect("a file");
    let binary = env!("CARGO_BIN_EXE_lightloom");
    let serve = format!(
        "exec 9>{lock}; flock -n 9 || exit 1; exec {binary} lab serve {twin} --backend cpu"
    );
    let lab = format!("lab = {{ command = {:?}, timeout_s = 60.0 }}", ["sh", "-c", &serve]);
    let done = fill(&of_hardware(&lab, ""), folder.path());
    assert!(done.len() == 2 && done.iter().all(|d| d.outcome.is_some()), "{done:?}");
}

/// A method that the exposures stop has had its schedule: as one of as many epochs.
#[test]
fn exposures_end_a_schedule() {
    let cosine = |epochs: usize, shots: Option<u64>| {
        let text = TINY.replace("epochs = 4", &format!("epochs = {epochs}"));
        let text = format!("{text}schedule = {{ kind = \"cosine\" }}\n");
        let loaded = load::from_text("tiny.toml", &text, Path::new("."), &[]).expect("a file");
        let mut grid = grid(&[1.0], None);
        grid.systems[0].experiment = loaded.experiment;
        let methods = vec![MethodName::Pat];
        let folder = tempfile::tempdir().expect("a folder");
        let done = fill(&Grid { methods, seeds: 1, shots, ..grid }, folder.path());
        let o = done[0].outcome.as_ref().expect("an outcome");
        (o.steps, o.accuracy, o.curve.clone())
    };
    // 8 steps of 32 samples an epoch, of an exposure each.
    assert_eq!(cosine(4, Some(256)), cosine(1, None));
}

/// A method of which one step takes more exposures than there are trains none; one that takes as many
/// trains one.
#[test]
fn exposures_are_never_exceeded() {
    let folder = tempfile::tempdir().expect("a folder");
    let shots = |most| {
        let tiny = of_hardware("mask = { phase_std = 0.5 }", "");
        fill(&Grid { shots: Some(most), ..tiny }, folder.path())
    };
    // A step of physics-aware training shows its 32 samples; backprop needs no device.
    let [backprop, pat] = &shots(31)[..] else { panic!("two cells") };
    assert_eq!(backprop.outcome.as_ref().expect("an outcome").steps, 2);
    let why = pat.refused.as_deref().expect("a refusal");
    assert!(why.starts_with("--shots: ") && why.contains("32 exposures, more than 31"), "{why}");
    assert!(pat.outcome.is_none() && pat.failed.is_none());
    let one = shots(32)[1].outcome.clone().expect("an outcome");
    assert_eq!((one.steps, one.charge.shots), (1, 32));
}

/// A learning rate that is infinite in f32 breaks training, and is no fault of the method's on this
/// machine; where every rate that is tried breaks, that is what comes out.
#[test]
fn broken_training_is_told_from_what_does_not_suit() {
    for rates in [vec![1.0], vec![1.0, 2.0]] {
        let folder = tempfile::tempdir().expect("a folder");
        let mut tiny = of_hardware("mask = { phase_std = 0.5 }", "");
        let recipe = tiny.systems[0].experiment.train.as_mut().expect("a recipe");
        recipe.optimizer.scale(1e300);
        let done =
            fill(&Grid { rates, methods: vec![MethodName::Backprop], ..tiny }, folder.path());
        assert!(done[0].outcome.is_none() && done[0].refused.is_none(), "{:?}", done[0]);
        let why = done[0].failed.as_deref().expect("a failure");
        assert!(why.contains("is not finite"), "{why}");
        let rows = rows(&done);
        assert_eq!(rows[0].failed.as_ref().map(|f| f.devices), Some(1));
    }
}

/// The experiment names its data; other data of that name are another cell.
#[test]
fn cells_are_kept_for_the_same_data_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let tiny = || of_hardware("mask = { phase_std = 0.5 }", "");
    let first = fill(&tiny(), folder.path());
    assert_eq!(fill(&tiny(), folder.path()), first);
    let mut other = tiny();
    let mut source = other.systems[0].experiment.data.clone().expect("data");
    source.shuffle_labels = true;
    other.systems[0].data = Arc::new(data::load(&source, 3).expect("digits"));
    for (cell, before) in fill(&other, folder.path()).iter().zip(&first) {
        assert!(cell.key == before.key && cell.request != before.request);
    }
}

/// What no method could do anything about ends the command before a cell runs.
#[test]
fn wrong_requests_end_the_command() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("tiny.toml"), TINY).expect("a file");
    let cases: &[(&[&str], &[&str])] = &[
        (&["--set", "train.batch=320"], &["train.batch", "more than the 256 training samples"]),
        (&["--set", "train.epochs=1000000000"], &["train.epochs", "use at most"]),
        (
            &["--set", "train.epochs=1000000000", "--set", "train.steps=4"],
            &["train.epochs", "use at most"],
        ),
        (&["--drift", "100000000000"], &["--drift", "after 32 of training", "use at most"]),
        (
            &[
                "--scales",
                "1,3",
                "--set",
                "hardware.alignment.tilt=0.2",
                "--set",
                "optic.wavelength=0.3 mm",
            ],
            &["--scales", "at 3 times the faults", "hardware.alignment.tilt", "limit π"],
        ),
        (&["--backend", "gpu"], &["--backend", "a CPU thread each", "leave it out"]),
        (&["--precision", "f64"], &["--precision", "a CPU thread each", "leave it out"]),
        (&["--no-fuse"], &["--no-fuse", "a CPU thread each", "leave it out"]),
    ];
    for (more, says) in cases {
        let output = Command::new(env!("CARGO_BIN_EXE_lightloom"))
            .current_dir(folder.path())
            .args(["compare", "tiny.toml", "--methods", "backprop", "--seeds", "1"])
            .args(["--samples", "20", "--out", "out"])
            .args(*more)
            .output()
            .expect("the program starts");
        let text = String::from_utf8_lossy(&output.stderr);
        // On one line, without the frames that are drawn around it.
        let plain: String = text.chars().filter(|c| !"│×╭╰─▶".contains(*c)).collect();
        let plain = plain.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(output.status.code(), Some(2), "{more:?}: {plain}");
        for part in *says {
            assert!(plain.contains(part), "{more:?}: no {part} in {plain}");
        }
        assert!(!folder.path().join("out").exists(), "{more:?}");
    }
}
