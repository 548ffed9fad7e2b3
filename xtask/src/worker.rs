//! The built Worker: `build/index.js` and `build/index_bg.wasm`.
//!
//! [`build`] does nothing if no input changed since the last build. The inputs are listed in
//! [`INPUTS`]. If the Worker includes another folder, add it there.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::project::{self, Project};
use crate::setup::Tools;
use crate::{process, remap};

/// The files and folders that the Worker is built from, and how.
const INPUTS: [&str; 18] = [
    "src",
    "crates/core/src",
    "crates/core/Cargo.toml",
    "crates/mcp/src",
    "crates/mcp/Cargo.toml",
    "crates/protocol/src",
    "crates/protocol/Cargo.toml",
    "crates/redact/src",
    "crates/redact/Cargo.toml",
    "public",
    "docs/openapi.json",
    "docs/protocol.md",
    "skill",
    "build.rs",
    "Cargo.toml",
    "Cargo.lock",
    "xtask/src/worker.rs",
    "xtask/src/remap.rs",
];

/// Contains a hash of the inputs, and the fingerprint of the tools.
const STAMP: &str = "target/wasm/worker.stamp";

/// The Worker's entry point, which imports [`SCRIPT`].
pub const ENTRY: &str = "src/worker.js";
/// The output of `worker-build`, which imports [`WASM`].
pub const SCRIPT: &str = "build/index.js";
/// The compiled Worker.
pub const WASM: &str = "build/index_bg.wasm";

/// Builds the Worker if an input or a tool changed.
///
/// # Errors
/// The build failed. The compiler's messages are on the terminal.
pub fn build(tools: &Tools) -> Result<()> {
    let project = tools.project();
    let _lock = project.lock()?;
    let stamp = format!("{:016x}\n{}", hash_inputs(project)?, tools.fingerprint());
    let stamp_file = project.path(STAMP);
    if is_complete(project) && project::read(&stamp_file).is_ok_and(|old| old == stamp) {
        println!("The Worker in build/ is up to date: {} KiB gzipped.", kibibytes(project)?);
        return Ok(());
    }
    println!("Building the Worker (about a minute after a change) ...");
    let started = Instant::now();
    // If this is broken off, what is in build/ is of nothing that the stamp says.
    if stamp_file.exists() {
        fs::remove_file(&stamp_file).context("the stamp of the last build cannot be removed")?;
    }
    let mut command = tools.wasm_command(tools.cargo_tool("worker-build"))?;
    // The compiler's messages should come last, not a backtrace of worker-build.
    command.args(["--release", "--no-opt"]).env("RUST_BACKTRACE", "0");
    command.env(remap::VARIABLE, remap::flags(project)?);
    process::run(&mut command).context("the Worker does not build: see the messages above")?;
    optimize(tools)?;
    remap::check(project, &fs::read(project.path(WASM))?)?;
    project::write(&stamp_file, &stamp)?;
    println!(
        "Built {WASM}: {} KiB gzipped, in {:.0} s.",
        kibibytes(project)?,
        started.elapsed().as_secs_f32()
    );
    Ok(())
}

/// Optimizes the Worker. Functions with similar names are similar, so it compresses better if they
/// are adjacent. Only a profiler reads the names, and finds them in `target/wasm`.
fn optimize(tools: &Tools) -> Result<()> {
    let wasm = tools.project().path(WASM);
    let mut command = tools.wasm_command(tools.project().npm_bin("wasm-opt"))?;
    command.arg(&wasm).arg("-o").arg(&wasm).args(["--all-features", "-Os", "--converge"]);
    // A large function inside its one caller compresses worse than by itself, and is no faster.
    command.arg("--one-caller-inline-max-function-size=20");
    command.args(["--reorder-functions-by-name", "--strip-debug", "--strip-producers"]);
    process::run(&mut command).context("the Worker cannot be optimized")
}

/// Fails if the Worker is missing or older than its sources, because a test against it would say
/// nothing about them.
///
/// # Errors
/// The Worker is missing or old.
pub fn check_is_current(project: &Project) -> Result<()> {
    ensure!(is_complete(project), "build/ holds no Worker: run `cargo xtask build`");
    let stamp = project::read(&project.path(STAMP)).unwrap_or_default();
    let hash = format!("{:016x}", hash_inputs(project)?);
    ensure!(
        stamp.lines().next() == Some(&hash),
        "the Worker in build/ is older than its sources: run `cargo xtask build`"
    );
    Ok(())
}

fn is_complete(project: &Project) -> bool {
    project.path(SCRIPT).exists() && project.path(WASM).exists()
}

fn hash_inputs(project: &Project) -> Result<u64> {
    let mut files = Vec::new();
    for input in INPUTS {
        let path = project.path(input);
        if path.is_dir() {
            list_files(&path, &mut files)?;
        } else if path.exists() {
            files.push(path);
        }
    }
    files.sort();
    let mut hasher = DefaultHasher::new();
    let root = project.path("");
    for file in files {
        // Without the folder of the project, so that a copy of it is as fresh.
        file.strip_prefix(&root).unwrap_or(&file).hash(&mut hasher);
        fs::read(&file)
            .with_context(|| format!("could not read {}", file.display()))?
            .hash(&mut hasher);
    }
    Ok(hasher.finish())
}

fn list_files(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    let entries =
        fs::read_dir(folder).with_context(|| format!("could not read {}", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            list_files(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}

fn kibibytes(project: &Project) -> Result<usize> {
    Ok(gzipped_size(&project.path(WASM))?.div_ceil(1024))
}

/// The size that counts towards Cloudflare's limit for a Worker.
///
/// # Errors
/// The file cannot be read.
pub fn gzipped_size(path: &Path) -> Result<usize> {
    let bytes = fs::read(path).with_context(|| format!("could not read {}", path.display()))?;
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(&bytes)?;
    Ok(encoder.finish()?.len())
}
