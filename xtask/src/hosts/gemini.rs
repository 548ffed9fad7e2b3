//! Gemini CLI. Nothing wakes its sessions.

use std::process::Command;
use std::time::Duration;

use anyhow::ensure;
use serde_json::json;

use super::scene::{Scene, told};
use crate::project;

/// How long one command may take.
const LIMIT: Duration = Duration::from_mins(1);

pub(super) fn run(scene: &mut Scene<'_>) {
    scene.check("the server is added and connected", |scene| {
        let settings = json!({ "security": { "auth": { "selectedType": "gemini-api-key" } } });
        project::write(&scene.path("home/.gemini/settings.json"), &settings.to_string())?;
        let url = scene.mcp.clone();
        told(LIMIT, gemini(scene).args(["mcp", "add", "nexus", &url, "--transport", "http"]))?;
        let list = told(LIMIT, gemini(scene).args(["mcp", "list"]))?;
        ensure!(list.contains("nexus") && list.contains("Connected"), "{list}");
        Ok(String::new())
    });
    scene.check_turns(
        |scene, prompt| {
            let mut command = gemini(scene);
            command.args(["-m", "gemini-2.5-flash", "--approval-mode", "yolo", "-p", prompt]);
            told(LIMIT, &mut command)
        },
        |tool, input| json!({ "tool": format!("mcp_nexus_{tool}"), "input": input }),
    );
}

fn gemini(scene: &Scene<'_>) -> Command {
    let mut command = scene.host("gemini");
    command.envs([("GEMINI_API_KEY", "x"), ("GEMINI_CLI_TRUST_WORKSPACE", "true")]);
    command.env("GOOGLE_GEMINI_BASE_URL", &scene.model);
    command
}
