//! `nexus listen --short`: one line when something waits, for a host that wakes its agent by it.
//!
//! Owns one thread for each session and address that this client knows, and the pace of the lines.
//!
//! Promises: it reads nothing away, neither here nor at the relay. It prints lines of [`wake_line`] and nothing else,
//! at most one in two seconds, and none twice for the same message. It never ends by itself while somebody reads
//! its output, because the end of it costs a host a turn of its model.

use super::{
    known::{self, Known, capabilities},
    source::Source,
};
use crate::{
    context::Context,
    error::Result,
    http::{Repeat, Request},
    json::Json,
    live::{Listener, Next},
    loops::Stop,
    mailbox::Mailbox,
    message::{Message, Page},
    output::{self, Done, Printed},
    state::{Loop, Place, State},
    stderr,
    wake_line::{self, Pointer, Waiting},
};
use nexus_protocol::Cursor;
use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        mpsc::{self, Receiver, RecvTimeoutError, Sender},
    },
    thread,
    time::{Duration, Instant, SystemTime},
};

/// How long after a message its line is printed. What comes meanwhile is in the same line, and what a waiting
/// program has read by then is in none.
const FOLD: Duration = Duration::from_millis(300);
/// The least time between two lines.
const GAP: Duration = Duration::from_secs(2);
/// How often to look for new sessions and addresses, and how many are begun at a time.
const LOOK: Duration = Duration::from_secs(1);
const AT_ONCE: usize = 8;
/// How long to wait after a failure that may pass.
const AGAIN: Duration = Duration::from_mins(1);
/// How often to ask for a place that another process has.
const HELD: Duration = Duration::from_secs(2);
/// How often to see whether a listener has read what waits.
const LISTENED: Duration = Duration::from_secs(10);
/// The time limit of the question whether something still waits.
const SOON: Duration = Duration::from_secs(2);

/// The places that this process has, so that no other tells of the same.
type Places = Mutex<BTreeMap<Known, Place>>;

/// What the threads report.
enum News {
    Heard(Known, Cursor, Waiting),
    /// The log ends here, and what was told is beyond that.
    Reset(Known, Cursor),
    /// A thread has ended. `is_over`: it need not be tried again unless something changes here.
    Ended(Known, bool),
    /// A signal came, or nobody reads the output.
    Stop,
}

/// One session or address.
#[derive(Default)]
struct Watched {
    /// `None` while its thread runs.
    rest: Option<Rest>,
    told: Option<Cursor>,
    pending: BTreeMap<Cursor, Waiting>,
}

/// Why no thread runs.
enum Rest {
    Until(Instant),
    /// Until what is stored about it changes.
    Over(Vec<Option<SystemTime>>),
}

/// Runs until a signal comes or nobody reads the output.
pub(super) fn run(context: &Context, names: &[String]) -> Result<Done> {
    stderr::be_silent();
    let (sender, news) = mpsc::channel();
    let (asked, gone) = (sender.clone(), sender.clone());
    let _stop = Stop::on_signals_and(move || drop(asked.send(News::Stop)))?;
    thread::spawn(move || {
        output::until_nobody_reads();
        let _ = gone.send(News::Stop);
    });
    let mut short = Short {
        context: Arc::new(context.clone()),
        names: names.to_vec(),
        sender,
        places: Arc::default(),
        watched: BTreeMap::new(),
        due: None,
        last: None,
    };
    short.go(&news);
    std::mem::take(&mut *lock(&short.places)).into_values().for_each(Place::end);
    Ok(nothing())
}

/// The result of a command that prints nothing more.
pub(crate) fn nothing() -> Done {
    Done { printed: Printed::Bytes(Vec::new()), ..Json::of(&()).into() }
}

struct Short {
    context: Arc<Context>,
    /// Empty: all that are known.
    names: Vec<String>,
    sender: Sender<News>,
    /// Those that this process has.
    places: Arc<Places>,
    watched: BTreeMap<Known, Watched>,
    /// When the next line is due.
    due: Option<Instant>,
    /// When the last line was printed.
    last: Option<Instant>,
}

impl Short {
    fn go(&mut self, news: &Receiver<News>) {
        let mut look = Instant::now();
        loop {
            if look <= Instant::now() {
                self.look();
                look = after(LOOK);
            }
            if self.due.is_some_and(|due| due <= Instant::now()) && self.tell().is_err() {
                return;
            }
            let next = self.due.map_or(look, |due| due.min(look));
            match news.recv_timeout(next.saturating_duration_since(Instant::now())) {
                Ok(News::Stop) | Err(RecvTimeoutError::Disconnected) => return,
                Ok(news) => self.take(news),
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }

    /// Begins with what is new here, and again with what may work by now.
    fn look(&mut self) {
        let known = if self.context.state.exists() {
            known::all(&self.context, &self.names)
        } else {
            Vec::new()
        };
        self.watched.retain(|old, watched| watched.rest.is_none() || known.contains(old));
        let mut begun: usize = 0;
        for known in known {
            let watched = self.watched.entry(known.clone()).or_insert_with(Watched::ready);
            let is_ready = match &watched.rest {
                None => false,
                Some(Rest::Until(time)) => *time <= Instant::now(),
                Some(Rest::Over(then)) => *then != State::changed_at(&known.folder(&self.context)),
            };
            if !is_ready {
                continue;
            }
            watched.rest = None;
            let (context, sender) = (Arc::clone(&self.context), self.sender.clone());
            let places = Arc::clone(&self.places);
            thread::spawn(move || {
                let is_over = watch(&context, &known, &sender, &places);
                let _ = sender.send(News::Ended(known, is_over));
            });
            begun = begun.saturating_add(1);
            if begun >= AT_ONCE {
                break;
            }
        }
    }

    fn take(&mut self, news: News) {
        match news {
            News::Heard(known, cursor, waiting) => {
                let watched = self.watched.entry(known).or_default();
                if watched.told.is_none_or(|told| told < cursor) {
                    watched.pending.insert(cursor, waiting);
                    self.due = self.due.or_else(|| Some(self.earliest()));
                }
            }
            News::Reset(known, end) => {
                let watched = self.watched.entry(known).or_default();
                watched.told = Some(end);
                watched.pending.clear();
            }
            News::Ended(known, is_over) => {
                let changed = State::changed_at(&known.folder(&self.context));
                let rest = if is_over { Rest::Over(changed) } else { Rest::Until(after(AGAIN)) };
                self.watched.entry(known).or_default().rest = Some(rest);
            }
            News::Stop => {}
        }
    }

    /// When the next line may be printed.
    fn earliest(&self) -> Instant {
        let pause = self.last.and_then(|last| last.checked_add(GAP));
        pause.map_or_else(|| after(FOLD), |pause| pause.max(after(FOLD)))
    }

    /// Prints the line about all that still waits. Fails if nobody can read it.
    fn tell(&mut self) -> Result<()> {
        self.due = None;
        let mut pointers = Vec::new();
        for (known, watched) in &mut self.watched {
            if watched.pending.is_empty() {
                continue;
            }
            // It marks them as read itself. If it ends before it has, they are told.
            let folder = known.folder(&self.context);
            if self.context.state.running_in(&folder, Loop::Listen).ok().flatten().is_some() {
                self.due = Some(after(LISTENED));
                watched.forget_read(&self.context, known);
                continue;
            }
            if let Some(source) = watched.forget_read(&self.context, known) {
                watched.told = watched.told.max(watched.pending.keys().next_back().copied());
                let waiting: Vec<Waiting> =
                    std::mem::take(&mut watched.pending).into_values().collect();
                if !waiting.is_empty() {
                    pointers.push(Pointer { place: source.named(), waiting, has_more: false });
                }
            }
        }
        let Some(line) = wake_line::line(&pointers, self.context.profile()) else { return Ok(()) };
        self.last = Some(Instant::now());
        output::print_own(&format!("{line}\n"))
    }
}

impl Watched {
    /// One whose thread may begin.
    fn ready() -> Self {
        Self { rest: Some(Rest::Until(Instant::now())), ..Self::default() }
    }

    /// Forgets what has been read meanwhile. `None` if it is no longer known here, and then all is forgotten.
    fn forget_read(&mut self, context: &Context, known: &Known) -> Option<Source> {
        let Ok(source) = known.open(context) else {
            self.pending.clear();
            return None;
        };
        match &source {
            Source::Session(_) => {
                let read = source.after().ok().flatten();
                self.pending.retain(|cursor, _| read.is_none_or(|read| *cursor > read));
            }
            Source::Inbox(mailbox) => {
                if let Ok(first) = first_waiting(context, mailbox) {
                    self.pending.retain(|cursor, _| first.is_some_and(|first| *cursor >= first));
                }
            }
        }
        Some(source)
    }
}

/// The first message of a mailbox that nobody has acknowledged.
fn first_waiting(context: &Context, mailbox: &Mailbox) -> Result<Option<Cursor>> {
    let request =
        Request { repeat: Repeat::Never, ..Request::get(mailbox.path("/messages?limit=1")) };
    let request = mailbox.caller.sign(request);
    let answer = context.hurried(SOON).call(&mailbox.server, &request)?;
    let page: Page = answer.body.read().unwrap_or_default();
    let first = page.messages.first().and_then(|message| Json::parse(message.get()));
    Ok(first.and_then(|message| Message::of(&message).cursor()))
}

/// Receives what comes, until that ends. Returns whether it is over until something changes here.
fn watch(context: &Context, known: &Known, sender: &Sender<News>, places: &Places) -> bool {
    let folder = known.folder(context);
    loop {
        // A place would make the folder.
        if !folder.is_dir() {
            return true;
        }
        match context.state.begin_quietly(&folder, Loop::Short) {
            Ok(Some(place)) => {
                lock(places).insert(known.clone(), place);
                break;
            }
            // Another process tells of it.
            Ok(None) => thread::sleep(HELD),
            // Where nothing can be written, no other process can have it either.
            Err(_) => break,
        }
    }
    // It may not be complete yet. It changes when it is.
    let is_over = known.open(context).map_or(true, |source| hear(context, known, &source, sender));
    let place = lock(places).remove(known);
    if let Some(place) = place {
        place.end();
    }
    is_over
}

fn lock(places: &Places) -> MutexGuard<'_, BTreeMap<Known, Place>> {
    places.lock().unwrap_or_else(PoisonError::into_inner)
}

fn hear(context: &Context, known: &Known, source: &Source, sender: &Sender<News>) -> bool {
    let Ok(after) = source.after() else { return true };
    let Ok(found) = capabilities(context, source.server()) else { return false };
    let target = source.target(context, false, false);
    // Nobody asks a single listener to stop: its thread ends with the process.
    let (_ask, mut listener) = Listener::fed(target, &found, after);
    loop {
        let news = match listener.next(true) {
            Ok(Some(Next::Message(_, message))) => {
                let told = known::waiting(source.caller(), &message);
                told.map(|(cursor, waiting)| News::Heard(known.clone(), cursor, waiting))
            }
            Ok(Some(Next::Reset(end))) => Some(News::Reset(known.clone(), end)),
            Ok(Some(Next::Caught(_)) | None) => None,
            Ok(Some(Next::Over | Next::Left | Next::Stopped)) => return true,
            Err(failure) => return !failure.is_passing(),
        };
        if news.is_some_and(|news| sender.send(news).is_err()) {
            return true;
        }
    }
}

fn after(time: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(time).unwrap_or(now)
}
