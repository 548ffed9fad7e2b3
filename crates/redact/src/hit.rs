//! What a search for secrets finds.

/// A secret in a text: its kind, and where its bytes begin and end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hit {
    pub(super) kind: usize,
    pub(super) start: usize,
    pub(super) end: usize,
}
