//! What a tool has to say, and what counts as read once that was said.
//!
//! Promises:
//! - Nothing counts as read before the answer that holds it was written.
//! - Two answers that were made at the same time do not tell the same message: the second is made again.

use super::seats::Seat;
use crate::{
    context::Context,
    error::Result,
    http::Repeat,
    mailbox::{Ack, Mailbox},
    state::{NewCursor, NewReadMark},
    stderr::tell,
};
use nexus_protocol::{AgentId, Cursor, SessionId};
use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

/// The answer of a tool.
#[derive(Debug)]
pub(super) struct Told {
    /// What the model sees: JSON.
    pub(super) json: String,
    /// What counts as read after that.
    pub(super) mark: Option<Mark>,
}

impl From<String> for Told {
    fn from(json: String) -> Self {
        Self { json, mark: None }
    }
}

/// After which place something was read.
#[derive(Debug)]
pub(super) enum After<T> {
    /// After the one that is stored.
    Stored(Option<T>),
    /// After the one that was asked for, whatever is stored.
    Asked,
}

/// Up to where something counts as read.
#[derive(Debug)]
pub(super) enum Mark {
    Session {
        session: SessionId,
        /// The stored cursor after which it was read.
        after: After<String>,
        /// `None` if it stays where it is.
        new: Option<NewCursor>,
    },
    Inbox {
        mailbox: Mailbox,
        /// The place after which it was read.
        after: After<Cursor>,
        cursor: Cursor,
        new: NewReadMark,
    },
}

/// Up to where this process has told each inbox. The relay knows it a little later.
#[derive(Debug, Default)]
pub(super) struct Inboxes(Mutex<BTreeMap<AgentId, Cursor>>);

impl Inboxes {
    /// Up to where it was told, by this process or by one that was killed before the relay knew it.
    pub(super) fn place(&self, context: &Context, agent: &AgentId) -> Result<Option<Cursor>> {
        let stored = context.state.unacknowledged(agent)?;
        let told = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(agent).copied();
        Ok(told.max(stored))
    }

    /// Forgets it: the inbox has begun anew.
    pub(super) fn forget(&self, context: &Context, agent: &AgentId) -> Result<()> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(agent);
        context.state.acknowledged(agent, None)
    }

    fn told(&self, agent: &AgentId, cursor: Cursor) {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let place = told.entry(agent.clone()).or_insert(cursor);
        *place = cursor.max(*place);
    }
}

impl Mark {
    /// Whether something else was read meanwhile, so that the answer may tell what was told already.
    pub(super) fn has_moved(&self, context: &Context, inboxes: &Inboxes) -> bool {
        match self {
            Self::Session { session, after: After::Stored(after), .. } => {
                context.state.membership(session).is_ok_and(|stored| stored.cursor != *after)
            }
            Self::Inbox { mailbox, after: After::Stored(after), .. } => {
                inboxes.place(context, mailbox.agent()).is_ok_and(|place| place != *after)
            }
            Self::Session { .. } | Self::Inbox { .. } => false,
        }
    }

    /// Stores it, now that the answer was written. What is returned the relay is still to be told.
    pub(super) fn store(self, inboxes: &Inboxes) -> Option<Ack> {
        let (saved, ack) = match self {
            Self::Session { new, .. } => (new.map_or(Ok(()), NewCursor::save), None),
            Self::Inbox { mailbox, cursor, new, .. } => {
                inboxes.told(mailbox.agent(), cursor);
                (new.save(), Some(Ack { mailbox, cursor }))
            }
        };
        if let Err(failure) = saved {
            tell!("warning: what was read may come again: {}", failure.sentence());
        }
        ack
    }
}

/// Tells the relay that messages of an inbox were read. If that fails, the next read does it.
pub(super) fn acknowledge(context: &Context, ack: &Ack) -> bool {
    let done = ack.send(Repeat::Always);
    let done =
        done.and_then(|()| context.state.acknowledged(ack.mailbox.agent(), Some(ack.cursor)));
    if let Err(failure) = &done {
        tell!("the relay was not told what was read: {}", failure.sentence());
    }
    done.is_ok()
}

/// Up to where a seat was told.
pub(super) fn place(context: &Context, inboxes: &Inboxes, seat: &Seat) -> Option<Cursor> {
    match seat {
        Seat::Session(id) => context.state.membership(id).ok()?.usable_cursor().ok()?,
        Seat::Address(id) => inboxes.place(context, id).ok()?,
    }
}
