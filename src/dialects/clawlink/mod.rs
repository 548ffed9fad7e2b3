//! ClawLink, under `/clawlink/:session`: its "mesh" is a session.
//!
//! ```text
//! client                      edge                 the session's object
//!   | POST delegate {...}      |                        |
//!   | -----------------------> | forwards ------------> | calls.rs: GiveTask
//!   | <----------------------- | <--------------------- | words.rs, messages.rs
//!   |                          |                        |
//!   | GET ws/:agent            |                        |
//!   | ======================== socket ================= | messages.rs: each stored message as News
//! ```
//!
//! Its clients keep no cursor, so the seat of each keeps one.

mod calls;
mod messages;
mod words;

use crate::{
    calls::Object,
    http::{Request, Response},
    objects::{
        dialect::{Dialect, Frames, Line, Reader, Work},
        session::{Event, Session},
        session_live::SessionLog,
        sockets,
    },
    platform::now,
    router::{Foreign, Route},
};
use messages::News;
use nexus_core::{Delivery, Fault, Result, Who};
use nexus_protocol::{Cursor, Page, PageRequest, Refusal};
use serde_json::json;
use std::{borrow::Cow, collections::BTreeSet};
use worker::Env;

/// The dialect.
pub(crate) struct ClawLink;

impl Frames<Session> for ClawLink {
    fn wants(&self, reader: &Reader<Who>, stored: &Delivery) -> bool {
        reader.who.is_news(&stored.message)
    }

    fn read(&self, log: &SessionLog, reader: &Reader<Who>, request: PageRequest) -> Result<Page> {
        log.rules(|rules| rules.unread(now(), &reader.who, request.limit))
    }

    fn message<'a>(
        &self,
        _: &SessionLog,
        reader: &Reader<Who>,
        record: &'a str,
    ) -> Result<Cow<'a, str>> {
        let news = News::of(reader.who.agent(), record)?;
        Ok(serde_json::to_string(&news).map_err(Fault::new)?.into())
    }

    fn sent(&self, log: &SessionLog, reader: &Reader<Who>, upto: Cursor) {
        // One that is no longer a member reads no more.
        let _ = log.rules(|rules| rules.given(now(), &reader.who, upto));
        log.save_places_soon();
    }

    /// It knows of no other event than that an agent has joined.
    fn event(
        &self,
        log: &SessionLog,
        reader: &Reader<Who>,
        event: &Event,
    ) -> Result<Option<String>> {
        let Some(agent) = event.agent.filter(|_| event.name == "joined") else { return Ok(None) };
        if agent == reader.who.agent() {
            return Ok(None);
        }
        let members = log.rules(|rules| rules.present_members(now(), &BTreeSet::new(), true))?;
        let member = members.iter().find(|member| member.agent_id == *agent);
        let frame = |member| {
            let agent = messages::agent(member);
            json!({ "type": "agent_joined", "agent": agent, "timestamp": now() }).to_string()
        };
        Ok(member.map(frame))
    }

    /// Only what is wrong is answered.
    fn received<'a>(
        &'a self,
        session: &'a Session,
        line: Line<'a, Session>,
        text: &'a str,
    ) -> Work<'a, ()> {
        Box::pin(async move {
            if let Err(error) = calls::said(session, &line.reader.who, text).await {
                sockets::send(line.end, &words::error_frame(error));
            }
        })
    }
}

impl Dialect<Session> for ClawLink {
    fn name(&self) -> &'static str {
        calls::NAME
    }

    fn owns(&self, call: Foreign) -> bool {
        matches!(call, Foreign::ClawLink(..))
    }

    fn refused(&self, refusal: Refusal) -> Result<Response> {
        words::refused(refusal)
    }

    fn answer<'a>(
        &'a self,
        request: &'a Request,
        env: &'a Env,
        route: &'a Route,
        _: Foreign,
    ) -> Work<'a, Result<Response>> {
        Box::pin(async move {
            let session = route.session()?;
            Object::named(env, "SESSION", session.as_str(), None)?.forward(request).await
        })
    }

    fn answer_in<'a>(
        &'a self,
        session: &'a Session,
        request: &'a Request,
        route: &'a Route,
        call: Foreign,
    ) -> Work<'a, Result<Response>> {
        Box::pin(async move {
            let Foreign::ClawLink(call, need) = call else {
                return Err(Refusal::not_found().into());
            };
            calls::answer(session, request, route, call, need).await
        })
    }
}
