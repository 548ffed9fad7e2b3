//! The names of hosts. Everything that asks whether a host is this machine asks here.

use std::net::IpAddr;

/// The IP address that a host of a URL is, if it is one. IPv6 addresses have brackets there.
pub(crate) fn address(host: &str) -> Option<IpAddr> {
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    // `::ffff:127.0.0.1` is `127.0.0.1`.
    bare.parse().ok().map(|address: IpAddr| address.to_canonical())
}

/// Whether a host of a URL is this machine. A name such as `127.evil.example` is not.
pub(crate) fn is_this_machine(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || address(host).is_some_and(|address| address.is_loopback())
}

/// The host of `HOST` or `HOST:PORT`, as a `Host` header has it.
pub(crate) fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        // The colons of an IPv6 address are within its brackets.
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_this_machine_are_local() {
        for host in [
            "localhost",
            "LOCALHOST",
            "127.0.0.1",
            "127.8.8.8",
            "[::1]",
            "::1",
            "[::ffff:127.0.0.1]",
        ] {
            assert!(is_this_machine(host), "{host}");
        }
        for host in [
            "127.evil.example",
            "127.0.0.1.evil.example",
            "localhost.evil.example",
            "evil.localhost",
            "192.168.1.7",
            "0.0.0.0",
            "[::]",
            "[::1].evil.example",
            "",
        ] {
            assert!(!is_this_machine(host), "{host}");
        }
    }

    #[test]
    fn a_port_is_left_out() {
        for (host, name) in [
            ("h:1", "h"),
            ("h", "h"),
            ("[::1]:8", "[::1]"),
            ("[::1]", "[::1]"),
            ("h:x", "h:x"),
            ("", ""),
        ] {
            assert_eq!(without_port(host), name);
        }
    }
}
