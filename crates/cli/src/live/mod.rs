//! Receiving messages as they are sent: over a socket, by server-sent events, by long polls, or, if the
//! server offers nothing else, by polls every few seconds.
//!
//! Owns the connection. One thread reads it and puts [`Event`]s into a channel. [`Listener`] turns them
//! into one series of messages.
//!
//! Promises: each message is delivered once and in order, across connections of any kind, because a new
//! connection resumes after the last message that was handed out. The caller decides what to do with a
//! message and when to save its cursor.

mod listener;
mod polling;
mod socket;
mod stream;

pub(crate) use listener::{Listener, Next};

use crate::{
    capabilities::Capabilities,
    context::Caller,
    error::{Failure, Kind},
    http::{Http, Repeat, Request},
    json::Json,
    message::read_cursor,
    server::Server,
};
use nexus_protocol::Cursor;
use serde::Deserialize;
use serde_json::Value;
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc::SyncSender,
    },
    time::Duration,
};
use ureq::http::Method;

/// Ways to receive, the best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Socket,
    Stream,
    LongPoll,
    Poll,
}

impl Way {
    /// The ways that a server offers. Every server can be polled.
    fn of(capabilities: &Capabilities) -> Vec<Self> {
        let all = [
            (Self::Socket, "websocket"),
            (Self::Stream, "sse"),
            (Self::LongPoll, "longpoll"),
            (Self::Poll, ""),
        ];
        let offered =
            all.into_iter().filter(|(way, name)| *way == Self::Poll || capabilities.delivers(name));
        offered.map(|(way, _)| way).collect()
    }

    fn name(self) -> &'static str {
        match self {
            Self::Socket => "a socket",
            Self::Stream => "an event stream",
            Self::LongPoll => "long polls",
            Self::Poll => "polls",
        }
    }
}

/// The session or address that we listen to, and our seat or proof there.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) http: Http,
    pub(crate) server: Server,
    pub(crate) caller: Caller,
    /// The path of the session or of the address.
    pub(crate) base: String,
    /// Which messages are wanted.
    pub(crate) wanted: Wanted,
}

/// Which messages a reader wants. Servers that do not know these parameters ignore them.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Wanted {
    /// Leave out our own messages.
    pub(crate) others: bool,
    /// Include events, which tell what happens to the session.
    pub(crate) events: bool,
}

impl Target {
    /// A path below `base`, read after this cursor. `wait`: for how many seconds the server may hold the
    /// poll.
    fn path(&self, name: &str, after: Option<Cursor>, wait: Option<u64>) -> String {
        let parts = [
            after.map(|cursor| format!("after={cursor}")),
            self.wanted.others.then(|| "others=true".to_owned()),
            self.wanted.events.then(|| "events=true".to_owned()),
            wait.map(|seconds| format!("wait={seconds}")),
        ];
        let query: Vec<String> = parts.into_iter().flatten().collect();
        let mark = if query.is_empty() { "" } else { "?" };
        format!("{}/{name}{mark}{}", self.base, query.join("&"))
    }

    /// Hands over a message as it came over a connection that began `after` a cursor, opened if it is sealed. `false` if the connection is no
    /// longer in use. What a poll reads is opened already.
    fn pass(&self, message: Json, after: Option<Cursor>, port: &Port) -> Result<bool, Ended> {
        let message = match &self.caller.seal {
            Some(seal) => seal.open_message(message, after)?,
            None => Some(message),
        };
        Ok(message.is_none_or(|message| port.send(Event::Message(message))))
    }

    fn get(&self, path: String, wait: Duration) -> Request<'_> {
        let request = Request::new(Method::GET, path, Repeat::Never);
        Request { wait, ..self.caller.sign(request) }
    }
}

/// What the thread of a connection reports.
#[derive(Debug)]
enum Event {
    /// A message, exactly as the server wrote it.
    Message(Json),
    /// Everything up to this cursor was delivered.
    Ready(Option<Cursor>),
    /// The cursor that we asked for is beyond the end of the log. The log ends here.
    Reset(Cursor),
    /// The other end is still there.
    Alive,
    /// A line for people.
    Said(String),
    /// The connection has ended.
    Ended(Ended),
}

/// Why a connection has ended.
#[derive(Debug)]
enum Ended {
    /// The session has ended.
    Over(Failure),
    /// We are no longer a member.
    Left(Failure),
    /// The server refused, and would refuse again.
    Refused(Failure),
    /// This way does not work here. Another one may.
    Unsuitable(String),
    /// It broke off after it was opened. If it has delivered nothing, this way does not work here.
    Broke(String),
    /// It may work again, but only after this time.
    Lost(String, Duration),
}

impl From<Failure> for Ended {
    fn from(failure: Failure) -> Self {
        let Failure::Refused(answer) = &failure else {
            return match &failure {
                Failure::Own(Kind::NonJsonResponse | Kind::Redirected, _) => {
                    Self::Unsuitable(failure.sentence())
                }
                _ if failure.is_passing() => Self::Lost(failure.sentence(), Duration::ZERO),
                _ => Self::Refused(failure),
            };
        };
        let refusal = answer.error();
        match (answer.status, refusal.error.as_str()) {
            (404, "session_not_found" | "agent_not_found") => Self::Over(failure),
            // Another program has replaced the secret.
            (401, "invalid_secret") => Self::Left(failure),
            (403, _) if refusal.reason == "agent_not_in_session" => Self::Left(failure),
            (404 | 405 | 426 | 501, _) => Self::Unsuitable(failure.sentence()),
            _ if failure.is_passing() => Self::Lost(failure.sentence(), failure.retry_after()),
            _ => Self::Refused(failure),
        }
    }
}

/// Where the thread of a connection puts its events.
#[derive(Clone, Debug)]
struct Port {
    sender: SyncSender<(u64, Event)>,
    connection: u64,
    /// The number of the connection that is in use.
    current: Arc<AtomicU64>,
}

impl Port {
    /// Whether this connection is still in use.
    fn is_open(&self) -> bool {
        self.current.load(Ordering::Relaxed) == self.connection
    }

    /// Hands over an event, and waits until there is room. `false` if the connection is no longer in use.
    fn send(&self, event: Event) -> bool {
        self.is_open() && self.sender.send((self.connection, event)).is_ok()
    }

    /// Hands over an event. `Alive` is dropped if other events are waiting.
    fn pass(&self, event: Event) -> bool {
        if matches!(event, Event::Alive) { self.alive() } else { self.send(event) }
    }

    /// Reports that the other end is there, unless other events are waiting.
    fn alive(&self) -> bool {
        let _ = self.sender.try_send((self.connection, Event::Alive));
        self.is_open()
    }
}

/// What a server tells outside of the log, in a frame of a socket or an event of a stream.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Notice {
    cursor: Value,
    event: Option<String>,
    agent_id: Option<String>,
    by: Option<String>,
}

impl Notice {
    fn read(text: &str) -> Self {
        serde_json::from_str(text).unwrap_or_default()
    }

    /// The event for a notice of this kind: `ready`, `reset` or `event`.
    fn into_event(self, kind: &str) -> Event {
        let cursor = read_cursor(&self.cursor);
        match kind {
            "ready" => Event::Ready(cursor),
            "reset" => cursor.map_or(Event::Alive, Event::Reset),
            "event" => {
                let agent = self.agent_id.or(self.by);
                let news = news(self.event.as_deref(), agent.as_deref());
                news.map_or(Event::Alive, Event::Said)
            }
            _ => Event::Alive,
        }
    }
}

/// The line for people about something that happened to the session or the address.
fn news(event: Option<&str>, agent: Option<&str>) -> Option<String> {
    let agent = crate::stderr::printable(agent.unwrap_or("somebody"), 128);
    match event? {
        "joined" => Some(format!("{agent} joined")),
        "left" => Some(format!("{agent} left")),
        "removed" => Some(format!("{agent} was removed")),
        "ending" => Some("the session ends soon; `nexus renew` keeps it alive".to_owned()),
        // No member can have this name.
        "ended" if agent == "operator" => Some("the relay's operator ended the session".to_owned()),
        "ended" => Some(format!("{agent} ended the session")),
        "expired" => Some("the session is over".to_owned()),
        "conversation_ended" => Some(format!("a conversation with {agent} is over")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::Answer;

    #[test]
    fn who_ended_a_session_is_named_and_the_operator_is_no_member() {
        let said = |agent| news(Some("ended"), Some(agent)).unwrap();
        assert_eq!(said("alice"), "alice ended the session");
        assert_eq!(said("operator"), "the relay's operator ended the session");
    }

    #[test]
    fn ways_are_what_the_server_offers() {
        let ways = |delivery: &[&str]| {
            let delivery = delivery.iter().map(|way| (*way).to_owned()).collect();
            Way::of(&Capabilities { delivery, ..Capabilities::default() })
        };
        assert_eq!(ways(&[]), [Way::Poll]);
        assert_eq!(ways(&["webhook", "websocket", "poll"]), [Way::Socket, Way::Poll]);
        assert_eq!(ways(&["sse", "longpoll"]), [Way::Stream, Way::LongPoll, Way::Poll]);
    }

    #[test]
    fn ends_are_distinguished() {
        let refused = |status, body: &str| {
            let answer = Answer { status, body: Json::parse(body).unwrap(), retry_after: Some(7) };
            Ended::from(Failure::Refused(answer))
        };
        assert!(matches!(refused(404, r#"{"error":"session_not_found"}"#), Ended::Over(_)));
        assert!(matches!(refused(404, r#"{"error":"not_found"}"#), Ended::Unsuitable(_)));
        assert!(matches!(refused(404, r#"{"error":"agent_not_found"}"#), Ended::Over(_)));
        assert!(matches!(refused(401, r#"{"error":"invalid_secret"}"#), Ended::Left(_)));
        let left = r#"{"error":"forbidden","reason":"agent_not_in_session"}"#;
        assert!(matches!(refused(403, left), Ended::Left(_)));
        assert!(matches!(refused(403, r#"{"error":"invalid_session_key"}"#), Ended::Refused(_)));
        let Ended::Lost(_, wait) = refused(429, "{}") else { panic!() };
        assert_eq!(wait, Duration::from_secs(7));
        let foreign = Failure::own(Kind::NonJsonResponse, "");
        assert!(matches!(Ended::from(foreign), Ended::Unsuitable(_)));
    }
}
