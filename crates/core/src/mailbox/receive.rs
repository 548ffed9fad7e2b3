//! How a message is sent: what the sender's mailbox passes on, what the recipient's mailbox
//! decides, and the sender's copy.

use super::{About, Facts, Mailbox, conversation::Thread, lists::List, store::Entry};
use crate::{
    Database, Digest, Error, Fault, Random, Result, Value,
    meter::{RATE_WINDOW, rate_wait},
    redaction::Redaction,
    repeat::{self, Repeat},
};
use nexus_protocol::{
    AgentId, ConversationId, Cursor, EndReason, IdempotencyKey, Mail, MailDelivery, MailSent,
    MessageId, Redact, Redacted, Refusal, SendMail, Timestamp,
};
use serde::{Deserialize, Serialize};

const FROM_SENDER: &str = "SELECT count(*), coalesce(min(sent_at), 0) FROM mail
    WHERE other = ?1 AND cursor > coalesce(
        (SELECT cursor FROM mail WHERE cursor > 0 AND sent_at <= ?2 ORDER BY cursor DESC LIMIT 1), 0)";
const FIND: &str = "SELECT delivered_at, record FROM mail WHERE cursor = ?1 AND record <> ''";

/// What a sender's mailbox passes to the recipient's.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Letter {
    /// The sender, whose proof was valid.
    pub from: AgentId,
    /// The name on the sender's card.
    #[serde(default)]
    pub name: String,
    /// Makes repeating the send harmless.
    pub key: Option<IdempotencyKey>,
    /// A digest of what was asked for under the key.
    #[serde(default)]
    pub asked: String,
    /// What is sent.
    pub message: SendMail,
    /// The conversation of the message.
    pub conversation: ConversationId,
    /// What the sender's mailbox knows of the conversation. Null if the conversation is new there.
    pub facts: Option<Facts>,
    /// The secrets that were removed from the message.
    #[serde(default)]
    pub redacted: Vec<Redacted>,
}

/// The answer of the recipient's mailbox, once the message is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accepted {
    /// The answer to the send.
    pub sent: MailSent,
    /// What is known of the conversation, including this message.
    pub facts: Facts,
}

/// A message that was just stored, to be sent to connected readers.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// The message as JSON.
    pub record: String,
    /// The cursor of the message.
    pub cursor: Cursor,
    /// The conversation, if this message used its last turn.
    pub last_turn: Option<About>,
}

impl<D: Database> Mailbox<D> {
    /// What to pass to the mailbox of `to` for a send (section 8), with secrets removed (section
    /// 7). Stores nothing. Refuses a message to oneself, and an id that is used for a conversation
    /// with another agent.
    pub fn letter(
        &mut self,
        now: Timestamp,
        to: &AgentId,
        key: Option<&IdempotencyKey>,
        message: SendMail,
        random: &mut impl Random,
    ) -> Result<Letter> {
        let state = &self.store.registered(&self.id)?.state;
        let (salt, name) = (state.salt, state.card.name.clone());
        if *to == self.id {
            return Err(Refusal::invalid("agentId", "must be another agent than yourself").into());
        }
        let conversation = match (&message.conversation_id, key) {
            (Some(conversation), _) => conversation.clone(),
            // A repeat must name the same conversation, or it would not be recognised as one.
            (None, Some(key)) => named_by_key(salt, to, key)?,
            (None, None) => ConversationId::from_bytes(random.bytes()?),
        };
        let about = About { with: to.clone(), conversation };
        let facts = self.facts(now, &about)?;
        if facts.is_none() {
            self.check_not_of_others(&about)?;
        }
        let asked = repeat::digest(&serde_json::to_string(&message).map_err(Fault::new)?);
        let mut redaction = match message.redact {
            Redact::On => Redaction::default(),
            Redact::Off if !self.limits.unredacted.between_addresses() => {
                return Err(Refusal::redaction_required_of_mail().into());
            }
            Redact::Off => Redaction::off(),
        };
        let message = redaction.clean(message)?.into_inner();
        Ok(Letter {
            from: self.id.clone(),
            name,
            key: key.cloned(),
            asked,
            message,
            conversation: about.conversation,
            facts,
            redacted: redaction.found(),
        })
    }

    /// Accepts a message or refuses it. This is where a send is decided (section 8). `live` is
    /// whether a reader is connected, which is sent the returned arrival. A repeat returns the
    /// first answer again, and no arrival.
    pub fn receive(
        &mut self,
        now: Timestamp,
        letter: &Letter,
        live: bool,
    ) -> Result<(Accepted, Option<Arrival>)> {
        let loaded = self.store.registered(&self.id)?;
        // The rate limit and the expiry of messages rely on `sent_at` never decreasing within an
        // inbox.
        let now = now.max(loaded.last_sent_at);
        let (salt, last) = (loaded.state.salt, loaded.last);
        let about = About { with: letter.from.clone(), conversation: letter.conversation.clone() };
        let thread = self.thread(now, &about)?;
        let repeat = letter.key.as_ref().map(|key| Repeat::digested(key.as_str(), &letter.asked));
        if let Some(repeat) = &repeat
            && let Some(accepted) = self.received_before(&thread, repeat)?
        {
            return Ok((accepted, None));
        }
        self.check_sender(now, &letter.from)?;
        let mut facts = self.check_conversation(now, &thread, letter)?;
        let cursor = last.next();
        let turn = facts.take_turn(&letter.from, now);
        let sent = MailSent {
            id: MessageId::new(salt, cursor),
            cursor,
            delivery: if live { MailDelivery::Live } else { MailDelivery::Queued },
            conversation_id: letter.conversation.clone(),
            turn,
            max_turns: facts.max_turns,
            sent_at: now,
            expires_at: now.plus_seconds(self.limits.message_retention),
            redacted: letter.redacted.clone(),
            unredacted: !letter.message.redact.is_on(),
        };
        let record = record(&self.id, letter, &sent, Some(cursor))?;
        self.make_room(now, &letter.from, record.len())?;
        let entry = Entry {
            other: &letter.from,
            conversation: letter.conversation.as_str(),
            turn,
            round: facts.round(),
            sent_at: now,
            delivered_at: live.then_some(now),
            key: repeat.as_ref().map(Repeat::as_str),
            facts: facts.to_record()?,
            record: &record,
        };
        self.store.receive(cursor, entry)?;
        let last_turn = (turn >= facts.max_turns).then_some(about);
        Ok((Accepted { sent, facts }, Some(Arrival { record, cursor, last_turn })))
    }

    /// Stores the sender's copy of an accepted message, unless it is already stored.
    pub fn keep_copy(
        &mut self,
        now: Timestamp,
        to: &AgentId,
        letter: &Letter,
        accepted: &Accepted,
    ) -> Result<()> {
        let sent = &accepted.sent;
        let about = About { with: to.clone(), conversation: letter.conversation.clone() };
        if self.thread(now, &about)?.has_copy(&sent.id) {
            return Ok(());
        }
        let record = record(to, letter, sent, None)?;
        self.keep_within(now, record.len())?;
        let entry = Entry {
            other: to,
            conversation: letter.conversation.as_str(),
            turn: sent.turn,
            round: accepted.facts.round(),
            sent_at: sent.sent_at,
            delivered_at: None,
            key: Some(sent.id.as_str()),
            facts: accepted.facts.to_record()?,
            record: &record,
        };
        Ok(self.store.copy(entry)?)
    }

    /// The first answer to a letter with this key, if there was one. Refused if that letter was another one.
    fn received_before(&self, thread: &Thread, repeat: &Repeat) -> Result<Option<Accepted>> {
        let (Some((cursor, stored)), Some(facts)) = (thread.received(repeat.key()), &thread.facts)
        else {
            return Ok(None);
        };
        repeat.check(stored)?;
        let row = self.store.database.first(FIND, &[cursor.as_i64().into()], |row| {
            Ok((row.optional_integer()?, row.text()?))
        })?;
        let Some((delivered_at, record)) = row else { return Ok(None) };
        let mail: Mail = serde_json::from_str(&record)
            .map_err(|_| Fault::new("a stored message cannot be read"))?;
        let live = delivered_at.is_some();
        let sent = MailSent {
            id: mail.id,
            cursor,
            delivery: if live { MailDelivery::Live } else { MailDelivery::Queued },
            conversation_id: mail.conversation_id,
            turn: mail.turn,
            max_turns: mail.max_turns,
            sent_at: mail.sent_at,
            expires_at: mail.expires_at,
            redacted: mail.redacted,
            unredacted: mail.unredacted,
        };
        Ok(Some(Accepted { sent, facts: facts.clone() }))
    }

    /// Refuses a sender that the agent does not hear, or that sends too often.
    fn check_sender(&mut self, now: Timestamp, from: &AgentId) -> Result<()> {
        if self.is_on(List::Blocks, from)? {
            return Err(Refusal::blocked().into());
        }
        let allow_only = self.store.registered(&self.id)?.state.allow_only;
        if allow_only && !self.is_on(List::Allows, from)? {
            return Err(Refusal::not_allowed().into());
        }
        let since = now.plus_millis(-RATE_WINDOW);
        let values: [Value; 2] = [from.as_str().into(), since.as_millis().into()];
        let sent = self
            .store
            .database
            .first(FROM_SENDER, &values, |row| Ok((row.integer()?, row.integer()?)))?;
        let (count, first) = sent.unwrap_or_default();
        if count < i64::from(self.limits.sender_rate) {
            return Ok(());
        }
        let wait = rate_wait(now, Timestamp::from_millis(first));
        Err(Refusal::sender_rate_exceeded(self.limits.sender_rate, wait).into())
    }

    /// What both mailboxes know of the conversation. Refuses if it is over, unless the letter
    /// begins it again.
    fn check_conversation(
        &self,
        now: Timestamp,
        thread: &Thread,
        letter: &Letter,
    ) -> Result<Facts, Error> {
        let (from, idle) = (&letter.from, self.limits.conversation_idle);
        let turns = letter.message.max_turns.unwrap_or(self.limits.conversation_turns);
        let known = match (thread.facts.clone(), letter.facts.clone()) {
            (Some(mine), Some(theirs)) => mine.merge(theirs),
            (Some(facts), None) | (None, Some(facts)) => facts,
            (None, None) => return Ok(Facts::begin(from, turns, now)),
        };
        let Some(reason) = known.over(now, idle) else { return Ok(known) };
        // Recording the refusal is then the only write.
        if letter.message.renews
            && (known.may_begin_anew(now, idle) || !self.note_refused(thread, &known)?)
        {
            return Ok(known.anew(from, turns, now));
        }
        let refusal = match reason {
            EndReason::MaxTurns => Refusal::conversation_turns_exceeded(known.max_turns),
            EndReason::ParticipantEnded => Refusal::conversation_ended("participant_ended"),
            EndReason::Ttl => Refusal::conversation_ended("ttl"),
        };
        Err(refusal.into())
    }
}

/// The message as it is stored: in the mailbox of `to`, with `cursor`, or as the sender's copy,
/// without.
fn record(
    to: &AgentId,
    letter: &Letter,
    sent: &MailSent,
    cursor: Option<Cursor>,
) -> Result<String, Fault> {
    let mail = Mail {
        id: sent.id.clone(),
        agent_id: letter.from.clone(),
        to: to.clone(),
        kind: letter.message.kind,
        text: letter.message.text.clone(),
        json: letter.message.json.clone(),
        cursor,
        verified: true,
        conversation_id: sent.conversation_id.clone(),
        turn: sent.turn,
        max_turns: sent.max_turns,
        sent_at: sent.sent_at,
        expires_at: sent.expires_at,
        reply_to: letter.message.reply_to.clone(),
        redacted: sent.redacted.clone(),
        unredacted: sent.unredacted,
        client_id: letter.message.client_id.clone(),
    };
    serde_json::to_string(&mail).map_err(Fault::new)
}

/// The conversation of a message that begins one and whose sender gives no id for it, only an
/// idempotency key.
fn named_by_key(
    salt: [u8; 8],
    to: &AgentId,
    key: &IdempotencyKey,
) -> Result<ConversationId, Fault> {
    let salt = nexus_protocol::hex(&salt);
    let digest = Digest::of(&["conversation", &salt, to.as_str(), key.as_str()]);
    format!("c-{:.32}", digest.as_str()).parse().map_err(Fault::new)
}
