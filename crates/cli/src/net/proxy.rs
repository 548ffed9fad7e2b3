//! The proxies of the environment: `$HTTPS_PROXY` and `$HTTP_PROXY` for the scheme, or else `$ALL_PROXY`,
//! in either case. `$NO_PROXY` lists hosts that are reached directly, as curl and Go read it.

use super::host;
use crate::error::{Failure, Kind, Result};
use std::{env, net::IpAddr};
use ureq::{Proxy, ProxyProtocol, http::Uri};

/// The proxy for this URL. `None` if the host is this machine, or `$NO_PROXY` lists it.
pub(super) fn of(url: &Uri) -> Result<Option<Proxy>> {
    choose(url, &|name| env::var(name).ok().filter(|value| !value.is_empty()))
}

/// Whether the connection to the proxy for this URL is itself encrypted.
pub(super) fn is_tls(url: &Uri) -> Result<bool> {
    Ok(of(url)?.is_some_and(|proxy| proxy.protocol() == ProxyProtocol::Https))
}

fn choose(url: &Uri, variable: &dyn Fn(&str) -> Option<String>) -> Result<Option<Proxy>> {
    let is_tls = matches!(url.scheme_str(), Some("https" | "wss"));
    let (name, port) = (url.host().unwrap_or_default(), url.port_u16());
    let port = port.unwrap_or(if is_tls { 443 } else { 80 });
    let either = |name: &str| variable(&name.to_lowercase()).or_else(|| variable(name));
    let direct = either("NO_PROXY").unwrap_or_default();
    if host::is_this_machine(name) || is_listed(&direct, name, port) {
        return Ok(None);
    }
    let scheme = if is_tls { "HTTPS_PROXY" } else { "HTTP_PROXY" };
    for variable in [scheme, "ALL_PROXY"] {
        let Some(value) = either(variable) else { continue };
        return Proxy::new(&value).map(Some).map_err(|_| {
            // The value may contain a password.
            let message = format!(
                "${variable} must be the URL of a proxy, such as http://proxy.example:3128 or socks5h://127.0.0.1:1080."
            );
            Failure::own(Kind::InvalidEnvironment, message)
        });
    }
    Ok(None)
}

/// Whether a list such as `.example.com, 10.0.0.0/8, host:8080` contains a host.
fn is_listed(list: &str, name: &str, port: u16) -> bool {
    let entries = list.split([',', ' ']).filter(|entry| !entry.is_empty());
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    let address = host::address(&name);
    entries.map(str::to_ascii_lowercase).any(|entry| {
        // The last part of an IPv6 address without brackets is no port.
        let is_address = host::address(&entry).is_some();
        let pattern = if is_address { &entry } else { host::without_port(&entry) };
        let of_port = entry.strip_prefix(pattern).and_then(|rest| rest.strip_prefix(':'));
        if of_port.is_some_and(|of_port| of_port != port.to_string()) {
            return false;
        }
        match address {
            Some(address) => {
                pattern == "*"
                    || host::address(pattern) == Some(address)
                    || is_in_network(address, pattern)
            }
            None => is_below(&name, pattern),
        }
    })
}

/// Whether a name is this domain, or within it.
fn is_below(name: &str, pattern: &str) -> bool {
    let domain = pattern.strip_prefix('*').unwrap_or(pattern);
    let domain = domain.trim_matches('.');
    let within = || name.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.'));
    pattern == "*" || (!domain.is_empty() && (name == domain || within()))
}

/// Whether an address is in a network such as `10.0.0.0/8`.
fn is_in_network(address: IpAddr, network: &str) -> bool {
    let Some((base, length)) = network.split_once('/') else { return false };
    let (Some(base), Ok(length)) = (host::address(base), length.parse::<u32>()) else {
        return false;
    };
    // The bits of an address, at the upper end of a number.
    let bits = |address: IpAddr| match address {
        IpAddr::V4(address) => u128::from(u32::from(address)) << 96,
        IpAddr::V6(address) => u128::from(address),
    };
    let mask = u128::MAX.checked_shl(128_u32.saturating_sub(length)).unwrap_or(0);
    let most = if base.is_ipv4() { 32 } else { 128 };
    base.is_ipv4() == address.is_ipv4()
        && length <= most
        && bits(base) & mask == bits(address) & mask
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(url: &str, variables: &[(&str, &str)]) -> Option<String> {
        let url: Uri = url.parse().unwrap();
        let value = |name: &str| {
            let found = variables.iter().find(|(variable, _)| *variable == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        choose(&url, &value).unwrap().map(|proxy| proxy.host().to_owned())
    }

    #[test]
    fn the_scheme_chooses_the_proxy() {
        let all = [
            ("HTTPS_PROXY", "http://tls:1"),
            ("http_proxy", "http://plain:1"),
            ("ALL_PROXY", "socks5h://all:1"),
        ];
        let some = |name: &str| Some(name.to_owned());
        for (url, proxy) in [
            ("https://h", some("tls")),
            ("wss://h", some("tls")),
            ("http://h", some("plain")),
            ("ws://h", some("plain")),
            ("https://localhost", None),
            ("http://127.0.0.1:1", None),
            ("http://[::1]:1", None),
            ("http://127.evil.example", some("plain")),
        ] {
            assert_eq!(chosen(url, &all), proxy, "{url}");
        }
        assert_eq!(chosen("https://h", &all[2..]), some("all"));
        assert_eq!(chosen("https://h", &[]), None);
        let url: Uri = "https://h".parse().unwrap();
        let refused = choose(&url, &|_| Some("ftp://user:secret@h".to_owned())).unwrap_err();
        assert!(!refused.sentence().contains("secret"));
    }

    #[test]
    fn listed_hosts_are_reached_directly() {
        for (list, name, is_direct) in [
            ("*", "h.example", true),
            ("*", "10.0.0.1", true),
            ("example.com", "example.com", true),
            ("Example.com", "a.EXAMPLE.com", true),
            (".example.com", "a.example.com", true),
            ("*.example.com", "a.b.example.com", true),
            ("example.com", "badexample.com", false),
            ("x, example.com ,y", "example.com", true),
            ("x example.com", "example.com.", true),
            ("example.com:443", "example.com", true),
            ("example.com:80", "example.com", false),
            ("10.0.0.1", "10.0.0.1", true),
            ("10.0.0.0/8", "10.9.9.9", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("10.0.0.0/33", "10.0.0.1", false),
            ("0.0.0.0/0", "9.9.9.9", true),
            ("0.0.0.0/0", "[2001:db8::1]", false),
            ("2001:db8::/32", "[2001:db8::1]", true),
            ("[2001:db8::1]", "[2001:db8::1]", true),
            ("2001:db8::1", "[2001:db8::1]", true),
            ("[2001:db8::1]:443", "[2001:db8::1]", true),
            ("1.0.0.1", "10.0.0.1", false),
            ("", "h", false),
            (".", "h", false),
        ] {
            assert_eq!(is_listed(list, name, 443), is_direct, "{list} {name}");
        }
    }
}
