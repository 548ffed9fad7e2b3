//! What a contributor runs, as a library: the binary parses a command line and calls it, and the
//! black-box tests start relays with [`relay`].
//!
//! | module | owns |
//! |---|---|
//! | [`project`] | where things lie in this checkout and in the user's cache |
//! | [`setup`] | the tools: they are there, in the pinned versions, or a sentence says what to install |
//! | [`worker`] | `build/`: the Worker, built when something changed |
//! | [`relay`] | a relay process on the built Worker |
//! | [`dev`], [`checks`], [`bench`], [`torture`], [`soak`], [`fuzz`], [`openapi`], [`audit`] | the commands of those names |
//!
//! Out of scope: deployment, which is `npx wrangler deploy`.

#![allow(clippy::disallowed_methods, reason = "this never runs in WASM")]

/// What reads the options of a command, for the programs that they are passed on to.
pub use clap::Parser;

pub mod audit;
pub mod bench;
pub mod checks;
pub mod dev;
pub mod fuzz;
pub mod instructions;
pub mod openapi;
mod process;
pub mod project;
pub mod relay;
pub mod setup;
pub mod soak;
pub mod torture;
pub mod worker;
