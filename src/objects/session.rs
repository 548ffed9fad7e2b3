//! One session: `id_from_name(sessionId)`.

use super::{
    Class, live,
    session_live::{Reader, agents_answering, members_connected},
    sockets::{self, Close},
    webhooks::Posting,
};
use crate::{
    calls::{self, AddCode, Call as _, Describe, ForgetCode},
    http::{self, Request, Response},
    log,
    platform::{self, Storage, System, fault, now},
    router::{self, Endpoint, Route, Session as Call},
    waiting::boxed,
};
use nexus_core::{Caller, Delivery, Error, Fault, Need, Report, Result, SeatRequest, Visitor, Who};
use nexus_protocol::{
    AgentId, CreateSession, ErrorCode, Filter, IdempotencyKey, Limits, OpenCode, OpenCodes,
    PageRequest, Profile, Refusal, Renew, SendMessage, Sent,
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
        let (proven, answer) = self.answer_request(request).await;
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
    /// Answers a request. Says, too, whether its caller has proven who it is.
    async fn answer_request(&self, request: Request) -> (bool, Result<Response>) {
        let path = request.path();
        if let Some(name) = calls::name(path) {
            return (false, self.called(name, &request).await);
        }
        let route = match router::route(request.method(), path) {
            Ok(route) => route,
            Err(refusal) => return (false, Err(refusal.into())),
        };
        match route.endpoint {
            Endpoint::Session(call, need) => match self.let_in(&request, &route, call, need) {
                Ok((caller, visitor)) => {
                    let proven = visitor.proven();
                    (proven, self.answer_call(request, &route, call, &caller, visitor).await)
                }
                Err(error) => (http::is_of_agent(&error), Err(error)),
            },
            Endpoint::ClawLink(call, need) => {
                (false, self.clawlink(request, &route, call, need).await)
            }
            Endpoint::SessionEvents(_)
            | Endpoint::Mailbox(..)
            | Endpoint::MailboxEvents(_)
            | Endpoint::Code(..)
            | Endpoint::Directory(_)
            | Endpoint::Page(_)
            | Endpoint::Messenger(..)
            | Endpoint::OpenDialogue(..) => (false, Err(Refusal::not_found().into())),
        }
    }

    /// Lets a caller in before anything of its body is read.
    fn let_in(
        &self,
        request: &Request,
        route: &Route,
        call: Call,
        need: Need,
    ) -> Result<(Caller, Visitor)> {
        let caller = match call {
            Call::Create => return Ok((Caller::default(), Visitor::default())),
            Call::Socket => http::browser_caller(request)?,
            _ => http::caller(request)?,
        };
        if caller.agent.is_none() && (need.is_a_members() || call == Call::Join) {
            return Err(Refusal::missing_agent_id().into());
        }
        let is_self = |agent: &AgentId| caller.agent.as_ref().is_some_and(|me| me.is_same(agent));
        let need = match call {
            // To take away another's seat is the creator's.
            Call::Leave if !is_self(&route.agent()?) => Need::Creator,
            Call::ChangeProfile if !is_self(&route.agent()?) => {
                return Err(Refusal::not_yourself().into());
            }
            _ => need,
        };
        let visitor = self.rules(|rules| rules.enter(now(), &caller, need));
        match visitor {
            // The path names who is not there.
            Err(error)
                if is_nobody(&error) && matches!(call, Call::Leave | Call::ChangeProfile) =>
            {
                Err(Refusal::agent_not_found(route.agent()?.as_str()).into())
            }
            visitor => Ok((caller, visitor?)),
        }
    }

    /// Answers a call of the native protocol.
    async fn answer_call(
        &self,
        request: Request,
        route: &Route,
        call: Call,
        caller: &Caller,
        visitor: Visitor,
    ) -> Result<Response> {
        match call {
            Call::Create => self.create(request).await,
            Call::Status => http::json(200, &self.rules(|rules| rules.status(now(), &visitor))?),
            Call::Join => {
                self.rules(|rules| rules.check_join(now(), &visitor))?;
                let profile = Profile::parse(&http::body(&request, self.limits()?).await?)?;
                let agent = caller.agent.as_ref().ok_or_else(Refusal::missing_agent_id)?;
                let join =
                    |rules: &mut Rules| rules.join(now(), &visitor, caller, profile, &mut System);
                let (known, joined) = self.seat(agent, join)?;
                if !known {
                    self.announce("joined", Some(agent));
                }
                http::json(200, &joined)
            }
            Call::End => self.end(visitor.who()?).await,
            Call::Leave => self.leave(&route.agent()?, visitor.who()?),
            Call::Renew => self.renew(request, visitor.who()?).await,
            Call::Send => self.send(request, visitor.who()?).await,
            Call::Poll => self.poll(&request, visitor.who()?),
            Call::SetWebhook => self.set_webhook(request, visitor.who()?).await,
            Call::Webhook => {
                http::json(200, &self.rules(|rules| rules.webhook(now(), visitor.who()?))?)
            }
            Call::RemoveWebhook => {
                http::json(200, &self.rules(|rules| rules.remove_webhook(now(), visitor.who()?))?)
            }
            Call::Socket => self.stream(&request, visitor.who()?),
            Call::Codes => self.codes(&request, visitor.who()?),
            Call::Members => self.members(&request, visitor.who()?),
            Call::ChangeProfile => self.change_profile(request, visitor.who()?).await,
            Call::Board => self.board(&request, visitor.who()?),
            Call::GiveTask => self.give_task(request, visitor.who()?).await,
            Call::Task => self.task(route, visitor.who()?),
            Call::ChangeTask => self.change_task(request, route, visitor.who()?).await,
            Call::Files => self.files(&request, visitor.who()?),
            Call::File => self.file(&request, route, visitor.who()?),
            Call::PutFile => self.put_file(request, route, visitor.who()?).await,
            Call::DeleteFile => self.delete_file(&request, route, visitor.who()?),
        }
    }

    async fn called(&self, name: &str, request: &Request) -> Result<Response> {
        match name {
            Describe::NAME => calls::reply::<Describe>(&self.rules(|rules| rules.describe(now()))?),
            AddCode::NAME => {
                let AddCode { caller, code } = calls::read(request).await?;
                self.rules(|rules| {
                    let visitor = rules.enter(now(), &caller, Need::Entry)?;
                    rules.add_code(now(), &visitor, code)
                })?;
                calls::reply::<AddCode>(&())
            }
            ForgetCode::NAME => {
                let ForgetCode { caller, code, lost } = calls::read(request).await?;
                self.rules(|rules| {
                    let who = rules.member(now(), &caller, Need::OwnKey)?;
                    rules.forget_code(now(), &who, &code, &lost)
                })?;
                // A seat that was taken back may have had tasks.
                self.settle_tasks();
                calls::reply::<ForgetCode>(&())
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
                self.settle_tasks();
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

    /// Ends the session. Before the answer leaves nothing is stored any more, sockets are closed, and the last
    /// posts are on their way.
    async fn end(&self, who: &Who) -> Result<Response> {
        let posts = self.rules(|rules| rules.last_posts(now(), who))?;
        let (ended, report) = self.rules(|rules| rules.end(now(), who))?;
        self.tell(Ok(Some(report)));
        let frame = sockets::event_frame(json!({ "event": "ended", "by": who.agent() }));
        sockets::announce(&self.state, |reader: &Reader| match reader {
            Reader::Native(_) => Some(frame.as_str().into()),
            Reader::ClawLink(_) => None,
        });
        sockets::close_all(&self.state, Close::Expired, |_: &Reader| true);
        self.post_last(posts);
        // What is left is empty; if this fails, the alarm does it.
        self.state.storage().delete_all().await.map_err(fault)?;
        http::json(200, &ended)
    }

    /// Takes away the seat of a member: its own, or, for the creator, another's.
    fn leave(&self, agent: &AgentId, who: &Who) -> Result<Response> {
        let is_own = who.agent().is_same(agent);
        let left = self.rules(|rules| {
            if is_own { rules.leave(now(), who) } else { rules.remove(now(), who, agent) }
        })?;
        self.close_all_of(&left.agent_id);
        self.announce("left", Some(&left.agent_id));
        self.settle_tasks();
        http::json(200, &left)
    }

    /// The codes that can still be claimed.
    fn codes(&self, request: &Request, who: &Who) -> Result<Response> {
        let origin = http::origin(request, &self.env)?;
        let codes = self.rules(|rules| rules.open_codes(now(), who))?;
        let open = codes.into_iter().map(|(code, expires_at)| {
            let url = format!("{origin}/p/{code}");
            OpenCode { code, url, expires_at }
        });
        http::json(200, &OpenCodes { codes: open.collect() })
    }

    async fn renew(&self, request: Request, who: &Who) -> Result<Response> {
        let limits = self.limits()?;
        let body = http::body(&request, limits).await?;
        let longest = self.rules(|rules| rules.longest_ttl(now()))?;
        let renew = Renew::parse(&body, longest)?;
        let renewed = self.rules(|rules| rules.renew(now(), who, renew))?;
        // The alarm finds a later deadline by itself; of an earlier one it must be told.
        if renew.ttl.is_some() {
            self.arm().await?;
        }
        http::json(200, &renewed)
    }

    async fn send(&self, request: Request, who: &Who) -> Result<Response> {
        let key = http::idempotency_key(&request)?;
        let limits = self.limits()?;
        let send = SendMessage::parse(&http::body(&request, limits).await?, limits)?;
        http::json(201, &self.store(who, key.as_ref(), send)?)
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

    fn poll(&self, request: &Request, who: &Who) -> Result<Response> {
        let query = request.query();
        let poll = PageRequest::parse(query, self.limits()?)?;
        let who = who.clone().wanting(Filter::parse(query)?);
        let connected = members_connected(&self.state, poll);
        self.rules(|rules| rules.hear(now(), &who))?;
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

/// Whether a call was refused because its caller is not a member.
fn is_nobody(error: &Error) -> bool {
    matches!(error, Error::Refused(refusal) if refusal.body.error == ErrorCode::Forbidden
        && refusal.body.reason.as_deref() == Some("agent_not_in_session"))
}
