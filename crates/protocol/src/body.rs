//! Reading a JSON body field by field, so that one answer can name everything that is wrong.

use crate::{Refusal, cause, wrong::Wrong};
use serde::{
    Deserializer,
    de::{DeserializeOwned, DeserializeSeed, Error, MapAccess, SeqAccess, Visitor},
};
use serde_json::value::RawValue;
use std::{borrow::Cow, collections::BTreeMap, fmt, ops::RangeInclusive};

/// How deep a body may be nested. A page adds a few levels around a payload, and some readers stop
/// at 64.
const MAX_DEPTH: usize = 60;

/// The fields of a body (section 1). An absent or empty body is `{}`. Unknown fields are ignored,
/// and `null` is the same as an absent field.
pub struct Body<'a> {
    fields: BTreeMap<Cow<'a, str>, &'a RawValue>,
    wrong: Wrong,
}

impl<'a> Body<'a> {
    /// Takes the bytes of a body. A byte order mark is skipped. Refuses what is not JSON, or not JSON that every
    /// reader can take (`invalid_body`), what is compressed, and what is not an object.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Refusal> {
        let text = str::from_utf8(bytes).map_err(|error| cause::not_utf8(bytes, &error))?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let text = if text.trim_ascii().is_empty() { "{}" } else { text };
        let why = |error: serde_json::Error| cause::not_json(text, &error);
        let mut deserializer = serde_json::Deserializer::from_str(text);
        Readable(MAX_DEPTH).deserialize(&mut deserializer).map_err(why)?;
        deserializer.end().map_err(why)?;
        let mut fields: BTreeMap<Cow<'a, str>, &'a RawValue> = serde_json::from_str(text)
            .map_err(|_| Refusal::invalid("body", "must be a JSON object"))?;
        fields.retain(|_, raw| raw.get() != "null");
        Ok(Self { fields, wrong: Wrong::default() })
    }

    /// Whether the field is present.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.fields.contains_key(name)
    }

    /// The field as it was written.
    pub fn raw(&mut self, name: &str) -> Option<&'a RawValue> {
        self.fields.remove(name)
    }

    /// The field as a `T`. A field of another type is noted as wrong, and `rule` says what it must
    /// be.
    pub fn field<T: DeserializeOwned>(
        &mut self,
        name: &'static str,
        rule: &'static str,
    ) -> Option<T> {
        let raw = self.raw(name)?;
        serde_json::from_str(raw.get()).map_err(|_| self.wrong.note(name, rule)).ok()
    }

    /// Like [`Self::field`], but also notes a missing field.
    pub fn required<T: DeserializeOwned>(
        &mut self,
        name: &'static str,
        rule: &'static str,
    ) -> Option<T> {
        if !self.has(name) {
            self.wrong.note(name, rule);
        }
        self.field(name, rule)
    }

    /// The field as an integer of `unit` in `range`. Anything else is noted as wrong.
    pub fn number(
        &mut self,
        name: &'static str,
        unit: &str,
        range: RangeInclusive<u32>,
    ) -> Option<u32> {
        let raw = self.raw(name)?;
        self.wrong.number(name, raw.get(), unit, &range)
    }

    /// Notes that the field `name` is wrong because of `rule`.
    pub fn note(&mut self, name: &'static str, rule: &'static str) {
        self.wrong.note(name, rule);
    }

    /// Refuses if anything was noted as wrong.
    pub fn finish(self) -> Result<(), Refusal> {
        self.wrong.finish()
    }
}

/// Checks that every reader can take a value: limited nesting, no lone surrogates, and no number
/// that is too large.
struct Readable(usize);

impl<'de> DeserializeSeed<'de> for Readable {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Readable {
    fn inside<E: Error>(&self) -> Result<Self, E> {
        self.0.checked_sub(1).map(Self).ok_or_else(|| E::custom("nested too deep"))
    }
}

impl<'de> Visitor<'de> for Readable {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while list.next_element_seed(self.inside()?)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while map.next_key::<Cow<'de, str>>()?.is_some() {
            map.next_value_seed(self.inside()?)?;
        }
        Ok(())
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

    fn nested(depth: usize) -> String {
        format!("{{\"json\":{}{}}}", "[".repeat(depth), "]".repeat(depth))
    }

    #[test]
    fn invalid_json_and_values_that_are_not_objects_give_different_errors() {
        for bytes in [
            &b"{"[..],
            b"nope",
            b"{\"a\":1}x",
            b"\xff",
            b"{\"a\":\"\\ud800\"}",
            b"{\"\\ud800\":1}",
            b"{'a':1}",
            b"{\"a\":1e400}",
        ] {
            assert_eq!(refused(bytes), Some(ErrorCode::InvalidBody), "{bytes:?}");
        }
        for bytes in [&b"[]"[..], b"1", b"\"x\"", b"null"] {
            assert_eq!(refused(bytes), Some(ErrorCode::InvalidRequest), "{bytes:?}");
        }
        for bytes in [
            &b""[..],
            b" \n",
            b"{}",
            b"{\"unknown\":[1,{}]}",
            b"{\"a\":{\"$serde_json::private::RawValue\":5}}",
        ] {
            assert_eq!(refused(bytes), None, "{bytes:?}");
        }
    }

    #[test]
    fn accepted_bodies_can_be_read_with_a_limit_of_64_levels() {
        // A page adds these levels around a payload: the page, its messages, the message.
        let deepest = (0..200).rev().find(|depth| refused(nested(*depth).as_bytes()).is_none());
        assert_eq!(deepest, Some(MAX_DEPTH - 1));
        assert!(deepest.unwrap() + 3 <= 64);
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
        assert_eq!(body.required::<String>("d", "must be there"), None);
        let details = body.finish().unwrap_err().body.details;
        let paths: Vec<_> = details.iter().map(|detail| detail.path.as_ref()).collect();
        assert_eq!(paths, ["a", "b", "c", "e", "d"]);
        assert_eq!(details[0].message, "must be a whole number of seconds from 1 to 9");
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = Body::parse(&bytes).map(|mut body| { body.number("a", "s", 1..=2); body.finish() });
        }

        #[test]
        fn bodies_that_serde_json_reads_are_accepted(number in any::<f64>(), text in ".{0,20}", key in ".{0,9}") {
            let value = serde_json::json!({ key: [number, { "text": text, "more": [null, true, -1] }] });
            prop_assert_eq!(refused(value.to_string().as_bytes()), None);
        }
    }
}
