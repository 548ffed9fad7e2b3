//! A request, in the form in which everything here reads it: as one text.

use crate::{
    bridge::Exchange,
    platform::{self, System},
    router::Method,
    waiting,
};
use js_sys::Uint8Array;
use nexus_core::{Digest, Error, Fault, Random, Result};
use nexus_protocol::{Query, Refusal, Region, hex};
use std::{
    borrow::Cow,
    cell::{Cell, OnceCell},
    hash::{DefaultHasher, Hash, Hasher},
};
use wasm_bindgen::JsCast;

/// The digits of a request id that name the session that the request is about, if it is about one: the first
/// of its digest. They do not reveal the session's id, of which 192 bits are random.
pub(crate) const OF_SESSION: usize = 10;

/// The digits of a request id.
pub(crate) const ID_DIGITS: usize = 16;

/// The id of a request about this session. Two of one session may be the same, once in 16 million.
pub(crate) fn id_about(id: &str, session: &Digest) -> String {
    [session.first(OF_SESSION), id.get(OF_SESSION..).unwrap_or_default()].concat()
}

/// What names a request, for its client and in the log, until it is known to be about a session ([`id_about`]).
pub(crate) fn request_id() -> String {
    thread_local! {
        static SEED: OnceCell<[u8; 16]> = const { OnceCell::new() };
        static COUNT: Cell<u64> = const { Cell::new(0) };
    }
    COUNT.set(COUNT.get().wrapping_add(1));
    let mut hasher = DefaultHasher::new();
    // Without random numbers nothing else works either.
    SEED.with(|seed| *seed.get_or_init(|| System.bytes().unwrap_or_default())).hash(&mut hasher);
    COUNT.get().hash(&mut hasher);
    hex(&hasher.finish().to_be_bytes())
}

/// The head of a request or an answer: its first line, and one for each header. No value can begin a line of its own.
pub(super) fn write_head<'a>(
    line: String,
    headers: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> String {
    headers.into_iter().fold(line, |mut head, (name, value)| {
        head.extend(["\n", name, ": "]);
        if value.contains(BREAKS) {
            head.push_str(&value.replace(BREAKS, " "));
        } else {
            head.push_str(value);
        }
        head
    })
}

/// What ends a line of a head.
const BREAKS: [char; 2] = ['\n', '\r'];

/// A header in a head.
pub(super) fn in_head<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let mut lines = head.split('\n').skip(1).filter_map(|line| line.split_once(':'));
    lines.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
}

/// Refuses a request whose client has broken the body off. It reads no answer, and it is not the relay's fault.
pub(crate) fn broken_off() -> Error {
    Refusal::invalid_body("it was broken off").into()
}

/// The head of a request that no client has sent.
pub(crate) fn head_of<'a>(
    method: Method,
    url: &str,
    headers: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> String {
    let url = url.replace(BREAKS, "");
    write_head(format!("{} {} {url}", request_id(), method.as_str()), headers)
}

/// Bytes of a body that is too long that are read before its sender is cut off.
const PATIENCE: usize = 32 * 1024 * 1024;

/// A request of a client, or of another part of the relay.
pub(crate) struct Request {
    method: Method,
    /// Where in the head its id ends, where its URL, the path and the query of that begin, and where they
    /// end.
    id_end: usize,
    url_at: usize,
    path_at: usize,
    query_at: usize,
    end: usize,
    /// A line with the id, the method and the URL, then one for each header.
    head: String,
    body: Body,
}

enum Body {
    /// The platform has it still.
    Unread(Exchange),
    Read(Vec<u8>),
}

impl Request {
    /// One that the platform brings.
    pub(crate) fn of(exchange: &Exchange) -> Self {
        Self::new(exchange.head(), Body::Unread(exchange.clone()))
    }

    /// One that an object is asked.
    pub(crate) fn asked(head: String, body: Option<Vec<u8>>) -> Self {
        Self::new(head, Body::Read(body.unwrap_or_default()))
    }

    fn new(head: String, body: Body) -> Self {
        let line = head.split('\n').next().unwrap_or_default();
        let (id, line) = line.split_once(' ').unwrap_or_default();
        let (method, url) = line.split_once(' ').unwrap_or_default();
        let id_end = id.len();
        let url_at = id_end.saturating_add(method.len()).saturating_add(2);
        let method = Method::named(method);
        let (url, _) = url.split_once('#').unwrap_or((url, ""));
        // After the two slashes.
        let host_at = url.find(':').map_or(0, |at| at.saturating_add(3));
        let host = url.get(host_at..).unwrap_or_default();
        let path_at = host.find(['/', '?']).map_or(url.len(), |at| host_at.saturating_add(at));
        let path = url.get(path_at..).unwrap_or_default();
        let query_at = path.find('?').map_or(url.len(), |at| path_at.saturating_add(at));
        let [path_at, query_at, end] =
            [path_at, query_at, url.len()].map(|at| url_at.saturating_add(at));
        Self { method, id_end, url_at, path_at, query_at, end, head, body }
    }

    /// What names it, for its client and in the log.
    pub(crate) fn id(&self) -> &str {
        self.part(0, self.id_end)
    }

    /// Names it after the session that it is about.
    pub(crate) fn name(&mut self, session: &Digest) {
        let id = id_about(self.id(), session);
        if let Body::Unread(exchange) = &self.body {
            exchange.name(&id);
        }
        self.head.replace_range(..self.id_end, &id);
    }

    /// A line with the id, the method and the URL, then one for each header.
    pub(crate) fn head(&self) -> &str {
        &self.head
    }

    pub(crate) fn method(&self) -> Method {
        self.method
    }

    /// All of it, without what follows a `#`.
    pub(crate) fn url(&self) -> &str {
        self.part(self.url_at, self.end)
    }

    /// Scheme and host, with the port.
    pub(crate) fn origin(&self) -> &str {
        self.part(self.url_at, self.path_at)
    }

    /// Still percent-encoded.
    pub(crate) fn path(&self) -> &str {
        self.part(self.path_at, self.query_at)
    }

    /// As it is written; empty if there is none.
    pub(crate) fn query(&self) -> &str {
        self.part(self.query_at, self.end).strip_prefix('?').unwrap_or_default()
    }

    fn part(&self, from: usize, to: usize) -> &str {
        self.head.get(from..to).unwrap_or_default()
    }

    /// A value of the query, percent-decoded; one that is empty is one that is missing.
    pub(crate) fn in_query(&self, name: &str) -> Option<Cow<'_, str>> {
        Query::parse(self.query()).value(name)
    }

    /// A header; one that is empty is one that is missing.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        in_head(&self.head, name).filter(|value| !value.is_empty())
    }

    /// The body; none if it is longer than `most` bytes.
    pub(crate) async fn body(&self, most: usize) -> Result<Option<Vec<u8>>> {
        match &self.body {
            Body::Read(bytes) => Ok(Some(bytes).filter(|bytes| bytes.len() <= most).cloned()),
            Body::Unread(exchange) => {
                let body = waiting::outcome(exchange.body(most, PATIENCE)).await;
                let body = body.map_err(|error| platform::fault(error.into()))?;
                if body.is_null() {
                    return Err(broken_off());
                }
                Ok(body.dyn_ref().map(Uint8Array::to_vec))
            }
        }
    }

    /// Whether the platform tells where requests come from.
    pub(crate) fn is_placed(&self) -> bool {
        matches!(&self.body, Body::Unread(exchange) if !exchange.place().is_empty())
    }

    /// The region that it comes from, if the platform knows.
    pub(crate) fn region(&self) -> Option<Region> {
        let Body::Unread(exchange) = &self.body else { return None };
        let place = exchange.place();
        let (continent, longitude) = place.split_once(' ')?;
        Region::of_place(continent, longitude.parse().ok()?)
    }

    /// As the platform has it; a fault if it did not bring it.
    pub(crate) fn exchange(&self) -> Result<&Exchange, Fault> {
        match &self.body {
            Body::Unread(exchange) => Ok(exchange),
            Body::Read(_) => Err(Fault::new("the platform knows nothing of this request")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(url: &str) -> Request {
        Request::asked(format!("0a GET {url}\nx-agent-id: a\nx-empty: \naccept: x: y"), None)
    }

    #[test]
    fn a_url_falls_into_its_parts() {
        let whole = request("https://[::1]:80/a/b%20c?after=5&x=%2B&empty=#part");
        assert_eq!(whole.origin(), "https://[::1]:80");
        assert_eq!((whole.path(), whole.query()), ("/a/b%20c", "after=5&x=%2B&empty="));
        assert_eq!(whole.in_query("x").as_deref(), Some("+"));
        assert_eq!((whole.in_query("empty"), whole.in_query("y")), (None, None));
        let bare = request("http://host");
        assert_eq!((bare.origin(), bare.path(), bare.query()), ("http://host", "", ""));
        assert_eq!(request("http://host?a=1").origin(), "http://host");
    }

    #[test]
    fn a_header_is_found_by_its_name_in_any_case() {
        let request = request("http://host/");
        assert_eq!(request.header("X-Agent-Id"), Some("a"));
        assert_eq!(request.header("Accept"), Some("x: y"));
        assert_eq!((request.header("X-Empty"), request.header("Agent")), (None, None));
        assert_eq!((request.id(), request.method()), ("0a", Method::Get));
    }

    #[test]
    fn nothing_that_stands_in_a_head_adds_a_line_to_it() {
        let url = "https://relay/x\nX-Session-Key: forged";
        let head = head_of(Method::Get, url, [("X-Agent-Id", "a\r\nX-Session-Key: forged\nb")]);
        assert_eq!(head.lines().count(), 2, "{head}");
        let request = Request::asked(head, None);
        assert_eq!(request.header("X-Session-Key"), None);
    }

    #[test]
    fn ids_of_requests_differ() {
        let (one, other) = (request_id(), request_id());
        assert_eq!((one.len(), other.len()), (16, 16));
        assert_ne!(one, other);
    }

    #[test]
    fn a_request_about_a_session_is_named_after_it_and_stays_the_same_otherwise() {
        let session = Digest::of(&["a session"]);
        let head = "0123456789abcdef GET http://host/a?b=c\nx-agent-id: a";
        let mut request = Request::asked(head.to_owned(), None);
        request.name(&session);
        assert_eq!(request.id(), format!("{}abcdef", session.first(10)));
        assert_eq!((request.path(), request.query()), ("/a", "b=c"));
        assert_eq!(request.header("X-Agent-Id"), Some("a"));
    }
}
