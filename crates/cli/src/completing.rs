//! What completions propose for a value: sessions, members, tasks and contacts.
//!
//! The shell runs this program again at each press of Tab. Sessions and contacts are read from the state
//! folder. Members and tasks are asked for, from the server of the session that the line names.

use crate::{
    context::Context,
    stderr,
    team::{Team, read},
};
use clap::{Arg, Command};
use clap_complete::engine::{ArgValueCompleter, CompletionCandidate};
use nexus_protocol::{Board, Members};
use std::{env, ffi::OsStr};

/// The command line, with proposals for its values.
pub(crate) fn with_values(command: Command) -> Command {
    let name = command.get_name().to_owned();
    let command = command.mut_args(|arg| propose(&name, arg));
    command.mut_subcommands(with_values)
}

fn propose(command: &str, arg: Arg) -> Arg {
    let find: fn(&Context) -> Vec<(String, String)> = match (command, arg.get_id().as_str()) {
        (_, "session" | "target") => sessions,
        ("unalias", "name") => aliases,
        ("ping" | "remove", "name") | ("send", "to") => contacts,
        ("give" | "delegate" | "reassign", "to")
        | ("remove", "agent")
        | (_, "assignee" | "from") => members,
        (
            "take" | "accept" | "progress" | "done" | "fail" | "decline" | "cancel" | "reassign",
            "task",
        ) => tasks,
        _ => return arg,
    };
    arg.add(ArgValueCompleter::new(move |current: &OsStr| candidates(find, current)))
}

fn candidates(
    find: fn(&Context) -> Vec<(String, String)>,
    current: &OsStr,
) -> Vec<CompletionCandidate> {
    stderr::be_silent();
    let Ok(context) = Context::for_completion(profile()) else { return Vec::new() };
    let begun = current.to_string_lossy();
    let found = find(&context).into_iter().filter(|(value, _)| value.starts_with(&*begun));
    // A stranger chose some of these words, and the shell prints them.
    let found = found.map(|(value, help)| {
        let help = crate::harmless::line(&help).chars().take(60).collect::<String>();
        CompletionCandidate::new(value).help(Some(help.into()))
    });
    found.collect()
}

/// The profile that the line names.
fn profile() -> Option<String> {
    let mut words = env::args().skip_while(|word| word != "--profile");
    words.nth(1)
}

fn aliases(context: &Context) -> Vec<(String, String)> {
    context.state.aliases().unwrap_or_default().into_iter().collect()
}

fn sessions(context: &Context) -> Vec<(String, String)> {
    let aliases = aliases(context);
    let ids = context.state.sessions().unwrap_or_default().into_iter().map(|id| id.to_string());
    let bare = ids.filter(|id| !aliases.iter().any(|(_, named)| named == id));
    let bare: Vec<(String, String)> = bare.map(|id| (id, String::new())).collect();
    aliases.into_iter().chain(bare).collect()
}

fn contacts(context: &Context) -> Vec<(String, String)> {
    let contacts = context.state.contacts().unwrap_or_default();
    let named = contacts.into_iter();
    named.map(|(name, contact)| (name, contact.description.unwrap_or_default())).collect()
}

/// The seat in the session that the line names, or else in each known one.
fn teams(context: &Context) -> Vec<Team<'_>> {
    let named: Vec<_> =
        env::args().filter_map(|word| context.session(&word).ok()).take(1).collect();
    let all = || {
        let ids = context.state.sessions().unwrap_or_default();
        ids.into_iter().filter_map(|id| context.session_of(id).ok()).collect()
    };
    let sessions: Vec<_> = if named.is_empty() { all() } else { named };
    sessions.into_iter().filter_map(|session| Team::quietly(context, session).ok()).collect()
}

fn members(context: &Context) -> Vec<(String, String)> {
    let found = teams(context).into_iter().filter_map(|team| {
        let members: Members = read(&team.get("/agents").ok()?).ok()?;
        Some(members.agents)
    });
    let members = found.flatten().map(|member| {
        let what = member.profile.capabilities.unwrap_or_default().join(", ");
        (member.agent_id.to_string(), what)
    });
    members.collect()
}

fn tasks(context: &Context) -> Vec<(String, String)> {
    let found = teams(context).into_iter().filter_map(|team| {
        let board: Board = read(&team.get("/tasks?status=open").ok()?).ok()?;
        Some(board.tasks)
    });
    found.flatten().map(|task| (task.id.to_string(), task.task)).collect()
}
