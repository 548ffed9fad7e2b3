//! The native calls that tools make, for who a seat says.

use crate::{
    calls::{self, Object},
    http::{self, CLASS, Request},
    live,
    rates::{self, McpVisit, Passed},
    router::Method,
};
use nexus_core::{Error, Result};
use nexus_mcp::Seat;
use nexus_protocol::{AgentId, PairingCode};
use std::cell::Cell;
use worker::Env;

/// A request of a host, for which native calls are made.
pub(super) struct Of<'a> {
    pub(super) request: &'a Request,
    pub(super) env: &'a Env,
    /// Whether anything of it was counted yet.
    pub(super) is_counted: Cell<bool>,
}

impl<'a> Of<'a> {
    pub(super) fn new(request: &'a Request, env: &'a Env) -> Self {
        Self { request, env, is_counted: Cell::new(false) }
    }

    /// Counts what shows nothing that is checked.
    pub(super) async fn count(&self, passed: Passed<'_>) -> Result<McpVisit> {
        self.is_counted.set(true);
        rates::enter_mcp(self.request, self.env, passed).await
    }

    /// What became of it, after counting it if nothing of it was counted.
    pub(super) async fn counted<T>(&self, outcome: Result<T>) -> Result<T> {
        if !self.is_counted.get() {
            self.count(Passed::Nothing).await?;
        }
        outcome
    }
}

/// A call of the native protocol.
pub(super) struct Native<'a> {
    method: Method,
    path: String,
    /// The class of the object that answers, and its name.
    object: (&'static str, &'a str),
    headers: [(&'static str, String); 2],
    pub(super) body: String,
    /// For how many seconds a poll waits.
    pub(super) wait: u32,
    passed: Passed<'a>,
}

impl<'a> Native<'a> {
    /// A call about the session or the address of a seat, by who sits there. `rest` is what follows the id in the
    /// path.
    pub(super) fn of(seat: &'a Seat, method: Method, rest: &str) -> Self {
        let (path, object, proof, passed) = match seat {
            Seat::Member { session, key, .. } => (
                ["/v1/sessions/", session.as_str(), rest].concat(),
                ("SESSION", session.as_str()),
                ("X-Session-Key", key.to_string()),
                Passed::Key(session.as_str(), key.as_str()),
            ),
            Seat::Address { agent, secret } => (
                ["/v1/agents/", agent.as_str(), rest].concat(),
                ("MAILBOX", agent.as_str()),
                ("Authorization", ["Bearer ", secret.as_str()].concat()),
                Passed::Secret(agent.as_str(), secret.as_str()),
            ),
        };
        let headers = [("X-Agent-Id", seat.agent().to_string()), proof];
        Self { method, path, object, headers, body: String::new(), wait: 0, passed }
    }

    /// The same, about another's address.
    pub(super) fn to(mut self, other: &AgentId, rest: &str) -> Self {
        self.path = ["/v1/agents/", other.as_str(), rest].concat();
        self
    }

    pub(super) fn with(mut self, body: String) -> Self {
        self.body = body;
        self
    }

    /// Makes the call, and counts it. Gives the body of its answer.
    pub(super) async fn make(&self, of: &Of<'_>) -> Result<String> {
        of.is_counted.set(true);
        let visit = rates::enter_mcp(of.request, of.env, self.passed).await?;
        let (outcome, is_right) = self.ask(of.env).await;
        visit.leave(of.env, is_right).await?;
        outcome
    }

    /// Makes the call. Says, too, whether the key or the secret that it shows was right; if the relay failed, that
    /// is not known.
    async fn ask(&self, env: &Env) -> (Result<String>, Option<bool>) {
        let headers = self.headers.iter().map(|(name, value)| (*name, value.as_str()));
        let head = http::head_of(self.method, &["https://relay", &self.path].concat(), headers);
        let (binding, name) = self.object;
        let answer = match Object::named(env, binding, name, None) {
            Ok(object) if self.wait > 0 => live::long_poll(&head, &object, self.wait).await,
            Ok(object) => object.ask(&head, &self.body).await,
            Err(error) => Err(error),
        };
        match answer {
            Ok(answer) => {
                let is_right = match answer.status() {
                    ..400 => Some(true),
                    500.. => None,
                    _ => Some(answer.header(CLASS) == Some(http::AGENT)),
                };
                (calls::outcome(&head, &answer, "a tool").await, is_right)
            }
            Err(error) => (Err(error), None),
        }
    }
}

/// Creates a session, of which this is the body of the request.
pub(super) async fn create(object: &Object, region: Option<&str>, body: &str) -> Result<String> {
    let region = region.map(|region| (http::REGION, region));
    let head = http::head_of(Method::Put, "https://relay/v1/sessions", region);
    object.outcome(&head, body, "create").await
}

/// Claims a code. Says, too, whether there is such a code, if that is known.
pub(super) async fn claim(
    env: &Env,
    code: &PairingCode,
    agent: &AgentId,
) -> Result<(Result<String>, Option<bool>)> {
    let url = format!("https://relay/v1/pair/{code}/claim");
    let head = http::head_of(Method::Post, &url, [("X-Agent-Id", agent.as_str())]);
    let index = Object::named(env, "PAIRING_INDEX", code.first_word(), code.region())?;
    let outcome = index.outcome(&head, "{}", "claim").await;
    let exists = match &outcome {
        Ok(_) => Some(true),
        Err(Error::Refused(refusal)) => Some(!http::is_guess(refusal)),
        Err(Error::Fault(_)) => None,
    };
    Ok((outcome, exists))
}
