//! Run by `cargo xtask fuzz`, which describes it: schemathesis against a relay that has some data.

use nexus_tests::{Api, Relay, random};
use serde_json::json;
use std::{error::Error, fs, path::Path, process::Command};
use xtask::{Parser, fuzz::Options};

/// What must be true of every response.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
    response_schema_conformance";

/// Responses that stay open would block a program that waits for their end.
const STREAMS: &str = "/(ws|events|connect)(/|$)";

/// The type and the content of a file are chosen by its author.
const FILE: &str = "readFile";

fn main() -> Result<(), Box<dyn Error>> {
    let options = Options::parse();
    let seed = options.seed.unwrap_or_else(random::seed);
    let relay = Relay::builder().var("ADMIN_TOKEN", "the token of an operator").start()?;
    let folder = tempfile::tempdir()?;
    let mut failed = Vec::new();
    for (who, config) in
        [("a stranger", String::new()), ("an agent", insider(&Api::new(&relay.url())))]
    {
        println!("As {who}:");
        fs::write(folder.path().join("schemathesis.toml"), config)?;
        if !run(&options, seed, &relay.url(), folder.path())? {
            failed.push(who);
        }
    }
    let log = relay.log();
    let faults: Vec<&str> = log.lines().filter(|line| line.contains("\"fault\"")).collect();
    if failed.is_empty() && faults.is_empty() {
        return Ok(());
    }
    eprintln!("Faults in the relay's log: {faults:#?}\n--seed {seed} repeats the requests");
    Err(format!("{} faults; found as: {}", faults.len(), failed.join(", ")).into())
}

/// Runs schemathesis for half of the time, with the configuration in `folder`. Returns whether it
/// found nothing.
fn run(options: &Options, seed: u64, base: &str, folder: &Path) -> std::io::Result<bool> {
    let seconds = (options.seconds / 2).max(1);
    let status = Command::new(&options.program)
        .current_dir(folder)
        .arg("run")
        .arg(format!("{base}/openapi.json"))
        .args(["--checks", CHECKS, "--exclude-path-regex", STREAMS, "--continue-on-failure"])
        .args(["--exclude-operation-id", FILE])
        .args(["--max-time", &seconds.to_string(), "--seed", &seed.to_string()])
        .args(["--request-timeout", "40", "--warnings", "off", "--no-color"])
        // The coverage of every keyword takes longer than a short run.
        .args([
            "--phases",
            if seconds < 60 { "examples,fuzzing" } else { "examples,coverage,fuzzing,stateful" },
        ])
        .status()?;
    Ok(status.success())
}

/// What an agent with a seat and an address knows, as the values of all such parameters.
fn insider(api: &Api) -> String {
    let member = api.session();
    let task = json!({ "to": "a", "task": "x" });
    let task = member.call("POST", "/tasks").json(&task).send().json();
    member.call("PUT", "/files/f").body(b"content").send();
    member.send("a message");
    let secret = api.register("a").secret;
    let code = api.pair(&member.session);
    let task = task.get("id").and_then(serde_json::Value::as_str).unwrap_or_default();
    let values = [
        ("path.sessionId", member.session.as_str()),
        ("path.agentId", "a"),
        ("path.otherId", "b"),
        ("path.taskId", task),
        ("path.key", "f"),
        ("path.code", &code),
        ("header.X-Agent-Id", "a"),
        ("header.X-Session-Key", &member.key),
        ("header.Authorization", &format!("Bearer {secret}")),
        // Waiting is tested elsewhere, and takes time.
        ("query.wait", "0"),
    ];
    let lines = values.map(|(name, value)| format!("{name:?} = {value:?}\n"));
    format!("[parameters]\n{}", lines.concat())
}
