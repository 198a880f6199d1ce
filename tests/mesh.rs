//! `lightloom mesh` as a user runs it. The matrices of its files are rebuilt here by code of its own,
//! from the documented 2 x 2 alone.

use std::f64::consts::{PI, TAU};
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use lightloom::files::npy;
use num_complex::Complex;
use serde_json::{Value, json};
use tempfile::TempDir;

type C = Complex<f64>;

fn folder() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

fn output(at: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lightloom"));
    command.current_dir(at).arg("mesh").args(args).output().expect("the program starts")
}

/// Standard output of a run that must end well.
fn good(at: &Path, args: &[&str]) -> String {
    let out = output(at, args);
    let error = String::from_utf8_lossy(&out.stderr);
    assert_eq!(out.status.code(), Some(0), "{args:?}: {error}");
    String::from_utf8(out.stdout).expect("text")
}

fn answer(at: &Path, args: &[&str]) -> Value {
    let text = good(at, &[args, &["--json"]].concat());
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text}"))
}

fn save(at: &Path, name: &str, shape: [usize; 2], values: &[C]) {
    npy::write_complex128(&at.join(name), &shape, values).expect("a matrix");
}

fn load(at: &Path, name: &str) -> Vec<C> {
    npy::read_field(&at.join(name)).expect("a matrix").1
}

fn file(at: &Path, name: &str) -> Value {
    serde_json::from_str(&fs::read_to_string(at.join(name)).expect("a file")).expect("JSON")
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

fn distance(a: &[C], b: &[C]) -> f64 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(x, y)| (x - y).norm()).fold(0.0, f64::max)
}

fn identity(n: usize) -> Vec<C> {
    (0..n * n).map(|k| C::from(f64::from(u8::from(k % (n + 1) == 0)))).collect()
}

fn fourier(n: usize) -> Vec<C> {
    let entry = |k: usize| {
        let turn = (k / n * (k % n) % n) as f64 / n as f64;
        C::from_polar((n as f64).sqrt().recip(), -TAU * turn)
    };
    (0..n * n).map(entry).collect()
}

/// The matrix of a mesh in a P.json: 2 x 2s in the order of the list, then the output phases.
fn rebuild(mesh: &Value) -> Vec<C> {
    let n = mesh["n"].as_u64().expect("modes") as usize;
    let topology = mesh["topology"].as_str().expect("a topology");
    let diamond = topology == "diamond" && n > 1;
    let (guides, first) = if diamond { (2 * n - 2, n - 2) } else { (n, 0) };
    let mut rows = vec![vec![C::new(0.0, 0.0); n]; guides];
    (0..n).for_each(|k| rows[first + k][k] = C::from(1.0));
    for cell in mesh["mzi"].as_array().expect("cells") {
        let [column, a] = ["column", "row"].map(|k| cell[k].as_u64().expect("a place") as usize);
        let [theta, phi] = ["theta", "phi"].map(|k| number(&cell[k]));
        let b = if topology == "butterfly" { a + (1 << column) } else { a + 1 };
        let (s, c) = (theta / 2.0).sin_cos();
        let common =
            C::i() * if mesh["symmetric"] == true { C::from(1.0) } else { C::cis(theta / 2.0) };
        let mut t = [C::cis(phi) * s, C::from(c), C::cis(phi) * c, C::from(-s)].map(|x| common * x);
        if mesh["three_splitters"] == true {
            let h = 0.5f64.sqrt();
            let i = C::i();
            t = [
                (t[0] + i * t[1]) * h,
                (i * t[0] + t[1]) * h,
                (t[2] + i * t[3]) * h,
                (i * t[2] + t[3]) * h,
            ];
        }
        let (above, below) = rows.split_at_mut(b);
        for (x, y) in above[a].iter_mut().zip(&mut below[0]) {
            (*x, *y) = (t[0] * *x + t[1] * *y, t[2] * *x + t[3] * *y);
        }
    }
    let gamma = mesh["gamma"].as_array().expect("output phases");
    assert_eq!(gamma.len(), n);
    (0..n)
        .flat_map(|k| {
            rows[first + k].iter().map(|x| x * C::cis(number(&gamma[k]))).collect::<Vec<_>>()
        })
        .collect()
}

/// Keys of an object in their order.
fn keys(value: &Value) -> Vec<&str> {
    value.as_object().expect("an object").keys().map(String::as_str).collect()
}

/// U -> P.json -> V, V also by the code above: within N · 1e-14, and a phase moved by 1e-9 is seen.
#[test]
fn phases_say_the_matrix() {
    let folder = folder();
    let at = folder.path();
    for n in [1usize, 2, 3, 5, 8, 16] {
        good(at, &["random", &n.to_string(), "--seed", "7", "--out", "random.npy"]);
        save(at, "identity.npy", [n, n], &identity(n));
        save(at, "fourier.npy", [n, n], &fourier(n));
        for name in ["random.npy", "identity.npy", "fourier.npy"] {
            let u = load(at, name);
            for topology in ["clements", "reck", "diamond", "butterfly"] {
                if topology == "butterfly"
                    && (!n.is_power_of_two() || (n > 2 && name != "identity.npy"))
                {
                    continue;
                }
                check(at, n, name, &u, &["--topology", topology]);
            }
            if n == 5 {
                check(at, n, name, &u, &["--symmetric"]);
                check(at, n, name, &u, &["--three-splitters", "--topology", "reck"]);
            }
        }
    }
}

fn check(at: &Path, n: usize, name: &str, u: &[C], how: &[&str]) {
    let tolerance = n as f64 * 1e-14;
    let what = format!("{name} {n} {how:?}");
    let said = answer(at, &[&["decompose", name, "--out", "P.json"], how].concat());
    let mut mesh = file(at, "P.json");
    let cells = mesh["mzi"].as_array().expect("cells").clone();
    assert!(number(&said["max_error"]) < tolerance, "{what}: {said}");
    assert_eq!(
        (said["n"].as_u64(), said["cells"].as_u64()),
        (Some(n as u64), Some(cells.len() as u64))
    );
    // The format, exactly.
    let mut expected = vec!["n", "topology", "mzi", "gamma"];
    for (flag, key) in [("--symmetric", "symmetric"), ("--three-splitters", "three_splitters")] {
        if how.contains(&flag) {
            expected.insert(2, key);
            assert_eq!(mesh[key], true);
        }
    }
    assert_eq!(keys(&mesh), expected, "{what}");
    let places: Vec<[u64; 2]> = cells
        .iter()
        .map(|cell| {
            assert_eq!(keys(cell), ["column", "row", "theta", "phi"]);
            ["column", "row"].map(|k| cell[k].as_u64().expect("a place"))
        })
        .collect();
    assert!(places.is_sorted(), "{what}: in order of passage");

    let v = rebuild(&mesh);
    assert!(distance(&v, u) < tolerance, "{what}: {:.1e}", distance(&v, u));
    good(at, &["matrix", "P.json", "--out", "V.npy"]);
    assert!(distance(&load(at, "V.npy"), &v) < tolerance, "{what}");
    assert!(distance(&load(at, "V.npy"), u) < tolerance, "{what}");
    // Sabotage: the last cell is always seen; one mode has only its output phase.
    let moved = |x: &Value| json!(number(x) + 1e-9);
    if n > 1 {
        let last = cells.len() - 1;
        mesh["mzi"][last]["theta"] = moved(&mesh["mzi"][last]["theta"]);
    } else {
        mesh["gamma"][0] = moved(&mesh["gamma"][0]);
    }
    fs::write(at.join("moved.json"), mesh.to_string()).expect("a file");
    assert!(distance(&rebuild(&mesh), u) > tolerance, "{what}: the comparison can fail");
    good(at, &["matrix", "moved.json", "--out", "V.npy"]);
    assert!(distance(&load(at, "V.npy"), u) > tolerance, "{what}");
}

/// W = gain · left · diag(attenuation) · right for tall, wide, square and rank-one matrices.
#[test]
fn any_matrix_is_an_svd_layer() {
    let folder = folder();
    let at = folder.path();
    good(at, &["random", "16", "--out", "U.npy"]);
    let u = load(at, "U.npy");
    for (rows, columns, rank_one) in
        [(5usize, 3usize, false), (3, 5, false), (4, 4, false), (1, 4, false), (4, 3, true)]
    {
        let entry = |k: usize| {
            if rank_one { u[k / columns] * u[16 + k % columns] * 3.0 } else { u[k] * 7.5 }
        };
        let w: Vec<C> = (0..rows * columns).map(entry).collect();
        save(at, "W.npy", [rows, columns], &w);
        let said = answer(at, &["decompose", "W.npy", "--svd", "--out", "S.json"]);
        let layer = file(at, "S.json");
        assert_eq!(keys(&layer), ["rows", "columns", "gain", "right", "attenuation", "left"]);
        let (left, right) = (rebuild(&layer["left"]), rebuild(&layer["right"]));
        let attenuation = layer["attenuation"].as_array().expect("a list");
        assert_eq!(attenuation.len(), rows.min(columns));
        let gain = number(&layer["gain"]);
        let v: Vec<C> = (0..rows * columns)
            .map(|at| {
                let (i, j) = (at / columns, at % columns);
                (0..rows.min(columns))
                    .map(|k| {
                        gain * number(&attenuation[k]) * left[i * rows + k] * right[k * columns + j]
                    })
                    .sum()
            })
            .collect();
        // Relative to the largest singular value: rounding times the cells an entry passes.
        let tolerance = 1e-13 * gain;
        assert!(distance(&v, &w) < tolerance && number(&said["max_error"]) < tolerance);
        assert_eq!(number(&said["gain"]), gain);
        good(at, &["matrix", "S.json", "--out", "V.npy"]);
        let (shape, got) = npy::read_field(&at.join("V.npy")).expect("a matrix");
        assert!(shape == [rows, columns] && distance(&got, &w) < tolerance);
    }
    good(at, &["draw", "S.json", "--input", "0", "--out", "S.png"]);
    fs::write(at.join("H.toml"), "splitter_angle = 0.02\n").unwrap();
    let chip = ["matrix", "S.json", "--out", "V.npy", "--hardware", "H.toml", "--seed", "2"];
    let said = answer(at, &chip);
    assert!(number(&said["rms_from_ideal"]) > 0.0, "{said}");
}

#[test]
fn chips_are_their_seeds() {
    let folder = folder();
    let at = folder.path();
    good(at, &["random", "8", "--seed", "1", "--out", "U.npy"]);
    good(at, &["decompose", "U.npy", "--out", "P.json"]);
    let keys = "bs_error = 0.02\ntheta_std = 0.05\nphase_bits = 6\ndrift_std = 1e-3\n";
    fs::write(at.join("H.toml"), keys).unwrap();
    let chip = |hardware: &str, more: &[&str]| {
        let args = ["matrix", "P.json", "--out", "V.npy", "--hardware", hardware];
        let said = answer(at, &[&args[..], more].concat());
        (fs::read(at.join("V.npy")).unwrap(), number(&said["rms_from_ideal"]))
    };
    let (three, rms) = chip("H.toml", &["--seed", "3"]);
    assert_eq!(chip("H.toml", &["--seed", "3"]).0, three, "a seed is a chip");
    assert_ne!(chip("H.toml", &["--seed", "4"]).0, three);
    assert_ne!(chip("H.toml", &["--seed", "3", "--time-s", "100"]).0, three, "it drifts");
    assert_ne!(chip("H.toml", &["--seed", "3", "--set", "theta_std=0.06"]).0, three);
    // What is said is what is written: ‖U - V‖_F/√N.
    let (u, v) = (load(at, "U.npy"), {
        fs::write(at.join("V.npy"), &three).unwrap();
        load(at, "V.npy")
    });
    let square: f64 = u.iter().zip(&v).map(|(x, y)| (x - y).norm_sqr()).sum();
    assert!(((square / 8.0).sqrt() - rms).abs() < 1e-12 && rms > 0.05, "{rms}");
    // The keys may stand in an experiment file, and its seed counts where no flag gives one.
    for head in ["[hardware]\n", "seed = 3\n[optic]\npitch = 1\n[hardware.mesh]\n"] {
        fs::write(at.join("E.toml"), format!("{head}{keys}")).unwrap();
        assert_eq!(chip("E.toml", &["--seed", "3"]).0, three, "{head}");
    }
    assert_eq!(chip("E.toml", &[]).0, three);
    let said = good(at, &["matrix", "P.json", "--out", "V.npy", "--hardware", "H.toml"]);
    assert!(said.contains("rms distance from the ideal matrix 0."), "{said}");
}

/// Every path loses depth · α dB where guides that pass a column lose it too.
#[test]
fn loss_is_depth_times_alpha() {
    let folder = folder();
    let at = folder.path();
    fs::write(at.join("H.toml"), "loss_db = 0.25\n").unwrap();
    good(at, &["random", "8", "--seed", "1", "--out", "U.npy"]);
    let u = load(at, "U.npy");
    for (topology, depth) in [("clements", 8.0), ("reck", 13.0), ("diamond", 13.0)] {
        good(at, &["decompose", "U.npy", "--out", "P.json", "--topology", topology]);
        let chip = ["matrix", "P.json", "--out", "V.npy", "--hardware", "H.toml"];
        let said = answer(at, &chip);
        let expected: Vec<C> = u.iter().map(|x| x * 10f64.powf(-depth * 0.25 / 20.0)).collect();
        assert!(distance(&load(at, "V.npy"), &expected) < 8e-14, "{topology}");
        assert!((number(&said["loss_db"]) - depth * 0.25).abs() < 1e-12, "{said}");
        let said = answer(at, &[&chip[..], &["--set", "bypass_loss=false"]].concat());
        assert!(number(&said["loss_db"]) < depth * 0.25 - 0.01, "{topology}: {said}");
    }
}

/// Phases for one chip serve that chip, and what is said of it is so.
#[test]
fn a_chip_is_programmed() {
    let folder = folder();
    let at = folder.path();
    good(at, &["random", "6", "--seed", "2", "--out", "U.npy"]);
    fs::write(at.join("H.toml"), "splitter_angle = 0.03\ntheta_std = 0.1\n").unwrap();
    let program = |more: &[&str]| {
        let args =
            ["program", "U.npy", "--hardware", "H.toml", "--seed", "5", "--out", "chip.json"];
        let said = answer(at, &[&args[..], more].concat());
        let away = |seed: &str| {
            let chip = ["matrix", "chip.json", "--out", "V.npy", "--hardware", "H.toml"];
            let said = answer(at, &[&chip[..], &["--seed", seed, "--wanted", "U.npy"]].concat());
            number(&said["rms_from_wanted"])
        };
        let [before, after] = ["before", "after"].map(|k| number(&said[k]["rms_error"]));
        assert!((away("5") - after).abs() < 1e-12, "{said}");
        (said.clone(), before, after, away("6"))
    };
    let (said, before, after, other) = program(&[]);
    assert!(after < 0.3 * before && other > 0.3 * before, "{said} {other}");
    assert!(said["missed"].is_u64() && said["measurements"] == 0, "{said}");
    let (said, before, after, _) = program(&["--method", "plain"]);
    assert_eq!(before, after, "{said}");
    let (said, before, after, _) = program(&["--method", "self-configure"]);
    assert!(after < 0.3 * before, "{said}");
    assert_eq!(
        (said["topology"].as_str(), said["measurements"].as_u64()),
        (Some("reck"), Some(18 * 15))
    );
    assert!(said["missed"].is_null() && said["reference_exposures"] == 24, "{said}");
    let tuned = ["--method", "self-configure", "--topology", "clements", "--sweeps", "4"];
    let (said, before, after, _) = program(&tuned);
    assert!(after < 0.3 * before, "{said}");
    let (said, _, after, _) = program(&["--three-splitters"]);
    assert!(after < 1e-12 && file(at, "chip.json")["three_splitters"] == true, "{said}");
}

#[test]
fn many_chips_are_counted() {
    let folder = folder();
    let at = folder.path();
    good(at, &["random", "6", "--seed", "2", "--out", "U.npy"]);
    fs::write(at.join("H.toml"), "splitter_angle = 0.03\n").unwrap();
    let errors = |more: &[&str]| {
        answer(at, &[&["errors", "--hardware", "H.toml", "--chips", "40"], more].concat())
    };
    let said = errors(&["U.npy", "--seed", "3", "--within", "0.09"]);
    let chips = said["chips"].as_array().expect("chips");
    let mut plain: Vec<f64> = chips.iter().map(|c| number(&c["plain"])).collect();
    let within = plain.iter().filter(|e| **e <= 0.09).count() as f64 / 40.0;
    assert!(
        number(&said["yield"]["plain"]) == within && (0.05..0.95).contains(&within),
        "{within}"
    );
    assert!((number(&said["plain"]["mean"]) - plain.iter().sum::<f64>() / 40.0).abs() < 1e-12);
    plain.sort_by(f64::total_cmp);
    assert!((number(&said["plain"]["p50"]) - f64::midpoint(plain[19], plain[20])).abs() < 1e-12);
    assert!(number(&said["corrected"]["p95"]) < number(&said["plain"]["p5"]), "{said}");
    // Chip k of the list is the chip of its seed.
    let args = ["program", "U.npy", "--hardware", "H.toml", "--seed", "9", "--out", "chip.json"];
    let one = answer(at, &args);
    assert_eq!(chips[6]["seed"], 9);
    assert!((number(&chips[6]["plain"]) - number(&one["before"]["rms_error"])).abs() < 1e-13);
    assert!((number(&chips[6]["corrected"]) - number(&one["after"]["rms_error"])).abs() < 1e-13);
    assert_eq!(chips[6]["missed"], one["missed"]);
    // Threads change nothing; random matrices do.
    assert_eq!(errors(&["U.npy", "--seed", "3", "--within", "0.09", "--threads", "1"]), said);
    assert_ne!(
        errors(&["--modes", "6", "--seed", "3", "--within", "0.09"])["chips"],
        said["chips"]
    );
    let text = good(at, &["errors", "--modes", "4", "--hardware", "H.toml", "--within", "0.1"]);
    assert!(text.contains("corrected") && text.contains("within 0.1"), "{text}");
}

#[test]
fn pictures_are_drawn_and_powers_arrive() {
    let folder = folder();
    let at = folder.path();
    good(at, &["random", "5", "--out", "U.npy"]);
    let u = load(at, "U.npy");
    for topology in ["clements", "reck", "diamond"] {
        good(at, &["decompose", "U.npy", "--out", "P.json", "--topology", topology]);
        let said = answer(at, &["draw", "P.json", "--input", "3", "--out", "chip.png"]);
        for k in 0..5 {
            let expected = u[5 * k + 3].norm_sqr();
            assert!((number(&said["powers"][k]) - expected).abs() < 1e-14, "{topology} {said}");
        }
    }
    let x = [0.5, 0.1, 0.0, -0.3, 0.8].map(|v| C::new(v, PI * v));
    save(at, "x.npy", [5, 1], &x);
    let said = answer(at, &["draw", "P.json", "--input", "x.npy", "--out", "x.png"]);
    let total: f64 = said["powers"].as_array().unwrap().iter().map(number).sum();
    assert!((total - x.iter().map(Complex::norm_sqr).sum::<f64>()).abs() < 1e-13, "{said}");
    good(at, &["draw", "P.json", "--out", "dark.png"]);
    good(at, &["matrix", "P.json", "--png", "U.png"]);
    good(at, &["matrix", "P.json", "--png", "both.png", "--wanted", "U.npy"]);
    for name in ["chip.png", "x.png", "dark.png", "U.png", "both.png"] {
        let picture = image::open(at.join(name)).expect("a picture");
        assert!(picture.width() > 800 && picture.height() > 400, "{name}");
    }
    // The exact 2 x 2 is in the long help.
    let help = good(at, &["--help"]);
    for line in
        ["i e^{i theta/2} [ e^{i phi} sin(theta/2)    cos(theta/2) ]", "U = diag(e^{i gamma})"]
    {
        assert!(help.contains(line), "{help}");
    }
    assert!(!good(at, &["-h"]).contains("e^{i phi}"));
}

/// A request that is refused: exit code 2, the place, a way out, no panic, nothing written.
fn refused(at: &Path, args: &[&str], says: &[&str]) -> Vec<String> {
    let before = fs::read_dir(at).unwrap().count();
    let out = output(at, args);
    let raw = String::from_utf8_lossy(&out.stderr).into_owned();
    let plain: String = raw.chars().filter(|c| !"│×╭╰─▶".contains(*c)).collect();
    let text = plain.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut broken = Vec::new();
    if out.status.code() != Some(2) {
        broken.push(format!("exit {:?}", out.status.code()));
    }
    if text.contains("panicked") || !(text.contains("help: ") || text.contains("try '--help'")) {
        broken.push("a panic, or no way out".into());
    }
    if fs::read_dir(at).unwrap().count() != before {
        broken.push("something was written".into());
    }
    broken.extend(
        says.iter().filter(|s| !text.contains(**s)).map(|s| format!("does not say \"{s}\"")),
    );
    broken.into_iter().map(|b| format!("{args:?}: {b}\n    {text}")).collect()
}

/// A right file, which each case spoils in one place.
const GOOD: &str = r#"{
  "n": 4,
  "topology": "clements",
  "mzi": [
    {"column": 0, "row": 0, "theta": 1.1, "phi": 0.1},
    {"column": 0, "row": 2, "theta": 1.2, "phi": 0.2},
    {"column": 1, "row": 1, "theta": 1.3, "phi": 0.3},
    {"column": 2, "row": 0, "theta": 1.4, "phi": 0.4},
    {"column": 2, "row": 2, "theta": 1.5, "phi": 0.5},
    {"column": 3, "row": 1, "theta": 1.6, "phi": 0.6}
  ],
  "gamma": [0.0, 0.1, 0.2, 0.3]
}
"#;

const EDITS: &[(&str, &str, &[&str])] = &[
    ("\"n\": 4", "\"n\": 5", &["P.json:12: gamma: ", "4 output phases", "5 modes"]),
    ("\"n\": 4", "\"n\": 0", &["P.json:2: n: ", "1 to 1024"]),
    ("\"n\": 4", "\"n\": 4.5", &["P.json:2: n: ", "a whole number"]),
    ("\"n\": 4", "\"n\": -4", &["P.json:2: n: "]),
    ("\"n\": 4", "\"n\": \"4\"", &["P.json:2: n: "]),
    ("\"n\": 4,", "", &["P.json:1: ", "missing key `n`"]),
    ("\"n\": 4,", "\"n\": 4, \"n\": 4,", &["P.json:2: ", "`n` stands twice"]),
    (
        "clements",
        "klements",
        &["P.json:3: topology: ", "\"klements\"", "clements, rectangular, reck"],
    ),
    ("clements", "reck", &["mzi[1]: ", "P.json:6: ", "no cell at column 0, row 2", "rows 0"]),
    ("clements", "butterfly", &["P.json:8: mzi[3]: ", "no cell at column 2, row 0", "0 to 1"]),
    ("\"topology\"", "\"symmetric\": 1, \"topology\"", &["P.json:3: symmetric: "]),
    (
        "\"topology\"",
        "\"colour\": 1, \"topology\"",
        &["P.json:3: ", "unknown key `colour`", "gamma"],
    ),
    (
        "\"row\": 1, \"theta\": 1.3",
        "\"row\": 2, \"theta\": 1.3",
        &["P.json:7: mzi[2]: ", "no cell at column 1, row 2", "on rows 1"],
    ),
    ("\"column\": 3", "\"column\": 4", &["P.json:10: mzi[5]: ", "no cell at column 4", "0 to 3"]),
    (
        "\"column\": 0, \"row\": 2",
        "\"column\": 0, \"row\": 0",
        &["P.json:6: mzi[1]: ", "taken by mzi[0]"],
    ),
    (
        "    {\"column\": 1, \"row\": 1, \"theta\": 1.3, \"phi\": 0.3},\n",
        "",
        &["P.json:7: mzi[2]: ", "6 cells, and 5 are given", "none for column 1, row 1"],
    ),
    (
        ",\n    {\"column\": 3, \"row\": 1, \"theta\": 1.6, \"phi\": 0.6}",
        "",
        &["mzi: ", "none for column 3, row 1"],
    ),
    (
        "\"column\": 0, \"row\": 0, \"theta\": 1.1",
        "\"column\": 2, \"row\": 2, \"theta\": 1.1",
        &["P.json:6: mzi[1]: ", "passes later", "sort the cells"],
    ),
    ("1.3,", "NaN,", &["P.json:7: ", "NaN is no JSON value"]),
    ("1.3,", "-Infinity,", &["P.json:7: ", "-Infinity is no JSON value"]),
    ("1.3,", "1e999,", &["P.json:7: "]),
    ("1.3,", "null,", &["P.json:7: mzi[2].theta: ", "null", "a NaN is often written", "a number"]),
    ("1.3,", "\"1.3\",", &["P.json:7: mzi[2].theta: "]),
    ("\"theta\": 1.3, ", "", &["P.json:7: mzi[2]: ", "missing key `theta`"]),
    ("\"theta\": 1.3", "\"thta\": 1.3", &["P.json:7: mzi[2]", "unknown key `thta`"]),
    ("\"theta\": 1.3", "\"phi\": 1, \"theta\": 1.3", &["P.json:7: mzi[2]", "`phi` stands twice"]),
    ("\"row\": 1, \"theta\": 1.3", "\"row\": -1, \"theta\": 1.3", &["P.json:7: mzi[2].row: "]),
    ("[0.0, 0.1, 0.2, 0.3]", "[0.0, 0.1, 0.2]", &["P.json:12: gamma: ", "3 output phases"]),
    ("[0.0, 0.1, 0.2, 0.3]", "[0.0, 0.1, null, 0.3]", &["P.json:12: gamma[2]: "]),
    ("[0.0, 0.1, 0.2, 0.3]\n}", "[0.0, 0.1, ", &["P.json:", "cut short"]),
    ("0.3},", "0.3}", &["P.json:", "not JSON"]),
    ("0.3]\n}", "0.3]\n} {}", &["P.json:13: ", "not JSON"]),
    (GOOD, "", &["P.json:1: ", "cut short"]),
    (GOOD, "[1, 2]\n", &["P.json:1: ", "an object"]),
    (GOOD, "\u{93}NUMPY", &["P.json:1: "]),
    (GOOD, "{\"rows\": 2, \"columns\": 2}\n", &["P.json:1: ", "missing key `gain`"]),
];

#[test]
fn wrong_files_are_refused() {
    let folder = folder();
    let at = folder.path();
    fs::write(at.join("P.json"), GOOD).unwrap();
    good(at, &["matrix", "P.json", "--out", "fine.npy"]);
    let mut broken = Vec::new();
    for (from, to, says) in EDITS {
        assert!(GOOD.contains(from), "{from}");
        fs::write(at.join("P.json"), GOOD.replacen(from, to, 1)).unwrap();
        broken.extend(
            refused(at, &["matrix", "P.json", "--out", "V.npy"], says)
                .into_iter()
                .map(|b| format!("{to}: {b}")),
        );
    }
    fs::write(at.join("P.json"), &GOOD[..GOOD.len() / 2]).unwrap();
    broken.extend(refused(at, &["draw", "P.json", "--out", "chip.png"], &["P.json:", "cut short"]));
    broken.extend(refused(
        at,
        &["draw", "none.json", "--out", "chip.png"],
        &["none.json", "cannot read"],
    ));

    // An SVD layer: every part of it.
    save(at, "W.npy", [3, 2], &[1.0, 2.0, 3.0, 4.0, 5.0, 7.0].map(C::from));
    good(at, &["decompose", "W.npy", "--svd", "--out", "S.json"]);
    let layer = fs::read_to_string(at.join("S.json")).unwrap();
    for (from, to, says) in [
        ("\"rows\": 3", "\"rows\": 4", &["S.json:", "left: ", "3 modes", "4 rows"][..]),
        ("\"columns\": 2", "\"columns\": 1", &["attenuation: ", "2 amplitudes", "has 1"]),
        ("[1.0, ", "[1.5, ", &["attenuation: ", "1.5", "0..1"]),
        ("\"gain\": ", "\"gain\": -", &["S.json:4: gain: "]),
        ("\"theta\": ", "\"theta\": null, \"theta\": ", &["S.json:9: right.mzi[0]"]),
        ("\"rows\": 3", "\"rows\": 0", &["S.json:2: rows: ", "1..1024"]),
    ] {
        assert!(layer.contains(from), "{from}: {layer}");
        fs::write(at.join("S.json"), layer.replacen(from, to, 1)).unwrap();
        broken.extend(refused(at, &["matrix", "S.json", "--out", "V.npy"], says));
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn wrong_requests_are_refused() {
    let folder = folder();
    let at = folder.path();
    good(at, &["random", "5", "--out", "U5.npy"]);
    good(at, &["random", "8", "--out", "U.npy"]);
    good(at, &["decompose", "U.npy", "--out", "P.json"]);
    let mut u = load(at, "U.npy");
    let single: Vec<Complex<f32>> =
        u.iter().map(|z| Complex::new(z.re as f32, z.im as f32)).collect();
    npy::write_complex64(&at.join("single.npy"), &[8, 8], &single).unwrap();
    u[9] *= 1.1;
    save(at, "off.npy", [8, 8], &u);
    save(at, "wide.npy", [2, 32], &u);
    npy::write_f64(&at.join("cube.npy"), &[2, 2, 2], &[0.0; 8]).unwrap();
    npy::write_f64(&at.join("nan.npy"), &[2, 2], &[1.0, 0.0, f64::NAN, 1.0]).unwrap();
    fs::write(at.join("H.toml"), "loss_db = 0.1\n").unwrap();
    fs::write(at.join("unknown.toml"), "loss_db = 0.1\nsplitter = 0.1\n").unwrap();
    fs::write(at.join("range.toml"), "[hardware]\n\ncrosstalk = 0.5\n").unwrap();
    fs::write(at.join("none.toml"), "seed = 1\n[optic]\n").unwrap();
    fs::write(at.join("half.toml"), "loss_db = \n").unwrap();

    let decompose = |name| ["decompose", name, "--out", "X.json"];
    let with = |hardware| ["matrix", "P.json", "--out", "X.npy", "--hardware", hardware];
    let program = ["program", "U.npy", "--hardware", "H.toml", "--out", "X.json"];
    let errors = ["errors", "--hardware", "H.toml"];
    let cases: Vec<(Vec<&str>, &[&str])> = vec![
        (
            decompose("off.npy").into(),
            &["off.npy", "not unitary", "is 4.1e-2", "--svd", "--nearest"],
        ),
        (decompose("single.npy").into(), &["single.npy", "not unitary", "complex128"]),
        (decompose("wide.npy").into(), &["wide.npy", "2 x 32", "not square", "--svd"]),
        (decompose("cube.npy").into(), &["cube.npy", "[2, 2, 2]"]),
        (decompose("nan.npy").into(), &["nan.npy", "[1, 0] is NaN"]),
        (decompose("H.toml").into(), &["H.toml", "not a NumPy array"]),
        (decompose("no.npy").into(), &["no.npy", "cannot read"]),
        (
            [&decompose("U5.npy")[..], &["--topology", "butterfly"]].concat(),
            &["--topology", "power of two", "--topology clements"],
        ),
        (
            [&decompose("U.npy")[..], &["--topology", "butterfly"]].concat(),
            &["--topology", "cannot realise every unitary", "missed by"],
        ),
        ([&decompose("U.npy")[..], &["--topology", "square"]].concat(), &["square", "clements"]),
        (vec!["decompose", "U.npy"], &["--out"]),
        (with("unknown.toml").into(), &["unknown.toml:2: splitter: unknown key", "splitter_angle"]),
        (with("range.toml").into(), &["range.toml:3: hardware.crosstalk: ", "0..0.1"]),
        (with("none.toml").into(), &["none.toml:1: hardware: ", "[hardware.mesh]"]),
        (with("half.toml").into(), &["half.toml:1: not TOML"]),
        (with("no.toml").into(), &["no.toml", "cannot read"]),
        ([&with("H.toml")[..], &["--set", "loss_db=-1"]].concat(), &["--set:1: loss_db: "]),
        ([&with("H.toml")[..], &["--time-s=-1"]].concat(), &["--time-s: ", "-1"]),
        (
            vec!["matrix", "P.json", "--out", "X.npy", "--set", "loss_db=1"],
            &["--set: ", "--hardware"],
        ),
        (vec!["matrix", "P.json", "--out", "X.npy", "--time-s", "3"], &["--hardware"]),
        (
            vec!["matrix", "P.json", "--out", "X.npy", "--wanted", "wide.npy"],
            &["wide.npy", "8 x 8"],
        ),
        (vec!["matrix", "P.json"], &["--out"]),
        (vec!["matrix", "P.json", "--png", "X.pdf"], &["--png: ", "X.png"]),
        (vec!["draw", "P.json", "--out", "X.bmp"], &["--out: ", "X.png"]),
        (vec!["draw", "P.json", "--out", "X.png", "--input", "8"], &["--input: ", "0 to 7"]),
        (
            vec!["draw", "P.json", "--out", "X.png", "--input", "wide.npy"],
            &["wide.npy", "8 inputs"],
        ),
        (
            vec!["draw", "P.json", "--out", "X.png", "--hardware", "H.toml"],
            &["--hardware: ", "--input"],
        ),
        (
            [
                &program[..],
                &["--method", "self-configure", "--topology", "clements", "--symmetric"],
            ]
            .concat(),
            &["--symmetric: "],
        ),
        ([&program[..], &["--method", "guess"]].concat(), &["guess"]),
        (
            vec!["program", "off.npy", "--hardware", "H.toml", "--out", "X.json"],
            &["off.npy", "--nearest"],
        ),
        (errors.into(), &["--modes"]),
        ([&errors[..], &["--modes", "0"]].concat(), &["0"]),
        ([&errors[..], &["--modes", "4", "--chips", "0"]].concat(), &["0"]),
        ([&errors[..], &["--modes", "4", "--within", "nan"]].concat(), &["--within: "]),
        (
            [&errors[..], &["--modes", "6", "--topology", "butterfly"]].concat(),
            &["--topology", "power of two"],
        ),
        (vec!["random", "2000", "--out", "X.npy"], &["2000", "1024"]),
        (vec!["random", "0", "--out", "X.npy"], &["0"]),
    ];
    let mut broken = Vec::new();
    for (args, says) in &cases {
        broken.extend(refused(at, args, says));
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));

    // The ways out work.
    let said = answer(at, &["decompose", "off.npy", "--nearest", "--out", "X.json"]);
    assert!((0.001..0.2).contains(&number(&said["nearest_moved"])), "{said}");
    assert!(number(&said["max_error"]) < 8e-14, "{said}");
    good(at, &["decompose", "off.npy", "--svd", "--out", "X.json"]);
    // A place that cannot be written is a failed run, not a wrong request.
    let out = output(at, &["decompose", "U.npy", "--out", "no/P.json"]);
    assert_eq!(out.status.code(), Some(1));
}
