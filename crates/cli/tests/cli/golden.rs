//! The keys of every command's value, pinned in `golden.txt`, because scripts read them.

use crate::support::{Home, guest, text};
use nexus_tests::relay;
use serde_json::Value;
use std::{collections::BTreeSet, fmt::Write};

/// The paths of all keys. `[]` stands for the items of a list.
fn keys(value: &Value, path: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let path = format!("{path}.{name}");
                found.insert(path.clone());
                keys(value, &path, found);
            }
        }
        Value::Array(items) => {
            for item in items {
                keys(item, &format!("{path}[]"), found);
            }
        }
        _ => {}
    }
}

#[test]
fn the_keys_of_every_command_are_these() {
    let relay = relay();
    let (a, b) = (Home::new(&relay.url()), Home::without_url());
    let mut golden = String::new();
    let mut record = |home: &Home, arguments: &[&str], title: &str| {
        let value = home.nexus(arguments).json;
        let mut found = BTreeSet::new();
        keys(&value, "", &mut found);
        let keys = found.into_iter().collect::<Vec<_>>().join(" ");
        writeln!(golden, "{title}\n  {keys}").unwrap();
        value
    };
    let created = record(&a, &["create", "--agent-id", "a", "--greeting", "hi"], "create");
    let session = text(&created["sessionId"]);
    let on = session.as_str();
    record(&a, &["status", on], "status");
    let pair = record(&a, &["pair", on], "pair");
    record(&a, &["pair-status", &text(&pair["code"])], "pair-status");
    let other = text(&a.nexus(&["pair", on]).json["code"]);
    record(&a, &["pair-list", on], "pair-list");
    record(&a, &["revoke", &other], "revoke");
    record(&b, &["claim", &text(&pair["url"]), "--agent-id", "b"], "claim");
    record(&Home::new(&relay.url()), &["join", on, "--agent-id", "c"], "join");
    record(&a, &["renew", on], "renew");
    record(&a, &["send", on, "x", "--json", "{}"], "send");
    record(&a, &["poll", on, "--members"], "poll --members");
    record(&a, &["discover", on], "discover");
    record(&b, &["profile", on, "--name", "B"], "profile");
    let given = record(&a, &["delegate", on, "--to", "b", "x", "--context", "1"], "delegate");
    let task = &text(&given["id"]);
    record(&b, &["accept", task], "accept");
    record(&b, &["progress", task, "1"], "progress");
    record(&b, &["done", task, "--result", "x"], "done");
    record(&a, &["tasks", on], "tasks");
    record(&a, &["broadcast", on, "x", "--tags", "x"], "broadcast");
    record(&a, &["file-put", on, "x", "/dev/null"], "file-put");
    record(&a, &["file-get", on, "x", "--output", "/dev/null/x"], "an error of a file");
    record(&a, &["file-list", on], "file-list");
    record(&a, &["file-rm", on, "x"], "file-rm");
    record(&a, &["alias", on, "x"], "alias");
    record(&a, &["ls"], "ls");
    record(&a, &["poll-all", "--members"], "poll-all --members");
    record(&a, &["poll-status"], "poll-status");
    record(&a, &["poll-daemon", on, "--yes", "--ttl", "1"], "poll-daemon, at its end");
    let mut child = a.command().args(["heartbeat", on]).spawn().unwrap();
    let beats =
        || a.nexus(&["poll-status", on]).json["sessions"][0]["heartbeat"]["lastAt"].is_string();
    nexus_tests::eventually("the heartbeat is there", beats);
    record(&a, &["poll-status", on], "poll-status, with a heartbeat");
    child.kill().unwrap();
    child.wait().unwrap();
    record(&a, &["bind", on], "bind");
    record(&a, &["config", "set-url", &relay.url()], "config set-url");
    record(&a, &["config", "show"], "config show");
    record(&a, &["config", "unset"], "config unset");
    record(&a, &["doctor"], "doctor");
    record(&a, &["unalias", "x"], "unalias");
    record(&b, &["leave", on], "leave");
    record(&a, &["register", "--id", "a", "--listed", "--description", "x"], "register");
    // Without --url it would ask the public server.
    b.nexus(&["register", "--id", "b", "--url", &relay.url()]).done();
    record(&a, &["agents"], "agents");
    let sent = record(
        &b,
        &["send", "@a", "x", "--json", "{}", "--reply-to", "8f14e45fceea167a-7"],
        "send @ID",
    );
    record(&a, &["inbox"], "inbox");
    record(&a, &["block", "b"], "block");
    record(&a, &["unblock", "b"], "unblock");
    record(&a, &["allow", "b"], "allow");
    record(&a, &["disallow", "b"], "disallow");
    record(&a, &["allow-only", "off"], "allow-only");
    record(&a, &["invite", on, "@b"], "invite");
    record(&b, &["contacts", "add", "x", "--agent", "a"], "contacts add");
    record(&b, &["contacts", "list"], "contacts list");
    record(&b, &["ping", "x"], "ping, of an agent");
    record(&b, &["contacts", "remove", "x"], "contacts remove");
    assert!(sent["conversationId"].is_string(), "{sent}");
    record(&b, &["status", "nope"], "an error of the client");
    record(&a, &["leave", on], "an error of the server");
    let c = Home::new(&relay.url());
    c.nexus(&["register", "--id", "c"]).done();
    record(&c, &["address", "card"], "address card");
    record(&c, &["address", "rotate"], "address rotate");
    record(&c, &["address", "remove", "@c"], "address remove");
    let (_guest, gone) = (guest(&a, on), Home::new("http://127.0.0.1:9"));
    record(&gone, &["doctor"], "doctor, discontent");
    record(&a, &["remove", on, "c"], "remove");
    record(&a, &["remove", on, "c"], "remove, repeated");
    record(&a, &["end", on], "end");
    record(&a, &["end", on], "end, repeated");
    record(&a, &["version"], "version");
    crate::scan::with_one(&mut |arguments| drop(record(&a, arguments, "scan")));
    let registry = crate::version::registry("1.0.0");
    let check = ["version", "--check", "--registry", registry.url.as_str()];
    record(&a, &check, "version --check");
    let pinned = include_str!("golden.txt");
    assert!(golden == pinned, "golden.txt should be, if this is meant:\n{golden}");
}
