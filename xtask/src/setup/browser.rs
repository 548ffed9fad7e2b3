//! The browsers in which the pages are tested, from Debian's packages. Only the tests need them.
//!
//! Each has a driver beside it, except Firefox, which listens to commands itself.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::ValueEnum;

use super::debian;
use crate::process;

/// The variable that says in which engine the tests run. Without it, they run in Chromium.
pub const VARIABLE: &str = "NEXUS_BROWSER";

/// The variable that names a folder to which tests report the version, and what they leave out.
pub const REPORT: &str = "NEXUS_BROWSER_REPORT";

/// A browser engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Engine {
    /// Chromium, or Chrome.
    Chromium,
    /// Firefox.
    Firefox,
    /// WebKit of GTK, which is as recent as Safari.
    Webkit,
    /// WPE 2.38, which has the WebKit of Safari 16.0. For what the base line promises.
    Wpe,
}

/// The programs of an engine on this machine.
#[derive(Clone, Debug)]
pub struct Programs {
    /// The browser.
    pub browser: PathBuf,
    /// What drives it. For Firefox, the browser itself.
    pub driver: PathBuf,
}

impl Engine {
    /// All of them, in the order in which they are tested.
    pub const ALL: [Self; 4] = [Self::Chromium, Self::Firefox, Self::Webkit, Self::Wpe];

    /// The engine that the environment asks for.
    ///
    /// # Errors
    /// The variable names no engine.
    pub fn chosen() -> Result<Self> {
        let name = std::env::var(VARIABLE).unwrap_or_else(|_| Self::Chromium.name().to_owned());
        let known = Self::ALL.into_iter().find(|engine| engine.name() == name);
        known.with_context(|| format!("{VARIABLE} is {name:?}, which names no engine"))
    }

    /// Its name in options, in [`VARIABLE`] and in the names of folders.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Chromium => "chromium",
            Self::Firefox => "firefox",
            Self::Webkit => "webkit",
            Self::Wpe => "wpe",
        }
    }

    /// Which tests run in it: those whose names contain one of these, or all.
    #[must_use]
    pub fn tests(self) -> &'static [&'static str] {
        match self {
            Self::Chromium | Self::Firefox | Self::Webkit => &[],
            Self::Wpe => &["base_line::"],
        }
    }

    /// Debian's packages.
    fn packages(self) -> &'static [&'static str] {
        match self {
            Self::Chromium => &["chromium", "chromium-driver"],
            Self::Firefox => &["firefox-esr"],
            Self::Webkit => &["webkit2gtk-driver", "xvfb", "xsettingsd", "xdotool"],
            Self::Wpe => &["wpewebkit-driver", "cog"],
        }
    }

    /// Its programs, if they are all there.
    #[must_use]
    pub fn find(self) -> Option<Programs> {
        match self {
            Self::Chromium => {
                let names =
                    ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
                let browser = names.into_iter().find_map(process::find)?;
                Some(Programs { browser, driver: process::find("chromedriver")? })
            }
            Self::Firefox => {
                let browser = ["firefox-esr", "firefox"].into_iter().find_map(process::find)?;
                Some(Programs { driver: browser.clone(), browser })
            }
            Self::Webkit => {
                process::find("Xvfb")?;
                process::find("xsettingsd")?;
                process::find("xdotool")?;
                let browser = library("webkit2gtk-4.1/MiniBrowser")?;
                Some(Programs { browser, driver: process::find("WebKitWebDriver")? })
            }
            Self::Wpe => {
                library(COG_MODULES)?;
                let browser = process::find("cog")?;
                Some(Programs { browser, driver: process::find("WPEWebDriver")? })
            }
        }
    }
}

/// Where `cog` has its ways to show a page, one of which is to show it nowhere.
pub const COG_MODULES: &str = "cog/modules";

/// A file among the libraries of this machine, whatever its architecture is.
#[must_use]
pub fn library(name: &str) -> Option<PathBuf> {
    let folders = fs::read_dir("/usr/lib").ok()?.flatten().map(|entry| entry.path());
    let plain = ["/usr/lib", "/usr/libexec"].map(|folder| Path::new(folder).to_owned());
    folders.chain(plain).map(|folder| folder.join(name)).find(|path| path.exists())
}

/// Installs an engine if it is missing and this machine allows it.
///
/// # Errors
/// It could not be installed. The error says what to do.
pub fn ensure(engine: Engine) -> Result<()> {
    let packages = engine.packages();
    let missing = || {
        format!(
            "the pages are tested in {}: install it (Debian: `apt install {}`)",
            engine.name(),
            packages.join(" ")
        )
    };
    if engine.find().is_some() {
        return Ok(());
    }
    if debian::is_possible() {
        // What Chromium only recommends are fonts, which all of them need.
        let install = match engine {
            Engine::Chromium => debian::install,
            Engine::Firefox | Engine::Webkit | Engine::Wpe => debian::install_only,
        };
        install(packages).with_context(missing)?;
    }
    engine.find().map(drop).with_context(missing)
}
