//! `nexus join`

use super::pair::Claim;
use crate::{
    context::{Caller, Context, missing_agent_id},
    error::{Failure, Kind, Result},
    http::{Repeat, Request},
    output::Done,
    paste,
    proof::Proof,
    stderr::tell,
    team::{self, ProfileArgs},
};
use clap::Args;
use nexus_seal::Fragment;
use std::{
    fs,
    path::{Path, PathBuf},
};
use ureq::http::Method;

#[derive(Args)]
#[command(after_help = "Examples:
  nexus join SESSION --agent-id bob
  nexus join SESSION --agent-id bob --key - < key.txt
  nexus join SESSION --agent-id bob --url http://localhost:8787")]
pub(crate) struct Join {
    /// The session's id or alias; a link is claimed
    session: String,
    /// The token of the session, if it has one. Better set `$NEXUS_TOKEN`
    #[arg(long, value_name = "TOKEN")]
    token: Option<String>,
    /// The file with the key of an encrypted session (`k1...`, or a link that ends with it); - reads it from standard input
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    #[command(flatten)]
    profile: ProfileArgs,
}

impl Join {
    /// Joins. An agent that has already joined from here shows its key again and keeps its seat.
    pub(crate) fn run(self, context: &Context) -> Result<Done> {
        let session = match context.session(&self.session) {
            Err(_) if paste::is_invitation(&self.session) => {
                let code = vec![self.session];
                return Claim { code, alias: None, profile: self.profile }.run(context);
            }
            session => session?,
        };
        let named = context.named_agent().or(session.stored.agent.as_ref());
        let agent = named.ok_or_else(missing_agent_id)?.clone();
        let server = context.server_of(&session)?;
        context.free_for(&session.id, Some(&agent), &server)?;
        // A key whose agent is not known may be ours. If it is not, the server says so.
        let is_ours = session.stored.agent.as_ref().is_none_or(|stored| *stored == agent);
        let key = if is_ours { context.key_of(&session)? } else { None };
        context.state.check_writable()?;
        let fragment = match &self.key {
            Some(path) => Some(read_key(path)?),
            None => context.state.secret(&session.id)?,
        };
        let key_id = fragment.as_ref().map(|key| Proof::of(key.secret.key_id(), &server));
        let caller = Caller { agent, key, secret: None, seal: None };
        // If the response of a first join is lost, so is its key, and the server would refuse a second.
        let repeat = if caller.key.is_some() { Repeat::Always } else { Repeat::Unseen };
        let request = Request::new(Method::POST, session.path("/join"), repeat);
        let token = team::token(self.token)?.map(|token| Proof::of(token, &server));
        let body = self.profile.body();
        let request = Request { token, key_id, body, ..request };
        let answer = context.call(&server, &caller.sign(request))?;
        tell!("you are in it as {}; read with `nexus poll`", caller.agent);
        context.keep_sealed_seat(answer, Some(&session.id), &caller.agent, &server, fragment)
    }
}

/// The key of an encrypted session. It is not on the command line, where other users of the machine can see it.
fn read_key(path: &Path) -> Result<Fragment> {
    let text = if path.as_os_str() == "-" {
        super::send::read_text("-".to_owned())?
    } else {
        fs::read_to_string(path).map_err(|error| {
            let message = format!("{} cannot be read: {error}.", path.display());
            Failure::own(Kind::FileUnavailable, message)
        })?
    };
    let found = match paste::key(&text)? {
        Some(found) => Ok(found),
        None => text.trim().parse(),
    };
    found.map_err(|rule| Failure::own(Kind::Usage, format!("The key {rule}.")))
}
