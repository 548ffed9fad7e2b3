//! `nexus delegate`

use crate::{
    backoff::Backoff,
    context::{Context, agent_id},
    duration,
    error::{Failure, Kind, Result},
    http::Request,
    json::Json,
    loops::Stop,
    message::{Message, Page},
    output::{self, Done},
    stderr::tell,
    team::{Team, read},
};
use clap::{ArgGroup, Args, ValueEnum};
use nexus_protocol::{AgentId, Cursor, Members, Presence, Task, TaskEvent, TaskNews, TaskStatus};
use serde_json::{Map, Value, json};
use std::{
    collections::BTreeMap,
    io::BufRead,
    time::{Duration, Instant},
};
use ureq::http::Method;

#[derive(Args)]
#[command(group = ArgGroup::new("who").required(true).args(["to", "capability"]))]
#[command(after_help = "Examples:
  nexus task give SESSION --to bob 'Translate the readme'
  nexus task give SESSION --capability translate 'Translate the readme' --deadline 30m --wait
  nexus task give SESSION --capability build --lines --wait < commits.txt

With --capability, the relay chooses a member that is online, has the capability, and has the fewest tasks.
--wait prints each task as a line of JSON when it has ended, and then a summary. The exit code is 0 if all
tasks were completed. While it waits, a task whose worker left or became stale is given to another member
with the capability.")]
pub(crate) struct Delegate {
    /// The session's id or alias
    session: String,
    /// The task; - reads it from standard input
    #[arg(required_unless_present = "lines", allow_hyphen_values = true)]
    task: Option<String>,
    /// A member of the session
    #[arg(long, value_name = "ID", value_parser = agent_id)]
    to: Option<AgentId>,
    /// The capability that the member must have
    #[arg(long, value_name = "X")]
    capability: Option<String>,
    /// Each line of standard input is a task
    #[arg(long, conflicts_with = "task")]
    lines: bool,
    /// Data for the task: any JSON value
    #[arg(long, value_name = "JSON", allow_hyphen_values = true)]
    context: Option<String>,
    /// The priority
    #[arg(long, value_enum)]
    priority: Option<Priority>,
    /// The deadline: 90s, 30m, 2h, 1d, or a time such as 2026-03-01T12:00:00Z
    #[arg(long, value_name = "TIME", value_parser = deadline)]
    deadline: Option<Value>,
    /// Wait until every task has ended
    #[arg(long)]
    wait: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Priority {
    Low,
    Normal,
    High,
    Urgent,
}

impl Priority {
    fn name(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Normal => "normal",
            Self::High => "high",
            Self::Urgent => "urgent",
        }
    }
}

/// Reads a deadline: seconds from now, or a time.
fn deadline(text: &str) -> Result<Value, &'static str> {
    let is_time = text.contains('T') && text.contains(':');
    if is_time { Ok(text.into()) } else { duration::seconds(text).map(Value::from) }
}

impl Delegate {
    pub(crate) fn run(mut self, context: &Context) -> Result<Done> {
        let team = Team::of(context, &self.session)?;
        let tasks = match (self.task.take(), self.lines) {
            (Some(task), _) => vec![super::send::read_text(task)?],
            (None, _) => lines()?,
        };
        if tasks.is_empty() {
            return Err(Failure::own(Kind::Usage, "There is no task on standard input."));
        }
        let common = self.common()?;
        let mut given = Vec::new();
        for task in tasks {
            let mut body = common.clone();
            body.insert("task".to_owned(), task.into());
            let json = team.change(Method::POST, "/tasks", &body)?;
            let task: Task = read(&json)?;
            if !self.wait && self.lines {
                output::print(&json)?;
            }
            given.push((task, json));
        }
        match given.as_slice() {
            _ if self.wait => Waiting::new(&team, given).run(),
            [(_, json)] if !self.lines => Ok(json.clone().into()),
            given => Ok(Json::of(&json!({ "given": given.len() })).into()),
        }
    }

    /// The fields that all tasks share.
    fn common(&self) -> Result<Map<String, Value>> {
        let context = self.context.as_deref().map(|text| {
            serde_json::from_str::<Value>(text).map_err(|_| {
                let message = "The value of --context is not valid JSON. No task was given.";
                Failure::own(Kind::InvalidJson, message)
            })
        });
        let fields = [
            ("to", self.to.as_ref().map(|agent| agent.as_str().into())),
            ("capability", self.capability.clone().map(Value::from)),
            ("context", context.transpose()?),
            ("priority", self.priority.map(|priority| priority.name().into())),
            ("deadline", self.deadline.clone()),
        ];
        let given = fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
        Ok(given.collect())
    }
}

/// The lines of standard input that are not blank.
fn lines() -> Result<Vec<String>> {
    let lines: std::io::Result<Vec<String>> = std::io::stdin().lock().lines().collect();
    let lines = lines.map_err(|error| {
        let message = format!("Standard input is not UTF-8 text ({error}). No task was given.");
        Failure::own(Kind::Usage, message)
    })?;
    Ok(lines.into_iter().filter(|line| !line.trim().is_empty()).collect())
}

/// How long a poll is held, in seconds. After each poll, tasks without a worker are handed on.
const HOLD: u32 = 5;
/// How often to look for stale members.
const LOOK: Duration = Duration::from_secs(30);

/// The tasks that were given, until all have ended.
struct Waiting<'a> {
    team: &'a Team<'a>,
    open: BTreeMap<String, Task>,
    cursor: Cursor,
    ended: BTreeMap<&'static str, usize>,
    looked_at: Instant,
}

impl<'a> Waiting<'a> {
    fn new(team: &'a Team<'a>, given: Vec<(Task, Json)>) -> Self {
        let cursor = given.first().map_or(Cursor::START, |(task, _)| task.cursor);
        let open = given.into_iter().map(|(task, _)| (task.id.to_string(), task)).collect();
        Self { team, open, cursor, ended: BTreeMap::new(), looked_at: Instant::now() }
    }

    fn run(mut self) -> Result<Done> {
        let stop = Stop::on_signals()?;
        let mut backoff = Backoff::default();
        while !self.open.is_empty() {
            match self.turn() {
                Ok(()) => backoff = Backoff::default(),
                Err(failure) if failure.is_passing() => {
                    tell!("{}", failure.sentence());
                    stop.sleep(backoff.next().max(failure.retry_after()));
                }
                Err(failure) => return Err(failure),
            }
            if stop.sleep(Duration::ZERO) {
                break;
            }
        }
        let all_done =
            self.open.is_empty() && self.ended.keys().all(|status| *status == "completed");
        let summary = json!({ "status": if self.open.is_empty() { "ended" } else { "stopped" }, "ended": self.ended, "open": self.open.len() });
        Ok(Done { code: u8::from(!all_done), ..Json::of(&summary).into() })
    }

    /// Reads a page of messages, and hands on tasks without a worker.
    fn turn(&mut self) -> Result<()> {
        // Without `others`, because the messages about these tasks may be our own: this agent can give a
        // task to itself, or cancel one from another process. `events` ends the poll when somebody joins,
        // who may be able to do a task.
        let path = format!("/messages?limit=500&events=true&wait={HOLD}&after={}", self.cursor);
        let path = self.team.session.path(&path);
        let wait = Duration::from_secs(HOLD.into());
        let page: Page<Message> =
            read(&self.team.call(Request { wait, ..Request::get(path) })?.body)?;
        self.cursor = page.next().unwrap_or(self.cursor);
        for message in page.messages {
            self.take(&message)?;
        }
        let me = &self.team.caller.agent;
        let back = |task: &&Task| task.assignee == *me && task.status != TaskStatus::Overdue;
        let mut lost: Vec<Task> = self.open.values().filter(back).cloned().collect();
        if self.looked_at.elapsed() >= LOOK {
            self.looked_at = Instant::now();
            let members: Members = read(&self.team.get("/agents")?)?;
            let stale = |task: &&Task| {
                let mut found =
                    members.agents.iter().filter(|member| member.agent_id == task.assignee);
                found.any(|member| member.presence == Presence::Stale)
            };
            lost.extend(self.open.values().filter(stale).cloned());
        }
        lost.into_iter().try_for_each(|task| self.hand_on(&task))
    }

    fn take(&mut self, message: &Message) -> Result<()> {
        let Some(TaskNews { event, task }) = message.task() else { return Ok(()) };
        let Some(known) = self.open.get_mut(task.id.as_str()) else { return Ok(()) };
        if event == TaskEvent::Returned {
            tell!("{} has left; its task {} came back", known.assignee, task.id);
        }
        *known = task.clone();
        if !task.status.is_open() {
            self.open.remove(task.id.as_str());
            let count = self.ended.entry(task.status.as_str()).or_default();
            *count = count.saturating_add(1);
            output::print(&Json::of(&task))?;
        }
        Ok(())
    }

    /// Hands a task that was given by capability to another member that has it, if there is one.
    fn hand_on(&self, task: &Task) -> Result<()> {
        let Some(capability) = &task.capability else { return Ok(()) };
        match self.team.report(&task.id, &json!({ "capability": capability })) {
            Ok(_) => Ok(()),
            // No such member is online now, or the task has ended, which the next page tells.
            Err(Failure::Refused(answer)) if matches!(answer.status, 404 | 409) => Ok(()),
            Err(failure) => Err(failure),
        }
    }
}

#[derive(Args)]
#[command(group = ArgGroup::new("new").required(true).args(["to", "capability"]))]
#[command(after_help = "Examples:
  nexus task reassign TASK --to carol
  nexus task reassign TASK --capability translate --deadline 1h

Only the agent that gave the task can do this, and only until the task has ended. The task is then pending
again.")]
pub(crate) struct Reassign {
    /// The id of the task
    #[arg(value_parser = super::tasks::task_id)]
    task: nexus_protocol::MessageId,
    /// The session of the task; default: the known session that has it
    #[arg(long)]
    session: Option<String>,
    /// A member of the session
    #[arg(long, value_name = "ID", value_parser = agent_id)]
    to: Option<AgentId>,
    /// The capability that the member must have
    #[arg(long, value_name = "X")]
    capability: Option<String>,
    /// A new deadline: 90s, 30m, 2h, 1d, or a time such as 2026-03-01T12:00:00Z
    #[arg(long, value_name = "TIME", value_parser = deadline)]
    deadline: Option<Value>,
}

impl Reassign {
    pub(crate) fn run(self, context: &Context) -> Result<Done> {
        let (team, task) = Team::with_task(context, self.session.as_deref(), &self.task)?;
        let body =
            json!({ "to": self.to, "capability": self.capability, "deadline": self.deadline });
        team.report(&task.id, &body).map(Done::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deadlines_are_read() {
        for (text, expected) in
            [("90s", json!(90)), ("30m", json!(1800)), ("2h", json!(7200)), ("90", json!(90))]
        {
            assert_eq!(deadline(text), Ok(expected), "{text}");
        }
        assert_eq!(deadline("2026-03-01T12:00:00Z"), Ok("2026-03-01T12:00:00Z".into()));
        for text in ["", "m", "-1m", "1.5h", "tomorrow", "99999999999999999999d"] {
            assert!(deadline(text).is_err(), "{text}");
        }
    }
}
