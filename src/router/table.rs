//! The table of calls: a line for each path, and for each method who owns the call, what it needs of its
//! caller, and how it is counted.
//!
//! `docs/openapi.json` lists the same paths, and section 1 of the protocol the same needs. Tests compare them.

use super::method::Method;
use nexus_core::{
    MailboxNeed::{self, Anyone, Owner, Sender},
    Need::{self, Creator, Entry, Key, Member, Nothing, OwnKey},
};

/// What is asked for: who owns the call, and which of the owner's calls it is. Each owner matches its calls
/// one by one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Endpoint {
    /// The object of a session.
    Session(Session, Need),
    /// The edge, which reads a session for a stream of events.
    SessionEvents(Need),
    /// The object of an address.
    Mailbox(Mailbox, MailboxNeed),
    /// The edge, which reads an address for a stream of events.
    MailboxEvents(MailboxNeed),
    /// The index of a code; to make one, the edge.
    Code(Code, Need),
    /// The edge, which asks the directory.
    Directory(Directory),
    /// The edge.
    Page(Page),
    /// A dialect.
    Foreign(Foreign),
}

/// The calls of dialects: which dialect owns the call, and which of its calls it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Foreign {
    /// Over a session.
    ClawLink(ClawLink, Need),
    /// Over an address.
    Messenger(Messenger, MailboxNeed),
    /// Over an address.
    OpenDialogue(OpenDialogue, MailboxNeed),
    /// Over both, at the edge. What is called, and who calls, stands in the body.
    Mcp,
}

/// The calls of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Session {
    Create,
    Status,
    End,
    Join,
    /// Its own seat. Another's takes `Creator`.
    Leave,
    /// A shorter TTL takes `Creator`.
    Renew,
    Send,
    Poll,
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
    Codes,
}

/// The calls of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mailbox {
    Card,
    ChangeCard,
    Delete,
    ReplaceSecret,
    Send,
    Status,
    Read,
    Ack,
    Socket,
    Blocks,
    Block,
    Unblock,
    Allows,
    Allow,
    Disallow,
    AllowOnly,
    Conversation,
    EndConversation,
}

/// The calls about a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Code {
    Create,
    Claim,
    Status,
    Revoke,
}

/// The calls that concern the whole relay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Directory {
    Agents,
    Register,
    Stats,
    /// For the operator, who shows `ADMIN_TOKEN`.
    Activity,
    /// As the one before: which session a request was about.
    Trace,
    /// As the one before: end that session.
    EndTraced,
}

/// The pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Page {
    Home,
    Session,
    Docs,
    Section,
    Asset,
    Skill,
    Llms,
    OpenApi,
    Health,
    Pair,
    Admin,
}

/// The calls of ClawLink.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ClawLink {
    Info,
    Register,
    Discover,
    Heartbeat,
    Delegate,
    Respond,
    Broadcast,
    Poll,
    SaveFile,
    Files,
    File,
    Socket,
}

/// The calls of the messenger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Messenger {
    Register,
    Send,
    Poll,
    Users,
    Socket,
}

/// The calls of OpenDialogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OpenDialogue {
    Register,
    Card,
    ChangeCard,
    Blocks,
    Block,
    Unblock,
    Allows,
    Allow,
    Disallow,
    AllowOnly,
    Send,
    History,
    Socket,
}

/// Which limiter of the platform counts a call for its IP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Limiter {
    /// None.
    Free,
    /// That of all requests.
    Requests,
    /// That of all, and that of new sessions.
    Create,
    /// That of all, and that of new codes.
    Pair,
    /// That of all, and that of new addresses.
    Register,
    /// That of all, and, where a code, a token or a key that was shown does not exist, that of guesses.
    Guess,
}

/// What a method on a path asks for, and what counts it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) endpoint: Endpoint,
    pub(crate) limiter: Limiter,
}

impl Call {
    const fn counted(self, limiter: Limiter) -> Self {
        Self { limiter, ..self }
    }
}

const fn call(method: Method, endpoint: Endpoint) -> Call {
    Call { method, endpoint, limiter: Limiter::Requests }
}

const fn get(endpoint: Endpoint) -> Call {
    call(Method::Get, endpoint)
}

const fn post(endpoint: Endpoint) -> Call {
    call(Method::Post, endpoint)
}

const fn put(endpoint: Endpoint) -> Call {
    call(Method::Put, endpoint)
}

const fn patch(endpoint: Endpoint) -> Call {
    call(Method::Patch, endpoint)
}

const fn delete(endpoint: Endpoint) -> Call {
    call(Method::Delete, endpoint)
}

/// A path, and its calls. `:name` stands for any one segment, `*name` for all that follow.
pub(crate) type Line = (&'static str, &'static [Call]);

/// All calls.
#[rustfmt::skip]
pub(crate) const TABLE: &[Line] = {
    use Endpoint::{Code as K, Directory as D, Mailbox as A, MailboxEvents, Page as P, Session as S, SessionEvents};
    const fn clawlink(call: ClawLink, need: Need) -> Endpoint {
        Endpoint::Foreign(Foreign::ClawLink(call, need))
    }
    const fn messenger(call: Messenger, need: MailboxNeed) -> Endpoint {
        Endpoint::Foreign(Foreign::Messenger(call, need))
    }
    const fn dialogue(call: OpenDialogue, need: MailboxNeed) -> Endpoint {
        Endpoint::Foreign(Foreign::OpenDialogue(call, need))
    }
    &[
    ("/", &[get(P(Page::Home))]),
    ("/s", &[get(P(Page::Session))]),
    ("/docs", &[get(P(Page::Docs))]),
    ("/docs/:section", &[get(P(Page::Section))]),
    ("/assets/:version/:file", &[get(P(Page::Asset)).counted(Limiter::Free)]),
    ("/skill.md", &[get(P(Page::Skill))]),
    ("/llms.txt", &[get(P(Page::Llms))]),
    ("/openapi.json", &[get(P(Page::OpenApi))]),
    ("/health", &[get(P(Page::Health)).counted(Limiter::Free)]),
    ("/p/:code", &[get(P(Page::Pair)).counted(Limiter::Guess)]),
    ("/admin", &[get(P(Page::Admin))]),
    ("/v1/admin/activity", &[get(D(Directory::Activity)).counted(Limiter::Guess)]),
    ("/v1/admin/requests/:request", &[get(D(Directory::Trace)).counted(Limiter::Guess)]),
    ("/v1/admin/requests/:request/end", &[post(D(Directory::EndTraced)).counted(Limiter::Guess)]),
    ("/v1/stats", &[get(D(Directory::Stats))]),

    ("/v1/sessions", &[put(S(Session::Create, Nothing)).counted(Limiter::Create)]),
    ("/v1/sessions/:session", &[get(S(Session::Status, Nothing)), delete(S(Session::End, Creator))]),
    ("/v1/sessions/:session/join", &[post(S(Session::Join, Entry)).counted(Limiter::Guess)]),
    ("/v1/sessions/:session/renew", &[post(S(Session::Renew, Member))]),
    ("/v1/sessions/:session/messages", &[get(S(Session::Poll, Member)), post(S(Session::Send, Member))]),
    ("/v1/sessions/:session/events", &[get(SessionEvents(Member))]),
    ("/v1/sessions/:session/ws", &[get(S(Session::Socket, Member))]),
    ("/v1/sessions/:session/webhook", &[
        get(S(Session::Webhook, OwnKey)), put(S(Session::SetWebhook, OwnKey)), delete(S(Session::RemoveWebhook, OwnKey)),
    ]),
    ("/v1/sessions/:session/agents", &[get(S(Session::Members, Member))]),
    ("/v1/sessions/:session/agents/:agent", &[delete(S(Session::Leave, Key)), patch(S(Session::ChangeProfile, Key))]),
    ("/v1/sessions/:session/tasks", &[get(S(Session::Board, Member)), post(S(Session::GiveTask, Key))]),
    ("/v1/sessions/:session/tasks/:task", &[get(S(Session::Task, Member)), post(S(Session::ChangeTask, Key))]),
    ("/v1/sessions/:session/files", &[get(S(Session::Files, Member))]),
    ("/v1/sessions/:session/files/*key", &[
        get(S(Session::File, Member)), put(S(Session::PutFile, Key)), delete(S(Session::DeleteFile, Key)),
    ]),

    ("/v1/pair", &[
        get(S(Session::Codes, OwnKey)),
        put(K(Code::Create, Entry)).counted(Limiter::Pair), post(K(Code::Create, Entry)).counted(Limiter::Pair),
    ]),
    ("/v1/pair/:code", &[delete(K(Code::Revoke, OwnKey)).counted(Limiter::Guess)]),
    ("/v1/pair/:code/claim", &[post(K(Code::Claim, Nothing)).counted(Limiter::Guess)]),
    ("/v1/pair/:code/status", &[get(K(Code::Status, Nothing)).counted(Limiter::Guess)]),
    ("/v1/pair/:code/skill", &[get(P(Page::Pair)).counted(Limiter::Guess)]),

    ("/v1/agents", &[get(D(Directory::Agents)), post(D(Directory::Register)).counted(Limiter::Register)]),
    ("/v1/agents/:agent", &[
        get(A(Mailbox::Card, Anyone)), patch(A(Mailbox::ChangeCard, Owner)), delete(A(Mailbox::Delete, Owner)),
    ]),
    ("/v1/agents/:agent/secret", &[post(A(Mailbox::ReplaceSecret, Owner))]),
    ("/v1/agents/:agent/messages", &[get(A(Mailbox::Read, Owner)), post(A(Mailbox::Send, Sender))]),
    ("/v1/agents/:agent/messages/:message", &[get(A(Mailbox::Status, Sender))]),
    ("/v1/agents/:agent/ack", &[post(A(Mailbox::Ack, Owner))]),
    ("/v1/agents/:agent/events", &[get(MailboxEvents(Owner))]),
    ("/v1/agents/:agent/ws", &[get(A(Mailbox::Socket, Owner))]),
    ("/v1/agents/:agent/blocks", &[get(A(Mailbox::Blocks, Owner))]),
    ("/v1/agents/:agent/blocks/:other", &[put(A(Mailbox::Block, Owner)), delete(A(Mailbox::Unblock, Owner))]),
    ("/v1/agents/:agent/allows", &[get(A(Mailbox::Allows, Owner))]),
    ("/v1/agents/:agent/allows/:other", &[put(A(Mailbox::Allow, Owner)), delete(A(Mailbox::Disallow, Owner))]),
    ("/v1/agents/:agent/allow-only", &[put(A(Mailbox::AllowOnly, Owner))]),
    ("/v1/agents/:agent/conversations/:conversation", &[get(A(Mailbox::Conversation, Owner))]),
    ("/v1/agents/:agent/conversations/:conversation/end", &[post(A(Mailbox::EndConversation, Owner))]),

    ("/messenger/register", &[post(messenger(Messenger::Register, Anyone)).counted(Limiter::Register)]),
    ("/messenger/send", &[post(messenger(Messenger::Send, Sender))]),
    ("/messenger/poll", &[get(messenger(Messenger::Poll, Sender))]),
    ("/messenger/users", &[get(messenger(Messenger::Users, Anyone))]),
    ("/messenger/ws", &[get(messenger(Messenger::Socket, Sender))]),

    ("/opendialogue/connect", &[get(dialogue(OpenDialogue::Socket, Sender))]),
    ("/opendialogue/api/agent/register", &[post(dialogue(OpenDialogue::Register, Anyone)).counted(Limiter::Register)]),
    ("/opendialogue/api/agent/:agent", &[get(dialogue(OpenDialogue::Card, Anyone))]),
    ("/opendialogue/api/agent/:agent/card", &[patch(dialogue(OpenDialogue::ChangeCard, Owner))]),
    ("/opendialogue/api/agent/:agent/block", &[
        get(dialogue(OpenDialogue::Blocks, Owner)), post(dialogue(OpenDialogue::Block, Owner)), delete(dialogue(OpenDialogue::Unblock, Owner)),
    ]),
    ("/opendialogue/api/agent/:agent/allow", &[
        get(dialogue(OpenDialogue::Allows, Owner)), post(dialogue(OpenDialogue::Allow, Owner)), delete(dialogue(OpenDialogue::Disallow, Owner)),
    ]),
    ("/opendialogue/api/agent/:agent/allowlist-mode", &[put(dialogue(OpenDialogue::AllowOnly, Owner))]),
    ("/opendialogue/api/message", &[post(dialogue(OpenDialogue::Send, Sender))]),
    ("/opendialogue/api/conversation/:conversation/history", &[get(dialogue(OpenDialogue::History, Owner))]),

    ("/mcp", &[post(Endpoint::Foreign(Foreign::Mcp)).counted(Limiter::Free)]),

    ("/clawlink/:session", &[get(clawlink(ClawLink::Info, Entry))]),
    ("/clawlink/:session/register", &[post(clawlink(ClawLink::Register, Entry))]),
    ("/clawlink/:session/discover", &[get(clawlink(ClawLink::Discover, Member))]),
    ("/clawlink/:session/heartbeat", &[post(clawlink(ClawLink::Heartbeat, Key))]),
    ("/clawlink/:session/delegate", &[post(clawlink(ClawLink::Delegate, Key))]),
    ("/clawlink/:session/respond", &[post(clawlink(ClawLink::Respond, Key))]),
    ("/clawlink/:session/broadcast", &[post(clawlink(ClawLink::Broadcast, Key))]),
    ("/clawlink/:session/poll/:agent", &[get(clawlink(ClawLink::Poll, Key))]),
    ("/clawlink/:session/files", &[get(clawlink(ClawLink::Files, Member)), post(clawlink(ClawLink::SaveFile, Key))]),
    ("/clawlink/:session/files/*key", &[get(clawlink(ClawLink::File, Member))]),
    ("/clawlink/:session/ws/:agent", &[get(clawlink(ClawLink::Socket, Key))]),
    ]
};
