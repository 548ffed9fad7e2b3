//! Webhooks (section 3): setting, reading and removing one, and telling its member of trouble.
//!
//! A webhook is a reader with its own cursor, stored in the seat of its agent. `posting` decides what
//! it posts and when, `hook` what follows.

use super::{
    Event, Session, Who,
    delivery::Delivery,
    hook::{Subscription, Webhook},
    post::{Envelope, Outcome, Post, PostKind},
    state::State,
};
use crate::{Database, Random, Result};
use nexus_protocol::{
    AgentId, Cursor, Refusal, SetWebhook, Timestamp, WebhookRemoved, WebhookStatus, hex,
    webhook_host,
};
use serde_json::json;
use std::collections::BTreeSet;

impl<D: Database> Session<D> {
    /// `PUT /v1/sessions/:id/webhook` (section 3), with `Need::OwnKey`. Anyone could act for a seat
    /// without a key, and have its messages sent elsewhere. The receiver must answer a new
    /// challenge, even if it has answered an earlier one. Refuses a cursor past the end of the log,
    /// and one host too many.
    pub fn set_webhook(
        &mut self,
        now: Timestamp,
        who: &Who,
        request: SetWebhook,
        random: &mut impl Random,
    ) -> Result<WebhookStatus> {
        let challenge = hex(&random.bytes::<16>()?);
        let (mut state, cursor) = self.may_set(now, who, &request)?;
        let seat = state.members.get_mut(&who.agent).ok_or_else(Refusal::not_in_session)?;
        let webhook = Webhook::new(now, request, cursor, challenge, seat.webhook.take());
        let status = seat.webhook.insert(webhook).status();
        self.store.save(state)?;
        Ok(status)
    }

    /// The question to whoever is to receive events of MCP (docs/mcp.md), with `Need::OwnKey`. Nothing changes until
    /// it is answered. Refuses what [`Self::set_webhook`] refuses.
    pub fn ask_subscriber(
        &mut self,
        now: Timestamp,
        who: &Who,
        request: &SetWebhook,
        subscription: &Subscription,
        random: &mut impl Random,
    ) -> Result<Post> {
        let (_, cursor) = self.may_set(now, who, request)?;
        let challenge = hex(&random.bytes::<16>()?);
        let envelope = Envelope {
            session: &self.id,
            agent: &who.agent,
            url: &request.url,
            secrets: vec![&request.secret],
            subscription: Some(&subscription.id),
        };
        let body = json!({ "type": "verification", "challenge": challenge });
        Ok(envelope.post(now, PostKind::Challenge(challenge), cursor, body.to_string())?)
    }

    /// Subscribes, in place of the webhook that there was, if the receiver has repeated the challenge of `post`.
    /// Otherwise nothing changes, and the text says why.
    pub fn subscribe(
        &mut self,
        now: Timestamp,
        who: &Who,
        request: SetWebhook,
        subscription: Subscription,
        (post, outcome): (&Post, &Outcome),
    ) -> Result<std::result::Result<WebhookStatus, String>> {
        if let Some(why) = post.refused_by(outcome) {
            return Ok(Err(why));
        }
        let (mut state, cursor) = self.may_set(now, who, &request)?;
        let seat = state.members.get_mut(&who.agent).ok_or_else(Refusal::not_in_session)?;
        let before = seat.webhook.take();
        let webhook = Webhook::subscribed(now, request, cursor, subscription, before);
        let status = seat.webhook.insert(webhook).status();
        self.store.save(state)?;
        Ok(Ok(status))
    }

    /// The state in which a webhook may be set, and where it is to begin. Refuses a cursor past the end of the log, and
    /// one host too many.
    fn may_set(
        &mut self,
        now: Timestamp,
        who: &Who,
        request: &SetWebhook,
    ) -> Result<(State, Cursor)> {
        self.seated(now, who)?;
        let (state, last) = self.next_state(now)?;
        if request.after.is_some_and(|after| after > last) {
            let rule = "must not be past the newest message: leave it out to begin there";
            return Err(Refusal::invalid("after", rule).into());
        }
        check_hosts(&state, who, &request.url, self.limits.max_webhook_hosts)?;
        let seat = state.members.get(&who.agent).ok_or_else(Refusal::not_in_session)?;
        let continues = seat.webhook.as_ref().filter(|before| before.url == request.url);
        let cursor = request.after.or(continues.map(|before| before.cursor)).unwrap_or(last);
        Ok((state, cursor))
    }

    /// `GET /v1/sessions/:id/webhook` (section 3).
    pub fn webhook(&mut self, now: Timestamp, who: &Who) -> Result<WebhookStatus> {
        self.seated(now, who)?;
        let seat = self.store.alive(now)?.state.members.get(&who.agent);
        let webhook = seat.ok_or_else(Refusal::not_in_session)?.webhook.as_ref();
        Ok(webhook.ok_or_else(Refusal::webhook_not_found)?.status())
    }

    /// `DELETE /v1/sessions/:id/webhook` (section 3).
    pub fn remove_webhook(&mut self, now: Timestamp, who: &Who) -> Result<WebhookRemoved> {
        self.seated(now, who)?;
        let (mut state, _) = self.next_state(now)?;
        let seat = state.members.get_mut(&who.agent).ok_or_else(Refusal::not_in_session)?;
        seat.webhook.take().ok_or_else(Refusal::webhook_not_found)?;
        self.store.save(state)?;
        Ok(WebhookRemoved { ok: true })
    }

    /// Tells members whose webhook has failed for a while, once for each time that it fails, or was
    /// ended by its receiver, which removes it. Returns what to deliver.
    pub fn settle_webhooks(&mut self, now: Timestamp) -> Result<Vec<Delivery>> {
        let mut told = Vec::new();
        while let Some(agent) = self.webhook_to_tell_of(now)? {
            let mut state = self.store.alive(now)?.state.clone();
            let Some(seat) = state.members.get_mut(&agent) else { break };
            let Some(webhook) = seat.webhook.as_mut() else { break };
            let (why, is_removed) = webhook.note_told();
            if is_removed {
                seat.webhook = None;
            }
            let event = Event::WebhookFailing { agent, why, is_removed };
            told.extend(self.store_event(now, state, &event)?);
        }
        Ok(told)
    }

    /// A member that must be told now.
    fn webhook_to_tell_of(&mut self, now: Timestamp) -> Result<Option<AgentId>> {
        let loaded = self.store.alive(now)?;
        let mut webhooks = loaded.state.webhooks(now, &self.limits);
        let found = webhooks.find(|(_, webhook)| webhook.tell_at().is_some_and(|at| at <= now));
        Ok(found.map(|(agent, _)| agent.clone()))
    }
}

/// Refuses a webhook that leads to a host of its own if there are too many.
fn check_hosts(state: &State, who: &Who, url: &str, limit: u32) -> Result<(), Refusal> {
    let others = state.members.iter().filter(|(agent, _)| **agent != who.agent);
    let webhooks = others.filter_map(|(_, seat)| seat.webhook.as_ref());
    let mut hosts: BTreeSet<String> = webhooks.map(Webhook::host).collect();
    let is_new = hosts.insert(webhook_host(url));
    let is_too_many = hosts.len() > usize::try_from(limit).unwrap_or(usize::MAX);
    if is_new && is_too_many { Err(Refusal::too_many_webhook_hosts(limit)) } else { Ok(()) }
}
