//! The root certificates that are trusted.

use crate::error::{Failure, Kind, Result};
use std::{env, sync::OnceLock};
use ureq::tls::{Certificate, RootCerts};

/// The variables that name certificates in place of the system's.
const VARIABLES: [&str; 2] = ["SSL_CERT_FILE", "SSL_CERT_DIR"];

/// The certificates that the environment names, or else those of the system. A system that has none gets
/// those that were built in.
pub(super) fn load() -> Result<RootCerts> {
    static LOADED: OnceLock<RootCerts> = OnceLock::new();
    if let Some(roots) = LOADED.get() {
        return Ok(roots.clone());
    }
    let found = rustls_native_certs::load_native_certs();
    let named = VARIABLES.into_iter().find(|name| env::var_os(name).is_some());
    let roots = match named {
        Some(name) if found.certs.is_empty() => {
            let why = found.errors.first().map(|error| format!(" ({error})")).unwrap_or_default();
            let message = format!(
                "${name} names no certificates{why}. Correct it, or unset it to trust what the system trusts."
            );
            return Err(Failure::own(Kind::InvalidEnvironment, message));
        }
        None if found.certs.is_empty() => RootCerts::WebPki,
        _ => found.certs.iter().map(|der| Certificate::from_der(der).to_owned()).into(),
    };
    Ok(LOADED.get_or_init(|| roots).clone())
}
