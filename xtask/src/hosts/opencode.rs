//! opencode.

use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::scene::{Scene, Server, eventually, tail, told};
use crate::project;
use crate::relay::free_port;

/// How long one command may take.
const LIMIT: Duration = Duration::from_mins(1);
/// The password of its server.
const PASSWORD: &str = "password-of-a-test";

pub(super) fn run(scene: &mut Scene<'_>) {
    scene.check("the server is added and connected", |scene| {
        let provider = json!({
            "npm": "@ai-sdk/openai-compatible", "name": "stub",
            "options": { "baseURL": format!("{}/v1", scene.model), "apiKey": "k" },
            "models": { "stub": { "name": "stub" } },
        });
        let config = json!({
            "model": "stub/stub", "autoupdate": false, "share": "disabled", "provider": { "stub": provider },
            "mcp": { "nexus": { "type": "remote", "url": scene.mcp, "enabled": true } },
            "agent": { "reader": { "mode": "primary", "tools": { "bash": false, "write": false, "edit": false } } },
        });
        project::write(&scene.path("work/opencode.json"), &config.to_string())?;
        let list = told(LIMIT, scene.host("opencode").args(["mcp", "list"]))?;
        ensure!(list.contains("nexus") && list.contains("connected"), "{list}");
        ensure!(!list.contains("not connected") && !list.contains("failed"), "{list}");
        Ok(String::new())
    });
    scene.check_turns(
        |scene, prompt| told(LIMIT, scene.host("opencode").args(["run", prompt])),
        |tool, input| json!({ "tool": format!("nexus_{tool}"), "input": input }),
    );
    scene.check("a message wakes a conversation of its server, and it answers", wakes);
}

fn wakes(scene: &mut Scene<'_>) -> Result<String> {
    let seat = scene.seat()?;
    let again = scene.value("bob", &["pair", scene.session()?])?;
    let link = super::scene::text(&again, "/url")?;
    scene.value("home", &["accept", &link, "--as", "watch"])?;
    let session = scene.session()?.to_owned();
    scene.value("home", &["poll", &session])?;

    let port = free_port()?;
    let server = format!("http://127.0.0.1:{port}");
    let mut serve = scene.host("opencode");
    serve.args(["serve", "--port", &port.to_string()]).env("OPENCODE_SERVER_PASSWORD", PASSWORD);
    let _serve = Server::start(&serve)?;
    let create = || {
        let mut curl: Command = scene.host("curl");
        curl.args(["-sS", "-m", "20", "-u", &format!("opencode:{PASSWORD}")]);
        curl.args([
            "-H",
            "Content-Type: application/json",
            "-d",
            "{}",
            &format!("{server}/session"),
        ]);
        told(LIMIT, &mut curl)
    };
    let mut conversation = String::new();
    eventually("opencode serves", LIMIT, || {
        let created: Value = serde_json::from_str(&create()?).unwrap_or_default();
        created["id"].as_str().unwrap_or_default().clone_into(&mut conversation);
        Ok(!conversation.is_empty())
    })?;

    let send = json!({ "tool": "nexus_send", "input": { "seat": seat, "text": "Tuesday, from opencode." } });
    scene.rules(&[("Which day suits opencode.", json!([send]))])?;
    let mut listen = scene.nexus("home");
    let hook = format!("{server}/session/{conversation}/prompt_async");
    listen.args(["listen", &session, "--hook", &hook, "--hook-agent", "reader"]);
    let errors = std::fs::File::create(scene.path("listen.log"))?;
    let _listen =
        Server::with(listen.env("NEXUS_HOOK_TOKEN", PASSWORD), Stdio::null(), errors.into())?;
    scene.say("Which day suits opencode?")?;
    let taken =
        scene.hears("Tuesday, from opencode.", Duration::from_secs(40)).with_context(|| {
            let said = project::read(&scene.path("listen.log")).unwrap_or_default();
            format!("{said}\n{}", tail(&scene.heard()))
        })?;
    Ok(format!("answered {:.1} s after the message", taken.as_secs_f32()))
}
