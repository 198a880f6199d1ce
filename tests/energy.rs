//! `lightloom energy` as a user runs it: what it says is whole, every figure moves some number, and
//! what is wrong is refused. The algebra is held to closed forms in the unit tests of
//! `src/energy`; what others published is printed and never asserted.

use std::path::Path;

use assert_cmd::Command;
use serde_json::Value;

struct Said {
    code: Option<i32>,
    out: String,
    error: String,
}

fn train_in(folder: &Path, name: &str, sets: &[&str]) {
    let out = Command::new(env!("CARGO_BIN_EXE_lightloom"))
        .current_dir(folder)
        .args(["train", name, "--out", "run", "--backend", "cpu", "--json"])
        .args(sets)
        .output()
        .expect("the program starts");
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
}

/// What `energy` says of a run that [`train_in`] left.
fn machine_in(folder: &Path, more: &[&str]) -> Value {
    let args = ["run/checkpoint.safetensors", "--json", "--no-measure", "--draws", "1"];
    let said = run_in(folder, &[&args[..], &["--bits", "8", "--backend", "cpu"], more].concat());
    assert_eq!(said.code, Some(0), "{}", said.error);
    let answer: Value = serde_json::from_str(&said.out).expect("JSON");
    answer["machines"][0].clone()
}

fn run_in(folder: &Path, args: &[&str]) -> Said {
    let output = Command::new(env!("CARGO_BIN_EXE_lightloom"))
        .current_dir(folder)
        .arg("energy")
        .args(args)
        .output()
        .expect("the program starts");
    Said {
        code: output.status.code(),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        error: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

fn json(args: &[&str]) -> Value {
    let all: Vec<&str> = [&["--json", "--no-measure"], args].concat();
    let said = run_in(Path::new("."), &all);
    assert_eq!(said.code, Some(0), "{args:?}: {}", said.error);
    serde_json::from_str(&said.out).expect("JSON on standard output")
}

fn number(v: &Value, at: &str) -> f64 {
    v.pointer(at).and_then(Value::as_f64).unwrap_or_else(|| panic!("no number {at}"))
}

const CONFIDENCES: [&str; 4] = ["verified", "secondary", "derived", "assumed"];

/// Three machines at 4 and 8 bits, energy and time of each and of every baseline, and every number
/// with the figures that it rests on, each with its source.
#[test]
fn three_machines_at_two_bits() {
    let answer = json(&["--draws", "30"]);
    let figures = answer["figures"].as_array().expect("figures");
    let known = |key: &Value| {
        let figure = figures.iter().find(|f| f["key"] == *key);
        let figure = figure.unwrap_or_else(|| panic!("no figure {key}"));
        assert!(!figure["source"].as_str().expect("a source").is_empty());
        assert!(CONFIDENCES.contains(&figure["confidence"].as_str().expect("a confidence")));
        assert!(!figure["unit"].as_str().expect("a unit").is_empty());
    };
    let machines = answer["machines"].as_array().expect("machines");
    let names: Vec<_> = machines.iter().map(|m| m["name"].as_str().expect("a name")).collect();
    assert_eq!(names, ["thz", "slm", "svd"]);
    for m in machines {
        let results = m["results"].as_array().expect("results");
        let bits: Vec<_> = results.iter().map(|r| number(r, "/bits")).collect();
        assert_eq!(bits, [4.0, 8.0]);
        for r in results {
            let terms = r["terms"].as_array().expect("terms");
            let sum: f64 = terms.iter().map(|t| number(t, "/wall/typical")).sum();
            let whole = number(r, "/wall/typical");
            assert!((sum / whole - 1.0).abs() < 1e-12, "the parts are the whole");
            assert!(number(r, "/optics/typical") < whole, "two columns");
            let per_mac = whole / number(r, "/macs");
            assert!((number(r, "/wall_per_mac/typical") / per_mac - 1.0).abs() < 1e-12);
            for t in terms {
                let keys = t["figures"].as_array().expect("figures");
                assert!(!keys.is_empty(), "{} rests on nothing", t["name"]);
                keys.iter().for_each(known);
            }
            let delays = r["latency"]["delays"].as_array().expect("delays");
            delays.iter().flat_map(|d| d["figures"].as_array().expect("figures")).for_each(known);
            let parts: f64 = delays.iter().map(|d| number(d, "/seconds")).sum();
            let single = number(r, "/latency/single_shot/typical");
            assert!((parts / single - 1.0).abs() < 1e-12);
            for range in ["/wall", "/optics", "/latency/single_shot"] {
                let [low, middle, high] =
                    ["p5", "p50", "p95"].map(|q| number(r, &format!("{range}/{q}")));
                assert!(low <= middle && middle <= high, "{range}");
            }
            assert_eq!(r["break_even"].as_array().expect("break-evens").len(), 7 * 3);
        }
        // More bits take more light and dearer converters.
        assert!(number(m, "/results/0/wall/typical") < number(m, "/results/1/wall/typical"));
    }
    for b in answer["baselines"].as_array().expect("baselines") {
        for one in b["baselines"].as_array().expect("baselines") {
            one["figures"].as_array().expect("figures").iter().for_each(known);
        }
    }
    // Terahertz light is limited by thermal noise and the receiver's, not by shot noise.
    let noises = &machines[0]["results"][0]["terahertz"];
    assert!(number(noises, "/receiver") > number(noises, "/thermal"));
    assert!(number(noises, "/thermal") > number(noises, "/shot"));
    // What others published stands beside a prediction; whether they agree is for the reader.
    let published = answer["published"].as_array().expect("published totals");
    assert!(published.len() >= 3);
    for p in published {
        assert!(number(p, "/predicted") > 0.0);
    }
}

/// METHODS C3: 218, 55 and 14 columns at 0.1, 0.5 and 2 dB an interferometer.
#[test]
fn the_loss_wall() {
    let answer = json(&["--machine", "svd", "--draws", "1", "--bits", "8"]);
    let walls = answer["machines"][0]["loss_wall"].as_array().expect("walls");
    let seen: Vec<_> =
        walls.iter().map(|w| (number(w, "/mzi_loss_db"), number(w, "/columns").floor())).collect();
    assert_eq!(seen, [(0.1, 218.0), (0.5, 55.0), (2.0, 14.0)]);
}

/// A chip beyond its wall is said to be, and by how much; one within is not.
#[test]
fn a_chip_beyond_its_wall_is_said_to_be() {
    let reach = &json(&["--machine", "svd", "--draws", "1", "--bits", "8"])["machines"][0]["reach"];
    let [columns, each, budget, over] =
        ["/columns", "/column_db", "/budget_db", "/over_db"].map(|at| number(reach, at));
    // Two facets of 1.5 dB.
    assert!((columns * each + 3.0 - budget - over).abs() < 1e-9 && over > 0.0, "{reach}");
    let text = |machine| {
        let args = ["--machine", machine, "--draws", "1", "--bits", "8", "--no-measure"];
        run_in(Path::new("."), &args).out
    };
    let said = text("svd");
    let line = said.lines().find(|l| l.contains("beyond its loss wall")).expect("a line");
    assert!(line.contains(&format!("{over:.1} dB over the budget of {budget:.0} dB")), "{line}");
    // Below the first table.
    let (wall, next) = (said.find("beyond its loss wall"), said.find("Digital baselines"));
    assert!(wall < next);
    assert!(!text("svd:8").contains("beyond"));
}

/// What `compare` counted, as time and energy: by hand from the counts and from what an inference
/// and a load take; rows of the machine's own name, all where it has none, none left out in silence.
#[test]
fn a_ledger_is_priced() {
    let folder = tempfile::tempdir().expect("a folder");
    let args = "compare device-mesh --methods backprop,spsa,fa --seeds 2 --looks 1 --samples 50 \
                --set train.steps=2 --set data.train_limit=64 --out . --json";
    let said = Command::new(env!("CARGO_BIN_EXE_lightloom"))
        .current_dir(folder.path())
        .args(args.split_whitespace())
        .output()
        .expect("the program starts");
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    let file = folder.path().join("compare.json");
    let mut compared: Value =
        serde_json::from_str(&std::fs::read_to_string(&file).expect("compare.json")).expect("JSON");
    let rows = compared["rows"].as_array_mut().expect("rows");
    assert_eq!(rows.len(), 3);
    let mut other = rows[1].clone();
    other["system"] = "another".into();
    rows.push(other);
    std::fs::write(&file, compared.to_string()).expect("a file");
    let path = file.to_str().expect("a path");

    let usual = ["--ledger", path, "--draws", "5", "--bits", "8"];
    let answer = json(&[&["--machine", "svd"][..], &usual].concat());
    let figure = |key: &str| {
        let all = answer["figures"].as_array().expect("figures");
        number(all.iter().find(|f| f["key"] == key).expect(key), "/typical")
    };
    let r = &answer["machines"][0]["results"][0];
    let ledger = r["ledger"].as_array().expect("a ledger");
    let methods: Vec<_> = ledger.iter().map(|t| t["method"].as_str().expect("a name")).collect();
    assert_eq!(methods, ["backprop", "spsa", "fa", "spsa"]);
    let mut priced = 0;
    for (row, counted) in ledger.iter().zip(compared["rows"].as_array().expect("rows")) {
        assert_eq!(row["system"], counted["system"]);
        if !counted["refused"].is_null() {
            assert_eq!((&row["refused"], &row["joules"]), (&counted["refused"], &Value::Null));
            continue;
        }
        assert_eq!(row["accuracy_in_compare"], counted["accuracy"]["mean"]);
        assert_eq!(row["interval_in_compare"], counted["accuracy"]["interval"]);
        let of = |key: &str| number(counted, &format!("/charge/{key}"));
        let (shots, loads) = (of("shots"), of("reconfigurations").max(1.0));
        // Two operations a MAC; the figure is in GOPS.
        let rate = figure("cpu.cores") * 1e9 * figure("cpu.core_rate") / 2.0;
        let digital = of("macs") / rate;
        let load = number(r, "/latency/reconfiguration/typical");
        let seconds = shots / number(r, "/latency/rate/typical") + loads * load + digital;
        assert!((number(row, "/seconds/typical") / seconds - 1.0).abs() < 1e-9, "{row}");
        let computer = digital * figure("cpu.cores") * figure("cpu.core_power");
        let light = shots * number(r, "/wall/typical");
        let joules = number(row, "/joules/typical");
        // Loads take some joules more.
        assert!(joules > light + computer, "{row}");
        // Heaters and control while loads and, where light is sent, the computer are waited for, and a
        // DAC's 10 pJ a phase and load.
        let part = |name: &str| {
            let terms = r["terms"].as_array().expect("terms");
            number(terms.iter().find(|t| t["name"] == name).expect(name), "/wall/typical")
        };
        let power = (part("phases held") + part("control")) * number(r, "/latency/rate/typical");
        let waiting = loads * load + if shots > 0.0 { digital } else { 0.0 };
        let dacs = loads * 8192.0 * 1e-12 * figure("dac.b8");
        let expected = light + computer + power * waiting + dacs;
        assert!((joules / expected - 1.0).abs() < 1e-9, "{row}");
        let share = number(row, "/computer/typical");
        assert!((share - computer / joules).abs() < 1e-9, "{row}");
        priced += 1;
    }
    assert!(priced >= 3, "{ledger:?}");

    let own = json(&[&["device-mesh"][..], &usual].concat());
    let own = own["machines"][0]["results"][0]["ledger"].as_array().expect("a ledger");
    assert!(own.len() == 3 && own.iter().all(|t| t["system"] == "device-mesh"));
    // Printed masks are loaded once.
    let thz = json(&[&["--machine", "thz"][..], &usual].concat());
    let thz = &thz["machines"][0]["results"][0]["ledger"];
    assert!(number(&thz[0], "/joules/typical") > 0.0 && thz[1]["joules"].is_null());
    let text = run_in(folder.path(), &["--ledger", "compare.json", "--no-measure", "--draws", "2"]);
    assert_eq!(text.code, Some(0), "{}", text.error);
    assert!(text.out.contains("Training as it was counted") && text.out.contains("2 devices"));

    for (text, says) in [
        ("{", "not the JSON of a comparison"),
        ("{\"rows\": []}", "without rows"),
        ("{\"rows\": [{\"system\": 3}]}", "rows[0].system"),
    ] {
        std::fs::write(&file, text).expect("a file");
        let said = run_in(folder.path(), &["--ledger", "compare.json"]);
        assert_eq!((said.code, said.out.is_empty()), (Some(2), true), "{text}: {}", said.error);
        for part in [says, "compare.json", "lightloom compare"] {
            assert!(said.error.contains(part), "{text}: no {part} in {}", said.error);
        }
    }
}

/// Every figure can be set, and moves some number beside itself.
#[test]
fn every_figure_moves_a_number() {
    let machines = "thz,slm,svd,printed,pcm,butterfly";
    let usual = ["--machine", machines, "--draws", "1", "--bits", "4,8,10,16"];
    // A GPU of which everything is known, better in f32 at 16 bits and in f16 below.
    let gpu = ["gpu.rate32=10000", "gpu.power32=200", "gpu.rate16=20000", "gpu.power16=200"];
    let gpu = gpu.map(|set| ["--set", set]).concat();
    let usual = [&usual[..], &gpu].concat();
    let numbers = |more: &[&str]| {
        let mut answer = json(&[&usual[..], more].concat());
        let figures = answer.as_object_mut().expect("an object").remove("figures");
        (answer, figures.expect("figures"))
    };
    let (before, figures) = numbers(&[]);
    let (chip, _) = numbers(&["williamson2020-mnist"]);
    let figures = figures.as_array().expect("figures").clone();
    assert!(figures.len() > 70, "{}", figures.len());
    let mut still = Vec::new();
    for figure in figures {
        let key = figure["key"].as_str().expect("a key");
        let typical = number(&figure, "/typical");
        let set = format!("{key}={}", typical * 0.9);
        // Nonlinearities are those of experiments.
        let (after, before) = if key == "silicon.activation_loss" {
            (numbers(&["williamson2020-mnist", "--set", &set]).0, &chip)
        } else {
            (numbers(&["--set", &set]).0, &before)
        };
        if after == *before {
            still.push(key.to_owned());
        }
    }
    assert!(still.is_empty(), "these move nothing: {still:?}");
}

/// A GPU is a rival where its rate and its power are known; where it is not there, or is software,
/// that is said and no number stands for it.
#[test]
fn this_gpu_is_priced_or_said_to_be_missing() {
    let usual = ["--machine", "svd:4", "--draws", "1", "--bits", "8"];
    let row = |answer: &Value| {
        let all = answer["baselines"][0]["baselines"].as_array().expect("baselines");
        all.iter().find(|b| b["name"] == "this GPU").cloned()
    };
    assert_eq!(row(&json(&usual)), None);
    let set = ["--set", "gpu.rate32=20000", "--set", "gpu.power32=300"];
    let known = json(&[&usual[..], &set].concat());
    let gpu = row(&known).expect("a row");
    assert!((number(&gpu, "/joules_per_mac/typical") / 30e-12 - 1.0).abs() < 1e-12);
    assert_eq!(gpu["figures"], serde_json::json!(["gpu.rate32", "gpu.power32"]));
    let result = &known["machines"][0]["results"][0];
    assert_eq!(result["break_even"].as_array().expect("break-evens").len(), 8 * 3);

    let notes = |backend: &str| {
        let said =
            run_in(Path::new("."), &[&usual[..], &["--json", "--backend", backend]].concat());
        assert_eq!(said.code, Some(0), "{}", said.error);
        let answer: Value = serde_json::from_str(&said.out).expect("JSON");
        (answer["measured"].to_string(), row(&answer))
    };
    let (said, none) = notes("cpu");
    assert!(said.contains("this GPU is left out (--backend cpu)") && none.is_none(), "{said}");
    let (said, one) = notes("auto");
    let measured = said.contains("gpu.rate32: measured in this run");
    assert!(measured || said.contains("this GPU is left out"), "{said}");
    // A rate without a power is no row.
    assert!(measured || one.is_none(), "{said}");
}

/// The machine of an experiment is that of its optic.
#[test]
fn experiments_become_machines() {
    let answer = json(&["lin2018-mnist", "williamson2020-mnist", "--draws", "2", "--bits", "4"]);
    let lin = &answer["machines"][0];
    // Five masks of 200 x 200 hold 447 x 447 weights; ten detectors of 4.8 mm read 6.4 wavelengths,
    // where masks of 8 cm are seen at 3 cm: (2 x 6.4 x 0.8 + 1)² = 126.3.
    assert_eq!(number(lin, "/largest"), 447.0);
    assert_eq!(number(lin, "/results/0/macs"), 10.0 * 2.0 * 127.0 * 785.0);
    let chip = &answer["machines"][1];
    // Complex 16 x 16 between two nonlinearities, then the ten guides that are read.
    assert_eq!(number(chip, "/results/0/macs"), 4.0 * (256.0 + 160.0));
    let terms = chip["results"][0]["terms"].as_array().expect("terms");
    let front = terms.iter().find(|t| t["name"] == "digital front end").expect("Fourier is paid");
    assert!(number(front, "/wall/typical") > 0.0);
    let training = chip["results"][0]["training"].as_array().expect("a training run");
    let (refused, priced): (Vec<_>, Vec<_>) = training.iter().partition(|t| t["cost"].is_null());
    assert!(priced.len() >= 4 && priced.iter().all(|t| number(t, "/cost/seconds") > 0.0));
    assert!(refused.iter().all(|t| t["refused"].is_string()), "{refused:?}");
    // A front end that learns does so here too.
    let learns = ["--set", "optic.input.front=pca", "--set", "data.train_limit=64"];
    let learns = [&["williamson2020-mnist", "--draws", "1", "--bits", "4"][..], &learns].concat();
    assert!(number(&json(&learns), "/machines/0/results/0/wall/typical") > 0.0);
    // Keys of the experiment and figures are set side by side.
    let other = json(&[
        "lin2018-mnist",
        "--draws",
        "2",
        "--bits",
        "4",
        "--set",
        "optic.samples=100",
        "--set",
        "thz.nep=20",
    ]);
    assert_eq!(number(&other, "/machines/0/largest"), 223.0);
    let light = |a: &Value| {
        let terms = a["machines"][0]["results"][0]["terms"].as_array().expect("terms").clone();
        let light = terms.into_iter().find(|t| t["name"] == "light").expect("light");
        number(&light, "/optics")
    };
    assert!((light(&other) / light(&answer) - 2.0).abs() < 0.5, "twice the noise");
}

/// A training run is priced by what a step of each method asks for, and a method that does not suit
/// is said not to: 512 phases are more than finite differences take.
#[test]
fn training_is_counted_by_its_methods() {
    use lightloom::experiment::preset;
    use lightloom::methods;
    use lightloom::methods::recipe::{MethodName, Recipe};
    for (name, classes) in [("williamson2020-mnist", 10), ("mnist-small", 10)] {
        let few = ["data.train_limit=640".to_owned(), "train.steps=7".to_owned()];
        let args = ["--draws", "1", "--bits", "4", "--set", &few[0], "--set", &few[1]];
        let answer = json(&[&[name][..], &args].concat());
        let training = answer["machines"][0]["results"][0]["training"].as_array().expect("one");
        let found: Vec<_> =
            training.iter().map(|t| t["method"].as_str().expect("a name")).collect();
        let all = ["backprop", "pat", "three_shot", "spsa", "finite_differences"];
        assert_eq!(found, all);
        let experiment = preset::open(Path::new(name), &few).expect("it is right").experiment;
        let recipe = experiment.train.expect("it trains");
        for t in training {
            let method = MethodName::ALL.into_iter().find(|m| m.name() == t["method"]);
            let recipe = Recipe { method: method.expect("one of them"), ..recipe.clone() };
            if let Some(why) = t["refused"].as_str() {
                assert_eq!((name, &t["method"]), ("williamson2020-mnist", &Value::from(all[4])));
                assert!(why.contains("512 numbers") && t["cost"].is_null(), "{t}");
                continue;
            }
            let method =
                methods::of(&recipe, &experiment.optic, experiment.seed).expect("it suits");
            let step = method.charge(&experiment.optic, classes, recipe.batch as u64);
            let [shots, loads, fields] =
                [step.shots, step.reconfigurations, step.fields].map(|n| 7.0 * n as f64);
            let counts = |at: &str| number(t, &format!("/counts/{at}"));
            assert_eq!(
                [counts("shots"), counts("reconfigurations"), counts("fields")],
                [shots, loads.max(1.0), fields]
            );
            assert!((counts("digital_macs") - 7.0 * step.macs).abs() <= 1e-9 * step.macs, "{t}");
        }
        // Two exposures of each of four probes, and a load more, a step.
        assert_eq!(number(&training[3], "/counts/shots"), 56.0 * recipe.batch as f64);
        assert_eq!(number(&training[3], "/counts/reconfigurations"), 63.0);
        assert_eq!(number(&training[0], "/counts/shots"), 0.0);
    }
}

/// Cameras between layers, and a digital layer behind them, are priced: 32 x 32 samples of each of two
/// planes, and 25 readings for ten classes.
#[test]
fn cameras_and_heads_are_paid_for() {
    let answer = json(&["device-cameras", "device-hybrid", "--draws", "2", "--bits", "4"]);
    let term = |m: usize, name: &str| {
        let terms = answer["machines"][m]["results"][0]["terms"].as_array().expect("terms");
        terms.iter().find(|t| t["name"] == name).map(|t| number(t, "/wall/typical"))
    };
    let receivers =
        |m| term(m, "receivers").expect("detectors") + term(m, "ADCs").expect("detectors");
    // 2 x 1024 samples as 20 detectors.
    let cameras = term(0, "cameras between layers").expect("cameras");
    assert!((cameras / receivers(0) / 102.4 - 1.0).abs() < 1e-9);
    let panels = term(0, "panels between layers").expect("panels");
    assert!((panels / term(0, "input panel").expect("a panel") / 2.0 - 1.0).abs() < 1e-9);
    assert_eq!(term(0, "digital head"), None);
    assert_eq!(answer["machines"][0]["results"][0]["useful"]["numerical"], Value::Null);
    let note = answer["machines"][0]["rank_note"].as_str().expect("why");
    assert!(note.contains("a camera and a fresh wave"), "{note}");
    // 250 MACs at 1 pJ, and 250 weights of 4 bits at 20 pJ a word of 64.
    let head = term(1, "digital head").expect("a head");
    assert!((head / (250e-12 + 250.0 / 16.0 * 20e-12) - 1.0).abs() < 1e-9, "{head}");
    assert_eq!(term(1, "cameras between layers"), None);
    let ranks = &answer["machines"][1]["results"][0]["useful"]["numerical"]["ranks"];
    assert_eq!(ranks.as_array().expect("ranks").len(), 25);
}

/// A digital network of equal accuracy is trained, and its MACs are its weights.
#[test]
fn the_smallest_network_of_equal_accuracy() {
    let small = ["mnist-small", "--set", "data.train_limit=4000", "--draws", "1", "--bits", "8"];
    let equal = |accuracy: &str| {
        let answer = json(&[&small[..], &["--accuracy", accuracy]].concat());
        answer["machines"][0]["results"][0]["equal"][0].clone()
    };
    let easy = equal("0.75");
    let hidden = |v: &Value| -> Vec<usize> {
        let name = v["network"].as_str().expect("a name");
        name.split('-').map(|n| n.parse().expect("a size")).collect()
    };
    let sizes = hidden(&easy);
    let weights: usize = sizes.windows(2).map(|w| w[0] * w[1]).sum();
    assert_eq!(number(&easy, "/macs"), weights as f64);
    assert!(weights < 20_000, "the smallest of them: {easy}");
    // 95 % of 10,000 test samples lie within 1 % of what validation said.
    assert!(number(&easy, "/accuracy") > 0.72, "{easy}");
    let hard = equal("0.999");
    assert_eq!(hard["network"], "784-512-10");
    assert!(hard["source"].as_str().expect("a source").contains("misses"), "{hard}");
    assert!(hard["is_as_good"] == false && hard["against"].is_null(), "{hard}");
    assert!(easy["is_as_good"] == true && easy["against"].is_array(), "{easy}");
}

/// Of a trained machine: the accuracy of every number of bits is with the noise and the steps that
/// their joules pay for; few bits cost accuracy, many cost none.
#[test]
fn accuracy_is_of_the_same_photons() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = Command::new(env!("CARGO_BIN_EXE_lightloom"))
        .current_dir(folder.path())
        .args(["train", "mnist-small", "--out", "run", "--backend", "cpu", "--json"])
        .args(["--set", "data.train_limit=2000", "--set", "train.epochs=2"])
        .output()
        .expect("the program starts");
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let args = ["run/checkpoint.safetensors", "--json", "--no-measure", "--draws", "2"];
    let args = [&args[..], &["--bits", "1,4,12", "--backend", "cpu"]].concat();
    let said = run_in(folder.path(), &args);
    assert_eq!(said.code, Some(0), "{}", said.error);
    let answer: Value = serde_json::from_str(&said.out).expect("JSON");
    let machine = &answer["machines"][0];
    assert_eq!(machine["name"], "run");
    let twice = run_in(folder.path(), &[&args[..1], &["--accuracy", "0.9"]].concat());
    assert_eq!(twice.code, Some(2), "{}", twice.error);
    assert!(twice.error.contains("run is a run, and has its own"), "{}", twice.error);
    let of = |i: usize, at: &str| number(machine, &format!("/results/{i}/accuracy/{at}"));
    let ideal = number(machine, "/noiseless_accuracy");
    assert!(ideal > 0.6, "{ideal}");
    // It stands beside no joules.
    let results = machine["results"].as_array().expect("results");
    assert!(results.iter().all(|r| !r.to_string().contains("noiseless")));
    // The digital network is as good as light at the same bits, and no better one is taken.
    for (i, r) in results.iter().enumerate() {
        assert_eq!(r["equal"].as_array().expect("a network").len(), 1);
        assert_eq!(number(r, "/equal/0/as_good_as"), of(i, "accuracy"));
        assert!(of(i, "validation") > 0.0);
        // What misses has no advantage.
        let equal = &r["equal"][0];
        assert_eq!(equal["is_as_good"] == true, equal["against"].is_array(), "{equal}");
    }
    assert!(of(0, "accuracy") < of(1, "accuracy") && of(1, "accuracy") <= of(2, "accuracy") + 0.01);
    assert!(of(0, "accuracy") < ideal - 0.05, "one bit is not enough");
    // At 12 bits the noise is 1/8000 of the mean: of 10,000 answers a few change.
    assert!((of(2, "accuracy") - ideal).abs() < 0.005);
    assert_eq!(of(2, "n"), 10_000.0);
    // What it computes: inputs x rank of each of the 20 regions, which touch 5 x 5 samples; 28 x 28 pixels are
    // placed on 22 x 22 samples, so that 484 are ever seen. Fewer photons leave less of it.
    let useful = |i: usize| &results[i]["useful"]["numerical"];
    let ranks = |i: usize| -> Vec<u64> {
        let ranks = useful(i)["ranks"].as_array().expect("ranks");
        ranks.iter().map(|r| r.as_u64().expect("a rank")).collect()
    };
    for (i, r) in results.iter().enumerate() {
        let all = ranks(i);
        assert!(all.len() == 20 && all.iter().all(|r| (1..=25).contains(r)), "{all:?}");
        let sum: u64 = all.iter().sum();
        assert_eq!(number(useful(i), "/inputs"), 484.0);
        assert_eq!(number(useful(i), "/complex_macs"), (484 * sum) as f64);
        // Real MACs with the squares; the joules of a MAC are of these.
        assert_eq!(number(r, "/macs"), (2 * 485 * sum) as f64);
    }
    assert!(ranks(0).iter().zip(ranks(1)).all(|(a, b)| *a <= b));
    assert!(ranks(1).iter().zip(ranks(2)).all(|(a, b)| *a <= b));
    assert!(ranks(0).iter().sum::<u64>() < ranks(2).iter().sum());
    assert_eq!(number(&results[0], "/useful/connections"), 2.0 * 1024.0 * 1024.0);
    assert_eq!(machine["rank_note"], "rank as trained");
    // The share of light on the detectors is this machine's own.
    let figures = answer["figures"].as_array().expect("figures");
    let share = figures.iter().find(|f| f["key"] == "thz.on_detector").expect("it is there");
    assert!(share["source"].as_str().expect("a source").contains("computed in this run"));
}

/// The noise of an accuracy is that which the joules pay for, and no other: [hardware] changes nothing,
/// were its camera blind.
#[test]
fn accuracy_is_without_the_faults_of_the_device() {
    let folder = tempfile::tempdir().expect("a folder");
    let sets = ["--set", "data.train_limit=1280", "--set", "train.epochs=1"];
    train_in(folder.path(), "device-stack", &sets);
    let machine = |more: &[&str]| machine_in(folder.path(), more);
    let ours = machine(&[]);
    assert!(number(&ours, "/noiseless_accuracy") > 0.4, "{}", ours["noiseless_accuracy"]);
    assert!(ours["note"].as_str().expect("a note").contains("without the faults of [hardware]"));
    let blind =
        machine(&["--set", "hardware.detector.photons=1", "--set", "hardware.mask.levels=2"]);
    assert_eq!(blind["noiseless_accuracy"], ours["noiseless_accuracy"]);
    assert_eq!(blind["results"][0]["accuracy"], ours["results"][0]["accuracy"]);
}

#[test]
fn a_seed_gives_the_same_numbers() {
    let of = |seed: &str| json(&["--machine", "svd:16", "--draws", "20", "--seed", seed]);
    assert_eq!(of("3"), of("3"));
    let range = |a: &Value| number(a, "/machines/0/results/0/wall/p95");
    assert!(range(&of("3")) != range(&of("4")));
}

/// The table has each part with what it rests on, and every figure with its source.
#[test]
fn the_table_says_where_numbers_come_from() {
    let said = run_in(Path::new("."), &["--draws", "10", "--no-measure"]);
    assert_eq!(said.code, Some(0), "{}", said.error);
    for part in [
        "One inference",
        "Digital baselines",
        "Where the joules go",
        "Where the time goes",
        "H100",
        "arithmetic floor",
        "this CPU",
        "Loss wall: 218 columns",
        "Published totals",
        "assumed:",
        "dac.b8",
        "unrefereed",
        "Conventions",
        "scene: ",
    ] {
        assert!(said.out.contains(part), "no \"{part}\"");
    }
    // Those of loads, of the loss wall, of masks and of networks too, not only of joules.
    let (_, listed) = said.out.split_once("Figures that these numbers rest on").expect("a list");
    let keys: Vec<_> = listed.lines().filter_map(|l| l.split_whitespace().next()).collect();
    for key in [
        "thermo.product",
        "silicon.link_budget",
        "slm.panel_pixels",
        "thz.mask_pixels",
        "mnist.linear",
        "mnist.hidden",
    ] {
        assert!(keys.contains(&key), "no {key}");
    }
    assert!(!keys.contains(&"pcm.time"), "no machine here has such cells");
}

/// Another file's figures stand in place of the built-in ones.
#[test]
fn figures_come_from_a_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("mine.toml");
    let write = |text: &str| std::fs::write(&file, text).expect("a file");
    write(
        "[dac]\nb8 = { value = 2000, unit = \"fJ\", source = \"ours\", confidence = \"verified\" }\n",
    );
    let args = ["--devices", "mine.toml", "--json", "--no-measure", "--draws", "1"];
    let said = run_in(folder.path(), &args);
    assert_eq!(said.code, Some(0), "{}", said.error);
    let answer: Value = serde_json::from_str(&said.out).expect("JSON");
    let figures = answer["figures"].as_array().expect("figures");
    let dac = figures.iter().find(|f| f["key"] == "dac.b8").expect("it is there");
    assert_eq!((number(dac, "/typical"), &dac["unit"]), (2000.0, &Value::from("fJ")));
    assert_eq!(dac["source"], "ours");
    for (text, says) in [
        ("[dac]\nb9 = { value = 1, unit = \"pJ\" }\n", ["mine.toml:2", "dac.b9", "no such figure"]),
        ("[dac]\n\nb8 = { value = 1, unit = \"W\" }\n", ["mine.toml:3", "dac.b8", "is in pJ"]),
        ("[dac]\nb8 = { value = 1, unit = \"pj\" }\n", ["mine.toml:2", "dac.b8", "no unit"]),
        ("[dac]\nb8 = { low = 1, unit = \"pJ\" }\n", ["mine.toml:2", "dac.b8", "low, typical"]),
        ("[dac]\nb8 = { volue = 1 }\n", ["mine.toml:2", "dac.b8", "volue"]),
        ("dac = 3\n", ["mine.toml:1", "dac", "no table"]),
        ("[dac\n", ["mine.toml:1", "not TOML", ""]),
    ] {
        write(text);
        let said = run_in(folder.path(), &args);
        assert_eq!(said.code, Some(2), "{text}");
        assert!(said.out.is_empty(), "nothing is half said");
        for part in says {
            assert!(said.error.contains(part), "{text}: no {part} in {}", said.error);
        }
    }
}

#[test]
fn wrong_requests_are_refused() {
    for (args, says) in [
        (&["--machine", "quantum"][..], "no machine is called quantum"),
        (&["--machine", "svd:1"][..], "svd:16"),
        (&["--machine", "slm:16"][..], "has no modes"),
        (&["--machine", "butterfly:10"][..], "power of two"),
        (&["--bits", "0"][..], "0"),
        (&["--bits", "17"][..], "17"),
        (&["--draws", "0"][..], "0"),
        (&["--set", "silicon.mzi_los=1"][..], "did you mean `silicon.mzi_loss`"),
        (&["--set", "silicon.mzi_loss=-1"][..], "negative"),
        (&["--set", "silicon.mzi_loss=a lot"][..], "no number in dB"),
        (&["--set", "optic.samples=64"][..], "name an experiment"),
        (&["mnist", "--set", "optic.sample=64"][..], "unknown key"),
        (&["circular-aperture"][..], "scene"),
        (&["nowhere"][..], "nowhere"),
        (&["device-kerr"][..], "a nonlinear plane"),
        (&["mnist", "--accuracy", "98"][..], "0.97"),
        (&["--accuracy", "0.9"][..], "EXPERIMENT"),
        (&["--devices", "nowhere.toml"][..], "nowhere.toml"),
        (&["--ledger", "nowhere.json"][..], "nowhere.json"),
    ] {
        let said = run_in(Path::new("."), args);
        assert_eq!(said.code, Some(2), "{args:?}: {}", said.error);
        assert!(said.error.contains(says), "{args:?}: {}", said.error);
        assert!(said.out.is_empty(), "{args:?} says nothing beside");
    }
}

/// A chip of a checkpoint takes the light that its own share of it asks for, and says so; what no
/// network reaches has no advantage in the table.
#[test]
fn a_trained_chip_is_paid_by_its_own_light() {
    let folder = tempfile::tempdir().expect("a folder");
    train_in(folder.path(), "vowel", &["--set", "train.epochs=2"]);
    let machine = |more: &[&str]| machine_in(folder.path(), more);
    let own = machine(&[]);
    assert!(
        own["what"].as_str().expect("what").contains("computed in this run"),
        "{}",
        own["what"]
    );
    let keys = |m: &Value| m["figures"].to_string();
    assert!(!keys(&own).contains("silicon.svd_transmission"));
    let set = machine(&["--set", "silicon.svd_transmission=0.25"]);
    assert!(keys(&set).contains("silicon.svd_transmission"));
    assert!(number(&own, "/results/0/loss_db") != number(&set, "/results/0/loss_db"));
}
