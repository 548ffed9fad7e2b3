//! Ports for servers that are stopped and must get theirs back.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::net::{Ipv4Addr, TcpListener};
use std::ops::Range;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU16, Ordering};

use anyhow::{Context, Result};

/// Below those that kernels lend to connections, beginning at 32,768 on Linux and at 49,152 on macOS. While a server
/// is down, a connection could get its port otherwise; a client that keeps trying to reach it connects to itself.
const PORTS: Range<u16> = 12_000..32_000;

/// How often the next port is tried.
const TRIES: usize = 500;

/// How many ports this process has tried, from a place of its own: so two servers that are started at once, here
/// or by another process, are not given the same one.
static TRIED: LazyLock<AtomicU16> = LazyLock::new(|| {
    let [first, second, ..] = RandomState::new().hash_one(0).to_le_bytes();
    AtomicU16::new(u16::from_le_bytes([first, second]))
});

/// A port on which nobody listens, and which no connection is given.
///
/// # Errors
/// Hundreds in a row are taken.
pub fn free_port() -> Result<u16> {
    let count = PORTS.end.saturating_sub(PORTS.start);
    let mut ports = (0..TRIES).map(|_| {
        let tried = TRIED.fetch_add(1, Ordering::Relaxed);
        PORTS.start.saturating_add(tried.checked_rem(count).unwrap_or_default())
    });
    let free = |port: &u16| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok();
    ports.find(free).context("no port is free")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_that_is_taken_is_left_out_and_none_is_given_twice() {
        let first = free_port().unwrap();
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, first)).unwrap();
        let others: Vec<u16> = (0..50).map(|_| free_port().unwrap()).collect();
        assert!(others.iter().all(|port| PORTS.contains(port) && *port != first), "{others:?}");
        drop(taken);
    }
}
