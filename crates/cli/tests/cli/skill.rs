//! The skill: the commands that an agent is told to paste work, and everything that it names
//! exists.

use crate::support::{Home, NEXUS};
use nexus_tests::{relay, shell_blocks};
use serde_json::{Value, json};
use std::{
    env,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

fn skill(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../skill").join(path)
}

fn read(path: &str) -> String {
    fs::read_to_string(skill(path)).unwrap()
}

/// `PATH`, with the tested client first.
fn path() -> OsString {
    let folder = Path::new(NEXUS).parent().unwrap().to_owned();
    let old = env::var_os("PATH").unwrap();
    env::join_paths([folder].into_iter().chain(env::split_paths(&old))).unwrap()
}

/// The commands below a heading.
fn commands(markdown: &str, heading: &str) -> String {
    let section = markdown.split(&format!("\n## {heading}\n")).nth(1).unwrap();
    shell_blocks(section.split("\n#").next().unwrap()).concat()
}

/// Pastes commands into a shell on an agent's machine.
#[track_caller]
pub(crate) fn paste(home: &Home, link: &str, text: &str) -> String {
    let mut shell = home.wrapped(Path::new("bash"));
    shell.env("PATH", path()).env("LINK", link);
    let output = shell.args(["-euo", "pipefail", "-c", text]).output().unwrap();
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Agents read the whole skill before they do anything.
const WORDS: usize = 600;

#[test]
fn the_skill_works_as_it_is_printed() {
    let markdown = read("SKILL.md");
    let relay = relay();
    let (alice, bob) = (Home::without_url(), Home::without_url());
    // A relay puts its own address here when it serves the skill.
    let invite = commands(&markdown, "Invite").replace("https://messaging.md", &relay.url());
    let invited = paste(&alice, "", &invite);
    let link = invited.lines().last().unwrap();
    assert!(link.starts_with(&relay.url()), "{invited}");
    let joined = paste(&bob, link, &commands(&markdown, "Accept"));
    assert_eq!(
        serde_json::from_str::<Value>(&joined).unwrap(),
        json!({ "by": "alice", "text": "Which day suits Bob for lunch?" })
    );
    bob.nexus(&["send", "alice-and-me", "Any day but Monday."]).done();
    let talked = paste(&alice, "", &commands(&markdown, "Talk"));
    let talked: Vec<Value> =
        talked.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let [sent, joined, said] = talked.as_slice() else { panic!("{talked:?}") };
    assert_eq!((sent, &joined["kind"]), (&true.into(), &"joined".into()));
    assert_eq!((&said["text"], &said["verified"]), (&"Any day but Monday.".into(), &true.into()));
    paste(&bob, "", "nexus wait alice-and-me --timeout 5m");
    the_tasks_and_files_work(&alice, &bob, &commands(&markdown, "Tasks and files"));
    bob.nexus(&["leave", "alice-and-me"]).done();
    alice.nexus(&["end", "bob-and-me"]).done();
}

/// The first lines are Alice's, and what is done with the task is Bob's.
fn the_tasks_and_files_work(alice: &Home, bob: &Home, commands: &str) {
    let is_bobs = |line: &&str| line.contains("take") || line.contains("done");
    let of = |wanted: bool| -> String {
        let lines = commands.lines().filter(|line| is_bobs(line) == wanted);
        lines.collect::<Vec<_>>().join("\n")
    };
    let given = paste(alice, "", &format!("cd \"$HOME\"\necho Lunch > plan.md\n{}", of(false)));
    let lines: Vec<Value> = given.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let [task, listed, ..] = lines.as_slice() else { panic!("{given}") };
    assert_eq!((&task["id"], &listed["status"]), (&listed["id"], &"pending".into()));
    let id = task["id"].as_str().unwrap();
    let page = bob.nexus(&["poll", "alice-and-me"]).done();
    let hint = page["messages"][0]["hint"].as_str().unwrap();
    assert!(hint.contains(&format!("nexus task take {id}")), "{hint}");
    paste(bob, "", &of(true).replace("TASK", id));
    let tasks = alice.nexus(&["task", "ls", "bob-and-me"]).done();
    assert_eq!(tasks["tasks"][0]["result"], "It is in plan.de.md");
}

#[test]
fn it_is_short_and_keeps_what_an_agent_must_know() {
    let markdown = read("SKILL.md");
    let words = markdown.split_whitespace().count();
    assert!(words <= WORDS, "{words} words");
    // Whoever reads messages with a filter sees who wrote them for certain.
    for filter in markdown.lines().filter(|line| line.contains(".messages[]")) {
        assert!(filter.contains("verified"), "{filter}");
    }
    for code in ["| 0 |", "| 1 |", "| 2 |"] {
        assert!(markdown.contains(code), "{code}");
    }
}

#[test]
fn its_front_matter_is_what_programs_expect() {
    let markdown = read("SKILL.md");
    let front =
        markdown.strip_prefix("---\n").and_then(|text| text.split_once("\n---\n")).unwrap().0;
    let fields: Vec<(&str, &str)> =
        front.lines().filter_map(|line| line.split_once(": ")).collect();
    let names: Vec<&str> = fields.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, ["name", "description", "metadata"]);
    assert!(front.starts_with("name: nexus\n") && front.len() < 1100);
    // Hosts offer the skill only where these programs are.
    let metadata: Value = serde_json::from_str(fields[2].1).unwrap();
    assert_eq!(metadata["openclaw"]["requires"]["bins"], json!(["nexus"]));
    assert!(!markdown.contains("jq -"), "a program that is not required");
}

#[test]
fn its_folder_names_every_command_and_only_files_that_exist() {
    let markdown = read("SKILL.md");
    let list = read("references/commands.md");
    let help = Command::new(NEXUS).arg("--help").output().unwrap().stdout;
    let help = String::from_utf8(help).unwrap();
    let commands = crate::support::commands(&help);
    assert!(commands.len() > 30, "{commands:?}");
    for command in &commands {
        let named =
            list.contains(&format!("`{command}")) || list.contains(&format!("nexus {command}"));
        assert!(named || command == "completions", "{command}");
    }
    let links = markdown.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let files: Vec<&str> = links.filter(|link| !link.contains("://")).collect();
    assert!(files.len() >= 3);
    assert!(files.iter().all(|file| skill(file).exists()), "{files:?}");
}

#[test]
fn the_launcher_runs_the_installed_client_or_says_how_to_install_it() {
    let home = Home::without_url();
    let script = skill("scripts/nexus.sh");
    let run = |path: OsString| -> Output {
        // Run by the shell, because the file system may not allow executing it.
        let mut command = home.wrapped(Path::new("/bin/sh"));
        command.arg(&script).args(["alias", "a b", "x y"]).env("PATH", path);
        command.output().unwrap()
    };
    let installed = String::from_utf8(run(path()).stdout).unwrap();
    assert!(installed.contains("unknown_session") && installed.contains("`a b`"), "{installed}");
    let missing = run("/nonexistent".into());
    let value: serde_json::Value = serde_json::from_slice(&missing.stdout).unwrap();
    assert_eq!((&value["error"], missing.status.code()), (&"not_installed".into(), Some(1)));
    // In the folder where cargo installs it, without PATH.
    let bin = home.state().parent().unwrap().join(".cargo/bin");
    fs::create_dir_all(&bin).unwrap();
    fs::copy(NEXUS, bin.join("nexus")).unwrap();
    let found = String::from_utf8(run("/nonexistent".into()).stdout).unwrap();
    assert!(found.contains("unknown_session"), "{found}");
}
