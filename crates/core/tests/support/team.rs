//! A session whose members give each other tasks.

use super::{Calls, World, agent, at, caller, messages};
use nexus_core::{Caller, Delivery, Result};
use nexus_protocol::{
    AgentId, BoardRequest, ChangeTask, CreateSession, GiveTask, Limits, Message, MessageId,
    Profile, SessionKey, Task, TaskEvent, TaskNews, TaskStatus,
};
use std::collections::{BTreeMap, BTreeSet};

/// A session that each of `members` joined at 0. The capability stands after the colon.
pub struct Team {
    pub world: World,
    pub keys: BTreeMap<AgentId, SessionKey>,
    pub connected: BTreeSet<AgentId>,
}

impl Team {
    pub fn new(members: &[&str]) -> Self {
        Self::with_limits(members, Limits::default())
    }

    pub fn with_limits(members: &[&str], limits: Limits) -> Self {
        let mut world = World::new(limits);
        world.create(CreateSession { ttl: Some(80_000), ..CreateSession::default() });
        let mut team = Self { world, keys: BTreeMap::new(), connected: BTreeSet::new() };
        for member in members {
            let (name, capability) = member.split_once(':').unwrap_or((member, ""));
            team.join(0, name, capability);
        }
        team
    }

    pub fn join(&mut self, now: i64, name: &str, capability: &str) {
        let profile = format!(r#"{{"capabilities":["{capability}"]}}"#);
        let profile = if capability.is_empty() { "{}".to_owned() } else { profile };
        let profile = Profile::parse(profile.as_bytes()).unwrap();
        let joined = self.world.join_as(now, &caller(name, None), profile).unwrap();
        self.keys.insert(agent(name), joined.session_key);
    }

    pub fn caller(&self, name: &str) -> Caller {
        caller(name, self.keys.get(&agent(name)))
    }

    pub fn give(&mut self, now: i64, name: &str, body: &str) -> Result<(Task, Option<Delivery>)> {
        let give = GiveTask::parse(body.as_bytes(), &Limits::default()).unwrap();
        let caller = self.caller(name);
        let who = self.world.session.with_key(at(now), &caller)?;
        self.world.session.give_task(at(now), &who, None, give, &self.connected)
    }

    pub fn change(
        &mut self,
        now: i64,
        name: &str,
        id: &MessageId,
        body: &str,
    ) -> Result<(Task, Option<Delivery>)> {
        let change = ChangeTask::parse(body.as_bytes(), &Limits::default()).unwrap();
        let caller = self.caller(name);
        let who = self.world.session.with_key(at(now), &caller)?;
        self.world.session.change_task(at(now), &who, None, id, change, &self.connected)
    }

    pub fn board(&mut self, now: i64, name: &str, query: &str) -> Vec<Task> {
        let caller = self.caller(name);
        let who = self.world.session.as_member(at(now), &caller).unwrap();
        let request = BoardRequest::parse(query).unwrap();
        self.world.session.board(at(now), &who, &request).unwrap().tasks
    }

    /// The events that `name` finds in the log, with the status and the assignee in each.
    pub fn news(&mut self, now: i64, name: &str) -> Vec<(TaskEvent, TaskStatus, String)> {
        let caller = self.caller(name);
        let page = self.world.page(now, &caller, None, 500).unwrap();
        messages(&page).iter().map(news).collect()
    }
}

pub fn news(message: &Message) -> (TaskEvent, TaskStatus, String) {
    assert_eq!(serde_json::to_value(message.kind).unwrap(), "task");
    let news: TaskNews = serde_json::from_str(message.json.as_ref().unwrap().get()).unwrap();
    (news.event, news.task.status, news.task.assignee.to_string())
}
