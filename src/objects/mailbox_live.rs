//! Live delivery (section 8) of a mailbox.

use super::{
    live::{self, Log},
    mailbox::{Mailbox, Rules},
    sockets::{self, Close, attached},
};
use crate::{
    calls, http,
    platform::{self, fault, now},
};
use nexus_core::{About, Notice, Result};
use nexus_protocol::{MailFrame, MailSent, Page, PageRequest, Refusal};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::{cell::RefCell, rc::Rc};
use worker::{Env, Request, Response, State, WebSocket, WebSocketIncomingMessage};

/// How many senders are told of what one call has read or acknowledged: the others can ask.
const MOST_NOTICES: usize = 32;

/// What a socket takes and gives: kept with it while the object sleeps. Its agent is the mailbox's.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Reader {
    /// The frames of section 8.
    Native,
}

/// The inbox, for its sockets.
pub(super) struct MailLog {
    state: State,
    env: Env,
    rules: Rc<RefCell<Rules>>,
}

impl Log for MailLog {
    type Who = Reader;

    fn read(&self, _who: &Reader, request: PageRequest) -> Result<Page> {
        let (page, notices) = self.rules.borrow_mut().read(now(), request)?;
        tell(&self.state, &self.env, notices);
        Ok(page)
    }

    fn closes(_refusal: &Refusal) -> Close {
        Close::Deleted
    }
}

/// Tells senders what became of their messages. Nobody waits for it.
fn tell(state: &State, env: &Env, notices: Vec<Notice>) {
    for notice in notices.into_iter().take(MOST_NOTICES) {
        let env = env.clone();
        state.wait_until(async move {
            if let Err(error) = calls::call(&env, notice.to.as_str(), &notice).await {
                http::log_error("notice", &error);
            }
        });
    }
}

impl Mailbox {
    pub(super) fn log(&self) -> Result<MailLog> {
        let (state, env) = (platform::share(self.state()), self.env().clone());
        Ok(MailLog { state, env, rules: self.shared_rules()? })
    }

    /// `GET /v1/agents/:id/ws`.
    pub(super) fn stream(&self, request: &Request) -> Result<Response> {
        live::demand_upgrade(request)?;
        let url = request.url().map_err(fault)?;
        let query = url.query().unwrap_or_default();
        http::check_yourself(request, &self.id()?)?;
        let after = PageRequest::parse(query, self.limits()?)?.after;
        self.authenticate(http::browser_proof(request, query)?.as_ref())?;
        self.rules(|rules| rules.hear(now()))?;
        live::stream(self.state(), request, self.log()?, Reader::Native, after)
    }

    /// What a client sent over its socket. The answer is a frame.
    pub(super) async fn received(&self, end: &WebSocket, message: WebSocketIncomingMessage) {
        let Some(socket) = attached::<Reader>(end) else { return };
        match socket.who {
            Reader::Native => {
                let (id, text) = live::received(message);
                let outcome = self.frame(text.as_bytes()).await;
                live::answer(end, &id, outcome);
            }
        }
    }

    async fn frame(&self, bytes: &[u8]) -> Result<(&'static str, Value)> {
        let limits = self.limits()?;
        if bytes.len() > limits.max_body_bytes() {
            return Err(Refusal::message_too_large("frame", limits.max_body_bytes()).into());
        }
        let fields = |answer: serde_json::Result<Value>| answer.map_err(nexus_core::Fault::new);
        match MailFrame::parse(bytes, limits)? {
            MailFrame::Send(to, key, message) => {
                let sent = self.send(&to, key.as_ref(), message).await?;
                Ok(("sent", sent_fields(&sent)))
            }
            MailFrame::Ack(ack) => Ok(("acked", fields(serde_json::to_value(self.ack(ack)?))?)),
            MailFrame::End(id) => {
                let ended = self.end(&id, None).await?;
                Ok(("ended", fields(serde_json::to_value(ended))?))
            }
        }
    }

    /// Tells senders what became of their messages.
    pub(super) fn tell(&self, notices: Vec<Notice>) {
        tell(self.state(), self.env(), notices);
    }

    /// Tells every stream what became of messages that this agent has sent.
    pub(super) fn announce_notice(&self, notice: &Notice) {
        self.announce(json!({
            "event": notice.state,
            "agentId": notice.from,
            "messageIds": notice.messages,
        }));
    }

    /// Tells every stream that a conversation is over.
    pub(super) fn announce_end(&self, about: &About, reason: &str) {
        self.announce(json!({
            "event": "conversation_ended",
            "conversationId": about.conversation,
            "agentId": about.with,
            "reason": reason,
        }));
    }

    fn announce(&self, fields: Value) {
        let native = sockets::event_frame(fields);
        sockets::announce(self.state(), |reader: &Reader| match reader {
            Reader::Native => Some(native.as_str().into()),
        });
    }

    pub(super) fn close_all(&self, why: Close) {
        sockets::close_all(self.state(), why, |_: &Reader| true);
    }
}

/// The fields of `{"type":"sent", "id", ...}`: the answer to a send, but that `id` is the client's own.
fn sent_fields(sent: &MailSent) -> Value {
    json!({
        "messageId": sent.id,
        "cursor": sent.cursor,
        "delivery": sent.delivery,
        "conversationId": sent.conversation_id,
        "turn": sent.turn,
        "maxTurns": sent.max_turns,
        "sentAt": sent.sent_at,
        "expiresAt": sent.expires_at,
    })
}
