//! Claude Code.

use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::scene::{Scene, tail, told};
use super::terminal::Terminal;
use crate::project;

/// How long one command may take.
const LIMIT: Duration = Duration::from_mins(1);
/// A key in the form that it wants, good for nothing.
const KEY: &str = "sk-ant-stub-stub-stub-stub";

pub(super) fn run(scene: &mut Scene<'_>) {
    scene.check("the server is added and connected", |scene| {
        let url = scene.mcp.clone();
        told(LIMIT, claude(scene).args(["mcp", "add", "--transport", "http", "nexus", &url]))?;
        let list = told(LIMIT, claude(scene).args(["mcp", "list"]))?;
        ensure!(list.contains("nexus:") && list.contains("✔ Connected"), "{list}");
        Ok(String::new())
    });
    scene.check_turns(
        |scene, prompt| {
            let mut command = claude(scene);
            command.args(["-p", prompt, "--allowedTools", "mcp__nexus"]);
            told(LIMIT, &mut command)
        },
        |tool, input| json!({ "tool": format!("mcp__nexus__{tool}"), "input": input }),
    );
    scene.check("the plugin is valid, and its monitor is loaded", is_valid);
    scene.check("the plugin is installed from the marketplace", |scene| {
        let root = scene.root().display().to_string();
        let mut said = told(LIMIT, claude(scene).args(["plugin", "marketplace", "add", &root]))?;
        said += &told(LIMIT, claude(scene).args(["plugin", "install", "nexus@nexus"]))?;
        let list = told(LIMIT, claude(scene).args(["plugin", "list", "--json"]))?;
        let list: Value = serde_json::from_str(&list).with_context(|| list.clone())?;
        let plugin = list.as_array().into_iter().flatten().find(|one| one["id"] == "nexus@nexus");
        let plugin = plugin.context(said)?;
        ensure!(plugin["enabled"] == true && plugin["errors"].is_null(), "{plugin}");
        Ok(String::new())
    });
    scene.check("a message wakes an idle session, which answers by the command line", |scene| {
        let link = scene.link()?;
        scene.value("home", &["accept", &link, "--as", "claude"])?;
        let short = scene.session()?.get(..8).context("a short id")?.to_owned();
        let shell = |command: String| json!({ "tool": "Bash", "input": { "command": command, "description": "nexus" } });
        let steps = json!([
            shell(format!("nexus poll {short}")),
            shell(format!("nexus send {short} 'Tuesday, by the shell.'")),
        ]);
        wakes(scene, &short, steps, "Bash(nexus *)", "Tuesday, by the shell.")
    });
    if !scene.has_tools() {
        println!("      left out: `nexus mcp`, which this client does not have");
        return;
    }
    scene.check("a message wakes an idle session, which answers by the plugin's tools", |scene| {
        let link = scene.link()?;
        scene.value("home", &["accept", &link, "--as", "claude"])?;
        let short = scene.session()?.get(..8).context("a short id")?.to_owned();
        let tool = |name: &str, input: &Value| json!({ "tool": format!("mcp__plugin_nexus_nexus__{name}"), "input": input });
        let steps = json!([
            tool("read", &json!({ "seat": short })),
            tool("send", &json!({ "seat": short, "text": "Tuesday, by the tools." })),
        ]);
        wakes(scene, &short, steps, "mcp__plugin_nexus_nexus", "Tuesday, by the tools.")
    });
}

fn claude(scene: &Scene<'_>) -> Command {
    let mut command = scene.host("claude");
    command.env("ANTHROPIC_BASE_URL", &scene.model).env("ANTHROPIC_API_KEY", KEY);
    command.env("DISABLE_TELEMETRY", "1");
    command
}

fn is_valid(scene: &mut Scene<'_>) -> Result<String> {
    let plugin = scene.root().join("plugins/claude-code").display().to_string();
    let validate = ["plugin", "validate", "--strict", "--json", &plugin];
    let found = told(LIMIT, claude(scene).args(validate))?;
    let found: Value = serde_json::from_str(&found).with_context(|| found.clone())?;
    ensure!(found["success"] == true, "{}", found["contents"]);
    // It says that all is well, too, if it could not read the monitors: then it lists nothing.
    for what in ["monitors", "mcpServers", "skills"] {
        let count = found["provides"][what].as_array().map(Vec::len);
        ensure!(count == Some(1), "it provides these {what}: {}", found["provides"]);
    }
    let list = ["--plugin-dir", &plugin, "plugin", "list", "--json"];
    let list = told(LIMIT, claude(scene).args(list))?;
    let list: Value = serde_json::from_str(&list).with_context(|| list.clone())?;
    let loaded = list.as_array().into_iter().flatten().find(|one| one["id"] == "nexus@inline");
    let loaded = loaded.context("it is not loaded")?;
    ensure!(loaded["errors"].as_array().is_none_or(Vec::is_empty), "{loaded}");
    Ok(String::new())
}

/// Bob says something while a session is idle.
fn wakes(
    scene: &mut Scene<'_>,
    short: &str,
    steps: Value,
    allowed: &str,
    answer: &str,
) -> Result<String> {
    let folder = scene.path("work").display().to_string();
    let path = scene.path("home/.claude.json");
    let mut settings: Value = serde_json::from_str(&project::read(&path)?)?;
    settings["hasCompletedOnboarding"] = true.into();
    settings["theme"] = "dark".into();
    let end: String = KEY.chars().skip(KEY.len().saturating_sub(20)).collect();
    settings["customApiKeyResponses"] = json!({ "approved": [end], "rejected": [] });
    settings["projects"][&folder]["hasTrustDialogAccepted"] = true.into();
    project::write(&path, &settings.to_string())?;
    scene.rules(&[(&format!("nexus: 1 message from bob waits in session {short}"), steps)])?;
    let mut command = claude(scene);
    command.args(["--permission-mode", "default", "--allowedTools", allowed]);
    let terminal = Terminal::start(scene.path(&format!("tmux-{short}")), &command)?;
    let begun = terminal.until("1 monitor", LIMIT)?;
    scene.say("Which day suits you?")?;
    let taken = scene.hears(answer, Duration::from_secs(30)).with_context(|| {
        format!("{}\n{}", tail(&scene.heard()), terminal.screen().unwrap_or_default())
    })?;
    let (begun, taken) = (begun.as_secs_f32(), taken.as_secs_f32());
    Ok(format!("ready after {begun:.1} s, answered {taken:.1} s after the message"))
}
