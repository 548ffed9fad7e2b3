//! pipx and twine, with which people install and publish packages of `PyPI`. Only `cargo xtask dist --check` needs
//! them.

use std::path::PathBuf;

use anyhow::Result;

use super::python;

const PIPX: &str = "1.18.4";
const TWINE: &str = "7.0.0";

/// Returns the paths of both. Installs what is missing.
///
/// # Errors
/// There is no Python, or one could not be installed.
pub(crate) fn ensure() -> Result<Programs> {
    Ok(Programs {
        pipx: python::ensure("pipx", PIPX)?.join("pipx"),
        twine: python::ensure("twine", TWINE)?.join("twine"),
    })
}

/// The programs.
#[derive(Clone, Debug)]
pub(crate) struct Programs {
    /// Runs and installs a package.
    pub(crate) pipx: PathBuf,
    /// Checks a package.
    pub(crate) twine: PathBuf,
}
