//! Messages as they come, outside of calls: told by a channel, or pointed at.
//!
//! A channel is only for hosts of the legacy era. A message that it has told stays unread, because a host may drop
//! what a channel says.

use super::{
    channel,
    codex::Codex,
    desk::Desk,
    seats::{self, Seat},
};
use crate::{
    capabilities,
    error::{Result, usable},
    live::{Listener, Next, Target, Wanted},
    message::{Me, Message},
    output,
    team::Team,
    wake_line::Waiting,
};
use nexus_mcp::fields::Fields;
use nexus_protocol::Cursor;
use serde_json::value::RawValue;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

/// The most seats that are listened to.
const MOST: usize = 20;
/// The most messages of one seat that a channel tells before one of them was read.
const TOLD: usize = 20;
/// How long to wait for a call that may tell the message.
const CALL: Duration = Duration::from_mins(1);

#[derive(Clone, Debug)]
pub(super) struct Watch {
    desk: Arc<Desk>,
    out: Arc<Mutex<()>>,
    codex: Arc<Codex>,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    channel: Channel,
    seats: BTreeMap<Seat, Listened>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Channel {
    /// The host has not begun with the handshake of the legacy era.
    #[default]
    None,
    /// It has, and has not confirmed it.
    Expected,
    Open,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Listened {
    Now,
    /// The session has ended, or cannot be listened to.
    NoMore,
}

/// What a channel has told of a seat.
#[derive(Debug, Default)]
struct Count {
    /// Up to where the seat was read then.
    place: Option<Cursor>,
    told: usize,
}

impl Watch {
    pub(super) fn new(desk: Arc<Desk>, out: Arc<Mutex<()>>) -> Self {
        let codex = Arc::new(Codex::new(Arc::clone(&desk)));
        Self { desk, out, codex, state: Arc::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The host begins with the handshake of the legacy era.
    pub(super) fn expect_channel(&self) {
        self.state().channel = Channel::Expected;
    }

    /// The handshake is done: from now on the host takes notifications.
    pub(super) fn open_channel(&self) {
        let mut state = self.state();
        if state.channel == Channel::Expected {
            state.channel = Channel::Open;
            drop(state);
            let watch = self.clone();
            // Looking at the state folder may take a moment.
            thread::spawn(move || watch.look());
        }
    }

    /// Learns from a call which thread of Codex calls.
    pub(super) fn thread_of(&self, meta: &RawValue) {
        let thread = Fields::of(meta.get()).and_then(|meta| meta.text("threadId"));
        if let Some(thread) = thread {
            self.codex.learn(&thread);
        }
    }

    /// Listens to the seats that there are now.
    pub(super) fn look(&self) {
        // Those that are used come first, if there are too many.
        let mut wanted: Vec<Seat> = self.desk.seats.all_used().into_iter().collect();
        let is_open = self.state().channel == Channel::Open;
        if is_open {
            wanted.extend(usable(seats::known(&self.desk.context)).unwrap_or_default());
        } else if !self.codex.is_there() {
            return;
        }
        for seat in wanted {
            let mut state = self.state();
            let count = state.seats.values().filter(|one| **one == Listened::Now).count();
            if count >= MOST || state.seats.contains_key(&seat) {
                continue;
            }
            state.seats.insert(seat.clone(), Listened::Now);
            drop(state);
            let watch = self.clone();
            thread::spawn(move || {
                let has_left = watch.listen(&seat).unwrap_or(false);
                let mut state = watch.state();
                if has_left {
                    // There may be another link for it.
                    state.seats.remove(&seat);
                } else {
                    state.seats.insert(seat, Listened::NoMore);
                }
            });
        }
    }

    /// Listens to a seat until it is given up. Returns whether there may be another seat in the same session.
    fn listen(&self, seat: &Seat) -> Result<bool> {
        let context = &self.desk.context;
        let (target, team) = match seat {
            Seat::Session(id) => {
                let team = Team::quietly(context, context.session_of(id.clone())?)?;
                let target = Target {
                    http: context.http().clone(),
                    server: team.server.clone(),
                    caller: team.caller.clone(),
                    base: team.session.path(""),
                    wanted: Wanted { others: true, events: true },
                };
                (target, Some(team))
            }
            Seat::Address(id) => {
                let mailbox = context.mailbox_of(Some(id.clone()))?;
                let target = Target {
                    http: context.http().clone(),
                    server: mailbox.server.clone(),
                    base: mailbox.path(""),
                    caller: mailbox.caller,
                    wanted: Wanted::default(),
                };
                (target, None)
            }
        };
        let capabilities = capabilities::of(context, &target.server)?;
        let mut me = Me::new(&target.caller);
        let (_ask, listener) = Listener::fed(target, &capabilities, self.desk.place(seat));
        let mut listener = listener.quietly();
        let mut count = Count::default();
        loop {
            match listener.next(true)? {
                Some(Next::Message(_, message)) => {
                    let is_own = match &team {
                        Some(team) => me.wrote(context, &team.server, &team.session, &message)?,
                        None => false,
                    };
                    if !is_own {
                        self.heard(seat, &message, &mut count);
                    }
                }
                Some(Next::Caught(_) | Next::Reset(_)) | None => {}
                Some(Next::Left) => return Ok(true),
                Some(Next::Stopped | Next::Over) => return Ok(false),
            }
        }
    }

    /// A message of somebody else has come.
    fn heard(&self, seat: &Seat, message: &Message, count: &mut Count) {
        let Some(cursor) = message.cursor() else { return };
        // A read that waits is about to tell it.
        self.desk.is_idle_within(CALL);
        let place = self.desk.place(seat);
        if Some(cursor) <= place {
            return;
        }
        let is_arrival = message.kind.as_deref() == Some("joined");
        if !message.is_notice() || is_arrival {
            let event = message.event();
            let from = event.agent_id.as_deref().unwrap_or_else(|| message.author());
            let verified = message.verified || message.is_notice();
            self.codex.heard(seat, cursor, Waiting { author: from.parse().ok(), verified });
        }
        if place != count.place {
            *count = Count { place, told: 0 };
        }
        if self.state().channel != Channel::Open || count.told > TOLD {
            return;
        }
        let name = seat.name(&self.desk.context);
        let is_last = count.told == TOLD;
        count.told = count.told.saturating_add(1);
        let line =
            if is_last { channel::more(&name) } else { channel::notification(&name, message) };
        let _out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        // If nobody reads it, the input ends soon.
        let _ = output::print_protocol(&line);
    }
}
