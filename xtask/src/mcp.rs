//! `cargo xtask mcp`: whether `POST /mcp` conforms to the Model Context Protocol, by its own conformance tool, and
//! whether its official clients can converse there. They come from npm, in the versions below, into `target/mcp`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use clap::Parser;

use crate::process;
use crate::project::{self, Project};
use crate::relay::Relay;
use crate::setup::{self, Tools};
use crate::worker;

/// Checks the relay's MCP endpoint with the protocol's conformance tool and its official clients.
#[derive(Clone, Debug, Parser)]
pub struct Options {}

const PACKAGES: [&str; 4] = [
    "@modelcontextprotocol/client@2.4.0",
    "@modelcontextprotocol/conformance@0.2.0-alpha.12",
    "@modelcontextprotocol/inspector@2.12.0",
    "@modelcontextprotocol/sdk@1.32.2",
];

/// The scenarios of the conformance tool, and for which revisions. Others need the tools of its own example server, or
/// concern what the relay does not have: prompts, resources, sampling, tasks of the protocol, log-in.
const SCENARIOS: [(&str, &[&str]); 8] = [
    ("server-initialize", &["2025-11-25"]),
    ("ping", &["2025-11-25"]),
    ("tools-list", &["2026-07-28", "2025-11-25"]),
    ("dns-rebinding-protection", &["2026-07-28", "2025-11-25"]),
    ("http-header-validation", &["2026-07-28"]),
    ("server-stateless", &["2026-07-28"]),
    ("server-sse-multiple-streams", &["2026-07-28", "2025-11-25"]),
    ("caching", &["2026-07-28"]),
];

/// For each revision the checks that fail, with the reason. The conformance tool also fails if one of them passes.
const BASELINES: [(&str, &str); 2] = [
    (
        "2026-07-28",
        "\
server:
  # These four call tools of the tool's own example server.
  - server-stateless:sep-2575-server-rejects-undeclared-capability
  - server-stateless:sep-2575-missing-capability-http-400
  - server-stateless:sep-2575-http-server-no-independent-requests-on-stream
  - server-stateless:sep-2575-server-no-log-without-loglevel
  # The relay has tools only: no prompts, and no resources.
  - caching:sep-2549-prompts-list-caching-hints
  - caching:sep-2549-resources-list-caching-hints
  - caching:sep-2549-resources-templates-list-caching-hints
",
    ),
    (
        "2025-11-25",
        "\
server:
  # It only warns: the relay keeps no sessions, so it gives no session id.
  - server-sse-multiple-streams
",
    ),
];

/// Installs what is missing, and runs it all.
///
/// # Errors
/// Something could not be installed or started, or a check failed.
pub fn run(tools: &Tools, _: &Options) -> Result<()> {
    let project = tools.project();
    let folder = install(project)?;
    worker::build(tools)?;
    let relay = Relay::builder().rate_limits_never_reached().start()?;
    let url = format!("{}/mcp", relay.url());
    conformance(project, &folder, &url)?;
    inspector(project, &folder, &url)?;
    let bridge = folder.join("bridge.mjs");
    fs::copy(project.path("tests/hosts/bridge.mjs"), &bridge)
        .context("the bridge could not be copied")?;
    let mut converse = tools.program_of_tests("mcp");
    converse.arg(project.npm_bin("node")).arg(&bridge).arg(setup::libraries::MCP.python()?);
    process::run(&mut converse)
}

/// The folder with the packages.
fn install(project: &Project) -> Result<PathBuf> {
    let folder = project.path("target/mcp");
    let stamp = folder.join("complete");
    let wanted = PACKAGES.join("\n");
    if project::read(&stamp).is_ok_and(|found| found == wanted) {
        return Ok(folder);
    }
    println!("Installing the official clients of the protocol, once ...");
    fs::create_dir_all(&folder).context("target/mcp could not be made")?;
    project::write(&folder.join("package.json"), "{\"private\":true}\n")?;
    let mut npm = Command::new("npm");
    npm.args(["install", "--no-audit", "--no-fund", "--loglevel=error"]).args(PACKAGES);
    process::run(npm.current_dir(&folder)).context("the packages could not be installed")?;
    project::write(&stamp, &wanted)?;
    Ok(folder)
}

fn conformance(project: &Project, folder: &Path, url: &str) -> Result<()> {
    for (revision, baseline) in BASELINES {
        project::write(&folder.join(format!("{revision}.yml")), baseline)?;
    }
    let program = folder.join("node_modules/@modelcontextprotocol/conformance/dist/index.js");
    let mut failed = Vec::new();
    for (scenario, revisions) in SCENARIOS {
        for revision in revisions {
            let mut command = Command::new(project.npm_bin("node"));
            command.arg(&program).args(["server", "--url", url, "--scenario", scenario]);
            let baseline = folder.join(format!("{revision}.yml"));
            command.args(["--spec-version", revision, "--expected-failures"]).arg(&baseline);
            let output = command.output().context("the conformance tool could not be run")?;
            let said = String::from_utf8_lossy(&output.stdout).into_owned();
            let passed = said.lines().rev().find(|line| line.starts_with("Passed:"));
            println!("{revision} {scenario}: {}", passed.unwrap_or("no result"));
            if !output.status.success() || passed.is_none() {
                failed.push(format!("{revision} {scenario}\n{said}"));
            }
        }
    }
    ensure!(failed.is_empty(), "the conformance tool found faults:\n{}", failed.join("\n"));
    Ok(())
}

/// Calls tools with the command line of the official inspector, in each era.
fn inspector(project: &Project, folder: &Path, url: &str) -> Result<()> {
    let program = folder.join("node_modules/.bin/inspector");
    for era in ["legacy", "modern", "auto"] {
        let ask = |arguments: &[&str]| -> Result<String> {
            let mut command = Command::new(project.npm_bin("node"));
            command.arg(&program).args(["--cli", url, "--transport", "http"]);
            command.args(["--protocol-era", era, "--format", "json"]).args(arguments);
            let output = command.output().context("the inspector could not be run")?;
            ensure!(
                output.status.success(),
                "the inspector failed ({era}): {}",
                String::from_utf8_lossy(&output.stderr)
            );
            Ok(String::from_utf8_lossy(&output.stdout).into_owned())
        };
        ensure!(ask(&["--method", "tools/list"])?.contains("\"invite\""), "it lists no tools");
        let call = ["--method", "tools/call", "--tool-name", "invite", "--tool-arg"];
        let invited = ask(&[&call[..], &["name=alice"]].concat())?;
        ensure!(invited.contains("/p/"), "it got no link ({era})");
        println!("Inspector, {era}: lists the tools and invites");
    }
    Ok(())
}
