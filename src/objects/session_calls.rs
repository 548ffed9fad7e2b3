//! What is asked of a session: the calls of the native protocol, and those of other objects.

use super::{
    dialect::{self, Reader},
    live,
    present::members_connected,
    session::{Event, Rules, Session},
    sockets::{self, Close},
};
use crate::{
    calls::{self, AddCode, ByOperator, Call as _, Describe, ForgetCode, Invite, Subscribe},
    frames,
    http::{self, Request, Response},
    platform::{System, fault, now},
    router::{self, Endpoint, Route, Session as Call},
};
use nexus_core::{Caller, Error, Fault, Need, Post, Result, SeatRequest, Visitor, Who};
use nexus_protocol::{
    AgentId, CreateSession, ErrorCode, Filter, OpenCode, OpenCodes, PageRequest, Profile, Refusal,
    Region, Renew, SendMessage,
};
use serde_json::json;

impl Session {
    /// Answers a request. Says, too, whether its caller has proven who it is.
    pub(super) async fn answer_request(&self, request: Request) -> (bool, Result<Response>) {
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
            Endpoint::Foreign(call) => {
                let dialects = self.dialects();
                (false, dialect::answer_in(dialects, self, &request, &route, call).await)
            }
            Endpoint::SessionEvents(_)
            | Endpoint::Mailbox(..)
            | Endpoint::MailboxEvents(_)
            | Endpoint::Code(..)
            | Endpoint::Directory(_)
            | Endpoint::Page(_) => (false, Err(Refusal::not_found().into())),
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
                self.rules(|rules| rules.check_join(now(), &visitor, caller))?;
                let profile = Profile::parse(&http::body(&request, self.limits()?).await?)?;
                let agent = caller.agent.as_ref().ok_or_else(Refusal::missing_agent_id)?;
                let join =
                    |rules: &mut Rules| rules.join(now(), &visitor, caller, profile, &mut System);
                let (known, joined) = self.seat(agent, join)?;
                if !known {
                    self.announce(&Event::of("joined", Some(agent)));
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
            Invite::NAME => calls::reply::<Invite>(&self.rules(|rules| rules.invitation(now()))?),
            ByOperator::NAME => {
                let ByOperator { ends } = calls::read(request).await?;
                let extent = self.rules(|rules| rules.extent(now()))?;
                if ends {
                    self.end_by_operator().await?;
                }
                calls::reply::<ByOperator>(&extent)
            }
            AddCode::NAME => {
                let AddCode { need, caller, code, invites } = calls::read(request).await?;
                self.rules(|rules| {
                    let visitor = rules.enter(now(), &caller, need)?;
                    rules.add_code(now(), &visitor, code, invites)
                })?;
                calls::reply::<AddCode>(&())
            }
            ForgetCode::NAME => {
                let ForgetCode { need, caller, code, lost } = calls::read(request).await?;
                self.rules(|rules| {
                    let who = rules.member(now(), &caller, need)?;
                    rules.forget_code(now(), &who, &code, &lost)
                })?;
                // A seat that was taken back may have had tasks.
                self.settle_tasks();
                calls::reply::<ForgetCode>(&())
            }
            Subscribe::NAME => {
                calls::reply::<Subscribe>(&self.subscribe(calls::read(request).await?).await?)
            }
            SeatRequest::NAME => {
                let seat: SeatRequest = calls::read(request).await?;
                let take = |rules: &mut Rules| rules.take_seat(now(), &seat, &mut System);
                let (known, joined) = self.seat(&seat.agent, take)?;
                if known {
                    // What was opened with the key that this one replaces.
                    self.close_all_of(&seat.agent);
                } else {
                    self.announce(&Event::of("joined", Some(&seat.agent)));
                }
                self.settle_tasks();
                calls::reply::<SeatRequest>(&joined)
            }
            _ => Err(Fault::new("a session was called by a name that it does not have").into()),
        }
    }

    async fn create(&self, request: Request) -> Result<Response> {
        let limits = self.limits()?;
        // Only the body says whether the session is to be encrypted.
        let body = http::body(&request, &limits.sealed()).await?;
        let create = CreateSession::parse(&body, limits)?;
        let region = request.header(http::REGION).and_then(Region::named);
        let created = self.rules(|rules| rules.create_in(region, now(), create, &mut System))?;
        self.arm().await?;
        http::json(201, &created)
    }

    /// Ends the session. Before the answer leaves nothing is stored any more, sockets are closed, and the last
    /// posts are on their way.
    async fn end(&self, who: &Who) -> Result<Response> {
        let posts = self.rules(|rules| rules.last_posts(now(), who))?;
        let ended = self.rules(|rules| rules.end(now(), who))?;
        self.close_down(who.agent().as_str(), posts).await?;
        http::json(200, &ended)
    }

    /// The same for the operator, whom no member knows.
    async fn end_by_operator(&self) -> Result<()> {
        let posts = self.rules(|rules| rules.last_posts_by_operator(now()))?;
        self.rules(|rules| rules.end_by_operator(now()))?;
        self.close_down(AgentId::OPERATOR, posts).await
    }

    /// Tells everybody that the session was ended, and by whom.
    async fn close_down(&self, by: &str, posts: Vec<Post>) -> Result<()> {
        let frame = frames::event(json!({ "event": "ended", "by": by }));
        self.announce(&Event { name: "ended", agent: None, frame });
        sockets::close_all(self.state(), Close::Expired, |_: &Reader<Who>| true);
        self.post_last(posts);
        // What is left is empty; if this fails, the alarm does it.
        self.state().storage().delete_all().await.map_err(fault)
    }

    /// Takes away the seat of a member: its own, or, for the creator, another's.
    fn leave(&self, agent: &AgentId, who: &Who) -> Result<Response> {
        let is_own = who.agent().is_same(agent);
        let left = self.rules(|rules| {
            if is_own { rules.leave(now(), who) } else { rules.remove(now(), who, agent) }
        })?;
        self.close_all_of(&left.agent_id);
        self.announce(&Event::of("left", Some(&left.agent_id)));
        self.settle_tasks();
        http::json(200, &left)
    }

    /// The codes that can still be claimed.
    fn codes(&self, request: &Request, who: &Who) -> Result<Response> {
        let origin = http::origin(request, self.env())?;
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
        let limits = self.limits_of_texts()?;
        let send = SendMessage::parse(&http::body(&request, &limits).await?, &limits)?;
        http::json(201, &self.store(who, key.as_ref(), send)?)
    }

    fn poll(&self, request: &Request, who: &Who) -> Result<Response> {
        let query = request.query();
        let poll = PageRequest::parse(query, self.limits()?)?;
        let who = who.clone().wanting(Filter::parse(query)?);
        let connected = members_connected(self.state(), poll);
        self.rules(|rules| rules.hear(now(), &who))?;
        if poll.wait > 0 && http::wants_upgrade(request) {
            let page = self.rules(|rules| rules.read(now(), &who, poll, &connected))?;
            return live::long_poll(self.state(), request, Reader::native(who), &page, poll);
        }
        let page = self.rules(|rules| rules.read_json(now(), &who, poll, &connected))?;
        Ok(Response::text(200, http::JSON, page))
    }
}

/// Whether a call was refused because its caller is not a member.
fn is_nobody(error: &Error) -> bool {
    matches!(error, Error::Refused(refusal) if refusal.body.error == ErrorCode::Forbidden
        && refusal.body.reason.as_deref() == Some("agent_not_in_session"))
}
