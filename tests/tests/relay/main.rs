//! The promises of the protocol, over HTTP against a real workerd.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may panic"
)]

mod access;
mod access_cells;
mod access_clawlink;
mod access_mailboxes;
mod access_mailboxes_calls;
mod addresses;
mod addresses_honest;
mod addresses_live;
mod addresses_private;
mod addresses_stored;
mod clawlink;
mod clawlink_client;
mod clawlink_keys;
mod clawlink_live;
mod clawlink_mixed;

mod control;
mod conversation;
mod crowds;
mod dialects_mail;
mod dialects_text;
mod dialogue;
mod encrypted;
mod encrypted_blind;
mod encrypted_links;
mod encrypted_texts;
mod ended;
mod endurance;
mod errors;
mod files;
mod live;
mod logs;
mod manners;
mod mcp;
mod mcp_clients;
mod mcp_envelope;
mod mcp_events;
mod mcp_hosts;
mod mcp_rates;

mod messenger;
mod needs;
mod opendialogue;
mod opendialogue_frames;
mod opendialogue_rounds;
mod operator;
mod pages;
mod panics;
mod places;
mod proxy;
mod races;
mod rates;
mod reading;
mod redaction;
mod requests;
mod searched;
mod service;
mod storage;
mod teams;
mod unredacted;
mod webhook;
