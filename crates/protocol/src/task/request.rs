//! The bodies that give a task and that change one.

use super::state::{Priority, Progress, TaskStatus};
use crate::{
    AgentId, Body, Limits, Redact, Refusal, Timestamp,
    label::{LABEL, is_label},
};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

/// Who is to do a task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum Assignee {
    /// This member.
    Agent(AgentId),
    /// A member that is online and has this capability.
    Capability(String),
}

impl Assignee {
    /// Takes `to` or `capability` out of a body. If both are given, that is noted as wrong.
    fn read(body: &mut Body) -> Option<Self> {
        let agent: Option<AgentId> = body.field("to", AgentId::RULE);
        let capability: Option<String> = body.field("capability", LABEL);
        if capability.as_ref().is_some_and(|word| !is_label(word)) {
            body.note("capability", LABEL);
        }
        if agent.is_some() && capability.is_some() {
            body.note("capability", "must be left out where `to` is given");
        }
        agent.map(Self::Agent).or_else(|| capability.map(Self::Capability))
    }
}

/// When a task must be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Deadline {
    /// At this time.
    At(Timestamp),
    /// Seconds from now.
    In(u32),
}

/// How far ahead a deadline may be, in seconds.
const MAX_DEADLINE: u32 = 2_592_000;

impl<'de> Deserialize<'de> for Deadline {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Form {
            At(Timestamp),
            In(u32),
        }
        Ok(match Form::deserialize(deserializer)? {
            Form::At(time) => Self::At(time),
            Form::In(seconds) => Self::In(seconds),
        })
    }
}

impl Deadline {
    const RULE: &str =
        "must be a time to come, such as 2026-03-01T12:00:00Z, or 1 to 2592000 seconds from now";

    /// The deadline as a time. Refuses one that has passed or is too far ahead.
    pub fn resolve(self, now: Timestamp) -> Result<Timestamp, Refusal> {
        let time = match self {
            Self::At(time) => time,
            Self::In(seconds) => now.plus_seconds(seconds),
        };
        let ahead = time > now && time <= now.plus_seconds(MAX_DEADLINE);
        if ahead { Ok(time) } else { Err(Refusal::invalid("deadline", Self::RULE)) }
    }
}

/// `POST /v1/sessions/:id/tasks`
#[derive(Clone, Debug, Serialize)]
pub struct GiveTask {
    /// The assignee.
    pub assignee: Assignee,
    /// What to do.
    pub task: String,
    /// Further data.
    pub context: Option<Box<RawValue>>,
    /// How important the task is.
    pub priority: Priority,
    /// When it must be done.
    pub deadline: Option<Deadline>,
    /// Whether secrets are removed. False only with a proven key, where that is allowed.
    #[serde(skip_serializing_if = "Redact::is_on")]
    pub redact: Redact,
}

impl GiveTask {
    /// Reads the body. Refuses a task without an assignee or a text, one that is too large, and
    /// malformed fields.
    pub fn parse(bytes: &[u8], limits: &Limits) -> Result<Self, Refusal> {
        let mut body = Body::parse(bytes)?;
        let assignee = Assignee::read(&mut body);
        if assignee.is_none() {
            body.note("to", "must be an agent id, unless `capability` says what the task needs");
        }
        let task: Option<String> = body.required("task", "must be a text that is not empty");
        if task.as_ref().is_some_and(String::is_empty) {
            body.note("task", "must be a text that is not empty");
        }
        let context = body.raw("context").map(ToOwned::to_owned);
        let priority = body.field("priority", Priority::RULE);
        let deadline = body.field("deadline", Deadline::RULE);
        let redact = Redact::read(&mut body);
        body.finish()?;
        let (Some(assignee), Some(task)) = (assignee, task) else {
            return Err(Refusal::invalid("task", "must be a text that is not empty"));
        };
        if task.len() > limits.max_text_bytes {
            return Err(Refusal::message_too_large("task", limits.max_text_bytes));
        }
        bounded("context", context.as_deref(), limits)?;
        let priority = priority.unwrap_or_default();
        Ok(Self { assignee, task, context, priority, deadline, redact })
    }
}

/// Refuses a value that is larger than a payload may be.
pub(crate) fn bounded(
    what: &str,
    value: Option<&RawValue>,
    limits: &Limits,
) -> Result<(), Refusal> {
    match value {
        Some(value) if value.get().len() > limits.max_json_bytes => {
            Err(Refusal::message_too_large(what, limits.max_json_bytes))
        }
        _ => Ok(()),
    }
}

/// `POST /v1/sessions/:id/tasks/:taskId`
#[derive(Clone, Debug, Serialize)]
pub enum ChangeTask {
    /// Changes the status and the progress.
    Move {
        /// The new status.
        status: TaskStatus,
        /// Stays the same if left out.
        progress: Option<Progress>,
        /// Stays the same if left out.
        result: Option<Box<RawValue>>,
        /// Whether secrets are removed. False only with a proven key, where that is allowed.
        #[serde(skip_serializing_if = "Redact::is_on")]
        redact: Redact,
    },
    /// Reassigns the task.
    HandOn {
        /// The new assignee.
        assignee: Assignee,
        /// Stays the same if left out.
        deadline: Option<Deadline>,
    },
}

impl ChangeTask {
    /// Reads the body. Refuses one that does neither or both.
    pub fn parse(bytes: &[u8], limits: &Limits) -> Result<Self, Refusal> {
        const STATUS: &str =
            "must be `accepted`, `in_progress`, `completed`, `failed`, `declined` or `cancelled`";
        const PROGRESS: &str = "must be a number from 0 to 100 or a text of at most 1024 characters (4096 where it is sealed)";
        let mut body = Body::parse(bytes)?;
        let assignee = Assignee::read(&mut body);
        let status: Option<TaskStatus> = body.field("status", STATUS);
        let by_members = |status| !matches!(status, TaskStatus::Pending | TaskStatus::Overdue);
        if !status.is_none_or(by_members) {
            body.note("status", STATUS);
        }
        let progress: Option<Progress> = body.field("progress", PROGRESS);
        let right = |progress: &Progress| match progress {
            Progress::Percent(number) => {
                number.as_f64().is_some_and(|number| (0.0..=100.0).contains(&number))
            }
            Progress::Words(words) => words.chars().count() <= limits.max_progress,
        };
        if !progress.as_ref().is_none_or(right) {
            body.note("progress", PROGRESS);
        }
        let result = body.raw("result").map(ToOwned::to_owned);
        let deadline = body.field("deadline", Deadline::RULE);
        let redact = Redact::read(&mut body);
        if assignee.is_some() && status.is_some() {
            body.note("status", "must be left out where the task is handed on");
        }
        body.finish()?;
        bounded("result", result.as_deref(), limits)?;
        match (assignee, status) {
            (Some(assignee), _) => Ok(Self::HandOn { assignee, deadline }),
            (None, Some(status)) => Ok(Self::Move { status, progress, result, redact }),
            (None, None) => Err(Refusal::invalid("status", STATUS)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{BoardRequest, Progress};
    use proptest::prelude::*;

    fn wrong(refusal: Refusal) -> Vec<String> {
        refusal.body.details.into_iter().map(|detail| detail.path.into_owned()).collect()
    }

    fn give(body: &str) -> Result<GiveTask, Refusal> {
        GiveTask::parse(body.as_bytes(), &Limits::default())
    }

    fn change(body: &str) -> Result<ChangeTask, Refusal> {
        ChangeTask::parse(body.as_bytes(), &Limits::default())
    }

    #[test]
    fn a_task_is_read_and_bounded() {
        let task =
            give(r#"{"to":"bob","task":"t","context":{"n":1.50},"priority":"high","deadline":60}"#);
        let task = task.unwrap();
        assert_eq!(task.assignee, Assignee::Agent("bob".parse().unwrap()));
        assert_eq!(task.context.unwrap().get(), r#"{"n":1.50}"#);
        let now = Timestamp::from_millis(0);
        assert_eq!(task.deadline.unwrap().resolve(now).unwrap(), now.plus_seconds(60));
        for (body, path) in [
            (r#"{"task":"t"}"#, "to"),
            (r#"{"to":"bob"}"#, "task"),
            (r#"{"to":"bob","task":""}"#, "task"),
            (r#"{"to":"bob","capability":"x","task":"t"}"#, "capability"),
            (r#"{"capability":"a,b","task":"t"}"#, "capability"),
            (r#"{"to":"bob","task":"t","priority":"soon"}"#, "priority"),
            (r#"{"to":"bob","task":"t","deadline":"tomorrow"}"#, "deadline"),
        ] {
            assert_eq!(wrong(give(body).unwrap_err()), [path], "{body}");
        }
        for deadline in [Deadline::In(0), Deadline::At(now), Deadline::In(u32::MAX)] {
            assert!(deadline.resolve(now).is_err(), "{deadline:?}");
        }
    }

    #[test]
    fn a_change_sets_a_status_or_an_assignee() {
        assert!(matches!(change(r#"{"to":"bob"}"#), Ok(ChangeTask::HandOn { .. })));
        let moved = change(r#"{"status":"in_progress","progress":50}"#).unwrap();
        assert!(matches!(moved, ChangeTask::Move { progress: Some(Progress::Percent(_)), .. }));
        for (body, path) in [
            ("{}", "status"),
            (r#"{"status":"pending"}"#, "status"),
            (r#"{"status":"overdue"}"#, "status"),
            (r#"{"status":"done"}"#, "status"),
            (r#"{"status":"accepted","to":"bob"}"#, "status"),
            (r#"{"status":"in_progress","progress":101}"#, "progress"),
        ] {
            assert_eq!(wrong(change(body).unwrap_err()), [path], "{body}");
        }
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(text in ".{0,200}") {
            let _ = give(&text);
            let _ = change(&text);
            let _ = BoardRequest::parse(&text);
        }
    }
}
