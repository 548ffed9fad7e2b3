//! The response to a refused request.

use super::{ErrorCode, table::errors};
use crate::LimitKind;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// One thing that is wrong with a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Detail {
    /// The field, header or query parameter.
    pub path: Cow<'static, str>,
    /// What it must be.
    pub message: Cow<'static, str>,
}

/// The body of every response that reports an error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "Error"))]
#[serde(rename_all = "camelCase")]
pub struct ErrorBody {
    /// The stable name.
    pub error: ErrorCode,
    /// One sentence that a person or a model can act on.
    pub message: Cow<'static, str>,
    /// Each thing that is wrong, for `invalid_request`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub details: Vec<Detail>,
    /// The kind of `forbidden`, or why a conversation has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Cow<'static, str>>,
    /// The limit that was exceeded, in bytes, agents, turns or messages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
    /// The status of a task that cannot change as requested.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<Cow<'static, str>>,
    /// The current version of a file, if another was expected. 0 means that the file does not
    /// exist.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
}

/// A refused request: what to respond. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// The JSON body.
    pub body: Box<ErrorBody>,
    /// `Retry-After` in seconds.
    pub retry_after: Option<u32>,
    /// `Allow`: the methods that the path supports.
    pub allow: Option<String>,
    /// The limit that was hit, which is counted for the operator.
    pub hit: Option<LimitKind>,
}

impl Refusal {
    fn new(status: u16, error: ErrorCode, message: impl Into<Cow<'static, str>>) -> Self {
        let body = Box::new(ErrorBody {
            error,
            message: message.into(),
            details: Vec::new(),
            reason: None,
            limit: None,
            state: None,
            version: None,
        });
        Self { status, body, retry_after: None, allow: None, hit: None }
    }

    /// Like [`Self::invalid_request`], for a single detail.
    #[must_use]
    pub fn invalid(
        path: impl Into<Cow<'static, str>>,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self::invalid_request(vec![Detail { path: path.into(), message: message.into() }])
    }

    /// The same, because this limit was hit.
    #[must_use]
    pub fn of(mut self, limit: LimitKind) -> Self {
        self.hit = Some(limit);
        self
    }

    fn reason(mut self, reason: &'static str) -> Self {
        self.body.reason = Some(reason.into());
        self
    }

    fn limit(mut self, limit: impl TryInto<usize>) -> Self {
        self.body.limit = limit.try_into().ok();
        self
    }

    fn state(mut self, state: &'static str) -> Self {
        self.body.state = Some(state.into());
        self
    }

    fn version(mut self, version: u32) -> Self {
        self.body.version = Some(version);
        self
    }

    fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    fn allow(mut self, methods: String) -> Self {
        self.allow = Some(methods);
        self
    }
}

/// The sentence of an error, with its placeholders filled in, if it has any.
macro_rules! sentence {
    ($sentence:literal) => {
        $sentence
    };
    ($sentence:literal $($value:ident)+) => {
        format!($sentence)
    };
}

/// Makes one function of [`Refusal`] for each line of the table.
macro_rules! refusals {
    ($($code:ident {$(
        ($status:literal, $section:literal) $name:ident($($value:ident: $type:ty),*):
            $sentence:literal $(, $extra:ident($extra_value:expr))*;
    )+})+) => {
        #[allow(clippy::doc_markdown, reason = "the sentences are for callers")]
        impl Refusal {$($(
            #[doc = $sentence]
            #[must_use]
            pub fn $name($($value: $type),*) -> Self {
                Self::new($status, ErrorCode::$code, sentence!($sentence $($value)*))
                    $(.$extra($extra_value))*
            }
        )+)+}
    };
}

errors!(refusals);

/// Errors that are more than one line of the table.
impl Refusal {
    /// Names each field, header or query parameter that is missing, malformed or out of range.
    #[must_use]
    pub fn invalid_request(details: Vec<Detail>) -> Self {
        let list: Vec<String> =
            details.iter().map(|d| format!("{} {}", d.path, d.message)).collect();
        let mut refusal = Self::invalid_list(&list.join("; "));
        refusal.body.details = details;
        refusal
    }

    /// The key does not belong to the agent: 401 if the call needs a key, otherwise 403.
    #[must_use]
    pub fn invalid_session_key(needed: bool) -> Self {
        if needed { Self::wrong_key_where_needed() } else { Self::wrong_key() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wire_form_is_code_message_details_and_named_extras() {
        let wire = |refusal: Refusal| serde_json::to_value(refusal.body).unwrap();
        let json = wire(Refusal::invalid("ttl", "must be a number"));
        assert_eq!(json["error"], "invalid_request");
        assert_eq!(json["details"][0]["path"], "ttl");
        assert_eq!(json["message"], "Correct the request and send it again: ttl must be a number.");
        let json = wire(Refusal::not_in_session());
        assert_eq!(
            (&json["error"], &json["reason"]),
            (&"forbidden".into(), &"agent_not_in_session".into())
        );
        assert_eq!(wire(Refusal::message_too_large("text", 7))["limit"], 7);
        assert_eq!(wire(Refusal::code_over())["error"], "code_expired_or_used");
    }
}
