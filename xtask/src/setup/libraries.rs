//! Libraries of `PyPI` that are not ours. Only the tests use them, as the other side.

use std::path::PathBuf;

use anyhow::Result;

use super::python;

/// A library.
#[derive(Debug)]
pub struct Library {
    package: &'static str,
    version: &'static str,
}

/// Verifies what webhooks receive, as many receivers do.
pub const STANDARD_WEBHOOKS: Library = Library { package: "standardwebhooks", version: "1.1.0" };
/// The official client of the Model Context Protocol, which speaks both of its eras.
pub const MCP: Library = Library { package: "mcp", version: "2.3.0" };
/// Reads and writes JWE and JWS: others open what is sealed here.
pub const JWCRYPTO: Library = Library { package: "jwcrypto", version: "1.6.1" };
/// Announces and finds services in a local network: others find a relay, and the client finds theirs.
pub const ZEROCONF: Library = Library { package: "zeroconf", version: "0.154.0" };

/// All of them.
pub const ALL: [Library; 4] = [STANDARD_WEBHOOKS, MCP, JWCRYPTO, ZEROCONF];

impl Library {
    /// The path of a Python that has the library. Installs it if it is missing.
    ///
    /// # Errors
    /// There is no Python, or it could not be installed.
    pub fn python(&self) -> Result<PathBuf> {
        Ok(python::ensure(self.package, self.version)?.join("python"))
    }
}
