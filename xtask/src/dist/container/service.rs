//! The unit for systemd: the image's system gets systemd, which starts it in a container, with the relay as a service.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::image::Image;
use crate::process;
use crate::project;

const PACKAGES: &str = "apt-get update -q && apt-get install -q -y --no-install-recommends \
                        systemd systemd-sysv dbus";
/// Where npm has installed the relay.
const UNIT: &str = "usr/local/lib/node_modules/nexus-relay/nexus-relay.service";
/// What uses the service, and says this at its end.
const SCRIPT: &str = include_str!("service.mjs");
const WORKS: &str = "The service works.";
/// Runs [`SCRIPT`] beside the service, and ends the system.
const CHECK: &str = "[Unit]\nAfter=nexus-relay.service\n\n[Service]\nType=oneshot\nEnvironment=HOME=/root\n\
                     ExecStart=/bin/sh -c 'node /check.mjs > /check.log 2>&1; systemctl --no-block poweroff'\n";

/// Starts the system, and uses the service.
pub(super) fn check(image: &Image) -> Result<()> {
    image.run_as_root(PACKAGES)?;
    let units = image.root.join("etc/systemd/system");
    let wanted = units.join("multi-user.target.wants");
    project::create_folder(&wanted)?;
    fs::copy(image.root.join(UNIT), units.join("nexus-relay.service")).context(UNIT)?;
    project::write(&units.join("check.service"), CHECK)?;
    for unit in ["nexus-relay.service", "check.service"] {
        std::os::unix::fs::symlink(format!("../{unit}"), wanted.join(unit)).context(unit)?;
    }
    project::write(&image.root.join("check.mjs"), SCRIPT)?;
    certify(&image.root.join("root"))?;
    let log = image.root.join("boot.log");
    let mut system = Command::new("systemd-nspawn");
    system.args(["--boot", "--quiet", "--register=no", "--keep-unit", "--private-network"]);
    system.arg("--machine=nexus-relay").arg("--directory").arg(&image.root);
    let output = File::create(&log).context("no file for what systemd says")?;
    system.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
    process::run_within(Duration::from_mins(5), &mut system)
        .with_context(|| project::read(&log).unwrap_or_default())?;
    let told = project::read(&image.root.join("check.log"))?;
    ensure!(told.trim_end().ends_with(WORKS), "nexus-relay.service:\n{told}");
    println!("{WORKS}");
    Ok(())
}

/// Makes a certificate and its private key, as docs/self-host.md says.
fn certify(folder: &Path) -> Result<()> {
    let mut openssl = Command::new("openssl");
    openssl.current_dir(folder).args(["req", "-x509", "-newkey", "ec"]);
    openssl.args(["-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "365"]);
    openssl.args(["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]);
    openssl.args(["-addext", "basicConstraints=critical,CA:FALSE"]);
    process::run(openssl.args(["-keyout", "key.pem", "-out", "cert.pem"]))
}
