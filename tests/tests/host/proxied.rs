//! Behind nginx, set up as `docs/self-host.md` says.

use nexus_tests::{
    Api, Member,
    hosted::{Hosted, package},
    live::Events,
    proxy::Proxy,
};
use std::thread;

const PAGE: &str = include_str!("../../../docs/self-host.md");

/// The page's configuration, without the certificate, at other ports.
fn server() -> String {
    let (_, rest) = PAGE.split_once("```nginx\n").unwrap();
    let (block, _) = rest.split_once("```").unwrap();
    let lines = block.lines().filter(|line| !line.contains("ssl_certificate"));
    let text = lines.collect::<Vec<_>>().join("\n");
    let wanted =
        [("listen 443 ssl;", "listen 127.0.0.1:PORT;"), ("http://127.0.0.1:8787", "RELAY")];
    wanted.iter().fold(text, |text, (from, to)| {
        assert!(text.contains(from), "{from}: {text}");
        text.replace(from, to)
    })
}

fn start(folder: &std::path::Path, arguments: &[&str]) -> (Hosted, Proxy) {
    let mut all = vec!["--trust-proxy", "X-Real-IP"];
    all.extend(arguments);
    let hosted = package().serve(folder, &all);
    let proxy = Proxy::with(&server(), &hosted.url);
    (hosted, proxy)
}

#[test]
fn sockets_streams_and_long_polls_pass_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let (hosted, proxy) = start(folder.path(), &[]);
    let a = Api::new(&proxy.url).session();
    let b = a.join("b");
    let cursor = b.read_after("0").1;
    let mut socket = b.socket(Some(&cursor));
    socket.expect("ready");
    let mut stream: Events = b.try_events(Some(&cursor)).unwrap();
    let poll = |member: &Member| member.poll(&format!("?after={cursor}&wait=25"));
    thread::scope(|scope| {
        let polled = scope.spawn(|| poll(&b));
        a.send("at once");
        assert_eq!(socket.expect("message")["text"], "at once");
        assert_eq!(stream.message().unwrap().1, "at once");
        assert_eq!(polled.join().unwrap()["messages"][0]["text"], "at once");
    });
    let file = vec![b'x'; 1024 * 1024];
    assert_eq!(a.call("PUT", "/files/large").body(&file).send().status, 201);
    drop((socket, stream));
    hosted.stop();
}

#[test]
fn two_clients_are_two_and_none_can_choose_which_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let (hosted, proxy) = start(folder.path(), &["--rate-limit", "5"]);
    let status = |from: &str, header: &str| {
        let answer = proxy.ask(from, &["-H", header], "/v1/stats");
        answer.lines().last().unwrap_or_default().to_owned()
    };
    assert!((0..5).all(|_| status("127.0.0.2", "X-Real-IP: 127.0.0.3") == "200"));
    assert_eq!(status("127.0.0.2", "X-Real-IP: 127.0.0.3"), "429");
    assert_eq!(status("127.0.0.3", "X-Real-IP: 127.0.0.2"), "200");
    hosted.stop();
}
