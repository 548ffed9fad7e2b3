//! The log: sending, which writes one row, and what all operations on the log share.

use super::{
    Session, Who,
    delivery::Delivery,
    state::Seat,
    store::{About, Loaded},
};
use crate::{Database, Error, Fault, Result, redaction::Redaction, repeat::Repeat};
use nexus_protocol::{
    AgentId, Filter, IdempotencyKey, Kind, Limits, Message, MessageId, Recipients, Redact, Refusal,
    SendMessage, Sent, Timestamp,
};
use serde::{Deserialize, Serialize};

/// `!` is the character after the space that ends a key.
const FIND_SENT: &str = "SELECT record, idempotency_key FROM log WHERE agent_id = ?1
    AND (idempotency_key = ?2 OR idempotency_key >= ?2 || ' ' AND idempotency_key < ?2 || '!')";

/// A kind of call that can be repeated with an idempotency key.
#[derive(Clone, Copy)]
pub(super) enum Call {
    Send,
    Task,
    File,
}

impl Who {
    /// The stored form of an idempotency key. It names the seat, so that an earlier agent of the
    /// same name is not confused with it. It names the kind of call, because another kind has
    /// another answer. It says whether the key was proven, so that a caller without the proof
    /// cannot use up keys of the member.
    pub(super) fn scoped(&self, call: Call, key: &IdempotencyKey) -> String {
        let call = match call {
            Call::Send => "",
            Call::Task => "t",
            Call::File => "f",
        };
        format!("{}{}{call}:{key}", self.seat, if self.proven { "v" } else { "u" })
    }

    /// The same member, reading only messages that match the filter.
    #[must_use]
    pub fn wanting(self, filter: Filter) -> Self {
        Self { filter, ..self }
    }

    /// Whether this reader may read the message. The same rule as in `reading`, for one message.
    #[must_use]
    pub fn may_read(&self, delivery: &Delivery) -> bool {
        let message = &delivery.message;
        if message.kind.is_some_and(Kind::is_event) {
            let reaches = match &message.to {
                Some(to) => to.as_slice().contains(&self.agent) && message.cursor > self.since,
                None => !(self.filter.others && self.is_of(message)),
            };
            return self.filter.events && reaches;
        }
        let since = if message.kind == Some(Kind::Task) { self.tasks_since } else { self.since };
        let reaches = message.to.as_ref().is_none_or(|to| {
            let sent = message.agent_id == self.agent.as_str();
            (sent || to.as_slice().contains(&self.agent)) && message.cursor > since
        });
        let wanted = !(self.filter.others && self.wrote(message));
        reaches && wanted && self.filter.passes(message.topic.as_deref(), &message.tags)
    }

    /// Whether an event is about the reader.
    fn is_of(&self, event: &Message) -> bool {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct About {
            agent_id: Option<AgentId>,
        }
        let json = event.json.as_ref().map(|json| json.get());
        let about = json.and_then(|json| serde_json::from_str::<About>(json).ok());
        about.and_then(|about| about.agent_id).is_some_and(|agent| agent == self.agent)
    }

    /// Whether the reader wrote the message. For a reader that has proven its key, only verified
    /// messages under its name are its own.
    fn wrote(&self, message: &Message) -> bool {
        message.agent_id == self.agent.as_str() && (message.verified || !self.proven)
    }
}

impl<D: Database> Session<D> {
    /// `POST /v1/sessions/:id/messages` (section 3). A call that repeats an idempotency key of the
    /// same seat stores nothing, returns the first answer again, and has nothing to deliver.
    pub fn send(
        &mut self,
        now: Timestamp,
        who: &Who,
        idempotency_key: Option<&IdempotencyKey>,
        request: SendMessage,
    ) -> Result<(Sent, Option<Delivery>)> {
        self.seated(now, who)?;
        let scoped = |key| Repeat::new(&who.scoped(Call::Send, key), &request);
        let repeat = idempotency_key.map(scoped).transpose()?;
        if let Some(record) = self.sent_before(&who.agent, repeat.as_ref())? {
            let sent = serde_json::from_str(&record)
                .map_err(|_| Fault::new("a stored message cannot be read"))?;
            return Ok((sent, None));
        }
        let mut redaction = self.redaction(now, who, request.redact)?;
        let request = redaction.clean(request)?.into_inner();
        let loaded = self.store.alive(now)?;
        // If the clock goes back, the end must not come earlier than a response reported.
        let now = now.max(loaded.last_sent_at);
        let to = request.to.map(|to| members_named(loaded, to, now, &self.limits)).transpose()?;
        let recipients = to.as_ref().map(|to| listed(to.as_slice()));
        let mut message = next_message(loaded, now, Some(who));
        message.reply_to = known_reply(loaded, request.reply_to)?;
        (message.text, message.json, message.to) = (request.text, request.json, to);
        (message.topic, message.tags) = (request.topic, request.tags);
        message.unredacted = redaction.is_off();
        message.redacted = redaction.found();
        let delivery = self.append(now, message, recipients, repeat, About::Nothing)?;
        // The message is stored and restarts the TTL by itself. A failure to store that its sender
        // was heard must not turn the send into a failure.
        let durable = self.limits.agent_inactivity > 0;
        let _ = self.note(now, who, durable);
        let message = &delivery.message;
        let sent = Sent {
            ok: true,
            id: message.id.clone(),
            cursor: message.cursor,
            expires_at: message.expires_at,
            verified: message.verified,
            redacted: message.redacted.clone(),
            unredacted: message.unredacted,
        };
        Ok((sent, Some(delivery)))
    }

    /// Stores a message at the end of the log, if there is room. After the write, nothing can
    /// refuse.
    pub(super) fn append(
        &mut self,
        now: Timestamp,
        message: Message,
        recipients: Option<String>,
        repeat: Option<Repeat>,
        about: About,
    ) -> Result<Delivery> {
        let record = serde_json::to_string(&message).map_err(Fault::new)?;
        let size = self.make_room(now, &message, record.len(), &about)?;
        let sender = Some(message.agent_id.as_str()).filter(|sender| *sender != AgentId::SYSTEM);
        let values = vec![
            message.cursor.as_i64().into(),
            sender.into(),
            recipients.into(),
            now.as_millis().into(),
            repeat.map(Repeat::into_stored).into(),
            record.as_str().into(),
        ];
        self.store.append(message.cursor, now, values, about)?;
        self.size = size;
        Ok(Delivery { record, message })
    }

    /// The next message about a task or a file, from `who` or from the relay itself.
    pub(super) fn next_news(
        &mut self,
        now: Timestamp,
        who: Option<&Who>,
        kind: Kind,
    ) -> Result<Message> {
        let loaded = self.store.alive(now)?;
        let mut message = next_message(loaded, now.max(loaded.last_sent_at), who);
        message.kind = Some(kind);
        Ok(message)
    }

    /// Records that a member was heard, and restarts the TTL, as a poll does.
    pub fn hear(&mut self, now: Timestamp, who: &Who) -> Result<()> {
        self.seated(now, who)?;
        self.note(now, who, true)
    }

    /// Whether a member still has the seat that it had when it was let in.
    pub fn is_seated(&mut self, now: Timestamp, who: &Who) -> Result<bool> {
        match self.seated(now, who) {
            Ok(()) => Ok(true),
            Err(Error::Refused(_)) => Ok(false),
            Err(fault) => Err(fault),
        }
    }

    /// Whether an agent is a member.
    pub fn has(&mut self, now: Timestamp, agent: &AgentId) -> Result<bool> {
        Ok(self.store.alive(now)?.state.seat(agent, now, &self.limits).is_some())
    }

    /// Records in memory that an agent has a socket open. Does not restart the TTL. The call that
    /// opened the socket has recorded whether the key was proven.
    pub fn present(&mut self, now: Timestamp, agent: &AgentId) -> Result<()> {
        if let Some(seat) = self.store.alive(now)?.state.members.get_mut(agent) {
            seat.heard.hear(now);
        }
        Ok(())
    }

    /// What removes the secrets of something that `who` sends, or leaves them in, if `who` asks for
    /// that and may.
    pub(super) fn redaction(
        &mut self,
        now: Timestamp,
        who: &Who,
        redact: Redact,
    ) -> Result<Redaction> {
        let state = &self.store.alive(now)?.state;
        if state.key_id.is_some() {
            return Ok(Redaction::sealed());
        }
        if redact == Redact::On {
            return Ok(Redaction::default());
        }
        let has_token = state.token.is_some();
        if !self.limits.unredacted.in_session(has_token) {
            return Err(Refusal::redaction_required().into());
        }
        if !who.proven {
            return Err(Refusal::redaction_needs_key().into());
        }
        Ok(Redaction::off())
    }

    /// Refuses a member whose seat is gone.
    pub(super) fn seated(&mut self, now: Timestamp, who: &Who) -> Result<()> {
        let loaded = self.store.alive(now)?;
        let seat = seat(loaded, &who.agent, now, &self.limits)?;
        if seat.number == who.seat { Ok(()) } else { Err(Refusal::not_in_session().into()) }
    }

    /// Records that a member was heard. If `durable`, also stores it if the stored time is too far
    /// behind.
    pub(super) fn note(&mut self, now: Timestamp, who: &Who, durable: bool) -> Result<()> {
        let loaded = self.store.alive(now)?;
        loaded.state.hear(&who.agent, who.proven, now);
        if durable && loaded.is_behind(&who.agent, &self.limits) {
            let state = loaded.state.clone();
            self.store.save_quietly(state)?;
        }
        Ok(())
    }

    /// Begins a call that changes something. Records that the member was heard, and looks for an
    /// earlier call of the same kind with the same key. Returns the key in its stored form, and the
    /// message of the earlier call.
    pub(super) fn begin(
        &mut self,
        now: Timestamp,
        who: &Who,
        call: Call,
        key: Option<&IdempotencyKey>,
        request: &impl Serialize,
    ) -> Result<(Option<Repeat>, Option<String>)> {
        self.hear(now, who)?;
        let repeat = key.map(|key| Repeat::new(&who.scoped(call, key), request)).transpose()?;
        let before = self.sent_before(&who.agent, repeat.as_ref())?;
        Ok((repeat, before))
    }

    /// What an agent has stored under a key that it repeats. Refused if it asked for something else under it.
    pub(super) fn sent_before(
        &self,
        agent: &AgentId,
        repeat: Option<&Repeat>,
    ) -> Result<Option<String>> {
        let Some(repeat) = repeat else { return Ok(None) };
        let values = [agent.as_str().into(), repeat.key().into()];
        let found =
            self.store.database.first(FIND_SENT, &values, |row| Ok((row.text()?, row.text()?)))?;
        let Some((record, stored)) = found else { return Ok(None) };
        repeat.check(&stored)?;
        Ok(Some(record))
    }
}

/// The seat of a member. Refuses an agent that is not one.
fn seat<'a>(
    loaded: &'a Loaded,
    agent: &AgentId,
    now: Timestamp,
    limits: &Limits,
) -> Result<&'a Seat, Refusal> {
    loaded.state.seat(agent, now, limits).ok_or_else(Refusal::not_in_session)
}

/// The next message of the log, from `who` or from the relay itself, without content.
pub(super) fn next_message(loaded: &Loaded, now: Timestamp, who: Option<&Who>) -> Message {
    let cursor = loaded.last.next();
    Message {
        id: MessageId::new(loaded.state.salt, cursor),
        agent_id: who.map_or(AgentId::SYSTEM, |who| who.agent.as_str()).to_owned(),
        kind: None,
        by: None,
        text: None,
        json: None,
        hint: None,
        cursor,
        verified: who.is_some_and(|who| who.proven),
        sent_at: now,
        expires_at: now.plus_seconds(loaded.state.ttl),
        to: None,
        reply_to: None,
        topic: None,
        tags: Vec::new(),
        redacted: Vec::new(),
        unredacted: false,
    }
}

/// Refuses a reply to a message that is not in the log.
fn known_reply(loaded: &Loaded, id: Option<MessageId>) -> Result<Option<MessageId>, Refusal> {
    let salt = loaded.state.salt;
    let known = |id: &MessageId| id.cursor_in(salt).is_some_and(|cursor| cursor <= loaded.last);
    match id {
        Some(id) if !known(&id) => {
            Err(Refusal::invalid("replyTo", "must be the id of a message of this session"))
        }
        id => Ok(id),
    }
}

/// Recipients, as the session spells their names. Refuses a recipient that is not a member.
fn members_named(
    loaded: &Loaded,
    to: Recipients,
    now: Timestamp,
    limits: &Limits,
) -> Result<Recipients, Refusal> {
    let name = |agent: &AgentId| {
        let found = loaded.state.find(agent, now, limits).map(|(name, _)| name.clone());
        found.ok_or_else(|| Refusal::agent_not_found(agent.as_str()))
    };
    Ok(match to {
        Recipients::One(agent) => Recipients::One(name(&agent)?),
        Recipients::Many(agents) => {
            Recipients::Many(agents.iter().map(name).collect::<Result<_, _>>()?)
        }
    })
}

/// Recipients in their stored form, `,a,b,`.
pub(super) fn listed(agents: &[AgentId]) -> String {
    agents.iter().fold(String::from(","), |list, agent| list + agent.as_str() + ",")
}
