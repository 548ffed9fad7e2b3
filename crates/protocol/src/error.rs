//! Errors (section 6). Each is a line of one table, in `error/table.rs`.
//!
//! A [`Refusal`] is an error that the caller must correct. A fault of the relay is another type, in
//! `nexus-core`. It reaches the caller only as [`Refusal::internal`], which reveals no details.

mod code;
mod refusal;
mod table;

pub use code::{ERRORS, ErrorCode, ErrorLine};
pub use refusal::{Detail, ErrorBody, Refusal};
