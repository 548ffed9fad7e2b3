//! A person at a browser. Which one, the environment says: Chromium, if it says nothing.
//!
//! Each [`Browser`] has its own profile, and so its own keys and history. It ends with the test, even if the
//! test is killed.
//!
//! | module | owns |
//! |---|---|
//! | `chromium`, `firefox`, `webkit` | how each engine is started, and what it does in its own way |
//! | `driven` | what each does in its own way |
//! | `wire`, `marionette` | the commands that all have, over HTTP or in Firefox's protocol |
//! | `interceptor` | scripts before pages and their errors, where the engine has no way to them |
//! | `base_line` | what the oldest browsers do not have |
//! | `capability` | what an engine cannot do here, and which tests are left out for it |

mod base_line;
mod capability;
mod chromium;
mod driven;
mod firefox;
mod interceptor;
mod marionette;
mod webkit;
mod wire;

pub use self::{
    base_line::without_what_is_newer,
    capability::{Capability, lacks},
};
pub use xtask::setup::browser::Engine;

use self::{chromium::Chromium, driven::Driven, firefox::Firefox, webkit::WebKit, wire::Command};
use crate::{blind::note_keys_in, eventually, sealing, string};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::{Value, json};
use std::{fs, path::Path};
use xtask::project::Project;

/// An open browser with one window, of 1280 by 800 pixels where the engine can choose.
pub struct Browser {
    engine: Box<dyn Driven>,
}

impl Browser {
    /// Opens a browser of the engine that the environment asks for.
    pub fn start() -> Self {
        let chosen = Engine::chosen().expect("an engine");
        let programs = chosen.find().unwrap_or_else(|| {
            let name = chosen.name();
            panic!("no {name}: `cargo xtask browsers --engine {name}` installs it")
        });
        let (engine, about): (Box<dyn Driven>, Value) = match chosen {
            Engine::Chromium => boxed(Chromium::start(&programs)),
            Engine::Firefox => boxed(Firefox::start(&programs)),
            Engine::Webkit => boxed(WebKit::start(&programs)),
            Engine::Wpe => boxed(WebKit::start_old(&programs)),
        };
        let version = about["browserVersion"].as_str().unwrap_or_default();
        capability::report("version", version);
        if sealing::is_on() {
            engine.before_pages(sealing::START_ENCRYPTED);
        }
        Self { engine }
    }

    /// Sends a command, and returns the value. Fails the test on an error.
    fn command(&self, command: Command<'_>) -> Value {
        let done = self.engine.wire().send(command);
        done.unwrap_or_else(|error| panic!("the browser cannot {command:.300?}: {error}"))
    }

    /// The folder with everything of this browser, which is removed with it.
    pub fn folder(&self) -> &Path {
        self.engine.folder()
    }

    /// The names of other machines that the browser has looked up or called, whether a page wanted that or
    /// not.
    pub fn asked_elsewhere(&self) -> Vec<String> {
        self.engine.asked_elsewhere()
    }

    /// Whether the browser wanted something of this host, and was kept from it.
    pub fn was_kept_from(&self, host: &str) -> bool {
        self.engine.was_kept_from(host)
    }

    /// Opens an address, and waits until the page is loaded.
    pub fn open(&self, url: &str) {
        self.command(Command::Open(url));
        self.wait_until_loaded();
    }

    /// Loads the page again.
    pub fn reload(&self) {
        self.command(Command::Reload);
        self.wait_until_loaded();
    }

    /// Goes back to the page before.
    pub fn back(&self) {
        self.command(Command::Back);
    }

    /// Not every driver waits for the scripts of a page.
    fn wait_until_loaded(&self) {
        eventually("the page is loaded", || self.run("return document.readyState") == "complete");
    }

    /// The address of the page.
    pub fn url(&self) -> String {
        string(&self.command(Command::Address))
    }

    /// Runs a script in the page, and returns its result. The script is the body of a function.
    pub fn run(&self, script: &str) -> Value {
        self.command(Command::Run(script))
    }

    /// Runs a script in every page before its own.
    pub fn before_pages(&self, script: &str) {
        self.engine.before_pages(script);
    }

    fn element(&self, css: &str) -> String {
        string(&self.command(Command::Find(css)))
    }

    /// The visible text of an element. Empty if there is no such element.
    pub fn text(&self, css: &str) -> String {
        // Drivers differ in where they put line ends.
        let text = self.run(&format!(
            "const element = document.querySelector({});
             const isShown = element?.getClientRects().length > 0
                 && getComputedStyle(element).visibility === 'visible';
             return isShown ? element.innerText.trim() : '';",
            json!(css)
        ));
        // Firefox has no result while one page makes room for the next.
        let text = text.as_str().unwrap_or_default();
        note_keys_in(text);
        text.to_owned()
    }

    /// How many elements there are.
    pub fn count(&self, css: &str) -> u64 {
        let script = format!("return document.querySelectorAll({}).length", json!(css));
        self.run(&script).as_u64().expect("a number")
    }

    /// Clicks at the element's position.
    pub fn click(&self, css: &str) {
        let element = self.element(css);
        // The old WebKit finds no place to click at in what it scrolls to by itself.
        self.run(&format!(
            "document.querySelector({})?.scrollIntoView({{ block: 'nearest', behavior: 'instant' }})",
            json!(css)
        ));
        let done = self.engine.wire().send(Command::Click(&element));
        done.unwrap_or_else(|error| panic!("the browser cannot click {css}: {error}"));
    }

    /// Types into a field. `\u{E007}` is Enter.
    pub fn type_into(&self, css: &str, text: &str) {
        let element = self.element(css);
        // Not every driver has a key for the end of a line.
        let text = text.replace('\n', "\u{E007}");
        let is_typed = |one: char| one <= '\u{FFFF}';
        let mut rest = text.as_str();
        while let Some(first) = rest.chars().next() {
            let end = rest.find(|one| is_typed(one) != is_typed(first)).unwrap_or(rest.len());
            let (now, later) = rest.split_at(end);
            if is_typed(first) {
                self.command(Command::Type(&element, now));
            } else {
                // Most drivers have no key for these.
                let insert = format!("document.execCommand('insertText', false, {})", json!(now));
                self.run(&format!("document.querySelector({}).focus(); {insert}", json!(css)));
            }
            rest = later;
        }
    }

    /// Empties a field.
    pub fn clear(&self, css: &str) {
        self.command(Command::Clear(&self.element(css)));
    }

    /// Presses keys one after the other, wherever the focus is. `\u{E004}` is Tab.
    pub fn keys(&self, keys: &str) {
        self.engine.keys(keys);
    }

    /// The tab in which everything happens.
    pub fn tab(&self) -> String {
        string(&self.command(Command::Tab))
    }

    /// Opens another tab beside this one, and names it.
    pub fn new_tab(&self) -> String {
        string(&self.command(Command::NewTab))
    }

    /// Goes on in another tab.
    pub fn turn_to(&self, tab: &str) {
        self.engine.turn_to(tab);
    }

    /// Gives pages only a part of the processor's time. Says whether the engine can.
    pub fn slow_down(&self, factor: u32) -> bool {
        self.engine.slow_down(factor)
    }

    /// What a screen reader is told of the page, in order: roles and names.
    pub fn read_out(&self) -> Vec<(String, String)> {
        self.engine.read_out()
    }

    /// Waits until an element shows a text.
    pub fn wait_for(&self, css: &str, text: &str) {
        eventually(&format!("{css} shows {text:?}"), || self.text(css).contains(text));
    }

    /// The size of the window, in CSS pixels.
    pub fn size(&self, width: u32, height: u32) {
        self.engine.size(width, height);
        self.command(Command::RunUntilCalled(wire::DRAWN));
    }

    /// The width of the page in CSS pixels. The window's width does not tell, because on a phone it
    /// grows with the page.
    pub fn page_width(&self) -> u64 {
        let width = self.run("return document.documentElement.scrollWidth");
        width.as_u64().expect("a number")
    }

    /// Sets the preferred color scheme: `light` or `dark`.
    pub fn color_scheme(&self, scheme: &str) {
        self.engine.color_scheme(scheme);
    }

    /// Writes screenshots to `target/screenshots/NAME.png`, on a phone and on a desktop. Those of another
    /// engine than Chromium go into a folder of its name.
    pub fn screenshots(&self, name: &str) {
        self.screenshots_and(name, |_, _| ());
    }

    /// The same. On each device, with its name and its width, it then does something else.
    pub fn screenshots_and(&self, name: &str, then: impl Fn(&str, u32)) {
        let folder = match Engine::chosen().expect("an engine") {
            Engine::Chromium => root().join("target/screenshots"),
            other => root().join("target/screenshots").join(other.name()),
        };
        fs::create_dir_all(&folder).expect("a folder");
        for (device, width, height) in [("phone", 390, 844), ("desktop", 1280, 800)] {
            self.size(width, height);
            let png = BASE64_STANDARD.decode(self.engine.picture()).expect("base64");
            fs::write(folder.join(format!("{name}-{device}.png")), png).expect("a file");
            then(device, width);
        }
    }

    /// The errors that pages have shown since the last call: what a script fails at, what cannot be loaded,
    /// what is against the policy. Chromium also tells of each answer with the status of an error.
    pub fn console_errors(&self) -> Vec<String> {
        self.engine.console_errors()
    }

    /// Fails if axe-core finds an accessibility problem.
    pub fn check_accessibility(&self, page: &str) {
        if self.run("return typeof axe") == "undefined" {
            let axe = fs::read_to_string(root().join("node_modules/axe-core/axe.min.js"));
            self.run(&axe.expect("axe-core: run `cargo xtask setup`"));
        }
        let found = self.command(Command::RunUntilCalled(
            // In the midst of a change from one color to another, neither has its contrast.
            "const done = arguments[arguments.length - 1];
             const drawn = new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(go)));
             const changes = () => document.getAnimations().filter((one) => one.transitionProperty);
             const ended = () => Promise.all(changes().map((one) => one.finished.catch(() => {})));
             drawn.then(ended).then(() => axe.run(document)).then(({ violations, passes }) => ({ passes: passes.length,
                 violations: violations.flatMap(({ id, nodes }) => nodes.map((node) =>
                     `${id}: ${node.html.slice(0, 200)}: ${node.failureSummary}`)) }))
                 .catch((error) => String(error)).then(done);",
        ));
        assert!(found["passes"].as_u64() > Some(10), "axe did not look at {page}: {found}");
        assert_eq!(found["violations"], json!([]), "on {page}");
    }

    /// How many bytes were transferred for the page and everything that it loaded, headers
    /// included. Without what the tests add to the page.
    pub fn loaded_bytes(&self) -> u64 {
        let script = format!(
            "return [...performance.getEntriesByType('navigation'),
                ...performance.getEntriesByType('resource')]
                .filter(({{ name }}) => !name.endsWith('{}'))
                .reduce((sum, entry) => sum + entry.transferSize, 0)",
            interceptor::SCRIPT
        );
        self.run(&script).as_u64().expect("a number")
    }
}

fn boxed<T: Driven + 'static>((engine, about): (T, Value)) -> (Box<dyn Driven>, Value) {
    (Box::new(engine), about)
}

fn root() -> std::path::PathBuf {
    let project = Project::here().expect("a checkout");
    Path::new(project.root()).to_owned()
}
