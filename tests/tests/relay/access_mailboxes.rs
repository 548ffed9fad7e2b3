//! Who may do what with an address: every call of the documents' tables, native and in the two dialects of
//! addresses, by callers of every kind. What is expected follows from the need that the documents give the
//! call.

use crate::{access_mailboxes_calls::Fixture, needs::documented};
use nexus_tests::relay;

/// Whose words a call is in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Words {
    Native,
    Dialogue,
    Messenger,
}

/// Those who have, or had, an address. A stranger never had one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Agent {
    Owner,
    Friend,
    Thief,
    Gone,
    Stranger,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Secret {
    Nothing,
    Wrong,
    Of(Agent),
    /// The one that the owner had before.
    Replaced,
}

/// Where the secret stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Place {
    /// Where the call has it.
    Own,
    Bearer,
    Basic,
    SessionKey,
    Query,
    Body,
    Signature,
}

/// One who calls: whose address it calls, who it says it is, and what it shows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Caller {
    #[allow(dead_code, reason = "names the cell that fails")]
    about: &'static str,
    pub(crate) of: Agent,
    pub(crate) agent: Option<Agent>,
    pub(crate) secret: Secret,
    place: Place,
}

impl Caller {
    const fn new(about: &'static str, agent: Option<Agent>, secret: Secret) -> Self {
        Self { about, of: Agent::Owner, agent, secret, place: Place::Own }
    }

    const fn at(self, place: Place) -> Self {
        Self { place, ..self }
    }

    const fn of(self, of: Agent) -> Self {
        Self { of, ..self }
    }
}

/// Everyone who may call.
const CALLERS: [Caller; 22] = {
    use Agent::{Gone, Owner, Stranger, Thief};
    use Secret::{Nothing, Of, Replaced, Wrong};
    [
        Caller::new("nobody", None, Nothing),
        Caller::new("a name", Some(Owner), Nothing),
        Caller::new("a wrong secret", Some(Owner), Wrong),
        Caller::new("a wrong secret, no name", None, Wrong),
        Caller::new("another's secret", Some(Owner), Of(Thief)),
        Caller::new("another's secret, no name", None, Of(Thief)),
        Caller::new("another, as itself", Some(Thief), Of(Thief)),
        Caller::new("a secret that was replaced", Some(Owner), Replaced),
        Caller::new("a secret that was replaced, no name", None, Replaced),
        Caller::new("one that was deleted", Some(Gone), Of(Gone)),
        Caller::new("a secret of one that was deleted", Some(Owner), Of(Gone)),
        Caller::new("the right secret, another's name", Some(Thief), Of(Owner)),
        Caller::new("the right secret, nobody's name", Some(Stranger), Of(Owner)),
        Caller::new("the right secret in another scheme", Some(Owner), Of(Owner)).at(Place::Basic),
        Caller::new("the right secret as a key", Some(Owner), Of(Owner)).at(Place::SessionKey),
        Caller::new("the right secret in a header", Some(Owner), Of(Owner)).at(Place::Bearer),
        Caller::new("the right secret in the query", Some(Owner), Of(Owner)).at(Place::Query),
        Caller::new("the right secret, no name", None, Of(Owner)),
        Caller::new("nobody, at no address", None, Nothing).of(Gone),
        Caller::new("a deleted address, its secret", None, Of(Gone)).of(Gone),
        Caller::new("a deleted address, another's secret", None, Of(Owner)).of(Gone),
        Caller::new("the owner", Some(Owner), Of(Owner)),
    ]
};

/// A call of the documents.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) words: Words,
    pub(crate) need: String,
    pub(crate) method: String,
    pub(crate) path: String,
}

impl Line {
    /// Whether it opens a socket.
    pub(crate) fn is_socket(&self) -> bool {
        self.path.ends_with("/ws") || self.is_signed()
    }

    /// Whether it is the socket that takes a signature.
    pub(crate) fn is_signed(&self) -> bool {
        self.path.ends_with("/connect")
    }

    /// Whether it changes what those find who come after.
    fn takes_effect(&self) -> bool {
        let takes = self.method != "GET" || self.words == Words::Messenger;
        takes && self.need != "Anyone"
    }

    /// Whether its path names whose address it is about.
    fn names_owner(&self) -> bool {
        self.need != "Sender" && self.path.contains("/:agent")
    }

    /// Where a caller shows its secret.
    pub(crate) fn place(&self, caller: &Caller) -> Place {
        match self.words {
            _ if caller.place != Place::Own => caller.place,
            Words::Messenger if self.method == "POST" => Place::Body,
            Words::Messenger => Place::Query,
            Words::Dialogue if self.is_signed() => Place::Signature,
            Words::Native | Words::Dialogue => Place::Bearer,
        }
    }

    /// What the call sees of a caller's secret.
    fn shown(&self, caller: &Caller) -> Secret {
        let place = self.place(caller);
        let is_own = place == self.place(&Caller { place: Place::Own, ..*caller });
        // A browser sets no headers on a socket or an event source.
        let is_browser = self.words == Words::Native
            && place == Place::Query
            && (self.is_socket() || self.path.ends_with("/events"));
        if is_own || is_browser { caller.secret } else { Secret::Nothing }
    }

    /// How the call is refused to a caller, as the documents say; none if it is let in and does its work.
    fn expected(&self, caller: &Caller) -> Option<(u16, &'static str)> {
        let shown = self.shown(caller);
        let is_right = |agent: Agent| shown == Secret::Of(agent) && is_registered(agent);
        let (missing, wrong, absent) = match self.words {
            Words::Dialogue if self.is_signed() => ("UNAUTHORIZED", "INVALID_SIGNATURE", ""),
            Words::Dialogue => ("UNAUTHORIZED", "UNAUTHORIZED", "AGENT_NOT_FOUND"),
            Words::Native | Words::Messenger => {
                ("missing_secret", "invalid_secret", "agent_not_found")
            }
        };
        let unproven = Some((401, if shown == Secret::Nothing { missing } else { wrong }));
        match (self.need.as_str(), self.words) {
            ("Anyone", _) => (!is_registered(caller.of)).then_some((404, absent)),
            ("Owner", Words::Native) if caller.agent.is_some_and(|agent| agent != caller.of) => {
                Some((403, "forbidden"))
            }
            ("Owner", _) => {
                let concerned = if self.names_owner() || self.words == Words::Native {
                    Some(caller.of)
                } else {
                    caller.agent
                };
                match concerned {
                    None => Some((401, missing)),
                    Some(agent) if !is_registered(agent) => Some((404, absent)),
                    Some(agent) if is_right(agent) => None,
                    Some(_) => unproven,
                }
            }
            ("Sender", words) => match caller.agent {
                None if words == Words::Native => Some((400, "missing_agent_id")),
                None if self.is_signed() => Some((401, missing)),
                None => Some((401, wrong)),
                Some(agent) if is_right(agent) => None,
                Some(_) => unproven,
            },
            (need, _) => panic!("no such need: {need}"),
        }
    }

    /// The error of those who are let in, and are told something that is no matter of access.
    fn told(&self, caller: &Caller) -> Option<(u16, &'static str)> {
        let nothing_of_its_own = (caller.agent == Some(Agent::Thief)).then_some(404)?;
        match self.path.rsplit('/').next() {
            Some(":message") => Some((nothing_of_its_own, "message_not_found")),
            Some("history") => Some((nothing_of_its_own, "CONVERSATION_ENDED")),
            _ => None,
        }
    }
}

fn is_registered(agent: Agent) -> bool {
    !matches!(agent, Agent::Gone | Agent::Stranger)
}

/// The calls to addresses in these words.
fn lines(words: Words) -> Vec<Line> {
    let document = match words {
        Words::Native => include_str!("../../../docs/protocol.md"),
        Words::Dialogue | Words::Messenger => include_str!("../../../docs/dialects.md"),
    };
    let prefix = match words {
        Words::Native => "/v1/agents",
        Words::Dialogue => "/opendialogue",
        Words::Messenger => "/messenger",
    };
    let calls = documented(document).into_iter().filter(|(_, _, path)| path.starts_with(prefix));
    calls.map(|(need, method, path)| Line { words, need, method, path }).collect()
}

/// Makes every call in these words by everyone. Says how many cells there were.
fn walk(words: Words) -> usize {
    let relay = relay();
    let mut cells = 0;
    for line in lines(words) {
        let shared = Fixture::new(&relay, words);
        let before = shared.everything();
        for caller in CALLERS {
            if caller.of != Agent::Owner && !line.names_owner() {
                continue;
            }
            let about = format!("{} {} by {caller:?}", line.method, line.path);
            cells += 1;
            if let Some((status, code)) = line.expected(&caller) {
                let found = shared.ask(&line, &caller, false);
                assert_eq!(found, (status, code.to_owned()), "{about}");
                continue;
            }
            let fresh = line.takes_effect().then(|| Fixture::new(&relay, words));
            let found = fresh.as_ref().unwrap_or(&shared).ask(&line, &caller, true);
            match line.told(&caller) {
                Some((status, code)) => assert_eq!(found, (status, code.to_owned()), "{about}"),
                None => assert!(found.0 < 300, "{about}: {found:?}"),
            }
        }
        let after = shared.everything();
        assert_eq!(after, before, "a refused {} {} has changed something", line.method, line.path);
    }
    cells
}

#[test]
fn every_native_call_to_an_address_asks_for_what_the_document_says() {
    let cells = walk(Words::Native);
    assert!(cells > 350, "only {cells} cells");
}

#[test]
fn every_call_of_open_dialogue_asks_for_what_the_document_says() {
    let cells = walk(Words::Dialogue);
    assert!(cells > 200, "only {cells} cells");
}

#[test]
fn every_call_of_the_messenger_asks_for_what_the_document_says() {
    let cells = walk(Words::Messenger);
    assert!(cells > 80, "only {cells} cells");
}
