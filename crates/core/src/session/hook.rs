//! A webhook as the seat of its agent stores it.

use nexus_protocol::{Cursor, Timestamp, WebhookState, WebhookStatus};
use serde::{Deserialize, Serialize};

/// Milliseconds between attempts. After the fifth failed attempt there is no further one.
pub(super) const BACK_OFF: [i64; 4] = [1_000, 7_000, 45_000, 300_000];

/// A webhook, as the seat of its agent stores it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Webhook {
    pub(super) url: String,
    pub(super) secret: String,
    /// Every message up to here was delivered or is not for this webhook.
    pub(super) cursor: Cursor,
    pub(super) failures: u32,
    pub(super) last_error: Option<String>,
    /// When to try next. `None` means at once.
    pub(super) next_attempt_at: Option<Timestamp>,
}

impl Webhook {
    pub(super) fn state(&self) -> WebhookState {
        match usize::try_from(self.failures).unwrap_or(usize::MAX) {
            0 => WebhookState::Active,
            failures if failures <= BACK_OFF.len() => WebhookState::Retrying,
            _ => WebhookState::Failing,
        }
    }

    pub(super) fn status(&self) -> WebhookStatus {
        WebhookStatus {
            url: self.url.clone(),
            state: self.state(),
            cursor: self.cursor,
            failures: self.failures,
            last_error: self.last_error.clone(),
            next_attempt_at: self.next_attempt_at,
        }
    }
}
