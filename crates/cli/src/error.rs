//! What went wrong, as the one JSON value that goes to stdout.
//!
//! A refusal by the server is passed on in the server's words. A refusal by the client itself has one of
//! the codes in [`Kind`].

use crate::{
    answer::Answer,
    json::Json,
    stderr::{printable, tell},
    words,
};
use serde::Serialize;
use std::time::Duration;

pub(crate) type Result<T, E = Failure> = std::result::Result<T, E>;

/// The client's own error codes. Scripts rely on their names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    /// The command line is invalid.
    Usage,
    /// No agent id is given or stored.
    MissingAgentId,
    /// The address is not stored here, or it is not clear which one is meant.
    UnknownAddress,
    /// This id is stored here as an address of another relay, or with another secret.
    AlreadyRegistered,
    /// No such name in the contact book.
    ContactNotFound,
    /// The name, URL or token of a contact is invalid.
    InvalidContact,
    /// No connection to a gateway, or the gateway refused it.
    GatewayUnreachable,
    /// The port is in use, or may not be used.
    PortUnavailable,
    /// The text is neither an alias nor a session id.
    UnknownSession,
    /// None of the sessions known here has the task.
    UnknownTask,
    /// A local file cannot be read or written.
    FileUnavailable,
    /// The text is neither a pairing code nor a link.
    InvalidCode,
    /// The code was not made here, so its session is not known.
    UnknownCode,
    /// Not an http(s) address.
    InvalidUrl,
    /// `--json` is not JSON.
    InvalidJson,
    /// An environment variable has an invalid value.
    InvalidEnvironment,
    /// The name is not a valid alias.
    InvalidAlias,
    /// The server takes text only, and `--strict` was given.
    JsonUnsupported,
    /// The server is older than the command and does not have this call.
    Unsupported,
    /// The relay says that a session is not encrypted, of which the link has the key.
    NotEncrypted,
    /// What was read could not be opened.
    NotOpened,
    /// The state folder already holds another agent of that session.
    AlreadyMember,
    /// A loop of this kind already runs for the session.
    AlreadyRunning,
    /// A signal ended a wait before anything came.
    Interrupted,
    /// Nobody confirmed at the terminal.
    NotConfirmed,
    /// No connection to the server.
    ServerUnreachable,
    /// The time limit passed.
    Timeout,
    /// The connection ended before the response was complete.
    ConnectionLost,
    /// The server redirects to another address.
    Redirected,
    /// The response is not JSON. It may be the page of a proxy.
    NonJsonResponse,
    /// The state folder cannot be read or written.
    StateUnavailable,
    /// A file in the state folder has invalid content.
    StateCorrupt,
    /// The server did it, but its response could not be stored.
    StateNotSaved,
    /// The command of `listen --exec` failed too often.
    ExecFailed,
    /// The webhook of `listen --hook` failed too often.
    HookFailed,
    /// `doctor` found a problem.
    Unhealthy,
}

/// What can be used, for commands that can do without it. What cannot is told to people.
pub(crate) fn usable<T>(found: Result<T>) -> Option<T> {
    found.map_err(|failure| tell!("warning: {}", failure.sentence())).ok()
}

/// Why a command failed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The server refused.
    Refused(Answer),
    /// The client refused, or could not do it.
    Own(Kind, String),
    /// A JSON value that is itself the report of a failure.
    Report(Json),
    /// Standard output is closed, so nothing can be printed.
    Output(std::io::Error),
}

/// How many characters of a server's message are shown to people.
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
            Self::Refused(answer) => {
                let told = answer.error().message;
                let message = words::of_commands(&told);
                let has_changed = message != told;
                let body = &answer.body;
                Some(if has_changed {
                    body.replacing("message", &Json::of(&message))
                } else {
                    body.clone()
                })
            }
            Self::Own(code, message) => Some(Json::of(&Body { error: *code, message })),
            Self::Report(json) => Some(json.clone()),
            Self::Output(_) => None,
        }
    }

    /// The sentence for stderr.
    pub(crate) fn sentence(&self) -> String {
        match self {
            Self::Refused(answer) => {
                let mut body = answer.error();
                body.message = words::of_commands(&body.message);
                let text = if body.error.is_empty() {
                    format!("the server refused with status {}. {}", answer.status, body.message)
                } else {
                    format!("{}: {}", body.error, body.message)
                };
                printable(&text, SENTENCE)
            }
            Self::Own(_, message) => message.clone(),
            Self::Report(json) => {
                let body = json.read::<crate::answer::ServerError>().unwrap_or_default();
                let text = if body.message.is_empty() { body.error } else { body.message };
                printable(&text, SENTENCE)
            }
            Self::Output(error) => format!("could not write to standard output: {error}"),
        }
    }

    /// Whether the server says that a session or an agent does not exist. `not_found` does not count: it
    /// means that the server does not know the call.
    pub(crate) fn is_gone(&self) -> bool {
        let Self::Refused(answer) = self else { return false };
        answer.status == 404 && answer.error().error != "not_found"
    }

    /// How long the server asks us to wait.
    pub(crate) fn retry_after(&self) -> Duration {
        match self {
            Self::Refused(Answer { retry_after: Some(wait), .. }) => Duration::from_secs(*wait),
            _ => Duration::ZERO,
        }
    }

    /// Whether another try may succeed: there was no response, the server had a fault, or there were too
    /// many requests.
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
