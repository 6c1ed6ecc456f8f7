//! A real browser: headless Chromium, driven through chromedriver.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::DEADLINE;

/// Where it may be; the same as in scripts/need.
const BROWSERS: [&str; 4] =
    ["chromium", "chromium-browser", "google-chrome", "/Applications/Chromium.app/Contents/MacOS/Chromium"];

/// Nothing of it looks for anything outside, and nothing of the user's is used.
const FLAGS: [&str; 10] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--lang=en",
];

/// A running browser, which ends with its test.
#[derive(Debug)]
pub struct Browser {
    driver: Child,
    agent: ureq::Agent,
    session: String,
    _profile: TempDir,
}

impl Browser {
    /// Starts one with a window of this size.
    #[track_caller]
    pub fn start(width: u32, height: u32) -> Self {
        let profile = tempfile::tempdir().unwrap();
        let mut driver = Command::new("chromedriver")
            .args(["--port=0", "--log-level=SEVERE"])
            .env("HOME", profile.path())
            .env("TZ", "UTC")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("chromedriver: {error}; scripts/need test installs it (chromium-driver)"));
        let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines();
        let port = lines.find_map(|line| {
            Some(line.ok()?.rsplit_once(" started successfully on port ")?.1.trim_end_matches('.').to_owned())
        });
        let agent = ureq::Agent::config_builder().timeout_global(Some(DEADLINE * 2)).http_status_as_error(false);
        let mut browser = Self { driver, agent: agent.build().into(), session: String::new(), _profile: profile };
        browser.session = format!("http://127.0.0.1:{}/session", port.expect("chromedriver says its port"));
        let binary = BROWSERS.iter().find_map(|name| find(name)).expect("Chromium; scripts/need test installs it");
        let mut args: Vec<String> = FLAGS.map(str::to_owned).to_vec();
        args.push(format!("--window-size={width},{height}"));
        args.push(format!("--user-data-dir={}", browser._profile.path().join("profile").display()));
        let chrome = json!({"binary": binary, "args": args});
        let asked = json!({"capabilities": {"alwaysMatch": {"goog:chromeOptions": chrome, "goog:loggingPrefs": {"browser": "ALL"}}}});
        let session = browser.post("", &asked);
        browser.session += &format!("/{}", session["sessionId"].as_str().unwrap());
        browser
    }

    /// Opens an address in the current tab.
    #[track_caller]
    pub fn open(&self, url: &str) {
        self.post("/url", &json!({"url": url}));
    }

    /// Opens another tab, and returns its name; the current one stays.
    #[track_caller]
    pub fn new_tab(&self) -> String {
        self.post("/window/new", &json!({"type": "tab"}))["handle"].as_str().unwrap().to_owned()
    }

    /// The name of the current tab.
    #[track_caller]
    pub fn tab(&self) -> String {
        self.get("/window").as_str().unwrap().to_owned()
    }

    /// Goes to another tab.
    #[track_caller]
    pub fn switch(&self, tab: &str) {
        self.post("/window", &json!({"handle": tab}));
    }

    /// Sets the size of the window.
    #[track_caller]
    pub fn resize(&self, width: u32, height: u32) {
        self.post("/window/rect", &json!({"width": width, "height": height}));
    }

    /// Runs the body of a function in the page.
    #[track_caller]
    pub fn run(&self, script: &str) -> Value {
        self.post("/execute/sync", &json!({"script": script, "args": []}))
    }

    /// Sends a command of the browser's own protocol, such as `Emulation.setEmulatedMedia`.
    #[track_caller]
    pub fn devtools(&self, command: &str, params: &Value) {
        self.post("/goog/cdp/execute", &json!({"cmd": command, "params": params}));
    }

    /// Waits until an expression in the page is true.
    #[track_caller]
    pub fn wait(&self, expression: &str) {
        let deadline = Instant::now() + DEADLINE;
        while self.run(&format!("return Boolean({expression})")) != true {
            if Instant::now() > deadline {
                let text = self.run("return document.body.innerText");
                panic!("waited in vain for {expression}; the page shows:\n{text}\n{:?}", self.complaints());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Clicks on the first element that a selector finds, as a mouse does: it must be seen, and nothing may cover it.
    #[track_caller]
    pub fn click(&self, selector: &str) {
        self.post(&format!("/element/{}/click", self.element(selector)), &json!({}));
    }

    /// Types into an element.
    #[track_caller]
    pub fn type_into(&self, selector: &str, text: &str) {
        self.post(&format!("/element/{}/value", self.element(selector)), &json!({"text": text}));
    }

    /// Presses keys, wherever the focus is; `\u{e004}` is Tab, `\u{e007}` Enter.
    #[track_caller]
    pub fn press(&self, keys: &str) {
        let strokes = |key: char| [json!({"type": "keyDown", "value": key}), json!({"type": "keyUp", "value": key})];
        let actions: Vec<Value> = keys.chars().flat_map(strokes).collect();
        self.post("/actions", &json!({"actions": [{"type": "key", "id": "keys", "actions": actions}]}));
    }

    /// What the browser complains of: errors of scripts, what the policy forbids, files that are missing.
    #[track_caller]
    pub fn complaints(&self) -> Vec<String> {
        let log = self.post("/se/log", &json!({"type": "browser"}));
        let severe = |entry: &Value| entry["level"] == "SEVERE" || entry["level"] == "WARNING";
        log.as_array().unwrap().iter().filter(|entry| severe(entry)).map(|entry| entry["message"].to_string()).collect()
    }

    /// Writes what the window shows as PNG to a file.
    #[track_caller]
    pub fn screenshot(&self, file: &Path) {
        let encoded = self.get("/screenshot");
        fs::write(file, decode(encoded.as_str().unwrap())).unwrap();
    }

    #[track_caller]
    fn element(&self, selector: &str) -> String {
        let found = self.post("/element", &json!({"using": "css selector", "value": selector}));
        found.as_object().unwrap().values().next().unwrap().as_str().unwrap().to_owned()
    }

    #[track_caller]
    fn get(&self, path: &str) -> Value {
        value(path, self.agent.get(format!("{}{path}", self.session)).call())
    }

    #[track_caller]
    fn post(&self, path: &str, body: &Value) -> Value {
        let request = self.agent.post(format!("{}{path}", self.session)).header("content-type", "application/json");
        value(path, request.send(body.to_string()))
    }
}

#[track_caller]
fn value(path: &str, answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Value {
    let mut answer = answer.unwrap_or_else(|error| panic!("{path}: {error}"));
    let text = answer.body_mut().with_config().limit(64 << 20).read_to_string().unwrap();
    assert!(answer.status().is_success(), "{path}: {text}");
    serde_json::from_str::<Value>(&text).unwrap()["value"].take()
}

fn find(name: &str) -> Option<String> {
    let path = std::env::var_os("PATH")?;
    let mut places = std::env::split_paths(&path).map(|dir| dir.join(name));
    places.find(|place| place.is_file()).map(|place| place.display().to_string())
}

/// Base64, which nothing else here needs.
fn decode(text: &str) -> Vec<u8> {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bits, mut count, mut out) = (0_u32, 0, Vec::new());
    for digit in text.bytes().filter_map(|byte| DIGITS.iter().position(|&digit| digit == byte)) {
        bits = bits << 6 | u32::try_from(digit).unwrap();
        count += 6;
        if count >= 8 {
            count -= 8;
            out.push(u8::try_from(bits >> count & 0xff).unwrap());
        }
    }
    out
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Ends Chromium with all its processes; the driver alone would leave them.
        let _ = self.agent.delete(&self.session).call();
        drop(self.driver.kill());
        drop(self.driver.wait());
    }
}
