//! Agents of ClawLink say things, poll and open sockets in any order. Each is given everything that
//! is for it once and in order, even if the object is rebuilt in between.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test may panic"
)]

mod support;

use nexus_core::Who;
use nexus_protocol::{Profile, Recipients};
use proptest::prelude::*;
use support::{Calls, World, agent, at, caller, messages, text};

const NAMES: [&str; 3] = ["a", "b", "c"];

/// What happens to a session in any order.
#[derive(Clone, Debug)]
enum Step {
    /// This agent says the next number, to everyone or to one other agent.
    Say(usize, Option<usize>),
    /// This agent polls.
    Poll(usize),
    /// This agent's socket opens, or closes.
    Socket(usize),
    /// The cursors of sockets are persisted.
    Save,
    /// The cursors of sockets are persisted, and then the object is rebuilt.
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    let who = 0..3_usize;
    prop_oneof![
        (who.clone(), proptest::option::of(who.clone())).prop_map(|(from, to)| Step::Say(from, to)),
        who.clone().prop_map(Step::Poll),
        who.prop_map(Step::Socket),
        Just(Step::Save),
        Just(Step::Restart),
    ]
}

fn enrol(world: &mut World, name: &str) -> Who {
    world.session.enrols(at(0), &caller(name, None), Profile::default()).unwrap();
    act(world, 0, name)
}

fn act(world: &mut World, now: i64, name: &str) -> Who {
    world.session.with_key(at(now), &caller(name, None)).unwrap()
}

fn take(world: &mut World, now: i64, name: &str) -> Vec<String> {
    let who = act(world, now, name);
    let page = world.session.take_unread(at(now), &who, 3).unwrap();
    messages(&page).into_iter().map(|message| message.text.unwrap()).collect()
}

proptest! {
    #[test]
    fn everyone_is_given_everything_once(steps in prop::collection::vec(step(), 0..60)) {
        let mut world = World::with_session(3600, 3);
        let mut who: Vec<Who> = NAMES.iter().map(|name| enrol(&mut world, name)).collect();
        let (mut expected, mut given) = (vec![Vec::new(); 3], vec![Vec::<String>::new(); 3]);
        let mut open = [false; 3];
        let mut said = 0;
        let mut steps = steps;
        // At the end, each agent polls until nothing more comes.
        steps.extend([0, 1, 2].repeat(40).into_iter().map(Step::Poll));
        for step in steps {
            match step {
                Step::Say(from, to) => {
                    said += 1;
                    let mut message = text(&said.to_string());
                    message.to = to.map(|to| Recipients::One(agent(NAMES[to])));
                    let sent = world.session.send(at(said), &who[from], None, message).unwrap();
                    let delivery = sent.1.unwrap();
                    for reader in 0..3 {
                        let meant = to.is_none_or(|to| to == reader) && reader != from;
                        let news = who[reader].may_read(&delivery) && who[reader].is_news(&delivery.message);
                        prop_assert_eq!(meant, news);
                        if meant {
                            expected[reader].push(said.to_string());
                        }
                        if meant && open[reader] {
                            given[reader].push(said.to_string());
                            world.session.given(at(said), &who[reader], delivery.message.cursor).unwrap();
                        }
                    }
                }
                Step::Poll(reader) => given[reader].extend(take(&mut world, said, NAMES[reader])),
                Step::Socket(reader) => {
                    let is_open = !open[reader];
                    open[reader] = is_open;
                    if !is_open {
                        continue;
                    }
                    // The socket catches up.
                    loop {
                        let page = world.session.unread(at(said), &who[reader], 2).unwrap();
                        given[reader].extend(messages(&page).into_iter().map(|m| m.text.unwrap()));
                        world.session.given(at(said), &who[reader], page.next_cursor).unwrap();
                        if !page.has_more {
                            break;
                        }
                    }
                }
                Step::Save => world.session.save_places(at(said)).unwrap(),
                Step::Restart => {
                    world.session.save_places(at(said)).unwrap();
                    world.evict();
                    open = [false; 3];
                    who = NAMES.iter().map(|name| act(&mut world, said, name)).collect();
                }
            }
        }
        prop_assert_eq!(given, expected);
    }
}
