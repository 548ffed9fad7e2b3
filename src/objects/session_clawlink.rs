//! ClawLink (docs/dialects.md) in the session: its calls and its socket, each a call of the rules.

use super::{
    live,
    session::{Rules, Session},
    session_live::{Reader, agents_answering, agents_attending, agents_connected},
    sockets,
};
use crate::{
    dialects::clawlink::{self, News, Polled},
    http::{self, Request, Response},
    log,
    platform::{System, now},
    router::{ClawLink as Call, Method, Route},
    waiting::boxed,
};
use nexus_core::{Caller, Content, Error, Need, Result, Who};
use nexus_protocol::{
    AgentId, Body, ClawLinkAnswer, ClawLinkBroadcast, ClawLinkFile, ClawLinkRegister, ClawLinkTask,
    Condition, ErrorCode, FilesRequest, MessageId, Refusal, heartbeat,
};
use serde_json::{Value, json};
use std::{
    cell::{Cell, RefCell},
    collections::BTreeSet,
    rc::Rc,
    time::Duration,
};
use worker::{Delay, State, WebSocket};

/// How long what sockets were sent may wait to be noted in storage: a burst costs one row.
const SAVE_AFTER: Duration = Duration::from_secs(2);

impl Session {
    /// Answers a call.
    pub(super) async fn clawlink(
        &self,
        request: Request,
        route: &Route,
        call: Call,
        need: Need,
    ) -> Result<Response> {
        let answer = self.clawlink_answer(request, route, call, need).await;
        clawlink::answered(answer.map_err(clawlink::in_its_words))
    }

    async fn clawlink_answer(
        &self,
        request: Request,
        route: &Route,
        call: Call,
        need: Need,
    ) -> Result<Response> {
        let caller = clawlink::caller(&request)?;
        match call {
            Call::Info | Call::Discover | Call::Files | Call::File => {
                self.rules(|rules| rules.enter(now(), &caller, need))?;
                self.clawlink_look(&request, route, call)
            }
            Call::Poll | Call::Socket => {
                let caller = Caller { agent: Some(route.agent()?), ..caller };
                let who = self.rules(|rules| rules.member(now(), &caller, need))?;
                if call == Call::Poll {
                    if request.method() == Method::Head {
                        // An answer without a body would lose what it takes.
                        return Err(Refusal::method_not_allowed("GET".to_owned()).into());
                    }
                    self.clawlink_poll(&who)
                } else {
                    self.clawlink_socket(&request, who)
                }
            }
            Call::Register
            | Call::Heartbeat
            | Call::Delegate
            | Call::Respond
            | Call::Broadcast
            | Call::SaveFile => {
                // Its body says who calls. One that shows neither key nor token, where the session has a
                // token, is refused before that is read.
                if caller.key.is_none() {
                    self.rules(|rules| rules.enter(now(), &caller, Need::Entry))?;
                }
                if call == Call::SaveFile {
                    return self.clawlink_save(&request, caller, need).await;
                }
                self.clawlink_call(&request, caller, call, need).await
            }
        }
    }

    /// The calls that name no member.
    fn clawlink_look(&self, request: &Request, route: &Route, call: Call) -> Result<Response> {
        let connected = agents_answering(self.state());
        let answer = match call {
            Call::Discover => {
                let all = request.in_query("all").as_deref() == Some("true");
                let members = self.rules(|rules| rules.present_members(now(), &connected, all))?;
                let agents: Vec<Value> = members.iter().map(clawlink::agent).collect();
                json!({ "agents": agents, "count": agents.len(), "server_time": now() })
            }
            Call::Files => {
                let all = FilesRequest::parse("")?;
                let list = self.rules(|rules| rules.shared_files(now(), &all))?;
                let files: Vec<Value> = list.files.iter().map(clawlink::listed_file).collect();
                json!({ "files": files, "count": files.len() })
            }
            Call::File => {
                let key = route.file()?;
                let (file, bytes) = self.rules(|rules| rules.shared_file(now(), &key))?;
                clawlink::whole_file(&file, bytes)
            }
            _ => {
                clawlink::info(&self.rules(|rules| rules.clawlink_info(now(), &connected))?, now())
            }
        };
        http::json(200, &answer)
    }

    /// The calls whose body names a member.
    async fn clawlink_call(
        &self,
        request: &Request,
        caller: Caller,
        call: Call,
        need: Need,
    ) -> Result<Response> {
        let limits = self.limits()?;
        let act = |rules: &mut Rules, agent: &AgentId| {
            rules.member(now(), &Caller { agent: Some(agent.clone()), ..caller.clone() }, need)
        };
        let body = http::body(request, limits).await?;
        let answer = match call {
            Call::Register => {
                self.clawlink_register(&caller, ClawLinkRegister::parse(&body)?, need)?
            }
            Call::Heartbeat => {
                let agent = heartbeat(&body)?;
                let heard = self.rules(|rules| {
                    let who = act(rules, &agent)?;
                    rules.hear(now(), &who)
                });
                match heard.map_err(clawlink::in_its_words) {
                    Err(Error::Refused(refusal))
                        if refusal.body.error == ErrorCode::AgentNotFound =>
                    {
                        json!({ "status": "unknown_agent" })
                    }
                    heard => heard.map(|()| json!({ "status": "ok" }))?,
                }
            }
            Call::Delegate => {
                let task = ClawLinkTask::parse(&body, None, limits)?;
                let who = self.rules(|rules| act(rules, &task.from))?;
                let (id, delivery) = self.clawlink_delegate(&who, task).await?;
                json!({ "status": "delegated", "delivery": delivery, "message_id": id })
            }
            Call::Respond => {
                let answer = ClawLinkAnswer::parse(&body, limits)?;
                let connected = agents_connected(self.state());
                let (task, delivery) = self.rules(|rules| {
                    let who = act(rules, &answer.from)?;
                    rules.answer_task(now(), &who, answer)
                })?;
                self.pass_on([delivery])?;
                let delivery = clawlink::delivery(connected.contains(&task.from));
                json!({ "status": "response_sent", "delivery": delivery })
            }
            _ => {
                let said = ClawLinkBroadcast::parse(&body, None, limits)?;
                let who = self.rules(|rules| act(rules, &said.from))?;
                let sent = self.store(&who, None, said.message)?;
                let members = self.rules(|rules| rules.describe(now()))?.agents.len();
                let recipients = members.saturating_sub(1);
                json!({ "status": "broadcast_sent", "message_id": sent.id, "recipients": recipients })
            }
        };
        http::json(200, &answer)
    }

    fn clawlink_register(
        &self,
        caller: &Caller,
        register: ClawLinkRegister,
        need: Need,
    ) -> Result<Value> {
        let agent = match register.agent {
            Some(agent) => agent,
            None => self.rules(|rules| rules.free_id(now(), &mut System))?,
        };
        let caller = Caller { agent: Some(agent.clone()), ..caller.clone() };
        let visitor = self.rules(|rules| rules.enter(now(), &caller, need))?;
        let mut profile = register.profile;
        if !self.rules(|rules| rules.has(now(), &agent))? {
            profile.name.get_or_insert_with(|| clawlink::name_of(&agent));
        }
        let enrol = |rules: &mut Rules| rules.enrol(now(), &visitor, &caller, profile);
        let (known, member) = self.seat(&agent, enrol)?;
        if !known {
            self.announce("joined", Some(&agent));
        }
        let agent = clawlink::agent(&member);
        Ok(json!({ "status": "registered", "agent": agent, "server_time": now() }))
    }

    /// Gives a task. Its id, and how it reaches the assignee.
    async fn clawlink_delegate(
        &self,
        who: &Who,
        task: ClawLinkTask,
    ) -> Result<(MessageId, &'static str)> {
        let connected = agents_connected(self.state());
        let attending = agents_attending(self.state());
        let (task, delivery) =
            self.rules(|rules| rules.give_task(now(), who, None, task.give, &attending))?;
        self.pass_on(delivery)?;
        if self.limits()?.agent_inactivity > 0 {
            self.arm().await?;
        }
        Ok((task.id, clawlink::delivery(connected.contains(&task.assignee))))
    }

    async fn clawlink_save(
        &self,
        request: &Request,
        caller: Caller,
        need: Need,
    ) -> Result<Response> {
        let limit = self.limits()?.max_file_bytes;
        // Every byte may be written as an escape of six.
        let longest = limit.saturating_mul(6).saturating_add(16 * 1024);
        let body = http::body_up_to(request, longest, Refusal::file_too_large(limit)).await?;
        let file = ClawLinkFile::parse(&body)?;
        let caller = Caller { agent: Some(file.editor), ..caller };
        let saved = self.rules(|rules| {
            let who = rules.member(now(), &caller, need)?;
            let content = Content { content_type: file.content_type, bytes: file.content };
            rules.put_file(now(), &who, None, &file.key, &Condition::None, content)
        })?;
        self.pass_on(saved.delivery)?;
        http::json(200, &json!({ "status": "saved", "version": saved.file.version }))
    }

    fn clawlink_poll(&self, who: &Who) -> Result<Response> {
        let limit = self.limits()?.max_page;
        let page = self.rules(|rules| rules.take_unread(now(), who, limit))?;
        let news = page.messages.iter().map(|record| News::of(who.agent(), record.get()));
        http::json(200, &Polled::new(news.collect::<Result<_, _>>()?))
    }

    fn clawlink_socket(&self, request: &Request, who: Who) -> Result<Response> {
        live::demand_upgrade(request)?;
        self.rules(|rules| rules.hear(now(), &who))?;
        live::stream(self.state(), request, self.log()?, Reader::ClawLink(who), None)
    }

    /// What a client sent over its socket. Only what is wrong is answered.
    pub(super) async fn clawlink_frame(&self, end: &WebSocket, who: &Who, text: &str) {
        if let Err(error) = self.clawlink_said(who, text.as_bytes()).await {
            sockets::send(end, &clawlink::error_frame(error));
        }
    }

    async fn clawlink_said(&self, who: &Who, bytes: &[u8]) -> Result<()> {
        const TYPE: &str = "must be `heartbeat`, `delegate` or `broadcast`";
        self.rules(|rules| rules.count_frame(now(), who))?;
        let limits = self.limits()?;
        if bytes.len() > limits.max_body_bytes() {
            return Err(Refusal::message_too_large("frame", limits.max_body_bytes()).into());
        }
        let mut body = Body::parse(bytes)?;
        let kind: Option<String> = body.required("type", TYPE);
        body.finish()?;
        let me = Some(who.agent());
        match kind.as_deref() {
            Some("heartbeat") => self.rules(|rules| rules.hear(now(), who)),
            Some("delegate") => {
                let task = ClawLinkTask::parse(bytes, me, limits)?;
                self.clawlink_delegate(who, task).await.map(drop)
            }
            Some("broadcast") => {
                let said = ClawLinkBroadcast::parse(bytes, me, limits)?;
                self.store(who, None, said.message).map(drop)
            }
            _ => Err(Refusal::invalid("type", TYPE).into()),
        }
    }

    /// The frame that tells this protocol's sockets that a member has joined.
    pub(super) fn joined_frame(&self, agent: &AgentId) -> Option<String> {
        let none = BTreeSet::new();
        let members = self.rules(|rules| rules.present_members(now(), &none, true)).ok()?;
        let member = members.iter().find(|member| member.agent_id == *agent)?;
        let (agent, timestamp) = (clawlink::agent(member), now());
        Some(json!({ "type": "agent_joined", "agent": agent, "timestamp": timestamp }).to_string())
    }

    /// Stores how far sockets have read, of which one has closed.
    pub(super) fn save_places(&self) {
        if let Err(error) = self.rules(|rules| rules.save_places(now())) {
            log::error("places", &error);
        }
    }
}

/// Stores, a little later, how far sockets have read. Until then the object does not sleep.
pub(super) fn save_places_soon(state: &State, rules: &Rc<RefCell<Rules>>, saving: &Rc<Cell<bool>>) {
    if saving.replace(true) {
        return;
    }
    let (rules, saving) = (Rc::clone(rules), Rc::clone(saving));
    state.wait_until(boxed(async move {
        Delay::from(SAVE_AFTER).await;
        saving.set(false);
        if let Err(error) = rules.borrow_mut().save_places(now()) {
            log::error("places", &error);
        }
    }));
}
