//! What a server can do, as it says at `/health`. The answer is cached for five minutes.

use crate::{
    context::Context,
    error::{Failure, Kind, Result},
    http::Request,
    server::Server,
    stderr::tell,
};
use nexus_protocol::Encrypted;
use serde::Deserialize;

/// What a server can do. A server that does not say is taken to have text and polls only.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Capabilities {
    /// `text`, `json`.
    pub(crate) message_format: Vec<String>,
    /// `poll`, `longpoll`, `sse`, `websocket`, `webhook`.
    pub(crate) delivery: Vec<String>,
    /// The most bytes of one file.
    pub(crate) max_file_bytes: Option<u64>,
    /// The versions by which sessions can be encrypted.
    pub(crate) encryption: Vec<u32>,
}

impl Capabilities {
    pub(crate) fn takes_json(&self) -> bool {
        self.message_format.iter().any(|format| format == "json")
    }

    /// Whether sessions can be encrypted as this client does it.
    pub(crate) fn encrypts(&self) -> bool {
        self.encryption.contains(&Encrypted::V1.v)
    }

    /// Whether messages can be received in this way.
    pub(crate) fn delivers(&self, way: &str) -> bool {
        self.delivery.iter().any(|delivery| delivery == way)
    }
}

/// Asks the server, unless a recent answer is cached.
pub(crate) fn of(context: &Context, server: &Server) -> Result<Capabilities> {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Health {
        capabilities: Capabilities,
    }
    let now = crate::clock::now();
    if let Some(known) = context.state.capabilities(&server.url, now) {
        return Ok(known);
    }
    let answer = match context.call(server, &Request::get("/health")) {
        Ok(answer) => answer,
        // A server without this page has no optional capabilities.
        Err(Failure::Refused(answer)) if answer.status == 404 => answer,
        Err(failure @ Failure::Own(Kind::NonJsonResponse, _)) => {
            tell!("{}", failure.sentence());
            return Ok(Capabilities::default());
        }
        Err(failure) => return Err(failure),
    };
    let found = answer.body.read::<Health>().unwrap_or_default().capabilities;
    if let Err(failure) = context.state.store_capabilities(&server.url, found.clone(), now) {
        // The next command will ask again.
        tell!("warning: {}", failure.sentence());
    }
    Ok(found)
}
