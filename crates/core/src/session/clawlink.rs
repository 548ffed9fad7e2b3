//! What ClawLink needs of a session beyond sections 2, 3 and 9 (docs/dialects.md): members without
//! a key, and readers that keep no cursor themselves.
//!
//! Promises: nobody acts for a member that holds a key without proving that key. A reader is given
//! every message that it may read since it joined, except its own, once. Its cursor is stored in
//! its seat. A poll stores the new cursor before it is answered. A socket's cursor is first kept in
//! memory, and `save_places` persists it later. After a crash in between, messages are delivered
//! again, and none is lost.

use super::{
    Caller, Event, Session, Visitor, Who, delivery::Delivery, members, reading, state::Seat,
    tasks::check_assignee,
};
use crate::{Database, Error, Fault, Random, Result, Row, redaction::Redaction};
use nexus_protocol::{
    AgentId, ClawLinkAnswer, Cursor, FileInfo, FileKey, FileList, FilesRequest, Kind, Member,
    Message, Page, Presence, Profile, Refusal, Task, TaskEvent, TaskNews, Timestamp,
};
use std::collections::BTreeSet;

const COUNT_TASKS: &str = "SELECT count(*) FROM log WHERE task IS NOT NULL";
const COUNT_FILES: &str = "SELECT count(*) FROM log WHERE file IS NOT NULL";

/// The counts that ClawLink's service information shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClawLinkInfo {
    /// Whether calls need a token.
    pub token_required: bool,
    /// The number of members that are not stale.
    pub online: usize,
    /// The number of messages that are not about tasks or files.
    pub broadcasts: u64,
    /// The number of files.
    pub files: usize,
}

impl Who {
    /// Whether a message that it may read is news to it. Its own messages are not, except a task
    /// that it gave itself.
    #[must_use]
    pub fn is_news(&self, message: &Message) -> bool {
        message.agent_id != self.agent.as_str() || self.is_given(message)
    }

    fn is_given(&self, message: &Message) -> bool {
        let payload = message.json.as_ref().filter(|_| message.kind == Some(Kind::Task));
        let news = payload.and_then(|json| serde_json::from_str::<TaskNews>(json.get()).ok());
        news.is_some_and(|TaskNews { event, task }| {
            event == TaskEvent::Assigned && task.assignee == self.agent
        })
    }
}

impl<D: Database> Session<D> {
    /// An id that no member has.
    pub fn free_id(&mut self, now: Timestamp, random: &mut impl Random) -> Result<AgentId> {
        // One id may be taken, though rarely. Five in a row never are.
        for _ in 0..5 {
            let id = AgentId::from_random(random.bytes()?);
            if !self.has(now, &id)? {
                return Ok(id);
            }
        }
        Err(Fault::new("no free agent id was found").into())
    }

    /// Gives a visitor with `Need::Entry` a seat without a key. A member updates its profile
    /// instead. Refuses a member that does not prove the key that it holds, and a session that
    /// requires keys, requires a link, or is full.
    pub fn enrol(
        &mut self,
        now: Timestamp,
        visitor: &Visitor,
        caller: &Caller,
        profile: Profile,
    ) -> Result<Member> {
        let agent = caller.agent.as_ref().ok_or_else(Refusal::missing_agent_id)?;
        let (mut state, last) = self.next_state(now)?;
        let found = state.find(agent, now, &self.limits);
        let (name, event) = match (found, &visitor.who) {
            (_, Some(who)) => (who.agent.clone(), None),
            (Some((_, Seat { key: Some(_), .. })), None) if caller.key.is_none() => {
                return Err(Refusal::missing_session_key().into());
            }
            (None, None) if state.require_keys => return Err(Refusal::keys_required().into()),
            // A caller that shows a key believes that it is a member. A new seat would not be the
            // one it had.
            _ if caller.key.is_some() => return Err(Refusal::invalid_session_key(true).into()),
            (Some((name, _)), None) => (name.clone(), None),
            (None, None) => {
                if state.by_link_only || state.past.was_removed(agent) {
                    return Err(Refusal::link_required().into());
                }
                members::take_free(&mut state, now, agent, false, last)?;
                (agent.clone(), Some(Event::Joined(agent.clone())))
            }
        };
        let profile = Redaction::default().clean(profile)?;
        self.save_told(now, state, &name, profile, event.as_ref())
    }

    /// The members that are connected or were heard within 120 seconds, or, with `stale`, all
    /// members. `connected` are the agents that have a socket open.
    pub fn present_members(
        &mut self,
        now: Timestamp,
        connected: &BTreeSet<AgentId>,
        stale: bool,
    ) -> Result<Vec<Member>> {
        let mut agents = self.show_members(now, connected)?;
        agents.retain(|member| stale || member.presence != Presence::Stale);
        Ok(agents)
    }

    /// The counts for the service information. `connected` are the agents that have a socket open.
    pub fn clawlink_info(
        &mut self,
        now: Timestamp,
        connected: &BTreeSet<AgentId>,
    ) -> Result<ClawLinkInfo> {
        let online = self.present_members(now, connected, false)?.len();
        let loaded = self.store.alive(now)?;
        let (token_required, messages) = (loaded.state.token.is_some(), loaded.messages());
        let (mut other, database) = (0_i64, &self.store.database);
        for (index, count) in [("log_task", COUNT_TASKS), ("log_file", COUNT_FILES)] {
            // Without its index there is nothing to count, and counting would read every row.
            if database.has_table(index)? {
                let rows = database.first(count, &[], Row::integer)?.unwrap_or(0);
                other = other.saturating_add(rows);
            }
        }
        let broadcasts = messages.saturating_sub(other).unsigned_abs();
        Ok(ClawLinkInfo { token_required, online, broadcasts, files: self.count_files()? })
    }

    /// The files, for a caller that was let in.
    pub fn shared_files(&mut self, now: Timestamp, request: &FilesRequest) -> Result<FileList> {
        self.store.alive(now)?;
        self.list_files(request)
    }

    /// A file, for a caller that was let in.
    pub fn shared_file(&mut self, now: Timestamp, key: &FileKey) -> Result<(FileInfo, Vec<u8>)> {
        self.store.alive(now)?;
        self.find_file(key, None)
    }

    /// ClawLink's replacement for `change_task` (docs/dialects.md): the assignee tells `asker`, who
    /// gave the task, how it went. Intermediate states may be skipped.
    pub fn answer_task(
        &mut self,
        now: Timestamp,
        who: &Who,
        answer: ClawLinkAnswer,
    ) -> Result<(Task, Delivery)> {
        self.hear(now, who)?;
        let mut task = self.find_task(now, &answer.task)?;
        check_assignee(who, &task)?;
        if answer.to != task.from {
            let rule = format!("must be {}, who gave the task", task.from);
            return Err(Refusal::invalid("to_agent", rule).into());
        }
        if !task.status.may_be_answered(answer.status) {
            let (state, next) = (task.status.as_str(), answer.status.as_str());
            return Err(Refusal::illegal_transition(state, next).into());
        }
        let mut redaction = Redaction::default();
        let answer = redaction.clean(answer)?.into_inner();
        (task.status, task.result) = (answer.status, Some(answer.result));
        task.redacted = redaction.found();
        let before = task.assignee.clone();
        let delivery = self.tell_change(now, who, TaskEvent::Changed, &mut task, before, None)?;
        Ok((task, delivery))
    }

    /// The messages that a member has not been given yet, the greeting first, at most `limit`.
    /// Records nothing: see [`Self::given`].
    pub fn unread(&mut self, now: Timestamp, who: &Who, limit: u32) -> Result<Page> {
        self.seated(now, who)?;
        let loaded = self.store.alive(now)?;
        let read = loaded.state.members.get(&who.agent).and_then(|seat| seat.read);
        let greeting = if read.is_none() { reading::greeting(loaded)? } else { None };
        let mut page = Page {
            messages: greeting.into_iter().collect(),
            next_cursor: read.unwrap_or(who.since),
            has_more: false,
            cursor_reset: false,
            members: None,
        };
        loop {
            self.read_into(&mut page, who, limit)?;
            let mut news = Vec::with_capacity(page.messages.len());
            for record in std::mem::take(&mut page.messages) {
                let message: Message = serde_json::from_str(record.get())
                    .map_err(|_| Fault::new("a stored message cannot be read"))?;
                if who.is_news(&message) {
                    news.push(record);
                }
            }
            page.messages = news;
            if !page.messages.is_empty() || !page.has_more {
                return Ok(page);
            }
            page.has_more = false;
        }
    }

    /// Records in memory that a member was given everything up to a cursor.
    pub fn given(&mut self, now: Timestamp, who: &Who, upto: Cursor) -> Result<()> {
        self.seated(now, who)?;
        let state = &mut self.store.alive(now)?.state;
        if let Some(seat) = state.members.get_mut(&who.agent)
            && seat.read.is_none_or(|read| read < upto)
        {
            seat.read = Some(upto);
            self.store.places_due = true;
        }
        Ok(())
    }

    /// Gives a member what [`Self::unread`] returns, and stores the new cursor. The member counts
    /// as heard.
    pub fn take_unread(&mut self, now: Timestamp, who: &Who, limit: u32) -> Result<Page> {
        let page = self.unread(now, who, limit)?;
        if page.messages.is_empty() {
            // If only its own messages follow, no write is worth it: they are skipped again next
            // time.
            self.note(now, who, true)?;
            return Ok(page);
        }
        let mut state = self.store.alive(now)?.state.clone();
        state.hear(&who.agent, who.proven, now);
        if let Some(seat) = state.members.get_mut(&who.agent) {
            seat.read = Some(page.next_cursor);
        }
        self.store.save_quietly(state)?;
        Ok(page)
    }

    /// Persists the cursors of readers that are known only in memory.
    pub fn save_places(&mut self, now: Timestamp) -> Result<()> {
        if !self.store.places_due {
            return Ok(());
        }
        let state = match self.store.alive(now) {
            Ok(loaded) => loaded.state.clone(),
            // The session has ended, so nothing is left to read.
            Err(Error::Refused(_)) => return Ok(()),
            Err(fault) => return Err(fault),
        };
        self.store.save_quietly(state)?;
        Ok(())
    }
}
