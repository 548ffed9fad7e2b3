//! `aliases.json` `{name: id}`, `config.json` `{serverUrl, sealed, updatedAt}` and `server-caps.json`.

use super::{
    State,
    file::{self, read},
    lock::Lock,
};
use crate::{
    capabilities::Capabilities,
    error::{Failure, Kind, Result, usable},
};
use nexus_protocol::Timestamp;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::collections::BTreeMap;

/// How long a response of `/health` is cached, in milliseconds.
const CAPS_FRESH: i64 = 5 * 60 * 1000;

/// `config.json`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Config {
    /// The server for sessions that are not bound to one.
    pub(crate) server_url: Option<String>,
    /// Whether new sessions are encrypted.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) sealed: bool,
    /// RFC 3339.
    pub(crate) updated_at: Option<String>,
}

/// `aliases.json`: the session id of each alias.
pub(crate) type Aliases = BTreeMap<String, String>;

/// An entry of `server-caps.json`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Caps {
    message_format: Vec<String>,
    /// Missing if another program wrote the entry without it.
    delivery: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    max_file_bytes: Option<u64>,
    /// Missing if an older client wrote the entry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    encryption: Option<Vec<u32>>,
    checked_at: Timestamp,
}

impl State {
    /// The aliases of sessions, for commands that can do without them. If the file is damaged, that is told,
    /// and there are none.
    pub(crate) fn known_aliases(&self) -> Aliases {
        usable(self.aliases()).unwrap_or_default()
    }

    /// The aliases of sessions.
    pub(crate) fn aliases(&self) -> Result<Aliases> {
        Ok(self.read_json("aliases.json")?.unwrap_or_default())
    }

    /// Changes the aliases under the lock.
    pub(crate) fn update_aliases<T>(
        &self,
        change: impl FnOnce(&mut Aliases) -> Result<T>,
    ) -> Result<T> {
        let lock = self.lock()?;
        let mut aliases = self.aliases()?;
        let result = change(&mut aliases)?;
        self.store_aliases(&lock, &aliases)?;
        Ok(result)
    }

    pub(super) fn store_aliases(&self, lock: &Lock, aliases: &Aliases) -> Result<()> {
        self.write_json(lock, "aliases.json", aliases)
    }

    /// What `config set-url` stored.
    pub(crate) fn config(&self) -> Result<Config> {
        Ok(self.read_json("config.json")?.unwrap_or_default())
    }

    pub(crate) fn store_config(&self, config: &Config) -> Result<()> {
        self.write_json(&self.lock()?, "config.json", config)
    }

    /// Deletes the configuration. Returns whether there was one.
    pub(crate) fn forget_config(&self) -> Result<bool> {
        file::delete(&self.root().join("config.json"))
    }

    /// The cached capabilities of a server, if they are recent.
    pub(crate) fn capabilities(&self, server: &str, now: Timestamp) -> Option<Capabilities> {
        let caps = self.caps().remove(server)?;
        let age = now.millis_since(caps.checked_at);
        let delivery = caps.delivery.filter(|_| (0..CAPS_FRESH).contains(&age))?;
        let (message_format, max_file_bytes) = (caps.message_format, caps.max_file_bytes);
        Some(Capabilities {
            message_format,
            delivery,
            max_file_bytes,
            encryption: caps.encryption?,
        })
    }

    pub(crate) fn store_capabilities(
        &self,
        server: &str,
        found: Capabilities,
        now: Timestamp,
    ) -> Result<()> {
        let lock = self.lock()?;
        let mut caps = self.caps();
        let Capabilities { message_format, delivery, max_file_bytes, encryption } = found;
        let (delivery, encryption) = (Some(delivery), Some(encryption));
        let found = Caps { message_format, delivery, max_file_bytes, encryption, checked_at: now };
        caps.insert(server.to_owned(), found);
        self.write_json(&lock, "server-caps.json", &caps)
    }

    /// This is a cache, so an unreadable file counts as a missing one.
    fn caps(&self) -> BTreeMap<String, Caps> {
        self.read_json("server-caps.json").ok().flatten().unwrap_or_default()
    }

    pub(super) fn read_json<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>> {
        let path = self.root().join(name);
        let Some(text) = read(&path)? else { return Ok(None) };
        let value = serde_json::from_str(&text).map_err(|error| {
            let message = format!("{} is damaged ({error}): mend or delete it.", path.display());
            Failure::own(Kind::StateCorrupt, message)
        })?;
        Ok(Some(value))
    }

    pub(super) fn write_json(&self, lock: &Lock, name: &str, value: &impl Serialize) -> Result<()> {
        // The keys are strings, so this does not fail.
        let text = serde_json::to_string_pretty(value).unwrap_or_default();
        self.replace(lock, &self.root().join(name), &format!("{text}\n"))
    }
}
