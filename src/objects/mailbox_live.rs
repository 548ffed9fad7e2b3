//! Live delivery (section 8) of a mailbox.

use super::{
    dialect::{self, Dialects, Frames, Line, Live, Log, Reader, Work},
    live,
    mailbox::{Event, Mailbox, Rules},
    sockets::{self, Close, Holder, Purpose, attached},
};
use crate::{
    calls, frames,
    http::{Request, Response},
    log,
    platform::{self, now},
    waiting::boxed,
};
use nexus_core::{Fault, Notice, Result};
use nexus_protocol::{Ack, AgentId, Cursor, Frame, Mail, MailFrame, Page, PageRequest, Refusal};
use serde_json::{Value, json};
use std::{borrow::Cow, cell::RefCell, rc::Rc};
use worker::{Env, State, WebSocket};

/// How many senders are told of what one call has read or acknowledged: the others can ask.
const MOST_NOTICES: usize = 32;

/// The inbox, for its sockets.
pub(crate) struct MailLog {
    state: State,
    env: Env,
    dialects: Dialects<Mailbox>,
    rules: Rc<RefCell<Rules>>,
    /// Whose mailbox it is.
    agent: AgentId,
    /// What the card of the sender calls it whose message is delivered.
    sender: String,
}

impl MailLog {
    pub(crate) fn of_sender(self, name: &str) -> Self {
        Self { sender: name.to_owned(), ..self }
    }

    pub(crate) fn env(&self) -> &Env {
        &self.env
    }

    pub(crate) fn agent(&self) -> &AgentId {
        &self.agent
    }

    pub(crate) fn sender(&self) -> &str {
        &self.sender
    }

    /// Acknowledges what a reader was sent, and tells the senders.
    pub(crate) fn ack(&self, cursor: Cursor) -> Result<()> {
        let (_, notices) = self.rules.borrow_mut().ack(now(), Ack { cursor })?;
        tell(&self.state, &self.env, notices);
        Ok(())
    }
}

/// Whoever reads a mailbox has proven its secret.
impl Holder for () {
    fn name(&self) -> String {
        "owner".to_owned()
    }

    fn is_proven(&self) -> bool {
        true
    }
}

impl Live for Mailbox {
    /// It is the mailbox's agent.
    type Who = ();
    type Log = MailLog;
    type Stored = ();
    type Event<'a> = Event<'a>;

    fn closes(_: &Refusal) -> Close {
        Close::Deleted
    }
}

impl Log for MailLog {
    type Object = Mailbox;

    fn frames(&self, reader: &Reader<()>) -> &'static dyn Frames<Mailbox> {
        dialect::frames_of(self.dialects, &Native, reader)
    }

    fn read(&self, (): &(), request: PageRequest) -> Result<Page> {
        let (page, notices) = self.rules.borrow_mut().read(now(), request)?;
        tell(&self.state, &self.env, notices);
        Ok(page)
    }
}

/// The frames of section 8.
struct Native;

impl Frames<Mailbox> for Native {
    fn message<'a>(&self, _: &MailLog, _: &Reader<()>, record: &'a str) -> Result<Cow<'a, str>> {
        Ok(frames::message(record).into())
    }

    fn reset(&self, cursor: Cursor) -> Option<String> {
        Some(frames::reset(cursor))
    }

    fn ready(&self, cursor: Cursor) -> Option<String> {
        Some(frames::ready(cursor))
    }

    fn event(&self, _: &MailLog, _: &Reader<()>, event: &Event) -> Result<Option<String>> {
        let fields = match event {
            Event::Notice(notice) => json!({
                "event": notice.state,
                "agentId": notice.from,
                "messageIds": notice.messages,
            }),
            Event::Ended(about, reason) => json!({
                "event": "conversation_ended",
                "conversationId": about.conversation,
                "agentId": about.with,
                "reason": reason,
            }),
            // It has no word for what is not kept.
            Event::Whisper(_) => return Ok(None),
        };
        Ok(Some(frames::event(fields)))
    }

    fn received<'a>(
        &'a self,
        mailbox: &'a Mailbox,
        line: Line<'a, Mailbox>,
        text: &'a str,
    ) -> Work<'a, ()> {
        Box::pin(async move {
            let (id, outcome) = match mailbox.read_frame(text) {
                Ok(frame) => (frame.id(), mailbox.native_frame(frame).await),
                Err(error) => (Value::Null, Err(error)),
            };
            live::answer(line.end, &id, outcome);
        })
    }
}

/// Tells senders what became of their messages. Nobody waits for it.
fn tell(state: &State, env: &Env, notices: Vec<Notice>) {
    for notice in notices.into_iter().take(MOST_NOTICES) {
        let env = env.clone();
        state.wait_until(boxed(async move {
            if let Err(error) = calls::call(&env, notice.to.as_str(), &notice).await {
                log::error("notice", &error);
            }
        }));
    }
}

impl Mailbox {
    pub(crate) fn log(&self) -> Result<MailLog> {
        let (state, env) = (platform::share(self.state()), self.env().clone());
        let (dialects, rules) = (self.dialects(), self.shared_rules()?);
        Ok(MailLog { state, env, dialects, rules, agent: self.id()?, sender: String::new() })
    }

    /// How a reader's socket speaks.
    pub(super) fn frames_of(&self, reader: &Reader<()>) -> &'static dyn Frames<Self> {
        dialect::frames_of(self.dialects(), &Native, reader)
    }

    /// `GET /v1/agents/:id/ws`.
    pub(super) fn stream(&self, request: &Request) -> Result<Response> {
        live::demand_upgrade(request)?;
        let query = request.query();
        let after = PageRequest::parse(query, self.limits()?)?.after;
        self.hear()?;
        live::stream(self.state(), request, self.log()?, Reader::native(()), after)
    }

    /// All that waits, which then no longer does. The end of a page of it, if it is more.
    pub(super) fn take(&self) -> Result<Vec<Mail>> {
        self.hear()?;
        let limit = self.limits()?.max_page;
        let poll = PageRequest { after: None, limit, members: false, wait: 0 };
        let (page, notices) = self.rules(|rules| rules.read(now(), poll))?;
        self.tell(notices);
        let mail = page.messages.iter().map(|record| serde_json::from_str(record.get()));
        let mail: Result<Vec<Mail>, _> = mail.collect();
        let mail = mail.map_err(|_| Fault::new("a stored message cannot be read"))?;
        if !mail.is_empty() {
            self.ack(Ack { cursor: page.next_cursor })?;
        }
        Ok(mail)
    }

    /// What a client sent over its socket. The answer is a frame.
    pub(super) async fn frame(&self, end: &WebSocket, text: &str) {
        let Some(socket) = attached::<Reader<()>>(end) else { return };
        let is_live = socket.purpose == Purpose::Stream;
        let line = Line { end, reader: &socket.who, is_live };
        self.frames_of(line.reader).received(self, line, text).await;
    }

    fn read_frame<'a>(&self, text: &'a str) -> Result<Frame<'a>> {
        let counted = self.rules(|rules| rules.count_frame(now()));
        live::read(counted, text, MailFrame::TYPES, self.limits()?)
    }

    async fn native_frame(&self, frame: Frame<'_>) -> Result<(&'static str, Value)> {
        let fields = |answer: serde_json::Result<Value>| answer.map_err(Fault::new);
        match MailFrame::read(frame, self.limits()?)? {
            MailFrame::Send(to, key, message) => {
                let sent = self.send(&to, key.as_ref(), message).await?;
                Ok(("sent", frames::sent(&sent)?))
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

    /// Tells every stream of something that is not in the log. Says whether anyone was told.
    pub(crate) fn announce(&self, event: &Event) -> bool {
        let Ok(log) = self.log().inspect_err(|error| log::error("event", error)) else {
            return false;
        };
        sockets::announce(self.state(), |reader: &Reader<()>| {
            let frame = log.frames(reader).event(&log, reader, event);
            frame.inspect_err(|error| log::error("event", error)).ok().flatten()
        })
    }

    pub(super) fn close_all(&self, why: Close) {
        sockets::close_all(self.state(), why, |_: &Reader<()>| true);
    }
}
