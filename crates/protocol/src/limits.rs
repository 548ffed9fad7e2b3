//! What a deployment allows (section 1). Every figure is a variable of the deployment.

/// The figures that bound requests. `Default` is what the protocol promises.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Seconds a session lives without activity when its creator does not say.
    pub default_ttl: u32,
    /// The longest TTL a session may ask for, in seconds.
    pub max_ttl: u32,
    /// The longest TTL that a session with a token may ask for, in seconds.
    pub max_team_ttl: u32,
    /// The most agents a session may have at a time.
    pub max_agents: u32,
    /// Seconds a pairing code can be claimed.
    pub pairing_ttl: u32,
    /// Bytes of UTF-8 in the text of one message or greeting.
    pub max_text_bytes: usize,
    /// Bytes of the JSON payload of one message.
    pub max_json_bytes: usize,
    /// Messages of a session.
    pub max_session_messages: u32,
    /// Bytes of all messages of a session, as readers get them.
    pub max_session_bytes: usize,
    /// Bytes of one file of a session.
    pub max_file_bytes: usize,
    /// Bytes of all files of a session, kept versions included.
    pub max_session_file_bytes: usize,
    /// Messages in a page when the reader does not say.
    pub default_page: u32,
    /// The most messages in a page.
    pub max_page: u32,
    /// Seconds after which a silent agent loses its seat; 0 = never. The creator keeps its own.
    pub agent_inactivity: u32,
    /// Requests and frames of one agent that proves who it is, in 60 seconds, in one session or at its
    /// address; 0 sets no limit.
    pub agent_requests: u32,
    /// Messages that may wait in one mailbox (section 8).
    pub max_waiting: u32,
    /// Turns of a conversation whose first message does not say.
    pub conversation_turns: u32,
    /// Seconds without anything happening after which a conversation ends.
    pub conversation_idle: u32,
    /// Messages that one agent may send to another in 60 seconds.
    pub sender_rate: u32,
    /// Seconds that a message waits in a mailbox, and can be read again.
    pub message_retention: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            default_ttl: 3660,
            max_ttl: 86_400,
            max_team_ttl: 2_592_000,
            max_agents: 50,
            pairing_ttl: 600,
            max_text_bytes: 64 * 1024,
            max_json_bytes: 64 * 1024,
            max_session_messages: 10_000,
            max_session_bytes: 16 * 1024 * 1024,
            max_file_bytes: 1024 * 1024,
            max_session_file_bytes: 64 * 1024 * 1024,
            default_page: 500,
            max_page: 500,
            agent_inactivity: 0,
            agent_requests: 600,
            max_waiting: 200,
            conversation_turns: 20,
            conversation_idle: 1800,
            sender_rate: 30,
            message_retention: 604_800,
        }
    }
}

impl Limits {
    /// The most bytes of a request body that are read: a text and a payload of full size, with every
    /// byte of the text written as a six-byte escape, and the fields around them.
    #[must_use]
    pub const fn max_body_bytes(&self) -> usize {
        self.max_text_bytes
            .saturating_mul(6)
            .saturating_add(self.max_json_bytes)
            .saturating_add(16 * 1024)
    }
}
