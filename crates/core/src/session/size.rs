//! What an object remembers of the size of a session's log.

/// What is known. What is not is counted when it is needed.
#[derive(Clone, Copy, Default)]
pub(super) struct Size {
    /// The bytes of all messages, except events.
    pub(super) bytes: Option<usize>,
    /// How many of them are unproven, and their bytes.
    pub(super) unproven: Option<(u32, usize)>,
}

impl Size {
    /// That of a log without messages.
    pub(super) fn empty() -> Self {
        Self { bytes: Some(0), unproven: Some((0, 0)) }
    }
}
