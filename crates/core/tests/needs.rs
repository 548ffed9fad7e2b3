//! What each need asks of each caller (protocol, section 1), cell by cell.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test may panic"
)]

mod support;

use nexus_core::{Caller, Need};
use nexus_protocol::{CreateSession, ErrorCode, Limits, Profile, SessionKey};
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
