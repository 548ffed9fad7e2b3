//! The configuration files of other programs. They are replaced as a whole or not at all, as our own are, and keep
//! their permissions.

use super::file::{self, Prepared, unavailable};
use crate::error::Result;
use std::{fs, path::Path};

/// The text of a file. `None` if it does not exist.
pub(crate) fn read_foreign(path: &Path) -> Result<Option<String>> {
    file::read(path)
}

/// Replaces a file, or makes it, with its folder.
pub(crate) fn replace_foreign(path: &Path, text: &str) -> Result<()> {
    let folder = path.parent().unwrap_or(path);
    fs::create_dir_all(folder).map_err(|error| unavailable("make", folder, &error))?;
    let permissions = fs::metadata(path).ok().map(|metadata| metadata.permissions());
    Prepared::new(path, text.as_bytes())?.commit()?;
    match permissions {
        Some(permissions) => fs::set_permissions(path, permissions)
            .map_err(|error| unavailable("write", path, &error)),
        None => Ok(()),
    }
}
