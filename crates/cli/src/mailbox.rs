//! Addresses: who we are outside of sessions, and the inbox that waits there (section 8 of the protocol).
//!
//! Promises: a secret goes to the relay that it is of, or to one that the command line names, and is
//! printed by `nexus register` alone.

use crate::{
    context::{Caller, Context},
    error::{Failure, Kind, Result},
    http::{Answer, Http, Repeat, Request},
    json::Json,
    server::Server,
};
use nexus_protocol::{AgentId, Cursor, SendMail};
use serde_json::json;
use ureq::http::Method;

/// An address of ours, and the relay that has it.
#[derive(Clone, Debug)]
pub(crate) struct Mailbox {
    http: Http,
    pub(crate) server: Server,
    pub(crate) caller: Caller,
}

/// Reads `@ID`; nothing, if it does not begin so.
pub(crate) fn read_id(text: &str) -> Option<Result<AgentId>> {
    let id = text.strip_prefix('@')?;
    Some(id.parse().map_err(|nexus_protocol::Malformed(rule)| {
        let message = format!("What stands after `@` is the id of an agent: it {rule}.");
        Failure::own(Kind::Usage, message)
    }))
}

/// Reads an id with or without `@`.
pub(crate) fn any_id(text: &str) -> Result<AgentId, &'static str> {
    crate::context::agent_id(text.strip_prefix('@').unwrap_or(text))
}

impl Context {
    /// Our address: the one of `--agent-id`, or the only one there is.
    pub(crate) fn mailbox(&self) -> Result<Mailbox> {
        self.mailbox_of(None)
    }

    /// The address of `@me` or `@ID`; nothing, if the text does not begin so.
    pub(crate) fn mailbox_named(&self, text: &str) -> Option<Result<Mailbox>> {
        Some(match read_id(text)? {
            Ok(id) if id.as_str() == "me" => self.mailbox(),
            Ok(id) => self.mailbox_of(Some(id)),
            Err(failure) => Err(failure),
        })
    }

    pub(crate) fn mailbox_of(&self, id: Option<AgentId>) -> Result<Mailbox> {
        let unknown = |message: String| Failure::own(Kind::UnknownAddress, message);
        let agent = if let Some(agent) = id.or_else(|| self.named_agent().cloned()) {
            agent
        } else {
            match self.state.addresses()?.as_slice() {
                [only] => only.id.clone(),
                [] => {
                    let message =
                        "No address is registered from here: `nexus register --id ID` makes one.";
                    return Err(unknown(message.to_owned()));
                }
                several => {
                    let names: Vec<&str> =
                        several.iter().map(|address| address.id.as_str()).collect();
                    let message = format!(
                        "Several addresses are registered from here: say which with --agent-id, of {}.",
                        names.join(", ")
                    );
                    return Err(unknown(message));
                }
            }
        };
        let address = self.state.address(&agent)?.ok_or_else(|| {
            unknown(format!(
                "The address `{agent}` is not registered from here: `nexus register --id {agent}` does it."
            ))
        })?;
        let server = self.server_of_address(&address.server)?;
        let caller = Caller { agent, key: None, secret: Some(address.secret) };
        Ok(Mailbox { http: self.http().clone(), server, caller })
    }
}

impl Mailbox {
    pub(crate) fn agent(&self) -> &AgentId {
        &self.caller.agent
    }

    /// A path below our address.
    pub(crate) fn path(&self, rest: &str) -> String {
        format!("/v1/agents/{}{rest}", self.caller.agent)
    }

    /// Makes a request as this address.
    pub(crate) fn call(&self, request: Request<'_>) -> Result<Answer> {
        let (agent, secret) = (Some(&self.caller.agent), self.caller.secret.as_ref());
        self.http.send(&self.server, &Request { agent, secret, ..request })
    }

    /// Sends a message; the key makes any number of tries one message.
    pub(crate) fn send(&self, to: &AgentId, mail: &SendMail, key: String) -> Result<Answer> {
        let path = format!("/v1/agents/{to}/messages");
        let request = Request::new(Method::POST, path, Repeat::Always);
        self.call(Request { once: Some(key), body: Some(Json::of(mail)), ..request })
    }
}

/// Messages that were dealt with, of which the relay is to know.
#[derive(Debug)]
pub(crate) struct Ack {
    pub(crate) mailbox: Mailbox,
    pub(crate) cursor: Cursor,
}

impl Ack {
    /// Says so. If that fails, they come again.
    pub(crate) fn send(&self, repeat: Repeat) -> Result<()> {
        let body = Json::of(&json!({ "cursor": self.cursor }));
        let request = Request::new(Method::POST, self.mailbox.path("/ack"), repeat);
        self.mailbox.call(Request { body: Some(body), ..request }).map(drop)
    }
}
