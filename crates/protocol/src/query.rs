//! Reading a query string, with everything that is wrong named at once.

use crate::{
    Refusal,
    ids::Malformed,
    profile::{LABEL, is_label},
    wrong::Wrong,
};
use percent_encoding::percent_decode_str;
use std::{ops::RangeInclusive, str::FromStr};

/// The parameters of a query string. Unknown and empty ones are ignored; of one that stands twice
/// the first counts. Only what [`Self::decoded`] reads is percent-decoded: the others are plain ASCII.
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

    /// The parameter, percent-decoded. What is not UTF-8 becomes U+FFFD.
    pub(crate) fn decoded(&self, name: &str) -> Option<String> {
        let text = self.get(name)?.replace('+', " ");
        Some(percent_decode_str(&text).decode_utf8_lossy().into_owned())
    }

    /// The parameter as a capability.
    pub(crate) fn label(&mut self, name: &'static str) -> Option<String> {
        let label = self.decoded(name)?;
        if !is_label(&label) {
            self.note(name, LABEL);
        }
        Some(label)
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
