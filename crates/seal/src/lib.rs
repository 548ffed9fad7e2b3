//! End-to-end encryption of a session: its relay stores sealed strings in place of texts, and
//! cannot read or make them. The client is the user of this crate, and the relay has none of it.
//!
//! | file | |
//! |---|---|
//! | `mac` | HMAC-SHA-512 |
//! | `secret` | the secret behind the `#` of a link, and the keys that come of it |
//! | `fragment` | what stands behind the `#`: the secret, and whose key is to be expected |
//! | `cipher` | `A256CBC-HS512` of RFC 7518, 5.2.5 |
//! | `sealed` | sealed strings: bytes in a compact JWE |
//! | `public_key`, `signer` | compact JWS with Ed25519 |
//! | `plain`, `numbers` | what is inside of a sealed string |
//! | `message`, `file` | sealing and reading it, signed and padded |
//! | `history` | what a reader remembers, and notices by it |
//!
//! Everything random is passed in: an initialization vector must never be used twice.

mod cipher;
mod field;
mod file;
mod fragment;
mod history;
mod mac;
mod message;
mod numbers;
mod padding;
mod plain;
mod public_key;
mod sealed;
mod secret;
mod signer;

pub use field::Field;
pub use file::{OpenedFile, PlainFile, read_file};
pub use fragment::Fragment;
pub use history::{At, Findings, History, Incoming, IncomingFile, Outgoing, Read, ReadFile, State};
pub use message::{Opened, Part, Place, Sealer, read};
pub use numbers::Numbers;
pub use plain::{Count, Plain, SealedHash, Skip};
pub use public_key::{Fingerprint, PublicKey, verify};
pub use sealed::{Altered, Unopened, open, seal};
pub use secret::Secret;
pub use signer::Signer;
