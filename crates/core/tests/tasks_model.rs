//! Tasks (section 9): whatever members try, a task changes only as the protocol's table allows.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test may panic"
)]

mod support;

use nexus_core::Delivery;
use nexus_protocol::{MessageId, TaskEvent, TaskNews, TaskStatus};
use proptest::prelude::*;
use std::collections::BTreeMap;
use support::{
    Calls, agent, at,
    team::{Team, news},
};

/// What a member may try.
#[derive(Clone, Debug)]
enum Try {
    Give(usize, Option<usize>),
    Move(usize, usize, TaskStatus),
    HandOn(usize, usize, usize),
    Leave(usize),
    Join(usize),
    Wait(i64),
    Evict,
}

const NAMES: [&str; 4] = ["a", "b", "c", "d"];

fn tries() -> impl Strategy<Value = Vec<Try>> {
    let moved = prop::sample::select(
        TaskStatus::ALL
            .into_iter()
            .filter(|status| !matches!(status, TaskStatus::Pending | TaskStatus::Overdue))
            .collect::<Vec<_>>(),
    );
    let one = prop_oneof![
        3 => (0..4usize, prop::option::of(0..4usize)).prop_map(|(who, to)| Try::Give(who, to)),
        8 => (0..4usize, 0..6usize, moved).prop_map(|(who, task, next)| Try::Move(who, task, next)),
        2 => (0..4usize, 0..6usize, 0..4usize).prop_map(|(who, task, to)| Try::HandOn(who, task, to)),
        1 => (0..4usize).prop_map(Try::Leave),
        2 => (0..4usize).prop_map(Try::Join),
        2 => (0..40_000i64).prop_map(Try::Wait),
        1 => Just(Try::Evict),
    ];
    prop::collection::vec(one, 1..60)
}

proptest! {
    /// Whatever members try, the log shows that each task changed only as the table allows and had
    /// one assignee at a time. Every answer agrees with the board.
    #[test]
    fn a_task_takes_no_illegal_path_and_has_one_assignee(tries in tries()) {
        let mut team = Team::new(&["a:x", "b:x", "c:x", "d:x"]);
        let (mut now, mut ids) = (0, Vec::<MessageId>::new());
        let mut known: BTreeMap<String, (TaskStatus, String)> = BTreeMap::new();
        for attempt in tries {
            let told = match attempt {
                Try::Give(who, to) => {
                    let to = to.map_or(r#""capability":"x""#.to_owned(), |to| format!(r#""to":"{}""#, NAMES[to]));
                    let body = format!(r#"{{{to},"task":"t","deadline":30}}"#);
                    let given = team.give(now, NAMES[who], &body);
                    if let Ok((task, _)) = &given {
                        ids.push(task.id.clone());
                    }
                    given.ok()
                }
                Try::Move(who, task, next) if task < ids.len() => {
                    let body = format!(r#"{{"status":"{}"}}"#, next.as_str());
                    team.change(now, NAMES[who], &ids[task], &body).ok()
                }
                Try::HandOn(who, task, to) if task < ids.len() => {
                    let body = format!(r#"{{"to":"{}"}}"#, NAMES[to]);
                    team.change(now, NAMES[who], &ids[task], &body).ok()
                }
                Try::Leave(who) => {
                    let caller = team.caller(NAMES[who]);
                    let _ = team.world.session.leaves(at(now), &caller);
                    None
                }
                Try::Join(who) => {
                    if !team.world.session.has(at(now), &agent(NAMES[who])).unwrap() {
                        team.join(now, NAMES[who], "x");
                    }
                    None
                }
                Try::Wait(millis) => { now += millis; None }
                Try::Evict => { team.world.evict(); None }
                _ => None,
            };
            let mut deliveries: Vec<Delivery> = told.iter().filter_map(|(_, d)| d.clone()).collect();
            if let Some((task, _)) = &told {
                let caller = team.caller(task.from.as_str());
                let who = team.world.session.as_member(at(now), &caller).unwrap();
                let read = team.world.session.task(at(now), &who, &task.id).unwrap();
                prop_assert_eq!(read.status, task.status);
            }
            deliveries.extend(team.world.session.settle_tasks(at(now)).unwrap());
            for delivery in deliveries {
                let (event, next, assignee) = news(&delivery.message);
                let raw: TaskNews = serde_json::from_str(delivery.message.json.unwrap().get()).unwrap();
                let before = known.insert(raw.task.id.to_string(), (next, assignee.clone()));
                let legal = match (&before, event) {
                    (None, TaskEvent::Assigned) => next == TaskStatus::Pending,
                    (None, _) => false,
                    (Some((status, _)), TaskEvent::Assigned) => status.is_open() && matches!(next, TaskStatus::Pending | TaskStatus::Overdue),

                    (Some((status, _)), TaskEvent::Returned) => status.is_open() && next.is_open(),
                    (Some((status, same)), TaskEvent::Changed) => {
                        let by_itself = matches!(next, TaskStatus::Overdue | TaskStatus::Cancelled);
                        // A member may act after the deadline has passed and before that is
                        // reported.
                        let late = TaskStatus::Overdue.may_become(next);
                        *same == assignee && status.is_open() && (status.may_become(next) || by_itself || late)
                    }
                };
                prop_assert!(legal, "{before:?} {event:?} {next:?} {assignee}");
            }
        }
        // The board shows what was reported last.
        team.world.evict();
        if let Some(name) = NAMES.iter().find(|name| team.world.session.has(at(now), &agent(name)).unwrap()) {
            for task in team.board(now, name, "limit=500") {
                prop_assert_eq!(&known[task.id.as_str()], &(task.status, task.assignee.to_string()));
            }
        }
    }
}
