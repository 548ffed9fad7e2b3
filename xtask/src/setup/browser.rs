//! A Chromium and its `chromedriver`, for testing the pages. Only the tests need them.

use std::path::PathBuf;

use anyhow::{Context, Result};

use super::debian;
use crate::process;

const PACKAGES: [&str; 2] = ["chromium", "chromium-driver"];

/// A browser of this machine.
#[derive(Clone, Debug)]
pub struct Browser {
    /// The program `chromium`, or Chrome.
    pub chromium: PathBuf,
    /// The program `chromedriver`.
    pub driver: PathBuf,
}

/// The browser on `PATH`.
#[must_use]
pub fn find() -> Option<Browser> {
    let names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
    let chromium = names.into_iter().find_map(process::find)?;
    Some(Browser { chromium, driver: process::find("chromedriver")? })
}

/// Installs a browser if there is none and this machine allows it.
///
/// # Errors
/// It could not be installed. The error says what to do.
pub fn ensure() -> Result<()> {
    const MISSING: &str = "the pages are tested in Chromium: install it with its chromedriver \
         (Debian: `apt install chromium chromium-driver`)";
    if find().is_some() {
        return Ok(());
    }
    if debian::is_possible() {
        debian::install(&PACKAGES).context(MISSING)?;
    }
    find().map(drop).context(MISSING)
}
