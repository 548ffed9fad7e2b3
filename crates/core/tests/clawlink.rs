//! What ClawLink needs of a session: members without a key, and readers that are told everything
//! once.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test may panic"
)]

mod support;

use nexus_core::{Caller, ClawLinkInfo, Content, Delivery, Need, Result, Who};
use nexus_protocol::{
    AgentId, Assignee, ClawLinkAnswer, Condition, CreateSession, Cursor, ErrorCode, GiveTask,
    Limits, Priority, Profile, Redact, SessionKey, Task, TaskStatus, Token,
};
use std::collections::BTreeSet;
use support::{Calls, World, agent, at, caller, faulted, messages, refused, text};

fn named(name: &str) -> Profile {
    Profile { name: Some(name.to_owned()), ..Profile::default() }
}

/// The calls of the dialect.
trait Clawlink {
    fn enrol(&mut self, now: i64, name: &str) -> Result<Who>;
    fn act(&mut self, now: i64, name: &str) -> Who;
    /// The texts of a poll, which reads at most three messages.
    fn take(&mut self, now: i64, name: &str) -> Vec<String>;
    fn online(&mut self, now: i64) -> Vec<String>;
    fn say(&mut self, now: i64, name: &str, what: &str) -> Delivery;
    fn give(&mut self, now: i64, from: &str, to: &str) -> Task;
    fn answer(&mut self, now: i64, from: &str, task: &Task, status: TaskStatus) -> Result<Task>;
}

impl Clawlink for World {
    fn enrol(&mut self, now: i64, name: &str) -> Result<Who> {
        self.session.enrols(at(now), &caller(name, None), named(name))?;
        Ok(self.act(now, name))
    }

    fn act(&mut self, now: i64, name: &str) -> Who {
        self.session.with_key(at(now), &caller(name, None)).unwrap()
    }

    fn take(&mut self, now: i64, name: &str) -> Vec<String> {
        let who = self.act(now, name);
        let page = self.session.take_unread(at(now), &who, 3).unwrap();
        messages(&page).into_iter().map(|message| message.text.unwrap()).collect()
    }

    fn online(&mut self, now: i64) -> Vec<String> {
        let members = self.session.present_members(at(now), &BTreeSet::new(), false).unwrap();
        members.into_iter().map(|member| member.agent_id.to_string()).collect()
    }

    fn say(&mut self, now: i64, name: &str, what: &str) -> Delivery {
        let who = self.act(now, name);
        self.session.send(at(now), &who, None, text(what)).unwrap().1.unwrap()
    }

    fn give(&mut self, now: i64, from: &str, to: &str) -> Task {
        let who = self.act(now, from);
        let give = GiveTask {
            assignee: Assignee::Agent(agent(to)),
            task: "t".to_owned(),
            context: None,
            priority: Priority::Normal,
            deadline: None,
            redact: Redact::On,
        };
        self.session.give_task(at(now), &who, None, give, &BTreeSet::new()).unwrap().0
    }

    fn answer(&mut self, now: i64, from: &str, task: &Task, status: TaskStatus) -> Result<Task> {
        let who = self.act(now, from);
        let result = serde_json::from_str("1").unwrap();
        let (task, to) = (task.id.clone(), task.from.clone());
        let answer = ClawLinkAnswer { from: agent(from), to, task, result, status };
        Ok(self.session.answer_task(at(now), &who, answer)?.0)
    }
}

fn keyed(world: &mut World, name: &str) -> Caller {
    caller(name, Some(&world.join(0, name).unwrap().session_key))
}

#[test]
fn members_without_a_key_take_seats() {
    let mut world = World::with_session(600, 2);
    world.enrol(0, "a").unwrap();
    let again = world.session.enrols(
        at(1000),
        &caller("a", None),
        Profile { machine: Some("m".to_owned()), ..Profile::default() },
    );
    let member = again.unwrap();
    assert_eq!(
        (member.profile.name.as_deref(), member.profile.machine.as_deref()),
        (Some("a"), Some("m"))
    );
    assert!(!member.verified);
    assert_eq!((member.joined_at, member.last_seen_at), (at(0), at(1000)));
    let b = keyed(&mut world, "b");
    assert_eq!(refused(world.enrol(0, "c")), ErrorCode::SessionFull);
    assert_eq!(refused(world.join(0, "a")), ErrorCode::AgentIdTaken);
    // Messages of a member without a key are unverified in every protocol.
    assert!(!world.say(2, "a", "x").message.verified);
    let b = world.session.with_key(at(2), &b).unwrap();
    assert!(world.session.send(at(2), &b, None, text("y")).unwrap().0.verified);
}

#[test]
fn acting_for_a_member_with_a_key_requires_the_key() {
    let mut world = World::with_session(600, 9);
    let b = keyed(&mut world, "b");
    let wrong = caller("b", Some(&SessionKey::from_random([9; 32])));
    for (caller, code) in [
        (caller("b", None), ErrorCode::MissingSessionKey),
        (wrong.clone(), ErrorCode::InvalidSessionKey),
    ] {
        assert_eq!(refused(world.session.with_key(at(1), &caller)), code);
        assert_eq!(refused(world.session.enrols(at(1), &caller, named("x"))), code);
    }
    world.session.enrols(at(1), &b, named("Ben")).unwrap();
    assert_eq!(world.session.with_key(at(1), &b).unwrap().agent(), &agent("b"));
    // A caller that shows somebody else's key must not get a seat without one.
    let lost = Caller { agent: Some(agent("c")), key: wrong.key.clone(), ..Caller::default() };
    assert_eq!(
        refused(world.session.enrols(at(1), &lost, named("c"))),
        ErrorCode::InvalidSessionKey
    );
    assert_eq!(refused(world.session.with_key(at(1), &caller("c", None))), ErrorCode::Forbidden);
    world.enrol(1, "a").unwrap();
    let pretends = Caller { agent: Some(agent("a")), key: b.key.clone(), ..Caller::default() };
    assert_eq!(refused(world.session.with_key(at(1), &pretends)), ErrorCode::InvalidSessionKey);
}

#[test]
fn a_session_that_requires_a_token_or_keys_requires_them_in_clawlink() {
    let token = |text: &str| text.parse::<Token>().unwrap();
    let mut world = World::new(Limits::default());
    world.create(CreateSession { token: Some(token("right-token")), ..CreateSession::default() });
    let mut call = |shown: Option<&str>| {
        let caller = Caller { token: shown.map(token), ..Caller::default() };
        world.session.enter(at(0), &caller, Need::Entry).map(drop)
    };
    assert_eq!(refused(call(None)), ErrorCode::MissingToken);
    assert_eq!(refused(call(Some("wrong-token"))), ErrorCode::InvalidToken);
    call(Some("right-token")).unwrap();

    let mut world = World::new(Limits::default());
    world.create(CreateSession { require_keys: true, ..CreateSession::default() });
    let b = keyed(&mut world, "b");
    for nobody in [Caller::default(), caller("b", None)] {
        let read = world.session.enter(at(0), &nobody, Need::Member);
        assert_eq!(refused(read), ErrorCode::MissingSessionKey);
    }
    assert_eq!(refused(world.enrol(0, "a")), ErrorCode::MissingSessionKey);
    let nobody = Caller { agent: Some(agent("c")), key: b.key.clone(), ..Caller::default() };
    assert_eq!(
        refused(world.session.enrols(at(0), &nobody, named("c"))),
        ErrorCode::MissingSessionKey
    );
    world.session.with_key(at(0), &b).unwrap();
}

#[test]
fn members_are_stale_120_seconds_after_they_were_heard() {
    let mut world = World::with_session(3600, 9);
    world.enrol(0, "a").unwrap();
    world.enrol(60_000, "b").unwrap();
    assert_eq!(world.online(120_000), ["a", "b"]);
    assert_eq!(world.online(120_001), ["b"]);
    // A poll counts as a heartbeat.
    world.take(150_000, "b");
    assert_eq!(world.online(270_000), ["b"]);
    assert_eq!(world.online(270_001), Vec::<String>::new());
    let connected = BTreeSet::from([agent("a")]);
    let there = |world: &mut World, stale| {
        world.session.present_members(at(300_000), &connected, stale).unwrap().len()
    };
    assert_eq!((there(&mut world, false), there(&mut world, true)), (1, 2));
}

#[test]
fn news_is_given_once_and_in_order_since_the_agent_joined() {
    let mut world = World::new(Limits::default());
    world.create(CreateSession { greeting: Some("hello".to_owned()), ..CreateSession::default() });
    world.enrol(0, "a").unwrap();
    world.say(0, "a", "before");
    world.enrol(0, "b").unwrap();
    assert_eq!(world.take(1, "b"), ["hello"]);
    for number in 0..5 {
        world.say(1, "a", &number.to_string());
        world.say(1, "b", "own");
    }
    assert_eq!(world.take(2, "b"), ["0", "1"], "of three messages that are read, one is its own");
    assert_eq!(world.take(2, "b"), ["2"]);
    assert_eq!(world.take(2, "b"), ["3", "4"]);
    assert_eq!(world.take(2, "b"), Vec::<String>::new());
    world.evict();
    assert_eq!(world.take(3, "b"), Vec::<String>::new());
    world.say(3, "a", "new");
    assert_eq!(world.take(3, "b"), ["new"]);
    // A message directed to others is not for `b`.
    let mut message = text("secret");
    message.to = Some(nexus_protocol::Recipients::One(agent("a")));
    let c = keyed(&mut world, "c");
    world.send(4, &c, None, message).unwrap();
    assert_eq!(world.take(4, "b"), Vec::<String>::new());
    let all = [(); 6].map(|()| world.take(4, "a")).concat();
    assert_eq!(all, ["hello", "own", "own", "own", "own", "own", "secret"]);
}

#[test]
fn a_poll_writes_once_with_news_and_never_without() {
    let mut world = World::with_session(3600, 9);
    world.enrol(0, "a").unwrap();
    world.enrol(0, "b").unwrap();
    world.say(1, "a", "x");
    world.session.take_report(at(1)).unwrap();
    world.database.writes();
    assert_eq!(world.take(2, "b").len(), 1);
    assert_eq!(world.database.writes().len(), 1);
    assert!(world.session.take_report(at(2)).unwrap().is_none(), "nothing for the directory");
    world.take(3, "b");
    world.take(3, "a");
    assert_eq!(world.database.writes().len(), 0);
    // Messages are not given to a reader if that cannot be recorded.
    world.say(4, "a", "y");
    world.database.fail_after(0);
    let who = world.act(4, "b");
    assert!(faulted(&world.session.take_unread(at(4), &who, 9)));
    world.database.heal();
    assert_eq!(world.take(4, "b"), ["y"]);
}

#[test]
fn cursors_of_sockets_are_stored_later_in_one_write() {
    let mut world = World::with_session(3600, 9);
    world.enrol(0, "a").unwrap();
    let b = world.enrol(0, "b").unwrap();
    for number in 0..3 {
        let delivery = world.say(1, "a", &number.to_string());
        assert!(b.may_read(&delivery) && b.is_news(&delivery.message));
        world.session.given(at(1), &b, delivery.message.cursor).unwrap();
        // An earlier cursor changes nothing.
        world.session.given(at(1), &b, Cursor::START).unwrap();
    }
    world.database.writes();
    assert_eq!(world.take(2, "b"), Vec::<String>::new(), "not over a poll, too");
    // After a crash, what was not stored is given again, and nothing is lost.
    world.evict();
    assert_eq!(world.act(2, "b").agent(), &agent("b"));
    let who = world.act(2, "b");
    assert_eq!(world.session.unread(at(2), &who, 9).unwrap().messages.len(), 3);
    world.session.given(at(2), &who, Cursor::from_i64(5)).unwrap();
    world.session.save_places(at(2)).unwrap();
    world.session.save_places(at(2)).unwrap();
    assert_eq!(world.database.writes().len(), 1);
    world.evict();
    assert_eq!(world.take(3, "b"), Vec::<String>::new());
    // Once the session has ended, there is nothing to store.
    world.say(4, "a", "x");
    world.session.given(at(4), &who, Cursor::from_i64(6)).unwrap();
    world.session.save_places(at(10_000_000)).unwrap();
    assert_eq!(
        refused(world.session.given(at(10_000_000), &who, Cursor::MAX)),
        ErrorCode::SessionNotFound
    );
}

#[test]
fn a_task_may_skip_intermediate_statuses() {
    use TaskStatus::{Completed, Failed, InProgress};
    let mut world = World::with_session(3600, 9);
    for name in ["a", "b", "c"] {
        world.enrol(0, name).unwrap();
    }
    let task = world.give(1, "a", "b");
    assert_eq!(refused(world.answer(2, "c", &task, Completed)), ErrorCode::Forbidden);
    assert_eq!(refused(world.answer(2, "a", &task, Completed)), ErrorCode::Forbidden);
    let elsewhere = Task { from: agent("c"), ..task.clone() };
    assert_eq!(refused(world.answer(2, "b", &elsewhere, Completed)), ErrorCode::InvalidRequest);
    let unknown = Task { id: "x-1".parse().unwrap(), ..task.clone() };
    assert_eq!(refused(world.answer(2, "b", &unknown, Completed)), ErrorCode::TaskNotFound);
    for status in [InProgress, InProgress, Failed] {
        let task = world.answer(3, "b", &task, status).unwrap();
        assert_eq!((task.status, task.result.unwrap().get()), (status, "1"));
    }
    assert_eq!(refused(world.answer(4, "b", &task, Completed)), ErrorCode::IllegalTransition);
    assert_eq!(world.take(5, "b").len(), 1);
    assert_eq!([world.take(5, "a").len(), world.take(5, "a").len()], [2, 1], "in pages of three");
    // A task for itself is news, once.
    let own = world.give(6, "c", "c");
    assert!(world.take(6, "c")[0].starts_with("Task for c from c (pending): t"));
    world.answer(6, "c", &own, Completed).unwrap();
    assert_eq!(world.take(6, "c"), Vec::<String>::new());
}

#[test]
fn the_service_information_counts() {
    let mut world = World::with_session(3600, 9);
    let info = |world: &mut World| world.session.clawlink_info(at(9), &BTreeSet::new()).unwrap();
    let empty = ClawLinkInfo { token_required: false, online: 0, broadcasts: 0, files: 0 };
    assert_eq!(info(&mut world), empty);
    let a = world.enrol(0, "a").unwrap();
    world.say(1, "a", "x");
    world.say(1, "a", "y");
    world.give(1, "a", "a");
    let save = |world: &mut World, key: &str| {
        let content = Content { content_type: "text/plain".to_owned(), bytes: vec![1] };
        let key = key.parse().unwrap();
        world.session.put_file(at(1), &a, None, &key, &Condition::None, content).unwrap();
    };
    save(&mut world, "f");
    save(&mut world, "f");
    save(&mut world, "g");
    assert_eq!(info(&mut world), ClawLinkInfo { online: 1, broadcasts: 2, files: 2, ..empty });
    assert_eq!(world.session.shared_file(at(2), &"f".parse().unwrap()).unwrap().0.version, 2);
}

#[test]
fn a_generated_id_is_free() {
    let mut world = World::with_session(3600, 9);
    let mut same = world.random.clone();
    let taken: AgentId = world.session.free_id(at(0), &mut same).unwrap();
    world.enrol(0, taken.as_str()).unwrap();
    let free = world.session.free_id(at(0), &mut same).unwrap();
    assert_ne!(free, taken);
}
