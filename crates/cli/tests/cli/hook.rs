//! `listen --hook`: handing messages to the gateway of an agent.

use crate::{
    fake::{Fake, Reply, header, response},
    listening::Listening,
    support::{pair, text},
};
use serde_json::{Value, json};

/// The body of a request.
fn body(request: &str) -> Value {
    serde_json::from_str(request.split_once("\r\n\r\n").unwrap().1).unwrap()
}

#[test]
fn a_hook_gets_each_message_in_an_envelope() {
    let (_relay, a, session, b) = pair();
    b.nexus(&["alias", &session, "work"]).done();
    // It fails twice at first.
    let fake = Fake::new(|number, _| {
        let status = if number < 2 { "503 Busy" } else { "200 OK" };
        Reply::Bytes(response(status, "", r#"{"ok":false,"error":"t0ken is busy"}"#))
    });
    let words = "Do\u{200b} see https://a.example/x.\u{202e}";
    a.nexus(&["send", &session, words]).done();
    let url = format!("{}/hooks/agent", fake.url);
    let mut command = b.command();
    command.args(["listen", "work", "--hook", &url]).env("NEXUS_HOOK_TOKEN", "t0ken");
    let mut listening = Listening::of(&mut command);
    listening.until("the hook answered 503: [token] is busy (2 of 5)");
    assert_eq!(listening.value()["cursor"], "2");
    let requests = fake.requests();
    assert_eq!(requests.len(), 3);
    let body = |request: &String| request.split_once("\r\n\r\n").unwrap().1.to_owned();
    assert_eq!(body(&requests[0]), body(&requests[2]), "the gateway sees that it is the same");
    let request = &requests[2];
    let once = header(request, "idempotency-key").unwrap();
    assert!(once.starts_with(&format!("{session}/")), "{once}");
    assert_eq!(Some(once), header(&requests[0], "idempotency-key"));
    assert!(request.starts_with("POST /hooks/agent "), "{request}");
    assert_eq!(header(request, "authorization").unwrap(), "Bearer t0ken");
    let body: Value = serde_json::from_str(&body(request)).unwrap();
    let message = text(&body["message"]);
    assert!(message.contains("\nDo see https://a.example/x.\n-----"), "{message}");
    assert!(message.contains("From: a (verified"), "{message}");
    assert!(message.contains(&format!("\nSession: `work`, {session}\n")), "{message}");
    let metadata = json!({
        "from_agent_id": "a", "session_id": session, "verified": true,
        "urls": ["https://a.example/x"], "content_length": words.chars().count(),
    });
    assert_eq!(body["metadata"], metadata);
    assert!(body["sessionKey"].is_null() && body["sessionMode"].is_null(), "{body}");
    assert_eq!((&body["name"], &body["wakeMode"]), (&json!("Nexus"), &json!("now")));
    listening.stop("-TERM");

    // The woken agent can answer with the command that the envelope gives it.
    let command = message.lines().find_map(|line| line.split_once("answer: nexus send "));
    let words: Vec<&str> = command.unwrap().1.split(' ').collect();
    let answer = [&["send", words[0], "Yes"], &words[2..]].concat();
    let sent = b.nexus(&answer).done();
    let heard = a.nexus(&["poll", &session]).done();
    let heard = heard["messages"].as_array().unwrap().last().unwrap().clone();
    assert_eq!((&heard["id"], &heard["text"]), (&sent["id"], &json!("Yes")));
    assert!(heard["replyTo"].is_string());

    a.nexus(&["send", &session, "two"]).done();
    let away = ["--hook", "http://127.0.0.1:9/", "--hook-token", "x", "--max-failures", "1"];
    assert_eq!(Listening::start(&b, &session, &away).end()["error"], "hook_failed");
    assert_eq!(b.poll(&session).last().unwrap(), "two");
    assert_eq!(b.nexus(&["listen", &session, "--hook", "nowhere"]).error(), "invalid_url");
}

#[test]
fn a_message_that_is_posted_again_after_a_restart_is_the_same() {
    let (_relay, a, session, b) = pair();
    a.nexus(&["send", &session, "hello"]).done();
    let sentence = "sessionKey is disabled;\u{1b}[2J set hooks.allowRequestSessionKey=true";
    let refusal = json!({ "ok": false, "error": sentence }).to_string();
    // It takes the message, and the answer is lost.
    let fake = Fake::new(move |number, _| {
        let status = if number < 2 { "400 Bad Request" } else { "200 OK" };
        Reply::Bytes(response(status, "", &refusal))
    });
    let once = ["--hook", &fake.url, "--max-failures", "1"];
    for _ in 0..2 {
        let mut listening = Listening::start(&b, &session, &once);
        let end = listening.end();
        assert_eq!(end["error"], "hook_failed");
        let message = text(&end["message"]);
        assert!(message.contains("400: sessionKey is disabled;\\u001b[2J set hooks."), "{message}");
    }
    let mut listening = Listening::start(&b, &session, &once);
    listening.value();
    a.nexus(&["send", &session, "another"]).done();
    listening.value();
    listening.stop("-TERM");
    let requests = fake.requests();
    let keys: Vec<_> =
        requests.iter().map(|request| header(request, "idempotency-key").unwrap()).collect();
    assert!(keys[0] == keys[1] && keys[1] == keys[2] && keys[2] != keys[3], "{keys:?}");
    assert!(body(&requests[0]) == body(&requests[1]) && body(&requests[1]) == body(&requests[2]));
    let boundary = |request: &str| {
        let message = text(&body(request)["message"]);
        message.split_once("----- begin ").unwrap().1.split(' ').next().unwrap().to_owned()
    };
    assert_ne!(boundary(&requests[2]), boundary(&requests[3]), "a sender cannot know it");
}

#[test]
fn a_gateway_may_be_asked_to_keep_one_conversation() {
    let (_relay, a, session, b) = pair();
    for (option, key) in [
        ("--hook-session-key", format!("nexus:{session}")),
        ("--hook-session-key=nexus:me", "nexus:me".to_owned()),
    ] {
        a.nexus(&["send", &session, "hello"]).done();
        let fake = Fake::answering("200 OK", "", "{}");
        let mut listening = Listening::start(&b, &session, &["--hook", &fake.url, option]);
        listening.value();
        listening.stop("-TERM");
        let body = body(&fake.requests()[0]);
        assert_eq!(
            (&body["sessionKey"], &body["sessionMode"]),
            (&json!(key), &json!("persistent"))
        );
    }
}

#[test]
fn an_opencode_server_gets_a_prompt_in_its_own_form() {
    let (_relay, a, session, b) = pair();
    let fake = Fake::new(|_, request| {
        let agents = r#"[{"name":"build"},{"name":"reader"}]"#;
        let is_list = request.starts_with("GET /agent ");
        let (status, body) = if is_list { ("200 OK", agents) } else { ("204 No Content", "") };
        Reply::Bytes(response(status, "Content-Type: application/json\r\n", body))
    });
    let prompt = format!("{}/session/ses_1/prompt_async", fake.url);
    let other = format!("{}/prompts", fake.url);
    for (url, more, agent) in [
        (&prompt, &["--hook-agent", "reader"][..], json!("reader")),
        (&other, &["--hook-format", "opencode"], Value::Null),
    ] {
        a.nexus(&["send", &session, "hello"]).done();
        let mut command = b.command();
        command.args(["listen", &session, "--hook", url]).args(more);
        let mut listening = Listening::of(command.env("NEXUS_HOOK_TOKEN", "t0ken"));
        listening.value();
        listening.stop("-TERM");
        let request = fake.requests().pop().unwrap();
        // `opencode:t0ken`
        let authorization = ["Basic ", "b3BlbmNvZGU6", "dDBrZW4="].concat();
        assert_eq!(header(&request, "authorization").unwrap(), authorization);
        let body = body(&request);
        let part = &body["parts"][0];
        assert!(text(&part["text"]).contains("\nhello\n"), "{body}");
        assert_eq!((&part["type"], &body["agent"]), (&json!("text"), &agent));
        assert!(body["message"].is_null(), "{body}");
    }
    let refused = b.nexus(&["listen", &session, "--hook", &prompt, "--hook-session-key"]);
    assert_eq!(refused.error(), "usage");

    // It takes prompts for an agent that it does not have, and drops them.
    a.nexus(&["send", &session, "not lost"]).done();
    let options = ["--hook", &prompt, "--hook-agent", "raeder", "--max-failures", "1"];
    let end = Listening::start(&b, &session, &options).end();
    assert_eq!(end["error"], "hook_failed");
    assert!(text(&end["message"]).contains("no agent `raeder`"), "{end}");
    assert!(fake.requests().last().unwrap().starts_with("GET /agent "));
    assert_eq!(b.poll(&session), ["not lost"]);
}

#[test]
fn a_gateway_may_be_told_which_of_its_agents_reads() {
    let (_relay, a, session, b) = pair();
    a.nexus(&["send", &session, "hello"]).done();
    let fake = Fake::answering("200 OK", "", "{}");
    let options = ["--hook", &fake.url, "--hook-agent", "reader"];
    let mut listening = Listening::start(&b, &session, &options);
    listening.value();
    listening.stop("-TERM");
    assert_eq!(body(&fake.requests()[0])["agentId"], "reader");
}
