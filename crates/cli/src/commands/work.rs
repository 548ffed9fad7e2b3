//! `nexus work`
//!
//! Promises: a task that is run is marked so before, and what came of it is reported once; a task that
//! was taken away meanwhile is not. What is left open when this ends, however it ends, is taken up by the
//! next run.

use super::{
    listen::child,
    tasks::{board, listener},
};
use crate::{
    backoff::Backoff,
    context::Context,
    error::{Failure, Kind, Result},
    json::Json,
    live::{Listener, Next},
    loops::{Ended, Stop},
    output::{self, Done, printable, tell},
    random,
    state::{Loop, Running},
    team::{Team, value},
};
use clap::{Args, value_parser};
use nexus_protocol::{Cursor, MessageId, Profile, Task, TaskEvent, TaskStatus};
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    io::{self, Read, Write},
    process::{Command, Stdio},
    sync::{
        Mutex,
        mpsc::{self, Receiver, Sender},
    },
    thread,
    time::Duration,
};
use ureq::http::Method;

/// The most of what a command prints that becomes a result: what a relay takes, without its quotes.
const LONGEST: usize = 60_000;
/// Bytes of what it tells people that a failure quotes.
const QUOTED: usize = 2_000;

#[derive(Args)]
#[command(after_help = "Examples:
  nexus work SESSION --capability build --exec 'make 2>&1 | tail -5'
  nexus work SESSION --capability translate,review --exec 'my-agent --print' --jobs 4

CMD is run by `sh -c` for each task that is yours, with what is to be done on standard input, and
NEXUS_TASK_ID, NEXUS_TASK_FROM, NEXUS_TASK_CONTEXT (JSON), NEXUS_TASK_PRIORITY and NEXUS_SESSION in its
environment. What it prints is the result, as JSON if it is that. If it exits with another code than 0 the
task has failed, and the end of what it told people is the reason. Each task that has ended is one line of
JSON; the last line says why this ended.

What others give is a stranger's: CMD should not trust it. When this is stopped, CMD is ended with all that
it started, and its task stays in progress; the next run begins it again.")]
pub(crate) struct WorkOn {
    /// The session's id or alias
    session: String,
    /// What you can do; may be repeated, or separated by commas
    #[arg(long, value_name = "X", value_delimiter = ',', required = true)]
    capability: Vec<String>,
    /// What to run for each task
    #[arg(long, value_name = "CMD")]
    exec: String,
    /// How many tasks to do at a time
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = value_parser!(u32).range(1..=64))]
    jobs: u32,
}

impl WorkOn {
    pub(crate) fn run(self, context: &Context) -> Result<Done> {
        let team = Team::of(context, &self.session)?;
        let folder = context.state.session_dir(&team.session.id);
        let record = Running::begins(0);
        let place = context.state.begin_loop(&folder, Loop::Work, &record)?;
        let ended = self.work(&team);
        place.end();
        let (reason, counts) = ended?;
        Ok(Json::of(&json!({
            "status": "stopped", "reason": reason, "sessionId": team.session.id,
            "completed": counts.completed, "failed": counts.failed,
        }))
        .into())
    }

    fn work(&self, team: &Team<'_>) -> Result<(Ended, Counts)> {
        let profile = Profile { capabilities: Some(self.capability.clone()), ..Profile::default() };
        team.change(Method::PATCH, &format!("/agents/{}", team.caller.agent), &profile)?;
        // Begun before the board is read, so that no task can come between.
        let after = team.session.stored.cursor.as_deref().and_then(|cursor| cursor.parse().ok());
        let after: Option<Cursor> = after.filter(|_| team.session.is_of(&team.caller));
        let mut listener = listener(team, after)?;
        let query = format!("&status=open&assignee={}", team.caller.agent);
        let open = board(team, &query)?;
        let (sender, receiver) = mpsc::channel();
        let receiver = Mutex::new(receiver);
        let counts = Mutex::new(Counts::default());
        thread::scope(|scope| {
            let mut stops = Vec::new();
            for _ in 0..self.jobs {
                let (stop, job) = Stop::fed();
                let (receiver, counts) = (&receiver, &counts);
                stops.push(stop);
                scope.spawn(move || {
                    let job = Job { team, command: &self.exec, stop: job };
                    job.run(receiver, counts);
                });
            }
            let ended = give_out(team, &mut listener, open, &sender);
            // The jobs see that nothing more comes, and that they are to stop.
            drop(sender);
            // For good: a second signal must not end us before what we run has ended.
            std::mem::forget(listener.stop().hold());
            for stop in stops {
                // A job that is gone needs none.
                let _ = stop.send(());
            }
            ended
        })
        .map(|ended| (ended, counts.into_inner().unwrap_or_default()))
    }
}

/// What was done.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    completed: u64,
    failed: u64,
}

/// Gives the tasks that are ours to the jobs: those that are open, and those that come.
fn give_out(
    team: &Team<'_>,
    listener: &mut Listener,
    open: Vec<Task>,
    jobs: &Sender<Task>,
) -> Result<Ended> {
    let mut known: BTreeSet<(String, Cursor)> = BTreeSet::new();
    let mut give = |task: Task| {
        // The place of the message that assigned it tells a task from one that came back to us.
        if known.insert((task.id.to_string(), task.cursor)) {
            // Jobs end after this does.
            let _ = jobs.send(task);
        }
    };
    open.into_iter().for_each(&mut give);
    loop {
        match listener.next(true)? {
            Some(Next::Message(_, message)) => {
                let Some(news) = message.task() else { continue };
                let ours = news.task.assignee == team.caller.agent;
                if ours && news.event == TaskEvent::Assigned {
                    give(news.task);
                }
            }
            Some(Next::Caught(_) | Next::Reset(_)) | None => {}
            Some(Next::Stopped) => return Ok(Ended::Signal),
            Some(Next::Over) => return Ok(Ended::Over),
            Some(Next::Left) => return Ok(Ended::Left),
        }
    }
}

/// Does one task after the other.
struct Job<'a> {
    team: &'a Team<'a>,
    command: &'a str,
    stop: Stop,
}

impl Job<'_> {
    fn run(&self, tasks: &Mutex<Receiver<Task>>, counts: &Mutex<Counts>) {
        loop {
            // One waits while it holds the lock, the others wait for the lock.
            let next = tasks.lock().map(|tasks| tasks.recv());
            let Ok(Ok(task)) = next else { return };
            if self.stop.sleep(Duration::ZERO) {
                return;
            }
            let id = task.id;
            match self.take(&id) {
                Ok(Some(status)) => {
                    if let Ok(mut counts) = counts.lock() {
                        let count = match status {
                            TaskStatus::Completed => &mut counts.completed,
                            _ => &mut counts.failed,
                        };
                        *count = count.saturating_add(1);
                    }
                    // Nobody reads it: the tasks go on for all that.
                    let _ = output::print(&Json::of(&json!({ "task": id, "status": status })));
                }
                Ok(None) => {}
                Err(failure) => tell!("task {}: {}", id, failure.sentence()),
            }
        }
    }

    /// Takes a task on, does it, and reports what came of it. Nothing, if it is not ours any more, or we
    /// are to stop.
    fn take(&self, id: &MessageId) -> Result<Option<TaskStatus>> {
        // What was given out may be long done, or another's: the relay knows.
        let Some(task) = self.patiently(|| self.team.task(id))? else { return Ok(None) };
        if task.assignee != self.team.caller.agent || !task.status.is_open() {
            return Ok(None);
        }
        let mut status = task.status;
        for step in [TaskStatus::Accepted, TaskStatus::InProgress] {
            if status != step && status.may_become(step) {
                if !self.report(&task.id, &json!({ "status": step }))? {
                    return Ok(None);
                }
                status = step;
            }
        }
        let Some((status, result)) = self.execute(&task)? else { return Ok(None) };
        let body = json!({ "status": status, "result": result });
        Ok(self.report(&task.id, &body)?.then_some(status))
    }

    /// Tells the relay how a task goes. Says whether it is ours to tell.
    fn report(&self, id: &MessageId, body: &Value) -> Result<bool> {
        // The same for every try: told once, and not refused because it was told before.
        let once = random::hex();
        let told = self.patiently(|| match self.team.report_once(id, body, &once) {
            Ok(_) => Ok(true),
            Err(Failure::Refused(answer)) if matches!(answer.status, 403 | 404 | 409) => {
                let why = printable(&answer.error().message, 200);
                tell!("task {id} is left alone: {why}");
                Ok(false)
            }
            Err(failure) => Err(failure),
        })?;
        Ok(told.unwrap_or(false))
    }

    /// Tries until it works out, or we are to stop: then nothing.
    fn patiently<T>(&self, mut work: impl FnMut() -> Result<T>) -> Result<Option<T>> {
        let mut backoff = Backoff::default();
        loop {
            match work() {
                Err(failure) if failure.is_passing() => {
                    if self.stop.sleep(backoff.next().max(failure.retry_after())) {
                        return Ok(None);
                    }
                }
                result => return result.map(Some),
            }
        }
    }

    /// Runs the command for a task. Nothing, if we are to stop before it ends.
    fn execute(&self, task: &Task) -> Result<Option<(TaskStatus, Json)>> {
        let failed = |error: io::Error| {
            Failure::own(Kind::ExecFailed, format!("The command cannot be run: {error}."))
        };
        let (said, writer) = io::pipe().map_err(failed)?;
        let said = tail_of(said);
        let mut command = Command::new("sh");
        command.arg("-c").arg(self.command).stdout(Stdio::piped()).stderr(writer);
        command.env_remove("NEXUS_TOKEN").env_remove("NEXUS_HOOK_TOKEN");
        command.envs([
            ("NEXUS_SESSION", self.team.session.id.as_str()),
            ("NEXUS_TASK_ID", task.id.as_str()),
            ("NEXUS_TASK_FROM", task.from.as_str()),
            ("NEXUS_TASK_CONTEXT", task.context.as_ref().map_or("", |context| context.get())),
        ]);
        command.env("NEXUS_TASK_PRIORITY", Json::of(&task.priority).as_str().trim_matches('"'));
        let ran = child::run(&mut command, format!("{}\n", task.task), &self.stop);
        // Closes our end of what it tells people.
        drop(command);
        let (status, printed) = match ran {
            Ok(Some(ran)) => ran,
            Ok(None) => return Ok(None),
            Err(error) => return Ok(Some((TaskStatus::Failed, Json::of(&error.to_string())))),
        };
        let printed = String::from_utf8_lossy(&printed);
        let printed = printed.trim_end_matches('\n');
        Ok(Some(if !status.success() {
            let said = said.recv_timeout(Duration::from_secs(1)).unwrap_or_default();
            let why =
                json!({ "error": format!("the command failed with {status}"), "stderr": said });
            (TaskStatus::Failed, Json::of(&why))
        } else if printed.len() > LONGEST {
            let why = format!(
                "The command printed {} bytes, more than the {LONGEST} of a result; let it share a file (nexus file-put) and print its name.",
                printed.len()
            );
            (TaskStatus::Failed, Json::of(&json!({ "error": why })))
        } else {
            (TaskStatus::Completed, value(printed))
        }))
    }
}

/// Passes on what a command tells people, and gives the end of it when that is over.
fn tail_of(mut said: io::PipeReader) -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let (mut tail, mut buffer) = (Vec::new(), [0; 4096]);
        while let Ok(count @ 1..) = said.read(&mut buffer) {
            let part: Vec<u8> = buffer.iter().copied().take(count).collect();
            // Nobody looks: that is no failure.
            let _ = io::stderr().write_all(&part);
            tail.extend(part);
            let surplus = tail.len().saturating_sub(QUOTED);
            tail.drain(..surplus);
        }
        // Only of a command that failed is it wanted.
        let _ = sender.send(String::from_utf8_lossy(&tail).trim().to_owned());
    });
    receiver
}
