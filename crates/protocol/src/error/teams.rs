//! What is refused where members work together (section 9).

use super::{ErrorCode, Refusal};

impl Refusal {
    /// The session demands a token.
    #[must_use]
    pub fn missing_token() -> Self {
        Self::new(
            401,
            ErrorCode::MissingToken,
            "This session asks for a token: add the header Authorization: Bearer TOKEN with the token it was created with, or ask for a link (/p/...), which needs none.",
        )
    }

    /// A token that is not the session's.
    #[must_use]
    pub fn invalid_token() -> Self {
        Self::new(
            401,
            ErrorCode::InvalidToken,
            "This is not the token of this session; ask who created it for the right one, or for a link (/p/...), which needs none.",
        )
    }

    /// Nobody of this name has registered, where agents do that by themselves.
    #[must_use]
    pub fn not_registered() -> Self {
        Self::new(
            404,
            ErrorCode::AgentNotFound,
            "No agent of that name has registered in this session; register it first (POST register), also again after it was away for long.",
        )
    }

    /// The session takes no call that proves no key.
    #[must_use]
    pub fn keys_required() -> Self {
        Self::new(
            401,
            ErrorCode::MissingSessionKey,
            "Every call to this session must prove a key: join it (POST /v1/sessions/:id/join, or by a link), then add the headers X-Agent-Id and X-Session-Key.",
        )
    }

    /// No such task.
    #[must_use]
    pub fn task_not_found() -> Self {
        Self::new(
            404,
            ErrorCode::TaskNotFound,
            "There is no task of this id in the session; GET /v1/sessions/:id/tasks lists those there are.",
        )
    }

    /// Only the assignee may do this.
    #[must_use]
    pub fn not_the_assignee() -> Self {
        Self::new(
            403,
            ErrorCode::Forbidden,
            "Only the assignee of a task may say how it goes; read the task to see who that is now.",
        )
        .with_reason("not_the_assignee")
    }

    /// Only the asker may do this.
    #[must_use]
    pub fn not_the_asker() -> Self {
        Self::new(
            403,
            ErrorCode::Forbidden,
            "Only the agent that gave a task may cancel it or hand it on; ask that agent.",
        )
        .with_reason("not_the_asker")
    }

    /// A task in this state cannot become `next`.
    #[must_use]
    pub fn illegal_transition(state: &'static str, next: &str) -> Self {
        let message = format!(
            "The task is {state} and cannot become {next}; a task goes pending, accepted, in_progress, and then completed, failed or declined."
        );
        let mut refusal = Self::new(409, ErrorCode::IllegalTransition, message);
        refusal.body.state = Some(state.into());
        refusal
    }

    /// Nobody else online can do it.
    #[must_use]
    pub fn no_agent_available(capability: &str) -> Self {
        let message = format!(
            "Nobody else who is online has the capability {capability}; GET /v1/sessions/:id/agents lists who can do what, `to` gives the task to a member by name."
        );
        Self::new(409, ErrorCode::NoAgentAvailable, message)
    }

    /// No such file, or no such version of it.
    #[must_use]
    pub fn file_not_found() -> Self {
        Self::new(
            404,
            ErrorCode::FileNotFound,
            "There is no such file in the session, or this version is not kept (the last 10 are); GET /v1/sessions/:id/files lists the files.",
        )
    }

    /// The condition does not hold: `version` is the current one, 0 if there is no file.
    #[must_use]
    pub fn version_conflict(version: u32) -> Self {
        let message = format!(
            "The file has changed: its version is now {version} (0: it does not exist); read it, make your change to that, and send it with its ETag in If-Match."
        );
        let mut refusal = Self::new(412, ErrorCode::VersionConflict, message);
        refusal.body.version = Some(version);
        refusal
    }

    /// A file that is longer than `limit` bytes.
    #[must_use]
    pub fn file_too_large(limit: usize) -> Self {
        let message = format!("The file is larger than {limit} bytes; split it, or share a link.");
        let mut refusal = Self::new(413, ErrorCode::FileTooLarge, message);
        refusal.body.limit = Some(limit);
        refusal
    }

    /// The session's files would take more than `limit` (bytes, or files).
    #[must_use]
    pub fn storage_full(limit: usize, unit: &str) -> Self {
        let message = format!(
            "The files of this session may take {limit} {unit}, kept versions included; delete some first."
        );
        let mut refusal = Self::new(413, ErrorCode::StorageFull, message);
        refusal.body.limit = Some(limit);
        refusal
    }

    fn with_reason(mut self, reason: &'static str) -> Self {
        self.body.reason = Some(reason.into());
        self
    }
}
