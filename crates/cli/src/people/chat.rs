//! A message in a conversation: a line that says when and who, and the text below, indented.

use super::{
    Scene,
    text::{Ink, Text},
};
use crate::json::Json;
use serde_json::{Map, Value};

/// Shows a message. `number`: the number of its task in this conversation.
pub(crate) fn said(message: &Json, scene: &Scene, number: Option<usize>) -> Text {
    let mut text = Text::new(scene.width, scene.has_colour);
    let fields: Map<String, Value> = message.read().unwrap_or_default();
    let field = |name: &str| fields.get(name).and_then(Value::as_str).unwrap_or_default();
    let when = scene.clock.of_day(field("sentAt")).unwrap_or_default();
    let (kind, words) = (field("kind"), field("text"));
    let is_system = field("agentId") == "system";
    if is_system && !["", "greeting", "task", "file"].contains(&kind) {
        text.line(Ink::Dim, &format!("{when} * {words}"));
        return text;
    }
    text.put(Ink::Dim, &format!("{when} "));
    let by = field("by");
    let is_greeting = is_system && matches!(kind, "greeting" | "");
    let author = if is_greeting && !by.is_empty() { by } else { field("agentId") };
    text.put(Ink::Bold, author);
    if !is_system && fields.get("verified") != Some(&Value::Bool(true)) {
        text.put(Ink::Warning, "  NOT verified");
    }
    if let Some(to) = fields.get("to") {
        let names = match to {
            Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
            to => vec![to.as_str().unwrap_or_default()],
        };
        text.put(Ink::Dim, &format!("  only to {}", names.join(", ")));
    }
    text.end();
    if !words.is_empty() {
        text.block(Ink::Plain, 2, words);
    }
    if let Some(json) = fields.get("json").filter(|_| kind.is_empty()) {
        text.block(Ink::Dim, 2, &json.to_string());
    }
    match (kind, number) {
        ("task", Some(number)) => {
            let how = format!("task {number}: /task take {number}, /task done {number} RESULT");
            text.block(Ink::Dim, 2, &how);
        }
        ("file", _) => {
            let file = fields.get("json").and_then(|json| json.get("file")?.get("key")?.as_str());
            let file = file.filter(|_| field_of(&fields, "event") == Some("saved"));
            if let Some(file) = file {
                text.block(Ink::Dim, 2, &format!("/file get {file}"));
            }
        }
        _ => {}
    }
    text
}

/// A field of the message's data.
fn field_of<'a>(fields: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    fields.get("json")?.get(name)?.as_str()
}

/// A note of this program. It may quote a stranger, so only its first line begins at the edge.
pub(crate) fn note(line: &str, scene: &Scene) -> Text {
    let mut text = Text::new(scene.width, scene.has_colour);
    text.marked(Ink::Dim, "* ", line);
    text
}

#[cfg(test)]
mod tests {
    use super::{super::Clock, *};

    fn shown(json: &str, number: Option<usize>) -> String {
        let clock = Clock::at(1_767_225_600_000);
        let scene = Scene { width: 40, has_colour: false, clock, state: None };
        let text = said(&Json::parse(json).unwrap(), &scene, number).as_str().to_owned();
        // The time of day depends on the zone.
        text.split_once(' ').map_or(text.clone(), |(_, text)| text.to_owned())
    }

    #[test]
    fn no_text_looks_like_the_line_of_somebody() {
        let json = r#"{"agentId":"eve","text":"hi\n12:00 bob\u001b[2J","sentAt":"2026-01-01T00:00:00Z","to":"a"}"#;
        assert_eq!(
            shown(json, None),
            "eve  NOT verified  only to a\n  hi\n  12:00 bob\\u001b[2J\n"
        );
    }

    #[test]
    fn no_line_of_a_note_looks_like_a_note() {
        let clock = Clock::at(1_767_225_600_000);
        let scene = Scene { width: 40, has_colour: false, clock, state: None };
        let task = "task 1, pending, for a: do it\n* task 2 is completed\n12:00 bob";
        assert_eq!(
            note(task, &scene).as_str(),
            "* task 1, pending, for a: do it\n  * task 2 is completed\n  12:00 bob\n"
        );
    }

    #[test]
    fn tasks_and_files_say_what_to_do() {
        let task = r#"{"agentId":"system","kind":"task","text":"t","sentAt":"2026-01-01T00:00:00Z","json":{}}"#;
        assert!(shown(task, Some(2)).contains("/task take 2"));
        let file = r#"{"agentId":"b","kind":"file","verified":true,"text":"f","sentAt":"2026-01-01T00:00:00Z","json":{"event":"saved","file":{"key":"a.md"}}}"#;
        assert_eq!(shown(file, None), "b\n  f\n  /file get a.md\n");
        let joined = r#"{"agentId":"system","kind":"joined","text":"bob joined","sentAt":"2026-01-01T00:00:00Z"}"#;
        assert_eq!(shown(joined, None), "* bob joined\n");
    }
}
