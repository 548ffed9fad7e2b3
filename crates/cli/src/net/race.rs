//! Trying the addresses of a host side by side (RFC 8305): IPv6 and IPv4 in turn, each a moment after the one
//! before. The first that answers is used.

use std::{net::SocketAddr, sync::mpsc, thread, time::Duration};
use ureq::{
    Error, Timeout,
    unversioned::{
        resolver::{DefaultResolver, Resolver},
        transport::{ConnectionDetails, Connector, Either, TcpConnector, Transport},
    },
};

/// How long an address may be silent before the next one is tried too.
const HEAD_START: Duration = Duration::from_millis(250);

/// Opens a TCP connection, unless a proxy has opened one.
#[derive(Debug)]
pub(super) struct Race;

type Tcp = <TcpConnector as Connector<()>>::Out;

impl<In: Transport> Connector<In> for Race {
    type Out = Either<In, Tcp>;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        chained: Option<In>,
    ) -> Result<Option<Self::Out>, Error> {
        if chained.is_some() {
            return Ok(chained.map(Either::A));
        }
        let addresses = in_turn(&details.addrs);
        let limit = *details.timeout.after;
        let (uri, config) = (details.uri.clone(), details.config.clone());
        let (now, timeout) = (details.now, details.timeout);
        let (current_time, run) = (details.current_time.clone(), details.run_connector.clone());
        let register = details.register_shutdown.clone();
        let won = race(&addresses, HEAD_START, limit, move |address| {
            let resolver = DefaultResolver::default();
            let mut addrs = resolver.empty();
            addrs.push(address);
            let details = ConnectionDetails {
                uri: &uri,
                addrs,
                config: &config,
                request_level: false,
                resolver: &resolver,
                now,
                timeout,
                current_time: current_time.clone(),
                run_connector: run.clone(),
                register_shutdown: register.clone(),
            };
            TcpConnector::default().connect(&details, None::<()>)
        });
        won.unwrap_or(Err(Error::Timeout(Timeout::Connect))).map(|tcp| tcp.map(Either::B))
    }
}

/// The addresses, those of the two families in turn.
fn in_turn(addresses: &[SocketAddr]) -> Vec<SocketAddr> {
    let is_first = |address: &&SocketAddr| {
        addresses.first().is_some_and(|first| first.is_ipv6() == address.is_ipv6())
    };
    let (first, second): (Vec<&SocketAddr>, Vec<&SocketAddr>) =
        addresses.iter().partition(is_first);
    let rounds = 0..first.len().max(second.len());
    rounds
        .flat_map(|round| [first.get(round), second.get(round)])
        .flatten()
        .map(|one| **one)
        .collect()
}

/// Runs `connect` for one address after the other, each when the one before has failed or was silent for
/// `head_start`. Returns the first success, or the last failure. `None` if nothing came within the limit.
fn race<T: Send + 'static, E: Send + 'static>(
    addresses: &[SocketAddr],
    head_start: Duration,
    limit: Duration,
    connect: impl Fn(SocketAddr) -> Result<T, E> + Clone + Send + 'static,
) -> Option<Result<T, E>> {
    if let [only] = addresses {
        return Some(connect(*only));
    }
    let (sender, receiver) = mpsc::channel();
    let (mut waiting, mut failure) = (0_usize, None);
    let mut left = addresses.iter();
    loop {
        let patience = match left.next() {
            Some(address) => {
                let (sender, connect, address) = (sender.clone(), connect.clone(), *address);
                // A thread whose address stays silent ends with the time limit, or with the process.
                thread::spawn(move || sender.send(connect(address)));
                waiting = waiting.saturating_add(1);
                if left.len() == 0 { limit } else { head_start.min(limit) }
            }
            None if waiting == 0 => return failure,
            None => limit,
        };
        match receiver.recv_timeout(patience) {
            Ok(Ok(won)) => return Some(Ok(won)),
            Ok(failed) => {
                waiting = waiting.saturating_sub(1);
                failure = Some(failed);
            }
            Err(_) if left.len() == 0 => return failure,
            Err(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    const LONG: Duration = Duration::from_mins(10);

    fn addresses(all: &[&str]) -> Vec<SocketAddr> {
        all.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn families_are_tried_in_turn() {
        let all = addresses(&["[::1]:1", "[::2]:1", "1.1.1.1:1", "[::3]:1"]);
        assert_eq!(in_turn(&all), addresses(&["[::1]:1", "1.1.1.1:1", "[::2]:1", "[::3]:1"]));
        assert_eq!(in_turn(&[]), []);
    }

    #[test]
    fn an_address_that_is_silent_for_ever_is_not_waited_for() {
        let all = addresses(&["[2001:db8::1]:1", "192.0.2.1:1"]);
        // Whoever connects to the first address waits for a lock that this test holds.
        let gate = Arc::new(Mutex::new(()));
        let _shut = gate.lock().unwrap();
        let gate = Arc::clone(&gate);
        let won = race(&all, Duration::ZERO, LONG, move |address| {
            if address.is_ipv6() {
                drop(gate.lock());
            }
            Ok::<_, ()>(address)
        });
        assert_eq!(won, Some(Ok(all[1])));
    }

    #[test]
    fn a_failure_leads_to_the_next_address_at_once() {
        let all = addresses(&["[::1]:1", "1.1.1.1:1", "[::2]:1"]);
        let won =
            race(
                &all,
                LONG,
                LONG,
                |address| {
                    if address.is_ipv4() { Ok(address) } else { Err(address) }
                },
            );
        assert_eq!(won, Some(Ok(all[1])));
        let lost = race(&all, LONG, LONG, Err::<(), _>);
        assert!(matches!(lost, Some(Err(_))));
        assert_eq!(race(&[], LONG, LONG, Err::<(), _>), None);
    }
}
