//! Operations that involve two mailboxes: the caller's own, which has authenticated it, and
//! another.
//!
//! The other mailbox decides and stores first. If a later step fails, repeating the call completes
//! it.

use super::{About, Accepted, Facts, Letter, Mailbox};
use crate::{Database, Error, Random, Result};
use nexus_protocol::{
    AgentId, Conversation, ConversationId, ConversationRequest, ErrorCode, IdempotencyKey,
    MailSent, SendMail, Timestamp,
};
use std::cell::RefCell;

/// How one mailbox reaches others. After a fault, the call may or may not have happened.
pub trait Mailboxes {
    /// Calls [`Mailbox::receive`] of another mailbox.
    fn deliver(&self, to: &AgentId, letter: &Letter) -> impl Future<Output = Result<Accepted>>;

    /// Calls [`Mailbox::facts`] of another mailbox.
    fn facts(&self, of: &AgentId, about: &About) -> impl Future<Output = Result<Option<Facts>>>;

    /// Calls [`Mailbox::end`] of another mailbox, and notifies its agent.
    fn end(&self, of: &AgentId, about: &About) -> impl Future<Output = Result<()>>;
}

/// `POST /v1/agents/:id/messages` (section 8), from the agent of `mailbox`.
pub async fn send<D: Database>(
    mailbox: &RefCell<Mailbox<D>>,
    others: &impl Mailboxes,
    clock: impl Fn() -> Timestamp,
    random: &mut impl Random,
    to: &AgentId,
    key: Option<&IdempotencyKey>,
    message: SendMail,
) -> Result<MailSent> {
    let letter = mailbox.borrow_mut().letter(clock(), to, key, message, random)?;
    let accepted = others.deliver(to, &letter).await?;
    mailbox.borrow_mut().keep_copy(clock(), to, &letter, &accepted)?;
    Ok(accepted.sent)
}

/// `GET /v1/agents/:id/conversations/:cid` (section 8), for the agent of `mailbox`.
pub async fn conversation<D: Database>(
    mailbox: &RefCell<Mailbox<D>>,
    others: &impl Mailboxes,
    clock: impl Fn() -> Timestamp,
    id: &ConversationId,
    request: &ConversationRequest,
) -> Result<Conversation> {
    let found = mailbox.borrow_mut().find_conversation(clock(), id, request.with.clone());
    let (about, mine) = found?;
    let me = mailbox.borrow().about_me(id);
    // A mailbox that has been deleted knows nothing more.
    let theirs = if_there(others.facts(&about.with, &me).await)?.flatten();
    let facts = match theirs {
        Some(theirs) => mine.merge(theirs),
        None => mine,
    };
    let mailbox = mailbox.borrow();
    let messages = mailbox.history(clock(), &about, request)?;
    let shown = mailbox.show_conversation(clock(), about, facts);
    Ok(Conversation { messages: Some(messages), ..shown })
}

/// `POST /v1/agents/:id/conversations/:cid/end` (section 8), by the agent of `mailbox`.
pub async fn end_conversation<D: Database>(
    mailbox: &RefCell<Mailbox<D>>,
    others: &impl Mailboxes,
    clock: impl Fn() -> Timestamp,
    id: &ConversationId,
    with: Option<AgentId>,
) -> Result<Conversation> {
    let (about, _) = mailbox.borrow_mut().find_conversation(clock(), id, with)?;
    mailbox.borrow_mut().end(clock(), &about)?;
    let me = mailbox.borrow().about_me(id);
    if_there(others.end(&about.with, &me).await)?;
    let facts = mailbox.borrow_mut().find_conversation(clock(), id, Some(about.with.clone()))?.1;
    Ok(mailbox.borrow().show_conversation(clock(), about, facts))
}

fn if_there<T>(result: Result<T>) -> Result<Option<T>> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(Error::Refused(refusal)) if refusal.body.error == ErrorCode::AgentNotFound => Ok(None),
        Err(error) => Err(error),
    }
}
