//! OpenDialogue, under `/opendialogue`: addressed agents, and a socket whose frames both sides sign.
//!
//! ```text
//! client                       edge                           mailbox
//!   | POST api/message {...}     | calls.rs: a native call      |
//!   | -------------------------> | ---------------------------> |
//!   | GET connect, signed        |                              |
//!   | ======================= socket ========================== | socket.rs: frames of the client
//!   |                            |                              | frames.rs: frames to the client
//! ```

mod calls;
mod frames;
mod socket;
mod words;

use crate::{
    http::{Request, Response},
    log,
    objects::{
        dialect::{Dialect, Frames, Line, Reader, Work},
        mailbox::{Event, Mailbox},
        mailbox_live::MailLog,
        sockets::{Close, Reach},
    },
    router::{Foreign, OpenDialogue as Call, Route},
};
use nexus_core::{Result, opendialogue::KeyAge};
use nexus_protocol::Refusal;
use socket::{Connection, SessionKey};
use std::borrow::Cow;
use worker::Env;

/// The dialect.
pub(crate) struct OpenDialogue;

impl Frames<Mailbox> for OpenDialogue {
    fn reach(&self, reader: &Reader<()>) -> Reach {
        match reader.kept::<SessionKey>() {
            Ok(key) if key.age() == KeyAge::Good => Reach::Yes,
            _ => Reach::NoLonger(Close::KeyExpired),
        }
    }

    fn message<'a>(
        &self,
        _: &MailLog,
        reader: &Reader<()>,
        record: &'a str,
    ) -> Result<Cow<'a, str>> {
        let SessionKey { key, .. } = reader.kept()?;
        Ok(frames::message(&key, record)?.into())
    }

    fn event(&self, log: &MailLog, reader: &Reader<()>, event: &Event) -> Result<Option<String>> {
        match event {
            Event::Ended(about, reason) => {
                Ok(Some(frames::ended(about.conversation.as_str(), reason).to_string()))
            }
            Event::Whisper(whisper) => {
                let key: SessionKey = reader.kept()?;
                if key.age() != KeyAge::Good {
                    return Ok(None);
                }
                frames::whisper(&key.key, log.agent(), whisper).map(Some)
            }
            // It has no word for what became of a message.
            Event::Notice(_) => Ok(None),
        }
    }

    fn received<'a>(
        &'a self,
        mailbox: &'a Mailbox,
        line: Line<'a, Mailbox>,
        text: &'a str,
    ) -> Work<'a, ()> {
        Box::pin(async move {
            match Connection::new(mailbox, line) {
                Ok(connection) => connection.received(text).await,
                Err(error) => log::error("opendialogue", &error),
            }
        })
    }
}

impl Dialect<Mailbox> for OpenDialogue {
    fn name(&self) -> &'static str {
        "opendialogue"
    }

    fn owns(&self, call: Foreign) -> bool {
        matches!(call, Foreign::OpenDialogue(..))
    }

    fn refused(&self, refusal: Refusal) -> Result<Response> {
        words::refused(refusal)
    }

    fn answer<'a>(
        &'a self,
        request: &'a Request,
        env: &'a Env,
        route: &'a Route,
        call: Foreign,
    ) -> Work<'a, Result<Response>> {
        Box::pin(async move {
            match call {
                Foreign::OpenDialogue(call, need) => {
                    calls::answer(request, env, route, call, need).await
                }
                Foreign::ClawLink(..) | Foreign::Messenger(..) | Foreign::Mcp => {
                    Err(Refusal::not_found().into())
                }
            }
        })
    }

    fn answer_in<'a>(
        &'a self,
        mailbox: &'a Mailbox,
        request: &'a Request,
        _: &'a Route,
        call: Foreign,
    ) -> Work<'a, Result<Response>> {
        Box::pin(async move {
            match call {
                Foreign::OpenDialogue(Call::Socket, need) => {
                    socket::open(mailbox, request, need, self.reader(()))
                }
                // The edge answers the others.
                Foreign::OpenDialogue(..)
                | Foreign::ClawLink(..)
                | Foreign::Messenger(..)
                | Foreign::Mcp => Err(Refusal::not_found().into()),
            }
        })
    }
}
