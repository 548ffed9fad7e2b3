//! What each need asks of each caller (protocol, section 1), cell by cell.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may panic"
)]

mod support;

use nexus_core::{Caller, Mailbox, MailboxNeed, Need, Proof, SecretUse};
use nexus_protocol::{
    CreateSession, ErrorCode, Joining, Limits, Profile, Register, Renew, SessionKey,
};
use support::{Calls, World, agent, at, caller, refused};

const TOKEN: &str = "the-right-token";

/// The columns of the tables below.
const NEEDS: [Need; 6] =
    [Need::Nothing, Need::Entry, Need::Member, Need::Key, Need::OwnKey, Need::Creator];

/// A session with the creator `a`, a member `b` with a key, and, where keys are not required, a member `c`
/// that holds none.
struct Fixture {
    world: World,
    a: SessionKey,
    b: SessionKey,
}

impl Fixture {
    fn new(require_keys: bool, token: Option<&str>) -> Self {
        let mut world = World::new(Limits::default());
        let creator_agent_id = Some(agent("a"));
        let token = token.map(|token| token.parse().unwrap());
        let request = CreateSession {
            creator_agent_id,
            require_keys,
            token: token.clone(),
            ..CreateSession::default()
        };
        let a = world.create(request).unwrap();
        let comes = |name: &str| Caller { token: token.clone(), ..caller(name, None) };
        let b = world.join_as(0, &comes("b"), Profile::default()).unwrap().session_key;
        if !require_keys {
            world.session.enrols(at(0), &comes("c"), Profile::default()).unwrap();
        }
        Self { world, a, b }
    }

    /// A caller as the tables write it: a name or `-`, then what it shows. `a` and `b` are the keys of these
    /// members, `x` is a wrong key, `t` the token, and `w` a wrong one.
    fn caller(&self, row: &str) -> Caller {
        let (name, shows) = row.split_once(' ').unwrap_or((row, ""));
        let mut caller =
            Caller { agent: name.parse().ok().filter(|_| name != "-"), ..Caller::default() };
        for shown in shows.chars() {
            match shown {
                'a' => caller.key = Some(self.a.clone()),
                'b' => caller.key = Some(self.b.clone()),
                'x' => caller.key = Some(SessionKey::from_random([9; 32])),
                't' => caller.token = Some(TOKEN.parse().unwrap()),
                _ => caller.token = Some("the-wrong-token".parse().unwrap()),
            }
        }
        caller
    }

    /// What becomes of a caller at each need, in letters.
    fn row(&mut self, row: &str) -> String {
        let caller = self.caller(row);
        let mut letters = String::new();
        for need in NEEDS {
            letters.push(match self.world.session.enter(at(0), &caller, need) {
                Ok(visitor) => {
                    let is_right = row == "a a" || row.starts_with("b b");
                    assert_eq!(visitor.proven(), is_right, "{row} at {need:?}");
                    '+'
                }
                refusal => match refused(refusal) {
                    ErrorCode::MissingSessionKey => 'k',
                    ErrorCode::InvalidSessionKey => 'x',
                    ErrorCode::MissingToken => 't',
                    ErrorCode::InvalidToken => 'w',
                    ErrorCode::Forbidden => 'f',
                    other => panic!("{other:?}"),
                },
            });
        }
        letters
    }

    fn check(&mut self, rows: &[(&str, &str)]) {
        for (row, expected) in rows {
            assert_eq!(self.row(row), *expected, "{row}");
        }
    }
}

#[test]
fn an_open_session_lets_in_who_it_says() {
    Fixture::new(false, None).check(&[
        ("-", "+++fff"),
        ("stranger", "++ffff"),
        ("stranger x", "++ffff"),
        ("a", "+++kkk"),
        ("a b", "++xxxx"),
        ("b", "+++kkk"),
        ("b x", "++xxxx"),
        ("c", "++++kk"),
        ("c b", "++xxxx"),
        ("b b", "+++++f"),
        ("a a", "++++++"),
    ]);
}

#[test]
fn a_session_that_requires_keys_lets_in_who_it_says() {
    Fixture::new(true, None).check(&[
        ("-", "++kfff"),
        ("stranger", "++ffff"),
        ("b", "++kkkk"),
        ("b x", "++xxxx"),
        ("a b", "++xxxx"),
        ("b b", "+++++f"),
        ("a a", "++++++"),
    ]);
}

#[test]
fn a_session_with_a_token_lets_in_who_it_says() {
    Fixture::new(false, Some(TOKEN)).check(&[
        ("-", "+ttkkk"),
        ("- t", "+++fff"),
        ("- w", "+wwwww"),
        ("stranger", "+tkkkk"),
        ("stranger t", "++ffff"),
        ("stranger w", "+wwwww"),
        ("b", "+tkkkk"),
        ("b t", "+++kkk"),
        ("b w", "+wwwww"),
        ("b x", "+txxxx"),
        ("b xt", "++xxxx"),
        ("b xw", "+wxxxx"),
        ("b b", "+++++f"),
        ("b bw", "+++++f"),
        ("c", "+tkkkk"),
        ("c t", "++++kk"),
        ("c w", "+wwwww"),
        ("a a", "++++++"),
    ]);
}

#[test]
fn without_a_name_one_reads_as_a_seat_without_a_key_of_which_there_must_be_one() {
    let mut it = Fixture::new(false, None);
    let c = it.caller("c");
    it.world.session.leaves(at(0), &c).unwrap();
    it.check(&[("-", "++ffff"), ("b", "+++kkk")]);
}

#[test]
fn what_a_call_turns_out_to_need_is_asked_of_those_who_were_let_in() {
    let mut it = Fixture::new(false, None);
    let shorter = Renew { ttl: Some(1) };
    for (row, expected) in [("b", ErrorCode::MissingSessionKey), ("b b", ErrorCode::Forbidden)] {
        let caller = it.caller(row);
        let who = it.world.session.member(at(0), &caller, Need::Member).unwrap();
        assert_eq!(refused(it.world.session.renew(at(0), &who, shorter)), expected, "{row}");
    }
    let join = Joining::Link;
    let creator_agent_id = Some(agent("a"));
    let mut world = World::new(Limits::default());
    let key = world.create(CreateSession { creator_agent_id, join, ..CreateSession::default() });
    let code = "PEARL-FOCAL-S5SJV".parse().unwrap();
    let session = &mut world.session;
    let stranger = session.enter(at(0), &caller("a", None), Need::Entry).unwrap();
    assert_eq!(
        refused(session.check_join(at(0), &stranger, &Caller::default())),
        ErrorCode::LinkRequired
    );
    let made = session.add_code(at(0), &stranger, code, false);
    assert_eq!(refused(made), ErrorCode::MissingSessionKey);
    let a = session.enter(at(0), &caller("a", key.as_ref()), Need::Entry).unwrap();
    session.check_join(at(0), &a, &Caller::default()).unwrap();
    session.add_code(at(0), &a, "PEARL-FOCAL-S5SJV".parse().unwrap(), false).unwrap();
}

/// Why a caller of a mailbox is refused; none if it is let in.
fn entered(
    mailbox: &mut Mailbox<support::Sqlite>,
    name: Option<&str>,
    proof: Option<&Proof>,
    need: MailboxNeed,
) -> Option<ErrorCode> {
    let name = name.map(agent);
    let entered = mailbox.enter(at(0), name.as_ref(), proof, need);
    entered.err().map(|error| refused::<()>(Err(error)))
}

#[test]
fn a_mailbox_lets_in_who_it_says() {
    let mut mailbox = Mailbox::new(agent("a"), support::Sqlite::new(), Limits::default());
    let proof = |text: &str| Some(Proof::Secret(text.parse().unwrap()));
    let (right, wrong) = (proof("0123456789abcdef"), proof("another-0123456789"));
    let (anyone, sender, owner) = (MailboxNeed::Anyone, MailboxNeed::Sender, MailboxNeed::Owner);
    let absent = [(sender, ErrorCode::InvalidSecret), (owner, ErrorCode::AgentNotFound)];
    for (need, expected) in absent {
        assert_eq!(
            entered(&mut mailbox, None, right.as_ref(), need),
            Some(expected),
            "nobody is registered"
        );
    }
    let request = Register::parse(br#"{"name":"A","secret":"0123456789abcdef"}"#).unwrap();
    let mut random = support::Counter::default();
    mailbox.register(at(0), request, SecretUse::Shown, &mut random).unwrap();
    for name in [None, Some("a"), Some("b")] {
        let of_another = (name == Some("b")).then_some(ErrorCode::Forbidden);
        assert_eq!(entered(&mut mailbox, name, None, anyone), None);
        for (proof, expected) in [
            (None, Some(ErrorCode::MissingSecret)),
            (wrong.as_ref(), Some(ErrorCode::InvalidSecret)),
            (right.as_ref(), None),
        ] {
            assert_eq!(entered(&mut mailbox, name, proof, sender), expected, "{name:?}");
            assert_eq!(
                entered(&mut mailbox, name, proof, owner),
                of_another.or(expected),
                "{name:?}"
            );
        }
    }
}
