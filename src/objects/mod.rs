//! The Durable Objects: clock, storage and alarm to `nexus-core`, and its answers to HTTP. No rules.

mod directory;
mod live;
mod pairing_index;
mod session;
mod sockets;
mod webhooks;
