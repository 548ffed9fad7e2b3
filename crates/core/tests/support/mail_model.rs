//! Mailboxes and conversations as a user would explain them: what they hold and what they refuse.

use nexus_protocol::{EndReason, ErrorCode, Limits, MailSent};
use std::collections::BTreeSet;

pub const RETENTION: i64 = 1_000_000;
pub const IDLE: i64 = 100_000;
pub const WAITING: usize = 8;
/// Of those, the most from one sender, and from agents that are not on the allow list.
const SHARE: usize = 2;
const OPEN: usize = 6;
pub const RATE: usize = 3;
pub const TURNS: u32 = 2;

pub fn limits() -> Limits {
    Limits {
        max_waiting: 8,
        sender_rate: 3,
        conversation_turns: TURNS,
        conversation_idle: 100,
        message_retention: 1000,
        ..Limits::default()
    }
}

/// An accepted message. Its index in the recipient's list is its cursor, less one.
#[allow(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct Taken {
    pub sender: usize,
    pub text: String,
    pub renews: bool,
    pub sent_at: i64,
    pub live: bool,
    pub key: Option<usize>,
    pub conversation: String,
    /// The round of its conversation.
    pub round: u32,
    pub sent: Option<MailSent>,
    /// Whether the sender has its copy.
    pub copied: bool,
    /// When a repeat completed the sender's copy while a message was waiting. That counts as
    /// activity.
    pub mended_at: Option<i64>,
    /// Whether it waited when its sender was blocked.
    pub dropped: bool,
}

/// One mailbox.
#[derive(Default)]
pub struct Box {
    pub inbox: Vec<Taken>,
    /// How far it was read and acknowledged, and when.
    pub read: Vec<(usize, i64)>,
    pub acked: Vec<(usize, i64)>,
    pub blocks: BTreeSet<usize>,
    pub allows: BTreeSet<usize>,
    pub allow_only: bool,
}

pub fn reached(marks: &[(usize, i64)], cursor: usize) -> Option<i64> {
    marks.iter().find(|(to, _)| *to >= cursor).map(|(_, at)| *at)
}

pub fn end(marks: &[(usize, i64)]) -> usize {
    marks.last().map_or(0, |(to, _)| *to)
}

/// Three mailboxes.
#[derive(Default)]
pub struct Model {
    pub boxes: [Box; 3],
    pub now: i64,
    /// Conversations that one of the two has ended.
    pub ended: BTreeSet<Pair>,
    /// Conversations in which a message that could begin them again was refused after their last
    /// turn.
    pub refused: BTreeSet<Pair>,
}

/// A conversation: its two agents, in order, and its id.
pub type Pair = (usize, usize, String);

pub fn pair(x: usize, y: usize, id: &str) -> Pair {
    (x.min(y), x.max(y), id.to_owned())
}

impl Model {
    pub fn alive(&self, message: &Taken) -> bool {
        self.now < message.sent_at + RETENTION
    }

    pub fn waiting(&self, who: usize) -> usize {
        self.waiting_of(who, |_| true)
    }

    fn waiting_of(&self, who: usize, counts: impl Fn(&Taken) -> bool) -> usize {
        let acked = end(&self.boxes[who].acked);
        let waits = |m: &&Taken| self.alive(m) && !m.dropped && counts(m);
        self.boxes[who].inbox.iter().skip(acked).filter(waits).count()
    }

    /// Whether the inbox of `to` has no room for a message of `from`.
    fn is_full(&self, from: usize, to: usize) -> bool {
        let open = if self.boxes[to].allows.contains(&from) { WAITING } else { OPEN };
        self.waiting(to) >= open || self.waiting_of(to, |m| m.sender == from) >= SHARE
    }

    /// Blocks `other`, and drops what waits from it.
    pub fn block(&mut self, who: usize, other: usize) {
        let (house, now) = (&mut self.boxes[who], self.now);
        house.blocks.insert(other);
        let acked = end(&house.acked);
        let waits = |m: &&mut Taken| m.sender == other && now < m.sent_at + RETENTION;
        for message in house.inbox.iter_mut().skip(acked).filter(waits) {
            message.dropped = true;
        }
    }

    /// The messages of a conversation: recipient, cursor, message.
    pub fn messages<'a>(
        &'a self,
        x: usize,
        y: usize,
        id: &'a str,
    ) -> impl Iterator<Item = (usize, usize, &'a Taken)> {
        let inbox = move |to: usize, from: usize| {
            let all = self.boxes[to].inbox.iter().enumerate();
            let mine = all.filter(move |(_, m)| m.sender == from && m.conversation == id);
            mine.map(move |(at, message)| (to, at + 1, message))
        };
        inbox(x, y).chain(inbox(y, x))
    }

    /// How often a conversation has begun again.
    pub fn round(&self, x: usize, y: usize, id: &str) -> u32 {
        self.messages(x, y, id).map(|(_, _, message)| message.round).max().unwrap_or(0)
    }

    /// How many turns its current round has had.
    pub fn turns(&self, x: usize, y: usize, id: &str) -> usize {
        let round = self.round(x, y, id);
        self.messages(x, y, id).filter(|(_, _, message)| message.round == round).count()
    }

    /// Whether it was inactive for too long.
    fn is_silent(&self, x: usize, y: usize, id: &str) -> bool {
        let mut active = 0;
        for (to, cursor, message) in self.messages(x, y, id) {
            let house = &self.boxes[to];
            if cursor > end(&house.acked) && self.alive(message) {
                active = self.now;
            }
            let marks = [reached(&house.read, cursor), reached(&house.acked, cursor)];
            let in_time =
                marks.into_iter().flatten().filter(|at| *at < message.sent_at + RETENTION);
            let mended = message.mended_at.unwrap_or(message.sent_at);
            active = in_time.fold(active.max(message.sent_at).max(mended), i64::max);
        }
        self.now - active > IDLE
    }

    /// Why a conversation is over, if it is.
    pub fn over(&self, x: usize, y: usize, id: &str) -> Option<EndReason> {
        let turns = self.turns(x, y, id);
        if turns >= TURNS as usize {
            Some(EndReason::MaxTurns)
        } else if self.ended.contains(&pair(x, y, id)) {
            Some(EndReason::ParticipantEnded)
        } else if turns > 0 && self.is_silent(x, y, id) {
            Some(EndReason::Ttl)
        } else {
            None
        }
    }

    /// Whether a message that may begin the conversation again does so now that it is over. If only
    /// its turns are used up, one message is refused first, provided that the recipient has a
    /// message of it in which to record that.
    fn begins_anew(&self, from: usize, to: usize, id: &str) -> bool {
        self.over(from, to, id) != Some(EndReason::MaxTurns)
            || self.refused.contains(&pair(from, to, id))
            || self.ended.contains(&pair(from, to, id))
            || self.is_silent(from, to, id)
            || !self.knows(to, from, id)
    }

    /// Whether `who` has a message of its conversation with `other`.
    pub fn knows(&self, who: usize, other: usize, id: &str) -> bool {
        self.messages(who, other, id).any(|(to, _, message)| to == who || message.copied)
    }

    /// Why a message is refused, if it is. Otherwise, whether it begins its conversation again.
    pub fn outcome(
        &mut self,
        (from, to): (usize, usize),
        id: &str,
        renews: bool,
    ) -> Result<bool, ErrorCode> {
        let over = self.over(from, to, id);
        let anew = over.is_some() && renews && self.begins_anew(from, to, id);
        let refusal = self.refusal(from, to, if anew { None } else { over });
        if refusal == Some(ErrorCode::ConversationTurnsExceeded) && renews {
            self.refused.insert(pair(from, to, id));
        }
        refusal.map_or(Ok(anew), Err)
    }

    fn refusal(&self, from: usize, to: usize, over: Option<EndReason>) -> Option<ErrorCode> {
        let house = &self.boxes[to];
        let last = house.inbox.iter().filter(|m| m.sender == from && m.sent_at > self.now - 60_000);
        if house.blocks.contains(&from) {
            Some(ErrorCode::Blocked)
        } else if house.allow_only && !house.allows.contains(&from) {
            Some(ErrorCode::NotAllowed)
        } else if last.count() >= RATE {
            Some(ErrorCode::SenderRateExceeded)
        } else {
            match over {
                Some(EndReason::MaxTurns) => Some(ErrorCode::ConversationTurnsExceeded),
                Some(_) => Some(ErrorCode::ConversationEnded),
                None if self.is_full(from, to) => Some(ErrorCode::InboxFull),
                None => None,
            }
        }
    }
}
