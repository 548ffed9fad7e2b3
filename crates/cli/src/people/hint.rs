//! The relay's hints name HTTP requests. Who reads them here uses this program.

use crate::json::Json;
use serde::Deserialize;

/// How to answer a task.
pub(crate) fn answer(task: &str) -> String {
    format!(
        "To answer: nexus task take {task}, then nexus task done {task} --result TEXT (or fail, decline)."
    )
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Part {
    kind: Option<String>,
    hint: Option<String>,
    json: Option<About>,
    messages: Option<Vec<Json>>,
    page: Option<Json>,
    sessions: Option<Vec<Json>>,
}

#[derive(Deserialize)]
struct About {
    task: Id,
}

#[derive(Deserialize)]
struct Id {
    id: String,
}

/// The same message, page or list of pages, with hints that name commands.
pub(crate) fn with_commands(json: &Json) -> Json {
    if !json.as_str().contains("\"hint\"") {
        return json.clone();
    }
    // What has another form has no hint.
    let part: Part = json.read().unwrap_or_default();
    let each = |parts: &[Json]| Json::of(&parts.iter().map(with_commands).collect::<Vec<_>>());
    let hint = match (part.kind.as_deref(), part.hint, part.json) {
        (Some("task"), Some(_), Some(about)) => Some(Json::of(&answer(&about.task.id))),
        _ => None,
    };
    let parts = [
        ("hint", hint),
        ("messages", part.messages.as_deref().map(each)),
        ("page", part.page.as_ref().map(with_commands)),
        ("sessions", part.sessions.as_deref().map(each)),
    ];
    parts.into_iter().fold(json.clone(), |json, (name, new)| {
        new.map_or_else(|| json.clone(), |new| json.replacing(name, &new))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hints_of_tasks_name_commands_wherever_the_message_stands() {
        let message = r#"{"kind":"task","hint":"send POST /x","text":"send POST /x","json":{"task":{"id":"8f-1"}},"n":1.50}"#;
        let new = message.replacen("send POST /x", &answer("8f-1"), 1);
        for form in [
            "_",
            r#"{"messages":[_,{"text":"\"hint\""}],"nextCursor":"1"}"#,
            r#"{"sessions":[{"sessionId":"a","page":{"messages":[_]}}]}"#,
        ] {
            let json = Json::parse(&form.replace('_', message)).unwrap();
            assert_eq!(with_commands(&json).as_str(), form.replace('_', &new));
        }
    }

    #[test]
    fn everything_else_stays_as_it_is() {
        for text in [
            r#"{"kind":"file","hint":"send GET /x","json":{"task":{"id":"8f-1"}}}"#,
            r#"{"hint":"send POST /x","json":{"task":{"id":"8f-1"}}}"#,
            r#"{"messages":"hint","hint":7}"#,
            r#"["hint"]"#,
        ] {
            assert_eq!(with_commands(&Json::parse(text).unwrap()).as_str(), text);
        }
    }
}
