//! `cargo xtask dist`: packs what is published, into `target/packages/`. It publishes nothing.
//!
//! The same sources give the same bytes: archives have no times, no owners and one order, and a program contains no
//! path of the machine that built it.
//!
//! | module | owns |
//! |---|---|
//! | [`stage`] | the folder, the sums, what packages share |
//! | [`target`] | the systems, and their names in each kind of package |
//! | [`binary`] | the client: built here, or found in a folder |
//! | [`npm`], [`wheel`], [`release`] | the client for npm, for `PyPI`, and as archives |
//! | [`relay`] | the relay for npm: the launcher in `dist/relay`, with the built Worker |
//! | [`sbom`] | which crates and packages are in what is published |
//! | [`check`] | whether the packages are the same again, and whether they work |
//! | [`container`] | whether the image of the relay can be built, and works as `compose.yaml` runs it |
//! | [`archive`], [`elf`] | tar and zip; which C library a program needs |

mod archive;
mod binary;
mod check;
mod container;
mod elf;
mod npm;
mod relay;
mod release;
mod sbom;
mod stage;
mod target;
mod wheel;

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::{Parser, ValueEnum};

use self::stage::Stage;
use crate::project::{self, Project};
use crate::setup::Tools;
use crate::worker;

/// Packs the client for npm and `PyPI`, and the relay for npm, and writes the packages, their sums and their parts to target/packages.
#[derive(Clone, Debug, Default, Parser)]
pub struct Options {
    /// Pack the same in another checkout, compare, install it as users do, and use it.
    #[arg(long)]
    pub check: bool,
    /// Pack only this; may be repeated.
    #[arg(long, value_name = "NAME")]
    pub only: Vec<Part>,
    /// Pack the binaries in this folder, named nexus-TARGET, instead of building one for this machine.
    #[arg(long, value_name = "DIR")]
    pub binaries: Option<PathBuf>,
    /// The address of the repository, which packages name. With it, the formula and the manifest are made, too.
    #[arg(long, value_name = "URL")]
    pub repository: Option<String>,
}

/// Where all are put.
const FOLDER: &str = "target/packages";
/// Their sums, in the same folder.
const SUMS: &str = "SHA256SUMS";

/// What can be packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Part {
    /// The client, for npm, for `PyPI`, and as archives.
    Cli,
    /// The relay, for npm.
    Relay,
    /// The lists of crates and packages.
    Sbom,
}

/// Packs what is asked for.
///
/// # Errors
/// Something cannot be built or written, or a check failed.
pub fn run(tools: &Tools, options: &Options) -> Result<()> {
    let project = tools.project();
    if options.parts().contains(&Part::Relay) {
        worker::build(tools)?;
    }
    let folder = project.path(FOLDER);
    let mut stage = Stage::new(project, &folder, options.repository.clone())?;
    for part in options.parts() {
        match part {
            Part::Cli => cli(&mut stage, options.binaries.as_deref())?,
            Part::Relay => relay::pack(&mut stage)?,
            Part::Sbom => sbom::write(&mut stage)?,
        }
    }
    project::write(&folder.join(SUMS), &stage.sums())?;
    println!("All are in {}.", folder.display());
    if options.check { check::run(tools, options) } else { Ok(()) }
}

impl Options {
    fn parts(&self) -> &[Part] {
        if self.only.is_empty() { Part::value_variants() } else { &self.only }
    }
}

fn cli(stage: &mut Stage, binaries: Option<&Path>) -> Result<()> {
    let binaries = match binaries {
        Some(folder) => binary::found(folder)?,
        None => vec![binary::built(&stage.project)?],
    };
    let manual = binary::manual(&binaries)?;
    npm::pack(stage, &binaries, &manual)?;
    wheel::pack(stage, &binaries)?;
    release::pack(stage, &binaries, &manual)?;
    release::fill(stage)
}

/// Packs a client for this machine, for npm and `PyPI`, into a folder.
///
/// # Errors
/// Something cannot be read or written.
pub fn pack_client(project: &Project, client: &Path, folder: &Path) -> Result<()> {
    let mut stage = Stage::new(project, folder, None)?;
    let binaries = vec![binary::read(binary::host()?, client)?];
    let manual = binary::manual(&binaries)?;
    npm::pack(&mut stage, &binaries, &manual)?;
    wheel::pack(&mut stage, &binaries)
}

/// Packs the relay for npm, with the Worker in `build/`, into a folder. Returns the package.
///
/// # Errors
/// The Worker is missing or old, or something cannot be read or written.
pub fn pack_relay(project: &Project, folder: &Path) -> Result<PathBuf> {
    relay::pack(&mut Stage::new(project, folder, None)?)?;
    Ok(folder.join(relay::file()))
}
