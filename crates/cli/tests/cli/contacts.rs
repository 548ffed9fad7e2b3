//! The contact book, gateways, and being one.

use crate::support::{Home, text};
use nexus_tests::{Api, list};
use serde_json::{Value, json};
use std::{
    io::{BufRead, BufReader},
    net::TcpListener,
    process::{Child, ChildStdout, Stdio},
    thread,
};
use tungstenite::{Message, accept_hdr, handshake::server};

#[test]
fn contacts_are_kept_and_their_tokens_are_not_shown() {
    let home = Home::without_url();
    let gateway = ["--url", "ws://127.0.0.1:1", "--token", "t0ken", "--desc", "the studio"];
    let added = home.nexus(&[&["contacts", "add", "studio"], &gateway[..]].concat()).done();
    assert_eq!((&added["hasToken"], &added["description"]), (&json!(true), &json!("the studio")));
    home.nexus(&["contacts", "add", "bob", "--agent", "@40817263"]).done();
    let all = home.nexus(&["contacts", "list"]).done();
    let names: Vec<String> = list(&all["contacts"]).iter().map(|one| text(&one["name"])).collect();
    assert_eq!(names, ["bob", "studio"]);
    assert!(!all.to_string().contains("t0ken"));
    let run = home.nexus(&["send", "--to", "studio", "x", "--agent-id", "a"]);
    assert_eq!(run.error(), "server_unreachable");
    assert!(!run.json.to_string().contains("t0ken") && !run.stderr.contains("t0ken"));
    assert_eq!(home.nexus(&["contacts", "remove", "studio"]).done()["removed"], true);
    assert_eq!(home.nexus(&["contacts", "remove", "studio"]).error(), "contact_not_found");
    assert_eq!(home.nexus(&["ping", "studio"]).error(), "contact_not_found");
}

#[test]
fn bad_contacts_and_sends_to_nobody_are_refused() {
    let home = Home::without_url();
    for arguments in [
        &["contacts", "add", "x"][..],
        &["contacts", "add", "x", "--url", "http://127.0.0.1:1"],
        &["contacts", "add", "x", "--url", "ws://127.0.0.1:1?token=1"],
        &["contacts", "add", "-x", "--agent", "1"],
        &["contacts", "add", "x y", "--agent", "1"],
        &["contacts", "add", "x", "--agent", "1", "--token", "1"],
        &["send", "--to", "x", "y", "z"],
        &["send"],
        &["send", "@a b", "x"],
    ] {
        assert_eq!(home.nexus(arguments).error(), "usage", "{arguments:?}");
    }
}

/// A gateway of another make: takes one socket, and gives what was asked for and what was said.
fn gateway() -> (u16, thread::JoinHandle<(String, Option<Value>)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let serving = thread::spawn(move || {
        let mut asked = String::new();
        #[allow(clippy::result_large_err, reason = "the form that tungstenite asks for")]
        let note = |request: &server::Request, response: server::Response| {
            asked = request.uri().to_string();
            Ok(response)
        };
        let mut socket = accept_hdr(listener.accept().unwrap().0, note).unwrap();
        let mut said = None;
        while let Ok(message) = socket.read() {
            if let Message::Text(text) = message {
                said = Some(serde_json::from_str(&text).unwrap());
            }
        }
        (asked, said)
    });
    (port, serving)
}

#[test]
fn a_message_goes_straight_to_a_gateway() {
    let home = Home::without_url();
    let (port, serving) = gateway();
    let url = format!("ws://127.0.0.1:{port}");
    home.nexus(&["contacts", "add", "studio", "--url", &url, "--token", "a b&c"]).done();
    let sent = home.nexus(&["send", "--to", "studio", "Hello!", "--agent-id", "alice"]).done();
    assert_eq!(sent["delivery"], "direct");
    let (asked, said) = serving.join().unwrap();
    assert_eq!(asked, "/?token=a%20b%26c");
    let said = said.unwrap();
    assert_eq!(
        (&said["type"], &said["event"]),
        (&json!("system_event"), &json!("openclaw_message"))
    );
    assert_eq!(
        (&said["data"]["from"], &said["data"]["message"]),
        (&json!("alice"), &json!("Hello!"))
    );
    assert!(said["data"]["timestamp"].is_i64());
}

#[test]
fn a_ping_opens_a_gateway_and_says_nothing() {
    let home = Home::without_url();
    let (port, serving) = gateway();
    home.nexus(&["contacts", "add", "g", "--url", &format!("ws://127.0.0.1:{port}")]).done();
    let answer = home.nexus(&["ping", "g"]).done();
    assert_eq!(answer["online"], true);
    assert!(answer["milliseconds"].is_u64());
    assert_eq!(serving.join().unwrap(), ("/".to_owned(), None));
}

/// `nexus receive` on a free port, which is killed at the end.
struct Receiver(Child, Api, BufReader<ChildStdout>);

impl Drop for Receiver {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn receiver(home: &Home) -> Receiver {
    let mut child =
        home.command().args(["receive", "--port", "0"]).stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stderr.take().unwrap()).read_line(&mut line).unwrap();
    let url = line.trim().strip_prefix("listening on ").unwrap().to_owned();
    let lines = BufReader::new(child.stdout.take().unwrap());
    Receiver(child, Api::new(&url), lines)
}

#[test]
fn a_receiver_takes_messages_prints_them_and_lists_them() {
    let home = Home::without_url();
    let mut receiver = receiver(&home);
    let api = receiver.1.clone();
    let message = json!({ "from": "bob", "message": "Hello!" });
    let answer = api.post("/message").json(&message).send();
    assert_eq!((answer.status, answer.json()), (200, json!({ "ok": true })));
    let mut line = String::new();
    receiver.2.read_line(&mut line).unwrap();
    let printed: Value = serde_json::from_str(&line).unwrap();
    assert_eq!((&printed["from"], &printed["message"]), (&message["from"], &message["message"]));
    for (body, status) in [("{", 400), ("[]", 400), ("{}", 400), (r#"{"message":1}"#, 400)] {
        let answer = api.post("/message").body(body.as_bytes()).send();
        assert_eq!(answer.status, status, "{body}");
        assert!(answer.json()["error"].is_string());
    }
    let long = json!({ "message": "x".repeat(300_000) });
    assert_eq!(api.post("/message").json(&long).send().status, 413);
    assert_eq!(api.get("/nothing").send().status, 404);
    assert_eq!(api.get("/health").send().json(), json!({ "ok": true, "messages": 1 }));
    assert_eq!(api.get("/messages").send().json()["messages"], json!([printed]));
}
