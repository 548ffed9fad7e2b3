//! `cargo xtask dist --check`: what has been packed is the same when it is packed again, and is installed and used as
//! users do it: by npm, pip and pipx, where nothing else can be reached.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::binary;
use super::stage::Stage;
use crate::process;
use crate::setup::{Tools, programs, python_packaging};

/// The variable in which the tests are told where the packages are.
const PACKAGES: &str = "NEXUS_PACKAGES";

/// Fails unless both have the same bytes.
pub(super) fn same(first: &Stage, second: &Stage) -> Result<()> {
    ensure!(
        first.sums() == second.sums(),
        "packed again, it is something else:\n{}\n{}",
        first.sums(),
        second.sums()
    );
    println!("Packed again, all are the same.");
    Ok(())
}

/// Installs and uses the client from this folder, which holds no older packages.
pub(super) fn use_client(tools: &Tools, folder: &Path) -> Result<()> {
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
pub(super) fn use_relay(tools: &Tools) -> Result<()> {
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
