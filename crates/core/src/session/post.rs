//! One post of a webhook: what it contains, how it is signed, and what a response to it means
//! (section 3).

use crate::{Digest, Fault, hmac, standard_signature};
use nexus_protocol::{AgentId, Cursor, SessionId, Timestamp};

/// The longest wait that a receiver may ask for, in milliseconds.
const LONGEST_WAIT: i64 = 86_400_000;

/// Something to be posted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Post {
    /// The agent whose webhook it is.
    pub agent: AgentId,
    /// The webhook's URL.
    pub url: String,
    /// The body, which is JSON.
    pub body: String,
    /// The headers that identify and sign it.
    pub headers: Vec<(&'static str, String)>,
    pub(super) kind: PostKind,
    /// Where the webhook is once this was accepted.
    pub(super) cursor: Cursor,
}

impl Post {
    /// Why a receiver has not agreed to what this challenge asks for. `None` if it has.
    pub(super) fn refused_by(&self, outcome: &Outcome) -> Option<String> {
        match (outcome, &self.kind) {
            (Outcome::Accepted(body), PostKind::Challenge(challenge)) => {
                (!repeats(body, challenge)).then(|| "the challenge was not repeated".to_owned())
            }
            (Outcome::Accepted(_), _) => Some("it was not asked".to_owned()),
            (Outcome::Gone(why) | Outcome::Rejected(why, _) | Outcome::Failed(why, _), _) => {
                Some(why.clone())
            }
        }
    }
}

/// What is posted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum PostKind {
    /// The question whether the receiver agrees.
    Challenge(String),
    /// One message.
    Message,
    /// That there are messages.
    Pointer,
    /// That the session was ended.
    End,
}

impl PostKind {
    fn name(&self) -> &str {
        match self {
            Self::Challenge(challenge) => challenge,
            Self::Message => "message",
            Self::Pointer => "pointer",
            Self::End => "end",
        }
    }
}

/// Whose post it is, and where it goes.
pub(super) struct Envelope<'a> {
    pub(super) session: &'a SessionId,
    pub(super) agent: &'a AgentId,
    pub(super) url: &'a str,
    /// The secrets that sign it: the present one first.
    pub(super) secrets: Vec<&'a str>,
    /// The id of the subscription to events of MCP, if it is one.
    pub(super) subscription: Option<&'a str>,
}

impl Envelope<'_> {
    /// What names a post, the same in every attempt. It is a hash, because the logs of receivers may show it, and
    /// whoever has the session's id can read what it says.
    pub(super) fn id(&self, kind: &PostKind, cursor: Cursor) -> String {
        let place = cursor.to_string();
        let parts = [self.session.as_str(), self.agent.as_str(), kind.name(), &place];
        let digest = Digest::of(&parts);
        format!("msg_{}", digest.as_str().get(..32).unwrap_or_default())
    }

    /// Makes and signs one attempt at `now`.
    pub(super) fn post(
        &self,
        now: Timestamp,
        kind: PostKind,
        cursor: Cursor,
        body: String,
    ) -> Result<Post, Fault> {
        let id = self.id(&kind, cursor);
        let seconds = now.as_millis().div_euclid(1000).to_string();
        let signed = format!("{id}.{seconds}.{body}");
        let signatures: Vec<String> = self
            .secrets
            .iter()
            .map(|secret| standard_signature(secret, &signed))
            .collect::<Result<_, _>>()?;
        let present = self.secrets.first().copied().unwrap_or_default();
        let subscribed = self.subscription.map(|id| ("X-MCP-Subscription-Id", id.to_owned()));
        let headers = [
            ("X-Nexus-Signature", format!("sha256={}", hmac(present, &body)?)),
            ("webhook-id", id),
            ("webhook-timestamp", seconds),
            ("webhook-signature", signatures.join(" ")),
        ];
        let headers = headers.into_iter().chain(subscribed).collect();
        Ok(Post {
            agent: self.agent.clone(),
            url: self.url.to_owned(),
            body,
            headers,
            kind,
            cursor,
        })
    }
}

/// What a post has led to. The text says why it failed. The time is when the receiver wants the
/// next attempt at the earliest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The receiver has accepted it, and responded with this.
    Accepted(String),
    /// The receiver wants no more posts.
    Gone(String),
    /// The receiver does not accept this message, whatever the time.
    Rejected(String, Option<Timestamp>),
    /// Another attempt may succeed.
    Failed(String, Option<Timestamp>),
}

impl Outcome {
    /// What a response means: its status, its `Retry-After`, and the beginning of its body.
    #[must_use]
    pub fn of(now: Timestamp, status: u16, retry_after: Option<&str>, body: String) -> Self {
        let why = format!("HTTP {status}");
        let until = retry_after.and_then(|text| asked_for(now, text));
        match status {
            200..=299 => Self::Accepted(body),
            410 => Self::Gone(why),
            413 | 422 => Self::Rejected(why, until),
            _ => Self::Failed(why, until),
        }
    }

    /// There was no response. `why` is a short text for the member.
    #[must_use]
    pub fn unanswered(why: &str) -> Self {
        Self::Failed(why.to_owned(), None)
    }
}

/// The time that `Retry-After` names: seconds from now, or a date. At most a day from now.
fn asked_for(now: Timestamp, text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let at = if is_number {
        let seconds: i64 = text.parse().unwrap_or(i64::MAX);
        now.plus_millis(seconds.saturating_mul(1000))
    } else {
        Timestamp::from_http(text)?
    };
    Some(at.min(now.plus_millis(LONGEST_WAIT)))
}

/// Whether a response repeats the challenge: as its text, as a JSON string, or as the field
/// `challenge` of a JSON object.
pub(super) fn repeats(body: &str, challenge: &str) -> bool {
    let json: serde_json::Value = serde_json::from_str(body).unwrap_or_default();
    let field = json.as_str().or_else(|| json.get("challenge")?.as_str());
    body.trim() == challenge || field == Some(challenge)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receiver_may_ask_for_seconds_or_a_date_up_to_a_day() {
        let now = Timestamp::from_millis(1_767_225_600_000);
        for (text, wait) in [
            ("120", Some(120_000)),
            ("0", Some(0)),
            ("Thu, 01 Jan 2026 00:01:00 GMT", Some(60_000)),
            ("Wed, 31 Dec 2025 23:59:59 GMT", Some(-1_000)),
            ("86401", Some(LONGEST_WAIT)),
            ("99999999999999999999", Some(LONGEST_WAIT)),
            ("Fri, 01 Jan 2027 00:00:00 GMT", Some(LONGEST_WAIT)),
            ("-1", None),
            ("later", None),
            ("", None),
        ] {
            assert_eq!(asked_for(now, text).map(|at| at.millis_since(now)), wait, "{text}");
        }
    }

    #[test]
    fn only_a_response_of_200_to_299_is_a_success() {
        let now = Timestamp::default();
        let of = |status| Outcome::of(now, status, Some("5"), "body".to_owned());
        let until = Some(Timestamp::from_millis(5_000));
        for status in [200, 204, 299] {
            assert_eq!(of(status), Outcome::Accepted("body".to_owned()));
        }
        for status in [301, 302, 307, 400, 404, 429, 500, 503] {
            assert_eq!(of(status), Outcome::Failed(format!("HTTP {status}"), until));
        }
        for status in [413, 422] {
            assert_eq!(of(status), Outcome::Rejected(format!("HTTP {status}"), until));
        }
        assert_eq!(of(410), Outcome::Gone("HTTP 410".to_owned()));
    }
}
