//! One agent's mailbox: `id_from_name(agentId)`.
//!
//! What an agent does is asked of its own mailbox, also a send: that knows its secret, and calls the
//! mailbox of the other.

use super::{
    class::{Class, with_diagnostics},
    dialect::{self, Dialects, Reader},
    live, sockets,
};
use crate::{
    calls::{self, StatusOf, Whisper},
    http::{self, Request, Response},
    log,
    platform::{self, Storage, System, fault, now},
    router::{self, Endpoint, Mailbox as Call, Route},
    waiting::boxed,
};
use nexus_core::{About, Fault, List, Listing, MailboxNeed, Notice, Proof, Result};
use nexus_protocol::{
    Ack, AgentId, AgentListRequest, AllowOnly, Allowed, Blocked, ChangeCard, ConversationRequest,
    IdempotencyKey, Limits, MailSent, PageRequest, Refusal, SendMail, optional_secret,
};
use std::{
    cell::{Cell, OnceCell, RefCell},
    collections::VecDeque,
    rc::Rc,
};
use worker::{Env, State, WebSocket};

pub(crate) type Rules = nexus_core::Mailbox<Storage>;

/// What sockets are told of besides messages.
pub(crate) enum Event<'a> {
    /// What became of messages that this agent has sent.
    Notice(&'a Notice),
    /// A conversation is over, and why.
    Ended(&'a About, &'a str),
    /// Something that is not kept.
    Whisper(&'a Whisper),
}

/// Card and secret, inbox and what was sent, whom to hear.
pub(crate) struct Mailbox {
    state: State,
    env: Env,
    dialects: Dialects<Self>,
    /// Built by the first call, because building them can fail.
    limits: OnceCell<Limits>,
    rules: OnceCell<Rc<RefCell<Rules>>>,
    /// Frames that wait for those before them to be dealt with, and whether that goes on.
    frames: RefCell<VecDeque<(WebSocket, String)>>,
    at_work: Cell<bool>,
    /// The bytes of those frames.
    unread: Cell<usize>,
    /// An alarm is set.
    armed: Cell<bool>,
}

impl Class for Mailbox {
    async fn respond(&self, request: Request) -> Response {
        let id = request.id().to_owned();
        let (proven, answer) = self.answer_request(request).await;
        let answer = answer.and_then(|response| with_diagnostics(&self.env, response));
        http::answer_of_object(&id, answer, proven)
    }

    /// Deletes what expired long ago.
    async fn alarm(&self) -> Result<()> {
        let next = self.rules(|rules| Ok(rules.clean_up(now())?));
        self.armed.set(!matches!(next, Ok(None)));
        platform::after_alarm(&self.state, next).await
    }

    /// Frames are dealt with one after the other: a send takes a while, and must not be overtaken.
    async fn received(&self, end: WebSocket, text: String) {
        let unread = self.unread.get().saturating_add(text.len());
        if unread > sockets::MOST_UNREAD {
            return sockets::close(&end, sockets::Close::TooFast);
        }
        self.unread.set(unread);
        self.frames.borrow_mut().push_back((end, text));
        if self.at_work.replace(true) {
            return;
        }
        loop {
            let next = self.frames.borrow_mut().pop_front();
            let Some((end, text)) = next else { break };
            self.frame(&end, &text).await;
            self.unread.set(self.unread.get().saturating_sub(text.len()));
        }
        self.at_work.set(false);
    }

    fn closed(&self, end: &WebSocket, code: u16) {
        sockets::closed(end, code);
    }
}

impl Mailbox {
    /// An object that was just built. It reads nothing yet.
    pub(crate) fn new(state: State, env: Env, dialects: Dialects<Self>) -> Self {
        platform::note_built();
        Self {
            state,
            env,
            dialects,
            limits: OnceCell::new(),
            rules: OnceCell::new(),
            frames: RefCell::default(),
            at_work: Cell::new(false),
            unread: Cell::new(0),
            armed: Cell::new(false),
        }
    }

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
            Endpoint::Mailbox(call, need) => match self.let_in(&request, call, need) {
                Ok(()) => {
                    (need != MailboxNeed::Anyone, self.answer_call(request, &route, call).await)
                }
                Err(error) => (http::is_of_agent(&error), Err(error)),
            },
            Endpoint::Foreign(call) => {
                (false, dialect::answer_in(self.dialects, self, &request, &route, call).await)
            }
            Endpoint::Session(..)
            | Endpoint::SessionEvents(_)
            | Endpoint::MailboxEvents(_)
            | Endpoint::Code(..)
            | Endpoint::Directory(_)
            | Endpoint::Page(_) => (false, Err(Refusal::not_found().into())),
        }
    }

    /// Lets a caller in before anything of its body is read.
    fn let_in(&self, request: &Request, call: Call, need: MailboxNeed) -> Result<()> {
        let agent = http::optional_agent(request)?;
        let proof = match call {
            Call::Socket => http::browser_proof(request),
            _ => http::proof(request),
        };
        self.enter(agent.as_ref(), proof.as_ref(), need)
    }

    /// Answers a call of the native protocol.
    async fn answer_call(&self, request: Request, route: &Route, call: Call) -> Result<Response> {
        let query = request.query();
        match call {
            Call::Card => http::json(200, &self.status()?),
            Call::Send => self.post(request, route).await,
            Call::Status => {
                let status = StatusOf { sender: self.id()?, message: route.message()? };
                let of = route.address()?;
                http::json(200, &calls::call(&self.env, of.as_str(), &status).await?)
            }
            Call::Socket => self.stream(&request),
            Call::Read => self.read(&request, query),
            Call::Ack => {
                let ack = Ack::parse(&self.body(&request).await?)?;
                http::json(200, &self.ack(ack)?)
            }
            Call::ChangeCard => self.change_card(request).await,
            Call::Delete => self.delete().await,
            Call::ReplaceSecret => {
                let chosen = optional_secret(&self.body(&request).await?)?;
                let given = self.rules(|rules| rules.replace_secret(chosen, &mut System))?;
                self.close_all(sockets::Close::Replaced);
                http::json(200, &given)
            }
            Call::Blocks => self.list(List::Blocks, query),
            Call::Allows => self.list(List::Allows, query),
            Call::Block => self.block(route, true),
            Call::Unblock => self.block(route, false),
            Call::Allow => self.allow(route, true),
            Call::Disallow => self.allow(route, false),
            Call::AllowOnly => {
                let wanted = AllowOnly::parse(&self.body(&request).await?)?;
                http::json(200, &self.rules(|rules| rules.set_allow_only(wanted))?)
            }
            Call::Conversation => {
                let (id, rules) = (route.conversation()?, self.shared_rules()?);
                let asked = ConversationRequest::parse(query, self.limits()?)?;
                let shown = nexus_core::conversation(&rules, self, now, &id, &asked).await?;
                http::json(200, &shown)
            }
            Call::EndConversation => {
                let with = ConversationRequest::parse(query, self.limits()?)?.with;
                http::json(200, &self.end(&route.conversation()?, with).await?)
            }
        }
    }

    async fn change_card(&self, request: Request) -> Result<Response> {
        let change = ChangeCard::parse(&self.body(&request).await?)?;
        let before = self.rules(Rules::listing)?;
        self.rules(|rules| rules.change(now(), change))?;
        let after = self.rules(Rules::listing)?;
        if before.listed || after.listed {
            self.enlist(&after).await?;
        }
        http::json(200, &self.status()?)
    }

    /// A send over HTTP.
    async fn post(&self, request: Request, route: &Route) -> Result<Response> {
        let key = http::idempotency_key(&request)?;
        let body = self.body(&request).await?;
        let message = SendMail::parse(&body, self.limits()?)?;
        http::json(201, &self.send(&route.address()?, key.as_ref(), message).await?)
    }

    /// Sends a message from this agent, which has proven that it is.
    pub(crate) async fn send(
        &self,
        to: &AgentId,
        key: Option<&IdempotencyKey>,
        message: SendMail,
    ) -> Result<MailSent> {
        let rules = self.shared_rules()?;
        let sent = nexus_core::send(&rules, self, now, &mut System, to, key, message).await?;
        self.arm().await;
        if sent.turn >= sent.max_turns {
            let conversation = sent.conversation_id.clone();
            self.announce(&Event::Ended(&About { with: to.clone(), conversation }, "max_turns"));
        }
        Ok(sent)
    }

    fn read(&self, request: &Request, query: &str) -> Result<Response> {
        let poll = PageRequest::parse(query, self.limits()?)?;
        self.hear()?;
        let (page, notices) = self.rules(|rules| rules.read(now(), poll))?;
        self.tell(notices);
        if poll.wait > 0 && http::wants_upgrade(request) {
            return live::long_poll(&self.state, request, Reader::native(()), &page, poll);
        }
        http::json(200, &page)
    }

    pub(crate) fn ack(&self, ack: Ack) -> Result<nexus_protocol::Acked> {
        let (acked, notices) = self.rules(|rules| rules.ack(now(), ack))?;
        self.tell(notices);
        Ok(acked)
    }

    pub(crate) async fn end(
        &self,
        id: &nexus_protocol::ConversationId,
        with: Option<AgentId>,
    ) -> Result<nexus_protocol::Conversation> {
        nexus_core::end_conversation(&*self.shared_rules()?, self, now, id, with).await
    }

    async fn delete(&self) -> Result<Response> {
        let listing = self.rules(Rules::listing)?;
        if listing.listed {
            self.enlist(&Listing { listed: false, ..listing }).await?;
        }
        self.close_all(sockets::Close::Deleted);
        self.state.storage().delete_all().await.map_err(fault)?;
        self.armed.set(false);
        self.rules(|rules| {
            rules.forget();
            Ok(())
        })?;
        http::json(200, &nexus_protocol::AgentDeleted { ok: true, agent_id: self.id()? })
    }

    fn block(&self, route: &Route, blocked: bool) -> Result<Response> {
        let agent_id = route.other()?;
        self.rules(|rules| rules.set_listed(now(), List::Blocks, &agent_id, blocked))?;
        http::json(200, &Blocked { agent_id, blocked })
    }

    fn allow(&self, route: &Route, allowed: bool) -> Result<Response> {
        let agent_id = route.other()?;
        self.rules(|rules| rules.set_listed(now(), List::Allows, &agent_id, allowed))?;
        http::json(200, &Allowed { agent_id, allowed })
    }

    fn list(&self, list: List, query: &str) -> Result<Response> {
        let request = AgentListRequest::parse(query)?;
        http::json(200, &self.rules(|rules| rules.list(list, &request))?)
    }

    pub(crate) fn status(&self) -> Result<nexus_protocol::AgentStatus> {
        let connected = sockets::connected::<Reader<()>>(&self.state).next().is_some();
        self.rules(|rules| rules.status(now(), connected))
    }

    /// Lets a caller in, or refuses it.
    pub(crate) fn enter(
        &self,
        agent: Option<&AgentId>,
        proof: Option<&Proof>,
        need: MailboxNeed,
    ) -> Result<()> {
        self.rules(|rules| rules.enter(now(), agent, proof, need))
    }

    /// Notes that the agent was heard. Nobody waits until the directory knows, and it is told again the next day.
    pub(crate) fn hear(&self) -> Result<()> {
        if let Some(listing) = self.rules(|rules| rules.hear(now()))? {
            let env = self.env.clone();
            self.state.wait_until(boxed(async move {
                if let Err(error) = calls::call_directory(&env, listing.region, &listing).await {
                    log::error("listing", &error);
                }
            }));
        }
        Ok(())
    }

    pub(crate) async fn enlist(&self, listing: &Listing) -> Result<()> {
        calls::call_directory(&self.env, listing.region, listing).await
    }

    /// Sees to it that an alarm is set. What was stored stays stored if it cannot be: the next call
    /// tries again.
    pub(crate) async fn arm(&self) {
        if self.armed.replace(true) {
            return;
        }
        let set = match self.state.storage().get_alarm().await {
            Ok(Some(_)) => Ok(()),
            Ok(None) => {
                platform::set_next_alarm(&self.state, Some(Rules::next_clean_up(now()))).await
            }
            Err(error) => Err(fault(error)),
        };
        if let Err(error) = set {
            self.armed.set(false);
            log::error("alarm", &error);
        }
    }

    /// The body of a call whose caller was let in a moment ago. Refused if the proof no longer holds when the
    /// body has come.
    async fn body(&self, request: &Request) -> Result<Vec<u8>> {
        let before = self.rules(Rules::stamp)?;
        let body = http::body(request, self.limits()?).await?;
        if self.rules(Rules::stamp)? != before {
            return Err(Refusal::invalid_secret().into());
        }
        Ok(body)
    }

    pub(crate) fn dialects(&self) -> Dialects<Self> {
        self.dialects
    }

    pub(crate) fn state(&self) -> &State {
        &self.state
    }

    pub(crate) fn env(&self) -> &Env {
        &self.env
    }

    pub(crate) fn limits(&self) -> Result<&Limits> {
        if let Some(limits) = self.limits.get() {
            return Ok(limits);
        }
        let limits = platform::limits(&self.env)?;
        Ok(self.limits.get_or_init(|| limits))
    }

    pub(crate) fn id(&self) -> Result<AgentId> {
        let name = self.state.id().name().and_then(|name| name.parse().ok());
        name.ok_or_else(|| Fault::new("a mailbox has no id").into())
    }

    /// Does one thing with the rules. It is atomic for the reasons given at `Session::rules`.
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
}
