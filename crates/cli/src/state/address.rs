//! `agents/<ID>/{secret,next-secret,server,read,replies.json}`: the addresses that were registered here.

use super::{
    State,
    file::{self, Prepared, delete_folder, read, read_line, unavailable},
};
use crate::{
    error::{Failure, Kind, Result, usable},
    proof::Proof,
    server::Server,
};
use nexus_protocol::{AgentId, AgentSecret, Cursor};
use std::{fs, path::PathBuf};

/// The most conversations whose replies are counted. The oldest are forgotten.
const COUNTED: usize = 1000;

/// The file with the secret that is to replace the present one.
const NEXT: &str = "next-secret";

/// The file with the cursor up to which the inbox was read, until the relay knows it.
const READ: &str = "read";

/// An address that is stored here.
#[derive(Clone, Debug)]
pub(crate) struct Address {
    pub(crate) id: AgentId,
    secret: AgentSecret,
    /// The relay that has it.
    pub(crate) server: String,
}

impl Address {
    pub(crate) fn new(id: AgentId, secret: AgentSecret, server: &Server) -> Self {
        Self { id, secret, server: server.url.clone() }
    }

    /// The secret, for the relay that has the address.
    pub(crate) fn proof(&self) -> Result<Proof<AgentSecret>> {
        Ok(Proof::of(self.secret.clone(), &Server::bound(self.server.clone())?))
    }

    /// The same address with another secret.
    pub(crate) fn with_secret(&self, secret: AgentSecret) -> Self {
        Self { secret, ..self.clone() }
    }

    pub(crate) fn has_secret(&self, secret: &AgentSecret) -> bool {
        self.secret == *secret
    }
}

impl State {
    /// The folder of one address.
    pub(crate) fn agent_dir(&self, agent: &AgentId) -> PathBuf {
        self.root.join("agents").join(agent.as_str())
    }

    /// Every id that has stored state, in order.
    pub(crate) fn agents(&self) -> Result<Vec<AgentId>> {
        let names = file::names(&self.root.join("agents"))?;
        let mut agents: Vec<AgentId> = names.iter().filter_map(|name| name.parse().ok()).collect();
        agents.sort();
        Ok(agents)
    }

    /// Every address that was registered here. A damaged one is told and left out.
    pub(crate) fn addresses(&self) -> Result<Vec<Address>> {
        let stored = self.agents()?.into_iter().map(|agent| self.address(&agent));
        Ok(stored.filter_map(|stored| usable(stored).flatten()).collect())
    }

    /// What is stored about an address. `None` if it was not registered here.
    pub(crate) fn address(&self, agent: &AgentId) -> Result<Option<Address>> {
        let folder = self.agent_dir(agent);
        // On a file system that ignores case, the folder of `bob` may be that of `Bob`.
        if !folder.is_dir() || !self.agents()?.contains(agent) {
            return Ok(None);
        }
        let Some(secret) = read_line(&folder.join("secret"))? else { return Ok(None) };
        let path = folder.join("server");
        let server = read_line(&path)?.ok_or_else(|| {
            let message = format!("{} does not say which relay has the address.", path.display());
            Failure::own(Kind::StateCorrupt, message)
        })?;
        // Every text is a valid secret.
        Ok(secret.parse().ok().map(|secret| Address { id: agent.clone(), secret, server }))
    }

    /// Prepares an address to be stored, so that a full disk shows before the request is made.
    pub(crate) fn new_address(&self, address: &Address) -> Result<NewAddress> {
        let folder = self.agent_dir(&address.id);
        if folder.is_dir() && !self.agents()?.contains(&address.id) {
            let message = format!(
                "The state folder already has an id that differs from `{}` only in upper and lower case. Choose another id.",
                address.id
            );
            return Err(Failure::own(Kind::AlreadyRegistered, message));
        }
        let file = |name: &str, line: &str| {
            self.prepare(&folder.join(name), format!("{line}\n").as_bytes())
        };
        // The secret is written last, because an address exists only with its secret.
        let files = [file("server", &address.server)?, file("secret", address.secret.as_str())?];
        Ok(NewAddress { state: self.clone(), agent: address.id.clone(), files })
    }

    /// The secret that is to replace the present one. It stays here until the relay has taken it.
    pub(crate) fn next_secret(&self, address: &Address) -> Result<Option<Address>> {
        let line = read_line(&self.agent_dir(&address.id).join(NEXT))?;
        let secret = line.and_then(|line| line.parse().ok());
        Ok(secret.map(|secret| Address { secret, ..address.clone() }))
    }

    pub(crate) fn store_next_secret(&self, address: &Address) -> Result<()> {
        let path = self.agent_dir(&address.id).join(NEXT);
        self.replace(&self.lock()?, &path, &format!("{}\n", address.secret.as_str()))
    }

    /// Makes the next secret the present one.
    pub(crate) fn promote_secret(&self, agent: &AgentId) -> Result<()> {
        let _lock = self.lock()?;
        let folder = self.agent_dir(agent);
        let path = folder.join("secret");
        fs::rename(folder.join(NEXT), &path).map_err(|error| unavailable("write", &path, &error))
    }

    /// Drops the next secret, which the relay has refused.
    pub(crate) fn drop_next_secret(&self, agent: &AgentId) -> Result<()> {
        let _lock = self.lock()?;
        file::delete(&self.agent_dir(agent).join(NEXT)).map(drop)
    }

    /// Deletes everything that is stored about an address.
    pub(crate) fn forget_address(&self, agent: &AgentId) -> Result<()> {
        let _lock = self.lock()?;
        delete_folder(&self.agent_dir(agent))
    }

    /// Up to where an inbox was read, if the relay may not know it yet.
    pub(crate) fn unacknowledged(&self, agent: &AgentId) -> Result<Option<Cursor>> {
        let line = read_line(&self.agent_dir(agent).join(self.reader.own(READ)))?;
        Ok(line.and_then(|line| line.parse().ok()))
    }

    /// Prepares to store that, so that a full disk shows before messages are printed.
    pub(crate) fn new_unacknowledged(
        &self,
        agent: &AgentId,
        cursor: Cursor,
    ) -> Result<NewReadMark> {
        let path = self.agent_dir(agent).join(self.reader.own(READ));
        let file = self.prepare(&path, format!("{cursor}\n").as_bytes())?;
        Ok(NewReadMark { state: self.clone(), agent: agent.clone(), cursor, file })
    }

    /// Forgets it, once the relay knows everything up to this cursor; `None`: whatever it is.
    pub(crate) fn acknowledged(&self, agent: &AgentId, cursor: Option<Cursor>) -> Result<()> {
        let _lock = self.lock()?;
        if cursor.is_some_and(|cursor| {
            self.unacknowledged(agent).is_ok_and(|stored| stored > Some(cursor))
        }) {
            return Ok(());
        }
        file::delete(&self.agent_dir(agent).join(self.reader.own(READ))).map(drop)
    }

    /// The number of replies that `listen --reply` has sent in each conversation of an address.
    pub(crate) fn answers(&self, agent: &AgentId) -> Result<Vec<(String, u32)>> {
        let text = read(&self.agent_dir(agent).join("replies.json"))?.unwrap_or_default();
        Ok(serde_json::from_str(&text).unwrap_or_default())
    }

    pub(crate) fn store_answers(&self, agent: &AgentId, counts: &[(String, u32)]) -> Result<()> {
        let newest = counts.get(counts.len().saturating_sub(COUNTED)..).unwrap_or(counts);
        let text = serde_json::to_string(newest).unwrap_or_default();
        let path = self.agent_dir(agent).join("replies.json");
        self.replace(&self.lock()?, &path, &format!("{text}\n"))
    }
}

/// A read mark of an inbox that is written to a temporary file and is not saved yet.
#[derive(Debug)]
pub(crate) struct NewReadMark {
    state: State,
    agent: AgentId,
    cursor: Cursor,
    file: Prepared,
}

impl NewReadMark {
    /// Saves it, unless another process has got further.
    pub(crate) fn save(self) -> Result<()> {
        let _lock = self.state.lock()?;
        if self.state.unacknowledged(&self.agent)?.is_some_and(|stored| stored >= self.cursor) {
            return Ok(());
        }
        self.file.commit()
    }
}

/// An address that is written to temporary files and is not stored yet.
#[derive(Debug)]
pub(crate) struct NewAddress {
    state: State,
    agent: AgentId,
    files: [Prepared; 2],
}

impl NewAddress {
    /// Stores it.
    pub(crate) fn save(self) -> Result<()> {
        let _lock = self.state.lock()?;
        self.files.into_iter().try_for_each(Prepared::commit)
    }

    /// Drops it. A folder that was created for it is removed.
    pub(crate) fn forget(self) {
        let (state, agent) = (self.state.clone(), self.agent.clone());
        drop(self);
        // This removes only an empty folder.
        let _ = fs::remove_dir(state.agent_dir(&agent));
    }
}
