//! A TCP connection to a server, with TLS or without.

use std::{
    io::{Error, ErrorKind, Read, Write},
    net::{TcpStream, ToSocketAddrs},
    sync::Arc,
    time::Duration,
};
use tungstenite::http::Uri;

/// A connection, with TLS or without.
pub(crate) trait Stream: Read + Write + Send {}
impl<T: Read + Write + Send> Stream for T {}

/// Connects. Returns the stream, and the TCP connection below it, whose time limits can be changed.
pub(crate) fn connect(uri: &Uri, limit: Duration) -> Result<(TcpStream, Box<dyn Stream>), Error> {
    let host = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    let is_tls = uri.scheme_str() == Some("wss");
    let port = uri.port_u16().unwrap_or(if is_tls { 443 } else { 80 });
    let mut failed = Error::new(ErrorKind::NotFound, "there is no such host");
    for address in (host, port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, limit) {
            Ok(tcp) => {
                tcp.set_read_timeout(Some(limit))?;
                tcp.set_write_timeout(Some(limit))?;
                tcp.set_nodelay(true)?;
                let plain = tcp.try_clone()?;
                let stream: Box<dyn Stream> =
                    if is_tls { Box::new(secure(plain, host)?) } else { Box::new(plain) };
                return Ok((tcp, stream));
            }
            Err(error) => failed = error,
        }
    }
    Err(failed)
}

/// TLS with the root certificates that all other requests trust.
fn secure(
    tcp: TcpStream,
    host: &str,
) -> Result<rustls::StreamOwned<rustls::ClientConnection, TcpStream>, Error> {
    let roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(Error::other)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = rustls::pki_types::ServerName::try_from(host.to_owned()).map_err(Error::other)?;
    let session = rustls::ClientConnection::new(Arc::new(config), name).map_err(Error::other)?;
    Ok(rustls::StreamOwned::new(session, tcp))
}
