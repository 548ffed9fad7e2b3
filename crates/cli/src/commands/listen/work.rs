//! Handling messages, and recording that they were handled.
//!
//! Promises: the cursor moves past a message, or the message is acknowledged, only after it was printed, or
//! after the command or the webhook succeeded.

use super::{
    exec::Exec,
    guard::Guard,
    hook::Hook,
    item::{Item, Outcome},
    source::{self, Mark, Source},
};
use crate::{
    backoff::Backoff,
    context::Context,
    error::{Failure, Result},
    http::Repeat,
    json::Json,
    live::{Listener, Next},
    loops::Ended,
    message::{Me, Message},
    output,
    stderr::tell,
};
use nexus_protocol::Cursor;
use serde_json::json;
use std::time::Duration;

/// The most messages of one batch.
const BATCH: usize = 100;

/// The first pause after a webhook has failed. Five tries then outlast the restart of a gateway.
const HOOK_PAUSE: Duration = Duration::from_secs(2);

/// How messages are handled.
#[derive(Debug)]
pub(super) enum Action {
    Print,
    Exec(Exec),
    Hook(Hook),
}

/// Which messages are handled besides those of others.
#[derive(Clone, Copy, Debug)]
pub(super) struct Choice {
    /// Our own messages.
    pub(super) own: bool,
    /// Events. They are only ever printed, because no agent is woken for one.
    pub(super) events: bool,
}

/// Listening to one source, and its progress.
#[derive(Debug)]
pub(super) struct Work<'a> {
    pub(super) context: &'a Context,
    pub(super) source: &'a Source,
    me: Me,
    pub(super) listener: Listener,
    action: Action,
    max_failures: u32,
    /// The number of failures in a row.
    failures: u32,
    waiting: Vec<Item>,
    /// Whether the server has delivered everything that it has for now.
    is_caught_up: bool,
    /// The cursor of the last message that was seen, including our own.
    seen: Option<Cursor>,
    /// The cursor of the last message that was handled.
    done: Option<Cursor>,
    /// The number of handled messages.
    pub(super) messages: u64,
}

impl<'a> Work<'a> {
    pub(super) fn new(
        context: &'a Context,
        source: &'a Source,
        listener: Listener,
        action: Action,
        max_failures: u32,
    ) -> Self {
        let me = Me::new(source.caller());
        Self {
            context,
            source,
            me,
            listener,
            action,
            max_failures,
            failures: 0,
            waiting: Vec::new(),
            is_caught_up: false,
            seen: None,
            done: None,
            messages: 0,
        }
    }

    /// The cursor of the last message that was handled in this run.
    pub(super) fn cursor(&self) -> Option<Cursor> {
        self.done
    }

    /// What comes next. `None` if messages are waiting and there are no more for now.
    pub(super) fn next(&mut self) -> Result<Option<Next>> {
        self.listener.next(self.waiting.is_empty() || !self.is_caught_up)
    }

    /// Takes a message. Returns why listening has ended, if it has.
    pub(super) fn take(
        &mut self,
        json: Json,
        message: Message,
        choice: Choice,
    ) -> Result<Option<Ended>> {
        self.seen = self.seen.max(message.cursor());
        let is_print = matches!(self.action, Action::Print);
        let is_left_out = if message.is_notice() {
            !is_print || (message.is_event() && !choice.events)
        } else {
            match self.is_own(&message)? {
                Some(is_own) => is_own && !choice.own,
                None => return Ok(Some(Ended::Signal)),
            }
        };
        let is_left_out = is_left_out || (!is_print && !is_usable(&message));
        if is_left_out {
            // The cursor moves past it only after earlier messages were handled.
            return if self.waiting.is_empty() { self.save().map(|()| None) } else { Ok(None) };
        }
        // A batch with one answer has one audience, so that a private message is not answered to everybody.
        let audience = source::audience(&message);
        let is_other = |item: &Item| source::audience(&item.message) != audience;
        if self.guard().is_some()
            && self.waiting.last().is_some_and(is_other)
            && let Some(ended) = self.flush()?
        {
            return Ok(Some(ended));
        }
        self.waiting.push(Item { json, message });
        let is_batch = matches!(&self.action, Action::Exec(exec) if exec.is_batch);
        if is_batch && self.waiting.len() < BATCH { Ok(None) } else { self.flush() }
    }

    /// Whether the message is our own, for which the server may have to be asked. `None` if a signal came
    /// first.
    fn is_own(&mut self, message: &Message) -> Result<Option<bool>> {
        // A mailbox contains only messages of others.
        let Source::Session(room) = self.source else { return Ok(Some(false)) };
        let mut backoff = Backoff::default();
        loop {
            match self.me.wrote(self.context, &room.server, &room.session, message) {
                Err(failure) if failure.is_passing() => {
                    if self.listener.sleep(backoff.next().max(failure.retry_after())) {
                        return Ok(None);
                    }
                }
                result => return result.map(Some),
            }
        }
    }

    /// There is nothing more for now. Without a cursor, the connection is lost.
    pub(super) fn caught_up(&mut self, cursor: Option<Cursor>) -> Result<Option<Ended>> {
        self.is_caught_up = cursor.is_some();
        if matches!(self.source, Source::Session(_)) {
            // In a mailbox, only the cursors of messages are acknowledged.
            self.seen = self.seen.max(cursor);
        }
        match self.flush()? {
            None => self.save().map(|()| None),
            ended => Ok(ended),
        }
    }

    /// The log ends at this cursor, and the saved cursor was beyond that.
    pub(super) fn reset(&mut self, cursor: Cursor) -> Result<Option<Ended>> {
        let ended = self.flush()?;
        if matches!(self.source, Source::Session(_)) {
            (self.seen, self.done) = (Some(cursor), Some(cursor));
            let mark = self.source.reset(self.context, cursor)?;
            self.keep(mark)?;
        }
        Ok(ended)
    }

    /// Moves past our own answer, if nothing lies between it and the last message that was seen. The answer
    /// to a message in our mailbox has its place in the mailbox of another.
    pub(super) fn pass(&mut self, sent: Option<Cursor>) {
        let next = self.seen.map(Cursor::next);
        if matches!(self.source, Source::Session(_)) && sent.is_some() && sent == next {
            self.seen = sent;
        }
    }

    /// Handles the waiting messages.
    pub(super) fn flush(&mut self) -> Result<Option<Ended>> {
        let items = std::mem::take(&mut self.waiting);
        if items.is_empty() {
            return Ok(None);
        }
        if matches!(self.action, Action::Print) {
            return self.print(&items).map(|()| None);
        }
        let Some(output) = self.succeed(&items)? else { return Ok(Some(Ended::Signal)) };
        let replied = match self.answer(&items, &output)? {
            Outcome::Ended(ended) => return Ok(Some(ended)),
            Outcome::Sent { id, cursor } => {
                self.pass(cursor);
                Some(id)
            }
            Outcome::Nothing | Outcome::TooLong(_) => None,
        };
        self.count(&items);
        self.save()?;
        let ids: Vec<&str> = items.iter().map(|item| item.message.id.as_str()).collect();
        let line = json!({ "handled": ids, "cursor": self.done, "reply": replied });
        output::print(&Json::of(&line))?;
        Ok(None)
    }

    /// Prints messages, and saves the cursor after each. The cursor is prepared first, so that a full disk
    /// shows before printing.
    fn print(&mut self, items: &[Item]) -> Result<()> {
        for item in items {
            let mark = self.source.mark(self.context, item.message.cursor())?;
            output::print(&item.json)?;
            self.done = self.done.max(item.message.cursor());
            self.keep(mark)?;
        }
        self.count(items);
        Ok(())
    }

    fn count(&mut self, items: &[Item]) {
        self.messages = self.messages.saturating_add(u64::try_from(items.len()).unwrap_or(0));
    }

    /// Tries until the command or webhook succeeds, and returns its output. `None` if a signal came first.
    fn succeed(&mut self, items: &[Item]) -> Result<Option<Vec<u8>>> {
        let mut backoff = match &self.action {
            Action::Hook(_) => Backoff::from(HOOK_PAUSE),
            _ => Backoff::default(),
        };
        loop {
            let tried = match &self.action {
                Action::Exec(exec) => exec.run(self.source, items, self.listener.stop()),
                Action::Hook(hook) => hook.post(self.context, self.source, items).map(Some),
                Action::Print => Ok(Some(Vec::new())),
            };
            let failed = match tried {
                Ok(output) => {
                    self.failures = 0;
                    return Ok(output);
                }
                Err(failed) => failed,
            };
            self.failures = self.failures.saturating_add(1);
            let (count, most) = (self.failures, self.max_failures);
            tell!("{} ({count} of {most})", failed.why);
            if count >= most {
                let message = format!(
                    "{}, {count} times in a row. Correct the cause and start again: the message was not marked as read.",
                    failed.why
                );
                return Err(Failure::own(failed.kind, message));
            }
            let pause = backoff.next().max(failed.wait);
            tell!("trying again in {:.1} s", pause.as_secs_f32());
            if self.listener.sleep(pause) {
                return Ok(None);
            }
        }
    }

    /// Saves the cursor up to which everything was handled.
    fn save(&mut self) -> Result<()> {
        if self.seen <= self.done {
            return Ok(());
        }
        self.done = self.seen;
        let mark = self.source.mark(self.context, self.done)?;
        self.keep(mark)
    }

    /// Records that messages were handled, and repeats that until it succeeds. If a signal comes first, the
    /// messages are delivered again.
    fn keep(&self, mark: Mark) -> Result<()> {
        let ack = match mark {
            Mark::Nothing => return Ok(()),
            Mark::Cursor(cursor) => return cursor.save(),
            Mark::Ack(ack) => ack,
        };
        let mut backoff = Backoff::default();
        loop {
            match ack.send(Repeat::Never) {
                Err(failure) if failure.is_passing() => {
                    tell!("{}", failure.sentence());
                    if self.listener.sleep(backoff.next().max(failure.retry_after())) {
                        tell!("the message is not acknowledged, and will be delivered again");
                        return Ok(());
                    }
                }
                result => return result,
            }
        }
    }

    /// Whether a long answer may become a file.
    pub(super) fn may_store(&self) -> bool {
        matches!(&self.action, Action::Exec(exec) if exec.may_store)
    }

    /// The guard of replies, where there are any.
    pub(super) fn guard(&mut self) -> Option<&mut Guard> {
        match &mut self.action {
            Action::Exec(exec) => exec.guard.as_mut(),
            _ => None,
        }
    }
}
/// Whether a message may be acted on. Tells of one that may not.
fn is_usable(message: &Message) -> bool {
    if !message.is_of_sender() {
        let place = message.cursor().map(|cursor| cursor.to_string()).unwrap_or_default();
        let from = crate::stderr::printable(message.author(), 128);
        tell!(
            "warning: message {place} under the name {from} was not opened, or another key signed it, and nothing is done with it"
        );
    }
    message.is_of_sender()
}
