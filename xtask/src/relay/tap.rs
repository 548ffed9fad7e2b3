//! Stands between clients and a relay, passes everything on, and keeps what the relay was sent.

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

/// A listener in front of a relay. It ends with the test's process.
pub struct Tap {
    /// Its address.
    pub url: String,
    sent: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Tap {
    /// Starts one in front of the relay at `relay`.
    pub fn start(relay: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let relay = relay.trim_start_matches("http://").to_owned();
        let sent = Arc::<Mutex<Vec<Vec<u8>>>>::default();
        let all = Arc::clone(&sent);
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let (relay, all) = (relay.clone(), Arc::clone(&all));
                thread::spawn(move || serve(&client, &relay, &all));
            }
        });
        Self { url, sent }
    }

    /// What came over each connection so far: request lines, headers and bodies. The frames of a socket are masked
    /// there, as its protocol demands.
    pub fn sent(&self) -> Vec<Vec<u8>> {
        self.sent.lock().expect("no panic").clone()
    }
}

/// A connection that breaks on one side is over on both.
fn serve(client: &TcpStream, relay: &str, sent: &Mutex<Vec<Vec<u8>>>) {
    let Ok(relay) = TcpStream::connect(relay) else { return };
    let at = {
        let mut sent = sent.lock().expect("no panic");
        sent.push(Vec::new());
        sent.len() - 1
    };
    thread::scope(|scope| {
        scope.spawn(|| pass(&relay, client, |_| {}));
        pass(client, &relay, |bytes| {
            sent.lock().expect("no panic")[at].extend_from_slice(bytes);
        });
    });
}

fn pass(mut from: &TcpStream, mut to: &TcpStream, mut keep: impl FnMut(&[u8])) {
    let mut chunk = vec![0; 64 << 10];
    while let Ok(read) = from.read(&mut chunk) {
        keep(&chunk[..read]);
        if read == 0 || to.write_all(&chunk[..read]).is_err() {
            break;
        }
    }
    let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
}
