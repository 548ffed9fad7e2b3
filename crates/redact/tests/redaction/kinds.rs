//! Each kind: ten secrets that must be found in all kinds of places, and as many texts that only
//! resemble them.

use crate::{
    json,
    samples::{Dice, Part, Sample, after, filled, is_one_word, parts, sample},
    text,
};
use nexus_redact::{KINDS, Kind};
use std::collections::BTreeSet;

/// What stands before and after a secret.
const PLACES: [(&str, &str); 12] = [
    ("", ""),
    ("Here it is: ", ". Do not lose it"),
    ("a \"", "\" b"),
    ("'", "'"),
    ("run `", "` now"),
    ("```\n", "\n```"),
    ("https://h.example/?k=", "&x=1"),
    ("[", "](https://h.example/)"),
    ("x: {a: '", "'},\r\ny"),
    ("密钥是", "。谢谢"),
    ("first line\\n", "\\nnext"),
    ("q=1%26v%3D", "%26"),
];

fn check(kind: &Kind, before: &str, sample: &Sample, behind: &str) {
    let Sample { before: name, secret } = sample;
    let around = |inside: &str| format!("{before}{name}{inside}{behind}");
    let (clean, found) = text(&around(secret));
    assert_eq!(clean, around(&format!("[REDACTED:{}]", kind.name)), "of {}", around(secret));
    assert_eq!(found.into_iter().collect::<Vec<_>>(), [(kind.name.to_owned(), 1)]);
}

#[test]
fn ten_of_each_kind_are_found_in_any_place() {
    for kind in KINDS {
        for number in 0..10.max(kind.shapes.len()) {
            let sample = sample(kind, number);
            let end = after(kind, &sample);
            check(kind, "", &sample, end);
            check(kind, "so: ", &sample, &format!("{end} ok"));
            check(kind, "line\n\t", &sample, &format!("{end}\nline"));
            if is_one_word(kind) {
                // If the secret contains escapes, it cannot be told apart from an escape that
                // follows it.
                let escaped = sample.secret.contains('%') || kind.name == "teams_webhook";
                for (before, behind) in
                    PLACES.into_iter().filter(|place| !escaped || place.1 != "%26")
                {
                    check(kind, before, &sample, behind);
                }
            }
        }
    }
}

#[test]
fn ten_of_each_kind_are_found_in_json() {
    for kind in KINDS {
        for number in 0..10 {
            let sample = sample(kind, number);
            let end = after(kind, &sample);
            let written = |inside: &str| {
                let value =
                    serde_json::to_string(&format!("\u{e9}\n{}{inside}{end}\t", sample.before))
                        .unwrap();
                // Other escapes, and values that are not strings.
                format!("{{ \"k\\u0065y\" :[1.50, 1e3,{value} , null],\"b\":{{}}}}")
            };
            let (clean, found) = json(&written(&sample.secret));
            assert_eq!(clean, written(&format!("[REDACTED:{}]", kind.name)));
            assert_eq!(found[kind.name], 1);
        }
    }
}

#[test]
fn tokens_that_are_broken_over_lines_are_found() {
    for kind in KINDS.iter().filter(|kind| is_one_word(kind)) {
        for number in 0..10 {
            let whole = sample(kind, number).secret;
            let first = parts(kind.shapes[number % kind.shapes.len()]).remove(0);
            let begin = if let Part::Literal(literal) = first { literal.len() } else { continue };
            // Broken in the middle of a run, as a narrow screen would.
            let broken = (begin + 9..whole.len() - 1).find(|at| {
                whole.as_bytes()[at - 9..at + 1].iter().all(u8::is_ascii_alphanumeric)
                    && *at > whole.len() / 3
            });
            let Some(at) = broken else { continue };
            for between in ["\n", "\r\n  ", "\\\n", "\n> "] {
                let (clean, _) = text(&format!("> {}{between}{} ok", &whole[..at], &whole[at..]));
                // If the form has an open end, a useless rest may remain.
                assert!(
                    clean.starts_with(&format!("> [REDACTED:{}]", kind.name)),
                    "{whole} {clean}"
                );
            }
        }
    }
}

/// Whether another form of the kind, or the same form cut shorter, also matches the sample.
fn has_shorter_form(kind: &Kind, form: &str) -> bool {
    let begin = |form: &str| form.split('{').next().unwrap_or_default().to_owned();
    let alike = kind.shapes.iter().filter(|other| begin(other) == begin(form)).count();
    alike > 1 || ["dropbox_token", "doppler_service_token"].contains(&kind.name)
}

#[test]
fn near_misses_of_each_kind_are_not_found() {
    let mut tried = BTreeSet::new();
    for kind in KINDS {
        for form in kind.shapes.iter().filter(|form| !has_shorter_form(kind, form)) {
            for number in 0..10 {
                let mut dice = Dice::new(number + 77);
                let short = filled(form, &mut dice, |least| least - 1);
                let whole = filled(form, &mut dice, |least| least);
                let mut near = vec![
                    // Joined to a word, before and after.
                    format!("x{}", whole.whole()),
                    format!("_{}", whole.whole()),
                ];
                let runs = parts(form);
                let last = runs.iter().rev().find(|part| matches!(part, Part::Run(..)));
                let Some(Part::Run(class, _, most)) = last.cloned() else { unreachable!() };
                if most.is_some() && class != b'=' && !whole.secret.ends_with('=') {
                    near.push(format!("{}Z", whole.whole()));
                    near.push(short.whole());
                }
                // A character of another alphabet within the part that must be there.
                let (secret, at) = (&whole.secret, whole.secret.len() - 2);
                if most.is_some() && class != b'=' {
                    near.push(format!("{}{}!{}", whole.before, &secret[..at], &secret[at + 1..]));
                    near.push(format!("{}{}é{}", whole.before, &secret[..at], &secret[at + 1..]));
                }
                for near in near {
                    let (_, found) = text(&format!("see {near} there"));
                    assert!(!found.contains_key(kind.name), "{}: {near}", kind.name);
                    tried.insert(kind.name);
                }
            }
        }
    }
    assert!(tried.len() > 100, "{}", tried.len());
}
