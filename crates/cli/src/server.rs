//! Which server a command uses, and why.

use crate::{
    error::{Failure, Kind, Result},
    net::host::is_this_machine,
    stderr::tell,
};
use serde::Serialize;
use std::{
    collections::BTreeSet,
    fmt,
    sync::{Mutex, PoisonError},
};
use ureq::http::{Uri, uri::Scheme};

/// The public server.
pub(crate) const DEFAULT: &str = "https://messaging.md";

/// Where the address of a server comes from. The first source that names one counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Source {
    /// `--url`
    Flag,
    /// The link on the command line.
    Link,
    /// `sessions/<ID>/server` or `agents/<ID>/server`
    Binding,
    /// `$NEXUS_URL`
    Env,
    /// `config.json`
    Config,
    /// The public server.
    Default,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Flag => "--url",
            Self::Link => "link",
            Self::Binding => "session binding",
            Self::Env => "$NEXUS_URL",
            Self::Config => "config.json",
            Self::Default => {
                "default: the public server; `nexus config set-url URL` or $NEXUS_URL sets another"
            }
        })
    }
}

impl Source {
    /// The failure if this source names no server.
    fn invalid(self, rule: &str) -> Failure {
        let message = match self {
            Self::Binding => format!(
                "The stored `server` of the session or address {rule}. Mend it: `nexus bind SESSION --url URL`."
            ),
            Self::Config => {
                format!("`serverUrl` in config.json {rule}. Mend it: `nexus config set-url URL`.")
            }
            _ => format!("The server of {self} {rule}."),
        };
        Failure::own(Kind::InvalidUrl, message)
    }
}

/// A server, and why it was chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Server {
    /// Without a slash at the end.
    pub(crate) url: String,
    pub(crate) source: Source,
    /// The own server of the session or the address, if it is not this one. Its key is not sent to this
    /// one.
    pub(crate) instead_of: Option<String>,
}

/// The addresses that each source gives.
#[derive(Clone, Debug, Default)]
pub(crate) struct Addresses {
    pub(crate) flag: Option<String>,
    pub(crate) link: Option<String>,
    pub(crate) binding: Option<String>,
    pub(crate) env: Option<String>,
    pub(crate) config: Option<String>,
}

impl Addresses {
    /// The first of them.
    pub(crate) fn choose(self) -> Result<Server> {
        let binding = self.binding.as_deref().and_then(|url| normalize(url).ok());
        let candidates = [
            (self.flag, Source::Flag),
            // A code is valid only at the server of its link, and trying it elsewhere would reveal it.
            (self.link, Source::Link),
            // The key of a session is known to its own server only.
            (self.binding, Source::Binding),
            (self.env, Source::Env),
            (self.config, Source::Config),
        ];
        let found = candidates.into_iter().find_map(|(url, source)| Some((url?, source)));
        let (url, source) = found.unwrap_or_else(|| (DEFAULT.to_owned(), Source::Default));
        let url = normalize(&url).map_err(|rule| source.invalid(rule))?;
        let instead_of = binding.filter(|binding| *binding != url);
        Ok(Server { url, source, instead_of })
    }
}

impl Server {
    /// The own server of a session or an address.
    pub(crate) fn bound(url: String) -> Result<Self> {
        Addresses { binding: Some(url), ..Addresses::default() }.choose()
    }

    /// The server's host name and port.
    pub(crate) fn host(&self) -> &str {
        self.url.split_once("://").map_or(self.url.as_str(), |(_, rest)| rest)
    }

    /// Whether the server is on this machine.
    fn is_local(&self) -> bool {
        let uri = self.url.parse::<Uri>().unwrap_or_default();
        is_this_machine(uri.host().unwrap_or_default())
    }

    /// Prints which server is used, once a command. Every request does this.
    pub(crate) fn announce(&self) {
        static TOLD: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
        if !TOLD.lock().unwrap_or_else(PoisonError::into_inner).insert(self.url.clone()) {
            return;
        }
        tell!("-> server: {} ({})", self.host(), self.source);
        if let Some(bound) = &self.instead_of {
            tell!(
                "warning: {} overrides {bound}, the only server that your key is sent to; `nexus bind` binds the session to another",
                self.source
            );
        }
        if self.url.starts_with("http://") && !self.is_local() {
            tell!(
                "warning: http is not encrypted: others on the network can read messages and keys"
            );
        }
    }
}

/// The form of an address that is stored and compared: scheme, host and path, without the usual port and
/// without a slash at the end.
pub(crate) fn normalize(url: &str) -> Result<String, &'static str> {
    const RULE: &str = "must begin with https:// or http://, such as https://messaging.md";
    let uri: Uri = url.trim().trim_end_matches('/').parse().map_err(|_| RULE)?;
    let scheme = uri.scheme().filter(|scheme| [&Scheme::HTTP, &Scheme::HTTPS].contains(scheme));
    let (scheme, authority) = scheme.zip(uri.authority()).ok_or(RULE)?;
    if authority.as_str().contains('@') || uri.query().is_some() || authority.host().is_empty() {
        return Err(RULE);
    }
    let path = uri.path().trim_end_matches('/');
    let usual = if *scheme == Scheme::HTTP { ":80" } else { ":443" };
    let authority = authority.as_str().to_ascii_lowercase();
    Ok(format!("{scheme}://{}{path}", authority.strip_suffix(usual).unwrap_or(&authority)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_address_counts() {
        let some = |host: &str| Some(format!("https://{host}.example"));
        let mut addresses = Addresses {
            flag: some("flag"),
            link: some("link"),
            binding: some("binding"),
            env: some("env"),
            config: some("config"),
        };
        let mut chosen = |clear: fn(&mut Addresses)| {
            let server = addresses.clone().choose().unwrap();
            clear(&mut addresses);
            (server.host().to_owned(), server.source, server.instead_of.is_some())
        };
        let name = |host: &str| format!("{host}.example");
        assert_eq!(chosen(|a| a.flag = None), (name("flag"), Source::Flag, true));
        assert_eq!(chosen(|a| a.link = None), (name("link"), Source::Link, true));
        assert_eq!(chosen(|a| a.binding = None), (name("binding"), Source::Binding, false));
        assert_eq!(chosen(|a| a.env = None), (name("env"), Source::Env, false));
        assert_eq!(chosen(|a| a.config = None), (name("config"), Source::Config, false));
        assert_eq!(chosen(|_| ()), ("messaging.md".into(), Source::Default, false));
    }

    #[test]
    fn addresses_are_checked_and_normalised() {
        assert_eq!(normalize(" HTTP://Host:1/ ").unwrap(), "http://host:1");
        assert_eq!(normalize("https://host/base/").unwrap(), "https://host/base");
        assert_eq!(normalize("https://host:443").unwrap(), "https://host");
        assert_eq!(normalize("http://[::1]:80/x").unwrap(), "http://[::1]/x");
        assert_eq!(normalize("http://host:443").unwrap(), "http://host:443");
        for url in [
            "",
            "host",
            "ftp://host",
            "https://",
            "https://u:p@host",
            "https://h/?q=1",
            "file:///x",
        ] {
            assert!(normalize(url).is_err(), "{url}");
        }
    }
}
