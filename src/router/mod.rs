//! Finds what a request asks for, in the one table of calls ([`table`]).
//!
//! The edge looks there for who answers, and so does the object that answers, for it gets the request as it
//! came. Nothing in this crate is below this module.

mod method;
mod table;

pub(crate) use method::Method;
use nexus_protocol::{
    AgentId, ConversationId, FileKey, Malformed, MessageId, PairingCode, Refusal, SessionId,
};
use std::{iter, sync::LazyLock};
use table::{Call, Line, TABLE};
pub(crate) use table::{
    ClawLink, Code, Directory, Endpoint, Foreign, Limiter, Mailbox, Messenger, OpenDialogue, Page,
    Session,
};

/// A request that was found in the table.
#[derive(Debug)]
pub(crate) struct Route {
    pub(crate) endpoint: Endpoint,
    /// What counts it for its IP.
    pub(crate) limiter: Limiter,
    /// The path as it stands in the table.
    pub(crate) pattern: &'static str,
    /// The segments that stood for `:name`s, percent-decoded.
    parameters: Vec<String>,
}

impl Route {
    /// Whether it stores a message of a session if it succeeds.
    pub(crate) fn sends(&self) -> bool {
        match self.endpoint {
            Endpoint::Session(call, _) => matches!(
                call,
                Session::Send
                    | Session::GiveTask
                    | Session::ChangeTask
                    | Session::PutFile
                    | Session::DeleteFile
            ),
            Endpoint::Foreign(Foreign::ClawLink(call, _)) => matches!(
                call,
                ClawLink::Delegate | ClawLink::Respond | ClawLink::Broadcast | ClawLink::SaveFile
            ),
            Endpoint::SessionEvents(_)
            | Endpoint::Mailbox(..)
            | Endpoint::MailboxEvents(_)
            | Endpoint::Code(..)
            | Endpoint::Directory(_)
            | Endpoint::Page(_)
            | Endpoint::Foreign(
                Foreign::Messenger(..) | Foreign::OpenDialogue(..) | Foreign::Mcp,
            ) => false,
        }
    }

    /// The dialect's call that was asked for; none if the call is native.
    pub(crate) fn foreign(&self) -> Option<Foreign> {
        match self.endpoint {
            Endpoint::Foreign(call) => Some(call),
            Endpoint::Session(..)
            | Endpoint::SessionEvents(_)
            | Endpoint::Mailbox(..)
            | Endpoint::MailboxEvents(_)
            | Endpoint::Code(..)
            | Endpoint::Directory(_)
            | Endpoint::Page(_) => None,
        }
    }

    pub(crate) fn parameter(&self, at: usize) -> &str {
        self.parameters.get(at).map_or("", String::as_str)
    }

    /// The session of the path. One that is malformed does not exist.
    pub(crate) fn session(&self) -> Result<SessionId, Refusal> {
        self.parameter(0).parse().map_err(|_| Refusal::session_not_found())
    }

    /// The pairing code of the path. One that is malformed was never made.
    pub(crate) fn code(&self) -> Result<PairingCode, Refusal> {
        self.parameter(0).parse().map_err(|_| Refusal::code_malformed())
    }

    /// The agent whose address the path names. One that is malformed is not registered.
    pub(crate) fn address(&self) -> Result<AgentId, Refusal> {
        self.agent_at(0)
    }

    /// The agent on a list of the path's.
    pub(crate) fn other(&self) -> Result<AgentId, Refusal> {
        self.agent_at(1)
    }

    fn agent_at(&self, at: usize) -> Result<AgentId, Refusal> {
        self.parameter(at).parse().map_err(|_| Refusal::no_address("of that id"))
    }

    /// The message of the path. One that is malformed was never sent.
    pub(crate) fn message(&self) -> Result<MessageId, Refusal> {
        self.parameter(1).parse().map_err(|_| Refusal::message_not_found())
    }

    /// The task of the path. One that is malformed was never given.
    pub(crate) fn task(&self) -> Result<MessageId, Refusal> {
        self.parameter(1).parse().map_err(|_| Refusal::task_not_found())
    }

    /// The file of the path.
    pub(crate) fn file(&self) -> Result<FileKey, Refusal> {
        self.parameter(1).parse().map_err(|Malformed(rule)| Refusal::invalid("key", rule))
    }

    /// The conversation of the path. One that is malformed does not exist.
    pub(crate) fn conversation(&self) -> Result<ConversationId, Refusal> {
        self.parameter(1).parse().map_err(|_| Refusal::conversation_not_found())
    }

    /// The id of the path, of another request.
    pub(crate) fn request(&self) -> &str {
        self.parameter(0).trim()
    }

    /// The number of a section of the protocol. One that is malformed does not exist.
    pub(crate) fn section(&self) -> Result<u32, Refusal> {
        self.parameter(0).parse().map_err(|_| Refusal::not_found())
    }

    /// The version and the name of an asset.
    pub(crate) fn asset(&self) -> (&str, &str) {
        (self.parameter(0), self.parameter(1))
    }

    /// The agent of the path. One that is malformed is not in the session.
    pub(crate) fn agent(&self) -> Result<AgentId, Refusal> {
        let text = self.parameter(1);
        text.parse().map_err(|_| Refusal::agent_not_found("of that name"))
    }
}

/// Finds what is asked for. HEAD is GET without the body, which the platform leaves out.
pub(crate) fn route(method: Method, path: &str) -> Result<Route, Refusal> {
    let (pattern, calls, parameters) = find(path).ok_or_else(Refusal::not_found)?;
    let asked = if method == Method::Head { Method::Get } else { method };
    match calls.iter().find(|call| call.method == asked) {
        Some(Call { endpoint, limiter, .. }) => {
            Ok(Route { endpoint: *endpoint, limiter: *limiter, pattern, parameters })
        }
        None => Err(Refusal::method_not_allowed(allow(calls))),
    }
}

/// The methods of a path, for `Allow`; none if there is no such path.
pub(crate) fn allowed(path: &str) -> Option<String> {
    find(path).map(|(_, calls, _)| allow(calls))
}

fn allow(calls: &[Call]) -> String {
    let names: Vec<&str> = calls.iter().map(|call| call.method.as_str()).collect();
    names.join(", ")
}

fn find(path: &str) -> Option<(&'static str, &'static [Call], Vec<String>)> {
    /// The patterns of the table, each in its parts.
    static PARTS: LazyLock<Vec<Vec<&str>>> = LazyLock::new(|| {
        let parts = |pattern: &'static str| pattern.trim_end_matches('/').split('/').collect();
        TABLE.iter().map(|(pattern, _)| parts(pattern)).collect()
    });
    // A base address that ends with a slash makes two of one.
    let named = path.split('/').filter(|segment| !segment.is_empty());
    let segments: Vec<&str> = iter::once("").chain(named).collect();
    let mut patterns = PARTS.iter().zip(TABLE);
    let (parts, (pattern, calls)): (_, &Line) =
        patterns.find(|(parts, _)| matches(parts, &segments))?;
    Some((*pattern, *calls, parameters(parts, &segments)))
}

fn matches(parts: &[&str], segments: &[&str]) -> bool {
    let is_open = parts.last().is_some_and(|part| part.starts_with('*'));
    let fits = if is_open { segments.len() >= parts.len() } else { segments.len() == parts.len() };
    let stands_for = |part: &str| part.starts_with([':', '*']);
    fits && parts
        .iter()
        .zip(segments)
        .rev()
        .all(|(part, segment)| part == segment || stands_for(part))
}

fn parameters(parts: &[&str], segments: &[&str]) -> Vec<String> {
    let decoded =
        |text: &str| percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned();
    let values = parts.iter().enumerate().filter_map(|(at, part)| {
        let rest = segments.get(at..).unwrap_or_default();
        match part.get(..1) {
            Some("*") => Some(decoded(&rest.join("/"))),
            Some(":") => rest.first().map(|segment| decoded(segment)),
            _ => None,
        }
    });
    values.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use nexus_core::Need;
    use nexus_protocol::ErrorCode;
    use std::collections::BTreeSet;

    fn endpoint(method: &str, path: &str) -> Endpoint {
        route(Method::named(method), path).unwrap().endpoint
    }

    #[test]
    fn paths_and_methods_are_found() {
        assert_eq!(endpoint("GET", "/"), Endpoint::Page(Page::Home));
        assert_eq!(endpoint("HEAD", "/health"), Endpoint::Page(Page::Health));
        let create = Endpoint::Session(Session::Create, Need::Nothing);
        assert_eq!(endpoint("PUT", "/v1/sessions/"), create);
        let found = route(Method::Get, "/p/pearl%20focal%20s5sjv").unwrap();
        assert_eq!(found.code().unwrap().as_str(), "PEARL-FOCAL-S5SJV");
        let path = format!("/v1/sessions/{}/agents/a-1", "0".repeat(48));
        let found = route(Method::Delete, &path).unwrap();
        let leave = Endpoint::Session(Session::Leave, Need::Key);
        assert_eq!((found.endpoint, found.agent().unwrap().as_str()), (leave, "a-1"));
        let path = format!("/v1/sessions/{}/files/docs/a%20b.md", "0".repeat(48));
        let found = route(Method::Put, &path).unwrap();
        let put = Endpoint::Session(Session::PutFile, Need::Key);
        assert_eq!((found.endpoint, found.file().unwrap().as_str()), (put, "docs/a b.md"));
    }

    #[test]
    fn a_method_that_is_not_known_is_no_other() {
        for method in ["PROPFIND", "PURGE", "COPY", "LOCK", "QUERY", "get", "Get", "TRACE", ""] {
            let refusal = route(Method::named(method), "/health").unwrap_err();
            assert_eq!((refusal.status, refusal.allow.as_deref()), (405, Some("GET")), "{method}");
        }
    }

    #[test]
    fn what_is_not_there_is_refused() {
        for path in
            ["/nope", "/v1", "/v1/sessions/a/b/c/d/e", "/p", "/p/a/b", "/internal/take-seat"]
        {
            let refusal = route(Method::Get, path).unwrap_err();
            assert_eq!(refusal.body.error, ErrorCode::NotFound, "{path}");
        }
        let path = format!("/v1/sessions/{}/messages", "0".repeat(48));
        let refusal = route(Method::Delete, &path).unwrap_err();
        assert_eq!((refusal.status, refusal.allow.as_deref()), (405, Some("GET, POST")));
    }

    #[test]
    fn the_open_api_document_lists_exactly_these_paths() {
        let document: serde_json::Value =
            serde_json::from_str(include_str!("../../docs/openapi.json")).unwrap();
        let documented: BTreeSet<String> = document["paths"]
            .as_object()
            .unwrap()
            .iter()
            .flat_map(|(path, methods)| {
                methods
                    .as_object()
                    .unwrap()
                    .keys()
                    .map(move |method| format!("{} {path}", method.to_uppercase()))
            })
            .collect();
        let names = |path: &str| {
            let named = path.split('/').map(|part| match part {
                ":session" => "{sessionId}",
                ":agent" => "{agentId}",
                ":code" => "{code}",
                ":message" => "{messageId}",
                ":other" => "{otherId}",
                ":conversation" => "{conversationId}",
                ":task" => "{taskId}",
                ":request" => "{requestId}",
                ":section" => "{section}",
                "*key" => "{key}",
                ":version" => "{version}",
                ":file" => "{file}",
                other => other,
            });
            named.collect::<Vec<_>>().join("/")
        };
        let routed: BTreeSet<String> = TABLE
            .iter()
            .flat_map(|(path, calls)| {
                calls.iter().map(move |call| format!("{} {}", call.method.as_str(), names(path)))
            })
            .collect();
        assert_eq!(documented, routed);
    }

    /// The calls that tables of a document list behind each need, as `NEED METHOD PATH`.
    fn documented(document: &str) -> BTreeSet<String> {
        let rows = document.lines().filter_map(|line| {
            let (need, calls) = line.strip_prefix("| `")?.split_once("` | `")?;
            calls.contains(" /").then_some((need, calls))
        });
        let calls = rows.flat_map(|(need, calls)| {
            let calls = calls.trim_end_matches(" |").split(", ");
            calls.map(move |call| format!("{need} {}", call.trim_matches('`')))
        });
        calls.collect()
    }

    #[test]
    fn the_documents_say_what_each_call_needs() {
        let mut written = documented(include_str!("../../docs/protocol.md"));
        written.extend(documented(include_str!("../../docs/dialects.md")));
        let mut coded = BTreeSet::new();
        for (path, calls) in TABLE {
            for call in *calls {
                let need = match call.endpoint {
                    Endpoint::Session(_, need)
                    | Endpoint::SessionEvents(need)
                    | Endpoint::Code(_, need)
                    | Endpoint::Foreign(Foreign::ClawLink(_, need)) => format!("{need:?}"),
                    Endpoint::Mailbox(_, need)
                    | Endpoint::MailboxEvents(need)
                    | Endpoint::Foreign(
                        Foreign::Messenger(_, need) | Foreign::OpenDialogue(_, need),
                    ) => format!("{need:?}"),
                    Endpoint::Foreign(Foreign::Mcp)
                    | Endpoint::Directory(_)
                    | Endpoint::Page(_) => continue,
                };
                coded.insert(format!("{need} {} {path}", call.method.as_str()));
            }
        }
        assert_eq!(coded, written);
    }
}
