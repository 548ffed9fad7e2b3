//! `nexus-relay` for npm: the launcher in `dist/relay`, with the built Worker and its bindings in `worker/`.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::process;
use crate::project::{self, Project};
use crate::setup::{Tools, programs};
use crate::{relay, worker};

const SOURCES: &str = "dist/relay";
const MANIFEST: &str = "package.json";
/// What `npx nexus-relay` starts.
const PROGRAM: &str = "nexus-relay.js";
/// What is copied beside the launcher.
const BESIDE: [&str; 3] = ["LICENSE-APACHE", "LICENSE-MIT", "dist/systemd/nexus-relay.service"];
/// The version of everything: that of the workspace.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// A file of the package.
#[derive(Debug)]
pub(super) struct File {
    pub(super) path: String,
    pub(super) bytes: Vec<u8>,
    pub(super) is_program: bool,
}

/// All files of the package.
pub(super) fn files(project: &Project) -> Result<Vec<File>> {
    worker::check_is_current(project)?;
    let mut files = Vec::new();
    list(&project.path(SOURCES), "", &mut files)?;
    for file in &mut files {
        if file.path == MANIFEST {
            file.bytes = manifest(project, &file.bytes)?.into_bytes();
        }
    }
    let sources = [worker::ENTRY, worker::SCRIPT, worker::WASM].map(|path| ("worker/", path));
    for (folder, path) in sources.into_iter().chain(BESIDE.map(|path| ("", path))) {
        let name = Path::new(path).file_name().unwrap_or_default().to_string_lossy();
        files.push(file(&project.path(path), format!("{folder}{name}"))?);
    }
    let bindings = relay::deployment(project)?.into_bytes();
    files.push(File { path: "worker/config.json".to_owned(), bytes: bindings, is_program: false });
    Ok(files)
}

/// Packs the package into a folder, and returns its path there.
pub(super) fn pack(project: &Project, folder: &Path) -> Result<PathBuf> {
    project::create_folder(folder)?;
    let staged = tempfile::tempdir().context("no temporary folder")?;
    for file in files(project)? {
        let path = staged.path().join(&file.path);
        project::create_folder(path.parent().unwrap_or(staged.path()))?;
        fs::write(&path, &file.bytes).context("a file of the package cannot be written")?;
        let mode = if file.is_program { 0o755 } else { 0o644 };
        fs::set_permissions(&path, fs::Permissions::from_mode(mode))?;
    }
    let mut npm = Command::new("npm");
    process::prepend_path(&mut npm, &[&project.path("node_modules/.bin")])?;
    npm.current_dir(staged.path()).args(["pack", "--silent", "--pack-destination"]).arg(folder);
    Ok(folder.join(process::output(&mut npm)?))
}

/// Packs the package again, which must give the same bytes, and runs the tests that install it: with the pinned Node,
/// and with the one of this machine.
pub(super) fn check(tools: &Tools, packed: &Path) -> Result<()> {
    let folder = tempfile::tempdir().context("no temporary folder")?;
    let again = pack(tools.project(), folder.path())?;
    ensure!(fs::read(packed)? == fs::read(again)?, "packed again, the relay has other bytes");
    programs::ensure(tools.project())?;
    let pinned = tools.project().path("node_modules/node/bin/node");
    for node in [Some(pinned), process::find("node")].into_iter().flatten() {
        println!("The relay's package, with {}:", node.display());
        let mut tests = tools.cargo();
        tests.args(["test", "--package", "nexus-tests", "--test", "host"]);
        process::run(tests.env("NEXUS_HOST_NODE", node))?;
    }
    Ok(())
}

/// The files of a folder, with their paths in the package.
fn list(folder: &Path, prefix: &str, files: &mut Vec<File>) -> Result<()> {
    let entries = folder.read_dir().with_context(|| format!("no folder {}", folder.display()))?;
    let mut paths: Vec<_> =
        entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?;
    paths.sort();
    for path in paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if path.is_dir() {
            list(&path, &format!("{prefix}{name}/"), files)?;
        } else {
            files.push(file(&path, format!("{prefix}{name}"))?);
        }
    }
    Ok(())
}

fn file(source: &Path, path: String) -> Result<File> {
    let bytes = fs::read(source).with_context(|| format!("could not read {}", source.display()))?;
    let is_program = path == PROGRAM;
    Ok(File { path, bytes, is_program })
}

/// The manifest, with the version of the workspace, and that of workerd which the checkout has.
fn manifest(project: &Project, template: &[u8]) -> Result<String> {
    let mut manifest: Value =
        serde_json::from_slice(template).context("the package.json is not JSON")?;
    let lock: Value = serde_json::from_str(&project::read(&project.path("package-lock.json"))?)?;
    let workerd = lock
        .pointer("/packages/node_modules~1workerd/version")
        .context("package-lock.json has no workerd")?;
    if let Some(fields) = manifest.as_object_mut() {
        fields.insert("version".to_owned(), VERSION.into());
        fields.insert("dependencies".to_owned(), json!({ "workerd": workerd }));
    }
    Ok(format!("{}\n", serde_json::to_string_pretty(&manifest)?))
}
