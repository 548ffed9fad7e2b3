//! No path of the machine that built a program gets into it: panics and assertions name their sources, and so the bytes
//! would depend on where the checkout and cargo's home are.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};

use crate::project::Project;

/// The variable for [`flags`].
pub(crate) const VARIABLE: &str = "CARGO_ENCODED_RUSTFLAGS";

/// The flags with which the compiler names the checkout `/nexus` and cargo's home `/cargo`.
/// `.github/workflows/release.yml` has the same.
pub(crate) fn flags(project: &Project) -> Result<OsString> {
    let cargo = cargo_home()?;
    let mut flags = OsString::new();
    for (path, name) in [(project.root(), "nexus"), (&cargo, "cargo")] {
        if !flags.is_empty() {
            flags.push("\u{1f}");
        }
        flags.push("--remap-path-prefix=");
        flags.push(path);
        flags.push(format!("=/{name}"));
    }
    Ok(flags)
}

/// Where cargo keeps the sources of other packages.
pub(crate) fn cargo_home() -> Result<PathBuf> {
    let own = || Some(PathBuf::from(env::var_os("HOME")?).join(".cargo"));
    let cargo = env::var_os("CARGO_HOME").map(PathBuf::from).or_else(own);
    cargo.context("set HOME or CARGO_HOME: cargo keeps the sources there")
}

/// Fails if a program contains a path of this machine.
pub(crate) fn check(project: &Project, program: &[u8]) -> Result<()> {
    let homes = ["HOME", "CARGO_HOME", "RUSTUP_HOME"].into_iter().filter_map(env::var_os);
    let folders = homes.map(PathBuf::from).chain([project.root().to_owned()]);
    // A container may have / as its home.
    let folders = folders.filter(|folder| folder.file_name().is_some());
    for folder in folders.map(|folder| format!("{}/", folder.display())) {
        let is_found = program.windows(folder.len()).any(|bytes| bytes == folder.as_bytes());
        ensure!(!is_found, "the program contains the path {folder}");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_of_this_machine_is_found_anywhere() {
        let project = Project::here().unwrap();
        let path = format!("panicked at {}/src/lib.rs", project.root().display());
        let error = check(&project, path.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(&project.root().display().to_string()), "{error}");
        check(&project, b"panicked at /nexus/src/lib.rs").unwrap();
    }
}
