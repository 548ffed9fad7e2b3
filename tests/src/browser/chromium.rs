//! Chromium, by its `chromedriver`, and by its own protocol for what `WebDriver` lacks.

use super::{
    driven::Driven,
    wire::{Http, Wire},
};
use crate::{list, string, watched::Watched};
use serde_json::{Value, json};
use std::{
    fs,
    io::{BufRead, BufReader},
    path::Path,
};
use tempfile::TempDir;
use xtask::setup::browser::Programs;

/// Only this machine has a name: a browser asks for many others by itself.
const NO_NAMES: &str =
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost";

/// Where Chromium writes what it does on the network.
const NET_LOG: &str = "net-log.json";

/// A Chromium with one window.
pub(super) struct Chromium {
    http: Http,
    /// Ends before the profile is removed, and after the session.
    _driver: Watched,
    /// Removed on drop, after the browser has ended.
    profile: TempDir,
}

/// Starts a driver in a folder of its own, and returns the folder, the driver and the port.
///
/// A driver that is to choose its port asks for the same one in IPv6 and in IPv4, and ends if another
/// program has one of the two: it is then started again.
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

impl Chromium {
    /// Starts one. Returns what it says of itself.
    pub(super) fn start(programs: &Programs) -> (Self, Value) {
        let (profile, driver, port) = driver(&programs.driver);
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
            NO_NAMES,
        ]
        .map(str::to_owned)
        .to_vec();
        let data = profile.path().join("data");
        arguments.push(format!("--user-data-dir={}", data.display()));
        arguments.push(format!("--log-net-log={}", profile.path().join(NET_LOG).display()));
        let wishes = json!({
            "goog:loggingPrefs": { "browser": "ALL" },
            "goog:chromeOptions": { "binary": programs.browser, "args": arguments },
        });
        let (http, about) = Http::begin(port, &wishes).expect("Chromium starts");
        let chromium = Self { http, _driver: driver, profile };
        chromium.size(1280, 800);
        (chromium, about)
    }

    /// Sends a command of Chromium's own protocol.
    fn devtools(&self, command: &str, parameters: &Value) -> Value {
        let body = json!({ "cmd": command, "params": parameters });
        let answer = self.http.call("POST", "/goog/cdp/execute", &body);
        answer.unwrap_or_else(|error| panic!("Chromium cannot {command}: {error}"))
    }

    fn net_log(&self) -> String {
        fs::read_to_string(self.profile.path().join(NET_LOG)).expect("Chromium writes a log")
    }
}

impl Driven for Chromium {
    fn wire(&self) -> &dyn Wire {
        &self.http
    }

    fn folder(&self) -> &Path {
        self.profile.path()
    }

    fn before_pages(&self, script: &str) {
        let parameters = json!({ "source": script });
        self.devtools("Page.addScriptToEvaluateOnNewDocument", &parameters);
    }

    fn size(&self, width: u32, height: u32) {
        let metrics = json!({
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500
        });
        self.devtools("Emulation.setDeviceMetricsOverride", &metrics);
    }

    fn color_scheme(&self, scheme: &str) {
        let features = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        self.devtools("Emulation.setEmulatedMedia", &json!({ "features": features }));
    }

    fn picture(&self) -> String {
        let shot = self.devtools("Page.captureScreenshot", &json!({ "format": "png" }));
        string(&shot["data"])
    }

    fn console_errors(&self) -> Vec<String> {
        let log = self.http.call("POST", "/se/log", &json!({ "type": "browser" })).expect("a log");
        let entries = log.as_array().expect("a list").iter();
        entries
            .filter(|entry| entry["level"] == "SEVERE")
            .map(|entry| string(&entry["message"]))
            .collect()
    }

    fn slow_down(&self, factor: u32) -> bool {
        self.devtools("Emulation.setCPUThrottlingRate", &json!({ "rate": factor }));
        true
    }

    fn read_out(&self) -> Vec<(String, String)> {
        let tree = self.devtools("Accessibility.getFullAXTree", &json!({}));
        let nodes = list(&tree["nodes"]);
        let of_id = |id: &Value| nodes.iter().find(|node| node["nodeId"] == *id).expect("a node");
        let mut waiting = vec![&nodes[0]];
        let mut said = Vec::new();
        while let Some(node) = waiting.pop() {
            waiting.extend(list(&node["childIds"]).iter().rev().map(of_id));
            if node["ignored"] == false {
                let name = node["name"]["value"].as_str().unwrap_or_default();
                said.push((string(&node["role"]["value"]), name.to_owned()));
            }
        }
        said
    }

    fn asked_elsewhere(&self) -> Vec<String> {
        let log = self.net_log();
        let known =
            log.split_once("\"HOST_RESOLVER_MANAGER_CREATE_JOB\":").expect("a list of types");
        let number: String = known.1.chars().take_while(char::is_ascii_digit).collect();
        let look_up = format!("\"type\":{number}}}");
        let lines = log.lines().filter(|line| line.trim_end_matches(',').ends_with(&look_up));
        lines.map(str::to_owned).collect()
    }

    fn was_kept_from(&self, host: &str) -> bool {
        self.net_log().contains(host) && self.asked_elsewhere().is_empty()
    }
}
