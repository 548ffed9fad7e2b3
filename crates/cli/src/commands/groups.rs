//! The list of commands in `nexus help`, in groups. Commands that are in no group are hidden: they are earlier
//! names of others, and stay for scripts.

use clap::Command;
use std::fmt::Write;

const GROUPS: [(&str, &[&str]); 7] = [
    (
        "Talk",
        &[
            "create",
            "chat",
            "send",
            "poll",
            "wait",
            "broadcast",
            "poll-all",
            "inbox",
            "export",
            "open",
        ],
    ),
    (
        "Invite",
        &["invite", "accept", "pair", "claim", "join", "pair-status", "pair-list", "revoke"],
    ),
    ("Team", &["status", "discover", "profile", "task", "work", "renew", "leave", "remove", "end"]),
    ("Files", &["file"]),
    ("Address", &["address", "contacts", "ping", "receive"]),
    ("Wake", &["listen", "peek", "mcp", "poll-daemon", "heartbeat", "poll-status"]),
    (
        "This machine",
        &[
            "ls",
            "alias",
            "unalias",
            "prune",
            "config",
            "scan",
            "whoami",
            "key",
            "bind",
            "doctor",
            "completions",
            "man",
            "version",
        ],
    ),
];

/// The commands with what they do, in groups.
pub(crate) fn list(root: &Command) -> String {
    let mut text = String::new();
    for (title, names) in GROUPS {
        let _ = writeln!(text, "{title}:");
        for command in names.iter().filter_map(|name| root.find_subcommand(name)) {
            let about = command.get_about().map(ToString::to_string).unwrap_or_default();
            let _ = writeln!(text, "  {:<12} {about}", command.get_name());
        }
        text.push('\n');
    }
    text
}

/// Hides the commands that are in no group.
pub(crate) fn hide(root: Command) -> Command {
    root.mut_subcommands(|command| {
        let is_listed = GROUPS.iter().any(|(_, names)| names.contains(&command.get_name()));
        command.hide(!is_listed)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Subcommand;

    #[test]
    fn every_command_in_a_group_exists_and_is_in_one_group() {
        let root = super::super::Command::augment_subcommands(Command::new("nexus"));
        let mut all: Vec<&str> =
            GROUPS.iter().flat_map(|(_, names)| names.iter().copied()).collect();
        assert!(all.iter().all(|name| root.find_subcommand(name).is_some()), "{all:?}");
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
    }
}
