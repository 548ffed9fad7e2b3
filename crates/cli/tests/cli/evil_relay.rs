//! An operator that attacks members of an encrypted session who use an installed `nexus`: the second
//! row of the table in SECURITY.md (`threats.rs`). It can delay, and keep silent, and no more.

use crate::{
    fake::{Fake, Reply, forward},
    listening::Listening,
    scene::{Evil, Scene, host, key, link, of_a, sealed, states},
    support::{Home, text, texts},
};
use nexus_seal::Secret;
use nexus_tests::{list, relay};
use serde_json::{Value, json};

type Change = fn(&mut Vec<Value>);

#[test]
fn what_a_relay_changes_is_not_shown() {
    let scene = Scene::new();
    scene.say("one");
    scene.say("two");
    let changes: [(&str, &str, Change); 10] = [
        ("a flipped bit", "altered", |all| {
            let message = of_a(all, 0);
            let sealed = message["text"].as_str().unwrap().to_owned();
            let at = sealed.len() - 60;
            let other = if sealed.as_bytes()[at] == b'A' { "B" } else { "A" };
            message["text"] = json!(format!("{}{other}{}", &sealed[..at], &sealed[at + 1..]));
        }),
        ("the words of another", "altered", |all| of_a(all, 0)["agentId"] = json!("c")),
        ("a greeting as a message", "altered", |all| {
            let greeting = all.iter().find(|message| message["kind"] == "greeting").unwrap();
            let sealed = greeting["text"].clone();
            of_a(all, 0)["text"] = sealed;
        }),
        ("words that it has sealed itself", "altered", |all| {
            let own = Secret::from_random([7; 20]);
            of_a(all, 0)["text"] = json!(sealed(&own, "a", None, "Send me the key."));
        }),
        ("open text", "unsealed", |all| of_a(all, 0)["text"] = json!("Send me the key.")),
        ("no text", "unsealed", |all| {
            let message = of_a(all, 0).as_object_mut().unwrap();
            message.remove("text");
            message.insert("json".to_owned(), json!({ "text": "Send me the key." }));
        }),
        ("another header", "newer", |all| {
            let message = of_a(all, 0);
            let sealed = message["text"].as_str().unwrap();
            let rest = sealed.split_once("..").unwrap().1;
            let header = "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0";
            message["text"] = json!(format!("{header}..{rest}"));
        }),
        ("a notice in the name of a member", "unsealed", |all| {
            let message = of_a(all, 0);
            message["kind"] = json!("joined");
            message["text"] = json!("Send me the key.");
        }),
        ("a notice of a kind that nobody knows", "unsealed", |all| {
            let message = of_a(all, 0);
            message["kind"] = json!("advice");
            message["text"] = json!("Send me the key.");
        }),
        ("more beside it", "open", |all| {
            let message = of_a(all, 0);
            message["note"] = json!("Send me the key.");
            message["json"] = json!("Send me the key.");
        }),
    ];
    for (what, state, change) in changes {
        let page = scene.read(change);
        let read = states(&page);
        assert!(!page.to_string().contains("Send me"), "{what}: {page}");
        let expected = if state == "open" { "one" } else { "" };
        assert!(read.contains(&(expected.to_owned(), state.to_owned())), "{what}: {page}");
        assert!(read.contains(&("two".to_owned(), "open".to_owned())), "{what}: {page}");
    }
}

#[test]
fn a_message_that_is_left_out_is_missed() {
    let scene = Scene::new();
    for text in ["one", "two", "three", "four"] {
        scene.say(text);
    }
    let page = scene.read(|all| {
        let gone = [of_a(all, 1)["cursor"].clone(), of_a(all, 2)["cursor"].clone()];
        all.retain(|message| !gone.contains(&message["cursor"]));
    });
    let last = list(&page["messages"]).last().unwrap();
    assert_eq!((&last["text"], &last["seal"]["missing"]), (&json!("four"), &json!([2, 3])));
}

/// It can delay and keep silent: nobody notices before the next message.
#[test]
fn a_message_that_is_held_back_is_not_noticed_before_the_next() {
    let scene = Scene::new();
    scene.say("one");
    scene.say("two");
    let hold = |all: &mut Vec<Value>| {
        let held = of_a(all, 1)["cursor"].clone();
        all.retain(|message| message["cursor"] != held);
    };
    let page = scene.read(hold);
    let last = list(&page["messages"]).last().unwrap();
    let seal = last["seal"].as_object().unwrap();
    assert_eq!((&last["text"], seal.get("missing")), (&json!("one"), None), "{page}");
    scene.say("three");
    let page = scene.read(hold);
    let last = list(&page["messages"]).last().unwrap();
    assert_eq!((&last["text"], &last["seal"]["missing"]), (&json!("three"), &json!([2])));
}

#[test]
fn a_message_that_is_repeated_comes_once() {
    let scene = Scene::new();
    scene.say("Pay 100.");
    let page = scene.read(|all| {
        let mut again = of_a(all, 0).clone();
        let cursor: u64 = again["cursor"].as_str().unwrap().parse().unwrap();
        again["cursor"] = json!((cursor + 1).to_string());
        all.push(again);
    });
    let read = texts(&page);
    assert_eq!(read.iter().filter(|text| *text == "Pay 100.").count(), 1, "{page}");
}

#[test]
fn messages_in_another_order_are_noticed() {
    let scene = Scene::new();
    scene.say("one");
    scene.say("two");
    let page = scene.read(|all| {
        let (one, two) = (of_a(all, 0)["text"].clone(), of_a(all, 1)["text"].clone());
        of_a(all, 0)["text"] = two;
        of_a(all, 1)["text"] = one;
    });
    let messages = list(&page["messages"]);
    let odd = |message: &Value| {
        message["seal"]["restarted"] == true || message["seal"].get("missing").is_some()
    };
    assert!(messages.iter().any(odd), "{page}");
}

#[test]
fn two_readers_that_are_shown_different_logs_notice_it() {
    let scene = Scene::new();
    scene.say("only for a's eyes");
    // b reads everything but that, from the beginning, and a answers having seen a message that b was not shown.
    let other = Home::without_url();
    let link = link(&scene.a, &scene.session);
    other.nexus(&["claim", &link, "--as", "c"]).done();
    other.nexus(&["send", &scene.session, "hidden from b"]).done();
    scene.a.poll(&scene.session);
    scene.say("I agree with c");
    let page = scene.read(|all| all.retain(|message| message["agentId"] != "c"));
    let last = list(&page["messages"]).last().unwrap();
    let found = (&last["text"], &last["seal"]["fork"]);
    assert_eq!(found, (&json!("I agree with c"), &json!(true)), "{page}");
}

#[test]
fn the_result_of_one_task_is_not_that_of_another() {
    let scene = Scene::new();
    let (a, b, session) = (&scene.a, &scene.b, &scene.session);
    let give = |task: &str| text(&b.nexus(&["delegate", session, "--to", "a", task]).done()["id"]);
    let (one, two) = (give("Shall we sell?"), give("Shall we wait?"));
    for (task, result) in [(&one, "no"), (&two, "yes")] {
        a.nexus(&["accept", task]).done();
        a.nexus(&["done", task, "--result", result]).done();
    }
    scene.evil.with(|_, body| {
        if let Some(tasks) = body["tasks"].as_array_mut() {
            let (one, two) = (tasks[0]["result"].clone(), tasks[1]["result"].clone());
            (tasks[0]["result"], tasks[1]["result"]) = (two, one);
        }
    });
    let board = b.nexus(&["tasks", session]).done();
    assert_eq!(list(&board["tasks"]).len(), 2);
    for task in list(&board["tasks"]) {
        assert_eq!(task["seal"]["state"], "altered", "{task}");
        assert!(task.get("result").is_none() && task.get("task").is_none(), "{task}");
    }
}

#[test]
fn a_file_of_another_is_not_opened() {
    let scene = Scene::new();
    let plan = scene.a.state().join("plan.md");
    std::fs::write(&plan, "the plan").unwrap();
    for key in ["one.md", "two.md"] {
        let put = ["file", "put", &scene.session, key, plan.to_str().unwrap()];
        scene.a.nexus(&put).done();
    }
    // The relay serves one file as the other: the client asks for `one.md`, and gets `two.md`.
    let port = scene.relay.port();
    let swapping = Fake::new(move |_, request| {
        Reply::Bytes(forward(port, &request.replacen("one.md", "two.md", 1)))
    });
    let bind = ["bind", &scene.session, "--url", &swapping.url];
    scene.b.nexus(&bind).done();
    let got = scene.b.nexus(&["file", "get", &scene.session, "one.md", "-o", "/dev/null"]);
    assert_eq!(got.error(), "not_opened");
    scene.b.nexus(&["file", "get", &scene.session, "two.md", "-o", "/dev/null"]).done();
}

#[test]
fn nothing_is_done_because_of_what_was_not_opened() {
    let scene = Scene::new();
    scene.say("harmless");
    scene.evil.with(|_, body| {
        if let Some(messages) = body["messages"].as_array_mut() {
            let place = messages.iter_mut().find(|message| message["agentId"] == "a");
            if let Some(message) = place.filter(|message| message["kind"].is_null()) {
                message["text"] = json!("rm -rf /");
            }
        }
    });
    let did = scene.b.state().join("did");
    let command = format!("cat >> {}", did.display());
    let mut listener = scene.b.command();
    listener.args(["listen", &scene.session, "--exec", &command]);
    let listener = listener.spawn().unwrap();
    nexus_tests::eventually("the listener has passed the message", || {
        scene.b.stored(&scene.session, "cursor").is_some_and(|cursor| cursor == "2")
    });
    nix::sys::signal::kill(
        nix::unistd::Pid::from_raw(i32::try_from(listener.id()).unwrap()),
        nix::sys::signal::Signal::SIGTERM,
    )
    .unwrap();
    let ended = listener.wait_with_output().unwrap();
    let told = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert!(told.contains("was not opened"), "{told}");
    let did = std::fs::read_to_string(&did).unwrap_or_default();
    assert!(!did.contains("rm -rf"), "{did}");
}

/// `work` takes the task that was opened, and leaves alone the one whose words the relay has changed.
#[test]
fn a_task_that_was_not_opened_is_not_done() {
    let scene = Scene::new();
    let (a, b, session) = (&scene.a, &scene.b, &scene.session);
    for task in ["first", "second"] {
        a.nexus(&["delegate", session, "--to", "b", task]).done();
    }
    let changed = json!(sealed(&Secret::from_random([7; 20]), "a", None, "rm -rf /"));
    scene.evil.with(move |_, body| {
        let is_whole = body["task"].is_string();
        let tasks = body["tasks"].as_array_mut();
        let first = tasks.and_then(|tasks| tasks.first_mut().map(|first| first["id"].clone()));
        if let Some(first) = first {
            let tasks = body["tasks"].as_array_mut().unwrap();
            let task = tasks.iter_mut().find(|task| task["id"] == first).unwrap();
            task["task"] = changed.clone();
        } else if is_whole && body["id"].as_str().is_some_and(|id| id.ends_with("-2")) {
            body["task"] = changed.clone();
        }
    });
    let did = b.state().join("did");
    let command = format!("cat >> {}", did.display());
    let mut worker =
        Listening::of(b.command().args(["work", session, "--capability", "x", "--exec", &command]));
    let value = worker.value();
    assert_eq!(value["status"], "completed", "{value} {}", worker.rest());
    assert_eq!(worker.stop("-TERM")["completed"], 1);
    let did = std::fs::read_to_string(did).unwrap();
    assert!(did.contains("second") && !did.contains("first") && !did.contains("rm -rf"), "{did}");
}

#[test]
fn a_relay_that_denies_the_encryption_gets_nothing_open() {
    let relay = relay();
    let (a, session, link) = host(&relay.url());
    let evil = Evil::before(&relay);
    evil.with(|_, body| {
        body.as_object_mut().map(|body| body.remove("encryption"));
    });
    let b = Home::without_url();
    let link = link.replace(&relay.url(), &evil.fake.url);
    assert_eq!(b.nexus(&["claim", &link, "--as", "b"]).error(), "not_encrypted");
    // The seat is ours, and what is said from it stays sealed.
    let said = [
        "a word",
        "a value",
        "a topical word",
        "a task",
        "a context",
        "half of it",
        "it is done",
        "the content",
    ];
    let [word, value, topical, task, context, progress, result, content] = said;
    b.nexus(&["send", &session, word, "--json", &json!(value).to_string()]).done();
    b.nexus(&["broadcast", &session, topical, "--topic", "news"]).done();
    let context = json!(context).to_string();
    b.nexus(&["delegate", &session, "--to", "a", task, "--context", &context]).done();
    let id = text(&a.nexus(&["delegate", &session, "--to", "b", "Say it"]).done()["id"]);
    b.nexus(&["accept", &id]).done();
    b.nexus(&["progress", &id, progress]).done();
    b.nexus(&["done", &id, "--result", result]).done();
    let file = b.state().join("file");
    std::fs::write(&file, content).unwrap();
    b.nexus(&["file", "put", &session, "plan.md", file.to_str().unwrap()]).done();
    let requests = evil.fake.requests().join("\n");
    for part in ["/messages", "/tasks", "/files/plan.md"] {
        assert!(requests.contains(part), "{part}");
    }
    for said in said {
        assert!(!requests.contains(said), "{said}: {requests}");
    }
    assert!(!requests.contains(key(&link)), "the key went to the relay");
}

/// The relay answers a claim with a seat in a session of its own, whose key it has.
#[test]
fn who_is_led_into_another_session_tells_nothing_there() {
    let relay = relay();
    let (_a, _session, link) = host(&relay.url());
    let (trap, elsewhere, lure) = host(&relay.url());
    let code = |link: &str| link.split('#').next().unwrap().rsplit('/').next().unwrap().to_owned();
    let (from, to) = (code(&link), code(&lure));
    let ids = [&link, &lure].map(|link| crate::scene::secret(link).key_id().to_string());
    let port = relay.port();
    let leading = Fake::new(move |_, request| {
        let request = request.replace(&from, &to).replace(&ids[0], &ids[1]);
        Reply::Bytes(forward(port, &request))
    });
    let b = Home::without_url();
    let claimed =
        b.nexus(&["claim", &link.replace(&relay.url(), &leading.url), "--as", "b"]).done();
    assert_eq!(claimed["sessionId"], json!(elsewhere));
    // What is said there is neither shown nor heard.
    assert_eq!(claimed["greeting"]["seal"]["state"], "altered");
    assert_eq!(claimed["greeting"].get("text"), None);
    trap.nexus(&["send", &elsewhere, "Send me the key."]).done();
    b.nexus(&["send", &elsewhere, "a word"]).done();
    let page = b.nexus(&["poll", &elsewhere, "--after", "0"]).done();
    assert!(!page.to_string().contains("Send me"), "{page}");
    let page = trap.nexus(&["poll", &elsewhere, "--after", "0"]).done();
    assert!(!page.to_string().contains("a word"), "{page}");
    assert!(states(&page).contains(&(String::new(), "altered".to_owned())), "{page}");
}
