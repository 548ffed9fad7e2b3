//! Scripts in the field go on working. `field.sh` uses the commands that scripts have used since the first
//! release, and `field.txt` is what the client of that release printed. The client of today must print all
//! of it, except for the few differences that `decided.txt` lists with their reasons.
//!
//! To compare with another client, let it print over the record and look at `git diff`:
//!
//! ```text
//! NEXUS_FIELD_CLIENT=/path/to/nexus cargo test -p nexus-cli --test cli field::record -- --ignored
//! ```
//!
//! Commit only what the client of the first release (33cd46e) prints, and only after a change of the
//! script or of the relay.

mod compare;
mod names;

use crate::support::NEXUS;
use compare::differences;
use names::named;
use nexus_tests::relay;
use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// The commands of the first release that scripts use.
const COMMANDS: [&str; 21] = [
    "create",
    "status",
    "join",
    "leave",
    "pair",
    "claim",
    "pair-status",
    "send",
    "poll",
    "poll-daemon",
    "heartbeat",
    "poll-status",
    "renew",
    "alias",
    "unalias",
    "ls",
    "poll-all",
    "config",
    "bind",
    "doctor",
    "wait",
];

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/field").join(name)
}

/// What the script prints with this client, which must be called `nexus`, and a relay of its own.
fn transcript(client: &Path) -> String {
    let (relay, folder) = (relay(), tempfile::tempdir().unwrap());
    let folder = folder.path().canonicalize().unwrap();
    let old = env::var_os("PATH").unwrap();
    let own = client.parent().unwrap().to_owned();
    let path = env::join_paths([own].into_iter().chain(env::split_paths(&old))).unwrap();
    let mut script = Command::new("bash");
    script.arg(file("field.sh")).current_dir(&folder).stdin(Stdio::null());
    script.env_clear().env("PATH", path).env("RELAY", relay.url());
    let printed = String::from_utf8(script.output().unwrap().stdout).unwrap();
    let (url, folder) = (relay.url(), folder.to_str().unwrap());
    named(&printed, &[(&url, "<relay>"), (folder, "<folder>")])
}

#[test]
fn scripts_in_the_field_get_what_they_always_got() {
    let found = differences(include_str!("field.txt"), &transcript(Path::new(NEXUS)));
    let decided = include_str!("decided.txt").lines();
    let is_difference = |line: &&str| line.starts_with("$ ");
    let decided: Vec<&str> = decided.filter(is_difference).collect();
    assert!(found == decided, "the differences are, if they are meant:\n{}", found.join("\n"));
}

#[test]
#[ignore = "replaces the record of the first client"]
fn record() {
    let client =
        env::var_os("NEXUS_FIELD_CLIENT").expect("NEXUS_FIELD_CLIENT, the path of a client");
    let client = Path::new(&client).canonicalize().expect("an absolute path of a file");
    assert_eq!(client.file_name().unwrap(), "nexus");
    fs::write(file("field.txt"), transcript(&client)).unwrap();
}

#[test]
fn the_record_shows_every_command_succeed() {
    let recorded = include_str!("field.txt");
    assert!(recorded.ends_with("# all is done\n"));
    for command in COMMANDS {
        let uses = recorded.split("\n$ ").filter_map(|used| used.strip_prefix("nexus "));
        let mut own = uses.filter(|used| used.split_whitespace().next() == Some(command));
        assert!(own.any(|used| used.lines().any(|line| line == "exit 0")), "{command}");
    }
}
