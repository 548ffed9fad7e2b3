//! Reading a page of stored messages.

use crate::{Database, Fault, Row, Value};
use nexus_protocol::{Cursor, Page};
use serde_json::value::RawValue;
use std::ops::ControlFlow;

/// A page ends early when its messages reach this many bytes.
pub(crate) const PAGE_BYTES: usize = 1024 * 1024;

/// Fills `page` with up to `limit` messages. Each row of the statement is a cursor, a record, and
/// the columns that `more` takes. The statement must select one row more than fits, so that the
/// page knows whether there are more.
pub(crate) fn fill(
    database: &impl Database,
    sql: &'static str,
    values: &[Value],
    page: &mut Page,
    limit: usize,
    more: &mut dyn FnMut(Cursor, &mut Row) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let mut bytes = 0_usize;
    database.query(sql, values, &mut |mut row| {
        if page.messages.len() >= limit || bytes >= PAGE_BYTES {
            page.has_more = true;
            return Ok(ControlFlow::Break(()));
        }
        page.next_cursor = Cursor::from_i64(row.integer()?);
        let record = row.text()?;
        bytes = bytes.saturating_add(record.len());
        page.messages.push(RawValue::from_string(record).map_err(Fault::new)?);
        more(page.next_cursor, &mut row)?;
        Ok(ControlFlow::Continue(()))
    })
}
