//! The result of a command: its facts, one a line, and then its lists as tables.

use super::{
    Scene,
    message::{self, is_message},
    table::table,
    text::{Ink, Text, width_of},
};
use crate::{harmless, json::Json};
use serde_json::{Map, Value};

/// A list that is shown as a table.
struct List {
    /// The field that holds it.
    name: &'static str,
    /// A field that its items have, if several lists have the same name.
    has: &'static str,
    /// The title of each column, and the path of its field.
    columns: &'static [(&'static str, &'static str)],
}

const LISTS: [List; 9] = [
    List {
        name: "sessions",
        has: "state",
        columns: &[
            ("SESSION", "sessionId"),
            ("ALIAS", "aliases"),
            ("STATE", "state"),
            ("YOU", "agentId"),
            ("MEMBERS", "agents"),
            ("ENDS", "expiresAt"),
            ("SERVER", "server"),
        ],
    },
    List {
        name: "sessions",
        has: "pollDaemon",
        columns: &[
            ("SESSION", "sessionId"),
            ("ALIAS", "aliases"),
            ("YOU", "agentId"),
            ("CURSOR", "cursor"),
            ("POLL-DAEMON", "pollDaemon.pid"),
            ("HEARTBEAT", "heartbeat.pid"),
            ("LISTEN", "listen.pid"),
        ],
    },
    List { name: "agents", has: "presence", columns: MEMBERS },
    List { name: "members", has: "presence", columns: MEMBERS },
    List {
        name: "agents",
        has: "card",
        columns: &[
            ("ADDRESS", "card.agentId"),
            ("ONLINE", "online"),
            ("NAME", "card.name"),
            ("CAN", "card.capabilities"),
            ("WHAT", "card.description"),
        ],
    },
    List {
        name: "tasks",
        has: "assignee",
        columns: &[
            ("TASK", "id"),
            ("STATUS", "status"),
            ("ASSIGNEE", "assignee"),
            ("FROM", "from"),
            ("WHAT", "task"),
        ],
    },
    List {
        name: "files",
        has: "key",
        columns: &[
            ("VERSION", "version"),
            ("BYTES", "size"),
            ("EDITOR", "editor"),
            ("UPDATED", "updatedAt"),
            ("NAME", "key"),
        ],
    },
    List {
        name: "relays",
        has: "kind",
        columns: &[("KIND", "kind"), ("URL", "url"), ("ADDRESS", "address"), ("NAME", "name")],
    },
    List {
        name: "contacts",
        has: "name",
        columns: &[
            ("NAME", "name"),
            ("ADDRESS", "agentId"),
            ("URL", "url"),
            ("WHAT", "description"),
        ],
    },
];

const MEMBERS: &[(&str, &str)] = &[
    ("AGENT", "agentId"),
    ("PRESENCE", "presence"),
    ("VERIFIED", "verified"),
    ("CAN", "capabilities"),
    ("NAME", "name"),
    ("MACHINE", "machine"),
    ("HEARD", "lastSeenAt"),
];

/// Fields that matter to programs only.
const LEFT_OUT: [&str; 5] = ["hasMore", "nextCursor", "nextAfter", "etag", "cursorReset"];

/// How many digits of a session's id a table shows. A command takes these instead of the whole.
const PREFIX: usize = 12;

/// Shows a result.
pub(crate) fn show(json: &Json, scene: &Scene) -> Text {
    let mut text = Text::new(scene.width, scene.has_colour);
    match json.read::<Value>() {
        Some(Value::Object(fields)) => object(&mut text, scene, &fields, &json.names()),
        Some(Value::String(words)) => text.block(Ink::Plain, 0, &words),
        _ => text.block(Ink::Plain, 0, json.as_str()),
    }
    text
}

fn object(text: &mut Text, scene: &Scene, fields: &Map<String, Value>, order: &[String]) {
    if is_message(fields) {
        return message::show(text, &scene.clock, fields);
    }
    if let Some(Value::Array(messages)) = fields.get("messages") {
        return page(text, scene, messages, fields);
    }
    let (mut facts, mut lists, mut empty) = (Vec::new(), Vec::new(), Vec::new());
    for name in order {
        let Some(value) = fields.get(name) else { continue };
        match value {
            Value::Array(items) if items.is_empty() => empty.push(name),
            Value::Array(items) if items.iter().any(Value::is_object) => lists.push((name, items)),
            _ if harmless::is_secret(name) => {
                facts.push((label(name), place_of(name, fields, scene)));
            }
            value => collect(&mut facts, &label(name), name, value, scene),
        }
    }
    show_facts(text, &facts);
    for (name, items) in &lists {
        list(text, scene, name, items);
    }
    if facts.is_empty() && lists.is_empty() {
        for name in empty {
            text.line(Ink::Plain, &format!("No {}.", label(name)));
        }
    }
}

/// Where a key is kept, in place of the key.
fn place_of(name: &str, fields: &Map<String, Value>, scene: &Scene) -> String {
    let id = |name: &str| fields.get(name).and_then(Value::as_str);
    let is_kept = !fields.contains_key("error");
    let state = scene.state.as_ref().filter(|_| is_kept);
    let path = state.and_then(|state| match name {
        "sessionKey" => Some(state.join("sessions").join(id("sessionId")?).join("key")),
        _ => Some(state.join("agents").join(id("agentId")?).join("secret")),
    });
    path.map_or_else(
        || "not shown on a terminal".to_owned(),
        |path| format!("kept in {}", path.display()),
    )
}

/// `expiresAt` as `expires`, `maxAgents` as `max agents`.
fn label(name: &str) -> String {
    let name = name.strip_suffix("At").unwrap_or(name);
    let words = name.chars().fold(String::new(), |mut words, c| {
        if c.is_ascii_uppercase() {
            words.push(' ');
        }
        words.push(c.to_ascii_lowercase());
        words
    });
    words.trim().to_owned()
}

/// Adds a field, or the fields of an object.
fn collect(
    facts: &mut Vec<(String, String)>,
    label_of: &str,
    name: &str,
    value: &Value,
    scene: &Scene,
) {
    let is_fine = name == "ok" && *value == Value::Bool(true);
    let is_empty = value.is_null() || value.as_array().is_some_and(Vec::is_empty);
    if is_fine || is_empty || LEFT_OUT.contains(&name) {
        return;
    }
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                collect(facts, &format!("{label_of} {}", label(name)), name, value, scene);
            }
        }
        value => facts.push((label_of.to_owned(), say(name, value, scene))),
    }
}

fn show_facts(text: &mut Text, facts: &[(String, String)]) {
    let widest = facts.iter().map(|(label, _)| width_of(label)).max().unwrap_or(0);
    for (label, value) in facts {
        let space = widest.saturating_sub(width_of(label)).saturating_add(2);
        text.put(Ink::Dim, label);
        text.put(Ink::Plain, &" ".repeat(space));
        let used = widest.saturating_add(2);
        let is_short =
            !value.contains('\n') && used.saturating_add(width_of(value)) <= text.width();
        // An address, an id or a path must be in one piece to be copied.
        if is_short || !value.contains(char::is_whitespace) {
            text.line(Ink::Plain, value);
        } else {
            text.end();
            text.block(Ink::Plain, 4, value);
        }
    }
}

/// A value in words.
fn say(name: &str, value: &Value, scene: &Scene) -> String {
    match value {
        Value::Null => String::new(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::String(time) if name.ends_with("At") => {
            scene.clock.say(time).unwrap_or_else(|| time.clone())
        }
        Value::String(words) => words.clone(),
        Value::Number(seconds) if name == "ttl" || name == "interval" => {
            seconds.as_u64().map_or_else(|| seconds.to_string(), super::time::span)
        }
        Value::Array(items) => {
            let words: Vec<String> = items.iter().map(|item| say("", item, scene)).collect();
            words.join(", ")
        }
        value => value.to_string(),
    }
}

fn list(text: &mut Text, scene: &Scene, name: &str, items: &[Value]) {
    if items.iter().any(|item| item.get("page").is_some() || item.get("error").is_some()) {
        return items.iter().for_each(|item| polled(text, scene, item));
    }
    if name == "checks" {
        return items.iter().for_each(|item| check(text, scene, item));
    }
    let first = items.first();
    let is_it =
        |list: &&List| list.name == name && first.is_some_and(|item| item.get(list.has).is_some());
    let Some(known) = LISTS.iter().find(is_it) else {
        for item in items {
            let mut facts = Vec::new();
            collect(&mut facts, "", "", item, scene);
            let facts: Vec<String> =
                facts.iter().map(|(label, value)| format!("{} {value}", label.trim())).collect();
            text.block(Ink::Plain, 2, &facts.join(" · "));
        }
        return;
    };
    let titles: Vec<&str> = known.columns.iter().map(|(title, _)| *title).collect();
    let rows: Vec<Vec<String>> = items
        .iter()
        .map(|item| known.columns.iter().map(|(_, path)| cell(item, path, scene)).collect())
        .collect();
    table(text, &titles, &rows);
}

/// What `doctor` found, in full, because it says what to do.
fn check(text: &mut Text, scene: &Scene, item: &Value) {
    let field = |name: &str| cell(item, name, scene);
    let is_fine = item.get("ok") == Some(&Value::Bool(true));
    let (ink, mark) = if is_fine { (Ink::Dim, "ok  ") } else { (Ink::Warning, "FAIL") };
    text.put(ink, mark);
    text.line(Ink::Plain, &format!("  {} {}", field("kind"), field("subject")));
    text.block(ink, 6, &field("message"));
}

fn cell(item: &Value, path: &str, scene: &Scene) -> String {
    let value = path.split('.').try_fold(item, |value, name| value.get(name));
    let said = value.map(|value| say(path, value, scene)).unwrap_or_default();
    if path == "sessionId" { said.chars().take(PREFIX).collect() } else { said }
}

/// A page of messages, and the members if they were asked for.
fn page(text: &mut Text, scene: &Scene, messages: &[Value], fields: &Map<String, Value>) {
    for message in messages.iter().filter_map(Value::as_object) {
        message::show(text, &scene.clock, message);
    }
    if messages.is_empty() {
        text.line(Ink::Dim, "Nothing new.");
    }
    if let Some(Value::Array(members)) = fields.get("members") {
        text.end();
        list(text, scene, "members", members);
    }
}

/// One session of `poll-all`.
fn polled(text: &mut Text, scene: &Scene, item: &Value) {
    let field = |name: &str| cell(item, name, scene);
    let title = [field("aliases"), field("sessionId")];
    let title = title.iter().find(|title| !title.is_empty());
    text.line(Ink::Bold, title.map_or("", String::as_str));
    match (item.get("page"), item.get("error")) {
        (Some(Value::Object(fields)), _) => {
            let messages = fields.get("messages").and_then(Value::as_array);
            page(text, scene, messages.map_or(&[], Vec::as_slice), fields);
        }
        (_, Some(error)) => text.block(Ink::Warning, 2, &cell(error, "message", scene)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::{super::Clock, *};

    fn shown(json: &str) -> String {
        let clock = Clock::at(1_767_225_600_000);
        let state = Some("/home/a/.config/messaging".into());
        let scene = Scene { width: 60, has_colour: false, clock, state };
        show(&Json::parse(json).unwrap(), &scene).as_str().to_owned()
    }

    #[test]
    fn facts_stand_in_the_order_of_the_value_and_keys_are_hidden() {
        let json = r#"{"sessionId":"ab","sessionKey":"nxk_x","ok":true,"ttl":60,"creatorAgentId":null,
            "expiresAt":"2026-01-01T00:01:00Z","card":{"name":"Bob"}}"#;
        let expected = "session id   ab\n\
                        session key\n    kept in /home/a/.config/messaging/sessions/ab/key\n\
                        ttl          1 min\nexpires      in 1 min\ncard name    Bob\n";
        assert_eq!(shown(json), expected);
        let lost = r#"{"error":"state_not_saved","sessionKey":"k","sessionId":"ab"}"#;
        assert!(shown(lost).contains("not shown on a terminal"), "{}", shown(lost));
    }

    #[test]
    fn lists_are_tables() {
        let json =
            r#"{"tasks":[{"id":"t-1","status":"pending","assignee":"bob","from":"a","task":"x"}]}"#;
        assert_eq!(
            shown(json),
            "TASK  STATUS   ASSIGNEE  FROM  WHAT\nt-1   pending  bob       a     x\n"
        );
        assert_eq!(shown(r#"{"tasks":[]}"#), "No tasks.\n");
        assert_eq!(shown(r#"{"codes":[{"code":"A-B","url":"u"}]}"#), "  code A-B · url u\n");
    }

    #[test]
    fn a_page_is_a_transcript() {
        let json = r#"{"messages":[
            {"agentId":"bob","text":"Hi\nalice: no","sentAt":"2026-01-01T00:00:00Z","id":"m-1","cursor":"1","verified":false},
            {"agentId":"system","kind":"joined","text":"carol joined","sentAt":"2026-01-01T00:00:00Z","id":"m-2","cursor":"2"}
        ],"nextCursor":"2"}"#;
        let expected = "bob  NOT verified  now  m-1\n  Hi\n  alice: no\n* carol joined  now\n";
        assert_eq!(shown(json), expected);
        assert_eq!(shown(r#"{"messages":[]}"#), "Nothing new.\n");
    }
}
