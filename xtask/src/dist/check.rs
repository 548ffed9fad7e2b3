//! `cargo xtask dist --check`: what has been packed is the same when it is packed in another checkout, with another home
//! of cargo, and is installed and used as users do it: by npm, pip and pipx, where nothing else can be reached.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use clap::ValueEnum as _;

use super::{FOLDER, Options, Part, SUMS, binary, container, relay};
use crate::project::{self, Project};
use crate::setup::{Tools, programs, python_packaging};
use crate::{process, remap};

/// The variable in which the tests are told where the packages are.
const PACKAGES: &str = "NEXUS_PACKAGES";

/// Checks all that has been packed with these options.
pub(super) fn run(tools: &Tools, options: &Options) -> Result<()> {
    let elsewhere = tempfile::tempdir().context("no folder for another checkout")?;
    let packages = pack_again(tools, options, elsewhere.path())?;
    let sums = |folder: &Path| project::read(&folder.join(SUMS));
    let (first, second) = (sums(&tools.project().path(FOLDER))?, sums(&packages)?);
    ensure!(first == second, "packed elsewhere, it is something else:\n{first}\n{second}");
    println!("Packed elsewhere, all are the same.");
    if options.parts().contains(&Part::Cli) {
        use_client(tools, &packages)?;
    }
    if options.parts().contains(&Part::Relay) {
        container::check(tools.project(), &packages.join(relay::file()))?;
        use_relay(tools)?;
    }
    Ok(())
}

/// Copies the checkout into the folder, and packs there with another home of cargo. Returns the folder of the packages.
fn pack_again(tools: &Tools, options: &Options, folder: &Path) -> Result<PathBuf> {
    let (checkout, home) = (folder.join("checkout"), folder.join("cargo"));
    copy_checkout(tools.project(), &checkout)?;
    project::create_folder(&home)?;
    // What cargo has downloaded stays where it is. The compiler sees the path of the link.
    for entry in fs::read_dir(remap::cargo_home()?).context("no home of cargo")? {
        let path = entry?.path();
        symlink(&path, home.join(path.file_name().unwrap_or_default()))?;
    }
    let mut command = tools.cargo();
    command.current_dir(&checkout).env("CARGO_HOME", &home).env_remove("CARGO_TARGET_DIR");
    command.args(["xtask", "dist"]);
    for part in &options.only {
        let name = part.to_possible_value().context("a part has no name")?;
        command.args(["--only", name.get_name()]);
    }
    if let Some(binaries) = &options.binaries {
        command.arg("--binaries").arg(fs::canonicalize(binaries)?);
    }
    if let Some(repository) = &options.repository {
        command.args(["--repository", repository]);
    }
    process::run(&mut command)?;
    Ok(checkout.join(FOLDER))
}

/// Copies every file that belongs to the checkout, as it is now.
fn copy_checkout(project: &Project, to: &Path) -> Result<()> {
    let mut git = Command::new("git");
    git.current_dir(project.root());
    let files = process::output(git.args([
        "ls-files",
        "--cached",
        "--others",
        "--exclude-standard",
        "-z",
    ]))?;
    for file in files.split('\0').filter(|file| !file.is_empty()) {
        let (from, to) = (project.path(file), to.join(file));
        // A file that was removed, but not yet from the index.
        if !from.exists() {
            continue;
        }
        to.parent().map_or(Ok(()), project::create_folder)?;
        fs::copy(&from, &to).with_context(|| format!("{} cannot be copied", from.display()))?;
    }
    Ok(())
}

/// Installs and uses the client from this folder, which holds no older packages.
fn use_client(tools: &Tools, folder: &Path) -> Result<()> {
    let names = fs::read_dir(folder).with_context(|| format!("no {}", folder.display()))?;
    let paths = names.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    let is_wheel = |path: &&PathBuf| path.extension().is_some_and(|it| it == "whl");
    let wheels: Vec<&PathBuf> = paths.iter().filter(is_wheel).collect();
    let platform = binary::host()?.wheel;
    let is_own = |path: &&&PathBuf| path.to_string_lossy().contains(platform);
    let own = wheels.iter().find(is_own).context("there is no wheel for this machine")?;
    let programs = python_packaging::ensure()?;
    process::run(Command::new(programs.twine).args(["check", "--strict"]).args(&wheels))?;
    let home = tempfile::tempdir().context("no home for pipx")?;
    // What pipx itself needs comes from PyPI.
    let mut pipx = Command::new(programs.pipx);
    pipx.env("HOME", home.path()).env("PIPX_HOME", home.path()).args(["run", "--spec"]);
    let told = process::output(pipx.arg(own).args(["nexus-cli", "version"]))?;
    ensure!(told.contains("\"version\""), "pipx has run something else: {told}");
    println!("twine and pipx accept the wheel.");
    let tests = || {
        let mut command = tools.cargo();
        command.args(["test", "--quiet", "--package", "nexus-cli", "--test", "cli"]);
        command
    };
    process::run(tests().arg("--no-run"))?;
    let mut command = alone(&tests());
    process::run(command.args(["--", "install::"]).env(PACKAGES, folder))
}

/// Installs and uses the relay: with the pinned Node, and with the one of this machine.
fn use_relay(tools: &Tools) -> Result<()> {
    programs::ensure(tools.project())?;
    let pinned = tools.project().path("node_modules/node/bin/node");
    for node in [Some(pinned), process::find("node")].into_iter().flatten() {
        println!("The relay's package, with {}:", node.display());
        let mut tests = tools.cargo();
        tests.args(["test", "--quiet", "--package", "nexus-tests", "--test", "host"]);
        process::run(tests.env("NEXUS_HOST_NODE", node))?;
    }
    Ok(())
}

/// The same command where nothing but this machine can be reached, if the system allows that to be made.
fn alone(command: &Command) -> Command {
    const ALONE: &str = "ip link set lo up && exec \"$@\"";
    let mut alone = Command::new("unshare");
    alone.args(["-rn", "sh", "-c", ALONE, "alone"]);
    let is_possible = process::find("ip").is_some()
        && process::succeeds(
            Command::new("unshare").args(["-rn", "sh", "-c", ALONE, "alone", "true"]),
        );
    let mut command = if is_possible {
        alone.arg(command.get_program()).args(command.get_args());
        alone
    } else {
        println!("No network can be made that reaches nothing, so the tests have the usual one.");
        let mut usual = Command::new(command.get_program());
        usual.args(command.get_args());
        usual
    };
    command.env("CARGO_NET_OFFLINE", "true");
    command
}
