//! Webhooks, against receivers on this machine.

use nexus_tests::{Api, Member, Relay, eventually, string};
use serde_json::{Value, json};
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpListener,
    sync::{Arc, Mutex},
    thread,
};

/// A server that answers the posts that it gets with these statuses, and 200 when there are no more;
/// 0 is no answer at all.
struct Receiver {
    url: String,
    posts: Arc<Mutex<Vec<(String, Value)>>>,
}

impl Receiver {
    fn start(statuses: &[u16]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let posts = Arc::new(Mutex::new(Vec::new()));
        let (statuses, seen) = (statuses.to_vec(), Arc::clone(&posts));
        // Ends with the test's process.
        thread::spawn(move || {
            let (mut statuses, mut held) = (statuses.into_iter(), Vec::new());
            for stream in listener.incoming().map_while(Result::ok) {
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                let (mut signature, mut length) = (String::new(), 0);
                let mut line = String::new();
                while reader.read_line(&mut line).unwrap_or(0) > 2 {
                    let (name, value) = line.trim().split_once(": ").unwrap_or_default();
                    match name.to_ascii_lowercase().as_str() {
                        "x-nexus-signature" => value.clone_into(&mut signature),
                        "content-length" => length = value.parse().unwrap(),
                        _ => {}
                    }
                    line.clear();
                }
                let mut body = vec![0; length];
                reader.read_exact(&mut body).unwrap();
                seen.lock().unwrap().push((signature, serde_json::from_slice(&body).unwrap()));
                let status = statuses.next().unwrap_or(200);
                if status == 0 {
                    held.push(stream);
                } else {
                    let mut stream = stream;
                    let head =
                        "Content-Length: 0\r\nConnection: close\r\nLocation: http://127.0.0.1:9/";
                    let _ = write!(stream, "HTTP/1.1 {status} Status\r\n{head}\r\n\r\n");
                }
            }
        });
        Self { url, posts }
    }

    fn texts(&self) -> Vec<String> {
        self.posts.lock().unwrap().iter().map(|(_, body)| string(&body["text"])).collect()
    }
}

fn set(member: &Member, url: &str) -> Value {
    let body = json!({ "url": url, "secret": "a secret of sixteen" });
    let answer = member.call("PUT", "/webhook").json(&body).send();
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

fn relay() -> Relay {
    Relay::builder().var("ALLOW_PRIVATE_WEBHOOKS", "on").start().unwrap()
}

#[test]
fn messages_are_posted_signed_and_in_order_and_a_dead_receiver_delays_nobody() {
    let relay = relay();
    let a = Api::new(&relay.url()).session();
    let (b, c, d) = (a.join("b"), a.join("c"), a.join("d"));
    let (good, hanging) = (Receiver::start(&[]), Receiver::start(&[0]));
    assert_eq!(set(&b, &good.url)["state"], "active");
    set(&c, &hanging.url);
    set(&d, "http://127.0.0.1:1/");
    let texts: Vec<String> = (0..10).map(|number| number.to_string()).collect();
    for text in &texts {
        a.send(text);
    }
    eventually("the good receiver has them all", || good.texts() == texts);
    assert_eq!(hanging.texts(), ["0"], "one at a time");
    let posts = good.posts.lock().unwrap();
    let (signature, body) = &posts[0];
    assert_eq!(body["sessionId"], a.session.as_str());
    assert_eq!((&body["type"], &body["agentId"]), (&json!("message"), &json!("a")));
    assert!(signature.starts_with("sha256=") && signature.len() == 7 + 64);
    drop(posts);
    eventually("the dead one is visible to its owner", || {
        let status = d.call("GET", "/webhook").send().json();
        status["state"] == "retrying" && status["lastError"] == "no connection"
    });
}

#[test]
fn a_failed_post_is_repeated_after_a_restart_too() {
    let mut relay = relay();
    let a = Api::new(&relay.url()).session();
    let b = a.join("b");
    // A redirect is a failure: it is not followed.
    let receiver = Receiver::start(&[302]);
    set(&b, &receiver.url);
    a.send("one");
    eventually("it failed once", || receiver.texts().len() == 1);
    eventually("which is stored", || {
        b.call("GET", "/webhook").send().json()["lastError"] == "HTTP 302"
    });
    relay.restart().unwrap();
    eventually("it is repeated", || receiver.texts() == ["one", "one"]);
    a.send("two");
    eventually("and goes on", || receiver.texts() == ["one", "one", "two"]);
    assert_eq!(b.call("DELETE", "/webhook").send().json(), json!({ "ok": true }));
    assert_eq!(b.call("GET", "/webhook").send().error(), (404, "webhook_not_found".into()));
}

#[test]
fn a_webhook_leads_nowhere_private() {
    let relay = nexus_tests::relay();
    let a = Api::new(&relay.url()).session();
    for url in [
        "http://example.com/",
        "https://127.0.0.1/",
        "https://localhost/",
        "https://10.0.0.1/",
        "https://[::1]/",
        "nonsense",
    ] {
        let body = json!({ "url": url, "secret": "a secret of sixteen" });
        let refused = a.call("PUT", "/webhook").json(&body).send();
        assert_eq!(refused.error(), (400, "invalid_request".into()), "{url}");
        assert_eq!(refused.json()["details"][0]["path"], "url");
    }
    let path = format!("/v1/sessions/{}/webhook", a.session);
    assert_eq!(a.api.get(&path).agent("a").send().error(), (401, "missing_session_key".into()));
    assert_eq!(a.call("GET", "/webhook").send().error(), (404, "webhook_not_found".into()));
}
