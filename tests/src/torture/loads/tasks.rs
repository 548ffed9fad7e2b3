//! Agents that give tasks, accept and finish them, and take some back.

use super::load::{Load, locked};
use crate::{
    Member, list,
    random::Random,
    string,
    torture::{stage::Stage, talk::log, verdict::Verdict},
};
use serde_json::{Value, json};
use std::{collections::BTreeSet, sync::Mutex};

/// What becomes of a task, in order. It may also be cancelled instead of any but the first.
const COURSE: [&str; 4] = ["pending", "accepted", "in_progress", "completed"];

/// The sessions in which agents work. Each has two actors.
pub(super) struct Tasks(Vec<Team>);

/// One session: its creator gives tasks, and a worker does them.
struct Team {
    name: String,
    creator: Member,
    worker: Member,
    random: [Mutex<Random>; 2],
    record: Mutex<Record>,
}

/// What was acknowledged.
#[derive(Debug, Default)]
struct Record {
    /// Tasks: what is to be done, and the id.
    given: Vec<(String, String)>,
    /// Changes: the id of the task, and its new status.
    changes: Vec<(String, String)>,
    /// Answers that the relay had no reason to give.
    refused: Vec<String>,
    /// Other ids that a repeat of a task got.
    again: Vec<String>,
}

impl Tasks {
    pub(super) fn new(stage: &Stage, groups: usize) -> Self {
        let team = |number| {
            let name = format!("team {number}");
            let creator = stage.api().session();
            let worker = creator.join("worker");
            let random =
                ["asker", "worker"].map(|who| Mutex::new(stage.random(&format!("{name} {who}"))));
            Team { name, creator, worker: stage.own(&worker), random, record: Mutex::default() }
        };
        Self((0..groups).map(team).collect())
    }
}

impl Load for Tasks {
    fn name(&self) -> &'static str {
        "tasks"
    }

    fn actors(&self) -> usize {
        self.0.len() * 2
    }

    fn act(&self, stage: &Stage, actor: usize) {
        let team = &self.0[actor / 2];
        let mut random = locked(&team.random[actor % 2]);
        if actor % 2 == 1 {
            team.work(stage, &mut random);
        } else if random.percent(10) {
            team.cancel(stage, &mut random);
        } else {
            team.give(stage, &mut random);
        }
    }

    fn check(&self, stage: &Stage, verdict: &mut Verdict) -> usize {
        let mut acknowledged = 0;
        for team in &self.0 {
            let record = locked(&team.record);
            acknowledged += record.given.len() + record.changes.len();
            let board = stage.persist(|| board(&team.creator)).unwrap_or_default();
            let log = stage.persist(|| log(&team.creator)).unwrap_or_default();
            judge(&team.name, &record, &board, &log, verdict);
        }
        acknowledged
    }
}

impl Team {
    fn give(&self, stage: &Stage, random: &mut Random) {
        let label = format!("do {}", random.key());
        let body = json!({ "to": "worker", "task": label, "context": { "label": label } });
        let key = random.key();
        let ask =
            || self.creator.call("POST", "/tasks").idempotency_key(&key).json(&body).try_send();
        let Some(answer) = stage.answer(ask) else { return };
        let mut record = locked(&self.record);
        if answer.status != 201 {
            record.refused.push(format!("{} to a task", answer.status));
            return;
        }
        let id = string(&answer.json()["id"]);
        if random.percent(10)
            && let Some(repeated) = stage.answer(ask)
            && repeated.json()["id"] != id.as_str()
        {
            record.again.push(format!("{id}, repeated: {}", repeated.status));
        }
        record.given.push((label, id));
    }

    /// Takes back one of the latest tasks, unless it has ended.
    fn cancel(&self, stage: &Stage, random: &mut Random) {
        let latest: Vec<String> =
            locked(&self.record).given.iter().rev().take(4).map(|(_, id)| id.clone()).collect();
        if let Some(id) = latest.get(random.below(latest.len())) {
            self.change(stage, random, &self.creator, id, "cancelled");
        }
    }

    /// Brings the oldest open task one step further.
    fn work(&self, stage: &Stage, random: &mut Random) {
        let path = "/tasks?status=open&assignee=worker&limit=1";
        let Some(answer) = stage.answer(|| self.worker.call("GET", path).try_send()) else {
            return;
        };
        let page = answer.json();
        let Some(task) = list(&page["tasks"]).first() else { return };
        let at = COURSE.iter().position(|status| task["status"] == **status);
        if let Some(next) = at.and_then(|at| COURSE.get(at + 1)) {
            self.change(stage, random, &self.worker, &string(&task["id"]), next);
        }
    }

    fn change(&self, stage: &Stage, random: &mut Random, who: &Member, id: &str, status: &str) {
        let body = match status {
            "completed" => json!({ "status": status, "result": { "of": id } }),
            _ => json!({ "status": status }),
        };
        let (path, key) = (format!("/tasks/{id}"), random.key());
        let ask = || who.call("POST", &path).idempotency_key(&key).json(&body).try_send();
        let Some(answer) = stage.answer(ask) else { return };
        let mut record = locked(&self.record);
        match answer.status {
            200 => record.changes.push((id.to_owned(), status.to_owned())),
            // The other agent was faster.
            409 if matches!(answer.json()["state"].as_str(), Some("cancelled" | "completed")) => {}
            other => record.refused.push(format!("{other} to {status}")),
        }
    }
}

/// All tasks of a session. `None` if the relay does not answer.
fn board(member: &Member) -> Option<Vec<Value>> {
    let (mut tasks, mut after) = (Vec::new(), String::new());
    loop {
        let path = format!("/tasks?limit=500{after}");
        let answer = member.call("GET", &path).try_send().filter(|answer| answer.status == 200)?;
        let page = answer.json();
        tasks.extend_from_slice(list(&page["tasks"]));
        if page["hasMore"] == false {
            return Some(tasks);
        }
        after = format!("&after={}", string(&page["nextAfter"]));
    }
}

/// Every task is on the board once, and every change is in the log once and in its order.
fn judge(name: &str, record: &Record, board: &[Value], log: &[Value], verdict: &mut Verdict) {
    for why in &record.refused {
        verdict.lost(&format!("{name}: refused: {why}"));
    }
    for again in &record.again {
        verdict.doubled(&format!("{name}: task {again}"));
    }
    for (label, id) in &record.given {
        let found: Vec<_> = board.iter().filter(|task| task["task"] == label.as_str()).collect();
        if !found.iter().any(|task| task["id"] == id.as_str()) {
            verdict.lost(&format!("{name}: task {id}"));
        }
        if found.len() > 1 {
            verdict.doubled(&format!("{name}: task {id} is there {} times", found.len()));
        }
    }
    let given: BTreeSet<&str> = record.given.iter().map(|(_, id)| id.as_str()).collect();
    for task in board {
        let id = task["id"].as_str().unwrap_or_default();
        if !given.contains(id) {
            verdict.doubled(&format!("{name}: nobody gave task {id}"));
        }
        let told = told(log, id);
        course(name, id, record, &told, verdict);
        if told.last().copied() != task["status"].as_str() {
            verdict.lost(&format!("{name}: task {id} is {}, told {told:?}", task["status"]));
        }
    }
}

/// The states of a task, as the log tells them.
fn told<'a>(log: &'a [Value], id: &str) -> Vec<&'a str> {
    let of_it = log.iter().filter(|message| message["json"]["task"]["id"] == id);
    of_it.filter_map(|message| message["json"]["task"]["status"].as_str()).collect()
}

fn course(name: &str, id: &str, record: &Record, told: &[&str], verdict: &mut Verdict) {
    for (_, status) in record.changes.iter().filter(|(of, _)| of == id) {
        if !told.contains(&status.as_str()) {
            verdict.lost(&format!("{name}: task {id} was {status}, told {told:?}"));
        }
    }
    let distinct: BTreeSet<&&str> = told.iter().collect();
    if distinct.len() != told.len() {
        verdict.doubled(&format!("{name}: task {id}: {told:?}"));
        return;
    }
    let open = told.strip_suffix(&["cancelled"]).unwrap_or(told);
    if COURSE.get(..open.len()) != Some(open) || open.is_empty() {
        verdict.disordered(&format!("{name}: task {id}: {told:?}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One finished task, with a change of the record, the board or the log.
    fn counts(
        change: impl FnOnce(&mut Record, &mut Vec<Value>, &mut Vec<Value>),
    ) -> (usize, usize, usize) {
        let mut record = Record {
            given: vec![("x".to_owned(), "1".to_owned())],
            changes: ["accepted", "completed"].map(|s| ("1".to_owned(), s.to_owned())).into(),
            ..Record::default()
        };
        let mut board = vec![json!({ "id": "1", "task": "x", "status": "completed" })];
        let message = |status| json!({ "json": { "task": { "id": "1", "status": status } } });
        let mut log: Vec<Value> = COURSE.iter().map(message).collect();
        change(&mut record, &mut board, &mut log);
        let mut verdict = Verdict::default();
        judge("team", &record, &board, &log, &mut verdict);
        (verdict.lost, verdict.doubled, verdict.disordered)
    }

    #[test]
    fn lost_doubled_and_disordered_changes_are_found() {
        assert_eq!(counts(|_, _, _| ()), (0, 0, 0));
        assert_eq!(counts(|_, board, _| board.clear()), (1, 0, 0));
        assert_eq!(counts(|_, board, _| board[0]["status"] = json!("pending")), (1, 0, 0));
        // The board says another status than the log, and a change is missing there.
        assert_eq!(counts(|_, _, log| drop(log.pop())), (2, 0, 0));
        assert_eq!(counts(|record, _, _| record.given.clear()), (0, 1, 0));
        assert_eq!(counts(|_, board, _| board.push(board[0].clone())), (0, 1, 0));
        assert_eq!(counts(|_, _, log| log.push(log[3].clone())), (0, 1, 0));
        assert_eq!(counts(|_, _, log| log.swap(1, 2)), (0, 0, 1));
    }
}
