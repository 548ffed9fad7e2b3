//! `nexus man`

use crate::{
    error::{Failure, Kind, Result},
    json::Json,
    output::Done,
};
use clap::Args;
use serde_json::json;
use std::{fs, path::PathBuf};

#[derive(Args)]
#[command(after_help = "Examples:
  nexus man ~/.local/share/man/man1    # then: man nexus, man nexus-send

Packages of npm and Homebrew bring the manual. This writes it for a nexus that cargo or pip has installed.")]
pub(crate) struct Man {
    /// The folder for the pages; it is made if it is missing
    folder: PathBuf,
}

impl Man {
    /// Writes a page for `nexus`, and one for each of its commands.
    pub(crate) fn run(&self, root: clap::Command) -> Result<Done> {
        let folder = &self.folder;
        let failed = |error: std::io::Error| {
            let message = format!("The manual cannot be written to {}: {error}.", folder.display());
            Failure::own(Kind::FileUnavailable, message)
        };
        fs::create_dir_all(folder).map_err(failed)?;
        clap_mangen::generate_to(root, folder).map_err(failed)?;
        Ok(Json::of(&json!({ "manual": folder, "page": folder.join("nexus.1") })).into())
    }
}
