//! Webhooks (section 3): requests and answers.

use crate::{Body, Cursor, Refusal, Timestamp, webhook_host::may_lead_to};
use serde::{Deserialize, Serialize};

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
    fn errors_in_a_webhook_are_named() {
        let refusal =
            SetWebhook::parse(br#"{"url":"http://x","secret":"short"}"#, false).err().unwrap();
        let paths: Vec<_> =
            refusal.body.details.iter().map(|detail| detail.path.as_ref()).collect();
        assert_eq!(paths, ["url", "secret"]);
        assert!(SetWebhook::parse(b"{}", true).is_err());
    }
}
