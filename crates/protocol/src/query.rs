//! Reading a query string, with everything that is wrong named at once.

use crate::{Detail, Refusal, ids::Malformed};
use std::{ops::RangeInclusive, str::FromStr};

/// The parameters of a query string. Unknown and empty ones are ignored; of one that stands twice
/// the first counts. Every value the protocol defines is plain ASCII, so nothing is percent-decoded.
pub(crate) struct Query<'a> {
    text: &'a str,
    wrong: Vec<Detail>,
}

impl<'a> Query<'a> {
    /// Takes what follows the `?`.
    pub(crate) fn parse(text: &'a str) -> Self {
        Self { text, wrong: Vec::new() }
    }

    fn get(&self, name: &str) -> Option<&'a str> {
        let mut pairs = self.text.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        let value = pairs.find(|(key, _)| *key == name).map(|(_, value)| value);
        value.filter(|value| !value.is_empty())
    }

    fn note(&mut self, name: &'static str, rule: String) {
        self.wrong.push(Detail { path: name.into(), message: rule.into() });
    }

    /// The parameter in the form that `T` checks.
    pub(crate) fn parsed<T: FromStr<Err = Malformed>>(&mut self, name: &'static str) -> Option<T> {
        let parsed = self.get(name)?.parse();
        parsed.map_err(|Malformed(rule)| self.note(name, rule.to_owned())).ok()
    }

    /// A whole number of `unit` in `range`.
    pub(crate) fn number(
        &mut self,
        name: &'static str,
        unit: &str,
        range: RangeInclusive<u32>,
    ) -> Option<u32> {
        let number = self.get(name)?.parse().ok().filter(|number| range.contains(number));
        if number.is_none() {
            self.note(
                name,
                format!(
                    "must be a whole number of {unit} from {} to {}",
                    range.start(),
                    range.end()
                ),
            );
        }
        number
    }

    /// `true` or `1`, `false` or `0`; false when left out.
    pub(crate) fn flag(&mut self, name: &'static str) -> bool {
        match self.get(name) {
            None | Some("false" | "0") => false,
            Some("true" | "1") => true,
            Some(_) => {
                self.note(name, "must be true or false".to_owned());
                false
            }
        }
    }

    /// Refuses if anything was noted as wrong.
    pub(crate) fn finish(self) -> Result<(), Refusal> {
        if self.wrong.is_empty() { Ok(()) } else { Err(Refusal::invalid_request(self.wrong)) }
    }
}
