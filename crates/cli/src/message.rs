//! What the client must know of a message, of any server.

use crate::{
    context::{Caller, Context, Session},
    error::Result,
    http::Request,
    json::Json,
    server::Server,
};
use nexus_protocol::{AgentId, Cursor};
use serde::Deserialize;
use serde_json::{Value, value::RawValue};

/// A message. Every part may be missing.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Message {
    pub(crate) id: String,
    /// `system` for the greeting.
    pub(crate) agent_id: String,
    /// Set by a relay that tells of something itself.
    pub(crate) kind: Option<String>,
    pub(crate) text: Option<String>,
    pub(crate) json: Option<Box<RawValue>>,
    pub(crate) verified: bool,
    pub(crate) to: Option<Value>,
    pub(crate) sent_at: Option<String>,
    pub(crate) reply_to: Option<String>,
    /// Of messages between addresses.
    pub(crate) conversation_id: Option<String>,
    pub(crate) cursor: Value,
}

impl Message {
    pub(crate) fn of(json: &Json) -> Self {
        json.read().unwrap_or_default()
    }

    /// Its place in the log.
    pub(crate) fn cursor(&self) -> Option<Cursor> {
        read_cursor(&self.cursor)
    }
}

/// A cursor, which some servers write as a number.
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
    /// Whether the greeting is ours, once that was asked.
    is_creator: Option<bool>,
}

impl Me {
    pub(crate) fn new(caller: &Caller) -> Self {
        Self { agent: caller.agent.clone(), has_key: caller.key.is_some(), is_creator: None }
    }

    /// Whether we wrote it. What bears our name but does not prove our key is somebody else's. The
    /// greeting is the creator's; the server is asked who that is, once.
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
        if message.agent_id != "system" || message.cursor() != Some(Cursor::START) {
            let is_named = message.agent_id == self.agent.as_str();
            return Ok(is_named && (message.verified || !self.has_key));
        }
        if let Some(known) = self.is_creator {
            return Ok(known);
        }
        let answer = context.call(server, &Request::get(session.path("")))?;
        let creator = answer.body.read::<Status>().and_then(|status| status.creator_agent_id);
        let is_creator = creator.as_deref() == Some(self.agent.as_str());
        self.is_creator = Some(is_creator);
        Ok(is_creator)
    }

    /// Whether a page has a message that we did not write.
    pub(crate) fn is_addressed(
        &mut self,
        context: &Context,
        server: &Server,
        session: &Session,
        page: &Json,
    ) -> Result<bool> {
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Page {
            messages: Option<Vec<Box<RawValue>>>,
        }
        for message in page.read::<Page>().unwrap_or_default().messages.unwrap_or_default() {
            let message = serde_json::from_str(message.get()).unwrap_or_default();
            if !self.wrote(context, server, session, &message)? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
