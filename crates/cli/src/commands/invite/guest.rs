//! Waiting until a link is claimed, and learning by whom.

use crate::{
    backoff::Backoff,
    capabilities, clock,
    error::{Failure, Result},
    http::{Repeat, Request},
    json::Json,
    message::Page,
    stderr::tell,
    team::{Team, read},
};
use nexus_protocol::{Cursor, PairingCreated};
use serde::{Deserialize, de::IgnoredAny};
use std::{collections::BTreeSet, thread, time::Duration};

/// The longest that a server holds a poll, in seconds.
const LONGEST: u64 = 25;

/// The pause of a server that does not hold polls, in seconds.
const PAUSE: u64 = 3;

/// What became of the link.
#[derive(Debug)]
pub(super) enum Outcome {
    /// It was claimed, and these members are new.
    Came(Vec<String>),
    RanOut,
    Revoked,
}

/// A wait that is repeated until somebody comes.
#[derive(Debug)]
pub(super) struct Guest {
    /// Who was there before.
    before: BTreeSet<String>,
    /// Up to here, events were read. The stored cursor does not move.
    after: Option<Cursor>,
    backoff: Backoff,
    has_long_poll: Option<bool>,
}

impl Guest {
    pub(super) fn new(before: BTreeSet<String>) -> Self {
        Self { before, after: None, backoff: Backoff::default(), has_long_poll: None }
    }

    /// Waits until the link was claimed, was taken back, or has run out. Goes on if the server cannot be
    /// reached.
    pub(super) fn wait(&mut self, team: &Team<'_>, link: &PairingCreated) -> Result<Outcome> {
        loop {
            match Self::look(team, link).and_then(|outcome| self.finish(team, outcome)) {
                Ok(Some(outcome)) => return Ok(outcome),
                Ok(None) => {
                    if let Err(failure) = self.rest(team, link) {
                        self.endure(failure)?;
                    } else {
                        self.backoff = Backoff::default();
                    }
                }
                Err(failure) => self.endure(failure)?,
            }
        }
    }

    fn endure(&mut self, failure: Failure) -> Result<()> {
        if !failure.is_passing() {
            return Err(failure);
        }
        tell!("{}", failure.sentence());
        thread::sleep(self.backoff.next().max(failure.retry_after()));
        Ok(())
    }

    fn look(team: &Team<'_>, link: &PairingCreated) -> Result<Option<Outcome>> {
        #[derive(Deserialize)]
        struct Status {
            state: String,
        }
        let path = format!("/v1/pair/{}/status", link.code.as_str());
        let answer = team.context.call(&team.server, &Request::get(path))?;
        let status: Status = read(&answer.body)?;
        Ok(match status.state.as_str() {
            "claimed" => Some(Outcome::Came(Vec::new())),
            "revoked" => Some(Outcome::Revoked),
            "expired" => Some(Outcome::RanOut),
            _ => None,
        })
    }

    /// Adds who came.
    fn finish(&self, team: &Team<'_>, outcome: Option<Outcome>) -> Result<Option<Outcome>> {
        let Some(Outcome::Came(_)) = outcome else { return Ok(outcome) };
        let us = team.caller.agent.as_str();
        let mut new = team.members()?;
        new.retain(|name| name != us && !self.before.contains(name));
        Ok(Some(Outcome::Came(new.into_iter().collect())))
    }

    /// Waits for an event of the session, or until the link runs out.
    fn rest(&mut self, team: &Team<'_>, link: &PairingCreated) -> Result<()> {
        if self.has_long_poll.is_none() {
            let capabilities = capabilities::of(team.context, &team.server)?;
            self.has_long_poll = Some(capabilities.delivers("longpoll"));
        }
        let left = link.expires_at.millis_since(clock::now());
        let left = u64::try_from(left).unwrap_or(0).div_ceil(1000).max(1);
        if self.has_long_poll == Some(false) {
            thread::sleep(Duration::from_secs(left.min(PAUSE)));
            return Ok(());
        }
        let seconds = left.min(LONGEST);
        let after = self.after.map(|after| format!("&after={after}")).unwrap_or_default();
        let path = format!("/messages?others=true&events=true&wait={seconds}{after}");
        let request =
            Request::new(ureq::http::Method::GET, team.session.path(&path), Repeat::Never);
        let wait = Duration::from_secs(seconds);
        let answer = team.call(Request { wait, ..request })?;
        self.after = next(&answer.body).or(self.after);
        Ok(())
    }
}

fn next(page: &Json) -> Option<Cursor> {
    page.read::<Page<IgnoredAny>>()?.next()
}
