//! Takes secrets out of what is sent (section 7), before anything of it is stored. In an encrypted
//! session (section 10), refuses texts that are not sealed instead: nothing can be found in others.
//!
//! Owns the one list of the texts that one agent can pass to another: each request that holds such
//! texts implements [`Searched`] here. An implementation names all fields of its request, so a new
//! field does not compile before somebody has decided whether it is searched. Profiles are stored
//! only as [`Clean`] values. Names by which agents, conversations and files are found cannot be
//! changed silently, so a name that contains a secret is refused ([`check_name`]).

use crate::{Fault, Result};
use nexus_protocol::{
    ChangeCard, ChangeTask, ClawLinkAnswer, CreateSession, GiveTask, Profile, Progress, Redacted,
    Refusal, Register, Sealed, SendMail, SendMessage,
};
use serde_json::value::RawValue;

/// A text without its secrets, which nobody counts.
#[must_use]
pub fn redacted(text: String) -> String {
    Redaction::default().words(text)
}

/// Refuses a name that contains a secret. `field` is what the caller gave it in.
pub fn check_name(field: &'static str, name: &str) -> Result<(), Refusal> {
    let mut redaction = Redaction::default();
    let _ = redaction.words(name.to_owned());
    match redaction.found().first() {
        None => Ok(()),
        Some(Redacted { kind, .. }) => {
            let rule = format!("must not contain a secret ({kind}); choose another one");
            Err(Refusal::invalid(field, rule))
        }
    }
}

/// Removes secrets from one thing that is sent, and counts them.
#[derive(Default)]
pub(crate) struct Redaction {
    search: nexus_redact::Redaction,
    contents: Contents,
}

/// What is done with the contents of what is sent.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Contents {
    /// They are searched.
    #[default]
    Searched,
    /// They stay as they are, and so do words beside them.
    Left,
    /// They must be sealed strings.
    Sealed,
}

/// What no longer contains secrets, or whose sender may leave them in.
#[must_use]
pub(crate) struct Clean<T>(T);

impl<T> Clean<T> {
    /// A part of it.
    pub(crate) fn part<U>(&self, part: impl FnOnce(&T) -> U) -> Clean<U> {
        Clean(part(&self.0))
    }

    /// What is stored.
    pub(crate) fn into_inner(self) -> T {
        self.0
    }
}

impl Redaction {
    /// Leaves everything as it is, because the sender asked for that and may.
    pub(crate) fn off() -> Self {
        Self { contents: Contents::Left, ..Self::default() }
    }

    /// Refuses contents that are not sealed.
    pub(crate) fn sealed() -> Self {
        Self { contents: Contents::Sealed, ..Self::default() }
    }

    /// Whether everything is left as it is.
    pub(crate) fn is_off(&self) -> bool {
        self.contents == Contents::Left
    }

    /// Whether contents must be sealed.
    pub(crate) fn is_sealed(&self) -> bool {
        self.contents == Contents::Sealed
    }

    /// The request without the secrets in its texts. Refuses a secret in a name.
    pub(crate) fn clean<T: Searched>(&mut self, request: T) -> Result<Clean<T>> {
        request.searched(self).map(Clean)
    }

    /// What was removed, ordered by type.
    #[must_use]
    pub(crate) fn found(self) -> Vec<Redacted> {
        let of_protocol = |found: nexus_redact::Found| Redacted {
            kind: found.kind.to_owned(),
            count: found.count,
        };
        self.search.found().into_iter().map(of_protocol).collect()
    }

    /// Words that the relay itself needs, and that are in the open in every session.
    fn words(&mut self, text: String) -> String {
        if self.is_off() { text } else { self.search.text(text) }
    }

    fn some_words(&mut self, text: Option<String>) -> Option<String> {
        text.map(|text| self.words(text))
    }

    fn each(&mut self, texts: Vec<String>) -> Vec<String> {
        texts.into_iter().map(|text| self.words(text)).collect()
    }

    /// A text that is only for who reads it. `field` is what it was given in.
    fn text(&mut self, field: &'static str, text: String) -> Result<String, Refusal> {
        match self.contents {
            Contents::Sealed if Sealed::parse(&text).is_none() => {
                Err(Refusal::encryption_required(field))
            }
            Contents::Sealed | Contents::Left => Ok(text),
            Contents::Searched => Ok(self.search.text(text)),
        }
    }

    fn some(
        &mut self,
        field: &'static str,
        text: Option<String>,
    ) -> Result<Option<String>, Refusal> {
        text.map(|text| self.text(field, text)).transpose()
    }

    /// The same of JSON. What is sealed is a string.
    fn json(
        &mut self,
        field: &'static str,
        json: Option<Box<RawValue>>,
    ) -> Result<Option<Box<RawValue>>> {
        let Some(json) = json else { return Ok(None) };
        match self.contents {
            Contents::Searched => Ok(Some(self.search.json(json).map_err(Fault::new)?)),
            Contents::Left => Ok(Some(json)),
            Contents::Sealed => {
                let text = serde_json::from_str(json.get()).unwrap_or_default();
                self.text(field, text)?;
                Ok(Some(json))
            }
        }
    }
}

/// A request with texts that other agents will read.
pub(crate) trait Searched: Sized {
    /// The same, without the secrets in its texts.
    fn searched(self, redaction: &mut Redaction) -> Result<Self>;
}

impl Searched for SendMessage {
    fn searched(self, redaction: &mut Redaction) -> Result<Self> {
        let Self { text, json, to, reply_to, topic, tags, redact } = self;
        if redaction.is_sealed() && json.is_some() {
            return Err(Refusal::encryption_required("json").into());
        }
        Ok(Self {
            text: redaction.some("text", text)?,
            json: redaction.json("json", json)?,
            topic: redaction.some_words(topic),
            tags: redaction.each(tags),
            to,
            reply_to,
            redact,
        })
    }
}

impl Searched for SendMail {
    fn searched(self, redaction: &mut Redaction) -> Result<Self> {
        let Self {
            text,
            json,
            conversation_id,
            max_turns,
            reply_to,
            redact,
            client_id,
            renews,
            kind,
        } = self;
        if let Some(conversation) = &conversation_id {
            check_name("conversationId", conversation.as_str())?;
        }
        if let Some(id) = &client_id {
            check_name("id", id)?;
        }
        if let Some(message) = &reply_to {
            check_name("replyTo", message.as_str())?;
        }
        Ok(Self {
            text: redaction.some("text", text)?,
            json: redaction.json("json", json)?,
            conversation_id,
            max_turns,
            reply_to,
            redact,
            client_id,
            renews,
            kind,
        })
    }
}

impl Searched for GiveTask {
    fn searched(self, redaction: &mut Redaction) -> Result<Self> {
        // A task is given for a capability only if a profile has it, and profiles are searched.
        let Self { assignee, task, context, priority, deadline, redact } = self;
        Ok(Self {
            task: redaction.text("task", task)?,
            context: redaction.json("context", context)?,
            assignee,
            priority,
            deadline,
            redact,
        })
    }
}

impl Searched for ChangeTask {
    fn searched(self, redaction: &mut Redaction) -> Result<Self> {
        Ok(match self {
            Self::Move { status, progress, result, redact } => {
                let progress = match progress {
                    Some(Progress::Words(words)) => {
                        Some(Progress::Words(redaction.text("progress", words)?))
                    }
                    other => other,
                };
                let result = redaction.json("result", result)?;
                Self::Move { status, progress, result, redact }
            }
            Self::HandOn { assignee, deadline } => Self::HandOn { assignee, deadline },
        })
    }
}

impl Searched for ClawLinkAnswer {
    fn searched(self, redaction: &mut Redaction) -> Result<Self> {
        let Self { from, to, task, result, status } = self;
        let result = redaction.search.json(result).map_err(Fault::new)?;
        Ok(Self { from, to, task, result, status })
    }
}

impl Searched for Profile {
    fn searched(self, redaction: &mut Redaction) -> Result<Self> {
        let Self { name, capabilities, description, machine } = self;
        Ok(Self {
            name: redaction.some_words(name),
            capabilities: capabilities.map(|words| redaction.each(words)),
            description: redaction.some_words(description),
            machine: redaction.some_words(machine),
        })
    }
}

impl Searched for CreateSession {
    fn searched(self, redaction: &mut Redaction) -> Result<Self> {
        let Self {
            ttl,
            max_agents,
            greeting,
            creator_agent_id,
            require_keys,
            token,
            join,
            preview,
            encryption,
            profile,
        } = self;
        Ok(Self {
            greeting: redaction.some("greeting", greeting)?,
            profile: profile.searched(redaction)?,
            ttl,
            max_agents,
            creator_agent_id,
            require_keys,
            token,
            join,
            preview,
            encryption,
        })
    }
}

impl Searched for Register {
    fn searched(self, redaction: &mut Redaction) -> Result<Self> {
        let Self { agent_id, secret, name, description, version, capabilities, listed } = self;
        Ok(Self {
            name: redaction.words(name),
            description: redaction.some_words(description),
            version: redaction.some_words(version),
            capabilities: redaction.each(capabilities),
            agent_id,
            secret,
            listed,
        })
    }
}

impl Searched for ChangeCard {
    fn searched(self, redaction: &mut Redaction) -> Result<Self> {
        let Self { name, description, version, capabilities, listed } = self;
        Ok(Self {
            name: redaction.some_words(name),
            description: redaction.some_words(description),
            version: redaction.some_words(version),
            capabilities: capabilities.map(|words| redaction.each(words)),
            listed,
        })
    }
}
