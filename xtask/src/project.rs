//! The folders of the checkout, of its build output, and of the user's cache of tools.

use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

/// The target of the Worker.
pub(crate) const WASM_TARGET: &str = "wasm32-unknown-unknown";

/// One checkout of this repository.
#[derive(Clone, Debug)]
pub struct Project {
    root: PathBuf,
}

impl Project {
    /// The checkout in which this program was compiled.
    ///
    /// # Errors
    /// The checkout was moved since.
    pub fn here() -> Result<Self> {
        let crate_dir = Path::new(env!("CARGO_MANIFEST_DIR"));
        let root = crate_dir.parent().unwrap_or(crate_dir).to_owned();
        ensure!(
            root.join("wrangler.toml").exists(),
            "{} holds no wrangler.toml: if the checkout was moved, run `cargo clean --package xtask`",
            root.display()
        );
        Ok(Self { root })
    }

    /// The folder that holds `wrangler.toml`.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// A path inside the checkout.
    #[must_use]
    pub fn path(&self, relative: impl AsRef<Path>) -> PathBuf {
        self.root.join(relative)
    }

    /// The folder for cargo's output for WASM. It is separate from `target/`, because another
    /// compiler may write it.
    #[must_use]
    pub fn wasm_target_dir(&self) -> PathBuf {
        self.path("target/wasm")
    }

    /// The path of an executable of the pinned npm packages.
    #[must_use]
    pub fn npm_bin(&self, name: &str) -> PathBuf {
        self.path("node_modules/.bin").join(name)
    }

    /// Makes other runs of this program wait until the returned file is dropped.
    ///
    /// # Errors
    /// The lock file cannot be created.
    pub fn lock(&self) -> Result<File> {
        lock(&self.path("target/xtask.lock"))
    }

    /// The version of a package in `Cargo.lock`.
    ///
    /// # Errors
    /// The file is unreadable or does not list the package.
    pub fn locked_version(&self, package: &str) -> Result<String> {
        let text = read(&self.path("Cargo.lock"))?;
        let lock: toml::Table = text.parse().context("Cargo.lock is not valid TOML")?;
        lock.get("package")
            .and_then(toml::Value::as_array)
            .into_iter()
            .flatten()
            .find(|entry| entry.get("name").and_then(toml::Value::as_str) == Some(package))
            .and_then(|entry| entry.get("version")?.as_str().map(str::to_owned))
            .with_context(|| format!("Cargo.lock lists no package `{package}`"))
    }
}

/// The folder for tools that all checkouts of this user share.
///
/// # Errors
/// Neither `XDG_CACHE_HOME` nor `HOME` is set.
pub fn user_cache() -> Result<PathBuf> {
    let set = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let base = set("XDG_CACHE_HOME")
        .filter(|path| path.is_absolute())
        .or_else(|| set("HOME").map(|home| home.join(".cache")))
        .context("set HOME or XDG_CACHE_HOME: the tools are kept in a cache folder there")?;
    Ok(base.join("nexus-relay"))
}

/// Waits until no other process has locked `path`, and locks it until the returned file is dropped.
pub(crate) fn lock(path: &Path) -> Result<File> {
    if let Some(folder) = path.parent() {
        create_folder(folder)?;
    }
    let file =
        File::create(path).with_context(|| format!("could not create {}", path.display()))?;
    if file.try_lock().is_err() {
        println!("Waiting for another `cargo xtask` ...");
        file.lock().with_context(|| format!("could not lock {}", path.display()))?;
    }
    Ok(file)
}

pub(crate) fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("could not read {}", path.display()))
}

pub(crate) fn write(path: &Path, text: &str) -> Result<()> {
    if let Some(folder) = path.parent() {
        create_folder(folder)?;
    }
    fs::write(path, text).with_context(|| format!("could not write {}", path.display()))
}

pub(crate) fn create_folder(path: &Path) -> Result<()> {
    fs::create_dir_all(path).with_context(|| format!("could not create {}", path.display()))
}
