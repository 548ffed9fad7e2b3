//! JSON objects whose values stay as they were written: numbers keep their digits, and nothing is parsed that is
//! only passed on.

use serde_json::value::RawValue;
use std::{borrow::Cow, collections::BTreeMap};

/// The fields of an object. A field that is null is one that is missing.
pub struct Fields<'a>(BTreeMap<Cow<'a, str>, &'a RawValue>);

impl<'a> Fields<'a> {
    /// Reads an object. `None` if it is none.
    #[must_use]
    pub fn of(text: &'a str) -> Option<Self> {
        if !text.trim_ascii_start().starts_with('{') {
            return None;
        }
        serde_json::from_str(text).ok().map(Self)
    }

    /// A field as it was written, also one that is null.
    #[must_use]
    pub fn raw(&self, name: &str) -> Option<&'a str> {
        self.0.get(name).map(|raw| raw.get())
    }

    /// A field as it was written.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&'a str> {
        self.raw(name).filter(|raw| *raw != "null")
    }

    /// A field that is a text.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<String> {
        serde_json::from_str(self.get(name)?).ok()
    }

    /// Whether a field is true.
    #[must_use]
    pub fn is_true(&self, name: &str) -> bool {
        self.get(name) == Some("true")
    }

    /// A field that is a list, each entry as it was written.
    #[must_use]
    pub fn list(&self, name: &str) -> Option<Vec<&'a str>> {
        let raw: Vec<&RawValue> = serde_json::from_str(self.get(name)?).ok()?;
        Some(raw.into_iter().map(RawValue::get).collect())
    }
}

/// An object that is being written.
#[derive(Default)]
pub struct Writer(String);

impl Writer {
    /// Adds a field whose value is JSON already.
    pub fn raw(&mut self, name: &str, value: &str) {
        self.0.push(if self.0.is_empty() { '{' } else { ',' });
        self.0.extend(["\"", name, "\":", value]);
    }

    /// Adds a text.
    pub fn text(&mut self, name: &str, value: &str) {
        self.raw(name, &quoted(value));
    }

    /// Adds the fields that are there, under names of their own.
    pub fn renamed(&mut self, fields: &Fields<'_>, names: &[(&str, &str)]) {
        for (native, own) in names {
            if let Some(value) = fields.get(native) {
                self.raw(own, value);
            }
        }
    }

    /// The same, of flags and lists of the relay's own: false and an empty list say nothing.
    pub fn marks(&mut self, fields: &Fields<'_>, names: &[(&str, &str)]) {
        for (native, own) in names {
            if let Some(value) = fields.get(native)
                && !matches!(value, "false" | "[]")
            {
                self.raw(own, value);
            }
        }
    }

    /// Adds a text, if there is one.
    pub fn maybe(&mut self, name: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.text(name, value);
        }
    }

    /// The object.
    #[must_use]
    pub fn end(mut self) -> String {
        self.0.push_str(if self.0.is_empty() { "{}" } else { "}" });
        self.0
    }
}

/// A text in JSON.
#[must_use]
pub fn quoted(text: &str) -> String {
    // A text always has a JSON form.
    serde_json::to_string(text).unwrap_or_default()
}

/// A list of what is JSON already.
#[must_use]
pub fn list(items: &[String]) -> String {
    ["[", &items.join(","), "]"].concat()
}
