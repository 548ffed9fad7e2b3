//! Codex.

use std::fs;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::scene::{Scene, Server, eventually, script, tail, told};
use super::terminal::Terminal;
use crate::project;

/// How long one command may take.
const LIMIT: Duration = Duration::from_mins(1);

pub(super) fn run(scene: &mut Scene<'_>) {
    scene.check("the server is added and listed", |scene| {
        let (folder, model) = (scene.path("work"), &scene.model);
        let config = format!(
            "model = \"stub\"\nmodel_provider = \"stub\"\n\
             [model_providers.stub]\nname = \"stub\"\nbase_url = \"{model}/v1\"\nwire_api = \"responses\"\n\
             env_key = \"STUB_KEY\"\nrequest_max_retries = 0\nstream_max_retries = 0\n\
             [features]\ndaemon_auto_start = false\n\
             [projects.\"{}\"]\ntrust_level = \"trusted\"\n\
             [mcp_servers.nexus]\nurl = \"{}\"\ndefault_tools_approval_mode = \"approve\"\n",
            folder.display(),
            scene.mcp
        );
        project::write(&scene.path("home/.codex/config.toml"), &config)?;
        let list = told(LIMIT, codex(scene).args(["mcp", "list", "--json"]))?;
        let list: Value = serde_json::from_str(&list).with_context(|| list.clone())?;
        // It has asked the server how to log in, and there is nothing to log in to.
        ensure!(list[0]["auth_status"] == "unsupported", "{list}");
        Ok(String::new())
    });
    scene.check_turns(
        |scene, prompt| told(LIMIT, exec(scene, prompt).arg("--json")),
        |tool, input| json!({ "tool": tool, "namespace": "mcp__nexus", "input": input }),
    );
    scene.check("the plugin is installed from the marketplace", |scene| {
        let root = scene.root().display().to_string();
        let mut said = told(LIMIT, codex(scene).args(["plugin", "marketplace", "add", &root]))?;
        said += &told(LIMIT, codex(scene).args(["plugin", "add", "nexus@nexus"]))?;
        let list = told(LIMIT, codex(scene).args(["plugin", "list", "--json"]))?;
        let list: Value = serde_json::from_str(&list).with_context(|| list.clone())?;
        let plugin = &list["installed"][0];
        ensure!(plugin["name"] == "nexus" && plugin["enabled"] == true, "{said}{list}");
        let skill = "home/.codex/plugins/cache/nexus/nexus";
        let version = env!("CARGO_PKG_VERSION");
        let skill = scene.path(skill).join(version).join("skills/nexus/SKILL.md");
        ensure!(skill.exists(), "it has no skill");
        Ok(String::new())
    });
    scene.check("a hook of the plugin tells of a message before the agent stops", hooks);
    scene.check("a message wakes an idle session by `codex queue`, and it answers", wakes);
}

fn codex(scene: &Scene<'_>) -> Command {
    let mut command = scene.host("codex");
    command.env("STUB_KEY", "k");
    command
}

fn exec(scene: &Scene<'_>, prompt: &str) -> Command {
    let mut command = codex(scene);
    command.args(["exec", "--skip-git-repo-check", "--dangerously-bypass-hook-trust", prompt]);
    command
}

/// Lets the agent of the host join bob with the client, so that what runs in the background can tell of messages.
fn join(scene: &mut Scene<'_>) -> Result<String> {
    let link = scene.link()?;
    scene.value("home", &["accept", &link, "--as", "codex"])?;
    Ok(scene.session()?.get(..8).context("a short id")?.to_owned())
}

fn hooks(scene: &mut Scene<'_>) -> Result<String> {
    let short = join(scene)?;
    scene.say("Which day suits you?")?;
    let said = told(LIMIT, &mut exec(scene, "Hello"))?;
    let line = format!("nexus: 1 message from bob waits in session {short}");
    ensure!(scene.heard().contains(&line), "{}\n{}", tail(&said), tail(&scene.heard()));
    Ok(String::new())
}

fn wakes(scene: &mut Scene<'_>) -> Result<String> {
    // Its session at the tools, and the same one for what runs in the background.
    let link = scene.link()?;
    let join = json!({ "tool": "join", "namespace": "mcp__nexus", "input": { "link": link, "name": "codex" } });
    told(LIMIT, &mut exec(scene, &script(&json!([join]))))?;
    let seat = scene.seat()?;
    let again = scene.value("bob", &["pair", scene.session()?])?;
    let link = super::scene::text(&again, "/url")?;
    scene.value("home", &["accept", &link, "--as", "codex-watch"])?;
    let short = scene.session()?.get(..8).context("a short id")?.to_owned();
    let tool = |name: &str, input: &Value| json!({ "tool": name, "namespace": "mcp__nexus", "input": input });
    let steps = json!([
        tool("read", &json!({ "seat": seat })),
        tool("send", &json!({ "seat": seat, "text": "Tuesday, by the queue." })),
    ]);
    // The hook of the session's first turn tells of what waits then.
    told(LIMIT, scene.nexus("home").args(["poll", &short]))?;
    let mut session = codex(scene);
    // Else it asks whether to trust the hooks of the plugin.
    session.arg("--dangerously-bypass-hook-trust");
    let terminal = Terminal::start(scene.path("tmux"), &session)?;
    terminal.until("Ask Codex", LIMIT)?;
    let before = scene.heard().lines().count();
    terminal.type_line("hello")?;
    eventually("its first turn", LIMIT, || Ok(scene.heard().lines().count() > before))
        .with_context(|| terminal.screen().unwrap_or_default())?;
    let thread = thread(scene)?;
    scene.rules(&[(&format!("nexus: 1 message from bob waits in session {short}"), steps)])?;
    let mut watch = codex(scene);
    let script = format!(
        "nexus listen --short {short} | while read -r line; do codex queue --thread {thread} --message \"$line\"; done"
    );
    let mut shell = Command::new("sh");
    shell.env_clear().envs(watch.get_envs().filter_map(|(name, value)| Some((name, value?))));
    shell.current_dir(scene.path("work")).args(["-c", &script]);
    watch = shell;
    let _watch = Server::with(&watch, Stdio::null(), Stdio::null())?;
    scene.say("Which day suits you?")?;
    let taken =
        scene.hears("Tuesday, by the queue.", Duration::from_secs(40)).with_context(|| {
            format!("{}\n{}", tail(&scene.heard()), terminal.screen().unwrap_or_default())
        })?;
    Ok(format!("answered {:.1} s after the message, without its daemon", taken.as_secs_f32()))
}

/// The id of the newest thread: the end of the name of its file.
fn thread(scene: &Scene<'_>) -> Result<String> {
    let mut folder = scene.path("home/.codex/sessions");
    // By year, month and day.
    for _ in 0..3 {
        folder = newest(&folder)?;
    }
    let file = newest(&folder)?;
    let name = file.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
    let skipped = name.len().saturating_sub(36);
    name.get(skipped..).map(str::to_owned).context("a file without an id")
}

fn newest(folder: &std::path::Path) -> Result<std::path::PathBuf> {
    let entries = fs::read_dir(folder).with_context(|| format!("no {}", folder.display()))?;
    entries.flatten().map(|entry| entry.path()).max().context("an empty folder")
}
