//! Reading a query string, with everything that is wrong named at once.

use crate::{Refusal, ids::Malformed, wrong::Wrong};
use std::{ops::RangeInclusive, str::FromStr};

/// The parameters of a query string. Unknown and empty ones are ignored; of one that stands twice
/// the first counts. Every value the protocol defines is plain ASCII, so nothing is percent-decoded.
pub(crate) struct Query<'a> {
    text: &'a str,
    wrong: Wrong,
}

impl<'a> Query<'a> {
    /// Takes what follows the `?`.
    pub(crate) fn parse(text: &'a str) -> Self {
        Self { text, wrong: Wrong::default() }
    }

    fn get(&self, name: &str) -> Option<&'a str> {
        let mut pairs = self.text.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        let value = pairs.find(|(key, _)| *key == name).map(|(_, value)| value);
        value.filter(|value| !value.is_empty())
    }

    /// The parameter in the form that `T` checks.
    pub(crate) fn parsed<T: FromStr<Err = Malformed>>(&mut self, name: &'static str) -> Option<T> {
        let parsed = self.get(name)?.parse();
        parsed.map_err(|Malformed(rule)| self.wrong.note(name, rule)).ok()
    }

    /// The parameter as it was written.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        self.get(name).map(ToOwned::to_owned)
    }

    /// Notes that the parameter `name` is wrong because of `rule`.
    pub(crate) fn note(&mut self, name: &'static str, rule: &'static str) {
        self.wrong.note(name, rule);
    }

    /// A whole number of `unit` in `range`.
    pub(crate) fn number(
        &mut self,
        name: &'static str,
        unit: &str,
        range: RangeInclusive<u32>,
    ) -> Option<u32> {
        let text = self.get(name)?;
        self.wrong.number(name, text, unit, &range)
    }

    /// `true` or `1`, `false` or `0`; false when left out.
    pub(crate) fn flag(&mut self, name: &'static str) -> bool {
        match self.get(name) {
            None | Some("false" | "0") => false,
            Some("true" | "1") => true,
            Some(_) => {
                self.wrong.note(name, "must be true or false");
                false
            }
        }
    }

    /// Refuses if anything was noted as wrong.
    pub(crate) fn finish(self) -> Result<(), Refusal> {
        self.wrong.finish()
    }
}
