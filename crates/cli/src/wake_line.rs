//! The line that tells an agent that messages wait: `nexus: 2 messages from bob wait in session 926987e7. ...`
//!
//! Promise: it is a pointer. A host shows it to a model without the frame that marks a stranger's words, so it has
//! no text, no name that people see, and nothing else that a stranger could word. Ids of agents have only letters,
//! digits, `_` and `-`, and are cut.

use nexus_protocol::{AgentId, SessionId};
use std::fmt::{self, Write};

/// The longest line, in bytes. A host cuts a longer one.
pub(crate) const LONGEST: usize = 500;
/// How many senders are named, and how many characters of a name are shown.
const NAMED: usize = 3;
const SHOWN: usize = 32;
/// How many digits of a session's id are shown.
const DIGITS: usize = 8;

/// A message of somebody else that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Waiting {
    /// `None` if the relay itself wrote it, or if the name is none.
    pub(crate) author: Option<AgentId>,
    /// Whether that is proven.
    pub(crate) verified: bool,
}

/// Where something waits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Where {
    Session { id: SessionId, alias: Option<String> },
    Mailbox(AgentId),
}

/// All that waits in one place.
#[derive(Clone, Debug)]
pub(crate) struct Pointer {
    pub(crate) place: Where,
    pub(crate) waiting: Vec<Waiting>,
    /// Whether more waits than was looked at.
    pub(crate) has_more: bool,
}

impl Where {
    /// How a session is named in commands.
    fn name(id: &SessionId, alias: Option<&str>) -> String {
        let short = || id.as_str().get(..DIGITS).unwrap_or(id.as_str()).to_owned();
        alias.map_or_else(short, str::to_owned)
    }

    /// The command that reads what waits there.
    fn command(&self, profile: &str) -> String {
        match self {
            Self::Session { id, alias } => {
                format!("nexus poll {}{profile}", Self::name(id, alias.as_deref()))
            }
            Self::Mailbox(agent) => format!("nexus inbox --agent-id {agent}{profile}"),
        }
    }
}

impl fmt::Display for Where {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Session { id, alias } => {
                write!(f, "in session {}", Self::name(id, alias.as_deref()))
            }
            Self::Mailbox(agent) => write!(f, "in the mailbox of {agent}"),
        }
    }
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.waiting.len();
        let is_one = count == 1 && !self.has_more;
        let (noun, verb) = if is_one { ("message", "waits") } else { ("messages", "wait") };
        let more = if self.has_more { "more than " } else { "" };
        write!(f, "{more}{count} {noun}{} {verb} {}", senders(&self.waiting), self.place)
    }
}

/// ` from bob, eve (unproven) and others`. Nothing if no sender is known.
fn senders(waiting: &[Waiting]) -> String {
    let mut names: Vec<String> = Vec::new();
    for Waiting { author, verified } in waiting {
        let Some(author) = author else { continue };
        let proof = if *verified { "" } else { " (unproven)" };
        let name = format!("{}{proof}", cut(author.as_str()));
        if !names.contains(&name) {
            names.push(name);
        }
    }
    if names.is_empty() {
        return String::new();
    }
    let others = if names.len() > NAMED { " and others" } else { "" };
    names.truncate(NAMED);
    format!(" from {}{others}", names.join(", "))
}

fn cut(name: &str) -> String {
    let shown: String = name.chars().take(SHOWN).collect();
    if shown.len() < name.len() { format!("{shown}...") } else { shown }
}

/// The line about all that waits. `None` if nothing does. `profile`: that of the state folder.
pub(crate) fn line(pointers: &[Pointer], profile: Option<&str>) -> Option<String> {
    let profile = profile.map(|name| format!(" --profile {name}")).unwrap_or_default();
    let lines = (1..=pointers.len()).rev().map(|shown| about(pointers, shown, &profile));
    let mut fitting = lines.skip_while(|line| line.len() > LONGEST);
    let short = || about(pointers, 1, &profile).chars().take(LONGEST).collect();
    (!pointers.is_empty()).then(|| fitting.next().unwrap_or_else(short))
}

/// The line with so many places.
fn about(pointers: &[Pointer], shown: usize, profile: &str) -> String {
    if let [only] = pointers {
        let command = only.place.command(profile);
        return format!("nexus: {only}. Call the tool read of nexus, or run: {command}");
    }
    let mut line = "nexus: ".to_owned();
    for (number, pointer) in pointers.iter().take(shown).enumerate() {
        let comma = if number > 0 { "; " } else { "" };
        let _ = write!(line, "{comma}{pointer} ({})", pointer.place.command(profile));
    }
    let left = pointers.len().saturating_sub(shown);
    if left > 0 {
        let _ = write!(line, "; more in {left} other places (nexus poll-all{profile})");
    }
    line + ". Call the tool read of nexus for each, or run these commands."
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiting(author: &str, verified: bool) -> Waiting {
        Waiting { author: author.parse().ok(), verified }
    }

    fn session(digit: char, waiting: Vec<Waiting>) -> Pointer {
        let id = digit.to_string().repeat(48).parse().unwrap();
        Pointer { place: Where::Session { id, alias: None }, waiting, has_more: false }
    }

    #[test]
    fn a_line_says_how_many_messages_wait_from_whom_and_where() {
        let one = session('a', vec![waiting("bob", true)]);
        assert_eq!(
            line(std::slice::from_ref(&one), None).unwrap(),
            "nexus: 1 message from bob waits in session aaaaaaaa. Call the tool read of nexus, or run: nexus poll aaaaaaaa"
        );
        let mut two = session('b', vec![waiting("bob", true), waiting("bob", false)]);
        let Where::Session { alias, .. } = &mut two.place else { panic!() };
        *alias = Some("lunch".to_owned());
        let mail = Pointer {
            place: Where::Mailbox("alice".parse().unwrap()),
            waiting: vec![waiting("", false)],
            has_more: true,
        };
        assert_eq!(
            line(&[one, two, mail], Some("work")).unwrap(),
            "nexus: 1 message from bob waits in session aaaaaaaa (nexus poll aaaaaaaa --profile work); \
             2 messages from bob, bob (unproven) wait in session lunch (nexus poll lunch --profile work); \
             more than 1 messages wait in the mailbox of alice (nexus inbox --agent-id alice --profile work). \
             Call the tool read of nexus for each, or run these commands."
        );
        assert_eq!(line(&[], None), None);
    }

    #[test]
    fn no_line_is_longer_than_a_host_shows() {
        let long: Vec<Waiting> =
            ('a'..='y').map(|c| waiting(&c.to_string().repeat(128), false)).collect();
        for count in 1..12 {
            let pointers: Vec<Pointer> =
                "0123456789ab".chars().take(count).map(|c| session(c, long.clone())).collect();
            let line = line(&pointers, Some(&"p".repeat(64))).unwrap();
            assert!(line.len() <= LONGEST, "{} {line}", line.len());
            assert!(line.starts_with("nexus: 25 messages from aaaa"), "{line}");
            assert!(line.contains("nexus poll 00000000 --profile"), "{line}");
            assert!(!line.contains(&"a".repeat(SHOWN + 1)), "{line}");
        }
    }
}
