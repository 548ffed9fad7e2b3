//! `cargo xtask bench`: figures, not checks. What they depend on besides the code, the machine and what
//! else it does, is for the reader to know.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

use crate::process;
use crate::relay::Relay;
use crate::setup::Tools;
use crate::worker;

/// How often a thing is measured.
const ROUNDS: usize = 50;

/// Measures everything there is to measure.
///
/// # Errors
/// Something does not build, start or work.
pub fn run(tools: &Tools) -> Result<()> {
    worker::build(tools)?;
    process::run(tools.cargo().args(["build", "--profile", "dist", "--package", "nexus-cli"]))?;
    let client = tools.project().path("target/dist/nexus");
    let relay = Relay::builder().start()?;
    sending(&client, &relay)?;
    drop(relay);
    // From socket to socket; it starts a relay of its own.
    process::run(tools.cargo().args([
        "run",
        "--release",
        "--package",
        "nexus-tests",
        "--bin",
        "live_latency",
    ]))
}

/// `nexus send` as a whole process, against a relay on this machine.
fn sending(client: &Path, relay: &Relay) -> Result<()> {
    let size = fs::metadata(client).context("the client was not built")?.len();
    let home = TempDir::with_prefix("nexus-bench-")?;
    let nexus = || {
        let mut command = Command::new(client);
        command.env("XDG_CONFIG_HOME", home.path()).env("NEXUS_URL", relay.url());
        command.stdin(Stdio::null()).stderr(Stdio::null());
        command
    };
    let created = process::output(nexus().args(["create", "--creator-agent-id", "bench"]))?;
    let created: serde_json::Value = serde_json::from_str(&created)?;
    let session = created.get("sessionId").and_then(serde_json::Value::as_str);
    let session = session.context("no session was created")?;
    let mut times = Vec::with_capacity(ROUNDS);
    for _ in 0..ROUNDS {
        let started = Instant::now();
        let status = nexus().args(["send", session, "hello"]).stdout(Stdio::null()).status()?;
        times.push(started.elapsed());
        ensure!(status.success(), "a message was not sent");
    }
    times.sort();
    println!(
        "nexus send, a whole process, {ROUNDS} times: median {:.1} ms, p95 {:.1} ms; nexus: {} KiB",
        millis(&times, 50),
        millis(&times, 95),
        size.div_ceil(1024)
    );
    Ok(())
}

/// The time within which so many percent were done; `times` are in order.
fn millis(times: &[Duration], percent: usize) -> f64 {
    let at = times.len().saturating_mul(percent).div_ceil(100).saturating_sub(1);
    times.get(at).map_or(0.0, |time| time.as_secs_f64() * 1000.0)
}
