//! From the package to a conversation, over restarts.

use nexus_tests::{
    Api, Member, Relay, eventually,
    hosted::{Hosted, link, package},
};
use std::{fs, path::Path, process::Command};

/// The same member at a relay that has another address now.
fn at(member: &Member, hosted: &Hosted) -> Member {
    Member { api: hosted.api(), ..member.clone() }
}

fn texts(member: &Member) -> Vec<String> {
    member.read_after("0").0
}

/// Whether anybody answers at an address.
fn answers(url: &str) -> bool {
    Api::new(url).get("/health").try_send().is_some()
}

/// What a second launcher says about data that is in use.
fn refused(data: &Path) -> String {
    let output = package().run(&["--port", "0", "--data", data.to_str().unwrap()]);
    assert_eq!((output.status.code(), &*output.stdout), (Some(1), &b""[..]));
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn it_serves_a_conversation_and_goes_on_with_it_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("die Daten, \"größer\"");
    let hosted = package().serve(&data, &[]);
    assert!(hosted.errors().contains(&format!("The data is in {}.", data.display())));
    let a = hosted.api().session();
    let b = a.join("b");
    a.send("hello");
    b.send("good day");
    assert_eq!(texts(&a), ["hello", "good day"]);
    let mut socket = b.socket(Some(&b.read_after("0").1));
    socket.expect("ready");
    a.send("over a socket");
    assert_eq!(socket.expect("message")["text"], "over a socket");
    let url = hosted.url.clone();
    hosted.stop();
    assert!(!answers(&url));

    let again = package().serve(&data, &[]);
    at(&b, &again).send("after a restart");
    assert_eq!(texts(&at(&a, &again)), ["hello", "good day", "over a socket", "after a restart"]);
    again.stop();
}

#[test]
fn only_one_relay_uses_the_data_and_a_killed_one_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let mut hosted = package().serve(folder.path(), &[]);
    let a = hosted.api().session();
    a.send("kept");
    let told = refused(folder.path());
    let pid = hosted.pid();
    assert!(told.contains(&format!("another relay (process {pid}) is using the data")), "{told}");
    assert_eq!(texts(&a), ["kept"], "it goes on");

    let url = hosted.url.clone();
    hosted.kill();
    eventually("workerd ends with its launcher", || !answers(&url));
    let again = package().serve(folder.path(), &[]);
    assert_eq!(texts(&at(&a, &again)), ["kept"]);
    again.stop();
}

#[test]
fn it_takes_the_data_of_a_checkout_and_shares_its_lock() {
    let folder = tempfile::tempdir().unwrap();
    let relay = Relay::builder().state_dir(folder.path()).start().unwrap();
    let a = Api::new(&relay.url()).session();
    a.send("from a checkout");
    assert!(refused(folder.path()).contains("another relay is using the data"));
    drop(relay);

    let hosted = package().serve(folder.path(), &[]);
    assert_eq!(texts(&at(&a, &hosted)), ["from a checkout"]);
    let error = Relay::builder().state_dir(folder.path()).start().unwrap_err();
    assert!(error.to_string().contains("another relay is using the data"), "{error}");
    hosted.stop();
}

#[test]
fn a_relay_that_ends_by_itself_is_started_again_at_its_address() {
    let folder = tempfile::tempdir().unwrap();
    let hosted = package().serve(folder.path(), &[]);
    let a = hosted.api().session();
    a.send("kept");
    // The launcher's child is a shell, and its child is workerd.
    let child = |pid: &str| {
        let path = format!("/proc/{pid}/task/{pid}/children");
        fs::read_to_string(path).unwrap().split_whitespace().next().unwrap().to_owned()
    };
    let shell = || child(&hosted.pid().to_string());
    let kill = |pid: &str| Command::new("kill").args(["-9", pid]).status().unwrap().success();
    let comes_back = |victim: &str, told: &str| {
        assert!(kill(victim));
        eventually("it notices", || hosted.errors().contains(told));
        // It is about to begin anew, so this changes nothing.
        hosted.signal("USR2");
        eventually("it answers again", || answers(&hosted.url));
        assert_eq!(texts(&a), ["kept"]);
    };
    comes_back(&child(&shell()), "again in 1 s.");
    comes_back(&shell(), "again in 2 s.");
    hosted.stop();
}

#[test]
fn it_tells_where_others_reach_it() {
    let folder = tempfile::tempdir().unwrap();
    let hosted = package().serve(folder.path(), &["--host", "0.0.0.0"]);
    let told = hosted.errors();
    let line = told.lines().find_map(|line| line.strip_prefix("Others reach it at "));
    // A machine may be in no network.
    if let Some(urls) = line {
        for url in urls.trim_end_matches('.').split(", ") {
            assert!(!url.contains("127.0.0.1") && answers(url), "{told}");
        }
    }
    assert_eq!(
        line.is_none(),
        package()
            .node(
                "
        import { addresses } from './lib/lan.js';
        process.exitCode = addresses('0.0.0.0').length;
    "
            )
            .status
            .success()
    );
    hosted.stop();
}

#[test]
fn it_ends_with_the_npx_that_started_it() {
    let folder = tempfile::tempdir().unwrap();
    let launcher = package().command(&["--port", "0", "--data", folder.path().to_str().unwrap()]);
    let mut npx = Command::new("/bin/sh");
    npx.args(["-c", "\"$@\" & wait", "npx"]).arg(launcher.get_program()).args(launcher.get_args());
    npx.env_clear().env("npm_command", "exec");
    for (name, value) in launcher.get_envs() {
        npx.env(name, value.unwrap());
    }
    let mut hosted = Hosted::start(npx, &[]);
    let url = hosted.url.clone();
    assert!(answers(&url));
    hosted.kill();
    eventually("the relay has ended, too", || !answers(&url));
}

#[test]
fn what_ended_sessions_leave_is_removed_at_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let hosted = package().serve(folder.path(), &[]);
    let [a, ended] = [(); 2].map(|()| hosted.api().session());
    a.send("kept");
    assert_eq!(ended.call("DELETE", "").send().status, 200);
    hosted.stop();
    let sessions = || {
        let files = fs::read_dir(folder.path().join("objects/nexus-relay-Session")).unwrap();
        let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.ends_with(".sqlite") && name != "metadata.sqlite").count()
    };
    assert_eq!(sessions(), 2);
    let again = package().serve(folder.path(), &[]);
    assert_eq!((sessions(), texts(&at(&a, &again))), (1, vec!["kept".to_owned()]));
    assert_eq!(at(&ended, &again).call("GET", "/messages").send().status, 404);
    again.stop();
}

#[test]
fn the_data_is_locked_by_whatever_program_of_the_system_can() {
    let folder = tempfile::tempdir().unwrap();
    let hosted = package().serve(folder.path(), &[]);
    let data = folder.path().to_str().unwrap();
    for program in ["perl", "python3"] {
        let bin = tempfile::tempdir().unwrap();
        for name in ["node", program] {
            link(name, bin.path());
        }
        let mut command = package().command(&["--port", "0", "--data", data]);
        let output = command.env("PATH", bin.path()).output().unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(told.contains("another relay (process"), "{program}: {told}");
    }
    hosted.stop();
}

#[test]
fn its_unit_for_systemd_names_the_program_that_npm_installs() {
    let unit = fs::read_to_string(package().path("nexus-relay.service")).unwrap();
    assert!(
        unit.contains("\nExecStart=nexus-relay --data ${STATE_DIRECTORY} $OPTIONS\n"),
        "{unit}"
    );
}

#[test]
fn what_it_prints_says_what_it_is() {
    let version = package().run(&["--version"]);
    let wanted = format!("nexus-relay {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(String::from_utf8(version.stdout).unwrap(), wanted);
    let help = String::from_utf8(package().run(&["--help"]).stdout).unwrap();
    for option in
        ["--port", "--lan", "--data", "--trust-proxy", "--tls-cert", "ADMIN_TOKEN", "backup"]
    {
        assert!(help.contains(option), "{option}: {help}");
    }
    // Its folder may be long.
    let lines = help.lines().filter(|line| !line.contains("--data DIR "));
    assert!(lines.into_iter().all(|line| line.chars().count() <= 100), "{help}");
}
