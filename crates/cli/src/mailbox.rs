//! Addresses, by which an agent is reached outside of sessions, and their mailboxes (section 8 of the
//! protocol).
//!
//! Promises: a secret is sent only to the relay that it belongs to. Only `nexus address register` and
//! `nexus address rotate` print it.

use crate::{
    answer::Answer,
    context::{Caller, Context},
    error::{Failure, Kind, Result},
    http::{Http, Repeat, Request},
    json::Json,
    server::Server,
    state::Address,
};
use nexus_protocol::{AgentId, ChangeCard, Cursor, SendMail};
use serde_json::json;
use ureq::http::Method;

/// An address of ours, and the relay that has it.
#[derive(Clone, Debug)]
pub(crate) struct Mailbox {
    http: Http,
    pub(crate) server: Server,
    pub(crate) caller: Caller,
}

/// Reads `@ID`. `None` if the text does not begin with `@`.
pub(crate) fn read_id(text: &str) -> Option<Result<AgentId>> {
    let id = text.strip_prefix('@')?;
    Some(id.parse().map_err(|nexus_protocol::Malformed(rule)| {
        let message = format!("`@` must be followed by the id of an agent, which {rule}.");
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

    /// Our address named by `@me` or `@ID`. `None` if the text does not begin with `@`.
    pub(crate) fn mailbox_named(&self, text: &str) -> Option<Result<Mailbox>> {
        Some(match read_id(text)? {
            Ok(id) if id.as_str() == "me" => self.mailbox(),
            Ok(id) => self.mailbox_of(Some(id)),
            Err(failure) => Err(failure),
        })
    }

    /// The stored address with this id.
    pub(crate) fn address(&self, agent: &AgentId) -> Result<Address> {
        self.state.address(agent)?.ok_or_else(|| {
            let message = format!(
                "You have no address `{agent}` here: register it with `nexus address register --id {agent}`."
            );
            Failure::own(Kind::UnknownAddress, message)
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
                    let message = "You have no address here yet: register one with `nexus address register --id ID`.";
                    return Err(unknown(message.to_owned()));
                }
                several => {
                    let names: Vec<&str> =
                        several.iter().map(|address| address.id.as_str()).collect();
                    let message = format!(
                        "You have several addresses here: choose one with --agent-id, of {}.",
                        names.join(", ")
                    );
                    return Err(unknown(message));
                }
            }
        };
        let address = self.address(&agent)?;
        let server = self.server_of_address(Some(&address.server))?;
        let caller = Caller { agent, key: None, secret: Some(address.proof()?), seal: None };
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

    /// Changes the given fields of our card.
    pub(crate) fn change_card(&self, change: &ChangeCard) -> Result<Answer> {
        let request = Request::new(Method::PATCH, self.path(""), Repeat::Always);
        self.call(Request { body: Some(Json::of(change)), ..request })
    }

    /// Sends a message. With the same key, repeated tries store it only once.
    pub(crate) fn send(&self, to: &AgentId, mail: &SendMail, key: String) -> Result<Answer> {
        let path = format!("/v1/agents/{to}/messages");
        let request = Request::new(Method::POST, path, Repeat::Always);
        self.call(Request { once: Some(key), body: Some(Json::of(mail)), ..request })
    }
}

/// An acknowledgement that is still to be sent: everything up to the cursor was handled.
#[derive(Debug)]
pub(crate) struct Ack {
    pub(crate) mailbox: Mailbox,
    pub(crate) cursor: Cursor,
}

impl Ack {
    /// Sends it. If that fails, the messages are delivered again.
    pub(crate) fn send(&self, repeat: Repeat) -> Result<()> {
        let body = Json::of(&json!({ "cursor": self.cursor }));
        let request = Request::new(Method::POST, self.mailbox.path("/ack"), repeat);
        self.mailbox.call(Request { body: Some(body), ..request }).map(drop)
    }
}
