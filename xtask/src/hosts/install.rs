//! The hosts in their pinned versions. Each has a folder of its own, because their packages contradict each other.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result};
use clap::ValueEnum;

use crate::process;
use crate::project::{self, Project};

/// A host of agents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Host {
    ClaudeCode,
    Codex,
    Openclaw,
    Opencode,
    Gemini,
}

impl Host {
    /// Its name in folders and reports.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::ClaudeCode => "claude-code",
            Self::Codex => "codex",
            Self::Openclaw => "openclaw",
            Self::Opencode => "opencode",
            Self::Gemini => "gemini",
        }
    }

    /// The npm packages, each in its version, in the order in which they are installed. The scripts of the
    /// last may want a newer Node than this machine has.
    fn packages(self) -> &'static [&'static str] {
        match self {
            Self::ClaudeCode => &["@anthropic-ai/claude-code@2.1.332"],
            Self::Codex => &["@openai/codex@0.171.0"],
            Self::Openclaw => &["node@24.21.0", "openclaw@2026.9.6"],
            Self::Opencode => &["opencode-ai@1.18.33"],
            Self::Gemini => &["@google/gemini-cli@0.61.0"],
        }
    }

    /// The version of the host itself.
    pub(super) fn version(self) -> &'static str {
        let package = self.packages().last().and_then(|package| package.rsplit_once('@'));
        package.map_or("", |(_, version)| version)
    }

    fn folder(self, project: &Project) -> PathBuf {
        project.path("target/hosts").join(self.name())
    }

    /// The folder of its programs.
    pub(super) fn programs(self, project: &Project) -> PathBuf {
        self.folder(project).join("node_modules/.bin")
    }
}

/// Installs a host, unless it is there in this version.
pub(super) fn ensure(project: &Project, host: Host) -> Result<()> {
    let folder = host.folder(project);
    let stamp = folder.join("installed");
    let wanted = host.packages().join("\n");
    if project::read(&stamp).is_ok_and(|found| found == wanted) {
        return Ok(());
    }
    if folder.exists() {
        fs::remove_dir_all(&folder).context("an older installation is in the way")?;
    }
    // Without this file, npm would take the checkout for the place of its packages.
    project::write(&folder.join("package.json"), "{ \"private\": true }\n")?;
    let begun = Instant::now();
    println!("Installing {} ...", host.packages().join(", "));
    for package in host.packages() {
        process::run(
            Command::new("npm")
                .args(["install", "--no-audit", "--no-fund", "--loglevel=error", package])
                .current_dir(&folder),
        )
        .with_context(|| format!("npm could not install {package}: check the network"))?;
    }
    println!("Installed in {:.0} s", begun.elapsed().as_secs_f32());
    // Written last, so that an interrupted installation is repeated.
    project::write(&stamp, &wanted)
}
