//! Tasks (section 9): who gets them, how they change, and who is told.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test may panic"
)]

mod support;

use nexus_core::Content;
use nexus_protocol::{
    BoardRequest, Condition, ErrorCode, GiveTask, Limits, SendMessage, Task, TaskEvent, TaskStatus,
};
use std::collections::BTreeSet;
use support::{
    Calls, agent, at, faulted, refused,
    team::{Team, news},
    text,
};

const TO_BOB: &str = r#"{"to":"bob","task":"t"}"#;

#[test]
fn a_task_completes_and_both_parties_are_told() {
    let mut team = Team::new(&["alice", "bob", "eve"]);
    let (task, _) =
        team.give(0, "alice", r#"{"to":"bob","task":"t","context":{"n":1.50}}"#).unwrap();
    for (status, extra) in [
        ("accepted", ""),
        ("in_progress", r#","progress":50"#),
        ("completed", r#","result":{"x":1.0}"#),
    ] {
        team.world.evict();
        let body = format!(r#"{{"status":"{status}"{extra}}}"#);
        assert_eq!(team.change(1, "bob", &task.id, &body).unwrap().0.status.as_str(), status);
    }
    let told: Vec<_> =
        team.news(2, "bob").into_iter().map(|(_, status, _)| status.as_str()).collect();
    assert_eq!(told, ["pending", "accepted", "in_progress", "completed"]);
    assert_eq!(team.news(2, "alice").len(), 4);
    assert_eq!(team.news(2, "eve").len(), 0);
    // Every member may read the board. It keeps payloads as they were written.
    let board = team.board(2, "eve", "");
    assert_eq!(board[0].context.as_ref().unwrap().get(), r#"{"n":1.50}"#);
    assert_eq!(board[0].result.as_ref().unwrap().get(), r#"{"x":1.0}"#);
    assert_eq!(serde_json::to_value(&board[0].progress).unwrap(), 50);
}

#[test]
fn a_message_about_a_task_is_stored_like_this() {
    let mut team = Team::new(&["alice", "bob"]);
    let (task, delivery) =
        team.give(0, "alice", r#"{"to":"bob","task":"t","deadline":60}"#).unwrap();
    let salt = task.id.as_str().strip_suffix("-3").unwrap();
    assert_eq!(
        delivery.unwrap().record.replace(salt, "SALT"),
        r#"{"id":"SALT-3","agentId":"alice","kind":"task","text":"Task for bob from alice (pending, until 2023-11-14T22:14:20.000Z): t","json":{"type":"task","event":"assigned","task":{"id":"SALT-3","from":"alice","assignee":"bob","task":"t","priority":"normal","deadline":"2023-11-14T22:14:20.000Z","status":"pending","createdAt":"2023-11-14T22:13:20.000Z","updatedAt":"2023-11-14T22:13:20.000Z","cursor":"3"}},"hint":"To tell how it goes, send POST /v1/sessions/SESSION/tasks/SALT-3 with {\"status\": \"accepted\"}, then \"in_progress\", then \"completed\" with a \"result\" (/docs, section 9).","cursor":"3","verified":true,"sentAt":"2023-11-14T22:13:20.000Z","expiresAt":"2023-11-15T20:26:40.000Z","to":["alice","bob"]}"#
    );
}

#[test]
fn only_those_concerned_may_change_a_task() {
    let mut team = Team::new(&["alice", "bob", "eve"]);
    let (task, _) = team.give(0, "alice", TO_BOB).unwrap();
    for name in ["alice", "eve"] {
        let refused = refused(team.change(1, name, &task.id, r#"{"status":"accepted"}"#));
        assert_eq!(refused, ErrorCode::Forbidden);
    }
    for (name, body) in [
        ("bob", r#"{"status":"cancelled"}"#),
        ("bob", r#"{"to":"eve"}"#),
        ("eve", r#"{"to":"eve"}"#),
    ] {
        assert_eq!(refused(team.change(1, name, &task.id, body)), ErrorCode::Forbidden);
    }
    let key = team.keys.remove(&agent("bob")).unwrap();
    let accepted = r#"{"status":"accepted"}"#;
    assert_eq!(refused(team.change(1, "bob", &task.id, accepted)), ErrorCode::MissingSessionKey);
    assert_eq!(refused(team.give(1, "bob", TO_BOB)), ErrorCode::MissingSessionKey);
    team.keys.insert(agent("bob"), key);
    let unknown = "0000000000000000-1".parse().unwrap();
    assert_eq!(refused(team.change(1, "bob", &unknown, accepted)), ErrorCode::TaskNotFound);
    // A message that is not a task.
    let bob = team.caller("bob");
    let sent = team.world.send(1, &bob, None, text("x")).unwrap();
    assert_eq!(refused(team.change(1, "bob", &sent.id, accepted)), ErrorCode::TaskNotFound);
    assert_eq!(team.board(2, "bob", "")[0].status, TaskStatus::Pending);
}

#[test]
fn a_repeated_call_changes_nothing() {
    let mut team = Team::new(&["alice", "bob"]);
    let key = "k".parse().unwrap();
    let alice = team.caller("alice");
    let who = team.world.session.with_key(at(0), &alice).unwrap();
    let mut give = || {
        let give = GiveTask::parse(TO_BOB.as_bytes(), &Limits::default()).unwrap();
        team.world.session.give_task(at(1), &who, Some(&key), give, &BTreeSet::new()).unwrap()
    };
    let (first, delivery) = give();
    let (again, nothing) = give();
    assert_eq!((first.id, delivery.is_some(), nothing.is_none()), (again.id, true, true));
    assert_eq!(team.board(2, "bob", "").len(), 1);
}

#[test]
fn a_capability_finds_who_is_online_and_least_busy() {
    let mut team = Team::new(&["alice:x", "bob:x", "carol:x", "dave:y"]);
    let mut given = || {
        let (task, _) = team.give(1, "alice", r#"{"capability":"x","task":"t"}"#).unwrap();
        (task.assignee.to_string(), task.id)
    };
    let names: Vec<_> = (0..4).map(|_| given()).collect();
    assert_eq!(
        names.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(),
        ["bob", "carol", "bob", "carol"]
    );
    team.change(1, "carol", &names[1].1, r#"{"status":"declined"}"#).unwrap();
    team.world.evict();
    let (task, _) = team.give(2, "alice", r#"{"capability":"x","task":"t"}"#).unwrap();
    assert_eq!(task.assignee.as_str(), "carol");
    // After a minute of silence, only connected members are online.
    let asked = r#"{"capability":"x","task":"t"}"#;
    assert_eq!(refused(team.give(200_000, "alice", asked)), ErrorCode::NoAgentAvailable);
    team.connected.insert(agent("carol"));
    assert_eq!(team.give(200_000, "alice", asked).unwrap().0.assignee.as_str(), "carol");
}

#[test]
fn a_deadline_makes_a_task_overdue_on_time_and_is_reported_once() {
    let mut team = Team::new(&["alice", "bob"]);
    let (task, _) = team.give(0, "alice", r#"{"to":"bob","task":"t","deadline":60}"#).unwrap();
    assert_eq!(team.world.session.next_task_at(at(1)).unwrap(), Some(at(60_000)));
    assert_eq!(team.board(59_999, "alice", "")[0].status, TaskStatus::Pending);
    assert!(team.world.session.settle_tasks(at(59_999)).unwrap().is_empty());
    assert_eq!(team.board(60_000, "alice", "status=overdue").len(), 1);
    let accepted = r#"{"status":"accepted"}"#;
    let refused = refused(team.change(60_000, "bob", &task.id, accepted));
    assert_eq!(refused, ErrorCode::IllegalTransition);
    assert_eq!(team.world.session.settle_tasks(at(61_000)).unwrap().len(), 1);
    team.world.evict();
    assert!(team.world.session.settle_tasks(at(62_000)).unwrap().is_empty());
    assert_eq!(team.world.session.next_task_at(at(62_000)).unwrap(), None);
    // A late result is accepted.
    team.change(63_000, "bob", &task.id, r#"{"status":"completed","result":1}"#).unwrap();
    let told: Vec<_> = team.news(64_000, "bob").into_iter().map(|news| news.1.as_str()).collect();
    assert_eq!(told, ["pending", "overdue", "completed"]);
}

#[test]
fn tasks_of_a_member_that_leaves_go_back_to_the_asker() {
    let mut team = Team::new(&["alice", "bob", "carol"]);
    let (task, _) = team.give(0, "alice", TO_BOB).unwrap();
    team.change(1, "bob", &task.id, r#"{"status":"accepted"}"#).unwrap();
    let bob = team.caller("bob");
    team.world.session.leaves(at(2), &bob).unwrap();
    // The board shows it at once. The message follows as soon as it can be stored.
    let back = &team.board(2, "alice", "assignee=alice")[0];
    assert_eq!((back.status, back.assignee.as_str()), (TaskStatus::Pending, "alice"));
    team.world.database.fail_after(0);
    assert!(faulted(&team.world.session.settle_tasks(at(3))));
    team.world.database.heal();
    assert_eq!(team.world.session.settle_tasks(at(4)).unwrap().len(), 1);
    let last = team.news(5, "alice").pop().unwrap();
    assert_eq!(last, (TaskEvent::Returned, TaskStatus::Pending, "alice".to_owned()));
    // A later agent of the same name gets none of the tasks.
    team.join(6, "bob", "");
    assert!(team.board(6, "bob", "assignee=bob").is_empty());
    assert!(team.news(6, "bob").is_empty());
    let (task, _) = team.change(7, "alice", &task.id, r#"{"to":"carol"}"#).unwrap();
    assert_eq!((task.status, task.assignee.as_str()), (TaskStatus::Pending, "carol"));
    // The asker leaves, so nobody needs the result any more.
    let alice = team.caller("alice");
    team.world.session.leaves(at(8), &alice).unwrap();
    team.world.session.settle_tasks(at(8)).unwrap();
    assert_eq!(team.news(9, "carol").pop().unwrap().1, TaskStatus::Cancelled);
}

#[test]
fn tasks_of_a_silent_member_go_back_to_the_asker() {
    let limits = Limits { agent_inactivity: 100, ..Limits::default() };
    let mut team = Team::with_limits(&["alice", "bob"], limits);
    team.give(0, "alice", TO_BOB).unwrap();
    let at_last = team.world.session.next_task_at(at(0)).unwrap().unwrap();
    assert_eq!(at_last, at(100_001));
    let alice = team.caller("alice");
    team.world.poll(90_000, &alice, Some("9")).unwrap();
    assert!(team.world.session.settle_tasks(at(100_000)).unwrap().is_empty());
    let told = team.world.session.settle_tasks(at_last).unwrap();
    assert_eq!(
        news(&told[0].message),
        (TaskEvent::Returned, TaskStatus::Pending, "alice".to_owned())
    );
}

#[test]
fn the_board_is_filtered_and_paged() {
    let mut team = Team::new(&["alice", "bob", "carol"]);
    for number in 0..5 {
        let to = if number % 2 == 0 { "bob" } else { "carol" };
        team.give(0, "alice", &format!(r#"{{"to":"{to}","task":"{number}"}}"#)).unwrap();
    }
    team.give(0, "bob", r#"{"to":"bob","task":"own"}"#).unwrap();
    let first = team.board(1, "alice", "")[0].id.clone();
    team.change(1, "bob", &first, r#"{"status":"declined"}"#).unwrap();
    let names = |tasks: Vec<Task>| tasks.into_iter().map(|task| task.task).collect::<Vec<_>>();
    assert_eq!(names(team.board(1, "carol", "assignee=bob&status=open")), ["2", "4", "own"]);
    assert_eq!(names(team.board(1, "carol", "from=bob")), ["own"]);
    assert_eq!(names(team.board(1, "carol", "status=declined")), ["0"]);
    let alice = team.caller("alice");
    let who = team.world.session.as_member(at(1), &alice).unwrap();
    let (mut after, mut read) = (String::new(), Vec::new());
    loop {
        let request = BoardRequest::parse(&format!("limit=2&after={after}")).unwrap();
        let page = team.world.session.board(at(1), &who, &request).unwrap();
        read.extend(names(page.tasks));
        after = page.next_after.unwrap().to_string();
        if !page.has_more {
            break;
        }
    }
    assert_eq!(read, ["0", "1", "2", "3", "4", "own"]);
}

#[test]
fn a_page_of_the_board_ends_at_a_mebibyte() {
    let mut team = Team::new(&["alice", "bob"]);
    let body = format!(r#"{{"to":"bob","task":"{}"}}"#, "x".repeat(60_000));
    for _ in 0..20 {
        team.give(0, "alice", &body).unwrap();
    }
    assert_eq!(team.board(1, "bob", "limit=500").len(), 18);
}

#[test]
fn a_session_without_tasks_needs_no_index_and_a_change_is_one_row() {
    let mut team = Team::new(&["alice", "bob"]);
    team.board(1, "alice", "");
    team.world.session.settle_tasks(at(1)).unwrap();
    assert!(!team.world.database.tables().contains(&"log_task".to_owned()));
    let (task, _) = team.give(1, "alice", TO_BOB).unwrap();
    team.world.database.writes();
    team.change(1, "bob", &task.id, r#"{"status":"accepted"}"#).unwrap();
    let writes = team.world.database.writes();
    let inserts: Vec<_> = writes.iter().filter(|sql| sql.starts_with("INSERT")).collect();
    assert_eq!((writes.len(), inserts.len()), (2, 1), "{writes:?}");
    for sql in team.world.database.statements() {
        assert!(
            !team.world.database.plan(sql).iter().any(|step| step.starts_with("SCAN")),
            "{sql}"
        );
    }
}

#[test]
fn in_a_full_session_tasks_can_still_be_ended() {
    let limits = Limits { max_session_messages: 3, ..Limits::default() };
    let mut team = Team::with_limits(&["alice", "bob"], limits);
    let ids: Vec<_> = (0..3).map(|_| team.give(0, "alice", TO_BOB).unwrap().0.id).collect();
    assert_eq!(refused(team.give(0, "alice", TO_BOB)), ErrorCode::LogFull);
    for id in &ids {
        team.change(1, "bob", id, r#"{"status":"declined"}"#).unwrap();
    }
    assert!(team.board(2, "bob", "status=open").is_empty());
}

#[test]
fn an_idempotency_key_is_separate_for_each_kind_of_call() {
    let mut team = Team::new(&["alice", "bob"]);
    let key = "k".parse().unwrap();
    let who = team.world.session.with_key(at(0), &team.caller("alice")).unwrap();
    let message = SendMessage { text: Some("x".to_owned()), ..SendMessage::default() };
    let session = &mut team.world.session;
    session.send(at(0), &who, Some(&key), message).unwrap();
    for _ in 0..2 {
        let give = GiveTask::parse(TO_BOB.as_bytes(), &Limits::default()).unwrap();
        let given = session.give_task(at(0), &who, Some(&key), give, &team.connected).unwrap();
        assert_eq!(given.0.cursor.to_string(), "4");
        let file = Content { content_type: "text/plain".to_owned(), bytes: vec![1] };
        let name = "f".parse().unwrap();
        let saved = session.put_file(at(0), &who, Some(&key), &name, &Condition::None, file);
        assert_eq!(saved.unwrap().file.cursor.to_string(), "5");
    }
}
