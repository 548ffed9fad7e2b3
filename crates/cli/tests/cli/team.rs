//! Teams: profiles, tasks, files, and programs that work.

use crate::{
    listening::Listening,
    support::{Home, guest, text},
};
use nexus_tests::{Relay, eventually, list, relay};
use serde_json::{Value, json};
use std::{collections::BTreeMap, fs, process::Stdio};

/// A machine with an agent of this name that joins the session.
fn member(relay: &Relay, session: &str, agent: &str) -> Home {
    let home = Home::new(&relay.url());
    home.nexus(&["join", session, "--agent-id", agent]).done();
    home
}

#[test]
fn members_say_what_they_can_do() {
    let relay = relay();
    let a = Home::new(&relay.url());
    let created = a.nexus(&["create", "--creator-agent-id", "a", "--name", "Alice"]).done();
    let session = &text(&created["sessionId"]);
    let b = Home::without_url();
    let link = text(&a.nexus(&["pair", session]).done()["url"]);
    let claim = ["claim", &link, "--agent-id", "b", "--capability", "x,y", "--machine", "lab"];
    b.nexus(&claim).done();
    let found = a.nexus(&["discover", session]).done();
    assert_eq!(found["agents"][0]["name"], "Alice");
    assert_eq!(found["agents"][1]["capabilities"], json!(["x", "y"]));
    let changed = b.nexus(&["profile", session, "--capability", "code review"]).done();
    assert_eq!((&changed["machine"], &changed["presence"]), (&json!("lab"), &json!("online")));
    let able = |word: &str| a.nexus(&["discover", session, "--capability", word]).done();
    assert_eq!(list(&able("code review")["agents"]).len(), 1);
    assert_eq!(list(&able("x")["agents"]).len(), 0);
    assert_eq!(b.nexus(&["profile", session]).error(), "usage");
    assert_eq!(b.nexus(&["profile", session, "--name", ""]).error(), "invalid_request");
}

#[test]
fn a_token_lets_in_and_its_members_may_invite() {
    let relay = relay();
    let a = Home::new(&relay.url());
    let create = ["create", "--creator-agent-id", "a", "--token", "let-me-in", "--ttl", "2000000"];
    let session = &text(&a.nexus(&create).done()["sessionId"]);
    let b = Home::new(&relay.url());
    let join = ["join", session, "--agent-id", "b"];
    assert_eq!(b.nexus(&join).error(), "missing_token");
    assert_eq!(b.nexus(&[&join[..], &["--token", "let-me-out"]].concat()).error(), "invalid_token");
    assert_eq!(b.nexus(&[&join[..], &["--token", "short"]].concat()).error(), "usage");
    let output = b.command().args(join).env("NEXUS_TOKEN", "let-me-in").output().unwrap();
    crate::support::Run::of(output).done();
    // A member no longer needs the token, neither to join again nor to make a link.
    b.nexus(&join).done();
    a.nexus(&["pair", session]).done();
    assert_eq!(Home::new(&relay.url()).nexus(&["pair", session]).error(), "missing_token");
}

#[test]
fn a_task_is_given_taken_on_and_done() {
    let relay = relay();
    let a = Home::new(&relay.url());
    let session = &a.create("a");
    let b = guest(&a, session);
    let give = [
        "delegate",
        session,
        "--to",
        "b",
        "say hello",
        "--context",
        "{\"n\":1}",
        "--deadline",
        "1h",
    ];
    let task = a.nexus(&[&give[..], &["--priority", "high"]].concat()).done();
    assert_eq!((&task["status"], &task["priority"]), (&json!("pending"), &json!("high")));
    let id = &text(&task["id"]);
    let mine = b.nexus(&["tasks", session, "--mine", "--status", "open"]).done();
    assert_eq!(mine["tasks"][0]["context"], json!({ "n": 1 }));
    assert_eq!(b.nexus(&["accept", id]).done()["status"], "accepted");
    assert_eq!(b.nexus(&["progress", id, "50%"]).done()["progress"], 50);
    assert_eq!(b.nexus(&["progress", id, "nearly"]).done()["progress"], "nearly");
    let done = b.nexus(&["done", id, "--result", "{\"said\":\"hello\"}"]).done();
    assert_eq!(done["result"], json!({ "said": "hello" }));
    assert_eq!(b.nexus(&["fail", id]).error(), "illegal_transition");
    assert_eq!(a.nexus(&["cancel", id]).error(), "illegal_transition");
    // Skipped statuses are reported on the way.
    let given = |task: &str| text(&a.nexus(&["delegate", session, "--to", "b", task]).done()["id"]);
    let (second, third) = (given("2"), given("3"));
    assert_eq!(b.nexus(&["done", &second, "--result", "words"]).done()["result"], "words");
    let reassigned = a.nexus(&["reassign", &third, "--to", "a"]).done();
    assert_eq!(reassigned["assignee"], "a");
    assert_eq!(b.nexus(&["decline", &third]).error(), "forbidden");
    assert_eq!(a.nexus(&["cancel", &third, "--session", session]).done()["status"], "cancelled");
    // Changes that are not possible.
    assert_eq!(b.nexus(&["done", "0000000000000000-1"]).error(), "unknown_task");
    assert_eq!(a.nexus(&["delegate", session, "x"]).error(), "usage");
    assert_eq!(
        a.nexus(&["delegate", session, "--capability", "fly", "x"]).error(),
        "no_agent_available"
    );
    let wrong = a.nexus(&["delegate", session, "--to", "b", "x", "--context", "{"]);
    assert_eq!(wrong.error(), "invalid_json");
    assert_eq!(
        a.nexus(&["delegate", session, "--to", "b", "x", "--deadline", "soon"]).error(),
        "usage"
    );
}

#[test]
fn tasks_are_watched() {
    let relay = relay();
    let a = Home::new(&relay.url());
    let session = &a.create("a");
    let b = guest(&a, session);
    let task = a.nexus(&["delegate", session, "--to", "b", "x"]).done();
    let mut watching = Listening::of(b.command().args(["tasks", session, "--watch"]));
    assert_eq!(watching.value()["status"], "pending");
    a.nexus(&["cancel", &text(&task["id"])]).done();
    assert_eq!(watching.value()["status"], "cancelled");
    assert_eq!(watching.stop("-TERM")["reason"], "signal");
}

#[test]
fn broadcasts_are_chosen_by_topic_and_tag_and_the_cursor_stays() {
    let relay = relay();
    let a = Home::new(&relay.url());
    let session = &a.create("a");
    let b = guest(&a, session);
    let say = |text: &str, more: &[&str]| {
        a.nexus(&[&["broadcast", session, text], more].concat()).done();
    };
    say("1", &["--topic", "build status", "--tags", "ci,main"]);
    say("2", &[]);
    let poll = |more: &[&str]| {
        crate::support::texts(&b.nexus(&[&["poll", session], more].concat()).done())
    };
    assert_eq!(poll(&["--topic", "build status"]), ["1"]);
    assert_eq!(poll(&["--tags", "main,other"]), ["1"]);
    assert_eq!(poll(&["--topic", "general"]), ["2"]);
    assert_eq!(poll(&[]), ["1", "2"]);
    assert_eq!(poll(&[]), Vec::<String>::new());
}

#[test]
fn files_are_stored_and_read_back() {
    let relay = relay();
    let a = Home::new(&relay.url());
    let session = &a.create("a");
    let b = guest(&a, session);
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let bytes: Vec<u8> = (0..1_048_576_u32).map(|at| at.to_le_bytes()[at as usize % 3]).collect();
    fs::write(path("big"), &bytes).unwrap();
    let put = a.nexus(&["file-put", session, "docs/big one.bin", &path("big")]).done();
    assert_eq!((&put["version"], &put["size"]), (&json!(1), &json!(1_048_576)));
    let get = ["file-get", session, "docs/big one.bin"];
    let got = b.nexus(&[&get[..], &["--output", &path("copy")]].concat()).done();
    assert_eq!(got["version"], 1);
    assert_eq!(fs::read(path("copy")).unwrap(), bytes);
    let printed = b.command().args(get).output().unwrap();
    assert_eq!(printed.stdout, bytes);
    // An edit of an outdated version is refused.
    let plan = ["file-put", session, "plan.md", "-"];
    let edit = |home: &Home, text: &str, more: &[&str]| {
        home.nexus_with_input(&[&plan[..], more].concat(), text.as_bytes())
    };
    assert_eq!(
        edit(&a, "one", &["--if-version", "0"]).done()["contentType"],
        "text/markdown; charset=utf-8"
    );
    assert_eq!(edit(&b, "two", &["--if-version", "1"]).done()["version"], 2);
    let conflict = edit(&a, "three", &["--if-version", "1"]);
    assert_eq!((conflict.error(), &conflict.json["version"]), ("version_conflict", &json!(2)));
    let old =
        b.command().args(["file-get", session, "plan.md", "--version", "1"]).output().unwrap();
    assert_eq!(old.stdout, b"one");
    let listed = b.nexus(&["file-list", session, "--prefix", "pl"]).done();
    assert_eq!((list(&listed["files"]).len(), &listed["files"][0]["editor"]), (1, &json!("b")));
    assert_eq!(
        a.nexus(&["file-rm", session, "plan.md", "--if-version", "1"]).error(),
        "version_conflict"
    );
    assert_eq!(a.nexus(&["file-rm", session, "plan.md"]).done()["version"], 3);
    assert_eq!(a.nexus(&["file-rm", session, "plan.md"]).done()["ok"], true, "repeated");
    assert_eq!(
        b.nexus(&["file-get", session, "plan.md", "--output", &path("x")]).error(),
        "file_not_found"
    );
    assert!(!fs::exists(path("x")).unwrap());
    assert_eq!(a.nexus(&["file-put", session, "x", &path("nothing")]).error(), "file_unavailable");
    assert_eq!(a.nexus(&["file-put", session, "../x", &path("big")]).error(), "usage");
}

/// A worker that runs this script.
fn work(home: &Home, session: &str, script: &str, more: &[&str]) -> Listening {
    let all = [&["work", session, "--capability", "x", "--exec", script], more].concat();
    Listening::of(home.command().args(all))
}

#[test]
fn a_program_does_tasks() {
    let relay = relay();
    let a = Home::new(&relay.url());
    let session = &a.create("a");
    let b = member(&relay, session, "b");
    let script = "read task; case $task in \
        env) echo \"[\\\"$NEXUS_TASK_FROM\\\",$NEXUS_TASK_CONTEXT,\\\"$NEXUS_TASK_PRIORITY\\\"]\";; \
        long) head -c 70000 /dev/zero | tr '\\0' x;; \
        bad) echo why >&2; exit 3;; \
        *) echo \"did $task\";; esac";
    // A task that was given before there was a worker.
    a.nexus(&["delegate", session, "--to", "b", "early"]).done();
    let mut worker = work(&b, session, script, &[]);
    assert_eq!(worker.value()["status"], "completed");
    assert_eq!(
        b.nexus(&["work", session, "--capability", "x", "--exec", "true"]).error(),
        "already_running"
    );
    let task = |task: &str, more: &[&str]| {
        let give = ["delegate", session, "--capability", "x", task];
        text(&a.nexus(&[&give[..], more].concat()).done()["id"])
    };
    let ids = [
        task("easy", &[]),
        task("env", &["--context", "{\"n\":1}", "--priority", "urgent"]),
        task("bad", &[]),
        task("long", &[]),
    ];
    let ended = ids.each_ref().map(|_| worker.value());
    let ended = ended.map(|line| (text(&line["task"]), text(&line["status"])));
    let expected = ["completed", "completed", "failed", "failed"];
    assert_eq!(
        ended.to_vec(),
        ids.iter().cloned().zip(expected.map(str::to_owned)).collect::<Vec<_>>()
    );
    let board = a.nexus(&["tasks", session]).done();
    let results: Vec<&Value> = list(&board["tasks"]).iter().map(|task| &task["result"]).collect();
    assert_eq!(
        results[..3],
        [&json!("did early"), &json!("did easy"), &json!(["a", { "n": 1 }, "urgent"])]
    );
    assert_eq!(results[3]["stderr"], "why");
    assert!(results[4]["error"].as_str().unwrap().contains("70000 bytes"));
    let last = worker.stop("-TERM");
    assert_eq!(
        (&last["reason"], &last["completed"], &last["failed"]),
        (&json!("signal"), &json!(3), &json!(2))
    );
}

#[test]
fn an_agent_does_a_task_that_it_gave_itself() {
    let relay = relay();
    let a = Home::new(&relay.url());
    let session = a.create("a");
    let mut worker = work(&a, &session, "cat", &[]);
    worker.until("listening over");
    // The messages about the task and about its end come from the same agent.
    let output = a.command().args(["delegate", &session, "--to", "a", "alone", "--wait"]).output();
    let output = output.unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{printed}");
    assert!(printed.contains("\"result\":\"alone\""), "{printed}");
    assert_eq!(worker.value()["status"], "completed");
    assert_eq!(worker.stop("-TERM")["completed"], 1);
}

#[test]
fn a_worker_that_is_stopped_ends_its_program_and_takes_the_task_up_again() {
    let relay = relay();
    let a = Home::new(&relay.url());
    let session = &a.create("a");
    let b = member(&relay, session, "b");
    let pid = b.state().join("pid");
    let script = format!("echo $$ > {}; exec sleep 600", pid.display());
    let worker = work(&b, session, &script, &[]);
    a.nexus(&["delegate", session, "--to", "b", "t"]).done();
    let started = || fs::read_to_string(&pid).is_ok_and(|pid| !pid.trim().is_empty());
    eventually("the program runs", started);
    assert_eq!(worker.stop("-TERM")["reason"], "signal");
    let pid = fs::read_to_string(&pid).unwrap();
    assert!(!fs::exists(format!("/proc/{}", pid.trim())).unwrap_or(false), "it is gone");
    assert_eq!(a.nexus(&["tasks", session]).done()["tasks"][0]["status"], "in_progress");
    let mut again = work(&b, session, "echo done", &[]);
    assert_eq!(again.value()["status"], "completed");
}

#[test]
fn a_team_of_three_does_a_hundred_tasks_though_one_is_killed() {
    let relay = Relay::builder().var("AGENT_INACTIVITY_SECONDS", "3").start().unwrap();
    let a = Home::new(&relay.url());
    let session = &a.create("a");
    let workers = ["b", "c"].map(|name| member(&relay, session, name));
    let log = a.state().join("log");
    let script = format!("read task; sleep 0.02; echo $task >> {}; echo $task", log.display());
    let [mut first, _second] =
        workers.each_ref().map(|home| work(home, session, &script, &["--jobs", "2"]));
    eventually("both can be given tasks", || {
        let found = a.nexus(&["discover", session, "--capability", "x"]).done();
        list(&found["agents"]).len() == 2
    });
    let mut asker = a.command();
    asker
        .args(["delegate", session, "--capability", "x", "--lines", "--wait"])
        .stdin(Stdio::piped());
    let mut asker = asker.spawn().unwrap();
    let lines = (0..100).fold(String::new(), |lines, number| format!("{lines}{number}\n"));
    std::io::Write::write_all(&mut asker.stdin.take().unwrap(), lines.as_bytes()).unwrap();
    // Half of its share of the tasks.
    for _ in 0..25 {
        first.value();
    }
    first.signal("-KILL");
    let output = asker.wait_with_output().unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    let values: Vec<Value> = told.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let (summary, tasks) = values.split_last().unwrap();
    assert_eq!(
        summary["ended"],
        json!({ "completed": 100 }),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(output.status.success() && tasks.len() == 100);
    // Each task is found once, although it is on the board and in the log.
    let board = a.nexus(&["tasks", session, "--status", "completed"]).done();
    let mut results: Vec<u64> =
        list(&board["tasks"]).iter().map(|task| task["result"].as_u64().unwrap()).collect();
    results.sort_unstable();
    assert_eq!(results, (0..100).collect::<Vec<_>>());
    let mut completed: BTreeMap<String, usize> = BTreeMap::new();
    let (mut after, mut more) = ("0".to_owned(), true);
    while more {
        let page = a.nexus(&["poll", session, "--after", &after]).done();
        for message in list(&page["messages"]) {
            let task = &message["json"]["task"];
            if task["status"] == "completed" {
                *completed.entry(text(&task["id"])).or_default() += 1;
            }
        }
        (after, more) = (text(&page["nextCursor"]), page["hasMore"] == true);
    }
    assert_eq!((completed.len(), completed.values().max()), (100, Some(&1)));
}

#[test]
fn a_client_that_is_stopped_is_idle_and_is_given_no_task_though_its_socket_is_open() {
    let relay = relay();
    let a = Home::new(&relay.url());
    let session = &a.create("a");
    let b = member(&relay, session, "b");
    b.nexus(&["profile", session, "--capability", "dig"]).done();
    let mut listening = Listening::start(&b, session, &[]);
    listening.until("listening over a socket");
    let delegate = || a.nexus(&["delegate", session, "dig here", "--capability", "dig"]);
    delegate().done();
    listening.signal("-STOP");
    let presence = || {
        let found = a.nexus(&["discover", session]).done();
        let agents = list(&found["agents"]).to_vec();
        let b = agents.into_iter().find(|agent| agent["agentId"] == "b").unwrap();
        text(&b["presence"])
    };
    // An open socket speaks for its agent for a minute; that the session was polled, for as long.
    let waited = (0..90).take_while(|_| {
        std::thread::sleep(std::time::Duration::from_secs(1));
        presence() == "online"
    });
    assert!(waited.count() < 90, "within 90 seconds it is not idle");
    assert_eq!(presence(), "idle");
    assert_eq!(delegate().error(), "no_agent_available");
    // When it goes on, it is there again.
    listening.signal("-CONT");
    eventually("it is back", || presence() == "online");
    delegate().done();
}
