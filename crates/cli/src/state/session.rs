//! `sessions/<ID>/{agent,key,cursor,server,replies}`: our seat in a session, one line in each file.

use super::{Lock, State, commit, read};
use crate::{
    error::{Failure, Kind, Result},
    proof::Proof,
    server::Server,
};
use nexus_protocol::{AgentId, Cursor, SessionId, SessionKey};
use std::{cmp::Ordering, fs, io::ErrorKind, path::PathBuf};
use tempfile::NamedTempFile;

/// What is stored about a session. Every part may be missing.
#[derive(Clone, Debug, Default)]
pub(crate) struct Membership {
    pub(crate) agent: Option<AgentId>,
    key: Option<SessionKey>,
    /// The cursor of the last message that was printed.
    pub(crate) cursor: Option<String>,
    /// The server that has the session.
    pub(crate) server: Option<String>,
}

impl Membership {
    pub(crate) fn has_key(&self) -> bool {
        self.key.is_some()
    }

    /// The key, for the session's own server. `unbound` is the server of a session that is not bound.
    pub(crate) fn proof(
        &self,
        unbound: impl FnOnce() -> Result<Server>,
    ) -> Result<Option<Proof<SessionKey>>> {
        let Some(key) = self.key.clone() else { return Ok(None) };
        let server = self.server.clone().map_or_else(unbound, Server::bound)?;
        Ok(Some(Proof::of(key, &server)))
    }
}

impl State {
    /// What is stored about a session.
    pub(crate) fn membership(&self, session: &SessionId) -> Result<Membership> {
        let folder = self.session_dir(session);
        let line = |name: &str| -> Result<Option<String>> {
            let text = read(&folder.join(name))?.unwrap_or_default();
            Ok(Some(text.trim().to_owned()).filter(|line| !line.is_empty()))
        };
        let agent = line("agent")?.map(|text| text.parse()).transpose();
        Ok(Membership {
            agent: agent.map_err(|rule| {
                let path = folder.join("agent");
                let message =
                    format!("{} does not contain an agent id, which {rule}.", path.display());
                Failure::own(Kind::StateCorrupt, message)
            })?,
            // Every text is a valid key.
            key: line("key")?.and_then(|text| text.parse().ok()),
            cursor: line("cursor")?,
            server: line("server")?,
        })
    }

    /// Stores our seat in a session. If it is another agent than before, it starts reading from the
    /// beginning.
    pub(crate) fn store_membership(
        &self,
        session: &SessionId,
        agent: Option<&AgentId>,
        key: Option<&SessionKey>,
        server: &str,
    ) -> Result<()> {
        let lock = self.lock()?;
        let before = self.membership(session)?;
        self.store_line(&lock, session, "server", server)?;
        if let Some(agent) = agent {
            // The stored cursor belongs to another agent, or to none, so this agent has not read up to it.
            if before.agent.as_ref() != Some(agent) {
                self.forget_line(session, "cursor")?;
            }
            self.store_line(&lock, session, "agent", agent.as_str())?;
        }
        match key {
            Some(key) => self.store_line(&lock, session, "key", key.as_str()),
            None => Ok(()),
        }
    }

    /// Binds a session to a server.
    pub(crate) fn store_server(&self, session: &SessionId, server: &str) -> Result<()> {
        self.store_line(&self.lock()?, session, "server", server)
    }

    /// The number of replies that `listen --reply` has sent in a session.
    pub(crate) fn replies(&self, session: &SessionId) -> Result<u32> {
        let text = read(&self.session_dir(session).join("replies"))?.unwrap_or_default();
        Ok(text.trim().parse().unwrap_or(0))
    }

    pub(crate) fn store_replies(&self, session: &SessionId, replies: u32) -> Result<()> {
        self.store_line(&self.lock()?, session, "replies", &replies.to_string())
    }

    fn store_line(&self, lock: &Lock, session: &SessionId, name: &str, line: &str) -> Result<()> {
        self.replace(lock, &self.session_dir(session).join(name), &format!("{line}\n"))
    }

    fn forget_line(&self, session: &SessionId, name: &str) -> Result<()> {
        let path = self.session_dir(session).join(name);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(super::unavailable("delete", &path, &error))
            }
            _ => Ok(()),
        }
    }

    /// Deletes everything that is stored about a session, including its aliases.
    pub(crate) fn forget(&self, session: &SessionId) -> Result<()> {
        let lock = self.lock()?;
        let mut aliases = self.aliases()?;
        let before = aliases.len();
        aliases.retain(|_, id| id != session.as_str());
        if aliases.len() != before {
            self.store_aliases(&lock, &aliases)?;
        }
        let folder = self.session_dir(session);
        match fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(super::unavailable("delete", &folder, &error))
            }
            _ => Ok(()),
        }
    }

    /// Prepares a cursor to be saved, so that a full disk shows before messages are printed. `None` if it
    /// is already the one that is saved.
    pub(crate) fn new_cursor(
        &self,
        session: &SessionId,
        cursor: &str,
    ) -> Result<Option<NewCursor>> {
        self.prepare_cursor(session, cursor, false)
    }

    /// The same for a cursor at the end of the log, which may be lower than the saved one.
    pub(crate) fn reset_cursor(
        &self,
        session: &SessionId,
        cursor: &str,
    ) -> Result<Option<NewCursor>> {
        self.prepare_cursor(session, cursor, true)
    }

    fn prepare_cursor(
        &self,
        session: &SessionId,
        cursor: &str,
        is_reset: bool,
    ) -> Result<Option<NewCursor>> {
        let saved = self.membership(session)?.cursor;
        if saved.as_deref() == Some(cursor) {
            return Ok(None);
        }
        let folder = self.session_dir(session);
        let file = self.prepare(&folder, "cursor", format!("{cursor}\n").as_bytes())?;
        Ok(Some(NewCursor {
            state: self.clone(),
            session: session.clone(),
            path: folder.join("cursor"),
            cursor: cursor.into(),
            resets: saved.filter(|_| is_reset),
            file,
        }))
    }
}

/// A cursor that is written to a temporary file and is not saved yet.
#[derive(Debug)]
pub(crate) struct NewCursor {
    state: State,
    session: SessionId,
    path: PathBuf,
    cursor: String,
    /// The saved cursor that this one may replace although it is higher.
    resets: Option<String>,
    file: NamedTempFile,
}

impl NewCursor {
    /// Saves it, unless another process has got further.
    pub(crate) fn save(self) -> Result<()> {
        let _lock = self.state.lock()?;
        let saved = self.state.membership(&self.session)?.cursor;
        let is_further = |saved: &String| compare(saved, &self.cursor) != Ordering::Less;
        if saved != self.resets && saved.as_ref().is_some_and(is_further) {
            return Ok(());
        }
        commit(self.file, &self.path)
    }
}

/// Compares two cursors. A text that is not a number counts as the lowest: no server of this protocol
/// wrote it.
fn compare(one: &str, other: &str) -> Ordering {
    one.parse::<Cursor>().ok().cmp(&other.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_are_compared_as_numbers() {
        assert_eq!(compare("9", "10"), Ordering::Less);
        assert_eq!(compare("10", "9"), Ordering::Greater);
        assert_eq!(compare("10", "10"), Ordering::Equal);
        assert_eq!(compare("garbage", "0"), Ordering::Less);
    }
}
