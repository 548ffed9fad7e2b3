//! The tools that `package.json` pins, in `node_modules/`.

use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::process;
use crate::project::{self, Project};

/// A file in `node_modules/` with the lock file that the folder was made from.
const STAMP: &str = "node_modules/.nexus-relay-lock";
const LOCK: &str = "package-lock.json";

pub(super) fn is_done(project: &Project) -> bool {
    let stamp = project::read(&project.path(STAMP)).ok();
    stamp.is_some() && stamp == project::read(&project.path(LOCK)).ok()
}

pub(super) fn ensure(project: &Project) -> Result<()> {
    if is_done(project) {
        return Ok(());
    }
    for program in ["node", "npm"] {
        ensure!(
            process::find(program).is_some(),
            "`{program}` is missing: install Node.js with npm, in any recent version \
             (Debian: `apt install nodejs npm`; macOS: `brew install node`)"
        );
    }
    println!("Installing the npm tools into node_modules/ ...");
    // Warnings about `engines` concern the machine's Node, which only runs npm itself.
    process::run(
        Command::new("npm")
            .args(["ci", "--no-audit", "--no-fund", "--loglevel=error"])
            .current_dir(project.root()),
    )
    .context("npm could not install the tools: check its messages above and the network")?;
    // Written last, so that an interrupted install is repeated.
    project::write(&project.path(STAMP), &project::read(&project.path(LOCK))?)
}
