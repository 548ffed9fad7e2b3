//! Schemathesis, which makes up requests from an OpenAPI document. It comes from `PyPI`, into its
//! own environment in a cache folder that all checkouts share. Only `cargo xtask fuzz` and the
//! tests use it.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::process;
use crate::project;

const VERSION: &str = "4.32.5";

/// Returns the path of the program. Installs it if it is missing.
///
/// # Errors
/// There is no Python, or it could not be installed.
pub fn ensure() -> Result<PathBuf> {
    let cache = project::user_cache()?;
    let root = cache.join(format!("schemathesis-{VERSION}"));
    let (program, stamp) = (root.join("bin/schemathesis"), root.join("complete"));
    let _lock = project::lock(&cache.join("install.lock"))?;
    if stamp.exists() {
        return Ok(program);
    }
    ensure!(
        process::find("python3").is_some(),
        "`python3` is missing: install Python 3.10 or newer (Debian: `apt install python3 python3-venv`)"
    );
    println!("Installing schemathesis {VERSION}, once ...");
    process::run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&root))
        .context("no environment could be made (Debian: `apt install python3-venv`)")?;
    let mut pip = Command::new(root.join("bin/pip"));
    pip.args(["install", "--quiet", "--disable-pip-version-check"]);
    process::run(pip.arg(format!("schemathesis=={VERSION}")))
        .context("schemathesis could not be installed: check the messages above and the network")?;
    // Written last, so that an interrupted install is repeated.
    project::write(&stamp, "")?;
    Ok(program)
}
