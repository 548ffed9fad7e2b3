//! A relay that is announced in the local network. The network of these tests is the loopback interface.

use nexus_tests::hosted::{Hosted, package};
use serde_json::{Value, json};
use std::{fs, net::UdpSocket};

/// A script that looks for a relay at a port of multicast DNS, once from there and once as from a usual program. Then
/// it stops the process that announces it, waits until the relay is taken back, and prints what it was told.
const LOOK: &str = r#"
import { createSocket } from "node:dgram";
import open from "multicast-dns";
const [port, pid] = PLACE;
const dns = open({ interface: "127.0.0.1", bind: "0.0.0.0", port });
const socket = createSocket("udp4");
socket.bind(0, "127.0.0.1", () => socket.setMulticastInterface("127.0.0.1"));
const caller = open({ socket, bind: false, multicast: false });
const questions = [{ name: "_nexus._tcp.local", type: "PTR" }];
const told = {};
const asking = setInterval(() => {
  dns.query({ questions });
  caller.query({ id: 7, questions: [...questions, { name: "x.local", type: "A" }] }, { address: "224.0.0.251", port });
}, 200);
const text = (record) => [record.type, record.name, record.ttl, record.type === "TXT" ? record.data.map(String) : record.data];
setTimeout(() => process.exit(3), 60_000).unref();
const look = () => {
  if (!told.all || !told.one || told.stopped) return;
  told.stopped = true;
  clearInterval(asking);
  process.kill(pid, "SIGTERM");
};
dns.on("response", ({ answers, additionals }) => {
  if (told.stopped && answers.some(({ ttl }) => ttl === 0)) {
    console.log(JSON.stringify({ ...told, gone: answers.map(text) }));
    process.exit(0);
  }
  if (additionals.length > 0) told.all ??= [...answers, ...additionals].map(text);
  look();
});
caller.on("response", (response) => {
  told.one ??= { ...response, answers: response.answers.map(text) };
  look();
});
"#;

fn free_port() -> u16 {
    UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[test]
fn it_is_announced_to_whoever_asks_and_taken_back_when_it_stops() {
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let mut command = package().command(&["--data", folder.path().to_str().unwrap()]);
    command.args(["--port", "0", "--lan", "--host", "127.0.0.1"]);
    command.env("NEXUS_MDNS", format!("127.0.0.1:{port}"));
    let mut hosted = Hosted::start(command, &[]);
    assert!(
        hosted.errors().contains("announces itself in the local network"),
        "{}",
        hosted.errors()
    );

    let place = format!("[{port}, {}]", hosted.pid());
    let output = package().node(&LOOK.replace("PLACE", &place));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(hosted.wait().success(), "{}", hosted.errors());
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    let with = |records: &Value, kind: &str, end: &str| {
        let records = records.as_array().unwrap().iter();
        let is_it = |it: &&Value| it[0] == kind && it[1].as_str().unwrap().ends_with(end);
        records.filter(is_it).cloned().collect::<Vec<_>>()
    };
    let pointers = with(&told["all"], "PTR", "_nexus._tcp.local");
    let name = pointers[0][3].as_str().unwrap();
    assert!(name.starts_with("nexus-relay on "), "{name}");
    let texts = &with(&told["all"], "TXT", "_nexus._tcp.local")[0];
    let version = format!("version={}", env!("CARGO_PKG_VERSION"));
    let url = format!("url={}", hosted.url);
    assert_eq!(*texts, json!(["TXT", name, 4500, [url, version, "path=/"]]));
    let texts = &with(&told["all"], "TXT", "_clawlink._tcp.local")[0][3];
    let wanted =
        json!([url, version, "path=/clawlink/", "service=nexus-relay", "auth_required=false"]);
    assert_eq!(*texts, wanted);
    let place = &with(&told["all"], "SRV", "_nexus._tcp.local")[0][3];
    let address = with(&told["all"], "A", place["target"].as_str().unwrap());
    assert_eq!(address[0][3], "127.0.0.1");
    assert!(hosted.url.ends_with(&format!(":{}", place["port"])));

    // A usual program gets its own question back, and records that it may keep for a short time.
    let one = &told["one"];
    assert_eq!((&one["id"], one["questions"].as_array().unwrap().len()), (&json!(7), 1));
    assert!(one["answers"].as_array().unwrap().iter().all(|it| it[2] == 10), "{one}");
    assert!(told["gone"].as_array().unwrap().iter().all(|it| it[2] == 0), "{told}");
    assert_eq!(with(&told["gone"], "PTR", "_tcp.local").len(), 2);
}

#[test]
fn without_an_address_it_is_not_said_to_be_announced() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = package().command(&["--data", folder.path().to_str().unwrap()]);
    command.args(["--port", "0", "--lan"]).env("NEXUS_MDNS", "192.0.2.99:9");
    let hosted = Hosted::start(command, &[]);
    let told = hosted.errors();
    assert!(told.contains("This machine has no address to announce"), "{told}");
    assert!(told.contains("use --host ::"), "{told}");
    assert!(!told.contains("announces itself"), "{told}");
    hosted.stop();
}

#[test]
fn without_its_library_nothing_is_started() {
    let folder = tempfile::tempdir().unwrap();
    let (hook, data) = (folder.path().join("hook.mjs"), folder.path().join("data"));
    let resolve = "export const resolve = (name, context, next) => \
                   next(name === 'multicast-dns' ? 'missing' : name, context)";
    let script = format!(
        "import {{ register }} from 'node:module';\n\
         register('data:text/javascript,' + encodeURIComponent(`{resolve}`));"
    );
    fs::write(&hook, script).unwrap();
    let mut command = package().command(&["--port", "0", "--lan", "--data"]);
    command.arg(&data).env("NODE_OPTIONS", format!("--import={}", hook.display()));
    let output = command.output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("multicast-dns is missing, which --lan needs"), "{told}");
    assert!(!data.exists());
}

/// The head of a script that announces in a network of its own: `open` stands for the library, `opened` has what it was
/// asked for, and `waited` returns who was sent what until all timers have passed.
const ALONE: &str = r#"
import { EventEmitter } from "node:events";
import { Interface, addresses } from "./lib/lan.js";
const [sent, opened, socket] = [[], [], new EventEmitter()];
socket.respond = ({ answers }, to) => sent.push({ to: to?.address ?? "all", answers });
socket.destroy = () => {};
const open = (options) => (opened.push(options), socket);
const names = { instance: "a", target: "b.local" };
const relay = { names, port: 1, version: "1", url: (address) => `http://[${address}]`, tell() {} };
const name = "_nexus._tcp.local";
const ask = (address, port, name, answers = []) => {
  socket.emit("query", { id: 1, questions: [{ name, type: "PTR" }], answers }, { address, port });
};
const waited = (act) => {
  const due = [];
  const { setTimeout: usual } = globalThis;
  globalThis.setTimeout = (call) => (due.push(call), { unref() { return this; } });
  act();
  globalThis.setTimeout = usual;
  due.forEach((call) => call());
  return sent.splice(0);
};
"#;

#[test]
fn ipv6_is_announced_where_there_is_no_ipv4() {
    let script = r#"
        const it = (zone, cidr, internal = false) => ({ zone, cidr, address: cidr.split("/")[0], internal });
        const all = [
          it("lo", "127.0.0.1/8", true), it("lo", "::1/128", true),
          it("both", "192.0.2.1/24"), it("both", "2001:db8::1/64"), it("both", "fe80::1/64"),
          it("new", "2001:db8:1::2/64"), it("new", "2001:db8:1::1/64"), it("new", "fe80::2/64"),
          it("near", "fe80::3/64"),
        ];
        const chosen = (host) => addresses(host, all).map(({ address }) => address);
        assert.deepEqual(chosen("::"), ["192.0.2.1", "2001:db8:1::1"]);
        assert.deepEqual(chosen("0.0.0.0"), ["192.0.2.1"]);
        assert.deepEqual(chosen("192.0.2.1"), ["192.0.2.1"]);

        const one = new Interface(open, addresses("::", all)[1], relay);
        const { type, ip, interface: zone } = opened[0];
        assert.deepEqual([type, ip, zone], ["udp6", "ff02::fb", "::%new"]);
        const [{ answers }] = waited(() => socket.emit("ready"));
        const data = (type) => answers.filter((record) => record.type === type).map(({ data }) => data);
        assert.deepEqual([data("A"), data("AAAA")], [[], ["2001:db8:1::1"]]);
        assert.ok(data("TXT").every(([url]) => url === "url=http://[2001:db8:1::1]"));
        const callers = ["fe80::9%both", "2001:db8::9", "::ffff:192.0.2.7", "fe80::9%new", "2001:db8:1::9"];
        const answered = waited(() => callers.forEach((address) => ask(address, 9, name)));
        assert.deepEqual(answered.map(({ to }) => to), ["fe80::9%new", "2001:db8:1::9"]);
        one.close();
    "#;
    package().holds(&[ALONE, script].concat());
}

#[test]
fn only_its_own_network_is_answered_and_floods_are_not() {
    let script = r#"
        const one = new Interface(open, { address: "192.0.2.1", cidr: "192.0.2.1/24" }, relay);
        assert.deepEqual(waited(() => ask("198.51.100.1", 5353, name)), [], "another network");
        assert.deepEqual(waited(() => ask("192.0.2.7", 5353, "_http._tcp.local")), [], "another question");
        const known = { type: "PTR", name, ttl: 4000, data: `a.${name}` };
        assert.deepEqual(waited(() => ask("192.0.2.7", 5353, name, [known])), [], "nothing new");
        const answered = waited(() => {
          for (let n = 0; n < 1000; n++) ask("192.0.2.7", 5353, "_NEXUS._tcp.local");
          for (let n = 0; n < 1000; n++) ask("192.0.2.8", 2000 + n, name);
        });
        assert.deepEqual(answered.map(({ to }) => to), ["all", ...Array(8).fill("192.0.2.8")]);
        assert.deepEqual(answered[0].answers.map(({ type }) => type), ["PTR"]);
        one.close();
    "#;
    package().holds(&[ALONE, script].concat());
}
