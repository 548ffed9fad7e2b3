//! A JSON value as text, exactly as the server wrote it except for white space: the digits of numbers, the
//! order of fields and unknown fields stay.

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{DeserializeOwned, IgnoredAny, MapAccess, Visitor},
};
use serde_json::value::RawValue;
use std::fmt;

/// One JSON value on one line.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Json(Box<RawValue>);

impl Json {
    /// Reads text. `None` if it is not one JSON value.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        // Not into a `Value`, which gives a special meaning to an object with one certain key.
        serde_json::from_str::<IgnoredAny>(text).ok()?;
        RawValue::from_string(compact(text)).ok().map(Self)
    }

    /// The JSON of a Rust value.
    pub(crate) fn of(value: &impl Serialize) -> Self {
        let raw = serde_json::value::to_raw_value(value);
        // Our values have string keys only, so this does not fail.
        Self(raw.unwrap_or_else(|_| RawValue::NULL.to_owned()))
    }

    pub(crate) fn as_str(&self) -> &str {
        self.0.get()
    }

    pub(crate) fn into_raw(self) -> Box<RawValue> {
        self.0
    }

    /// Reads the fields that a command needs.
    pub(crate) fn read<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_str(self.as_str()).ok()
    }

    /// The names of this object's fields, in their order.
    pub(crate) fn names(&self) -> Vec<String> {
        let fields = self.read::<Fields>().map_or_else(Vec::new, |fields| fields.0);
        fields.into_iter().map(|(name, _)| name).collect()
    }

    /// This object with another value in one of its fields. Nothing else changes.
    pub(crate) fn replacing(&self, name: &str, value: &Self) -> Self {
        let Some(Fields(fields)) = self.read::<Fields>() else { return self.clone() };
        let fields = fields.iter().map(|(field, old)| {
            let text = if field == name { value.as_str() } else { old.get() };
            format!("{}:{text}", Self::of(field).as_str())
        });
        let text = format!("{{{}}}", fields.collect::<Vec<_>>().join(","));
        RawValue::from_string(text).map_or_else(|_| self.clone(), Self)
    }

    /// This object without one of its fields.
    pub(crate) fn without(&self, name: &str) -> Self {
        let Some(Fields(fields)) = self.read::<Fields>() else { return self.clone() };
        let kept = fields.iter().filter(|(field, _)| field != name);
        let kept = kept.map(|(field, old)| format!("{}:{old}", Self::of(field).as_str()));
        let text = format!("{{{}}}", kept.collect::<Vec<_>>().join(","));
        RawValue::from_string(text).map_or_else(|_| self.clone(), Self)
    }

    /// This object, followed by the fields of another one.
    pub(crate) fn with(&self, more: &Self) -> Self {
        let head = self.as_str().strip_suffix('}').unwrap_or("{").to_owned();
        let tail = more.as_str().strip_prefix('{').unwrap_or("}");
        let comma = if head.ends_with('{') || tail.starts_with('}') { "" } else { "," };
        let joined = RawValue::from_string(format!("{head}{comma}{tail}"));
        joined.map_or_else(|_| self.clone(), Self)
    }
}

/// The fields of an object in their order, each value as it was written.
struct Fields(Vec<(String, Box<RawValue>)>);

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct All;
        impl<'de> Visitor<'de> for All {
            type Value = Fields;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(All)
    }
}

/// Removes the white space outside of strings.
fn compact(text: &str) -> String {
    let (mut in_string, mut escaped) = (false, false);
    let keep = |c: &char| {
        let keep = in_string || !matches!(c, ' ' | '\t' | '\n' | '\r');
        match c {
            _ if escaped => escaped = false,
            '\\' if in_string => escaped = true,
            '"' => in_string = !in_string,
            _ => {}
        }
        keep
    };
    text.chars().filter(keep).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_keep_everything_but_spaces() {
        let text = "{ \"a b\" : [ 1.10 , 12345678901234567890123 ],\r\n\t\"q\\\" x\" : null }";
        let json = Json::parse(text).unwrap();
        assert_eq!(json.as_str(), r#"{"a b":[1.10,12345678901234567890123],"q\" x":null}"#);
        for text in ["", "{", "<html>", "{} {}"] {
            assert!(Json::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn a_field_is_replaced_and_the_others_stay_as_they_were_written() {
        let json = |text| Json::parse(text).unwrap();
        let page = json(r#"{"n":1.10,"a \"b":[{}],"x":{"$serde_json::private::RawValue":5}}"#);
        let replaced = page.replacing("a \"b", &json("[]"));
        let expected = r#"{"n":1.10,"a \"b":[],"x":{"$serde_json::private::RawValue":5}}"#;
        assert_eq!(replaced.as_str(), expected);
        assert_eq!(json(r#"{"a":1.10,"b":[]}"#).without("b").as_str(), r#"{"a":1.10}"#);
        assert_eq!(page.replacing("other", &json("1")).as_str(), page.as_str());
    }

    #[test]
    fn objects_are_joined() {
        let json = |text| Json::parse(text).unwrap();
        assert_eq!(json(r#"{"a":1}"#).with(&json(r#"{"b":2}"#)).as_str(), r#"{"a":1,"b":2}"#);
        assert_eq!(json("{}").with(&json(r#"{"b":2}"#)).as_str(), r#"{"b":2}"#);
        assert_eq!(json(r#"{"a":1}"#).with(&json("{}")).as_str(), r#"{"a":1}"#);
    }
}
