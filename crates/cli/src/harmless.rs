//! Makes text that strangers wrote harmless, and takes keys out of text.
//!
//! A terminal obeys some characters: ESC and the other control characters of C0 and C1 begin commands, which
//! may write the clipboard, open links, or overwrite what was printed before. Controls of the writing
//! direction show a text in another order than it has, and invisible characters hide parts of it. All of
//! these are hazards. They are shown as `\u001b`, in the notation of JSON, so that nothing is lost.

use crate::json::Json;
use serde_json::Value;
use std::borrow::Cow;

/// Whether a terminal may act on a character, or not show it. Line end and tab are hazards, too, where the
/// text must stay on its line. The joiners and the selectors of variants are none: writing needs them.
pub(crate) fn is_hazard(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}'
                | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}'
        )
}

/// The character in the notation of JSON.
fn escaped(c: char) -> String {
    let mut units = [0; 2];
    let units: Vec<String> =
        c.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")).collect();
    units.concat()
}

fn escape(text: &str, is_hazard: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(&is_hazard) {
        return Cow::Borrowed(text);
    }
    let shown = text.chars().map(|c| if is_hazard(c) { escaped(c) } else { c.to_string() });
    Cow::Owned(shown.collect())
}

/// The text without hazards. Line ends and tabs stay.
pub(crate) fn block(text: &str) -> Cow<'_, str> {
    escape(text, |c| is_hazard(c) && !matches!(c, '\n' | '\t'))
}

/// The text without hazards, on one line.
pub(crate) fn line(text: &str) -> String {
    let words = text.split(['\n', '\t']).collect::<Vec<_>>().join(" ");
    block(&words).into_owned()
}

/// The same JSON value, without hazards.
pub(crate) fn json(text: &str) -> Cow<'_, str> {
    // Outside of strings JSON has no hazards but white space, and our JSON has none there.
    escape(text, is_hazard)
}

/// The names of the fields in which a relay gives a key or a secret.
const SECRET: [&str; 2] = ["sessionKey", "secret"];

/// What stands in place of a key.
pub(crate) const KEY: &str = "[key]";

/// Whether this field of a result holds a key or a secret.
pub(crate) fn is_secret(name: &str) -> bool {
    SECRET.contains(&name)
}

/// The value with `[key]` in place of its keys, however deep they are.
pub(crate) fn without_secrets(value: &Json) -> Json {
    let mut secrets = Vec::new();
    collect(&value.read().unwrap_or_default(), &mut secrets);
    let text = secrets.iter().fold(value.as_str().to_owned(), |text, secret| {
        // Its form in JSON, which differs if it has quotes.
        let quoted = Json::of(secret);
        text.replace(quoted.as_str(), Json::of(&KEY).as_str())
    });
    Json::parse(&text).unwrap_or_else(|| value.clone())
}

fn collect(value: &Value, secrets: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                match value.as_str().filter(|_| is_secret(name)) {
                    Some(secret) => secrets.push(secret.to_owned()),
                    None => collect(value, secrets),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, secrets)),
        _ => {}
    }
}

/// The text with `[key]` in place of each session key and each generated secret of an address.
pub(crate) fn without_keys(text: &str) -> String {
    ["nxk_", "nxs_", "nxt_"].iter().fold(text.to_owned(), |text, mark| without(&text, mark))
}

fn without(text: &str, mark: &str) -> String {
    let mut parts = text.split(mark);
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |shown, part| {
        let of_key = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        format!("{shown}{KEY}{}", part.trim_start_matches(of_key))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn keys_are_left_out() {
        assert_eq!(without_keys("a nxk_A-b_9 \"nxk_x\" nxk_"), "a [key] \"[key]\" [key]");
        assert_eq!(without_keys("nxs_x nxk_y nxt_z"), "[key] [key] [key]");
        assert_eq!(without_keys("nothing"), "nothing");
        let value =
            r#"{"secret":"chosen","n":1.10,"more":[{"sessionKey":"k\"1","text":"chosen"}]}"#;
        let value = Json::parse(value).unwrap();
        let shown = r#"{"secret":"[key]","n":1.10,"more":[{"sessionKey":"[key]","text":"[key]"}]}"#;
        assert_eq!(without_secrets(&value).as_str(), shown);
    }

    #[test]
    fn hazards_are_shown_and_writing_stays() {
        assert_eq!(
            block("a\u{1b}[31m\n\tb\u{9b}\u{202e}\r"),
            "a\\u001b[31m\n\tb\\u009b\\u202e\\u000d"
        );
        assert_eq!(line("a\nb\tc\u{7}"), "a b c\\u0007");
        assert_eq!(block("\u{e0041}"), "\\udb40\\udc41");
        for text in ["👨\u{200d}👩\u{200d}👧", "نمی\u{200c}خواهم", "क्\u{200d}ष", "❤\u{fe0f}"]
        {
            assert_eq!(block(text), text);
        }
    }

    proptest! {
        #[test]
        fn nothing_shown_is_a_hazard(text in any::<String>()) {
            prop_assert!(!line(&text).contains(is_hazard));
            prop_assert!(!block(&text).contains(|c| is_hazard(c) && !"\n\t".contains(c)));
        }

        #[test]
        fn json_stays_the_same_value(text in any::<String>()) {
            let value = Json::of(&text);
            let shown = json(value.as_str());
            prop_assert!(!shown.contains(is_hazard));
            prop_assert_eq!(serde_json::from_str::<String>(&shown).unwrap(), text);
        }
    }
}
