//! The attacks, all at once, by what they strain.
//!
//! | module | attacks |
//! |---|---|
//! | `frames` | frames, bodies and heads that are too large; frames beyond the rate limit |
//! | `sockets` | many sockets under one unproven name |
//! | `requests` | keyless messages that fill a session, long lists of recipients, wrong codes, polls, uploads |
//! | `addresses` | fresh addresses: full inboxes, a directory of false names, signals of OpenDialogue |
//! | `hooks` | webhooks at a receiver that never agreed |

mod addresses;
mod attack;
mod frames;
mod hooks;
mod requests;
mod sockets;

pub(super) use self::attack::{Attack, Kind};
use crate::abuse::scene::Crew;
use std::time::Duration;

const BOTH: [Crew; 2] = [Crew::One, Crew::Ten];

/// Every kind of attack.
pub(super) const ALL: [Kind; 11] = [
    // 50 connections in all.
    kind("frames", 25, 2000, |who| Box::new(frames::Frames::new(who))),
    kind("sockets", 6, 300, |_| Box::new(sockets::Sockets::default())),
    kind("unproven", 1, 100, |_| Box::new(requests::Unproven::new())),
    kind("names", 1, 500, |_| Box::new(requests::Names::new())),
    kind("codes", 1, 100, |who| Box::new(requests::Codes::new(who))),
    kind("uploads", 2, 50, |_| Box::new(requests::Uploads::default())),
    Kind {
        crews: [Crew::Apart, Crew::Ten],
        ..kind("polls", 2, 200, |who| Box::new(requests::Polls::new(who)))
    },
    kind("inboxes", 4, 300, |who| Box::new(addresses::Inboxes::new(who))),
    kind("directory", 1, 300, |who| Box::new(addresses::Directory::new(who))),
    kind("signals", 1, 200, |who| Box::new(addresses::Signals::new(who))),
    kind("webhooks", 1, 300, |who| Box::new(hooks::Hooks::new(who))),
];

const fn kind(
    name: &'static str,
    attackers: usize,
    pause: u64,
    make: fn(&super::scene::Attacker) -> Box<dyn Attack>,
) -> Kind {
    Kind { name, attackers, crews: BOTH, pause: Duration::from_millis(pause), make }
}
