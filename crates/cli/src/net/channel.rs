//! Connections for sockets, opened as those of requests are.

use super::{config, connector};
use crate::error::Result;
use std::{
    io::{self, Read, Write},
    sync::Arc,
    time::Duration,
};
use ureq::{
    Error, Timeout,
    http::{Uri, uri::Scheme},
    unversioned::{
        resolver::{DefaultResolver, Resolver},
        transport::{
            ConnectionDetails, Connector, NextTimeout, Transport, TransportAdapter,
            time::{Duration as Limit, Instant},
        },
    },
};

/// A connection, with TLS or without, whose every read and write has a time limit.
pub(crate) struct Channel {
    inner: TransportAdapter,
    limit: Duration,
}

impl Channel {
    /// Sets how long each read and write may take from now on.
    pub(crate) fn set_limit(&mut self, limit: Duration) {
        self.limit = limit;
    }

    fn again(&mut self) {
        self.inner.set_timeout(within(self.limit));
    }
}

impl Read for Channel {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.again();
        self.inner.read(buffer).map_err(timed_out)
    }
}

impl Write for Channel {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.again();
        self.inner.write(buffer).map_err(timed_out)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

fn within(limit: Duration) -> NextTimeout {
    NextTimeout { after: Limit::Exact(limit), reason: Timeout::Connect, ..NextTimeout::default() }
}

/// A time limit that has passed, as sockets report it.
fn timed_out(error: io::Error) -> io::Error {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
    if matches!(inner, Some(Error::Timeout(_))) { io::ErrorKind::TimedOut.into() } else { error }
}

/// Connects to the host of a `ws` or `wss` URL.
pub(crate) fn connect(url: &Uri, limit: Duration) -> Result<Channel, String> {
    let uri = of_requests(url).ok_or("its address is not one of a socket")?;
    let config = config(&uri, limit).map_err(|failure| failure.sentence())?;
    open(&uri, &config, limit).map_err(|error| error.to_string())
}

/// `ws` becomes `http`, and `wss` becomes `https`.
fn of_requests(url: &Uri) -> Option<Uri> {
    let is_tls = matches!(url.scheme_str(), Some("wss" | "https"));
    let mut parts = url.clone().into_parts();
    parts.scheme = Some(if is_tls { Scheme::HTTPS } else { Scheme::HTTP });
    Uri::from_parts(parts).ok()
}

fn open(uri: &Uri, config: &ureq::config::Config, limit: Duration) -> Result<Channel, Error> {
    let (resolver, timeout) = (DefaultResolver::default(), within(limit));
    let is_direct = config.proxy().is_none_or(ureq::Proxy::resolve_target);
    let addrs = if is_direct { resolver.resolve(uri, config, timeout)? } else { resolver.empty() };
    let run: Arc<Run> = Arc::new(|details| {
        let opened = connector().connect(details, None)?;
        opened.map(Transport::boxed).ok_or(Error::ConnectionFailed)
    });
    let details = ConnectionDetails {
        uri,
        addrs,
        config,
        request_level: false,
        resolver: &resolver,
        now: Instant::now(),
        timeout,
        current_time: Arc::new(Instant::now),
        run_connector: Arc::clone(&run),
        register_shutdown: Arc::new(|_| Ok(())),
    };
    let transport = run(&details)?;
    Ok(Channel { inner: TransportAdapter::new(transport, Arc::new(Instant::now)), limit })
}

/// Opens a connection with everything that it needs.
type Run = dyn Fn(&ConnectionDetails<'_>) -> Result<Box<dyn Transport>, Error> + Send + Sync;
