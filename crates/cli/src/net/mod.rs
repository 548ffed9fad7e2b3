//! Connections: the root certificates, the proxies and the addresses that every request and every socket
//! uses.
//!
//! Promises:
//! - A certificate is trusted if the system trusts it, or `$SSL_CERT_FILE` and `$SSL_CERT_DIR` say so.
//! - A proxy of the environment is used for requests and for sockets, but never for this machine.
//! - The addresses of a host are tried side by side, so that one that is silent costs a fraction of a second.

mod channel;
pub(crate) mod host;
mod proxy;
mod race;
mod roots;

pub(crate) use channel::{Channel, connect};

use crate::error::Result;
use race::Race;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use ureq::{
    Agent,
    config::Config,
    http::Uri,
    tls::TlsConfig,
    unversioned::{
        resolver::DefaultResolver,
        transport::{ConnectProxyConnector, Connector, RustlsConnector, SocksConnector},
    },
};

/// The agents of this process, one for each scheme and host.
#[derive(Clone, Debug)]
pub(crate) struct Agents {
    /// The time limit of a request.
    limit: Duration,
    known: Arc<Mutex<BTreeMap<String, Agent>>>,
}

impl Agents {
    pub(crate) fn new(limit: Duration) -> Self {
        Self { limit, known: Arc::default() }
    }

    /// The agent for requests to this URL.
    pub(crate) fn of(&self, url: &Uri) -> Result<Agent> {
        let authority = url.authority().map(ToString::to_string);
        let origin = format!("{:?} {authority:?}", url.scheme_str());
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(agent) = known.get(&origin) {
            return Ok(agent.clone());
        }
        let agent =
            Agent::with_parts(config(url, self.limit)?, connector(), DefaultResolver::default());
        known.insert(origin, agent.clone());
        Ok(agent)
    }
}

/// The settings of connections to this URL.
fn config(url: &Uri, limit: Duration) -> Result<Config> {
    let mut config = Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(limit))
        .user_agent(concat!("nexus/", env!("CARGO_PKG_VERSION")))
        .proxy(proxy::of(url)?)
        // Following a redirect would send a text to another server.
        .max_redirects(0)
        .max_redirects_will_error(false);
    // Reading the certificates takes some milliseconds.
    if matches!(url.scheme_str(), Some("https" | "wss")) || proxy::is_tls(url)? {
        config = config.tls_config(TlsConfig::builder().root_certs(roots::load()?).build());
    }
    Ok(config.build())
}

/// What opens connections: a proxy, or else one of the host's addresses; and TLS on top.
fn connector() -> impl Connector {
    ().chain(SocksConnector::default())
        .chain(ConnectProxyConnector::default())
        .chain(Race)
        .chain(RustlsConnector::default())
}
