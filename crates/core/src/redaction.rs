//! Takes secrets out of what is sent (section 7), before anything of it is stored.
//!
//! Owns the one list of the texts that one agent can pass to another: each request that holds such
//! texts implements [`Searched`] here. An implementation names all fields of its request, so a new
//! field does not compile before somebody has decided whether it is searched. Profiles are stored
//! only as [`Clean`] values. Names by which agents, conversations and files are found cannot be
//! changed silently, so a name that contains a secret is refused ([`check_name`]).

use crate::{Fault, Result};
use nexus_protocol::{
    ChangeCard, ChangeTask, ClawLinkAnswer, CreateSession, GiveTask, Profile, Progress, Redacted,
    Refusal, Register, SendMail, SendMessage,
};
use serde_json::value::RawValue;

/// A text without its secrets, which nobody counts.
#[must_use]
pub fn redacted(text: String) -> String {
    Redaction::default().text(text)
}

/// Refuses a name that contains a secret. `field` is what the caller gave it in.
pub fn check_name(field: &'static str, name: &str) -> Result<(), Refusal> {
    let mut redaction = Redaction::default();
    let _ = redaction.text(name.to_owned());
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
    is_off: bool,
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
        Self { is_off: true, ..Self::default() }
    }

    /// Whether everything is left as it is.
    pub(crate) fn is_off(&self) -> bool {
        self.is_off
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

    fn text(&mut self, text: String) -> String {
        if self.is_off { text } else { self.search.text(text) }
    }

    fn some(&mut self, text: Option<String>) -> Option<String> {
        text.map(|text| self.text(text))
    }

    fn each(&mut self, texts: Vec<String>) -> Vec<String> {
        texts.into_iter().map(|text| self.text(text)).collect()
    }

    fn json(&mut self, json: Option<Box<RawValue>>) -> Result<Option<Box<RawValue>>, Fault> {
        match json {
            Some(json) if !self.is_off => self.search.json(json).map(Some).map_err(Fault::new),
            json => Ok(json),
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
        Ok(Self {
            text: redaction.some(text),
            json: redaction.json(json)?,
            topic: redaction.some(topic),
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
            text: redaction.some(text),
            json: redaction.json(json)?,
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
            task: redaction.text(task),
            context: redaction.json(context)?,
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
                let progress = progress.map(|progress| match progress {
                    Progress::Words(words) => Progress::Words(redaction.text(words)),
                    percent @ Progress::Percent(_) => percent,
                });
                Self::Move { status, progress, result: redaction.json(result)?, redact }
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
            name: redaction.some(name),
            capabilities: capabilities.map(|words| redaction.each(words)),
            description: redaction.some(description),
            machine: redaction.some(machine),
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
            profile,
        } = self;
        Ok(Self {
            greeting: redaction.some(greeting),
            profile: profile.searched(redaction)?,
            ttl,
            max_agents,
            creator_agent_id,
            require_keys,
            token,
            join,
            preview,
        })
    }
}

impl Searched for Register {
    fn searched(self, redaction: &mut Redaction) -> Result<Self> {
        let Self { agent_id, secret, name, description, version, capabilities, listed } = self;
        Ok(Self {
            name: redaction.text(name),
            description: redaction.some(description),
            version: redaction.some(version),
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
            name: redaction.some(name),
            description: redaction.some(description),
            version: redaction.some(version),
            capabilities: capabilities.map(|words| redaction.each(words)),
            listed,
        })
    }
}
