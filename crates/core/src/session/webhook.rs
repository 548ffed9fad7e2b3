//! Webhooks (section 3): what is posted where, and what follows a failure.
//!
//! A webhook is a reader with its own cursor, stored in the seat of its agent. It receives every
//! message that the agent may read, except its own, one at a time, starting after the message that
//! was last when it was set. Each success or failure is one write.

use super::{
    Session, Who,
    hook::{BACK_OFF, Webhook},
    state::{Seat, State},
};
use crate::{Database, Error, Fault, Result, hmac};
use nexus_protocol::{
    AgentId, Cursor, Filter, Message, PageRequest, Refusal, SetWebhook, Timestamp, WebhookRemoved,
    WebhookState, WebhookStatus,
};
use std::collections::BTreeSet;

/// A message to be posted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Post {
    /// The agent whose webhook it is.
    pub agent: AgentId,
    /// The webhook's URL.
    pub url: String,
    /// `{"type":"message","sessionId", ...message}`
    pub body: String,
    /// `sha256=` and the HMAC of the body, for `X-Nexus-Signature`.
    pub signature: String,
    /// The message's cursor.
    pub cursor: Cursor,
}

impl<D: Database> Session<D> {
    /// `PUT /v1/sessions/:id/webhook` (section 3), with `Need::OwnKey`. Anyone could act for a seat
    /// without a key, and have its messages sent elsewhere. Begins after the last message, even if
    /// there was a webhook before.
    pub fn set_webhook(
        &mut self,
        now: Timestamp,
        who: &Who,
        request: SetWebhook,
    ) -> Result<WebhookStatus> {
        self.seated(now, who)?;
        let (mut state, last) = self.next_state(now)?;
        let webhook = seat(&mut state, who)?.webhook.insert(Webhook {
            url: request.url,
            secret: request.secret,
            cursor: last,
            failures: 0,
            last_error: None,
            next_attempt_at: None,
        });
        let status = webhook.status();
        self.store.save(state)?;
        Ok(status)
    }

    /// `GET /v1/sessions/:id/webhook` (section 3).
    pub fn webhook(&mut self, now: Timestamp, who: &Who) -> Result<WebhookStatus> {
        self.seated(now, who)?;
        let state = &mut self.store.alive(now)?.state;
        let webhook = seat(state, who)?.webhook.as_ref();
        Ok(webhook.ok_or_else(Refusal::webhook_not_found)?.status())
    }

    /// `DELETE /v1/sessions/:id/webhook` (section 3).
    pub fn remove_webhook(&mut self, now: Timestamp, who: &Who) -> Result<WebhookRemoved> {
        self.seated(now, who)?;
        let (mut state, _) = self.next_state(now)?;
        seat(&mut state, who)?.webhook.take().ok_or_else(Refusal::webhook_not_found)?;
        self.store.save(state)?;
        Ok(WebhookRemoved { ok: true })
    }

    /// The last posts of a session that its creator is about to end: one for each webhook that is
    /// not failing.
    pub fn last_posts(&mut self, now: Timestamp, who: &Who) -> Result<Vec<Post>> {
        let id = self.id.clone();
        let loaded = self.store.alive(now)?;
        let body = serde_json::json!({
            "type": "event", "event": "ended", "by": who.agent(), "sessionId": id,
        });
        let (body, cursor) = (body.to_string(), loaded.last);
        let seats = loaded.state.seats(now, &self.limits);
        let webhooks = seats.filter_map(|(agent, seat)| Some((agent, seat.webhook.as_ref()?)));
        let working = webhooks.filter(|(_, webhook)| webhook.state() != WebhookState::Failing);
        let post = |(agent, webhook): (&AgentId, &Webhook)| {
            Ok(Post {
                agent: agent.clone(),
                url: webhook.url.clone(),
                signature: format!("sha256={}", hmac(&webhook.secret, &body)?),
                body: body.clone(),
                cursor,
            })
        };
        working.map(post).collect()
    }

    /// The agents whose webhook has a message to post now.
    pub fn webhooks_due(&mut self, now: Timestamp) -> Result<Vec<AgentId>> {
        let loaded = self.store.alive(now)?;
        let last = loaded.last;
        let due = |webhook: &Webhook| {
            webhook.cursor < last
                && webhook.state() != WebhookState::Failing
                && webhook.next_attempt_at.is_none_or(|at| at <= now)
        };
        let seats = loaded.state.seats(now, &self.limits);
        let due = seats.filter(|(_, seat)| seat.webhook.as_ref().is_some_and(due));
        Ok(due.map(|(agent, _)| agent.clone()).collect())
    }

    /// When the next webhook retries after a failure, leaving out those of `except`.
    pub fn next_webhook_at(
        &mut self,
        now: Timestamp,
        except: &BTreeSet<AgentId>,
    ) -> Result<Option<Timestamp>> {
        let loaded = self.store.alive(now)?;
        let seats = loaded.state.seats(now, &self.limits);
        let waiting = seats.filter(|(agent, _)| !except.contains(*agent));
        let webhooks = waiting.filter_map(|(_, seat)| seat.webhook.as_ref());
        let retrying = webhooks.filter(|webhook| webhook.state() == WebhookState::Retrying);
        Ok(retrying.filter_map(|webhook| webhook.next_attempt_at).min())
    }

    /// What the webhook of `agent` must post next, if anything.
    pub fn next_post(&mut self, now: Timestamp, agent: &AgentId) -> Result<Option<Post>> {
        match self.webhooks_due(now) {
            Ok(due) if due.contains(agent) => {}
            // There is nothing to post, or the member is gone.
            Ok(_) | Err(Error::Refused(_)) => return Ok(None),
            Err(fault) => return Err(fault),
        }
        let id = self.id.clone();
        let loaded = self.store.alive(now)?;
        let Some(seat) = loaded.state.members.get(agent) else { return Ok(None) };
        let Some(webhook) = seat.webhook.clone() else { return Ok(None) };
        let who = Who {
            agent: agent.clone(),
            seat: seat.number,
            proven: true,
            since: seat.since,
            tasks_since: seat.since,
            filter: Filter::default(),
        };
        let mut after = webhook.cursor;
        loop {
            let poll = PageRequest { after: Some(after), limit: 1, members: false, wait: 0 };
            let page = self.read(now, &who, poll, &BTreeSet::new())?;
            let Some(record) = page.messages.first() else {
                // No message up to the end is for this webhook, so they need not be read again.
                let loaded = self.store.alive(now)?;
                let seat = loaded.state.members.get_mut(agent);
                if let Some(webhook) = seat.and_then(|seat| seat.webhook.as_mut()) {
                    webhook.cursor = loaded.last;
                }
                return Ok(None);
            };
            after = page.next_cursor;
            let message: Message = serde_json::from_str(record.get())
                .map_err(|_| Fault::new("a stored message cannot be read"))?;
            if message.agent_id != agent.as_str() {
                let fields = record.get().strip_prefix('{').unwrap_or_default();
                let body = format!(r#"{{"type":"message","sessionId":"{id}",{fields}"#);
                let signature = format!("sha256={}", hmac(&webhook.secret, &body)?);
                let post =
                    Post { agent: agent.clone(), url: webhook.url, body, signature, cursor: after };
                return Ok(Some(post));
            }
        }
    }

    /// Records the result of a post: delivered, or the reason why not. Changes nothing if the
    /// webhook was meanwhile set again or removed.
    pub fn posted(
        &mut self,
        now: Timestamp,
        post: &Post,
        outcome: std::result::Result<(), String>,
    ) -> Result<()> {
        let mut state = match self.store.alive(now) {
            Ok(loaded) => loaded.state.clone(),
            Err(Error::Refused(_)) => return Ok(()),
            Err(fault) => return Err(fault),
        };
        let Some(seat) = state.members.get_mut(&post.agent) else { return Ok(()) };
        if outcome.is_ok() {
            // A receiver that responds shows that its agent is there. The agent named it with its
            // key.
            seat.hear(true, now);
        }
        let Some(webhook) = seat.webhook.as_mut() else { return Ok(()) };
        if webhook.url != post.url || webhook.cursor >= post.cursor {
            return Ok(());
        }
        if let Err(why) = outcome {
            let wait = usize::try_from(webhook.failures).ok().and_then(|tried| BACK_OFF.get(tried));
            webhook.failures = webhook.failures.saturating_add(1);
            webhook.next_attempt_at = wait.map(|wait| now.plus_millis(*wait));
            webhook.last_error = Some(why);
        } else {
            webhook.cursor = post.cursor;
            webhook.failures = 0;
            webhook.next_attempt_at = None;
            webhook.last_error = None;
        }
        self.store.save_quietly(state)?;
        Ok(())
    }
}

/// The seat of a member.
fn seat<'a>(state: &'a mut State, who: &Who) -> Result<&'a mut Seat, Refusal> {
    state.members.get_mut(&who.agent).ok_or_else(Refusal::not_in_session)
}
