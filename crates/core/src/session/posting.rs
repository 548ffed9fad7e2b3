//! What webhooks post, and when (section 3).
//!
//! A webhook first posts a challenge. If its receiver repeats it, every message that the agent may
//! read is posted, except its own, one at a time. If the receiver only accepts it, it gets pointers,
//! which say that there is something to read. All receivers on one host together get a limited
//! number of pointers, so that a session cannot flood a host that has never agreed. Each success or
//! failure is one write.

use super::{
    Session, Who,
    hook::Webhook,
    post::{Envelope, Outcome, Post, PostKind},
    state::State,
};
use crate::{Database, Error, Fault, Result};
use nexus_protocol::{
    AgentId, Cursor, Filter, Message, PageRequest, Timestamp, WebhookDelivery, WebhookState,
};
use serde_json::json;
use std::collections::BTreeSet;

/// Milliseconds between two pointers to one host: ten a minute.
const POINTER_INTERVAL: i64 = 6_000;

/// After how many milliseconds something overdue is repeated.
const RETRY: i64 = 1_000;

/// What comes next for a webhook.
enum Next {
    /// The message at this cursor, as the log stores it.
    Message(Cursor, String),
    /// There is something to read.
    Pointer,
    /// Everything up to the end of the log is read.
    Nothing,
}

impl<D: Database> Session<D> {
    /// The last posts of a session that its creator is about to end: one for each webhook that is
    /// not failing, as far as the limit on pointers allows.
    pub fn last_posts(&mut self, now: Timestamp, who: &Who) -> Result<Vec<Post>> {
        self.posts_of_end(now, who.agent().as_str())
    }

    /// The same, if the operator is about to end it. No agent can have this name.
    pub fn last_posts_by_operator(&mut self, now: Timestamp) -> Result<Vec<Post>> {
        self.posts_of_end(now, AgentId::OPERATOR)
    }

    fn posts_of_end(&mut self, now: Timestamp, by: &str) -> Result<Vec<Post>> {
        let id = self.id.clone();
        let loaded = self.store.alive(now)?;
        let (state, last) = (&loaded.state, loaded.last);
        let mut pointed = BTreeSet::new();
        let mut may_post = |webhook: &Webhook| match webhook.delivery() {
            WebhookDelivery::Whole => true,
            WebhookDelivery::Pointers => {
                pointed.insert(webhook.host()) && state.may_point(webhook, now)
            }
            WebhookDelivery::Unverified => false,
        };
        let body = json!({ "type": "event", "event": "ended", "by": by, "sessionId": id });
        let webhooks = state.webhooks(now, &self.limits);
        // MCP has no event for an end.
        let webhooks = webhooks.filter(|(_, webhook)| webhook.subscription.is_none());
        let working = webhooks.filter(|(_, webhook)| webhook.state() != WebhookState::Failing);
        let posts = working.filter(|(_, webhook)| may_post(webhook)).map(|(agent, webhook)| {
            let secrets = webhook.secrets(now).collect();
            let (url, subscription) = (&webhook.url, None);
            let envelope = Envelope { session: &id, agent, url, secrets, subscription };
            Ok(envelope.post(now, PostKind::End, last, body.to_string())?)
        });
        posts.collect()
    }

    /// The agents whose webhook has something to post now. Of those that share the pointers of one
    /// host, only the one that is furthest behind.
    pub fn webhooks_due(&mut self, now: Timestamp) -> Result<Vec<AgentId>> {
        let loaded = self.store.alive(now)?;
        let (state, last) = (&loaded.state, loaded.last);
        let webhooks = state.webhooks(now, &self.limits);
        let is_due =
            |webhook: &Webhook| state.post_due_at(webhook, last).is_some_and(|at| at <= now);
        let mut due: Vec<_> = webhooks.filter(|(_, webhook)| is_due(webhook)).collect();
        due.sort_by_key(|(_, webhook)| webhook.cursor);
        let mut hosts = BTreeSet::new();
        due.retain(|(_, webhook)| {
            webhook.delivery() != WebhookDelivery::Pointers || hosts.insert(webhook.host())
        });
        Ok(due.into_iter().map(|(agent, _)| agent.clone()).collect())
    }

    /// When an alarm must look after webhooks, leaving out those of `except`: to post, or to tell a
    /// member. What is overdue could not be done or stored, and is repeated after a pause.
    pub fn next_webhook_at(
        &mut self,
        now: Timestamp,
        except: &BTreeSet<AgentId>,
    ) -> Result<Option<Timestamp>> {
        let loaded = self.store.alive(now)?;
        let (state, last) = (&loaded.state, loaded.last);
        let waiting = state.webhooks(now, &self.limits);
        let waiting = waiting.filter(|(agent, _)| !except.contains(*agent));
        let times = waiting.flat_map(|(_, webhook)| {
            let posts = state.post_due_at(webhook, last).filter(|_| webhook.needs_alarm());
            [posts, webhook.tell_at()]
        });
        let next = times.flatten().min();
        Ok(next.map(|at| if at > now { at } else { now.plus_millis(RETRY) }))
    }

    /// What the webhook of `agent` must post next, if anything.
    pub fn next_post(&mut self, now: Timestamp, agent: &AgentId) -> Result<Option<Post>> {
        match self.webhooks_due(now) {
            Ok(due) if due.contains(agent) => {}
            // There is nothing to post, or the member is gone.
            Ok(_) | Err(Error::Refused(_)) => return Ok(None),
            Err(fault) => return Err(fault),
        }
        let loaded = self.store.alive(now)?;
        let last = loaded.last;
        let seat = loaded.state.members.get(agent);
        let Some(webhook) = seat.and_then(|seat| seat.webhook.clone()) else { return Ok(None) };
        let id = self.id.clone();
        let secrets = webhook.secrets(now).collect();
        let subscription =
            webhook.subscription.as_ref().map(|subscription| subscription.id.as_str());
        let envelope = Envelope { session: &id, agent, url: &webhook.url, secrets, subscription };
        if let Some(challenge) = webhook.challenge() {
            let body = json!({ "type": "webhook.verification", "challenge": challenge });
            let kind = PostKind::Challenge(challenge.to_owned());
            return Ok(Some(envelope.post(now, kind, webhook.cursor, body.to_string())?));
        }
        let post = match self.next_readable(now, agent, &webhook)? {
            Next::Message(cursor, record) if subscription.is_some() => {
                let body = event(&envelope.id(&PostKind::Message, cursor), cursor, &record)?;
                envelope.post(now, PostKind::Message, cursor, body)?
            }
            Next::Message(cursor, record) => {
                let fields = record.strip_prefix('{').unwrap_or_default();
                let body = format!(r#"{{"type":"message","sessionId":"{id}",{fields}"#);
                envelope.post(now, PostKind::Message, cursor, body)?
            }
            Next::Pointer => {
                let state = &mut self.store.alive(now)?.state;
                state.note_pointer(&webhook, now);
                let body = json!({
                    "type": "pointer", "sessionId": id, "agentId": agent, "cursor": last,
                });
                envelope.post(now, PostKind::Pointer, last, body.to_string())?
            }
            Next::Nothing => {
                // So that it is not read again.
                let seat = self.store.alive(now)?.state.members.get_mut(agent);
                if let Some(webhook) = seat.and_then(|seat| seat.webhook.as_mut()) {
                    webhook.cursor = last;
                }
                return Ok(None);
            }
        };
        Ok(Some(post))
    }

    /// The next message of another agent that the webhook's agent may read.
    fn next_readable(
        &mut self,
        now: Timestamp,
        agent: &AgentId,
        webhook: &Webhook,
    ) -> Result<Next> {
        let loaded = self.store.alive(now)?;
        let Some(seat) = loaded.state.members.get(agent) else { return Ok(Next::Nothing) };
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
            let Some(record) = page.messages.first() else { return Ok(Next::Nothing) };
            after = page.next_cursor;
            let message: Message = serde_json::from_str(record.get())
                .map_err(|_| Fault::new("a stored message cannot be read"))?;
            if message.agent_id == agent.as_str() {
                continue;
            }
            return Ok(match webhook.delivery() {
                WebhookDelivery::Whole => Next::Message(after, record.get().to_owned()),
                WebhookDelivery::Pointers | WebhookDelivery::Unverified => Next::Pointer,
            });
        }
    }

    /// Records the result of a post. Changes nothing if the webhook was meanwhile set again or
    /// removed.
    pub fn posted(&mut self, now: Timestamp, post: &Post, outcome: Outcome) -> Result<()> {
        let mut state = match self.store.alive(now) {
            Ok(loaded) => loaded.state.clone(),
            Err(Error::Refused(_)) => return Ok(()),
            Err(fault) => return Err(fault),
        };
        let Some(seat) = state.members.get_mut(&post.agent) else { return Ok(()) };
        let Some(webhook) = seat.webhook.as_mut() else { return Ok(()) };
        let Some(is_theirs) = webhook.posted(now, post, outcome) else { return Ok(()) };
        if is_theirs {
            // A receiver that has agreed and responds shows that its agent is there. The agent
            // named it with its key.
            seat.hear(true, now);
        }
        self.store.save_quietly(state)?;
        Ok(())
    }
}

/// The event of MCP that a message is: where there is something to read, and from whom, but nothing of what was
/// written, for it wakes an agent.
fn event(id: &str, cursor: Cursor, record: &str) -> Result<String, Fault> {
    let message: Message =
        serde_json::from_str(record).map_err(|_| Fault::new("a stored message cannot be read"))?;
    // What the relay itself writes. No agent can have either name.
    let is_relays = message.agent_id == AgentId::SYSTEM;
    let from = if is_relays { "relay" } else { message.agent_id.as_str() };
    let hint = format!("A message from {from} waits. Call `read` with your seat.");
    let body = json!({
        "eventId": id,
        "name": "message.received",
        "timestamp": message.sent_at,
        "data": { "from": from, "hint": hint },
        "cursor": cursor,
    });
    Ok(body.to_string())
}

impl State {
    /// When a webhook may post next, if it has anything to post. A time that has passed means now.
    fn post_due_at(&self, webhook: &Webhook, last: Cursor) -> Option<Timestamp> {
        let at = webhook.due_at(last)?;
        let is_pointer = webhook.delivery() == WebhookDelivery::Pointers;
        let free = is_pointer.then(|| self.pointers.get(&webhook.host()).copied()).flatten();
        Some(at.max(free.unwrap_or_default()))
    }

    /// Whether a pointer may go to the webhook's host now.
    fn may_point(&self, webhook: &Webhook, now: Timestamp) -> bool {
        self.pointers.get(&webhook.host()).is_none_or(|free| *free <= now)
    }

    /// Notes that a pointer goes to the webhook's host now.
    fn note_pointer(&mut self, webhook: &Webhook, now: Timestamp) {
        self.pointers.retain(|_, free| *free > now);
        self.pointers.insert(webhook.host(), now.plus_millis(POINTER_INTERVAL));
    }
}
