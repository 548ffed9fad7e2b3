//! The set-up: after [`ensure`], every tool is there in its pinned version.
//!
//! Repeating it is safe, and takes a fraction of a second if nothing is missing. Only cargo, npm,
//! rustup and apt-get download anything, from the mirrors that they are configured with.

pub mod browser;
mod cargo_tools;
pub(crate) mod container;
pub(crate) mod debian;
pub mod libraries;
mod npm;
pub mod programs;
mod python;
pub(crate) mod python_packaging;
pub mod schemathesis;
mod wasm_target;

use std::env;
use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use self::wasm_target::Toolchain;
use crate::process;
use crate::project::Project;

/// The tools of one checkout, ready for use.
#[derive(Debug)]
pub struct Tools {
    project: Project,
    cargo_bin: PathBuf,
    toolchain: Toolchain,
}

/// Installs what is missing.
///
/// # Errors
/// Something could not be installed. The error says what to do.
pub fn ensure(project: &Project) -> Result<Tools> {
    let _lock = project.lock()?;
    npm::ensure(project)?;
    let toolchain = wasm_target::ensure(project)?;
    let cargo_bin = cargo_tools::ensure(project)?;
    Ok(Tools { project: project.clone(), cargo_bin, toolchain })
}

/// Whether this is the first run, with downloads and long builds.
#[must_use]
pub fn is_new(project: &Project) -> bool {
    !npm::is_done(project) || !project.path("build/index.js").exists()
}

impl Tools {
    /// The checkout that the tools belong to.
    #[must_use]
    pub fn project(&self) -> &Project {
        &self.project
    }

    /// The cargo that runs this program, for native builds.
    #[must_use]
    pub fn cargo(&self) -> Command {
        let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = Command::new(cargo);
        command.current_dir(self.project.root());
        command
    }

    /// A command that runs a program of the tests' package, after building it. Append the program's
    /// arguments.
    #[must_use]
    pub fn program_of_tests(&self, name: &str) -> Command {
        let mut command = self.cargo();
        command.args(["run", "--quiet", "--package", "nexus-tests", "--bin", name, "--"]);
        command
    }

    /// A command that builds or runs WASM. Its cargo and rustc have the WASM target, its node is
    /// the pinned one, and worker-build finds every program that it calls.
    ///
    /// # Errors
    /// `PATH` cannot be extended.
    pub fn wasm_command(&self, program: impl AsRef<OsStr>) -> Result<Command> {
        let mut command = Command::new(program);
        command
            .current_dir(self.project.root())
            .env("CARGO_TARGET_DIR", self.project.wasm_target_dir())
            .env("WASM_BINDGEN_BIN", self.cargo_tool("wasm-bindgen"))
            .env("WASM_OPT_BIN", self.project.npm_bin("wasm-opt"))
            .env("ESBUILD_BIN", self.project.npm_bin("esbuild"));
        let npm_bins = self.project.path("node_modules/.bin");
        let mut folders = vec![npm_bins.as_path()];
        folders.extend(self.toolchain.apply(&mut command));
        process::prepend_path(&mut command, &folders)?;
        Ok(command)
    }

    /// The path of a program that cargo installed.
    #[must_use]
    pub fn cargo_tool(&self, name: &str) -> PathBuf {
        self.cargo_bin.join(name)
    }

    /// A text that changes whenever the compiler or a tool changes.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        format!("{}\n{}", self.toolchain.version(), self.cargo_bin.display())
    }
}
