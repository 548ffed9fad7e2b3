//! What builds the image of `dist/container` and runs it without a daemon, and the proxy in front of it. Only
//! `cargo xtask dist --check` needs them.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::debian;
use crate::process;
use crate::project::Project;

/// Debian's packages, each with its program.
const PACKAGES: [(&str, &str); 7] = [
    ("buildah", "buildah"),
    ("crun", "crun"),
    ("curl", "curl"),
    ("debootstrap", "debootstrap"),
    ("docker-compose", "docker-compose"),
    ("openssl", "openssl"),
    ("systemd-container", "systemd-nspawn"),
];
/// What reads YAML.
const YAML: &str = "python3-yaml";
/// Where Debian's Caddy is put. It is not installed, because then it would also serve this machine.
const CADDY: &str = "target/caddy";

/// Debian's Python, which has its package of YAML.
pub(crate) const PYTHON: &str = "/usr/bin/python3";

/// Installs what is missing, and returns a Caddy that runs here.
///
/// # Errors
/// This is not root, or something could not be installed. The error says what to do.
pub(crate) fn ensure(project: &Project) -> Result<PathBuf> {
    ensure!(
        process::output(Command::new("id").arg("-u"))? == "0",
        "only root can build and run the container: run this command as root, or leave the relay out (`--only cli`)"
    );
    let is_missing = |program: &str| process::find(program).is_none();
    let missing = || PACKAGES.into_iter().filter(|(_, it)| is_missing(it)).map(|(name, _)| name);
    let reads_yaml = || process::succeeds(Command::new(PYTHON).args(["-c", "import yaml"]));
    if debian::is_possible() && (missing().next().is_some() || !reads_yaml()) {
        debian::install_only(&missing().chain([YAML]).collect::<Vec<_>>())?;
    }
    let mut left: Vec<&str> = missing().collect();
    if !reads_yaml() {
        left.push(YAML);
    }
    ensure!(
        left.is_empty(),
        "the container is checked with these packages of Debian, so run this command on Debian, or install them: {}",
        left.join(", ")
    );
    if caddy(project).is_none() && debian::is_possible() {
        debian::unpack("caddy", &project.path(CADDY))?;
    }
    caddy(project).context("Caddy is in front of the container, so install it")
}

fn caddy(project: &Project) -> Option<PathBuf> {
    let unpacked = project.path(CADDY).join("usr/bin/caddy");
    let mut known = [process::find("caddy"), Some(unpacked)].into_iter().flatten();
    known.find(|program| process::succeeds(Command::new(program).arg("version")))
}
