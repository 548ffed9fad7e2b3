//! `$NEXUS_READER`: the name of a program that reads for itself, although other programs read the same
//! sessions from the same state folder. Without it, programs share one cursor in each session, and each
//! message goes to one of them.

use crate::error::{Failure, Kind, Result};
use std::env;

/// The name of the reader, which is part of the names of its files. Empty without one.
#[derive(Clone, Debug, Default)]
pub(super) struct Reader(String);

impl Reader {
    pub(super) fn from_env() -> Result<Self> {
        Self::new(env::var("NEXUS_READER").unwrap_or_default())
    }

    fn new(name: String) -> Result<Self> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        if name.len() <= 64 && name.bytes().all(allowed) {
            return Ok(Self(name));
        }
        let message = "NEXUS_READER must be a name of 1 to 64 letters, digits, `_` or `-`.";
        Err(Failure::own(Kind::InvalidEnvironment, message))
    }

    /// The name of a file that each reader has for itself: `cursor`, or `cursor.NAME`.
    pub(super) fn own(&self, name: &str) -> String {
        if self.0.is_empty() { name.to_owned() } else { format!("{name}.{}", self.0) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reader_has_files_of_its_own() {
        assert_eq!(Reader::default().own("cursor"), "cursor");
        assert_eq!(Reader::new("helper-1".to_owned()).unwrap().own("cursor"), "cursor.helper-1");
        for name in ["../x", "a b", "a.b", "é", &"x".repeat(65)] {
            assert!(Reader::new(name.to_owned()).is_err(), "{name}");
        }
    }
}
