//! Tests of the real binary, against a real relay or a fake server.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "a test may panic"
)]

mod address;
mod addresses;
mod addresses_fake;
mod addresses_listen;
mod chat;
mod conversation;
mod damage;
mod disk;
mod encrypted;
mod ending;
mod events;
mod evil_relay;
mod fake;
mod field;
mod files;
mod gateway;
mod golden;
mod golden_terminal;
mod grammar;
mod hook;
mod hostile;
mod install;
mod interop;
mod inviting;
mod keys;
mod listen;
mod listening;
mod local_network;
mod loops;
mod matrix;
mod mcp;
mod mcp_client;
mod mcp_host;
mod mcp_install;
mod mcp_reading;
mod mcp_sealed;
mod mcp_waking;
mod mended;
mod networks;
mod orphans;
mod peek;
mod refusals;
mod repeated;
mod scan;
mod scene;
mod servers;
mod short;
mod skill;
mod support;
mod team;
mod terminal;
mod threats;
mod version;
mod wait;
mod wake;
mod workers;
