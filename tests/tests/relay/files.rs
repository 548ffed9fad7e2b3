//! Files of a session (section 9) over the wire.

use crate::teams::team;
use nexus_tests::{Answer, Api, Member, Relay, list, relay};
use serde_json::json;

pub(crate) fn put(by: &Member, key: &str, bytes: &[u8]) -> Answer {
    by.call("PUT", &format!("/files/{key}"))
        .header("Content-Type", b"text/x-test")
        .body(bytes)
        .send()
}

#[test]
fn a_file_of_a_mebibyte_comes_back_byte_for_byte_and_one_more_is_refused() {
    let relay = relay();
    let api = Api::new(&relay.url());
    let [a, b, _] = team(&api);
    let mut bytes: Vec<u8> =
        (0..1_048_576_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let saved = put(&a, "big.bin", &bytes);
    assert_eq!((saved.status, &saved.json()["size"]), (201, &json!(1_048_576)));
    let read = b.call("GET", "/files/big.bin").send();
    assert_eq!((read.status, read.bytes()), (200, bytes.as_slice()));
    assert_eq!((read.header("ETag"), read.header("Content-Type")), ("\"1\"", "text/x-test"));
    assert_eq!(read.header("X-File-Version"), "1");
    bytes.push(0);
    for key in ["big.bin", "other.bin"] {
        let refused = put(&a, key, &bytes);
        assert_eq!(refused.json()["limit"], 1_048_576);
        assert_eq!(refused.error(), (413, "file_too_large".to_owned()));
    }
    let listed = b.call("GET", "/files").send().json();
    assert_eq!((list(&listed["files"]).len(), &listed["bytes"]), (1, &json!(1_048_576)));
    // An empty one is a file, too.
    assert_eq!(put(&a, "empty", b"").status, 201);
    assert_eq!(b.call("GET", "/files/empty").send().bytes(), b"");
}

#[test]
fn the_files_of_a_session_have_a_limit() {
    let relay = Relay::builder().var("MAX_SESSION_FILE_BYTES", "3000").start().unwrap();
    let api = Api::new(&relay.url());
    let [a, _, _] = team(&api);
    for key in ["1", "2", "3"] {
        assert_eq!(put(&a, key, &[7; 1000]).status, 201);
    }
    assert_eq!(put(&a, "4", &[7; 1]).error(), (413, "storage_full".to_owned()));
    assert_eq!(put(&a, "1", &[7; 1]).error(), (413, "storage_full".to_owned()));
    assert_eq!(a.call("GET", "/files/4").send().error(), (404, "file_not_found".to_owned()));
    assert_eq!(a.call("DELETE", "/files/2").send().json()["version"], 2);
    assert_eq!(put(&a, "4", &[7; 1000]).status, 201);
}

#[test]
fn concurrent_edits_are_refused_and_nothing_is_lost() {
    let relay = relay();
    let api = Api::new(&relay.url());
    let [a, b, c] = team(&api);
    put(&a, "docs/plan.md", b"");
    let edit = |by: &Member, line: usize| loop {
        let read = by.call("GET", "/files/docs/plan.md").send();
        let text = format!("{}{}{line};", read.text(), by.agent);
        let put = by.call("PUT", "/files/docs/plan.md").body(text.as_bytes());
        let answer = put.header("If-Match", read.header("ETag").as_bytes()).send();
        match answer.status {
            200 => break,
            _ => assert_eq!(answer.error(), (412, "version_conflict".to_owned())),
        }
    };
    std::thread::scope(|scope| {
        for by in [&a, &b, &c] {
            scope.spawn(move || (0..10).for_each(|line| edit(by, line)));
        }
    });
    let read = a.call("GET", "/files/docs/plan.md").send();
    assert_eq!(read.header("ETag"), "\"31\"");
    let mut lines: Vec<String> = read.text().split_terminator(';').map(ToOwned::to_owned).collect();
    lines.sort();
    let all = ["a", "b", "c"].iter().flat_map(|by| (0..10).map(move |line| format!("{by}{line}")));
    assert_eq!(lines, all.collect::<Vec<_>>());
    let conflict = a.call("PUT", "/files/docs/plan.md").header("If-Match", b"\"3\"").send();
    assert_eq!((conflict.status, &conflict.json()["version"]), (412, &json!(31)));
    let there = a.call("PUT", "/files/docs/plan.md").header("If-None-Match", b"*").send();
    assert_eq!(there.error(), (412, "version_conflict".to_owned()));
    let malformed = a.call("PUT", "/files/docs/plan.md").header("If-Match", b"latest").send();
    assert_eq!(malformed.error(), (400, "invalid_request".to_owned()));
    // The last ten.
    let version =
        |number: u32| a.call("GET", &format!("/files/docs/plan.md?version={number}")).send();
    assert_eq!((version(22).status, version(21).status), (200, 404));
}

#[test]
fn a_part_of_a_file_can_be_read_and_what_is_known_is_not_sent() {
    let relay = relay();
    let api = Api::new(&relay.url());
    let [a, _, _] = team(&api);
    put(&a, "f", b"0123456789");
    let read = |header: &str, value: &str| {
        a.call("GET", "/files/f").header(header, value.as_bytes()).send()
    };
    let part = read("Range", "bytes=2-4");
    assert_eq!((part.status, part.text().as_str()), (206, "234"));
    assert_eq!(part.header("Content-Range"), "bytes 2-4/10");
    assert_eq!(read("Range", "bytes=-3").text(), "789");
    assert_eq!(
        (read("Range", "bytes=10-").status, read("Range", "bytes=0-1,3-4").status),
        (416, 200)
    );
    let known = read("If-None-Match", "\"1\"");
    assert_eq!((known.status, known.bytes()), (304, &b""[..]));
    assert_eq!(read("If-None-Match", "\"2\"").status, 200);
    let stale =
        a.call("GET", "/files/f").header("Range", b"bytes=0-1").header("If-Range", b"\"0\"");
    assert_eq!(stale.send().status, 200);
    // A page that an agent stored must not run on this server.
    let page = read("Accept", "text/html");
    assert!(page.header("Content-Security-Policy").contains("sandbox"));
    assert_eq!(page.header("Content-Disposition"), "attachment");
}

#[test]
fn hostile_keys_are_refused() {
    let relay = relay();
    let api = Api::new(&relay.url());
    let [a, _, _] = team(&api);
    let long = "a".repeat(257);
    for key in
        ["..%2f..%2fx", "a%2f..%2fb", "%2fetc", "a%2f%2fb", "a%00b", "a%0ab", "a%5cb", "%ff", &long]
    {
        for method in ["PUT", "GET", "DELETE"] {
            let answer = a.call(method, &format!("/files/{key}")).send();
            assert_eq!(answer.error(), (400, "invalid_request".to_owned()), "{method} {key}");
        }
    }
    assert_eq!(list(&a.call("GET", "/files").send().json()["files"]).len(), 0);
    // Strange, and right.
    for key in ["a%20b/%C3%A9.txt", "...", "a%2fb", "%3Cscript%3E", "%25"] {
        assert_eq!(put(&a, key, b"x").status, 201, "{key}");
        assert_eq!(a.call("GET", &format!("/files/{key}")).send().text(), "x");
    }
}
