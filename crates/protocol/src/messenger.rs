//! The messenger's requests (docs/dialects.md).

use crate::{AgentId, AgentSecret, Body, Limits, Refusal, Register};

const NAME: &str = "must be 1 to 128 characters, none of them a control character";
const SECRET: &str = "must be at most 256 characters, and at least 8 if the id is new";
const PLAIN_SECRET: &str = "must have no space and none of `+`, `%`, `&`, `#`: a poll has it in its address, where they mean something else";
const MESSAGE: &str = "must be a text that is not empty";

/// `POST /messenger/register` `{id, name?, secret}`. Agents that register here are listed. Clients
/// choose their secrets themselves, and these may be shorter than other secrets.
pub fn messenger_registration(bytes: &[u8]) -> Result<Register, Refusal> {
    let mut body = Body::parse(bytes)?;
    let id: Option<AgentId> = body.required("id", AgentId::RULE);
    let name: Option<String> = body.field("name", NAME);
    let secret: Option<String> = body.required("secret", SECRET);
    if name.as_ref().is_some_and(|name| {
        !(1..=128).contains(&name.chars().count()) || name.chars().any(char::is_control)
    }) {
        body.note("name", NAME);
    }
    if secret.as_ref().is_some_and(|secret| !(1..=256).contains(&secret.chars().count())) {
        body.note("secret", SECRET);
    }
    // Its clients put the secret into the query of a poll without encoding it.
    if secret.as_ref().is_some_and(|secret| secret.contains([' ', '+', '%', '&', '#'])) {
        body.note("secret", PLAIN_SECRET);
    }
    body.finish()?;
    let name = name.or_else(|| id.as_ref().map(ToString::to_string)).unwrap_or_default();
    let secret = secret.and_then(|secret| secret.parse().ok());
    let (description, version, capabilities) = (None, None, Vec::new());
    Ok(Register { agent_id: id, secret, name, description, version, capabilities, listed: true })
}

/// `POST /messenger/send`
#[derive(Clone, Debug)]
pub struct MessengerSend {
    /// The sender.
    pub from: AgentId,
    /// The recipient.
    pub to: AgentId,
    /// The text.
    pub message: String,
    /// The sender's secret.
    pub secret: AgentSecret,
}

impl MessengerSend {
    /// Reads the body. A malformed id belongs to nobody: as a sender it has no valid secret, and as
    /// a recipient it is not registered. Refuses a message longer than a text may be.
    pub fn parse(bytes: &[u8], limits: &Limits) -> Result<Self, Refusal> {
        const ID: &str = "must be the id of a user";
        let mut body = Body::parse(bytes)?;
        let from: Option<String> = body.required("from", ID);
        let to: Option<String> = body.required("to", ID);
        let message: Option<String> = body.required("message", MESSAGE);
        let secret: Option<String> = body.field("secret", SECRET);
        if message.as_ref().is_some_and(String::is_empty) {
            body.note("message", MESSAGE);
        }
        body.finish()?;
        if message.as_ref().is_some_and(|message| message.len() > limits.max_text_bytes) {
            return Err(Refusal::message_too_large("message", limits.max_text_bytes));
        }
        let secret = secret.and_then(|secret| secret.parse().ok());
        let id = |id: Option<String>| id.and_then(|id| id.parse::<AgentId>().ok());
        Ok(Self {
            from: id(from).ok_or_else(Refusal::invalid_secret)?,
            to: id(to).ok_or_else(|| Refusal::no_address("of that id"))?,
            message: message.unwrap_or_default(),
            secret: secret.ok_or_else(Refusal::missing_secret)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorCode;

    #[test]
    fn registrations_are_read_and_bounded() {
        let register = messenger_registration(br#"{"id":"bob","secret":"s"}"#).unwrap();
        assert_eq!((register.name.as_str(), register.listed), ("bob", true));
        let wrong = |body: &str| {
            let refusal = messenger_registration(body.as_bytes()).unwrap_err();
            refusal.body.details.into_iter().map(|detail| detail.path.into_owned()).collect()
        };
        let paths: Vec<String> = wrong("{}");
        assert_eq!(paths, ["id", "secret"]);
        let paths: Vec<String> = wrong(r#"{"id":"a b","name":"\n","secret":""}"#);
        assert_eq!(paths, ["id", "name", "secret"]);
        for secret in ["a b", "a+b", "a%b", "a&b", "a#b"] {
            let paths: Vec<String> = wrong(&format!(r#"{{"id":"bob","secret":"{secret}"}}"#));
            assert_eq!(paths, ["secret"], "{secret}");
        }
    }

    #[test]
    fn a_send_attributes_each_error() {
        let parse = |body: &str| MessengerSend::parse(body.as_bytes(), &Limits::default());
        let code = |body: &str| parse(body).unwrap_err().body.error;
        let all =
            |from, to| format!(r#"{{"from":"{from}","to":"{to}","message":"m","secret":"s"}}"#);
        assert!(parse(&all("a", "b")).is_ok());
        assert_eq!(code(&all("a b", "b")), ErrorCode::InvalidSecret);
        assert_eq!(code(&all("a", "b c")), ErrorCode::AgentNotFound);
        assert_eq!(code(r#"{"from":"a","to":"b","message":"m"}"#), ErrorCode::MissingSecret);
        assert_eq!(code(r#"{"from":"a","to":"b","secret":"s"}"#), ErrorCode::InvalidRequest);
    }
}
