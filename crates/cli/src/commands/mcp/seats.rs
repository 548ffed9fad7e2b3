//! What a model calls a seat here: the alias of a session or the first digits of its id, or an address by its id.
//! None of these is a secret.

use crate::{
    context::Context,
    error::{Failure, Kind, Result},
    mailbox::any_id,
};
use nexus_protocol::{AgentId, SessionId};
use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
};

/// How many digits of a session's id stand for it, if no other begins so.
const DIGITS: usize = 8;
/// How many seats an error lists.
const LISTED: usize = 8;

/// One of our seats.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Seat {
    Session(SessionId),
    Address(AgentId),
}

/// The seats that this process has used.
#[derive(Debug, Default)]
pub(super) struct Seats(Mutex<BTreeSet<Seat>>);

impl Seats {
    /// Remembers a seat that is used.
    pub(super) fn used(&self, seat: &Seat) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(seat.clone());
    }

    /// Those that are used.
    pub(super) fn all_used(&self) -> BTreeSet<Seat> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Forgets a seat that was given up.
    pub(super) fn gone(&self, seat: &Seat) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(seat);
    }

    /// The seat of this name. Without a name, the only one that this process has used, or else the only one there
    /// is. `may_be`: which seats the tool works with.
    pub(super) fn find(
        &self,
        context: &Context,
        name: Option<&str>,
        may_be: fn(&Seat) -> bool,
    ) -> Result<Seat> {
        let name = name.map(str::trim).filter(|name| !name.is_empty());
        let found = name.map_or_else(|| self.only(context, may_be), |name| named(context, name))?;
        if !may_be(&found) {
            let message =
                "This works in a session, and not at an address. Pass the `seat` of a session.";
            return Err(Failure::own(Kind::Usage, message));
        }
        self.used(&found);
        Ok(found)
    }
}

impl Seats {
    fn only(&self, context: &Context, may_be: fn(&Seat) -> bool) -> Result<Seat> {
        let used: Vec<Seat> = self.all_used().into_iter().filter(may_be).collect();
        let mut possible = if used.is_empty() { known(context)? } else { used };
        possible.retain(may_be);
        match possible.as_slice() {
            [only] => Ok(only.clone()),
            [] => Err(none("You have no seat yet.")),
            _ => Err(choose(context, possible)),
        }
    }
}

impl Seat {
    pub(super) fn is_session(&self) -> bool {
        matches!(self, Self::Session(_))
    }

    pub(super) fn is_any(&self) -> bool {
        matches!(self, Self::Session(_) | Self::Address(_))
    }

    /// What a model calls it.
    pub(super) fn name(&self, context: &Context) -> String {
        let id = match self {
            Self::Address(id) => return format!("@{id}"),
            Self::Session(id) => id,
        };
        let aliases = context.state.known_aliases();
        if let Some((alias, _)) = aliases.iter().find(|(_, known)| *known == id.as_str()) {
            return alias.clone();
        }
        let others = context.state.sessions().unwrap_or_default();
        let begin = |digits: usize| id.as_str().get(..digits).unwrap_or(id.as_str());
        let is_taken = |begin: &str| {
            let is_alias = aliases.contains_key(begin);
            is_alias || others.iter().any(|other| other != id && other.as_str().starts_with(begin))
        };
        let lengths = [DIGITS, DIGITS.saturating_mul(2)];
        let short = lengths.into_iter().map(begin).find(|begin| !is_taken(begin));
        short.unwrap_or(id.as_str()).to_owned()
    }
}

/// Every seat that is stored here.
pub(super) fn known(context: &Context) -> Result<Vec<Seat>> {
    let is_ours =
        |id: &SessionId| context.state.membership(id).is_ok_and(|stored| stored.agent.is_some());
    let sessions = context.state.sessions()?.into_iter().filter(is_ours).map(Seat::Session);
    let addresses = context.state.addresses()?.into_iter().map(|one| Seat::Address(one.id));
    Ok(sessions.chain(addresses).collect())
}

fn named(context: &Context, name: &str) -> Result<Seat> {
    let address = any_id(name)
        .ok()
        .filter(|id| context.state.address(id).is_ok_and(|stored| stored.is_some()));
    if name.starts_with('@') {
        return address.map(Seat::Address).ok_or_else(|| unknown(context));
    }
    match context.session(name) {
        Ok(session) if session.stored.agent.is_some() => Ok(Seat::Session(session.id)),
        Ok(_) | Err(Failure::Own(Kind::UnknownSession, _)) => {
            address.map(Seat::Address).ok_or_else(|| unknown(context))
        }
        Err(failure) => Err(failure),
    }
}

/// The failure for a name that is none. It does not repeat the name, which may be a seat of the relay: a secret.
fn unknown(context: &Context) -> Failure {
    match known(context) {
        Ok(known) if !known.is_empty() => {
            let names = names(context, known);
            let message = format!("There is no such seat here. Those that there are: {names}.");
            Failure::own(Kind::UnknownSession, message)
        }
        _ => none("There is no such seat here."),
    }
}

fn none(begin: &str) -> Failure {
    let message = format!("{begin} Get one with `invite`, `join` or `address`.");
    Failure::own(Kind::UnknownSession, message)
}

fn choose(context: &Context, seats: impl IntoIterator<Item = Seat>) -> Failure {
    let names = names(context, seats);
    let message = format!("You have several seats. Pass one as `seat`: {names}.");
    Failure::own(Kind::UnknownSession, message)
}

fn names(context: &Context, seats: impl IntoIterator<Item = Seat>) -> String {
    let mut names: Vec<String> = seats.into_iter().map(|seat| seat.name(context)).collect();
    let more = names.len().saturating_sub(LISTED);
    names.truncate(LISTED);
    let listed = names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    if more == 0 { listed } else { format!("{listed} and {more} more") }
}
