//! A Rust toolchain that compiles to WASM.
//!
//! These are tried in order: the running toolchain and /usr/bin/rustc, if they have the target,
//! then `rustup target add`, then Debian's packages. Native builds are not affected: they use the
//! cargo that runs this program.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use std::{env, fs};

use anyhow::{Result, bail};

use super::debian;
use crate::process;
use crate::project::{Project, WASM_TARGET};

/// The time limit for rustup. A slow network is fine, but a blocked one must not hang.
const RUSTUP_LIMIT: Duration = Duration::from_mins(2);

/// A toolchain that has the WASM target.
#[derive(Debug)]
pub(super) struct Toolchain {
    source: Source,
    version: String,
    linker: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    /// The toolchain of the cargo that runs this program.
    Running,
    /// /usr/bin/cargo and /usr/bin/rustc, even if there is a rustup in the home folder.
    System,
}

pub(super) fn ensure(project: &Project) -> Result<Toolchain> {
    if let Some(found) = find_existing()? {
        return Ok(found);
    }
    let mut tried = Vec::new();
    if env::var_os("RUSTUP_TOOLCHAIN").is_some() {
        println!("Adding the {WASM_TARGET} target with rustup ...");
        let mut command = Command::new("rustup");
        command.args(["target", "add", WASM_TARGET]).env("RUST_BACKTRACE", "0");
        match process::run_within(RUSTUP_LIMIT, &mut command) {
            Ok(()) => {
                if let Some(found) = find_existing()? {
                    return Ok(found);
                }
            }
            Err(error) => tried.push(format!("{error:#}")),
        }
    }
    if debian::is_possible() {
        match debian::make_target(project) {
            Ok(()) => {
                if let Some(found) = find_existing()? {
                    return Ok(found);
                }
            }
            Err(error) => tried.push(format!("{error:#}")),
        }
    }
    let reasons = if tried.is_empty() { String::new() } else { format!(" ({})", tried.join("; ")) };
    bail!(
        "this Rust cannot compile to WASM{reasons}: run `rustup target add {WASM_TARGET}`, \
         or as root on Debian `apt install {}`, and try again",
        debian::PACKAGES.join(" ")
    )
}

fn find_existing() -> Result<Option<Toolchain>> {
    for source in [Source::Running, Source::System] {
        let rustc = match source {
            Source::Running => Path::new("rustc"),
            Source::System => Path::new(debian::RUSTC),
        };
        if let Some(found) = inspect(source, rustc)? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// The toolchain of `rustc`, if it is there and has the target.
fn inspect(source: Source, rustc: &Path) -> Result<Option<Toolchain>> {
    if source == Source::System && !debian::is_recent() {
        return Ok(None);
    }
    let mut command = Command::new(rustc);
    clean(source, &mut command);
    command.args(["--print", "sysroot", "--print", "target-libdir", "--target", WASM_TARGET]);
    let Ok(answer) = process::output(&mut command) else {
        return Ok(None);
    };
    let mut lines = answer.lines().map(Path::new);
    let (Some(sysroot), Some(libraries)) = (lines.next(), lines.next()) else {
        return Ok(None);
    };
    if !libraries.exists() {
        return Ok(None);
    }
    let mut command = Command::new(rustc);
    clean(source, &mut command);
    let version = process::output(command.arg("-vV"))?;
    let linker = if has_own_linker(sysroot) { None } else { debian::linker() };
    Ok(Some(Toolchain { source, version, linker }))
}

/// Whether the toolchain brings `rust-lld`, as rustup's do. Those of distributions use a linker of
/// the system.
fn has_own_linker(sysroot: &Path) -> bool {
    let Ok(hosts) = fs::read_dir(sysroot.join("lib/rustlib")) else {
        return false;
    };
    hosts.flatten().any(|host| host.path().join("bin/rust-lld").exists())
}

/// Removes the variables that the outer `cargo run` set for its own toolchain.
fn clean(source: Source, command: &mut Command) {
    if source == Source::System {
        for name in ["CARGO", "RUSTC", "RUSTDOC", "RUSTUP_TOOLCHAIN", "LD_LIBRARY_PATH"] {
            command.env_remove(name);
        }
    }
}

impl Toolchain {
    /// Makes `command` and its children use this toolchain. Returns the folder that must come first
    /// on their `PATH`.
    pub(super) fn apply(&self, command: &mut Command) -> Option<&'static Path> {
        clean(self.source, command);
        if let Some(linker) = &self.linker {
            command.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker);
        }
        match self.source {
            Source::Running => None,
            Source::System => {
                command.env("RUSTC", debian::RUSTC);
                Path::new(debian::RUSTC).parent()
            }
        }
    }

    /// The output of `rustc -vV`.
    pub(super) fn version(&self) -> &str {
        &self.version
    }
}
