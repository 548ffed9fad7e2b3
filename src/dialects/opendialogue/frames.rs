//! OpenDialogue's frames to the client, each signed with the session key of its reader.

use crate::{
    calls::Whisper,
    platform::{self, System, now},
};
use nexus_core::{Fault, Random, Result, opendialogue};
use nexus_protocol::{AgentId, Mail, hex};
use serde_json::{Value, json};

/// The frame that says that a conversation is over.
pub(super) fn ended(conversation: &str, reason: &str) -> Value {
    json!({ "type": "conversation_ended", "conversation_id": conversation, "reason": reason })
}

/// What a frame to the client says.
struct Said<'a> {
    id: &'a str,
    from: &'a str,
    to: &'a str,
    kind: &'a str,
    content: &'a str,
    conversation: &'a str,
    turn: Option<u32>,
    max_turns: Option<u32>,
}

impl Said<'_> {
    /// The frame, signed now under the reader's session key: however long a message has waited, its
    /// timestamp and nonce are fresh.
    fn frame(&self, key: &str) -> Result<String> {
        let (timestamp, nonce) = (now().as_millis(), hex(&System.bytes::<16>()?));
        let Self { id, from, to, kind, content, conversation, turn, max_turns } = *self;
        let signed = opendialogue::Signed {
            id,
            from,
            to,
            kind,
            content,
            conversation,
            turn,
            timestamp,
            nonce: &nonce,
        };
        let signature = signed.signature(key)?;
        let mut frame = json!({
            "id": id,
            "from": from,
            "to": to,
            "type": kind,
            "content": content,
            "conversation_id": conversation,
            "timestamp": timestamp,
            "nonce": nonce,
            "signature": signature,
            "delivered_at": timestamp,
        });
        for (name, value) in [("turn_number", turn), ("max_turns", max_turns)] {
            if let (Some(value), Some(fields)) = (value, frame.as_object_mut()) {
                fields.insert(name.to_owned(), value.into());
            }
        }
        Ok(frame.to_string())
    }
}

/// A stored message as a frame for a reader with this session key.
pub(super) fn message(key: &str, record: &str) -> Result<String> {
    let mail: Mail =
        serde_json::from_str(record).map_err(|_| Fault::new("a stored message cannot be read"))?;
    let said = Said {
        // The id that it was sent under, so that a receipt says which one was read.
        id: mail.client_id.as_deref().unwrap_or(mail.id.as_str()),
        from: mail.agent_id.as_str(),
        to: mail.to.as_str(),
        kind: "text",
        content: &opendialogue::sanitised(mail.as_text(), platform::composed),
        conversation: mail.conversation_id.as_str(),
        turn: Some(mail.turn),
        max_turns: Some(mail.max_turns),
    };
    said.frame(key)
}

/// Something that is not kept as a frame for a reader with this session key.
pub(super) fn whisper(key: &str, to: &AgentId, whisper: &Whisper) -> Result<String> {
    let said = Said {
        id: &whisper.id,
        from: whisper.from.as_str(),
        to: to.as_str(),
        kind: &whisper.kind,
        content: &whisper.content,
        conversation: whisper.conversation.as_str(),
        turn: None,
        max_turns: None,
    };
    said.frame(key)
}
