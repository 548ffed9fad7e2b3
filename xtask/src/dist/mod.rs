//! `cargo xtask dist`: packs what is published, into `target/dist/`. It publishes nothing.
//!
//! | module | owns |
//! |---|---|
//! | [`relay`] | `nexus-relay` for npm: the launcher in `dist/relay`, with the built Worker |

mod relay;

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::{Parser, ValueEnum};

use crate::project::Project;
use crate::setup::Tools;
use crate::worker;

/// Pack what is published, into target/dist.
#[derive(Clone, Debug, Default, Parser)]
pub struct Options {
    /// Pack everything again, compare, install it as users do, and use it.
    #[arg(long)]
    pub check: bool,
    /// Pack only this; may be repeated.
    #[arg(long, value_name = "NAME")]
    pub only: Vec<Part>,
}

/// What can be packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Part {
    /// The relay, for npm.
    Relay,
}

/// Packs what is asked for.
///
/// # Errors
/// Something cannot be built or written, or a check failed.
pub fn run(tools: &Tools, options: &Options) -> Result<()> {
    let project = tools.project();
    let parts = if options.only.is_empty() { Part::value_variants() } else { &options.only };
    for part in parts {
        match part {
            Part::Relay => {
                worker::build(tools)?;
                let packed = pack_relay(project, &project.path("target/dist"))?;
                println!("Packed {}.", packed.display());
                if options.check {
                    relay::check(tools, &packed)?;
                }
            }
        }
    }
    Ok(())
}

/// Packs the relay for npm, with the Worker in `build/`, into a folder. Returns the package.
///
/// # Errors
/// The Worker is missing or old, something cannot be read or written, or npm fails.
pub fn pack_relay(project: &Project, folder: &Path) -> Result<PathBuf> {
    relay::pack(project, folder)
}
