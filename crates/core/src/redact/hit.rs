//! What a search finds.

/// A secret in a text: its kind, and its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hit {
    pub(super) kind: usize,
    pub(super) start: usize,
    pub(super) end: usize,
}
