//! Files that are too long, and downloads that break off.

use crate::{
    fake::{Fake, Reply, header, response},
    support::{Home, guest},
};
use nexus_tests::{Relay, relay};
use std::fs;

#[test]
fn a_file_that_no_relay_takes_is_not_sent() {
    let fake = Fake::new(|_, _| Reply::Bytes(response("200 OK", "", "{}")));
    let home = Home::new(&fake.url);
    let session = "0".repeat(48);
    let big = home.state().with_file_name("big");
    fs::write(&big, vec![b'x'; (1 << 20) + 1]).unwrap();
    let put = ["file-put", &session, "big", "--agent-id", "a"];
    for file in [big.to_str().unwrap(), "/dev/zero"] {
        let run = home.nexus(&[&put[..], &[file]].concat());
        assert_eq!(run.error(), "file_unavailable");
        assert!(run.stderr.contains("Nothing was sent"), "{}", run.stderr);
    }
    let run = home.nexus_with_input(&[&put[..], &["-"]].concat(), &vec![b'x'; 2 << 20]);
    assert_eq!(run.error(), "file_unavailable");
    assert!(fake.requests().iter().all(|request| request.starts_with("GET /health")));

    // A relay with a lower limit says so.
    let small = Relay::builder().var("MAX_FILE_BYTES", "3").start().unwrap();
    let home = Home::new(&small.url());
    let session = home.create("a");
    let put = ["file-put", &session, "x", "-"];
    home.nexus_with_input(&put, b"abc").done();
    assert_eq!(home.nexus_with_input(&put, b"abcd").error(), "file_unavailable");
}

/// A server whose first answer breaks off after three bytes. Later it has this version.
fn breaking(later: &'static str) -> Fake {
    Fake::new(move |number, request| {
        let full = response("200 OK", "ETag: \"1\"\r\nX-File-Version: 1\r\n", "0123456789");
        let version = format!("ETag: \"{later}\"\r\nX-File-Version: {later}\r\n");
        Reply::Bytes(match (number, header(request, "if-range").as_deref()) {
            (0, _) => full[..full.len() - 7].to_vec(),
            (_, Some("\"1\"")) if later == "1" => {
                assert_eq!(header(request, "range").as_deref(), Some("bytes=3-"));
                response("206 Partial Content", &version, "3456789")
            }
            _ => response("200 OK", &version, "other"),
        })
    })
}

#[test]
fn a_download_goes_on_where_it_broke_off() {
    for (later, text) in [("1", "0123456789"), ("2", "other")] {
        let fake = breaking(later);
        let home = Home::new(&fake.url);
        let path = home.state().with_file_name("copy");
        let get = ["file-get", &"0".repeat(48), "x", "--agent-id", "a", "--output"];
        let got = home.nexus(&[&get[..], &[path.to_str().unwrap()]].concat()).done();
        assert_eq!(got["version"].to_string(), later);
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
        assert_eq!(fake.requests().len(), 2);
    }
}

#[test]
fn the_relay_goes_on_with_a_file_in_the_same_way() {
    let relay = relay();
    let a = Home::new(&relay.url());
    let session = a.create("a");
    let b = guest(&a, &session);
    a.nexus_with_input(&["file-put", &session, "x", "-"], b"0123456789").done();
    let api = nexus_tests::Api::new(&relay.url());
    let key = b.stored(&session, "key").unwrap();
    let whole = api.get(&format!("/v1/sessions/{session}/files/x")).agent("b").key(&key).send();
    let tag = whole.header("ETag").to_owned();
    let rest = api.get(&format!("/v1/sessions/{session}/files/x")).agent("b").key(&key);
    let rest = rest.header("Range", b"bytes=3-").header("If-Range", tag.as_bytes()).send();
    assert_eq!((rest.status, rest.text()), (206, "3456789".to_owned()));
}

#[cfg(unix)]
#[test]
fn a_written_file_is_an_ordinary_one() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let fake = Fake::answering("200 OK", "", "bytes");
    let home = Home::new(&fake.url);
    let place = |name: &str| home.state().with_file_name(name).to_str().unwrap().to_owned();
    let get = |output: &str| {
        let session = "0".repeat(48);
        let mut command = home.wrapped(std::path::Path::new("sh"));
        command.args(["-c", "umask 022; exec \"$@\"", "sh", crate::support::NEXUS]);
        command.args(["file-get", &session, "x", "--agent-id", "a", "--output", output]);
        crate::support::Run::of(command.output().unwrap()).done()
    };
    get(&place("file"));
    assert_eq!(fs::metadata(place("file")).unwrap().permissions().mode() & 0o777, 0o644);
    symlink(place("file"), place("link")).unwrap();
    fs::write(place("file"), "old").unwrap();
    get(&place("link"));
    assert!(fs::symlink_metadata(place("link")).unwrap().is_symlink());
    assert_eq!(fs::read_to_string(place("file")).unwrap(), "bytes");
    get("/dev/null");
}
