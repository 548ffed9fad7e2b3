//! `nexus-relay` for npm: the launcher in `dist/relay`, with the built Worker and its bindings in `worker/`.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Map, Value, json};

use super::archive::Entry;
use super::npm;
use super::stage::{Stage, VERSION};
use crate::project::{self, Project};
use crate::{relay, worker};

pub(super) const NAME: &str = "nexus-relay";
const SOURCES: &str = "dist/relay";
const MANIFEST: &str = "package.json";
/// What is copied beside the launcher, besides the licences.
const UNIT: &str = "dist/systemd/nexus-relay.service";
/// The packages of npm that it needs.
pub(super) const DEPENDENCIES: &[&str] = &["multicast-dns", "workerd"];
/// What `npx nexus-relay` starts.
const PROGRAM: &str = "nexus-relay.js";

/// The file name of the package.
pub(super) fn file() -> String {
    format!("{NAME}-{VERSION}.tgz")
}

/// Packs the package.
pub(super) fn pack(stage: &mut Stage) -> Result<()> {
    let project = &stage.project;
    worker::check_is_current(project)?;
    let mut entries = stage.licences("")?;
    list(&project.path(SOURCES), "", &mut entries)?;
    entries.push(entry(&project.path(UNIT), "nexus-relay.service".to_owned())?);
    for source in [worker::ENTRY, worker::SCRIPT, worker::WASM] {
        let name = Path::new(source).file_name().unwrap_or_default().to_string_lossy();
        entries.push(entry(&project.path(source), format!("worker/{name}"))?);
    }
    entries.push(Entry::file("worker/config.json", relay::deployment(project)?));
    let written = project::read(&project.path(SOURCES).join(MANIFEST))?;
    let more = json!({ "dependencies": dependencies(project)? });
    npm::put(stage, NAME, serde_json::from_str(&written).context(MANIFEST)?, more, entries)
}

/// What the package needs, in the versions that the checkout has.
fn dependencies(project: &Project) -> Result<Map<String, Value>> {
    let lock: Value = serde_json::from_str(&project::read(&project.path("package-lock.json"))?)?;
    let version = |name: &&str| {
        let version = lock.pointer(&format!("/packages/node_modules~1{name}/version"));
        let version = version.with_context(|| format!("package-lock.json has no {name}"))?;
        Ok(((*name).to_owned(), version.clone()))
    };
    DEPENDENCIES.iter().map(version).collect()
}

/// The files of a folder, with their paths in the package. Its manifest is left out.
fn list(folder: &Path, prefix: &str, entries: &mut Vec<Entry>) -> Result<()> {
    let files = folder.read_dir().with_context(|| format!("no folder {}", folder.display()))?;
    for file in files {
        let path = file?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if path.is_dir() {
            list(&path, &format!("{prefix}{name}/"), entries)?;
        } else if name != MANIFEST {
            entries.push(entry(&path, format!("{prefix}{name}"))?);
        }
    }
    Ok(())
}

fn entry(source: &Path, path: String) -> Result<Entry> {
    let bytes = fs::read(source).with_context(|| format!("could not read {}", source.display()))?;
    Ok(if path == PROGRAM { Entry::program(path, bytes) } else { Entry::file(path, bytes) })
}
