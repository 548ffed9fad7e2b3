//! Other clients' protocols (docs/dialects.md), over the same mailboxes and sessions. They translate, and own no
//! state and no rules.
//!
//! Each is a folder: its words (`words.rs`), its translation, its calls and its sockets, and in `mod.rs` the
//! `impl Dialect` by which everything else knows it. A new one is its folder, its lines in the table of calls,
//! and an entry in a list below. [`mcp`] is over both classes of objects, so the edge does all of it.

mod clawlink;
mod mcp;
mod messenger;
mod opendialogue;
mod words;

use crate::{
    http::{Request, Response},
    objects::{
        dialect::{self, Dialects},
        mailbox::Mailbox,
        session::Session,
    },
    router::{Foreign, Route},
};
use nexus_core::Result;
use nexus_protocol::Refusal;
use worker::Env;

/// The dialects of sessions.
pub(crate) const OF_SESSIONS: Dialects<Session> = &[&clawlink::ClawLink];

/// The dialects of addresses.
pub(crate) const OF_MAILBOXES: Dialects<Mailbox> =
    &[&messenger::Messenger, &opendialogue::OpenDialogue];

/// Answers a call of a dialect at the edge.
pub(crate) async fn answer(
    request: &Request,
    env: &Env,
    route: &Route,
    call: Foreign,
) -> Result<Response> {
    if call == Foreign::Mcp {
        return mcp::answer(request, env).await;
    }
    if let Some(dialect) = dialect::owner(OF_SESSIONS, call) {
        return dialect.answer(request, env, route, call).await;
    }
    match dialect::owner(OF_MAILBOXES, call) {
        Some(dialect) => dialect.answer(request, env, route, call).await,
        None => Err(Refusal::not_found().into()),
    }
}

/// An answer of the edge, in which a refusal is put into the words of the dialect that was asked.
pub(crate) fn in_its_words(call: Foreign, answer: Result<Response>) -> Result<Response> {
    if call == Foreign::Mcp {
        return mcp::in_its_words(answer);
    }
    if let Some(dialect) = dialect::owner(OF_SESSIONS, call) {
        return dialect::in_its_words(dialect, answer);
    }
    match dialect::owner(OF_MAILBOXES, call) {
        Some(dialect) => dialect::in_its_words(dialect, answer),
        None => answer,
    }
}
