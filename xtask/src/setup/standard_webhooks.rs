//! A library that verifies what webhooks receive, as many receivers use one. Only the tests use it.

use std::path::PathBuf;

use anyhow::Result;

use super::python;

const VERSION: &str = "1.1.0";

/// Returns the path of a Python that has the library `standardwebhooks`. Installs it if it is
/// missing.
///
/// # Errors
/// There is no Python, or it could not be installed.
pub fn ensure() -> Result<PathBuf> {
    Ok(python::ensure("standardwebhooks", VERSION)?.join("python"))
}
