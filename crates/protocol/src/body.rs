//! Reading a JSON body field by field, so that an answer can name everything that is wrong with it.

use crate::{Detail, Refusal};
use serde::de::DeserializeOwned;
use serde_json::{Value, value::RawValue};
use std::{borrow::Cow, collections::BTreeMap, ops::RangeInclusive};

/// The fields of a body (section 1): an absent or empty body is `{}`, unknown fields are ignored,
/// `null` is the same as absent.
pub struct Body<'a> {
    fields: BTreeMap<Cow<'a, str>, &'a RawValue>,
    wrong: Vec<Detail>,
}

impl<'a> Body<'a> {
    /// Takes the bytes of a body. Refuses what is not JSON (`invalid_body`) or not an object.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Refusal> {
        let text = str::from_utf8(bytes).map_err(|_| Refusal::invalid_body("it is not UTF-8"))?;
        let text = if text.trim_ascii().is_empty() { "{}" } else { text };
        // The whole of it, so that no reader can choke on what was taken: nested at most 127 deep, no
        // half characters, no number that is too large.
        serde_json::from_str::<Value>(text).map_err(|error| {
            Refusal::invalid_body(&format!("line {}, column {}", error.line(), error.column()))
        })?;
        let mut fields: BTreeMap<Cow<'a, str>, &'a RawValue> = serde_json::from_str(text)
            .map_err(|_| Refusal::invalid("body", "must be a JSON object"))?;
        fields.retain(|_, raw| raw.get() != "null");
        Ok(Self { fields, wrong: Vec::new() })
    }

    /// The field as it was written.
    pub fn raw(&mut self, name: &str) -> Option<&'a RawValue> {
        self.fields.remove(name)
    }

    /// The field as a `T`; one of another type is noted as wrong, with `rule` saying what it must be.
    pub fn field<T: DeserializeOwned>(
        &mut self,
        name: &'static str,
        rule: &'static str,
    ) -> Option<T> {
        let raw = self.raw(name)?;
        let value = T::deserialize(&mut serde_json::Deserializer::from_str(raw.get()));
        value.map_err(|_| self.note(name, rule)).ok()
    }

    /// As [`Self::field`], and one that is missing is noted too.
    pub fn required<T: DeserializeOwned>(
        &mut self,
        name: &'static str,
        rule: &'static str,
    ) -> Option<T> {
        if !self.fields.contains_key(name) {
            self.note(name, rule);
        }
        self.field(name, rule)
    }

    /// The field as a whole number of `unit` in `range`; anything else is noted as wrong.
    pub fn number(
        &mut self,
        name: &'static str,
        unit: &str,
        range: RangeInclusive<u32>,
    ) -> Option<u32> {
        let raw = self.raw(name)?;
        let number = raw.get().parse().ok().filter(|number| range.contains(number));
        if number.is_none() {
            let rule = format!(
                "must be a whole number of {unit} from {} to {}",
                range.start(),
                range.end()
            );
            self.note(name, rule);
        }
        number
    }

    /// Notes that the field `name` is wrong because of `rule`.
    pub fn note(&mut self, name: &'static str, rule: impl Into<Cow<'static, str>>) {
        self.wrong.push(Detail { path: name.into(), message: rule.into() });
    }

    /// Refuses if anything was noted as wrong.
    pub fn finish(self) -> Result<(), Refusal> {
        if self.wrong.is_empty() { Ok(()) } else { Err(Refusal::invalid_request(self.wrong)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorCode;
    use proptest::prelude::*;

    fn refused(bytes: &[u8]) -> Option<ErrorCode> {
        Body::parse(bytes).err().map(|refusal| refusal.body.error)
    }

    #[test]
    fn what_is_not_json_is_told_from_what_is_not_an_object() {
        for bytes in [
            &b"{"[..],
            b"nope",
            b"{\"a\":1}x",
            b"\xff",
            b"{\"a\":\"\\ud800\"}",
            b"{'a':1}",
            b"{\"a\":1e400}",
        ] {
            assert_eq!(refused(bytes), Some(ErrorCode::InvalidBody), "{bytes:?}");
        }
        for bytes in [&b"[]"[..], b"1", b"\"x\"", b"null"] {
            assert_eq!(refused(bytes), Some(ErrorCode::InvalidRequest), "{bytes:?}");
        }
        for bytes in [&b""[..], b" \n", b"{}", b"{\"unknown\":[1,{}]}"] {
            assert_eq!(refused(bytes), None, "{bytes:?}");
        }
        assert_eq!(refused("[".repeat(100_000).as_bytes()), Some(ErrorCode::InvalidBody));
    }

    #[test]
    fn everything_that_is_wrong_is_named() {
        let mut body = Body::parse(br#"{"a":"x","b":[],"c":-1,"d":null,"e":1.5}"#).unwrap();
        assert_eq!(body.number("a", "seconds", 1..=9), None);
        assert_eq!(body.field::<String>("b", "must be a string"), None);
        assert_eq!(body.number("c", "agents", 1..=9), None);
        assert_eq!(body.number("d", "agents", 1..=9), None);
        assert_eq!(body.number("e", "agents", 1..=9), None);
        let details = body.finish().unwrap_err().body.details;
        let paths: Vec<_> = details.iter().map(|detail| detail.path.as_ref()).collect();
        assert_eq!(paths, ["a", "b", "c", "e"]);
        assert_eq!(details[0].message, "must be a whole number of seconds from 1 to 9");
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = Body::parse(&bytes).map(|mut body| { body.number("a", "s", 1..=2); body.finish() });
        }
    }
}
