//! The Model Context Protocol (docs/mcp.md), as the relay at `POST /mcp` and the client in `nexus mcp` speak it.
//!
//! In scope: reading a message of either era of the protocol, the tools and their arguments, the form of results,
//! and the `seat`. Out of scope: what a tool does, and every kind of I/O.
//!
//! | module | owns |
//! |---|---|
//! | [`Incoming`] | reading a message: of which era it is, what it asks for, and what is wrong with it |
//! | [`Asked`] | the answer to it, in the form of its era |
//! | [`Call`] | a call of a tool, with its arguments |
//! | [`Seat`] | what a host passes in each call, because the protocol has no sessions |
//! | [`shown`] | what a model sees of the relay's answers |
//! | [`fields`] | JSON that stays as it was written |
//! | [`sentence`] | what a model reads of an error |

mod arguments;
mod envelope;
pub mod fields;
mod reply;
mod seat;
mod sentence;
pub mod shown;
mod tools;

pub use arguments::{Address, Call, Invite, Join, Read, Send, Task, TaskStep, Tool};
use envelope::Era;
pub use envelope::{Ask, Headers, Incoming};
pub use reply::{Asked, Outcome, Reply};
pub use seat::Seat;
pub use sentence::sentence;
pub use tools::{INSTRUCTIONS, TOOLS};

/// The revision of the modern era: each request says all about itself.
pub const MODERN: &str = "2026-07-28";

/// The revisions that begin with a handshake, the latest first.
pub const LEGACY: [&str; 4] = ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"];

/// The longest that `read` waits, in seconds. Hosts give up on a silent tool after 60.
pub const MAX_WAIT: u32 = 25;

/// How many messages `read` brings at a time, unless it is asked for another number.
pub const PAGE: u32 = 20;
