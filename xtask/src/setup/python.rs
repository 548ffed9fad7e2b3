//! Packages of `PyPI`, each in an environment of its own, in a cache folder that all checkouts
//! share.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::process;
use crate::project;

/// Returns the folder with the programs of a package's environment. Installs what is missing.
///
/// # Errors
/// There is no Python, or the package could not be installed.
pub(super) fn ensure(package: &str, version: &str) -> Result<PathBuf> {
    let cache = project::user_cache()?;
    let root = cache.join(format!("{package}-{version}"));
    let (programs, stamp) = (root.join("bin"), root.join("complete"));
    let _lock = project::lock(&cache.join("install.lock"))?;
    if stamp.exists() {
        return Ok(programs);
    }
    ensure!(
        process::find("python3").is_some(),
        "`python3` is missing: install Python 3.10 or newer (Debian: `apt install python3 python3-venv`)"
    );
    println!("Installing {package} {version}, once ...");
    process::run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&root))
        .context("no environment could be made (Debian: `apt install python3-venv`)")?;
    let mut pip = Command::new(programs.join("pip"));
    pip.args(["install", "--quiet", "--disable-pip-version-check"]);
    process::run(pip.arg(format!("{package}=={version}"))).with_context(|| {
        format!("{package} could not be installed: check the messages above and the network")
    })?;
    // Written last, so that an interrupted install is repeated.
    project::write(&stamp, "")?;
    Ok(programs)
}
