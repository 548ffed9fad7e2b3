//! What members of a session say about themselves, and the token that lets them in (section 9).

use crate::{
    AgentId, Body, Refusal, Timestamp,
    ids::Malformed,
    label::{is_label, is_plain},
    query::Query,
};
use serde::{Deserialize, Serialize};
use std::{fmt, ops::RangeInclusive, str::FromStr};

/// What a member says about itself. Nobody checks it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "section 9 names each")]
pub struct Profile {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capabilities: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub machine: Option<String>,
}

impl Profile {
    /// Reads the body of a join, a claim or a `PATCH`. Refuses malformed fields.
    pub fn parse(bytes: &[u8]) -> Result<Self, Refusal> {
        let mut body = Body::parse(bytes)?;
        let profile = Self::read(&mut body);
        body.finish()?;
        Ok(profile)
    }

    /// Reads the fields of a profile from a body.
    pub(crate) fn read(body: &mut Body) -> Self {
        let capabilities: Option<Vec<String>> = body.field("capabilities", CAPABILITIES);
        let wrong = |words: &Vec<String>| words.len() > 32 || !words.iter().all(|w| is_label(w));
        if capabilities.as_ref().is_some_and(wrong) {
            body.note("capabilities", CAPABILITIES);
        }
        Self {
            name: text(body, "name", NAME, 1..=128),
            capabilities,
            description: text(body, "description", DESCRIPTION, 0..=1024),
            machine: text(body, "machine", NAME, 1..=128),
        }
    }

    /// Applies the fields that `change` has. An empty description removes the description.
    pub fn change(&mut self, change: Self) {
        self.name = change.name.or(self.name.take());
        self.capabilities = change.capabilities.or(self.capabilities.take());
        self.description = change.description.or(self.description.take());
        self.description.take_if(|text| text.is_empty());
        self.machine = change.machine.or(self.machine.take());
    }

    /// Whether the member says that it has the capability.
    #[must_use]
    pub fn can(&self, capability: &str) -> bool {
        self.capabilities.iter().flatten().any(|word| word == capability)
    }
}

pub(crate) const NAME: &str = "must be 1 to 128 characters, none of them a control character";
pub(crate) const DESCRIPTION: &str =
    "must be at most 1024 characters, none of them a control character";
const CAPABILITIES: &str = "must be a list of at most 32 texts, each 1 to 64 characters without commas and control characters";
/// The field as a text. A text of another length, or with control characters, is noted as wrong.
pub(crate) fn text(
    body: &mut Body,
    name: &'static str,
    rule: &'static str,
    length: RangeInclusive<usize>,
) -> Option<String> {
    let text: String = body.field(name, rule)?;
    if !is_plain(&text, length) {
        body.note(name, rule);
        return None;
    }
    Some(text)
}

/// What a session requires of those who join, if it was created with a token. `Debug` does not show
/// it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Token(String);
#[cfg(feature = "schema")]
crate::schema::string!(Token, "Token");

impl Token {
    /// What a token must be.
    pub const RULE: &str = "must be 8 to 256 visible ASCII characters";

    /// The token as it goes over the wire.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

impl FromStr for Token {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        text.to_owned().try_into()
    }
}

impl TryFrom<String> for Token {
    type Error = Malformed;

    fn try_from(text: String) -> Result<Self, Malformed> {
        let right = (8..=256).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
        if right { Ok(Self(text)) } else { Err(Malformed(Self::RULE)) }
    }
}

impl From<Token> for String {
    fn from(token: Token) -> Self {
        token.0
    }
}

/// How recently a member was heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Presence {
    /// Connected, or heard within the last 60 seconds.
    Online,
    /// Heard within the last 120 seconds.
    Idle,
    /// Unheard for longer.
    Stale,
}

/// A member as the others see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "sections 3 and 9 name each")]
pub struct Member {
    pub agent_id: AgentId,
    #[serde(flatten)]
    pub profile: Profile,
    /// Whether it holds a key.
    #[serde(default)]
    pub verified: bool,
    pub presence: Presence,
    pub joined_at: Timestamp,
    pub last_seen_at: Timestamp,
    /// `presence` for older clients.
    pub online: bool,
}

/// `GET /v1/sessions/:id/agents`: which members.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MembersRequest {
    /// Only members with this capability.
    pub capability: Option<String>,
}

impl MembersRequest {
    /// Reads the query string.
    pub fn parse(query: &str) -> Result<Self, Refusal> {
        let mut query = Query::parse(query);
        let capability = query.label("capability");
        query.finish()?;
        Ok(Self { capability })
    }
}

/// The answer to `GET /v1/sessions/:id/agents`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Members {
    /// Ordered by id.
    pub agents: Vec<Member>,
}

/// Which messages a reader wants. By default all except events.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filter {
    /// Leaves out the reader's own messages.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub others: bool,
    /// Also includes events, whatever the topic.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub events: bool,
    /// Only messages with this topic.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topic: Option<String>,
    /// Only messages with at least one of these tags.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
}

impl Filter {
    /// The query parameters of a filter.
    pub const PARAMETERS: [&str; 4] = ["others", "events", "topic", "tags"];

    /// Reads a filter from a query string. Refuses malformed parameters.
    pub fn parse(query: &str) -> Result<Self, Refusal> {
        if !Self::PARAMETERS.iter().any(|name| query.contains(name)) {
            return Ok(Self::default());
        }
        let mut query = Query::parse(query);
        let (others, events) = (query.flag("others"), query.flag("events"));
        let topic = query.decoded("topic");
        if topic.as_ref().is_some_and(|topic| !is_plain(topic, 1..=64)) {
            query.note("topic", TOPIC);
        }
        let tags = query.decoded("tags").unwrap_or_default();
        let tags: Vec<String> = tags.split_terminator(',').map(ToOwned::to_owned).collect();
        if tags.len() > 10 || !tags.iter().all(|tag| is_label(tag)) {
            query
                .note("tags", "must be at most 10 tags of 1 to 64 characters, separated by commas");
        }
        query.finish()?;
        Ok(Self { others, events, topic, tags })
    }

    /// Whether the filter is the default.
    #[must_use]
    pub fn is_open(&self) -> bool {
        *self == Self::default()
    }

    /// Whether topic and tags do not matter.
    #[must_use]
    pub fn takes_any_topic(&self) -> bool {
        self.topic.is_none() && self.tags.is_empty()
    }

    /// Whether a message with this topic and these tags matches.
    #[must_use]
    pub fn passes(&self, topic: Option<&str>, tags: &[String]) -> bool {
        let about = self.topic.as_deref().is_none_or(|wanted| topic == Some(wanted));
        about && (self.tags.is_empty() || self.tags.iter().any(|tag| tags.contains(tag)))
    }
}

pub(crate) const TOPIC: &str = "must be 1 to 64 characters, none of them a control character";
pub(crate) const TAGS: &str = "must be a list of at most 20 texts, each 1 to 64 characters without commas and control characters";

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn wrong(body: &str) -> Vec<String> {
        let details = Profile::parse(body.as_bytes()).unwrap_err().body.details;
        details.into_iter().map(|detail| detail.path.into_owned()).collect()
    }

    #[test]
    fn a_profile_is_read_bounded_and_changed() {
        let mut profile = Profile::parse(
            br#"{"name":"B","capabilities":["code review"],"description":"d","x":1}"#,
        )
        .unwrap();
        assert!(profile.can("code review") && !profile.can("code"));
        profile.change(Profile::parse(br#"{"description":"","machine":"m"}"#).unwrap());
        let stored = serde_json::to_string(&profile).unwrap();
        assert_eq!(stored, r#"{"name":"B","capabilities":["code review"],"machine":"m"}"#);
        assert_eq!(
            wrong(r#"{"name":"","capabilities":["a,b"],"machine":5}"#),
            ["capabilities", "name", "machine"]
        );
        assert_eq!(wrong(r#"{"name":"a\nb"}"#), ["name"]);
    }

    #[test]
    fn a_token_has_its_form_and_does_not_print() {
        let token: Token = "abcdefgh".parse().unwrap();
        assert_eq!(format!("{token:?}"), "[secret]");
        for text in ["abcdefg", "with space", &"a".repeat(257), "ééééééééé"] {
            assert!(text.parse::<Token>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_filter_is_read_and_applied() {
        let filter = Filter::parse("after=1&topic=build%20status&tags=red,blue").unwrap();
        let tags = |list: &[&str]| list.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert!(filter.passes(Some("build status"), &tags(&["blue"])));
        assert!(!filter.passes(Some("build status"), &tags(&["green"])));
        assert!(!filter.passes(None, &tags(&["blue"])));
        assert!(Filter::parse("after=1").unwrap().is_open());
        let filter = Filter::parse("others&events=TRUE").unwrap();
        assert!(filter.others && filter.events && filter.takes_any_topic() && !filter.is_open());
        assert!(Filter::parse("others=false&events=0").unwrap().is_open());
        assert!(Filter::parse("others=maybe").is_err());
        assert!(Filter::parse(&format!("topic={}", "x".repeat(65))).is_err());
        assert!(Filter::parse("tags=a,,b").is_err());
        assert!(Filter::parse("topic=%0a").is_err());
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(text in ".{0,200}") {
            let _ = Profile::parse(text.as_bytes());
            let _ = Filter::parse(&text);
            let _ = MembersRequest::parse(&text);
            let _ = text.parse::<Token>();
        }
    }
}
