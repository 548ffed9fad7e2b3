//! ClawLink's calls in the session's object: each is a call of the rules.

use super::{
    messages::{self, News, Polled},
    words,
};
use crate::{
    http::{self, Request, Response},
    objects::{
        dialect::Reader,
        live,
        present::{agents_answering, agents_attending, agents_connected},
        session::{Event, Rules, Session},
    },
    platform::{System, now},
    router::{ClawLink as Call, Method, Route},
};
use nexus_core::{Caller, Content, Error, Need, Result, Who};
use nexus_protocol::{
    AgentId, ClawLinkAnswer, ClawLinkBroadcast, ClawLinkFile, ClawLinkFrame, ClawLinkRegister,
    ClawLinkTask, Condition, FilesRequest, MessageId, Refusal, heartbeat,
};
use serde_json::{Value, json};

/// The name of the dialect, which its sockets keep.
pub(super) const NAME: &str = "clawlink";

/// What a call shows. Its token stands in the header or in the query, for sockets cannot always set headers.
fn caller(request: &Request) -> Result<Caller, Refusal> {
    let shown = http::caller(request)?;
    let in_query = || request.in_query("token")?.parse().ok();
    Ok(Caller { token: shown.token.clone().or_else(in_query), ..shown })
}

/// Answers a call in the session of its path.
pub(super) async fn answer(
    session: &Session,
    request: &Request,
    route: &Route,
    call: Call,
    need: Need,
) -> Result<Response> {
    session.rules(|rules| rules.check_open(now()))?;
    let visit = Visit { session, request, caller: caller(request)?, need };
    let answer = match call {
        Call::Info => visit.info()?,
        Call::Discover => visit.discover()?,
        Call::Files => visit.files()?,
        Call::File => visit.file(route)?,
        Call::Poll => return visit.poll(route),
        Call::Socket => return visit.open_socket(route),
        Call::Register => visit.register().await?,
        Call::Heartbeat => visit.heartbeat().await?,
        Call::Delegate => visit.delegate().await?,
        Call::Respond => visit.respond().await?,
        Call::Broadcast => visit.broadcast().await?,
        Call::SaveFile => visit.save_file().await?,
    };
    http::json(200, &answer)
}

/// A call, and who makes it.
struct Visit<'a> {
    session: &'a Session,
    request: &'a Request,
    caller: Caller,
    need: Need,
}

impl Visit<'_> {
    /// Lets in a call that names no member.
    fn enter(&self) -> Result<()> {
        self.session.rules(|rules| rules.enter(now(), &self.caller, self.need).map(drop))
    }

    /// Lets in a call of the member that the path names.
    fn member_of(&self, route: &Route) -> Result<Who> {
        let caller = Caller { agent: Some(route.agent()?), ..self.caller.clone() };
        self.session.rules(|rules| rules.member(now(), &caller, self.need))
    }

    /// Lets in a call of the member that the body names.
    fn member(&self, rules: &mut Rules, agent: &AgentId) -> Result<Who> {
        let caller = Caller { agent: Some(agent.clone()), ..self.caller.clone() };
        rules.member(now(), &caller, self.need)
    }

    /// The body, which says who calls. A caller that shows no key, and not the token where the session has one,
    /// is refused before the body is read.
    async fn body(&self) -> Result<Vec<u8>> {
        self.check_entry()?;
        http::body(self.request, self.session.limits()?).await
    }

    fn check_entry(&self) -> Result<()> {
        if self.caller.key.is_some() {
            return Ok(());
        }
        self.session.rules(|rules| rules.enter(now(), &self.caller, Need::Entry).map(drop))
    }

    fn info(&self) -> Result<Value> {
        self.enter()?;
        let connected = agents_answering(self.session.state());
        let info = self.session.rules(|rules| rules.clawlink_info(now(), &connected))?;
        Ok(messages::info(&info, now()))
    }

    fn discover(&self) -> Result<Value> {
        self.enter()?;
        let connected = agents_answering(self.session.state());
        let all = self.request.in_query("all").as_deref() == Some("true");
        let members = self.session.rules(|rules| rules.present_members(now(), &connected, all))?;
        let agents: Vec<Value> = members.iter().map(messages::agent).collect();
        Ok(json!({ "agents": agents, "count": agents.len(), "server_time": now() }))
    }

    fn files(&self) -> Result<Value> {
        self.enter()?;
        let all = FilesRequest::parse("")?;
        let list = self.session.rules(|rules| rules.shared_files(now(), &all))?;
        let files: Vec<Value> = list.files.iter().map(messages::listed_file).collect();
        Ok(json!({ "files": files, "count": files.len() }))
    }

    fn file(&self, route: &Route) -> Result<Value> {
        self.enter()?;
        let key = route.file()?;
        let (file, bytes) = self.session.rules(|rules| rules.shared_file(now(), &key))?;
        Ok(messages::whole_file(&file, bytes))
    }

    fn poll(&self, route: &Route) -> Result<Response> {
        let who = self.member_of(route)?;
        if self.request.method() == Method::Head {
            // An answer without a body would lose what it takes.
            return Err(Refusal::method_not_allowed(Method::Get.as_str().to_owned()).into());
        }
        let limit = self.session.limits()?.max_page;
        let page = self.session.rules(|rules| rules.take_unread(now(), &who, limit))?;
        let news = page.messages.iter().map(|record| News::of(who.agent(), record.get()));
        http::json(200, &Polled::new(news.collect::<Result<_, _>>()?))
    }

    fn open_socket(&self, route: &Route) -> Result<Response> {
        let (session, who) = (self.session, self.member_of(route)?);
        live::demand_upgrade(self.request)?;
        session.rules(|rules| rules.hear(now(), &who))?;
        let reader = Reader::of(NAME, who);
        live::stream(session.state(), self.request, session.log()?, reader, None)
    }

    async fn register(&self) -> Result<Value> {
        let session = self.session;
        let register = ClawLinkRegister::parse(&self.body().await?)?;
        let agent = match register.agent {
            Some(agent) => agent,
            None => session.rules(|rules| rules.free_id(now(), &mut System))?,
        };
        let caller = Caller { agent: Some(agent.clone()), ..self.caller.clone() };
        let visitor = session.rules(|rules| rules.enter(now(), &caller, self.need))?;
        let mut profile = register.profile;
        if !session.rules(|rules| rules.has(now(), &agent))? {
            profile.name.get_or_insert_with(|| messages::name_of(&agent));
        }
        let enrol = |rules: &mut Rules| rules.enrol(now(), &visitor, &caller, profile);
        let (known, member) = session.seat(&agent, enrol)?;
        if !known {
            session.announce(&Event::of("joined", Some(&agent)));
        }
        let agent = messages::agent(&member);
        Ok(json!({ "status": "registered", "agent": agent, "server_time": now() }))
    }

    async fn heartbeat(&self) -> Result<Value> {
        let agent = heartbeat(&self.body().await?)?;
        let heard = self.session.rules(|rules| {
            let who = self.member(rules, &agent)?;
            rules.hear(now(), &who)
        });
        match heard {
            Err(Error::Refused(refusal)) if words::is_about_members(&refusal) => {
                Ok(json!({ "status": "unknown_agent" }))
            }
            heard => heard.map(|()| json!({ "status": "ok" })),
        }
    }

    async fn delegate(&self) -> Result<Value> {
        let task = ClawLinkTask::parse(&self.body().await?, self.session.limits()?)?;
        let who = self.session.rules(|rules| self.member(rules, &task.from))?;
        let (id, delivery) = give(self.session, &who, task).await?;
        Ok(json!({ "status": "delegated", "delivery": delivery, "message_id": id }))
    }

    async fn respond(&self) -> Result<Value> {
        let answer = ClawLinkAnswer::parse(&self.body().await?, self.session.limits()?)?;
        let connected = agents_connected(self.session.state());
        let (task, delivery) = self.session.rules(|rules| {
            let who = self.member(rules, &answer.from)?;
            rules.answer_task(now(), &who, answer)
        })?;
        self.session.pass_on([delivery])?;
        let delivery = messages::delivery(connected.contains(&task.from));
        Ok(json!({ "status": "response_sent", "delivery": delivery }))
    }

    async fn broadcast(&self) -> Result<Value> {
        let said = ClawLinkBroadcast::parse(&self.body().await?, self.session.limits()?)?;
        let who = self.session.rules(|rules| self.member(rules, &said.from))?;
        let sent = self.session.store(&who, None, said.message)?;
        let members = self.session.rules(|rules| rules.describe(now()))?.agents.len();
        let recipients = members.saturating_sub(1);
        Ok(json!({ "status": "broadcast_sent", "message_id": sent.id, "recipients": recipients }))
    }

    async fn save_file(&self) -> Result<Value> {
        self.check_entry()?;
        let limit = self.session.limits()?.max_file_bytes;
        // Every byte may be written as an escape of six.
        let longest = limit.saturating_mul(6).saturating_add(16 * 1024);
        let body = http::body_up_to(self.request, longest, Refusal::file_too_large(limit)).await?;
        let file = ClawLinkFile::parse(&body)?;
        let saved = self.session.rules(|rules| {
            let who = self.member(rules, &file.editor)?;
            let content = Content { content_type: file.content_type, bytes: file.content };
            rules.put_file(now(), &who, None, &file.key, &Condition::None, content)
        })?;
        self.session.pass_on(saved.delivery)?;
        Ok(json!({ "status": "saved", "version": saved.file.version }))
    }
}

/// Gives a task. Returns its id, and how it reaches the assignee.
async fn give(
    session: &Session,
    who: &Who,
    task: ClawLinkTask,
) -> Result<(MessageId, &'static str)> {
    let connected = agents_connected(session.state());
    let attending = agents_attending(session.state());
    let (task, delivery) =
        session.rules(|rules| rules.give_task(now(), who, None, task.give, &attending))?;
    session.pass_on(delivery)?;
    if session.limits()?.agent_inactivity > 0 {
        session.arm().await?;
    }
    Ok((task.id, messages::delivery(connected.contains(&task.assignee))))
}

/// Does what a client's frame asks for.
pub(super) async fn said(session: &Session, who: &Who, text: &str) -> Result<()> {
    let counted = session.rules(|rules| rules.count_frame(now(), who));
    let limits = session.limits()?;
    let frame = live::read(counted, text, ClawLinkFrame::TYPES, limits)?;
    match ClawLinkFrame::read(frame, who.agent(), limits)? {
        ClawLinkFrame::Heartbeat => session.rules(|rules| rules.hear(now(), who)),
        ClawLinkFrame::Delegate(task) => give(session, who, task).await.map(drop),
        ClawLinkFrame::Broadcast(said) => session.store(who, None, said.message).map(drop),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_stands_in_the_header_or_in_the_query() {
        let token = |head: &str| caller(&Request::asked(head.to_owned(), None)).unwrap().token;
        let given: nexus_protocol::Token = "a-b+c-d-e-f".parse().unwrap();
        let head = "0 GET http://h/ws?token=a-b%2Bc-d-e-f";
        assert_eq!(token(head), Some(given.clone()));
        let head = "0 GET http://h/ws?token=other-token\nauthorization: Bearer a-b+c-d-e-f";
        assert_eq!(token(head), Some(given));
        assert_eq!(token("0 GET http://h/ws?token=short"), None);
    }
}
