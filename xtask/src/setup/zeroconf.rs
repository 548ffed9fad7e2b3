//! A library that announces and finds services in a local network. Only the tests use it, to see whether others find
//! a relay, and whether the client finds theirs.

use std::path::PathBuf;

use anyhow::Result;

use super::python;

const VERSION: &str = "0.154.0";

/// Returns the path of a Python that has the library `zeroconf`. Installs it if it is missing.
///
/// # Errors
/// There is no Python, or it could not be installed.
pub fn ensure() -> Result<PathBuf> {
    Ok(python::ensure("zeroconf", VERSION)?.join("python"))
}
