//! A frame that a client sends over a socket (sections 3 and 8), read once.

use crate::{Body, Refusal};
use serde_json::{Value, value::RawValue};

/// A frame: the client's own id for it, its type, and the fields of the call that it makes.
pub struct Frame<'a> {
    id: Option<&'a RawValue>,
    kind: Option<String>,
    types: &'static str,
    body: Body<'a>,
}

impl<'a> Frame<'a> {
    /// Reads a frame, where `types` is the rule for its type, such as "must be `send`". Refuses what is not a JSON
    /// object that every reader can take, as a body is refused.
    pub fn parse(bytes: &'a [u8], types: &'static str) -> Result<Self, Refusal> {
        let mut body = Body::parse(bytes)?;
        let id = body.raw("id");
        let kind = body.required("type", types);
        Ok(Self { id, kind, types, body })
    }

    /// The client's own id, a text or a number; null if it gave none.
    #[must_use]
    pub fn id(&self) -> Value {
        let id = self.id.and_then(|id| serde_json::from_str::<Value>(id.get()).ok());
        id.filter(|id| id.is_string() || id.is_number()).unwrap_or_default()
    }

    /// The type. None: it is missing or not a text.
    #[must_use]
    pub fn kind(&self) -> Option<&str> {
        self.kind.as_deref()
    }

    /// The fields of the call.
    #[must_use]
    pub fn into_body(self) -> Body<'a> {
        self.body
    }

    /// Refuses a frame of a type that is none of those allowed.
    #[must_use]
    pub fn wrong_type(self) -> Refusal {
        let types = self.types;
        self.body.finish().err().unwrap_or_else(|| Refusal::invalid("type", types))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorCode;
    use serde_json::json;

    const TYPES: &str = "must be `send`";

    fn parsed(text: &str) -> (Value, Option<String>) {
        let frame = Frame::parse(text.as_bytes(), TYPES).unwrap();
        (frame.id(), frame.kind().map(ToOwned::to_owned))
    }

    #[test]
    fn an_id_is_a_text_or_a_number_of_the_clients() {
        let send = Some("send".to_owned());
        assert_eq!(parsed(r#"{"type":"send","id":"a\n"}"#), (json!("a\n"), send.clone()));
        assert_eq!(parsed(r#"{"type":"send","id":1.5}"#), (json!(1.5), send.clone()));
        for other in [r#"{"type":"send"}"#, r#"{"type":"send","id":[1]}"#] {
            assert_eq!(parsed(other), (Value::Null, send.clone()));
        }
    }

    #[test]
    fn a_type_that_is_not_allowed_is_named_once() {
        for text in [r#"{"type":"other"}"#, "{}", r#"{"type":1}"#] {
            let refusal = Frame::parse(text.as_bytes(), TYPES).unwrap().wrong_type();
            let details = &refusal.body.details;
            assert_eq!((details.len(), details[0].path.as_ref()), (1, "type"), "{text}");
            assert_eq!(details[0].message, TYPES);
        }
        let refusal = Frame::parse(b"{", TYPES).err().unwrap();
        assert_eq!(refusal.body.error, ErrorCode::InvalidBody);
    }
}
