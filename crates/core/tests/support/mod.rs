//! SQLite in memory for the rules: it remembers what was asked of it, survives the objects that use
//! it, and fails on demand. And random numbers and agents that tests hold.
#![allow(dead_code, unreachable_pub, reason = "each test uses its part")]
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may panic"
)]

pub mod mail_model;
pub mod session_model;
pub mod town;

use nexus_core::{
    Caller, Database, Delivery, Error, Fault, Need, Random, Result, Row, Session, Value, Who,
};
use nexus_protocol::{
    AgentId, CreateSession, ErrorCode, Filter, IdempotencyKey, Joined, Left, Limits, Member,
    Message, Page, PageRequest, Profile, Renew, Renewed, SendMessage, Sent, SessionId, SessionKey,
    SessionStatus, SetWebhook, Timestamp, WebhookRemoved, WebhookStatus,
};
use rusqlite::{Connection, StatementStatus, params_from_iter, types::ValueRef};
use std::{
    cell::{Cell, RefCell},
    collections::BTreeSet,
    fmt::Write,
    ops::ControlFlow,
    rc::Rc,
};

/// A database that is shared by the objects that are built on it one after the other.
#[derive(Clone)]
pub struct Sqlite(Rc<Inner>);

struct Inner {
    connection: Connection,
    statements: RefCell<Vec<&'static str>>,
    /// The statements that were planned again because of the values that were bound to them.
    replanned: RefCell<Vec<&'static str>>,
    /// Writes that still succeed; none = all do.
    writes_left: Cell<Option<usize>>,
}

impl Sqlite {
    pub fn new() -> Self {
        let connection = Connection::open_in_memory().unwrap();
        Self(Rc::new(Inner {
            connection,
            statements: RefCell::default(),
            replanned: RefCell::default(),
            writes_left: Cell::new(None),
        }))
    }

    /// From now on `writes` writes succeed, and every later one fails.
    pub fn fail_after(&self, writes: usize) {
        self.0.writes_left.set(Some(writes));
    }

    /// From now on nothing fails.
    pub fn heal(&self) {
        self.0.writes_left.set(None);
    }

    /// The statements since this was last asked.
    pub fn statements(&self) -> Vec<&'static str> {
        self.0.statements.take()
    }

    /// The writing statements since statements were last asked for.
    pub fn writes(&self) -> Vec<&'static str> {
        self.statements().into_iter().filter(|sql| is_write(sql)).collect()
    }

    /// The statements that were planned again since this was last asked.
    pub fn replanned(&self) -> Vec<&'static str> {
        self.0.replanned.take()
    }

    /// How SQLite runs a statement.
    pub fn plan(&self, sql: &str) -> Vec<String> {
        let mut statement =
            self.0.connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let nulls = vec![rusqlite::types::Null; statement.parameter_count()];
        let rows = statement.query_map(params_from_iter(nulls), |row| row.get(3)).unwrap();
        rows.map(Result::unwrap).collect()
    }

    /// The names of everything that was created.
    pub fn tables(&self) -> Vec<String> {
        let sql = "SELECT name FROM sqlite_master";
        let mut statement = self.0.connection.prepare(sql).unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    }

    /// How everything was created, without line breaks.
    pub fn schema(&self) -> String {
        let sql = "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL";
        let mut statement = self.0.connection.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| row.get::<_, String>(0)).unwrap();
        rows.map(|sql| sql.unwrap().split_whitespace().collect::<Vec<_>>().join(" ") + "; ")
            .collect()
    }

    /// Everything that is stored, a line for each row.
    pub fn dump(&self) -> String {
        let mut text = String::new();
        for table in self.tables() {
            let Ok(mut statement) = self.0.connection.prepare(&format!("SELECT * FROM {table}"))
            else {
                continue;
            };
            let columns = statement.column_count();
            let mut rows = statement.query([]).unwrap();
            while let Some(row) = rows.next().unwrap() {
                for column in 0..columns {
                    match row.get_ref(column).unwrap() {
                        ValueRef::Null => {}
                        ValueRef::Integer(number) => write!(text, "{number}").unwrap(),
                        ValueRef::Blob(bytes) => write!(text, "{} bytes", bytes.len()).unwrap(),
                        other => text.push_str(other.as_str().unwrap()),
                    }
                    text.push('|');
                }
                text.push('\n');
            }
        }
        text
    }

    /// What `deleteAll` does.
    pub fn delete_all(&self) {
        for table in self.tables() {
            if !table.starts_with("sqlite_") && !table.contains('_') {
                self.0.connection.execute(&format!("DROP TABLE {table}"), []).unwrap();
            }
        }
    }
}

fn is_write(sql: &str) -> bool {
    !sql.trim_start().starts_with("SELECT")
}

impl Database for Sqlite {
    fn query(
        &self,
        sql: &'static str,
        values: &[Value],
        each: &mut dyn FnMut(Row) -> Result<ControlFlow<()>, Fault>,
    ) -> Result<(), Fault> {
        self.0.statements.borrow_mut().push(sql);
        if is_write(sql)
            && let Some(left) = self.0.writes_left.get()
        {
            if left == 0 {
                return Err(Fault::new("a write was made to fail"));
            }
            self.0.writes_left.set(Some(left - 1));
        }
        let mut statement = self.0.connection.prepare_cached(sql).map_err(Fault::new)?;
        let values = values.iter().map(|value| match value {
            Value::Null => rusqlite::types::Value::Null,
            Value::Integer(number) => rusqlite::types::Value::Integer(*number),
            Value::Text(text) => rusqlite::types::Value::Text(text.clone()),
            Value::Blob(bytes) => rusqlite::types::Value::Blob(bytes.clone()),
        });
        let columns = statement.column_count();
        statement.reset_status(StatementStatus::RePrepare);
        let mut rows = statement.query(params_from_iter(values)).map_err(Fault::new)?;
        while let Some(row) = rows.next().map_err(Fault::new)? {
            let column = |at| match row.get_ref(at).unwrap() {
                ValueRef::Null => Value::Null,
                ValueRef::Integer(number) => Value::Integer(number),
                ValueRef::Text(text) => Value::Text(String::from_utf8(text.to_vec()).unwrap()),
                ValueRef::Blob(bytes) => Value::Blob(bytes.to_vec()),
                ValueRef::Real(_) => panic!("a column of real numbers"),
            };
            if each(Row::new((0..columns).map(column).collect()))?.is_break() {
                break;
            }
        }
        drop(rows);
        if statement.get_status(StatementStatus::RePrepare) > 0 {
            self.0.replanned.borrow_mut().push(sql);
        }
        Ok(())
    }
}

/// Numbers that are different each time, and the same in each run.
#[derive(Clone, Default)]
pub struct Counter(Rc<Cell<u64>>);

impl Random for Counter {
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), Fault> {
        self.0.set(self.0.get() + 1);
        let number = self.0.get().to_le_bytes();
        bytes.iter_mut().zip(number.iter().cycle()).for_each(|(byte, part)| *byte = *part);
        Ok(())
    }
}

pub fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(1_700_000_000_000 + millis)
}

pub fn agent(name: &str) -> AgentId {
    name.parse().unwrap()
}

pub fn caller(name: &str, key: Option<&SessionKey>) -> Caller {
    Caller { agent: Some(agent(name)), key: key.cloned(), token: None }
}

pub fn session_id() -> SessionId {
    SessionId::from_random([7; 24])
}

pub fn text(text: &str) -> SendMessage {
    SendMessage { text: Some(text.to_owned()), ..SendMessage::default() }
}

/// A session on a database that outlives it.
pub struct World {
    pub database: Sqlite,
    pub session: Session<Sqlite>,
    pub random: Counter,
    pub limits: Limits,
    /// What the last send has to deliver.
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

    /// The object is dropped and built again from what it stored.
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

    /// A page for a reader that says what it wants.
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
        // It is no part of what the test does.
        let statements = self.database.statements();
        self.check_json(now, &who, PageRequest { members: false, ..request });
        self.database.0.statements.replace(statements);
        self.session.read(at(now), &who, request, &BTreeSet::new())
    }

    /// A page as JSON is the same page.
    pub fn check_json(&mut self, now: i64, who: &Who, request: PageRequest) {
        let page = self.session.read(at(now), who, request, &BTreeSet::new()).unwrap();
        let json = self.session.read_json(at(now), who, request, &BTreeSet::new());
        assert_eq!(json.unwrap(), serde_json::to_string(&page).unwrap());
    }
}

/// The calls of a session, each let in with the need that the table of calls gives it.
pub trait Calls {
    /// A call that needs a member.
    fn as_member(&mut self, now: Timestamp, caller: &Caller) -> Result<Who>;
    /// A call that needs a key.
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
        self.set_webhook(now, &who, webhook)
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

pub fn messages(page: &Page) -> Vec<Message> {
    page.messages.iter().map(|raw| serde_json::from_str(raw.get()).unwrap()).collect()
}

/// The code of the refusal that this must be.
pub fn refused<T: std::fmt::Debug>(result: Result<T>) -> ErrorCode {
    match result {
        Err(Error::Refused(refusal)) => refusal.body.error,
        other => panic!("not refused: {other:?}"),
    }
}

/// Whether this is a fault of the relay.
pub fn faulted<T>(result: &Result<T>) -> bool {
    matches!(result, Err(Error::Fault(_)))
}
