//! The one table of URLs.
//!
//! The edge reads it to know which object answers, and the object reads it to know what was asked,
//! for it gets the request as it came. `docs/openapi.json` lists the same paths; a test compares them.

use crate::dialects::{clawlink, opendialogue};
use nexus_protocol::{
    AgentId, ConversationId, FileKey, Malformed, MessageId, PairingCode, Refusal, SessionId,
};
use std::sync::LazyLock;
use worker::Method;

/// What a method on a path asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Endpoint {
    Home,
    SessionPage,
    Docs,
    Asset,
    Skill,
    Llms,
    OpenApi,
    Health,
    Stats,
    Admin,
    AdminActivity,
    CreateSession,
    SessionStatus,
    Join,
    Leave,
    Renew,
    Send,
    Poll,
    Events,
    Socket,
    SetWebhook,
    Webhook,
    RemoveWebhook,
    Members,
    ChangeProfile,
    Board,
    GiveTask,
    Task,
    ChangeTask,
    Files,
    File,
    PutFile,
    DeleteFile,
    CreatePairing,
    Claim,
    CodeStatus,
    PairPage,
    Register,
    Agents,
    Agent,
    ChangeAgent,
    DeleteAgent,
    ReplaceSecret,
    SendMail,
    ReadMail,
    MailStatus,
    AckMail,
    MailEvents,
    MailSocket,
    Blocks,
    Block,
    Unblock,
    Allows,
    Allow,
    Disallow,
    AllowOnly,
    MessengerRegister,
    MessengerSend,
    MessengerPoll,
    MessengerUsers,
    MessengerSocket,
    OpenDialogue(opendialogue::Call),
    OpenDialogueSocket,
    ClawLink(clawlink::Call),
    Conversation,
    EndConversation,
}

/// The methods of a path, and what each asks for.
type Methods = &'static [(Method, Endpoint)];

/// `:name` stands for any one segment, `*name` for all that follow.
const TABLE: &[(&str, Methods)] = &[
    ("/", &[(Method::Get, Endpoint::Home)]),
    ("/s", &[(Method::Get, Endpoint::SessionPage)]),
    ("/docs", &[(Method::Get, Endpoint::Docs)]),
    ("/assets/:version/:file", &[(Method::Get, Endpoint::Asset)]),
    ("/skill.md", &[(Method::Get, Endpoint::Skill)]),
    ("/llms.txt", &[(Method::Get, Endpoint::Llms)]),
    ("/openapi.json", &[(Method::Get, Endpoint::OpenApi)]),
    ("/health", &[(Method::Get, Endpoint::Health)]),
    ("/p/:code", &[(Method::Get, Endpoint::PairPage)]),
    ("/admin", &[(Method::Get, Endpoint::Admin)]),
    ("/v1/stats", &[(Method::Get, Endpoint::Stats)]),
    ("/v1/admin/activity", &[(Method::Get, Endpoint::AdminActivity)]),
    ("/v1/agents", &[(Method::Get, Endpoint::Agents), (Method::Post, Endpoint::Register)]),
    (
        "/v1/agents/:agent",
        &[
            (Method::Get, Endpoint::Agent),
            (Method::Patch, Endpoint::ChangeAgent),
            (Method::Delete, Endpoint::DeleteAgent),
        ],
    ),
    ("/v1/agents/:agent/secret", &[(Method::Post, Endpoint::ReplaceSecret)]),
    (
        "/v1/agents/:agent/messages",
        &[(Method::Get, Endpoint::ReadMail), (Method::Post, Endpoint::SendMail)],
    ),
    ("/v1/agents/:agent/messages/:message", &[(Method::Get, Endpoint::MailStatus)]),
    ("/v1/agents/:agent/ack", &[(Method::Post, Endpoint::AckMail)]),
    ("/v1/agents/:agent/events", &[(Method::Get, Endpoint::MailEvents)]),
    ("/v1/agents/:agent/ws", &[(Method::Get, Endpoint::MailSocket)]),
    ("/v1/agents/:agent/blocks", &[(Method::Get, Endpoint::Blocks)]),
    (
        "/v1/agents/:agent/blocks/:other",
        &[(Method::Put, Endpoint::Block), (Method::Delete, Endpoint::Unblock)],
    ),
    ("/v1/agents/:agent/allows", &[(Method::Get, Endpoint::Allows)]),
    (
        "/v1/agents/:agent/allows/:other",
        &[(Method::Put, Endpoint::Allow), (Method::Delete, Endpoint::Disallow)],
    ),
    ("/v1/agents/:agent/allow-only", &[(Method::Put, Endpoint::AllowOnly)]),
    ("/v1/agents/:agent/conversations/:conversation", &[(Method::Get, Endpoint::Conversation)]),
    (
        "/v1/agents/:agent/conversations/:conversation/end",
        &[(Method::Post, Endpoint::EndConversation)],
    ),
    ("/messenger/register", &[(Method::Post, Endpoint::MessengerRegister)]),
    ("/messenger/send", &[(Method::Post, Endpoint::MessengerSend)]),
    ("/messenger/poll", &[(Method::Get, Endpoint::MessengerPoll)]),
    ("/messenger/users", &[(Method::Get, Endpoint::MessengerUsers)]),
    ("/messenger/ws", &[(Method::Get, Endpoint::MessengerSocket)]),
    ("/opendialogue/connect", &[(Method::Get, Endpoint::OpenDialogueSocket)]),
    (
        "/opendialogue/api/agent/register",
        &[(Method::Post, Endpoint::OpenDialogue(opendialogue::Call::Register))],
    ),
    (
        "/opendialogue/api/agent/:agent",
        &[(Method::Get, Endpoint::OpenDialogue(opendialogue::Call::Card))],
    ),
    (
        "/opendialogue/api/agent/:agent/card",
        &[(Method::Patch, Endpoint::OpenDialogue(opendialogue::Call::ChangeCard))],
    ),
    (
        "/opendialogue/api/agent/:agent/block",
        &[
            (Method::Get, Endpoint::OpenDialogue(opendialogue::Call::Blocks)),
            (Method::Post, Endpoint::OpenDialogue(opendialogue::Call::Block)),
            (Method::Delete, Endpoint::OpenDialogue(opendialogue::Call::Unblock)),
        ],
    ),
    (
        "/opendialogue/api/agent/:agent/allow",
        &[
            (Method::Get, Endpoint::OpenDialogue(opendialogue::Call::Allows)),
            (Method::Post, Endpoint::OpenDialogue(opendialogue::Call::Allow)),
            (Method::Delete, Endpoint::OpenDialogue(opendialogue::Call::Disallow)),
        ],
    ),
    (
        "/opendialogue/api/agent/:agent/allowlist-mode",
        &[(Method::Put, Endpoint::OpenDialogue(opendialogue::Call::AllowOnly))],
    ),
    (
        "/opendialogue/api/message",
        &[(Method::Post, Endpoint::OpenDialogue(opendialogue::Call::Send))],
    ),
    (
        "/opendialogue/api/conversation/:conversation/history",
        &[(Method::Get, Endpoint::OpenDialogue(opendialogue::Call::History))],
    ),
    ("/clawlink/:session", &[(Method::Get, Endpoint::ClawLink(clawlink::Call::Info))]),
    (
        "/clawlink/:session/register",
        &[(Method::Post, Endpoint::ClawLink(clawlink::Call::Register))],
    ),
    ("/clawlink/:session/discover", &[(Method::Get, Endpoint::ClawLink(clawlink::Call::Discover))]),
    (
        "/clawlink/:session/heartbeat",
        &[(Method::Post, Endpoint::ClawLink(clawlink::Call::Heartbeat))],
    ),
    (
        "/clawlink/:session/delegate",
        &[(Method::Post, Endpoint::ClawLink(clawlink::Call::Delegate))],
    ),
    ("/clawlink/:session/respond", &[(Method::Post, Endpoint::ClawLink(clawlink::Call::Respond))]),
    (
        "/clawlink/:session/broadcast",
        &[(Method::Post, Endpoint::ClawLink(clawlink::Call::Broadcast))],
    ),
    ("/clawlink/:session/poll/:agent", &[(Method::Get, Endpoint::ClawLink(clawlink::Call::Poll))]),
    (
        "/clawlink/:session/files",
        &[
            (Method::Get, Endpoint::ClawLink(clawlink::Call::Files)),
            (Method::Post, Endpoint::ClawLink(clawlink::Call::SaveFile)),
        ],
    ),
    ("/clawlink/:session/files/*key", &[(Method::Get, Endpoint::ClawLink(clawlink::Call::File))]),
    ("/clawlink/:session/ws/:agent", &[(Method::Get, Endpoint::ClawLink(clawlink::Call::Socket))]),
    (
        "/v1/pair",
        &[(Method::Put, Endpoint::CreatePairing), (Method::Post, Endpoint::CreatePairing)],
    ),
    ("/v1/pair/:code/claim", &[(Method::Post, Endpoint::Claim)]),
    ("/v1/pair/:code/status", &[(Method::Get, Endpoint::CodeStatus)]),
    ("/v1/pair/:code/skill", &[(Method::Get, Endpoint::PairPage)]),
    ("/v1/sessions", &[(Method::Put, Endpoint::CreateSession)]),
    ("/v1/sessions/:session", &[(Method::Get, Endpoint::SessionStatus)]),
    ("/v1/sessions/:session/events", &[(Method::Get, Endpoint::Events)]),
    ("/v1/sessions/:session/ws", &[(Method::Get, Endpoint::Socket)]),
    (
        "/v1/sessions/:session/webhook",
        &[
            (Method::Get, Endpoint::Webhook),
            (Method::Put, Endpoint::SetWebhook),
            (Method::Delete, Endpoint::RemoveWebhook),
        ],
    ),
    ("/v1/sessions/:session/join", &[(Method::Post, Endpoint::Join)]),
    ("/v1/sessions/:session/renew", &[(Method::Post, Endpoint::Renew)]),
    ("/v1/sessions/:session/agents", &[(Method::Get, Endpoint::Members)]),
    (
        "/v1/sessions/:session/agents/:agent",
        &[(Method::Delete, Endpoint::Leave), (Method::Patch, Endpoint::ChangeProfile)],
    ),
    (
        "/v1/sessions/:session/tasks",
        &[(Method::Get, Endpoint::Board), (Method::Post, Endpoint::GiveTask)],
    ),
    (
        "/v1/sessions/:session/tasks/:task",
        &[(Method::Get, Endpoint::Task), (Method::Post, Endpoint::ChangeTask)],
    ),
    ("/v1/sessions/:session/files", &[(Method::Get, Endpoint::Files)]),
    (
        "/v1/sessions/:session/files/*key",
        &[
            (Method::Get, Endpoint::File),
            (Method::Put, Endpoint::PutFile),
            (Method::Delete, Endpoint::DeleteFile),
        ],
    ),
    (
        "/v1/sessions/:session/messages",
        &[(Method::Get, Endpoint::Poll), (Method::Post, Endpoint::Send)],
    ),
];

/// A request that was found in the table.
#[derive(Debug)]
pub(crate) struct Route {
    pub(crate) endpoint: Endpoint,
    /// The path as it stands in the table.
    pub(crate) pattern: &'static str,
    /// The segments that stood for `:name`s, percent-decoded.
    parameters: Vec<String>,
}

impl Route {
    pub(crate) fn parameter(&self, at: usize) -> &str {
        self.parameters.get(at).map_or("", String::as_str)
    }

    /// The session of the path. One that is malformed does not exist.
    pub(crate) fn session(&self) -> Result<SessionId, Refusal> {
        self.parameter(0).parse().map_err(|_| Refusal::session_not_found())
    }

    /// The pairing code of the path. One that is malformed was never made.
    pub(crate) fn code(&self) -> Result<PairingCode, Refusal> {
        self.parameter(0).parse().map_err(|_| Refusal::code_not_found())
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
pub(crate) fn route(method: &Method, path: &str) -> Result<Route, Refusal> {
    let (pattern, methods, parameters) = find(path).ok_or_else(Refusal::not_found)?;
    let asked = if *method == Method::Head { &Method::Get } else { method };
    match methods.iter().find(|(method, _)| method == asked) {
        Some((_, endpoint)) => Ok(Route { endpoint: *endpoint, pattern, parameters }),
        None => Err(Refusal::method_not_allowed(allow(methods))),
    }
}

/// The methods of a path, for `Allow`; none if there is no such path.
pub(crate) fn allowed(path: &str) -> Option<String> {
    find(path).map(|(_, methods, _)| allow(methods))
}

fn allow(methods: Methods) -> String {
    let names: Vec<&str> = methods.iter().map(|(method, _)| method.as_ref()).collect();
    names.join(", ")
}

fn find(path: &str) -> Option<(&'static str, Methods, Vec<String>)> {
    /// The patterns of the table, each in its parts.
    static PARTS: LazyLock<Vec<Vec<&str>>> = LazyLock::new(|| {
        let parts = |pattern: &'static str| pattern.trim_end_matches('/').split('/').collect();
        TABLE.iter().map(|(pattern, _)| parts(pattern)).collect()
    });
    let segments: Vec<&str> = path.trim_end_matches('/').split('/').collect();
    let mut patterns = PARTS.iter().zip(TABLE);
    let (parts, (pattern, methods)) = patterns.find(|(parts, _)| matches(parts, &segments))?;
    Some((*pattern, *methods, parameters(parts, &segments)))
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
    use nexus_protocol::ErrorCode;
    use std::collections::BTreeSet;

    fn endpoint(method: &Method, path: &str) -> Endpoint {
        route(method, path).unwrap().endpoint
    }

    #[test]
    fn paths_and_methods_are_found() {
        assert_eq!(endpoint(&Method::Get, "/"), Endpoint::Home);
        assert_eq!(endpoint(&Method::Head, "/health"), Endpoint::Health);
        assert_eq!(endpoint(&Method::Put, "/v1/sessions/"), Endpoint::CreateSession);
        let found = route(&Method::Get, "/p/pearl%20focal%20s5sjv").unwrap();
        assert_eq!(found.code().unwrap().as_str(), "PEARL-FOCAL-S5SJV");
        let path = format!("/v1/sessions/{}/agents/a-1", "0".repeat(48));
        let found = route(&Method::Delete, &path).unwrap();
        assert_eq!((found.endpoint, found.agent().unwrap().as_str()), (Endpoint::Leave, "a-1"));
        let path = format!("/v1/sessions/{}/files/docs/a%20b.md", "0".repeat(48));
        let found = route(&Method::Put, &path).unwrap();
        assert_eq!(
            (found.endpoint, found.file().unwrap().as_str()),
            (Endpoint::PutFile, "docs/a b.md")
        );
    }

    #[test]
    fn what_is_not_there_is_refused() {
        for path in
            ["/nope", "/v1", "/v1/sessions/a/b/c/d/e", "/p", "/p/a/b", "/internal/take-seat"]
        {
            let refusal = route(&Method::Get, path).unwrap_err();
            assert_eq!(refusal.body.error, ErrorCode::NotFound, "{path}");
        }
        let path = format!("/v1/sessions/{}/messages", "0".repeat(48));
        let refusal = route(&Method::Delete, &path).unwrap_err();
        assert_eq!((refusal.status, refusal.allow.as_deref()), (405, Some("GET, POST")));
    }

    #[test]
    fn the_open_api_document_lists_exactly_these_paths() {
        let document: serde_json::Value = serde_json::from_str(crate::pages::OPEN_API).unwrap();
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
                "*key" => "{key}",
                ":version" => "{version}",
                ":file" => "{file}",
                other => other,
            });
            named.collect::<Vec<_>>().join("/")
        };
        let routed: BTreeSet<String> = TABLE
            .iter()
            .flat_map(|(path, methods)| {
                methods
                    .iter()
                    .map(move |(method, _)| format!("{} {}", method.as_ref(), names(path)))
            })
            .collect();
        assert_eq!(documented, routed);
    }
}
