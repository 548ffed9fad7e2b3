//! The client for npm: `@nexus-relay/cli` with the launcher, and a package with the program for each system, of which
//! npm installs the right one.

use anyhow::{Context, Result};
use serde_json::{Map, Value, json};

use super::archive::{self, Entry};
use super::stage::{Binary, Stage, VERSION};
use super::target::{TARGETS, Target};
use crate::project;

const NAME: &str = "@nexus-relay/cli";
const SOURCES: &str = "dist/cli-npm";

/// Packs all of them.
pub(super) fn pack(stage: &mut Stage, binaries: &[Binary], manual: &[Entry]) -> Result<()> {
    for binary in binaries {
        pack_program(stage, binary)?;
    }
    let read = |name| project::read(&stage.project.path(SOURCES).join(name));
    let mut entries = stage.licences("")?;
    entries.push(Entry::file("README.md", read("README.md")?));
    entries.push(Entry::program("bin/nexus.js", read("bin/nexus.js")?));
    entries.extend_from_slice(manual);
    let programs = TARGETS.iter().map(|target| (name_of(target), VERSION.into()));
    let pages = manual.iter().map(|page| Value::from(format!("./{}", page.path)));
    let more = json!({
        "optionalDependencies": programs.collect::<Map<_, _>>(),
        "man": pages.collect::<Vec<_>>(),
    });
    let written = serde_json::from_str(&read("package.json")?).context("package.json")?;
    put(stage, NAME, written, more, entries)
}

/// Packs the program for one system.
fn pack_program(stage: &mut Stage, binary: &Binary) -> Result<()> {
    let target = binary.target;
    let name = name_of(target);
    let about = format!("`nexus` for {} {}: install {NAME}", target.os, target.cpu);
    let mut entries = stage.licences("")?;
    entries.push(Entry::file("README.md", format!("# {name}\n\n{about}.\n")));
    entries.push(Entry::program(format!("bin/{}", target.program()), binary.bytes.clone()));
    let written = json!({
        "name": name,
        "description": about,
        "license": "MIT OR Apache-2.0",
        "os": [target.os],
        "cpu": [target.cpu],
        "preferUnplugged": true,
    });
    let more = target.libc.map_or_else(|| json!({}), |libc| json!({ "libc": [libc] }));
    put(stage, &name, serde_json::from_value(written)?, more, entries)
}

fn name_of(target: &Target) -> String {
    format!("{NAME}-{}", target.npm)
}

/// Packs these files with a `package.json` that says all of this.
pub(super) fn put(
    stage: &mut Stage,
    name: &str,
    mut package: Map<String, Value>,
    more: Value,
    mut entries: Vec<Entry>,
) -> Result<()> {
    package.insert("version".to_owned(), VERSION.into());
    if let Some(url) = &stage.repository {
        let url = json!({ "type": "git", "url": format!("git+{url}.git") });
        package.insert("repository".to_owned(), url);
    }
    if let Value::Object(more) = more {
        package.extend(more);
    }
    let text = serde_json::to_string_pretty(&package)?;
    entries.push(Entry::file("package.json", format!("{text}\n")));
    // The name that `npm pack` gives.
    let file = name.trim_start_matches('@').replace('/', "-");
    stage.put(&format!("{file}-{VERSION}.tgz"), &archive::tar_gz("package", entries)?)
}
