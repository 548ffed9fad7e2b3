//! Keeps agents that answer each other automatically from doing so for ever.

use crate::{envelope, message::Message};
use std::collections::BTreeMap;

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Held {
    /// The limit of answers is reached.
    Turns,
    /// The sender has said the same three times in a row.
    Same,
}

/// Limits the answers of one agent.
#[derive(Debug)]
pub(super) struct Guard {
    max_turns: u32,
    /// The number of answers in each conversation, including earlier runs. A session is one conversation.
    pub(super) replies: Vec<(String, u32)>,
    /// The last two messages of each sender.
    last: BTreeMap<String, [Option<String>; 2]>,
    said: Vec<(Held, String)>,
}

impl Guard {
    pub(super) fn new(max_turns: u32, replies: Vec<(String, u32)>) -> Self {
        Self { max_turns, replies, last: BTreeMap::new(), said: Vec::new() }
    }

    /// The number of answers in a conversation.
    pub(super) fn replies(&self, thread: &str) -> u32 {
        self.replies.iter().find(|(known, _)| known == thread).map_or(0, |(_, count)| *count)
    }

    /// Counts an answer. The conversation moves to the end of the list.
    pub(super) fn count(&mut self, thread: &str) {
        let count = self.replies(thread).saturating_add(1);
        self.replies.retain(|(known, _)| known != thread);
        self.replies.push((thread.to_owned(), count));
    }

    /// Records a message. Returns why it must not be answered, if so.
    pub(super) fn hear(&mut self, message: &Message, thread: &str) -> Option<Held> {
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

    /// The notice about that, once in each conversation. `None` if it was already sent.
    pub(super) fn say(&mut self, why: Held, thread: &str) -> Option<String> {
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
}
