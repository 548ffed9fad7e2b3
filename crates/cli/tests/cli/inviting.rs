//! `nexus invite` and `nexus accept`: from a text to somebody who came, in one command each.

use crate::{
    fake::{Fake, Reply, response},
    support::{Home, NEXUS, Run, text, texts},
    terminal::{self, Typing},
};
use nexus_tests::relay;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::json;
use std::{
    io::{BufRead, BufReader, Read},
    path::Path,
    process::{Child, ChildStderr, Output},
    sync::atomic::{AtomicBool, Ordering},
};

/// A command that waits, and what it says meanwhile.
struct Waiting {
    child: Child,
    stderr: BufReader<ChildStderr>,
    said: String,
}

impl Waiting {
    fn new(home: &Home, arguments: &[&str]) -> Self {
        let mut child = home.command().args(arguments).spawn().unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        Self { child, stderr, said: String::new() }
    }

    /// The next line with this in it.
    fn line(&mut self, mark: &str) -> String {
        loop {
            let mut line = String::new();
            let count = self.stderr.read_line(&mut line).unwrap();
            assert!(count > 0, "{mark} was not said: {}", self.said);
            self.said += &line;
            if line.contains(mark) {
                return line.trim().to_owned();
            }
        }
    }

    fn end(mut self) -> Run {
        self.stderr.read_to_string(&mut self.said).unwrap();
        let Output { status, stdout, .. } = self.child.wait_with_output().unwrap();
        Run::of(Output { status, stdout, stderr: self.said.into_bytes() })
    }
}

#[test]
fn an_invitation_tells_the_link_at_once_and_who_came_at_the_end() {
    let relay = relay();
    let (a, b) = (Home::new(&relay.url()), Home::without_url());
    let arguments = ["invite", "Which day?", "--as", "alice", "--alias", "dentist"];
    let mut waiting = Waiting::new(&a, &arguments);
    let link = waiting.line("/p/");
    waiting.line("waiting until");
    let pasted = format!("Hello,\nplease use <{link}>.");
    let seat = b.nexus(&["accept", &pasted, "--as", "bob", "--alias", "alice"]).done();
    let run = waiting.end();
    assert_eq!(run.stderr.matches(&link).count(), 1, "{}", run.stderr);
    assert!(run.stderr.contains("bob came; talk with `nexus chat dentist`"), "{}", run.stderr);
    let value = run.done();
    assert_eq!(value["sessionId"], seat["sessionId"]);
    assert_eq!(value["joined"], json!(["bob"]));
    assert_eq!(value["status"], "claimed");
    assert_eq!(value["url"], link.as_str());
    assert_eq!(value["alias"], "dentist");
    assert_eq!(value["sessionKey"], json!(null));
    // The wait has marked nothing as read.
    assert_eq!(texts(&b.nexus(&["poll", "alice"]).done()), ["Which day?"]);
    assert_eq!(texts(&a.nexus(&["poll", "dentist"]).done()), ["Which day?"]);
}

#[test]
fn a_wait_that_is_interrupted_leaves_the_link_and_says_how_to_go_on() {
    let relay = relay();
    let (a, b) = (Home::new(&relay.url()), Home::without_url());
    let mut waiting = Waiting::new(&a, &["invite", "--as", "alice"]);
    let link = waiting.line("/p/");
    waiting.line("waiting until");
    kill(Pid::from_raw(waiting.child.id().cast_signed()), Signal::SIGINT).unwrap();
    let run = waiting.end();
    assert_eq!(run.error(), "interrupted");
    assert_eq!(run.json["url"], link.as_str());
    let session = text(&run.json["sessionId"]);
    let message = text(&run.json["message"]);
    assert!(message.contains(&format!("nexus wait {session}")), "{message}");
    let seat = b.nexus(&["join", &link, "--as", "bob"]).done();
    assert_eq!(seat["sessionId"], session.as_str());
}

#[test]
fn an_invitation_without_waiting_or_into_a_session_of_ours() {
    let relay = relay();
    let a = Home::new(&relay.url());
    let value = a.nexus(&["invite", "Hi", "--as", "a", "--alias", "work", "--no-wait"]).done();
    assert_eq!(value["status"], "pending");
    let again = a.nexus(&["invite", "work", "--no-wait"]).done();
    assert_eq!(again["sessionId"], value["sessionId"]);
    assert_ne!(again["url"], value["url"]);
    // What is asked for is done, or refused.
    let named = a.nexus(&["invite", &text(&value["sessionId"]), "--alias", "job", "--no-wait"]);
    assert_eq!(named.done()["alias"], "job");
    assert_eq!(a.nexus(&["status", "job"]).done()["sessionId"], value["sessionId"]);
    assert_eq!(a.nexus(&["invite", "work", "--no-wait", "--no-preview"]).error(), "usage");
    assert_eq!(a.nexus(&["invite", "work", "@bob", "--no-preview"]).error(), "usage");
    let links = [text(&value["url"]), text(&again["url"])].join(" ");
    let both = a.nexus(&["accept", &links, "--as", "c"]);
    assert!(both.stderr.contains(&text(&again["url"])), "{}", both.stderr);
    assert_eq!(both.error(), "invalid_code");
    let b = Home::new(&relay.url());
    let code = text(&again["code"]).to_lowercase().replace('-', " ");
    let seat = b.nexus_with_input(&["claim", "--as", "b"], code.as_bytes()).done();
    assert_eq!(seat["sessionId"], value["sessionId"]);
    // Others need a link, and its page tells nothing if that was asked for.
    let c = Home::new(&relay.url());
    assert_eq!(
        c.nexus(&["join", &text(&value["sessionId"]), "--as", "c"]).error(),
        "link_required"
    );
    let quiet =
        a.nexus(&["invite", "A surprise", "--as", "anna", "--no-wait", "--no-preview"]).done();
    let page = |value: &serde_json::Value| {
        let path = text(&value["url"]).strip_prefix(&relay.url()).unwrap().to_owned();
        nexus_tests::Api::new(&relay.url()).get(&path).header("Accept", b"text/html").send().text()
    };
    assert!(page(&value).contains("invites you to talk") && !page(&quiet).contains("surprise"));
    // Without a name, it is the user's.
    let mut command = a.command();
    command.args(["invite", "--no-wait"]).env("USER", "carol");
    assert_eq!(Run::of(command.output().unwrap()).done()["agentId"], "carol");
    assert_eq!(a.nexus(&["invite", "--no-wait"]).error(), "missing_agent_id");
}

#[test]
fn without_an_address_nothing_is_made_to_send_a_link_from() {
    let relay = relay();
    let a = Home::new(&relay.url());
    let run = a.nexus(&["invite", "Tuesday?", "--as", "a", "--to", "@bob", "--no-wait"]);
    assert_eq!(run.error(), "unknown_address");
    assert_eq!(a.nexus(&["ls"]).done()["sessions"], json!([]));
}

#[test]
fn a_link_that_was_sent_is_not_sent_again_and_another_one_is_shown() {
    let fake = running_out();
    let home = Home::new(&fake.url);
    home.nexus(&["register", "--id", "alice"]).done();
    let run = home.nexus(&["invite", "--as", "alice", "--to", "@bob"]);
    assert_eq!(run.error(), "timeout");
    assert!(run.stderr.contains("nexus invite ab12"), "{}", run.stderr);
    let sent = fake.requests().iter().filter(|request| request.starts_with("PUT /v1/pair")).count();
    assert_eq!(sent, 1);
    let run = Home::new(&running_out().url).nexus(&["invite", "--as", "alice"]);
    assert!(run.stderr.contains("the link has run out"), "{}", run.stderr);
    assert_eq!(run.done()["url"], "https://a.example/p/PEARL-FOCAL-23456");
}

/// A relay whose first link runs out at once.
fn running_out() -> Fake {
    let session = "ab12cd34".repeat(6);
    let has_one = AtomicBool::new(false);
    Fake::new(move |_, request| {
        let first = request.lines().next().unwrap_or_default();
        let link = |code: &str| {
            json!({
                "code": code, "url": format!("https://a.example/p/{code}"),
                "expiresAt": "2026-01-01T00:00:00.000Z",
            })
        };
        let is_second = first.contains("PEARL-FOCAL-23456");
        let body = if first.starts_with("PUT /v1/sessions") {
            json!({ "sessionId": session, "sessionKey": format!("nxk_{}", "A".repeat(43)) })
        } else if first.starts_with("PUT /v1/pair") {
            let is_first = !has_one.swap(true, Ordering::SeqCst);
            link(if is_first { "PEARL-FOCAL-S5SJV" } else { "PEARL-FOCAL-23456" })
        } else if first.contains("/v1/pair/") {
            json!({ "state": if is_second { "claimed" } else { "expired" } })
        } else {
            json!({
                "agents": ["alice"], "delivery": [], "message_format": ["text"],
                "agentId": "alice", "secret": format!("nxs_{}", "A".repeat(43)),
            })
        };
        Reply::Bytes(response("200 OK", "", &body.to_string()))
    })
}

#[test]
fn a_terminal_shows_the_link_once_with_its_code() {
    let relay = relay();
    let a = Home::new(&relay.url());
    let seen = a.on_terminal(&["invite", "Hi", "--as", "a", "--alias", "work", "--no-wait"]).text;
    let links = relay.url() + "/p/";
    assert_eq!(seen.matches(&links).count(), 1, "{seen}");
    let lines: Vec<&str> = seen.lines().filter(|line| line.contains('█')).collect();
    assert!(lines.len() > 12 && lines.iter().all(|line| line.chars().count() <= 40), "{seen}");
    assert!(!seen.contains("nxk_"), "{seen}");
    let mut command = a.wrapped(Path::new("sh"));
    command.args(["-c", "$0 invite work --no-wait 2>/dev/null", NEXUS]);
    let seen = terminal::run(command).text;
    assert_eq!(seen.matches(&links).count(), 1, "nobody sees stderr: {seen}");
    let piped = a.nexus(&["invite", "work", "--no-wait"]);
    assert!(!piped.stderr.contains('█'), "{}", piped.stderr);
}

/// A shell on a terminal that runs this command of the client and then reads a line.
fn shell(home: &Home, arguments: &str) -> Typing {
    let script = format!("$0 {arguments}; echo over; read -r line; echo \"the shell got: $line.\"");
    let mut command = home.wrapped(Path::new("sh"));
    command.args(["-c", &script, NEXUS]);
    Typing::new(command)
}

#[test]
fn nothing_of_what_was_pasted_reaches_the_shell() {
    let relay = relay();
    let (a, b) = (Home::new(&relay.url()), Home::without_url());
    let link = text(&a.nexus(&["invite", "Hi", "--as", "a", "--no-wait"]).done()["url"]);
    let mut bob = shell(&b, "accept --as bob");
    bob.sees("press Enter:");
    bob.types(&format!("Hello: see\n\n{link} please.\ntouch stolen\nBye"));
    bob.sees("over");
    bob.types("mine\n");
    bob.sees("the shell got: mine.");
    assert!(bob.ends().contains("bob"));

    let mut bob = shell(&b, "accept --as bob");
    bob.sees("press Enter:");
    bob.types("No link: here\ntouch stolen\n");
    bob.sees("no link in that yet");
    bob.types("\nBye");
    bob.sees("neither a pairing code");
    bob.sees("over");
    bob.types("mine\n");
    bob.sees("the shell got: mine.");

    let daemon = format!("poll-daemon {} --as a", "d".repeat(48));
    let mut asked = shell(&b, &daemon);
    asked.sees("[y/N]");
    asked.types("Hello\ntouch stolen\nBye");
    asked.sees("over");
    asked.types("mine\n");
    asked.sees("the shell got: mine.");

    let session = a.create("a");
    let mut chat = shell(&a, &format!("chat {session}"));
    chat.sees("a> ");
    // More than the editor reads at once.
    chat.types(&format!("/quit\r{}Bye", "touch stolen\r".repeat(200)));
    chat.sees("over");
    chat.types("mine\n");
    chat.sees("the shell got: mine.");
}
