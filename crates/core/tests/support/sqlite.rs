//! SQLite in memory. It records its statements, survives the objects that use it, and fails on
//! demand.

use nexus_core::{Database, Fault, Row, Value};
use rusqlite::{Connection, StatementStatus, params_from_iter, types::ValueRef};
use std::{
    cell::{Cell, RefCell},
    fmt::Write,
    ops::ControlFlow,
    rc::Rc,
};

/// A database that outlives the objects built on it.
#[derive(Clone)]
pub struct Sqlite(Rc<Inner>);

struct Inner {
    connection: Connection,
    statements: RefCell<Vec<&'static str>>,
    /// Statements that were planned again because of the values bound to them.
    replanned: RefCell<Vec<&'static str>>,
    /// How many writes still succeed. `None` means all.
    writes_left: Cell<Option<usize>>,
    rows: Cell<u64>,
}

impl Sqlite {
    pub fn new() -> Self {
        let connection = Connection::open_in_memory().unwrap();
        Self(Rc::new(Inner {
            connection,
            statements: RefCell::default(),
            replanned: RefCell::default(),
            writes_left: Cell::new(None),
            rows: Cell::new(0),
        }))
    }

    /// The next `writes` writes succeed, and all later ones fail.
    pub fn fail_after(&self, writes: usize) {
        self.0.writes_left.set(Some(writes));
    }

    /// No statement fails any more.
    pub fn heal(&self) {
        self.0.writes_left.set(None);
    }

    /// The statements since the last call.
    pub fn statements(&self) -> Vec<&'static str> {
        self.0.statements.take()
    }

    /// Replaces the record of the statements.
    pub fn set_statements(&self, statements: Vec<&'static str>) {
        self.0.statements.replace(statements);
    }

    /// The writing statements since the statements were last taken.
    pub fn writes(&self) -> Vec<&'static str> {
        self.statements().into_iter().filter(|sql| is_write(sql)).collect()
    }

    /// How many rows were written since it was made, as the platform counts: two for a table, one for an index, and
    /// one for each row and for its entry in an index that has one.
    pub fn rows(&self) -> u64 {
        self.0.rows.get()
    }

    /// How many bytes it takes.
    pub fn size(&self) -> u64 {
        let sql = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size";
        self.0.connection.query_row(sql, [], |row| row.get(0)).unwrap()
    }

    /// The statements that were planned again since the last call.
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

    /// The names of all tables and indexes.
    pub fn tables(&self) -> Vec<String> {
        let sql = "SELECT name FROM sqlite_master";
        let mut statement = self.0.connection.prepare(sql).unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    }

    /// The SQL that created them, without line breaks.
    pub fn schema(&self) -> String {
        let sql = "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL";
        let mut statement = self.0.connection.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| row.get::<_, String>(0)).unwrap();
        rows.map(|sql| sql.unwrap().split_whitespace().collect::<Vec<_>>().join(" ") + "; ")
            .collect()
    }

    /// Everything that is stored, one line for each row.
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

    /// Does what `deleteAll` does on the platform.
    pub fn delete_all(&self) {
        for table in self.tables() {
            if !table.starts_with("sqlite_") && !table.contains('_') {
                self.0.connection.execute(&format!("DROP TABLE {table}"), []).unwrap();
            }
        }
    }
}

impl Sqlite {
    /// What a statement like this makes larger by the rows that it writes.
    fn size_of(&self, sql: &str) -> u64 {
        let changes = self.0.connection.total_changes();
        match sql {
            _ if sql.starts_with("CREATE TABLE") => 2 * self.tables().len() as u64,
            _ if sql.starts_with("CREATE") => self.tables().len() as u64,
            _ => changes,
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
        let before = is_write(sql).then(|| self.size_of(sql));
        // The idempotency key is the only column with an index in what is inserted into a log.
        let is_keyed = is_write(sql)
            && sql.contains("idempotency_key, record")
            && matches!(values.get(4), Some(Value::Text(_)));
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
        if let Some(before) = before {
            let rows = self.size_of(sql).saturating_sub(before) + u64::from(is_keyed);
            self.0.rows.set(self.0.rows.get() + rows);
        }
        Ok(())
    }
}
