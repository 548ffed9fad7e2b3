//! Live delivery (section 3) of a session.

use super::{
    dialect::{self, Dialects, Frames, Line, Live, Log, Reader, Work},
    live,
    present::members_connected,
    session::{Event, Rules, Session},
    sockets::{self, Close, Holder, Purpose, Reach, attached},
};
use crate::{
    frames,
    http::{Request, Response},
    log,
    platform::{self, now},
    waiting::boxed,
};
use nexus_core::{Delivery, Error, Result, Who};
use nexus_protocol::{
    Cursor, ErrorCode, Filter, Frame, Page, PageRequest, Refusal, Sent, SessionFrame,
};
use serde_json::Value;
use std::{
    borrow::Cow,
    cell::{Cell, RefCell},
    rc::Rc,
    time::Duration,
};
use worker::{Delay, State, WebSocket};

/// How long a cursor that a seat keeps may wait to be stored: a burst costs one row.
const SAVE_AFTER: Duration = Duration::from_secs(2);

/// The log of a session, for its sockets.
pub(crate) struct SessionLog {
    state: State,
    dialects: Dialects<Session>,
    rules: Rc<RefCell<Rules>>,
    saving: Rc<Cell<bool>>,
}

impl SessionLog {
    /// Does one thing with the rules.
    pub(crate) fn rules<T>(&self, work: impl FnOnce(&mut Rules) -> Result<T>) -> Result<T> {
        work(&mut self.rules.borrow_mut())
    }

    /// Stores, a little later, how far sockets have read whose seats keep their cursors. Until then the object
    /// does not sleep.
    pub(crate) fn save_places_soon(&self) {
        if self.saving.replace(true) {
            return;
        }
        let (rules, saving) = (Rc::clone(&self.rules), Rc::clone(&self.saving));
        self.state.wait_until(boxed(async move {
            Delay::from(SAVE_AFTER).await;
            saving.set(false);
            if let Err(error) = rules.borrow_mut().save_places(now()) {
                log::error("places", &error);
            }
        }));
    }
}

impl Holder for Who {
    fn name(&self) -> String {
        let how = if self.is_itself() { "proven" } else { "named" };
        format!("{how} {}", self.agent())
    }

    fn is_proven(&self) -> bool {
        self.is_itself()
    }
}

impl Live for Session {
    type Who = Who;
    type Log = SessionLog;
    type Stored = Delivery;
    type Event<'a> = Event<'a>;

    fn closes(refusal: &Refusal) -> Close {
        let over = refusal.body.error == ErrorCode::SessionNotFound;
        if over { Close::Expired } else { Close::Left }
    }
}

impl Log for SessionLog {
    type Object = Session;

    fn frames(&self, reader: &Reader<Who>) -> &'static dyn Frames<Session> {
        dialect::frames_of(self.dialects, &Native, reader)
    }

    fn read(&self, who: &Who, request: PageRequest) -> Result<Page> {
        let connected = members_connected(&self.state, request);
        self.rules(|rules| rules.read(now(), who, request, &connected))
    }
}

/// The frames of section 3, after a cursor of the client's.
struct Native;

impl Frames<Session> for Native {
    fn message<'a>(
        &self,
        _: &SessionLog,
        _: &Reader<Who>,
        record: &'a str,
    ) -> Result<Cow<'a, str>> {
        Ok(frames::message(record).into())
    }

    fn reset(&self, cursor: Cursor) -> Option<String> {
        Some(frames::reset(cursor))
    }

    fn ready(&self, cursor: Cursor) -> Option<String> {
        Some(frames::ready(cursor))
    }

    fn event(&self, _: &SessionLog, reader: &Reader<Who>, event: &Event) -> Result<Option<String>> {
        let reads_it = event.is_in_log() && reader.who.wants_events();
        Ok((!reads_it).then(|| event.frame.clone()))
    }

    fn received<'a>(
        &'a self,
        session: &'a Session,
        line: Line<'a, Session>,
        text: &'a str,
    ) -> Work<'a, ()> {
        Box::pin(async move {
            let who = &line.reader.who;
            let (id, sent) = match session.read_frame(who, text) {
                Ok(frame) => (frame.id(), session.send_frame(who, frame)),
                Err(error) => (Value::Null, Err(error)),
            };
            let fields = sent.and_then(|sent| Ok(("sent", frames::sent(&sent)?)));
            live::answer(line.end, &id, fields);
        })
    }
}

impl Session {
    pub(crate) fn log(&self) -> Result<SessionLog> {
        let (state, saving) = (platform::share(self.state()), Rc::clone(self.saving()));
        let dialects = self.dialects();
        Ok(SessionLog { state, dialects, rules: self.shared_rules()?, saving })
    }

    /// `GET /v1/sessions/:id/ws`.
    pub(super) fn stream(&self, request: &Request, who: &Who) -> Result<Response> {
        live::demand_upgrade(request)?;
        let query = request.query();
        let after = PageRequest::parse(query, self.limits()?)?.after;
        let who = who.clone().wanting(Filter::parse(query)?);
        self.rules(|rules| rules.hear(now(), &who))?;
        live::stream(self.state(), request, self.log()?, Reader::native(who), after)
    }

    /// Sends a message that was stored to those who read it as it comes.
    pub(super) fn deliver(&self, delivery: &Delivery) -> Result<()> {
        let seated = |who: &Who| self.rules(|rules| rules.is_seated(now(), who)).unwrap_or(true);
        let log = self.log()?;
        let wants = |reader: &Reader<Who>| {
            reader.who.may_read(delivery) && log.frames(reader).wants(reader, delivery)
        };
        let reaches = |reader: &Reader<Who>| match wants(reader) {
            false => Reach::Not,
            true if seated(&reader.who) => log.frames(reader).reach(reader),
            true => Reach::NoLonger(Close::Left),
        };
        let stored = (delivery.message.cursor, delivery.record.as_str());
        live::deliver(self.state(), &log, stored, reaches);
        Ok(())
    }

    /// Delivers the events that were stored. It comes before anything that is stored later.
    pub(super) fn pass_events(&self) -> Result<()> {
        for event in self.rules(|rules| Ok(rules.take_events()))? {
            self.deliver(&event)?;
        }
        Ok(())
    }

    /// Tells readers of events that the end is near, if it is.
    pub(super) fn settle_end(&self) {
        let told = self.rules(|rules| rules.settle_end(now())).and_then(|event| match event {
            Some(event) => self.deliver(&event),
            None => Ok(()),
        });
        match told {
            // A session that is over has no end to come.
            Ok(()) | Err(Error::Refused(_)) => {}
            Err(error) => log::error("ending", &error),
        }
    }

    /// What a client sent over its socket. The answer is a frame.
    pub(super) async fn frame(&self, end: &WebSocket, text: &str) {
        let Some(mut socket) = attached::<Reader<Who>>(end) else { return };
        sockets::note_frame(end, &mut socket);
        let is_live = socket.purpose == Purpose::Stream;
        let line = Line { end, reader: &socket.who, is_live };
        dialect::frames_of(self.dialects(), &Native, line.reader).received(self, line, text).await;
    }

    /// Tells every stream of something that is not in the log, or is there only for readers of events.
    pub(crate) fn announce(&self, event: &Event) {
        let Ok(log) = self.log().inspect_err(|error| log::error("event", error)) else { return };
        sockets::announce(self.state(), |reader: &Reader<Who>| {
            let frame = log.frames(reader).event(&log, reader, event);
            frame.inspect_err(|error| log::error("event", error)).ok().flatten()
        });
    }

    /// Stores how far sockets have read whose seats keep their cursors: one of them has closed.
    pub(super) fn save_places(&self) {
        if let Err(error) = self.rules(|rules| rules.save_places(now())) {
            log::error("places", &error);
        }
    }

    fn read_frame<'a>(&self, who: &Who, text: &'a str) -> Result<Frame<'a>> {
        let counted = self.rules(|rules| rules.count_frame(now(), who));
        live::read(counted, text, SessionFrame::TYPES, &*self.limits_of_texts()?)
    }

    fn send_frame(&self, who: &Who, frame: Frame) -> Result<Sent> {
        let SessionFrame { key, message } = SessionFrame::read(frame, &*self.limits_of_texts()?)?;
        self.store(who, key.as_ref(), message)
    }
}
