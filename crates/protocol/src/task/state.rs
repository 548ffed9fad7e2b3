//! What a task is, and its statuses.

use crate::{AgentId, Cursor, MessageId, Redacted, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Number, value::RawValue};

/// The status of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "section 9 names each")]
pub enum TaskStatus {
    Pending,
    Accepted,
    InProgress,
    Overdue,
    Completed,
    Failed,
    Declined,
    Cancelled,
}

impl TaskStatus {
    /// Every status.
    pub const ALL: [Self; 8] = [
        Self::Pending,
        Self::Accepted,
        Self::InProgress,
        Self::Overdue,
        Self::Completed,
        Self::Failed,
        Self::Declined,
        Self::Cancelled,
    ];

    /// The status as it goes over the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Accepted => "accepted",
            Self::InProgress => "in_progress",
            Self::Overdue => "overdue",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Declined => "declined",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether the task can still change.
    #[must_use]
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Pending | Self::Accepted | Self::InProgress | Self::Overdue)
    }

    /// Whether a task may go from this status to `next` in ClawLink (docs/dialects.md), where
    /// nobody accepts or begins a task, so that intermediate statuses are skipped.
    #[must_use]
    pub const fn may_be_answered(self, next: Self) -> bool {
        self.is_open() && matches!(next, Self::InProgress | Self::Completed | Self::Failed)
    }

    /// Whether a member may change a task from this status to `next`.
    #[must_use]
    pub const fn may_become(self, next: Self) -> bool {
        match next {
            Self::Accepted => matches!(self, Self::Pending),
            Self::InProgress => matches!(self, Self::Accepted | Self::InProgress),
            Self::Completed | Self::Failed => matches!(self, Self::InProgress | Self::Overdue),
            Self::Declined | Self::Cancelled => self.is_open(),
            Self::Pending | Self::Overdue => false,
        }
    }
}

/// How important a task is to its asker.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs, reason = "section 9 names each")]
pub enum Priority {
    Low,
    #[default]
    Normal,
    High,
    Urgent,
}

impl Priority {
    /// What a priority must be.
    pub const RULE: &str = "must be `low`, `normal`, `high` or `urgent`";
}

/// A task as members see it, and as the log stores it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "section 9 names each")]
pub struct Task {
    pub id: MessageId,
    pub from: AgentId,
    pub assignee: AgentId,
    /// The capability that the assignee was chosen for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capability: Option<String>,
    pub task: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<Box<RawValue>>,
    pub priority: Priority,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<Timestamp>,
    pub status: TaskStatus,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<Progress>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<Box<RawValue>>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    /// The cursor of the latest message about the task.
    pub cursor: Cursor,
    /// What was removed from the call that this answers. The message about the task lists it too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub redacted: Vec<Redacted>,
    /// Whether anything in it was stored without a search for secrets, as an agent asked.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unredacted: bool,
}

impl Task {
    /// Forgets how far the last assignee was. A result stays that can be read without knowing who
    /// wrote it.
    pub fn forget_work(&mut self, is_sealed: bool) {
        self.progress = None;
        if is_sealed {
            self.result = None;
        }
    }
}

/// How far a task has progressed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum Progress {
    /// 0 to 100.
    Percent(Number),
    /// In words, at most 1024 characters.
    Words(String),
}

/// What happened to a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum TaskEvent {
    /// The assignee has it: a new one, or one that was handed on.
    Assigned,
    /// Its status, progress or result.
    Changed,
    /// The assignee left, and the asker has it back.
    Returned,
}

/// The payload of a message about a task.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "TaskNews"))]
#[serde(tag = "type", rename = "task")]
pub struct TaskNews {
    /// What happened.
    pub event: TaskEvent,
    /// The task as it is now.
    pub task: Task,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_statuses_follow_the_table() {
        use TaskStatus::*;
        let next = |from: TaskStatus| {
            TaskStatus::ALL.into_iter().filter(|to| from.may_become(*to)).collect::<Vec<_>>()
        };
        assert_eq!(next(Pending), [Accepted, Declined, Cancelled]);
        assert_eq!(next(Accepted), [InProgress, Declined, Cancelled]);
        assert_eq!(next(InProgress), [InProgress, Completed, Failed, Declined, Cancelled]);
        assert_eq!(next(Overdue), [Completed, Failed, Declined, Cancelled]);
        for end in [Completed, Failed, Declined, Cancelled] {
            assert!(next(end).is_empty() && !end.is_open());
        }
        for from in TaskStatus::ALL {
            let answers = TaskStatus::ALL.into_iter().filter(|to| from.may_be_answered(*to));
            let expected =
                if from.is_open() { vec![InProgress, Completed, Failed] } else { vec![] };
            assert_eq!(answers.collect::<Vec<_>>(), expected, "{from:?}");
        }
    }
}
