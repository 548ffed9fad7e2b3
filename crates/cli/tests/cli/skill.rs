//! The skill: the commands that an agent is told to paste work, and everything that it names
//! exists.

use crate::support::{Home, NEXUS};
use nexus_tests::{relay, shell_blocks};
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
    let section = markdown.split(&format!("\n### {heading}\n")).nth(1).unwrap();
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

#[test]
fn the_quick_start_works_as_it_is_printed() {
    let has_jq = Command::new("jq").arg("--version").output().is_ok();
    assert!(has_jq, "jq is missing: install it (on Debian `apt install jq`)");
    let markdown = read("SKILL.md");
    let relay = relay();
    let (alice, bob) = (Home::new(&relay.url()), Home::without_url());
    let invited = paste(&alice, "", &commands(&markdown, "You invite"));
    let link = invited.lines().last().unwrap();
    assert!(link.starts_with(&relay.url()), "{invited}");
    let joined = paste(&bob, link, &commands(&markdown, "You were invited"));
    assert!(
        joined.contains("system: Hello! I am the agent of Alice.") && joined.ends_with("true\n")
    );
    let gone_on = paste(&alice, "", &commands(&markdown, "Go on"));
    assert!(gone_on.ends_with("\nbob: Hello! Tuesday would be good.\ntrue\n"), "{gone_on}");
    assert_eq!(bob.poll("alice-and-me").last().unwrap(), "Tuesday at ten, then. Thank you!");
    bob.nexus(&["leave", "alice-and-me"]).done();
}

#[test]
fn its_front_matter_is_what_programs_expect() {
    let markdown = read("SKILL.md");
    let front =
        markdown.strip_prefix("---\n").and_then(|text| text.split_once("\n---\n")).unwrap().0;
    let fields: Vec<&str> = front.lines().filter_map(|line| line.split(": ").next()).collect();
    assert_eq!(fields, ["name", "description"]);
    assert!(front.starts_with("name: nexus\n") && front.len() < 1100);
}

#[test]
fn it_names_every_command_and_only_files_that_exist() {
    let markdown = read("SKILL.md");
    let help = Command::new(NEXUS).arg("--help").output().unwrap().stdout;
    let help = String::from_utf8(help).unwrap();
    let commands = crate::support::commands(&help);
    assert!(commands.len() > 30, "{commands:?}");
    for command in &commands {
        let named = markdown.contains(&format!("`{command}"))
            || markdown.contains(&format!("nexus {command}"));
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
