//! The lines: what comes on standard input, and what is answered on standard output.
//!
//! Promises:
//! - A call that waits keeps nothing else from being answered: each runs in a thread of its own.
//! - A call that was cancelled gets no answer, and what it has read stays unread.
//! - When the input ends, calls that do something may finish, and those that only wait do not hold up the end.

use super::{
    call,
    desk::{Desk, Job},
    failing,
    list::{INSTRUCTIONS, list},
    told::{Mark, Told, acknowledge},
    watch::Watch,
};
use crate::{error::Result, output, stderr::tell};
use nexus_mcp::{Ask, Asked, Call, Incoming, Outcome, Tool};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::{
    io::{BufRead, Read as _},
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};

/// The longest line that is read, in bytes: a message of the largest size, and much around it.
const LONGEST: u64 = 4 << 20;
/// How long calls may take to finish after the end of the input.
const FINISH: Duration = Duration::from_secs(10);

#[derive(Debug)]
pub(super) struct Server {
    desk: Arc<Desk>,
    /// The list of the tools: JSON.
    tools: String,
    /// Held while a line is written, with what is stored after it.
    out: Arc<Mutex<()>>,
    watch: Watch,
}

/// What became of an answer.
enum Written {
    Yes,
    /// Nobody waits for it, or nobody reads it.
    No,
    /// Something that it holds was told meanwhile.
    Stale,
}

impl Server {
    pub(super) fn new(desk: Desk) -> Self {
        let (desk, out) = (Arc::new(desk), Arc::new(Mutex::new(())));
        let watch = Watch::new(Arc::clone(&desk), Arc::clone(&out));
        Self { desk, tools: list(), out, watch }
    }

    /// Answers lines until the input ends.
    pub(super) fn run(self, mut input: impl BufRead) -> Result<()> {
        let server = Arc::new(self);
        let mut line = Vec::new();
        loop {
            line.clear();
            let read = (&mut input).take(LONGEST).read_until(b'\n', &mut line);
            match read {
                Ok(0) | Err(_) => break,
                Ok(_) if line.trim_ascii().is_empty() => {}
                Ok(_) => Self::take(&server, &line)?,
            }
            // The rest of a line that is too long is no line of its own.
            while line.len() as u64 >= LONGEST && !line.ends_with(b"\n") {
                line.clear();
                let rest = (&mut input).take(LONGEST).read_until(b'\n', &mut line);
                if !rest.is_ok_and(|count| count > 0) {
                    break;
                }
            }
        }
        server.desk.finish(FINISH);
        Ok(())
    }

    fn take(server: &Arc<Self>, line: &[u8]) -> Result<()> {
        match Incoming::over_stdio(line) {
            Incoming::Note(method) => {
                server.note(&method, line);
                Ok(())
            }
            Incoming::Wrong(reply) => server.write(&reply.body),
            Incoming::Request(asked, ask) => Self::ask(server, asked.instructed(INSTRUCTIONS), ask),
        }
    }

    fn note(&self, method: &str, line: &[u8]) {
        match method {
            "notifications/initialized" => self.watch.open_channel(),
            "notifications/cancelled" => {
                if let Some(id) = cancelled(line) {
                    self.desk.cancel(&id);
                }
            }
            _ => {}
        }
    }

    fn ask(server: &Arc<Self>, asked: Asked, ask: Ask) -> Result<()> {
        const TOOLS: &str = r#"{"tools":{}}"#;
        const CHANNEL: &str = r#"{"tools":{},"experimental":{"claude/channel":{}}}"#;
        let reply = match ask {
            Ask::Initialize(proposed) => {
                server.watch.expect_channel();
                asked.initialized(&proposed, CHANNEL)
            }
            Ask::Discover => asked.discovered(TOOLS),
            Ask::Ping => asked.nothing(),
            Ask::ListTools => asked.tools(&server.tools),
            Ask::Other(..) => asked.no_method(),
            Ask::Call { tool, arguments, meta } => match Call::parse(&tool, &arguments) {
                None => asked.invalid_params("There is no such tool. `tools/list` lists them."),
                Some(Err(refusal)) => asked.outcome(&failing::refused(&refusal)),
                Some(Ok(call)) => return Self::begin(server, asked, call, &meta),
            },
        };
        server.write(&reply.body)
    }

    /// Runs a call in a thread of its own.
    fn begin(server: &Arc<Self>, asked: Asked, call: Call, meta: &RawValue) -> Result<()> {
        let id = asked.id().to_string();
        let job = Arc::new(Job::begin(matches!(&call.tool, Tool::Read(read) if read.wait > 0)));
        if !server.desk.begin(&id, &job) {
            let busy = failing::wrong(
                "Too many calls run, or this one runs already. Wait until one has ended.",
            );
            return server.write(&asked.outcome(&failing::outcome(&busy)).body);
        }
        server.watch.thread_of(meta);
        let server = Arc::clone(server);
        thread::spawn(move || {
            server.work(&asked, &call, &job);
            server.desk.end(&id, &job);
            server.watch.look();
        });
        Ok(())
    }

    /// Does what is asked for, and answers.
    fn work(&self, asked: &Asked, call: &Call, job: &Job) {
        loop {
            let done = call::run(&self.desk, call, job);
            let (outcome, mark) = match done {
                Ok(Told { json, mark }) => (Outcome::Done(json), mark),
                Err(failure) => (failing::outcome(&failure), None),
            };
            let may_repeat = matches!(call.tool, Tool::Read(_));
            match self.answer(&asked.outcome(&outcome).body, mark, job, may_repeat) {
                Written::Stale => {}
                Written::Yes | Written::No => return,
            }
        }
    }

    /// Writes the answer to a call, and stores what then counts as read.
    fn answer(&self, line: &str, mark: Option<Mark>, job: &Job, may_repeat: bool) -> Written {
        let out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        if job.is_cancelled() {
            return Written::No;
        }
        let has_moved = |mark: &Mark| mark.has_moved(&self.desk.context, &self.desk.inboxes);
        if may_repeat && mark.as_ref().is_some_and(has_moved) {
            return Written::Stale;
        }
        if let Err(failure) = output::print_protocol(line) {
            tell!("{}", failure.sentence());
            return Written::No;
        }
        let ack = mark.and_then(|mark| mark.store(&self.desk.inboxes));
        drop(out);
        if let Some(ack) = ack {
            acknowledge(&self.desk.context, &ack);
        }
        Written::Yes
    }

    fn write(&self, line: &str) -> Result<()> {
        let _out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        output::print_protocol(line)
    }
}

/// The id of the request that is cancelled, as the jobs have it.
fn cancelled(line: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Note<'a> {
        #[serde(borrow)]
        params: Params<'a>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Params<'a> {
        #[serde(borrow)]
        request_id: &'a RawValue,
    }
    serde_json::from_slice::<Note<'_>>(line)
        .ok()
        .map(|note| note.params.request_id.get().to_owned())
}
