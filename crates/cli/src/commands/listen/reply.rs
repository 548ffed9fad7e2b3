//! `--reply`: what the command prints is sent as an answer, once, and not without end.

use super::work::{Item, Work};
use crate::{
    backoff::Backoff,
    envelope,
    error::{Failure, Result},
    http::{Repeat, Request},
    json::Json,
    loops::Ended,
    message::{Message, read_cursor},
    output::tell,
};
use nexus_protocol::{Cursor, Recipients, SendMessage};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use ureq::http::Method;

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
    /// Answers in this session, earlier runs included.
    replies: u32,
    /// The last two things that each sender said.
    last: BTreeMap<String, [Option<String>; 2]>,
    said: Vec<Held>,
}

impl Guard {
    pub(super) fn new(max_turns: u32, replies: u32) -> Self {
        Self { max_turns, replies, last: BTreeMap::new(), said: Vec::new() }
    }

    /// Hears a message, and says why it is not to be answered, if so.
    fn hear(&mut self, message: &Message) -> Option<Held> {
        let content = Some(envelope::content(message));
        let last = self.last.entry(message.agent_id.clone()).or_default();
        let is_same = last.iter().all(|before| *before == content);
        last.rotate_left(1);
        if let Some(newest) = last.last_mut() {
            *newest = content;
        }
        let is_over = self.replies >= self.max_turns;
        is_over.then_some(Held::Turns).or(is_same.then_some(Held::Same))
    }

    /// What to say of it, the first time.
    fn say(&mut self, why: Held) -> Option<String> {
        if self.said.contains(&why) {
            return None;
        }
        self.said.push(why);
        Some(match why {
            Held::Turns => format!(
                "(nexus) This agent has answered {} times, its limit in one conversation. From now on it reads and does not answer by itself.",
                self.replies
            ),
            Held::Same => "(nexus) This agent was told the same three times in a row, and does not answer to that."
                .to_owned(),
        })
    }
}

/// What came of an answer.
#[derive(Debug)]
pub(super) enum Outcome {
    /// It has this id.
    Sent(String),
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
}

/// Sends what was printed as the answer to the last of these messages.
pub(super) fn send(work: &mut Work<'_>, items: &[Item], printed: &[u8]) -> Result<Outcome> {
    let Some(guard) = work.guard() else { return Ok(Outcome::Nothing) };
    let mut held = None;
    for item in items {
        held = guard.hear(&item.message);
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
        return match guard.say(why) {
            Some(notice) => say_why(work, why, &last.message, notice),
            None => Ok(Outcome::Nothing),
        };
    }
    let Some(answer) = answer(&last.message, text.to_owned()) else { return Ok(Outcome::Nothing) };
    // A batch that begins with the same message was answered already if we died before the cursor moved.
    let (sent, outcome) = deliver(work, &answer, key(&first.message))?;
    let is_old = sent < last.message.cursor() && sent.is_some();
    let outcome = if is_old && items.len() > 1 {
        // That answer did not know of the last messages.
        deliver(work, &answer, key(&last.message))?.1
    } else {
        outcome
    };
    if let (Outcome::Sent(_), Some(guard)) = (&outcome, work.guard()) {
        guard.replies = guard.replies.saturating_add(1);
        let replies = guard.replies;
        work.context.state.store_replies(&work.session.id, replies)?;
    }
    Ok(outcome)
}

/// Says once why there are no answers any more.
fn say_why(work: &Work<'_>, why: Held, last: &Message, notice: String) -> Result<Outcome> {
    tell!("{notice}");
    // The same in every run, so that the session hears it once.
    let key = match why {
        Held::Turns => "nexus-guard-turns",
        Held::Same => "nexus-guard-same",
    };
    let Some(answer) = answer(last, notice) else { return Ok(Outcome::Nothing) };
    match deliver(work, &answer, key.to_owned())?.1 {
        Outcome::Ended(ended) => Ok(Outcome::Ended(ended)),
        _ => Ok(Outcome::Nothing),
    }
}

/// Whom the answer to a message is for: whom it came from only, if it came to some only.
pub(super) fn audience(message: &Message) -> Option<&str> {
    message.to.as_ref().map(|_| message.agent_id.as_str())
}

/// An answer to a message. None if it would be private, and its reader has no name.
fn answer(message: &Message, text: String) -> Option<SendMessage> {
    let to = match audience(message) {
        Some(sender) => Some(Recipients::One(sender.parse().ok()?)),
        None => None,
    };
    let reply_to = message.id.parse().ok();
    Some(SendMessage { text: Some(text), to, reply_to, ..SendMessage::default() })
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

/// Sends, for as long as it takes. Gives the cursor of what was sent, too.
fn deliver(
    work: &Work<'_>,
    message: &SendMessage,
    key: String,
) -> Result<(Option<Cursor>, Outcome)> {
    let request = Request::new(Method::POST, work.session.path("/messages"), Repeat::Always);
    let request = Request { once: Some(key), body: Some(Json::of(message)), ..request };
    let request = work.caller.sign(request);
    let mut backoff = Backoff::default();
    loop {
        let failure = match work.context.call(work.server, &request) {
            Ok(answer) => {
                let sent: Sent = answer.body.read().unwrap_or_default();
                return Ok((read_cursor(&sent.cursor), Outcome::Sent(sent.id)));
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
        let mut guard = Guard::new(20, 0);
        let mut hear = |agent: &str, text: &str| guard.hear(&message(agent, text));
        assert_eq!([hear("a", "x"), hear("a", "x"), hear("b", "x")], [None; 3]);
        assert_eq!(hear("a", "x"), Some(Held::Same));
        assert_eq!([hear("a", "y"), hear("a", "x"), hear("a", "x")], [None; 3]);
        assert_eq!(hear("a", "x"), Some(Held::Same));
        assert!(guard.say(Held::Same).is_some() && guard.say(Held::Same).is_none());
        assert!(guard.say(Held::Turns).is_some());
    }

    #[test]
    fn answers_have_a_limit_that_outlives_a_run() {
        assert_eq!(Guard::new(2, 1).hear(&message("a", "x")), None);
        assert_eq!(Guard::new(2, 2).hear(&message("a", "x")), Some(Held::Turns));
    }

    #[test]
    fn a_private_message_gets_a_private_answer() {
        let private = Message { to: Some("me".into()), ..message("a", "x") };
        assert_eq!(
            answer(&private, String::new()).unwrap().to,
            Some(Recipients::One("a".parse().unwrap()))
        );
        assert_eq!(answer(&message("a", "x"), String::new()).unwrap().to, None);
        let nameless = Message { agent_id: "no name".to_owned(), ..private };
        assert!(answer(&nameless, String::new()).is_none(), "never to all");
    }

    #[test]
    fn long_answers_are_cut_between_characters() {
        assert_eq!(cut("short"), "short");
        assert_eq!(cut(&"é".repeat(LONGEST)).len(), LONGEST);
        assert_eq!(cut(&format!("x{}", "é".repeat(LONGEST))).len(), LONGEST - 1);
    }
}
