//! Where packages are put, and what all of them share.

use std::path::{Path, PathBuf};
use std::{fmt::Write, fs};

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

use super::archive::Entry;
use super::target::Target;
use crate::project::{self, Project};

/// The version of everything: that of the workspace.
pub(super) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The folder of the packages, and the names of those that were put there.
#[derive(Debug)]
pub(super) struct Stage {
    pub(super) project: Project,
    pub(super) folder: PathBuf,
    /// The address of the repository, if it is known.
    pub(super) repository: Option<String>,
    written: Vec<Written>,
}

#[derive(Debug)]
struct Written {
    name: String,
    sum: String,
}

/// The client for one system.
#[derive(Debug)]
pub(super) struct Binary {
    pub(super) target: &'static Target,
    pub(super) bytes: Vec<u8>,
}

impl Stage {
    pub(super) fn new(
        project: &Project,
        folder: &Path,
        repository: Option<String>,
    ) -> Result<Self> {
        project::create_folder(folder)?;
        let folder = folder.to_owned();
        Ok(Self { project: project.clone(), folder, repository, written: Vec::new() })
    }

    /// Puts a package into the folder.
    pub(super) fn put(&mut self, name: &str, bytes: &[u8]) -> Result<()> {
        let path = self.folder.join(name);
        fs::write(&path, bytes).with_context(|| format!("could not write {}", path.display()))?;
        self.written.retain(|written| written.name != name);
        self.written.push(Written { name: name.to_owned(), sum: hex(&Sha256::digest(bytes)) });
        println!("{name}: {} KiB", bytes.len().div_ceil(1024));
        Ok(())
    }

    /// The SHA-256 sum of a package.
    pub(super) fn sum_of(&self, name: &str) -> Option<&str> {
        let written = self.written.iter().find(|written| written.name == name)?;
        Some(&written.sum)
    }

    /// The sums of all packages, in the form of `sha256sum`.
    pub(super) fn sums(&self) -> String {
        let mut written: Vec<_> = self.written.iter().collect();
        written.sort_by(|a, b| a.name.cmp(&b.name));
        written.iter().fold(String::new(), |mut sums, Written { name, sum }| {
            let _ = writeln!(sums, "{sum}  {name}");
            sums
        })
    }

    /// The licences, for a folder of a package.
    pub(super) fn licences(&self, folder: &str) -> Result<Vec<Entry>> {
        let licences = ["LICENSE-APACHE", "LICENSE-MIT"].into_iter();
        let read = |name| project::read(&self.project.path(name));
        licences.map(|name| Ok(Entry::file(format!("{folder}{name}"), read(name)?))).collect()
    }
}

/// Bytes in hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}
