//! Many at once.

use nexus_tests::{Answer, Api, list, relay, string};
use serde_json::json;
use std::{collections::BTreeSet, sync::Barrier, thread};

/// Calls from `count` threads at the same moment.
fn all_at_once(count: usize, call: impl Fn(usize) -> Answer + Sync) -> Vec<Answer> {
    let barrier = Barrier::new(count);
    thread::scope(|scope| {
        let call = &call;
        let barrier = &barrier;
        let threads: Vec<_> = (0..count)
            .map(|number| {
                scope.spawn(move || {
                    barrier.wait();
                    call(number)
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

#[test]
fn of_200_simultaneous_claims_one_wins() {
    let relay = relay();
    let a = Api::new(&relay.url()).session();
    let code = a.api.pair(&a.session);
    let claims = all_at_once(200, |number| {
        Api::new(&relay.url())
            .post(&format!("/v1/pair/{code}/claim"))
            .agent(&format!("b{number}"))
            .send()
    });
    let (won, lost): (Vec<_>, Vec<_>) = claims.iter().partition(|answer| answer.status == 200);
    assert_eq!(won.len(), 1);
    assert!(lost.iter().all(|answer| answer.error() == (404, "code_expired_or_used".into())));
    assert_eq!(list(&a.poll("?members=true")["members"]).len(), 2);
}

#[test]
fn of_50_simultaneous_joins_ten_get_the_ten_seats() {
    let relay = relay();
    let api = Api::new(&relay.url());
    let (session, _) = api.create(&json!({ "maxAgents": 10 }));
    let joins = all_at_once(50, |number| {
        Api::new(&relay.url())
            .post(&format!("/v1/sessions/{session}/join"))
            .agent(&format!("b{number}"))
            .send()
    });
    let (seated, refused): (Vec<_>, Vec<_>) = joins.iter().partition(|answer| answer.status == 200);
    assert_eq!(seated.len(), 10);
    assert!(refused.iter().all(|answer| answer.error() == (409, "session_full".into())));
    let keys: BTreeSet<String> =
        seated.iter().map(|answer| string(&answer.json()["sessionKey"])).collect();
    assert_eq!(keys.len(), 10);
    let status = api.get(&format!("/v1/sessions/{session}")).send().json();
    assert_eq!(list(&status["agents"]).len(), 10);
}

#[test]
fn simultaneous_messages_are_each_stored_once_in_one_order() {
    let relay = relay();
    let a = Api::new(&relay.url()).session();
    let answers = all_at_once(40, |number| {
        let body = json!({ "text": (number % 20).to_string() });
        // Twenty different messages, each sent twice.
        let key = format!("k-{}", number % 20);
        a.call("POST", "/messages").idempotency_key(&key).json(&body).send()
    });
    let cursors: BTreeSet<String> =
        answers.iter().map(|answer| string(&answer.json()["cursor"])).collect();
    assert_eq!(cursors.len(), 20);
    let (texts, last) = a.read_after("0");
    assert_eq!((texts.len(), last.as_str()), (20, "20"));
}
