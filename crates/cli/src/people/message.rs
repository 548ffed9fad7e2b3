//! One message: a line that says who wrote it and when, and its text below, indented. So no text can look
//! like such a line.

use super::{
    text::{Ink, Text},
    time::Clock,
};
use serde_json::{Map, Value};

/// Whether an object is a message.
pub(super) fn is_message(fields: &Map<String, Value>) -> bool {
    fields.contains_key("agentId")
        && fields.contains_key("cursor")
        && ["text", "json", "kind", "seal"].iter().any(|name| fields.contains_key(*name))
}

pub(super) fn show(text: &mut Text, clock: &Clock, fields: &Map<String, Value>) {
    let field = |name: &str| fields.get(name).and_then(Value::as_str).unwrap_or_default();
    let when = clock.say(field("sentAt")).unwrap_or_default();
    let is_system = field("agentId") == "system";
    // Only the relay sets it.
    let kind = field("kind");
    let is_notice = is_system && !["", "greeting", "task", "file", "invitation"].contains(&kind);
    if is_notice {
        text.put(Ink::Dim, &format!("* {}", field("text")));
        return text.line(Ink::Dim, &format!("  {when}"));
    }
    let is_greeting = is_system && matches!(kind, "greeting" | "");
    match (is_greeting, field("by")) {
        (true, "") => text.put(Ink::Bold, "greeting"),
        (true, by) => text.put(Ink::Bold, &format!("{by} (greeting)")),
        (false, _) => text.put(Ink::Bold, field("agentId")),
    }
    if !is_system && fields.get("verified") != Some(&Value::Bool(true)) {
        text.put(Ink::Warning, "  NOT verified");
    }
    for (word, name) in [("to ", "to"), ("about ", "topic"), ("answers ", "replyTo")] {
        let said = match fields.get(name) {
            Some(Value::String(said)) => said.clone(),
            Some(Value::Array(names)) => {
                names.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", ")
            }
            _ => continue,
        };
        text.put(Ink::Dim, &format!("  {word}{said}"));
    }
    text.line(Ink::Dim, &format!("  {when}  {}", field("id")));
    if let Some(seal) = fields.get("seal") {
        for line in sealed(seal, field("agentId")) {
            text.block(Ink::Warning, 2, &line);
        }
    }
    let words = field("text");
    if !words.is_empty() {
        text.block(Ink::Plain, 2, words);
    }
    if let Some(json) = fields.get("json").filter(|_| kind.is_empty()) {
        text.block(Ink::Dim, 2, &json.to_string());
    }
    let task = fields.get("json").and_then(|json| json.get("task")?.get("id")?.as_str());
    if let Some(task) = task.filter(|_| kind == "task" && fields.contains_key("hint")) {
        text.block(Ink::Dim, 2, &super::hint::answer(task));
    }
}

/// What a person must know of a message of an encrypted session.
fn sealed(seal: &Value, from: &str) -> Vec<String> {
    let says = |name: &str| seal.get(name) == Some(&Value::Bool(true));
    let mut lines = Vec::new();
    match seal.get("state").and_then(Value::as_str) {
        Some("open") => {}
        Some("newer") => lines.push("NOT OPENED: it takes a newer nexus.".to_owned()),
        _ => {
            lines
                .push(format!("NOT OPENED: it was changed on the way, or {from} did not seal it."));
        }
    }
    let missing = seal.get("missing").and_then(Value::as_array);
    if let Some(missing) = missing.filter(|missing| !missing.is_empty()) {
        let numbers: Vec<String> = missing.iter().map(Value::to_string).collect();
        lines.push(format!(
            "Messages of {from} before this one are missing: {}.",
            numbers.join(", ")
        ));
    }
    for (name, line) in [
        ("restarted", format!("The count of {from} has begun anew, or this message came late.")),
        ("fork", format!("{from} has read a message that was not shown here.")),
        ("keyChanged", format!("{from} has signed with another key than before, or not at all.")),
    ] {
        if says(name) {
            lines.push(line);
        }
    }
    lines
}
