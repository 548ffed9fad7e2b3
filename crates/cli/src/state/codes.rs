//! `sessions/<ID>/codes`: the pairing codes that were made here for a session, one on each line, the
//! newest last. `nexus revoke` looks up here which session a code leads to.

use super::{State, file::read};
use crate::error::{Result, usable};
use nexus_protocol::SessionId;

/// How many codes of a session are remembered. A code can be claimed for some minutes only.
const KEPT: usize = 50;

impl State {
    /// Remembers that a code leads to this session.
    pub(crate) fn add_code(&self, session: &SessionId, code: &str) -> Result<()> {
        let lock = self.lock()?;
        let mut codes = self.codes(session)?;
        codes.retain(|known| known != code);
        codes.push(code.to_owned());
        let surplus = codes.len().saturating_sub(KEPT);
        codes.drain(..surplus);
        let path = self.session_dir(session).join("codes");
        self.replace(&lock, &path, &format!("{}\n", codes.join("\n")))
    }

    /// The session that a code was made for, if it was made here.
    pub(crate) fn session_of_code(&self, code: &str) -> Result<Option<SessionId>> {
        for session in self.sessions()? {
            let codes = usable(self.codes(&session)).unwrap_or_default();
            if codes.iter().any(|known| known == code) {
                return Ok(Some(session));
            }
        }
        Ok(None)
    }

    fn codes(&self, session: &SessionId) -> Result<Vec<String>> {
        let text = read(&self.session_dir(session).join("codes"))?.unwrap_or_default();
        Ok(text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect())
    }
}
