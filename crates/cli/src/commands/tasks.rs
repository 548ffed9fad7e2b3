//! `nexus tasks`, and the commands that change a task: `accept`, `progress`, `done`, `fail`, `decline`,
//! `cancel`. Also `broadcast`.

use crate::{
    context::{Context, agent_id},
    error::Result,
    json::Json,
    live::{Listener, Next, Target, Wanted},
    output::{self, Done},
    stderr::tell,
    team::{Team, encoded, read, value},
};
use clap::Args;
use nexus_protocol::{AgentId, Cursor, MessageId, Task, TaskNews, TaskStatus};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Args)]
#[command(after_help = "Examples:
  nexus task ls SESSION
  nexus task ls SESSION --mine --status open | jq -r '.tasks[].task'
  nexus task ls SESSION --watch

--watch prints a line of JSON for every task, and then for every change of
a task of yours, until stopped.")]
pub(crate) struct Tasks {
    /// The session's id or alias
    session: String,
    /// Only tasks that are assigned to you
    #[arg(long, conflicts_with = "assignee")]
    mine: bool,
    /// Only tasks that are assigned to this agent
    #[arg(long, value_name = "ID", value_parser = agent_id)]
    assignee: Option<AgentId>,
    /// Only tasks that this agent gave
    #[arg(long, value_name = "ID", value_parser = agent_id)]
    from: Option<AgentId>,
    /// Only tasks with this status, or `open`: all that have not ended
    #[arg(long, value_parser = status)]
    status: Option<&'static str>,
    /// Go on and print every change
    #[arg(long)]
    watch: bool,
}

/// Reads a status, or `open`.
fn status(text: &str) -> Result<&'static str, String> {
    let mut names = ["open"].into_iter().chain(TaskStatus::ALL.map(TaskStatus::as_str));
    let all: Vec<&str> = names.clone().collect();
    names
        .find(|name| *name == text.replace('-', "_"))
        .ok_or_else(|| format!("must be one of {}", all.join(", ")))
}

/// The most pages of the board that are read.
const PAGES: u32 = 1000;

/// A page of the board.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    tasks: Vec<Json>,
    next_after: Option<Cursor>,
    has_more: bool,
}

/// The cursor of the latest message about a task.
#[derive(Deserialize)]
struct Place {
    cursor: Cursor,
}

/// Reads the tasks that match a query. Of one that was not opened there is only a warning, because nothing may be
/// done with it.
pub(super) fn board(team: &Team<'_>, query: &str) -> Result<Vec<Task>> {
    let tasks = pages(team, query)?.into_iter();
    let open = tasks.filter_map(|task| {
        let open = task.read();
        if open.is_none() {
            tell!("warning: a task was not opened, and nothing is done with it");
        }
        open
    });
    Ok(open.collect())
}

/// The tasks that match a query, as the relay has them.
fn pages(team: &Team<'_>, query: &str) -> Result<Vec<Json>> {
    let (mut tasks, mut after) = (Vec::new(), None::<Cursor>);
    for _ in 0..PAGES {
        let place = after.map(|after| format!("&after={after}")).unwrap_or_default();
        let page: Page = read(&team.get(&format!("/tasks?limit=500{query}{place}"))?)?;
        tasks.extend(page.tasks);
        if !page.has_more || page.next_after <= after {
            break;
        }
        after = page.next_after;
    }
    Ok(tasks)
}

impl Tasks {
    pub(crate) fn run(self, context: &Context) -> Result<Done> {
        let team = Team::of(context, &self.session)?;
        let assignee = if self.mine { Some(team.caller.agent.clone()) } else { self.assignee };
        let parts = [
            assignee.map(|agent| format!("&assignee={agent}")),
            self.from.map(|agent| format!("&from={agent}")),
            self.status.map(|status| format!("&status={status}")),
        ];
        let query: String = parts.into_iter().flatten().collect();
        let tasks = pages(&team, &query)?;
        if self.watch {
            return watch(&team, &tasks);
        }
        Ok(Json::of(&json!({ "tasks": tasks })).into())
    }
}

/// Prints these tasks, and then every change that we are told of.
fn watch(team: &Team<'_>, tasks: &[Json]) -> Result<Done> {
    for task in tasks {
        output::print(task)?;
    }
    let places = tasks.iter().filter_map(|task| task.read().map(|place: Place| place.cursor));
    let after = places.max();
    let mut listener = listener(team, after)?;
    loop {
        match listener.next(true)? {
            Some(Next::Message(_, message)) => {
                if let Some(news) = message.task() {
                    output::print(&Json::of(&news.task))?;
                }
            }
            Some(Next::Caught(_) | Next::Reset(_)) | None => {}
            Some(Next::Stopped) => {
                return Ok(Json::of(&json!({ "status": "stopped", "reason": "signal" })).into());
            }
            Some(Next::Over) => {
                return Ok(Json::of(&json!({ "status": "stopped", "reason": "over" })).into());
            }
            Some(Next::Left) => {
                return Ok(Json::of(&json!({ "status": "stopped", "reason": "left" })).into());
            }
        }
    }
}

/// Listens to the session after a cursor.
pub(super) fn listener(team: &Team<'_>, after: Option<Cursor>) -> Result<Listener> {
    let capabilities = crate::capabilities::of(team.context, &team.server)?;
    let target = Target {
        http: team.context.http().clone(),
        server: team.server.clone(),
        caller: team.caller.clone(),
        base: team.session.path(""),
        // Without `others`, because an agent can give a task to itself, and the message about it is its own.
        wanted: Wanted { others: false, events: true },
    };
    Listener::new(target, &capabilities, after)
}

pub(super) fn task_id(text: &str) -> Result<MessageId, &'static str> {
    text.parse().map_err(|_| "must be the id of a task")
}

/// The arguments that name a task.
#[derive(Args)]
pub(crate) struct Which {
    /// The id of the task
    #[arg(value_parser = task_id)]
    pub(super) task: MessageId,
    /// The session of the task; default: the known session that has it
    #[arg(long)]
    pub(super) session: Option<String>,
}

impl Which {
    /// Reports a new status of the task, after the states that must come before.
    fn becomes(self, context: &Context, status: TaskStatus, more: &Value) -> Result<Done> {
        let (team, task) = Team::with_task(context, self.session.as_deref(), &self.task)?;
        let result = more.get("result").map(ToString::to_string);
        let stored = task.result.as_ref().map(|result| result.get().to_owned());
        // An earlier try did the same, and its response was lost.
        if task.status == status && !status.is_open() && (result.is_none() || result == stored) {
            return Ok(Json::of(&task).into());
        }
        team.lead_to(&task, status)?;
        let body = Json::of(&json!({ "status": status })).with(&Json::of(more));
        team.report(&task.id, &body).map(Done::from)
    }
}

#[derive(Args)]
#[command(after_help = "Examples:
  nexus task take TASK")]
pub(crate) struct Accept {
    #[command(flatten)]
    pub(super) which: Which,
}

#[derive(Args)]
#[command(after_help = "Examples:
  nexus task progress TASK 50
  nexus task progress TASK 'half of it is translated'")]
pub(crate) struct Progress {
    #[command(flatten)]
    which: Which,
    /// A number from 0 to 100, or a text
    progress: Option<String>,
}

pub(super) const DONE: &str = "Examples:
  nexus task done TASK --result 'It is in docs/readme.de.md'
  nexus task done TASK --result '{\"file\":\"docs/readme.de.md\"}'";
pub(super) const FAIL: &str = "Examples:
  nexus task fail TASK --result 'The file is not there'";
pub(super) const DECLINE: &str = "Examples:
  nexus task decline TASK --result 'I do not speak German'";

/// The arguments of `done`, `fail` and `decline`.
#[derive(Args)]
pub(crate) struct End {
    #[command(flatten)]
    which: Which,
    /// The result or the reason: JSON or a text; - reads it from standard input
    #[arg(long, value_name = "JSON|TEXT", allow_hyphen_values = true)]
    result: Option<String>,
}

#[derive(Args)]
#[command(after_help = "Examples:
  nexus task cancel TASK

Only the agent that gave the task can do this.")]
pub(crate) struct Cancel {
    #[command(flatten)]
    which: Which,
}

/// The field for a result, if there is one.
fn result(text: Option<String>) -> Result<Value> {
    let Some(text) = text else { return Ok(json!({})) };
    Ok(json!({ "result": value(&super::send::read_text(text)?) }))
}

impl Accept {
    pub(crate) fn run(self, context: &Context) -> Result<Done> {
        self.which.becomes(context, TaskStatus::Accepted, &json!({}))
    }
}

impl Progress {
    pub(crate) fn run(self, context: &Context) -> Result<Done> {
        let number = |text: &str| text.trim_end_matches('%').parse::<serde_json::Number>().ok();
        let progress = self.progress.map(|text| match number(&text) {
            Some(number) => Value::Number(number),
            None => text.into(),
        });
        let more = progress.map_or(json!({}), |progress| json!({ "progress": progress }));
        self.which.becomes(context, TaskStatus::InProgress, &more)
    }
}

impl End {
    pub(crate) fn run(self, context: &Context, status: TaskStatus) -> Result<Done> {
        let result = result(self.result)?;
        self.which.becomes(context, status, &result)
    }
}

impl Cancel {
    pub(crate) fn run(self, context: &Context) -> Result<Done> {
        self.which.becomes(context, TaskStatus::Cancelled, &json!({}))
    }
}

#[derive(Args)]
#[command(after_help = "Examples:
  nexus broadcast SESSION 'The build is green' --topic build --tags ci,main
  nexus poll SESSION --topic build")]
pub(crate) struct Broadcast {
    /// The session's id or alias
    session: String,
    /// The text; - reads it from standard input
    #[arg(allow_hyphen_values = true)]
    text: String,
    /// The topic
    #[arg(long, default_value = "general")]
    topic: String,
    /// Tags; may be repeated, or separated by commas
    #[arg(long, value_name = "TAG", value_delimiter = ',')]
    tags: Vec<String>,
}

impl Broadcast {
    pub(crate) fn run(self, context: &Context) -> Result<Done> {
        let team = Team::of(context, &self.session)?;
        let text = super::send::read_text(self.text)?;
        let body = json!({ "text": text, "topic": self.topic, "tags": self.tags });
        team.change(ureq::http::Method::POST, "/messages", &body).map(Done::from)
    }
}

/// The options that select messages.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct FilterArgs {
    /// Only messages with this topic
    #[arg(long, value_name = "TOPIC")]
    topic: Option<String>,
    /// Only messages with one of these tags; may be repeated, or separated by commas
    #[arg(long, value_name = "TAG", value_delimiter = ',')]
    tags: Vec<String>,
}

impl FilterArgs {
    /// The query, `topic=X&tags=Y`. `None` if all messages are wanted.
    pub(super) fn query(&self) -> Option<String> {
        let topic = self.topic.as_ref().map(|topic| format!("topic={}", encoded(topic)));
        let tags: Vec<String> = self.tags.iter().map(|tag| encoded(tag)).collect();
        let tags = (!tags.is_empty()).then(|| format!("tags={}", tags.join(",")));
        let parts: Vec<String> = topic.into_iter().chain(tags).collect();
        (!parts.is_empty()).then(|| parts.join("&"))
    }
}

impl crate::message::Message {
    /// The task that this message of the relay is about.
    pub(crate) fn task(&self) -> Option<TaskNews> {
        let json = self.json.as_ref().filter(|_| self.kind.as_deref() == Some("task"))?;
        serde_json::from_str(json.get()).ok()
    }
}
