//! One session: `id_from_name(sessionId)`.

use super::{
    class::{Class, with_diagnostics},
    dialect::{Dialects, Reader},
    present::agents_answering,
    sockets::{self, Close},
};
use crate::{
    admin, frames,
    http::{self, Request, Response},
    log,
    platform::{self, Storage, fault, now},
    record, reports,
    waiting::boxed,
};
use nexus_core::{Delivery, Digest, Fault, Report, Result, Who};
use nexus_protocol::{AgentId, IdempotencyKey, Limits, SendMessage, Sent, SessionId};
use serde_json::json;
use std::{
    borrow::Cow,
    cell::{Cell, OnceCell, RefCell},
    collections::BTreeSet,
    rc::Rc,
};
use worker::{Env, State, WebSocket};

pub(crate) type Rules = nexus_core::Session<Storage>;

/// The agents whose webhooks are being posted to.
pub(super) type Posting = Rc<RefCell<BTreeSet<AgentId>>>;

/// What sockets are told of besides messages.
pub(crate) struct Event<'a> {
    /// Its name.
    pub(crate) name: &'a str,
    /// The agent that it is about.
    pub(crate) agent: Option<&'a AgentId>,
    /// Its frame in the native protocol.
    pub(crate) frame: String,
}

impl<'a> Event<'a> {
    pub(crate) fn of(name: &'a str, agent: Option<&'a AgentId>) -> Self {
        Self { name, agent, frame: frames::event(json!({ "event": name, "agentId": agent })) }
    }

    /// Whether it is also in the log, for those who read events there.
    pub(crate) fn is_in_log(&self) -> bool {
        matches!(self.name, "joined" | "left" | "removed")
    }
}

/// Members and key hashes, the message log, cursors, the TTL.
pub(crate) struct Session {
    state: State,
    env: Env,
    dialects: Dialects<Self>,
    /// Built by the first call, because building them can fail.
    limits: OnceCell<Limits>,
    rules: OnceCell<Rc<RefCell<Rules>>>,
    posting: Posting,
    /// How far sockets have read is about to be stored.
    saving: Rc<Cell<bool>>,
    /// How many messages this object has stored since it was built.
    stored: Cell<u32>,
}

impl Class for Session {
    async fn respond(&self, request: Request) -> Response {
        let id = request.id().to_owned();
        self.hear_connected();
        let (proven, answer) = self.answer_request(request).await;
        if let Err(error) = self.pass_events() {
            log::error("events", &error);
        }
        self.report();
        let answer = answer.and_then(|response| with_diagnostics(&self.env, response));
        http::answer_of_object(&id, answer, proven)
    }

    fn request_id(&self) -> String {
        let id = http::request_id();
        self.id().map_or(id.clone(), |session| http::id_about(&id, &Digest::of_session(&session)))
    }

    /// Deletes everything once the deadline has passed.
    async fn alarm(&self) -> Result<()> {
        let next = match self.rules(|rules| Ok(rules.alarm(now())?)) {
            Ok(None) => {
                self.report();
                self.tell_counts();
                self.announce(&Event::of("expired", None));
                sockets::close_all(&self.state, Close::Expired, |_: &Reader<Who>| true);
                self.state.storage().delete_all().await.map(|()| None).map_err(fault)
            }
            Ok(Some(_)) => {
                self.hear_connected();
                self.settle_tasks();
                self.settle_end();
                self.settle_webhooks();
                self.report();
                self.tell_counts();
                self.start_webhooks();
                self.next_alarm()
            }
            Err(error) => Err(error),
        };
        platform::after_alarm(&self.state, next).await
    }

    async fn received(&self, end: WebSocket, text: String) {
        let before = self.stored.get();
        self.frame(&end, &text).await;
        self.report();
        record::count_messages(self.stored.get().wrapping_sub(before));
        self.tell_counts();
    }

    fn closed(&self, end: &WebSocket, code: u16) {
        sockets::closed(end, code);
        self.save_places();
        self.report();
        self.tell_counts();
    }
}

impl Session {
    /// An object that was just built. It reads nothing yet.
    pub(super) fn new(state: State, env: Env, dialects: Dialects<Self>) -> Self {
        platform::note_built();
        Self {
            state,
            env,
            dialects,
            limits: OnceCell::new(),
            rules: OnceCell::new(),
            posting: Posting::default(),
            saving: Rc::default(),
            stored: Cell::default(),
        }
    }

    /// Stores a message, and delivers it.
    pub(crate) fn store(
        &self,
        who: &Who,
        key: Option<&IdempotencyKey>,
        message: SendMessage,
    ) -> Result<Sent> {
        let (sent, delivery) = self.rules(|rules| rules.send(now(), who, key, message))?;
        self.pass_on(delivery)?;
        Ok(sent)
    }

    /// Delivers what was stored.
    pub(crate) fn pass_on(&self, deliveries: impl IntoIterator<Item = Delivery>) -> Result<()> {
        self.pass_events()?;
        let mut any = false;
        for delivery in deliveries {
            self.deliver(&delivery)?;
            self.stored.set(self.stored.get().wrapping_add(1));
            any = true;
        }
        if any {
            self.start_webhooks();
        }
        Ok(())
    }

    pub(super) fn close_all_of(&self, agent: &AgentId) {
        sockets::close_all(&self.state, Close::Left, |reader: &Reader<Who>| {
            reader.who.agent() == agent
        });
    }

    /// Takes a seat, and says whether the agent had one before.
    pub(crate) fn seat<T>(
        &self,
        agent: &AgentId,
        take: impl FnOnce(&mut Rules) -> Result<T>,
    ) -> Result<(bool, T)> {
        if self.limits()?.agent_inactivity > 0 {
            // So that nobody comes by the tasks of a member that was lost under the same name.
            self.settle_tasks();
        }
        self.rules(|rules| Ok((rules.has(now(), agent)?, take(rules)?)))
    }

    pub(super) fn dialects(&self) -> Dialects<Self> {
        self.dialects
    }

    pub(super) fn env(&self) -> &Env {
        &self.env
    }

    pub(super) fn posting(&self) -> &Posting {
        &self.posting
    }

    pub(super) fn saving(&self) -> &Rc<Cell<bool>> {
        &self.saving
    }

    pub(crate) fn state(&self) -> &State {
        &self.state
    }

    pub(crate) fn limits(&self) -> Result<&Limits> {
        if let Some(limits) = self.limits.get() {
            return Ok(limits);
        }
        let limits = platform::limits(&self.env)?;
        Ok(self.limits.get_or_init(|| limits))
    }

    /// The limits of what members write, which is longer where it is sealed.
    pub(super) fn limits_of_texts(&self) -> Result<Cow<'_, Limits>> {
        let limits = self.limits()?;
        let is_encrypted = self.rules(|rules| rules.is_encrypted(now()))?;
        Ok(if is_encrypted { Cow::Owned(limits.sealed()) } else { Cow::Borrowed(limits) })
    }

    /// Does one thing with the rules.
    ///
    /// What makes it atomic:
    /// - A Durable Object has one thread, and `work` awaits nothing. So no other request, frame or alarm of this
    ///   session runs between what it reads and what it writes.
    /// - SQL is synchronous here: when a statement returns, its effect is in the object's storage. A statement
    ///   happens wholly or not at all, and each operation of `core` writes with one.
    /// - The output gate holds back every answer and every frame until what was written before it is on disk. So
    ///   nobody is told of something that a crash could take back.
    /// - The input gate does not help us across an `await`: other requests run meanwhile. Whoever goes on after
    ///   one calls `rules` again, and reads the state anew.
    ///
    /// See <https://developers.cloudflare.com/durable-objects/reference/in-memory-state/> and
    /// <https://blog.cloudflare.com/durable-objects-easy-fast-correct-choose-three/>.
    pub(crate) fn rules<T>(&self, work: impl FnOnce(&mut Rules) -> Result<T>) -> Result<T> {
        work(&mut self.shared_rules()?.borrow_mut())
    }

    /// The rules, for what goes on when this call has been answered.
    pub(crate) fn shared_rules(&self) -> Result<Rc<RefCell<Rules>>> {
        if let Some(rules) = self.rules.get() {
            return Ok(Rc::clone(rules));
        }
        let rules = Rules::new(self.id()?, Storage::of(&self.state), self.limits()?.clone());
        Ok(Rc::clone(self.rules.get_or_init(|| Rc::new(RefCell::new(rules)))))
    }

    /// Where silence costs a seat, an open socket is no silence.
    fn hear_connected(&self) {
        if !self.limits().is_ok_and(|limits| limits.agent_inactivity > 0) {
            return;
        }
        for agent in agents_answering(&self.state) {
            // A session that cannot be read is told of by the call itself.
            let _ = self.rules(|rules| rules.present(now(), &agent));
        }
    }

    /// Has the directory told what has changed.
    fn report(&self) {
        let report = self.rules(|rules| Ok(rules.take_report(now())?));
        match report.and_then(|report| report.map(|report| self.sealed(report)).transpose()) {
            Ok(Some(report)) => {
                if reports::add(report) {
                    let env = self.env.clone();
                    self.state.wait_until(boxed(async move { reports::tell(&env).await }));
                }
            }
            Ok(None) => {}
            Err(error) => log::error("report", &error),
        }
    }

    /// Tells the directory what was counted of frames, now and then. No timer may keep the object awake for it.
    fn tell_counts(&self) {
        if record::is_due() {
            let region = self.rules(|rules| Ok(rules.region()?)).unwrap_or_default();
            let env = self.env.clone();
            self.state.wait_until(boxed(async move { record::tell(&env, region).await }));
        }
    }

    /// A report with the session's id, which only who holds the operator's token can read.
    fn sealed(&self, report: Report) -> Result<Report> {
        // Who has set a token that is too short is told so when it is used.
        let token = admin::token(&self.env).unwrap_or_default();
        let seal = |token: String| nexus_core::seal(&token, &self.id()?);
        Ok(Report { sealed: token.map(seal).transpose()?, ..report })
    }

    fn id(&self) -> Result<SessionId, Fault> {
        let name = self.state.id().name().and_then(|name| name.parse().ok());
        name.ok_or_else(|| Fault::new("a session has no id"))
    }
}
