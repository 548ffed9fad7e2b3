//! The npm package `nexus-relay`: what its launcher promises to those who host a relay by it.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may panic"
)]

mod backup;
mod installed;
mod lan;
mod limits;
mod misuse;
mod parts;
mod proxied;
mod secure;
mod upgrade;
