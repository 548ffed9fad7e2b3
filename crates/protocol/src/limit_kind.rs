//! The limits whose hits are counted for the operator (section 5), by kind.

/// Makes [`LimitKind`]: a line each.
macro_rules! kinds {
    ($($kind:ident, $name:literal: $about:literal;)+) => {
        /// A kind of limit. The operator reads how often each was hit.
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
        )]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[serde(rename_all = "snake_case")]
        pub enum LimitKind { $(#[doc = $about] $kind,)+ }

        impl LimitKind {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$kind,)+];

            /// Its name, as in JSON.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$kind => $name,)+ }
            }
        }
    };
}

kinds! {
    Requests, "requests": "requests of a client IP in a minute (`RATE_LIMITER`)";
    Keyed, "keyed": "requests of a client IP that show a key or a secret in a minute (`KEYED_LIMITER`)";
    Sessions, "sessions": "new sessions of a client IP in a minute (`CREATE_LIMITER`)";
    Links, "links": "new links of a client IP in a minute (`PAIR_LIMITER`)";
    Addresses, "addresses": "new addresses of a client IP in a minute (`REGISTER_LIMITER`)";
    Mcp, "mcp": "new seats that a client IP asks for over MCP in a minute (`MCP_LIMITER`)";
    Guesses, "guesses": "wrong codes, secrets or tokens of a client IP in a minute (`GUESS_LIMITER`)";
    Agent, "agent": "requests of an agent in a minute";
    Sender, "sender": "messages of one sender to an address in a minute";
    Streams, "streams": "event streams of a reader that do not come to an end";
    Seats, "seats": "seats of a session";
    OpenLinks, "open_links": "unused links of a session";
    WebhookHosts, "webhook_hosts": "hosts of a session's webhooks";
    Messages, "messages": "messages of a session, or their bytes";
    Unproven, "unproven": "messages without a proof of a session, or their bytes";
    Inbox, "inbox": "waiting messages of an address, or their bytes";
    Turns, "turns": "turns of a conversation between addresses";
    Lists, "lists": "agents on a block or allow list";
    MessageSize, "message_size": "the size of a message or a body";
    FileSize, "file_size": "the size of a file";
    Files, "files": "the files of a session together";
}

impl LimitKind {
    /// The limit of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.as_str() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_the_one_in_json() {
        for kind in LimitKind::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
            assert_eq!(LimitKind::named(kind.as_str()), Some(*kind));
        }
        assert_eq!(LimitKind::named("other"), None);
    }
}
