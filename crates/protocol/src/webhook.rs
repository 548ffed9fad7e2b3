//! Webhooks (section 3): requests, answers, and the form of a secret.

use crate::{Body, Cursor, Refusal, Timestamp, webhook_host::may_lead_to};
use base64::{
    Engine, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use serde::{Deserialize, Serialize};

/// What a secret in the standard form begins with.
const STANDARD_SECRET: &str = "whsec_";

/// Base64 with or without padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// `PUT /v1/sessions/:id/webhook`
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SetWebhook {
    /// Where messages are posted. The URL must be https and public, unless the deployment allows
    /// otherwise.
    pub url: String,
    /// The secret that signs what is posted: 16 to 256 characters.
    pub secret: String,
    /// Posts begin after this cursor. If absent, a webhook with a new URL begins after the newest
    /// message, and one whose URL was set before continues where it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Cursor>,
}

impl SetWebhook {
    /// Reads the body. Refuses a secret that is too short or too long, and a URL that is not https
    /// or leads into a private network. `allow_private` permits such a URL.
    pub fn parse(bytes: &[u8], allow_private: bool) -> Result<Self, Refusal> {
        let mut body = Body::parse(bytes)?;
        let url: Option<String> = body.required("url", "must be a URL");
        let secret: Option<String> = body.required("secret", "must be a string");
        let after = body.field("after", "must be a cursor");
        if url.as_ref().is_some_and(|url| !may_lead_to(url, allow_private)) {
            body.note("url", "must be an https URL of a public host, without a user name");
        }
        if secret.as_ref().is_some_and(|secret| !(16..=256).contains(&secret.len())) {
            body.note("secret", "must have 16 to 256 characters");
        }
        body.finish()?;
        Ok(Self { url: url.unwrap_or_default(), secret: secret.unwrap_or_default(), after })
    }
}

/// The key of the standard signature (`webhook-signature`): what follows `whsec_`, decoded from
/// base64. Any other secret is used as the bytes of its text.
#[must_use]
pub fn webhook_key(secret: &str) -> Vec<u8> {
    let encoded = secret.strip_prefix(STANDARD_SECRET).filter(|encoded| !encoded.is_empty());
    let decoded = encoded.and_then(|encoded| BASE64.decode(encoded).ok());
    decoded.unwrap_or_else(|| secret.as_bytes().to_vec())
}

/// The state of a webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum WebhookState {
    /// Messages are delivered as they come.
    Active,
    /// The last attempt failed. Another follows.
    Retrying,
    /// No attempt has succeeded for five minutes, and its member was told. Further attempts follow.
    Failing,
}

/// What is posted to a webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum WebhookDelivery {
    /// Nothing except the challenge, which its receiver has not answered yet.
    Unverified,
    /// Whole messages.
    Whole,
    /// Where there is something to read: its receiver has answered the challenge without repeating
    /// it.
    Pointers,
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
    pub delivery: WebhookDelivery,
    /// Every message up to here was delivered, or skipped.
    pub cursor: Cursor,
    /// Failed attempts at what is posted next.
    pub failures: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_attempt_at: Option<Timestamp>,
    /// The last message that was skipped because the receiver kept rejecting it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_skipped: Option<Cursor>,
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
        let body = br#"{"url":"https://x.example/","secret":"sixteen characters","after":"x"}"#;
        let refusal = SetWebhook::parse(body, false).err().unwrap();
        assert_eq!(refusal.body.details[0].path, "after");
    }

    #[test]
    fn a_secret_in_the_standard_form_is_decoded_and_any_other_is_its_text() {
        for secret in ["whsec_AAEC/w==", "whsec_AAEC/w"] {
            assert_eq!(webhook_key(secret), [0, 1, 2, 255]);
        }
        for secret in ["sixteen characters", "AAEC/w==", "whsec_", "whsec_not base64"] {
            assert_eq!(webhook_key(secret), secret.as_bytes());
        }
    }
}
