//! The tools for contributors, as a library. The binary parses a command line and calls it, and the
//! black-box tests start relays with [`relay`].
//!
//! | module | owns |
//! |---|---|
//! | [`project`] | the folders of this checkout and of the user's cache |
//! | [`setup`] | the tools in their pinned versions; errors say what to install |
//! | [`base_line`] | the oldest browsers, and what newer ones have besides |
//! | `remap` | that no path of this machine gets into what is published |
//! | [`worker`] | `build/`: the Worker, rebuilt when an input changed |
//! | [`relay`] | a relay process that runs the built Worker |
//! | [`dev`], [`checks`], [`browsers`], [`bench`], [`torture`], [`soak`], [`abuse`], [`redaction`], [`fuzz`], [`openapi`], [`plugins`], [`hosts`], [`audit`], [`dist`] | the commands of those names |
//!
//! Out of scope: deployment, which is `npx wrangler deploy`.

#![allow(clippy::disallowed_methods, reason = "this never runs in WASM")]

/// Parses the options of a command, in the programs that they are passed on to.
pub use clap::Parser;

pub mod abuse;
pub mod audit;
pub mod base_line;
pub mod bench;
pub mod browsers;
pub mod checks;
pub mod dev;
pub mod dist;
pub mod encrypted;
pub mod fuzz;
pub mod hosts;
pub mod instructions;
pub mod latency;
pub mod mcp;
pub mod openapi;
pub mod plugins;
mod process;
pub mod project;
pub mod redaction;
pub mod relay;
mod remap;
pub mod scale;
pub mod setup;
pub mod soak;
pub mod torture;
pub mod worker;
