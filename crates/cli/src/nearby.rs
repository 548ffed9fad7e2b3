//! Relays that are announced in the local network, by DNS-SD over multicast DNS.
//!
//! Promise: no usual DNS server is asked, and nothing connects to what was found. Whatever is announced is a
//! stranger's words: there are only so many relays, names and properties, each only so long, and a URL is an
//! http(s) scheme, a host and a port.

use crate::{
    error::{Failure, Kind, Result},
    server,
};
use mdns_sd::{
    DaemonEvent, IfKind, IfPredicate, MDNS_PORT, ResolvedService, ServiceDaemon, ServiceEvent,
};
use serde::Serialize;
use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, SocketAddr, SocketAddrV4},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};
use ureq::http::Uri;

/// The most relays of a kind that are kept.
const RELAYS: usize = 64;
/// The most properties of a relay that are kept, and their most characters.
const PROPERTIES: usize = 16;
const PROPERTY_CHARS: usize = 200;
/// The most characters of a name. A label of DNS has at most so many bytes.
const NAME_CHARS: usize = 63;
/// The most bytes of a URL.
const URL_BYTES: usize = 200;
/// How often it looks for what was heard.
const TURN: Duration = Duration::from_millis(20);
/// What may help if the system lets nobody listen.
const OUTSIDE: &str = "run `nexus scan` outside of the sandbox";

/// Whose protocol a relay speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Protocol {
    Nexus,
    ClawLink,
}

impl Protocol {
    fn service(self) -> &'static str {
        match self {
            Self::Nexus => "_nexus._tcp.local.",
            Self::ClawLink => "_clawlink._tcp.local.",
        }
    }
}

/// A relay, as it announces itself.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct Relay {
    pub(crate) kind: Protocol,
    pub(crate) name: String,
    pub(crate) url: String,
    pub(crate) address: IpAddr,
    pub(crate) port: u16,
    pub(crate) properties: BTreeMap<String, String>,
}

/// Listens until then in all networks of this machine, or at this address and port only. A relay of ours that
/// announces itself to clients of ClawLink, too, is listed once.
pub(crate) fn find(until: Instant, at: Option<SocketAddrV4>) -> Result<Vec<Relay>> {
    let failed = |error: mdns_sd::Error| {
        unavailable(format!("The local network cannot be searched: {error}. Try again."))
    };
    let port = at.map_or(MDNS_PORT, |at| at.port());
    let daemon = ServiceDaemon::new_with_port(port).map_err(failed)?;
    let (meant, heard) = listen(&daemon, at.map(|at| IpAddr::V4(*at.ip()))).map_err(failed)?;
    if meant.is_empty() {
        let message = format!("This machine is in no network. Connect it to one, or {OUTSIDE}.");
        return Err(unavailable(message));
    }
    let mut found = BTreeMap::new();
    let search = |kind: Protocol| Ok((kind, daemon.browse(kind.service()).map_err(failed)?));
    let searches = [search(Protocol::Nexus)?, search(Protocol::ClawLink)?];
    // The library has nothing that waits for the first of two.
    while Instant::now() < until {
        thread::sleep(TURN);
        for (kind, events) in &searches {
            events.try_iter().for_each(|event| note(event, *kind, &mut found));
        }
    }
    let _ = daemon.shutdown();
    let is_deaf = [IpAddr::is_ipv4, IpAddr::is_ipv6]
        .iter()
        .any(|is_it| meant.iter().any(is_it) && !heard.iter().any(is_it));
    if found.is_empty() && is_deaf {
        let end = "End the program that keeps it to itself";
        return Err(unavailable(format!("UDP port {port} cannot be used. {end}, or {OUTSIDE}.")));
    }
    let mut relays: Vec<Relay> = found.into_values().collect();
    relays.sort();
    let mut listed = BTreeSet::new();
    relays.retain(|it| listed.insert((it.name.clone(), it.url.clone(), it.address, it.port)));
    Ok(relays)
}

fn unavailable(message: String) -> Failure {
    Failure::own(Kind::PortUnavailable, message)
}

/// Begins to listen. Returns the addresses of this machine that are meant, and those by which it listens. The library
/// tells no failures, but every address by which it begins to listen.
fn listen(
    daemon: &ServiceDaemon,
    at: Option<IpAddr>,
) -> Result<(Vec<IpAddr>, Vec<IpAddr>), mdns_sd::Error> {
    let (sender, meant) = mpsc::channel();
    let is_meant = IfPredicate::new(move |interface| {
        let is_meant = at.map_or(!interface.is_loopback(), |at| at == interface.ip());
        if is_meant {
            let _ = sender.send(interface.ip());
        }
        is_meant
    });
    let events = daemon.monitor()?;
    daemon.disable_interface(IfKind::All)?;
    daemon.enable_interface(IfKind::Predicate(is_meant))?;
    // It answers when it has done the rest.
    let _ = daemon.status()?.recv();
    let added = |event| match event {
        DaemonEvent::IpAdd(address) => Some(address),
        _ => None,
    };
    Ok((meant.try_iter().collect(), events.try_iter().filter_map(added).collect()))
}

/// Keeps what is announced of this kind, and forgets what is taken back.
fn note(event: ServiceEvent, kind: Protocol, found: &mut BTreeMap<(Protocol, String), Relay>) {
    match event {
        ServiceEvent::ServiceResolved(service) => {
            let key = (kind, service.fullname.clone());
            let has_room = || found.keys().filter(|(of, _)| *of == kind).count() < RELAYS;
            if found.contains_key(&key) || has_room() {
                found.extend(relay(kind, &service).map(|relay| (key, relay)));
            }
        }
        ServiceEvent::ServiceRemoved(_, name) => drop(found.remove(&(kind, name))),
        _ => {}
    }
}

/// What is kept of an announcement.
fn relay(kind: Protocol, service: &ResolvedService) -> Option<Relay> {
    let properties: BTreeMap<String, String> = service
        .txt_properties
        .iter()
        .take(PROPERTIES)
        .map(|property| {
            let value = String::from_utf8_lossy(property.val().unwrap_or_default()).into_owned();
            (first(property.key(), PROPERTY_CHARS), first(&value, PROPERTY_CHARS))
        })
        .collect();
    let said = properties.get("url").and_then(|url| base(url));
    let addresses = service.addresses.iter().map(mdns_sd::ScopedIp::to_ip_addr);
    // The one of the URL if it is among them, and else one of IPv4 first, because a person can type it.
    let is_other = |address: &IpAddr| said.as_deref().and_then(ip_of) != Some(*address);
    let address = addresses.min_by_key(|address| (is_other(address), *address))?;
    let url = said.unwrap_or_else(|| format!("http://{}", SocketAddr::new(address, service.port)));
    let name = service.fullname.strip_suffix(kind.service()).unwrap_or(&service.fullname);
    let name = first(name.trim_end_matches('.'), NAME_CHARS);
    Some(Relay { kind, name, url, address, port: service.port, properties })
}

/// The scheme, host and port of an http(s) URL.
fn base(url: &str) -> Option<String> {
    let url = server::normalize(url).ok().filter(|url| url.len() <= URL_BYTES)?;
    let (scheme, rest) = url.split_once("://")?;
    let host = rest.split('/').next().filter(|host| !host.is_empty())?;
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-.:[]".contains(c);
    host.chars().all(is_plain).then(|| format!("{scheme}://{host}"))
}

/// The address in a URL that names one in place of a host.
fn ip_of(url: &str) -> Option<IpAddr> {
    let uri: Uri = url.parse().ok()?;
    uri.host()?.trim_matches(['[', ']']).parse().ok()
}

fn first(text: &str, count: usize) -> String {
    text.chars().take(count).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_a_scheme_a_host_and_a_port() {
        let cases = [
            ("http://192.0.2.1:8787", Some("http://192.0.2.1:8787")),
            ("HTTPS://Relay.Example/p/x", Some("https://relay.example")),
            ("http://[fe80::1]:80/", Some("http://[fe80::1]")),
            ("javascript:alert(1)", None),
            ("file:///etc/passwd", None),
            ("http://a@evil.example", None),
            ("http://a.example/?x=$(id)", None),
            ("http://a.example'$(id)", None),
            ("http://a;b", None),
            ("", None),
        ];
        for (url, expected) in cases {
            assert_eq!(base(url).as_deref(), expected, "{url}");
        }
        assert_eq!(base(&format!("http://{}", "a".repeat(URL_BYTES))), None);
    }

    #[test]
    fn an_address_in_a_url_is_known() {
        assert_eq!(ip_of("http://192.0.2.1:8787"), Some([192, 0, 2, 1].into()));
        assert_eq!(ip_of("https://[::1]:8787"), Some(std::net::Ipv6Addr::LOCALHOST.into()));
        assert_eq!(ip_of("https://relay.example"), None);
    }
}
