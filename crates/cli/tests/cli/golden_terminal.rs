//! What a person sees on a terminal, pinned in `golden_terminal.txt`.

use crate::support::{Home, guest, text};
use nexus_tests::relay;
use std::fmt::Write;

/// The text with `#` in place of what differs from run to run: the given words, ids of messages, and times.
fn steady(text: &str, words: &[&str]) -> String {
    let hidden = words.iter().fold(text.to_owned(), |text, word| text.replace(word, "#"));
    let of_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | ':' | '.');
    let is_id = |word: &str| {
        word.split_once('-')
            .is_some_and(|(head, _)| head.len() == 16 && u64::from_str_radix(head, 16).is_ok())
    };
    let is_date = |word: &str| word.starts_with("20") && word.contains('T') && word.ends_with('Z');
    let is_clock = |word: &str| word.len() == 5 && word.as_bytes()[2] == b':';
    let mut steady = String::new();
    for part in hidden.split_inclusive(|c| !of_word(c)) {
        let word = part.trim_end_matches(|c| !of_word(c));
        let is_hidden = is_id(word) || is_date(word) || is_clock(word);
        steady += if is_hidden { "#" } else { word };
        steady += &part[word.len()..];
    }
    steady
}

#[test]
fn a_terminal_shows_this() {
    let relay = relay();
    let (a, other) = (Home::new(&relay.url()), Home::new(&relay.url()));
    let session = text(&other.nexus(&["create", "--agent-id", "z"]).done()["sessionId"]);
    let mut golden = String::new();
    let state = a.state();
    let url = relay.url();
    let host = url.split_once("://").unwrap().1.to_owned();
    let mut show = |home: &Home, arguments: &[&str], more: &[&str]| {
        let seen = home.on_terminal(arguments).text;
        let words = [more, &[&session, state.to_str().unwrap(), &url, &host]].concat();
        let arguments = arguments.join(" ");
        writeln!(golden, "{}", steady(&format!("$ nexus {arguments}\n{seen}"), &words)).unwrap();
    };
    let made =
        a.nexus(&["create", "--agent-id", "a", "--alias", "work", "--greeting", "Hello"]).done();
    let id = text(&made["sessionId"]);
    let more = [id.as_str(), &id[..12]];
    let b = guest(&a, &id);
    b.nexus(&["send", &id, "Tuesday at ten?\nOr later.", "--json", "{\"day\":2}"]).done();
    let task = text(&a.nexus(&["task", "give", "work", "--to", "b", "Translate it"]).done()["id"]);
    let key = a.stored(&id, "key").unwrap();
    show(&a, &["status", "work"], &more);
    show(&a, &["poll", "work", "--members"], &more);
    show(&a, &["poll", "work"], &more);
    show(&a, &["ls"], &more);
    show(&a, &["task", "ls", "work"], &more);
    show(&b, &["done", &task, "--result", "ok"], &more);
    show(&a, &["file", "put", "work", "plan.md", "/dev/null"], &more);
    show(&a, &["file", "ls", "work"], &more);
    show(&a, &["alias", "work", "other"], &more);
    show(&a, &["poll-all"], &more);
    show(&a, &["address", "register", "--id", "a"], &more);
    show(&a, &["inbox"], &more);
    show(&a, &["contacts", "list"], &more);
    show(&a, &["wait", "work", "--timeout", "0"], &more);
    show(&a, &["status", "nope"], &more);
    show(&a, &["send", "work", "x", "--json"], &more);
    show(&a, &["end", "work"], &more);
    assert!(!golden.contains(&key));
    let pinned = include_str!("golden_terminal.txt");
    assert!(golden == pinned, "golden_terminal.txt should be, if this is meant:\n{golden}");
}
