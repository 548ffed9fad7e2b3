//! The client, as a whole process.

use crate::{
    Effort,
    report::{Line, median},
    server::{Server, Side},
};
use anyhow::{Context, Result, ensure};
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Instant,
};

/// `nexus send`, from the start of the process to its end.
pub fn run(effort: &Effort) -> Result<Vec<Line>> {
    let client = xtask::project::Project::here()?.path(effort.client);
    let server = Server::start(Side::Ours)?;
    let home = Home::new()?;
    let nexus = |arguments: &[&str]| {
        let mut command = Command::new(&client);
        command
            .args(arguments)
            .env("XDG_CONFIG_HOME", &home.0)
            .env("NEXUS_URL", server.relay.url());
        command.stdin(Stdio::null());
        command.output().context("the client is missing: run `cargo xtask bench`")
    };
    let created = nexus(&["create", "--creator-agent-id", "bench"])?;
    let created: serde_json::Value = serde_json::from_slice(&created.stdout)?;
    let session = created["sessionId"].as_str().context("no session was created")?.to_owned();
    let mut times = Vec::new();
    for _ in 0..effort.starts * 8 {
        let started = Instant::now();
        let sent = nexus(&["send", &session, "hello"])?;
        times.push(started.elapsed().as_secs_f64() * 1000.0);
        ensure!(sent.status.success(), "a message was not sent");
    }
    Ok(vec![
        Line::shown("`nexus send`, a whole process", "ms", median(times)),
        Line::shown("`nexus`, its size", "KiB", kib(&client)?),
    ])
}

fn kib(path: &Path) -> Result<f64> {
    Ok(f64::from(u32::try_from(fs::metadata(path)?.len())?) / 1024.0)
}

/// The folder in which the client keeps its state during the measurement.
struct Home(PathBuf);

impl Home {
    fn new() -> Result<Self> {
        let folder = std::env::temp_dir().join(format!("nexus-bench-{}", std::process::id()));
        fs::create_dir_all(&folder)?;
        Ok(Self(folder))
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
