//! Names for what differs from run to run, so that transcripts can be compared. Only a value with exactly
//! the promised form gets a name, and the same value always gets the same.

use std::collections::HashMap;

/// What gets a numbered name, and its form: `h` is a hexadecimal digit, `X` a capital letter or digit, and
/// `k` a character of base64url. Everything else stands for itself.
const FORMS: [(&str, &str); 3] = [
    ("session", "hhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhh"),
    ("key", concat!("nxk_", "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk")),
    ("code", "XXXXX-XXXXX-XXXXX"),
];
/// The form of a time; `9` is a digit. Times have no numbers, because two events can share a millisecond.
const TIME: &str = "9999-99-99T99:99:99.999Z";
/// The form of the part of a message's id that stands before its cursor.
const LOG: &str = "hhhhhhhhhhhhhhhh";

#[derive(Default)]
struct Names {
    given: HashMap<String, String>,
    counts: HashMap<&'static str, usize>,
}

/// The transcript with names for these values, and for all that have one of the forms.
pub(super) fn named(transcript: &str, known: &[(&str, &str)]) -> String {
    let replace = |text: String, (value, name): &(&str, &str)| text.replace(value, name);
    let transcript = known.iter().fold(transcript.to_owned(), replace);
    let transcript = without_times(&transcript);
    let is_of_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    let mut names = Names::default();
    let mut named = String::new();
    for part in transcript.split_inclusive(|c| !is_of_word(c)) {
        let word = part.trim_end_matches(|c| !is_of_word(c));
        let is_number = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
        if is_number && named.ends_with("\"pid\":") {
            named += "\"<pid>\"";
        } else {
            named += &names.of(word).unwrap_or_else(|| word.to_owned());
        }
        named += &part[word.len()..];
    }
    named
}

fn without_times(text: &str) -> String {
    let mut named = String::new();
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        if rest.get(..TIME.len()).is_some_and(|word| has_form(word, TIME)) {
            named += "<time>";
            rest = &rest[TIME.len()..];
        } else {
            named.push(next);
            rest = &rest[next.len_utf8()..];
        }
    }
    named
}

impl Names {
    fn of(&mut self, word: &str) -> Option<String> {
        if let Some((log, number)) = word.split_once('-')
            && has_form(log, LOG)
            && number.parse::<u32>().is_ok_and(|value| value.to_string() == number)
        {
            return Some(format!("{}-{number}", self.numbered("log", log)));
        }
        let (what, _) = FORMS.iter().find(|(_, form)| has_form(word, form))?;
        Some(self.numbered(what, word))
    }

    fn numbered(&mut self, what: &'static str, value: &str) -> String {
        let counts = &mut self.counts;
        let name = self.given.entry(value.to_owned()).or_insert_with(|| {
            let count = counts.entry(what).or_default();
            *count += 1;
            format!("<{what} {count}>")
        });
        name.clone()
    }
}

fn has_form(word: &str, form: &str) -> bool {
    let fits = |(byte, form): (u8, u8)| match form {
        b'9' => byte.is_ascii_digit(),
        b'h' => byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte),
        b'X' => byte.is_ascii_digit() || byte.is_ascii_uppercase(),
        b'k' => byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'),
        _ => byte == form,
    };
    word.len() == form.len() && word.bytes().zip(form.bytes()).all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "0123456789abcdef0123456789abcdef0123456789abcdef";
    const KEY: &str = concat!("nxk_", "abcdefghijklmnopqrstuvwxyz-_ABCDEFGHIJKLMNO");

    #[test]
    fn the_same_value_gets_the_same_name() {
        let b = A.replace('0', "f");
        let text = format!("{A} {b} {A}\n{KEY}\n0123456789abcdef-1 0123456789abcdef-20");
        let names = "<session 1> <session 2> <session 1>\n<key 1>\n<log 1>-1 <log 1>-20";
        assert_eq!(named(&text, &[]), names);
        let text = r#"{"pid":12,"n":12,"at":"2026-01-02T03:04:05.678Z","url":"http://r:1/p/A1B2C-PEARL-99999"}"#;
        let names = r#"{"pid":"<pid>","n":12,"at":"<time>","url":"<relay>/p/<code 1>"}"#;
        assert_eq!(named(text, &[("http://r:1", "<relay>")]), names);
    }

    #[test]
    fn what_has_another_form_gets_no_name() {
        let longer = format!("{A}0");
        for text in [
            &A[1..],
            &longer,
            &A.to_uppercase(),
            &KEY[1..],
            &KEY[..KEY.len() - 1],
            "2026-01-02T03:04:05Z",
            "2026-01-02 03:04:05.678Z",
            "PEARL-FOCAL-S5SJ",
            "pearl-focal-s5sjv",
            "0123456789abcde-1",
            "0123456789abcdef-01",
            "0123456789abcdef-",
            r#"{"pid":"12"}"#,
            r#"{"pid":null}"#,
        ] {
            assert_eq!(named(text, &[]), text);
        }
    }
}
