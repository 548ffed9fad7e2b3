//! `sessions/<ID>/secret`, `sessions/<ID>/sealed` and `signing`: what encrypted sessions need (section 10 of the
//! protocol). The secret is what stands behind the `#` of a link.

use super::{State, file::read_line};
use crate::{
    error::{Failure, Kind, Result},
    random,
};
use nexus_protocol::{SessionId, hex};
use nexus_seal::{Fragment, Signer};
use serde::{Serialize, de::DeserializeOwned};
use std::path::Path;

impl State {
    /// The secret of a session. `None` if the session is not encrypted.
    pub(crate) fn secret(&self, session: &SessionId) -> Result<Option<Fragment>> {
        let path = self.session_dir(session).join("secret");
        let Some(line) = read_line(&path)? else { return Ok(None) };
        line.parse().map(Some).map_err(|rule| corrupt(&path, rule))
    }

    pub(crate) fn store_secret(&self, session: &SessionId, secret: &Fragment) -> Result<()> {
        let path = self.session_dir(session).join("secret");
        self.replace(&self.lock()?, &path, &format!("{}\n", secret.write()))
    }

    /// The key with which this installation signs. It is made when it is first needed.
    pub(crate) fn signer(&self) -> Result<Signer> {
        let path = self.root().join("signing");
        if let Some(signer) = read_signer(&path)? {
            return Ok(signer);
        }
        let lock = self.lock()?;
        // Another process may have made it meanwhile.
        if let Some(signer) = read_signer(&path)? {
            return Ok(signer);
        }
        let seed = random::unguessable()?;
        self.replace(&lock, &path, &format!("{}\n", hex(&seed)))?;
        Ok(Signer::from_seed(seed))
    }

    /// Works on what is remembered of the sealed strings of a session, which no other process changes meanwhile.
    pub(crate) fn with_sealed<S: Serialize + DeserializeOwned + Default, T>(
        &self,
        session: &SessionId,
        work: impl FnOnce(&mut S) -> Result<T>,
    ) -> Result<T> {
        let lock = self.lock()?;
        let path = self.session_dir(session).join("sealed");
        let stored = super::file::read(&path)?;
        let mut sealed: S = match &stored {
            Some(text) => serde_json::from_str(text).map_err(|error| corrupt(&path, error))?,
            None => S::default(),
        };
        let result = work(&mut sealed)?;
        // The keys are strings, so this does not fail.
        let text = serde_json::to_string(&sealed).unwrap_or_default();
        if stored.as_ref() != Some(&text) {
            self.replace(&lock, &path, &text)?;
        }
        Ok(result)
    }
}

fn read_signer(path: &Path) -> Result<Option<Signer>> {
    let Some(line) = read_line(path)? else { return Ok(None) };
    let digits = |at: usize| u8::from_str_radix(line.get(at..at.saturating_add(2))?, 16).ok();
    let seed: Option<Vec<u8>> = (0..line.len()).step_by(2).map(digits).collect();
    let seed = seed.and_then(|seed| seed.try_into().ok());
    let seed = seed.ok_or_else(|| corrupt(path, "must be 64 hex digits"))?;
    Ok(Some(Signer::from_seed(seed)))
}

fn corrupt(path: &Path, why: impl std::fmt::Display) -> Failure {
    let message = format!("{} is damaged ({why}): mend it from a copy.", path.display());
    Failure::own(Kind::StateCorrupt, message)
}
