//! `lightloom bench`: what it writes is whole and adds up. Times themselves are never a test.

use std::process::Command;
use std::sync::Arc;

use lightloom::backend::{Precision, cpu};
use lightloom::bench::rival::Propagator;
use lightloom::bench::stack::{PROPAGATE, noise, propagation, standard};
use lightloom::program::Data;
use num_complex::Complex;
use serde_json::Value;

mod common;

/// Runs the binary into a fresh folder; its JSON on standard output.
fn bench(backend: &str, more: &[&str]) -> Value {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let out = Command::new(env!("CARGO_BIN_EXE_lightloom"))
        .current_dir(folder.path())
        .args(["bench", "--quick", "--json", "--backend", backend, "--out", "o"])
        .args(more)
        .output()
        .expect("the program starts");
    let error = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success(), "{error}");
    assert!(error.is_empty(), "--json is quiet: {error}");
    let text = String::from_utf8(out.stdout).expect("text");
    let printed: Value = serde_json::from_str(&text).expect("JSON on standard output");
    let written = std::fs::read_to_string(folder.path().join("o/bench.json")).expect("bench.json");
    let written: Value = serde_json::from_str(&written).expect("JSON in bench.json");
    assert_eq!(printed, written);
    let markdown = std::fs::read_to_string(folder.path().join("o/bench.md")).expect("bench.md");
    for part in ["# lightloom bench", "- device: ", "- date: ", "- command: ", "|"] {
        assert!(markdown.contains(part), "bench.md has no {part}:\n{markdown}");
    }
    printed
}

fn number(v: &Value, key: &str) -> f64 {
    v.pointer(key).and_then(Value::as_f64).unwrap_or_else(|| panic!("no number {key} in {v:#}"))
}

/// A sampled quantity: positive, ordered, its raw samples beside it.
fn sampled(v: &Value) {
    let (low, median, high) =
        (number(v, "/quartiles/0"), number(v, "/median"), number(v, "/quartiles/1"));
    assert!(low > 0.0 && low <= median && median <= high, "{v}");
    assert_eq!(v["samples"].as_array().expect("raw samples").len() as f64, number(v, "/n"));
}

fn check(report: &Value, backend: &str) {
    for key in ["cpu", "isa", "os", "device", "date", "version", "command"] {
        let text = report["host"][key].as_str().unwrap_or_default();
        assert!(!text.is_empty(), "host.{key} is empty");
    }
    let peaks = &report["peaks"];
    if backend == "cpu" {
        assert!(number(peaks, "/fma/best") > 0.0 && number(peaks, "/copy/0/all/best") > 0.0);
    } else if peaks.is_object() {
        let copy = peaks["copy"].as_array().expect("levels");
        assert!((1..=3).contains(&copy.len()) && copy[copy.len() - 1]["holds"].is_null());
        let falls = |a: &Value, b: &Value| number(a, "/all/best") > number(b, "/all/best");
        assert!(copy.is_sorted_by(falls), "a nearer level is slower: {copy:?}");
    }
    let points = report["points"].as_array().expect("points");
    assert!(!points.is_empty());
    for point in points {
        let lines = point["lines"].as_array().expect("lines");
        let routines: Vec<_> = lines.iter().map(|l| l["routine"].as_str().unwrap()).collect();
        assert_eq!(routines, ["train", "infer", "propagate"], "{}", point["refused"]);
        for line in lines {
            sampled(&line["seconds"]);
            for key in ["/images_per_s", "/flops", "/gflop_s", "/gb_s", "/bytes"] {
                assert!(number(line, key) > 0.0, "{key}");
            }
            assert!(number(line, "/bytes") >= number(line, "/minimum_bytes"));
            sampled(&line["control"]["ratio"]);
            let rivals = line["rivals"].as_array().expect("rivals");
            for rival in rivals {
                sampled(&rival["seconds"]);
            }
            let passes = &line["passes"];
            let (p, runs) = (number(passes, "/propagations"), number(passes, "/runs"));
            let (propagations, begun) = match line["routine"].as_str() {
                Some("train") => (11.0, 2.0),
                Some("infer") => (6.0, 1.0),
                _ => (1.0, 1.0),
            };
            assert_eq!(p, propagations);
            if line["program"] == "fused" {
                assert_eq!(runs, begun);
                assert_eq!(number(passes, "/lines"), 2.0 * p + runs, "2P + 1 passes a run");
                assert_eq!(number(line, "/bytes"), number(line, "/minimum_bytes"));
            }
            assert!(number(line, "/launches") >= number(passes, "/lines"));
            // Without clocks on the device there are no kernels to hold against the peaks.
            if peaks.is_object() && line["kernels"] != Value::Array(Vec::new()) {
                let limit = line["limited_by"].as_str().unwrap_or_default();
                assert!(["memory", "compute", "overhead"].contains(&limit), "{limit}");
            }
            for kernel in line["kernels"].as_array().expect("kernels") {
                sampled_or_zero(&kernel["seconds"]);
                assert!(number(kernel, "/launches") >= 1.0);
            }
        }
        let rustfft = |r: &Value| r["name"].as_str().is_some_and(|n| n.contains("rustfft"));
        assert!(lines[2]["rivals"].as_array().unwrap().iter().any(rustfft));
    }
}

/// A node may take less than the clock sees.
fn sampled_or_zero(v: &Value) {
    assert!(number(v, "/median") >= 0.0);
    assert_eq!(v["samples"].as_array().expect("raw samples").len() as f64, number(v, "/n"));
}

#[test]
fn the_cpu_report_is_whole() {
    let report = bench("cpu", &["--sizes", "32", "--batch", "1,4"]);
    check(&report, "cpu");
    assert_eq!(report["points"].as_array().unwrap().len(), 2);
}

#[test]
fn the_gpu_report_is_whole() {
    if common::gpu("bench", 1).is_some() {
        check(&bench("gpu", &["--sizes", "32", "--batch", "4"]), "gpu");
    }
}

/// The second half: every contender finishes, and what is measured twice agrees with itself.
fn check_products(report: &Value, contenders: &[&str]) {
    assert!(report["points"].as_array().expect("points").is_empty());
    let digital = &report["digital"];
    assert!(number(digital, "/cpu_fma") > 0.0);
    let products = digital["products"].as_array().expect("products");
    assert_eq!(products.len(), 4);
    for p in products {
        let all = p["contenders"].as_array().expect("contenders");
        let names: Vec<_> = all.iter().map(|c| c["name"].as_str().unwrap()).collect();
        assert_eq!(names, contenders, "{}", p["refused"]);
        for c in all {
            sampled(&c["seconds"]);
            let expected = 2.0 * number(p, "/macs") / number(c, "/seconds/median") * 1e-9;
            assert!((number(c, "/gflop_s") / expected - 1.0).abs() < 1e-9);
        }
        assert_eq!(number(&all[0], "/ratio/median"), 1.0);
    }
}

#[test]
fn products_are_measured_on_the_cpu() {
    let report = bench("cpu", &["--digital", "--sizes", "16,36", "--batch", "1,8"]);
    check_products(&report, &["sgemm, CPU", "sgemm, CPU again", "light through a mesh, simulated"]);
}

#[test]
fn products_are_measured_on_the_gpu() {
    if common::gpu("bench products", 1).is_some() {
        let report = bench("gpu", &["--digital", "--sizes", "16,36", "--batch", "1,8"]);
        let names = [
            "sgemm, CPU",
            "sgemm, CPU again",
            "WGSL matmul, GPU",
            "WGSL matmul in f16, GPU",
            "light through a mesh, simulated",
        ];
        check_products(&report, &names);
        assert!(number(&report, "/digital/gpu_fma") > 0.0);
    }
}

/// Our WGSL products against sums in f64, over tiles that are full, cut, and a single column: of
/// f32 and of f16 operands. Those in f16 also against the sums of what was not rounded, which shows
/// that they were.
#[test]
fn products_on_the_gpu_are_right() {
    use lightloom::backend::gpu::matmul::{Operands, Product};
    use lightloom::backend::gpu::{Wanted, adapters};
    use lightloom::baseline::matmul::noise as numbers;
    let cases = [[4, 1, 1], [64, 64, 16], [68, 5, 33], [128, 130, 70], [200, 1, 77], [36, 3, 20]];
    if common::gpu("products", 2 * cases.len()).is_none() {
        return;
    }
    for operands in [Operands::F32, Operands::F16] {
        let in_f16 = operands == Operands::F16;
        if in_f16 && !adapters()[0].f16 {
            println!("products: 0 of {} f16 cases ran, the adapter has no f16", cases.len());
            let error = Product::new(Wanted::Any, operands, [4, 1, 1], &[1.0; 4], &[1.0]);
            assert!(error.err().expect("refused").to_string().contains("shader-f16"));
            continue;
        }
        let kept = |v: f32| if in_f16 { half::f16::from_f32(v).to_f64() } else { f64::from(v) };
        for [m, n, k] in cases {
            let (a, b) = (numbers(k * m, 1), numbers(k * n, 2));
            let product = Product::new(Wanted::Any, operands, [m, n, k], &a, &b).expect("one");
            product.run(1).expect("it runs");
            let c = product.read().expect("it is read");
            assert_eq!(c.len(), m * n);
            // k terms of at most 0.27, each sum rounded; of two operands in f16 each term is off by
            // up to 2 x 2^-11 of itself, and a little over.
            let tolerance = 0.27 * k as f64 * f64::from(f32::EPSILON);
            let rounding = tolerance + 0.27 * k as f64 * 2.001 * 2f64.powi(-11);
            let (mut largest, mut whole) = (0.0f64, 0.0f64);
            for (at, &got) in c.iter().enumerate() {
                let (i, j) = (at / n, at % n);
                let sum = |of: &dyn Fn(f32) -> f64| -> f64 {
                    (0..k).map(|p| of(a[p * m + i]) * of(b[p * n + j])).sum()
                };
                largest = largest.max((f64::from(got) - sum(&kept)).abs());
                whole = whole.max((f64::from(got) - sum(&f64::from)).abs());
            }
            let name = format!("{operands:?}: {m} x {n} over {k}");
            assert!(largest <= tolerance, "{name}: {largest:.1e}");
            if in_f16 {
                assert!(whole > 3.0 * tolerance, "{name}: operands are whole, {whole:.1e}");
                assert!(whole <= rounding, "{name}: {whole:.1e} over {rounding:.1e}");
            }
            assert!(c.iter().any(|v| f64::from(v.abs()) > 10.0 * tolerance), "not all zeros");
        }
    }
}

/// The rate that `energy` takes is that of work that was done, and finished.
#[test]
fn the_rate_of_the_gpu_is_measured() {
    use lightloom::backend::gpu::Wanted;
    use lightloom::backend::gpu::matmul::Operands;
    use lightloom::baseline::gpu::{at_hand, measure};
    if common::gpu("rate of products", 1).is_none() {
        return;
    }
    let got = measure(Wanted::Any, Operands::F32, 128, None).expect("a rate");
    // No adapter does 4 million operations in less than 10 ns, and none takes a minute.
    assert!(got.rate > 1e5 && got.rate < 4e14 && got.watts.is_none(), "{got:?}");
    match at_hand() {
        Ok(card) => assert!(!card.software),
        Err(why) => assert!(why.contains("software that runs on this CPU"), "{why}"),
    }
}

#[test]
fn an_experiment_can_be_measured() {
    let report = bench("cpu", &["mnist-small", "--set", "data.train_limit=64"]);
    let point = &report["points"][0];
    assert_eq!((number(point, "/samples/0"), number(point, "/batch")), (32.0, 32.0));
    assert_eq!(number(point, "/masks"), 2.0);
    assert_eq!(report["left_out"], Value::Null);
}

/// What is measured is the ideal machine, and the head of the report says so where that is not the
/// experiment's own.
#[test]
fn a_device_is_measured_without_its_faults() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let out = Command::new(env!("CARGO_BIN_EXE_lightloom"))
        .current_dir(folder.path())
        .args(["bench", "device-stack", "--quick", "--backend", "cpu", "--out", "o"])
        .args(["--batch", "1", "--set", "data.train_limit=64"])
        .output()
        .expect("the program starts");
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let said = "[hardware]: the device is the ideal machine, without faults and noise";
    let text = String::from_utf8(out.stdout).expect("text");
    assert!(text.contains(&format!("   left out  {said}\n")), "{text}");
    let written = |name| std::fs::read_to_string(folder.path().join("o").join(name)).expect(name);
    assert!(written("bench.md").contains(&format!("- left out: {said}\n")));
    let report: Value = serde_json::from_str(&written("bench.json")).expect("JSON");
    assert_eq!(report["left_out"], said);
}

/// A front end learns from the data before anything is measured, as it does before anything is
/// trained.
#[test]
fn a_front_end_that_learns_can_be_measured() {
    let few = ["--set", "data.train_limit=64", "--set", "optic.input.front=pca", "--batch", "8"];
    let report = bench("cpu", &[&["williamson2020-mnist"][..], &few].concat());
    let lines = report["points"][0]["lines"].as_array().expect("lines");
    let routines: Vec<_> = lines.iter().map(|l| l["routine"].as_str().unwrap()).collect();
    assert_eq!(routines, ["train", "infer"]);
}

/// A cost table that is ended early leaves what it has measured: each point with its times.
#[test]
fn a_cost_table_is_kept_point_by_point() {
    use std::io::{BufRead, BufReader};
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut child = Command::new(env!("CARGO_BIN_EXE_lightloom"))
        .current_dir(folder.path())
        .args(["bench", "--cost-table", "--quick", "--backend", "cpu", "--out", "o"])
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut said = BufReader::new(child.stderr.take().expect("a pipe")).lines();
    let mut line = || said.next().expect("a line").expect("text");
    assert_eq!(line(), "N = 64");
    let times = line();
    assert!(times.starts_with("  training step ") && times.contains(", inference "), "{times}");
    // The file is there before the next point begins.
    assert_eq!(line(), "N = 128");
    child.kill().expect("it runs");
    child.wait().expect("it ends");
    let written = std::fs::read_to_string(folder.path().join("o/bench.json")).expect("bench.json");
    let report: Value = serde_json::from_str(&written).expect("JSON");
    let rows = report["scaling"][0]["rows"].as_array().expect("rows");
    assert_eq!((rows.len(), number(&rows[0], "/value")), (1, 64.0));
    sampled(&rows[0]["train"]);
    assert!(
        std::fs::read_to_string(folder.path().join("o/bench.md")).is_ok_and(|t| t.contains("64"))
    );
}

/// Likewise the points of a report.
#[test]
fn a_report_is_kept_point_by_point() {
    use std::io::{BufRead, BufReader};
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut child = Command::new(env!("CARGO_BIN_EXE_lightloom"))
        .current_dir(folder.path())
        .args(["bench", "--sizes", "24,32", "--batch", "1", "--quick"])
        .args(["--backend", "cpu", "--out", "o"])
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut said = BufReader::new(child.stderr.take().expect("a pipe")).lines();
    for begun in ["24 x 24, batch 1", "32 x 32, batch 1"] {
        assert_eq!(said.next().expect("a line").expect("text"), begun);
    }
    child.kill().expect("it runs");
    child.wait().expect("it ends");
    let written = std::fs::read_to_string(folder.path().join("o/bench.json")).expect("bench.json");
    let report: Value = serde_json::from_str(&written).expect("JSON");
    // Two on a machine that was quicker than the kill.
    let points = report["points"].as_array().map_or(0, Vec::len);
    assert!((1..=2).contains(&points), "{points}");
    assert!(number(&report, "/points/0/lines/0/roofline_share") > 0.0);
}

/// What of a point is not one run of a routine, or not there, is told and left out.
#[test]
fn what_cannot_be_measured_is_told() {
    let few = ["mnist-small", "--set", "data.train_limit=64", "--batch", "4"];
    let with = |sets: &[&str]| {
        let sets = sets.iter().flat_map(|set| ["--set", *set]);
        let report = bench("cpu", &few.into_iter().chain(sets).collect::<Vec<_>>());
        let point = &report["points"][0];
        let lines = point["lines"].as_array().expect("lines");
        let routines: Vec<String> =
            lines.iter().map(|l| l["routine"].as_str().expect("a name").to_owned()).collect();
        (routines, point["refused"][0].clone())
    };
    let (routines, refused) = with(&["train.method=cma_es"]);
    assert_eq!(routines, ["infer", "propagate"]);
    assert_eq!(refused["what"], "train");
    assert!(refused["why"].as_str().expect("text").contains("cma_es is many runs"), "{refused}");
    let (routines, refused) = with(&["hardware.lab.command=[\"none\"]"]);
    assert_eq!(routines, ["infer", "propagate"]);
    assert!(refused["why"].as_str().expect("text").contains("hardware.lab"), "{refused}");
    let (routines, refused) = with(
        &[0, 2, 4]
            .map(|n| format!("optic.element[{n}].trainable=[\"z\"]"))
            .each_ref()
            .map(|s| &**s),
    );
    assert_eq!(
        (routines, &refused["what"]),
        (vec!["train".into(), "infer".into()], &"propagate".into())
    );
    assert!(refused["why"].as_str().expect("text").contains("fixed free space"), "{refused}");
}

/// A wrong request is refused with the way out, before anything is measured.
#[test]
fn wrong_requests_are_refused() {
    let pca = ["--set", "optic.input.front=pca", "--set", "data.train_limit=8"];
    for (args, says) in [
        (&["bench", "circular-aperture"][..], "scene"),
        (&["bench", "mnist", "--cost-table"][..], "--cost-table"),
        (&["bench", "mnist", "--digital"][..], "--digital"),
        (&["bench", "--sizes", "0"][..], "0"),
        (
            &[&["bench", "williamson2020-mnist"][..], &pca].concat()[..],
            "16 principal components of 8",
        ),
        (&["bench", "mnist-small", "--batch", "4096", "--set", "data.train_limit=64"][..], "64"),
        (
            &["bench", "mnist-small", "--batch", "4,4096", "--set", "data.train_limit=64"][..],
            "64 training samples",
        ),
        (&["bench", "--cost-table", "--set", "optic.samples=64"][..], "optic.samples"),
        (&["bench", "--cost-table", "--set", "data.train_limit=8"][..], "samples train"),
        (&["bench", "--digital", "--set", "optic.pitch=1 mm"][..], "--set"),
        (&["bench", "--digital", "--seed", "2"][..], "--seed"),
    ] {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let out = Command::new(env!("CARGO_BIN_EXE_lightloom"))
            .current_dir(folder.path())
            .args(args)
            .args(["--backend", "cpu", "--quick"])
            .output()
            .expect("the program starts");
        let error = String::from_utf8_lossy(&out.stderr);
        assert_eq!(out.status.code(), Some(2), "{args:?}: {error}");
        assert!(error.contains(says), "{args:?}: {error}");
        let mut written = std::fs::read_dir(folder.path()).expect("a folder");
        assert!(written.next().is_none(), "{args:?} measured something");
    }
}

/// The rival computes what we compute, over fields beside each other and over lines alike.
#[test]
fn the_rival_computes_the_same() {
    for size in [[24, 24], [20, 33]] {
        let samples = format!("optic.samples=[{},{}]", size[0], size[1]);
        let experiment = standard(24, 1, 1, &[samples]).expect("a small stack");
        for batch in [1, 5] {
            let p = propagation(&experiment.optic, batch).expect("a step of free space");
            let field = noise(batch * size[0] * size[1], 7);
            let mut exact = cpu::compile(Arc::new(p.program), Precision::F64, Some(1)).unwrap();
            exact.write(p.field, &Data::Complex(field.clone())).unwrap();
            exact.run(PROPAGATE, batch).unwrap();
            let exact = exact.read(p.result).unwrap();
            let threads = cpu::pool(Some(2)).unwrap();
            let h = experiment.optic.transfer(&p.step).table();
            let rival = Propagator::new(size, experiment.optic.padded(), &h, 2);
            let single = |z: &Complex<f64>| Complex::new(z.re as f32, z.im as f32);
            let from: Vec<_> = field.iter().map(single).collect();
            let mut to = vec![Complex::new(f32::NAN, f32::NAN); from.len()];
            rival.run(&threads, &from, &mut to);
            let (mut error, mut norm) = (0.0, 0.0);
            for (a, b) in to.iter().zip(exact.complexes()) {
                error += (Complex::new(f64::from(a.re), f64::from(a.im)) - b).norm_sqr();
                norm += b.norm_sqr();
            }
            // Two 2-D transforms of 48²: c eps log2(n) with c about 1.
            let relative = (error / norm).sqrt();
            assert!(relative < 1e-6, "{size:?}, batch {batch}: {relative:.1e}");
        }
    }
}
