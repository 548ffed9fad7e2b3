//! Behind a reverse proxy: who is counted, what streams, and what compression does to versions.

use nexus_tests::{Api, Relay, proxy::Proxy};
use serde_json::json;

const LIMIT: u32 = 20;

fn relay() -> Relay {
    let builder = Relay::builder().var("CLIENT_IP_HEADER", "X-Forwarded-For");
    builder.rate_limit(Some(LIMIT)).start().unwrap()
}

#[test]
fn two_clients_behind_a_proxy_are_two_and_none_can_choose_which_it_is() {
    let relay = relay();
    let proxy = Proxy::start(&relay.url());
    let status = |from: &str, arguments: &[&str]| {
        let answer = proxy.ask(from, arguments, "/v1/stats");
        answer.lines().last().unwrap_or_default().to_owned()
    };
    // A minute of the limiter may end between two requests, so that up to twice as many go well.
    let well = (0..=2 * LIMIT).take_while(|_| status("127.0.0.2", &[]) == "200").count();
    assert!((LIMIT as usize..=2 * LIMIT as usize).contains(&well), "{well}");
    assert_eq!(status("127.0.0.2", &["-H", "X-Forwarded-For: 127.0.0.9"]), "429");
    assert_eq!(status("127.0.0.2", &["-H", "X-Forwarded-For: 127.0.0.3"]), "429");
    assert_eq!(status("127.0.0.3", &[]), "200", "another client");
    // Nor can a client use up what another may ask.
    for _ in 0..=LIMIT {
        status("127.0.0.4", &["-H", "X-Forwarded-For: 127.0.0.5"]);
    }
    assert_eq!(status("127.0.0.5", &[]), "200");
}

#[test]
fn a_proxy_passes_events_at_once_and_weak_versions_fit() {
    let relay = relay();
    let proxy = Proxy::start(&relay.url());
    let a = Api::new(&relay.url()).session();
    let (agent, key) = (format!("X-Agent-Id: {}", a.agent), format!("X-Session-Key: {}", a.key));
    let own = ["-H", agent.as_str(), "-H", key.as_str()];
    a.send("at once");
    let events = format!("/v1/sessions/{}/events", a.session);
    let came = proxy.stream(&own, &events, "at once");
    assert!(came.contains("at once"), "{came}");

    assert_eq!(a.call("PUT", "/files/f").body(b"one").send().status, 201);
    let file = format!("/v1/sessions/{}/files/f", a.session);
    let mut compressed = own.to_vec();
    compressed.extend(["--compressed", "-D", "-"]);
    let read = proxy.ask("127.0.0.1", &compressed, &file).to_lowercase();
    let etag = read.lines().find_map(|line| line.strip_prefix("etag: ")).expect("a version");
    assert!(read.contains("content-encoding: gzip") && etag.starts_with("w/"), "{read}");
    let fits = format!("If-Match: {}", etag.replacen("w/", "W/", 1));
    let mut put = own.to_vec();
    put.extend(["-X", "PUT", "-H", &fits, "-d", "two"]);
    assert!(proxy.ask("127.0.0.1", &put, &file).ends_with("\n200"), "{fits}");
    assert_eq!(a.call("GET", "/files/f").send().text(), "two");
}

#[test]
fn links_name_the_address_that_the_proxy_serves() {
    let relay = relay();
    let proxy = Proxy::start(&relay.url());
    let a = Api::new(&relay.url()).session();
    let (agent, key) = (format!("X-Agent-Id: {}", a.agent), format!("X-Session-Key: {}", a.key));
    let body = json!({ "sessionId": a.session }).to_string();
    let made = ["-X", "PUT", "-H", &agent, "-H", &key, "-d", &body];
    let link = proxy.ask("127.0.0.1", &made, "/v1/pair");
    let host = proxy.url.trim_start_matches("http://");
    assert!(link.contains(&format!("\"url\":\"https://{host}/p/")), "{link}");
}
