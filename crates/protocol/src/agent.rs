//! Agents with an address (section 8): registration, cards, the directory.

use crate::{
    AgentId, AgentSecret, Body, Refusal, Timestamp,
    profile::{DESCRIPTION, NAME, text},
    query::Query,
};
use serde::{Deserialize, Serialize};

/// What an agent says about itself. Nobody checks it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "section 8 names each")]
pub struct AgentCard {
    pub agent_id: AgentId,
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    pub capabilities: Vec<String>,
    /// Whether anyone can find it in the directory.
    pub listed: bool,
    pub created_at: Timestamp,
    /// When the card last changed. Increases with every change.
    pub updated_at: Timestamp,
}

/// `POST /v1/agents`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "section 8 names each")]
pub struct Register {
    /// Eight random digits if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_id: Option<AgentId>,
    /// The relay makes one if this is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<AgentSecret>,
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    #[serde(default)]
    pub capabilities: Vec<String>,
    #[serde(default)]
    pub listed: bool,
}

impl Register {
    /// Reads the body. Refuses a missing name and malformed fields.
    pub fn parse(bytes: &[u8]) -> Result<Self, Refusal> {
        let mut body = Body::parse(bytes)?;
        let agent_id = body.field("agentId", AgentId::RULE);
        let secret = secret(&mut body);
        if !body.has("name") {
            body.note("name", NAME);
        }
        let name = text(&mut body, "name", NAME, 1..=128);
        let register = Self {
            agent_id,
            secret,
            name: name.unwrap_or_default(),
            description: text(&mut body, "description", DESCRIPTION, 0..=1024),
            version: text(&mut body, "version", VERSION, 0..=64),
            capabilities: capabilities(&mut body).unwrap_or_default(),
            listed: body.field("listed", "must be true or false").unwrap_or(false),
        };
        body.finish()?;
        Ok(register)
    }
}

/// `PATCH /v1/agents/:id`. Fields that are left out stay the same.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "section 8 names each")]
pub struct ChangeCard {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// An empty description removes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// An empty version removes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capabilities: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub listed: Option<bool>,
}

impl ChangeCard {
    /// Reads the body. Refuses malformed fields.
    pub fn parse(bytes: &[u8]) -> Result<Self, Refusal> {
        let mut body = Body::parse(bytes)?;
        let change = Self {
            name: text(&mut body, "name", NAME, 1..=128),
            description: text(&mut body, "description", DESCRIPTION, 0..=1024),
            version: text(&mut body, "version", VERSION, 0..=64),
            capabilities: capabilities(&mut body),
            listed: body.field("listed", "must be true or false"),
        };
        body.finish()?;
        Ok(change)
    }
}

/// `POST /v1/agents/:id/secret`: the secret that the agent chooses, if any. Refuses a malformed
/// one.
pub fn optional_secret(bytes: &[u8]) -> Result<Option<AgentSecret>, Refusal> {
    let mut body = Body::parse(bytes)?;
    let secret = secret(&mut body);
    body.finish()?;
    Ok(secret)
}

const VERSION: &str = "must be 1 to 64 characters, none of them a control character";
const CAPABILITIES: &str =
    "must be a list of at most 32 words of 1 to 64 letters, digits, `.`, `_`, `:`, `/` or `-`";

fn secret(body: &mut Body) -> Option<AgentSecret> {
    let secret: AgentSecret = body.field("secret", AgentSecret::RULE)?;
    if !secret.may_be_chosen() {
        body.note("secret", AgentSecret::RULE);
    }
    Some(secret)
}

fn capabilities(body: &mut Body) -> Option<Vec<String>> {
    let words: Vec<String> = body.field("capabilities", CAPABILITIES)?;
    if words.len() > 32 || !words.iter().all(|word| is_capability(word)) {
        body.note("capabilities", CAPABILITIES);
    }
    Some(words)
}

fn is_capability(word: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._:/-".contains(&byte);
    (1..=64).contains(&word.len()) && word.bytes().all(allowed)
}

/// The answer to `POST /v1/agents`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "section 8 names each")]
pub struct Registered {
    pub agent_id: AgentId,
    /// Shown only once.
    pub secret: AgentSecret,
    pub card: AgentCard,
}

/// The answer to `GET` and `PATCH /v1/agents/:id`, and an entry of the directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AgentStatus {
    /// What the agent says about itself.
    pub card: AgentCard,
    /// Whether it is connected, or was heard within the last 60 seconds.
    pub online: bool,
}

/// The answer to `POST /v1/agents/:id/secret`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SecretGiven {
    /// The secret that is valid from now on.
    pub secret: AgentSecret,
}

/// The answer to `DELETE /v1/agents/:id`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "section 8 names each")]
pub struct AgentDeleted {
    pub ok: bool,
    pub agent_id: AgentId,
}

/// `GET /v1/agents`: which part of the directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentsRequest {
    /// Only agents with this capability.
    pub capability: Option<String>,
    /// Only agents that come after this one.
    pub after: Option<AgentId>,
    /// At most this many agents.
    pub limit: u32,
}

impl AgentsRequest {
    /// Reads the query string.
    pub fn parse(query: &str) -> Result<Self, Refusal> {
        let mut query = Query::parse(query);
        let capability = query.text("capability");
        if capability.as_ref().is_some_and(|word| !is_capability(word)) {
            query.note("capability", "must be 1 to 64 letters, digits, `.`, `_`, `:`, `/` or `-`");
        }
        let request = Self {
            capability,
            after: query.parsed("after"),
            limit: query.at_most("limit", "agents", 1..=100).unwrap_or(50),
        };
        query.finish()?;
        Ok(request)
    }
}

/// The answer to `GET /v1/agents`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct AgentPage {
    /// Those that were heard last come first.
    pub agents: Vec<AgentStatus>,
    /// The `after` for the next page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_after: Option<AgentId>,
    /// Whether there are more.
    pub has_more: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_registration_is_read_and_bounded() {
        let register = Register::parse(
            br#"{"name":"n","agentId":"bob","secret":"0123456789abcdef","capabilities":["a/b:c.d"],"listed":true}"#,
        );
        let register = register.unwrap();
        assert_eq!((register.name.as_str(), register.listed), ("n", true));
        let wrong = |body: &str| {
            let details = Register::parse(body.as_bytes()).unwrap_err().body.details;
            details.into_iter().map(|detail| detail.path.into_owned()).collect::<Vec<_>>()
        };
        assert_eq!(wrong("{}"), ["name"]);
        assert_eq!(wrong(r#"{"name":""}"#), ["name"]);
        assert_eq!(wrong(r#"{"name":5}"#), ["name"]);
        assert_eq!(wrong(r#"{"name":"a\nb"}"#), ["name"]);
        let all = r#"{"name":"n","agentId":"system","secret":"short","description":"\u0007","version":7,"capabilities":["a b"],"listed":1}"#;
        let paths = ["agentId", "secret", "description", "version", "capabilities", "listed"];
        assert_eq!(wrong(all), paths);
        let many = format!(r#"{{"name":"n","capabilities":[{}"x"]}}"#, r#""x","#.repeat(32));
        assert_eq!(wrong(&many), ["capabilities"]);
        assert!(Register::parse(format!(r#"{{"name":"{}"}}"#, "é".repeat(128)).as_bytes()).is_ok());
        assert_eq!(wrong(&format!(r#"{{"name":"{}"}}"#, "é".repeat(129))), ["name"]);
    }

    #[test]
    fn a_change_and_a_page_are_read() {
        let change = ChangeCard::parse(br#"{"description":"","listed":false}"#).unwrap();
        assert_eq!((change.description.as_deref(), change.listed), (Some(""), Some(false)));
        assert!(ChangeCard::parse(br#"{"name":""}"#).is_err());
        let page = AgentsRequest::parse("capability=a.b&after=bob&limit=7").unwrap();
        assert_eq!((page.capability.as_deref(), page.limit), (Some("a.b"), 7));
        for query in ["limit=0", "limit=x", "after=a%20b", "capability=%27"] {
            assert!(AgentsRequest::parse(query).is_err(), "{query}");
        }
        assert_eq!(optional_secret(b"").unwrap(), None);
        assert!(optional_secret(br#"{"secret":"short"}"#).is_err());
    }
}
