//! Files of a session (section 9): keys, versions, conditions and lists.

use crate::{AgentId, Cursor, Malformed, Refusal, Timestamp, ids::string_id, query::Query};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::{fmt, str::FromStr};

/// The name of a file: a path such as `docs/plan.md`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileKey(String);
string_id!(FileKey, debug: |key| key);

impl FileKey {
    /// What a key must be.
    pub const RULE: &str = "must be a path of at most 256 bytes such as `docs/plan.md`: no control characters or `\\`, no part that is empty, `.` or `..`";
}

impl FromStr for FileKey {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let part = |part: &str| !matches!(part, "" | "." | "..");
        // Bytes of a path that are not UTF-8 arrive as U+FFFD.
        let strange = |c: char| c.is_control() || matches!(c, '\\' | '\u{fffd}');
        let right = text.len() <= 256 && text.split('/').all(part) && !text.chars().any(strange);
        if right { Ok(Self(text.to_owned())) } else { Err(Malformed(Self::RULE)) }
    }
}

/// A version of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "File"))]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "section 9 names each")]
pub struct FileInfo {
    pub key: FileKey,
    pub version: u32,
    pub etag: String,
    /// In bytes.
    pub size: usize,
    pub content_type: String,
    pub editor: AgentId,
    /// Whether the editor proved its key.
    pub verified: bool,
    pub updated_at: Timestamp,
    pub cursor: Cursor,
}

impl FileInfo {
    /// The `ETag` of a version.
    #[must_use]
    pub fn etag_of(version: u32) -> String {
        format!("\"{version}\"")
    }
}

/// What happened to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum FileEvent {
    /// It has a new version.
    Saved,
    /// It is gone.
    Deleted,
}

/// The payload of a message about a file.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "FileNews"))]
#[serde(tag = "type", rename = "file")]
pub struct FileNews {
    /// What happened.
    pub event: FileEvent,
    /// The file as it is now, or was before it was deleted.
    pub file: FileInfo,
}

/// What must be true of a file before it is changed: `If-Match` and `If-None-Match`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Condition {
    /// Nothing.
    #[default]
    None,
    /// The file exists.
    Exists,
    /// The file does not exist.
    Absent,
    /// The file's current version is one of these.
    Versions(Vec<u32>),
}

impl Condition {
    /// Reads the two headers. Refuses a value that is not a list of `ETag`s of versions.
    pub fn parse(if_match: Option<&str>, if_none_match: Option<&str>) -> Result<Self, Refusal> {
        match (if_match, if_none_match) {
            (None, None) => Ok(Self::None),
            (Some(_), Some(_)) => {
                Err(Refusal::invalid("If-None-Match", "must be left out where If-Match is given"))
            }
            (None, Some("*")) => Ok(Self::Absent),
            (None, Some(_)) => Err(Refusal::invalid("If-None-Match", "must be `*`")),
            (Some("*"), None) => Ok(Self::Exists),
            (Some(list), None) => {
                // Proxies that compress make a tag weak. The version is the same.
                let strong = |tag: &str| tag.strip_prefix("W/").unwrap_or(tag).to_owned();
                let version = |tag: &str| strong(tag.trim()).trim_matches('"').parse().ok();
                let versions: Option<Vec<u32>> = list.split(',').map(version).collect();
                let rule = "must be the `etag` of a version, such as \"3\"";
                versions.map(Self::Versions).ok_or_else(|| Refusal::invalid("If-Match", rule))
            }
        }
    }

    /// Whether the condition is true for a file whose current version is `version`. 0 means that
    /// the file does not exist.
    #[must_use]
    pub fn holds(&self, version: u32) -> bool {
        match self {
            Self::None => true,
            Self::Exists => version > 0,
            Self::Absent => version == 0,
            Self::Versions(versions) => version > 0 && versions.contains(&version),
        }
    }
}

/// `?version=`: the requested version. The current one if left out.
pub fn file_version(query: &str) -> Result<Option<u32>, Refusal> {
    let mut query = Query::parse(query);
    let version = query.number("version", "versions", 1..=u32::MAX);
    query.finish()?;
    Ok(version)
}

/// `GET /v1/sessions/:id/files`: which files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilesRequest {
    /// Only files whose keys begin with this.
    pub prefix: String,
    /// Only files whose keys sort after this one.
    pub after: String,
    /// At most this many files.
    pub limit: u32,
}

impl FilesRequest {
    /// Reads the query string.
    pub fn parse(query: &str) -> Result<Self, Refusal> {
        let mut query = Query::parse(query);
        let request = Self {
            prefix: query.decoded("prefix").unwrap_or_default(),
            after: query.decoded("after").unwrap_or_default(),
            limit: query.at_most("limit", "files", 1..=1000).unwrap_or(1000),
        };
        query.finish()?;
        Ok(request)
    }
}

/// The answer to `GET /v1/sessions/:id/files`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct FileList {
    /// Ordered by key.
    pub files: Vec<FileInfo>,
    /// The `after` for the next page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_after: Option<FileKey>,
    /// Whether there are more.
    pub has_more: bool,
    /// The bytes of all files of the session, including kept versions.
    pub bytes: usize,
}

/// The answer to `DELETE /v1/sessions/:id/files/:key`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FileDeleted {
    /// Always true.
    pub ok: bool,
    /// The file's key.
    pub key: FileKey,
    /// The version number of the deletion itself.
    pub version: u32,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_file_key_is_a_path_that_cannot_escape() {
        for key in ["a", "docs/plan.md", "a..b/.c", "日本語.txt", &"a".repeat(256)] {
            assert_eq!(key.parse::<FileKey>().map(|key| key.to_string()), Ok(key.to_owned()));
        }
        for key in [
            "",
            "/",
            "/a",
            "a/",
            "a//b",
            "..",
            "../a",
            "a/../b",
            "a/..",
            "./a",
            "a/.",
            "a\\b",
            "a\0",
            "a\nb",
            "a\u{fffd}",
            &"a".repeat(257),
        ] {
            assert!(key.parse::<FileKey>().is_err(), "{key:?}");
        }
    }

    #[test]
    fn conditions_are_those_of_http() {
        let parse = |a, b| Condition::parse(a, b);
        assert!(parse(None, None).unwrap().holds(0));
        let versions = parse(Some("\"3\", \"5\""), None).unwrap();
        assert!(versions.holds(3) && versions.holds(5) && !versions.holds(4) && !versions.holds(0));
        assert!(parse(Some("3"), None).unwrap().holds(3));
        let absent = parse(None, Some("*")).unwrap();
        assert!(absent.holds(0) && !absent.holds(1));
        assert!(!parse(Some("*"), None).unwrap().holds(0));
        assert!(parse(Some("W/\"3\""), None).unwrap().holds(3));
        assert!(parse(Some("w/\"3\""), None).is_err() && parse(None, Some("\"3\"")).is_err());
        assert!(parse(Some("*"), Some("*")).is_err());
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(text in ".{0,300}") {
            if let Ok(key) = text.parse::<FileKey>() {
                prop_assert!(!key.as_str().split('/').any(|part| part == ".."));
            }
            let _ = Condition::parse(Some(&text), None);
            let _ = FilesRequest::parse(&text);
            let _ = file_version(&text);
        }
    }
}
