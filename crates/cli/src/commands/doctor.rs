//! `nexus doctor`

use super::ls::{self, Known, Probe};
use crate::{
    context::Context,
    error::{Failure, Kind, Result},
    http::{Repeat, Request},
    json::Json,
    output::Done,
    parallel,
    server::{Server, Source},
};
use clap::Args;
use serde::Serialize;
use std::{
    collections::BTreeSet,
    fmt::Display,
    path::{Path, PathBuf},
};

#[derive(Args)]
#[command(after_help = "Examples:
  nexus doctor
  nexus doctor | jq -r '.checks[] | select(.ok | not) | .message'

The exit code is 0 only when all is well.")]
pub(crate) struct Doctor {}

/// The result of one check.
#[derive(Serialize)]
struct Check {
    /// `server`, `session`, `alias`, `file`
    kind: &'static str,
    /// Which server, session, alias or file it is.
    subject: String,
    ok: bool,
    /// What the check found, and what to do about it.
    message: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Report<'a> {
    ok: bool,
    state_dir: &'a Path,
    checks: &'a [Check],
}

impl Check {
    fn new(kind: &'static str, subject: &dyn Display, found: Result<String, String>) -> Self {
        let ok = found.is_ok();
        let message = found.unwrap_or_else(|message| message);
        Self { kind, subject: subject.to_string(), ok, message }
    }
}

impl Doctor {
    #[allow(clippy::unused_self, reason = "every command is run alike")]
    pub(crate) fn run(self, context: &Context) -> Result<Done> {
        let mut checks = files(context);
        // A damaged one was reported by an earlier check.
        let aliases = context.state.aliases().unwrap_or_default();
        let known = ls::probe_all(context, &aliases)?;
        checks.extend(servers(context, &known)?);
        checks.extend(known.iter().map(|known| session(context, known)));
        checks.extend(addresses(context));
        for (name, id) in aliases {
            let is_known = known.iter().any(|known| known.session_id.as_str() == id);
            let gone = || {
                format!("Nothing is stored about its session. Remove it: `nexus unalias {name}`.")
            };
            let found = is_known.then(|| "leads to a session known here".to_owned());
            checks.push(Check::new("alias", &name, found.ok_or_else(gone)));
        }
        let bad = checks.iter().filter(|check| !check.ok).count();
        let report = Report { ok: bad == 0, state_dir: context.state.root(), checks: &checks };
        let report = Json::of(&report);
        if bad == 0 {
            return Ok(report.into());
        }
        let message = format!("{bad} of {} checks failed; each says what to do.", checks.len());
        let error = Failure::own(Kind::Unhealthy, message).json();
        Err(Failure::Report(error.map_or(report.clone(), |error| error.with(&report))))
    }
}

/// The default server, and the servers of sessions that have not ended.
fn servers(context: &Context, known: &[Known]) -> Result<Vec<Check>> {
    // A damaged configuration was reported by an earlier check.
    let mut servers: Vec<Server> = context.server(None).into_iter().collect();
    // Users with servers of their own need not reach the public one.
    servers.retain(|server| server.source != Source::Default || known.is_empty());
    let alive = known.iter().filter(|known| known.state != Probe::NotFound);
    for url in alive.filter_map(|known| known.server.clone()) {
        servers.push(Server::bound(url)?);
    }
    let mut told = BTreeSet::new();
    servers.retain(|server| told.insert(server.url.clone()));
    Ok(parallel::map(&servers, |server: &Server| {
        let request = Request { repeat: Repeat::Never, ..Request::get("/health") };
        let answer = context.call(server, &request);
        let found = answer.map(|_| "answers".to_owned()).map_err(|failure| failure.sentence());
        Check::new("server", &server.url, found)
    }))
}

fn session(context: &Context, known: &Known) -> Check {
    let id = &known.session_id;
    let has_key = context.state.membership(id).is_ok_and(|stored| stored.has_key());
    let is_member = |agent: &String| {
        known.agents.as_ref().is_none_or(|agents| agents.iter().any(|member| member == agent))
    };
    let stored = context.state.membership(id);
    let damage = stored.and_then(|stored| stored.usable_cursor().map(drop)).err();
    let found = damage.map_or(Ok(()), |failure| Err(failure.sentence()));
    let found = found.and_then(|()| match (&known.state, &known.agent_id) {
        (Probe::NotFound, _) => {
            let folder = context.state.session_dir(id);
            Err(format!(
                "It has ended. Clean up: `nexus leave {id}`, or delete {}.",
                folder.display()
            ))
        }
        (Probe::Unreachable | Probe::Error, _) => Err(known.message.clone().unwrap_or_default()),
        (Probe::Active, None) => {
            Err(format!("You have no seat in it yet: `nexus join {id} --agent-id ID`."))
        }
        (Probe::Active, Some(agent)) if !is_member(agent) => Err(format!(
            "{agent} is not a member any more: `nexus leave {id}`, and ask for a new link."
        )),
        (Probe::Active, Some(agent)) if !has_key => Err(format!(
            "The key of {agent} is not stored here, so your messages are not verified."
        )),
        (Probe::Active, Some(agent)) => Ok(format!("active; you are {agent}")),
    });
    Check::new("session", id, found)
}

/// Whether the relay of each address accepts its secret. No message is read.
fn addresses(context: &Context) -> Vec<Check> {
    let agents = context.state.agents().unwrap_or_default();
    parallel::map(&agents, |agent| {
        let found = context.mailbox_of(Some(agent.clone())).and_then(|mailbox| {
            let request = Request::get(mailbox.path("/blocks?limit=1"));
            mailbox.call(Request { repeat: Repeat::Never, ..request })?;
            Ok(format!("registered at {}", mailbox.server.host()))
        });
        Check::new("address", agent, found.map_err(|failure| failure.sentence()))
    })
}

/// The state folder: only the owner has access, files can be read, and there are no temporary files.
fn files(context: &Context) -> Vec<Check> {
    let state = &context.state;
    let root = state.root();
    let writable = state.check_writable().map_err(|failure| failure.sentence());
    let mut checks =
        vec![Check::new("file", &root.display(), writable.map(|()| "can be written".to_owned()))];
    let readable = [
        ("aliases.json", state.aliases().err()),
        ("config.json", state.config().err()),
        ("contacts.json", state.contacts().err()),
    ];
    for (name, failure) in readable {
        let failure = failure.map(|failure| Err(failure.sentence()));
        checks.extend(failure.map(|found| Check::new("file", &root.join(name).display(), found)));
    }
    checks.extend(state.leftovers().into_iter().map(|path| {
        let found =
            Err("A process was killed while it wrote this file. Delete it if it is old.".into());
        Check::new("file", &path.display(), found)
    }));
    let mut wrong = Vec::new();
    open_to_others(root, &mut wrong);
    checks.extend(wrong.into_iter().map(|(path, mode)| {
        let found = Err(format!(
            "Other users can read it. Correct that: `chmod {mode} {}`.",
            path.display()
        ));
        Check::new("file", &path.display(), found)
    }));
    checks
}

/// Collects files and folders that other users can read or write, with the mode that they should have.
#[cfg(unix)]
fn open_to_others(path: &Path, found: &mut Vec<(PathBuf, &'static str)>) {
    use std::{fs, os::unix::fs::PermissionsExt};
    let Ok(metadata) = fs::symlink_metadata(path) else { return };
    if metadata.permissions().mode() & 0o077 != 0 {
        found.push((path.to_owned(), if metadata.is_dir() { "700" } else { "600" }));
    }
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    entries.filter(|_| metadata.is_dir()).for_each(|entry| open_to_others(&entry.path(), found));
}

/// Systems without file modes protect the user's folder themselves.
#[cfg(not(unix))]
fn open_to_others(_: &Path, _: &mut Vec<(PathBuf, &'static str)>) {}
