//! `nexus mcp install`: what hosts are told.

use crate::support::Home;
use serde_json::{Value, json};
use std::{fs, path::PathBuf, process::Command};

const HOSTS: [(&str, &str); 6] = [
    ("claude-code", "work/.mcp.json"),
    ("codex", ".codex/config.toml"),
    ("cursor", ".cursor/mcp.json"),
    ("gemini", ".gemini/settings.json"),
    ("openclaw", ".openclaw/openclaw.json"),
    ("opencode", "opencode/opencode.json"),
];

/// The home folder, which is the folder of `.config`, too.
fn root(home: &Home) -> PathBuf {
    home.state().parent().unwrap().to_owned()
}

fn command(home: &Home, arguments: &[&str]) -> Command {
    let folder = root(home).join("work");
    fs::create_dir_all(&folder).unwrap();
    let mut command = home.command();
    command.current_dir(folder).args(["mcp", "install"]).args(arguments);
    command
}

#[track_caller]
fn install(home: &Home, arguments: &[&str]) -> Value {
    let run = crate::support::Run::of(command(home, arguments).output().unwrap());
    run.done()
}

#[test]
fn each_host_is_told_in_its_own_form() {
    let home = Home::new("http://127.0.0.1:9");
    for (host, file) in HOSTS {
        let shown = install(&home, &[host]);
        assert_eq!(shown["written"], false, "{host}");
        assert!(!root(&home).join(file).exists(), "{host}: nothing is written");
        let config = shown["config"].as_str().unwrap().to_owned();
        assert!(config.contains("\"mcp\"") && config.contains("NEXUS_URL"), "{host}: {config}");
        let written = install(&home, &[host, "--write"]);
        assert_eq!(written["written"], true, "{host}");
        let text = fs::read_to_string(root(&home).join(file)).unwrap();
        assert_eq!(text.trim_end(), config, "{host}");
        assert_eq!(install(&home, &[host, "--write"])["written"], true, "{host}: again");
        assert_eq!(fs::read_to_string(root(&home).join(file)).unwrap(), text, "{host}");
    }
    let codex = fs::read_to_string(root(&home).join(".codex/config.toml")).unwrap();
    assert!(codex.contains("default_tools_approval_mode = \"approve\""), "{codex}");
}

#[test]
fn the_relays_own_server_can_be_named_instead() {
    let home = Home::without_url();
    let url = "https://relay.example/mcp";
    for (host, expected) in [
        ("claude-code", json!({ "mcpServers": { "nexus": { "type": "http", "url": url } } })),
        ("cursor", json!({ "mcpServers": { "nexus": { "url": url } } })),
        ("gemini", json!({ "mcpServers": { "nexus": { "httpUrl": url } } })),
        (
            "openclaw",
            json!({ "mcp": { "servers": { "nexus": { "url": url, "transport": "streamable-http" } } } }),
        ),
        (
            "opencode",
            json!({ "mcp": { "nexus": { "type": "remote", "url": url, "enabled": true } } }),
        ),
    ] {
        let shown = install(&home, &[host, "--remote", "--url", "https://relay.example/"]);
        let config: Value = serde_json::from_str(shown["config"].as_str().unwrap()).unwrap();
        assert_eq!(config, expected, "{host}");
        // Where the host has a command for it, that names the same.
        let line = shown["command"].as_str();
        assert!(line.is_none_or(|line| line.contains(url)), "{host}: {line:?}");
    }
    let shown = install(&home, &["codex", "--remote", "--url", "https://relay.example"]);
    let expected =
        format!("[mcp_servers.nexus]\nurl = \"{url}\"\ndefault_tools_approval_mode = \"approve\"");
    assert_eq!(shown["config"], expected);
}

#[test]
fn what_is_in_a_file_stays_as_it_is() {
    let home = Home::without_url();
    let folder = root(&home);
    let write = |file: &str, text: &str| {
        let path = folder.join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    };
    let path =
        write(".gemini/settings.json", "{\n\t\"z\": 1.10,\n\t\"mcpServers\": { \"a\": {} }\n}\n");
    install(&home, &["gemini", "--write"]);
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.starts_with("{\n\t\"z\": 1.10,\n\t\"mcpServers\": {"), "{text}");
    assert!(text.ends_with(" \"a\": {} }\n}\n"), "{text}");
    let path = write(".codex/config.toml", "# mine\nmodel = \"x\" # why\n");
    install(&home, &["codex", "--write"]);
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.starts_with("# mine\nmodel = \"x\" # why\n\n[mcp_servers.nexus]\n"), "{text}");

    for (host, file, text) in [
        ("openclaw", ".openclaw/openclaw.json", "{ // mine\n  gateway: {},\n}"),
        ("cursor", ".cursor/mcp.json", "{\"mcpServers\": {\"nexus\": {\"command\": \"other\"}}}"),
        ("opencode", "opencode/opencode.jsonc", "{ // mine\n}"),
    ] {
        let path = write(file, text);
        let run = crate::support::Run::of(command(&home, &[host, "--write"]).output().unwrap());
        assert_eq!(run.error(), "file_unavailable", "{host}");
        assert_eq!(fs::read_to_string(&path).unwrap(), text, "{host}: it is left alone");
        assert_eq!(install(&home, &[host])["written"], false, "{host}: it can be shown");
    }
    assert!(!folder.join("opencode/opencode.json").exists());
}

#[test]
fn a_host_can_start_what_it_was_told() {
    let home = Home::without_url();
    let shown = install(&home, &["cursor", "--profile", "helper"]);
    let config: Value = serde_json::from_str(shown["config"].as_str().unwrap()).unwrap();
    let server = &config["mcpServers"]["nexus"];
    let mut command = home.wrapped(server["command"].as_str().unwrap().as_ref());
    let arguments = server["args"].as_array().unwrap().iter();
    command.args(arguments.map(|word| word.as_str().unwrap()));
    let mut host = crate::mcp_host::Host::of(&mut command);
    assert_eq!(host.shake_hands()["serverInfo"]["name"], "nexus-relay");
    assert!(host.end().success());
}
