//! Upgrades stored tables from older forms to the newest.
//!
//! A table has a version, and a list of statements with the version that each leads to. An older
//! table runs the statements that it lacks, in order. A newer table is rejected. The version is
//! stored last, so after a failure some statements run again, and each must be harmless when
//! repeated. `... IF NOT EXISTS` is, and a column is added only if it is missing.
//!
//! If row 0 of a table is a record (a session, a mailbox), the version is the record's `schema`.
//! The versions of other tables are in a table of their own, which the first upgrade creates.
//! Without it, every such table is at version 1.

use crate::{Database, Fault, Row};

const HAS_COLUMN: &str =
    "SELECT 1 FROM sqlite_master WHERE name = ?1 AND instr(sql, ' ' || ?2) > 0";
const HAS_TABLES: &str = "SELECT count(*), coalesce(sum(name = 'schema_version'), 0)
    FROM sqlite_master WHERE name IN (?1, 'schema_version')";
const CREATE_VERSIONS: &str = "CREATE TABLE IF NOT EXISTS schema_version (
    name TEXT PRIMARY KEY,
    version INTEGER NOT NULL
) WITHOUT ROWID";
const PUT_VERSION: &str = "INSERT OR REPLACE INTO schema_version (name, version) VALUES (?1, ?2)";
const GET_VERSION: &str = "SELECT version FROM schema_version WHERE name = ?1";

/// A table and how to upgrade it.
pub(crate) struct Table {
    pub(crate) name: &'static str,
    /// The version that `create` makes.
    pub(crate) created: u32,
    /// Creates the table, with as few row writes as possible. If there are several statements, each
    /// must be harmless when repeated.
    pub(crate) create: &'static [&'static str],
    /// What each version added, oldest first. A new table runs the steps after `created`.
    pub(crate) steps: &'static [(u32, &'static str)],
}

impl Table {
    /// Creates the table in its newest form.
    pub(crate) fn create(&self, database: &impl Database) -> Result<(), Fault> {
        for sql in self.create {
            database.execute(sql, &[])?;
        }
        self.upgrade(database, self.created)
    }

    /// Upgrades the table from version `from` to the newest. The caller stores the version.
    pub(crate) fn upgrade(&self, database: &impl Database, from: u32) -> Result<(), Fault> {
        for (_, sql) in self.steps.iter().filter(|(version, _)| *version > from) {
            run(database, sql)?;
        }
        Ok(())
    }

    /// Whether the table exists. If so, upgrades it to its newest form. For tables without a
    /// record.
    pub(crate) fn open(&self, database: &impl Database) -> Result<bool, Fault> {
        let found = database
            .first(HAS_TABLES, &[self.name.into()], |row| Ok((row.integer()?, row.integer()?)))?;
        let (tables, versions) = found.unwrap_or_default();
        if tables == versions {
            return Ok(false);
        }
        let stored = match versions {
            0 => None,
            _ => database.first(GET_VERSION, &[self.name.into()], Row::integer)?,
        };
        let (stored, newest) = (stored.unwrap_or(1), self.newest());
        if stored > i64::from(newest) {
            let name = self.name;
            return Err(Fault::new(format!("the stored table {name} has the newer form {stored}")));
        }
        if stored < i64::from(newest) {
            self.upgrade(database, u32::try_from(stored).unwrap_or(0))?;
            self.store_version(database)?;
        }
        Ok(true)
    }

    /// Like [`Self::open`], but also creates the table if it does not exist.
    pub(crate) fn open_or_create(&self, database: &impl Database) -> Result<(), Fault> {
        if self.open(database)? {
            return Ok(());
        }
        self.create(database)?;
        if self.newest() > 1 { self.store_version(database) } else { Ok(()) }
    }

    fn newest(&self) -> u32 {
        self.steps.last().map_or(self.created, |(version, _)| self.created.max(*version))
    }

    fn store_version(&self, database: &impl Database) -> Result<(), Fault> {
        database.execute(CREATE_VERSIONS, &[])?;
        let version = i64::from(self.newest());
        database.execute(PUT_VERSION, &[self.name.into(), version.into()])
    }
}

fn run(database: &impl Database, sql: &'static str) -> Result<(), Fault> {
    let column = sql.strip_prefix("ALTER TABLE ").and_then(|rest| rest.split_once(" ADD COLUMN "));
    if let Some((table, column)) = column {
        let values = [table.into(), column.into()];
        if database.first(HAS_COLUMN, &values, |_| Ok(()))?.is_some() {
            return Ok(());
        }
    }
    database.execute(sql, &[])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Value;
    use rusqlite::{Connection, params_from_iter, types};
    use std::ops::ControlFlow;

    const FIRST: Table = Table {
        name: "thing",
        created: 1,
        create: &["CREATE TABLE thing (\n    id TEXT)"],
        steps: &[],
    };
    const STEPS: &[(u32, &str)] = &[
        (2, "ALTER TABLE thing ADD COLUMN size INTEGER"),
        (3, "CREATE INDEX IF NOT EXISTS thing_size ON thing (size)"),
    ];
    const NEWEST: Table = Table { steps: STEPS, ..FIRST };

    impl Database for Connection {
        fn query(
            &self,
            sql: &'static str,
            values: &[Value],
            each: &mut dyn FnMut(Row) -> Result<ControlFlow<()>, Fault>,
        ) -> Result<(), Fault> {
            let mut statement = self.prepare(sql).map_err(Fault::new)?;
            let columns = statement.column_count();
            let values = values.iter().map(|value| match value {
                Value::Integer(number) => types::Value::Integer(*number),
                Value::Text(text) => types::Value::Text(text.clone()),
                Value::Null | Value::Blob(_) => types::Value::Null,
            });
            let mut rows = statement.query(params_from_iter(values)).map_err(Fault::new)?;
            while let Some(row) = rows.next().map_err(Fault::new)? {
                let columns = (0..columns).map(|at| match row.get(at).unwrap() {
                    types::Value::Integer(number) => Value::Integer(number),
                    types::Value::Text(text) => Value::Text(text),
                    _ => Value::Null,
                });
                if each(Row::new(columns.collect()))?.is_break() {
                    break;
                }
            }
            Ok(())
        }
    }

    fn database() -> Connection {
        Connection::open_in_memory().unwrap()
    }

    /// The names of columns and indexes, and the stored version.
    fn form(database: &Connection) -> (String, Option<i64>) {
        let sql = "SELECT group_concat(name) FROM (SELECT name FROM pragma_table_info('thing')
            UNION ALL SELECT name FROM sqlite_master WHERE type = 'index' AND tbl_name = 'thing')";
        let names = database.first(sql, &[], Row::text).unwrap().unwrap();
        (names, database.first(GET_VERSION, &["thing".into()], Row::integer).ok().flatten())
    }

    #[test]
    fn opening_does_not_create_a_table() {
        let database = database();
        assert!(!NEWEST.open(&database).unwrap());
        Database::execute(&database, CREATE_VERSIONS, &[]).unwrap();
        assert!(!NEWEST.open(&database).unwrap());
    }

    #[test]
    fn an_older_table_is_upgraded_to_the_form_of_a_new_one() {
        let (old, new) = (database(), database());
        FIRST.open_or_create(&old).unwrap();
        assert_eq!(form(&old), ("id".to_owned(), None));
        assert!(NEWEST.open(&old).unwrap());
        NEWEST.open_or_create(&new).unwrap();
        assert_eq!(form(&old), ("id,size,thing_size".to_owned(), Some(3)));
        assert_eq!(form(&old), form(&new));
        NEWEST.open_or_create(&old).unwrap();
        assert_eq!(form(&old), form(&new));
    }

    #[test]
    fn interrupted_steps_are_repeated() {
        let database = database();
        FIRST.open_or_create(&database).unwrap();
        // The version is not stored when the failure happens.
        for _ in 0..2 {
            NEWEST.upgrade(&database, 1).unwrap();
        }
        assert!(NEWEST.open(&database).unwrap());
        assert_eq!(form(&database), ("id,size,thing_size".to_owned(), Some(3)));
    }

    #[test]
    fn a_table_can_be_created_with_its_steps_already_in_it() {
        let table = Table {
            created: 2,
            create: &["CREATE TABLE thing (\n    id TEXT,\n    size INTEGER\n)"],
            ..NEWEST
        };
        let database = database();
        table.open_or_create(&database).unwrap();
        assert_eq!(form(&database), ("id,size,thing_size".to_owned(), Some(3)));
    }

    #[test]
    fn a_newer_table_is_refused() {
        let database = database();
        NEWEST.open_or_create(&database).unwrap();
        let fault = FIRST.open(&database).unwrap_err().to_string();
        assert_eq!(fault, "the stored table thing has the newer form 3");
    }
}
