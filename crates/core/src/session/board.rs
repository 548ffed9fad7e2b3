//! The tasks of a session as they are now: what the log says about them, and what has changed by
//! time alone since.

use super::{Session, Who, state::State};
use crate::{Database, Fault, Result, Row, Value, page::PAGE_BYTES};
use nexus_protocol::{
    AgentId, Board, BoardRequest, Cursor, Limits, MessageId, Refusal, Task, TaskEvent, TaskNews,
    TaskStatus, Timestamp,
};
use std::{collections::BTreeMap, ops::ControlFlow};

const FIND: &str = "SELECT record FROM log WHERE task = ?1 ORDER BY cursor DESC LIMIT 1";
const READ: &str = "SELECT record FROM log
    WHERE task > ?1 AND cursor = (SELECT max(later.cursor) FROM log AS later WHERE later.task = log.task)
    ORDER BY task";

impl<D: Database> Session<D> {
    /// `GET /v1/sessions/:id/tasks/:taskId` (section 9).
    pub fn task(&mut self, now: Timestamp, who: &Who, id: &MessageId) -> Result<Task> {
        self.hear(now, who)?;
        self.find_task(now, id)
    }

    /// `GET /v1/sessions/:id/tasks` (section 9).
    pub fn board(&mut self, now: Timestamp, who: &Who, request: &BoardRequest) -> Result<Board> {
        self.hear(now, who)?;
        let limit = usize::try_from(request.limit).unwrap_or(usize::MAX);
        let mut board = Board { tasks: Vec::new(), next_after: request.after, has_more: false };
        if !self.store.database.has_table("log_task")? {
            return Ok(board);
        }
        let after = request.after.unwrap_or(Cursor::START);
        let state = &self.store.alive(now)?.state.clone();
        let mut bytes = 0_usize;
        self.store.database.query(READ, &[after.as_i64().into()], &mut |mut row| {
            let record = row.text()?;
            let task = task_in(&record)?;
            let task = due(state, &self.limits, now, &task).map_or(task, |(task, _)| task);
            if !request.wants(&task) {
                return Ok(ControlFlow::Continue(()));
            }
            if board.tasks.len() >= limit || bytes >= PAGE_BYTES {
                board.has_more = true;
                return Ok(ControlFlow::Break(()));
            }
            bytes = bytes.saturating_add(record.len());
            board.next_after = task.id.cursor_in(state.salt);
            board.tasks.push(task);
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(board)
    }

    /// The open tasks, as stored.
    pub(super) fn open_tasks(&mut self, now: Timestamp) -> Result<&mut BTreeMap<Cursor, Task>> {
        let salt = self.store.alive(now)?.state.salt;
        if self.open_tasks.is_none() {
            let mut open = BTreeMap::new();
            if self.store.database.has_table("log_task")? {
                self.store.database.query(READ, &[Value::Integer(0)], &mut |mut row| {
                    let task = task_in(&row.text()?)?;
                    if let Some(given) = task.id.cursor_in(salt).filter(|_| task.status.is_open()) {
                        open.insert(given, task);
                    }
                    Ok(ControlFlow::Continue(()))
                })?;
            }
            self.open_tasks = Some(open);
        }
        self.open_tasks
            .as_mut()
            .ok_or_else(|| Fault::new("the open tasks were read and are not there").into())
    }

    /// A task as it is now.
    pub(super) fn find_task(&mut self, now: Timestamp, id: &MessageId) -> Result<Task> {
        let loaded = self.store.alive(now)?;
        let given = id.cursor_in(loaded.state.salt).ok_or_else(Refusal::task_not_found)?;
        if !self.store.database.has_table("log_task")? {
            return Err(Refusal::task_not_found().into());
        }
        let record = self.store.database.first(FIND, &[given.as_i64().into()], Row::text)?;
        let task = task_in(&record.ok_or_else(Refusal::task_not_found)?)?;
        let loaded = self.store.alive(now)?;
        Ok(due(&loaded.state, &self.limits, now, &task).map_or(task, |(task, _)| task))
    }
}

/// What has changed in a task by time alone since it was stored.
pub(super) fn due(
    state: &State,
    limits: &Limits,
    now: Timestamp,
    task: &Task,
) -> Option<(Task, TaskEvent)> {
    if !task.status.is_open() {
        return None;
    }
    let is_member = |agent: &AgentId| state.seat(agent, now, limits).is_some();
    let late = task.deadline.is_some_and(|deadline| deadline <= now);
    let mut next = task.clone();
    let event = if !is_member(&task.from) {
        next.status = TaskStatus::Cancelled;
        TaskEvent::Changed
    } else if !is_member(&task.assignee) {
        next.assignee = task.from.clone();
        next.status = if late { TaskStatus::Overdue } else { TaskStatus::Pending };
        next.forget_work(state.key_id.is_some());
        TaskEvent::Returned
    } else if late && task.status != TaskStatus::Overdue {
        next.status = TaskStatus::Overdue;
        TaskEvent::Changed
    } else {
        return None;
    };
    Some((next, event))
}

/// The task in a stored message.
pub(super) fn task_in(record: &str) -> Result<Task, Fault> {
    super::files::news::<TaskNews>(record).map(|news| news.task)
}
