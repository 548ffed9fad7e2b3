//! Webhooks (section 3): requests, answers, and which URLs are allowed.

use crate::{Body, Cursor, Refusal, Timestamp};
use serde::{Deserialize, Serialize};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use url::{Host, Url};

/// `PUT /v1/sessions/:id/webhook`
#[derive(Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SetWebhook {
    /// Where messages are posted. The URL must be https and public, unless the deployment allows
    /// otherwise.
    pub url: String,
    /// The secret that signs what is posted: 16 to 256 characters.
    pub secret: String,
}

impl SetWebhook {
    /// Reads the body. Refuses a secret that is too short or too long, and a URL that is not https
    /// or leads into a private network. `allow_private` permits such a URL.
    pub fn parse(bytes: &[u8], allow_private: bool) -> Result<Self, Refusal> {
        let mut body = Body::parse(bytes)?;
        let url: Option<String> = body.required("url", "must be a URL");
        let secret: Option<String> = body.required("secret", "must be a string");
        if url.as_ref().is_some_and(|url| !may_lead_to(url, allow_private)) {
            body.note("url", "must be an https URL of a public host, without a user name");
        }
        if secret.as_ref().is_some_and(|secret| !(16..=256).contains(&secret.len())) {
            body.note("secret", "must have 16 to 256 characters");
        }
        body.finish()?;
        Ok(Self { url: url.unwrap_or_default(), secret: secret.unwrap_or_default() })
    }
}

fn may_lead_to(text: &str, allow_private: bool) -> bool {
    let Ok(url) = Url::parse(text) else { return false };
    let plain = text.len() <= 2048 && url.username().is_empty() && url.password().is_none();
    if allow_private {
        return plain && matches!(url.scheme(), "https" | "http");
    }
    plain && url.scheme() == "https" && url.host().is_some_and(|host| is_public(&host))
}

fn is_public(host: &Host<&str>) -> bool {
    match host {
        Host::Ipv4(ip) => !is_special_v4(*ip),
        Host::Ipv6(ip) => !is_special_v6(*ip),
        Host::Domain(name) => {
            let name = name.trim_end_matches('.').to_ascii_lowercase();
            let private = ["localhost", "local", "internal", "home.arpa", "onion", "test"];
            let under = |suffix: &&str| name == **suffix || name.ends_with(&format!(".{suffix}"));
            name.contains('.') && !private.iter().any(under)
        }
    }
}

/// Ranges that no public server uses: private, loopback, link-local, shared, documentation and
/// test, multicast, reserved.
fn is_special_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    matches!(
        (a, b, c),
        (0 | 10 | 127 | 224..=255, _, _)
            | (100, 64..=127, _)
            | (169, 254, _)
            | (172, 16..=31, _)
            | (192, 168, _)
            | (192, 0, 0 | 2)
            | (198, 18..=19, _)
            | (198, 51, 100)
            | (203, 0, 113)
    )
}

fn is_special_v6(ip: Ipv6Addr) -> bool {
    let embedded = match ip.segments() {
        [0, 0, 0, 0, 0, 0 | 0xffff, _, _] | [0x64, 0xff9b, 0, 0, 0, 0, _, _] => true,
        [first, ..] => !matches!(first, 0x2000..=0x3fff),
    };
    let documentation = matches!(ip.segments(), [0x2001, 0xdb8, ..] | [0x2002, ..]);
    embedded || documentation || IpAddr::V6(ip).is_loopback()
}

/// The state of a webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum WebhookState {
    /// Messages are delivered as they come.
    Active,
    /// The last try failed; another follows.
    Retrying,
    /// Five tries failed: nothing more is delivered until it is set again.
    Failing,
}

/// The answer to `PUT` and `GET /v1/sessions/:id/webhook`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "Webhook"))]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "section 3 names each")]
pub struct WebhookStatus {
    pub url: String,
    pub state: WebhookState,
    /// Every message up to here was delivered.
    pub cursor: Cursor,
    /// Failed attempts at the message after `cursor`.
    pub failures: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_attempt_at: Option<Timestamp>,
}

/// The answer to `DELETE /v1/sessions/:id/webhook`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct WebhookRemoved {
    /// Always true.
    pub ok: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_webhook_leads_to_public_https_only() {
        for url in
            ["https://example.com/hook?x=1", "https://1.1.1.1:8443/", "https://[2606:4700::1]/"]
        {
            assert!(may_lead_to(url, false), "{url}");
        }
        for url in [
            "http://example.com/",
            "ftp://example.com/",
            "nonsense",
            "https://user:pass@example.com/",
            "https://localhost/",
            "https://api.localhost./",
            "https://intranet/",
            "https://db.internal/",
            "https://printer.local/",
            "https://127.0.0.1/",
            "https://127.1/",
            "https://2130706433/",
            "https://0x7f.1/",
            "https://10.1.2.3/",
            "https://172.20.0.1/",
            "https://192.168.1.1/",
            "https://169.254.169.254/latest",
            "https://100.100.0.1/",
            "https://0.0.0.0/",
            "https://224.0.0.1/",
            "https://[::1]/",
            "https://[::]/",
            "https://[::ffff:10.0.0.1]/",
            "https://[64:ff9b::a00:1]/",
            "https://[fd00::1]/",
            "https://[fe80::1]/",
            "https://[2001:db8::1]/",
        ] {
            assert!(!may_lead_to(url, false), "{url}");
        }
        assert!(may_lead_to("http://127.0.0.1:9/", true));
        assert!(!may_lead_to("file:///etc/passwd", true));
    }

    #[test]
    fn errors_in_a_webhook_are_named() {
        let refusal =
            SetWebhook::parse(br#"{"url":"http://x","secret":"short"}"#, false).err().unwrap();
        let paths: Vec<_> =
            refusal.body.details.iter().map(|detail| detail.path.as_ref()).collect();
        assert_eq!(paths, ["url", "secret"]);
        assert!(SetWebhook::parse(b"{}", true).is_err());
    }
}
