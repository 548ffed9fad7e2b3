//! Stands between clients and a relay, passes everything on, and keeps what the relay was sent.

use std::io::{Read, Result, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// What browsers offer for their sockets, and what it becomes here, so that nothing is compressed.
const COMPRESSION: &[u8] = b"Sec-WebSocket-Extensions:";
const NO_COMPRESSION: &[u8] = b"Not-WebSocket-Extensions:";

/// A listener in front of a relay. It ends with the process.
#[derive(Debug)]
pub struct Tap {
    port: u16,
    sent: Sent,
}

/// What came over each connection.
type Sent = Arc<Mutex<Vec<Vec<u8>>>>;

impl Tap {
    /// Starts one in front of the relay at this port.
    ///
    /// # Errors
    /// No port is free.
    pub fn start(relay: u16) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port();
        let sent = Sent::default();
        let all = Arc::clone(&sent);
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let all = Arc::clone(&all);
                thread::spawn(move || serve(&client, relay, &all));
            }
        });
        Ok(Self { port, sent })
    }

    /// Its URL, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// What came over each connection so far: request lines, headers and bodies. Of a socket, its frames without
    /// their masks.
    #[must_use]
    pub fn sent(&self) -> Vec<Vec<u8>> {
        let sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        sent.iter().map(|bytes| unmasked(bytes)).collect()
    }
}

/// A connection that breaks on one side is over on both.
fn serve(client: &TcpStream, relay: u16, sent: &Sent) {
    let Ok(relay) = TcpStream::connect((Ipv4Addr::LOCALHOST, relay)) else { return };
    // What is short must not wait for more.
    let _ = (client.set_nodelay(true), relay.set_nodelay(true));
    let lock = || sent.lock().unwrap_or_else(PoisonError::into_inner);
    let at = {
        let mut sent = lock();
        sent.push(Vec::new());
        sent.len().saturating_sub(1)
    };
    thread::scope(|scope| {
        scope.spawn(|| pass(&relay, client, |_| {}));
        pass(client, &relay, |bytes| {
            replace(bytes, COMPRESSION, NO_COMPRESSION);
            if let Some(all) = lock().get_mut(at) {
                all.extend_from_slice(bytes);
            }
        });
    });
}

fn pass(mut from: &TcpStream, mut to: &TcpStream, mut keep: impl FnMut(&mut [u8])) {
    let mut chunk = vec![0; 64 << 10];
    while let Ok(read) = from.read(&mut chunk) {
        let bytes = chunk.get_mut(..read).unwrap_or_default();
        keep(bytes);
        if read == 0 || to.write_all(bytes).is_err() {
            break;
        }
    }
    let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
}

/// Replaces a text by another of the same length.
fn replace(bytes: &mut [u8], from: &[u8], to: &[u8]) {
    let found = bytes.windows(from.len()).position(|part| part.eq_ignore_ascii_case(from));
    let place = found.and_then(|at| bytes.get_mut(at..at.saturating_add(to.len())));
    if let Some(place) = place {
        place.copy_from_slice(to);
    }
}

/// The bytes of a connection. If it became a socket, its frames are without their masks (RFC 6455, section 5.2).
fn unmasked(bytes: &[u8]) -> Vec<u8> {
    const UPGRADE: &[u8] = b"\r\nUpgrade: websocket\r\n";
    const END: &[u8] = b"\r\n\r\n";
    let find = |bytes: &[u8], what: &[u8]| {
        bytes.windows(what.len()).position(|part| part.eq_ignore_ascii_case(what))
    };
    let upgrade = find(bytes, UPGRADE).and_then(|at| {
        let end = find(bytes.get(at..)?, END)?;
        bytes.split_at_checked(at.checked_add(end)?.checked_add(END.len())?)
    });
    let Some((head, mut frames)) = upgrade else { return bytes.to_vec() };
    let mut told = head.to_vec();
    while let Some((frame, rest)) = first_frame(frames) {
        told.extend(frame);
        told.push(b'\n');
        frames = rest;
    }
    told
}

/// What the first frame says, and what follows it.
fn first_frame(bytes: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let ([_, length], rest) = bytes.split_first_chunk()?;
    let (length, rest) = match length & 0x7f {
        126 => {
            rest.split_first_chunk().map(|(two, rest)| (u16::from_be_bytes(*two).into(), rest))?
        }
        127 => rest.split_first_chunk().map(|(eight, rest)| (u64::from_be_bytes(*eight), rest))?,
        length => (length.into(), rest),
    };
    let (mask, rest) = rest.split_first_chunk::<4>()?;
    let (payload, rest) = rest.split_at_checked(usize::try_from(length).ok()?)?;
    let told = payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask);
    Some((told.collect(), rest))
}

#[cfg(test)]
mod tests {
    use super::{COMPRESSION, NO_COMPRESSION, replace, unmasked};

    #[test]
    fn frames_of_every_length_lose_their_masks() {
        let mut bytes = b"GET / HTTP/1.1\r\nupgrade: WebSocket\r\nA: b\r\n\r\n".to_vec();
        let mut expected = bytes.clone();
        for length in [0_usize, 1, 5, 125, 126, 127, 65_535, 65_536, 70_000] {
            let text: Vec<u8> =
                (0..length).map(|at| b'a' + u8::try_from(at % 26).unwrap()).collect();
            bytes.push(0x81);
            match u16::try_from(length) {
                Ok(short) if short < 126 => bytes.push(0x80 | u8::try_from(short).unwrap()),
                Ok(middle) => {
                    bytes.push(0xfe);
                    bytes.extend(middle.to_be_bytes());
                }
                Err(_) => {
                    bytes.push(0xff);
                    bytes.extend((length as u64).to_be_bytes());
                }
            }
            let mask = [7, 0, 255, 90];
            bytes.extend(mask);
            bytes.extend(text.iter().enumerate().map(|(at, byte)| byte ^ mask[at % 4]));
            expected.extend(text);
            expected.push(b'\n');
        }
        assert_eq!(unmasked(&bytes), expected);
        let request = b"POST / HTTP/1.1\r\n\r\nbody".to_vec();
        assert_eq!(unmasked(&request), request);
    }

    #[test]
    fn nobody_is_offered_compression() {
        let mut bytes = b"GET / HTTP/1.1\r\nsec-websocket-extensions: permessage-deflate".to_vec();
        replace(&mut bytes, COMPRESSION, NO_COMPRESSION);
        assert!(bytes.ends_with(b"Not-WebSocket-Extensions: permessage-deflate"));
    }
}
