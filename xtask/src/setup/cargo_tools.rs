//! `worker-build` and `wasm-bindgen`, in the same versions as their libraries in `Cargo.lock`.
//!
//! They are compiled once for each user and version, in a cache folder that all checkouts share.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::process;
use crate::project::{self, Project};

const PROGRAMS: [&str; 3] = ["worker-build", "wasm-bindgen", "wasm-bindgen-test-runner"];

/// Returns the folder that contains the programs.
pub(super) fn ensure(project: &Project) -> Result<PathBuf> {
    let worker = project.locked_version("worker")?;
    let bindgen = project.locked_version("wasm-bindgen")?;
    let cache = project::user_cache()?;
    let root = cache.join(format!("worker-build-{worker}_wasm-bindgen-{bindgen}"));
    let bin = root.join("bin");
    if is_complete(&bin) {
        return Ok(bin);
    }
    let _lock = project::lock(&cache.join("install.lock"))?;
    if is_complete(&bin) {
        return Ok(bin);
    }
    println!("Building worker-build {worker} and wasm-bindgen {bindgen}, once: 2 to 3 minutes ...");
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command
        .args(["install", "--quiet", "--locked", "--debug", "--root"])
        .arg(&root)
        .arg(format!("worker-build@{worker}"))
        .arg(format!("wasm-bindgen-cli@{bindgen}"))
        // Outside this checkout, whose settings for cargo are not meant for these programs.
        .current_dir(&cache);
    process::run(&mut command).context(
        "worker-build or wasm-bindgen could not be built: they need a C compiler, pkg-config and \
         the OpenSSL headers (Debian: `apt install build-essential pkg-config libssl-dev`)",
    )?;
    Ok(bin)
}

fn is_complete(bin: &Path) -> bool {
    PROGRAMS.iter().all(|program| bin.join(program).exists())
}
