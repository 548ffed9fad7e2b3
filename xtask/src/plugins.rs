//! `cargo xtask plugins`: copies what the plugins of agent hosts share. Hosts read a plugin without following links
//! out of its folder, so each has a copy of the skill; and each names the version of the workspace.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::project::{self, Project};

/// The folder of the skill, and its copies.
const SKILL: &str = "skill";
const COPIES: [&str; 2] = ["plugins/claude-code/skills/nexus", "plugins/codex/skills/nexus"];

/// The manifests, which have a line `"version": "..."`.
const MANIFESTS: [&str; 2] =
    ["plugins/claude-code/.claude-plugin/plugin.json", "plugins/codex/.codex-plugin/plugin.json"];

/// Brings the plugins up to date.
///
/// # Errors
/// A file cannot be read or written, or a manifest has no version.
pub fn run(project: &Project) -> Result<()> {
    for copy in COPIES.map(|copy| project.path(copy)) {
        if copy.exists() {
            fs::remove_dir_all(&copy).context("an old copy of the skill is in the way")?;
        }
    }
    for (path, text) in wanted(project)? {
        project::write(&path, &text)?;
    }
    Ok(())
}

/// What the files should contain.
///
/// # Errors
/// A file cannot be read, or a manifest has no version.
pub fn wanted(project: &Project) -> Result<Vec<(PathBuf, String)>> {
    let skill = project.path(SKILL);
    let mut files = Vec::new();
    list(&skill, &mut files)?;
    let mut wanted = Vec::new();
    for file in &files {
        let name = file.strip_prefix(&skill).context("a file elsewhere")?;
        let text = project::read(file)?;
        wanted.extend(COPIES.map(|copy| (project.path(copy).join(name), text.clone())));
    }
    for manifest in MANIFESTS.map(|manifest| project.path(manifest)) {
        let text = versioned(&project::read(&manifest)?)?;
        wanted.push((manifest, text));
    }
    Ok(wanted)
}

/// Every file of the copies that are there.
///
/// # Errors
/// A folder cannot be read.
pub fn copied(project: &Project) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    COPIES.iter().try_for_each(|copy| list(&project.path(copy), &mut files))?;
    Ok(files)
}

fn list(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    let entries = fs::read_dir(folder).with_context(|| format!("no {}", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            list(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}

/// A manifest with the version of the workspace.
fn versioned(manifest: &str) -> Result<String> {
    const KEY: &str = "  \"version\": \"";
    let is_version = |line: &&str| line.starts_with(KEY);
    ensure!(manifest.lines().filter(is_version).count() == 1, "a manifest needs one version");
    let version = env!("CARGO_PKG_VERSION");
    let lines = manifest.lines().map(|line| match line.strip_prefix(KEY) {
        Some(_) => format!("{KEY}{version}\",\n"),
        None => format!("{line}\n"),
    });
    Ok(lines.collect())
}
