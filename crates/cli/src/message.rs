//! The parts of a message that the client reads, and which messages are our own.

use crate::{
    context::{Caller, Context, Session},
    error::Result,
    http::Request,
    json::Json,
    people,
    server::Server,
};
use nexus_protocol::{AgentId, Cursor};
use nexus_seal::State;
use serde::{Deserialize, Deserializer};
use serde_json::{Value, value::RawValue};

/// A message of any server. Every field may be missing.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Message {
    pub(crate) id: String,
    /// The sender. `system` for the greeting and for messages of the relay itself.
    pub(crate) agent_id: String,
    /// Set by the relay for the messages that it writes itself. No sender can set it.
    pub(crate) kind: Option<String>,
    /// Who wrote the greeting, where the relay knows.
    pub(crate) by: Option<String>,
    /// Advice of the relay for the reader, such as how to answer a task. The sender did not write it.
    pub(crate) hint: Option<String>,
    pub(crate) text: Option<String>,
    pub(crate) json: Option<Box<RawValue>>,
    pub(crate) verified: bool,
    /// Whether its sender asked the relay not to search it for secrets.
    pub(crate) unredacted: bool,
    pub(crate) to: Option<Value>,
    pub(crate) sent_at: Option<String>,
    pub(crate) reply_to: Option<String>,
    /// Only for messages between addresses.
    pub(crate) conversation_id: Option<String>,
    pub(crate) cursor: Value,
    /// In an encrypted session: whether it was opened.
    pub(crate) seal: Option<Found>,
}

/// What was found of a sealed string.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Found {
    state: State,
    #[serde(default)]
    key_changed: bool,
}

impl Found {
    /// Whether it was opened, and no other key signed it than the pinned one of its sender, if there is one.
    pub(crate) fn is_of_sender(&self) -> bool {
        self.state == State::Open && !self.key_changed
    }
}

impl Message {
    pub(crate) fn of(json: &Json) -> Self {
        people::with_commands(json).read().unwrap_or_default()
    }

    /// Whether its content can be trusted to be the sender's, as far as the session promises that. Nothing may be
    /// done because of any other.
    pub(crate) fn is_of_sender(&self) -> bool {
        self.seal.as_ref().is_none_or(Found::is_of_sender)
    }

    /// Its place in the log.
    pub(crate) fn cursor(&self) -> Option<Cursor> {
        read_cursor(&self.cursor)
    }

    /// Whether this is the greeting, which the session's creator wrote. Older servers set no kind for it.
    pub(crate) fn is_greeting(&self) -> bool {
        let kind = self.kind.as_deref();
        self.agent_id == SYSTEM
            && (kind == Some("greeting")
                || (kind.is_none() && self.cursor() == Some(Cursor::START)))
    }

    /// Whether this is a notice: the relay itself tells something. No agent is woken for a notice, whatever
    /// its kind.
    pub(crate) fn is_notice(&self) -> bool {
        let is_content = |kind: &str| ["greeting", "task", "file", "invitation"].contains(&kind);
        self.agent_id == SYSTEM && self.kind.as_deref().is_some_and(|kind| !is_content(kind))
    }

    /// Whether this is an event: a notice about what happened to the session. Readers get events only if
    /// they ask for them, and other notices always.
    pub(crate) fn is_event(&self) -> bool {
        let kinds = ["joined", "left", "removed", "ending", "ended"];
        self.is_notice() && self.kind.as_deref().is_some_and(|kind| kinds.contains(&kind))
    }

    /// The data of an event, which the relay gives in addition to a sentence for people.
    pub(crate) fn event(&self) -> Event {
        let json = self.json.as_ref().filter(|_| self.is_event());
        json.and_then(|json| serde_json::from_str(json.get()).ok()).unwrap_or_default()
    }

    /// Who wrote it, as far as that is known. The greeting is sent under the relay's name, but the relay
    /// did not write it.
    pub(crate) fn author(&self) -> &str {
        let by = self.by.as_deref().filter(|_| self.is_greeting());
        by.unwrap_or(&self.agent_id)
    }
}

/// A page of a log or an inbox, with what is read of each message. Other servers may leave out fields, or write null.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", default, bound(deserialize = "M: Deserialize<'de>"))]
pub(crate) struct Page<M = Box<RawValue>> {
    #[serde(deserialize_with = "or_default")]
    pub(crate) messages: Vec<M>,
    /// Some servers write it as a number.
    pub(crate) next_cursor: Value,
    #[serde(deserialize_with = "or_default")]
    pub(crate) has_more: bool,
    /// The cursor that we asked for is beyond the end, which is `next_cursor`.
    #[serde(deserialize_with = "or_default")]
    pub(crate) cursor_reset: bool,
}

impl<M> Default for Page<M> {
    fn default() -> Self {
        let (messages, next_cursor) = (Vec::new(), Value::Null);
        Self { messages, next_cursor, has_more: false, cursor_reset: false }
    }
}

impl<M> Page<M> {
    /// The cursor of its end.
    pub(crate) fn next(&self) -> Option<Cursor> {
        read_cursor(&self.next_cursor)
    }
}

fn or_default<'de, T: Default + Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    Option::<T>::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// The sender of the messages that the relay writes itself.
const SYSTEM: &str = "system";

/// Whom an event is about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Event {
    /// The member that joined, left or was removed.
    pub(crate) agent_id: Option<String>,
    /// Who removed it.
    pub(crate) by: Option<String>,
}

/// Reads a cursor. Some servers write it as a number.
pub(crate) fn read_cursor(value: &Value) -> Option<Cursor> {
    match value {
        Value::String(text) => text.parse().ok(),
        Value::Number(number) => number.to_string().parse().ok(),
        _ => None,
    }
}

/// Tells our own messages from those of others.
#[derive(Debug)]
pub(crate) struct Me {
    agent: AgentId,
    has_key: bool,
    /// Whether we wrote the greeting. `None` until the server was asked.
    is_creator: Option<bool>,
}

impl Me {
    pub(crate) fn new(caller: &Caller) -> Self {
        Self { agent: caller.agent.clone(), has_key: caller.key.is_some(), is_creator: None }
    }

    /// Whether a message is our own: we wrote it, or it is an event that we caused. If we have a key, an
    /// unverified message under our name is somebody else's. The greeting is the creator's. If the greeting
    /// does not name the creator, the server is asked once.
    pub(crate) fn wrote(
        &mut self,
        context: &Context,
        server: &Server,
        session: &Session,
        message: &Message,
    ) -> Result<bool> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Status {
            creator_agent_id: Option<String>,
        }
        let is_me = |agent: Option<&str>| agent == Some(self.agent.as_str());
        if message.is_notice() {
            let event = message.event();
            return Ok(match message.kind.as_deref() {
                Some("joined" | "left") => is_me(event.agent_id.as_deref()),
                Some("removed") => is_me(event.by.as_deref()),
                _ => false,
            });
        }
        if !message.is_greeting() {
            return Ok(is_me(Some(&message.agent_id)) && (message.verified || !self.has_key));
        }
        if message.kind.is_some() {
            return Ok(is_me(message.by.as_deref()));
        }
        if let Some(known) = self.is_creator {
            return Ok(known);
        }
        let answer = context.call(server, &Request::get(session.path("")))?;
        let creator = answer.body.read::<Status>().and_then(|status| status.creator_agent_id);
        let is_creator = is_me(creator.as_deref());
        self.is_creator = Some(is_creator);
        Ok(is_creator)
    }

    /// The page without our own messages, and how many messages remain. Servers that know `others` have
    /// already left ours out.
    pub(crate) fn without_own(
        &mut self,
        context: &Context,
        server: &Server,
        session: &Session,
        page: &Json,
    ) -> Result<(Json, usize)> {
        let all = page.read::<Page>().unwrap_or_default().messages;
        let (count, mut others) = (all.len(), Vec::new());
        for message in all {
            let read = serde_json::from_str(message.get()).unwrap_or_default();
            if !self.wrote(context, server, session, &read)? {
                others.push(message);
            }
        }
        let left = others.len();
        let page = if left == count {
            page.clone()
        } else {
            page.replacing("messages", &Json::of(&others))
        };
        Ok((page, left))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(json: &str) -> Message {
        Message::of(&Json::parse(json).unwrap())
    }

    #[test]
    fn messages_of_the_relay_are_distinguished_from_those_of_agents() {
        for kind in ["joined", "left", "removed", "ending", "ended"] {
            let event = message(&format!(r#"{{"agentId":"system","kind":"{kind}"}}"#));
            assert!(event.is_event() && event.is_notice(), "{kind}");
        }
        let other = message(r#"{"agentId":"system","kind":"webhook_failing"}"#);
        assert!(other.is_notice() && !other.is_event());
        for json in [
            r#"{"agentId":"system","kind":"greeting","cursor":"0"}"#,
            r#"{"agentId":"system","cursor":"0"}"#,
            r#"{"agentId":"system","kind":"task"}"#,
            r#"{"agentId":"system","kind":"file"}"#,
            r#"{"agentId":"bob","kind":"joined"}"#,
            r#"{"agentId":"bob"}"#,
        ] {
            assert!(!message(json).is_notice(), "{json}");
        }
    }

    #[test]
    fn the_greeting_belongs_to_its_author() {
        let new = message(r#"{"agentId":"system","kind":"greeting","cursor":"0","by":"alice"}"#);
        assert!(new.is_greeting());
        assert_eq!(new.author(), "alice");
        let old = message(r#"{"agentId":"system","cursor":0}"#);
        assert!(old.is_greeting());
        assert_eq!(old.author(), "system");
        // `by` counts only on the greeting.
        let forged = message(r#"{"agentId":"eve","cursor":"3","by":"alice"}"#);
        assert!(!forged.is_greeting());
        assert_eq!(forged.author(), "eve");
    }
}
