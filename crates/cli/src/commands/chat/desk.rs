//! What a conversation does for the lines that are typed: sending, tasks, files, the end.

use super::{
    event::usage,
    line::{self, HELP, Line},
};
use crate::{
    commands::{
        end::End,
        files::{FileGet, FilePut},
        tasks::board,
    },
    error::Result,
    http::{Repeat, Request},
    json::Json,
    message::Message,
    output, random,
    stderr::tell,
    team::{Team, value},
};
use nexus_protocol::{Cursor, MessageId, TaskStatus};
use serde_json::json;
use std::{
    env,
    path::{Path, PathBuf},
    time::Duration,
};
use ureq::http::Method;

/// What became of a line.
#[derive(Debug)]
pub(super) enum Handled {
    Done,
    /// The conversation ends, for this reason.
    Quit(&'static str),
}

/// Our side of a conversation.
#[derive(Debug)]
pub(super) struct Desk<'a> {
    pub(super) team: &'a Team<'a>,
    /// How many messages were sent.
    pub(super) sent: u32,
    /// How many messages were shown.
    pub(super) heard: u32,
    /// The tasks by their numbers, from 1.
    tasks: Vec<String>,
    /// A text that may have been sent, and its key: sent again, it is stored once.
    unsure: Option<(String, String)>,
    /// Whether `/end` was typed once.
    is_ending: bool,
}

impl<'a> Desk<'a> {
    pub(super) fn new(team: &'a Team<'a>) -> Self {
        Self { team, sent: 0, heard: 0, tasks: Vec::new(), unsure: None, is_ending: false }
    }

    /// Whether what is stored here about the session is about this agent.
    pub(super) fn is_ours(&self) -> bool {
        self.team.session.is_of(&self.team.caller)
    }

    /// The stored cursor, if it is that of this agent.
    pub(super) fn stored(&self) -> Result<Option<Cursor>> {
        if self.is_ours() { self.team.session.stored.usable_cursor() } else { Ok(None) }
    }

    /// The number of the task that a message asks us to do. Every task gets a number.
    pub(super) fn number(&mut self, message: &Message) -> Option<usize> {
        let task = message.task()?.task;
        let number = self.number_of(task.id.as_str());
        let is_ours = task.assignee.as_str() == self.team.caller.agent.as_str();
        (is_ours && task.status.is_open()).then_some(number)
    }

    fn number_of(&mut self, task: &str) -> usize {
        if let Some(place) = self.tasks.iter().position(|known| known == task) {
            return place.saturating_add(1);
        }
        self.tasks.push(task.to_owned());
        self.tasks.len()
    }

    /// Stores that everything up to this cursor was shown.
    pub(super) fn mark_read(&self, cursor: Option<Cursor>) -> Result<()> {
        let Some(cursor) = cursor.filter(|_| self.is_ours()) else {
            return Ok(());
        };
        let state = &self.team.context.state;
        let new = state.new_cursor(&self.team.session.id, &cursor.to_string())?;
        new.map_or(Ok(()), crate::state::NewCursor::save)
    }

    /// Sends a text. The same text again, after a failure, is the same message.
    fn send(&mut self, text: &str, repeat: Repeat) -> Result<()> {
        let key = match self.unsure.take() {
            Some((unsure, key)) if unsure == text => key,
            _ => random::hex(),
        };
        self.unsure = Some((text.to_owned(), key.clone()));
        let path = self.team.session.path("/messages");
        let request = Request::new(Method::POST, path, repeat);
        let body = Some(Json::of(&json!({ "text": text })));
        self.team.call(Request { once: Some(key), body, ..request })?;
        self.unsure = None;
        self.sent = self.sent.saturating_add(1);
        Ok(())
    }

    /// Tries to send a text of a pipe. Returns how long to wait at least before the next try, if the server cannot be
    /// reached now.
    pub(super) fn try_send(&mut self, text: &str) -> Result<Option<Duration>> {
        match self.send(text, Repeat::Never) {
            Err(failure) if failure.is_passing() => {
                tell!("{}", failure.sentence());
                Ok(Some(failure.retry_after()))
            }
            result => result.map(|()| None),
        }
    }

    /// Does what a line says.
    pub(super) fn handle(&mut self, typed: &str) -> Result<Handled> {
        let line = line::read(typed);
        let was_ending = std::mem::replace(&mut self.is_ending, line == Line::End);
        match line {
            Line::Nothing => {}
            Line::Text(text) => self.send(text, Repeat::Always)?,
            Line::Help => output::print_own(&format!("{HELP}\n"))?,
            Line::Quit => return Ok(Handled::Quit("quit")),
            Line::End if was_ending => {
                End { session: self.team.session.id.to_string() }.run(self.team.context)?;
                return Ok(Handled::Quit("ended"));
            }
            Line::End => {
                output::print_text(&output::note(
                    "this deletes the session and its messages for everybody; type /end again to do it",
                ))?;
            }
            Line::Members => output::print(&self.team.get("/agents")?)?,
            Line::Files => output::print(&self.team.get("/files")?)?,
            Line::Tasks => self.list_tasks()?,
            Line::Put(path) => self.put(path)?,
            Line::Get(name) => self.get(name)?,
            Line::Give(to, text) => self.give(to, text)?,
            Line::Take(number) => self.report(number, TaskStatus::Accepted, None)?,
            Line::Done(number, result) => {
                self.report(number, TaskStatus::Completed, Some(result))?;
            }
            Line::Wrong(why) => return Err(usage(why)),
        }
        Ok(Handled::Done)
    }

    fn list_tasks(&mut self) -> Result<()> {
        for task in board(self.team, "")? {
            let number = self.number_of(task.id.as_str());
            let task = Json::of(&task);
            let field = |name: &str| {
                let fields: serde_json::Map<String, serde_json::Value> =
                    task.read().unwrap_or_default();
                fields
                    .get(name)
                    .and_then(|value| value.as_str().map(str::to_owned))
                    .unwrap_or_default()
            };
            let text = format!(
                "task {number}, {}, for {}: {}",
                field("status"),
                field("assignee"),
                field("task")
            );
            output::print_text(&output::note(&text))?;
        }
        if self.tasks.is_empty() {
            output::print_text(&output::note("no tasks; /task TEXT gives one"))?;
        }
        Ok(())
    }

    fn give(&mut self, to: Option<&str>, text: &str) -> Result<()> {
        let to = match to {
            Some(name) => name.to_owned(),
            None => self.only_other()?,
        };
        let made = self.team.change(Method::POST, "/tasks", &json!({ "to": to, "task": text }))?;
        let task: nexus_protocol::Task = crate::team::read(&made)?;
        let number = self.number_of(task.id.as_str());
        output::print_text(&output::note(&format!("task {number} is given to {to}")))
    }

    fn only_other(&self) -> Result<String> {
        let mut others: Vec<String> = self.team.members()?.into_iter().collect();
        others.retain(|name| name != self.team.caller.agent.as_str());
        match others.as_slice() {
            [only] => Ok(only.clone()),
            [] => Err(usage("Nobody else is here to give a task to.")),
            several => Err(usage(format!(
                "Say to whom: /task @NAME TEXT, with one of {}.",
                several.join(", ")
            ))),
        }
    }

    fn report(&mut self, number: usize, status: TaskStatus, result: Option<&str>) -> Result<()> {
        let id = number.checked_sub(1).and_then(|place| self.tasks.get(place));
        let id: Option<MessageId> = id.and_then(|id| id.parse().ok());
        let id = id.ok_or_else(|| {
            usage(format!("There is no task {number} here; /task lists the tasks."))
        })?;
        let task = self.team.task(&id)?;
        self.team.lead_to(&task, status)?;
        let body = Json::of(&json!({ "status": status }));
        let result = result.filter(|result| !result.is_empty());
        let body = result.map_or(body.clone(), |result| {
            body.with(&Json::of(&std::collections::BTreeMap::from([("result", value(result))])))
        });
        self.team.report(&id, &body)?;
        output::print_text(&output::note(&format!("task {number} is {}", status.as_str())))
    }

    fn put(&self, path: &str) -> Result<()> {
        let home = env::var_os("HOME").map(PathBuf::from);
        let path = match (path.strip_prefix("~/"), home) {
            (Some(rest), Some(home)) => home.join(rest),
            _ => PathBuf::from(path),
        };
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        let key = name.unwrap_or_default().parse().map_err(|nexus_protocol::Malformed(rule)| {
            usage(format!(
                "The name of the file {rule}. Give it another one with `nexus file put`."
            ))
        })?;
        let session = self.team.session.id.to_string();
        let put = FilePut { session, key, file: path, if_version: None, content_type: None };
        output::print(&put.run(self.team.context)?.json)
    }

    fn get(&self, name: &str) -> Result<()> {
        let path = Path::new(name).file_name().map(PathBuf::from).unwrap_or_default();
        if path.symlink_metadata().is_ok() {
            return Err(usage(format!(
                "There is already a file {} in this folder. Use `nexus file get` to write it elsewhere.",
                path.display()
            )));
        }
        let key = name.parse().map_err(|nexus_protocol::Malformed(rule)| {
            usage(format!("The name of a file {rule}."))
        })?;
        let session = self.team.session.id.to_string();
        let get = FileGet { session, key, output: Some(path.clone()), version: None };
        get.run(self.team.context)?;
        output::print_text(&output::note(&format!("written to {}", path.display())))
    }
}
