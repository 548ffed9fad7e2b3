//! Errors (section 6): what one is made of. All of them are lines of one table, in `error/table.rs`.
//!
//! A [`Refusal`] is the caller's to mend. A fault of the relay itself is another type, in
//! `nexus-core`, and reaches the caller only as [`Refusal::internal`], which tells nothing of the
//! inside.

mod code;
mod refusal;
mod table;

pub use code::{ERRORS, ErrorCode, ErrorLine};
pub use refusal::{Detail, ErrorBody, Refusal};
