//! Headless Chromium, driven over its DevTools protocol.

use std::io::Read;
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use base64::Engine;
use serde_json::{Value, json};
use tempfile::TempDir;
use tungstenite::{Message, WebSocket};

/// Flags that give Chromium's own software adapter to WebGPU.
pub const WEBGPU: [&str; 4] = [
    "--enable-unsafe-webgpu",
    "--enable-features=Vulkan",
    "--use-webgpu-adapter=swiftshader",
    "--use-vulkan=swiftshader",
];

/// The browser's version, as `LIGHTLOOM_CHROMIUM=require|auto|off` says; a skip is counted aloud.
pub fn version(what: &str, checks: usize) -> Option<String> {
    let wish = std::env::var("LIGHTLOOM_CHROMIUM").unwrap_or_else(|_| "auto".into());
    let found =
        if wish == "off" { None } else { Command::new("chromium").arg("--version").output().ok() };
    match found.filter(|out| out.status.success()) {
        Some(out) => {
            let version = String::from_utf8_lossy(&out.stdout).trim().to_owned();
            println!("browser: {what}: {checks} checks ran on {version}");
            Some(version)
        }
        None if wish == "require" => panic!(
            "LIGHTLOOM_CHROMIUM=require and no browser: install one (apt-get install chromium)"
        ),
        None => {
            println!("browser: {what}: 0 checks ran (LIGHTLOOM_CHROMIUM={wish}), {checks} skipped");
            None
        }
    }
}

/// A browser with one page.
pub struct Browser {
    child: Child,
    socket: WebSocket<TcpStream>,
    session: Option<String>,
    sent: u64,
    /// What the page reported, method and parameters.
    pub events: Vec<(String, Value)>,
    _profile: TempDir,
}

const PATIENCE: Duration = Duration::from_secs(60);

impl Browser {
    pub fn start(flags: &[&str]) -> Self {
        let profile = tempfile::tempdir().expect("a temporary folder");
        let mut child = Command::new("chromium")
            .args(["--headless=new", "--no-sandbox", "--no-first-run", "--disable-extensions"])
            .args([
                "--disable-background-networking",
                "--disable-component-update",
                "--hide-scrollbars",
            ])
            .arg("--remote-debugging-port=0")
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .args(flags)
            .arg("about:blank")
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("chromium starts");
        let [port, path] = address(profile.path(), &mut child);
        let stream = TcpStream::connect(format!("127.0.0.1:{port}")).expect("the debugging port");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        let url = format!("ws://127.0.0.1:{port}{path}");
        let (socket, _) = tungstenite::client(url, stream).expect("a web socket");
        // Nobody reads what it complains of.
        let mut complaints = child.stderr.take().expect("standard error");
        std::thread::spawn(move || std::io::copy(&mut complaints, &mut std::io::sink()));
        let (session, events) = (None, Vec::new());
        let mut browser = Self { child, socket, session, sent: 0, events, _profile: profile };
        let page = browser.call("Target.createTarget", json!({ "url": "about:blank" }));
        let target = json!({ "targetId": page["targetId"], "flatten": true });
        let session = browser.call("Target.attachToTarget", target);
        browser.session = session["sessionId"].as_str().map(str::to_owned);
        for domain in ["Page", "Runtime", "Network", "Log"] {
            browser.call(&format!("{domain}.enable"), json!({}));
        }
        browser
    }

    /// Sends a command and waits for its answer; what happens meanwhile is kept.
    pub fn call(&mut self, method: &str, params: impl Into<Value>) -> Value {
        self.sent += 1;
        let mut command = json!({ "id": self.sent, "method": method, "params": params.into() });
        if let Some(session) = &self.session {
            command["sessionId"] = json!(session);
        }
        self.socket.send(Message::text(command.to_string())).expect("the socket takes a command");
        loop {
            let message = self.socket.read().unwrap_or_else(|e| panic!("{method}: {e}"));
            let Message::Text(text) = message else { continue };
            let mut said: Value = serde_json::from_str(text.as_str()).expect("JSON");
            if said["id"] == self.sent {
                assert!(said.get("error").is_none(), "{method}: {}", said["error"]);
                return said["result"].take();
            }
            if let Some(method) = said["method"].as_str() {
                self.events.push((method.to_owned(), said["params"].clone()));
            }
        }
    }

    /// The value of an expression, or of what it promises.
    pub fn eval(&mut self, expression: &str) -> Value {
        let params =
            json!({ "expression": expression, "awaitPromise": true, "returnByValue": true });
        let mut answer = self.call("Runtime.evaluate", params);
        let thrown = answer.get("exceptionDetails");
        assert!(thrown.is_none(), "{expression:.200}: {}", thrown.unwrap_or(&Value::Null));
        answer["result"]["value"].take()
    }

    /// Opens a page and waits until an expression holds.
    pub fn open(&mut self, url: &str, ready: &str) {
        self.call("Page.navigate", json!({ "url": url }));
        let begun = Instant::now();
        while self.eval(ready) != true {
            assert!(begun.elapsed() < PATIENCE, "{url} is not ready: {:?}", self.complaints());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Everything that a console would show in red.
    pub fn complaints(&self) -> Vec<String> {
        let is_bad = |(method, p): &&(String, Value)| match method.as_str() {
            "Runtime.exceptionThrown" => true,
            "Runtime.consoleAPICalled" => p["type"] == "error" || p["type"] == "warning",
            "Log.entryAdded" => p["entry"]["level"] == "error",
            _ => false,
        };
        self.events.iter().filter(is_bad).map(|(m, p)| format!("{m}: {p}")).collect()
    }

    /// Addresses that were asked for, those inside the page left out.
    pub fn requests(&self) -> Vec<String> {
        let sent = self.events.iter().filter(|(m, _)| m == "Network.requestWillBeSent");
        let urls = sent.filter_map(|(_, p)| p["request"]["url"].as_str());
        urls.filter(|u| !u.starts_with("data:") && !u.starts_with("blob:"))
            .map(str::to_owned)
            .collect()
    }

    /// The size of the window, and what the page is told of its reader.
    pub fn emulate(&mut self, [width, height]: [u32; 2], media: &str, scheme: &str) {
        let metrics = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600 });
        self.call("Emulation.setDeviceMetricsOverride", metrics);
        let features = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        self.call("Emulation.setEmulatedMedia", json!({ "media": media, "features": features }));
    }

    /// Writes a picture of the whole page.
    pub fn shoot(&mut self, path: &Path) {
        let params = json!({ "format": "png", "captureBeyondViewport": true });
        save(path, &self.call("Page.captureScreenshot", params)["data"]);
    }

    pub fn print(&mut self, path: &Path) {
        save(path, &self.call("Page.printToPDF", json!({ "printBackground": true }))["data"]);
    }
}

fn save(path: &Path, data: &Value) {
    let data = data.as_str().expect("base64");
    let bytes = base64::engine::general_purpose::STANDARD.decode(data).expect("base64");
    std::fs::write(path, bytes).expect("a file");
}

/// Port and path of the debugging socket, once the browser has written them down.
fn address(profile: &Path, child: &mut Child) -> [String; 2] {
    let begun = Instant::now();
    loop {
        let text = std::fs::read_to_string(profile.join("DevToolsActivePort")).unwrap_or_default();
        if let Some((port, path)) = text.trim().split_once('\n') {
            return [port.to_owned(), path.to_owned()];
        }
        if child.try_wait().expect("a child").is_some() || begun.elapsed() > PATIENCE {
            let _ = child.kill();
            let mut said = String::new();
            let _ = child.stderr.take().map(|mut e| e.read_to_string(&mut said));
            panic!("chromium does not come up: {said}");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        self.session = None;
        let close = json!({ "id": 0, "method": "Browser.close" });
        let _ = self.socket.send(Message::text(close.to_string()));
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(5) {
            if matches!(self.child.try_wait(), Ok(Some(_))) {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
