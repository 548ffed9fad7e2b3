//! Run by `cargo xtask mcp`, which describes it.

use nexus_tests::hosts::{Bridge, converse};
use std::{env, error::Error, path::Path, process::Command};
use xtask::relay::Relay;

fn main() -> Result<(), Box<dyn Error>> {
    let given: Vec<String> = env::args().skip(1).collect();
    let [node, bridge, python] = given.as_slice() else {
        return Err("write it as mcp NODE BRIDGE PYTHON".into());
    };
    let relay = Relay::builder().rate_limits_never_reached().start()?;
    let url = format!("{}/mcp", relay.url());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("hosts/bridge.py");
    let start = |name: &str| {
        let mut command = Command::new(if name.starts_with('@') { node } else { python });
        match name {
            "auto" | "legacy" => command.arg(&script).arg(&url).arg(name),
            package => command.arg(bridge).arg(&url).arg(package),
        };
        Bridge::start(command)
    };
    let kinds = ["@modelcontextprotocol/sdk", "@modelcontextprotocol/client", "auto", "legacy"];
    for (at, a) in kinds.iter().enumerate() {
        for b in kinds.iter().skip(at) {
            converse(&mut start(a), &mut start(b));
            println!("{a} and {b}: invite, join, talk, wait, give a task, leave");
        }
    }
    Ok(())
}
