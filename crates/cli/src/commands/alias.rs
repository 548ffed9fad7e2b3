//! `nexus alias`, `nexus unalias`

use crate::{
    context::Context,
    error::{Failure, Kind, Result},
    json::Json,
    output::Done,
    seat::Seat,
    stderr::tell,
};
use clap::Args;
use nexus_protocol::SessionId;
use serde_json::json;

#[derive(Args)]
#[command(after_help = "Examples:
  nexus alias SESSION dentist
  nexus send dentist 'Tuesday at ten?'")]
pub(crate) struct Alias {
    /// The session's id, or another alias
    session: String,
    /// The alias: 1 to 64 letters, digits, `.`, `_` or `-`
    name: String,
}

#[derive(Args)]
#[command(after_help = "Examples:\n  nexus unalias dentist")]
pub(crate) struct Unalias {
    /// The alias
    name: String,
}

/// Reads the name of an alias.
pub(super) fn name(text: &str) -> Result<String, &'static str> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    let plain = (1..=64).contains(&text.len()) && text.bytes().all(allowed);
    if !plain || text.starts_with('-') || text.parse::<SessionId>().is_ok() {
        return Err(
            "has 1 to 64 letters, digits, `.`, `_` or `-`, does not begin with `-`, and does not look like a session id",
        );
    }
    Ok(text.to_owned())
}

pub(super) fn give(context: &Context, name: &str, session: &SessionId) -> Result<()> {
    let before = context
        .state
        .update_aliases(|aliases| Ok(aliases.insert(name.to_owned(), session.to_string())))?;
    if before.is_some_and(|before| before != session.as_str()) {
        tell!("{name} was the alias of another session until now");
    }
    Ok(())
}

/// Gives an alias to the session of a response. A failure is only a warning, because the response must be
/// printed.
pub(super) fn give_to(context: &Context, name: Option<String>, done: &Done) {
    let seat: Seat = done.json.read().unwrap_or_default();
    if let (Some(name), Some(session)) = (name, seat.session_id)
        && let Err(failure) = give(context, &name, &session)
    {
        tell!("warning: {}", failure.sentence());
    }
}

impl Alias {
    pub(crate) fn run(self, context: &Context) -> Result<Done> {
        let session = context.session(&self.session)?;
        let name = name(&self.name)
            .map_err(|rule| Failure::own(Kind::InvalidAlias, format!("An alias {rule}.")))?;
        give(context, &name, &session.id)?;
        Ok(Json::of(&json!({ "alias": name, "sessionId": session.id })).into())
    }
}

impl Unalias {
    pub(crate) fn run(self, context: &Context) -> Result<Done> {
        let id = context.state.update_aliases(|aliases| Ok(aliases.remove(&self.name)))?;
        if id.is_none() {
            tell!("there is no alias {}; `nexus ls` lists your aliases", self.name);
        }
        let value = json!({ "alias": self.name, "sessionId": id, "removed": id.is_some() });
        Ok(Json::of(&value).into())
    }
}
