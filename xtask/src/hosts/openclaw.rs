//! `OpenClaw`.

use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::scene::{Scene, Server, eventually, tail, told};
use crate::project;
use crate::relay::free_port;

/// How long one command may take.
const LIMIT: Duration = Duration::from_mins(2);
/// The token of its hooks.
const TOKEN: &str = "hook-token-of-a-test-0123456789";

pub(super) fn run(scene: &mut Scene<'_>) {
    let Some((_gateway, port)) = gateway(scene) else { return };
    scene.check("the server is added and its tools are listed", |scene| {
        let url = scene.mcp.clone();
        let add = ["mcp", "add", "nexus", "--url", &url, "--transport", "streamable-http"];
        let mut said = told(LIMIT, openclaw(scene).args(add))?;
        said += &told(LIMIT, openclaw(scene).args(["mcp", "probe", "nexus", "--json"]))?;
        ensure!(said.contains("nexus__join") && said.contains("nexus__read"), "{}", tail(&said));
        Ok(String::new())
    });
    scene.check_turns(
        move |scene, prompt| {
            let body = json!({ "message": prompt, "name": "Test", "deliver": false, "waitForCompletion": true });
            let url = format!("http://127.0.0.1:{port}/hooks/agent");
            let bearer = format!("Authorization: Bearer {TOKEN}");
            let mut curl = scene.host("curl");
            curl.args(["-sS", "-m", "60", &url, "-H", &bearer, "-d", &body.to_string()]);
            told(LIMIT, &mut curl)
        },
        call,
    );
    scene.check("the skill is installed", |scene| {
        let skill = scene.root().join("skill").display().to_string();
        told(LIMIT, openclaw(scene).args(["skills", "install", &skill, "--agent", "main"]))?;
        let info =
            told(LIMIT, openclaw(scene).args(["skills", "info", "nexus", "--agent", "main"]))?;
        ensure!(info.contains("Ready"), "{}", tail(&info));
        Ok(String::new())
    });
    for (name, options, agent) in [
        ("a message wakes the gateway's agent, which answers", &[][..], None),
        (
            "a message wakes the agent that --hook-agent names",
            &["--hook-agent", "reader"],
            Some("reader"),
        ),
    ] {
        scene.check(name, |scene| wakes(scene, port, options, agent));
    }
}

fn openclaw(scene: &Scene<'_>) -> Command {
    scene.host("openclaw")
}

/// A call of a tool, which stands behind one of the host's own.
fn call(tool: &str, input: &Value) -> Value {
    json!({ "tool": "tool_call", "input": { "id": format!("nexus__{tool}"), "args": input } })
}

/// Starts the gateway.
fn gateway(scene: &mut Scene<'_>) -> Option<(Server, u16)> {
    let mut started = None;
    scene.check("the gateway starts", |scene| {
        let port = free_port()?;
        let model = json!({
            "id": "stub", "name": "Stub", "reasoning": false, "input": ["text"],
            "cost": { "input": 0, "output": 0, "cacheRead": 0, "cacheWrite": 0 },
            "contextWindow": 196_608, "maxTokens": 8192,
        });
        let provider = json!({
            "baseUrl": format!("{}/v1", scene.model), "apiKey": "k", "api": "openai-completions", "models": [model],
        });
        let config = json!({
            "gateway": { "mode": "local", "bind": "loopback", "port": port, "auth": { "mode": "token", "token": "token-of-a-test" } },
            "hooks": { "enabled": true, "token": TOKEN },
            "logging": { "file": scene.path("openclaw.log") },
            "agents": {
                "defaults": {
                    "model": { "primary": "stub/stub" }, "heartbeat": { "every": "0m" },
                    "systemAgent": { "agentId": "main" },
                },
                "ownership": "explicit",
                "entries": {
                    "main": {},
                    "reader": { "tools": { "deny": ["exec", "write", "edit", "apply_patch", "process"] } },
                },
            },
            "models": { "mode": "merge", "providers": { "stub": provider } },
        });
        project::write(&scene.path("home/.openclaw/openclaw.json"), &config.to_string())?;
        let mut command = openclaw(scene);
        command.args(["gateway", "run", "--port", &port.to_string()]);
        let log = std::fs::File::create(scene.path("gateway.log"))?;
        let mut server = Server::with(&command, log.try_clone()?.into(), log.into())?;
        let health = format!("http://127.0.0.1:{port}/health");
        eventually("the gateway answers", LIMIT, || {
            ensure!(server.runs(), "it has ended");
            let mut curl = scene.host("curl");
            curl.args(["-sf", "-m", "1", "-o", "/dev/null", &health]);
            Ok(crate::process::succeeds(&mut curl))
        })
        .with_context(|| tail(&project::read(&scene.path("gateway.log")).unwrap_or_default()))?;
        started = Some((server, port));
        Ok(String::new())
    });
    started
}

/// Bob says something, and `nexus listen --hook` wakes the agent.
fn wakes(
    scene: &mut Scene<'_>,
    port: u16,
    options: &[&str],
    agent: Option<&str>,
) -> Result<String> {
    let seat = scene.seat()?;
    let again = scene.value("bob", &["pair", scene.session()?])?;
    let link = super::scene::text(&again, "/url")?;
    let name = format!("watch-{}", agent.unwrap_or("main"));
    let profile = ["--profile", name.as_str()];
    scene.value("home", &[&["accept", &link, "--as", &name], &profile[..]].concat())?;
    let session = scene.session()?.to_owned();
    scene.value("home", &[&["poll", &session], &profile[..]].concat())?;
    let answer = format!("Tuesday, says {name}.");
    let question = format!("Which day suits {name}?");
    let send = call("send", &json!({ "seat": seat, "text": answer }));
    scene.rules(&[(&question.replace('?', "."), json!([send]))])?;
    let mut listen = scene.nexus("home");
    let url = format!("http://127.0.0.1:{port}/hooks/agent");
    listen.args(["listen", &session, "--hook", &url]).args(options).args(profile);
    let errors = std::fs::File::create(scene.path("listen.log"))?;
    let _listen =
        Server::with(listen.env("NEXUS_HOOK_TOKEN", TOKEN), Stdio::null(), errors.into())?;
    scene.say(&question)?;
    let taken = scene.hears(&answer, Duration::from_mins(1)).with_context(|| {
        let said = project::read(&scene.path("listen.log")).unwrap_or_default();
        format!("{said}\n{}", tail(&scene.heard()))
    })?;
    // The agent that may do little is not offered what it may not do.
    let turn = scene.heard();
    let turn = turn.lines().find(|line| line.contains(&question)).context("no turn")?;
    let turn: Value = serde_json::from_str(turn)?;
    let may_run = turn["tools"].as_array().into_iter().flatten().any(|tool| tool == "exec");
    ensure!(may_run == agent.is_none(), "it was another agent: {}", turn["tools"]);
    Ok(format!("answered {:.1} s after the message", taken.as_secs_f32()))
}
