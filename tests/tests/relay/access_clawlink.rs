//! Who may do what with a session in ClawLink's words: every call of the document's table, by callers of every
//! kind, in sessions of every kind.

use crate::{
    access::{Caller, Fixture, KINDS, Kind, Shown, refusal},
    needs::documented,
};
use nexus_tests::{Api, relay};

#[test]
fn every_call_of_clawlink_asks_for_what_the_document_says() {
    let relay = relay();
    let api = Api::new(&relay.url());
    let other = api.session();
    let calls = documented(include_str!("../../../docs/dialects.md"));
    let mut cells = 0;
    for kind in KINDS {
        let fixture = Fixture::new(&api, kind);
        for (need, method, path) in
            calls.iter().filter(|(_, _, path)| path.starts_with("/clawlink"))
        {
            if path.ends_with("/register") {
                continue;
            }
            for caller in fixture.callers(&other.key) {
                let named = path.ends_with(":agent");
                let in_body = method == "POST";
                if caller.agent.is_none() && (named || in_body) {
                    continue;
                }
                let trusted = caller.token.0 == Shown::Right || kind != Kind::Token;
                let no_token =
                    if caller.token.0 == Shown::Wrong { "invalid_token" } else { "missing_token" };
                let expected = match (need.as_str(), named || in_body) {
                    // It names no caller, so a key proves nothing.
                    ("Entry" | "Member", false) if !trusted => Some((401, no_token)),
                    ("Member", false) if kind == Kind::Keys => Some((401, "missing_session_key")),
                    ("Member", false) if !fixture.has_claw => Some((404, "agent_not_found")),
                    ("Entry", _) | ("Member", false) => None,
                    _ if in_body && caller.key.0 == Shown::Nothing && !trusted => {
                        Some((401, no_token))
                    }
                    _ => fixture.expected(need, &caller, path),
                };
                // An agent that is no member is not found here, and told to register. Nobody can take part in an
                // encrypted session.
                let expected = match expected {
                    _ if kind == Kind::Encrypted => Some((403, "key_required")),
                    Some((403, "forbidden")) if path.ends_with("/heartbeat") => None,
                    Some((403, "forbidden")) if named || in_body => Some((404, "agent_not_found")),
                    expected => expected,
                };
                let answer = fixture.ask(&caller, method, path);
                let mut found = refusal(&answer);
                if expected.is_none() && path.ends_with("/delegate") {
                    // Let in, and then told that there is no such assignee.
                    assert_eq!(found.take().map(|found| found.0), Some(404), "{}", answer.text());
                }
                let expected = expected.map(|(status, code)| (status, code.to_owned()));
                assert_eq!(found, expected, "{method} {path} by {caller:?} in {kind:?}");
                cells += 1;
            }
        }
    }
    assert!(cells > 250, "only {cells} cells");
}

/// How registering is refused to a caller; none if it is let in. What it takes beyond `Entry` the document says
/// under "Who calls".
fn expected_of_register(
    fixture: &Fixture,
    kind: Kind,
    caller: &Caller,
) -> Option<(u16, &'static str)> {
    let has_key = matches!(caller.agent, Some("alice" | "bob" | "BOB"));
    let is_member = has_key || fixture.has_claw && caller.agent == Some("claw");
    match (caller.key.0, caller.token.0) {
        _ if kind == Kind::Encrypted => Some((403, "key_required")),
        (Shown::Right, _) => None,
        (_, Shown::Wrong) if kind == Kind::Token => Some((401, "invalid_token")),
        (_, Shown::Nothing) if kind == Kind::Token => Some((401, "missing_token")),
        (Shown::Nothing, _) if has_key => Some((401, "missing_session_key")),
        _ if !is_member && kind == Kind::Keys => Some((401, "missing_session_key")),
        (Shown::Wrong, _) => Some((401, "invalid_session_key")),
        (Shown::Nothing, _) if is_member || kind != Kind::Link => None,
        (Shown::Nothing, _) => Some((403, "link_required")),
    }
}

#[test]
fn registering_in_clawlink_takes_the_right_to_come_in() {
    let relay = relay();
    let api = Api::new(&relay.url());
    let other = api.session();
    let path = "/clawlink/:session/register";
    let calls = documented(include_str!("../../../docs/dialects.md"));
    assert!(calls.contains(&("Entry".into(), "POST".into(), path.into())));
    for kind in KINDS {
        let fixture = Fixture::new(&api, kind);
        // The stranger comes last: who was let in is a member from then on.
        let (strangers, members): (Vec<_>, Vec<_>) = fixture
            .callers(&other.key)
            .into_iter()
            .filter(|caller| caller.agent.is_some())
            .partition(|caller| caller.agent == Some("stranger"));
        for caller in members.iter().chain(&strangers) {
            let expected = expected_of_register(&fixture, kind, caller);
            let expected = expected.map(|(status, code)| (status, code.to_owned()));
            let answer = fixture.ask(caller, "POST", path);
            assert_eq!(refusal(&answer), expected, "by {caller:?} in {kind:?}");
            let is_let_in = expected.is_none();
            assert_eq!(answer.status == 200, is_let_in, "{} by {caller:?}", answer.text());
        }
    }
}
