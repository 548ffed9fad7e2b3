//! `end`, `remove`, `revoke`, `pair-list`, `create --join link` and a shorter TTL: which requests
//! they make, and how they handle each response.

use crate::{
    fake::{Fake, Reply, header, response},
    support::{Home, guest, text},
};
use nexus_tests::relay;
use serde_json::{Value, json};
use std::fs;

const CODE: &str = "PEARL-FOCAL-S5SJV";

fn session() -> String {
    "c".repeat(48)
}

/// A server that gives the same response to every request.
fn answering(status: &str, body: &Value) -> Fake {
    Fake::answering(status, "", &body.to_string())
}

/// A machine with a seat of `alice` in the session, at this server.
fn seated(url: &str) -> Home {
    let home = Home::without_url();
    let folder = home.state().join("sessions").join(session());
    fs::create_dir_all(&folder).unwrap();
    for (name, line) in [("agent", "alice"), ("key", "a-key"), ("server", url), ("cursor", "3")] {
        fs::write(folder.join(name), format!("{line}\n")).unwrap();
    }
    home
}

/// The request line of the only request. Checks that the request has the key of the seat.
fn signed(fake: &Fake) -> String {
    let requests = fake.requests();
    assert_eq!(requests.len(), 1, "{requests:?}");
    assert_eq!(header(&requests[0], "x-agent-id").unwrap(), "alice");
    assert_eq!(header(&requests[0], "x-session-key").unwrap(), "a-key");
    requests[0].lines().next().unwrap().trim_end_matches(" HTTP/1.1").to_owned()
}

fn gone() -> Value {
    json!({ "error": "session_not_found", "message": "There is no such session; it has ended." })
}

#[test]
fn an_ended_session_is_forgotten() {
    let id = session();
    let fake = answering("200 OK", &json!({ "ok": true, "status": "ended", "sessionId": id }));
    let home = seated(&fake.url);
    home.nexus(&["alias", &id, "work"]).done();
    assert_eq!(home.nexus(&["end", "work"]).done()["status"], "ended");
    assert_eq!(signed(&fake), format!("DELETE /v1/sessions/{id}"));
    assert_eq!(home.stored(&id, "key"), None);
    assert_eq!(home.nexus(&["ls"]).done()["sessions"], json!([]));
}

#[test]
fn ending_a_session_that_is_gone_succeeds_and_cleans_up() {
    let fake = answering("404 Not Found", &gone());
    let home = seated(&fake.url);
    let run = home.nexus(&["end", &session()]);
    assert!(run.stderr.contains("had already ended"), "{}", run.stderr);
    assert_eq!(run.done()["status"], "ended");
    assert_eq!(home.stored(&session(), "key"), None);
    // Nothing is stored any more, so only the server can tell.
    let again = home.nexus(&["end", &session(), "--url", &fake.url]).done();
    assert_eq!(again["status"], "ended");
    assert!(fake.requests().last().unwrap().starts_with("GET "));
}

#[test]
fn a_session_that_was_not_ended_is_kept() {
    let refusal = json!({ "error": "forbidden", "message": "Only its creator can end a session." });
    let forbidden = answering("403 Forbidden", &refusal);
    let home = seated(&forbidden.url);
    assert_eq!(home.nexus(&["end", &session()]).error(), "forbidden");
    // Another server does not know the session.
    let other = answering("404 Not Found", &gone());
    let run = home.nexus(&["end", &session(), "--url", &other.url]);
    assert_eq!(run.error(), "session_not_found");
    // An older server does not have this call.
    let body = json!({ "error": "method_not_allowed", "message": "Use GET with this path." });
    let old = answering("405 Method Not Allowed", &body);
    let run = home.nexus(&["end", &session(), "--url", &old.url]);
    assert!(text(&run.json["message"]).contains("cannot end a session"), "{}", run.json);
    assert_eq!(run.error(), "unsupported");
    assert_eq!(home.stored(&session(), "key").unwrap(), "a-key");
    assert_eq!(Home::without_url().nexus(&["end", "nothing"]).error(), "unknown_session");
}

#[test]
fn another_member_is_removed_and_nobody_removes_itself() {
    let body = json!({ "ok": true, "status": "removed", "agentId": "eve", "message": "Removed." });
    let fake = answering("200 OK", &body);
    let home = seated(&fake.url);
    assert_eq!(home.nexus(&["remove", &session(), "alice"]).error(), "usage");
    assert_eq!(home.nexus(&["remove", &session(), "eve"]).done(), body);
    assert_eq!(signed(&fake), format!("DELETE /v1/sessions/{}/agents/eve", session()));
    let missing = json!({ "error": "agent_not_found", "message": "eve is not in this session." });
    let fake = answering("404 Not Found", &missing);
    let again = seated(&fake.url).nexus(&["remove", &session(), "eve"]).done();
    assert_eq!((&again["status"], &again["agentId"]), (&json!("removed"), &json!("eve")));
    let fake = answering("404 Not Found", &gone());
    let run = seated(&fake.url).nexus(&["remove", &session(), "eve"]);
    assert_eq!(run.error(), "session_not_found", "the session is gone, which is something else");
}

/// A server that makes one code, and gives these responses to a revocation and to a question about
/// the code.
fn with_code(revoked: (&'static str, Value), state: &'static str) -> Fake {
    Fake::new(move |_, request| {
        let made = json!({ "code": CODE, "url": format!("https://elsewhere.example/p/{CODE}") });
        Reply::Bytes(match request.split(' ').next().unwrap() {
            "PUT" => response("201 Created", "", &made.to_string()),
            "DELETE" => response(revoked.0, "", &revoked.1.to_string()),
            _ => response("200 OK", "", &json!({ "state": state }).to_string()),
        })
    })
}

#[test]
fn a_link_is_revoked_at_the_server_of_its_session() {
    let revoked = json!({ "ok": true, "state": "revoked" });
    let fake = with_code(("200 OK", revoked.clone()), "pending");
    let home = seated(&fake.url);
    let unknown = home.nexus(&["revoke", CODE]);
    assert_eq!(unknown.error(), "unknown_code");
    let link = text(&home.nexus(&["pair", &session()]).done()["url"]);
    assert_eq!(home.nexus(&["revoke", &link]).done(), revoked);
    assert_eq!(
        home.nexus(&["revoke", "OTHER-CODES-12345", "--session", &session()]).done(),
        revoked
    );
    let requests = fake.requests();
    assert!(requests[1].starts_with(&format!("DELETE /v1/pair/{CODE} ")), "{}", requests[1]);
    assert!(requests[2].starts_with("DELETE /v1/pair/OTHER-CODES-12345 "), "{}", requests[2]);
    for request in &requests[1..] {
        assert_eq!(header(request, "x-agent-id").unwrap(), "alice");
        assert_eq!(header(request, "x-session-key").unwrap(), "a-key");
    }
}

#[test]
fn a_revocation_counts_once_and_a_used_link_is_reported() {
    let used = json!({ "error": "code_expired_or_used", "message": "This code no longer works." });
    for (state, ok) in [("revoked", true), ("claimed", false)] {
        let fake = with_code(("404 Not Found", used.clone()), state);
        let run = seated(&fake.url).nexus(&["revoke", CODE, "--session", &session()]);
        assert_eq!(run.ok, ok, "{state}: {}", run.json);
        assert_eq!(run.json["error"].as_str(), (!ok).then_some("code_expired_or_used"));
    }
}

#[test]
fn the_codes_of_a_session_are_remembered_for_a_while() {
    let fake = Fake::new(|number, _| {
        let made =
            json!({ "code": format!("CODES-OTHER-{number:05}"), "url": "https://x.example" });
        Reply::Bytes(response("201 Created", "", &made.to_string()))
    });
    let home = seated(&fake.url);
    for _ in 0..51 {
        home.nexus(&["pair", &session()]).done();
    }
    let codes = home.stored(&session(), "codes").unwrap();
    assert_eq!(codes.lines().count(), 50);
    assert!(codes.starts_with("CODES-OTHER-00001") && codes.ends_with("00050"), "{codes}");
}

#[test]
fn the_links_of_a_session_are_listed_for_its_members() {
    let list = json!({ "codes": [{ "code": CODE, "expiresAt": "2026-03-01T12:00:00Z" }] });
    let fake = answering("200 OK", &list);
    assert_eq!(seated(&fake.url).nexus(&["pair-list", &session()]).done(), list);
    assert_eq!(signed(&fake), format!("GET /v1/pair?sessionId={}", session()));
}

#[test]
fn a_session_requires_links_only_on_request() {
    let created = json!({ "sessionId": session(), "sessionKey": "a-key" });
    for (arguments, join) in [(&["--join", "link"][..], json!("link")), (&[], Value::Null)] {
        let fake = answering("201 Created", &created);
        let all = [&["create", "--agent-id", "alice"], arguments].concat();
        Home::new(&fake.url).nexus(&all).done();
        let request = fake.requests().remove(0);
        let body: Value = serde_json::from_str(request.split_once("\r\n\r\n").unwrap().1).unwrap();
        assert_eq!((&body["join"], &body["creatorAgentId"]), (&join, &json!("alice")));
    }
    for wrong in ["id", "link"] {
        // Without a member, nobody could make a link.
        let run = Home::new("http://127.0.0.1:9").nexus(&["create", "--join", wrong]);
        assert_eq!(run.error(), "usage");
    }
}

#[test]
fn a_ttl_that_may_not_be_shorter_is_explained() {
    for (status, error) in
        [("403 Forbidden", "forbidden"), ("401 Unauthorized", "missing_session_key")]
    {
        let message = "POST with X-Session-Key";
        let body =
            json!({ "error": error, "message": message, "reason": "not_the_creator", "n": 1 });
        let fake = answering(status, &body);
        let run = seated(&fake.url).nexus(&["renew", &session(), "--ttl", "1"]);
        assert!(text(&run.json["message"]).contains("creator"), "{}", run.json);
        assert!(run.stderr.contains("--ttl") && !run.stderr.contains("X-Session-Key"));
        assert_eq!((run.json["n"].as_u64(), run.error()), (Some(1), error));
        let plain = seated(&fake.url).nexus(&["renew", &session()]);
        assert_eq!(plain.json, body, "without --ttl it is about something else");
    }
}

#[test]
fn the_creator_ends_a_session_removes_a_member_and_takes_back_a_link() {
    let relay = relay();
    let a = Home::new(&relay.url());
    let session =
        text(&a.nexus(&["create", "--agent-id", "a", "--join", "link"]).done()["sessionId"]);
    let stranger = Home::new(&relay.url());
    let refused = stranger.nexus(&["join", &session, "--agent-id", "eve"]);
    assert_eq!(refused.error(), "link_required");
    let b = guest(&a, &session);
    let link = text(&a.nexus(&["pair", &session]).done()["url"]);
    let list = a.nexus(&["pair-list", &session]).done();
    assert!(list.to_string().contains(link.rsplit('/').next().unwrap()), "{list}");
    for _ in 0..2 {
        assert_eq!(a.nexus(&["revoke", &link]).done()["state"], "revoked");
    }
    assert_eq!(a.nexus(&["pair-status", &link]).done()["state"], "revoked");
    let late = Home::without_url().nexus(&["claim", &link, "--agent-id", "c"]);
    assert_eq!(late.error(), "code_expired_or_used");
    assert_eq!(b.nexus(&["end", &session]).error(), "forbidden");
    for _ in 0..2 {
        assert_eq!(a.nexus(&["remove", &session, "b"]).done()["status"], "removed");
    }
    assert!(!b.nexus(&["send", &session, "still here"]).ok);
    for _ in 0..2 {
        assert_eq!(a.nexus(&["end", &session]).done()["status"], "ended");
        assert_eq!(a.stored(&session, "key"), None);
    }
    assert_eq!(b.nexus(&["poll", &session]).error(), "session_not_found");
}
