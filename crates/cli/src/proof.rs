//! Keys, secrets and tokens, each with the one server that may see it.
//!
//! Promise: a proof is shown to its own server and to no other, whatever the environment, the configuration
//! or the command line say. Requests are made of proofs, and never of bare keys.

use crate::server::Server;
use std::fmt;

/// A key, secret or token, and the server that it belongs to.
#[derive(Clone)]
pub(crate) struct Proof<T> {
    value: T,
    server: String,
}

impl<T> Proof<T> {
    pub(crate) fn of(value: T, server: &Server) -> Self {
        Self { value, server: server.url.clone() }
    }

    /// What may be shown to this server. `None` if the proof belongs to another one.
    pub(crate) fn at(&self, server: &Server) -> Option<&T> {
        (self.server == server.url).then_some(&self.value)
    }
}

impl<T> fmt::Debug for Proof<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proof").field("server", &self.server).finish_non_exhaustive()
    }
}
