//! The rate limits, counted by the package itself, for the address of the connection or for what a proxy says.

use nexus_tests::hosted::{Hosted, package};
use std::process::Command;

/// What `RATE_LIMITER` allows in a minute.
const LIMIT: usize = 100;

/// Asks from an address of this machine, with these headers. Returns the status.
fn ask(hosted: &Hosted, from: &str, headers: &[&str]) -> String {
    let mut curl = Command::new("curl");
    curl.args(["-sS", "-m", "20", "--interface", from, "-o", "/dev/null", "-w", "%{http_code}"]);
    curl.args(headers.iter().flat_map(|header| ["-H", header]));
    let output = curl.arg(format!("{}/v1/stats", hosted.url)).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn an_address_is_refused_after_a_hundred_requests_in_a_minute_and_another_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let hosted = package().serve(folder.path(), &[]);
    for _ in 0..LIMIT {
        assert_eq!(ask(&hosted, "127.0.0.2", &[]), "200");
    }
    assert_eq!(ask(&hosted, "127.0.0.2", &[]), "429");
    let said = ["X-Nexus-Client: 9.9.9.9", "X-Real-IP: 9.9.9.9", "CF-Connecting-IP: 9.9.9.9"];
    assert_eq!(ask(&hosted, "127.0.0.2", &said), "429", "nobody chooses who they are");
    assert_eq!(ask(&hosted, "127.0.0.3", &[]), "200");
    hosted.stop();
}

#[test]
fn behind_a_proxy_that_is_trusted_its_clients_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let hosted = package().serve(folder.path(), &["--trust-proxy", "X-Real-IP"]);
    for _ in 0..LIMIT {
        assert_eq!(ask(&hosted, "127.0.0.1", &["X-Real-IP: 192.0.2.1"]), "200");
    }
    assert_eq!(ask(&hosted, "127.0.0.1", &["X-Real-IP: 192.0.2.1"]), "429");
    assert_eq!(ask(&hosted, "127.0.0.1", &["X-Real-IP: 192.0.2.2"]), "200");
    hosted.stop();
}

#[test]
fn the_limit_can_be_set_and_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let hosted = package().serve(folder.path(), &["--rate-limit", "2"]);
    let came: Vec<_> = (0..3).map(|_| ask(&hosted, "127.0.0.1", &[])).collect();
    assert_eq!(came, ["200", "200", "429"]);
    hosted.stop();
    let hosted = package().serve(folder.path(), &["--rate-limit", "0"]);
    assert!((0..LIMIT + 5).all(|_| ask(&hosted, "127.0.0.1", &[]) == "200"));
    hosted.stop();
}
