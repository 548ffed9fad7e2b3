//! A server's response in JSON.

use crate::json::Json;
use serde::Deserialize;

/// The part of a server's refusal that the client reads.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ServerError {
    pub(crate) error: String,
    pub(crate) message: String,
    pub(crate) reason: String,
}

/// A response in JSON.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Json,
    /// How long to wait before a retry, in seconds.
    pub(crate) retry_after: Option<u64>,
}

impl Answer {
    pub(crate) fn error(&self) -> ServerError {
        self.body.read().unwrap_or_default()
    }
}
