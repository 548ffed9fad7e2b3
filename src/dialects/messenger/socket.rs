//! The messenger's socket: what waits, with the names of its senders, then what comes.
//!
//! Nothing in this protocol acknowledges. What was sent to a socket that is still open has been read.

use super::messages::{self, Names};
use crate::{
    http::{self, Request, Response},
    log,
    objects::{
        dialect::{Log, Reader},
        live,
        mailbox::Mailbox,
        mailbox_live::MailLog,
        sockets::{self, Close, Purpose, Socket},
    },
    waiting::boxed,
};
use nexus_core::{MailboxNeed, Proof, Result};
use nexus_protocol::{Mail, PageRequest};
use serde_json::json;
use worker::WebSocket;

/// Messages that are read at a time while a client catches up.
const PAGE: u32 = 20;

/// `GET /messenger/ws`
pub(super) fn open(
    mailbox: &Mailbox,
    request: &Request,
    need: MailboxNeed,
    reader: Reader<()>,
) -> Result<Response> {
    live::demand_upgrade(request)?;
    let (id, secret) = messages::caller(request)?;
    mailbox.enter(None, secret.map(Proof::Secret).as_ref(), need)?;
    mailbox.hear()?;
    let socket = Socket::new(reader, Purpose::CatchUp);
    let (client, server) = sockets::open(mailbox.state(), &socket)?;
    let name = mailbox.status()?.card.name;
    sockets::send(&server, &json!({ "type": "connected", "id": id, "name": name }).to_string());
    let log = mailbox.log()?;
    mailbox.state().wait_until(boxed(async move { catch_up(log, server, socket).await }));
    http::upgraded(request, client)
}

/// A message as a frame.
pub(super) fn frame(mail: &Mail, sender: &str) -> String {
    json!({ "type": "message", "data": messages::message(mail, sender) }).to_string()
}

/// Sends a messenger what waits, with the names of its senders, no faster than it takes it, and then
/// makes it a stream. Each page goes on from the one before: what another reader acknowledges
/// meanwhile is for this one, too.
async fn catch_up(log: MailLog, end: WebSocket, mut socket: Socket<Reader<()>>) {
    let mut poll = PageRequest { after: None, limit: PAGE, members: false, wait: 0 };
    let mut names = Names::default();
    loop {
        // Nothing is awaited between this read and becoming a stream: no message can come between.
        let page = match log.read(&(), poll) {
            Ok(page) => page,
            Err(error) => {
                log::error("catch-up", &error);
                return sockets::close(&end, Close::Failed);
            }
        };
        if !sockets::is_open(&end) {
            return;
        }
        if page.messages.is_empty() {
            socket.purpose = Purpose::Stream;
            if sockets::attach(&end, &socket).is_err() {
                sockets::close(&end, Close::Failed);
            }
            return;
        }
        for record in &page.messages {
            let mail: Option<Mail> = serde_json::from_str(record.get()).ok();
            let Some(mail) = mail else { continue };
            let name = names.of(log.env(), &mail.agent_id).await;
            if end.send_with_str(frame(&mail, name)).is_err() {
                // It is gone; what it did not get waits on.
                return;
            }
        }
        if !live::taken(&end).await {
            return;
        }
        if log.ack(page.next_cursor).is_err() {
            return sockets::close(&end, Close::Deleted);
        }
        poll.after = Some(page.next_cursor);
    }
}
