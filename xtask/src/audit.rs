//! `cargo xtask audit`: checks the dependencies against `deny.toml`.

use std::env;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};
use clap::Parser;

use crate::process;
use crate::project::{self, Project};

const CARGO_DENY: &str = "0.20.2";

/// Checks the licences and sources of all crates against `deny.toml`. Needs no network once the
/// crates are downloaded.
#[derive(Clone, Debug, Parser)]
pub struct Options {
    /// Also check for known vulnerabilities of crates and npm packages, which needs the network.
    #[arg(long)]
    pub advisories: bool,
}

/// Runs the checks.
///
/// # Errors
/// A check fails, or cargo-deny cannot be installed.
pub fn run(project: &Project, options: &Options) -> Result<()> {
    let program = cargo_deny()?;
    let mut deny = Command::new(program);
    deny.current_dir(project.root()).args(["--workspace"]);
    if !options.advisories {
        deny.args(["--offline", "check", "bans", "licenses", "sources"]);
        return process::run(&mut deny);
    }
    process::run(deny.arg("check"))?;
    let mut npm = Command::new("npm");
    process::run(npm.current_dir(project.root()).args(["audit", "--audit-level=high"]))
}

/// The path of cargo-deny. Installs it if it is missing.
fn cargo_deny() -> Result<PathBuf> {
    let cache = project::user_cache()?;
    let root = cache.join(format!("cargo-deny-{CARGO_DENY}"));
    let program = root.join("bin/cargo-deny");
    let _lock = project::lock(&cache.join("install.lock"))?;
    if !program.exists() {
        println!("Building cargo-deny {CARGO_DENY}, once: 1 to 4 minutes ...");
        let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = Command::new(cargo);
        command.args(["install", "--quiet", "--locked", "--root"]).arg(&root);
        command.arg(format!("cargo-deny@{CARGO_DENY}")).current_dir(&cache);
        process::run(&mut command).context("cargo-deny could not be built")?;
    }
    Ok(program)
}
