//! Turns any number of connections into one series of messages.

use super::{Ended, Event, Port, Target, Way, news, polling, socket, stream};
use crate::{
    backoff::Backoff,
    capabilities::Capabilities,
    error::{Failure, Kind, Result},
    json::Json,
    loops::Stop,
    message::Message,
    stderr::{printable, tell},
};
use nexus_protocol::Cursor;
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc::{self, Receiver, RecvTimeoutError, Sender, SyncSender, TryRecvError},
    },
    thread,
    time::{Duration, Instant},
};

/// How many events may wait to be handled. The server keeps the rest.
const WAITING: usize = 64;
/// How long a connection may be silent, in addition to the time limit of a request. This is longer than a
/// poll is held, an event stream is silent, or a socket waits before it pings.
const SILENCE: Duration = Duration::from_secs(30);
/// How long another way is used before the best one is tried again, since networks change.
const LESSER: Duration = Duration::from_mins(10);
/// A connection that lasted this long resets the pauses between tries.
const LASTING: Duration = Duration::from_secs(10);

/// Both ends of the channel into which connections put their events, each with the number of its connection.
type Channel = (SyncSender<(u64, Event)>, Receiver<(u64, Event)>);

/// What comes next.
#[derive(Debug)]
pub(crate) enum Next {
    /// A message, and its place in the log.
    Message(Json, Box<Message>),
    /// There is nothing more for now. Everything up to this cursor was handed out.
    Caught(Option<Cursor>),
    /// The log ends here, and the cursor that we asked for was beyond that.
    Reset(Cursor),
    /// A signal came.
    Stopped,
    /// The session has ended.
    Over,
    /// We are no longer a member.
    Left,
}

/// Listens to one session.
#[derive(Debug)]
pub(crate) struct Listener {
    target: Target,
    ways: Vec<Way>,
    /// The index of the way in use.
    at: usize,
    sender: SyncSender<(u64, Event)>,
    receiver: Receiver<(u64, Event)>,
    current: Arc<AtomicU64>,
    is_open: bool,
    opened_at: Instant,
    /// Whether this connection has delivered anything.
    has_worked: bool,
    /// Whether any connection has delivered anything.
    has_ever_worked: bool,
    /// The kind of a first connection that is not worth telling.
    usual: Option<&'static str>,
    /// When to try the best way again.
    better_at: Option<Instant>,
    /// The cursor of the last message that was handed out.
    seen: Option<Cursor>,
    /// The last line for people. A server may tell the same event in the log and outside of it.
    told: Option<String>,
    backoff: Backoff,
    /// How long to wait before the next connection.
    pause: Duration,
    stop: Stop,
}

impl Listener {
    /// Begins after a cursor, or at the beginning of the log. Signals are noticed from now on.
    pub(crate) fn new(
        target: Target,
        capabilities: &Capabilities,
        after: Option<Cursor>,
    ) -> Result<Self> {
        let (sender, receiver) = mpsc::sync_channel(WAITING);
        let waker = sender.clone();
        // Wakes a receiver that waits for an event. One that does not wait checks for signals first.
        let stop = Stop::on_signals_and(move || drop(waker.try_send((0, Event::Alive))))?;
        Ok(Self::over(target, capabilities, after, stop, (sender, receiver)))
    }

    /// The same in a thread of a program that does other things, too. No signal ends it; it ends when the sender is
    /// dropped, and something comes or a connection breaks.
    pub(crate) fn fed(
        target: Target,
        capabilities: &Capabilities,
        after: Option<Cursor>,
    ) -> (Sender<()>, Self) {
        let (ask, stop) = Stop::fed();
        let channel = mpsc::sync_channel(WAITING);
        (ask, Self::over(target, capabilities, after, stop, channel))
    }

    fn over(
        target: Target,
        capabilities: &Capabilities,
        after: Option<Cursor>,
        stop: Stop,
        (sender, receiver): Channel,
    ) -> Self {
        Self {
            target,
            ways: Way::of(capabilities),
            at: 0,
            sender,
            receiver,
            current: Arc::new(AtomicU64::new(0)),
            is_open: false,
            opened_at: Instant::now(),
            has_worked: false,
            has_ever_worked: false,
            usual: None,
            better_at: None,
            seen: after,
            told: None,
            backoff: Backoff::default(),
            pause: Duration::ZERO,
            stop,
        }
    }

    /// Says nothing of a first connection of the best kind.
    pub(crate) fn quietly(self) -> Self {
        Self { usual: Some(self.way().name()), ..self }
    }

    /// Also stops when `wait` returns. It runs in a thread, and may never return.
    pub(crate) fn stop_after(&self, wait: impl FnOnce() + Send + 'static) {
        let (ask, waker) = (self.stop.asker(), self.sender.clone());
        thread::spawn(move || {
            wait();
            // Fails if listening has ended.
            ask.map(|ask| ask.send(()).is_ok());
            let _ = waker.try_send((0, Event::Alive));
        });
    }

    /// Sleeps, and returns whether a signal came.
    pub(crate) fn sleep(&self, time: Duration) -> bool {
        self.stop.sleep(time)
    }

    /// The receiver of signals.
    pub(crate) fn stop(&self) -> &Stop {
        &self.stop
    }

    /// What comes next. Without `wait`, `None` if nothing is there yet.
    pub(crate) fn next(&mut self, wait: bool) -> Result<Option<Next>> {
        loop {
            if self.stop.sleep(Duration::ZERO) {
                return Ok(Some(Next::Stopped));
            }
            if !self.is_open {
                if self.stop.sleep(std::mem::take(&mut self.pause)) {
                    return Ok(Some(Next::Stopped));
                }
                self.open();
            }
            let event = match self.receive(wait) {
                Ok((connection, event)) if connection == self.connection() => event,
                // From a connection that was abandoned, or a signal.
                Ok(_) => continue,
                Err(TryRecvError::Empty) if !wait => return Ok(None),
                Err(_) => match self.silence() {
                    Some(ended) => Event::Ended(ended),
                    None => return Ok(Some(Next::Caught(None))),
                },
            };
            if let Some(next) = self.take(event)? {
                return Ok(Some(next));
            }
        }
    }

    fn receive(&self, wait: bool) -> Result<(u64, Event), TryRecvError> {
        if !wait {
            return self.receiver.try_recv();
        }
        let limit = self.target.http.limit();
        let silence = if self.has_worked { limit.saturating_add(SILENCE) } else { limit };
        let better = self.better_at.map(|at| at.saturating_duration_since(Instant::now()));
        let patience = better.map_or(silence, |better| better.min(silence));
        self.receiver.recv_timeout(patience).map_err(|error| match error {
            RecvTimeoutError::Timeout => TryRecvError::Empty,
            RecvTimeoutError::Disconnected => TryRecvError::Disconnected,
        })
    }

    /// Handles a silence: the connection is broken, or, with `None`, it is time to try a better way.
    fn silence(&mut self) -> Option<Ended> {
        if self.better_at.is_some_and(|at| at <= Instant::now()) {
            self.give_up();
            self.at = 0;
            return None;
        }
        let why = "nothing came for too long".to_owned();
        Some(if self.has_worked {
            Ended::Lost(why, Duration::ZERO)
        } else {
            Ended::Unsuitable(why)
        })
    }

    fn way(&self) -> Way {
        self.ways.get(self.at).copied().unwrap_or(Way::Poll)
    }

    fn connection(&self) -> u64 {
        self.current.load(Ordering::Relaxed)
    }

    /// Opens a connection, in a thread that ends with it.
    fn open(&mut self) {
        let connection = self.connection().saturating_add(1);
        self.current.store(connection, Ordering::Relaxed);
        let (sender, current) = (self.sender.clone(), Arc::clone(&self.current));
        let port = Port { sender, connection, current };
        let (target, way, after) = (self.target.clone(), self.way(), self.seen);
        thread::spawn(move || {
            let ended = match way {
                Way::Socket => socket::read(&target, after, &port),
                Way::Stream => stream::read(&target, after, &port),
                Way::LongPoll => polling::read(&target, after, &port, true),
                Way::Poll => polling::read(&target, after, &port, false),
            };
            port.send(Event::Ended(ended));
        });
        (self.is_open, self.opened_at) = (true, Instant::now());
        self.has_worked = false;
        self.better_at = (self.at > 0).then(|| Instant::now().checked_add(LESSER)).flatten();
    }

    /// Abandons the connection. Its thread notices at its next event.
    fn give_up(&mut self) {
        self.is_open = false;
        if self.has_worked && is_lasting(self.opened_at.elapsed()) {
            self.backoff = Backoff::default();
        }
        self.current.store(self.connection().saturating_add(1), Ordering::Relaxed);
    }

    fn take(&mut self, event: Event) -> Result<Option<Next>> {
        match event {
            Event::Message(json) => {
                self.works();
                let message = Message::of(&json);
                let cursor = message.cursor();
                // The greeting has the lowest cursor, and comes only if reading starts at the beginning.
                if cursor.is_some() && cursor <= self.seen {
                    return Ok(None);
                }
                self.seen = self.seen.max(cursor);
                if message.is_notice() {
                    self.say(notice(&message));
                }
                Ok(Some(Next::Message(json, Box::new(message))))
            }
            Event::Reset(cursor) => {
                self.works();
                tell!(
                    "note: the log ends at cursor {cursor}, and the stored cursor was beyond that; listening goes on from {cursor}"
                );
                self.seen = Some(cursor);
                Ok(Some(Next::Reset(cursor)))
            }
            Event::Ready(cursor) => {
                self.works();
                self.seen = self.seen.max(cursor);
                Ok(Some(Next::Caught(cursor)))
            }
            Event::Alive => Ok(None),
            Event::Said(text) => {
                self.say(Some(text));
                Ok(None)
            }
            Event::Ended(ended) => self.ended(ended).map(Some),
        }
    }

    /// Prints a line for people, unless it was also the last one.
    fn say(&mut self, text: Option<String>) {
        if text.is_some() && text != self.told {
            tell!("{}", text.as_deref().unwrap_or_default());
            self.told = text;
        }
    }

    fn works(&mut self) {
        let name = self.way().name();
        if !self.has_worked && self.usual.take() != Some(name) {
            tell!("listening over {name}");
        }
        (self.has_worked, self.has_ever_worked) = (true, true);
    }

    fn ended(&mut self, ended: Ended) -> Result<Next> {
        let name = self.way().name();
        self.give_up();
        match ended {
            Ended::Over(_) if self.has_ever_worked => return Ok(Next::Over),
            Ended::Left(_) if self.has_ever_worked => return Ok(Next::Left),
            Ended::Over(failure) | Ended::Left(failure) | Ended::Refused(failure) => {
                return Err(failure);
            }
            Ended::Unsuitable(why) | Ended::Broke(why) if !self.has_worked => {
                self.at = self.at.saturating_add(1);
                if self.at < self.ways.len() {
                    let next = self.way().name();
                    tell!("{name} cannot be had here ({why}); trying {next}");
                } else if self.has_ever_worked || self.ways.len() > 1 {
                    self.at = 0;
                    self.lost(name, &why, Duration::ZERO);
                } else {
                    return Err(Failure::own(Kind::NonJsonResponse, why));
                }
            }
            Ended::Unsuitable(why) | Ended::Broke(why) => self.lost(name, &why, Duration::ZERO),
            Ended::Lost(why, wait) => self.lost(name, &why, wait),
        }
        Ok(Next::Caught(None))
    }

    fn lost(&mut self, name: &str, why: &str, wait: Duration) {
        self.pause = self.backoff.next().max(wait);
        let seconds = self.pause.as_secs_f32();
        tell!("{name} broke off ({why}); again in {seconds:.1} s");
    }
}

/// The line for people about a notice. Notices of other kinds than events bring a sentence.
fn notice(message: &Message) -> Option<String> {
    let event = message.event();
    let agent = event.agent_id.or(event.by);
    let sentence = || message.text.as_deref().map(|text| printable(text, 500));
    news(message.kind.as_deref(), agent.as_deref()).or_else(sentence)
}

/// Whether a connection of this length shows that all is well. Opening it is not enough, since a relay may
/// accept every connection and then close it.
fn is_lasting(time: Duration) -> bool {
    time >= LASTING
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_that_breaks_at_once_does_not_reset_the_pauses() {
        assert!(!is_lasting(Duration::ZERO));
        assert!(!is_lasting(LASTING.saturating_sub(Duration::from_millis(1))));
        assert!(is_lasting(LASTING));
    }
}
