//! `nexus receive`: a gateway of our own, for agents that post to one.

use crate::{
    clock,
    error::{Failure, Kind, Result},
    json::Json,
    loops::Stop,
    output::{self, Done, tell},
};
use clap::Args;
use serde_json::{Value, json};
use std::{
    collections::VecDeque,
    io::Read,
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
};
use tiny_http::{Header, Method, Request, Response, Server};

/// The longest body that is taken.
const MAX_BODY: u64 = 256 * 1024;
/// Messages that `GET /messages` still knows.
const KEPT: usize = 1000;

#[derive(Args)]
#[command(after_help = "Examples:
  nexus receive
  nexus receive --port 19900 | jq --unbuffered -r .message
  curl http://127.0.0.1:19900/message -d '{\"from\":\"bob\",\"message\":\"Hello!\"}'

POST /message takes a message, GET /messages lists the last 1000, GET /health counts them. Whoever reaches the
port can post: it is open to this machine only, unless --listen says otherwise.")]
pub(crate) struct Receive {
    /// The port; 0 takes a free one
    #[arg(long, default_value_t = 19_900)]
    port: u16,
    /// The address to listen on
    #[arg(long, value_name = "IP", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    listen: IpAddr,
}

impl Receive {
    pub(crate) fn run(self) -> Result<Done> {
        let server = Server::http((self.listen, self.port)).map_err(|error| {
            let message = format!(
                "Port {} cannot be opened on {} ({error}); take another with --port.",
                self.port, self.listen
            );
            Failure::own(Kind::Usage, message)
        })?;
        let server = Arc::new(server);
        let woken = Arc::clone(&server);
        let _stop = Stop::on_signals_and(move || woken.unblock())?;
        tell!("listening on http://{}", server.server_addr());
        let (mut kept, mut count) = (VecDeque::new(), 0_u64);
        for request in server.incoming_requests() {
            if answer(request, &mut kept, count)? {
                count = count.saturating_add(1);
            }
        }
        Ok(Json::of(&json!({ "ok": true, "messages": count })).into())
    }
}

/// Answers a request. Says whether it was a message that was taken.
fn answer(mut request: Request, kept: &mut VecDeque<Value>, count: u64) -> Result<bool> {
    let path = request.url().split('?').next().unwrap_or_default().to_owned();
    let mut taken = false;
    let (status, body) = match (request.method(), path.as_str()) {
        (Method::Post, "/message") => match read(&mut request) {
            Ok(message) => {
                // Printed first: what was answered with ok has been handed on.
                output::print(&Json::of(&message)).map_err(Failure::Output)?;
                if kept.len() >= KEPT {
                    kept.pop_front();
                }
                kept.push_back(message);
                taken = true;
                (200, json!({ "ok": true }))
            }
            Err((status, error)) => (status, json!({ "error": error })),
        },
        (Method::Get, "/messages") => (200, json!({ "count": kept.len(), "messages": kept })),
        (Method::Get, "/health") => (200, json!({ "ok": true, "messages": count })),
        _ => (404, json!({ "error": "POST /message, GET /messages or GET /health" })),
    };
    let mut response = Response::from_string(body.to_string()).with_status_code(status);
    if let Ok(header) = Header::from_bytes("Content-Type", "application/json") {
        response.add_header(header);
    }
    if let Err(error) = request.respond(response) {
        tell!("a client did not wait for its answer: {error}");
    }
    Ok(taken)
}

/// The message of a body: `{from?, message, ...}`, with the time at which it came.
fn read(request: &mut Request) -> Result<Value, (u16, &'static str)> {
    let mut bytes = Vec::new();
    let limit = MAX_BODY.saturating_add(1);
    if request.as_reader().take(limit).read_to_end(&mut bytes).is_err() {
        return Err((400, "the body did not come"));
    }
    if u64::try_from(bytes.len()).is_ok_and(|length| length > MAX_BODY) {
        return Err((413, "the body is longer than 256 KiB"));
    }
    let body: Value = serde_json::from_slice(&bytes).map_err(|_| (400, "the body is not JSON"))?;
    let Value::Object(mut fields) = body else { return Err((400, "the body is not an object")) };
    if !fields.get("message").is_some_and(Value::is_string) {
        return Err((400, "message must be a text"));
    }
    fields.entry("receivedAt").or_insert_with(|| json!(clock::now()));
    Ok(fields.into())
}
