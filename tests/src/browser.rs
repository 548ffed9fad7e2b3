//! A person at a browser: Chromium, driven over `WebDriver` by its `chromedriver`.
//!
//! Each [`Browser`] has its own profile, and so its own keys and history. It ends with the test,
//! even if the test is killed: the driver is killed when this program's end of a pipe closes, and
//! the browser ends with the driver.

use crate::{eventually, string, watched::Watched};
use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Value, json};
use std::{
    fs,
    io::{BufRead, BufReader},
    path::Path,
    time::Duration,
};
use tempfile::TempDir;
use ureq::Agent;
use xtask::{project::Project, setup::browser};

/// Starts a driver in a folder of its own, and returns the folder, the driver and the port.
///
/// A driver that is to choose its port asks for the same one in IPv6 and in IPv4, and ends if
/// another program has one of the two: it is then started again.
fn driver(program: &Path) -> (TempDir, Watched, u16) {
    let mut said = Vec::new();
    for _ in 0..5 {
        let profile = tempfile::tempdir().expect("a folder");
        let mut running = Watched::start(program, |command| {
            // Temporary files are removed together with the profile.
            command.arg("--port=0").env("TMPDIR", profile.path());
        });
        let printed = BufReader::new(running.stdout());
        for line in printed.lines().map_while(Result::ok) {
            let port = line.split_once("successfully on port ").map(|(_, port)| port);
            if let Some(port) = port {
                let port = port.trim_end_matches('.').parse().expect("a port");
                return (profile, running, port);
            }
            said.push(line);
        }
    }
    panic!("chromedriver says no port: {said:#?}");
}

/// An open browser with one window.
pub struct Browser {
    agent: Agent,
    /// The address of the driver's session.
    session: String,
    /// Ends before the profile is removed.
    driver: Option<Watched>,
    /// Removed on drop, after the browser has ended.
    profile: TempDir,
}

impl Browser {
    /// Opens a browser.
    pub fn start() -> Self {
        let found = browser::find().expect("a Chromium: `cargo xtask test` installs it");
        let (profile, driver, port) = driver(&found.driver);
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_mins(2)))
            .build();
        let mut browser = Self {
            agent: config.into(),
            session: format!("http://127.0.0.1:{port}/session"),
            driver: Some(driver),
            profile,
        };
        let mut arguments: Vec<String> = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--remote-debugging-pipe",
            "--lang=en-GB",
        ]
        .map(str::to_owned)
        .to_vec();
        let data = browser.profile.path().join("data");
        arguments.push(format!("--user-data-dir={}", data.display()));
        let begun = browser.command(
            "POST",
            "",
            &json!({"capabilities": {"alwaysMatch": {
                "goog:loggingPrefs": {"browser": "ALL"},
                "goog:chromeOptions": {"binary": found.chromium, "args": arguments},
            }}}),
        );
        browser.session = format!("{}/{}", browser.session, string(&begun["sessionId"]));
        browser.size(1280, 800);
        browser
    }

    /// Sends a command to the driver, and returns the value. Fails the test on an error.
    fn command(&self, method: &str, path: &str, body: &Value) -> Value {
        self.try_command(method, path, body)
            .unwrap_or_else(|error| panic!("the browser cannot {method} {path}: {error}"))
    }

    fn try_command(&self, method: &str, path: &str, body: &Value) -> Result<Value, Value> {
        let url = format!("{}{path}", self.session);
        let request = ureq::http::Request::builder().method(method).uri(url);
        let body = if method == "POST" { body.to_string() } else { String::new() };
        let mut response =
            self.agent.run(request.body(body).expect("a request")).expect("the driver answers");
        let text = response.body_mut().with_config().limit(64 << 20).read_to_string();
        let mut answer: Value = serde_json::from_str(&text.expect("text")).expect("JSON");
        let value = answer["value"].take();
        if response.status().is_success() { Ok(value) } else { Err(value["message"].clone()) }
    }

    /// Sends a command of Chromium's own protocol.
    pub fn devtools(&self, command: &str, parameters: &Value) -> Value {
        let body = json!({ "cmd": command, "params": parameters });
        self.command("POST", "/goog/cdp/execute", &body)
    }

    /// Opens an address, and waits until the page is loaded.
    pub fn open(&self, url: &str) {
        self.command("POST", "/url", &json!({ "url": url }));
    }

    /// Loads the page again.
    pub fn reload(&self) {
        self.command("POST", "/refresh", &json!({}));
    }

    /// The address of the page.
    pub fn url(&self) -> String {
        string(&self.command("GET", "/url", &Value::Null))
    }

    /// Runs a script in the page, and returns its result. The script is the body of a function.
    pub fn run(&self, script: &str) -> Value {
        self.command("POST", "/execute/sync", &json!({ "script": script, "args": [] }))
    }

    /// Runs a script in every page before its own.
    pub fn before_pages(&self, script: &str) {
        let parameters = json!({ "source": script });
        self.devtools("Page.addScriptToEvaluateOnNewDocument", &parameters);
    }

    fn find(&self, css: &str) -> Result<String, Value> {
        let element = json!({ "using": "css selector", "value": css });
        let found = self.try_command("POST", "/element", &element)?;
        let id = found.as_object().and_then(|object| object.values().next());
        Ok(string(id.expect("an element has an id")))
    }

    fn element(&self, css: &str) -> String {
        self.find(css).unwrap_or_else(|error| panic!("the page has no {css}: {error}"))
    }

    /// The visible text of an element. Empty if there is no such element.
    pub fn text(&self, css: &str) -> String {
        let Ok(element) = self.find(css) else { return String::new() };
        // The element may disappear at any moment.
        let text = self.try_command("GET", &format!("/element/{element}/text"), &Value::Null);
        text.map(|text| string(&text)).unwrap_or_default()
    }

    /// How many elements there are.
    pub fn count(&self, css: &str) -> u64 {
        let script = format!("return document.querySelectorAll({}).length", json!(css));
        self.run(&script).as_u64().expect("a number")
    }

    /// Clicks at the element's position.
    pub fn click(&self, css: &str) {
        self.command("POST", &format!("/element/{}/click", self.element(css)), &json!({}));
    }

    /// Types into a field. `\u{E007}` is Enter.
    pub fn type_into(&self, css: &str, text: &str) {
        let path = format!("/element/{}/value", self.element(css));
        self.command("POST", &path, &json!({ "text": text }));
    }

    /// Empties a field.
    pub fn clear(&self, css: &str) {
        self.command("POST", &format!("/element/{}/clear", self.element(css)), &json!({}));
    }

    /// Presses keys one after the other, wherever the focus is. `\u{E004}` is Tab.
    pub fn keys(&self, keys: &str) {
        let strokes = keys.chars().flat_map(|key| {
            ["keyDown", "keyUp"].map(|kind| json!({ "type": kind, "value": key.to_string() }))
        });
        let strokes: Vec<Value> = strokes.collect();
        let keyboard = json!({ "type": "key", "id": "keyboard", "actions": strokes });
        self.command("POST", "/actions", &json!({ "actions": [keyboard] }));
    }

    /// The tab in which everything happens.
    pub fn tab(&self) -> String {
        string(&self.command("GET", "/window", &Value::Null))
    }

    /// Opens another tab beside this one, and names it.
    pub fn new_tab(&self) -> String {
        let tab = self.command("POST", "/window/new", &json!({ "type": "tab" }));
        string(&tab["handle"])
    }

    /// Goes on in another tab.
    pub fn turn_to(&self, tab: &str) {
        self.command("POST", "/window", &json!({ "handle": tab }));
    }

    /// Waits until an element shows a text.
    pub fn wait_for(&self, css: &str, text: &str) {
        eventually(&format!("{css} shows {text:?}"), || self.text(css).contains(text));
    }

    /// The size of the window, in CSS pixels.
    pub fn size(&self, width: u32, height: u32) {
        let metrics = json!({
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500
        });
        self.devtools("Emulation.setDeviceMetricsOverride", &metrics);
    }

    /// The width of the page in CSS pixels. The window's width does not tell, because on a phone it
    /// grows with the page.
    pub fn page_width(&self) -> u64 {
        let width = self.run("return document.documentElement.scrollWidth");
        width.as_u64().expect("a number")
    }

    /// Sets the preferred color scheme: `light` or `dark`.
    pub fn color_scheme(&self, scheme: &str) {
        let features = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        self.devtools("Emulation.setEmulatedMedia", &json!({ "features": features }));
    }

    /// Writes screenshots to `target/screenshots/NAME.png`, on a phone and on a desktop.
    pub fn screenshots(&self, name: &str) {
        for (device, width, height) in [("phone", 390, 844), ("desktop", 1280, 800)] {
            self.size(width, height);
            let shot = self.devtools("Page.captureScreenshot", &json!({ "format": "png" }));
            let png = BASE64_STANDARD.decode(string(&shot["data"])).expect("base64");
            let folder = root().join("target/screenshots");
            fs::create_dir_all(&folder).expect("a folder");
            fs::write(folder.join(format!("{name}-{device}.png")), png).expect("a file");
        }
    }

    /// The errors that the console has shown since the last call.
    pub fn console_errors(&self) -> Vec<String> {
        let log = self.command("POST", "/se/log", &json!({ "type": "browser" }));
        let entries = log.as_array().expect("a list").iter();
        entries
            .filter(|entry| entry["level"] == "SEVERE")
            .map(|entry| string(&entry["message"]))
            .collect()
    }

    /// Fails if axe-core finds an accessibility problem.
    pub fn check_accessibility(&self, page: &str) {
        let axe = fs::read_to_string(root().join("node_modules/axe-core/axe.min.js"));
        // Through Chromium's protocol, because the page's policy forbids other scripts.
        let evaluate = |expression: &str, wait: bool| {
            let parameters = json!({
                "expression": expression, "awaitPromise": wait, "returnByValue": true
            });
            let result = self.devtools("Runtime.evaluate", &parameters);
            assert!(result["exceptionDetails"].is_null(), "axe on {page}: {result}");
            result["result"]["value"].clone()
        };
        evaluate(&axe.expect("axe-core: run `cargo xtask setup`"), false);
        let found = evaluate(
            "axe.run(document).then(({ violations, passes }) => ({ passes: passes.length,
                 violations: violations.flatMap(({ id, nodes }) => nodes.map((node) =>
                     `${id}: ${node.html.slice(0, 200)}: ${node.failureSummary}`)) }))",
            true,
        );
        assert!(found["passes"].as_u64() > Some(10), "axe did not look at {page}: {found}");
        assert_eq!(found["violations"], json!([]), "on {page}");
    }

    /// How many bytes were transferred for the page and everything that it loaded, headers
    /// included.
    pub fn loaded_bytes(&self) -> u64 {
        let script = "return [...performance.getEntriesByType('navigation'),
            ...performance.getEntriesByType('resource')]
            .reduce((sum, entry) => sum + entry.transferSize, 0)";
        self.run(script).as_u64().expect("a number")
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The browser must have ended before its profile is removed. If the driver is gone, there
        // is nothing to end.
        let _ = self.agent.delete(&self.session).call();
        drop(self.driver.take());
    }
}

fn root() -> std::path::PathBuf {
    let project = Project::here().expect("a checkout");
    Path::new(project.root()).to_owned()
}
