//! `nexus work`
//!
//! Promises: a task is marked as in progress before it is run, and its result is reported once. A result is
//! not reported if the task was given to another agent in the meantime. The next run takes up the tasks that
//! are left open when this one ends, however it ends.

use super::{
    keeping,
    tasks::{board, listener},
};
use crate::{
    backoff::Backoff,
    child::{self, Ran, Said},
    context::Context,
    duration,
    error::{Failure, Kind, Result},
    json::Json,
    live::{Listener, Next},
    loops::{Ended, Stop},
    output::{self, Done},
    random,
    state::{Loop, Running},
    stderr::{printable, tell},
    team::{Team, read, value},
};
use clap::{Args, value_parser};
use nexus_protocol::{Cursor, Members, MessageId, Profile, Task, TaskEvent, TaskStatus};
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    io,
    process::Stdio,
    sync::{
        Mutex,
        mpsc::{self, Receiver, Sender},
    },
    thread,
    time::Duration,
};
use ureq::http::Method;

/// The longest output that becomes a result, in bytes: the limit of a relay, minus quotes.
const LONGEST: usize = 60_000;

#[derive(Args)]
#[command(after_help = "Examples:
  nexus work SESSION --capability build --exec 'make 2>&1 | tail -5'
  nexus work SESSION --capability translate,review --exec 'my-agent --print' --jobs 4

`sh -c` runs CMD for each task that is assigned to you. The task is on standard input. NEXUS_TASK_ID,
NEXUS_TASK_FROM, NEXUS_TASK_CONTEXT (JSON), NEXUS_TASK_PRIORITY and NEXUS_SESSION are in the environment.
The output of CMD is the result, as JSON if it is valid JSON. If CMD exits with a code other than 0, the task
has failed, and the end of its standard error is the reason. Each task that has ended is printed as one line
of JSON. The last line says why the worker stopped.

A task that was given for another capability is left to other workers. The profile keeps what it says
already.

A task is a stranger's text, and CMD must not trust it. When the worker is stopped, it also ends CMD and all
that CMD started. The task stays in progress, and the next run begins it again.")]
pub(crate) struct WorkOn {
    /// The session's id or alias
    session: String,
    /// What you can do; may be repeated, or separated by commas
    #[arg(long, value_name = "X", value_delimiter = ',', required = true)]
    capability: Vec<String>,
    /// The command to run for each task
    #[arg(long, value_name = "CMD")]
    exec: String,
    /// How many tasks to do at the same time
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = value_parser!(u32).range(1..=64))]
    jobs: u32,
    /// How long CMD may take. It is then ended, and the task has failed
    #[arg(long, value_name = "TIME", default_value = "10m", value_parser = duration::at_least_one)]
    exec_timeout: u32,
    /// If a worker runs here for this session, end it and take its place
    #[arg(long)]
    takeover: bool,
    /// Do not keep the session alive while this runs
    #[arg(long)]
    no_renew: bool,
}

impl WorkOn {
    pub(crate) fn run(self, context: &Context) -> Result<Done> {
        let team = Team::of(context, &self.session)?;
        let folder = context.state.session_dir(&team.session.id);
        let record = Running::begins(0);
        let place = context.state.begin_loop(&folder, Loop::Work, &record, self.takeover.into())?;
        // An earlier worker may have read more until it ended.
        let session = context.session_of(team.session.id.clone());
        let team_now = session.and_then(|session| Team::quietly(context, session));
        let ended = team_now.and_then(|team| self.work(&team));
        place.end();
        let (reason, counts) = ended?;
        Ok(Json::of(&json!({
            "status": "stopped", "reason": reason, "sessionId": team.session.id,
            "completed": counts.completed, "failed": counts.failed,
        }))
        .into())
    }

    /// Adds what this worker can do to what the profile says already.
    fn promise(&self, team: &Team<'_>) -> Result<()> {
        let members: Members = read(&team.get("/agents")?)?;
        let me = members.agents.into_iter().find(|member| member.agent_id == team.caller.agent);
        let mut all = me.and_then(|member| member.profile.capabilities).unwrap_or_default();
        let before = all.len();
        let new = self.capability.iter().filter(|word| !all.contains(word)).cloned();
        all.extend(new.collect::<Vec<_>>());
        if all.len() == before {
            return Ok(());
        }
        let profile = Profile { capabilities: Some(all), ..Profile::default() };
        team.change(Method::PATCH, &format!("/agents/{}", team.caller.agent), &profile).map(drop)
    }

    /// Whether a task is for this worker: it was given to us by name, or for something that we do.
    fn does(&self, task: &Task) -> bool {
        task.capability.as_ref().is_none_or(|word| self.capability.contains(word))
    }

    fn work(&self, team: &Team<'_>) -> Result<(Ended, Counts)> {
        self.promise(team)?;
        // Listening begins before the board is read, so that no task is missed.
        let is_ours = team.session.is_of(&team.caller);
        let after = if is_ours { team.session.stored.usable_cursor()? } else { None };
        let mut listener = listener(team, after)?;
        let keep = || keeping::keep(team.context, &team.server, &team.session, &team.caller);
        let _keeper = (!self.no_renew).then(keep);
        let query = format!("&status=open&assignee={}", team.caller.agent);
        let mut open = board(team, &query)?;
        open.retain(|task| self.does(task));
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
                    let (command, limit) = (self.exec.as_str(), self.exec_timeout);
                    let job = Job { team, command, limit, stop: job };
                    job.run(receiver, counts);
                });
            }
            let ended = self.give_out(team, &mut listener, open, &sender);
            // Tells the jobs that no more tasks come. They are asked to stop below.
            drop(sender);
            // Never released: a second signal must not end us before our commands have ended.
            std::mem::forget(listener.stop().hold());
            for stop in stops {
                // Fails if the job has ended already.
                let _ = stop.send(());
            }
            ended
        })
        .map(|ended| (ended, counts.into_inner().unwrap_or_default()))
    }

    /// Hands our tasks to the jobs: first the open ones, then new ones as they come.
    fn give_out(
        &self,
        team: &Team<'_>,
        listener: &mut Listener,
        open: Vec<Task>,
        jobs: &Sender<Task>,
    ) -> Result<Ended> {
        let mut known: BTreeSet<(String, Cursor)> = BTreeSet::new();
        let mut give = |task: Task| {
            // A task that comes back to us has another cursor, the one of its latest message.
            if known.insert((task.id.to_string(), task.cursor)) {
                // Does not fail, because the jobs end later than this function.
                let _ = jobs.send(task);
            }
        };
        open.into_iter().for_each(&mut give);
        loop {
            match listener.next(true)? {
                Some(Next::Message(_, message)) => {
                    let Some(news) = message.task() else { continue };
                    let ours = news.task.assignee == team.caller.agent;
                    if ours && news.event == TaskEvent::Assigned && self.does(&news.task) {
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
}

/// How many tasks were done.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    completed: u64,
    failed: u64,
}

/// A thread that does one task after the other.
struct Job<'a> {
    team: &'a Team<'a>,
    command: &'a str,
    /// How many seconds the command may run.
    limit: u32,
    stop: Stop,
}

impl Job<'_> {
    fn run(&self, tasks: &Mutex<Receiver<Task>>, counts: &Mutex<Counts>) {
        loop {
            // One job waits for a task and holds the lock. The others wait for the lock.
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
                    // The tasks go on even if stdout is closed.
                    let _ = output::print(&Json::of(&json!({ "task": id, "status": status })));
                }
                Ok(None) => {}
                Err(failure) => tell!("task {}: {}", id, failure.sentence()),
            }
        }
    }

    /// Accepts a task, does it, and reports its result. `None` if it is no longer ours, or we must stop.
    fn take(&self, id: &MessageId) -> Result<Option<TaskStatus>> {
        // By now the task may be done, or given to another agent, so the relay is asked.
        let Some(Some(task)) = self.patiently(|| self.team.task_to_do(id))? else {
            return Ok(None);
        };
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

    /// Reports a status. Returns `false` if the task is no longer ours.
    fn report(&self, id: &MessageId, body: &Value) -> Result<bool> {
        // All tries have the same key, so the report counts once and a repeated one is not refused.
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

    /// Tries until it succeeds. `None` if we must stop before that.
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

    /// Runs the command for a task. `None` if we must stop before it ends.
    fn execute(&self, task: &Task) -> Result<Option<(TaskStatus, Json)>> {
        let failed = |error: io::Error| {
            Failure::own(Kind::ExecFailed, format!("The command cannot be run: {error}."))
        };
        let mut command = child::shell(self.command, self.team.context.state.root());
        command.stdout(Stdio::piped());
        let said = Said::keep(&mut command).map_err(failed)?;
        command.envs([
            ("NEXUS_SESSION", self.team.session.id.as_str()),
            ("NEXUS_TASK_ID", task.id.as_str()),
            ("NEXUS_TASK_FROM", task.from.as_str()),
            ("NEXUS_TASK_CONTEXT", task.context.as_ref().map_or("", |context| context.get())),
        ]);
        command.env("NEXUS_TASK_PRIORITY", Json::of(&task.priority).as_str().trim_matches('"'));
        let ran = child::run(&mut command, format!("{}\n", task.task), &self.stop, self.limit);
        // Closes our end of its stderr.
        drop(command);
        let (status, printed) = match ran {
            Ok(Ran::Ended(status, printed)) => (status, printed),
            Ok(Ran::Stopped) => return Ok(None),
            Ok(Ran::TimedOut) => return Ok(Some(self.too_long(task, &said))),
            Err(error) => return Ok(Some((TaskStatus::Failed, Json::of(&error.to_string())))),
        };
        let printed = String::from_utf8_lossy(&printed);
        let printed = printed.trim_end_matches('\n');
        Ok(Some(if !status.success() {
            let why = format!("the command failed with {status}");
            let why = json!({ "error": why, "stderr": said.end() });
            (TaskStatus::Failed, Json::of(&why))
        } else if printed.len() > LONGEST {
            let why = format!(
                "The command printed {} bytes, but a result has at most {LONGEST}. Let it share a file (`nexus file put`) and print the file's name.",
                printed.len()
            );
            (TaskStatus::Failed, Json::of(&json!({ "error": why })))
        } else {
            (TaskStatus::Completed, value(printed))
        }))
    }

    /// The result of a task whose command took too long.
    fn too_long(&self, task: &Task, said: &Said) -> (TaskStatus, Json) {
        let why = format!(
            "the command did not finish within {} and was ended",
            duration::shown(self.limit)
        );
        tell!("task {}: {why}; --exec-timeout gives it more time", task.id);
        (TaskStatus::Failed, Json::of(&json!({ "error": why, "stderr": said.end() })))
    }
}
