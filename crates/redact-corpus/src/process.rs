//! Starts the programs that fetch packages and scan files, and finds this project's folders.

use anyhow::{Context, Result, bail};
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

/// A folder below `target/redaction/`, which is made if it is missing.
///
/// # Errors
/// It cannot be made.
pub fn folder(name: &str) -> Result<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/redaction").join(name);
    fs::create_dir_all(&path).with_context(|| format!("{} cannot be made", path.display()))?;
    path.canonicalize().with_context(|| format!("{} is missing", path.display()))
}

/// Runs a program that must succeed.
///
/// # Errors
/// It cannot be started, or it failed. The error holds the end of what it printed.
pub fn run(command: &mut Command) -> Result<()> {
    let output = output(command)?;
    if output.status.success() {
        return Ok(());
    }
    let errors = String::from_utf8_lossy(&output.stderr);
    let last: Vec<&str> = errors.lines().rev().take(5).collect();
    let last: Vec<&str> = last.into_iter().rev().collect();
    bail!("{command:?} failed:\n{}", last.join("\n"))
}

/// What a program prints, however it ends: scanners fail when they find something.
///
/// # Errors
/// It cannot be started.
pub fn output(command: &mut Command) -> Result<Output> {
    let name = command.get_program().to_string_lossy().into_owned();
    command.output().with_context(|| format!("`{name}` cannot be started: is it installed?"))
}

/// Makes a folder's content once. A stamp, written last, says that it is complete.
///
/// # Errors
/// The content cannot be made.
pub fn once(folder: &Path, make: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let stamp = folder.join("complete");
    if stamp.exists() {
        return Ok(());
    }
    if folder.exists() {
        fs::remove_dir_all(folder).context("an interrupted try is in the way")?;
    }
    fs::create_dir_all(folder).with_context(|| format!("no folder {}", folder.display()))?;
    make(folder)?;
    fs::write(&stamp, "").with_context(|| format!("{} cannot be written", stamp.display()))
}
