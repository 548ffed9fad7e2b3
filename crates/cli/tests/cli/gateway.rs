//! The contact book, gateways and the receiver, over real local sockets.

use crate::{
    listening::Listening,
    support::{Home, text},
};
use serde_json::{Value, json};
use std::{
    fs,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    os::unix::fs::PermissionsExt,
    process::Command,
    sync::mpsc::{self, Receiver},
    thread,
    time::{Duration, Instant},
};
use tungstenite::{Message, handshake::server};

const TOKEN: &str = "s3cr&t/token";

/// The path of a request to a gateway, and the frames that followed.
type Taken = (String, Vec<String>);

/// A gateway that accepts sockets with the right token.
#[allow(clippy::result_large_err, reason = "tungstenite's own type")]
fn gateway() -> (String, Receiver<Taken>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let url = format!("ws://{}", listener.local_addr().unwrap());
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let mut asked = String::new();
            let check = |request: &server::Request, response: server::Response| {
                asked = request.uri().to_string();
                if asked.ends_with("?token=s3cr%26t%2Ftoken") {
                    return Ok(response);
                }
                let no = server::ErrorResponse::new(None);
                let (mut head, body) = no.into_parts();
                head.status = tungstenite::http::StatusCode::UNAUTHORIZED;
                Err(server::ErrorResponse::from_parts(head, body))
            };
            let Ok(mut socket) = tungstenite::accept_hdr(stream, check) else { continue };
            let mut frames = Vec::new();
            loop {
                match socket.read() {
                    Ok(Message::Text(text)) => frames.push(text.to_string()),
                    Ok(_) => {}
                    Err(_) => break,
                }
            }
            let _ = sender.send((asked, frames));
        }
    });
    (url, receiver)
}

/// A machine whose contact book has this gateway as `bob`.
fn knows(url: &str, token: &str) -> Home {
    let home = Home::without_url();
    let add = ["contacts", "add", "bob", "--url", url, "--token", "-", "--desc", "Bob at home"];
    home.nexus_with_input(&add, format!("{token}\n").as_bytes()).done();
    home
}

#[test]
fn the_contact_book_keeps_tokens_to_itself() {
    let home = knows("ws://192.168.1.7:18789/", TOKEN);
    home.nexus(&["contacts", "add", "ann", "--agent", "@ann-1"]).done();
    let list = home.nexus(&["contacts", "list"]);
    assert!(!list.json.to_string().contains("s3cr") && !list.stderr.contains("s3cr"));
    let contacts = &list.json["contacts"];
    assert_eq!((&contacts[0]["name"], &contacts[0]["agentId"]), (&json!("ann"), &json!("ann-1")));
    assert_eq!(contacts[1]["url"], "ws://192.168.1.7:18789");
    assert_eq!(contacts[1]["description"], "Bob at home");
    let path = home.state().join("contacts.json");
    let kept: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    assert_eq!(kept["bob"]["token"], TOKEN);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    home.nexus(&["contacts", "remove", "ann"]).done();
    assert_eq!(home.nexus(&["contacts", "remove", "ann"]).done()["removed"], false);
    assert_eq!(home.nexus(&["send", "--to", "ann", "x"]).error(), "contact_not_found");
    for add in [
        &["x", "--url", "ftp://h", "--token", "t"][..],
        &["x", "--url", "ws://h/?token=t", "--token", "t"],
        &["a b", "--agent", "x"],
        &["x", "--url", "ws://h", "--token", "a b"],
    ] {
        let all = [&["contacts", "add"], add].concat();
        assert_eq!(home.nexus(&all).error(), "invalid_contact", "{add:?}");
    }
    for add in [
        &["x"][..],
        &["x", "--url", "ws://h"],
        &["x", "--agent", "a", "--url", "ws://h", "--token", "t"],
    ] {
        assert_eq!(home.nexus(&[&["contacts", "add"], add].concat()).error(), "usage", "{add:?}");
    }
}

#[test]
fn a_gateway_is_sent_one_frame() {
    let (url, taken) = gateway();
    let home = knows(&url, TOKEN);
    assert_eq!(home.nexus(&["send", "--to", "bob", "hi"]).error(), "missing_agent_id");
    let send = ["send", "--to", "bob", "Tuesday?", "--json", "{\"n\":1.50}", "--agent-id", "alice"];
    let run = home.nexus(&send);
    assert!(!run.stderr.contains("s3cr"));
    let sent = run.done();
    assert_eq!((&sent["sent"], &sent["confirmed"]), (&json!(true), &json!(true)));
    let (asked, frames) = taken.recv_timeout(Duration::from_secs(10)).unwrap();
    assert_eq!(asked, "/?token=s3cr%26t%2Ftoken");
    assert_eq!(frames.len(), 1);
    let frame: Value = serde_json::from_str(&frames[0]).unwrap();
    assert_eq!(
        (&frame["type"], &frame["event"]),
        (&json!("system_event"), &json!("openclaw_message"))
    );
    assert_eq!(
        (&frame["data"]["from"], &frame["data"]["message"]),
        (&json!("alice"), &json!("Tuesday?\n\n{\"n\":1.50}"))
    );
    assert!(text(&frame["data"]["timestamp"]).ends_with('Z'));
    assert!(home.nexus(&["ping", "bob"]).done()["millis"].is_u64());
    let strict = [&send[..], &["--strict"]].concat();
    assert_eq!(home.nexus(&strict).error(), "json_unsupported");
    let many = ["send", "--to", "bob", "one", "two", "--agent-id", "alice"];
    assert_eq!(home.nexus(&many).error(), "usage");
}

#[test]
fn a_failing_gateway_is_reported_without_the_token() {
    let (url, _taken) = gateway();
    let gone = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap();
    for (url, what) in [(url, "401"), (format!("ws://{gone}"), "refused")] {
        let home = knows(&url, "wrong-token");
        for command in [&["ping", "bob"][..], &["send", "--to", "bob", "x", "--agent-id", "a"]] {
            let run = home.nexus(command);
            let all = format!("{}{}", run.json, run.stderr);
            assert!(!all.contains("wrong-token") && all.contains(what), "{all}");
            assert_eq!(run.error(), "gateway_unreachable");
        }
    }
}

#[test]
fn a_silent_gateway_times_out() {
    let silent = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = silent.local_addr().unwrap();
    // It accepts everything, and sends a byte now and then, so that no single read takes long.
    thread::spawn(move || {
        for mut stream in silent.incoming().map_while(Result::ok) {
            thread::spawn(move || {
                while stream.write_all(b"H").is_ok() {
                    thread::sleep(Duration::from_millis(300));
                }
            });
        }
    });
    let home = knows(&format!("ws://{address}"), TOKEN);
    let begun = Instant::now();
    let run = home.nexus(&["ping", "bob"]);
    assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
    assert!(["timeout", "gateway_unreachable"].contains(&run.error()), "{}", run.json);
}

/// A running receiver and its address.
fn receiver(home: &Home) -> (Listening, String) {
    let mut running = Listening::of(home.command().args(["receive", "--port", "0"]));
    let line = running.until("receiving at http://");
    let address = line.split("http://").nth(1).unwrap().split('/').next().unwrap().to_owned();
    (running, address)
}

/// Sends these bytes. Returns the status and the body of the response.
fn ask(address: &str, request: &str) -> (u16, Value) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, serde_json::from_str(body).unwrap())
}

fn post(address: &str, headers: &str, body: &str) -> (u16, Value) {
    let length = body.len();
    ask(
        address,
        &format!(
            "POST /message HTTP/1.1\r\nHost: {address}\r\n{headers}Content-Length: {length}\r\n\r\n{body}"
        ),
    )
}

fn get(address: &str, path: &str) -> (u16, Value) {
    ask(address, &format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n\r\n"))
}

#[test]
fn the_receiver_prints_and_keeps_messages() {
    let home = Home::without_url();
    let (mut running, address) = receiver(&home);
    assert!(address.starts_with("127.0.0.1:"));
    assert_eq!(get(&address, "/health"), (200, json!({"ok": true, "messages": 0})));
    let body = "{\"from\": \"bob\",\n \"message\": \"hi \\u001b\", \"n\": 1.50}";
    assert_eq!(post(&address, "", body), (200, json!({"ok": true})));
    assert_eq!(running.line(), r#"{"from":"bob","message":"hi \u001b","n":1.50}"#);
    let (status, kept) = get(&address, "/messages");
    assert_eq!(
        (status, &kept["count"], &kept["messages"][0]["from"]),
        (200, &json!(1), &json!("bob"))
    );
    for bad in ["", "{", "[1]", "\"x\"", "{} {}"] {
        let (status, answer) = post(&address, "", bad);
        assert!(status == 400 && answer["error"].is_string(), "{bad}: {answer}");
    }
    assert_eq!(get(&address, "/message").0, 405);
    assert_eq!(get(&address, "/other").0, 404);
    assert_eq!(get(&address, "/health"), (200, json!({"ok": true, "messages": 1})));
    // As people test it by hand.
    let curl = Command::new("curl")
        .args(["-sS", "-d", "{\"message\":\"by curl\"}", &format!("http://{address}/message")])
        .output()
        .unwrap();
    assert_eq!(curl.stdout, b"{\"ok\":true}");
    assert!(running.line().contains("by curl"));
    let end = running.stop("-TERM");
    assert_eq!((&end["reason"], &end["messages"]), (&json!("signal"), &json!(2)));
}

#[test]
fn the_receiver_answers_no_web_page_and_takes_no_more_than_it_can_keep() {
    let home = Home::without_url();
    let (mut running, address) = receiver(&home);
    assert_eq!(post(&address, "Origin: https://evil.example\r\n", "{}").0, 403);
    let rebound = "GET /messages HTTP/1.1\r\nHost: evil.example\r\n\r\n";
    assert_eq!(ask(&address, rebound).0, 403, "a name that was led here");
    let long = "POST /message HTTP/1.1\r\nHost: localhost\r\nContent-Length: 999999999\r\n\r\n";
    assert_eq!(ask(&address, long).0, 413);
    let chunked = "POST /message HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n";
    assert_eq!(ask(&address, chunked).0, 411);
    let head = format!("GET / HTTP/1.1\r\nX: {}", "x".repeat(20_000));
    assert_eq!(ask(&address, &head).0, 431);
    // A caller that sends nothing blocks nobody.
    let _silent = TcpStream::connect(&address).unwrap();
    assert_eq!(post(&address, "Expect: 100-continue\r\nX: y\r\n", "{\"a\":1}").0, 200);
    assert_eq!(running.line(), "{\"a\":1}");
    assert_eq!(running.stop("-TERM")["messages"], 1);
}

/// Opens a socket to a receiver, as programs do that write to gateways.
fn socket(address: &str, path: &str) -> tungstenite::WebSocket<TcpStream> {
    let stream = TcpStream::connect(address).unwrap();
    tungstenite::client(format!("ws://{address}{path}"), stream).unwrap().0
}

/// The code with which a receiver closes after this frame.
fn closed_after(address: &str, frame: Message) -> u16 {
    let mut socket = socket(address, "/?token=any");
    // It may close before it has read everything.
    let _ = socket.send(frame);
    loop {
        match socket.read() {
            Ok(Message::Close(Some(frame))) => return frame.code.into(),
            Ok(_) => {}
            Err(error) => panic!("{error}"),
        }
    }
}

#[test]
fn what_is_sent_to_a_contact_arrives_at_its_receiver() {
    let (mut running, address) = receiver(&Home::without_url());
    for (count, url) in
        [format!("ws://{address}"), format!("http://{address}/message")].iter().enumerate()
    {
        let alice = knows(url, TOKEN);
        assert_eq!(alice.nexus(&["contacts", "list"]).done()["contacts"][0]["url"], *url);
        assert!(alice.nexus(&["ping", "bob"]).done()["millis"].is_u64());
        let send = ["send", "--to", "bob", "Tuesday?", "--agent-id", "alice"];
        let sent = alice.nexus(&send).done();
        assert_eq!((&sent["confirmed"], &sent["url"]), (&json!(true), &json!(url)));
        let line: Value = serde_json::from_str(&running.line()).unwrap();
        assert_eq!((&line["from"], &line["message"]), (&json!("alice"), &json!("Tuesday?")));
        assert!(text(&line["timestamp"]).ends_with('Z'));
        assert_eq!(get(&address, "/messages").1["count"], json!(count + 1));
    }
    let long = "x".repeat(300_000);
    let input = ["send", "--to", "bob", "-", "--agent-id", "alice"];
    let refused =
        knows(&format!("ws://{address}"), TOKEN).nexus_with_input(&input, long.as_bytes());
    assert!(!refused.ok, "{}", refused.json);
    assert_eq!(running.stop("-TERM")["messages"], 2);
}

#[test]
fn a_socket_accepts_one_message_of_the_right_form() {
    let (mut running, address) = receiver(&Home::without_url());
    let right =
        r#"{"type":"system_event","event":"openclaw_message","data":{"message":"hi", "n":1.50}}"#;
    assert_eq!(closed_after(&address, Message::text(right)), 1000);
    assert_eq!(running.line(), r#"{"message":"hi","n":1.50}"#);
    assert_eq!(closed_after(&address, Message::text("hi")), 1003);
    assert_eq!(closed_after(&address, Message::binary(right)), 1003);
    // A caller that opens a socket and goes away has sent nothing.
    drop(socket(&address, "/message"));
    assert_eq!(running.stop("-TERM")["messages"], 1);
}

#[test]
fn a_web_page_opens_no_socket_and_other_paths_have_none() {
    let (_running, address) = receiver(&Home::without_url());
    let upgrade = |path: &str, host: &str, more: &str| {
        let key = "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
        format!(
            "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n{key}{more}\r\n"
        )
    };
    let page = upgrade("/?token=x", &address, "Origin: https://evil.example\r\n");
    assert_eq!(ask(&address, &page).0, 403);
    assert_eq!(ask(&address, &upgrade("/", "evil.example", "")).0, 403);
    assert_eq!(ask(&address, &upgrade("/other", &address, "")).0, 404);
    // Without an `Origin`, it opens.
    let mut stream = TcpStream::connect(&address).unwrap();
    stream.write_all(upgrade("/", &address, "").as_bytes()).unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 101");
}

#[test]
fn a_receiver_that_cannot_print_says_so_and_ends() {
    let home = Home::without_url();
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut command = home.command();
    let mut child = command.args(["receive", "--port", "0"]).stdout(full).spawn().unwrap();
    let mut said = String::new();
    let mut stderr = child.stderr.take().unwrap();
    let mut byte = [0];
    while !said.ends_with("/message\n") {
        assert_eq!(stderr.read(&mut byte).unwrap(), 1, "{said}");
        said.push(char::from(byte[0]));
    }
    let address = said.split("http://").nth(1).unwrap().split('/').next().unwrap();
    assert_eq!(post(address, "", "{}").0, 500, "it is not told `ok`");
    assert_eq!(child.wait().unwrap().code(), Some(1));
}

#[test]
fn a_port_in_use_is_reported() {
    let taken = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let run = Home::without_url().nexus(&["receive", "--port", &port]);
    assert_eq!(run.error(), "port_unavailable");
}
