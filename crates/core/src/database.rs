//! SQLite as the rules see it: synchronous, one statement at a time.

use crate::Fault;
use std::ops::ControlFlow;

/// The database of one object: a Durable Object's storage, or `SQLite` in memory in tests.
pub trait Database {
    /// Runs one statement with `?1`, `?2` ... bound to `values`. Passes each row to `each` until
    /// `each` breaks, and does not read the rows after that.
    fn query(
        &self,
        sql: &'static str,
        values: &[Value],
        each: &mut dyn FnMut(Row) -> Result<ControlFlow<()>, Fault>,
    ) -> Result<(), Fault>;

    /// Runs one statement and ignores the rows that it returns.
    fn execute(&self, sql: &'static str, values: &[Value]) -> Result<(), Fault> {
        self.query(sql, values, &mut |_| Ok(ControlFlow::Continue(())))
    }

    /// Returns the first row of a statement, as `read` converts it.
    fn first<T>(
        &self,
        sql: &'static str,
        values: &[Value],
        mut read: impl FnMut(&mut Row) -> Result<T, Fault>,
    ) -> Result<Option<T>, Fault>
    where
        Self: Sized,
    {
        let mut found = None;
        self.query(sql, values, &mut |mut row| {
            found = Some(read(&mut row)?);
            Ok(ControlFlow::Break(()))
        })?;
        Ok(found)
    }

    /// Whether a table or an index of this name exists. Creates nothing.
    fn has_table(&self, name: &'static str) -> Result<bool, Fault>
    where
        Self: Sized,
    {
        let sql = "SELECT 1 FROM sqlite_master WHERE name = ?1";
        Ok(self.first(sql, &[name.into()], |_| Ok(()))?.is_some())
    }
}

/// The value of a column. Integers must stay below 2^53, because the platform passes them as
/// JavaScript numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// NULL
    Null,
    /// INTEGER
    Integer(i64),
    /// TEXT
    Text(String),
    /// BLOB
    Blob(Vec<u8>),
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Integer(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

impl From<Vec<u8>> for Value {
    fn from(value: Vec<u8>) -> Self {
        Self::Blob(value)
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// One row of a result. Its columns are taken from left to right.
pub struct Row(std::vec::IntoIter<Value>);

impl Row {
    /// A row of these columns.
    #[must_use]
    pub fn new(columns: Vec<Value>) -> Self {
        Self(columns.into_iter())
    }

    /// The next column, which must be an integer.
    pub fn integer(&mut self) -> Result<i64, Fault> {
        match self.0.next() {
            Some(Value::Integer(number)) => Ok(number),
            _ => Err(Fault::new("a stored column is not a whole number")),
        }
    }

    /// The next column, which must be an integer or NULL.
    pub fn optional_integer(&mut self) -> Result<Option<i64>, Fault> {
        match self.0.next() {
            Some(Value::Integer(number)) => Ok(Some(number)),
            Some(Value::Null) => Ok(None),
            _ => Err(Fault::new("a stored column is not a whole number")),
        }
    }

    /// The next column, which must be a blob or NULL.
    pub fn optional_blob(&mut self) -> Result<Option<Vec<u8>>, Fault> {
        match self.0.next() {
            Some(Value::Blob(bytes)) => Ok(Some(bytes)),
            Some(Value::Null) => Ok(None),
            _ => Err(Fault::new("a stored column is not made of bytes")),
        }
    }

    /// The next column, which must be a text.
    pub fn text(&mut self) -> Result<String, Fault> {
        self.optional_text()?.ok_or_else(|| Fault::new("a stored column is NULL"))
    }

    /// The next column, which must be a text or NULL.
    pub fn optional_text(&mut self) -> Result<Option<String>, Fault> {
        match self.0.next() {
            Some(Value::Text(text)) => Ok(Some(text)),
            Some(Value::Null) => Ok(None),
            _ => Err(Fault::new("a stored column is not a text")),
        }
    }
}
