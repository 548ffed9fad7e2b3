//! Results as people read them on a terminal. A result is recognised by its fields, so a command does not say
//! how its result looks.
//!
//! Promise: what is printed contains no character that a terminal obeys, except the colours of `Text`,
//! and no line of a stranger's text begins at the left edge.

mod chat;
mod hint;
mod message;
mod qr;
mod result;
mod table;
mod text;
mod time;

pub(crate) use chat::{note, said};
pub(crate) use hint::with_commands;
pub(crate) use qr::qr;
pub(crate) use result::show;
pub(crate) use text::Text;
pub(crate) use time::Clock;

use std::path::PathBuf;

/// What a result is shown on.
#[derive(Clone, Debug)]
pub(crate) struct Scene {
    /// Columns of the terminal.
    pub(crate) width: usize,
    pub(crate) has_colour: bool,
    pub(crate) clock: Clock,
    /// The state folder, in which keys are kept.
    pub(crate) state: Option<PathBuf>,
}
