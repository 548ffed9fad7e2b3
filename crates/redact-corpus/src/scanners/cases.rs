//! The files that scanners read. Each is in a folder of its own, whose name is its number, so that
//! it can keep its own name: scanners go by that.

use super::Reports;
use crate::{
    harmless::{corpus, hits::hits, holds_real_forms, near_misses},
    secrets::{Family, texts},
};
use anyhow::{Context, Result};
use std::{
    collections::BTreeMap,
    fs,
    ops::RangeInclusive,
    path::{Path, PathBuf},
};
use tempfile::TempDir;

/// How many values of each form are read.
pub(super) const VALUES: usize = 2;

/// In which surroundings.
pub(super) const SURROUNDINGS: [&str; 3] = ["bare", "json", "prose"];

/// One of so many harmless files is read: some scanners need a second for a megabyte.
pub(super) const SHARE: usize = 8;

/// What a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Group {
    /// A text with a secret.
    Secrets,
    /// A near-miss.
    NearMisses,
    /// A file of a package.
    Harmless,
}

impl Group {
    pub(super) const ALL: [Self; 3] = [Self::Secrets, Self::NearMisses, Self::Harmless];

    const fn name(self) -> &'static str {
        match self {
            Self::Secrets => "secrets",
            Self::NearMisses => "near-misses",
            Self::Harmless => "harmless",
        }
    }
}

/// One file.
#[derive(Debug)]
pub(super) struct Case {
    pub(super) number: usize,
    pub(super) group: Group,
    /// The form of its secret, or the name of the file that it is.
    pub(super) name: String,
    pub(super) family: Option<Family>,
    /// The lines that count.
    pub(super) lines: RangeInclusive<usize>,
    text: String,
}

/// All files. They are removed with this.
#[derive(Debug)]
pub(super) struct Cases {
    folder: TempDir,
    pub(super) all: Vec<Case>,
}

impl Cases {
    /// Writes the files.
    pub(super) fn write() -> Result<Self> {
        let folder = TempDir::new().context("no folder for files")?;
        let mut cases = Self { folder, all: Vec::new() };
        cases.add_secrets()?;
        for line in near_misses::groups()?.into_iter().flat_map(|group| group.lines) {
            cases.add(Group::NearMisses, "message.txt", None, 1..=1, line)?;
        }
        let files = corpus()?.into_iter().filter(|file| !holds_real_forms(&file.name));
        for file in files.step_by(SHARE) {
            let name = file.name.rsplit('/').next().unwrap_or_default().to_owned();
            // Some scanners leave out what begins with a dot.
            if !name.starts_with('.') {
                cases.add(Group::Harmless, &name, None, 1..=usize::MAX, file.text)?;
            }
        }
        Ok(cases)
    }

    fn add_secrets(&mut self) -> Result<()> {
        let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
        for text in texts() {
            let surrounding = text.surrounding.name();
            let count = counts.entry((text.form, surrounding)).or_default();
            if *count >= VALUES || !SURROUNDINGS.contains(&surrounding) {
                continue;
            }
            *count = count.saturating_add(1);
            let end = text.start.saturating_add(text.value.len().saturating_sub(1));
            let lines = line_of(&text.text, text.start)..=line_of(&text.text, end);
            let number = self.all.len();
            self.add(Group::Secrets, "message.txt", Some(text.family), lines, text.text)?;
            if let Some(case) = self.all.get_mut(number) {
                text.form.clone_into(&mut case.name);
            }
        }
        Ok(())
    }

    fn add(
        &mut self,
        group: Group,
        name: &str,
        family: Option<Family>,
        lines: RangeInclusive<usize>,
        text: String,
    ) -> Result<()> {
        let number = self.all.len();
        let place = self.folder(group).join(number.to_string());
        fs::create_dir_all(&place).context("no folder for a file")?;
        fs::write(place.join(name), &text).context("no file")?;
        self.all.push(Case { number, group, name: name.to_owned(), family, lines, text });
        Ok(())
    }

    /// Where the files of a group are.
    pub(super) fn folder(&self, group: Group) -> PathBuf {
        self.folder.path().join(group.name())
    }

    pub(super) fn of(&self, group: Group) -> impl Iterator<Item = &Case> {
        self.all.iter().filter(move |case| case.group == group)
    }

    /// How many secrets there are, how many near-misses, and how many bytes of harmless files.
    pub(super) fn sizes(&self) -> (usize, usize, usize) {
        let harmless = self.of(Group::Harmless).map(|case| case.text.len()).sum();
        (self.of(Group::Secrets).count(), self.of(Group::NearMisses).count(), harmless)
    }

    /// What this project's search reports.
    pub(super) fn searched(&self) -> Reports {
        let mut reports = Reports::new();
        for case in &self.all {
            let lines = hits(&case.text).into_iter().map(|hit| line_of(&case.text, hit.start));
            reports.entry(case.number).or_default().extend(lines);
        }
        reports
    }
}

/// The number of a file in a path that a scanner prints.
pub(super) fn number(path: &str) -> Option<usize> {
    Path::new(path).parent()?.file_name()?.to_str()?.parse().ok()
}

/// The number of the line that holds the byte at `place`.
fn line_of(text: &str, place: usize) -> usize {
    let before = text.as_bytes().iter().take(place);
    before.filter(|byte| **byte == b'\n').count().saturating_add(1)
}
