//! `sessions/<ID>/{agent,key,cursor,server,replies}`: our seat in a session, one line in each file.

use super::{
    State,
    file::{self, Prepared, delete_folder, read, read_line},
    lock::Lock,
    told::TOLD,
};
use crate::{
    error::{Failure, Kind, Result},
    proof::Proof,
    server::Server,
};
use nexus_protocol::{AgentId, Cursor, SessionId, SessionKey};
use std::{cmp::Ordering, path::Path};

/// What is stored about a session. Every part may be missing.
#[derive(Clone, Debug, Default)]
pub(crate) struct Membership {
    pub(crate) agent: Option<AgentId>,
    key: Option<SessionKey>,
    /// The cursor of the last message that was printed, as it is stored.
    pub(crate) cursor: Option<String>,
    /// Why there is no cursor that can be used.
    damage: Option<(Kind, String)>,
    /// The server that has the session.
    pub(crate) server: Option<String>,
}

impl Membership {
    /// The cursor after which reading goes on.
    pub(crate) fn usable_cursor(&self) -> Result<Option<Cursor>> {
        match &self.damage {
            Some((kind, message)) => Err(Failure::own(*kind, message)),
            None => Ok(self.cursor.as_deref().and_then(|cursor| cursor.parse().ok())),
        }
    }

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
        let line = |name: &str| read_line(&folder.join(name));
        let (cursor, damage) = self.cursor(session);
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
            server: line("server")?,
            cursor,
            damage,
        })
    }

    /// The cursor of this reader, and what is wrong with it. That stops only the commands that need it.
    fn cursor(&self, session: &SessionId) -> (Option<String>, Option<(Kind, String)>) {
        let path = self.session_dir(session).join(self.reader.own("cursor"));
        match read_line(&path) {
            Ok(Some(line)) if line.parse::<Cursor>().is_err() => {
                let message = format!(
                    "{} does not contain a cursor, which is a number. Delete it to read from the beginning, or use --after.",
                    path.display()
                );
                (Some(line), Some((Kind::StateCorrupt, message)))
            }
            Ok(line) => (line, None),
            Err(failure) => (None, Some((Kind::StateUnavailable, failure.sentence()))),
        }
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
                self.forget_cursors(session)?;
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

    /// The boundary of the envelope in which this message is handed to a webhook. It stays the same until another
    /// message comes, so that a message that is posted again is the same to the last byte. `folder`: that of the
    /// session or the address.
    pub(crate) fn boundary(&self, folder: &Path, message: &str, new: String) -> Result<String> {
        let path = folder.join(self.reader.own("hooked"));
        let line = read_line(&path)?.unwrap_or_default();
        if let Some((_, boundary)) = line.split_once(' ').filter(|(known, _)| *known == message) {
            return Ok(boundary.to_owned());
        }
        self.replace(&self.lock()?, &path, &format!("{message} {new}\n"))?;
        Ok(new)
    }

    fn store_line(&self, lock: &Lock, session: &SessionId, name: &str, line: &str) -> Result<()> {
        self.replace(lock, &self.session_dir(session).join(name), &format!("{line}\n"))
    }

    /// Forgets the cursors of all readers, and how far each was told.
    fn forget_cursors(&self, session: &SessionId) -> Result<()> {
        let folder = self.session_dir(session);
        let names = file::names(&folder)?.into_iter();
        let is_of = |name: &str, kind: &str| name.split('.').next() == Some(kind);
        let mut cursors = names.filter(|name| is_of(name, "cursor") || is_of(name, TOLD));
        cursors.try_for_each(|name| file::delete(&folder.join(name)).map(drop))
    }

    /// Deletes everything that is stored about a session, including its aliases.
    pub(crate) fn forget(&self, session: &SessionId) -> Result<()> {
        let lock = self.lock()?;
        let mut aliases = self.known_aliases();
        let before = aliases.len();
        aliases.retain(|_, id| id != session.as_str());
        if aliases.len() != before {
            self.store_aliases(&lock, &aliases)?;
        }
        delete_folder(&self.session_dir(session))
    }

    /// Whether another program has saved a cursor since the session was looked up.
    pub(crate) fn is_shared(&self, session: &SessionId, stored: &Membership) -> bool {
        self.cursor(session).0 != stored.cursor
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
        let (saved, _) = self.cursor(session);
        if saved.as_deref() == Some(cursor) {
            return Ok(None);
        }
        let path = self.session_dir(session).join(self.reader.own("cursor"));
        let file = self.prepare(&path, format!("{cursor}\n").as_bytes())?;
        Ok(Some(NewCursor {
            state: self.clone(),
            session: session.clone(),
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
    cursor: String,
    /// The saved cursor that this one may replace although it is higher.
    resets: Option<String>,
    file: Prepared,
}

impl NewCursor {
    /// Saves it, unless another process has got further.
    pub(crate) fn save(self) -> Result<()> {
        let _lock = self.state.lock()?;
        let (saved, _) = self.state.cursor(&self.session);
        let is_further = |saved: &String| compare(saved, &self.cursor) != Ordering::Less;
        if saved != self.resets && saved.as_ref().is_some_and(is_further) {
            return Ok(());
        }
        self.file.commit()
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
