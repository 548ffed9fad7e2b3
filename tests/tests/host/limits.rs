//! The rate limits, counted by the package itself, for the address of the connection or for what a proxy says.

use nexus_tests::hosted::{Hosted, package};
use std::{net::TcpListener, process::Command};

/// What `RATE_LIMITER` allows in a minute.
const LIMIT: usize = 100;

/// Asks so many times from an address of this machine, with these headers. Returns how many were let pass, and how
/// many were refused.
fn ask(hosted: &Hosted, count: usize, from: &str, headers: &[&str]) -> (usize, usize) {
    let mut curl = Command::new("curl");
    curl.args(["-sS", "-m", "50", "--interface", from, "-w", "%{stderr}%{http_code}\n"]);
    curl.args(headers.iter().flat_map(|header| ["-H", header]));
    let output = curl.arg(format!("{}/v1/stats?n=[1-{count}]", hosted.url)).output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    let with = |status: &str| told.lines().filter(|line| *line == status).count();
    assert_eq!(with("200") + with("429"), count, "{told}");
    (with("200"), with("429"))
}

#[test]
fn an_address_is_refused_after_a_hundred_requests_in_a_minute_and_another_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let hosted = package().serve(folder.path(), &[]);
    assert_eq!(ask(&hosted, LIMIT + 1, "127.0.0.2", &[]), (LIMIT, 1));
    let said = ["X-Nexus-Client: 9.9.9.9", "X-Real-IP: 9.9.9.9", "CF-Connecting-IP: 9.9.9.9"];
    assert_eq!(ask(&hosted, 1, "127.0.0.2", &said), (0, 1), "nobody chooses who they are");
    assert_eq!(ask(&hosted, 1, "127.0.0.3", &[]), (1, 0));
    hosted.stop();
}

#[test]
fn behind_a_proxy_that_is_trusted_its_clients_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let hosted = package().serve(folder.path(), &["--trust-proxy", "X-Real-IP"]);
    let from = |client: &str, count| ask(&hosted, count, "127.0.0.1", &[client]);
    assert_eq!(from("X-Real-IP: 192.0.2.1", LIMIT + 1), (LIMIT, 1));
    assert_eq!(from("X-Real-IP: 192.0.2.2", 1), (1, 0));
    hosted.stop();
}

#[test]
fn the_limit_can_be_set_and_left_out() {
    let folder = tempfile::tempdir().unwrap();
    for (limit, wanted) in [("2", (2, LIMIT)), ("0", (LIMIT + 2, 0))] {
        let hosted = package().serve(folder.path(), &["--rate-limit", limit]);
        assert_eq!(ask(&hosted, LIMIT + 2, "127.0.0.1", &[]), wanted);
        hosted.stop();
    }
}

#[test]
fn an_address_of_ipv4_is_one_also_on_a_socket_of_both_kinds() {
    let folder = tempfile::tempdir().unwrap();
    if TcpListener::bind("[::1]:0").is_err() {
        return;
    }
    let mut hosted = package().serve(folder.path(), &["--host", "::", "--rate-limit", "2"]);
    assert!(hosted.url.starts_with("http://127.0.0.1:"), "{}", hosted.url);
    assert_eq!(ask(&hosted, 3, "127.0.0.2", &[]), (2, 1));
    assert_eq!(ask(&hosted, 3, "127.0.0.3", &[]), (2, 1), "another address of IPv4");
    hosted.url = hosted.url.replace("127.0.0.1", "[::1]");
    assert_eq!(ask(&hosted, 3, "::1", &[]), (2, 1));
    hosted.stop();
}
