//! `cargo xtask dev`: serves the relay on this machine until Ctrl-C.

use std::path::PathBuf;

use anyhow::Result;

use crate::project::Project;
use crate::relay::Relay;
use crate::{setup, worker};

/// How to serve.
#[derive(Debug)]
pub struct Options {
    /// The port on localhost.
    pub port: u16,
    /// Requests per minute per client. 0 sets no limit, and `None` keeps the limits of
    /// `wrangler.toml`.
    pub rate_limit: Option<u32>,
    /// The folder for the data, relative to the checkout.
    pub state: PathBuf,
    /// Variables with other values than in `wrangler.toml`.
    pub vars: Vec<(String, String)>,
}

/// Sets up, builds and serves. Returns only if the relay ends: Ctrl-C ends this process, and the
/// relay ends with it.
///
/// # Errors
/// The relay could not be built or started, or it ended by itself.
pub fn run(project: &Project, options: &Options) -> Result<()> {
    if setup::is_new(project) {
        println!("First run: about 6 minutes; later ones: seconds.");
    }
    worker::build(&setup::ensure(project)?)?;
    let mut builder = Relay::builder()
        .port(options.port)
        .localhost(true)
        .echo_log(true)
        .state_dir(project.path(&options.state));
    builder = match options.rate_limit {
        Some(limit) => builder.rate_limit(Some(limit)),
        None => builder.configured_rate_limits(),
    };
    for (name, value) in &options.vars {
        builder = builder.var(name, value);
    }
    let mut relay = builder.start()?;
    println!(
        "The relay answers on http://localhost:{} and keeps its data in {}. Ctrl-C stops it.",
        relay.port(),
        options.state.display()
    );
    println!(
        "To use it with the client: nexus config set-url http://localhost:{0} (for one shell: export NEXUS_URL=http://localhost:{0})",
        relay.port()
    );
    relay.wait()
}
