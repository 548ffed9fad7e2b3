//! `--reply`: sending the output of the command as an answer. Each message is answered once, and the number
//! of answers is limited.

use super::{
    guard::Held,
    item::{Item, Outcome},
    source::Source,
    work::Work,
};
use crate::{
    backoff::Backoff,
    error::{Failure, Result},
    loops::Ended,
    message::{Message, read_cursor},
    stderr::tell,
};
use serde::Deserialize;
use serde_json::Value;

/// The longest answer, in bytes: a relay's default limit of a text.
const LONGEST: usize = 64 * 1024;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Sent {
    id: String,
    cursor: Value,
    #[serde(rename = "sentAt")]
    at: Option<String>,
}

impl Work<'_> {
    /// Sends the output as the answer to the last of these messages.
    pub(super) fn answer(&mut self, items: &[Item], printed: &[u8]) -> Result<Outcome> {
        let source = self.source;
        let Some(guard) = self.guard() else { return Ok(Outcome::Nothing) };
        let mut held = None;
        for item in items {
            held = guard.hear(&item.message, &source.thread(&item.message));
        }
        let (Some(first), Some(last)) = (items.first(), items.last()) else {
            return Ok(Outcome::Nothing);
        };
        let text = String::from_utf8_lossy(printed);
        let text = cut(text.trim());
        if text.is_empty() {
            return Ok(Outcome::Nothing);
        }
        if let Some(why) = held {
            return match guard.say(why, &source.thread(&last.message)) {
                Some(notice) => say_why(self, why, &last.message, &notice),
                None => Ok(Outcome::Nothing),
            };
        }
        // If we were killed before the cursor was saved, a batch that begins with the same message has already
        // been answered. The key then returns that answer.
        let (sent, outcome) = deliver(self, &last.message, text, &key(&first.message))?;
        let is_old = sent.is_some_and(|sent| is_before(source, &sent, &last.message));
        let outcome = if is_old && items.len() > 1 {
            // The old answer was written before the last messages of this batch.
            deliver(self, &last.message, text, &key(&last.message))?.1
        } else {
            outcome
        };
        if let (Outcome::Sent { .. }, Some(guard)) = (&outcome, self.guard()) {
            guard.count(&source.thread(&last.message));
            let replies = guard.replies.clone();
            source.store_answers(&self.context.state, &replies)?;
        }
        Ok(outcome)
    }
}

/// Sends the notice that there are no more answers.
fn say_why(work: &Work<'_>, why: Held, last: &Message, notice: &str) -> Result<Outcome> {
    tell!("{notice}");
    // All runs use the same key, so that the notice is stored once.
    let key = match why {
        Held::Turns => "nexus-guard-turns",
        Held::Same => "nexus-guard-same",
    };
    match deliver(work, last, notice, key)?.1 {
        Outcome::Ended(ended) => Ok(Outcome::Ended(ended)),
        _ => Ok(Outcome::Nothing),
    }
}

/// The `Idempotency-Key` of an answer, which depends only on the message.
fn key(message: &Message) -> String {
    let place = message.cursor().map(|cursor| cursor.to_string()).unwrap_or_default();
    let id: String = message.id.chars().filter(char::is_ascii_graphic).take(200).collect();
    format!("nexus-reply-{place}-{id}")
}

/// Cuts an answer to the limit of a relay.
fn cut(text: &str) -> &str {
    let Some(end) = (0..=LONGEST).rev().find(|end| text.is_char_boundary(*end)) else { return "" };
    if text.len() > LONGEST {
        tell!("the answer is longer than {LONGEST} bytes; the rest is cut off");
    }
    text.get(..end).filter(|_| text.len() > LONGEST).unwrap_or(text)
}

/// Whether an answer is older than a message, and so cannot be about it. Cursors can be compared only in a
/// session, where both are in the same log.
fn is_before(source: &Source, sent: &Sent, message: &Message) -> bool {
    match source {
        Source::Session(_) => {
            let place = read_cursor(&sent.cursor);
            place.is_some() && place < message.cursor()
        }
        Source::Inbox(_) => {
            let times = sent.at.as_ref().zip(message.sent_at.as_ref());
            times.is_some_and(|(sent, message)| sent < message)
        }
    }
}

/// Sends an answer, and repeats that until it succeeds or is refused. Returns the server's response, too.
fn deliver(
    work: &Work<'_>,
    message: &Message,
    text: &str,
    key: &str,
) -> Result<(Option<Sent>, Outcome)> {
    let Some(request) = work.source.answer(message, text, key) else {
        return Ok((None, Outcome::Nothing));
    };
    let is_inbox = matches!(work.source, Source::Inbox(_));
    let mut backoff = Backoff::default();
    loop {
        let failure = match work.context.call(work.source.server(), &request) {
            Ok(answer) => {
                let sent: Sent = answer.body.read().unwrap_or_default();
                let (id, cursor) = (sent.id.clone(), read_cursor(&sent.cursor));
                return Ok((Some(sent), Outcome::Sent { id, cursor }));
            }
            Err(failure) => failure,
        };
        let outcome = match &failure {
            Failure::Refused(answer) => match (answer.status, answer.error().error.as_str()) {
                (404, "session_not_found") => Some(Outcome::Ended(Ended::Over)),
                (404, "agent_not_found") => {
                    tell!("the sender has left, so the answer is not sent");
                    Some(Outcome::Nothing)
                }
                // The other address does not accept it, or the conversation has ended.
                (403 | 409, _) if is_inbox => {
                    tell!("the answer was refused: {}", failure.sentence());
                    Some(Outcome::Nothing)
                }
                (403, "forbidden") => Some(Outcome::Ended(Ended::Left)),
                // It would be refused each time, so the message counts as handled.
                (400 | 413, _) => {
                    tell!("the answer was refused: {}", failure.sentence());
                    Some(Outcome::Nothing)
                }
                _ => None,
            },
            _ => None,
        };
        if let Some(outcome) = outcome {
            return Ok((None, outcome));
        }
        if !failure.is_passing() {
            return Err(failure);
        }
        if work.listener.sleep(backoff.next().max(failure.retry_after())) {
            return Ok((None, Outcome::Ended(Ended::Signal)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_answers_are_cut_between_characters() {
        assert_eq!(cut("short"), "short");
        assert_eq!(cut(&"é".repeat(LONGEST)).len(), LONGEST);
        assert_eq!(cut(&format!("x{}", "é".repeat(LONGEST))).len(), LONGEST - 1);
    }
}
