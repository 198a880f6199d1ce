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

use browser::{Browser, WEBGPU, version};
use lightloom::backend::Choice;
use lightloom::data;
use lightloom::experiment::{load, preset};
use lightloom::report::program::Made;
use lightloom::train::{Session, checkpoint};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Digits that are drawn into the page.
const DIGITS: usize = 100;

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

/// A run that all checks share, with the answers of the program for the digits that are drawn.
struct Trained {
    folder: TempDir,
    /// The digits' pixels in bytes.
    digits: Vec<Vec<u8>>,
    answers: Vec<String>,
}

impl Trained {
    fn page(&self) -> PathBuf {
        self.folder.path().join("run/report.html")
    }
}

fn trained() -> &'static Trained {
    static RUN: OnceLock<Trained> = OnceLock::new();
    RUN.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let at = folder.path();
        let said = lightloom(at, &["train", "mnist-small", "--out", "run"]);
        assert!(said.contains("report: run/report.html"), "{said}");
        let mut session = session(&at.join("run/checkpoint.safetensors"));
        let test = session.data.test.clone();
        let mut digits = Vec::new();
        let mut answers = Vec::new();
        let mut right = 0;
        for sample in 0..DIGITS {
            let shown = session.show(&test, sample).expect("a sample is shown");
            right += u32::from(shown.answer == shown.label);
            answers.push(session.data.classes[shown.answer].clone());
            let mut pixels = vec![0.0; 28 * 28];
            test.write_image(sample, &mut pixels);
            digits.push(pixels.iter().map(|v| (v * 255.0).round() as u8).collect());
        }
        // These are the answers that the command gives.
        let range = format!("0..{DIGITS}");
        let eval = ["eval", "run/checkpoint.safetensors", "--range", &range, "--json"];
        let said: Value = serde_json::from_str(&lightloom(at, &eval)).expect("JSON");
        assert_eq!(said["accuracy"], f64::from(right) / DIGITS as f64);
        Trained { folder, digits, answers }
    })
}

fn session(path: &Path) -> Session {
    let found = checkpoint::read(path).expect("a checkpoint");
    let loaded = load::from_text("checkpoint", &found.experiment, Path::new(""), &[]).expect("valid");
    let source = loaded.experiment.data.clone().expect("data");
    let data = Arc::new(data::load(&source, loaded.experiment.seed).expect("mnist"));
    let choice = Choice { backend: lightloom::backend::Backend::Cpu, ..Choice::default() };
    let mut session = Session::new(loaded.experiment, data, choice).expect("a session");
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
            let (status, body) = if found { ("200 OK", &page[..]) } else { ("404 Not Found", &[][..]) };
            let head = format!(
                "HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                body.len()
            );
            let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body));
        }
    });
    (url, asked)
}

const READY: &str = "document.documentElement.dataset.ready === 'true'";

/// Puts each digit on the pad as a pen would and reads the page's answer.
fn draw_all(browser: &mut Browser, digits: &[Vec<u8>]) -> Vec<String> {
    let script = format!(
        "(async () => {{
            const pad = document.getElementById('pad');
            const context = pad.getContext('2d');
            const root = document.documentElement.dataset;
            const answers = [];
            for (const digit of {}) {{
                const image = context.createImageData(28, 28);
                digit.forEach((v, i) => image.data.set([v, v, v, 255], 4 * i));
                context.putImageData(image, 0, 0);
                const before = root.shown;
                pad.dispatchEvent(new Event('input'));
                while (root.shown === before) await new Promise((r) => setTimeout(r, 1));
                answers.push(document.getElementById('answer').textContent);
            }}
            return answers;
        }})()",
        json!(digits)
    );
    serde_json::from_value(browser.eval(&script)).expect("answers")
}

fn differing<'a>(page: &'a [String], program: &'a [String]) -> Vec<(usize, &'a String, &'a String)> {
    assert_eq!(page.len(), program.len());
    let pairs = page.iter().zip(program).enumerate();
    pairs.filter(|(_, (a, b))| a != b).map(|(i, (a, b))| (i, a, b)).collect()
}

/// Everything a reader may do, in a page that is open.
fn use_page(browser: &mut Browser, engine: &str) {
    let run = trained();
    let chosen = "document.querySelector('input[name=engine]:checked').value";
    assert_eq!(browser.eval(chosen), engine, "{}", browser.eval("document.querySelector('input[value=webgpu]').parentElement.title"));

    // 99 of 100: the page computes in f32 in another order, or in f64; a tie may fall either way.
    let answers = draw_all(browser, &run.digits);
    let wrong = differing(&answers, &run.answers);
    assert!(wrong.len() <= 1, "{engine}: sample, page, program: {wrong:?}");
    let kinds: HashSet<&String> = answers.iter().collect();
    assert!(kinds.len() >= 8, "a page that always answers alike would show here: {kinds:?}");

    // The slider moves through the planes, and what is seen changes.
    let fingerprint = "(() => { const c = document.getElementById('field'); const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data; let h = 0; for (const v of d) h = (31 * h + v) | 0; return [h, document.getElementById('plane-name').textContent]; })()";
    let mut seen = HashSet::new();
    browser.eval("document.getElementById('plane').focus()");
    for key in ["Home", "ArrowRight", "ArrowRight", "ArrowRight"] {
        for kind in ["rawKeyDown", "keyUp"] {
            let code = if key == "Home" { 36 } else { 39 };
            let press = json!({ "type": kind, "key": key, "code": key, "windowsVirtualKeyCode": code });
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
    let at: Vec<f64> = serde_json::from_value(browser.eval("(() => { const f = document.getElementById('field'); f.scrollIntoView({ behavior: 'instant', block: 'center' }); const b = f.getBoundingClientRect(); return [b.left + b.width / 3, b.top + b.height / 2]; })()")).expect("a place");
    browser.call("Input.dispatchMouseEvent", json!({ "type": "mouseMoved", "x": at[0], "y": at[1] }));
    let under = browser.eval("document.getElementById('under').textContent");
    assert!(under.as_str().is_some_and(|t| t.contains("rad") && t.contains("x = ")), "{under}");

    // A stroke of the mouse draws a one.
    browser.eval("document.getElementById('clear').click()");
    let blank = "(() => { const c = document.getElementById('pad'); return [...c.getContext('2d').getImageData(0, 0, 28, 28).data].filter((v, i) => i % 4 === 0 && v > 0).length; })()";
    assert_eq!(browser.eval(blank), 0);
    let at: Vec<f64> = serde_json::from_value(browser.eval("(() => { const p = document.getElementById('pad'); p.scrollIntoView({ behavior: 'instant', block: 'center' }); const b = p.getBoundingClientRect(); return [b.left, b.top, b.width]; })()")).expect("a place");
    let point = |t: f64| [at[0] + at[2] * (0.56 - 0.1 * t), at[1] + at[2] * (0.2 + 0.6 * t)];
    for (kind, t) in [("mousePressed", 0.0), ("mouseMoved", 0.3), ("mouseMoved", 0.6), ("mouseMoved", 1.0), ("mouseReleased", 1.0)] {
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

    // Both ways of computing show the same scores, to the two decimals that are shown.
    let digit = std::slice::from_ref(&trained().digits[7]);
    let scores = |browser: &mut Browser| -> Vec<f64> {
        draw_all(browser, digit);
        let text = browser.eval("[...document.querySelectorAll('#bars > div > :last-child')].map((s) => Number(s.textContent.replace('−', '-')))");
        serde_json::from_value(text).expect("scores")
    };
    let by_gpu = scores(&mut browser);
    browser.eval("document.querySelector('input[value=javascript]').click()");
    let by_script = scores(&mut browser);
    let apart = by_gpu.iter().zip(&by_script).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    assert!(apart < 0.0151, "{by_gpu:?} {by_script:?}");
    assert!(by_gpu.iter().any(|s| s.abs() > 0.1), "{by_gpu:?}");

    assert_eq!(browser.complaints(), Vec::<String>::new());
    assert_eq!(browser.requests(), [url]);
    assert_eq!(*asked.lock().expect("a log"), ["/"]);
    shots(&mut browser, "served");
}
