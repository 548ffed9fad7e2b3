//! Tasks (section 9). The latest message about a task says what the task is. Giving or changing a
//! task is one row of the log, with the whole task and the cursor of the message that gave it.
//!
//! Promises: a task has one assignee at a time. Its status changes only as the protocol's table
//! allows. Asker and assignee of an open task are members. Changes by time alone (a deadline
//! passes, a member is gone) take effect at that moment, and `settle_tasks` later stores the
//! message that reports them.

use super::{
    Session, Who,
    board::{due, task_in},
    delivery::Delivery,
    log::{Call, listed},
    store::About,
};
use crate::{Database, Fault, Result, redaction::Redaction, repeat::Repeat};
use nexus_protocol::{
    AgentId, Assignee, ChangeTask, GiveTask, IdempotencyKey, Kind, Message, MessageId, Presence,
    Recipients, Refusal, Task, TaskEvent, TaskNews, TaskStatus, Timestamp,
};
use serde_json::value::to_raw_value;
use std::collections::{BTreeMap, BTreeSet};

/// How many characters of a task are quoted in the text of a message about it.
const EXCERPT: usize = 200;

/// What stands in its place in an encrypted session.
const SEALED_TASK: &str = "its text is sealed, in `json`";

impl<D: Database> Session<D> {
    /// `POST /v1/sessions/:id/tasks` (section 9). A call that repeats an idempotency key of the
    /// same seat returns the first answer again, and has nothing to deliver. `connected` are the
    /// agents that have a socket open which they opened themselves ([`Who::is_itself`]).
    pub fn give_task(
        &mut self,
        now: Timestamp,
        who: &Who,
        key: Option<&IdempotencyKey>,
        request: GiveTask,
        connected: &BTreeSet<AgentId>,
    ) -> Result<(Task, Option<Delivery>)> {
        let (repeat, before) = self.begin(now, who, Call::Task, key, &("give", &request))?;
        if let Some(record) = before {
            return Ok((answered(&record)?, None));
        }
        let mut redaction = self.redaction(now, who, request.redact)?;
        let request = redaction.clean(request)?.into_inner();
        let deadline = request.deadline.map(|deadline| deadline.resolve(now)).transpose()?;
        let assignee = self.choose(now, &who.agent, &request.assignee, connected)?;
        let message = self.next_news(now, Some(who), Kind::Task)?;
        let task = Task {
            id: message.id.clone(),
            from: who.agent.clone(),
            assignee,
            capability: capability(request.assignee),
            task: request.task,
            context: request.context,
            priority: request.priority,
            deadline,
            status: TaskStatus::Pending,
            progress: None,
            result: None,
            created_at: message.sent_at,
            updated_at: message.sent_at,
            cursor: message.cursor,
            unredacted: redaction.is_off(),
            redacted: redaction.found(),
        };
        let delivery = self.tell(message, TaskEvent::Assigned, &task, None, repeat)?;
        Ok((task, Some(delivery)))
    }

    /// `POST /v1/sessions/:id/tasks/:taskId` (section 9).
    pub fn change_task(
        &mut self,
        now: Timestamp,
        who: &Who,
        key: Option<&IdempotencyKey>,
        id: &MessageId,
        change: ChangeTask,
        connected: &BTreeSet<AgentId>,
    ) -> Result<(Task, Option<Delivery>)> {
        let (repeat, before) = self.begin(now, who, Call::Task, key, &("change", id, &change))?;
        if let Some(record) = before {
            return Ok((answered(&record)?, None));
        }
        let mut task = self.find_task(now, id)?;
        let before = task.assignee.clone();
        let mut redaction = match &change {
            ChangeTask::Move { redact, .. } => self.redaction(now, who, *redact)?,
            ChangeTask::HandOn { .. } => Redaction::default(),
        };
        let event = match redaction.clean(change)?.into_inner() {
            ChangeTask::HandOn { assignee, deadline } => {
                check_asker(who, &task)?;
                if !task.status.is_open() {
                    let pending = TaskStatus::Pending.as_str();
                    return Err(Refusal::illegal_transition(task.status.as_str(), pending).into());
                }
                task.assignee = self.choose(now, &who.agent, &assignee, connected)?;
                task.capability = capability(assignee).or(task.capability);
                task.deadline = match deadline {
                    Some(deadline) => Some(deadline.resolve(now)?),
                    None => task.deadline,
                };
                let late = task.deadline.is_some_and(|deadline| deadline <= now);
                task.status = if late { TaskStatus::Overdue } else { TaskStatus::Pending };
                task.forget_work(self.is_encrypted(now)?);
                TaskEvent::Assigned
            }
            ChangeTask::Move { status, progress, result, redact: _ } => {
                if status == TaskStatus::Cancelled {
                    check_asker(who, &task)?;
                } else {
                    check_assignee(who, &task)?;
                }
                if !task.status.may_become(status) {
                    let (state, next) = (task.status.as_str(), status.as_str());
                    return Err(Refusal::illegal_transition(state, next).into());
                }
                task.status = status;
                task.progress = progress.or(task.progress);
                task.result = result.or(task.result);
                TaskEvent::Changed
            }
        };
        // What was not searched before stays in the task.
        task.unredacted |= redaction.is_off();
        task.redacted = redaction.found();
        let delivery = self.tell_change(now, who, event, &mut task, before, repeat)?;
        Ok((task, Some(delivery)))
    }

    /// Stores a change that `who` has made to a task.
    pub(super) fn tell_change(
        &mut self,
        now: Timestamp,
        who: &Who,
        event: TaskEvent,
        task: &mut Task,
        before: AgentId,
        repeat: Option<Repeat>,
    ) -> Result<Delivery> {
        let message = self.next_news(now, Some(who), Kind::Task)?;
        (task.updated_at, task.cursor) = (message.sent_at, message.cursor);
        self.tell(message, event, task, Some(before), repeat)
    }

    /// Stores a message for each task that has changed by time alone: its deadline passed, or its
    /// assignee or asker is gone.
    pub fn settle_tasks(&mut self, now: Timestamp) -> Result<Vec<Delivery>> {
        let open: Vec<Task> = self.open_tasks(now)?.values().cloned().collect();
        let mut deliveries = Vec::new();
        for task in open {
            let Some((mut next, event)) =
                due(&self.store.alive(now)?.state, &self.limits, now, &task)
            else {
                continue;
            };
            let message = self.next_news(now, None, Kind::Task)?;
            (next.updated_at, next.cursor) = (message.sent_at, message.cursor);
            deliveries.push(self.tell(message, event, &next, Some(task.assignee), None)?);
        }
        Ok(deliveries)
    }

    /// When the next task will change by time alone.
    pub fn next_task_at(&mut self, now: Timestamp) -> Result<Option<Timestamp>> {
        let parties: Vec<_> = self
            .open_tasks(now)?
            .values()
            .map(|task| {
                let deadline = task.deadline.filter(|_| task.status != TaskStatus::Overdue);
                (deadline, task.from.clone(), task.assignee.clone())
            })
            .collect();
        let state = &self.store.alive(now)?.state;
        let lost = |agent: &AgentId| state.lost_at(agent, &self.limits);
        let times = parties.iter().flat_map(|(at, from, to)| [*at, lost(from), lost(to)]);
        Ok(times.flatten().min())
    }

    /// Chooses the assignee of a task that `from` gives.
    fn choose(
        &mut self,
        now: Timestamp,
        from: &AgentId,
        assignee: &Assignee,
        connected: &BTreeSet<AgentId>,
    ) -> Result<AgentId> {
        let mut busy: BTreeMap<AgentId, usize> = BTreeMap::new();
        for task in self.open_tasks(now)?.values() {
            let count = busy.entry(task.assignee.clone()).or_default();
            *count = count.saturating_add(1);
        }
        let loaded = self.store.alive(now)?;
        let interval = loaded.state.fresh_for(&self.limits);
        let seats = loaded.state.seats(now, &self.limits);
        match assignee {
            Assignee::Agent(agent) => match loaded.state.find(agent, now, &self.limits) {
                Some((name, _)) => Ok(name.clone()),
                None => Err(Refusal::agent_not_found(agent.as_str()).into()),
            },
            Assignee::Capability(capability) => {
                let able = seats.filter(|(agent, seat)| {
                    let heard = seat.heard.presence(now, interval) == Presence::Online
                        && seat.is_attended(now, interval);
                    let is_there = connected.contains(*agent) || heard;
                    *agent != from && is_there && seat.profile.can(capability)
                });
                let least = able.min_by_key(|(agent, _)| busy.get(*agent).copied().unwrap_or(0));
                let chosen = least.map(|(agent, _)| agent.clone());
                chosen.ok_or_else(|| Refusal::no_agent_available(capability).into())
            }
        }
    }

    /// Stores a change of a task, as a message to its asker, its assignee and its assignee
    /// `before`.
    fn tell(
        &mut self,
        mut message: Message,
        event: TaskEvent,
        task: &Task,
        before: Option<AgentId>,
        repeat: Option<Repeat>,
    ) -> Result<Delivery> {
        let now = message.sent_at;
        let loaded = self.store.alive(now)?;
        let given = task.id.cursor_in(loaded.state.salt);
        let given = given.ok_or_else(|| Fault::new("a task has no place in the log"))?;
        let mut concerned = vec![task.from.clone()];
        for agent in [Some(task.assignee.clone()), before].into_iter().flatten() {
            if !concerned.contains(&agent) {
                concerned.push(agent);
            }
        }
        let is_sealed = loaded.state.key_id.is_some();
        let status = task.status.as_str();
        // The beginning of what is sealed says nothing, and is no sealed string.
        let text = if is_sealed { SEALED_TASK.to_owned() } else { excerpt(&task.task) };
        let (from, to) = (&task.from, &task.assignee);
        let until = task.deadline.map(|deadline| format!(", until {deadline}")).unwrap_or_default();
        message.text = Some(format!("Task for {to} from {from} ({status}{until}): {text}"));
        // For an agent that has never heard of tasks.
        message.hint = (event == TaskEvent::Assigned).then(|| hint(&task.id, is_sealed));
        // The list belongs to this message, not to the task.
        message.redacted.clone_from(&task.redacted);
        message.unredacted = task.unredacted;
        let task = &Task { redacted: Vec::new(), ..task.clone() };
        let news = TaskNews { event, task: task.clone() };
        message.json = Some(to_raw_value(&news).map_err(Fault::new)?);
        let recipients = Some(listed(&concerned));
        message.to = Some(Recipients::Many(concerned));
        // Read before the write, so that nothing can fail after the write.
        self.open_tasks(now)?;
        let delivery = self.append(now, message, recipients, repeat, About::Task(given))?;
        if let Some(open) = &mut self.open_tasks {
            if task.status.is_open() {
                open.insert(given, task.clone());
            } else {
                open.remove(&given);
            }
        }
        Ok(delivery)
    }
}

pub(super) fn check_assignee(who: &Who, task: &Task) -> Result<(), Refusal> {
    if who.agent == task.assignee { Ok(()) } else { Err(Refusal::not_the_assignee()) }
}

fn check_asker(who: &Who, task: &Task) -> Result<(), Refusal> {
    if who.agent == task.from { Ok(()) } else { Err(Refusal::not_the_asker()) }
}

fn capability(assignee: Assignee) -> Option<String> {
    match assignee {
        Assignee::Agent(_) => None,
        Assignee::Capability(capability) => Some(capability),
    }
}

/// How to answer a task. It is kept apart from the text, where the asker could write the same.
fn hint(task: &MessageId, is_sealed: bool) -> String {
    let (result, section) = if is_sealed { ("sealed \"result\"", 10) } else { ("\"result\"", 9) };
    format!(
        "To tell how it goes, send POST /v1/sessions/SESSION/tasks/{task} with \
         {{\"status\": \"accepted\"}}, then \"in_progress\", then \"completed\" with a {result} \
         (/docs, section {section})."
    )
}

/// The beginning of a text, at most [`EXCERPT`] characters.
fn excerpt(text: &str) -> String {
    match text.char_indices().nth(EXCERPT) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// The answer to the call that stored this message.
fn answered(record: &str) -> Result<Task, Fault> {
    let message: Message =
        serde_json::from_str(record).map_err(|_| Fault::new("a stored message cannot be read"))?;
    Ok(Task { redacted: message.redacted, ..task_in(record)? })
}
