//! The tasks of a session, filtered and in pages.

use super::state::{Task, TaskStatus};
use crate::{AgentId, Cursor, Refusal, query::Query};
use serde::{Deserialize, Serialize};

/// `GET /v1/sessions/:id/tasks`: which tasks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BoardRequest {
    /// Only tasks with one of these statuses. All, if empty.
    pub status: Vec<TaskStatus>,
    /// Only tasks of this assignee.
    pub assignee: Option<AgentId>,
    /// Only tasks of this asker.
    pub from: Option<AgentId>,
    /// Only tasks that were given after this cursor.
    pub after: Option<Cursor>,
    /// At most this many tasks.
    pub limit: u32,
}

impl BoardRequest {
    /// Reads the query string.
    pub fn parse(query: &str) -> Result<Self, Refusal> {
        let mut query = Query::parse(query);
        let known = |name: &str| TaskStatus::ALL.into_iter().find(|status| status.as_str() == name);
        let status = match query.text("status").as_deref() {
            None => Vec::new(),
            Some("open") => TaskStatus::ALL.into_iter().filter(|status| status.is_open()).collect(),
            Some(name) => known(name).map_or_else(
                || {
                    query.note("status", "must be `open` or the status of a task");
                    Vec::new()
                },
                |status| vec![status],
            ),
        };
        let request = Self {
            status,
            assignee: query.parsed("assignee"),
            from: query.parsed("from"),
            after: query.parsed("after"),
            limit: query.at_most("limit", "tasks", 1..=500).unwrap_or(100),
        };
        query.finish()?;
        Ok(request)
    }

    /// Whether a task matches the request.
    #[must_use]
    pub fn wants(&self, task: &Task) -> bool {
        (self.status.is_empty() || self.status.contains(&task.status))
            && self.assignee.as_ref().is_none_or(|agent| *agent == task.assignee)
            && self.from.as_ref().is_none_or(|agent| *agent == task.from)
    }
}

/// The answer to `GET /v1/sessions/:id/tasks`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Board {
    /// In the order in which they were given.
    pub tasks: Vec<Task>,
    /// The `after` for the next page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_after: Option<Cursor>,
    /// Whether there may be more.
    pub has_more: bool,
}
