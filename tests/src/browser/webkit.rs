//! WebKit: that of GTK, which is recent, on a display that nobody sees, and that of WPE 2.38, which is as old as
//! the base line and needs no display.

use super::{
    driven::Driven,
    interceptor::Interceptor,
    wire::{self, Command, Http, Wire},
};
use crate::{string, watched::Watched};
use serde_json::{Value, json};
use std::{
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::Command as Program,
    sync::{Mutex, PoisonError},
};
use tempfile::TempDir;
use xtask::setup::browser::{COG_MODULES, Programs, library};

/// A WebKit with one window.
pub(super) struct WebKit {
    http: Http,
    /// Ends together with the browser that it has started, before what that needs.
    _driver: Watched,
    /// None of the old WebKit, whose window has one size and is always light.
    desktop: Option<Desktop>,
    interceptor: Interceptor,
    folder: TempDir,
}

/// A screen, and what tells its programs the theme.
struct Desktop {
    theme: Mutex<Option<Watched>>,
    _screen: Watched,
    /// The display, as in the variable `DISPLAY`.
    display: String,
}

impl Desktop {
    /// The screen is smaller than each window, because the focus is with the window under the pointer, which
    /// is in the middle of the screen.
    fn start(folder: &Path) -> Self {
        let mut screen = Watched::start("Xvfb", |command| {
            command.args(["-displayfd", "1", "-screen", "0", "320x320x24", "-nolisten", "tcp"]);
        });
        let mut number = String::new();
        BufReader::new(screen.stdout()).read_line(&mut number).expect("a display");
        let display = format!(":{}", number.trim());
        let theme = Mutex::new(Some(theme(folder, &display, "light")));
        Self { theme, _screen: screen, display }
    }
}

/// Starts the program that tells GTK the theme of the desktop.
fn theme(folder: &Path, display: &str, scheme: &str) -> Watched {
    let file = folder.join("theme");
    let name = if scheme == "dark" { "Adwaita-dark" } else { "Adwaita" };
    fs::write(&file, format!("Net/ThemeName \"{name}\"\n")).expect("a file");
    Watched::start("xsettingsd", |command| {
        command.arg("-c").arg(file).env("DISPLAY", display);
    })
}

/// What every WebKit gets: a home of its own, and a language.
fn set_home(command: &mut Program, folder: &Path) {
    command.env("HOME", folder).env("XDG_RUNTIME_DIR", folder).env("TMPDIR", folder);
    // Otherwise the language is `C`.
    command.env("LC_ALL", "C").env_remove("LANGUAGE").env_remove("DBUS_SESSION_BUS_ADDRESS");
}

/// Lets a script take its time: the driver would end it by a timer of the page, whose time may stand still.
fn without_hurry(http: &Http) {
    http.call("POST", "/timeouts", &json!({ "script": null })).expect("a script without an end");
}

impl WebKit {
    /// Starts that of GTK. Returns what it says of itself.
    pub(super) fn start(programs: &Programs) -> (Self, Value) {
        let interceptor = Interceptor::start();
        let folder = tempfile::tempdir().expect("a folder");
        let desktop = Desktop::start(folder.path());
        let proxy = format!("--proxy=http://127.0.0.1:{}", interceptor.port);
        let wishes = json!({ "webkitgtk:browserOptions": {
            "binary": programs.browser,
            "args": ["--automation", "--full-screen", "--javascript-can-access-clipboard=true", proxy],
        } });
        let start = |port| {
            Watched::start(&programs.driver, |command| {
                set_home(command.arg(format!("--port={port}")), folder.path());
                command.env("DISPLAY", &desktop.display);
            })
        };
        let (driver, http, about) = wire::begin_on_free_port(start, &wishes);
        without_hurry(&http);
        let webkit = Self { http, _driver: driver, desktop: Some(desktop), interceptor, folder };
        webkit.size(1280, 800);
        (webkit, about)
    }

    /// Starts that of WPE.
    pub(super) fn start_old(programs: &Programs) -> (Self, Value) {
        let interceptor = Interceptor::start();
        let folder = tempfile::tempdir().expect("a folder");
        let proxy = format!("--proxy=http://127.0.0.1:{}", interceptor.port);
        let wishes = json!({ "wpe:browserOptions": {
            "binary": programs.browser, "args": ["--automation", "-P", "headless", proxy],
        } });
        let modules = library(COG_MODULES).expect("the parts of cog");
        let start = |port| {
            Watched::start(&programs.driver, |command| {
                set_home(command.arg(format!("--port={port}")), folder.path());
                command.env("WPE_BACKEND_LIBRARY", "libWPEBackend-fdo-1.0.so.1");
                command.env("COG_MODULEDIR", &modules);
            })
        };
        let (driver, http, about) = wire::begin_on_free_port(start, &wishes);
        without_hurry(&http);
        (Self { http, _driver: driver, desktop: None, interceptor, folder }, about)
    }

    /// Presses the keys that bring the next tab to the front.
    fn next_tab(&self) {
        let desktop = self.desktop.as_ref().expect("an engine with tabs");
        let mut keys = Program::new("xdotool");
        keys.args(["key", "ctrl+alt+Page_Down"]).env("DISPLAY", &desktop.display);
        assert!(keys.status().expect("xdotool").success(), "keys are pressed");
    }

    fn run(&self, script: &str) -> Value {
        self.http.send(Command::Run(script)).expect("a script")
    }
}

impl Driven for WebKit {
    fn wire(&self) -> &dyn Wire {
        &self.http
    }

    fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn before_pages(&self, script: &str) {
        self.interceptor.before_pages(script);
    }

    fn size(&self, width: u32, height: u32) {
        assert!(self.desktop.is_some(), "the window of the old WebKit has one size");
        let fits = || self.run("return [innerWidth, innerHeight]") == json!([width, height]);
        // The first try may come before the window is there.
        crate::eventually("the window has its size", || {
            self.http.send(Command::Resize(width, height)).expect("a window");
            fits()
        });
    }

    fn color_scheme(&self, scheme: &str) {
        let desktop = self.desktop.as_ref().expect("an engine that can be dark");
        let mut running = desktop.theme.lock().unwrap_or_else(PoisonError::into_inner);
        // A display has one such program at a time.
        drop(running.take());
        *running = Some(theme(self.folder.path(), &desktop.display, scheme));
        let is_there = format!("return matchMedia('(prefers-color-scheme: {scheme})').matches");
        crate::eventually("the page has the scheme", || self.run(&is_there) == true);
    }

    /// The driver leaves the tab behind the others, where a page is hidden. Only the one in front takes keys.
    fn turn_to(&self, tab: &str) {
        let before = string(&self.http.send(Command::Tab).expect("a tab"));
        crate::eventually("the tab is in front", || {
            self.http.send(Command::TurnTo(tab)).expect("a tab");
            let is_in_front = self.run("return document.hidden") == false;
            if !is_in_front {
                self.http.send(Command::TurnTo(&before)).expect("a tab");
                self.next_tab();
            }
            is_in_front
        });
    }

    fn picture(&self) -> String {
        self.http.send(Command::RunUntilCalled(wire::DRAWN)).expect("the page is drawn");
        string(&self.http.send(Command::Picture).expect("a picture"))
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
