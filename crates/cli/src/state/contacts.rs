//! `contacts.json` `{name: contact}`: agents by names of ours.

use super::State;
use crate::error::Result;
use nexus_protocol::{AgentId, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How to reach someone: by an address at the relay, or by a gateway of theirs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Contact {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) agent: Option<AgentId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) url: Option<String>,
    /// Opens the gateway.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) token: Option<String>,
    #[serde(default)]
    pub(crate) description: String,
    pub(crate) added_at: Timestamp,
}

/// `contacts.json`
pub(crate) type Contacts = BTreeMap<String, Contact>;

impl State {
    /// The contact book.
    pub(crate) fn contacts(&self) -> Result<Contacts> {
        Ok(self.read_json("contacts.json")?.unwrap_or_default())
    }

    /// Changes the contact book while no other process can.
    pub(crate) fn update_contacts<T>(
        &self,
        change: impl FnOnce(&mut Contacts) -> Result<T>,
    ) -> Result<T> {
        let lock = self.lock()?;
        let mut contacts = self.contacts()?;
        let result = change(&mut contacts)?;
        self.write_json(&lock, "contacts.json", &contacts)?;
        Ok(result)
    }
}
