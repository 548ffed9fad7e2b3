//! The official Python client of the Model Context Protocol, which speaks both of its eras. Only the tests use it.

use std::path::PathBuf;

use anyhow::Result;

use super::python;

const VERSION: &str = "2.3.0";

/// Returns the path of a Python that has the library `mcp`. Installs it if it is missing.
///
/// # Errors
/// There is no Python, or it could not be installed.
pub fn ensure() -> Result<PathBuf> {
    Ok(python::ensure("mcp", VERSION)?.join("python"))
}
