//! Programs of this machine that tests run: the shells into which agents paste commands, and a
//! reverse proxy. Only the tests need them.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::debian;
use crate::process;
use crate::project::Project;

const SHELLS: [&str; 4] = ["bash", "dash", "zsh", "busybox"];

/// Where Debian's nginx is put. It is not installed, because then it would also serve this machine.
const NGINX: &str = "target/nginx";

/// Makes the programs available, if this machine allows it.
///
/// # Errors
/// One is missing. The error says what to do.
pub fn ensure(project: &Project) -> Result<()> {
    let missing = || SHELLS.into_iter().filter(|shell| process::find(shell).is_none());
    if missing().next().is_some() && debian::is_possible() {
        debian::install(&missing().collect::<Vec<_>>())?;
    }
    let left: Vec<&str> = missing().collect();
    ensure!(left.is_empty(), "tests run these shells, so install them: {}", left.join(", "));
    if nginx(project).is_none() && debian::is_possible() {
        debian::unpack("nginx", &project.path(NGINX))?;
    }
    nginx(project).map(drop).context("a test runs nginx, so install it")
}

/// An nginx that runs here.
#[must_use]
pub fn nginx(project: &Project) -> Option<PathBuf> {
    let unpacked = project.path(NGINX).join("usr/sbin/nginx");
    let known = [process::find("nginx"), Some(unpacked), Some("/usr/sbin/nginx".into())];
    known.into_iter().flatten().find(|program| process::succeeds(Command::new(program).arg("-v")))
}
