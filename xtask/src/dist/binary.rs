//! The client as it is published: built here for this machine, or elsewhere for each system.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::archive::Entry;
use super::stage::Binary;
use super::target::{TARGETS, Target};
use crate::project::Project;
use crate::{process, remap};

/// The target of this machine.
pub(super) fn host() -> Result<&'static Target> {
    let told = process::output(Command::new("rustc").arg("-vV"))?;
    let host = told.lines().find_map(|line| line.strip_prefix("host: "));
    Target::named(host.context("rustc does not say for what it compiles")?)
}

/// Builds the client with the profile `dist`. The bytes do not depend on where the checkout and cargo's home are.
fn build(project: &Project) -> Result<PathBuf> {
    let target = host()?;
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(project.root()).env(remap::VARIABLE, remap::flags(project)?);
    command.args(["build", "--locked", "--profile", "dist", "--package", "nexus-cli"]);
    command.args(["--target", target.rust]);
    process::run(&mut command)?;
    let target_folder = env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into());
    let folder = project.path(target_folder).join(target.rust).join("dist");
    Ok(folder.join(target.program()))
}

/// The client that [`build`] has built. Fails if it contains a path of this machine.
pub(super) fn built(project: &Project) -> Result<Binary> {
    let binary = read(host()?, &build(project)?)?;
    remap::check(project, &binary.bytes)?;
    Ok(binary)
}

/// The binaries in a folder, each named by its target as [`Target::file`] says.
pub(super) fn found(folder: &Path) -> Result<Vec<Binary>> {
    let mut binaries = Vec::new();
    for target in &TARGETS {
        let path = folder.join(target.file());
        if path.exists() {
            binaries.push(read(target, &path)?);
        }
    }
    ensure!(
        !binaries.is_empty(),
        "{} holds no binary: name them as {}",
        folder.display(),
        TARGETS.map(|target| target.file()).join(", ")
    );
    Ok(binaries)
}

/// A binary of this target.
pub(super) fn read(target: &'static Target, path: &Path) -> Result<Binary> {
    let bytes = fs::read(path).with_context(|| format!("no {}", path.display()))?;
    ensure!(target.is_for(&bytes), "{} is no program for {}", path.display(), target.rust);
    Ok(Binary { target, bytes })
}

/// The manual as the client of this machine tells it, one page for each command.
pub(super) fn manual(binaries: &[Binary]) -> Result<Vec<Entry>> {
    let target = host()?;
    let own = binaries.iter().find(|binary| binary.target.rust == target.rust);
    let own = own.with_context(|| format!("the manual comes from {}", target.file()))?;
    let folder = tempfile::tempdir().context("no folder for the manual")?;
    let program = folder.path().join(target.program());
    fs::write(&program, &own.bytes).context("the client could not be copied")?;
    executable(&program)?;
    let pages = folder.path().join("man");
    process::output(Command::new(&program).arg("man").arg(&pages).env("HOME", folder.path()))?;
    let mut manual = Vec::new();
    for page in fs::read_dir(&pages).context("the client has written no manual")? {
        let page = page?;
        let name = page.file_name().to_string_lossy().into_owned();
        manual.push(Entry::file(format!("man/{name}"), fs::read(page.path())?));
    }
    manual.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(manual)
}

fn executable(path: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))
        .with_context(|| format!("{} could not be made executable", path.display()))
}
