//! Texts that must not change: this repository, prose in many scripts, and text that only resembles
//! secrets.

use crate::{
    json,
    samples::{Dice, base64},
    text,
};
use std::{fs, path::Path};

/// The text files below a folder: sources, documents, lock files.
fn texts(folder: &Path, found: &mut Vec<(String, String)>) {
    // Tools have put these there, some of which look for secrets. The near-misses are texts that
    // resemble secrets, and have a test of their own: `crates/redact-corpus`.
    // What older relays have stored contains the secrets of agents that were made up for it.
    const LEFT_OUT: [&str; 11] = [
        "target",
        "node_modules",
        "build",
        ".git",
        ".wrangler",
        ".cargo",
        "cache",
        "corpus",
        "artifacts",
        "near-misses",
        "older-relays",
    ];
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let (path, name) = (entry.path(), entry.file_name().into_string().unwrap());
        if path.is_dir() {
            if !LEFT_OUT.contains(&name.as_str()) {
                texts(&path, found);
            }
        } else if let Ok(text) = fs::read_to_string(&path) {
            found.push((path.display().to_string(), text));
        }
    }
}

#[test]
fn this_repository_contains_no_secrets() {
    let mut found = Vec::new();
    texts(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../.."), &mut found);
    let bytes: usize = found.iter().map(|(_, text)| text.len()).sum();
    assert!(found.len() > 200 && bytes > 1_000_000, "{} files, {bytes} bytes", found.len());
    let mut hits = Vec::new();
    for (path, content) in found {
        let clean = text(&content).0;
        hits.extend(hit_lines(&content, &clean).map(|line| format!("{path}: {line}")));
        if Path::new(&path).extension().is_some_and(|ending| ending == "json")
            && json(&content).0 != content.trim()
        {
            hits.push(format!("{path}, as JSON"));
        }
        // The lines inside the message of an agent that quotes them.
        for line in clean.lines() {
            let quoted = serde_json::to_string(line).unwrap();
            if text(&quoted).0 != quoted {
                hits.push(format!("{path}, quoted: {line}"));
            }
        }
    }
    assert!(hits.is_empty(), "{}", hits.join("\n"));
}

fn hit_lines(before: &str, after: &str) -> impl Iterator<Item = String> {
    let changed = before.lines().zip(after.lines()).filter(|(before, after)| before != after);
    changed.map(|(_, after)| after.chars().take(200).collect())
}

#[test]
fn prose_in_any_script_is_not_touched() {
    const PROSE: &str = include_str!("prose.txt");
    assert_eq!(text(PROSE).0, PROSE);
    // The sentences in any order, as one long message.
    let lines: Vec<&str> = PROSE.lines().collect();
    let mut dice = Dice::new(5);
    let long: Vec<&str> = (0..4000).map(|_| lines[dice.roll(lines.len())]).collect();
    let long = long.join(" ");
    assert!(long.len() > 300_000);
    assert_eq!(text(&long).0, long);
}

#[test]
fn names_digests_and_pictures_are_not_touched() {
    for seed in 0..300 {
        let mut dice = Dice::new(seed);
        let mut hex = |count| dice.characters(b'h', count);
        let uuid = format!("{}-{}-4{}-a{}-{}", hex(8), hex(4), hex(3), hex(3), hex(12));
        let (git, session, sha256, sha512) = (hex(40), hex(48), hex(64), hex(128));
        let (salt, conversation, md5) = (hex(16), hex(32), hex(32));
        let integrity = format!("sha512-{}==", dice.characters(b'b', 86));
        let picture = picture(&mut dice, 3000);
        let wrapped: Vec<&str> = (0..40).map(|row| &picture[row * 76..][..76]).collect();
        let wrapped = wrapped.join("\n");
        let number = dice.characters(b'd', 19);
        for near in [
            format!("commit {git}\nAuthor: Alice <alice@example.com>\nDate: 2026-03-01"),
            format!("{}..{} main -> origin/main", &git[..7], &git[20..27]),
            format!("id {uuid}, {{\"sessionId\": \"{session}\", \"token\": \"{uuid}\"}}"),
            format!("https://relay.example/v1/sessions/{session}/messages?after=42"),
            format!("checksum = \"{sha256}\"\nsource = \"registry+https://example.com/index\""),
            format!("\"integrity\": \"{integrity}\",\n\"version\": \"4.0.0\""),
            format!("sha256:{sha256} sha512:{sha512} md5={md5} etag: \"{md5}\" W/\"{git}\""),
            format!("{salt}-12, c-{conversation}, https://relay.example/p/PEARL-FOCAL-S5SJV"),
            format!("![x](data:image/png;base64,{picture})"),
            format!("<img src=\"data:image/jpeg;base64,{picture}\">"),
            format!("Content-Transfer-Encoding: base64\n\n{wrapped}\n"),
            format!("password_hash = \"{sha256}\", token_sha256: {sha256}"),
            format!("order {number}, 1{} ms, {}.{}", &number[..12], &number[..3], &number[3..]),
            format!(
                "image: app@sha256:{sha256}\nresource \"{git}\" {{ id = \"{}\" }}",
                &uuid[..23]
            ),
        ] {
            let (clean, found) = text(&near);
            assert_eq!(clean, near, "{found:?}");
        }
    }
}

/// The bytes of a picture, encoded as text.
fn picture(dice: &mut Dice, bytes: usize) -> String {
    let content: String =
        (0..bytes).map(|_| char::from(u8::try_from(dice.roll(128)).unwrap())).collect();
    let zeros = "\0".repeat(60);
    base64(&format!("\u{89}PNG\r\n{zeros}{content}{zeros}"))
        .replace("CCC", "+/E")
        .replace("BBB", "/EA")
}

#[test]
fn placeholders_are_not_touched() {
    for near in [
        "password = \"changeme\"",
        "password = \"example-Password-1!\"",
        "password: ${DB_PASSWORD}",
        "PASSWORD=$PASSWORD",
        "password = os.environ[\"DB_PASSWORD_2024\"]",
        "const token = process.env.GITHUB_TOKEN_V2;",
        "let secret = Secret::from_random(random.bytes()?);",
        "apiKey: getApiKey2(config.keyName1)",
        "secret: <your-secret-key-1234567890>",
        "API_KEY=your_api_key_1234567890abcdef",
        "token = \"xxxxxxxxxxxxxxxxxxxxxxxx1234\"",
        "token: {{ secrets.NPM_TOKEN_2 }}",
        "password: 'hunter'",
        "The password: ask Bob, he has had it since 2019.",
        "secret = \"carols-own-long-secret\"",
        "max_tokens: 4096, total_tokens=1234567890123456",
        "tokenizer = AutoTokenizer.from_pretrained(\"bert-base-uncased2\")",
        "const PASSWORD_FIELD = \"input[name=password1]\"",
        "pwd=/home/User1/work/nexus-2/Src",
        "Authorization: Bearer YOUR_TOKEN_HERE_1234567890",
        "Authorization: Bearer ...",
        "Bearer of bad-news-for-the-2nd-time-this-year",
        "-H 'Authorization: Bearer '$KEY",
        "Authorization: Basic realm=\"x\"",
        "Basic knowledge of Rust, basic assumptions, BASIC programs",
        "postgres://user:password@localhost/db",
        "postgres://$USER:$PASSWORD@localhost/db",
        "https://user:xxxxx@host.example/",
        "redis://localhost:6379/0, https://example.com:8080/@scope/pkg@1.2.3",
        "git@github.com:owner/repo.git ssh://git@host.example:22/x",
        "keys begin with ghp_, github_pat_, sk-ant-, xoxb- or AKIA",
        "sk-learn-like-names and sk-proj-ects, hf_hub_download, npm_config_registry",
        "ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        "AKIAXXXXXXXXXXXXXXXX",
        "test_that_a_name_of_code_may_be_as_long_as_it_likes_1",
        "re_compile_pattern_42_and_more_of_this_kind",
        "-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA\n-----END PUBLIC KEY-----",
        "It begins with -----BEGIN PRIVATE KEY----- and ends with -----END PRIVATE KEY-----.",
        "eyJhbGciOiJIUzI1NiJ9 is the first part of many.",
        "4111 1111 1111 1112, 1234 5678 9012 3456, tel. 0049 4111 1111 1111",
        "0.4111111111111111, x4111111111111111, 4111111111111111.5",
        "const DIGEST: &str = \"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08\";",
        "token_type=bearer&expires_in=3600&scope=read_2+write_2",
        "\"js-tokens\": \"^4.0.0\", \"token-types\": {\"version\": \"6.1.2\"}",
        "sessions/5f0c7d1e9a2b4c6d8e0f1a2b3c4d5e6f5f0c7d1e9a2b4c6d/messages",
        "authors = [\"Alice <alice2024@example.com>\"]",
        "secret: https://vault.example.com/v1/secret/data/app2?version=3",
    ] {
        let (clean, found) = text(near);
        assert_eq!(clean, near, "{found:?}");
        let written = serde_json::to_string(&[near]).unwrap();
        assert_eq!(json(&written).0, written);
    }
}
