//! What the commands for profiles, tasks and files share (section 9 of the protocol).

use crate::{
    answer::Answer,
    context::{Caller, Context, Session},
    error::{Failure, Kind, Result, usable},
    http::{Repeat, Request},
    json::Json,
    message::Found,
    random,
    server::Server,
    stderr::tell,
};
use clap::Args;
use nexus_protocol::{MessageId, Profile, Task, TaskStatus, Token};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::{collections::BTreeSet, env};
use ureq::http::Method;

/// The profile of an agent, as options of the command line.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct ProfileArgs {
    /// The name that people read
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// What you can do; may be repeated, or separated by commas
    #[arg(long, value_name = "X", value_delimiter = ',')]
    capability: Vec<String>,
    /// A description of you
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// The machine that you run on
    #[arg(long, value_name = "NAME")]
    machine: Option<String>,
}

impl ProfileArgs {
    pub(crate) fn profile(self) -> Profile {
        Profile {
            name: self.name,
            capabilities: Some(self.capability).filter(|words| !words.is_empty()),
            description: self.description,
            machine: self.machine,
        }
    }

    /// The body of a request. `None` if the profile is empty, for servers that expect no body.
    pub(crate) fn body(self) -> Option<Json> {
        let profile = self.profile();
        (profile != Profile::default()).then(|| Json::of(&profile))
    }
}

/// The token of a session, from the command line or from `$NEXUS_TOKEN`. Other users of the machine can
/// see a command line, and cannot see the environment.
pub(crate) fn token(given: Option<String>) -> Result<Option<Token>> {
    let from_env = || env::var("NEXUS_TOKEN").ok().filter(|token| !token.is_empty());
    let Some(text) = given.or_else(from_env) else { return Ok(None) };
    let malformed = |_| Failure::own(Kind::Usage, format!("The token {}.", Token::RULE));
    text.parse().map(Some).map_err(malformed)
}

/// Our seat in a session, and the server that has it.
#[derive(Debug)]
pub(crate) struct Team<'a> {
    pub(crate) context: &'a Context,
    pub(crate) session: Session,
    pub(crate) caller: Caller,
    pub(crate) server: Server,
}

/// Characters that are not percent-encoded in a path or a query.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// The text, percent-encoded for a path or a query.
pub(crate) fn encoded(text: &str) -> String {
    utf8_percent_encode(text, PLAIN).to_string()
}

impl<'a> Team<'a> {
    /// Our seat in the session of this alias or id. Prints which server is used.
    pub(crate) fn of(context: &'a Context, session: &str) -> Result<Self> {
        let team = Self::quietly(context, context.session(session)?)?;
        team.server.announce();
        Ok(team)
    }

    /// The same, without printing the server.
    pub(crate) fn quietly(context: &'a Context, session: Session) -> Result<Self> {
        let caller = context.caller(&session)?;
        let server = context.server_of(&session)?;
        Ok(Self { context, session, caller, server })
    }

    /// A task, and the session that has it: the named session, or else the first known one that knows the
    /// task.
    pub(crate) fn with_task(
        context: &'a Context,
        session: Option<&str>,
        task: &MessageId,
    ) -> Result<(Self, Task)> {
        if let Some(session) = session {
            let team = Self::of(context, session)?;
            let found = team.task(task)?;
            return Ok((team, found));
        }
        for id in context.state.sessions()? {
            // A damaged session is told, and does not have the task.
            let Some(session) = usable(context.session_of(id)) else { continue };
            if session.stored.agent.is_none() {
                continue;
            }
            let Some(team) = usable(Self::quietly(context, session)) else { continue };
            match team.task(task) {
                Ok(found) => {
                    team.server.announce();
                    return Ok((team, found));
                }
                // This session does not have the task, has ended, or is on a server without tasks.
                Err(Failure::Refused(answer)) if matches!(answer.status, 401 | 403 | 404 | 405) => {
                }
                Err(failure) => return Err(failure),
            }
        }
        let message = format!(
            "None of the sessions known here has the task {}. Name its session with --session, or list tasks with `nexus task ls SESSION`.",
            task.as_str()
        );
        Err(Failure::own(Kind::UnknownTask, message))
    }

    pub(crate) fn call(&self, request: Request<'_>) -> Result<Answer> {
        self.context.call(&self.server, &self.caller.sign(request))
    }

    pub(crate) fn get(&self, path: &str) -> Result<Json> {
        self.call(Request::get(self.session.path(path))).map(|answer| answer.body)
    }

    /// The ids of the members.
    pub(crate) fn members(&self) -> Result<BTreeSet<String>> {
        #[derive(Deserialize)]
        struct Status {
            agents: BTreeSet<String>,
        }
        read::<Status>(&self.get("")?).map(|status| status.agents)
    }

    /// Asks for a change. However often the request is repeated, the change is made once.
    pub(crate) fn change(&self, method: Method, path: &str, body: &impl Serialize) -> Result<Json> {
        self.change_once(method, path, body, random::hex())
    }

    fn change_once(
        &self,
        method: Method,
        path: &str,
        body: &impl Serialize,
        once: String,
    ) -> Result<Json> {
        let request = Request::new(method, self.session.path(path), Repeat::Always);
        let (once, body) = (Some(once), Some(Json::of(body)));
        self.call(Request { once, body, ..request }).map(|answer| answer.body)
    }

    pub(crate) fn task(&self, id: &MessageId) -> Result<Task> {
        read(&self.get(&format!("/tasks/{}", encoded(id.as_str())))?)
    }

    /// A task that may be done: its words are those of the members that it names, as far as the session promises
    /// that. `None` if they are not.
    pub(crate) fn task_to_do(&self, id: &MessageId) -> Result<Option<Task>> {
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Shown {
            seal: Option<Found>,
        }
        let task = self.get(&format!("/tasks/{}", encoded(id.as_str())))?;
        let Shown { seal } = task.read().unwrap_or_default();
        if !seal.as_ref().is_none_or(Found::is_of_sender) {
            tell!(
                "warning: task {id} was not opened, or another key signed it, and nothing is done with it"
            );
            return Ok(None);
        }
        read(&task).map(Some)
    }

    /// Reports the progress or the end of a task.
    pub(crate) fn report(&self, id: &MessageId, change: &impl Serialize) -> Result<Json> {
        self.report_once(id, change, &random::hex())
    }

    /// As [`Self::report`], with the key of a caller that repeats the report itself.
    pub(crate) fn report_once(
        &self,
        id: &MessageId,
        change: &impl Serialize,
        once: &str,
    ) -> Result<Json> {
        let path = format!("/tasks/{}", encoded(id.as_str()));
        self.change_once(Method::POST, &path, change, once.to_owned())
    }

    /// Moves a task through the states that must come before `next`.
    pub(crate) fn lead_to(&self, task: &Task, next: TaskStatus) -> Result<()> {
        let steps = [TaskStatus::Accepted, TaskStatus::InProgress];
        let mut status = task.status;
        for step in steps {
            if status.may_become(next) {
                break;
            }
            if status.may_become(step) {
                self.report(&task.id, &json!({ "status": step }))?;
                status = step;
            }
        }
        Ok(())
    }
}

/// Reads a response of the relay.
pub(crate) fn read<T: serde::de::DeserializeOwned>(json: &Json) -> Result<T> {
    json.read().ok_or_else(|| {
        let message = "This client cannot read the server's response. The server may be much older or newer than the client.";
        Failure::own(Kind::NonJsonResponse, message)
    })
}

/// The text as JSON if it is valid JSON, and otherwise as a string.
pub(crate) fn value(text: &str) -> Json {
    Json::parse(text.trim()).unwrap_or_else(|| Json::of(&text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_stays_json() {
        assert_eq!(value(" {\"a\": 1.50}\n").as_str(), "{\"a\":1.50}");
        assert_eq!(value("two words").as_str(), "\"two words\"");
        assert_eq!(value("").as_str(), "\"\"");
    }
}
