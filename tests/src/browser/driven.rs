//! What each engine does in its own way.

use super::wire::{Command, Wire, id_of};
use crate::{list, string};
use serde_json::Value;
use std::path::Path;

/// The elements that are there for a screen reader, in the order of the page, and what each is.
const HEARD: &str = "const all = [...document.querySelectorAll('body *')].filter((one) =>
        one.checkVisibility({ visibilityProperty: true }) && !one.closest('[aria-hidden=true], [inert]'));
    return all.map((one) => [one, one.localName])";

/// A browser of one engine.
pub(super) trait Driven: Send + Sync {
    /// Takes the commands that all have.
    fn wire(&self) -> &dyn Wire;
    /// The folder with everything of this browser.
    fn folder(&self) -> &Path;
    fn before_pages(&self, script: &str);
    /// Gives pages this many CSS pixels.
    fn size(&self, width: u32, height: u32);
    fn color_scheme(&self, scheme: &str);
    /// Presses keys one after the other.
    fn keys(&self, keys: &str) {
        self.wire().send(Command::Keys(keys)).expect("keys");
    }
    /// Goes on in another tab, which is in front then.
    fn turn_to(&self, tab: &str) {
        self.wire().send(Command::TurnTo(tab)).expect("a tab");
    }
    /// What the window shows, as PNG in base64.
    fn picture(&self) -> String;
    /// The errors since the last call.
    fn console_errors(&self) -> Vec<String>;
    /// The names of other machines that it has looked up or called.
    fn asked_elsewhere(&self) -> Vec<String>;
    /// Gives pages only a part of the processor's time, if it can.
    fn slow_down(&self, factor: u32) -> bool {
        let _ = factor;
        false
    }
    /// What a screen reader is told of the page, in order: roles and names.
    fn read_out(&self) -> Vec<(String, String)> {
        let wire = self.wire();
        let elements = wire.send(Command::Run(HEARD)).expect("elements");
        let of = |found: &Value| {
            let id = string(&id_of(&found[0]));
            let [role, name] = [Command::Role(&id), Command::Name(&id)]
                .map(|command| string(&wire.send(command).expect("what is read out")));
            // The one word of WebKit that differs from those of the others.
            let is_choice = found[1] == "select" && role == "button";
            let role = if is_choice { "combobox".to_owned() } else { role };
            (role, name.split_whitespace().collect::<Vec<_>>().join(" "))
        };
        list(&elements).iter().map(of).collect()
    }
    /// Whether it wanted something of this host, and was kept from it.
    fn was_kept_from(&self, host: &str) -> bool;
}
