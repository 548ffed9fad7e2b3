//! The source of messages: a session, or the mailbox of one of our addresses. This file has the differences
//! between the two.

use crate::{
    commands::ls::names_of,
    context::{Caller, Context, Session},
    envelope::{self, Place},
    error::Result,
    http::{Repeat, Request},
    json::Json,
    mailbox::{Ack, Mailbox},
    message::Message,
    server::Server,
    state::{NewCursor, State},
};
use nexus_protocol::{
    AgentId, ConversationId, Cursor, MessageId, Recipients, SendMail, SendMessage,
};
use serde_json::{Value, json};
use std::path::PathBuf;
use ureq::http::Method;

#[derive(Debug)]
pub(crate) enum Source {
    Session(Room),
    Inbox(Mailbox),
}

/// A session and our seat in it.
#[derive(Debug)]
pub(crate) struct Room {
    pub(super) session: Session,
    pub(super) server: Server,
    pub(super) caller: Caller,
    /// The alias of the session on this machine.
    pub(super) alias: Option<String>,
}

/// A prepared record that messages were handled.
#[derive(Debug)]
pub(super) enum Mark {
    /// A cursor that is written to a temporary file and is not saved yet.
    Cursor(NewCursor),
    /// An acknowledgement that is not sent yet.
    Ack(Ack),
    /// Nothing has to be recorded.
    Nothing,
}

impl Source {
    pub(super) fn of_session(context: &Context, session: Session) -> Result<Self> {
        let caller = context.caller(&session)?;
        let server = context.server_of(&session)?;
        let aliases = context.state.known_aliases();
        let alias = names_of(&aliases, &session.id).into_iter().next();
        Ok(Self::Session(Room { session, server, caller, alias }))
    }

    pub(crate) fn server(&self) -> &Server {
        match self {
            Self::Session(room) => &room.server,
            Self::Inbox(mailbox) => &mailbox.server,
        }
    }

    pub(crate) fn caller(&self) -> &Caller {
        match self {
            Self::Session(room) => &room.caller,
            Self::Inbox(mailbox) => &mailbox.caller,
        }
    }

    /// Its path on the server.
    pub(crate) fn base(&self) -> String {
        match self {
            Self::Session(room) => room.session.path(""),
            Self::Inbox(mailbox) => mailbox.path(""),
        }
    }

    /// Its folder in the state folder.
    pub(crate) fn folder(&self, state: &State) -> PathBuf {
        match self {
            Self::Session(room) => state.session_dir(&room.session.id),
            Self::Inbox(mailbox) => state.agent_dir(mailbox.agent()),
        }
    }

    /// The cursor after which reading begins. The relay itself knows what was acknowledged in a mailbox.
    pub(crate) fn after(&self) -> Result<Option<Cursor>> {
        match self {
            Self::Session(room) if room.session.is_of(&room.caller) => {
                room.session.stored.usable_cursor()
            }
            Self::Session(_) | Self::Inbox(_) => Ok(None),
        }
    }

    /// Prepares to record that everything up to this cursor was handled.
    pub(super) fn mark(&self, context: &Context, cursor: Option<Cursor>) -> Result<Mark> {
        let Some(cursor) = cursor else { return Ok(Mark::Nothing) };
        Ok(match self {
            Self::Session(room) if room.session.is_of(&room.caller) => {
                let new = context.state.new_cursor(&room.session.id, &cursor.to_string())?;
                new.map_or(Mark::Nothing, Mark::Cursor)
            }
            Self::Session(_) => Mark::Nothing,
            Self::Inbox(mailbox) => Mark::Ack(Ack { mailbox: mailbox.clone(), cursor }),
        })
    }

    /// Prepares to set the saved cursor back to the end of the log. For a mailbox, no cursor is saved.
    pub(super) fn reset(&self, context: &Context, cursor: Cursor) -> Result<Mark> {
        let Self::Session(room) = self else { return Ok(Mark::Nothing) };
        if !room.session.is_of(&room.caller) {
            return Ok(Mark::Nothing);
        }
        let new = context.state.reset_cursor(&room.session.id, &cursor.to_string())?;
        Ok(new.map_or(Mark::Nothing, Mark::Cursor))
    }

    /// The conversation of a message, for counting answers. A session is one conversation.
    pub(super) fn thread(&self, message: &Message) -> String {
        match self {
            Self::Session(_) => String::new(),
            Self::Inbox(_) => {
                let conversation = message.conversation_id.as_deref().unwrap_or_default();
                format!("{}/{conversation}", message.agent_id)
            }
        }
    }

    /// The number of answers in each conversation, including earlier runs.
    pub(super) fn answers(&self, state: &State) -> Result<Vec<(String, u32)>> {
        match self {
            Self::Session(room) => Ok(vec![(String::new(), state.replies(&room.session.id)?)]),
            Self::Inbox(mailbox) => state.answers(mailbox.agent()),
        }
    }

    pub(super) fn store_answers(&self, state: &State, counts: &[(String, u32)]) -> Result<()> {
        match self {
            Self::Session(room) => {
                let count = counts.first().map_or(0, |(_, count)| *count);
                state.store_replies(&room.session.id, count)
            }
            Self::Inbox(mailbox) => state.store_answers(mailbox.agent(), counts),
        }
    }

    /// Where a message was read, for its envelope.
    pub(super) fn place(&self, message: &Message) -> Place {
        match self {
            Self::Session(room) => Place::session(&room.session.id, room.alias.as_deref()),
            Self::Inbox(mailbox) => {
                Place::inbox(mailbox.agent(), message.conversation_id.as_deref())
            }
        }
    }

    /// The same for an agent that is woken elsewhere, with all that it needs to answer.
    pub(super) fn whole_place(&self, message: &Message) -> Place {
        let reply = message.id.parse::<MessageId>().ok();
        let reply = reply.map(|id| format!(" --reply-to {id}")).unwrap_or_default();
        match self {
            Self::Session(room) => {
                let (session, alias) = (&room.session.id, room.alias.as_deref());
                // `nexus send` writes to all, so there is no command that keeps an answer private.
                let command = audience(message).is_none();
                let command = command.then(|| format!("nexus send {session} 'TEXT'{reply}"));
                Place::whole_session(session, alias).answered_by(command)
            }
            Self::Inbox(_) => {
                let talk = message.conversation_id.as_deref();
                let talk = talk.and_then(|id| id.parse::<ConversationId>().ok());
                let talk = talk.map(|id| format!(" --conversation {id}")).unwrap_or_default();
                let sender = message.agent_id.parse::<AgentId>().ok();
                let command =
                    sender.map(|sender| format!("nexus send @{sender} 'TEXT'{talk}{reply}"));
                self.place(message).answered_by(command)
            }
        }
    }

    /// The `Idempotency-Key` of a message for a webhook: the same at every try, also after a restart.
    pub(super) fn once(&self, message: &Message) -> String {
        let name = match self {
            Self::Session(room) => room.session.id.to_string(),
            Self::Inbox(mailbox) => format!("@{}", mailbox.agent()),
        };
        let id: String = message.id.chars().filter(char::is_ascii_graphic).take(80).collect();
        format!("{name}/{id}")
    }

    /// Environment variables that tell where messages were read. The last message counts.
    pub(super) fn environment(&self, last: Option<&Message>) -> Vec<(&'static str, String)> {
        match self {
            Self::Session(room) => vec![("NEXUS_SESSION", room.session.id.to_string())],
            Self::Inbox(mailbox) => {
                let conversation = last.and_then(|last| last.conversation_id.as_deref());
                vec![
                    ("NEXUS_ADDRESS", mailbox.agent().to_string()),
                    ("NEXUS_CONVERSATION", envelope::clean_line(conversation.unwrap_or_default())),
                ]
            }
        }
    }

    /// The key by which the gateway of a webhook tells conversations apart.
    pub(super) fn talk(&self, message: &Message) -> String {
        match self {
            Self::Session(room) => format!("nexus:{}", room.session.id),
            Self::Inbox(mailbox) => {
                let conversation = message.conversation_id.as_deref().unwrap_or_default();
                let sender = envelope::clean_line(&message.agent_id);
                let conversation = envelope::clean_line(conversation);
                format!("nexus:@{}:{sender}:{conversation}", mailbox.agent())
            }
        }
    }

    /// The field that names this source in a JSON value.
    pub(super) fn name(&self) -> (&'static str, Value) {
        match self {
            Self::Session(room) => ("session_id", json!(room.session.id)),
            Self::Inbox(mailbox) => ("agent_id", json!(mailbox.agent())),
        }
    }

    /// The request that answers a message. `None` if the sender's name is not valid.
    pub(super) fn answer(&self, message: &Message, text: &str, key: &str) -> Option<Request<'_>> {
        let (path, body) = match self {
            Self::Session(room) => {
                (room.session.path("/messages"), Json::of(&in_session(message, text)?))
            }
            Self::Inbox(_) => {
                let to: AgentId = message.agent_id.parse().ok()?;
                let conversation = message.conversation_id.as_deref();
                let mail = SendMail {
                    text: Some(text.to_owned()),
                    conversation_id: conversation.and_then(|id| id.parse().ok()),
                    reply_to: message.id.parse().ok(),
                    ..SendMail::default()
                };
                (format!("/v1/agents/{to}/messages"), Json::of(&mail))
            }
        };
        let request = Request::new(Method::POST, path, Repeat::Always);
        let request = Request { once: Some(key.to_owned()), body: Some(body), ..request };
        Some(self.caller().sign(request))
    }
}

/// The audience of an answer: only the sender, if the message was for some members only.
pub(super) fn audience(message: &Message) -> Option<(&str, Option<&str>)> {
    message.to.as_ref().map(|_| (message.agent_id.as_str(), message.conversation_id.as_deref()))
}

fn in_session(message: &Message, text: &str) -> Option<SendMessage> {
    let to = match audience(message) {
        Some((sender, _)) => Some(Recipients::One(sender.parse().ok()?)),
        None => None,
    };
    let reply_to = message.id.parse().ok();
    Some(SendMessage { text: Some(text.to_owned()), to, reply_to, ..SendMessage::default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_private_message_gets_a_private_answer() {
        let open = Message { agent_id: "a".to_owned(), ..Message::default() };
        let private = Message { to: Some("me".into()), ..open.clone() };
        assert_eq!(
            in_session(&private, "").unwrap().to,
            Some(Recipients::One("a".parse().unwrap()))
        );
        assert_eq!(in_session(&open, "").unwrap().to, None);
        let nameless = Message { agent_id: "no name".to_owned(), ..private };
        assert!(in_session(&nameless, "").is_none(), "never to all");
    }
}
