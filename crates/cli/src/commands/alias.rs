//! `nexus alias`, `nexus unalias`

use crate::{
    context::Context,
    error::{Failure, Kind, Result},
    json::Json,
    output::Done,
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

impl Alias {
    pub(crate) fn run(self, context: &Context) -> Result<Done> {
        let session = context.session(&self.session)?;
        let name = self.name;
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        let plain = (1..=64).contains(&name.len()) && name.bytes().all(allowed);
        if !plain || name.starts_with('-') || name.parse::<SessionId>().is_ok() {
            let message = "An alias has 1 to 64 letters, digits, `.`, `_` or `-`, does not begin with `-`, and does not look like a session id.";
            return Err(Failure::own(Kind::InvalidAlias, message));
        }
        let before = context
            .state
            .update_aliases(|aliases| Ok(aliases.insert(name.clone(), session.id.to_string())))?;
        if before.is_some_and(|before| before != session.id.as_str()) {
            tell!("{name} was the alias of another session until now");
        }
        Ok(Json::of(&json!({ "alias": name, "sessionId": session.id })).into())
    }
}

impl Unalias {
    pub(crate) fn run(self, context: &Context) -> Result<Done> {
        let id = context.state.update_aliases(|aliases| {
            aliases.remove(&self.name).ok_or_else(|| {
                let message =
                    format!("There is no alias `{}`. `nexus ls` lists your aliases.", self.name);
                Failure::own(Kind::AliasNotFound, message)
            })
        })?;
        Ok(Json::of(&json!({ "alias": self.name, "sessionId": id, "removed": true })).into())
    }
}
