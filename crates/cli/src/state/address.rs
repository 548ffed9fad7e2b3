//! `address/{agent,secret,server}`: where others can reach us for good, one line in each file.

use super::{Lock, State, commit, read};
use crate::error::{Failure, Kind, Result};
use nexus_protocol::{AgentId, AgentSecret};
use tempfile::NamedTempFile;

/// An address of ours.
#[derive(Clone, Debug)]
pub(crate) struct Address {
    pub(crate) agent: AgentId,
    pub(crate) secret: AgentSecret,
    /// The server that it is registered with.
    pub(crate) server: String,
}

/// A secret on disk, but not in its place yet.
#[derive(Debug)]
pub(crate) struct NewSecret(NamedTempFile);

impl State {
    /// Our address, if there is one.
    pub(crate) fn address(&self) -> Result<Option<Address>> {
        let folder = self.root().join("address");
        let line = |name: &str| -> Result<Option<String>> {
            let text = read(&folder.join(name))?.unwrap_or_default();
            Ok(Some(text.trim().to_owned()).filter(|line| !line.is_empty()))
        };
        let (Some(agent), Some(secret), Some(server)) =
            (line("agent")?, line("secret")?, line("server")?)
        else {
            return Ok(None);
        };
        let damaged = |name: &str| {
            let path = folder.join(name);
            let message = format!("{} is damaged: mend it, or delete the folder.", path.display());
            Failure::own(Kind::StateCorrupt, message)
        };
        Ok(Some(Address {
            agent: agent.parse().map_err(|_| damaged("agent"))?,
            secret: secret.parse().map_err(|_| damaged("secret"))?,
            server,
        }))
    }

    /// Gets a secret ready to be kept, before the server is asked to take it.
    pub(crate) fn new_secret(&self, secret: &AgentSecret) -> Result<NewSecret> {
        let line = format!("{}\n", secret.as_str());
        self.prepare(&self.root().join("address"), "secret", line.as_bytes()).map(NewSecret)
    }

    /// Keeps an address whose secret is ready.
    pub(crate) fn store_address(
        &self,
        agent: &AgentId,
        secret: NewSecret,
        server: &str,
    ) -> Result<()> {
        let lock = self.lock()?;
        self.store_address_line(&lock, "server", server)?;
        self.store_address_line(&lock, "agent", agent.as_str())?;
        commit(secret.0, &self.root().join("address/secret"))
    }

    fn store_address_line(&self, lock: &Lock, name: &str, line: &str) -> Result<()> {
        self.replace(lock, &self.root().join("address").join(name), &format!("{line}\n"))
    }
}
