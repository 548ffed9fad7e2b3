//! `listen --exec` and `--reply`: how an agent is woken.

use crate::{
    listening::Listening,
    support::{Home, guest, pair, text},
};
use nexus_tests::eventually;
use serde_json::{Value, json};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::{SystemTime, UNIX_EPOCH},
};

/// A file on an agent's machine that scripts write to.
fn file(home: &Home, name: &str) -> PathBuf {
    home.state().join(name)
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

/// Listens as `b` with a script. `FILE` in the script stands for the path of the file.
fn exec(b: &Home, session: &str, script: &str, arguments: &[&str]) -> (Listening, PathBuf) {
    let out = file(b, "out");
    let script = script.replace("FILE", out.to_str().unwrap());
    let all = [&["--exec", &script][..], arguments].concat();
    (Listening::start(b, session, &all), out)
}

#[test]
fn a_message_wakes_an_agent_whose_answer_comes_back() {
    let (_relay, a, session, b) = pair();
    // The message that `b` joined.
    a.nexus(&["wait", &session]).done();
    let script = "date +%s%N > FILE; env | sort >> FILE; cat >> FILE; echo; echo '  Tuesday! '";
    let (mut listening, out) = exec(&b, &session, script, &["--reply"]);
    listening.until("listening over a socket");
    let sent_at = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let sent = a.nexus(&["send", &session, "Which day?"]).done();
    let page = a.nexus(&["wait", &session]).done();
    let answer = page["messages"].as_array().unwrap().last().unwrap();
    assert_eq!((&answer["text"], &answer["replyTo"]), (&json!("Tuesday!"), &sent["id"]));
    assert_eq!((&answer["agentId"], &answer["verified"]), (&json!("b"), &json!(true)));
    let handled = listening.value();
    assert_eq!((&handled["handled"][0], &handled["reply"]), (&sent["id"], &answer["id"]));

    let told = read(&out);
    let started: u128 = told.lines().next().unwrap().parse().unwrap();
    let millis = started.saturating_sub(sent_at.as_nanos()) / 1_000_000;
    println!("from the start of `nexus send` to the start of the script: {millis} ms");
    for line in [
        format!("NEXUS_SESSION={session}"),
        "NEXUS_FROM=a".to_owned(),
        "NEXUS_CURSOR=2".to_owned(),
        "NEXUS_VERIFIED=true".to_owned(),
    ] {
        assert!(told.lines().any(|told| told == line), "{line}: {told}");
    }
    let message: Value = serde_json::from_str(told.lines().last().unwrap()).unwrap();
    assert_eq!(message["text"], "Which day?");
    assert_eq!(listening.stop("-TERM")["messages"], 1);
    assert!(b.poll(&session).iter().all(|text| text == "Tuesday!"), "it counts as read");
}

#[test]
fn the_command_neither_gets_nor_prints_the_key() {
    let (_relay, a, session, b) = pair();
    let key = b.stored(&session, "key").unwrap();
    assert!(key.starts_with("nxk_"));
    // Its environment, its arguments, and those of its parent.
    let script = "{ env; cat; tr '\\0' ' ' < /proc/$$/cmdline; tr '\\0' ' ' < /proc/$PPID/cmdline; } | tee FILE";
    let (mut listening, out) = exec(&b, &session, script, &["--envelope"]);
    a.nexus(&["send", &session, "hello"]).done();
    let line = listening.line();
    let told = read(&out);
    assert!(told.contains("hello") && told.contains("--envelope"), "{told}");
    listening.until("hello");
    let all = [told, line, listening.rest()].concat();
    assert!(!all.contains(&key) && !all.contains("nxk_"), "{all}");
}

#[test]
fn a_message_is_unread_until_the_command_has_succeeded() {
    let (_relay, a, session, b) = pair();
    let script = "cat >> FILE; [ $(wc -l < FILE) -ge 3 ]";
    a.nexus(&["send", &session, "again"]).done();
    let (mut listening, out) = exec(&b, &session, script, &[]);
    listening.until("exit status: 1 (1 of 5)");
    listening.until("exit status: 1 (2 of 5)");
    assert_eq!(listening.value()["cursor"], "2");
    assert_eq!(read(&out).matches("again").count(), 3);
    drop(listening);

    a.nexus(&["send", &session, "never"]).done();
    let (mut listening, _) = exec(&b, &session, "exit 7", &["--max-failures", "2"]);
    let end = listening.end();
    assert_eq!(end["error"], "exec_failed");
    assert!(text(&end["message"]).contains("exit status: 7, 2 times in a row"), "{end}");
    assert_eq!(b.stored(&session, "cursor").unwrap(), "2");
    assert_eq!(b.poll(&session), ["never"]);
}

/// Whether a process runs. A process that has ended may still be listed.
fn runs(id: &str) -> bool {
    !read(&Path::new("/proc").join(id).join("cmdline")).is_empty()
}

#[test]
fn a_signal_ends_the_command_with_all_that_it_started() {
    let (_relay, a, session, b) = pair();
    a.nexus(&["send", &session, "unread"]).done();
    let heeding = "sleep 600 & echo $$ $! > FILE; wait";
    let deaf = "trap '' TERM; sleep 600 & echo $$ $! > FILE; wait";
    // After one signal, the command gets time to end. After a second one, it does not. Neither
    // leaves it running.
    for (script, signals) in [(heeding, 1), (deaf, 1), (deaf, 2)] {
        let (listening, out) = exec(&b, &session, script, &[]);
        eventually("it runs", || read(&out).ends_with('\n'));
        let told = read(&out);
        let started: Vec<&str> = told.split_whitespace().collect();
        assert!(started.len() == 2 && started.iter().all(|id| runs(id)), "{told}");
        (1..signals).for_each(|_| listening.signal("-TERM"));
        let end = listening.stop("-TERM");
        assert_eq!((&end["reason"], &end["messages"]), (&json!("signal"), &json!(0)));
        eventually("nothing is left", || !started.iter().any(|id| runs(id)));
        fs::remove_file(out).unwrap();
    }
    assert_eq!(b.poll(&session), ["unread"]);
}

#[test]
fn processes_that_a_command_leaves_running_are_not_waited_for() {
    let (_relay, a, session, b) = pair();
    // More than fits into a pipe, both on its input and on its output.
    let script = "exec 3<&0; sleep 60 <&3 & echo $! > FILE; echo hi";
    let (mut listening, out) = exec(&b, &session, script, &["--reply"]);
    a.nexus(&["send", &session, &"\"".repeat(40_000)]).done();
    assert!(listening.value()["reply"].is_string());
    assert_eq!(a.poll(&session).last().unwrap(), "hi");
    let left = read(&out).trim().to_owned();
    assert_eq!(listening.stop("-TERM")["reason"], "signal");
    assert!(runs(&left), "it goes on");
    assert!(Command::new("kill").arg(&left).status().unwrap().success());
}

#[test]
fn a_batch_contains_all_waiting_messages() {
    let (_relay, a, session, b) = pair();
    for said in ["one", "two", "three"] {
        a.nexus(&["send", &session, said]).done();
        b.nexus(&["send", &session, "mine"]).done();
    }
    let arguments = ["--batch", "--reply"];
    let (mut listening, out) = exec(&b, &session, "cat > FILE; echo all read", &arguments);
    let line = listening.value();
    assert_eq!(line["handled"].as_array().unwrap().len(), 3);
    let batch: Value = serde_json::from_str(&read(&out)).unwrap();
    let said: Vec<_> = batch.as_array().unwrap().iter().map(|one| text(&one["text"])).collect();
    assert_eq!(said, ["one", "two", "three"]);
    let answer =
        a.nexus(&["wait", &session]).done()["messages"].as_array().unwrap().last().cloned();
    assert_eq!(answer.unwrap()["replyTo"], batch[2]["id"]);
    assert_eq!(listening.stop("-TERM")["cursor"], "8", "our own answer, too");
}

#[test]
fn an_answer_is_sent_once_though_the_cursor_was_not_saved() {
    let (_relay, a, session, b) = pair();
    a.nexus(&["send", &session, "hello"]).done();
    let (mut first, _) = exec(&b, &session, "echo first", &["--reply"]);
    first.value();
    first.stop("-TERM");
    // As if it had died just before.
    fs::remove_file(b.state().join("sessions").join(&session).join("cursor")).unwrap();
    let (mut second, _) = exec(&b, &session, "echo second", &["--reply"]);
    second.value();
    second.stop("-TERM");
    assert_eq!(a.poll(&session), ["hello", "first"]);
}

#[test]
fn a_private_message_is_answered_in_private() {
    let (relay, a, session, b) = pair();
    let key = a.stored(&session, "key").unwrap();
    let api = nexus_tests::Api::new(&relay.url());
    let (agent, id) = ("a".to_owned(), session.clone());
    let member = nexus_tests::Member { api, session: id, agent, key };
    let (mut listening, _) = exec(&b, &session, "echo psst", &["--reply"]);
    let body = json!({ "text": "secret", "to": "b" });
    assert_eq!(member.call("POST", "/messages").json(&body).send().status, 201);
    listening.value();
    let page = a.nexus(&["poll", &session]).done();
    assert_eq!(page["messages"][1]["to"], "a");
}

#[test]
fn two_agents_that_answer_each_other_come_to_an_end() {
    let (_relay, a, session, b) = pair();
    let arguments = ["--exec", "jq -r '.text + \"!\"'", "--reply", "--max-turns", "3"];
    let mut listening = [&a, &b].map(|home| Listening::start(home, &session, &arguments));
    for one in &mut listening {
        one.until("listening over");
    }
    let third = Home::new(a.url.as_ref().unwrap());
    third.nexus(&["join", &session, "--agent-id", "c"]).done();
    third.nexus(&["send", &session, "go"]).done();
    for one in &mut listening {
        one.until("This agent has answered 3 times");
    }
    let [mut one, mut other] = listening;
    // Both receive the other's notice and stay silent.
    let said = |home: &Home| {
        let page = home.nexus(&["poll", &session, "--after", "0"]).done();
        let all = page["messages"].as_array().unwrap().clone();
        all.iter().map(|message| text(&message["text"])).collect::<Vec<_>>()
    };
    eventually("each says so once", || {
        said(&third).iter().filter(|text| text.starts_with("(nexus)")).count() == 2
    });
    third.nexus(&["send", &session, "still there?"]).done();
    let page = third.nexus(&["poll", &session, "--after", "0"]).done();
    let last = text(&page["nextCursor"]);
    for listening in [&mut one, &mut other] {
        while listening.value()["cursor"] != last.as_str() {}
    }
    assert_eq!(said(&third).len(), 1 + 3 + 3 + 2 + 1, "{:?}", said(&third));
    // A new run does not start again either.
    one.stop("-TERM");
    let mut again = Listening::start(&a, &session, &arguments);
    again.until("listening over");
    third.nexus(&["send", &session, "and now?"]).done();
    again.until("This agent has answered 3 times");
    assert!(again.value()["reply"].is_null());
    assert_eq!(said(&third).iter().filter(|text| text.starts_with("(nexus)")).count(), 2);
}

#[test]
fn a_sender_that_repeats_itself_three_times_gets_no_answer() {
    let (_relay, a, session, b) = pair();
    let (mut listening, _) = exec(&b, &session, "echo what?", &["--reply"]);
    for answered in [true, true, false, false] {
        a.nexus(&["send", &session, "ping"]).done();
        assert_eq!(listening.value()["reply"].is_string(), answered);
    }
    listening.until("(nexus) This agent was told the same three times");
    let said = a.poll(&session);
    assert_eq!(said.iter().filter(|text| text.starts_with("(nexus)")).count(), 1, "{said:?}");
    assert_eq!(said.iter().filter(|text| *text == "what?").count(), 2);
}

#[test]
fn a_command_that_takes_too_long_is_ended_and_the_message_stays_unread() {
    let (_relay, a, session, b) = pair();
    a.nexus(&["send", &session, "unread"]).done();
    let limits = ["--exec-timeout", "1s", "--max-failures", "2"];
    let (mut listening, out) = exec(&b, &session, "echo $$ >> FILE; sleep 600", &limits);
    let end = listening.end();
    assert_eq!(end["error"], "exec_failed");
    let message = text(&end["message"]);
    assert!(message.contains("did not finish within 1s"), "{message}");
    assert!(message.contains("--exec-timeout gives it more time, 2 times in a row"), "{message}");
    let told = read(&out);
    assert_eq!(told.lines().count(), 2, "{told}");
    assert!(!told.lines().any(runs), "{told}");
    assert_eq!(b.poll(&session), ["unread"]);
}

#[test]
fn what_a_command_says_cannot_control_our_terminal() {
    let (_relay, a, session, b) = pair();
    a.nexus(&["send", &session, "\u{1b}]52;c;eA==\u{7}é\u{202e}"]).done();
    let script = "printf '\\033[2Jout é\\n'; cat >&2; printf '\\007err\\n' >&2; exit 1";
    let mut command = b.command();
    command.args(["listen", &session, "--exec", script, "--max-failures", "1"]);
    let seen = crate::terminal::run(command);
    assert_eq!(seen.code, Some(1));
    assert!(seen.text.contains("\\u001b[2Jout é\n"), "{}", seen.text);
    assert!(seen.text.contains("\\u0007err\n"), "{}", seen.text);
    let obeyed = |c: char| c.is_control() && c != '\n' || c == '\u{202e}';
    assert!(!seen.text.contains(obeyed), "{:?}", seen.text);
}

/// A script that prints many lines, and how many bytes they have.
fn lines(count: usize) -> (String, usize) {
    let script = format!(
        "i=0; while [ $i -lt {count} ]; do printf 'line %06d of a long answer\\n' $i; i=$((i+1)); done"
    );
    (script, count * 29)
}

#[test]
fn a_long_answer_goes_as_several_messages() {
    let (_relay, a, session, b) = pair();
    let (script, size) = lines(5000);
    let mut listening =
        Listening::start(&b, &session, &["--reply", "--max-turns", "1", "--exec", &script]);
    let sent = a.nexus(&["send", &session, "Tell me all"]).done();
    listening.until(&format!("the answer has {} bytes, so it is sent as 3 messages", size - 1));
    let handled = listening.value();
    let page = a.nexus(&["poll", &session]).done();
    let answers: Vec<_> = nexus_tests::list(&page["messages"])
        .iter()
        .filter(|message| message["agentId"] == "b" && message["replyTo"] == sent["id"])
        .map(|message| text(&message["text"]))
        .collect();
    let bare = (1..=3).map(|number| {
        let part = &answers[number - 1];
        part.strip_prefix(&format!("({number}/3) ")).unwrap().to_owned() + "\n"
    });
    let whole: String = bare.collect();
    assert_eq!(answers.len(), 3);
    assert_eq!(whole.len(), size, "it is cut between lines, and nothing is lost");
    assert!(whole.ends_with("\nline 004999 of a long answer\n"));
    let last = page["messages"].as_array().unwrap().last().unwrap();
    assert_eq!((&handled["reply"], &handled["cursor"]), (&last["id"], &last["cursor"]));
    // It counts as one answer, after which the limit is reached.
    a.nexus(&["send", &session, "And more"]).done();
    listening.until("This agent has answered 1 times");
    listening.stop_quietly();
}

#[test]
fn a_very_long_answer_becomes_a_file_if_that_is_wanted() {
    let (relay, a, session, b) = pair();
    let (script, size) = lines(12_000);
    let mut listening = Listening::start(&b, &session, &["--reply", "--exec", &script]);
    a.nexus(&["send", &session, "Tell me all"]).done();
    listening.until("--reply-file is not given: only its first 4 messages are sent");
    listening.value();
    listening.stop("-TERM");
    // Files are not searched for secrets.
    assert_eq!(a.nexus(&["file", "ls", &session]).done()["files"], json!([]));
    assert!(a.poll(&session).last().unwrap().ends_with(" bytes, was left out."));

    let more = ["--reply", "--reply-file", "--exec", &script];
    let mut listening = Listening::start(&b, &session, &more);
    a.nexus(&["send", &session, "Tell me all"]).done();
    listening.until("so it is sent as the file answer-b-7.txt");
    listening.value();
    let said = a.poll(&session);
    let pointer = said.last().unwrap();
    assert!(pointer.contains("`nexus file get SESSION answer-b-7.txt -o FILE`"), "{pointer}");
    let copy = a.state().join("copy");
    a.nexus(&["file", "get", &session, "answer-b-7.txt", "-o", copy.to_str().unwrap()]).done();
    assert_eq!(read(&copy).len(), size - 1);

    // A file would show a private answer to everybody.
    let key = a.stored(&session, "key").unwrap();
    let api = nexus_tests::Api::new(&relay.url());
    let member = nexus_tests::Member { api, session: session.clone(), agent: "a".to_owned(), key };
    let body = json!({ "text": "secret", "to": "b" });
    assert_eq!(member.call("POST", "/messages").json(&body).send().status, 201);
    let told = listening.until("only its first 4 messages are sent");
    listening.value();
    let page = a.nexus(&["poll", &session]).done();
    let parts: Vec<_> = nexus_tests::list(&page["messages"])
        .iter()
        .filter(|message| message["to"] == "a")
        .map(|message| text(&message["text"]))
        .collect();
    assert_eq!(parts.len(), 4);
    let left = parts[3].rsplit_once("\n\n(nexus) The rest of this answer, ").unwrap().1;
    let left = left.strip_suffix(" bytes, was left out.").unwrap();
    assert!(told.contains(&format!("{left} bytes are left out")), "{told}");
    listening.stop("-TERM");
}

#[test]
fn an_answer_is_divided_by_the_limit_of_the_relay() {
    let relay = nexus_tests::Relay::builder().var("MAX_TEXT_BYTES", "1024").start().unwrap();
    let a = Home::new(&relay.url());
    let session = a.create("a");
    let b = guest(&a, &session);
    let (script, size) = lines(80);
    let mut listening = Listening::start(&b, &session, &["--reply", "--exec", &script]);
    a.nexus(&["send", &session, "Tell me all"]).done();
    assert!(listening.value()["reply"].is_string());
    listening.until(&format!("the answer has {} bytes, so it is sent as 3 messages", size - 1));
    let said = a.poll(&session);
    assert!(said.last().unwrap().starts_with("(3/3) line 0000"), "{said:?}");
    listening.stop("-TERM");
}
