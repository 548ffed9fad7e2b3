//! `nexus ls`

use crate::{
    context::{Context, Session},
    error::{Failure, Kind, Result},
    http::{Repeat, Request},
    json::Json,
    output::Done,
    parallel,
    server::Server,
    state::Aliases,
};
use clap::Args;
use nexus_protocol::SessionId;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

#[derive(Args)]
#[command(after_help = "Examples:
  nexus ls
  nexus ls --active | jq -r '.sessions[].sessionId'

Each session's own server is asked. `state` is active, not_found (it has ended), unreachable or error.")]
pub(crate) struct Ls {
    /// Only active sessions
    #[arg(long)]
    active: bool,
}

/// The state of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Probe {
    Active,
    NotFound,
    Unreachable,
    Error,
}

/// A session that is known here.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Known {
    pub(super) session_id: SessionId,
    pub(super) aliases: Vec<String>,
    pub(super) agent_id: Option<String>,
    pub(super) server: Option<String>,
    pub(super) cursor: Option<String>,
    pub(super) state: Probe,
    /// Its members, if it is active.
    pub(super) agents: Option<Vec<String>>,
    pub(super) expires_at: Option<String>,
    /// Why it is not active, or why that is not known.
    pub(super) message: Option<String>,
}

/// A list of sessions.
#[derive(Debug, Serialize)]
pub(super) struct List<T> {
    pub(super) sessions: Vec<T>,
}

impl Ls {
    pub(crate) fn run(self, context: &Context) -> Result<Done> {
        let mut known = probe_all(context, &context.state.known_aliases())?;
        known.retain(|known| !self.active || known.state == Probe::Active);
        Ok(Json::of(&List { sessions: known }).into())
    }
}

/// The aliases of a session.
pub(super) fn names_of(aliases: &Aliases, session: &SessionId) -> Vec<String> {
    let own = aliases.iter().filter(|(_, id)| *id == session.as_str());
    own.map(|(name, _)| name.clone()).collect()
}

/// Asks the server of every known session about it, and prints the servers on stderr.
pub(super) fn probe_all(context: &Context, aliases: &Aliases) -> Result<Vec<Known>> {
    let ids = context.state.sessions()?;
    let found: Vec<(SessionId, Result<(Session, Server)>)> = ids
        .into_iter()
        .map(|id| {
            let session = context.session_of(id.clone());
            let pair = session.and_then(|session| Ok((context.home_of(&session)?, session)));
            (id, pair.map(|(server, session)| (session, server)))
        })
        .collect();
    announce(found.iter().filter_map(|(_, pair)| pair.as_ref().ok()).map(|(_, server)| server));
    Ok(parallel::map(&found, |(id, pair)| {
        let (stored, server, outcome) = match pair {
            Ok((session, server)) => {
                let outcome = probe(context, session, server);
                (Some(&session.stored), Some(server.url.clone()), outcome)
            }
            Err(failure) => (None, None, Err((Probe::Error, failure.sentence()))),
        };
        let (state, message) = match &outcome {
            Ok(_) => (Probe::Active, None),
            Err((state, message)) => (*state, Some(message.clone())),
        };
        let status = outcome.unwrap_or_default();
        Known {
            session_id: id.clone(),
            aliases: names_of(aliases, id),
            agent_id: stored.and_then(|stored| Some(stored.agent.as_ref()?.to_string())),
            server,
            cursor: stored.and_then(|stored| stored.cursor.clone()),
            state,
            agents: status.agents,
            expires_at: status.expires_at,
            message,
        }
    }))
}

/// Prints which servers are used, each once.
pub(super) fn announce<'a>(servers: impl Iterator<Item = &'a Server>) {
    let mut told = BTreeSet::new();
    servers.filter(|server| told.insert(server.url.clone())).for_each(Server::announce);
}

/// The part of a status that the client needs.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Status {
    agents: Option<Vec<String>>,
    expires_at: Option<String>,
}

fn probe(context: &Context, session: &Session, server: &Server) -> Result<Status, (Probe, String)> {
    let request = Request { repeat: Repeat::Never, ..Request::get(session.path("")) };
    let answer = context.call(server, &request).map_err(|failure| {
        let state = match &failure {
            Failure::Own(Kind::ServerUnreachable | Kind::Timeout | Kind::ConnectionLost, _) => {
                Probe::Unreachable
            }
            Failure::Refused(answer)
                if answer.status == 404 && answer.error().error != "not_found" =>
            {
                Probe::NotFound
            }
            _ => Probe::Error,
        };
        (state, failure.sentence())
    })?;
    Ok(answer.body.read().unwrap_or_default())
}
