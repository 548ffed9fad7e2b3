//! Stored records: JSON with a `schema`, the version of the record's form.

use crate::Fault;
use serde::{Deserialize, de::DeserializeOwned};

/// Reads a record of the kind `what`. Rejects a newer schema. The fault never quotes what is
/// stored.
pub(crate) fn read<T: DeserializeOwned>(what: &str, schema: u32, record: &str) -> Result<T, Fault> {
    #[derive(Deserialize)]
    struct Version {
        schema: u32,
    }
    // The parser's own error could quote what is stored.
    let unreadable = |_| Fault::new(format!("a stored {what} cannot be read"));
    let version: Version = serde_json::from_str(record).map_err(unreadable)?;
    if version.schema > schema {
        let newer = version.schema;
        return Err(Fault::new(format!("a stored {what} has the newer schema {newer}")));
    }
    serde_json::from_str(record).map_err(unreadable)
}
