//! Two kinds of error that must not be confused: the caller's and the relay's.

use nexus_protocol::Refusal;
use std::fmt;

/// Why an operation did not happen.
#[derive(Debug)]
pub enum Error {
    /// The caller must correct something. Nothing was changed.
    Refused(Refusal),
    /// The relay failed. The caller learns no details.
    Fault(Fault),
}

/// The result of an operation.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failure of the relay, in words for the operator's log. Never contains a secret or a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault(String);

impl Fault {
    /// A fault described by `what`.
    pub fn new(what: impl fmt::Display) -> Self {
        Self(what.to_string())
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}
