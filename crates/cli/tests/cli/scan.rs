//! Relays in the local network. The network of these tests is the loopback interface, with a free port for
//! multicast DNS.

use crate::support::Home;
use nexus_tests::hosted::{Hosted, package};
use serde_json::{Value, json};
use socket2::{Domain, Protocol, Socket, Type};
use std::{
    net::{Ipv4Addr, SocketAddr, UdpSocket},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

const GROUP: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 251);

fn free_port() -> u16 {
    UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn scan(port: u16) -> (Value, String) {
    let run = Home::without_url().nexus(&["scan", "--timeout", "2", "--at", &place(port)]);
    let stderr = run.stderr.clone();
    (run.done(), stderr)
}

fn place(port: u16) -> String {
    format!("127.0.0.1:{port}")
}

/// A name as DNS writes it.
fn name(labels: &[&[u8]]) -> Vec<u8> {
    let label = |label: &&[u8]| [&[u8::try_from(label.len()).unwrap()][..], label].concat();
    let mut bytes: Vec<u8> = labels.iter().flat_map(label).collect();
    bytes.push(0);
    bytes
}

/// A record, which others may keep for two minutes.
fn record(name: &[u8], kind: u16, data: &[u8]) -> Vec<u8> {
    let length = u16::try_from(data.len()).unwrap();
    let head: [&[u8]; 5] =
        [name, &kind.to_be_bytes(), &[0, 1], &[0, 0, 0, 120], &length.to_be_bytes()];
    [&head.concat(), data].concat()
}

/// An announcement of a service at port 1234 of 127.0.0.1, with this label and these properties.
fn announcement(service: &[u8], label: &[u8], properties: &[&[u8]]) -> Vec<u8> {
    let kind = name(&[service, b"_tcp", b"local"]);
    let own = name(&[label, service, b"_tcp", b"local"]);
    let host = name(&[b"host", b"local"]);
    let place = [&[0, 0, 0, 0], &1234_u16.to_be_bytes()[..], &host].concat();
    let texts = name(properties);
    let records = [
        record(&kind, 12, &own),
        record(&own, 33, &place),
        record(&own, 16, &texts[..texts.len() - 1]),
        record(&host, 1, &[127, 0, 0, 1]),
    ];
    [&[0, 0, 0x84, 0, 0, 0, 0, 4, 0, 0, 0, 0][..], &records.concat()].concat()
}

/// Scans where one relay is announced.
pub(crate) fn with_one(nexus: &mut dyn FnMut(&[&str])) {
    let port = free_port();
    let _responder = Responder::new(port, vec![announcement(b"_nexus", b"a", &[b"url=http://a"])]);
    nexus(&["scan", "--timeout", "1", "--at", &place(port)]);
}

/// A machine that answers every question with these packets, until it is dropped.
struct Responder {
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Responder {
    fn new(port: u16, packets: Vec<Vec<u8>>) -> Self {
        let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP)).unwrap();
        socket.set_reuse_address(true).unwrap();
        socket.set_reuse_port(true).unwrap();
        socket.bind(&SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)).into()).unwrap();
        socket.join_multicast_v4(&GROUP, &Ipv4Addr::LOCALHOST).unwrap();
        socket.set_multicast_if_v4(&Ipv4Addr::LOCALHOST).unwrap();
        let socket = UdpSocket::from(socket);
        socket.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        let is_over = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&is_over);
        let thread = thread::spawn(move || {
            let mut bytes = [0; 9000];
            while !told.load(Ordering::Relaxed) {
                // The third byte tells an answer from a question.
                let is_question = socket.recv(&mut bytes).is_ok() && bytes[2] & 0x80 == 0;
                for packet in packets.iter().filter(|_| is_question) {
                    socket.send_to(packet, (GROUP, port)).unwrap();
                }
            }
        });
        Self { is_over, thread: Some(thread) }
    }
}

impl Drop for Responder {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        drop(self.thread.take().map(JoinHandle::join));
    }
}

#[test]
fn a_relay_that_is_hosted_here_is_found_until_it_stops() {
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let mut command = package().command(&["--data", folder.path().to_str().unwrap()]);
    command.args(["--port", "0", "--lan", "--host", "127.0.0.1"]).env("NEXUS_MDNS", place(port));
    let hosted = Hosted::start(command, &[]);
    let (found, told) = scan(port);
    let relays = found["relays"].as_array().unwrap();
    assert_eq!(relays.len(), 1, "of its two kinds, ours counts: {found}");
    let relay = &relays[0];
    assert!(relay["name"].as_str().unwrap().starts_with("nexus-relay on "), "{found}");
    assert_eq!((&relay["kind"], &relay["url"]), (&json!("nexus"), &json!(hosted.url)));
    assert_eq!(relay["address"], "127.0.0.1");
    assert_eq!(relay["properties"]["version"], env!("CARGO_PKG_VERSION"));
    assert!(told.contains("`nexus config set-url URL`"), "{told}");

    let home = Home::without_url();
    home.nexus(&["config", "set-url", relay["url"].as_str().unwrap()]).done();
    home.nexus(&["create", "--creator-agent-id", "a"]).done();
    hosted.stop();
    assert_eq!(scan(port).0, json!({ "relays": [] }));
}

#[test]
fn nothing_in_the_network_is_an_empty_list_and_a_hint() {
    let (found, told) = scan(free_port());
    assert_eq!(found, json!({ "relays": [] }));
    assert!(told.contains("`npx nexus-relay --lan`"), "{told}");
}

#[test]
fn what_cannot_be_heard_is_no_empty_list() {
    let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
    let taken = socket.local_addr().unwrap().port();
    let no_network = format!("192.0.2.99:{taken}");
    let cases =
        [(place(taken), format!("UDP port {taken}")), (no_network, "in no network".to_owned())];
    for (at, wanted) in cases {
        let run = Home::without_url().nexus(&["scan", "--timeout", "1", "--at", &at]);
        assert_eq!(run.error(), "port_unavailable");
        let told = run.json["message"].as_str().unwrap();
        assert!(told.contains(&wanted) && told.contains("outside of the sandbox"), "{told}");
    }
}

#[test]
fn what_a_stranger_announces_is_bounded_and_shown_harmlessly() {
    let port = free_port();
    let evil = b"a\x1b[2J\xc2\x9b\xe2\x80\xae nxk_leaked-key";
    let text = b"note=\x1b]52;c;eA==\x07\xff nxk_leaked-key";
    let long = [b"long=", &[b'x'; 240][..]].concat();
    let many: Vec<Vec<u8>> = (0..40).map(|n| format!("n{n}=1").into_bytes()).collect();
    let many: Vec<&[u8]> = many.iter().map(Vec::as_slice).collect();
    let first: Vec<&[u8]> = vec![b"url=javascript:alert(1)", text, &long];
    let packets = vec![
        announcement(b"_clawlink", evil, &first),
        announcement(b"_clawlink", b"plain", &[b"url=http://relay.example:99/x"]),
        announcement(b"_clawlink", b"many", &many),
        announcement(b"_nexus", &[b'y'; 63], &[b"url=http://u:p@evil.example"]),
        // No packets.
        vec![0xff; 40],
        announcement(b"_nexus", b"cut", &[])[..60].to_vec(),
    ];
    let _responder = Responder::new(port, packets);
    let (found, _) = scan(port);
    let relays = found["relays"].as_array().unwrap();
    let with = |name: &str| relays.iter().find(|it| it["name"].as_str().unwrap().starts_with(name));
    let all: Vec<&Value> = ["y", "a", "plain", "many"].map(|it| with(it).unwrap()).to_vec();
    assert_eq!(relays.len(), all.len(), "{found}");
    let urls: Vec<&Value> = all.iter().map(|relay| &relay["url"]).collect();
    let own = "http://127.0.0.1:1234";
    assert_eq!(urls, [own, own, "http://relay.example:99", own]);
    assert_eq!((&all[0]["kind"], &all[1]["kind"]), (&json!("nexus"), &json!("clawlink")));
    assert_eq!(all[0]["name"], "y".repeat(63));
    assert_eq!(all[1]["properties"]["long"], "x".repeat(200));
    assert_eq!(all[3]["properties"].as_object().unwrap().len(), 16);
    let at = place(port);
    for format in [&[][..], &["--json"], &["--jq", "[.. | strings] | .[]"]] {
        let arguments = [&["scan", "--timeout", "2", "--at", &at], format].concat();
        let seen = Home::without_url().on_terminal(&arguments);
        assert_eq!(seen.code, Some(0), "{}", seen.text);
        assert!(seen.text.contains("relay.example:99"), "{}", seen.text);
        let is_obeyed = |c: char| (c.is_control() && !"\n\t".contains(c)) || c == '\u{202e}';
        assert!(!seen.text.contains(is_obeyed) && !seen.text.contains("leaked"), "{:?}", seen.text);
    }
}
