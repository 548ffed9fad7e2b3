//! Collects everything that is wrong with a request, so that one answer can name it all.

use crate::{Detail, Refusal};
use std::{borrow::Cow, ops::RangeInclusive};

/// What was found wrong so far.
#[derive(Default)]
pub(crate) struct Wrong(Vec<Detail>);

impl Wrong {
    /// Notes that `path` is wrong, and what it must be.
    pub(crate) fn note(&mut self, path: &'static str, rule: impl Into<Cow<'static, str>>) {
        self.0.push(Detail { path: path.into(), message: rule.into() });
    }

    /// `text` as an integer of `unit` in `range`. Anything else is noted as wrong.
    pub(crate) fn number(
        &mut self,
        path: &'static str,
        text: &str,
        unit: &str,
        range: &RangeInclusive<u32>,
    ) -> Option<u32> {
        let number = text.parse().ok().filter(|number| range.contains(number));
        if number.is_none() {
            let (least, most) = (range.start(), range.end());
            self.note(path, format!("must be a whole number of {unit} from {least} to {most}"));
        }
        number
    }

    /// Refuses if anything was noted as wrong.
    pub(crate) fn finish(self) -> Result<(), Refusal> {
        if self.0.is_empty() { Ok(()) } else { Err(Refusal::invalid_request(self.0)) }
    }
}
