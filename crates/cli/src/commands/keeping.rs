//! Keeps a session alive while it is listened to.

use super::renew;
use crate::{
    clock,
    context::{Caller, Context, Session},
    error::Failure,
    http::{Http, Repeat},
    loops::Stop,
    server::Server,
    stderr::tell,
};
use nexus_protocol::Timestamp;
use serde::Deserialize;
use std::{sync::mpsc::Sender, thread, time::Duration};

/// The shortest and the longest pause between two renewals.
const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_mins(10);
/// The pause after a renewal that may succeed at the next try.
const AGAIN: Duration = Duration::from_secs(15);
/// How often the time of day is looked at: the clock of a pause stands still while the machine sleeps.
const STEP: Duration = Duration::from_secs(30);

/// Renews a session from time to time, until it is dropped.
#[derive(Debug)]
pub(super) struct Keeper(
    #[allow(dead_code, reason = "the thread ends when it is dropped")] Sender<()>,
);

/// What is renewed, and as whom.
struct Seat {
    http: Http,
    server: Server,
    session: Session,
    caller: Caller,
}

/// The part of a response that is needed.
#[derive(Default, Deserialize)]
struct Renewed {
    ttl: Option<u32>,
}

/// Begins to renew a session. It keeps its TTL, and nothing is ever shortened.
pub(super) fn keep(
    context: &Context,
    server: &Server,
    session: &Session,
    caller: &Caller,
) -> Keeper {
    let (ask, stop) = Stop::fed();
    let (http, server) = (context.http().clone(), server.clone());
    let seat = Seat { http, server, session: session.clone(), caller: caller.clone() };
    thread::spawn(move || seat.keep(&stop));
    Keeper(ask)
}

impl Seat {
    fn keep(&self, stop: &Stop) {
        let mut is_told = false;
        loop {
            let request = renew::request(&self.session, &self.caller, None, Repeat::Never);
            let pause = match self.http.send(&self.server, &request) {
                Ok(answer) => pause(answer.body.read::<Renewed>().unwrap_or_default().ttl),
                // The listener says that the network is down.
                Err(failure) if failure.is_passing() => AGAIN.max(failure.retry_after()),
                // The listener finds out, too, and ends.
                Err(failure) if failure.is_gone() => return,
                Err(failure) => {
                    if !std::mem::replace(&mut is_told, true) {
                        let why = failure.sentence();
                        tell!("listening does not keep the session alive: {why}");
                    }
                    if is_final(&failure) {
                        return;
                    }
                    LONGEST
                }
            };
            let now = || clock::now().millis_since(Timestamp::from_millis(0));
            if rest(pause, |step| stop.sleep(step), now) {
                return;
            }
        }
    }
}

/// Whether a refusal is about us. Every other one may be of a server that is being set up, or of a proxy.
fn is_final(failure: &Failure) -> bool {
    matches!(failure, Failure::Refused(answer) if matches!(answer.status, 401 | 403))
}

/// Half of the TTL, in seconds.
fn pause(ttl: Option<u32>) -> Duration {
    ttl.map_or(LONGEST, |ttl| Duration::from_secs(ttl.into()).div_f32(2.0).clamp(SHORTEST, LONGEST))
}

/// Sleeps until the pause is over by either clock. Returns whether we were asked to stop. `now` is the time of day
/// in milliseconds.
fn rest(pause: Duration, mut sleep: impl FnMut(Duration) -> bool, now: impl Fn() -> i64) -> bool {
    let whole = i64::try_from(pause.as_millis()).unwrap_or(i64::MAX);
    let due = now().saturating_add(whole);
    let mut left = pause;
    while !left.is_zero() && now() < due {
        let step = left.min(STEP);
        if sleep(step) {
            return true;
        }
        left = left.saturating_sub(step);
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{answer::Answer, error::Kind, json::Json};
    use std::cell::Cell;

    #[test]
    fn a_session_is_renewed_well_before_its_end() {
        let secs = |ttl| pause(ttl).as_secs();
        assert_eq!([secs(Some(60)), secs(Some(1000)), secs(Some(86_400))], [30, 500, 600]);
        assert_eq!([secs(Some(1)), secs(Some(0)), secs(None)], [1, 1, 600]);
    }

    #[test]
    fn only_a_refusal_of_us_ends_the_renewals() {
        let refused = |status| {
            let body = Json::parse(r#"{"error":"x"}"#).unwrap();
            is_final(&Failure::Refused(Answer { status, body, retry_after: None }))
        };
        assert!(refused(401) && refused(403));
        assert!([302, 404, 405, 409, 501].into_iter().all(|status| !refused(status)));
        assert!(!is_final(&Failure::own(Kind::Redirected, "elsewhere")));
    }

    #[test]
    fn a_machine_that_slept_does_not_wait_for_the_rest_of_the_pause() {
        let (now, slept) = (Cell::new(0_i64), Cell::new(0_u32));
        let by = |millis: i64| {
            now.set(0);
            slept.set(0);
            let sleep = |_| {
                slept.set(slept.get() + 1);
                now.set(now.get() + millis);
                false
            };
            assert!(!rest(Duration::from_mins(10), sleep, || now.get()));
            slept.get()
        };
        assert_eq!(by(30_000), 20);
        assert_eq!(by(3_600_000), 1, "an hour passed in the first step");
        assert_eq!(by(-30_000), 20, "the time of day was set back");
        assert!(rest(Duration::from_mins(10), |_| true, || 0), "asked to stop");
    }
}
