//! Long polls and plain polls, which work everywhere.

use super::{Ended, Event, Port, Target};
use crate::{json::Json, message::Page};
use nexus_protocol::Cursor;
use std::{
    thread,
    time::{Duration, Instant},
};

/// How long the server holds a poll, in seconds.
const HELD: u64 = 25;
/// The pause between polls of a server that does not hold them.
const INTERVAL: Duration = Duration::from_secs(3);

/// Reads page after page. `is_held`: asks the server to hold polls.
pub(super) fn read(
    target: &Target,
    mut after: Option<Cursor>,
    port: &Port,
    is_held: bool,
) -> Ended {
    let wait = if is_held { Duration::from_secs(HELD) } else { Duration::ZERO };
    // The first poll is not held, so that it shows at once whether polls work.
    let mut is_first = true;
    loop {
        let held = is_held && !is_first;
        let path = target.path("messages", after, held.then_some(HELD));
        let asked = Instant::now();
        let request = target.get(path, if held { wait } else { Duration::ZERO });
        let answer = match target.http.send(&target.server, &request) {
            Ok(answer) => answer,
            Err(failure) => return failure.into(),
        };
        let page: Page = answer.body.read().unwrap_or_default();
        let is_empty = page.messages.is_empty();
        let next = page.next();
        let reset = next.filter(|_| page.cursor_reset);
        let messages = page.messages.into_iter().filter_map(|message| Json::parse(message.get()));
        let events = reset.map(Event::Reset).into_iter().chain(messages.map(Event::Message));
        let mut events = events.chain([Event::Ready(next)]);
        if !events.all(|event| port.send(event)) {
            return Ended::Lost("nobody listens".to_owned(), Duration::ZERO);
        }
        after = reset.or(after.max(next));
        let came_at_once = asked.elapsed() < Duration::from_secs(1);
        let was_held = held && !(is_empty && came_at_once);
        let goes_on = page.has_more || was_held || (is_held && is_first);
        if !goes_on {
            thread::sleep(INTERVAL);
        }
        is_first = false;
    }
}
