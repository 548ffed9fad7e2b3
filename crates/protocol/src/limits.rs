//! The variables of a deployment: the limits of requests, and a few settings.
//!
//! A new variable is a line here, one in `wrangler.toml` and one in the README. A limit that
//! clients encounter also has a line in `docs/protocol.md`. `tests/documents.rs` compares all of
//! these with the tables below.

use std::ops::RangeInclusive;

/// The most characters of progress in words, which no variable sets.
const MAX_PROGRESS: usize = 1024;

/// A variable that is an integer.
#[derive(Clone, Copy, Debug)]
pub struct NumberVariable {
    /// Its name in `wrangler.toml`.
    pub name: &'static str,
    /// The field of [`Limits`] that holds it.
    pub field: &'static str,
    /// Its value if it is not set.
    pub default: u32,
    /// Its minimum.
    pub least: u32,
    /// Its maximum: a number, or the name of the field that holds it.
    pub most: &'static str,
    /// What it sets.
    pub about: &'static str,
}

/// A variable that is a text.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// Its name in `wrangler.toml`.
    pub name: &'static str,
    /// Its value in `wrangler.toml`. None if it is a secret, which that file must not contain.
    pub deployed: Option<&'static str>,
    /// What it sets.
    pub about: &'static str,
}

/// Where a sender may ask that nothing be searched for secrets (section 7).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AllowUnredacted {
    /// In sessions with a token.
    #[default]
    WithToken,
    /// Everywhere.
    On,
    /// Nowhere.
    Off,
}

impl AllowUnredacted {
    /// Reads the variable. `None` if it has another value than `on` and `off`.
    #[must_use]
    pub fn parse(value: Option<&str>) -> Option<Self> {
        match value {
            None => Some(Self::WithToken),
            Some("on") => Some(Self::On),
            Some("off") => Some(Self::Off),
            Some(_) => None,
        }
    }

    /// Whether members of a session may ask for it.
    #[must_use]
    pub fn in_session(self, has_token: bool) -> bool {
        match self {
            Self::WithToken => has_token,
            Self::On => true,
            Self::Off => false,
        }
    }

    /// Whether addresses may ask for it.
    #[must_use]
    pub fn between_addresses(self) -> bool {
        self == Self::On
    }
}

/// Makes [`Limits`], its default, [`Limits::read`] and [`Limits::VARIABLES`] from one line for each
/// limit.
macro_rules! limits {
    ($($field:ident: $type:ident = $default:literal, $name:ident, $least:literal..=$most:tt, $about:literal;)+) => {
        /// The limits of requests. `Default` gives the values that the protocol promises.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct Limits {$(
            #[doc = $about]
            pub $field: $type,
        )+
            /// The most characters of progress in words.
            pub max_progress: usize,
            /// Where a sender may have secrets left in: [`Setting::ALLOW_UNREDACTED`].
            pub unredacted: AllowUnredacted,
        }

        impl Default for Limits {
            fn default() -> Self {
                Self { $($field: $default,)+ max_progress: MAX_PROGRESS, unredacted: AllowUnredacted::WithToken }
            }
        }

        impl Limits {
            /// The whole table, for comparison with documents.
            pub const VARIABLES: &[NumberVariable] = &[$(NumberVariable {
                name: stringify!($name),
                field: stringify!($field),
                default: $default,
                least: $least,
                most: stringify!($most),
                about: $about,
            },)+];

            /// Reads the limits of a deployment. `number` returns the variable of a name, which
            /// must be within the given range. If the variable is not set, it returns the default.
            /// The caller reads [`Setting::ALLOW_UNREDACTED`].
            pub fn read<E>(
                mut number: impl FnMut(&'static str, RangeInclusive<u32>, u32) -> Result<u32, E>,
            ) -> Result<Self, E> {
                $(let $field: u32 =
                    number(stringify!($name), $least..=$most, u32::min($default, $most))?;)+
                let unredacted = AllowUnredacted::default();
                Ok(Self { $($field: limits!(@$type $field),)+ max_progress: MAX_PROGRESS, unredacted })
            }
        }
    };
    (@u32 $number:expr) => { $number };
    (@usize $number:expr) => { usize::try_from($number).unwrap_or(usize::MAX) };
}

// A limit that others refer to must come before them.
limits! {
    max_ttl: u32 = 86_400, MAX_TTL_SECONDS, 1..=2_592_000, "the longest TTL that a creator may ask for";
    default_ttl: u32 = 3660, DEFAULT_TTL_SECONDS, 1..=max_ttl, "the TTL of a session whose creator does not choose one: how long it lives without activity";
    max_team_ttl: u32 = 2_592_000, MAX_TEAM_TTL_SECONDS, 1..=2_592_000, "the longest TTL of a session with a token";
    max_agents: u32 = 50, MAX_AGENTS, 1..=1000, "the most agents in a session at a time";
    max_session_messages: u32 = 10_000, MAX_SESSION_MESSAGES, 1..=1_000_000, "the most messages of one session";
    max_session_bytes: usize = 16_777_216, MAX_SESSION_BYTES, 1..=1_073_741_824, "the most bytes of all messages of one session, as readers get them";
    max_file_bytes: usize = 1_048_576, MAX_FILE_BYTES, 1..=1_048_576, "the most bytes of one file in a session";
    max_session_file_bytes: usize = 67_108_864, MAX_SESSION_FILE_BYTES, 1..=1_073_741_824, "the most bytes of all files of a session, kept versions included";
    pairing_ttl: u32 = 600, PAIRING_TTL_SECONDS, 1..=86_400, "how long a pairing code can be claimed";
    max_text_bytes: usize = 65_536, MAX_TEXT_BYTES, 1..=131_072, "the most bytes of UTF-8 in the text of a message, or in a greeting";
    max_json_bytes: usize = 65_536, MAX_JSON_BYTES, 1..=131_072, "the most bytes of the JSON payload of a message";
    max_page: u32 = 500, MAX_PAGE_SIZE, 1..=1000, "the most messages in a page";
    default_page: u32 = 500, PAGE_SIZE, 1..=max_page, "messages in a page when the reader does not choose";
    agent_requests: u32 = 600, AGENT_REQUESTS_PER_MINUTE, 0..=1_000_000, "requests and frames of one agent that proves its key or secret, in one session or at its address; 0 = no limit";
    agent_inactivity: u32 = 0, AGENT_INACTIVITY_SECONDS, 0..=2_592_000, "silence after which an agent loses its seat; the creator keeps its own; 0 = never";
    max_webhook_hosts: u32 = 5, MAX_WEBHOOK_HOSTS, 1..=1000, "the most hosts that the webhooks of one session may lead to";
    max_waiting: u32 = 200, MAX_WAITING_MESSAGES, 1..=10_000, "messages that may wait in the inbox of one address";
    max_mailbox_bytes: usize = 67_108_864, MAX_MAILBOX_BYTES, 1_048_576..=1_073_741_824, "bytes of everything that one address keeps; of what need not wait, the oldest is deleted first";
    conversation_turns: u32 = 20, MAX_CONVERSATION_TURNS, 1..=1000, "turns of a conversation between addresses whose first message does not choose";
    conversation_idle: u32 = 1800, CONVERSATION_IDLE_SECONDS, 1..=2_592_000, "silence after which such a conversation ends";
    sender_rate: u32 = 30, SENDER_MESSAGES_PER_MINUTE, 1..=10_000, "messages that one address may send to another in a minute";
    message_retention: u32 = 604_800, MESSAGE_RETENTION_SECONDS, 1..=2_592_000, "how long a message waits in an inbox, and can be read again";
    opendialogue_key: u32 = 3600, OPENDIALOGUE_KEY_SECONDS, 1..=86_400, "how long a client of OpenDialogue may sign with one session key";
}

/// Makes a constant for each [`Setting`], and [`Setting::ALL`].
macro_rules! settings {
    ($($name:ident = $deployed:expr, $about:literal;)+) => {
        impl Setting {
            $(
                #[doc = $about]
                pub const $name: Self =
                    Self { name: stringify!($name), deployed: $deployed, about: $about };
            )+

            /// The whole table, for comparison with documents.
            pub const ALL: &[Self] = &[$(Self::$name,)+];
        }
    };
}

settings! {
    PUBLIC_URL = Some(""), "the address that links name; if empty, the host that each request names, which a client can choose";
    CLIENT_IP_HEADER = Some("CF-Connecting-IP"), "the header in which the proxy in front of the relay names the client's IP; empty: no header is believed, and all clients share one quota";
    ALLOW_PRIVATE_WEBHOOKS = Some(""), "not empty: webhooks may lead to http and private addresses";
    ALLOW_UNREDACTED = Some(""), "whether senders may have secrets left in with `redact`: `on` everywhere, `off` nowhere; empty: only in sessions with a token, by members that prove their key";
    OPERATOR_NAME = Some(""), "who runs this relay; the pages name them";
    OPERATOR_URL = Some(""), "where to read about whoever runs this relay, or to reach them: an address with `https:`, `http:` or `mailto:`";
    JURISDICTION = Some(""), "`eu` or `fedramp`: everything is stored and done there; choose it before the first session";
    ADMIN_TOKEN = None, "the operator's page at `/admin`, for those who have this token of at least 16 characters; a secret, not in `wrangler.toml`: `npx wrangler secret put ADMIN_TOKEN`";
    DIAGNOSTICS = Some(""), "for tests only. Not empty: answers of sessions, addresses and claims tell in `X-Rows-Written` and `X-Objects-Built` the rows that this instance has written and the session and mailbox objects that it has built so far, and a request can make the relay panic with `X-Panic` (see docs/operations.md)";
}

impl Limits {
    /// The same for an encrypted session (section 10), where a sealed string stands for each text:
    /// signed, it is 1.78 times as long as its plaintext, which JSON makes longer than the text.
    #[must_use]
    pub fn sealed(&self) -> Self {
        Self {
            max_text_bytes: self.max_text_bytes.saturating_mul(4),
            max_json_bytes: self.max_json_bytes.saturating_mul(4),
            max_progress: self.max_progress.saturating_mul(4),
            ..self.clone()
        }
    }

    /// The most bytes of a request body that are read. There is room for a text and a payload of
    /// full size, with every byte of the text written as a six-byte escape, and for the other
    /// fields.
    #[must_use]
    pub const fn max_body_bytes(&self) -> usize {
        self.max_text_bytes
            .saturating_mul(6)
            .saturating_add(self.max_json_bytes)
            .saturating_add(16 * 1024)
    }
}
