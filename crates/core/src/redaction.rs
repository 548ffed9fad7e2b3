//! Takes secrets out of what is sent (section 7), before anything of it is stored.

use crate::{Fault, Result};
use nexus_protocol::{Progress, Redacted};
use serde_json::value::RawValue;

/// A text without its secrets, which nobody counts.
#[must_use]
pub fn redacted(text: String) -> String {
    Redaction::default().text(text)
}

/// Removes secrets from one thing that is sent, and counts them.
#[derive(Default)]
pub(crate) struct Redaction(nexus_redact::Redaction);

impl Redaction {
    /// The text without its secrets.
    #[must_use]
    pub(crate) fn text(&mut self, text: String) -> String {
        self.0.text(text)
    }

    /// The JSON text without the secrets in its strings.
    pub(crate) fn json(&mut self, json: Box<RawValue>) -> Result<Box<RawValue>, Fault> {
        self.0.json(json).map_err(Fault::new)
    }

    /// The progress, without the secrets in its words.
    #[must_use]
    pub(crate) fn progress(&mut self, progress: Progress) -> Progress {
        match progress {
            Progress::Words(words) => Progress::Words(self.text(words)),
            percent @ Progress::Percent(_) => percent,
        }
    }

    /// What was removed, ordered by type.
    #[must_use]
    pub(crate) fn found(self) -> Vec<Redacted> {
        let of_protocol = |found: nexus_redact::Found| Redacted {
            kind: found.kind.to_owned(),
            count: found.count,
        };
        self.0.found().into_iter().map(of_protocol).collect()
    }
}
