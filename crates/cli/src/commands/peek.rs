//! `nexus peek`: one line if something waits, for the hooks of a host, which run at each turn of its agent.
//!
//! Promises: it ends within [`LIMIT`] and with exit code 0, whatever the relay does. It reads nothing away. It tells
//! of the same message once; it remembers in the state folder how far it was.

use super::listen::{
    known::{self, Known},
    short::nothing,
    source::Source,
};
use crate::{
    context::Context,
    error::{Failure, Result},
    http::{Http, Repeat, Request},
    json::Json,
    message::{Message, Page},
    output::{self, Done},
    state::Told,
    stderr::{self, tell},
    wake_line::{self, Pointer, Waiting},
};
use clap::Args;
use nexus_protocol::Cursor;
use serde::Deserialize;
use serde_json::json;
use std::{
    collections::{BTreeSet, VecDeque},
    io::{self, Read},
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread,
    time::{Duration, Instant},
};

#[derive(Args)]
#[command(after_help = "Examples:
  nexus peek
  nexus peek SESSION @me
  nexus peek --hook

Prints one line of text if messages of others wait that it has not told of yet, or else nothing. They stay unread.
It takes at most 3 seconds, and ends with 0 whatever happens. As the command of a hook (Claude Code, Codex), --hook
reads the hook's JSON from standard input and answers in its form: at Stop with the decision to go on, at
PostToolUse, UserPromptSubmit and SessionStart with additional context. At SessionStart it tells of all that waits.")]
pub(crate) struct Peek {
    /// Sessions, and addresses such as @me; default: all that are known here
    #[arg(value_name = "SESSION|@me", id = "target")]
    targets: Vec<String>,
    /// Read the JSON of a host's hook from standard input, and answer in its form
    #[arg(long)]
    hook: bool,
    /// Say on standard error what went wrong
    #[arg(long)]
    verbose: bool,
}

/// How long all of it may take. A process that has begun late, or must end, needs the rest of the three seconds.
const LIMIT: Duration = Duration::from_millis(2500);
/// When the process ends, whatever holds it: a lock of another process, or a host that does not read.
const LAST: Duration = Duration::from_millis(2900);
/// The time limit of one request.
const SOON: Duration = Duration::from_secs(2);
/// How many requests are made at the same time.
const AT_ONCE: usize = 16;
/// The most messages that are looked at in one place. A mailbox holds 200 by default.
const PAGE: usize = 200;
/// The longest JSON of a hook that is read. It may quote the output of a tool.
const INPUT: u64 = 16 << 20;

/// The part of a hook's JSON that matters.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Hook {
    hook_event_name: String,
    /// The agent goes on because of a hook already.
    stop_hook_active: bool,
}

/// One session or address, and what was told of it before.
struct Job {
    known: Known,
    source: Source,
    after: Option<Cursor>,
    told: Option<Cursor>,
}

/// What waits in one of them.
struct Found {
    known: Known,
    pointer: Pointer,
    told: Told,
}

impl Peek {
    pub(super) fn run(&self, context: &Context) -> Done {
        let ends = Instant::now().checked_add(LIMIT);
        thread::spawn(|| {
            thread::sleep(LAST);
            std::process::exit(0);
        });
        if !self.verbose {
            stderr::be_silent();
        }
        if let Err(failure) = self.tell(context, ends) {
            tell!("{}", failure.sentence());
        }
        nothing()
    }

    /// Says with `--verbose` why it cannot run.
    pub(super) fn without(&self, failure: &Failure) -> Done {
        if self.verbose {
            tell!("{}", failure.sentence());
        }
        nothing()
    }

    fn tell(&self, context: &Context, ends: Option<Instant>) -> Result<()> {
        if !context.state.exists() {
            return Ok(());
        }
        let event = if self.hook { read_hook(ends) } else { None };
        if self.hook && event.is_none() {
            return Ok(());
        }
        // Hooks of one host may run at once, and one is enough.
        let Some(_telling) = context.state.begin_telling()? else { return Ok(()) };
        let anew = event.as_deref() == Some(SESSION_START);
        let found = look(context, jobs(context, &self.targets, anew), ends);
        let (pointers, told): (Vec<Pointer>, Vec<(Known, Told)>) =
            found.into_iter().map(|found| (found.pointer, (found.known, found.told))).unzip();
        let pointers: Vec<Pointer> =
            pointers.into_iter().filter(|pointer| !pointer.waiting.is_empty()).collect();
        if let Some(line) = wake_line::line(&pointers, context.profile()) {
            let answer = event.as_deref().map_or(line.clone(), |event| answer(event, &line));
            output::print_own(&format!("{answer}\n"))?;
        }
        // Only now: what nobody has read was not told.
        let store = |(known, told): (Known, Told)| {
            let folder = known.folder(context);
            if context.state.told(&folder).as_ref() == Some(&told) {
                return Ok(());
            }
            context.state.store_told(&folder, &told)
        };
        told.into_iter().try_for_each(store)
    }
}

const SESSION_START: &str = "SessionStart";
const STOP: &str = "Stop";

/// The event of a hook that can be answered. The host may leave its end of the pipe open.
fn read_hook(ends: Option<Instant>) -> Option<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut text = String::new();
        let read = io::stdin().take(INPUT).read_to_string(&mut text);
        sender.send(read.map(|_| text)).is_ok()
    });
    let text = receiver.recv_timeout(left(ends)).ok()?.ok()?;
    let hook: Hook = serde_json::from_str(&text).ok()?;
    let events = [SESSION_START, STOP, "PostToolUse", "UserPromptSubmit"];
    let is_known = events.contains(&hook.hook_event_name.as_str());
    let goes_on = hook.hook_event_name == STOP && hook.stop_hook_active;
    Some(hook.hook_event_name).filter(|_| is_known && !goes_on)
}

/// The answer in the form of the hook.
fn answer(event: &str, line: &str) -> String {
    if event == STOP {
        return json!({ "decision": "block", "reason": line }).to_string();
    }
    let output = json!({ "hookEventName": event, "additionalContext": line });
    json!({ "hookSpecificOutput": output }).to_string()
}

fn left(ends: Option<Instant>) -> Duration {
    ends.map_or(Duration::ZERO, |ends| ends.saturating_duration_since(Instant::now()))
}

/// What to look at. `anew`: what was told before does not count.
fn jobs(context: &Context, names: &[String], anew: bool) -> VecDeque<Job> {
    let job = |known: Known| {
        let told = context.state.told(&known.folder(context));
        let opened = known.open(context).and_then(|source| Ok((source.after()?, source)));
        let (after, source) = opened.map_err(|failure| tell!("{}", failure.sentence())).ok()?;
        let told = match told {
            Some(Told::Over(server)) if server == source.server().url => return None,
            Some(Told::UpTo(cursor)) if !anew => Some(cursor),
            _ => None,
        };
        Some(Job { known, source, after, told })
    };
    known::all(context, names).into_iter().filter_map(job).collect()
}

/// Looks at all, as far as the time suffices.
fn look(context: &Context, jobs: VecDeque<Job>, ends: Option<Instant>) -> Vec<Found> {
    let count = jobs.len();
    let jobs = Arc::new(Mutex::new(jobs));
    // Servers that do not answer: asking them once is enough.
    let silent: Arc<Mutex<BTreeSet<String>>> = Arc::default();
    let (sender, receiver) = mpsc::channel();
    for _ in 0..count.min(AT_ONCE) {
        let (jobs, silent, sender) = (Arc::clone(&jobs), Arc::clone(&silent), sender.clone());
        let http = context.hurried(SOON).http().clone();
        thread::spawn(move || {
            let next = || jobs.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
            while let Some(job) = next() {
                let server = job.source.server().url.clone();
                let is_silent = |server: &String| {
                    silent.lock().unwrap_or_else(PoisonError::into_inner).contains(server)
                };
                let found = if is_silent(&server) { Ok(None) } else { look_at(&http, job) };
                let found = found.unwrap_or_else(|failure| {
                    tell!("{}", failure.sentence());
                    if failure.is_passing() {
                        silent.lock().unwrap_or_else(PoisonError::into_inner).insert(server);
                    }
                    None
                });
                if sender.send(found).is_err() {
                    return;
                }
            }
        });
    }
    let answers = (0..count).map_while(|_| receiver.recv_timeout(left(ends)).ok());
    answers.flatten().collect()
}

fn look_at(http: &Http, job: Job) -> Result<Option<Found>> {
    let Job { known, source, after, told } = job;
    let (query, from) = match &source {
        Source::Session(_) => {
            let from = after.max(told);
            let after = from.map(|from| format!("&after={from}")).unwrap_or_default();
            (format!("?others=true&limit={PAGE}{after}"), from)
        }
        // `after` would bring acknowledged messages, too.
        Source::Inbox(_) => (format!("?limit={PAGE}"), told),
    };
    let get = |query: &str| {
        let path = format!("{}/messages{query}", source.base());
        let request = Request { repeat: Repeat::Never, ..Request::get(path) };
        http.send(source.server(), &source.caller().sign(request))
    };
    let page: Page = match get(&query) {
        Ok(answer) => answer.body.read().unwrap_or_default(),
        Err(Failure::Refused(answer))
            if ["session_not_found", "agent_not_found"]
                .contains(&answer.error().error.as_str()) =>
        {
            let told = Told::Over(source.server().url.clone());
            let pointer = Pointer { place: source.named(), waiting: Vec::new(), has_more: false };
            return Ok(Some(Found { known, pointer, told }));
        }
        Err(failure) => return Err(failure),
    };
    let (mut next, is_reset) = (page.next(), page.cursor_reset);
    let messages = page.messages.iter().filter_map(|message| Json::parse(message.get()));
    let waiting: Vec<Waiting> = messages
        .filter_map(|message| known::waiting(source.caller(), &Message::of(&message)))
        .filter(|(cursor, _)| !is_reset && from.is_none_or(|from| *cursor > from))
        .map(|(_, waiting)| waiting)
        .collect();
    let has_more = page.has_more && !waiting.is_empty();
    if has_more {
        // The end of the log: the server tells it to those who ask for what is beyond.
        let page: Option<Page> = get(&format!("?limit=1&after={}", Cursor::MAX))?.body.read();
        next = page.and_then(|page| page.next()).max(next);
    }
    let pointer = Pointer { place: source.named(), waiting, has_more };
    let next = if is_reset { next } else { next.max(told) };
    Ok(next.map(|next| Found { known, pointer, told: Told::UpTo(next) }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_hook_is_answered_in_its_form() {
        assert_eq!(answer("Stop", "nexus: x"), r#"{"decision":"block","reason":"nexus: x"}"#);
        assert_eq!(
            answer("PostToolUse", "nexus: x"),
            r#"{"hookSpecificOutput":{"additionalContext":"nexus: x","hookEventName":"PostToolUse"}}"#
        );
    }
}
