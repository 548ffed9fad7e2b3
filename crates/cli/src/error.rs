//! What went wrong, as the one JSON value that goes to stdout.
//!
//! A refusal of the server is passed on in its own words. What the client itself refuses has a code of
//! this table: [`Kind`].

use crate::{http::Answer, json::Json, output::printable};
use serde::Serialize;
use std::time::Duration;

pub(crate) type Result<T, E = Failure> = std::result::Result<T, E>;

/// The stable names of the client's own errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    /// The command line is wrong.
    Usage,
    /// Nothing says who the agent is.
    MissingAgentId,
    /// No address is stored here that could be meant.
    UnknownAddress,
    /// Here this id is an address of another relay, or with another secret.
    AlreadyRegistered,
    /// No such name in the contact book.
    ContactNotFound,
    /// The name, the address or the token cannot be a contact's.
    InvalidContact,
    /// A gateway gave no connection, or refused it.
    GatewayUnreachable,
    /// The port is taken, or is not for us.
    PortUnavailable,
    /// Neither an alias nor the form of a session id.
    UnknownSession,
    /// No session that is known here has the task.
    UnknownTask,
    /// A file of this machine cannot be read or written.
    FileUnavailable,
    /// The text is neither a pairing code nor a link.
    InvalidCode,
    /// No session that is known here has made this code.
    UnknownCode,
    /// Not an http(s) address.
    InvalidUrl,
    /// `--json` is not JSON.
    InvalidJson,
    /// A variable of the environment makes no sense.
    InvalidEnvironment,
    /// The name cannot be an alias.
    InvalidAlias,
    /// No such alias.
    AliasNotFound,
    /// The server takes text only, and `--strict` was given.
    JsonUnsupported,
    /// The server is older than the command and does not have this call.
    Unsupported,
    /// This folder of state is another agent of that session.
    AlreadyMember,
    /// A loop of this kind already runs for the session.
    AlreadyRunning,
    /// A person did not agree, or there is none to ask.
    NotConfirmed,
    /// The server's name or port gave no connection.
    ServerUnreachable,
    /// The time limit passed.
    Timeout,
    /// The connection ended before the answer did.
    ConnectionLost,
    /// The server sends its callers elsewhere.
    Redirected,
    /// The answer is not of this protocol: a proxy's page, say.
    NonJsonResponse,
    /// The folder of state cannot be read or written.
    StateUnavailable,
    /// A file of state holds something else than it should.
    StateCorrupt,
    /// The server did it, but what it answered could not be stored.
    StateNotSaved,
    /// What `listen --exec` runs failed too often.
    ExecFailed,
    /// What `listen --hook` posts to failed too often.
    HookFailed,
    /// `doctor` found something.
    Unhealthy,
}

/// Why a command failed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The server said no.
    Refused(Answer),
    /// The client did.
    Own(Kind, String),
    /// A JSON value that is itself the report of a failure.
    Report(Json),
    /// Standard output is closed: nobody can be told.
    Output(std::io::Error),
}

/// Characters of what a server says that are shown to people.
const SENTENCE: usize = 500;

impl Failure {
    pub(crate) fn own(code: Kind, message: impl Into<String>) -> Self {
        Self::Own(code, message.into())
    }

    /// The value for stdout.
    pub(crate) fn json(&self) -> Option<Json> {
        #[derive(Serialize)]
        struct Body<'a> {
            error: Kind,
            message: &'a str,
        }
        match self {
            Self::Refused(answer) => Some(answer.body.clone()),
            Self::Own(code, message) => Some(Json::of(&Body { error: *code, message })),
            Self::Report(json) => Some(json.clone()),
            Self::Output(_) => None,
        }
    }

    /// The sentence for stderr.
    pub(crate) fn sentence(&self) -> String {
        match self {
            Self::Refused(answer) => {
                let body = answer.error();
                let text = format!("{} {}: {}", answer.status, body.error, body.message);
                printable(&text, SENTENCE)
            }
            Self::Own(_, message) => message.clone(),
            Self::Report(json) => {
                let body = json.read::<crate::http::ServerError>().unwrap_or_default();
                let text = if body.message.is_empty() { body.error } else { body.message };
                printable(&text, SENTENCE)
            }
            Self::Output(error) => format!("could not write to standard output: {error}"),
        }
    }

    /// Whether the server says that it does not have what was asked about. `not_found` is a path that the
    /// server does not know, and so says nothing about a session or an agent.
    pub(crate) fn is_gone(&self) -> bool {
        let Self::Refused(answer) = self else { return false };
        answer.status == 404 && answer.error().error != "not_found"
    }

    /// How long the server asks to be left alone.
    pub(crate) fn retry_after(&self) -> Duration {
        match self {
            Self::Refused(Answer { retry_after: Some(wait), .. }) => Duration::from_secs(*wait),
            _ => Duration::ZERO,
        }
    }

    /// Whether another try might go better: no answer, a fault of the server, or too many requests.
    pub(crate) fn is_passing(&self) -> bool {
        match self {
            Self::Refused(answer) => answer.status == 429 || answer.status >= 500,
            Self::Own(code, _) => matches!(
                code,
                Kind::ServerUnreachable
                    | Kind::Timeout
                    | Kind::ConnectionLost
                    | Kind::NonJsonResponse
            ),
            Self::Report(_) | Self::Output(_) => false,
        }
    }
}
