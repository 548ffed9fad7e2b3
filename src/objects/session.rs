//! One session: `id_from_name(sessionId)`.

use super::{
    Class, live,
    session_live::{Reader, agents_answering, members_connected},
    sockets::{self, Close},
    webhooks::Posting,
};
use crate::{
    calls::{self, Call, Describe, MayInvite},
    http::{self, Request, Response},
    log,
    platform::{self, Storage, System, fault, now},
    router::{self, Endpoint},
    waiting::boxed,
};
use nexus_core::{Admission, Caller, Delivery, Fault, Report, Result, SeatRequest, Who};
use nexus_protocol::{
    AgentId, CreateSession, Filter, IdempotencyKey, Limits, PageRequest, Profile, Renew,
    SendMessage, Sent,
};
use serde_json::json;
use std::{
    cell::{Cell, OnceCell, RefCell},
    rc::Rc,
};
use worker::{Env, State, WebSocket};

pub(super) type Rules = nexus_core::Session<Storage>;

/// Members and key hashes, the message log, cursors, the TTL.
pub(super) struct Session {
    state: State,
    env: Env,
    /// Built by the first call, because building them can fail.
    limits: OnceCell<Limits>,
    rules: OnceCell<Rc<RefCell<Rules>>>,
    posting: Posting,
    /// How far sockets have read is about to be stored.
    saving: Rc<Cell<bool>>,
}

impl Class for Session {
    fn new(state: State, env: Env) -> Self {
        platform::note_built();
        Self {
            state,
            env,
            limits: OnceCell::new(),
            rules: OnceCell::new(),
            posting: Posting::default(),
            saving: Rc::default(),
        }
    }

    async fn respond(&self, request: Request) -> Response {
        let id = request.id().to_owned();
        self.hear_connected();
        let (proven, answer) = match self.admitted(&request) {
            Ok(proven) => (proven, self.answer_request(request).await),
            Err(error) => (true, Err(error)),
        };
        if let Err(error) = self.pass_events() {
            log::error("events", &error);
        }
        self.report();
        let answer = answer.and_then(|response| super::with_diagnostics(&self.env, response));
        http::answer_of_object(&id, answer, proven)
    }

    /// Deletes everything once the deadline has passed.
    async fn alarm(&self) -> Result<()> {
        let next = match self.rules(|rules| Ok(rules.alarm(now())?)) {
            Ok(None) => {
                self.announce("expired", None);
                sockets::close_all(&self.state, Close::Expired, |_: &Reader| true);
                self.state.storage().delete_all().await.map(|()| None).map_err(fault)
            }
            Ok(Some(_)) => {
                self.hear_connected();
                self.settle_tasks();
                self.settle_end();
                // With what has just happened.
                let report = self.rules(|rules| Ok(rules.report(now())?));
                self.tell(report);
                self.start_webhooks();
                self.next_alarm()
            }
            Err(error) => Err(error),
        };
        platform::after_alarm(&self.state, next).await
    }

    async fn received(&self, end: WebSocket, text: String) {
        self.frame(&end, &text).await;
        self.report();
    }

    fn closed(&self, end: &WebSocket, code: u16) {
        sockets::closed(end, code);
        self.save_places();
    }
}

impl Session {
    async fn answer_request(&self, request: Request) -> Result<Response> {
        let path = request.path();
        if let Some(name) = calls::name(path) {
            return self.called(name, &request).await;
        }
        let route = router::route(request.method(), path)?;
        match route.endpoint {
            Endpoint::CreateSession => self.create(request).await,
            Endpoint::SessionStatus => http::json(200, &self.rules(|rules| rules.status(now()))?),
            Endpoint::Join => {
                let caller = http::caller(&request)?;
                let token = http::token(&request);
                let body = http::body(&request, self.limits()?).await?;
                let admission = Admission { token, profile: Profile::parse(&body)? };
                let join = |rules: &mut Rules| rules.join(now(), &caller, admission, &mut System);
                let (known, joined) = self.seat(&caller.agent, join)?;
                if !known {
                    self.announce("joined", Some(&caller.agent));
                }
                http::json(200, &joined)
            }
            Endpoint::Leave => {
                let (caller, agent) = (http::caller(&request)?, route.agent()?);
                let left = self.rules(|rules| rules.leave(now(), &caller, &agent))?;
                self.close_all_of(&agent);
                self.announce("left", Some(&agent));
                self.settle_tasks();
                http::json(200, &left)
            }
            Endpoint::Renew => self.renew(request).await,
            Endpoint::Send => self.send(request).await,
            Endpoint::Poll => self.poll(&request),
            Endpoint::SetWebhook => self.set_webhook(request).await,
            Endpoint::Webhook => {
                let caller = http::caller(&request)?;
                http::json(200, &self.rules(|rules| rules.webhook(now(), &caller))?)
            }
            Endpoint::RemoveWebhook => {
                let caller = http::caller(&request)?;
                http::json(200, &self.rules(|rules| rules.remove_webhook(now(), &caller))?)
            }
            Endpoint::Socket => self.stream(&request),
            Endpoint::ClawLink(call) => self.clawlink(request, &route, call).await,
            _ => self.team(request, &route).await,
        }
    }

    /// Counts a request of a member that proves who it is, before anything of it is read.
    fn admitted(&self, request: &Request) -> Result<bool> {
        match http::caller(request) {
            Ok(caller) if caller.key.is_some() => {
                self.rules(|rules| rules.count_call(now(), &caller))
            }
            // What is wrong with the headers, the call itself says.
            _ => Ok(false),
        }
    }

    async fn called(&self, name: &str, request: &Request) -> Result<Response> {
        match name {
            Describe::NAME => calls::reply::<Describe>(&self.rules(|rules| rules.status(now()))?),
            MayInvite::NAME => {
                let MayInvite { token, agent, key } = calls::read(request).await?;
                let member = agent.map(|agent| Caller { agent, key });
                self.rules(|rules| rules.may_invite(now(), token.as_ref(), member.as_ref()))?;
                calls::reply::<MayInvite>(&())
            }
            SeatRequest::NAME => {
                let seat: SeatRequest = calls::read(request).await?;
                let take = |rules: &mut Rules| rules.take_seat(now(), &seat, &mut System);
                let (known, joined) = self.seat(&seat.agent, take)?;
                if known {
                    // What was opened with the key that this one replaces.
                    self.close_all_of(&seat.agent);
                } else {
                    self.announce("joined", Some(&seat.agent));
                }
                calls::reply::<SeatRequest>(&joined)
            }
            _ => Err(Fault::new("a session was called by a name that it does not have").into()),
        }
    }

    async fn create(&self, request: Request) -> Result<Response> {
        let limits = self.limits()?;
        let create = CreateSession::parse(&http::body(&request, limits).await?, limits)?;
        let created = self.rules(|rules| rules.create(now(), create, &mut System))?;
        self.arm().await?;
        http::json(201, &created)
    }

    async fn renew(&self, request: Request) -> Result<Response> {
        let caller = http::caller(&request)?;
        let limits = self.limits()?;
        let body = http::body(&request, limits).await?;
        let longest = self.rules(|rules| rules.longest_ttl(now()))?;
        let renew = Renew::parse(&body, longest)?;
        let renewed = self.rules(|rules| rules.renew(now(), &caller, renew))?;
        // The alarm finds a later deadline by itself; of an earlier one it must be told.
        if renew.ttl.is_some() {
            self.arm().await?;
        }
        http::json(200, &renewed)
    }

    async fn send(&self, request: Request) -> Result<Response> {
        let (caller, key) = (http::caller(&request)?, http::idempotency_key(&request)?);
        let limits = self.limits()?;
        let send = SendMessage::parse(&http::body(&request, limits).await?, limits)?;
        let who = self.rules(|rules| rules.identify(now(), &caller))?;
        http::json(201, &self.store(&who, key.as_ref(), send)?)
    }

    /// Stores a message, and delivers it.
    pub(super) fn store(
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
    pub(super) fn pass_on(&self, deliveries: impl IntoIterator<Item = Delivery>) -> Result<()> {
        self.pass_events()?;
        let mut any = false;
        for delivery in deliveries {
            self.deliver(&delivery)?;
            any = true;
        }
        if any {
            self.start_webhooks();
        }
        Ok(())
    }

    fn poll(&self, request: &Request) -> Result<Response> {
        let query = request.query();
        let poll = PageRequest::parse(query, self.limits()?)?;
        let filter = Filter::parse(query)?;
        let caller = http::caller(request)?;
        let connected = members_connected(&self.state, poll);
        let who = self.rules(|rules| {
            let who = rules.identify(now(), &caller)?.wanting(filter);
            rules.hear(now(), &who)?;
            Ok(who)
        })?;
        if poll.wait > 0 && http::wants_upgrade(request) {
            let page = self.rules(|rules| rules.read(now(), &who, poll, &connected))?;
            return live::long_poll(&self.state, request, Reader::Native(who), &page, poll);
        }
        let page = self.rules(|rules| rules.read_json(now(), &who, poll, &connected))?;
        Ok(Response::text(200, http::JSON, page))
    }

    /// Tells every stream of something that is not in the log, or is, but only for readers of events.
    pub(super) fn announce(&self, event: &str, agent: Option<&AgentId>) {
        let frame = sockets::event_frame(json!({ "event": event, "agentId": agent }));
        let in_log = matches!(event, "joined" | "left" | "removed");
        let joined = agent.filter(|_| event == "joined");
        let joined = joined.and_then(|agent| self.joined_frame(agent));
        sockets::announce(&self.state, |reader: &Reader| match reader {
            Reader::Native(who) if in_log && who.wants_events() => None,
            Reader::Native(_) => Some(frame.as_str().into()),
            Reader::ClawLink(who) if agent == Some(who.agent()) => None,
            // Of other events this protocol knows nothing.
            Reader::ClawLink(_) => joined.as_deref().map(Into::into),
        });
    }

    fn close_all_of(&self, agent: &AgentId) {
        sockets::close_all(&self.state, Close::Left, |reader: &Reader| {
            reader.who().agent() == agent
        });
    }

    /// Takes a seat, and says whether the agent had one before.
    pub(super) fn seat<T>(
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

    pub(super) fn env(&self) -> &Env {
        &self.env
    }

    pub(super) fn posting(&self) -> &Posting {
        &self.posting
    }

    pub(super) fn saving(&self) -> &Rc<Cell<bool>> {
        &self.saving
    }

    pub(super) fn state(&self) -> &State {
        &self.state
    }

    pub(super) fn limits(&self) -> Result<&Limits> {
        if let Some(limits) = self.limits.get() {
            return Ok(limits);
        }
        let limits = platform::limits(&self.env)?;
        Ok(self.limits.get_or_init(|| limits))
    }

    /// Does one thing with the rules. No other request comes between, for nothing is awaited.
    pub(super) fn rules<T>(&self, work: impl FnOnce(&mut Rules) -> Result<T>) -> Result<T> {
        work(&mut self.shared_rules()?.borrow_mut())
    }

    /// The rules, for what goes on when this call has been answered.
    pub(super) fn shared_rules(&self) -> Result<Rc<RefCell<Rules>>> {
        if let Some(rules) = self.rules.get() {
            return Ok(Rc::clone(rules));
        }
        let name = self.state.id().name().and_then(|name| name.parse().ok());
        let id = name.ok_or_else(|| Fault::new("a session has no id"))?;
        let rules = Rules::new(id, Storage::of(&self.state), self.limits()?.clone());
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

    /// Tells the directory what has changed, or sees to it that the alarm does. Nobody waits for it, and a
    /// session does not fail when the directory does.
    fn report(&self) {
        let Ok(rules) = self.shared_rules() else { return };
        let before = rules.borrow().next_report_at();
        let report = rules.borrow_mut().take_report(now());
        let at = rules.borrow().next_report_at().filter(|_| before.is_none());
        match (report, at) {
            (Ok(None), None) => {}
            (Ok(None), Some(at)) => {
                let state = platform::share(&self.state);
                self.state.wait_until(boxed(async move {
                    if let Err(error) = platform::set_alarm_by(&state, at).await {
                        log::error("report", &error);
                    }
                }));
            }
            (report, _) => self.tell(report.map_err(Into::into)),
        }
    }

    fn tell(&self, report: Result<Option<Report>>) {
        let env = self.env.clone();
        self.state.wait_until(boxed(async move {
            let told = match report {
                Ok(Some(report)) => calls::call(&env, calls::THE_DIRECTORY, &report).await,
                Ok(None) => Ok(()),
                Err(error) => Err(error),
            };
            if let Err(error) = told {
                log::error("report", &error);
            }
        }));
    }
}
