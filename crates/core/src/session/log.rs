//! The log: sending writes one row, polling none.

use super::{Caller, Session, state::Seat, store::Loaded};
use crate::{Database, Error, Fault, Result, Row, Value, page};
use nexus_protocol::{
    AgentId, Cursor, IdempotencyKey, Limits, Member, Message, MessageId, Page, PageRequest,
    Recipients, Refusal, SendMessage, Sent, Timestamp,
};
use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};
use std::collections::BTreeSet;

const FIND_SENT: &str = "SELECT record FROM log WHERE agent_id = ?1 AND idempotency_key = ?2";
const READ: &str = "SELECT cursor, record FROM log
    WHERE cursor > ?1
      AND (recipients IS NULL
           OR (cursor > ?2 AND (agent_id = ?3 OR instr(recipients, ?4) > 0)))
    ORDER BY cursor LIMIT ?5";

/// The directory is told at every so many messages.
const REPORT_EVERY: i64 = 64;

/// Who a reader or sender is, and whether it proved it. Lasts as long as the seat: a socket keeps it
/// between its messages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    pub(super) agent: AgentId,
    pub(super) seat: u32,
    pub(super) proven: bool,
    /// What was directed to the name before this stands outside of its reach; all of it, unproven.
    pub(super) since: Cursor,
}

/// A message that was just stored, for those who read as it comes.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// The message as JSON.
    pub record: String,
    /// Its place.
    pub cursor: Cursor,
    sender: AgentId,
    to: Option<Recipients>,
}

impl Identity {
    /// The agent.
    #[must_use]
    pub fn agent(&self) -> &AgentId {
        &self.agent
    }

    /// Whether the message is for this reader: the rule of [`READ`], for one message.
    #[must_use]
    pub fn may_read(&self, delivery: &Delivery) -> bool {
        delivery.to.as_ref().is_none_or(|to| {
            let named = delivery.sender == self.agent || to.as_slice().contains(&self.agent);
            named && delivery.cursor > self.since
        })
    }
}

impl<D: Database> Session<D> {
    /// Who calls, as a member (section 2). Refuses one that is not, and a wrong key.
    pub fn identify(&mut self, now: Timestamp, caller: &Caller) -> Result<Identity> {
        let loaded = self.store.alive(now)?;
        let seat = seat(loaded, &caller.agent, now, &self.limits)?;
        let proven = seat.prove(caller.key.as_ref(), loaded.state.require_keys)?;
        Ok(Identity {
            agent: caller.agent.clone(),
            seat: seat.number,
            proven,
            since: if proven { seat.since } else { Cursor::MAX },
        })
    }

    /// `POST /v1/sessions/:id/messages` (section 3). With an idempotency key that the same agent has
    /// used before, the first answer again, and nothing is stored: then there is nothing to deliver.
    pub fn send(
        &mut self,
        now: Timestamp,
        who: &Identity,
        idempotency_key: Option<&IdempotencyKey>,
        request: SendMessage,
    ) -> Result<(Sent, Option<Delivery>)> {
        self.seated(now, who)?;
        // Of this seat, not of an earlier agent of the same name; and one who does not prove the key
        // must not be able to use up the keys of one who does.
        let scope = format!("{}{}", who.seat, if who.proven { "v" } else { "u" });
        let repeat = idempotency_key.map(|key| format!("{scope}:{key}"));
        if let Some(key) = &repeat
            && let Some(sent) = self.sent_before(&who.agent, key)?
        {
            return Ok((sent, None));
        }
        let loaded = self.store.alive(now)?;
        // A clock that goes back must not bring the end nearer than was promised.
        let now = now.max(loaded.last_sent_at);
        let recipients = recipients(loaded, &request, now, &self.limits)?;
        let message = next_message(loaded, now, who, request)?;
        let sent = Sent {
            id: message.id.clone(),
            cursor: message.cursor,
            expires_at: message.expires_at,
            verified: message.verified,
        };
        let record = serde_json::to_string(&message).map_err(Fault::new)?;
        let values: [Value; 6] = [
            sent.cursor.as_i64().into(),
            who.agent.as_str().into(),
            recipients.into(),
            now.as_millis().into(),
            repeat.into(),
            record.as_str().into(),
        ];
        self.store.append(sent.cursor, now, &values)?;
        self.store.report_due |= sent.cursor.as_i64() % REPORT_EVERY == 0;
        // The message itself stores that the session is active, and is stored: that its sender was
        // heard is not worth a failure.
        let durable = self.limits.agent_inactivity > 0;
        let _ = self.note(now, &who.agent, durable);
        let sender = who.agent.clone();
        Ok((sent.clone(), Some(Delivery { record, cursor: sent.cursor, sender, to: message.to })))
    }

    /// Reads on for a member that was heard before: `GET /v1/sessions/:id/messages` (section 3)
    /// without restarting the TTL. `connected` are the agents that have a socket open.
    pub fn read(
        &mut self,
        now: Timestamp,
        who: &Identity,
        request: PageRequest,
        connected: &BTreeSet<AgentId>,
    ) -> Result<Page> {
        self.seated(now, who)?;
        let loaded = self.store.alive(now)?;
        let greeting = match request.after {
            None => greeting(loaded)?,
            Some(_) => None,
        };
        let mut page = Page {
            messages: greeting.into_iter().collect(),
            next_cursor: request.after.unwrap_or(Cursor::START),
            has_more: false,
            members: request.members.then(|| members(loaded, now, &self.limits, connected)),
        };
        self.read_into(&mut page, &who.agent, who.since, request.limit)?;
        Ok(page)
    }

    /// Notes that a member was heard, and so restarts the TTL, as a poll does.
    pub fn hear(&mut self, now: Timestamp, who: &Identity) -> Result<()> {
        self.seated(now, who)?;
        self.note(now, &who.agent, true)
    }

    /// Whether a member has the seat that it had when it was identified.
    pub fn is_seated(&mut self, now: Timestamp, who: &Identity) -> Result<bool> {
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

    /// Notes, in memory, that an agent is here, without restarting the TTL: a socket is open.
    pub fn present(&mut self, now: Timestamp, agent: &AgentId) -> Result<()> {
        if let Some(seat) = self.store.alive(now)?.state.members.get_mut(agent) {
            seat.heard.hear(now);
        }
        Ok(())
    }

    /// Refuses one whose seat is gone.
    fn seated(&mut self, now: Timestamp, who: &Identity) -> Result<()> {
        let loaded = self.store.alive(now)?;
        let seat = seat(loaded, &who.agent, now, &self.limits)?;
        if seat.number == who.seat { Ok(()) } else { Err(Refusal::not_in_session().into()) }
    }

    /// Fills `page` up to `limit` messages from the log after its `next_cursor`.
    fn read_into(
        &self,
        page: &mut Page,
        agent: &AgentId,
        since: Cursor,
        limit: u32,
    ) -> Result<(), Fault> {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        // One more than is returned, to know whether there is more.
        let rows = limit.saturating_sub(page.messages.len()).saturating_add(1);
        let values: [Value; 5] = [
            page.next_cursor.as_i64().into(),
            since.as_i64().into(),
            agent.as_str().into(),
            format!(",{agent},").into(),
            i64::try_from(rows).unwrap_or(i64::MAX).into(),
        ];
        page::fill(&self.store.database, READ, &values, page, limit, &mut |_, _| Ok(()))
    }

    /// Notes that `agent` was heard. Where `durable`, stores it if what is stored has fallen behind.
    fn note(&mut self, now: Timestamp, agent: &AgentId, durable: bool) -> Result<()> {
        let state = &mut self.store.alive(now)?.state;
        let behind = state.hear(agent, now);
        if durable && behind >= state.save_interval(&self.limits) {
            let state = state.clone();
            self.store.save(state)?;
        }
        Ok(())
    }

    fn sent_before(&self, agent: &AgentId, key: &str) -> Result<Option<Sent>, Fault> {
        let values: [Value; 2] = [agent.as_str().into(), key.into()];
        let record = self.store.database.first(FIND_SENT, &values, Row::text)?;
        record
            .map(|record| {
                serde_json::from_str(&record)
                    .map_err(|_| Fault::new("a stored message cannot be read"))
            })
            .transpose()
    }
}

/// The seat of an agent; refused if it is not a member.
fn seat<'a>(
    loaded: &'a Loaded,
    agent: &AgentId,
    now: Timestamp,
    limits: &Limits,
) -> Result<&'a Seat, Refusal> {
    loaded.state.seat(agent, now, limits).ok_or_else(Refusal::not_in_session)
}

/// The message at the end of the log. Refuses a reply to what is not in it.
fn next_message(
    loaded: &Loaded,
    now: Timestamp,
    who: &Identity,
    request: SendMessage,
) -> Result<Message, Refusal> {
    let salt = loaded.state.salt;
    let known = |id: &MessageId| id.cursor_in(salt).is_some_and(|cursor| cursor <= loaded.last);
    if request.reply_to.as_ref().is_some_and(|id| !known(id)) {
        return Err(Refusal::invalid("replyTo", "must be the id of a message of this session"));
    }
    let cursor = loaded.last.next();
    Ok(Message {
        id: MessageId::new(salt, cursor),
        agent_id: who.agent.to_string(),
        text: request.text,
        json: request.json,
        cursor,
        verified: who.proven,
        sent_at: now,
        expires_at: now.plus_seconds(loaded.state.ttl),
        to: request.to,
        reply_to: request.reply_to,
    })
}

/// The recipients as the table keeps them, `,a,b,`; none when the message is for everyone.
fn recipients(
    loaded: &Loaded,
    request: &SendMessage,
    now: Timestamp,
    limits: &Limits,
) -> Result<Option<String>, Error> {
    let Some(to) = &request.to else {
        return Ok(None);
    };
    let mut list = String::from(",");
    for agent in to.as_slice() {
        if loaded.state.seat(agent, now, limits).is_none() {
            return Err(Refusal::agent_not_found(agent.as_str()).into());
        }
        list.push_str(agent.as_str());
        list.push(',');
    }
    Ok(Some(list))
}

/// The members, for those who ask.
fn members(
    loaded: &Loaded,
    now: Timestamp,
    limits: &Limits,
    connected: &BTreeSet<AgentId>,
) -> Vec<Member> {
    let interval = loaded.state.save_interval(limits);
    let shown = |(agent, seat): (&AgentId, &Seat)| {
        let member = seat.shown(agent, now, interval);
        Member { online: member.online || connected.contains(agent), ..member }
    };
    loaded.state.seats(now, limits).map(shown).collect()
}

/// The greeting as a message.
fn greeting(loaded: &Loaded) -> Result<Option<Box<RawValue>>, Fault> {
    let state = &loaded.state;
    let Some(text) = state.greeting.clone() else {
        return Ok(None);
    };
    let message = Message {
        id: MessageId::new(state.salt, Cursor::START),
        agent_id: AgentId::SYSTEM.to_owned(),
        text: Some(text),
        json: None,
        cursor: Cursor::START,
        verified: false,
        sent_at: state.created_at,
        expires_at: loaded.stored_deadline(),
        to: None,
        reply_to: None,
    };
    to_raw_value(&message).map(Some).map_err(Fault::new)
}
