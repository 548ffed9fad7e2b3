//! Which hosts a webhook may lead to (section 3): those whose name or address is public.
//!
//! A host is judged by how it is written, because nothing is resolved here. A public name that
//! resolves to a private address is stopped later: the platform does not route there, and the local
//! workerd refuses to connect.

use std::net::{Ipv4Addr, Ipv6Addr};
use url::{Host, Url};

/// The longest URL of a webhook, in bytes.
const MAX_URL: usize = 2048;

/// Names that lead inside a machine or a network, or nowhere, with everything below them. They are
/// reserved for that, or no public registry has ever had them.
const INSIDE: [&str; 13] = [
    "corp",
    "home",
    "home.arpa",
    "internal",
    "intranet",
    "invalid",
    "lan",
    "local",
    "localdomain",
    "localhost",
    "onion",
    "private",
    "test",
];

/// Public names below which every name leads to the address that it spells, or to the loopback
/// address.
const SPELLED: [&str; 5] = ["localtest.me", "lvh.me", "nip.io", "sslip.io", "xip.io"];

/// Whether a webhook may have this URL. `allow_private` also permits http and private hosts.
pub(crate) fn may_lead_to(text: &str, allow_private: bool) -> bool {
    let Ok(url) = Url::parse(text) else { return false };
    let plain = text.len() <= MAX_URL && url.username().is_empty() && url.password().is_none();
    if allow_private {
        return plain && matches!(url.scheme(), "https" | "http");
    }
    plain && url.scheme() == "https" && url.host().is_some_and(|host| is_public(&host))
}

/// The host of a webhook's URL, without its port, in one spelling.
#[must_use]
pub fn webhook_host(url: &str) -> String {
    let parsed = Url::parse(url).ok();
    let host = parsed.as_ref().and_then(Url::host_str).unwrap_or(url);
    host.trim_end_matches('.').to_ascii_lowercase()
}

/// Numbers arrive here as addresses, whichever way they were written: `Url` reads decimal, octal
/// and hexadecimal ones.
fn is_public(host: &Host<&str>) -> bool {
    match host {
        Host::Ipv4(ip) => !is_special_v4(*ip),
        Host::Ipv6(ip) => !is_special_v6(*ip),
        Host::Domain(name) => {
            let name = name.to_ascii_lowercase();
            let under = |parent: &&str| {
                name.strip_suffix(*parent)
                    .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
            };
            // A name without a dot is one of the local network. A dot at the end would hide what
            // the name is under.
            let is_full = name.contains('.') && !name.ends_with('.');
            is_full && !INSIDE.iter().chain(&SPELLED).any(under)
        }
    }
}

/// Ranges that no public server uses.
fn is_special_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    // This network, private, loopback; multicast, reserved and broadcast.
    matches!(a, 0 | 10 | 127 | 224..=255)
        // Private.
        || matches!((a, b), (172, 16..=31) | (192, 168))
        // Shared by the customers of a provider; link-local; benchmarks.
        || matches!((a, b), (100, 64..=127) | (169, 254) | (198, 18..=19))
        // Assignments of the IETF, documentation, the anycast of 6to4.
        || matches!((a, b, c), (192, 0, 0 | 2) | (192, 88, 99) | (198, 51, 100) | (203, 0, 113))
}

/// All but the range of public servers (`2000::/3`), and in it what reaches IPv4 or documents.
/// Outside of it are loopback, unique local and link-local addresses, multicast, and the forms that
/// contain an IPv4 address (`::/96`, `::ffff:0:0/96`, `64:ff9b::/96`).
fn is_special_v6(ip: Ipv6Addr) -> bool {
    match ip.segments() {
        // Assignments of the IETF, Teredo (2001::/32) among them; documentation; 6to4.
        [0x2001, 0..=0x1ff | 0xdb8, ..] | [0x2002, ..] | [0x3fff, 0..=0xfff, ..] => true,
        [first, ..] => !matches!(first, 0x2000..=0x3fff),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn is_refused(host: &str) -> bool {
        !may_lead_to(&format!("https://{host}/hook"), false)
    }

    /// The first address of each special range of IPv4, and the length of its prefix.
    const SPECIAL: [([u8; 4], u32); 16] = [
        ([0, 0, 0, 0], 8),
        ([10, 0, 0, 0], 8),
        ([100, 64, 0, 0], 10),
        ([127, 0, 0, 0], 8),
        ([169, 254, 0, 0], 16),
        ([172, 16, 0, 0], 12),
        ([192, 0, 0, 0], 24),
        ([192, 0, 2, 0], 24),
        ([192, 88, 99, 0], 24),
        ([192, 168, 0, 0], 16),
        ([198, 18, 0, 0], 15),
        ([198, 51, 100, 0], 24),
        ([203, 0, 113, 0], 24),
        ([224, 0, 0, 0], 4),
        ([240, 0, 0, 0], 4),
        ([255, 255, 255, 255], 32),
    ];

    fn special() -> impl Strategy<Value = Ipv4Addr> {
        (prop::sample::select(SPECIAL.to_vec()), any::<u32>()).prop_map(
            |((first, bits), random)| {
                let rest = u32::MAX.checked_shr(bits).unwrap_or(0);
                Ipv4Addr::from(u32::from_be_bytes(first) | (random & rest))
            },
        )
    }

    #[test]
    fn a_webhook_leads_to_public_https_only() {
        for host in
            ["example.com", "agent.example", "1.1.1.1:8443", "[2606:4700::1]", "x.local.com"]
        {
            assert!(!is_refused(host), "{host}");
        }
        for url in [
            "http://example.com/",
            "ftp://example.com/",
            "nonsense",
            "https://user:pass@example.com/",
            "file:///etc/passwd",
        ] {
            assert!(!may_lead_to(url, false), "{url}");
        }
        for host in ["intranet", "example.com.", "127.1", "[::1]", "[::]", "[fd00::1]", "[fe80::1]"]
        {
            assert!(is_refused(host), "{host}");
        }
        assert!(is_refused("[ff02::1]") && is_refused("[2001:db8::1]") && is_refused("[3fff::1]"));
        assert!(may_lead_to("http://127.0.0.1:9/", true));
        assert!(!may_lead_to("file:///etc/passwd", true));
        assert!(!may_lead_to(&format!("https://example.com/{}", "x".repeat(2048)), true));
    }

    #[test]
    fn a_host_is_the_same_on_every_port_and_in_every_case() {
        for url in ["https://Example.com/a", "https://example.com:8443/b", "https://example.com./"]
        {
            assert_eq!(webhook_host(url), "example.com", "{url}");
        }
        assert_eq!(webhook_host("https://2130706433/"), "127.0.0.1");
    }

    proptest! {
        #[test]
        fn a_special_address_is_refused_in_every_form(ip in special()) {
            let number = u32::from(ip);
            let [a, b, c, d] = ip.octets();
            let (high, low) = (number >> 16, number & 0xffff);
            let hosts = [
                ip.to_string(),
                number.to_string(),
                format!("{number:#x}"),
                format!("0{number:o}"),
                format!("{a:#x}.0{b:o}.{c}.{d:#x}"),
                format!("{a}.{}", number & 0xff_ffff),
                format!("[::{ip}]"),
                format!("[::ffff:{ip}]"),
                format!("[64:ff9b::{ip}]"),
                format!("[64:ff9b:1::{ip}]"),
                format!("[2002:{high:x}:{low:x}::1]"),
                format!("[2001:0:{high:x}:{low:x}::1]"),
                format!("{ip}.nip.io"),
                format!("x.{a}-{b}-{c}-{d}.sslip.io"),
            ];
            for host in hosts {
                prop_assert!(is_refused(&host), "{}", host);
            }
        }

        #[test]
        fn a_name_below_an_inner_one_is_refused(
            parent in prop::sample::select([&INSIDE[..], &SPELLED].concat()),
            labels in "([a-z0-9]{1,9}\\.){0,3}",
            upper in any::<bool>(),
        ) {
            let host = format!("{labels}{parent}");
            let host = if upper { host.to_ascii_uppercase() } else { host };
            prop_assert!(is_refused(&host) && is_refused(&format!("{host}.")), "{}", host);
            let public = format!("{host}.example.com");
            prop_assert!(!is_refused(&public), "{}", public);
        }
    }
}
