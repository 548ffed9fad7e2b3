//! `contacts.json`, the contact book: `{name: {agent} or {url, token}}`, each with `description` and
//! `addedAt`.

use super::State;
use crate::{
    error::{Failure, Kind, Result},
    gateway,
};
use nexus_protocol::AgentId;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt};

/// A contact.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Contact {
    /// An address at the same relay as our own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) agent: Option<AgentId>,
    /// The gateway of another machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) description: Option<String>,
    /// RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) added_at: Option<String>,
}

impl fmt::Debug for Contact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Contact");
        shown.field("agent", &self.agent).field("url", &self.url).finish_non_exhaustive()
    }
}

/// How a contact is reached.
#[derive(Clone, Debug)]
pub(crate) enum Reach {
    Agent(AgentId),
    Gateway(gateway::Address),
}

impl Contact {
    pub(crate) fn reach(&self, name: &str) -> Result<Reach> {
        match (&self.agent, &self.url, &self.token) {
            (Some(agent), None, _) => Ok(Reach::Agent(agent.clone())),
            (None, Some(url), Some(token)) => gateway::Address::new(url, token).map(Reach::Gateway),
            _ => {
                let message = format!(
                    "The contact `{name}` has neither an agent id nor the url and token of a gateway. Remove it and add it again."
                );
                Err(Failure::own(Kind::InvalidContact, message))
            }
        }
    }
}

/// The contact book.
pub(crate) type Contacts = BTreeMap<String, Contact>;

impl State {
    pub(crate) fn contacts(&self) -> Result<Contacts> {
        Ok(self.read_json("contacts.json")?.unwrap_or_default())
    }

    /// The contact with this name.
    pub(crate) fn contact(&self, name: &str) -> Result<Contact> {
        self.contacts()?.remove(name).ok_or_else(|| not_found(name))
    }

    /// Changes the contact book under the lock.
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

/// The failure when there is no contact with this name.
fn not_found(name: &str) -> Failure {
    let message =
        format!("There is no contact `{name}`. `nexus contacts list` lists your contacts.");
    Failure::own(Kind::ContactNotFound, message)
}
