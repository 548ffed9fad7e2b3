//! Row 0 of the table: the agent itself.

use super::credential::Credential;
use crate::{Fault, heard::Heard, record};
use nexus_protocol::{AgentCard, Cursor, Region, Timestamp};
use serde::{Deserialize, Serialize};

/// The version of the stored form. A newer version is rejected.
const SCHEMA: u32 = 1;

/// A registered agent.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct State {
    schema: u32,
    /// Random. Every message id begins with it, so that ids differ between mailboxes.
    pub(super) salt: [u8; 8],
    pub(super) credential: Credential,
    pub(super) card: AgentCard,
    /// Whether only agents on the allow list may write.
    pub(super) allow_only: bool,
    pub(super) heard: Heard,
    /// The region of whoever registered it, in whose directory it is listed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) region: Option<Region>,
    /// The end of the inbox at the last clean-up. It ensures that no cursor is given out twice.
    pub(super) last: Cursor,
}

impl State {
    pub(super) fn new(
        now: Timestamp,
        salt: [u8; 8],
        credential: Credential,
        card: AgentCard,
    ) -> Self {
        Self {
            schema: SCHEMA,
            salt,
            credential,
            card,
            allow_only: false,
            heard: Heard::at(now),
            region: None,
            last: Cursor::START,
        }
    }

    pub(super) fn from_record(record: &str) -> Result<Self, Fault> {
        record::read("mailbox", SCHEMA, record)
    }

    /// Sets the schema to the newest. Returns the schema that was stored.
    pub(super) fn upgrade(&mut self) -> u32 {
        std::mem::replace(&mut self.schema, SCHEMA)
    }

    pub(super) fn to_record(&self) -> Result<String, Fault> {
        serde_json::to_string(self).map_err(Fault::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STORED: &str = r#"{"schema":1,"salt":[1,2,3,4,5,6,7,8],"credential":{"hash":"k"},"card":{"agentId":"a","name":"A","description":"d","version":"1","capabilities":["c"],"listed":true,"createdAt":"1970-01-01T00:00:01.000Z","updatedAt":"1970-01-01T00:00:01.000Z"},"allow_only":false,"heard":"1970-01-01T00:00:02.000Z","last":"7"}"#;

    #[test]
    fn the_stored_form_does_not_change() {
        // Mailboxes outlive upgrades of the relay. Change this form only together with SCHEMA.
        for stored in [STORED.to_owned(), STORED.replace(r#"{"hash":"k"}"#, r#"{"shared":"k"}"#)] {
            assert_eq!(State::from_record(&stored).unwrap().to_record().unwrap(), stored);
        }
        let newer = STORED.replace("\"schema\":1", "\"schema\":2");
        let fault = State::from_record(&newer).unwrap_err().to_string();
        assert_eq!(fault, "a stored mailbox has the newer schema 2");
    }
}
