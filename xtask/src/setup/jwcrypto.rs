//! A library that reads and writes JWE and JWS. Only the tests use it, to see whether others open what is sealed
//! here.

use std::path::PathBuf;

use anyhow::Result;

use super::python;

const VERSION: &str = "1.6.1";

/// Returns the path of a Python that has the library `jwcrypto`. Installs it if it is missing.
///
/// # Errors
/// There is no Python, or it could not be installed.
pub fn ensure() -> Result<PathBuf> {
    Ok(python::ensure("jwcrypto", VERSION)?.join("python"))
}
