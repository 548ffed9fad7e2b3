//! What happens in a conversation.

use crate::{
    error::{Failure, Kind, Result},
    live::Next,
};

/// What happens.
#[derive(Debug)]
pub(super) enum Happening {
    Heard(Result<Next>),
    Typed(Input),
    /// A line for people, which would otherwise be written into the line that is being typed.
    Told(String),
}

/// What was typed.
#[derive(Debug)]
pub(super) enum Input {
    Line(String),
    End,
}

/// A failure of what was typed.
pub(super) fn usage(message: impl Into<String>) -> Failure {
    Failure::own(Kind::Usage, message)
}
