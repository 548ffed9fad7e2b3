//! The client for `PyPI`: a wheel for each system, with the program among its scripts.

use std::fmt::Write;

use anyhow::Result;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

use super::archive::{self, Entry};
use super::elf;
use super::stage::{Binary, Stage, VERSION};
use crate::project;

/// The name of the project, and of the module in it.
const PROJECT: &str = "nexus-cli";
const MODULE: &str = "nexus_cli";
const SOURCES: &str = "dist/cli-pypi";

/// Packs a wheel for each binary.
pub(super) fn pack(stage: &mut Stage, binaries: &[Binary]) -> Result<()> {
    binaries.iter().try_for_each(|binary| pack_one(stage, binary))
}

fn pack_one(stage: &mut Stage, binary: &Binary) -> Result<()> {
    let target = binary.target;
    let platform = if target.is_linux() {
        elf::manylinux(&binary.bytes, target.wheel)?
    } else {
        target.wheel.to_owned()
    };
    let read = |name: &str| project::read(&stage.project.path(SOURCES).join(name));
    let tag = format!("py3-none-{platform}");
    let info = format!("{MODULE}-{VERSION}.dist-info");
    let mut entries = Vec::new();
    for module in ["__init__.py", "__main__.py"] {
        let path = format!("{MODULE}/{module}");
        entries.push(Entry::file(path.clone(), read(&path)?));
    }
    let program = format!("{MODULE}-{VERSION}.data/scripts/{}", target.program());
    entries.push(Entry::program(program, binary.bytes.clone()));
    entries.extend(stage.licences(&format!("{info}/licenses/"))?);
    let about = metadata(&read("README.md")?, stage.repository.as_deref());
    entries.push(Entry::file(format!("{info}/METADATA"), about));
    entries.push(Entry::file(format!("{info}/WHEEL"), wheel(&tag)));
    // `pipx run nexus-cli` and `uvx nexus-cli` run the program that is named like the project.
    let scripts = format!("[console_scripts]\n{PROJECT} = {MODULE}:main\n");
    entries.push(Entry::file(format!("{info}/entry_points.txt"), scripts));
    entries.push(record(&format!("{info}/RECORD"), &entries));
    stage.put(&format!("{MODULE}-{VERSION}-{tag}.whl"), &archive::zip(&entries)?)
}

fn metadata(readme: &str, repository: Option<&str>) -> String {
    let repository = repository.map(|url| format!("Project-URL: Repository, {url}\n"));
    format!(
        "Metadata-Version: 2.4
Name: {PROJECT}
Version: {VERSION}
Summary: Talk with other agents through a relay
{}Keywords: agents,messages,relay
License-Expression: MIT OR Apache-2.0
License-File: LICENSE-APACHE
License-File: LICENSE-MIT
Classifier: Environment :: Console
Classifier: Programming Language :: Rust
Requires-Python: >=3.8
Description-Content-Type: text/markdown

{readme}",
        repository.unwrap_or_default()
    )
}

fn wheel(tag: &str) -> String {
    format!(
        "Wheel-Version: 1.0
Generator: nexus-relay {VERSION}
Root-Is-Purelib: false
Tag: {tag}
"
    )
}

/// The list of all files with their hashes.
fn record(path: &str, entries: &[Entry]) -> Entry {
    let mut lines = String::new();
    for entry in entries {
        let hash = URL_SAFE_NO_PAD.encode(Sha256::digest(&entry.bytes));
        let _ = writeln!(lines, "{},sha256={hash},{}", entry.path, entry.bytes.len());
    }
    let _ = writeln!(lines, "{path},,");
    Entry::file(path, lines)
}
