//! Schemathesis, which makes up requests from an OpenAPI document. Only `cargo xtask fuzz` and the
//! tests use it.

use std::path::PathBuf;

use anyhow::Result;

use super::python;

const VERSION: &str = "4.32.5";

/// Returns the path of the program. Installs it if it is missing.
///
/// # Errors
/// There is no Python, or it could not be installed.
pub fn ensure() -> Result<PathBuf> {
    Ok(python::ensure("schemathesis", VERSION)?.join("schemathesis"))
}
