//! The tools at `POST /mcp`, called by the official clients of the protocol.

use nexus_tests::{
    Api,
    hosts::{Bridge, converse},
    mcp::Mcp,
    relay,
};
use std::{path::Path, process::Command};

fn python(url: &str, mode: &str) -> Bridge {
    let python = xtask::setup::libraries::MCP.python().unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("hosts/bridge.py");
    let mut command = Command::new(python);
    command.arg(script).arg(format!("{url}/mcp")).arg(mode);
    Bridge::start(command)
}

#[test]
fn two_official_clients_of_different_eras_converse() {
    let relay = relay();
    let (mut modern, mut legacy) = (python(&relay.url(), "auto"), python(&relay.url(), "legacy"));
    converse(&mut modern, &mut legacy);
    let log = relay.log();
    assert!(!log.contains(r#""status":4"#), "no request of theirs is refused: {log}");
}

#[test]
fn an_official_client_converses_with_a_host_of_either_era() {
    let relay = relay();
    let api = Api::new(&relay.url());
    let mut official = python(&relay.url(), "auto");
    for is_modern in [true, false] {
        converse(&mut Mcp { api: &api, is_modern }, &mut official);
        converse(&mut official, &mut Mcp { api: &api, is_modern });
    }
}
