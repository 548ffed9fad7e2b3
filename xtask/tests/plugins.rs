//! The plugins for agent hosts have the form that the hosts want. A host that cannot read a file of a plugin often
//! says nothing, so everything that it reads is looked at here. `cargo xtask hosts` shows it to the hosts.
#![allow(clippy::disallowed_methods, reason = "this never runs in WASM")]
#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test may panic")]

use serde_json::{Value, json};
use std::{collections::BTreeSet, fs, path::PathBuf};
use xtask::{plugins, project::Project};

fn project() -> Project {
    Project::here().unwrap()
}

/// A JSON file, by its path in the checkout.
fn file(path: &str) -> Value {
    let text = fs::read_to_string(project().path(path)).unwrap();
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The names of the fields of an object.
fn names(value: &Value) -> BTreeSet<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

fn is_text(value: &Value) -> bool {
    value.as_str().is_some_and(|text| !text.is_empty())
}

#[test]
fn copies_of_the_skill_and_versions_are_up_to_date() {
    let wanted = plugins::wanted(&project()).unwrap();
    for (path, text) in &wanted {
        let is = fs::read_to_string(path).unwrap_or_default();
        assert!(is == *text, "{} is out of date: run `cargo xtask plugins`", path.display());
    }
    let known: BTreeSet<&PathBuf> = wanted.iter().map(|(path, _)| path).collect();
    for copied in plugins::copied(&project()).unwrap() {
        assert!(known.contains(&copied), "{} is not in the skill", copied.display());
        assert!(!copied.is_symlink(), "{} is a link", copied.display());
    }
    let manifests = wanted.iter().filter(|(path, _)| path.ends_with("plugin.json"));
    for (_, text) in manifests {
        let manifest: Value = serde_json::from_str(text).unwrap();
        assert_eq!(manifest["version"], env!("CARGO_PKG_VERSION"));
    }
}

#[test]
fn claude_code_finds_what_it_wants() {
    let market = file(".claude-plugin/marketplace.json");
    assert!(is_text(&market["name"]) && is_text(&market["description"]));
    assert!(is_text(&market["owner"]["name"]));
    let [plugin] = market["plugins"].as_array().unwrap().as_slice() else { panic!("{market}") };
    assert_eq!(
        (&plugin["name"], &plugin["source"]),
        (&json!("nexus"), &json!("./plugins/claude-code"))
    );
    let manifest = file("plugins/claude-code/.claude-plugin/plugin.json");
    assert_eq!(manifest["name"], "nexus");
    assert!(is_text(&manifest["description"]) && is_text(&manifest["author"]["name"]));
    // What stands in its folders needs no field.
    let known = BTreeSet::from(["name", "version", "description", "author", "license", "keywords"]);
    assert_eq!(names(&manifest), known);
    let server = json!({ "type": "stdio", "command": "nexus", "args": ["mcp"] });
    assert_eq!(file("plugins/claude-code/.mcp.json"), json!({ "mcpServers": { "nexus": server } }));
}

#[test]
fn the_monitor_of_claude_code_is_one_that_it_loads() {
    let monitors = file("plugins/claude-code/monitors/monitors.json");
    // It drops the whole file without a word if a field is missing or unknown.
    let [monitor] = monitors.as_array().unwrap().as_slice() else { panic!("{monitors}") };
    assert_eq!(names(monitor), BTreeSet::from(["name", "command", "description"]));
    assert!(is_text(&monitor["name"]) && is_text(&monitor["description"]));
    let command = monitor["command"].as_str().unwrap();
    assert!(command.contains("exec nexus listen --short"), "{command}");
    assert!(!command.contains("${"), "it is not replaced there: {command}");
    // The end of a monitor costs a turn, so it waits where there is no client.
    assert!(command.ends_with("; exec tail -f /dev/null"), "{command}");
}

#[test]
fn codex_finds_what_it_wants() {
    let market = file(".agents/plugins/marketplace.json");
    let [plugin] = market["plugins"].as_array().unwrap().as_slice() else { panic!("{market}") };
    assert_eq!(plugin["name"], "nexus");
    assert_eq!(plugin["source"], json!({ "source": "local", "path": "./plugins/codex" }));
    let policy = json!({ "installation": "AVAILABLE", "authentication": "ON_INSTALL" });
    assert_eq!(plugin["policy"], policy);
    let manifest = file("plugins/codex/.codex-plugin/plugin.json");
    assert_eq!(manifest["name"], "nexus");
    assert!(is_text(&manifest["description"]));
    for (field, path) in
        [("skills", "./skills/"), ("mcpServers", "./.mcp.json"), ("hooks", "./hooks/hooks.json")]
    {
        assert_eq!(manifest[field], path);
        assert!(project().path("plugins/codex").join(path).exists(), "{path}");
    }
    let server = json!({ "command": "nexus", "args": ["mcp"] });
    assert_eq!(file("plugins/codex/.mcp.json"), json!({ "mcpServers": { "nexus": server } }));
}

#[test]
fn the_hooks_of_codex_are_those_that_the_client_answers() {
    let hooks = &file("plugins/codex/hooks/hooks.json")["hooks"];
    let events = BTreeSet::from(["PostToolUse", "SessionStart", "Stop", "UserPromptSubmit"]);
    assert_eq!(names(hooks), events);
    for event in events {
        let hook = &hooks[event][0]["hooks"][0];
        assert_eq!(hook["type"], "command");
        let command = hook["command"].as_str().unwrap();
        assert!(command.contains("exec nexus peek --hook"), "{command}");
        assert!(command.starts_with("if nexus peek --help"), "silent without a client: {command}");
        // The client itself takes three seconds at most.
        assert!(hook["timeout"].as_u64().unwrap() >= 5);
    }
}
