//! `cargo xtask dist --check`: the image of `dist/container` is built, and run as its `compose.yaml` says. It needs no
//! daemon and pulls no image.
//!
//! | module | owns |
//! |---|---|
//! | [`compose`] | what `compose.yaml` says |
//! | [`image`] | the image, and the one that it begins with |
//! | [`bundle`] | a container of it |
//! | [`service`] | the unit for systemd, on the image's system |

mod bundle;
mod compose;
mod image;
mod service;

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use self::bundle::{Bundle, Program, Running};
use self::compose::Compose;
use self::image::Image;
use crate::process;
use crate::project::{self, Project};
use crate::setup;

const SOURCES: &str = "dist/container";
const FILES: [&str; 3] = ["Containerfile", "compose.yaml", "Caddyfile"];
/// The name of the relay.
const NAME: &str = "relay.example";
/// Where the image of Caddy has its configuration.
const CADDYFILE: &str = "/etc/caddy/Caddyfile";
/// Where the relay and Caddy answer, in the container's network.
const RELAY: &str = "http://127.0.0.1:8787";
const PROXY: &str = "http://127.0.0.1:8080";
/// How many requests a minute a client has.
const LIMIT: usize = 100;

/// Runs a program where the relay has the name by which `Caddyfile` knows it.
const WITH_HOSTS: &str = r#"mount --bind "$1" /etc/hosts && shift && exec "$@" 2>&1"#;

/// Builds the image with the packed relay, and uses it.
pub(super) fn check(project: &Project, package: &Path) -> Result<()> {
    let caddy = setup::container::ensure(project)?;
    let target = project.path("target/container");
    project::create_folder(&target)?;
    let context = tempfile::tempdir_in(&target).context("no folder to build the image in")?;
    let context = context.path();
    let sources = FILES.map(|name| project.path(SOURCES).join(name));
    for file in sources.into_iter().chain([project.path(package)]) {
        let name = file.file_name().context("a folder")?;
        fs::copy(&file, context.join(name)).with_context(|| format!("no {}", file.display()))?;
    }
    let services = Compose::read(context, NAME)?.services;
    let image = Image::build(project, &target, context, &services.relay.build.dockerfile)?;
    let left = fs::read_dir(image.root.join("tmp")).context("the image has no /tmp")?.count();
    ensure!(left == 0, "building the image leaves {left} files in its /tmp");
    let (kind, health) = image.config.healthcheck.test.split_first().unzip();
    let health = health.filter(|_| kind.is_some_and(|kind| kind == "CMD"));
    let health = health.context("the image has no HEALTHCHECK that runs without a shell")?;
    let bundle = Bundle::new(&target.join("bundle"), &image, &services.relay)?;
    let stopped = bundle.run(health)?.output().context("could not start `crun`")?;
    let is_told = stopped.status.code() == Some(1) && stopped.stderr.is_empty();
    ensure!(is_told, "without a relay, HEALTHCHECK must end with 1, and say nothing: {stopped:?}");
    let relay = bundle.start()?;
    process::run(&mut relay.inside(health)?).context("the relay answers, and HEALTHCHECK fails")?;
    has_few_rights(&relay)?;
    let session = say(&relay)?;
    relay.stop()?;
    let relay = bundle.start()?;
    hear(&relay, &session)?;
    use_proxy(&relay, &caddy, services.caddy.file(CADDYFILE)?, context)?;
    relay.stop()?;
    println!("The container works.");
    service::check(&image)?;
    image.remove()?;
    Ok(())
}

/// Fails if it runs as root, has or can get a privilege, or can write to something else than its data and /tmp.
fn has_few_rights(relay: &Running) -> Result<()> {
    let status = process::output(&mut relay.inside(&["cat", "/proc/1/status"])?)?;
    for line in [
        "Uid:\t1000\t1000\t1000\t1000",
        "CapPrm:\t0000000000000000",
        "CapBnd:\t0000000000000000",
        "NoNewPrivs:\t1",
    ] {
        ensure!(status.lines().any(|told| told == line), "no line `{line}` in:\n{status}");
    }
    let find = "find / '(' -path /proc -o -path /sys -o -path /dev ')' -prune -o \
                -writable '!' -type l -print -prune | sort";
    let written = process::output(&mut relay.inside(&["sh", "-c", find])?)?;
    ensure!(written == "/data\n/tmp", "the relay can write to:\n{written}");
    Ok(())
}

/// Says something in a new session, which is returned.
fn say(relay: &Running) -> Result<Value> {
    let create = json!({ "creatorAgentId": "alice" }).to_string();
    let session = call(relay, &["-X", "PUT", "-d", &create], "/v1/sessions")?;
    let message = json!({ "text": "still here" }).to_string();
    talk(relay, &session, &["-d", &message])?;
    Ok(session)
}

/// Fails unless what was said is there.
fn hear(relay: &Running, session: &Value) -> Result<()> {
    let page = talk(relay, session, &[])?;
    let text = page.pointer("/messages/0/text");
    ensure!(text == Some(&json!("still here")), "after a new start, the message is lost: {page}");
    Ok(())
}

/// Asks the relay for something of a session, as its creator.
fn talk(relay: &Running, session: &Value, arguments: &[&str]) -> Result<Value> {
    let told = |name: &str| session[name].as_str().with_context(|| format!("no {name}: {session}"));
    let agent = format!("X-Agent-Id: {}", told("creatorAgentId")?);
    let key = format!("X-Session-Key: {}", told("sessionKey")?);
    let path = format!("/v1/sessions/{}/messages", told("sessionId")?);
    call(relay, &[&["-H", &agent, "-H", &key], arguments].concat(), &path)
}

/// Asks the relay for something.
fn call(relay: &Running, arguments: &[&str], path: &str) -> Result<Value> {
    let mut curl = relay.beside("curl");
    curl.args(["-sS", "--fail-with-body", "-H", "Content-Type: application/json"]);
    let answer = process::output(curl.args(arguments).arg(format!("{RELAY}{path}")))?;
    serde_json::from_str(&answer).with_context(|| answer)
}

/// Fails unless Caddy, set up by `Caddyfile`, tells the relay whom to count, whatever its clients say.
fn use_proxy(relay: &Running, caddy: &Path, file: &Path, folder: &Path) -> Result<()> {
    let arguments = ["--adapter", "caddyfile", "--config"];
    let mut validate = Command::new(caddy);
    validate.arg("validate").args(arguments).arg(file);
    process::run(validate.env("RELAY_HOST", NAME).env("HOME", folder))?;
    let hosts = folder.join("hosts");
    project::write(&hosts, "127.0.0.1 localhost relay\n")?;
    let mut run = relay.beside("unshare");
    run.args(["--mount", "sh", "-c", WITH_HOSTS, "sh"]).arg(&hosts);
    run.arg(caddy).arg("run").args(arguments).arg(file);
    run.env("RELAY_HOST", PROXY).env("HOME", folder);
    let _caddy = Program::start(&mut process::grouped(&run), "serving initial configuration")?;
    let statuses = |client: &str, other: &str, count: usize| {
        let mut curl = relay.beside("curl");
        curl.args(["-sS", "-o", "/dev/null", "-w", "%{http_code}\n", "--interface", client]);
        curl.arg("-H").arg(format!("X-Real-IP: {other}"));
        process::output(curl.arg(format!("{PROXY}/v1/stats?[1-{count}]")))
    };
    let told = statuses("127.0.0.2", "127.0.0.3", LIMIT)?;
    ensure!(told.lines().all(|status| status == "200"), "within the limit:\n{told}");
    for (client, other, wanted) in
        [("127.0.0.2", "127.0.0.4", "429"), ("127.0.0.3", "127.0.0.2", "200")]
    {
        let told = statuses(client, other, 1)?;
        ensure!(told == wanted, "{client}, which says that it is {other}, gets {told}");
    }
    Ok(())
}
