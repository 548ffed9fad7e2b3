//! What real hosts send to an MCP server, as `cargo xtask hosts --record` wrote it down: the relay answers each request
//! as the host needs it.

use nexus_tests::{Answer, Api, list, relay, string};
use serde_json::Value;
use std::{collections::BTreeSet, fs, path::Path};

const HOSTS: [&str; 5] = ["claude-code", "codex", "gemini", "openclaw", "opencode"];

/// The requests of a host.
fn recorded(host: &str) -> Vec<Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("hosts");
    let text = fs::read_to_string(folder.join(format!("{host}.json"))).unwrap();
    let file: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(file["host"], host);
    list(&file["requests"]).to_vec()
}

/// What the host says, with a seat and a link of this run.
fn body(request: &Value, seat: &str, link: &str) -> Option<String> {
    let body = &request["body"];
    let text = body.to_string().replace("{seat}", seat).replace("{link}", link);
    (!body.is_null()).then_some(text)
}

fn send(api: &Api, request: &Value, body: Option<&str>) -> Answer {
    let mut call = api.call(&string(&request["method"]), &string(&request["path"]));
    for (name, value) in request["headers"].as_object().unwrap() {
        call = call.header(name, string(value).as_bytes());
    }
    match body {
        Some(body) => call.body(body.as_bytes()).send(),
        None => call.send(),
    }
}

#[test]
fn every_request_of_a_real_host_is_answered_as_it_needs() {
    let relay = relay();
    let api = Api::new(&relay.url());
    for host in HOSTS {
        let (mut seat, mut done) = (String::new(), BTreeSet::new());
        for request in recorded(host) {
            let what = format!("{host}: {request}");
            // Each joins a session of its own: a host may have been recorded twice under one name.
            let link = format!("{}/p/{}", relay.url(), api.session().pair());
            let body = body(&request, &seat, &link);
            let answer = send(&api, &request, body.as_deref());
            assert_eq!(u64::from(answer.status), request["status"], "{what}");
            let asked = &request["body"];
            let method = asked["method"].as_str().unwrap_or_default();
            if asked["id"].is_null() {
                continue;
            }
            let answer = answer.json();
            assert_eq!(answer["id"], asked["id"], "{what}");
            let result = &answer["result"];
            assert!(result.is_object() && result["isError"] != true, "{what}: {answer}");
            let tool = asked["params"]["name"].as_str().unwrap_or_default();
            if tool == "join" {
                seat = string(&result["structuredContent"]["seat"]);
            }
            done.insert(format!("{method} {tool}"));
        }
        for needed in ["tools/list ", "tools/call join", "tools/call read", "tools/call send"] {
            assert!(done.contains(needed), "{host} was recorded without {needed}: {done:?}");
        }
        let begins = |method: &&str| done.contains(*method);
        assert!(["initialize ", "server/discover "].iter().any(begins), "{host}: {done:?}");
    }
}
