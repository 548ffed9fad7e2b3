//! Reading a query string, so that one answer can name everything that is wrong.

use crate::{
    Refusal,
    ids::Malformed,
    label::{LABEL, is_label},
    wrong::Wrong,
};
use percent_encoding::percent_decode_str;
use std::{borrow::Cow, ops::RangeInclusive, str::FromStr};

/// The parameters of a query string. Unknown and empty ones are ignored. If a parameter is
/// repeated, the first one counts. Only [`Self::decoded`] percent-decodes, because the other
/// parameters are plain ASCII.
pub struct Query<'a> {
    text: &'a str,
    wrong: Wrong,
}

impl<'a> Query<'a> {
    /// Takes the text after the `?`.
    #[must_use]
    pub fn parse(text: &'a str) -> Self {
        Self { text, wrong: Wrong::default() }
    }

    fn get(&self, name: &str) -> Option<&'a str> {
        let mut pairs = self.text.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        let value = pairs.find(|(key, _)| *key == name).map(|(_, value)| value);
        value.filter(|value| !value.is_empty())
    }

    /// The parameter in the form that `T` checks.
    pub fn parsed<T: FromStr<Err = Malformed>>(&mut self, name: &'static str) -> Option<T> {
        let parsed = self.get(name)?.parse();
        parsed.map_err(|Malformed(rule)| self.wrong.note(name, rule)).ok()
    }

    /// The parameter as it was written.
    pub fn text(&self, name: &str) -> Option<String> {
        self.get(name).map(ToOwned::to_owned)
    }

    /// The parameter, percent-decoded, where a `+` is a `+`. Bytes that are not UTF-8 become U+FFFD.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<Cow<'a, str>> {
        Some(percent_decode_str(self.get(name)?).decode_utf8_lossy())
    }

    /// The parameter, percent-decoded, where a `+` is a space. Bytes that are not UTF-8 become U+FFFD.
    #[must_use]
    pub fn decoded(&self, name: &str) -> Option<String> {
        let text = self.get(name)?.replace('+', " ");
        Some(percent_decode_str(&text).decode_utf8_lossy().into_owned())
    }

    /// The parameter as a label. Any other text is noted as wrong.
    pub fn label(&mut self, name: &'static str) -> Option<String> {
        let label = self.decoded(name)?;
        if !is_label(&label) {
            self.note(name, LABEL);
        }
        Some(label)
    }

    /// Notes that the parameter `name` is wrong because of `rule`.
    pub fn note(&mut self, name: &'static str, rule: &'static str) {
        self.wrong.note(name, rule);
    }

    /// An integer of `unit`. A number above `range` counts as the maximum. One below it is noted as
    /// wrong.
    pub fn at_most(
        &mut self,
        name: &'static str,
        unit: &str,
        range: RangeInclusive<u32>,
    ) -> Option<u32> {
        let text = self.get(name)?;
        // It may have any number of digits.
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        let number = digits.then(|| text.parse().unwrap_or(u32::MAX).min(*range.end()));
        number
            .filter(|number| range.contains(number))
            .or_else(|| self.wrong.number(name, text, unit, &range))
    }

    /// An integer of `unit` in `range`. Anything else is noted as wrong.
    pub fn number(
        &mut self,
        name: &'static str,
        unit: &str,
        range: RangeInclusive<u32>,
    ) -> Option<u32> {
        let text = self.get(name)?;
        self.wrong.number(name, text, unit, &range)
    }

    /// `true` or `1`, `false` or `0`, in any case. The bare name means true. A missing or empty
    /// parameter means false.
    pub fn flag(&mut self, name: &'static str) -> bool {
        let pair = self.text.split('&').find(|pair| pair.split('=').next() == Some(name));
        let value = match pair.map(|pair| pair.split_once('=')) {
            None => return false,
            Some(None) => return true,
            Some(Some((_, value))) => value.to_ascii_lowercase(),
        };
        match value.as_str() {
            "true" | "1" => return true,
            "false" | "0" | "" => {}
            _ => self.wrong.note(name, "must be true or false"),
        }
        false
    }

    /// Refuses if anything was noted as wrong.
    pub fn finish(self) -> Result<(), Refusal> {
        self.wrong.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flag_is_read_in_any_case_and_a_bare_name_is_true() {
        for (text, expected) in [
            ("", Ok(false)),
            ("members", Ok(true)),
            ("a=1&members&b", Ok(true)),
            ("members=True", Ok(true)),
            ("members=1", Ok(true)),
            ("members=FALSE", Ok(false)),
            ("members=0", Ok(false)),
            ("members=", Ok(false)),
            ("memberss", Ok(false)),
            ("members=false&members=true", Ok(false)),
            ("members=yes", Err(())),
        ] {
            let mut query = Query::parse(text);
            let flag = query.flag("members");
            assert_eq!(query.finish().map(|()| flag).map_err(drop), expected, "{text}");
        }
    }

    #[test]
    fn a_number_above_the_maximum_is_cut_and_one_below_the_minimum_is_refused() {
        for (text, expected) in [
            ("", Ok(None)),
            ("limit=", Ok(None)),
            ("limit=1", Ok(Some(1))),
            ("limit=5", Ok(Some(5))),
            ("limit=6", Ok(Some(5))),
            ("limit=99999999999999999999999", Ok(Some(5))),
            ("limit=0", Err(())),
            ("limit=-1", Err(())),
            ("limit=1.5", Err(())),
            ("limit=many", Err(())),
        ] {
            let mut query = Query::parse(text);
            let limit = query.at_most("limit", "messages", 1..=5);
            assert_eq!(query.finish().map(|()| limit).map_err(drop), expected, "{text}");
        }
    }
}
