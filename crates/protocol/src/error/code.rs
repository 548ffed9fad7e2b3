//! The codes of errors, and the table as data.

use super::table::errors;

/// A line of the table of errors.
#[derive(Clone, Copy, Debug)]
pub struct ErrorLine {
    /// The stable name.
    pub code: ErrorCode,
    /// The HTTP status.
    pub status: u16,
    /// The section of `docs/protocol.md` that describes it.
    pub section: u8,
    /// What the caller reads, with placeholders in braces.
    pub sentence: &'static str,
}

/// Makes [`ErrorCode`] and [`ERRORS`].
macro_rules! codes {
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

        /// The whole table, for comparison with documents.
        pub const ERRORS: &[ErrorLine] = &[$($(ErrorLine {
            code: ErrorCode::$code,
            status: $status,
            section: $section,
            sentence: $sentence,
        },)+)+];
    };
}

errors!(codes);
