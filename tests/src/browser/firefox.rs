//! Firefox, by its own Marionette, so that no driver is needed.

use super::{
    driven::Driven,
    interceptor::Interceptor,
    marionette::Marionette,
    wire::{Command, Wire},
};
use crate::{eventually, string, watched::Watched};
use serde_json::{Value, json};
use std::{fs, path::Path};
use tempfile::TempDir;
use xtask::setup::browser::Programs;

/// A Firefox with one window.
pub(super) struct Firefox {
    marionette: Marionette,
    /// Ends before the profile is removed.
    _running: Watched,
    interceptor: Interceptor,
    profile: TempDir,
}

/// What differs from a new profile: it listens to Marionette at a port of its choice, is quiet, draws
/// scrollbars over the page as phones do, and asks the interceptor for everything.
fn preferences(interceptor: &Interceptor) -> String {
    let preferences = [
        ("marionette.port", json!(0)),
        ("remote.prefs.recommended", json!(true)),
        ("ui.useOverlayScrollbars", json!(1)),
        // No spare processes for pages that never come.
        ("dom.ipc.processPrelaunch.enabled", json!(false)),
        ("dom.ipc.processCount", json!(1)),
        ("intl.accept_languages", json!("en-GB, en")),
        ("network.proxy.type", json!(1)),
        ("network.proxy.http", json!("127.0.0.1")),
        ("network.proxy.http_port", json!(interceptor.port)),
        ("network.proxy.ssl", json!("127.0.0.1")),
        ("network.proxy.ssl_port", json!(interceptor.port)),
        ("network.proxy.allow_hijacking_localhost", json!(true)),
    ];
    preferences.map(|(name, value)| format!("user_pref({}, {value});\n", json!(name))).concat()
}

impl Firefox {
    /// Starts one. Returns what it says of itself.
    pub(super) fn start(programs: &Programs) -> (Self, Value) {
        let interceptor = Interceptor::start();
        let profile = tempfile::tempdir().expect("a folder");
        let folder = profile.path();
        fs::write(folder.join("user.js"), preferences(&interceptor)).expect("a profile");
        let running = Watched::start(&programs.browser, |command| {
            command
                .args(["--marionette", "-remote-allow-system-access", "--headless", "--no-remote"])
                .arg("--profile")
                .arg(folder)
                .env("HOME", folder)
                .env("TMPDIR", folder)
                .env("MOZ_CRASHREPORTER_DISABLE", "1")
                // Keeps it from asking Mozilla for settings, which no preference does.
                .env("MOZ_REMOTE_SETTINGS_DEVTOOLS", "1");
        });
        let mut port = None;
        eventually("Firefox listens", || {
            let said = fs::read_to_string(folder.join("MarionetteActivePort")).unwrap_or_default();
            port = said.trim().parse().ok();
            port.is_some()
        });
        let (marionette, about) = Marionette::begin(port.expect("a port")).expect("Firefox starts");
        // Large enough for every size that a page is given in it.
        marionette.send(Command::Resize(1600, 1200)).expect("a window");
        let firefox = Self { marionette, _running: running, interceptor, profile };
        firefox.size(1280, 800);
        (firefox, about)
    }

    fn around_pages(&self, script: &str) {
        let done = self.marionette.run_around_pages(script);
        done.unwrap_or_else(|error| panic!("Firefox cannot do {script}: {error}"));
    }
}

impl Drop for Firefox {
    fn drop(&mut self) {
        let _ = self.marionette.call("Marionette:Quit", &json!({ "flags": ["eForceQuit"] }));
    }
}

impl Driven for Firefox {
    fn wire(&self) -> &dyn Wire {
        &self.marionette
    }

    fn folder(&self) -> &Path {
        self.profile.path()
    }

    fn before_pages(&self, script: &str) {
        self.interceptor.before_pages(script);
    }

    /// A window cannot be as narrow as a phone, so the page gets a part of it.
    fn size(&self, width: u32, height: u32) {
        self.around_pages(&format!(
            "const {{ style }} = gBrowser.selectedBrowser;
             style.minWidth = style.maxWidth = '{width}px';
             style.minHeight = style.maxHeight = '{height}px';"
        ));
        // The page hears of it later.
        let size = Command::Run("return [innerWidth, innerHeight]");
        eventually("the page has its size", || {
            self.marionette.send(size).expect("a script") == json!([width, height])
        });
    }

    fn color_scheme(&self, scheme: &str) {
        let value = u8::from(scheme == "light");
        self.around_pages(&format!(
            "Services.prefs.setIntPref('layout.css.prefers-color-scheme.content-override', {value})"
        ));
        let is_there = format!("return matchMedia('(prefers-color-scheme: {scheme})').matches");
        eventually("the page has the scheme", || {
            self.marionette.send(Command::Run(&is_there)).expect("a script") == true
        });
    }

    /// From the last thing on a page, Tab leads to the browser's own buttons. Marionette presses no keys there:
    /// it goes on in a page that has no focus. So the focus comes back at once, as after more of them.
    fn keys(&self, keys: &str) {
        self.marionette.send(Command::Keys(keys)).expect("keys");
        eventually("the page has the focus", || {
            self.around_pages(
                "const page = gBrowser.selectedBrowser;
                 if (document.activeElement !== page) page.focus();",
            );
            let has_focus = Command::Run("return document.hasFocus()");
            self.marionette.send(has_focus).is_ok_and(|value| value == true)
        });
    }

    fn picture(&self) -> String {
        string(&self.marionette.send(Command::Picture).expect("a picture"))
    }

    fn console_errors(&self) -> Vec<String> {
        self.interceptor.errors()
    }

    fn asked_elsewhere(&self) -> Vec<String> {
        self.interceptor.asked_elsewhere()
    }

    fn was_kept_from(&self, host: &str) -> bool {
        self.asked_elsewhere().iter().any(|asked| asked.starts_with(host))
    }
}
