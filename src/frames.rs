//! The frame around a stored message, and the other frames of the native protocol (sections 3 and 8).
//!
//! A message becomes a frame without being parsed: the record is copied behind the type. [`message`] and
//! [`record`] are the two directions.

use nexus_core::{Fault, Result};
use nexus_protocol::Cursor;
use serde::Serialize;
use serde_json::{Value, json};

const MESSAGE: &str = r#"{"type":"message","#;

/// A stored message as a frame: `{"type":"message", ...message}`.
pub(crate) fn message(record: &str) -> String {
    let fields = record.strip_prefix('{').unwrap_or_default();
    [MESSAGE, fields].concat()
}

/// The stored message in a frame. None if the frame says something else.
pub(crate) fn record(frame: &str) -> Option<String> {
    let fields = frame.strip_prefix(MESSAGE)?;
    Some(["{", fields].concat())
}

/// `{"type":"event", ...fields}`
pub(crate) fn event(fields: Value) -> String {
    with(json!({ "type": "event" }), fields)
}

/// Says that a reader began past the end of the log, and goes on from this cursor.
pub(crate) fn reset(cursor: Cursor) -> String {
    json!({ "type": "reset", "cursor": cursor }).to_string()
}

/// Says that a reader has caught up.
pub(crate) fn ready(cursor: Cursor) -> String {
    json!({ "type": "ready", "cursor": cursor }).to_string()
}

/// The answer to a client's frame: `{"type":kind, "id":id, ...fields}`, where `id` is the client's own.
pub(crate) fn answer(kind: &str, id: &Value, fields: Value) -> String {
    with(json!({ "type": kind, "id": id }), fields)
}

/// The fields of `{"type":"sent", "id", ...}`: all of the answer to a send over HTTP, but its id is
/// `messageId`, because `id` is the client's own.
pub(crate) fn sent(answer: &impl Serialize) -> Result<Value, Fault> {
    let mut fields = serde_json::to_value(answer).map_err(Fault::new)?;
    if let Some(fields) = fields.as_object_mut() {
        fields.remove("ok");
        if let Some(id) = fields.remove("id") {
            fields.insert("messageId".to_owned(), id);
        }
    }
    Ok(fields)
}

fn with(mut frame: Value, fields: Value) -> String {
    if let (Value::Object(frame), Value::Object(fields)) = (&mut frame, fields) {
        frame.extend(fields);
    }
    frame.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_comes_out_of_its_frame_as_it_went_in() {
        let stored = r#"{"id":"x-7","json":{"n":1.50},"cursor":"7"}"#;
        let frame = message(stored);
        assert_eq!(frame, r#"{"type":"message","id":"x-7","json":{"n":1.50},"cursor":"7"}"#);
        assert_eq!(record(&frame).as_deref(), Some(stored));
        for other in [r#"{"type":"ready","cursor":"7"}"#, "nonsense", ""] {
            assert_eq!(record(other), None);
        }
    }

    #[test]
    fn the_answer_to_a_send_has_every_field() {
        let answer = json!({ "ok": true, "id": "x-7", "cursor": "7", "unredacted": true });
        let fields = json!({ "messageId": "x-7", "cursor": "7", "unredacted": true });
        assert_eq!(sent(&answer).unwrap(), fields);
    }

    #[test]
    fn an_answer_keeps_its_own_type_and_id() {
        let fields = json!({ "cursor": "7" });
        let frame = answer("sent", &json!("mine"), fields.clone());
        assert_eq!(frame, r#"{"cursor":"7","id":"mine","type":"sent"}"#);
        assert_eq!(event(fields), r#"{"cursor":"7","type":"event"}"#);
    }
}
