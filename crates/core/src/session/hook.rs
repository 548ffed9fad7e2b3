//! A webhook as the seat of its agent stores it, and how an attempt changes it.

use super::post::{Outcome, Post, PostKind, repeats};
use nexus_protocol::{
    Cursor, SetWebhook, Timestamp, WebhookDelivery, WebhookState, WebhookStatus, webhook_host,
};
use serde::{Deserialize, Serialize};

/// Milliseconds between attempts. The last one repeats.
const BACK_OFF: [i64; 5] = [1_000, 7_000, 45_000, 300_000, 900_000];

/// How many attempts a message gets that the receiver rejects.
const MOST_REJECTIONS: u32 = 5;

/// After how many milliseconds without a success a member is told.
const FAILING_AFTER: i64 = 300_000;

/// For how many milliseconds posts are also signed with the secret before the present one.
const OVERLAP: i64 = 3_600_000;

/// A webhook, as the seat of its agent stores it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Webhook {
    pub(super) url: String,
    pub(super) secret: String,
    /// Every message up to here was delivered, was skipped, or is not for this webhook.
    pub(super) cursor: Cursor,
    failures: u32,
    last_error: Option<String>,
    /// When to try next. `None` means at once.
    next_attempt_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Consent::is_given")]
    consent: Consent,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    former: Option<FormerSecret>,
    /// When the first attempt since the last success failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    failing_since: Option<Timestamp>,
    /// Whether the member was told that it is failing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    told: bool,
    /// How often the receiver has rejected the message after `cursor`.
    #[serde(default, skip_serializing_if = "is_zero")]
    rejections: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last_skipped: Option<Cursor>,
    /// Whether the receiver has ended it. It is removed when the member is told.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    gone: bool,
    /// Set if it posts events of MCP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) subscription: Option<Subscription>,
}

/// A subscription to events of MCP (docs/mcp.md), which ends by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscription {
    /// What its receiver knows it by.
    pub id: String,
    /// Until when it posts.
    pub until: Timestamp,
}

/// What the receiver has agreed to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Consent {
    /// Whole messages. Webhooks that were set before receivers were asked count as agreed.
    #[default]
    Given,
    /// Pointers: it has answered without repeating the challenge.
    Withheld,
    /// It has not answered this challenge yet.
    Asked(String),
}

impl Consent {
    fn is_given(&self) -> bool {
        *self == Self::Given
    }
}

/// The secret before the present one.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct FormerSecret {
    secret: String,
    /// How long posts are also signed with it.
    until: Timestamp,
}

impl Webhook {
    /// A webhook that posts what is after `cursor` once its receiver has answered `challenge`.
    /// `before` is the webhook that it replaces. If both have the same URL, the secret of `before`
    /// still signs for a while.
    pub(super) fn new(
        now: Timestamp,
        request: SetWebhook,
        cursor: Cursor,
        challenge: String,
        before: Option<Self>,
    ) -> Self {
        let same = before.filter(|before| before.url == request.url);
        let former = same.and_then(|before| {
            let changed = before.secret != request.secret;
            let until = now.plus_millis(OVERLAP);
            let ended = FormerSecret { secret: before.secret, until };
            if changed { Some(ended) } else { before.former }
        });
        Self {
            url: request.url,
            secret: request.secret,
            cursor,
            failures: 0,
            last_error: None,
            next_attempt_at: None,
            consent: Consent::Asked(challenge),
            former,
            failing_since: None,
            told: false,
            rejections: 0,
            last_skipped: None,
            gone: false,
            subscription: None,
        }
    }

    /// One that posts events of MCP, whose receiver has agreed.
    pub(super) fn subscribed(
        now: Timestamp,
        request: SetWebhook,
        cursor: Cursor,
        subscription: Subscription,
        before: Option<Self>,
    ) -> Self {
        let asked = Self::new(now, request, cursor, String::new(), before);
        Self { consent: Consent::Given, subscription: Some(subscription), ..asked }
    }

    /// Whether it posts anything at all.
    pub(super) fn is_on(&self, now: Timestamp) -> bool {
        self.subscription.as_ref().is_none_or(|subscription| now < subscription.until)
    }

    pub(super) fn host(&self) -> String {
        webhook_host(&self.url)
    }

    /// The secrets that sign a post: the present one first.
    pub(super) fn secrets(&self, now: Timestamp) -> impl Iterator<Item = &str> {
        let former = self.former.as_ref().filter(|former| now < former.until);
        std::iter::once(self.secret.as_str()).chain(former.map(|former| former.secret.as_str()))
    }

    pub(super) fn challenge(&self) -> Option<&str> {
        match &self.consent {
            Consent::Asked(challenge) => Some(challenge),
            Consent::Given | Consent::Withheld => None,
        }
    }

    pub(super) fn delivery(&self) -> WebhookDelivery {
        match self.consent {
            Consent::Given => WebhookDelivery::Whole,
            Consent::Withheld => WebhookDelivery::Pointers,
            Consent::Asked(_) => WebhookDelivery::Unverified,
        }
    }

    pub(super) fn state(&self) -> WebhookState {
        match self.failures {
            _ if self.told || self.gone => WebhookState::Failing,
            0 if self.failing_since.is_none() => WebhookState::Active,
            _ => WebhookState::Retrying,
        }
    }

    pub(super) fn status(&self) -> WebhookStatus {
        WebhookStatus {
            url: self.url.clone(),
            state: self.state(),
            delivery: self.delivery(),
            cursor: self.cursor,
            failures: self.failures,
            last_error: self.last_error.clone(),
            next_attempt_at: self.next_attempt_at,
            last_skipped: self.last_skipped,
        }
    }

    /// When it may post next, if it has anything to post in a log that ends at `last`. A time that
    /// has passed means now.
    pub(super) fn due_at(&self, last: Cursor) -> Option<Timestamp> {
        let has_more = self.cursor < last || self.challenge().is_some();
        (has_more && !self.gone).then(|| self.next_attempt_at.unwrap_or_default())
    }

    /// Whether only an alarm leads to its next post. The message itself does for a webhook that
    /// receives whole messages and did not fail.
    pub(super) fn needs_alarm(&self) -> bool {
        self.failures > 0 || self.delivery() != WebhookDelivery::Whole
    }

    /// When its member must be told that it is failing or has ended.
    pub(super) fn tell_at(&self) -> Option<Timestamp> {
        match self.failing_since {
            _ if self.gone => Some(Timestamp::default()),
            Some(since) if !self.told => Some(since.plus_millis(FAILING_AFTER)),
            _ => None,
        }
    }

    /// Notes that the member is being told. Returns the last error, and whether the webhook has
    /// ended.
    pub(super) fn note_told(&mut self) -> (String, bool) {
        self.told = true;
        (self.last_error.clone().unwrap_or_default(), self.gone)
    }

    /// Records the result of a post. Returns whether the receiver has shown that it belongs to the
    /// member. Changes nothing if the webhook was set again after the post was made.
    pub(super) fn posted(&mut self, now: Timestamp, post: &Post, outcome: Outcome) -> Option<bool> {
        if !self.awaits(post) {
            return None;
        }
        match outcome {
            Outcome::Accepted(body) => {
                if let Consent::Asked(challenge) = &self.consent {
                    let agrees = repeats(&body, challenge);
                    self.consent = if agrees { Consent::Given } else { Consent::Withheld };
                }
                self.cursor = post.cursor;
                (self.failures, self.rejections) = (0, 0);
                (self.next_attempt_at, self.last_error) = (None, None);
                (self.failing_since, self.told) = (None, false);
                Some(self.consent.is_given())
            }
            Outcome::Gone(why) => {
                self.gone = true;
                self.fail(now, why, None);
                Some(false)
            }
            Outcome::Rejected(why, until) => {
                self.rejections = self.rejections.saturating_add(1);
                self.fail(now, why, until);
                if post.kind == PostKind::Message && self.rejections >= MOST_REJECTIONS {
                    self.skip(post.cursor);
                }
                Some(false)
            }
            Outcome::Failed(why, until) => {
                self.fail(now, why, until);
                Some(false)
            }
        }
    }

    /// Whether the post is still what this webhook has to post.
    fn awaits(&self, post: &Post) -> bool {
        let is_new = self.cursor < post.cursor;
        let is_same = match (&post.kind, &self.consent) {
            (PostKind::Challenge(asked), Consent::Asked(challenge)) => asked == challenge,
            (PostKind::Message, Consent::Given) | (PostKind::Pointer, Consent::Withheld) => is_new,
            _ => false,
        };
        is_same && self.url == post.url
    }

    fn fail(&mut self, now: Timestamp, why: String, until: Option<Timestamp>) {
        let tried = usize::try_from(self.failures).unwrap_or(usize::MAX);
        let wait = BACK_OFF.get(tried).or(BACK_OFF.last()).copied().unwrap_or_default();
        let next = now.plus_millis(wait);
        self.failures = self.failures.saturating_add(1);
        self.next_attempt_at = Some(until.unwrap_or(next).max(next));
        self.last_error = Some(why);
        self.failing_since.get_or_insert(now);
    }

    /// Goes on with the message after the one that the receiver keeps rejecting. It still counts as
    /// failing until the receiver accepts something.
    fn skip(&mut self, cursor: Cursor) {
        let why = self.last_error.take().unwrap_or_default();
        self.last_error = Some(format!("{why}, {MOST_REJECTIONS} times: the message was skipped"));
        (self.cursor, self.last_skipped) = (cursor, Some(cursor));
        (self.failures, self.rejections, self.next_attempt_at) = (0, 0, None);
    }
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "the form that serde takes")]
pub(super) fn is_zero(count: &u32) -> bool {
    *count == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stored_form_does_not_change() {
        for stored in [
            // As stored before receivers were asked. They count as agreed.
            r#"{"url":"u","secret":"s","cursor":"3","failures":5,"last_error":"HTTP 500","next_attempt_at":null}"#,
            r#"{"url":"u","secret":"s","cursor":"3","failures":1,"last_error":"HTTP 422","next_attempt_at":"1970-01-01T00:00:03.000Z","consent":"withheld","former":{"secret":"f","until":"1970-01-01T01:00:00.000Z"},"failing_since":"1970-01-01T00:00:02.000Z","told":true,"rejections":1,"last_skipped":"2","gone":true}"#,
            r#"{"url":"u","secret":"s","cursor":"3","failures":0,"last_error":null,"next_attempt_at":null,"consent":{"asked":"c"}}"#,
        ] {
            let webhook: Webhook = serde_json::from_str(stored).unwrap();
            assert_eq!(serde_json::to_string(&webhook).unwrap(), stored);
        }
    }

    #[test]
    fn a_challenge_is_repeated_as_text_or_json() {
        for body in ["abc", " abc\n", r#""abc""#, r#"{"challenge":"abc","more":1}"#] {
            assert!(repeats(body, "abc"), "{body}");
        }
        for body in ["", "ok", "abcd", "null", r#"{"challenge":1}"#, r#"["abc"]"#, r#"{"x":"abc"}"#]
        {
            assert!(!repeats(body, "abc"), "{body}");
        }
    }
}
