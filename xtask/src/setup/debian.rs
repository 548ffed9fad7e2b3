//! The WASM target from Debian's packages, for machines on which rustup cannot download.
//!
//! Debian has a recent compiler (`rustc-web`) but not its standard library for WASM. It does have
//! the library's source, so the target is compiled once, which takes half a minute, and copied to
//! where /usr/bin/rustc looks for it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::process;
use crate::project::{self, Project, WASM_TARGET};

/// What [`make_target`] needs.
pub(super) const PACKAGES: [&str; 4] = ["rustc-web", "cargo-web", "rust-web-src", "lld-19"];

/// Where the packages put the compiler.
pub(super) const RUSTC: &str = "/usr/bin/rustc";

/// The oldest release that compiles this workspace (`rust-version` in Cargo.toml).
const OLDEST_MINOR: u32 = 95;

pub(crate) fn is_possible() -> bool {
    process::find("apt-get").is_some()
}

/// Whether /usr/bin/rustc exists and is recent enough.
pub(super) fn is_recent() -> bool {
    if !Path::new(RUSTC).exists() {
        return false;
    }
    let version = process::output(rustc().arg("--version")).unwrap_or_default();
    let minor = version.strip_prefix("rustc 1.").and_then(|rest| rest.split('.').next());
    minor.and_then(|minor| minor.parse().ok()).is_some_and(|minor: u32| minor >= OLDEST_MINOR)
}

/// The WASM linker of the newest LLVM on `PATH`.
pub(super) fn linker() -> Option<PathBuf> {
    let versioned = (19..=30).rev().map(|version| format!("wasm-ld-{version}"));
    versioned.chain(["wasm-ld".to_owned()]).find_map(|name| process::find(&name))
}

/// Installs packages, as root.
pub(crate) fn install(packages: &[&str]) -> Result<()> {
    install_with(packages, &[])
}

/// As [`install`], without the packages that are only recommended. For a browser, those are many more.
pub(crate) fn install_only(packages: &[&str]) -> Result<()> {
    install_with(packages, &["--no-install-recommends"])
}

fn install_with(packages: &[&str], options: &[&str]) -> Result<()> {
    println!("Installing Debian's packages {} ...", packages.join(", "));
    update()?;
    let mut command = privileged("apt-get")?;
    process::run(command.args(["install", "-q", "-y"]).args(options).args(packages))
}

/// Brings the lists of packages up to date, as root.
pub(crate) fn update() -> Result<()> {
    process::run(privileged("apt-get")?.args(["update", "-q"]))
}

/// Downloads a package without installing it, and puts its files into a folder.
pub(super) fn unpack(package: &str, folder: &Path) -> Result<()> {
    project::create_folder(folder)?;
    let mut download = Command::new("apt-get");
    download.args(["download", "-q", package]).current_dir(folder);
    if !process::succeeds(&mut download) {
        update()?;
        process::run(&mut download)?;
    }
    let files = fs::read_dir(folder).with_context(|| format!("no folder of {package}"))?;
    for file in files.flatten().map(|entry| entry.path()) {
        if file.extension().is_some_and(|extension| extension == "deb") {
            process::run(Command::new("dpkg").arg("-x").arg(&file).arg(folder))?;
        }
    }
    Ok(())
}

/// Installs missing packages, builds the target's libraries and copies them into place.
pub(super) fn make_target(project: &Project) -> Result<()> {
    let sysroot = || process::output(rustc().args(["--print", "sysroot"]));
    let has_source = |root: String| Path::new(&root).join("lib/rustlib/src/rust/library").exists();
    let installed = is_recent()
        && Path::new("/usr/bin/cargo").exists()
        && linker().is_some()
        && sysroot().is_ok_and(has_source);
    if !installed {
        install(&PACKAGES)?;
    }
    ensure!(is_recent(), "Debian's rustc-web is older than 1.{OLDEST_MINOR} in this release");
    println!("Making the {WASM_TARGET} target for {RUSTC}, once: about 40 seconds ...");
    let libraries = compile(project)?;
    put_in_place(&libraries)
}

/// Compiles the standard library together with an empty one, and returns the files.
fn compile(project: &Project) -> Result<Vec<PathBuf>> {
    let folder = project.path("target/wasm-std");
    let manifest = "[package]\nname = \"empty\"\nedition = \"2021\"\n\n[workspace]\n";
    project::write(&folder.join("Cargo.toml"), manifest)?;
    project::write(&folder.join("src/lib.rs"), "")?;
    let mut command = Command::new("/usr/bin/cargo");
    command
        .current_dir(&folder)
        .args(["build", "--quiet", "--release", "--target", WASM_TARGET])
        .arg("-Zbuild-std=std,panic_abort,test")
        .env("RUSTC", RUSTC)
        // `build-std` is unstable, and Debian's compiler is a stable one.
        .env("RUSTC_BOOTSTRAP", "1")
        // Without bitcode in the library, `lto = true` fails.
        .env("RUSTFLAGS", "-Cembed-bitcode=yes")
        .env("CARGO_TARGET_DIR", folder.join("target"));
    for name in ["CARGO", "RUSTDOC", "RUSTUP_TOOLCHAIN", "LD_LIBRARY_PATH"] {
        command.env_remove(name);
    }
    process::prepend_path(&mut command, &[Path::new("/usr/bin")])?;
    process::run(&mut command)?;
    let built = folder.join("target").join(WASM_TARGET).join("release/deps");
    let files = fs::read_dir(&built).with_context(|| format!("no {}", built.display()))?;
    let is_wanted = |file: &fs::DirEntry| {
        let path = file.path();
        path.extension().is_some_and(|extension| extension == "rlib")
            && !file.file_name().to_string_lossy().starts_with("libempty-")
    };
    Ok(files.flatten().filter(is_wanted).map(|file| file.path()).collect())
}

/// Copies to a temporary folder and renames it, because a half-filled folder would look like the
/// target.
fn put_in_place(libraries: &[PathBuf]) -> Result<()> {
    let folder =
        process::output(rustc().args(["--print", "target-libdir", "--target", WASM_TARGET]))?;
    let partial = format!("{folder}.partial");
    process::run(privileged("mkdir")?.arg("-p").arg(&partial))?;
    process::run(privileged("cp")?.args(libraries).arg(&partial))?;
    process::run(privileged("mv")?.args(["-T", &partial, &folder]))
}

fn rustc() -> Command {
    let mut command = Command::new(RUSTC);
    command.env_remove("LD_LIBRARY_PATH");
    command
}

/// A command that runs `program` as root: directly, or through a sudo that asks for no password.
fn privileged(program: &str) -> Result<Command> {
    if process::output(Command::new("id").arg("-u"))? == "0" {
        return Ok(Command::new(program));
    }
    ensure!(
        process::succeeds(Command::new("sudo").args(["-n", "true"])),
        "neither root nor a sudo without password"
    );
    let mut command = Command::new("sudo");
    command.args(["-n", program]);
    Ok(command)
}
