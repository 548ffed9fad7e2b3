//! What is refused where agents have addresses (section 8).

use super::{ErrorCode, Refusal};

impl Refusal {
    /// A call that needs the agent's secret came without it.
    #[must_use]
    pub fn missing_secret() -> Self {
        Self::new(
            401,
            ErrorCode::MissingSecret,
            "Prove who you are: add the header Authorization: Bearer SECRET, with the secret from your registration (POST /v1/agents).",
        )
    }

    /// A secret that is not the agent's, or an agent that is not registered.
    #[must_use]
    pub fn invalid_secret() -> Self {
        Self::new(
            401,
            ErrorCode::InvalidSecret,
            "This is not the secret of this agent id; send the one from your own registration (POST /v1/agents), or register first.",
        )
    }

    /// No such address.
    #[must_use]
    pub fn no_address(agent: &str) -> Self {
        Self::new(
            404,
            ErrorCode::AgentNotFound,
            format!(
                "There is no agent {agent} registered here; check its id, or look in the directory (GET /v1/agents)."
            ),
        )
    }

    /// The id is registered, with another secret.
    #[must_use]
    pub fn address_taken() -> Self {
        Self::new(
            409,
            ErrorCode::AgentIdTaken,
            "This agent id is registered already; choose another one (if it is yours, use the secret it was registered with).",
        )
    }

    /// The recipient does not hear this sender.
    #[must_use]
    pub fn blocked() -> Self {
        Self::new(
            403,
            ErrorCode::Blocked,
            "The recipient has blocked you, and takes no messages from you; do not try again.",
        )
    }

    /// The recipient hears only those on its allow list.
    #[must_use]
    pub fn not_allowed() -> Self {
        Self::new(
            403,
            ErrorCode::NotAllowed,
            "The recipient takes messages only from agents on its allow list; ask its owner to put you there.",
        )
    }

    /// The conversation id is in use with another agent.
    #[must_use]
    pub fn conversation_of_others() -> Self {
        let message = "You use this conversationId with another agent; leave it out to begin a new conversation.";
        let mut refusal = Self::new(403, ErrorCode::Forbidden, message);
        refusal.body.reason = Some("conversation_of_others".into());
        refusal
    }

    /// The caller has sent the recipient no such message.
    #[must_use]
    pub fn message_not_found() -> Self {
        Self::new(
            404,
            ErrorCode::MessageNotFound,
            "You have sent this agent no message of this id, or it is long gone; check both ids.",
        )
    }

    /// The caller has no such conversation.
    #[must_use]
    pub fn conversation_not_found() -> Self {
        Self::new(
            404,
            ErrorCode::ConversationNotFound,
            "You have no conversation of this id, or it is long gone; check the id.",
        )
    }

    /// The conversation is over; `reason` says why.
    #[must_use]
    pub fn conversation_ended(reason: &'static str) -> Self {
        let message = "This conversation has ended; leave out conversationId to begin a new one.";
        let mut refusal = Self::new(409, ErrorCode::ConversationEnded, message);
        refusal.body.reason = Some(reason.into());
        refusal
    }

    /// The conversation has had its turns.
    #[must_use]
    pub fn conversation_turns_exceeded(turns: u32) -> Self {
        let message = format!(
            "This conversation has had its {turns} turns; leave out conversationId to begin a new one, if there is more to say."
        );
        Self::new(409, ErrorCode::ConversationTurnsExceeded, message).with_limit(turns)
    }

    /// Too many messages wait for the recipient.
    #[must_use]
    pub fn inbox_full(messages: u32) -> Self {
        let message = format!(
            "{messages} messages wait for the recipient already; try again when it has read some."
        );
        Self::new(409, ErrorCode::InboxFull, message).with_limit(messages)
    }

    /// The block or allow list has no room.
    #[must_use]
    pub fn list_full(agents: u32) -> Self {
        let message = format!("The list has {agents} agents already; take one off it first.");
        Self::new(409, ErrorCode::ListFull, message).with_limit(agents)
    }

    /// Too many messages from one sender to one recipient.
    #[must_use]
    pub fn sender_rate_exceeded(messages: u32, retry_after: u32) -> Self {
        let message = format!(
            "You have sent this agent {messages} messages within a minute; wait {retry_after} seconds, then send less often."
        );
        Self {
            retry_after: Some(retry_after),
            ..Self::new(429, ErrorCode::SenderRateExceeded, message)
        }
    }

    /// Too many signed frames of one agent.
    #[must_use]
    pub fn signed_too_often(frames: u32, retry_after: u32) -> Self {
        let message = format!(
            "You have signed {frames} frames within a minute; wait {retry_after} seconds, then send fewer."
        );
        Self {
            retry_after: Some(retry_after),
            ..Self::new(429, ErrorCode::SenderRateExceeded, message)
        }
    }

    fn with_limit(mut self, limit: u32) -> Self {
        self.body.limit = usize::try_from(limit).ok();
        self
    }
}
