//! What a search for secrets finds.

/// How the replacement of a secret begins.
pub(super) const MARK: &str = "[REDACTED:";

/// A secret in a text: its kind, and where its bytes begin and end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hit {
    pub(super) kind: usize,
    pub(super) start: usize,
    pub(super) end: usize,
}
