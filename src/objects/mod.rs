//! The Durable Objects: clock, storage and alarm to `nexus-core`, and its answers to HTTP. No rules.

mod directory;
mod live;
mod mailbox;
mod mailbox_calls;
mod mailbox_live;
mod mailbox_opendialogue;
mod pairing_index;
mod session;
mod session_clawlink;
mod session_live;
mod session_team;
mod sockets;
mod webhooks;
