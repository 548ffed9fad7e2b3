//! `nexus poll-all`

use super::{
    ls::{self, Probe, names_of},
    poll::{Reading, read},
};
use crate::{
    context::{Context, Session},
    error::Result,
    json::Json,
    output::Done,
    parallel,
    server::Server,
    stderr::tell,
};
use clap::Args;
use nexus_protocol::SessionId;
use serde::Serialize;
use std::collections::BTreeSet;

#[derive(Args)]
#[command(after_help = "Examples:
  nexus poll-all --active
  nexus poll-all

Each session is polled on its own server. The exit code is 1 if one of them failed. --active leaves out
sessions that have ended.")]
pub(crate) struct PollAll {
    /// Only sessions that are active
    #[arg(long)]
    active: bool,
    /// Also list the members of each session
    #[arg(long)]
    members: bool,
}

/// The result for one session: a page, or an error.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Polled {
    session_id: SessionId,
    aliases: Vec<String>,
    agent_id: Option<String>,
    server: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    page: Option<Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Json>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Pages {
    sessions: Vec<Polled>,
    new_messages: usize,
}

impl PollAll {
    pub(crate) fn run(self, context: &Context) -> Result<Done> {
        let ids = if self.active { active(context)? } else { context.state.sessions()? };
        let aliases = context.state.known_aliases();
        let found: Vec<(SessionId, Result<(Session, Server)>)> =
            ids.into_iter().map(|id| (id.clone(), find(context, id))).collect();
        if !self.active {
            let servers = found.iter().filter_map(|(_, pair)| pair.as_ref().ok());
            ls::announce(servers.map(|(_, server)| server));
        }
        let reading = Reading { members: self.members, ..Reading::default() };
        let read = parallel::map(&found, |(_, pair)| {
            let (session, server) = pair.as_ref().ok()?;
            let caller = context.caller(session);
            Some(caller.and_then(|caller| read(context, server, session, &caller, reading)))
        });
        let mut pages = Pages { sessions: Vec::new(), new_messages: 0 };
        let (mut cursors, mut ok) = (Vec::new(), true);
        for ((id, pair), read) in found.into_iter().zip(read) {
            let (stored, server, read) = match pair {
                Ok((session, server)) => (session.stored, Some(server.url), read),
                Err(failure) => (crate::state::Membership::default(), None, Some(Err(failure))),
            };
            let (mut page, mut error) = (None, None);
            match read {
                Some(Ok(read)) => {
                    pages.new_messages = pages.new_messages.saturating_add(read.messages);
                    page = Some(read.done.json);
                    cursors.extend(read.done.cursors);
                }
                Some(Err(failure)) => {
                    tell!("error: {id}: {}", failure.sentence());
                    ok = false;
                    error = failure.json();
                }
                None => {}
            }
            let agent_id = stored.agent.map(|agent| agent.to_string());
            let aliases = names_of(&aliases, &id);
            pages.sessions.push(Polled { session_id: id, aliases, agent_id, server, page, error });
        }
        Ok(Done { cursors, code: u8::from(!ok), ..Json::of(&pages).into() })
    }
}

fn active(context: &Context) -> Result<Vec<SessionId>> {
    let known = ls::probe_all(context, &context.state.known_aliases())?.into_iter();
    let active: BTreeSet<SessionId> = known
        .filter(|known| known.state != Probe::NotFound)
        .map(|known| known.session_id)
        .collect();
    Ok(active.into_iter().collect())
}

fn find(context: &Context, id: SessionId) -> Result<(Session, Server)> {
    let session = context.session_of(id)?;
    let server = context.home_of(&session)?;
    Ok((session, server))
}
