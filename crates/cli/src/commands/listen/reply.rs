//! `--reply`: sending the output of the command as an answer. Each message is answered once, and the number
//! of answers is limited. A long answer becomes several messages, or a file if that is wanted: the relay searches
//! messages for secrets, and files not. What is left out is told, to the reader and on stderr.

use super::{
    guard::Held,
    item::{Item, Outcome},
    long,
    source::{self, Source},
    work::Work,
};
use crate::{
    backoff::Backoff,
    error::{Failure, Result},
    http::{FileBody, Repeat, Request},
    loops::Ended,
    message::{Message, read_cursor},
    random,
    stderr::tell,
};
use serde::Deserialize;
use serde_json::Value;
use ureq::http::Method;

/// The longest message, in bytes: a relay's default limit of a text.
const LONGEST: usize = 64 * 1024;
/// The shortest limit of a text that is taken seriously.
const SHORTEST: usize = 512;
/// The most messages of one answer.
const MOST: usize = 4;
/// How many bytes of a message are kept for its number, and for the note that there is no more.
const NOTES: usize = 128;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Sent {
    id: String,
    cursor: Value,
    #[serde(rename = "sentAt")]
    at: Option<String>,
}

/// The limit that a refusal names.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct TooLong {
    limit: usize,
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
        let text = text.trim();
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
        let (sent, outcome) = self.say(&last.message, text, &key(&first.message))?;
        let is_old = sent.is_some_and(|sent| is_before(source, &sent, &last.message));
        let outcome = if is_old && items.len() > 1 {
            // The old answer was written before the last messages of this batch.
            self.say(&last.message, text, &key(&last.message))?.1
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

    /// Sends an answer, in as many messages as it takes. Returns the server's response to the first, and the outcome
    /// of the last.
    fn say(&mut self, message: &Message, text: &str, key: &str) -> Result<(Option<Sent>, Outcome)> {
        let mut limit = LONGEST;
        loop {
            let (sent, outcome) = self.say_within(message, text, key, limit)?;
            match outcome {
                Outcome::TooLong(less) if (SHORTEST..limit).contains(&less) => limit = less,
                Outcome::TooLong(_) => {
                    tell!("the relay finds the answer too long, so it is not sent");
                    return Ok((None, Outcome::Nothing));
                }
                outcome => return Ok((sent, outcome)),
            }
        }
    }

    /// The same, in messages of at most `limit` bytes.
    fn say_within(
        &mut self,
        message: &Message,
        text: &str,
        key: &str,
        limit: usize,
    ) -> Result<(Option<Sent>, Outcome)> {
        if text.len() <= limit {
            return deliver(self, message, text, key);
        }
        let size = text.len();
        let parts = long::parts(text, limit.saturating_sub(NOTES));
        let mut note = String::new();
        if parts.len() > MOST {
            match self.store(message, text) {
                Ok(Some(name)) => {
                    tell!("the answer has {size} bytes, so it is sent as the file {name}");
                    let pointer = format!(
                        "(nexus) This answer has {size} bytes, too many for messages. It is in the file `{name}` of this session: `nexus file get SESSION {name} -o FILE` reads it."
                    );
                    return deliver(self, message, &pointer, key);
                }
                Ok(None) => return Ok((None, Outcome::Ended(Ended::Signal))),
                Err(why) => {
                    let sent: usize = parts.iter().take(MOST).map(|part| part.len()).sum();
                    let left = size.saturating_sub(sent);
                    tell!(
                        "the answer has {size} bytes, and {why}: only its first {MOST} messages are sent, and {left} bytes are left out"
                    );
                    note =
                        format!("\n\n(nexus) The rest of this answer, {left} bytes, was left out.");
                }
            }
        } else {
            tell!("the answer has {size} bytes, so it is sent as {} messages", parts.len());
        }
        let count = parts.len().min(MOST);
        let mut first = None;
        for (number, part) in (1_usize..).zip(parts.into_iter().take(MOST)) {
            let end = if number == count { note.as_str() } else { "" };
            let key = if number == 1 { key.to_owned() } else { format!("{key}.{number}") };
            let said = format!("({number}/{count}) {part}{end}");
            let (sent, outcome) = deliver(self, message, &said, &key)?;
            first = first.or(sent);
            match outcome {
                Outcome::Sent { cursor, .. } if number < count => self.pass(cursor),
                outcome => return Ok((first, outcome)),
            }
        }
        Ok((first, Outcome::Nothing))
    }

    /// Stores an answer as a file of the session, and returns its name. `None` if a signal came first. The error says
    /// why there can be no file.
    fn store(&self, message: &Message, text: &str) -> Result<Option<String>, String> {
        let Source::Session(room) = self.source else {
            return Err("a conversation of addresses has no files".to_owned());
        };
        if source::audience(message).is_some() {
            return Err("a file would show a private answer to everybody".to_owned());
        }
        if !self.may_store() {
            return Err("--reply-file is not given".to_owned());
        }
        let place = message.cursor().map(|cursor| cursor.to_string()).unwrap_or_default();
        let name = format!("answer-{}-{place}.txt", room.caller.agent);
        let path = room.session.path(&format!("/files/{name}"));
        let request = Request::new(Method::PUT, path, Repeat::Never);
        let request = room.caller.sign(Request { once: Some(random::hex()), ..request });
        let content_type = "text/plain; charset=utf-8".to_owned();
        let body = FileBody { bytes: text.as_bytes().to_vec(), content_type };
        let mut backoff = Backoff::default();
        loop {
            match self.context.http().upload(&room.server, &request, &body) {
                Ok(_) => return Ok(Some(name)),
                Err(failure) if failure.is_passing() => {
                    if self.listener.sleep(backoff.next().max(failure.retry_after())) {
                        return Ok(None);
                    }
                }
                Err(failure) => {
                    return Err(format!("the file is refused ({})", failure.sentence()));
                }
            }
        }
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
                (413, "message_too_large") => {
                    Some(Outcome::TooLong(answer.body.read::<TooLong>().unwrap_or_default().limit))
                }
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
