//! The messenger's relay, under `/messenger`: ids with secrets, poll or socket.
//!
//! ```text
//! client                  edge                            mailbox
//!   | POST send {...}       | calls.rs: a call of its own   |
//!   | --------------------> | ----------------------------> |
//!   | GET poll?id=&secret=  | takes what waits              |
//!   | --------------------> | ----------------------------> |
//!   | GET ws?id=&secret=    |                               |
//!   | ==================== socket ========================= | socket.rs
//! ```

mod calls;
mod messages;
mod socket;
mod words;

use crate::{
    http::{Request, Response},
    log,
    objects::{
        dialect::{Dialect, Frames, Line, Reader, Work},
        mailbox::Mailbox,
        mailbox_live::MailLog,
    },
    router::{Foreign, Messenger as Call, Route},
};
use nexus_core::{Fault, Result};
use nexus_protocol::{Cursor, Mail, Refusal};
use std::borrow::Cow;
use worker::Env;

/// The dialect.
pub(crate) struct Messenger;

impl Frames<Mailbox> for Messenger {
    fn message<'a>(&self, log: &MailLog, _: &Reader<()>, record: &'a str) -> Result<Cow<'a, str>> {
        let mail: Mail = serde_json::from_str(record)
            .map_err(|_| Fault::new("a stored message cannot be read"))?;
        Ok(socket::frame(&mail, log.sender()).into())
    }

    fn sent(&self, log: &MailLog, _: &Reader<()>, upto: Cursor) {
        if let Err(error) = log.ack(upto) {
            log::error("messenger", &error);
        }
    }

    /// Its clients only listen.
    fn received<'a>(&'a self, _: &'a Mailbox, _: Line<'a, Mailbox>, _: &'a str) -> Work<'a, ()> {
        Box::pin(async {})
    }
}

impl Dialect<Mailbox> for Messenger {
    fn name(&self) -> &'static str {
        "messenger"
    }

    fn owns(&self, call: Foreign) -> bool {
        matches!(call, Foreign::Messenger(..))
    }

    fn refused(&self, refusal: Refusal) -> Result<Response> {
        words::refused(refusal)
    }

    fn answer<'a>(
        &'a self,
        request: &'a Request,
        env: &'a Env,
        _: &'a Route,
        call: Foreign,
    ) -> Work<'a, Result<Response>> {
        Box::pin(async move {
            match call {
                Foreign::Messenger(call, need) => calls::answer(request, env, call, need).await,
                Foreign::ClawLink(..) | Foreign::OpenDialogue(..) | Foreign::Mcp => {
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
                Foreign::Messenger(Call::Socket, need) => {
                    socket::open(mailbox, request, need, self.reader(()))
                }
                // The edge answers the others.
                Foreign::Messenger(..)
                | Foreign::ClawLink(..)
                | Foreign::OpenDialogue(..)
                | Foreign::Mcp => Err(Refusal::not_found().into()),
            }
        })
    }
}
