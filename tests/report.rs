//! The report as people open it: a real run's page in headless Chromium, from disk and served, with
//! WebGPU and without; and the exported program against the web profile.

mod browser;

use std::collections::HashSet;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, OnceLock};

use base64::Engine;
use browser::{Browser, WEBGPU, version};
use lightloom::backend::{Backend, Choice};
use lightloom::data;
use lightloom::experiment::{Experiment, load, preset};
use lightloom::report::program::Made;
use lightloom::train::{Session, checkpoint};
use serde_json::{Value, json};
use tempfile::TempDir;

fn lightloom(at: &Path, args: &[&str]) -> String {
    let out = Command::new(env!("CARGO_BIN_EXE_lightloom"))
        .current_dir(at)
        .args(args)
        .args(["--backend", "cpu"])
        .output()
        .expect("the program starts");
    assert!(out.status.success(), "{args:?}: {}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).expect("text")
}

/// A run, and what the program says of the digits that are drawn.
struct Trained {
    folder: TempDir,
    digits: Vec<Digit>,
}

struct Digit {
    pixels: Vec<u8>,
    /// Name of the class.
    answer: String,
    scores: Vec<f64>,
}

impl Trained {
    /// Trains an experiment and asks the session, and `eval`, for the first test samples.
    fn new(experiment: &str, digits: usize) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let at = folder.path();
        let name = if experiment.contains('\n') {
            fs::write(at.join("machine.toml"), experiment).expect("a file");
            "machine.toml"
        } else {
            experiment
        };
        let said = lightloom(at, &["train", name, "--out", "run"]);
        assert!(said.contains("report: run/report.html"), "{said}");
        let mut session = session(&at.join("run/checkpoint.safetensors"));
        let test = session.data.test.clone();
        let mut right = 0;
        let mut one = |sample| {
            let shown = session.show(&test, sample).expect("a sample is shown");
            right += u32::from(shown.answer == shown.label);
            let answer = session.data.classes[shown.answer].clone();
            let mut pixels = vec![0.0; 28 * 28];
            test.write_image(sample, &mut pixels);
            let pixels = pixels.iter().map(|v| (v * 255.0).round() as u8).collect();
            Digit { pixels, answer, scores: shown.scores }
        };
        let all: Vec<Digit> = (0..digits).map(&mut one).collect();
        // These are the answers that the command gives.
        let range = format!("0..{digits}");
        let eval = ["eval", "run/checkpoint.safetensors", "--range", &range, "--json"];
        let said: Value = serde_json::from_str(&lightloom(at, &eval)).expect("JSON");
        assert_eq!(said["accuracy"], f64::from(right) / digits as f64);
        Self { folder, digits: all }
    }

    fn page(&self) -> PathBuf {
        self.folder.path().join("run/report.html")
    }
}

/// The run that the larger checks share.
fn trained() -> &'static Trained {
    static RUN: OnceLock<Trained> = OnceLock::new();
    RUN.get_or_init(|| Trained::new("mnist-small", 100))
}

/// Every kind of element of a stack, on a window that is not square, a geometry trained.
const STACK: &str = r#"seed = 5
[data]
name = "mnist"
train_limit = 640
[optic]
wavelength = "0.75 mm"
pitch = ["0.4 mm", "0.5 mm"]
samples = [40, 32]
source = { kind = "gaussian", waist = "6 mm" }
input = { encoding = "both", aperture = 0.8, resample = "bilinear", phase_range = 1.0 }
element = [
  { kind = "free_space", z = "8 mm", trainable = ["z", "offset"] },
  { kind = "phase_mask", init = "random", bounds = [0.0, 3.0] },
  { kind = "monitor", name = "behind" },
  { kind = "free_space", z = "9 mm", offset = ["0.2 mm", "-0.3 mm"] },
  { kind = "amplitude_mask", trainable = true },
  { kind = "aperture", shape = "circle", size = "14 mm" },
  { kind = "lens", f = "60 mm" },
  { kind = "free_space", z = "10 mm" },
]
detector = { size = "1.6 mm", shape = "circle", layout = "ring", spread = 0.6 }
[train]
epochs = 3
batch = 32
optimizer = { kind = "adam", lr = 0.05 }
"#;

/// Every kind of element of a chip.
const CHIP: &str = r#"seed = 5
[data]
name = "mnist"
train_limit = 640
[optic]
wavelength = "1.55 um"
modes = 16
input = { front = "pool", encoding = "both", phase_range = 1.0, power = 8.0 }
element = [
  { kind = "svd" },
  { kind = "activation", function = "softplus", threshold = 0.2 },
  { kind = "svd", symmetric = true, topology = "reck" },
  { kind = "activation", function = "saturable", absorption = 0.5, saturation = 1.0 },
  { kind = "activation", function = "kerr", gamma = 0.3 },
  { kind = "mesh" },
  { kind = "activation", function = "electro_optic" },
]
detector = {}
[train]
epochs = 3
batch = 32
optimizer = { kind = "adam", lr = 0.02 }
"#;

/// A camera on the way, a coupler into a chip, a digital layer behind it; a device that differs.
const MIXED: &str = r#"seed = 5
[data]
name = "mnist"
train_limit = 640
[optic]
wavelength = "0.75 mm"
pitch = "0.4 mm"
samples = 32
input = { encoding = "amplitude", aperture = 0.8 }
element = [
  { kind = "free_space", z = "10 mm" },
  { kind = "phase_mask" },
  { kind = "free_space", z = "10 mm" },
  { kind = "detect" },
  { kind = "free_space", z = "10 mm" },
  { kind = "phase_mask" },
  { kind = "couple", modes = 16 },
  { kind = "mesh" },
]
detector = { head = { readings = 12 } }
[train]
epochs = 3
batch = 32
optimizer = { kind = "adam", lr = 0.05 }
"#;

fn untrained(experiment: Experiment) -> Session {
    let source = experiment.data.clone().expect("data");
    let data = Arc::new(data::load(&source, experiment.seed).expect("mnist"));
    let choice = Choice { backend: Backend::Cpu, ..Choice::default() };
    Session::new(experiment, data, choice).expect("a session")
}

fn session(path: &Path) -> Session {
    let found = checkpoint::read(path).expect("a checkpoint");
    let loaded =
        load::from_text("checkpoint", &found.experiment, Path::new(""), &[]).expect("valid");
    let mut session = untrained(loaded.experiment);
    found.load(path, &mut *session.executor, false).expect("it fits");
    session
}

/// Serves one page on 127.0.0.1 and writes down what is asked for.
fn serve(page: Vec<u8>) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://127.0.0.1:{}/", listener.local_addr().expect("an address").port());
    let asked = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&asked);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { continue };
            let mut line = String::new();
            let mut reader = BufReader::new(stream.try_clone().expect("a stream"));
            let _ = reader.read_line(&mut line);
            let mut rest = String::new();
            while reader.read_line(&mut rest).is_ok_and(|n| n > 2) {
                rest.clear();
            }
            let path = line.split_whitespace().nth(1).unwrap_or_default().to_owned();
            let found = path == "/";
            if !line.is_empty() {
                log.lock().expect("a log").push(path);
            }
            let (status, body) =
                if found { ("200 OK", &page[..]) } else { ("404 Not Found", &[][..]) };
            let head = format!(
                "HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                body.len()
            );
            let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body));
        }
    });
    (url, asked)
}

const READY: &str = "document.documentElement?.dataset.ready === 'true'";

/// Puts each digit on the pad as a pen would and reads the page's answers and scores.
fn draw_all(browser: &mut Browser, digits: &[Digit]) -> Vec<(String, Vec<f64>)> {
    let pixels: Vec<&Vec<u8>> = digits.iter().map(|d| &d.pixels).collect();
    let script = format!(
        "(async () => {{
            const pad = document.getElementById('pad');
            const context = pad.getContext('2d');
            const root = document.documentElement.dataset;
            const said = [];
            for (const digit of {}) {{
                const image = context.createImageData(28, 28);
                digit.forEach((v, i) => image.data.set([v, v, v, 255], 4 * i));
                context.putImageData(image, 0, 0);
                const before = root.shown;
                pad.dispatchEvent(new Event('input'));
                while (root.shown === before) await new Promise((r) => setTimeout(r, 1));
                const bars = [...document.querySelectorAll('#bars > div > :last-child')];
                const scores = bars.map((s) => Number(s.textContent.replace('−', '-')));
                said.push([document.getElementById('answer').textContent, scores]);
            }}
            return said;
        }})()",
        json!(pixels)
    );
    serde_json::from_value(browser.eval(&script)).expect("answers and scores")
}

/// The page says what the program says. It computes in f32 in another order, or in f64: of 100
/// answers one tie may fall the other way, and of the scores, shown with two decimals, none is off
/// by more than the rounding and a thousandth.
fn compare(browser: &mut Browser, engine: &str, digits: &[Digit]) {
    let chosen = "document.querySelector('input[name=engine]:checked').value";
    let why = "document.querySelector('input[value=webgpu]').parentElement.title";
    assert_eq!(browser.eval(chosen), engine, "{}", browser.eval(why));
    let said = draw_all(browser, digits);
    let pairs = said.iter().zip(digits).enumerate();
    let wrong: Vec<_> = pairs
        .filter(|(_, ((answer, _), digit))| *answer != digit.answer)
        .map(|(sample, ((answer, _), digit))| (sample, answer, &digit.answer))
        .collect();
    assert!(100 * wrong.len() <= said.len(), "{engine}: sample, page, program: {wrong:?}");
    for ((_, scores), digit) in said.iter().zip(digits) {
        let apart = scores.iter().zip(&digit.scores).map(|(a, b)| (a - b).abs());
        let apart = apart.fold(0.0, f64::max);
        assert!(apart < 0.006, "{engine}: {scores:?} {:?}", digit.scores);
    }
}

/// Left, top and width of an element in the window, once two frames have shown where it scrolled
/// to: before them a mouse that is moved there finds what stood there.
fn brought_into_view(browser: &mut Browser, id: &str) -> [f64; 3] {
    let script = format!(
        "(async () => {{
            const it = document.getElementById('{id}');
            it.scrollIntoView({{ behavior: 'instant', block: 'center' }});
            for (const _ of [1, 2]) await new Promise(requestAnimationFrame);
            const box = it.getBoundingClientRect();
            return [box.left, box.top, box.width];
        }})()"
    );
    serde_json::from_value(browser.eval(&script)).expect("a place")
}

/// Everything a reader may do, in a page that is open.
fn use_page(browser: &mut Browser, engine: &str) {
    let digits = &trained().digits;
    compare(browser, engine, digits);
    let kinds: HashSet<&String> = digits.iter().map(|d| &d.answer).collect();
    assert!(kinds.len() >= 8, "a page that always answers alike would pass: {kinds:?}");

    // The slider moves through the planes, and what is seen changes.
    let fingerprint = "(() => { const c = document.getElementById('field'); const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data; let h = 0; for (const v of d) h = (31 * h + v) | 0; return [h, document.getElementById('plane-name').textContent]; })()";
    let mut seen = HashSet::new();
    browser.eval("document.getElementById('plane').focus()");
    for key in ["Home", "ArrowRight", "ArrowRight", "ArrowRight"] {
        for kind in ["rawKeyDown", "keyUp"] {
            let code = if key == "Home" { 36 } else { 39 };
            let press =
                json!({ "type": kind, "key": key, "code": key, "windowsVirtualKeyCode": code });
            browser.call("Input.dispatchKeyEvent", press);
        }
        seen.insert(browser.eval(fingerprint).to_string());
    }
    assert_eq!(seen.len(), 4, "{seen:?}");
    for quantity in ["amplitude", "phase"] {
        browser.eval(&format!("document.querySelector('input[value={quantity}]').click()"));
        seen.insert(browser.eval(fingerprint).to_string());
    }
    assert_eq!(seen.len(), 6, "three quantities look different");

    // A value under the cursor.
    let [left, top, width] = brought_into_view(browser, "field");
    let at = [left + width / 3.0, top + width / 3.0];
    browser
        .call("Input.dispatchMouseEvent", json!({ "type": "mouseMoved", "x": at[0], "y": at[1] }));
    let under = browser.eval("document.getElementById('under').textContent");
    assert!(under.as_str().is_some_and(|t| t.contains("rad") && t.contains("x = ")), "{under}");

    // A stroke of the mouse draws a one.
    browser.eval("document.getElementById('clear').click()");
    let blank = "(() => { const c = document.getElementById('pad'); return [...c.getContext('2d').getImageData(0, 0, 28, 28).data].filter((v, i) => i % 4 === 0 && v > 0).length; })()";
    assert_eq!(browser.eval(blank), 0);
    let at = brought_into_view(browser, "pad");
    let point = |t: f64| [at[0] + at[2] * (0.56 - 0.1 * t), at[1] + at[2] * (0.2 + 0.6 * t)];
    for (kind, t) in [
        ("mousePressed", 0.0),
        ("mouseMoved", 0.3),
        ("mouseMoved", 0.6),
        ("mouseMoved", 1.0),
        ("mouseReleased", 1.0),
    ] {
        let [x, y] = point(t);
        browser.call("Input.dispatchMouseEvent", json!({ "type": kind, "x": x, "y": y, "button": "left", "buttons": 1, "clickCount": 1 }));
    }
    assert!(browser.eval(blank).as_u64().is_some_and(|n| n > 30), "the stroke leaves ink");
    browser.eval("new Promise((r) => setTimeout(r, 300))");
    assert_eq!(browser.eval("document.getElementById('answer').textContent"), "1");
}

fn shots(browser: &mut Browser, name: &str) {
    let Ok(folder) = std::env::var("LIGHTLOOM_SHOTS") else { return };
    let folder = Path::new(&folder);
    for (kind, size, media, scheme) in [
        ("desktop", [1280, 900], "screen", "light"),
        ("dark", [1280, 900], "screen", "dark"),
        ("phone", [390, 844], "screen", "light"),
    ] {
        browser.emulate(size, media, scheme);
        browser.eval("new Promise((r) => setTimeout(r, 300))");
        browser.shoot(&folder.join(format!("{name}-{kind}.png")));
    }
    browser.print(&folder.join(format!("{name}.pdf")));
}

#[test]
fn the_page_opens_from_disk_and_computes_by_itself() {
    let Some(_) = version("from disk, JavaScript", 1) else { return };
    let page = trained().page();
    let size = fs::metadata(&page).expect("a page").len();
    assert!(size < 5_000_000, "{size} bytes");
    let mut browser = Browser::start(&["--disable-gpu"]);
    browser.emulate([1280, 900], "screen", "light");
    let url = format!("file://{}", page.display());
    browser.open(&url, READY);
    use_page(&mut browser, "javascript");
    assert_eq!(browser.complaints(), Vec::<String>::new());
    assert_eq!(browser.requests(), [url]);
    shots(&mut browser, "disk");
}

#[test]
fn the_page_is_served_and_computes_by_webgpu() {
    let Some(_) = version("served, WebGPU", 1) else { return };
    let (url, asked) = serve(fs::read(trained().page()).expect("a page"));
    let mut browser = Browser::start(&WEBGPU);
    browser.emulate([1280, 900], "screen", "light");
    browser.open(&url, READY);
    use_page(&mut browser, "webgpu");

    browser.eval("document.querySelector('input[value=javascript]').click()");
    compare(&mut browser, "javascript", &trained().digits[..20]);
    assert_eq!(browser.complaints(), Vec::<String>::new());
    assert_eq!(browser.requests(), [url]);
    assert_eq!(*asked.lock().expect("a log"), ["/"]);
    shots(&mut browser, "served");
}

/// Every kind of element, by WebGPU and by JavaScript.
#[test]
fn other_machines_compute_in_the_page_as_well() {
    let Some(_) = version("other machines", 3) else { return };
    let mut browser = Browser::start(&WEBGPU);
    for (name, experiment) in [("stack", STACK), ("chip", CHIP), ("mixed", MIXED)] {
        let run = Trained::new(experiment, 20);
        browser.emulate([1280, 900], "screen", "light");
        browser.open(&format!("file://{}", run.page().display()), READY);
        for engine in ["webgpu", "javascript"] {
            browser.eval(&format!("document.querySelector('input[value={engine}]').click()"));
            compare(&mut browser, engine, &run.digits);
        }
        assert_eq!(browser.complaints(), Vec::<String>::new());
        shots(&mut browser, name);
    }
}

/// What every browser's WebGPU has: 256 threads, 16 KiB of workgroup memory, 8 storage buffers, no
/// f16, no overrides to fill in; one binding for each name in the text.
#[test]
fn exported_programs_keep_to_the_web_profile() {
    let large = ["optic.samples=1200".to_owned()];
    for (name, set) in [
        ("mnist", &[][..]),
        ("mnist", &large),
        ("lin2018-mnist", &[]),
        ("williamson2020-mnist", &[]),
        ("vowel", &[]),
    ] {
        let loaded = preset::open(Path::new(name), set).expect("a preset");
        let made = Made::of(&mut untrained(loaded.experiment)).expect("a program");
        let program = &made.exported;
        assert!(!program.dispatches.is_empty());
        for kernel in &program.kernels {
            let text = &program.shaders[kernel.shader];
            assert!(
                !text.contains("f16") && !text.contains("enable ") && !text.contains("override")
            );
            let module = naga::front::wgsl::parse_str(text).expect("WGSL");
            let entry = module.entry_points.iter().find(|e| e.name == kernel.entry);
            let threads: u32 = entry.expect("an entry point").workgroup_size.iter().product();
            assert!(threads <= 256, "{name}: {} has {threads} threads", kernel.entry);
            let mut layouter = naga::proc::Layouter::default();
            layouter.update(module.to_ctx()).expect("layouts");
            let shared = module.global_variables.iter().map(|(_, v)| v);
            let shared = shared.filter(|v| v.space == naga::AddressSpace::WorkGroup);
            let bytes: u32 = shared.map(|v| layouter[v.ty].size).sum();
            assert!(bytes <= 16 << 10, "{name}: {} has {bytes} bytes", kernel.entry);
            assert!(kernel.writes.len() <= 8, "{name}: {}", kernel.entry);
        }
        for d in &program.dispatches {
            assert_eq!(d.buffers.len(), program.kernels[d.kernel].writes.len());
            assert!(d.grid.iter().all(|&g| (1..=65_535).contains(&g)));
            // Nothing is read and written in one dispatch.
            let writes = &program.kernels[d.kernel].writes;
            for (a, &written) in d.buffers.iter().zip(writes).filter(|(_, w)| **w) {
                let bound = d.buffers.iter().filter(|b| *b == a).count();
                assert!(!written || bound == 1, "{name}: {}", program.buffers[*a].name);
            }
        }
        assert!(program.buffers.iter().all(|b| b.bytes <= 128 << 20));
    }
}

/// A folder and a single file hold the same program.
#[test]
fn a_program_is_exported_as_a_file_and_as_a_folder() {
    let at = trained().folder.path();
    let checkpoint = "run/checkpoint.safetensors";
    lightloom(at, &["export", checkpoint, "--out", "program.json"]);
    // What an earlier machine left goes, what is someone's own stays.
    fs::create_dir(at.join("program")).expect("a folder");
    for name in ["buffer_999.bin", "shader_999.wgsl", "shader_mine.wgsl"] {
        fs::write(at.join("program").join(name), "earlier").expect("a file");
    }
    lightloom(at, &["export", checkpoint, "--out", "program"]);
    let is_there = |name: &str| at.join("program").join(name).exists();
    assert!(!is_there("buffer_999.bin") && !is_there("shader_999.wgsl"));
    assert!(is_there("shader_mine.wgsl"));
    let read = |path: &str| -> Value {
        serde_json::from_slice(&fs::read(at.join(path)).expect("a file")).expect("JSON")
    };
    let (one, many) = (read("program.json"), read("program/program.json"));
    assert_eq!(one["format"], "lightloom-program-1");
    assert_eq!(one["dispatches"], many["dispatches"]);
    assert_eq!(one["inputs"][0]["dims"], json!([28, 28]));
    let texts = one["shaders"].as_array().expect("texts").iter();
    for (text, file) in texts.zip(many["shaders"].as_array().expect("files")) {
        let file = at.join("program").join(file.as_str().expect("a name"));
        assert_eq!(fs::read_to_string(file).expect("WGSL"), text.as_str().expect("a text"));
    }
    let mut filled = 0;
    let buffers = one["buffers"].as_array().expect("buffers").iter();
    for (buffer, apart) in buffers.zip(many["buffers"].as_array().expect("buffers")) {
        let Some(data) = buffer["data"].as_str() else { continue };
        let data = base64::engine::general_purpose::STANDARD.decode(data).expect("base64");
        assert_eq!(data.len() as u64, buffer["bytes"].as_u64().expect("bytes"));
        let file = at.join("program").join(apart["data"]["file"].as_str().expect("a name"));
        assert_eq!(fs::read(file).expect("bytes"), data, "{}", buffer["name"]);
        filled += 1;
    }
    assert!(filled >= 8, "masks, source, transfer function, placement, regions: {filled}");
}

/// Several runs make one page; a run that is none is refused with the way out.
#[test]
fn runs_are_compared() {
    let at = trained().folder.path();
    lightloom(at, &["train", "mnist-small", "--set", "train.optimizer.lr=0.01", "--out", "slow"]);
    lightloom(at, &["report", "run", "slow", "--out", "both.html"]);
    let page = fs::read_to_string(at.join("both.html")).expect("a page");
    assert!(page.contains("2 runs") && page.contains("train.optimizer.lr"));
    assert!(!page.contains("http://") || !page.contains("src=\"http"), "nothing from elsewhere");
    assert!(!page.contains(">data</th>"), "both are of MNIST");
    // Names tell runs apart, and accuracies say what they are of where that differs.
    lightloom(at, &["report", "slow", "slow", "--out", "twice.html"]);
    let page = fs::read_to_string(at.join("twice.html")).expect("a page");
    assert!(page.contains(">slow (2)</summary>"), "{page}");
    fs::create_dir(at.join("other")).expect("a folder");
    for name in ["summary.json", "metrics.jsonl", "experiment.toml"] {
        let text = fs::read_to_string(at.join("slow").join(name)).expect("a file");
        let text = text.replace("\"mnist\"", "\"fashion-mnist\"");
        fs::write(at.join("other").join(name), text).expect("a file");
    }
    lightloom(at, &["report", "slow", "other", "--out", "data.html"]);
    let page = fs::read_to_string(at.join("data.html")).expect("a page");
    assert!(page.contains(">data</th>") && page.contains("<td>fashion-mnist</td>"));
    fs::write(
        at.join("slow/energy.json"),
        r#"{"rows":[{"n":64,"energy":{"value":2e-15,"unit":"J","source":"a <paper>"}}]}"#,
    )
    .expect("a file");
    lightloom(at, &["report", "slow"]);
    let page = fs::read_to_string(at.join("slow/report.html")).expect("a page");
    assert!(page.contains("Energy and latency") && page.contains("a &lt;paper&gt;"));

    let out = Command::new(env!("CARGO_BIN_EXE_lightloom"))
        .current_dir(at)
        .args(["report", "run", "slow", "--seed", "3"])
        .output()
        .expect("the program starts");
    let said = String::from_utf8_lossy(&out.stderr);
    assert_eq!(out.status.code(), Some(2), "{said}");
    assert!(said.contains("one run alone"), "{said}");
}

/// Methods and energy of a run as a reader meets them: tables in place of folded JSON, each bar with
/// its sources for the mouse and for keys, nothing wider than a phone; joules of few bits stand beside
/// no noiseless accuracy.
#[test]
fn methods_and_energy_are_part_of_the_page() {
    let at = trained().folder.path();
    let few = ["--set", "data.train_limit=2000", "--set", "train.epochs=1"];
    lightloom(at, &[&["train", "mnist-small", "--out", "whole"], &few[..]].concat());
    let methods = "backprop,pat,spsa";
    let compare = ["compare", "mnist-small", "--methods", methods, "--seeds", "2", "--looks", "1"];
    let compare = [&compare[..], &["--samples", "50", "--out", "whole"], &few[..]].concat();
    lightloom(at, &[&compare[..], &["--set", "train.steps=2"]].concat());
    let energy = ["energy", "whole/checkpoint.safetensors", "--ledger", "whole/compare.json"];
    let into = ["--out", "whole", "--json", "--no-measure", "--draws", "20"];
    let said = lightloom(at, &[&energy[..], &into].concat());
    lightloom(at, &["report", "whole"]);
    let page = at.join("whole/report.html");
    assert!(fs::metadata(&page).expect("a page").len() < 5_000_000);
    let energy: Value = serde_json::from_str(&said).expect("JSON");
    let Some(_) = version("methods and energy", 1) else { return };
    let mut browser = Browser::start(&["--disable-gpu"]);
    browser.emulate([390, 844], "screen", "light");
    browser.open(&format!("file://{}", page.display()), READY);
    let mut ask = |what: &str| browser.eval(what);

    let table = |section: &str, row: usize| {
        format!(
            "[...document.querySelectorAll('#{section} table tbody')][0].rows[{row}].textContent"
        )
    };
    for (row, name) in methods.split(',').enumerate() {
        let text = ask(&table("methods", row));
        assert!(text.as_str().is_some_and(|t| t.contains(name)), "{name}: {text}");
    }
    for (row, r) in energy["machines"][0]["results"].as_array().expect("results").iter().enumerate()
    {
        let accuracy = r["accuracy"]["accuracy"].as_f64().expect("an accuracy");
        let text = ask(&table("energy", row));
        let own = format!("{:.2} %", 100.0 * accuracy);
        assert!(text.as_str().is_some_and(|t| t.contains(&own)), "{own}: {text}");
    }
    let ledger =
        ask("[...document.querySelectorAll('#energy h3')].map((h) => h.textContent).join('; ')");
    assert!(ledger.as_str().is_some_and(|t| t.contains("training as it was counted")), "{ledger}");

    let bare = "[...document.querySelectorAll('.range:not(.axis)')].filter((r) => !r.title).length";
    assert_eq!(ask(bare), 0, "a bar without what it rests on");
    // Two charts of MACs, and three of the machine.
    assert_eq!(ask("document.querySelectorAll('figure.ranges').length"), 5);
    let hint = "(() => { const b = document.getElementById('hint'); return b.hidden ? '' : b.textContent; })()";
    assert_eq!(ask(hint), "");
    let dac = "[...document.querySelectorAll('.range')].find((r) => r.textContent.includes('ADC')).focus()";
    ask(dac);
    let text = ask(hint);
    assert!(
        text.as_str().is_some_and(|t| t.contains("adc.slow = 5 / 10 / 20 fJ (secondary)")),
        "{text}"
    );
    ask("document.activeElement.blur()");
    assert_eq!(ask(hint), "");

    // Tables scroll in themselves.
    let wide = ask("document.documentElement.scrollWidth");
    assert!(wide.as_u64().is_some_and(|w| w <= 390), "{wide} pixels");
    assert_eq!(browser.complaints(), Vec::<String>::new());
    shots(&mut browser, "whole");
}

/// What no page can compute is said on the page, and everything else is there.
#[test]
fn a_machine_that_no_page_computes_is_reported_all_the_same() {
    let at = trained().folder.path();
    // 33 = 3 x 11: the CPU transforms any length, the exported passes 2-3-5-7-smooth ones.
    let periodic = ["--set", "optic.samples=33", "--set", "optic.boundary=periodic"];
    let train = ["train", "mnist-small", "--out", "prime", "--set", "train.steps=5"];
    lightloom(at, &[&train[..], &periodic].concat());
    let page = fs::read_to_string(at.join("prime/report.html")).expect("a page");
    assert!(page.contains("This page does not compute the machine"));
    assert!(page.contains("What is mistaken for what") && !page.contains("id=\"pad\""));
    let Some(_) = version("without a program", 1) else { return };
    let mut browser = Browser::start(&["--disable-gpu"]);
    browser.open(&format!("file://{}", at.join("prime/report.html").display()), READY);
    assert_eq!(browser.complaints(), Vec::<String>::new());
    assert_eq!(browser.eval("document.querySelectorAll('img.mask').length"), 2);
}
