//! The rules of the relay: who may do what with sessions, messages, pairing codes and mailboxes,
//! and what is kept. Read this crate to know what the relay promises.
//!
//! In scope: every rule that needs state. Out of scope: the form of what goes over the wire
//! (`nexus-protocol`), and clocks, random numbers, networks and JavaScript. Callers pass these in
//! ([`Random`], [`Database`], a `now` argument).
//!
//! Every operation reads, decides, and then writes with a single SQL statement, so it happens
//! completely or not at all. Anything held only in memory may be lost at any moment.

mod claim;
mod database;
mod digest;
mod directory;
mod error;
mod heard;
mod mailbox;
mod meter;
mod migrations;
pub mod opendialogue;
mod page;
mod pairing;
mod random;
mod record;
mod redaction;
mod repeat;
mod seal;
mod session;
pub mod sums;
mod tally;

pub use claim::{Seats, claim};
pub use database::{Database, Row, Value};
pub(crate) use digest::standard_signature;
pub use digest::{Digest, hmac};
pub use directory::{Directory, Listing, Place, Report, Search, Traced};
pub use error::{Error, Fault, Result};
pub use mailbox::{
    About, Accepted, Arrival, Facts, Letter, List, Mailbox, MailboxNeed, Mailboxes, Notice, Proof,
    SecretUse, conversation, end_conversation, send,
};
pub use pairing::{Claimer, Found, PairingIndex, Reservation, Revocation};
pub use random::Random;
pub use redaction::{check_name, redacted};
pub use seal::{seal, unseal};
pub use session::{
    Caller, ClawLinkInfo, Content, Delivery, Event, FileSaved, Invitation, Need, Outcome, Post,
    SeatRequest, Session, Subscription, Visitor, Who,
};
pub use tally::Tally;
