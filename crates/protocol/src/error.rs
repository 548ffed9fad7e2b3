//! Errors (section 6): what one is made of. All of them are lines of one table, in `error/table.rs`.
//!
//! A [`Refusal`] is the caller's to mend. A fault of the relay itself is another type, in
//! `nexus-core`, and reaches the caller only as [`Refusal::internal`], which tells nothing of the
//! inside.

use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// A line of the table of errors.
#[derive(Clone, Copy, Debug)]
pub struct ErrorLine {
    /// The stable name.
    pub code: ErrorCode,
    /// The HTTP status.
    pub status: u16,
    /// The section of `docs/protocol.md` that tells of it.
    pub section: u8,
    /// What the caller reads, with placeholders in braces.
    pub sentence: &'static str,
}

/// The sentence of an error: as it stands, or with its placeholders filled in.
macro_rules! sentence {
    ($sentence:literal) => {
        $sentence
    };
    ($sentence:literal $($value:ident)+) => {
        format!($sentence)
    };
}

/// Makes [`ErrorCode`], [`ERRORS`] and one function of [`Refusal`] for each line.
macro_rules! errors {
    ($($code:ident {$(
        ($status:literal, $section:literal) $name:ident($($value:ident: $type:ty),*):
            $sentence:literal $(, $extra:ident($extra_value:expr))*;
    )+})+) => {
        /// The stable names of errors.
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
        )]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[serde(rename_all = "snake_case")]
        #[allow(missing_docs, reason = "the sentences of the table say when each is used")]
        pub enum ErrorCode { $($code,)+ }

        /// The whole table, for those who compare documents with it.
        pub const ERRORS: &[ErrorLine] = &[$($(ErrorLine {
            code: ErrorCode::$code,
            status: $status,
            section: $section,
            sentence: $sentence,
        },)+)+];

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

mod table;

pub use table::{ERRORS, ErrorCode};

/// One thing that is wrong with a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Detail {
    /// The field, header or query parameter.
    pub path: Cow<'static, str>,
    /// What it must be.
    pub message: Cow<'static, str>,
}

/// The body of every answer that is an error.
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
    /// Which kind of `forbidden`, or why a conversation has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Cow<'static, str>>,
    /// The limit that was passed, in bytes, agents, turns or messages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
    /// What a task is, where it cannot become what was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<Cow<'static, str>>,
    /// The current version of a file, where another was expected; 0: there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
}

/// A request that is refused: what to answer, and nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// The JSON body.
    pub body: Box<ErrorBody>,
    /// `Retry-After` in seconds.
    pub retry_after: Option<u32>,
    /// `Allow`: the methods that the path has.
    pub allow: Option<String>,
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
        Self { status, body, retry_after: None, allow: None }
    }

    /// As [`Self::invalid_request`], for one thing.
    #[must_use]
    pub fn invalid(
        path: impl Into<Cow<'static, str>>,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self::invalid_request(vec![Detail { path: path.into(), message: message.into() }])
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
