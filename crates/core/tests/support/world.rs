//! A session in memory, and its calls with the needs of the table of calls.

use super::{Counter, Sqlite, agent, at, caller, messages, session_id};
use nexus_core::{Caller, Delivery, Need, Result, Session, Who};
use nexus_protocol::{
    CreateSession, Filter, IdempotencyKey, Joined, Left, Limits, Member, Page, PageRequest,
    Profile, Renew, Renewed, SendMessage, Sent, SessionKey, SessionStatus, SetWebhook, Timestamp,
    WebhookRemoved, WebhookStatus,
};
use std::collections::BTreeSet;

/// A session on a database that outlives it.
pub struct World {
    pub database: Sqlite,
    pub session: Session<Sqlite>,
    pub random: Counter,
    pub limits: Limits,
    /// What the last send delivers.
    pub delivery: Option<Delivery>,
}

impl World {
    pub fn new(limits: Limits) -> Self {
        let database = Sqlite::new();
        let session = Session::new(session_id(), database.clone(), limits.clone());
        Self { database, session, random: Counter::default(), limits, delivery: None }
    }

    /// A world with a session of `ttl` seconds and `seats`, created at 0 without a creator.
    pub fn with_session(ttl: u32, seats: u32) -> Self {
        let mut world = Self::new(Limits::default());
        world.create(CreateSession {
            ttl: Some(ttl),
            max_agents: Some(seats),
            ..CreateSession::default()
        });
        world
    }

    pub fn create(&mut self, request: CreateSession) -> Option<SessionKey> {
        self.session.create(at(0), request, &mut self.random).unwrap().session_key
    }

    /// Drops the object and rebuilds it from what it stored.
    pub fn evict(&mut self) {
        self.session = Session::new(session_id(), self.database.clone(), self.limits.clone());
    }

    pub fn join(&mut self, now: i64, name: &str) -> Result<Joined> {
        self.join_as(now, &caller(name, None), Profile::default())
    }

    pub fn join_as(&mut self, now: i64, caller: &Caller, profile: Profile) -> Result<Joined> {
        let visitor = self.session.enter(at(now), caller, Need::Entry)?;
        self.session.join(at(now), &visitor, caller, profile, &mut self.random)
    }

    pub fn send(
        &mut self,
        now: i64,
        caller: &Caller,
        key: Option<&IdempotencyKey>,
        request: SendMessage,
    ) -> Result<Sent> {
        let who = self.session.as_member(at(now), caller)?;
        let (sent, delivery) = self.session.send(at(now), &who, key, request)?;
        self.delivery = delivery;
        Ok(sent)
    }

    /// The texts and cursors of one page.
    pub fn poll(
        &mut self,
        now: i64,
        caller: &Caller,
        after: Option<&str>,
    ) -> Result<Vec<(String, String)>> {
        let page = self.page(now, caller, after, 100)?;
        Ok(messages(&page)
            .into_iter()
            .map(|m| (m.cursor.to_string(), m.text.unwrap_or_default()))
            .collect())
    }

    pub fn page(
        &mut self,
        now: i64,
        caller: &Caller,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Page> {
        self.page_of(now, caller, Filter::default(), after, limit)
    }

    /// A page for a reader with a filter.
    pub fn page_of(
        &mut self,
        now: i64,
        caller: &Caller,
        filter: Filter,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Page> {
        let after = after.map(|cursor| cursor.parse().unwrap());
        let who = self.session.as_member(at(now), caller)?.wanting(filter);
        self.session.hear(at(now), &who)?;
        let request = PageRequest { after, limit, members: true, wait: 0 };
        // The check is not part of what the test does, so its statements are not recorded.
        let statements = self.database.statements();
        self.check_json(now, &who, PageRequest { members: false, ..request });
        self.database.set_statements(statements);
        self.session.read(at(now), &who, request, &BTreeSet::new())
    }

    /// Checks that a page as JSON is the same page.
    pub fn check_json(&mut self, now: i64, who: &Who, request: PageRequest) {
        let page = self.session.read(at(now), who, request, &BTreeSet::new()).unwrap();
        let json = self.session.read_json(at(now), who, request, &BTreeSet::new());
        assert_eq!(json.unwrap(), serde_json::to_string(&page).unwrap());
    }
}

/// The calls of a session, each with the need that the table of calls gives it.
pub trait Calls {
    /// Lets in a caller that must be a member.
    fn as_member(&mut self, now: Timestamp, caller: &Caller) -> Result<Who>;
    /// Lets in a caller that must prove a key.
    fn with_key(&mut self, now: Timestamp, caller: &Caller) -> Result<Who>;
    fn looks(&mut self, now: Timestamp) -> Result<SessionStatus>;
    fn leaves(&mut self, now: Timestamp, caller: &Caller) -> Result<Left>;
    fn removes(&mut self, now: Timestamp, caller: &Caller, whom: &str) -> Result<Left>;
    fn renews(&mut self, now: Timestamp, caller: &Caller, renew: Renew) -> Result<Renewed>;
    fn sets_webhook(
        &mut self,
        now: Timestamp,
        caller: &Caller,
        webhook: SetWebhook,
    ) -> Result<WebhookStatus>;
    fn looks_at_webhook(&mut self, now: Timestamp, caller: &Caller) -> Result<WebhookStatus>;
    fn removes_webhook(&mut self, now: Timestamp, caller: &Caller) -> Result<WebhookRemoved>;
    /// Registers as ClawLink's clients do.
    fn enrols(&mut self, now: Timestamp, caller: &Caller, profile: Profile) -> Result<Member>;
}

impl Calls for Session<Sqlite> {
    fn as_member(&mut self, now: Timestamp, caller: &Caller) -> Result<Who> {
        self.member(now, caller, Need::Member)
    }

    fn with_key(&mut self, now: Timestamp, caller: &Caller) -> Result<Who> {
        self.member(now, caller, Need::Key)
    }

    fn looks(&mut self, now: Timestamp) -> Result<SessionStatus> {
        let visitor = self.enter(now, &Caller::default(), Need::Nothing)?;
        self.status(now, &visitor)
    }

    fn leaves(&mut self, now: Timestamp, caller: &Caller) -> Result<Left> {
        let who = self.with_key(now, caller)?;
        self.leave(now, &who)
    }

    fn removes(&mut self, now: Timestamp, caller: &Caller, whom: &str) -> Result<Left> {
        let who = self.member(now, caller, Need::Creator)?;
        self.remove(now, &who, &agent(whom))
    }

    fn renews(&mut self, now: Timestamp, caller: &Caller, renew: Renew) -> Result<Renewed> {
        let who = self.as_member(now, caller)?;
        self.renew(now, &who, renew)
    }

    fn sets_webhook(
        &mut self,
        now: Timestamp,
        caller: &Caller,
        webhook: SetWebhook,
    ) -> Result<WebhookStatus> {
        let who = self.member(now, caller, Need::OwnKey)?;
        self.set_webhook(now, &who, webhook, &mut Counter::default())
    }

    fn looks_at_webhook(&mut self, now: Timestamp, caller: &Caller) -> Result<WebhookStatus> {
        let who = self.member(now, caller, Need::OwnKey)?;
        self.webhook(now, &who)
    }

    fn removes_webhook(&mut self, now: Timestamp, caller: &Caller) -> Result<WebhookRemoved> {
        let who = self.member(now, caller, Need::OwnKey)?;
        self.remove_webhook(now, &who)
    }

    fn enrols(&mut self, now: Timestamp, caller: &Caller, profile: Profile) -> Result<Member> {
        let visitor = self.enter(now, caller, Need::Entry)?;
        self.enrol(now, &visitor, caller, profile)
    }
}
