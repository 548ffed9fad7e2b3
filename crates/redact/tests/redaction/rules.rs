//! Which of several matches wins, what a name reveals, and what is true for any text.

use crate::{
    found, json,
    samples::{Dice, armor, card, kind, sample},
    text,
};
use nexus_redact::{KINDS, Redaction};
use proptest::prelude::*;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

fn kinds(content: &str) -> Vec<String> {
    text(content).1.into_keys().collect()
}

#[test]
fn every_kind_has_a_unique_name() {
    let names: BTreeSet<&str> = KINDS.iter().map(|kind| kind.name).collect();
    assert_eq!(names.len(), KINDS.len());
    assert!(names.len() >= 60, "{}", names.len());
    let form =
        |name: &str| name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'));
    assert!(names.into_iter().all(form));
}

#[test]
fn the_most_specific_kind_wins() {
    let token = sample(kind("github_token"), 0).secret;
    let jwt = sample(kind("jwt"), 0).secret;
    for (content, expected) in [
        (format!("password={token}"), "github_token"),
        (format!("\"token\": \"{token}\""), "github_token"),
        (format!("Authorization: Bearer {token}"), "github_token"),
        (format!("Authorization: Bearer {jwt}"), "jwt"),
        (format!("https://bob:{token}@github.com/x"), "github_token"),
        (format!("https://{token}@github.com/x"), "github_token"),
        (format!("https://{token}:x-oauth-basic@github.com/x"), "github_token"),
        (sample(kind("anthropic_api_key"), 1).secret, "anthropic_api_key"),
        (sample(kind("openrouter_api_key"), 1).secret, "openrouter_api_key"),
        (sample(kind("langfuse_secret_key"), 1).secret, "langfuse_secret_key"),
    ] {
        assert!(kinds(&content).contains(&expected.to_owned()), "{content} {:?}", kinds(&content));
    }
    let whole = format!("password={token}-and-more-of-it");
    assert!(!text(&whole).0.contains(&token[4..]));
}

#[test]
fn every_value_that_a_noun_names_goes() {
    let mut dice = Dice::new(11);
    let [first, second] = [0, 1].map(|_| dice.characters(b'a', 14) + "9#a");
    for written in [
        format!("I changed the root password from {first} to {second} today"),
        format!("the passwords are {first} and {second}"),
        format!("passwords:\n  - {first}\n  - {second}\n"),
        format!("passwords = [\"{first}\", \"{second}\"]"),
        format!("user,password\nbob,{first}\neve,{second}\n"),
        format!("INSERT INTO t (user, password) VALUES ('bob','{first}'), ('eve','{second}');"),
    ] {
        let clean = text(&written).0;
        assert!(!clean.contains(&first) && !clean.contains(&second), "{clean}");
        assert_eq!(clean.matches("[REDACTED:password]").count(), 2, "{clean}");
    }
}

#[test]
fn the_key_of_a_field_reveals_the_kind_of_its_value() {
    let mut dice = Dice::new(3);
    let (value, aws) = (dice.characters(b'a', 30), dice.characters(b'b', 40));
    let written = |secret: &str, aws: &str| {
        format!(
            r#"{{"client_secret":"{secret}","note":"{value}", "aws_secret_access_key" : "{aws}","secrets": ["{secret}", "{secret}"],"notes":["{value}"]}}"#
        )
    };
    let (clean, found) = json(&written(&value, &aws));
    assert_eq!(clean, written("[REDACTED:secret]", "[REDACTED:aws_secret_key]"));
    assert_eq!(
        found.into_iter().collect::<Vec<_>>(),
        [("aws_secret_key".into(), 1), ("secret".into(), 3)]
    );
}

#[test]
fn keys_of_objects_and_values_that_are_not_strings_stay() {
    let token = sample(kind("npm_token"), 0).secret;
    let written =
        format!("{{\"{token}\" : [1.0, 12345678901234567890, -0, true,\n\"\\u0041\\/\" ]}}");
    assert_eq!(json(&written), (written, BTreeMap::new()));
    let string = format!("\"\\ud83d\\ude00{token}\\\\\"");
    assert_eq!(json(&string).0, "\"😀[REDACTED:npm_token]\\\\\"");
}

#[test]
fn blocks_of_several_lines_are_removed_completely() {
    let key = armor("RSA PRIVATE KEY", &mut Dice::new(1));
    let escaped = key.replace('\n', "\\n");
    let quoted = format!("> {}", key.replace('\n', "\n> "));
    let windows = key.replace('\n', "\r\n");
    let one_line = key.replace('\n', " ");
    for key in [&key, &escaped, &quoted, &windows, &one_line] {
        let (clean, _) = text(&format!("a {key} b"));
        assert!(
            ["a [REDACTED:private_key] b", "a > [REDACTED:private_key] b"]
                .contains(&clean.as_str()),
            "{clean}"
        );
    }
    // In JSON, line ends are escapes within the string.
    let written =
        serde_json::to_string(&serde_json::json!({ "private_key": key, "type": "x" })).unwrap();
    assert_eq!(json(&written).0, r#"{"private_key":"[REDACTED:private_key]","type":"x"}"#);
    let [begin, .., end] = key.lines().collect::<Vec<_>>()[..] else { unreachable!() };
    let short = format!("{begin}\n{}\n{end}", Dice::new(2).characters(b'b', 20));
    assert_eq!(text(&short).0, "[REDACTED:private_key]");
    // Without an end: up to where the text no longer looks like a key.
    let cut = key.rsplit_once('\n').unwrap().0;
    assert_eq!(text(cut).0, "[REDACTED:private_key]");
    assert_eq!(
        text(&format!("{cut}\n\nThat is the key.")).0,
        "[REDACTED:private_key]\n\nThat is the key."
    );
    // Two in a row, the first without an end.
    assert_eq!(text(&format!("{cut}\n{key}")).1["private_key"], 2);
    let headers = key.replacen('\n', "\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\n", 1);
    assert_eq!(text(&headers).0, "[REDACTED:private_key]");
}

#[test]
fn secrets_are_counted_and_ordered_by_type() {
    let mut dice = Dice::new(9);
    let content = format!(
        "{} and {}, {} {}",
        sample(kind("npm_token"), 0).secret,
        card(3, &mut dice),
        sample(kind("npm_token"), 1).secret,
        sample(kind("aws_access_key"), 1).secret
    );
    let mut redaction = Redaction::default();
    let _ = redaction.text(content);
    let _ = redaction.text(sample(kind("groq_api_key"), 1).secret);
    let found: Vec<_> = redaction.found().iter().map(|found| (found.kind, found.count)).collect();
    assert_eq!(
        found,
        [("aws_access_key", 1), ("card_number", 1), ("groq_api_key", 1), ("npm_token", 2)]
    );
}

#[test]
fn published_examples_are_found() {
    // In the form that the makers print, assembled here.
    let id = ["AKIA", "IOSFODNN7EXAMPLE"].concat();
    let parts = ["wJalrXUtnFEMI", "/K7MDENG/", "bPxRfiCYEXAMPLEKEY"].concat();
    let clean =
        text(&format!("[default]\naws_access_key_id = {id}\naws_secret_access_key = {parts}\n")).0;
    assert_eq!(
        clean,
        "[default]\naws_access_key_id = [REDACTED:aws_access_key]\naws_secret_access_key = [REDACTED:aws_secret_key]\n"
    );
    let signed = [
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9",
        "eyJzdWIiOiIxMjM0NTY3ODkwIn0",
        "dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
    ]
    .join(".");
    assert_eq!(text(&signed).0, "[REDACTED:jwt]");
    assert_eq!(
        text(&format!("pay with {} please", ["4539", "1488", "0343", "6467"].join(" "))).0,
        "pay with [REDACTED:card_number] please"
    );
}

/// Texts that mix fragments of secrets with arbitrary text.
fn soup() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        (0..KINDS.len(), 0..10_usize)
            .prop_map(|(kind, number)| sample(&KINDS[kind], number).whole()),
        (0..KINDS.len(), 0..10_usize, 0..40_usize).prop_map(|(kind, number, end)| {
            let whole = sample(&KINDS[kind], number).whole();
            whole.chars().take(end).collect()
        }),
        prop::sample::select(vec![
            " ",
            "\n",
            "-",
            "_",
            "/",
            "+",
            ".",
            "=",
            ":",
            "\"",
            "\\n",
            "@",
            "://",
            "a",
            "9",
            "x",
            "é",
            "%3D",
            "-----",
            "password=",
            "secret: \"",
            "Bearer ",
            "https://u:",
            "[REDACTED:jwt]",
            "[REDACTED:",
        ])
        .prop_map(str::to_owned),
        ".{0,12}",
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn redacting_again_changes_nothing(content in soup()) {
        let (once, _) = text(&content);
        let (twice, found) = text(&once);
        prop_assert_eq!(&twice, &once, "{:?} of {}", found, content);
        prop_assert!(found.is_empty());
    }

    #[test]
    fn only_secrets_are_changed(content in soup()) {
        let (clean, found) = text(&content);
        // What remains occurs in the text in this order.
        let mut rest = content.as_str();
        let taken = usize::try_from(found.values().sum::<u32>()).unwrap();
        if taken == 0 {
            prop_assert_eq!(&clean, &content);
        }
        for part in clean.split("[REDACTED:").map(|part| part.split_once(']').map_or(part, |part| part.1)) {
            if content.contains("[REDACTED:") { break; }
            let at = rest.find(part);
            prop_assert!(at.is_some(), "{} is not in {}", part, rest);
            rest = &rest[at.unwrap() + part.len()..];
        }
    }

    #[test]
    fn json_stays_json_and_means_the_same(texts in prop::collection::vec(soup(), 1..5), number in any::<i32>()) {
        let value = serde_json::json!({ "a": texts, "n": number, "o": { "x": [null, true, texts[0]] } });
        for written in [value.to_string(), serde_json::to_string_pretty(&value).unwrap()] {
            let (clean, counted) = json(&written);
            let after: Value = serde_json::from_str(&clean).unwrap();
            let mut expected = value.clone();
            let mut redaction = Redaction::default();
            for place in ["/o/x/2".to_owned()].into_iter().chain((0..texts.len()).map(|at| format!("/a/{at}"))) {
                let string = expected.pointer_mut(&place).unwrap();
                *string = redaction.text(string.as_str().unwrap().to_owned()).into();
            }
            prop_assert_eq!(after, expected);
            let expected = found(redaction);
            prop_assert_eq!(counted.is_empty(), clean == written);
            prop_assert_eq!(counted, expected);
        }
    }
}
