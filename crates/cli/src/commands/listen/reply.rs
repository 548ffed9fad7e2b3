//! `--reply`: what the command prints is sent as an answer, once, and not without end.

use super::{
    source::Source,
    work::{Item, Work},
};
use crate::{
    backoff::Backoff,
    envelope,
    error::{Failure, Result},
    loops::Ended,
    message::{Message, read_cursor},
    output::tell,
};
use nexus_protocol::Cursor;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// The longest answer, in bytes: what a relay takes by default.
const LONGEST: usize = 64 * 1024;

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Held {
    /// There were as many as there may be.
    Turns,
    /// The sender says the same for the third time.
    Same,
}

/// Keeps two agents from answering each other without end.
#[derive(Debug)]
pub(super) struct Guard {
    max_turns: u32,
    /// Answers in each conversation, earlier runs included; a session is one.
    replies: Vec<(String, u32)>,
    /// The last two things that each sender said.
    last: BTreeMap<String, [Option<String>; 2]>,
    said: Vec<(Held, String)>,
}

impl Guard {
    pub(super) fn new(max_turns: u32, replies: Vec<(String, u32)>) -> Self {
        Self { max_turns, replies, last: BTreeMap::new(), said: Vec::new() }
    }

    /// How many answers there were in a conversation.
    fn replies(&self, thread: &str) -> u32 {
        self.replies.iter().find(|(known, _)| known == thread).map_or(0, |(_, count)| *count)
    }

    /// Counts an answer. The conversation that was last answered stands last.
    fn count(&mut self, thread: &str) {
        let count = self.replies(thread).saturating_add(1);
        self.replies.retain(|(known, _)| known != thread);
        self.replies.push((thread.to_owned(), count));
    }

    /// Hears a message, and says why it is not to be answered, if so.
    fn hear(&mut self, message: &Message, thread: &str) -> Option<Held> {
        let content = Some(envelope::content(message));
        let last = self.last.entry(message.agent_id.clone()).or_default();
        let is_same = last.iter().all(|before| *before == content);
        last.rotate_left(1);
        if let Some(newest) = last.last_mut() {
            *newest = content;
        }
        let is_over = self.replies(thread) >= self.max_turns;
        is_over.then_some(Held::Turns).or(is_same.then_some(Held::Same))
    }

    /// What to say of it, the first time in a conversation.
    fn say(&mut self, why: Held, thread: &str) -> Option<String> {
        let said = (why, thread.to_owned());
        if self.said.contains(&said) {
            return None;
        }
        self.said.push(said);
        Some(match why {
            Held::Turns => format!(
                "(nexus) This agent has answered {} times, its limit in one conversation. From now on it reads and does not answer by itself.",
                self.replies(thread)
            ),
            Held::Same => "(nexus) This agent was told the same three times in a row, and does not answer to that."
                .to_owned(),
        })
    }
}

/// What came of an answer.
#[derive(Debug)]
pub(super) enum Outcome {
    /// It has this id and this place in the log.
    Sent { id: String, cursor: Option<Cursor> },
    /// There was nothing to say, or nobody to say it to.
    Nothing,
    /// Meanwhile it was all over.
    Ended(Ended),
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Sent {
    id: String,
    cursor: Value,
    #[serde(rename = "sentAt")]
    at: Option<String>,
}

/// Sends what was printed as the answer to the last of these messages.
pub(super) fn send(work: &mut Work<'_>, items: &[Item], printed: &[u8]) -> Result<Outcome> {
    let source = work.source;
    let Some(guard) = work.guard() else { return Ok(Outcome::Nothing) };
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
            Some(notice) => say_why(work, why, &last.message, &notice),
            None => Ok(Outcome::Nothing),
        };
    }
    // A batch that begins with the same message was answered already if we died before the cursor moved.
    let (sent, outcome) = deliver(work, &last.message, text, &key(&first.message))?;
    let is_old = sent.is_some_and(|sent| is_before(source, &sent, &last.message));
    let outcome = if is_old && items.len() > 1 {
        // That answer did not know of the last messages.
        deliver(work, &last.message, text, &key(&last.message))?.1
    } else {
        outcome
    };
    if let (Outcome::Sent { .. }, Some(guard)) = (&outcome, work.guard()) {
        guard.count(&source.thread(&last.message));
        let replies = guard.replies.clone();
        source.store_answers(&work.context.state, &replies)?;
    }
    Ok(outcome)
}

/// Says once why there are no answers any more.
fn say_why(work: &Work<'_>, why: Held, last: &Message, notice: &str) -> Result<Outcome> {
    tell!("{notice}");
    // The same in every run, so that the session hears it once.
    let key = match why {
        Held::Turns => "nexus-guard-turns",
        Held::Same => "nexus-guard-same",
    };
    match deliver(work, last, notice, key)?.1 {
        Outcome::Ended(ended) => Ok(Outcome::Ended(ended)),
        _ => Ok(Outcome::Nothing),
    }
}

/// The same for the same message, whatever happens between.
fn key(message: &Message) -> String {
    let place = message.cursor().map(|cursor| cursor.to_string()).unwrap_or_default();
    let id: String = message.id.chars().filter(char::is_ascii_graphic).take(200).collect();
    format!("nexus-reply-{place}-{id}")
}

/// As much of an answer as a relay takes.
fn cut(text: &str) -> &str {
    let Some(end) = (0..=LONGEST).rev().find(|end| text.is_char_boundary(*end)) else { return "" };
    if text.len() > LONGEST {
        tell!("the answer is longer than {LONGEST} bytes; the rest is cut off");
    }
    text.get(..end).filter(|_| text.len() > LONGEST).unwrap_or(text)
}

/// Whether an answer is older than a message, so that it cannot be about it. The places of an answer and
/// of what it answers are in one log only in a session.
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

/// Sends an answer to a message, for as long as it takes. Gives what the server said of it, too.
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
                    tell!("who wrote it has left; the answer is not sent");
                    Some(Outcome::Nothing)
                }
                // Another address has its own rules, and a conversation its own end.
                (403 | 409, _) if is_inbox => {
                    tell!("the answer is refused and not sent: {}", failure.sentence());
                    Some(Outcome::Nothing)
                }
                (403, "forbidden") => Some(Outcome::Ended(Ended::Left)),
                // It would be refused each time: the message counts as dealt with.
                (400 | 413, _) => {
                    tell!("the answer is refused and not sent: {}", failure.sentence());
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

    fn message(agent: &str, text: &str) -> Message {
        let (agent_id, text) = (agent.to_owned(), Some(text.to_owned()));
        Message { agent_id, text, ..Message::default() }
    }

    #[test]
    fn the_third_same_message_of_a_sender_is_not_answered() {
        let mut guard = Guard::new(20, Vec::new());
        let mut hear = |agent: &str, text: &str| guard.hear(&message(agent, text), "");
        assert_eq!([hear("a", "x"), hear("a", "x"), hear("b", "x")], [None; 3]);
        assert_eq!(hear("a", "x"), Some(Held::Same));
        assert_eq!([hear("a", "y"), hear("a", "x"), hear("a", "x")], [None; 3]);
        assert_eq!(hear("a", "x"), Some(Held::Same));
        assert!(guard.say(Held::Same, "").is_some() && guard.say(Held::Same, "").is_none());
        assert!(guard.say(Held::Turns, "").is_some());
    }

    #[test]
    fn answers_have_a_limit_that_outlives_a_run() {
        let counted = |count| Guard::new(2, vec![("a/c".to_owned(), count)]);
        assert_eq!(counted(1).hear(&message("a", "x"), "a/c"), None);
        assert_eq!(counted(2).hear(&message("a", "x"), "a/c"), Some(Held::Turns));
        assert_eq!(counted(2).hear(&message("a", "x"), "a/d"), None, "another conversation");
        let mut guard = counted(1);
        guard.count("a/d");
        guard.count("a/c");
        assert_eq!(guard.replies, [("a/d".to_owned(), 1), ("a/c".to_owned(), 2)]);
        assert!(guard.say(Held::Turns, "a/c").is_some() && guard.say(Held::Turns, "a/d").is_some());
    }

    #[test]
    fn long_answers_are_cut_between_characters() {
        assert_eq!(cut("short"), "short");
        assert_eq!(cut(&"é".repeat(LONGEST)).len(), LONGEST);
        assert_eq!(cut(&format!("x{}", "é".repeat(LONGEST))).len(), LONGEST - 1);
    }
}
