//! A local network with the usual port, in which an independent library (zeroconf) finds a relay that is hosted, and
//! `nexus scan` finds both. The network is a namespace of its own with one interface.

use crate::support::{Home, NEXUS, Run};
use nexus_tests::{
    hosted::{Hosted, package},
    libraries,
};
use serde_json::{Value, json};
use std::{
    ffi::OsStr,
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::Path,
    process::{Command, Stdio},
};

/// Makes the network with this address, and runs the rest in it. Nobody waits until an address is known to be unique.
const NETWORK: &str = "ip link set lo up && ip link add lan type veth peer name far && \
    ip link set lan addrgenmode none up && ip link set far addrgenmode none up && \
    ip addr add fe80::1/64 dev lan nodad && ip addr add \"$1\" dev lan nodad && shift && exec \"$@\"";

/// Prints what is announced of a relay, with the status of its URL, and announces another until its input ends.
const OTHER: &str = r#"
import json, queue, sys, urllib.request
from zeroconf import IPVersion, ServiceBrowser, ServiceInfo, ServiceStateChange, Zeroconf

address = sys.argv[1]
zeroconf = Zeroconf(ip_version=IPVersion.V6Only if ":" in address else IPVersion.V4Only)
names = queue.Queue()

def changed(zeroconf, service_type, name, state_change):
    if state_change is ServiceStateChange.Added:
        names.put((service_type, name))

kinds = ["_nexus._tcp.local.", "_clawlink._tcp.local."]
ServiceBrowser(zeroconf, kinds, handlers=[changed])
found = {}
while len(found) < 2:
    kind, name = names.get(timeout=60)
    info = zeroconf.get_service_info(kind, name, 60000)
    properties = {key.decode(): value.decode() for key, value in info.properties.items()}
    found[kind] = {"name": name, "addresses": info.parsed_addresses(), "port": info.port, **properties}
with urllib.request.urlopen(found[kinds[0]]["url"] + "/health") as answer:
    found["status"] = answer.status
name = "other." + kinds[1]
zeroconf.register_service(ServiceInfo(kinds[1], name, 4321, properties={"version": "9"}, parsed_addresses=[address]))
print(json.dumps(found), flush=True)
sys.stdin.read()
zeroconf.close()
"#;

/// A program in a new network.
fn within(subnet: &str) -> Command {
    let mut command = Command::new("unshare");
    command.args(["-rn", "sh", "-c", NETWORK, "sh", subnet]);
    command
}

#[test]
fn others_find_a_hosted_relay_and_are_found() {
    for (address, length, host) in [("192.0.2.1", 24, "0.0.0.0"), ("fd00::1", 64, "::")] {
        let subnet = format!("{address}/{length}");
        let is_possible = within(&subnet).arg("true").stderr(Stdio::null()).status();
        if !is_possible.is_ok_and(|status| status.success()) {
            eprintln!("skipped: this system does not allow a network without rights");
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let launcher = package().command(&["--port", "0", "--lan", "--host", host, "--data"]);
        let mut command = within(&subnet);
        command.args(["env", "-i"]);
        for (name, value) in launcher.get_envs() {
            command.arg([name, value.unwrap()].join(OsStr::new("=")));
        }
        command.arg(launcher.get_program()).args(launcher.get_args()).arg(folder.path());
        let hosted = Hosted::start(command, &[]);
        check(&hosted, address);
        hosted.stop();
    }
}

/// The client and the library find the relay at this address, and the client finds what the library announces.
fn check(hosted: &Hosted, address: &str) {
    let home = Home::without_url();
    let pid = hosted.pid().to_string();
    let in_it = |program: &Path| {
        let mut command = home.wrapped(Path::new("nsenter"));
        command.args(["--target", &pid, "--user", "--net", "--preserve-credentials"]).arg(program);
        command
    };
    let mut other = in_it(&libraries::ZEROCONF.python().unwrap());
    other.args(["-c", OTHER, address]).stdin(Stdio::piped()).stderr(Stdio::inherit());
    let mut other = other.spawn().unwrap();
    let mut line = String::new();
    BufReader::new(other.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let found: Value = serde_json::from_str(&line).unwrap();

    let port = hosted.url.rsplit(':').next().unwrap().parse().unwrap();
    let url = format!("http://{}", SocketAddr::new(address.parse().unwrap(), port));
    let name = found["_nexus._tcp.local."]["name"].as_str().unwrap();
    let name = name.strip_suffix("._nexus._tcp.local.").unwrap();
    let version = env!("CARGO_PKG_VERSION");
    let ours = json!({
        "name": format!("{name}._nexus._tcp.local."), "addresses": [address], "port": port,
        "url": url, "version": version, "path": "/",
    });
    let theirs = json!({
        "name": format!("{name}._clawlink._tcp.local."), "addresses": [address], "port": port,
        "url": url, "version": version, "path": "/clawlink/",
        "service": "nexus-relay", "auth_required": "false",
    });
    let all = json!({ "_nexus._tcp.local.": ours, "_clawlink._tcp.local.": theirs, "status": 200 });
    assert_eq!(found, all);

    let scanned = Run::of(in_it(Path::new(NEXUS)).arg("scan").output().unwrap()).done();
    let relays: Vec<[&Value; 5]> = scanned["relays"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| ["kind", "name", "url", "address", "port"].map(|key| &it[key]))
        .collect();
    let other_url = format!("http://{}", SocketAddr::new(address.parse().unwrap(), 4321));
    assert_eq!(
        json!(relays),
        json!([
            ["nexus", name, url, address, port],
            ["clawlink", "other", other_url, address, 4321],
        ])
    );
    drop(other.stdin.take());
    assert!(other.wait().unwrap().success());
}
