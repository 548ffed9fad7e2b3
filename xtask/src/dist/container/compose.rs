//! What `compose.yaml` says, checked and completed by docker-compose.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use serde_json::Value;

use crate::process;
use crate::setup::container::PYTHON;

const TO_JSON: &str = "import json, sys, yaml; print(json.dumps(yaml.safe_load(sys.argv[1])))";

/// The file.
#[derive(Debug, Deserialize)]
pub(super) struct Compose {
    pub(super) services: Services,
}

#[derive(Debug, Deserialize)]
pub(super) struct Services {
    pub(super) relay: Service,
    pub(super) caddy: Proxy,
}

/// The relay: how it is built and run.
#[derive(Debug, Deserialize)]
pub(super) struct Service {
    pub(super) build: Build,
    pub(super) command: Vec<String>,
    pub(super) environment: BTreeMap<String, String>,
    pub(super) read_only: bool,
    pub(super) tmpfs: Vec<String>,
    pub(super) cap_drop: Vec<String>,
    pub(super) security_opt: Vec<String>,
    volumes: Vec<Value>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Build {
    pub(super) dockerfile: String,
}

/// What is in front of it.
#[derive(Debug, Deserialize)]
pub(super) struct Proxy {
    volumes: Vec<Value>,
}

impl Compose {
    /// Reads the one in a folder, for a relay of this name.
    pub(super) fn read(folder: &Path, host: &str) -> Result<Self> {
        let mut compose = Command::new("docker-compose");
        compose.current_dir(folder).env_remove("ADMIN_TOKEN").env("RELAY_HOST", host).arg("config");
        let mut python = Command::new(PYTHON);
        let text = process::output(python.args(["-c", TO_JSON, &process::output(&mut compose)?]))?;
        serde_json::from_str(&text)
            .context("compose.yaml says something else than the check expects")
    }
}

impl Service {
    /// The one volume, by its name, and where it is mounted.
    pub(super) fn volume(&self) -> Result<(&str, &str)> {
        match mounts(&self.volumes).as_slice() {
            [volume] if !volume.0.contains('/') => Ok(*volume),
            mounts => bail!("the relay needs one volume, and compose.yaml mounts {mounts:?}"),
        }
    }
}

impl Proxy {
    /// The file that it finds at this path.
    pub(super) fn file(&self, path: &str) -> Result<&Path> {
        let mounts = mounts(&self.volumes);
        let found = mounts.into_iter().find(|(_, target)| *target == path);
        Ok(Path::new(found.with_context(|| format!("compose.yaml mounts no {path}"))?.0))
    }
}

/// What is mounted where, in both forms that docker-compose writes.
fn mounts(volumes: &[Value]) -> Vec<(&str, &str)> {
    volumes.iter().filter_map(mount).collect()
}

fn mount(volume: &Value) -> Option<(&str, &str)> {
    let Some(text) = volume.as_str() else {
        return Some((volume["source"].as_str()?, volume["target"].as_str()?));
    };
    let mut parts = text.split(':');
    Some((parts.next()?, parts.next()?))
}
